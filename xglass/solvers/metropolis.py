"""Monte Carlo: trajectories of charges."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import in_label_order, in_model_units, require, whole_number
from xglass.engine.charge import metropolis as engine
from xglass.engine.core.streams import RULE_VERSION
from xglass.lattice.waves import stripes
from xglass.lattice.whole import require_whole
from xglass.models.common import GEOMETRY, with_coordinates, with_labels
from xglass.solvers import tasks
from xglass.solvers.tasks import Input, Output
from xglass.units.parameters import Chunks, Labels, Parameter, parameter, scale_of
from xglass.variables import energy_unit, stamp

__all__ = ["metropolis", "metropolis_counters", "rerun"]


def __dir__() -> list[str]:
    return __all__


#: What trajectories record, in the order of the engine, with its own dimensions.
RECORDED: dict[str, Output] = {
    "occupation": (["sweep", "site"], np.int8),
    "electrostatic_energy": (["sweep"], np.float64),
    "kinetic_energy": (["sweep"], np.float64),
    "acceptance": (["sweep"], np.float64),
    "active_attempts": (["sweep"], np.int64),
    "solves": (["sweep"], np.int64),
}


def metropolis(
    model: xr.Dataset,
    *,
    T: Parameter,
    walker: Labels,
    sweep: int,
    start: str | xr.DataArray | xr.Dataset = "random",
    moves: str = "neighbour",
    weight: str = "kinetic",
    every: int = 1,
    ramp: xr.DataArray | None = None,
    seed: int,
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Monte Carlo trajectories of charges whose weight may include their quantum kinetic energy.

    A move takes a particle from i to j with probability min(1, exp(-dW/T)), where, by ``weight``,

    - "classical": W = E, the electrostatic energy;
    - "kinetic": W = E + <K>, <K> the thermal kinetic energy of fermions in the potential phi of the
      configuration, at temperature T and mean particle number N n (Fratini et al., SciPost Phys. 14, 124
      (2023), section 2);
    - "free_energy": W = E + F[K + phi] - F[phi], F = Omega + mu N.

    One sweep is N attempts, those that change nothing included. A trajectory is a function of (seed, walker,
    realization, T, eta, t_p or hopping, filling): chunks, other points of the sweep and the order of
    evaluation change no bit of it. Weight, start and moves do not enter either: preparations that are to be
    independent take different seeds.

    Parameters
    ----------
    model : Dataset
        Model of :func:`charge_glass` with N sites.
    T : float, sequence, DataArray or Quantity
        Temperature in Vc, > 0: a number, a sequence (dimension ``T``), a DataArray, or Quantities if the
        model has a scale.
    walker : int or sequence of int
        Number of independent trajectories, or their identifiers (whole numbers >= 0).
    sweep : int
        Number of sweeps.
    start : {"random", "ordered"}, DataArray or Dataset
        "random" (uniform over the configurations with N n particles), "ordered" (the stripe state of lowest
        energy; ties go to the lowest <K>, then to the horizontal one; triangular and square lattice at n =
        1/2), a DataArray of occupations over site (and walker and parameters), or a run, which is continued
        after its last sweep, as if it had never stopped: lattice, model, T, seed, weight and moves must be
        its own. An array that was taken from a run is a new preparation, and needs another seed: with the
        run's own it repeats the random numbers that led to it (a warning, as far as its attrs tell).
    moves : {"neighbour", "exchange"}
        "neighbour": a random site and a random one of its neighbours exchange occupations; "exchange": any
        two sites.
    weight : {"classical", "kinetic", "free_energy"}
        See above.
    every : int
        Sweeps between stored states.
    ramp : DataArray, optional
        DataArray over ``sweep`` (from the start's to the last) of the temperature relative to T; default
        constant.
    seed : int
        0 <= seed < 2^64.
    chunks : {"auto"}, dict or None
        "auto" (lazy; tasks of about a second), {dimension: size} for parameter dimensions and walker, or None
        (compute now).

    Returns
    -------
    Dataset
        ``occupation(..., walker, sweep, site)`` int8, ``electrostatic_energy(..., walker, sweep)`` (with site
        energies), ``kinetic_energy(..., walker, sweep)`` (not for "classical") and ``acceptance(..., walker,
        sweep)``, accepted moves per attempt since the last stored sweep; the model's coords, ``T``,
        ``walker``, ``sweep`` = 0, every, ... and, with a ramp, ``temperature(..., sweep)`` and ``ramp(sweep,
        step)``, its factor in every sweep since the last stored one. A continued run holds only the sweeps
        after those of ``start``. Coords and attrs describe the run, a start that was given included
        (``start(..., site)``, if it was not lazy), so that a store can make any part of it anew.

    Raises
    ------
    ValueError
    TypeError
    KeyError
        Naming the argument, before any work: T <= 0, counts that are not whole, a filling that is no whole
        number of particles, unknown names, a start with the wrong shape or particle number, a run that is
        another one than would be continued, energies so large that those of order T lose their digits (the
        unit of fixed point must be below 1e-9 T).

    Notes
    -----
    Cost per sweep and walker at N = 144: about 10 microseconds classically, 90 eigenproblems of 1 ms with a
    quantum weight; memory N bytes per stored sweep and walker. May be chunked along parameters and walker.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(6), t_p=0.12, eta=[-1.0, -0.1], self_image="include")
    >>> run = xg.metropolis(glass, T=[0.05, 0.1], walker=4, sweep=20, seed=7)
    >>> run["occupation"].dims
    ('eta', 'T', 'walker', 'sweep', 'site')
    """
    run = _simulate(
        model,
        T=T,
        walker=walker,
        sweep=sweep,
        start=start,
        moves=moves,
        weight=weight,
        every=every,
        ramp=ramp,
        seed=seed,
        chunks=chunks,
    ).drop_vars(["active_attempts", "solves"])
    return run if weight != "classical" else run.drop_vars("kinetic_energy")


