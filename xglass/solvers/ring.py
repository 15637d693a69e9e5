"""What solvers of finite rings share: blocks of the Hamiltonian, kept configurations, and averages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import whole_number
from xglass.engine.tls import operators
from xglass.messages import warn
from xglass.solvers import common, tasks
from xglass.solvers.tasks import Input
from xglass.units.parameters import parameter

#: Sites whose configurations are numbers of 64 bits.
LARGEST = 62

#: Most weight of the highest kept shell, of free two-level systems, that is taken without a warning.
LARGEST_SHELL = 0.01

#: ``average`` of a solver that was not told: fine as long as there are no realizations to average over.
UNSAID = "unsaid"


@dataclass(frozen=True)
class Ring:
    """One electron on a finite ring: the model, and the blocks of the Hamiltonian to average over.

    ``numbers`` are momenta, or fluxes through the ring where sites differ (``disorder``), each with one of
    ``weights``; ``listed`` whether the user named them; ``dimension`` is that of a block. ``average`` is None
    where realizations stay, and where there are none.
    """

    model: xr.Dataset
    sites: int
    disorder: bool
    dimension: int
    numbers: np.ndarray
    weights: np.ndarray
    listed: bool
    max_excitations: int | None
    average: str | None

    @property
    def complex(self) -> bool:
        """Whether Hamiltonians are complex: real numbers do for sites that differ, without flux."""
        return not self.disorder or bool((self.numbers != 0.0).any())

    def inputs(self) -> dict[str, Input]:
        """Return the parameters of the model as engines take them."""
        core = ["site"] if self.disorder else []
        arrays = {name: self._along_sites(name) for name in common.PARAMETERS}
        if self.max_excitations is not None:
            arrays |= _from_below(arrays, core)
        return {name: (array, core) for name, array in arrays.items()}

    def _along_sites(self, name: str) -> xr.DataArray:
        """A parameter as (...), or as (..., site) where sites differ (a bond stands with its first site)."""
        value = xr.DataArray(self.model[name].variable if name in self.model else xr.Variable((), 0.0))
        if not self.disorder:
            return value
        value = value.rename(bond="site") if "bond" in value.dims else value
        value = value if "site" in value.dims else value.expand_dims(site=self.sites, axis=-1)
        return value.transpose(..., "site")

    def warn_of_truncation(self, T: xr.DataArray, caller: str) -> None:
        """Warn where not even free two-level systems fit into the configurations that are kept.

        A task could say more, but its warnings are lost on a cluster.
        """
        if self.max_excitations is None or self.max_excitations >= self.sites:
            return
        splitting = abs(self._along_sites("omega0")).compute(scheduler="synchronous")
        if not self.disorder:
            splitting = splitting.expand_dims(site=self.sites, axis=-1)
        weights = xr.apply_ufunc(
            operators.free_shells,
            splitting,
            xr.DataArray(T.variable),
            input_core_dims=[["site"], []],
            output_core_dims=[["shell"]],
        )
        shells = weights.max([dim for dim in weights.dims if dim != "shell"]).values
        kept = shells[self.max_excitations]
        if kept <= LARGEST_SHELL:
            return
        few = np.flatnonzero(shells[:-1] <= LARGEST_SHELL)
        advice = f"take max_excitations={few[0]} or more" if few.size else "leave max_excitations out"
        warn(
            f"{caller}: max_excitations = {self.max_excitations} keeps too few at T up to "
            f"{float(T.max()):g}: even of free two-level systems {100 * kept:.2g} % of the thermal weight is "
            f"in the highest shell that is kept; {advice}, and look at truncated_weight of the result"
        )

    def twist_limited(self, plan: tasks.Plan) -> dict[str, xr.DataArray]:
        """Whether a flux through the ring sets the static limit; nothing where there is none.

        A frozen configuration of two-level systems carries a current in a flux, which counts as conductivity
        for as long as it is frozen. It is where the two-level systems are slow beside the levels of the ring,
        4 t / N apart: below half of that the static limit in a flux was found to be too large.
        """
        fluxes = self.numbers if self.disorder else self.numbers * self.sites
        if not (np.abs(np.sin(fluxes)) > 1e-9).any():
            return {}
        omega0, t = (
            abs(self._along_sites(name)).compute(scheduler="synchronous") for name in ("omega0", "t")
        )
        if self.disorder:
            omega0, t = omega0.mean("site"), t.mean("site")
        slow = 2.0 * t / self.sites > omega0
        over = ["realization"] if self.realizations and "realization" in slow.dims else []
        return {"twist_limited": tasks.cut(slow.any(over), [], plan)}

    @property
    def realizations(self) -> int:
        """Number of realizations that are averaged over, 0 where none are."""
        return 0 if self.average is None else self.model.sizes["realization"]

    def averaged(self) -> dict[str, Any]:
        """Return attributes for a solution: number and kind of all that was averaged over."""
        blocks = ("twists", "twist") if self.disorder else ("momenta", "momentum")
        attrs = dict(zip(blocks, (int(self.weights.sum()), "listed" if self.listed else "all"), strict=True))
        return attrs | averaged_realizations(self.realizations, self.average)

    def without_averaged(self) -> xr.Dataset:
        """The model after the average: what differed from realization to realization is gone."""
        return self.model.drop_dims("realization") if self.realizations else self.model

    def settings(self) -> dict[str, Any]:
        """What engines take of a ring besides its parameters."""
        return {"sites": self.sites, "disorder": self.disorder, "max_excitations": self.max_excitations}

    def widest(self) -> float:
        """Largest half width of the spectrum among all parameter points."""
        core = ["site"] if self.disorder else []
        arrays = xr.broadcast(*(array for array, _ in self.inputs().values()), exclude=core)
        values = tuple(array.transpose(..., *core).values for array in arrays)
        return operators.widest(values, self.sites, self.disorder, self.max_excitations)


def _from_below(arrays: dict[str, xr.DataArray], core: list[str]) -> dict[str, xr.DataArray]:
    """Turn two-level systems with a negative splitting about y, so that an excitation costs energy.

    That is a unitary transformation and changes the sign of all three of their terms. In the whole space it
    does nothing; where few excitations are kept, it is the lowest configurations that are. Sweeps without
    negative splittings stay as they are, and so does what a store knows them by.
    """
    names = ("g", "g_z", "omega0")
    sign = xr.where(arrays["omega0"].compute(scheduler="synchronous") < 0.0, -1.0, 1.0)
    if not bool((sign < 0.0).any()):
        return {}
    # all three over all dimensions of theirs, so that those of results keep their order
    turned = xr.broadcast(*(arrays[name] for name in names), exclude=core)
    return {name: array * sign + 0.0 for name, array in zip(names, turned, strict=True)}


def ring(
    model: xr.Dataset, *, caller: str, momentum: Any, twist: Any, max_excitations: Any, average: Any
) -> Ring:
    """The ring of a model, and how to average over its blocks, checked."""
    model, sites, over_sites = common.electron(model, caller)
    numbers, weights = sectors(momentum, twist, sites, over_sites)
    kept = kept_states(sites, max_excitations)
    return Ring(
        model=model,
        sites=sites,
        disorder=bool(over_sites),
        dimension=kept * (sites if over_sites else 1),
        numbers=numbers,
        weights=weights,
        listed=twist is not None or not isinstance(momentum, str),
        max_excitations=None if max_excitations is None else int(max_excitations),
        average=_said(average, model, caller),
    )


def _said(average: Any, model: xr.Dataset, caller: str) -> str | None:
    """How to average over realizations, which nobody but the user can know; None where there are none."""
    if average not in ("annealed", "quenched", UNSAID, None):
        raise ValueError(f"average must be 'annealed', 'quenched' or None, got {average!r}")
    drawn = [name for name in common.PARAMETERS if name in model and "realization" in model[name].dims]
    if drawn and average == UNSAID:
        raise ValueError(
            f"{caller}: {' and '.join(drawn)} differ from realization to realization; write "
            "average='quenched' (the mean of the results, for disorder that does not move), 'annealed' (over "
            "the sum of Z, for disorder in thermal equilibrium) or None (every realization by itself)"
        )
    return average if drawn else None


def averaged_realizations(number: int, average: str | None) -> dict[str, Any]:
    """Return attributes for a solution that was averaged over so many realizations; none for none."""
    return {"realizations": number, "average": average} if number else {}


def sectors(momentum: Any, twist: Any, sites: int, over_sites: set[str]) -> tuple[np.ndarray, np.ndarray]:
    """Momenta to average over, or fluxes where sites differ, and their weights.

    K and -K have the same spectrum, so that of the ring's own momenta half is enough.
    """
    if over_sites:
        if not (isinstance(momentum, str) and momentum == "all"):
            raise ValueError(
                f"momentum: {sorted(over_sites)} differ from site to site, so that momentum is not "
                "conserved; average over twist instead"
            )
        return _listed("twist", 0.0 if twist is None else twist)
    if twist is not None:
        raise ValueError(
            f"twist is for models whose sites differ; here write momentum=(2 pi n + twist) / {sites} "
            f"for n = 0 ... {sites - 1}"
        )
    if not isinstance(momentum, str):
        return _listed("momentum", momentum)
    if momentum != "all":
        raise ValueError(f"momentum must be 'all' or an array of momenta, got {momentum!r}")
    number = np.arange(sites // 2 + 1)
    return 2.0 * np.pi * number / sites, np.where((number == 0) | (2 * number == sites), 1.0, 2.0)


def _listed(name: str, value: Any) -> tuple[np.ndarray, np.ndarray]:
    grid = parameter(name, value)
    if grid.ndim > 1:
        raise ValueError(f"{name} must be a number or one sequence, got dimensions {grid.dims}")
    return np.atleast_1d(grid.values), np.ones(grid.size)


def kept_states(sites: int, max_excitations: int | None) -> int:
    """Number of configurations of the two-level systems that are kept."""
    if sites > LARGEST:
        raise ValueError(
            f"the model has {sites} sites; configurations are numbers of 64 bits, take at most {LARGEST}"
        )
    if max_excitations is None:
        return 2**sites
    return sum(
        math.comb(sites, k)
        for k in range(min(sites, whole_number("max_excitations", max_excitations, minimum=0)) + 1)
    )


def over_realizations(results: dict[str, xr.DataArray], average: str | None) -> dict[str, xr.DataArray]:
    """Thermal averages over realizations: with their partition functions as weights (annealed),
    or all alike (quenched).
    """
    log_z = results["log_partition_function"]
    if average is None:
        return results
    if average == "quenched":
        return {
            name: result.mean("realization") if "realization" in result.dims else result
            for name, result in results.items()
        }
    top = log_z.max("realization")
    boltzmann: xr.DataArray = xr.apply_ufunc(np.exp, log_z - top, dask="allowed")
    averaged = {
        name: (result * boltzmann).sum("realization") / boltzmann.sum("realization")
        for name, result in results.items()
    }
    averaged["log_partition_function"] = (
        xr.apply_ufunc(np.log, boltzmann.mean("realization"), dask="allowed") + top
    )
    return {
        name: averaged[name].transpose(*(d for d in result.dims if d != "realization"))
        for name, result in results.items()
    }
