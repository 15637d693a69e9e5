"""Where trajectories begin: at random, in order, in configurations that are given, or where a run stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import xarray as xr

from xglass.checks import in_label_order, in_model_units, require
from xglass.lattice.waves import stripes
from xglass.messages import NotFoundError, warn
from xglass.models.common import GEOMETRY
from xglass.solvers.tasks import Input
from xglass.solvers.trajectories import particle_numbers

__all__ = ["SHORTCUT_ATTRS", "Start", "start_of"]


def __dir__() -> list[str]:
    return __all__


#: Configurations and patterns where there are none: dask has no empty chunks.
NO_CONFIGURATION: Input = (xr.DataArray(np.zeros(1, np.int8), dims="configuration"), ["configuration"])
NO_PATTERN: Input = (
    xr.DataArray(np.zeros((1, 1), np.int8), dims=("pattern", "choice")),
    ["pattern", "choice"],
)

#: What else must agree for a run to go on as if it had never stopped, besides its attrs: the geometry, and
#: what the weights and the streams of its trajectories are made of.
OF_TRAJECTORIES = ("T", "t_p", "eta", "filling", "centred", "hopping", "interaction", "site_energy")
LABELS = ("realization", "walker")

#: What a run records of the estimates that could reject in it.
SHORTCUT_ATTRS = ("shortcut_window", "shortcut_audit")

#: How a message about a run that cannot be continued ends.
NEW_PREPARATION = (
    "For a new preparation from its last states pass start=run['occupation'].isel(sweep=-1, drop=True) with "
    "another seed"
)


@dataclass(frozen=True)
class Start:
    """Where trajectories begin: before which sweep, and in which configurations."""

    name: str
    sweep: int = 0
    continued: bool = False
    configurations: Input = NO_CONFIGURATION
    patterns: Input = NO_PATTERN
    #: Configurations that were given, as the run records them; None of a lazy or named start.
    given: xr.DataArray | None = None


def start_of(
    start: Any, point: xr.Dataset, walkers: np.ndarray, sizes: dict[str, int], attrs: dict[str, Any]
) -> Start:
    """The start that was asked for, checked; ``attrs`` are those of the run that begins there."""
    if isinstance(start, str) and start == "random":
        return Start("random")
    if isinstance(start, str) and start == "ordered":
        return Start("ordered", patterns=(_stripe_patterns(point), ["pattern", "choice"]))
    if isinstance(start, xr.Dataset):
        return _continued(start, point, walkers, sizes, attrs)
    if not isinstance(start, xr.DataArray):
        raise ValueError(
            f"start must be 'random', 'ordered', a DataArray of occupations or a run, got {start!r}"
        )
    checked = _given_start(start, point, walkers, sizes)
    if start.attrs.get("seed") == attrs["seed"] and _may_share_a_stream(start, point, walkers):
        warn(
            f"start: the occupations were taken from a run with seed = {attrs['seed']}, T, parameters and "
            "walkers that are asked for again, so that the random numbers which led to them are repeated; "
            "give another seed, or start=run to continue the run"
        )
    return Start(
        "given",
        configurations=(checked.rename(site="configuration"), ["configuration"]),
        given=checked if start.chunks is None else None,
    )


def _given_start(
    start: xr.DataArray,
    model: xr.Dataset,
    walkers: np.ndarray,
    sizes: dict[str, int],
) -> xr.DataArray:
    """Return occupations to start from, with labels checked; lazy ones are checked when they are computed."""
    particles = particle_numbers(model["filling"], model.sizes["site"])
    alien = [d for d in start.dims if d not in sizes and d != "site"]
    if "site" not in start.dims or alien:
        raise ValueError(
            f"start has dimensions {start.dims}; it needs 'site' and may have {[*sizes]} besides"
        )
    if start.sizes["site"] != model.sizes["site"]:
        raise ValueError(f"start has {start.sizes['site']} sites, the model has {model.sizes['site']}")
    start = in_label_order("start", start)
    if start.dtype.kind not in "iub":
        raise TypeError(
            f"start must hold occupations as whole numbers, got {start.dtype}; averaged occupations "
            "are no configuration"
        )
    for dim in (d for d in start.dims if d != "site"):
        wanted = walkers if dim == "walker" else model[dim].values
        given = start[dim].values
        if dim not in start.coords:
            if start.sizes[dim] != len(wanted):
                raise ValueError(
                    f"start has {start.sizes[dim]} entries along {dim!r} without labels, "
                    f"{len(wanted)} are asked for"
                )
        elif not np.isin(wanted, given).all():
            raise ValueError(
                f"start lacks some of the {dim} asked for: it holds {given.tolist()[:8]}, asked for "
                f"{wanted.tolist()[:8]}"
            )
        else:
            start = start.sel({dim: wanted})
    configurations = start.transpose(..., "site")
    if start.chunks is None:
        numbers = xr.DataArray(configurations.variable).sum("site")
        if not ((configurations == 0) | (configurations == 1)).all():
            raise ValueError(
                f"start must hold occupations 0 or 1, got values from {int(start.min())} to "
                f"{int(start.max())}"
            )
        if (numbers != xr.DataArray(particles.variable)).any():
            raise ValueError(
                f"start holds {sorted(set(numbers.values.ravel().tolist()))} particles, the filling "
                f"asks for {particles.values.tolist()}"
            )
    return configurations.astype(np.int8).drop_attrs()


def _continued(
    run: xr.Dataset, point: xr.Dataset, walkers: np.ndarray, sizes: dict[str, int], attrs: dict[str, Any]
) -> Start:
    """The last states of a run, and how it began itself."""
    require(run, "occupation", caller="metropolis (start)")
    if "sweep" not in run["occupation"].dims or "sweep" not in run.coords:
        raise ValueError(
            "start: a run to be continued needs its dimension 'sweep'; for one configuration "
            "pass its DataArray 'occupation'"
        )
    compared = {name: run.variables[name] for name in OF_TRAJECTORIES if name in run.coords}
    in_model_units("metropolis (start)", **compared)
    if not run.indexes["sweep"].is_monotonic_increasing:
        raise ValueError(
            "start: the sweeps of the run to be continued are not in order; write .sortby('sweep') before it"
        )
    last = _given_start(run["occupation"].isel(sweep=-1, drop=True), point, walkers, sizes)
    _check_same_run(run, point, walkers, attrs)
    origin = run.coords.get("start")
    return Start(
        str(run.attrs["start"]),
        sweep=int(run["sweep"][-1]),
        continued=True,
        configurations=(last.rename(site="configuration"), ["configuration"]),
        given=None
        if origin is None or origin.chunks is not None
        else _given_start(origin, point, walkers, sizes),
    )


def _check_same_run(run: xr.Dataset, point: xr.Dataset, walkers: np.ndarray, attrs: dict[str, Any]) -> None:
    """Raise unless the run is the one that would be continued (what is swept is matched by label)."""
    if SHORTCUT_ATTRS[0] in attrs and SHORTCUT_ATTRS[0] not in run.attrs and "solver" in run.attrs:
        _refuse_continuation("was made without the shortcut that is asked for")
    if lost := [name for name in (*attrs, "start") if name not in run.attrs]:
        if run.attrs.get("solver", attrs["solver"]) != attrs["solver"]:
            _refuse_continuation(f"has solver = {run.attrs['solver']!r}, not {attrs['solver']!r}")
        raise NotFoundError(
            f"start: the attrs of the run to be continued lack {lost}, and nothing tells which run it is; "
            f"arithmetic and means drop them. {NEW_PREPARATION}"
        )
    for name, value in attrs.items():
        if run.attrs[name] != value:
            _refuse_continuation(f"has {name} = {run.attrs[name]!r}, not {value!r}")
    for name in SHORTCUT_ATTRS:
        if name in run.attrs and name not in attrs:
            _refuse_continuation("was made with a shortcut, which is not asked for")
    asked = point.assign_coords(walker=walkers)
    for name in (*GEOMETRY, *OF_TRAJECTORIES, *LABELS):
        there, here = run.coords.get(name), asked.coords.get(name)
        if there is None and here is None:
            continue
        if there is None:
            _refuse_continuation(f"has no {name!r} (pass all of it: picking variables and drop_vars lose it)")
        if here is None:
            _refuse_continuation(f"has {name!r}, unlike what is asked for")
        there = there.compute(scheduler="synchronous")
        if not _agree(there, here):
            _refuse_continuation(_difference(name, there, here))


def _refuse_continuation(difference: str) -> NoReturn:
    raise ValueError(
        f"start: the run to be continued {difference}. To continue it pass it as the model too, with its own "
        f"T, seed, weight and moves. {NEW_PREPARATION}"
    )


def _agree(there: xr.DataArray, here: xr.DataArray) -> bool:
    """Whether a coordinate of a run has the values of ``here`` at the labels of ``here``."""
    for dim in (dim for dim in there.dims if dim in there.indexes and dim in here.indexes):
        if not here.indexes[dim].isin(there.indexes[dim]).all():
            return False
        there = there.sel({dim: here.indexes[dim]})
    try:
        there, here = xr.broadcast(xr.DataArray(there.variable), xr.DataArray(here.variable))
    except ValueError:  # other sizes
        return False
    return np.array_equal(there.values, here.transpose(*there.dims).values)


def _difference(name: str, there: xr.DataArray, here: xr.DataArray) -> str:
    """Say what differs between a coordinate of a run and what is asked for."""
    if name in GEOMETRY:
        return f"is on another lattice ({name!r} differs)"
    if there.ndim == here.ndim == 0:
        return f"has {name} = {there.item()}, not {here.item()}"
    if name == "interaction" and {*there.dims} == {*here.dims} == {"site", "site2"}:
        own, other = there.transpose(*here.dims).values, here.values
        if np.array_equal(*(matrix - np.diag(np.diag(matrix)) for matrix in (own, other))):
            return f"has another self_image (diagonal of the interaction: {own[0, 0]:g}, not {other[0, 0]:g})"
    if name in ("walker", "T"):
        return f"has {name} = {there.values.tolist()}, not {here.values.tolist()}"
    return f"has another {name}"


def _may_share_a_stream(start: xr.DataArray, point: xr.Dataset, walkers: np.ndarray) -> bool:
    """Whether some trajectory has the labels of one from which the occupations were taken, for all that is
    known of them: what the array does not carry is taken to agree.
    """
    asked = point.assign_coords(walker=walkers)
    names = [
        name
        for name in ("T", "t_p", "eta", "filling", *LABELS)
        if name in start.coords and name in asked.coords
    ]
    return all(np.isin(asked[name].values, start[name].values).any() for name in names)


def _stripe_patterns(model: xr.Dataset) -> xr.DataArray:
    """(pattern, choice) stripe states, over sites, of a half-filled triangular or square lattice;
    site 0 is occupied.
    """
    names, waves = stripes(model)
    if not names or names[0].startswith("(") or (model["filling"] != 0.5).any():
        raise ValueError(
            "start='ordered' exists for the triangular and square lattice with an even side at "
            "filling 1/2, not for "
            f"{model['cells'].values.tolist()} cells of {model.sizes['axis']} dimensions at filling "
            f"{model['filling'].values.tolist()}; "
            f"pass the pattern as a DataArray over site"
        )
    phases = np.cos(model["position"].values @ waves.T)
    return xr.DataArray((phases.T > 0.0).astype(np.int8), dims=("pattern", "choice"))
