"""What solvers with random vectors share: how work is cut, and averages over vectors,
momenta and realizations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from xglass.engine.core.operations import operation
from xglass.engine.tls import operators
from xglass.solvers import common
from xglass.variables import canonical, whole_number

#: Work of a task in seconds, and the least number of tasks a long computation is cut into.
TASK_SECONDS, TASKS = 1.0, 8

#: An array and the dimensions that a task takes as a whole.
Input = tuple[xr.DataArray, list[str]]

#: What is averaged, in the order of :func:`xglass.engine.tls.lanczos.averages`.
OUTPUTS = {
    "log_partition_function": ["T"],
    "kinetic_energy": ["T"],
    "total_weight": ["T"],
    "filter_exponent": ["T", "broadening"],
    "optical_conductivity": ["T", "broadening", "frequency"],
}


@dataclass(frozen=True)
class Sampling:
    """The arguments of a solver with random vectors, checked."""

    caller: str
    model: xr.Dataset
    sites: int
    dimension: int
    disorder: bool
    temperature: xr.DataArray
    frequencies: xr.DataArray
    width: xr.DataArray
    numbers: np.ndarray
    weights: np.ndarray
    parameters: dict[str, xr.DataArray]
    max_excitations: int | None
    average: str | None
    vectors: int
    seed: int
    precision: str

    @classmethod
    def of(
        cls,
        caller: str,
        model: xr.Dataset,
        *,
        T: Any,
        frequency: Any,
        broadening: Any,
        random_vectors: Any,
        momentum: Any,
        twist: Any,
        max_excitations: int | None,
        average: str | None,
        seed: Any,
        precision: Any,
    ) -> Sampling:
        """Check and convert all of them."""
        model, sites, over_sites = common.electron(model, caller)
        temperature, frequencies = common.temperatures(T, model), common.rising("frequency", frequency, model)
        width = common.widths(broadening, model)
        numbers, weights = common.sectors(momentum, twist, sites, over_sites)
        kept = common.kept_states(sites, max_excitations)
        if precision not in ("single", "double"):
            raise ValueError(f"precision must be 'single' or 'double', got {precision!r}")
        common.check_average(average)
        return cls(
            caller=caller,
            model=model,
            sites=sites,
            dimension=kept * (sites if over_sites else 1),
            disorder=bool(over_sites),
            temperature=temperature,
            frequencies=frequencies,
            width=width,
            numbers=numbers,
            weights=weights,
            parameters=common.site_values(model, sites, over_sites),
            max_excitations=None if max_excitations is None else int(max_excitations),
            average=average,
            vectors=whole_number("random_vectors", random_vectors),
            seed=whole_number("seed", seed, minimum=0, maximum=2**64),
            precision=precision,
        )

    def widest(self) -> float:
        """Largest half width of the spectrum among all parameter points."""
        own = ["site"] if self.disorder else []
        arrays = xr.broadcast(*self.parameters.values(), exclude=own)
        values = tuple(array.transpose(..., *own).values for array in arrays)
        return operators.widest(values, self.sites, self.disorder, self.max_excitations)

    def solve(
        self, numerators: Callable[..., Any], settings: dict[str, Any], *, seconds: float, chunks: Any
    ) -> xr.Dataset:
        """The results of a solver, lazy: ``numerators`` for every point, momentum and vector, then averages.

        ``numerators`` is a plain function with the arguments and results of
        :func:`xglass.engine.tls.lanczos.numerators` besides its own ``settings``; ``seconds`` is a guess of
        the work of one vector.
        """
        model, own, width = self.model, ["site"] if self.disorder else [], self.width
        along_t = common.along_t(self.temperature)
        labels = model["realization"].variable if "realization" in model.coords else xr.Variable((), 0)
        label = xr.DataArray(labels if labels.dtype.kind in "iu" else xr.zeros_like(labels, dtype=np.int64))
        inputs: dict[str, Input] = {name: (array, own) for name, array in self.parameters.items()}
        every = [*self.parameters.values(), label, along_t]
        sizes = {str(d): n for array in every for d, n in array.sizes.items() if d not in ("site", "T")}
        sizes |= {"_sector": self.numbers.size, "_vector": self.vectors}
        plan = _chunks(chunks, sizes, seconds)
        # this one input has every dimension, in the order of the result, and as many blocks
        inputs["realization"] = (
            label + xr.DataArray(np.zeros([*sizes.values()], dtype=np.int64), dims=[*sizes]),
            [],
        )
        inputs["number"] = (xr.DataArray(self.numbers, dims="_sector"), [])
        inputs["label"] = (xr.DataArray(canonical(self.numbers), dims="_sector"), [])
        inputs["vector"] = (xr.DataArray(np.arange(self.vectors), dims="_vector"), [])
        inputs["T"] = (along_t, ["T"])
        inputs["frequency"] = (xr.DataArray(self.frequencies.values, dims="frequency"), ["frequency"])
        inputs["broadening"] = (xr.DataArray(np.atleast_1d(width.values), dims="broadening"), ["broadening"])
        given = {"sites": self.sites, "disorder": self.disorder, "precision": self.precision}
        given |= {"max_excitations": self.max_excitations, "seed": self.seed}
        sums, energies = xr.apply_ufunc(
            numerators,
            *(_cut(array, core, plan) for array, core in inputs.values()),
            kwargs=given | settings,
            input_core_dims=[core for _, core in inputs.values()],
            output_core_dims=[["T", "_column"], []],
            dask="parallelized",
            output_dtypes=[np.float64] * 2,
            dask_gufunc_kwargs={
                "output_sizes": {"_column": 3 + 2 * width.size + width.size * self.frequencies.size}
            },
        )

        # average over vectors, momenta and what else is asked for; without realizations, over one of them
        over = "realization" if self.average is not None and "realization" in sizes else "_realization"
        if over not in sizes:
            sums, energies = sums.expand_dims({over: 1}), energies.expand_dims({over: 1})
        if over not in along_t.dims:
            along_t = along_t.expand_dims({over: sizes.get(over, 1)})
        core = [
            [over, "_sector", "_vector", "T", "_column"],
            [over, "_sector", "_vector"],
            [over, "T"],
            ["_sector"],
        ]
        parts = zip((sums, energies, along_t, xr.DataArray(self.weights, dims="_sector")), core, strict=True)
        states = 1.0 if self.disorder else float(self.sites)
        results = xr.apply_ufunc(
            _averages,
            *(_cut(part, dims, plan) for part, dims in parts),
            kwargs={"states": states, "broadenings": width.size, "quenched": self.average == "quenched"},
            input_core_dims=core,
            output_core_dims=[dims for dims in OUTPUTS.values() for _ in range(2)],
            dask="parallelized",
            output_dtypes=[np.float64] * 10,
            dask_gufunc_kwargs={
                "output_sizes": {"broadening": width.size, "frequency": self.frequencies.size}
            },
        )
        if self.average is not None:
            model = common.without_realization(model)
        names = [name + end for name in OUTPUTS for end in ("", "_stderr")]
        attrs = {
            "solver": self.caller,
            "seed": str(self.seed),
            "random_vectors": self.vectors,
            "precision": self.precision,
        }
        return common.assembled(
            model,
            dict(zip(names, results, strict=True)),
            attrs,
            temperature=self.temperature,
            frequencies=self.frequencies,
            width=width,
        )


@operation("random_vectors.averages")
def _averages(*arrays: np.ndarray, **settings: Any) -> tuple[np.ndarray, ...]:
    from xglass.engine.tls.lanczos import averages

    return averages(*arrays, **settings)


def _cut(array: xr.DataArray, core: list[str], plan: dict[str, int] | None) -> xr.DataArray:
    return (
        array
        if plan is None
        else array.chunk({d: -1 if d in core else plan.get(str(d), -1) for d in array.dims})
    )


def _chunks(chunks: Any, sizes: dict[str, int], seconds: float) -> dict[str, int] | None:
    """Chunk sizes along parameters, sectors and vectors; None: compute now."""
    chosen = common.chosen_chunks(chunks, (d for d in sizes if not d.startswith("_")))
    if chosen is None:
        return None
    budget = max(1.0, TASK_SECONDS / seconds)
    total = math.prod(sizes.values())
    if total * seconds > TASK_SECONDS:  # a few seconds of work are still worth sharing
        budget = max(1.0, min(budget, total / TASKS))
    plan = {}
    for dim, length in reversed(sizes.items()):
        tasks = math.ceil(length / max(1, min(length, int(budget))))
        plan[dim] = math.ceil(length / tasks)
        budget /= plan[dim]
    if chosen:
        free = (d for d in sizes if not d.startswith("_"))
        plan |= {d: sizes[d] if chosen.get(d, -1) == -1 else min(chosen[d], sizes[d]) for d in free}
    return plan
