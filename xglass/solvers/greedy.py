"""Quenches to states that no single move lowers."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import refuse, require
from xglass.engine.charge import greedy as engine
from xglass.engine.charge.metropolis import MOVES
from xglass.engine.core.streams import RULE_VERSION
from xglass.lattice.whole import require_whole
from xglass.messages import public
from xglass.models.common import with_labels
from xglass.solvers import tasks
from xglass.solvers.starts import start_of
from xglass.solvers.tasks import Output
from xglass.solvers.trajectories import (
    check_moves,
    particle_numbers,
    walker_identifiers,
)
from xglass.units.parameters import Chunks, Labels
from xglass.variables import energy_unit, stamp

__all__ = ["greedy"]


def __dir__() -> list[str]:
    return __all__


#: What quenches record, in the order of the engine.
OF_QUENCHES: dict[str, Output] = {
    "occupation": (["site"], np.int8),
    "electrostatic_energy": ([], np.float64),
}


@public
def greedy(
    model: xr.Dataset,
    *,
    start: str | xr.DataArray | xr.Dataset = "random",
    walker: Labels | None = None,
    moves: str = "exchange",
    seed: int,
    chunks: Chunks = "auto",
) -> xr.Dataset:
    """Quench charges to states whose electrostatic energy no single move lowers.

    One site after another exchanges its occupation with the partner that lowers the energy most, until none
    does: the stable states of a quench to T = 0. Energies are whole numbers of a small unit, so that "lower"
    has no rounding.

    Parameters
    ----------
    model : Dataset
        Model of :func:`charge_glass`; its hopping is not looked at.
    start : {"random"}, DataArray or Dataset
        "random", occupations over site (and walker and parameters), or a run, each walker from its last
        sweep.
    walker : int or sequence of int, optional
        Number of quenches, or their identifiers (whole numbers >= 0); default those of ``start``, or one.
    moves : {"exchange", "neighbour"}
        Whether any two sites, or only neighbours, exchange occupations.
    seed : int
        0 <= seed < 2^64: of random starts.
    chunks : {"auto"}, dict or None
        "auto" (lazy; tasks of about a second), {dimension: size}, or None (compute now).

    Returns
    -------
    Dataset
        ``occupation(..., walker, site)`` int8 and ``electrostatic_energy(..., walker)`` (with site energies);
        coords of the model, and ``T`` where the start has temperatures.

    Raises
    ------
    ValueError
    TypeError
    KeyError
        Naming the argument: another model, unknown moves, a start with the wrong shape or particle number, a
        filling that is no whole number of particles.

    Notes
    -----
    A move and the search for it take N operations, the last check N^2: about 0.1 s for 4096 sites.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(6), self_image="include")
    >>> states = xg.greedy(glass, walker=4, seed=1)
    >>> states["occupation"].dims
    ('walker', 'site')
    """
    caller = "greedy"
    if not isinstance(moves, str) or moves not in MOVES:
        raise ValueError(f"moves must be one of {', '.join(map(repr, MOVES))}, got {moves!r}")
    refuse(
        caller,
        (
            isinstance(start, str) and start != "random",
            f"start must be 'random', a DataArray of occupations or a run, got {start!r}",
        ),
    )
    seed = checks.seed(seed)
    point = _point(model, start, caller)
    particle_numbers(point["filling"], point.sizes["site"])
    check_moves(point, moves)
    start, identifiers = _start_and_walkers(start, walker, caller)
    labels = point["filling"].drop_vars(point["filling"].coords).expand_dims("label", axis=-1)
    inputs: dict[str, Any] = {
        "interaction": (point["interaction"], ["site", "site2"]),
        "site_energy": (point["site_energy"], ["site"]),
        "reference": (point["filling"] * point["centred"], []),
        "labels": (xr.DataArray(labels.variable), ["label"]),
        "realization": (point.get("realization", xr.DataArray(0)), []),
        "walker": (xr.DataArray(identifiers, dims="walker"), []),
    }
    attrs = {"solver": caller, "moves": moves, "seed": str(seed), "rule_version": RULE_VERSION}
    sizes = tasks.loops(inputs.values())
    swept = {str(dim): n for dim, n in point.sizes.items() if dim in getattr(start, "dims", ())}
    swept.pop("site", None)
    begin = start_of(start, point, identifiers, sizes | swept, attrs | {"seed": "none"})
    inputs["start"] = begin.configurations
    inputs |= {name: (point[name], ["bond"]) for name in ("bond_source", "bond_target")}
    sites = point.sizes["site"]
    plan = tasks.planned(
        chunks, tasks.loops(inputs.values()), caller=caller, seconds=5e-9 * sites**2, nbytes=float(sites)
    )
    settings = {"seed": seed, "moves": moves}
    results = tasks.applied(engine.quenches, inputs, OF_QUENCHES, plan, settings=settings)
    states = point
    for name, result in results.items():
        order = [d for d in point.dims if d in result.dims and d != "site"] + ["walker", "site"]
        states = states.assign({name: result.transpose(*(d for d in order if d in result.dims)).variable})
    states = states.assign_coords(walker=identifiers)
    states.attrs = attrs | {"start": begin.name}
    return stamp(states, energy=energy_unit(point))


def _point(model: xr.Dataset, start: Any, caller: str) -> xr.Dataset:
    """The model, with the temperatures that its start has, and nothing of an earlier run."""
    needed = ("hopping", "interaction", "site_energy", "filling", "centred", "position", "torus")
    require_whole(model, *needed, caller=caller)
    coords = model.coords.to_dataset()
    coords = coords.drop_vars(["temperature", "walker", "sweep", "start", "ramp", "T"], errors="ignore")
    if isinstance(start, xr.DataArray | xr.Dataset) and "T" in start.coords and "T" in start.dims:
        coords = coords.assign_coords(T=start["T"].variable)
    return with_labels(coords.compute(scheduler="synchronous"), caller)


def _start_and_walkers(start: Any, walker: Labels | None, caller: str) -> tuple[Any, np.ndarray]:
    """Return occupations to start from, the last ones of a run, and the identifiers of walkers."""
    if isinstance(start, xr.Dataset):
        require(start, "occupation", caller=f"{caller} (start)")
        start = start["occupation"]
        if "sweep" in start.dims:
            numbers = start.indexes.get("sweep")
            refuse(
                caller,
                (start.sizes["sweep"] == 0, "start: the run has no sweep; give one with stored states"),
                (
                    numbers is not None and not numbers.is_monotonic_increasing,
                    "start: the sweeps of the run are not in order; write .sortby('sweep') before it",
                ),
            )
            start = start.isel(sweep=-1, drop=True)
    if walker is None:
        walker = 1
        if isinstance(start, xr.DataArray) and "walker" in start.dims:
            walker = start["walker"].values.tolist() if "walker" in start.coords else start.sizes["walker"]
    return start, walker_identifiers(walker)