def metropolis_counters(
    model: xr.Dataset, *, T: Parameter, walker: Labels, sweep: int, seed: int, **options: Any
) -> xr.Dataset:
    """How much work the trajectories of :func:`metropolis` were: diagnostics, never part of a run.

    Parameters
    ----------
    model : Dataset
        Model of :func:`charge_glass`.
    T : float, sequence, DataArray or Quantity
        As for :func:`metropolis`, like all that follows.
    walker : int or sequence of int
        Number of trajectories, or their identifiers.
    sweep : int
        Number of sweeps.
    seed : int
        0 <= seed < 2^64.
    **options
        The other arguments of :func:`metropolis`.

    Returns
    -------
    Dataset
        ``active_attempts(..., walker, sweep)``, attempts that would move a particle, and ``solves(...,
        walker, sweep)``, one-body eigenproblems, both since the last stored sweep. Computing it runs the
        trajectories.

    Raises
    ------
    ValueError
    TypeError
    KeyError
        As :func:`metropolis`.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, self_image="include")
    >>> work = xg.metropolis_counters(glass, T=0.1, walker=2, sweep=3, seed=7)
    >>> sorted(work.data_vars)
    ['active_attempts', 'solves']
    """
    return _simulate(model, T=T, walker=walker, sweep=sweep, seed=seed, **options)[
        ["active_attempts", "solves"]
    ]


