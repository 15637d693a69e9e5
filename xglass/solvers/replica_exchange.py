"""Replica exchange: equilibrium of charges at several temperatures at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import refuse, whole_number
from xglass.engine.charge import replica_exchange as engine
from xglass.engine.charge.metropolis import MOVES, WEIGHTS
from xglass.engine.core.streams import RULE_VERSION
from xglass.messages import public
from xglass.solvers import tasks
from xglass.solvers.starts import start_of
from xglass.solvers.tasks import Input, Output
from xglass.solvers.trajectories import (
    check_digits,
    check_moves,
    particle_numbers,
    point_of,
    trajectory_inputs,
    walker_identifiers,
)
from xglass.units.parameters import Chunks, Labels, Parameter
from xglass.variables import energy_unit, stamp

__all__ = ["replica_exchange"]


def __dir__() -> list[str]:
    return __all__


#: What ladders record, in the order of the engine, with its own dimensions.
OF_LADDERS: dict[str, Output] = {
    "occupation": (["T", "sweep", "site"], np.int8),
    "electrostatic_energy": (["T", "sweep"], np.float64),
    "kinetic_energy": (["T", "sweep"], np.float64),
    "acceptance": (["T", "sweep"], np.float64),
    "exchanges": (["T", "outcome"], np.int64),
}


@public
def replica_exchange(
    model: xr.Dataset,
    *,
    T: Parameter,
    walker: Labels,
    sweep: int,
    every: int = 1,
    exchange_every: int = 1,
    moves: str = "neighbour",
    weight: str = "kinetic",
    start: str | xr.DataArray | xr.Dataset = "random",
    seed: int,
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Monte Carlo of charges at several temperatures that exchange their configurations.

    Every temperature makes sweeps as :func:`metropolis` does. After them neighbours in temperature trade
    configurations c1 and c2 with probability

    .. math:: \min\left(1, \exp\left\{ - \frac{W(c_2; T_1) - W(c_1; T_1)}{T_1}
        - \frac{W(c_1; T_2) - W(c_2; T_2)}{T_2} \right\}\right)

    (Hukushima and Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996)), each weight W at its own temperature, since
    the quantum ones depend on it. So every temperature is in equilibrium with the weight of
    :func:`metropolis`, and what is cold forgets its configuration by way of what is warm.

    Parameters
    ----------
    model : Dataset
        Model of :func:`charge_glass` with N sites, whose parameters do not depend on T.
    T : sequence, DataArray or Quantity
        Temperatures in Vc, > 0, over the dimension ``T``: at least two, all different, in any order.
    walker : int or sequence of int
        Number of independent ladders, or their identifiers (whole numbers >= 0).
    sweep : int
        Number of sweeps, at every temperature.
    every : int
        Sweeps between stored states.
    exchange_every : int
        Exchanges are tried after every so many sweeps: of the pairs that begin with the second lowest
        temperature, the fourth, and so on, and of those that begin with the lowest, the third, ..., in turn.
    moves : {"neighbour", "exchange"}
        As in :func:`metropolis`.
    weight : {"classical", "kinetic", "free_energy"}
        As in :func:`metropolis`.
    start : {"random"}, DataArray or Dataset
        "random", occupations over site (and T, walker and parameters), or a run of this function, which is
        continued bit for bit with its own ladder, seed, weight and moves.
    seed : int
        0 <= seed < 2^64.
    chunks : {"auto"}, dict or None
        "auto" (lazy; tasks of about a second), {dimension: size} for parameter dimensions and walker, or None
        (compute now). A ladder is never cut.

    Returns
    -------
    Dataset
        The variables of :func:`metropolis` at every temperature: ``occupation(..., T, walker, sweep, site)``,
        ``electrostatic_energy``, ``kinetic_energy`` (not for "classical") and ``acceptance``, in the order of
        temperatures and not of configurations; ``exchange_acceptance(..., T)``, the accepted share of all
        exchanges with the next higher temperature, NaN of the highest.

    Raises
    ------
    ValueError
    TypeError
    KeyError
        Naming the argument: fewer than two temperatures, or equal ones, a parameter over T, chunks along T,
        and as :func:`metropolis`.

    Notes
    -----
    All temperatures of a ladder belong to the identity of its random numbers: a run of other temperatures, or
    of a part of them, is another run, unlike with :func:`metropolis`, and a store does not grow along T.
    Observables that compare two times of a walker are refused. Time is that of metropolis at each of the
    temperatures, and two eigenproblems for an exchange.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1, self_image="include")
    >>> run = xg.replica_exchange(glass, T=[0.05, 0.1, 0.2], walker=4, sweep=20, weight="classical", seed=7)
    >>> run["occupation"].dims
    ('T', 'walker', 'sweep', 'site')
    >>> run["exchange_acceptance"].round(2).values.tolist()
    [0.45, 0.55, nan]
    """
    caller = "replica_exchange"
    for name, value, known in (("weight", weight, WEIGHTS), ("moves", moves, MOVES)):
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    refuse(
        caller,
        (
            isinstance(start, str) and start != "random",
            f"start must be 'random', a DataArray of occupations or a run, got {start!r}; pass a pattern as "
            "a DataArray over site",
        ),
    )
    point = point_of(model, T, caller)
    sweep, every, seed = whole_number("sweep", sweep), whole_number("every", every), checks.seed(seed)
    exchange_every = whole_number("exchange_every", exchange_every)
    # of a continued run it is given, and the sweeps that follow may be few
    longest = None if isinstance(start, xr.Dataset) else exchange_every
    _check_ladder(caller, point, chunks, sweep=sweep, every=every, exchange_every=longest)
    particle_numbers(point["filling"], point.sizes["site"])
    check_moves(point, moves)
    identifiers = walker_identifiers(walker)
    inputs = _along_ladders(caller, trajectory_inputs(point, identifiers))
    attrs: dict[str, Any] = {"solver": caller, "weight": weight, "moves": moves, "seed": str(seed)}
    attrs |= {"rule_version": RULE_VERSION, "exchange_every": exchange_every, "ladder": _ladder(point)}
    sizes = tasks.loops(inputs.values())
    begin = start_of(start, point, identifiers, sizes | {"T": point.sizes["T"]}, attrs)
    stored = np.arange(begin.sweep + (every if begin.continued else 0), begin.sweep + sweep + 1, every)
    check_digits(inputs, point["T"], 1.0)
    inputs["start"] = _start_input(begin.configurations[0], point.sizes["T"])
    inputs |= {name: (point[name], ["bond"]) for name in ("bond_source", "bond_target")}

    seconds, nbytes = _work(point, sweep, every, weight)
    plan = tasks.planned(chunks, sizes, caller=caller, whole=True, seconds=seconds, nbytes=nbytes)
    rules = {"seed": seed, "every": every, "exchange_every": exchange_every, "weight": weight, "moves": moves}
    times = {"first_sweep": begin.sweep, "continued": begin.continued, "frames": stored.size}
    times["sweeps"] = int(stored[-1]) - begin.sweep
    recorded = {"sweep": stored.size, "outcome": 2}
    results = tasks.applied(engine.ladders, inputs, OF_LADDERS, plan, settings=rules | times, sizes=recorded)
    results["exchange_acceptance"] = _share(results.pop("exchanges"))
    run = _assembled(point, results).assign_coords(walker=identifiers, sweep=stored)
    if begin.given is not None:
        run = run.assign_coords(start=begin.given.variable)
    run.attrs = attrs | {"start": begin.name, "every": every}
    run = stamp(run, energy=energy_unit(point))
    run["occupation"].attrs["seed"] = str(seed)  # so that an array taken from the run still tells it
    return run if weight != "classical" else run.drop_vars("kinetic_energy")


