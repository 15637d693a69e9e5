"""Monte Carlo: trajectories of charges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import whole_number
from xglass.engine.charge import metropolis as engine
from xglass.engine.core.streams import RULE_VERSION
from xglass.messages import NotFoundError, public
from xglass.solvers import tasks
from xglass.solvers.starts import SHORTCUT_ATTRS, start_of
from xglass.solvers.tasks import Output
from xglass.solvers.trajectories import (
    check_digits,
    check_moves,
    particle_numbers,
    point_of,
    ramp_factors,
    trajectory_inputs,
    walker_identifiers,
    with_ramp,
)
from xglass.units.parameters import Chunks, Labels, Parameter
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
    "cache_hits": (["sweep"], np.int64),
    "proved_rejections": (["sweep"], np.int64),
    "estimated_rejections": (["sweep"], np.int64),
    "audits": (["sweep"], np.int64),
    "audit_disagreements": (["sweep"], np.int64),
}
#: What of them tells of the work, and never stands in a run.
COUNTERS = [name for name, (_, kind) in RECORDED.items() if kind is np.int64]


@public
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
    shortcut: Mapping[str, float] | None = None,
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
    shortcut : dict, optional
        Default None: every decision is that of a full solve, or proved to be. {"window": w, "audit": a}, for
        weight "kinetic": rejections by estimates as well. A move is rejected unsolved if it would be were its
        <K> lower by w (in Vc, > 0) than estimated from the 32 sites nearest to it and the response of all
        others, or had <K> fallen by 6.5 of the largest hopping. A fraction a of these is decided without the
        estimate, see ``audit_disagreements`` of :func:`metropolis_counters`. There is no proof: errors reach
        0.14 Vc at t_p = 0.12, so take w >= 0.1 there, and more with more hopping. The run records both, and
        is another one than that without.
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
    Cost per sweep and walker at N = 144: about 10 microseconds classically, 45 to 60 ms with a quantum
    weight. Of some 90 attempts that move a particle those accepted, and a few more, take an eigenproblem of
    1 ms; most rejections are proved by a bound at 0.4 ms (F[lambda K + phi] is concave in lambda), or known
    from the last configurations met. This changes no bit of a run. Memory N bytes per stored sweep and
    walker. May be chunked along parameters and walker.

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
        shortcut=shortcut,
        seed=seed,
        chunks=chunks,
    ).drop_vars(COUNTERS)
    return run if weight != "classical" else run.drop_vars("kinetic_energy")


@public
def metropolis_counters(
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
    shortcut: Mapping[str, float] | None = None,
    seed: int,
    chunks: Chunks = "auto",
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
    start : {"random", "ordered"}, DataArray or Dataset
        The first configuration, or the run that is continued.
    moves : {"neighbour", "exchange"}
        Which sites exchange occupations.
    weight : {"classical", "kinetic", "free_energy"}
        Weight of a configuration.
    every : int
        Sweeps between stored states.
    ramp : DataArray, optional
        Temperature relative to T over ``sweep``.
    shortcut : dict, optional
        Window and fraction of audits of estimates that may reject.
    seed : int
        0 <= seed < 2^64.
    chunks : {"auto"}, dict or None
        How work is cut.

    Returns
    -------
    Dataset
        Counts (..., walker, sweep) since the last stored sweep: ``active_attempts``, that would move a
        particle; ``solves``, one-body eigenproblems; ``cache_hits``, attempts decided by what was known of
        the configuration; ``proved_rejections``, attempts rejected by a new bound. Without a shortcut each
        active attempt of a quantum weight is one of the last three; the start, other temperatures on a ramp
        and, with "free_energy", stored <K> are solved besides. Computing it runs the trajectories. Since a
        continued run remembers nothing, the three may differ from those of one that was not stopped. With a
        shortcut also ``estimated_rejections``; ``audits``, attempts that an estimate would reject and that
        were decided without; and ``audit_disagreements``, those of them that were accepted.

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
    >>> sorted(work.data_vars)  # doctest: +NORMALIZE_WHITESPACE
    ['active_attempts', 'audit_disagreements', 'audits', 'cache_hits', 'estimated_rejections',
     'proved_rejections', 'solves']
    """
    counted = _simulate(
        model,
        T=T,
        walker=walker,
        sweep=sweep,
        start=start,
        moves=moves,
        weight=weight,
        every=every,
        ramp=ramp,
        shortcut=shortcut,
        seed=seed,
        chunks=chunks,
    )
    return counted[COUNTERS]