def _simulate(
    model: xr.Dataset,
    *,
    T: Parameter,
    walker: Labels,
    sweep: int,
    seed: int,
    start: Any = "random",
    moves: str = "neighbour",
    weight: str = "kinetic",
    every: int = 1,
    ramp: xr.DataArray | None = None,
    chunks: Chunks = "auto",
) -> xr.Dataset:
    """A run with all that its trajectories record, lazy."""
    for name, value, known in (("weight", weight, engine.WEIGHTS), ("moves", moves, engine.MOVES)):
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    point = _point(model, T)
    sweep, every, seed = whole_number("sweep", sweep), whole_number("every", every), checks.seed(seed)
    if every > sweep:
        raise ValueError(
            f"every = {every} stores nothing of {sweep} sweeps but the start; take every <= sweep"
        )
    _particles(point["filling"], point.sizes["site"])
    _check_moves(point, moves)
    identifiers = _walkers(walker)
    inputs = _inputs(point, identifiers)
    attrs: dict[str, Any] = {"solver": "metropolis", "weight": weight, "moves": moves, "seed": str(seed)}
    attrs["rule_version"] = RULE_VERSION
    begin = _start(start, point, identifiers, tasks.loops(inputs.values()), attrs)
    stored = np.arange(begin.sweep + (every if begin.continued else 0), begin.sweep + sweep + 1, every)
    factors = _ramp(ramp, begin.sweep, sweep)[: stored[-1] - begin.sweep + 1]
    _check_digits(inputs, point["T"], float(factors.min()))
    inputs |= {"start": begin.configurations, "patterns": begin.patterns}
    inputs |= {name: (point[name], ["bond"]) for name in ("bond_source", "bond_target")}
    inputs["ramp"] = (xr.DataArray(factors, dims="step"), ["step"])

    # a guess is enough here: it decides how work is cut, never a result
    sites = point.sizes["site"]
    attempt = 7e-8 if weight == "classical" else 4e-6 + 3.5e-8 * sites**2
    plan = tasks.planned(
        chunks,
        tasks.loops(inputs.values()),
        whole=True,
        seconds=sweep * sites * attempt,
        nbytes=(sweep // every + 1) * (sites + 40),
    )
    rules = {"seed": seed, "every": every, "weight": weight, "moves": moves}
    times = {"first_sweep": begin.sweep, "continued": begin.continued, "frames": stored.size}
    results = tasks.applied(
        engine.simulate, inputs, RECORDED, plan, settings=rules | times, sizes={"sweep": stored.size}
    )
    run = point.assign({name: result.variable for name, result in results.items()})
    run = run.assign_coords(walker=identifiers, sweep=stored)
    if ramp is not None:
        run = _with_ramp(run, factors, begin.sweep, every)
    if begin.given is not None:
        run = run.assign_coords(start=begin.given.variable)
    run.attrs = attrs | {"start": begin.name, "every": every}
    run = stamp(run, energy=energy_unit(point))
    run["occupation"].attrs["seed"] = str(seed)  # so that an array taken from the run still tells it
    return run


def _point(model: xr.Dataset, T: Parameter) -> xr.Dataset:
    """The model at its temperatures: parameters and geometry, in memory, and nothing of an earlier run."""
    needed = ("hopping", "interaction", "site_energy", "filling", "centred", "position", "torus")
    require_whole(model, *needed, caller="metropolis")
    model = model.coords.to_dataset().drop_vars(
        ["temperature", "walker", "sweep", "start", "ramp"], errors="ignore"
    )
    if "T" not in model.drop_vars("T", errors="ignore").dims:
        model = model.drop_vars("T", errors="ignore")  # of a run given as model; labels must agree with T
    # parameters are eager; a chunked or stored run may hold them as dask arrays
    model = model.compute(scheduler="synchronous")
    temperature = parameter("T", T, scale=scale_of(model), energy=energy_unit(model), above=0.0)
    return with_labels(with_coordinates(model, temperature), "metropolis")


def _check_digits(inputs: dict[str, Input], temperature: xr.DataArray, lowest: float) -> None:
    """Raise if the largest energies leave too few digits of a fixed point number to those of order T."""
    names = ("interaction", "site_energy", "reference")
    unit = xr.apply_ufunc(
        engine.fixed_point_units,
        *(inputs[name][0] for name in names),
        input_core_dims=[inputs[name][1] for name in names],
    )
    ratio = unit / (lowest * temperature)
    if float(ratio.max()) > COARSEST:
        energies = (float(abs(inputs[name][0]).max()) for name in names[:2])
        raise ValueError(
            f"metropolis: interaction or site_energy reach {max(energies):.2g}, which leaves to all energies "
            f"a resolution of {float(ratio.max()):.1g} T, coarser than {COARSEST:g} T; where they only "
            "forbid a configuration write 1e4 T"
        )


def _check_moves(point: xr.Dataset, moves: str) -> None:
    """Raise if moves to neighbours are asked for and a site has none."""
    ends = np.r_[point["bond_source"], point["bond_target"]]
    if moves == "neighbour" and np.bincount(ends, minlength=point.sizes["site"]).min() == 0:
        raise ValueError(
            "moves='neighbour' needs a bond at every site; this lattice has sites without, use "
            "moves='exchange'"
        )


def _inputs(point: xr.Dataset, walkers: np.ndarray) -> dict[str, Input]:
    """Return parameters and identities of trajectories; walkers are the last of the loops."""
    return {
        "hopping": (point["hopping"], ["bond"]),
        "interaction": (point["interaction"], ["site", "site2"]),
        "site_energy": (point["site_energy"], ["site"]),
        "reference": (point["filling"] * point["centred"], []),
        "labels": (_labels(point), ["label"]),
        "realization": (point.get("realization", xr.DataArray(0)), []),
        "walker": (xr.DataArray(walkers, dims="walker"), []),
    }


#: Largest unit of energies in fixed point, in T.
COARSEST = 1e-9

#: Configurations and patterns where there are none: dask has no empty chunks.
NO_CONFIGURATION: Input = (xr.DataArray(np.zeros(1, np.int8), dims="configuration"), ["configuration"])
NO_PATTERN: Input = (
    xr.DataArray(np.zeros((1, 1), np.int8), dims=("pattern", "choice")),
    ["pattern", "choice"],
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


def _start(
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
        warnings.warn(
            f"start: the occupations were taken from a run with seed = {attrs['seed']}, T, parameters and "
            "walkers that are asked for again, so that the random numbers which led to them are repeated; "
            "give another seed, or start=run to continue the run",
            UserWarning,
            stacklevel=4,
        )
    return Start(
        "given",
        configurations=(checked.rename(site="configuration"), ["configuration"]),
        given=checked if start.chunks is None else None,
    )


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


def _with_ramp(run: xr.Dataset, factors: np.ndarray, first: int, every: int) -> xr.Dataset:
    """The run with its temperature at every stored sweep, and the factors since the one before."""
    stored = run["sweep"].values
    kept = xr.DataArray(factors[stored - first], dims="sweep")
    temperature = (xr.DataArray(run["T"].variable) * kept).transpose(..., "sweep").drop_attrs()
    between = np.maximum(stored[:, None] - np.arange(every)[::-1], first) - first
    return run.assign_coords(temperature=temperature.variable, ramp=(("sweep", "step"), factors[between]))


def rerun(run: xr.Dataset, *, start: xr.Dataset | None = None, chunks: Chunks = "auto") -> xr.Dataset:
    """The lazy run that the coords and attrs of a run describe: the same trajectories, to be simulated again.

    Parameters
    ----------
    run : Dataset
        Run of :func:`metropolis`; only its coords and attrs are read. Labels may have been selected: by the
        identity of trajectories the run of some temperatures or walkers is that part of the whole run.
    start : Dataset, optional
        The run that ``run`` continues, if it does.
    chunks : {"auto"}, dict or None
        As in :func:`metropolis`.

    Returns
    -------
    Dataset
        As from :func:`metropolis`.

    Raises
    ------
    KeyError
        If attrs or coords that describe a run are missing, or the start is: that of a continued run, or a
        lazy one.

    Examples
    --------
    >>> import xglass as xg
    >>> run = xg.testing.tiny_run()
    >>> again = rerun(run.sel(walker=[1]))
    >>> again["occupation"].compute().equals(run["occupation"].sel(walker=[1]).compute())
    True
    """
    attrs, model = run.attrs, run.coords.to_dataset()
    if lost := [
        name for name in ("solver", "seed", "weight", "moves", "start", "every") if name not in attrs
    ]:
        raise KeyError(f"rerun: the attrs of the run lack {lost}; arithmetic and means drop them")
    sweep, every = model["sweep"].values, int(attrs["every"])
    first = 0 if sweep[0] == 0 else int(sweep[0]) - every
    given = (
        start if start is not None else model.get("start") if attrs["start"] == "given" else attrs["start"]
    )
    if given is None or (start is None and sweep[0] != 0):
        raise KeyError(
            "rerun: the run began from another run or from lazy occupations; pass start=, the run before it"
        )
    ramp = None
    if "ramp" in model:
        sweeps = (sweep[:, None] - np.arange(every)[::-1]).ravel()
        factors = dict(zip(sweeps.tolist(), model["ramp"].values.ravel().tolist(), strict=True))
        factors.setdefault(
            first, model["ramp"].values.flat[0]
        )  # of the start, which a continued run does not hold
        ramp = xr.DataArray(
            [factors[s] for s in range(first, sweeps[-1] + 1)],
            dims="sweep",
            coords={"sweep": range(first, sweeps[-1] + 1)},
        )
    return metropolis(
        model,
        T=model["T"],
        walker=model["walker"].values,
        sweep=int(sweep[-1]) - first,
        start=given,
        moves=attrs["moves"],
        weight=attrs["weight"],
        every=every,
        ramp=ramp,
        seed=int(attrs["seed"]),
        chunks=chunks,
    )


#: What else must agree for a run to go on as if it had never stopped, besides its attrs: the geometry, and
#: what the weights and the streams of its trajectories are made of.
OF_TRAJECTORIES = ("T", "t_p", "eta", "filling", "centred", "hopping", "interaction", "site_energy")
LABELS = ("realization", "walker")

#: How a message about a run that cannot be continued ends.
NEW_PREPARATION = (
    "For a new preparation from its last states pass start=run['occupation'].isel(sweep=-1, drop=True) with "
    "another seed"
)


def _check_same_run(run: xr.Dataset, point: xr.Dataset, walkers: np.ndarray, attrs: dict[str, Any]) -> None:
    """Raise unless the run is the one that would be continued (what is swept is matched by label)."""
    if lost := [name for name in (*attrs, "start") if name not in run.attrs]:
        raise KeyError(
            f"start: the attrs of the run to be continued lack {lost}, and nothing tells which run it is; "
            f"arithmetic and means drop them. {NEW_PREPARATION}"
        )
    for name, value in attrs.items():
        if run.attrs[name] != value:
            _refuse_continuation(f"has {name} = {run.attrs[name]!r}, not {value!r}")
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


def _particles(filling: xr.DataArray, sites: int) -> xr.DataArray:
    """Whole number of particles at every filling."""
    number = filling * sites
    if (abs(number - number.round()) > 1e-9 * sites).any():
        raise ValueError(
            f"filling = {filling.values.tolist()} is {number.values.tolist()} particles on {sites} "
            "sites; metropolis keeps the number "
            f"fixed and needs a whole number: take filling = k / {sites}"
        )
    return number.round().astype(np.int64)


def _walkers(walker: Labels) -> np.ndarray:
    if np.ndim(walker) == 0:
        return np.arange(whole_number("walker", walker))
    identifiers = [whole_number("walker", w, minimum=0, maximum=2**63) for w in np.asarray(walker).ravel()]
    if np.ndim(walker) > 1 or not identifiers or len(set(identifiers)) != len(identifiers):
        raise ValueError(f"walker must be a count or distinct identifiers >= 0, got {walker!r}")
    return np.array(identifiers, dtype=np.int64)


def _ramp(ramp: Any, first: int, sweep: int) -> np.ndarray:
    """(sweep + 1,) factors on the temperature, from the start's to the last sweep's."""
    if ramp is None:
        return np.ones(sweep + 1)
    if not isinstance(ramp, xr.DataArray) or ramp.dims != ("sweep",):
        raise TypeError(
            f"ramp must be a DataArray over 'sweep' of T(sweep)/T, got {type(ramp).__name__} "
            f"{getattr(ramp, 'dims', '')}"
        )
    wanted = np.arange(first, first + sweep + 1)
    labels = ramp["sweep"].values  # without a coordinate: counted from 0
    if not np.isin(wanted, labels).all() or np.unique(labels).size != labels.size:
        raise ValueError(
            f"ramp must hold every sweep from {first} to {first + sweep} once, got {labels.size} "
            f"between {labels.min()} and {labels.max()}"
        )
    factors = parameter(
        "ramp", ramp.assign_coords(sweep=labels).sel(sweep=wanted), above=0.0, core=("sweep",)
    )
    return factors.values


def _labels(model: xr.Dataset) -> xr.DataArray:
    """(..., label) what identifies a trajectory besides walker and realization: T, then eta,
    t_p or the hopping of all bonds, filling.
    """
    hopping = ["eta", "t_p"] if "t_p" in model and "eta" in model else ["hopping"]
    parts = [xr.DataArray(model[name].variable) for name in ("T", *hopping, "filling")]
    columns = [
        part.rename(bond="label") if "bond" in part.dims else part.expand_dims("label") for part in parts
    ]
    return xr.concat(xr.broadcast(*columns, exclude=["label"]), dim="label").transpose(..., "label")


def _given_start(
    start: xr.DataArray,
    model: xr.Dataset,
    walkers: np.ndarray,
    sizes: dict[str, int],
) -> xr.DataArray:
    """Return occupations to start from, with labels checked; lazy ones are checked when they are computed."""
    particles = _particles(model["filling"], model.sizes["site"])
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
