"""What solvers with random vectors share: what is drawn, and averages over vectors, momenta, realizations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import whole_number
from xglass.engine.tls import averages, typicality
from xglass.solvers import common, tasks
from xglass.solvers.common import Grids
from xglass.solvers.ring import Ring
from xglass.solvers.tasks import Input
from xglass.units.quantities import canonical

#: The least number of tasks that a long computation is cut into.
TASKS = 8

#: What is averaged, in the order of :func:`xglass.engine.tls.averages.averages`.
AVERAGES = {
    "log_partition_function": ["T"],
    "kinetic_energy": ["T"],
    "total_weight": ["T"],
    "filter_exponent": ["T", "broadening"],
    "optical_conductivity": ["T", "broadening", "frequency"],
}


@dataclass(frozen=True)
class Draws:
    """Random vectors of every momentum (twist, realization): how many, of which seed, in which precision."""

    number: int
    seed: int
    precision: str

    def settings(self) -> dict[str, Any]:
        """What engines take of them."""
        return {"seed": self.seed, "precision": self.precision}


def draws(random_vectors: Any, seed: Any, precision: Any) -> Draws:
    """The vectors that a solver was asked for, checked."""
    if precision not in ("single", "double"):
        raise ValueError(f"precision must be 'single' or 'double', got {precision!r}")
    number = whole_number("random_vectors", random_vectors)
    return Draws(number, checks.seed(seed), precision)


def inputs(ring: Ring, grids: Grids, vectors: Draws) -> dict[str, Input]:
    """What engines take: a number for every parameter, momentum and vector, and the grids.

    Streams of random numbers are named by the labels of realizations and the canonical values of momenta.
    """
    return {
        **ring.inputs(),
        "realization": (xr.DataArray(ring.model.get("realization", xr.DataArray(0)).variable), []),
        "number": (xr.DataArray(ring.numbers, dims="_sector"), []),
        "label": (xr.DataArray(canonical(ring.numbers), dims="_sector"), []),
        "vector": (xr.DataArray(np.arange(vectors.number), dims="_vector"), []),
        **grids.inputs(),
    }


def estimated(
    numerators: Callable[..., Any],
    ring: Ring,
    grids: Grids,
    vectors: Draws,
    *,
    caller: str,
    seconds: float,
    chunks: Any,
    **settings: Any,
) -> xr.Dataset:
    """The results of a solver, lazy: ``numerators`` for every point, momentum and vector, then averages.

    ``numerators`` is a plain function with the arguments and results of
    :func:`xglass.engine.tls.lanczos.numerators` besides its own ``settings``; ``seconds`` is a guess of the
    work of one vector.
    """
    given = inputs(ring, grids, vectors)
    sizes = tasks.loops(given.values())
    hidden = ("_sector", "_vector")
    plan = tasks.planned(
        chunks, sizes, caller=caller, hidden=hidden, whole=True, seconds=seconds, least=TASKS
    )
    grid = {name: given[name][0].sizes[name] for name in ("broadening", "frequency")}
    columns = averages.Columns(grid["broadening"], grid["frequency"])
    sums = tasks.applied(
        numerators,
        given,
        {"sums": (["T", "_column"], np.float64), "energies": ([], np.float64)},
        plan,
        settings=ring.settings() | vectors.settings() | settings,
        sizes={"_column": columns.size},
    )
    results = _averaged(sums, given["T"][0], ring, plan, grid)
    if ring.max_excitations is not None:
        results |= _truncated(ring, given, vectors, plan)
    results |= ring.twist_limited(plan)
    attrs: dict[str, Any] = {"solver": caller, "seed": str(vectors.seed)}
    attrs |= {"random_vectors": vectors.number, "precision": vectors.precision} | ring.averaged()
    attrs["stderr_over"] = "realization" if ring.realizations > 1 else "random_vectors"
    return common.assembled(ring.without_averaged(), results, attrs, grids)


def _truncated(
    ring: Ring, given: dict[str, Input], vectors: Draws, plan: tasks.Plan
) -> dict[str, xr.DataArray]:
    """The weight of the highest shell that is kept, by vectors that are cooled, and its error.

    Apart from all other averages: who does not ask for it does not pay, and stores of others go on.
    """
    grid = {"broadening": 1, "frequency": 0}  # no spectrum
    sums = tasks.applied(
        typicality.shell_numerators,
        {name: part for name, part in given.items() if name not in grid},
        {"sums": (["T", "_column"], np.float64), "energies": ([], np.float64)},
        plan,
        settings=ring.settings() | vectors.settings(),
        sizes={"_column": averages.Columns(*grid.values()).size},
    )
    results = _averaged(sums, given["T"][0], ring, plan, grid)
    return {f"truncated_weight{end}": results[f"kinetic_energy{end}"] for end in ("", "_stderr")}


def _averaged(
    sums: dict[str, xr.DataArray], T: xr.DataArray, ring: Ring, plan: tasks.Plan, grid: dict[str, int]
) -> dict[str, xr.DataArray]:
    """Average over vectors, momenta and, if asked for, realizations (else over one of them)."""
    over = "realization"
    if ring.average is None:
        over = "_realization"
        sums = {name: part.expand_dims({over: 1}) for name, part in sums.items()}
    annealed = ring.average == "annealed" and ring.realizations > 1
    kind = {} if annealed else {"quenched": ring.average == "quenched"}
    T = T if over in T.dims else T.expand_dims({over: sums["energies"].sizes[over]})
    strata = [over, "_sector", "_vector"]
    return tasks.applied(
        averages.annealed_averages if annealed else averages.averages,
        {
            "sums": (sums["sums"], [*strata, "T", "_column"]),
            "energies": (sums["energies"], strata),
            "T": (T, [over, "T"]),
            "weights": (xr.DataArray(ring.weights, dims="_sector"), ["_sector"]),
        },
        {name + end: (dims, np.float64) for name, dims in AVERAGES.items() for end in ("", "_stderr")},
        plan,
        settings={
            "states": 1.0 if ring.disorder else float(ring.sites),
            "broadenings": grid["broadening"],
        }
        | kind,
        sizes=grid,
    )