def _checked_shortcut(shortcut: Mapping[str, float], weight: str) -> tuple[float, float]:
    """Return window and fraction of audits."""
    if not isinstance(shortcut, Mapping) or set(shortcut) != {"window", "audit"}:
        raise ValueError(
            f"shortcut must be None or have the keys 'window' and 'audit', like {{'window': 0.10, 'audit': "
            f"0.05}}, got {shortcut!r}"
        )
    if weight != "kinetic":
        raise ValueError(f"shortcut estimates <K> and needs weight='kinetic', got weight={weight!r}")
    numbers: tuple[Any, Any] = (shortcut["window"], shortcut["audit"])
    plain = all(isinstance(x, Real) and not isinstance(x, bool) for x in numbers)
    if not plain or not 0.0 < numbers[0] < math.inf or not 0.0 <= numbers[1] <= 1.0:
        raise ValueError(
            "shortcut must hold a window > 0, in the unit of energy of the model, and a fraction of audits "
            f"between 0 and 1, got {dict(shortcut)!r}"
        )
    return float(numbers[0]), float(numbers[1])


def _simulate(
    model: xr.Dataset,
    *,
    T: Parameter,
    walker: Labels,
    sweep: int,
    seed: int,
    start: Any,
    moves: str,
    weight: str,
    every: int,
    ramp: xr.DataArray | None,
    shortcut: Mapping[str, float] | None,
    chunks: Chunks,
) -> xr.Dataset:
    """A run with all that its trajectories record, lazy."""
    for name, value, known in (("weight", weight, engine.WEIGHTS), ("moves", moves, engine.MOVES)):
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    point = point_of(model, T, "metropolis")
    sweep, every, seed = whole_number("sweep", sweep), whole_number("every", every), checks.seed(seed)
    if every > sweep:
        raise ValueError(
            f"every = {every} stores nothing of {sweep} sweeps but the start; take every <= sweep"
        )
    particle_numbers(point["filling"], point.sizes["site"])
    check_moves(point, moves)
    identifiers = walker_identifiers(walker)
    inputs = trajectory_inputs(point, identifiers)
    attrs: dict[str, Any] = {"solver": "metropolis", "weight": weight, "moves": moves, "seed": str(seed)}
    attrs["rule_version"] = RULE_VERSION
    estimates = {} if shortcut is None else {"shortcut": _checked_shortcut(shortcut, weight)}
    attrs |= {name: x for pair in estimates.values() for name, x in zip(SHORTCUT_ATTRS, pair, strict=True)}
    begin = start_of(start, point, identifiers, tasks.loops(inputs.values()), attrs)
    stored = np.arange(begin.sweep + (every if begin.continued else 0), begin.sweep + sweep + 1, every)
    factors = ramp_factors(ramp, begin.sweep, sweep)[: stored[-1] - begin.sweep + 1]
    check_digits(inputs, point["T"], float(factors.min()))
    inputs |= {"start": begin.configurations, "patterns": begin.patterns}
    inputs |= {name: (point[name], ["bond"]) for name in ("bond_source", "bond_target")}
    inputs["ramp"] = (xr.DataArray(factors, dims="step"), ["step"])

    # a guess is enough here: it decides how work is cut, never a result
    sites = point.sizes["site"]
    attempt = 7e-8 if weight == "classical" else 4e-6 + 3.5e-8 * sites**2
    loops, nbytes = tasks.loops(inputs.values()), (sweep // every + 1) * (sites + 40)
    seconds = sweep * sites * attempt
    plan = tasks.planned(chunks, loops, caller="metropolis", whole=True, seconds=seconds, nbytes=nbytes)
    rules = {"seed": seed, "every": every, "weight": weight, "moves": moves, **estimates}
    times = {"first_sweep": begin.sweep, "continued": begin.continued, "frames": stored.size}
    results = tasks.applied(
        engine.simulate, inputs, RECORDED, plan, settings=rules | times, sizes={"sweep": stored.size}
    )
    run = point.assign({name: result.variable for name, result in results.items()})
    run = run.assign_coords(walker=identifiers, sweep=stored)
    if ramp is not None:
        run = with_ramp(run, factors, begin.sweep, every)
    if begin.given is not None:
        run = run.assign_coords(start=begin.given.variable)
    run.attrs = attrs | {"start": begin.name, "every": every}
    run = stamp(run, energy=energy_unit(point))
    run["occupation"].attrs["seed"] = str(seed)  # so that an array taken from the run still tells it
    return run


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
        raise NotFoundError(f"rerun: the attrs of the run lack {lost}; arithmetic and means drop them")
    sweep, every = model["sweep"].values, int(attrs["every"])
    first = 0 if sweep[0] == 0 else int(sweep[0]) - every
    given = (
        start if start is not None else model.get("start") if attrs["start"] == "given" else attrs["start"]
    )
    if given is None or (start is None and sweep[0] != 0):
        raise NotFoundError(
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
    shortcut = None
    if all(name in attrs for name in SHORTCUT_ATTRS):
        shortcut = {"window": attrs["shortcut_window"], "audit": attrs["shortcut_audit"]}
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
        shortcut=shortcut,
        seed=int(attrs["seed"]),
        chunks=chunks,
    )
