"""One-body problems of runs and of models without interaction: what is solved, at which temperature.

Every observable of quantum particles in frozen charges begins here, with :func:`states_of`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np
import xarray as xr

from xglass.checks import aligned, described, eager, no_override, refuse, require, uncut
from xglass.engine.charge import one_body as engine
from xglass.lattice.whole import require_whole
from xglass.messages import NotFoundError
from xglass.models.common import temperature, with_coordinates
from xglass.solvers import tasks
from xglass.solvers.tasks import Input, Output
from xglass.units.parameters import Parameter
from xglass.variables import energy_unit

__all__ = [
    "as_given",
    "free_inputs",
    "inputs",
    "occupations",
    "replaced_temperature",
    "run_inputs",
    "states_of",
    "temperature_of",
]


def __dir__() -> list[str]:
    return __all__


#: What K + diag(phi) is made of, besides the occupations.
NEEDED = ("interaction", "site_energy", "centred", "hopping", "bond_source", "bond_target")

#: An array or a Dataset.
Result = TypeVar("Result", xr.DataArray, xr.Dataset)


def occupations(run: xr.Dataset, *needed: str, caller: str) -> xr.DataArray:
    """The occupations of a run, checked: whole numbers, sites in one chunk, the model still there."""
    require_whole(run, "occupation", "filling", *needed, caller=caller)
    occupation = run["occupation"]
    if occupation.dtype.kind not in "iub":
        raise TypeError(
            f"{caller}: occupation has type {occupation.dtype}; it must be whole numbers, and a mean "
            "of occupations is no "
            "configuration: take the mean of the result instead (and select by .isel or .sel, or "
            "apply .where to the result)"
        )
    uncut(occupation, ("site",), caller=caller)
    return occupation


def replaced_temperature(
    data: Result,
    T: Parameter,
    caller: str,
    *,
    what: str,
    energy: str,
    along_t: bool = True,
) -> tuple[Result, xr.DataArray]:
    """The data without their temperature, and the one that was given instead.

    Unless ``along_t``, T must not change both along a dimension of its own name and along others.
    """
    given = temperature(T, data, energy=energy)
    if "T" in data.dims or (not along_t and "T" in given.dims and given.ndim > 1):
        raise ValueError(
            f"{caller}: T= replaces the temperature of a {what} at one temperature; this one has "
            "dimension 'T', select by .sel(T=...)"
        )
    data = data.drop_vars(["T", "temperature"], errors="ignore")
    pair: dict[str, xr.DataArray | xr.Dataset] = {what: data, "T": given}
    aligned(caller, **pair)
    return data, given


def inputs(run: xr.Dataset, T: Parameter | None, *, caller: str) -> dict[str, Input]:
    """What engines take of a run: its configurations, K + diag(phi), the filling and the temperature.

    A temperature that is given replaces that of the run.
    """
    occupations(run, *NEEDED, caller=caller)
    run, temperature = _at_temperature(run, T, caller)
    if temperature is None:
        raise _without_temperature(run, caller)
    thermal: dict[str, Input] = {"filling": (run["filling"], []), "temperature": (temperature, [])}
    return run_inputs(run, caller=caller) | thermal


def run_inputs(run: xr.Dataset, *, caller: str) -> dict[str, Input]:
    """K + diag(phi) of every configuration of a run."""
    occupation = occupations(run, *NEEDED, caller=caller)
    return _hamiltonian(run, occupation, run["filling"] * run["centred"])


def free_inputs(model: xr.Dataset, *, caller: str) -> dict[str, Input]:
    """K + diag(site energies) of a model without interaction: where the charges are does not matter."""
    require_whole(model, "filling", *NEEDED, caller=caller)
    nowhere = xr.DataArray(np.zeros(model.sizes["site"], dtype=np.int8), dims="site")
    return _hamiltonian(model, nowhere, xr.DataArray(0.0))


def _hamiltonian(run: xr.Dataset, occupation: xr.DataArray, reference: xr.DataArray) -> dict[str, Input]:
    return {
        "occupation": (occupation, ["site"]),
        "hopping": (run["hopping"], ["bond"]),
        "interaction": (run["interaction"], ["site", "site2"]),
        "site_energy": (run["site_energy"], ["site"]),
        "reference": (reference, []),
        "bond_source": (run["bond_source"], ["bond"]),
        "bond_target": (run["bond_target"], ["bond"]),
    }


def temperature_of(data: xr.Dataset | xr.DataArray) -> xr.DataArray | None:
    """The temperature that the data carry: that of each sweep of a ramp, else T."""
    name = "temperature" if "temperature" in data.coords else "T"
    return data.coords.get(name)


def _at_temperature(
    data: xr.Dataset, T: Parameter | None, caller: str
) -> tuple[xr.Dataset, xr.DataArray | None]:
    """The data at a temperature: one that is given replaces their own."""
    if T is None:
        if (own := temperature_of(data)) is not None:
            require(data, "T", str(own.name), caller=caller)
        return data, own
    if "chemical_potential" in data.variables:
        given = temperature(T, data, energy=energy_unit(data))
        no_override(caller, "the Dataset", T=(data.coords.get("T"), given))
        return data, temperature_of(data)
    data, given = replaced_temperature(data, T, caller, what="run", energy=energy_unit(data), along_t=False)
    return with_coordinates(data.coords.to_dataset(), given).assign(data.data_vars), given


def _without_temperature(data: xr.Dataset, caller: str) -> KeyError:
    return NotFoundError(
        f"{caller}: {described(data)} has no temperature 'T', on which the chemical potential depends; keep "
        "that of the run, or write xg.diagonalize(..., T=...) and give its result"
    )


def states_of(
    data: xr.Dataset, T: Parameter | None, caller: str, *, vectors: bool = True, thermal: bool = True
) -> xr.Dataset:
    """Levels, and states if they are asked for, of whatever has them.

    Parameters
    ----------
    data : Dataset
        A run, a model without interaction, or a Dataset that has ``eigenvalue`` already, that of
        :func:`diagonalize` say, which is used as it is.
    T : number, sequence, DataArray, Quantity or None
        Temperature instead of the data's own.
    caller : str
        Who asks, for messages.
    vectors : bool
        Whether the states are needed; levels alone cost less than half.
    thermal : bool
        Whether there must be a temperature.

    Returns
    -------
    Dataset
        ``eigenvalue(..., state)``, ``eigenvector(..., site, state)`` if asked for, and where there is a
        temperature ``chemical_potential(...)``; with the coords of the data. Lazy, in the blocks of the data
        and in finer ones where the states of a block took more than 64 MB. Of data in memory it is lazy too
        where it took more than that: see :func:`as_given`.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the data are nothing of the kind, or no longer whole.
    """
    solved = isinstance(data, xr.Dataset) and "eigenvalue" in data.variables
    given: dict[str, Input] = {}
    if solved:
        _check_states(data, caller, vectors)
    else:
        given = free_inputs(data, caller=caller) if _is_free(data) else run_inputs(data, caller=caller)
    data, temperature = _at_temperature(data, T, caller)
    if temperature is None and thermal:
        raise _without_temperature(data, caller)
    names = ["eigenvalue", "eigenvector"][: 1 + vectors]
    arrays = {name: data[name] for name in names} if solved else _solutions(given, data.sizes["site"], names)
    states = data.coords.to_dataset().assign({name: array.variable for name, array in arrays.items()})
    if "chemical_potential" in data.variables:
        return states.assign(chemical_potential=data["chemical_potential"].variable)
    if temperature is None:
        return states
    mu = _chemical_potential(states, temperature, first=T is not None)
    return states.assign(chemical_potential=mu.variable)


def as_given(result: Result, data: xr.Dataset) -> Result:
    """The result computed, unless the data of which it was made are lazy.

    What is made of data in memory goes through dask where its states would not fit beside them.
    """
    names = ("eigenvalue", "occupation", "hopping", "interaction", "site_energy")
    given = [data[name] for name in names if name in data.variables]
    return result if _is_lazy(given) else result.compute(scheduler="synchronous")


def _is_lazy(arrays: Iterable[xr.DataArray]) -> bool:
    return any(array.chunks is not None for array in arrays)


def _is_free(data: object) -> bool:
    """Whether it is a model of charges that do not interact, and holds no configurations."""
    if not isinstance(data, xr.Dataset) or "interaction" not in data.coords or "occupation" in data.variables:
        return False
    return not eager(data, "interaction").any()


def _check_states(data: xr.Dataset, caller: str, vectors: bool) -> None:
    """Refuse states of which some were left out, or that were cut within one system."""
    parts = {"eigenvalue": ("state",), "eigenvector": ("site", "state")}
    names = ["eigenvalue", "eigenvector"][: 1 + vectors]
    require(data, *names, "filling", caller=caller)
    for name in names:
        uncut(data[name], parts[name], caller=caller)
    sites, states = data.sizes.get("site", data.sizes["state"]), data.sizes["state"]
    refuse(
        caller,
        (
            states != sites,
            f"the Dataset holds {states} states and {sites} sites; select states or sites on the result of "
            f"{caller}, not before it",
        ),
    )


def _solutions(given: Mapping[str, Input], sites: int, names: list[str]) -> dict[str, xr.DataArray]:
    """Levels, and states, of every configuration."""
    outputs: dict[str, Output] = {"eigenvalue": (["state"], np.float64)}
    if "eigenvector" in names:
        outputs["eigenvector"] = (["site", "state"], np.float64)
    plan = _blocks(given, nbytes=8.0 * sites ** len(outputs))
    # looked up here, so that whoever replaces one is heard
    function = engine.diagonalize if "eigenvector" in names else engine.eigenvalues
    return tasks.applied(function, given, outputs, plan, sizes={"state": sites})


def _blocks(given: Mapping[str, Input], nbytes: float) -> dict[str, tuple[int, ...]] | None:
    """The blocks of the data, cut further where results of ``nbytes`` each would take more than a task may.

    None where all is in memory and stays within that.
    """
    sizes, arrays = tasks.loops(given.values()), [array for array, _ in given.values()]
    if not _is_lazy(arrays) and math.prod(sizes.values()) * nbytes <= tasks.TASK_BYTES:
        return None
    budget = max(1, int(tasks.TASK_BYTES / nbytes))
    plan = {}
    for dim, size in reversed([*sizes.items()]):
        cuts = [array.chunksizes[dim] for array in arrays if dim in array.chunksizes]
        blocks = cuts[0] if cuts else (size,)
        plan[dim] = tuple(piece for block in blocks for piece in _pieces(block, budget))
        budget = max(1, budget // max(plan[dim]))
    return plan


def _pieces(length: int, most: int) -> Iterable[int]:
    """A length as pieces that are nearly equal, and none longer than ``most``."""
    number = max(1, math.ceil(length / most))
    return (length * (k + 1) // number - length * k // number for k in range(number))


def _chemical_potential(states: xr.Dataset, temperature: xr.DataArray, *, first: bool) -> xr.DataArray:
    """Mu of all levels at all temperatures, whose dimensions come ``first`` if the data did not have them."""
    levels = states["eigenvalue"]
    inputs: dict[str, Input] = {
        "eigenvalue": (levels, ["state"]),
        "filling": (states["filling"], []),
        "temperature": (temperature, []),
    }
    plan = None
    if _is_lazy([levels]):
        plan = {dim: levels.chunksizes.get(dim, -1) for dim in tasks.loops(inputs.values())}
    outputs: dict[str, Output] = {"chemical_potential": ([], np.float64)}
    result = tasks.applied(engine.chemical_potential, inputs, outputs, plan)["chemical_potential"]
    return result.transpose(*temperature.dims, ...) if first else result