def _check_ladder(
    caller: str, point: xr.Dataset, chunks: Any, *, sweep: int, every: int, exchange_every: int | None
) -> None:
    """Refuse what is no ladder of temperatures, and ladders that are cut or never exchange."""
    T = point["T"]
    steps = T.sizes.get("T", 1)
    distinct = "T" in T.dims and bool((np.diff(np.sort(T.transpose(..., "T").values, axis=-1)) > 0.0).all())
    refuse(
        caller,
        (
            steps < 2,
            "T must hold at least two temperatures along the dimension 'T', got "
            f"{T.values.ravel().tolist()}; at one temperature write xg.metropolis(...)",
        ),
        (not distinct, f"T repeats temperatures: {T.values.ravel().tolist()[:8]}; each may stand once"),
        (
            isinstance(chunks, dict) and "T" in chunks,
            "chunks: 'T' cannot be chunked, since all temperatures exchange their configurations; cut walker",
        ),
        (
            every > sweep,
            f"every = {every} stores nothing of {sweep} sweeps but the start; take every <= sweep",
        ),
        (
            exchange_every is not None and exchange_every > sweep,
            f"exchange_every = {exchange_every} tries no exchange in {sweep} sweeps; take "
            "exchange_every <= sweep",
        ),
    )


def _along_ladders(caller: str, inputs: dict[str, Input]) -> dict[str, Input]:
    """The inputs of trajectories with temperatures inside a task; nothing but labels may depend on them."""
    for name, (array, _) in inputs.items():
        if name != "labels" and "T" in array.dims:
            raise ValueError(
                f"{caller}: {name} depends on T, and configurations are exchanged between temperatures of "
                "one model; give the parameter a dimension of its own"
            )
    labels = inputs["labels"][0].transpose(..., "T", "label")
    return inputs | {"labels": (labels, ["T", "label"])}


def _work(point: xr.Dataset, sweep: int, every: int, weight: str) -> tuple[float, float]:
    """Guess seconds and bytes of a ladder, which decides how work is cut and never a result."""
    sites, steps = point.sizes["site"], point.sizes["T"]
    attempt = 7e-8 if weight == "classical" else 4e-6 + 2e-8 * sites**2
    return sweep * steps * sites * attempt, float(steps * (sweep // every + 1) * (sites + 40))


def _start_input(configurations: xr.DataArray, steps: int) -> Input:
    """Return configurations to start from, of every temperature, without the labels of another run."""
    configurations = xr.DataArray(configurations.variable)
    if "T" not in configurations.dims:
        configurations = configurations.expand_dims(T=steps)
    return configurations.transpose(..., "T", "configuration"), ["T", "configuration"]


def _share(exchanges: xr.DataArray) -> xr.DataArray:
    """Accepted share of the exchanges of all walkers, NaN where none was tried.

    Whole numbers are summed, so that the share has the same bits however walkers are cut into tasks.
    """
    together = exchanges.sum("walker")
    accepted, tried = together.isel(outcome=0), together.isel(outcome=1)
    return accepted / tried.where(tried > 0)


def _assembled(point: xr.Dataset, results: dict[str, xr.DataArray]) -> xr.Dataset:
    """The point with what its ladders recorded, parameters first, as of metropolis."""
    there = results["occupation"].dims
    order = [dim for dim in point.dims if dim in there and dim != "site"] + ["walker", "sweep", "site"]
    run = point
    for name, result in results.items():
        run = run.assign({name: result.transpose(*(dim for dim in order if dim in result.dims)).variable})
    return run


def _ladder(point: xr.Dataset) -> str:
    """The temperatures in rising order, as an attribute: by them a run knows its own."""
    return " ".join(f"{value:.12g}" for value in np.unique(point["T"].values))
