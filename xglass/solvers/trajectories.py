"""What every Monte Carlo of charges declares: its point, its trajectories and their identities."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import whole_number
from xglass.engine.charge import metropolis as engine
from xglass.lattice.whole import require_whole
from xglass.models.common import temperature, with_coordinates, with_labels
from xglass.solvers.tasks import Input
from xglass.units.parameters import Labels, Parameter, parameter
from xglass.variables import energy_unit

__all__ = [
    "check_digits",
    "check_moves",
    "particle_numbers",
    "point_of",
    "ramp_factors",
    "trajectory_inputs",
    "walker_identifiers",
    "with_ramp",
]


def __dir__() -> list[str]:
    return __all__


#: Largest unit of energies in fixed point, in T.
COARSEST = 1e-9


def point_of(model: xr.Dataset, T: Parameter, caller: str) -> xr.Dataset:
    """The model at its temperatures: parameters and geometry, in memory, and nothing of an earlier run."""
    needed = ("hopping", "interaction", "site_energy", "filling", "centred", "position", "torus")
    require_whole(model, *needed, caller=caller)
    model = model.coords.to_dataset().drop_vars(
        ["temperature", "walker", "sweep", "start", "ramp"], errors="ignore"
    )
    if "T" not in model.drop_vars("T", errors="ignore").dims:
        model = model.drop_vars("T", errors="ignore")  # of a run given as model; labels must agree with T
    # parameters are eager; a chunked or stored run may hold them as dask arrays
    model = model.compute(scheduler="synchronous")
    temperatures = temperature(T, model, energy=energy_unit(model))
    return with_labels(with_coordinates(model, temperatures), caller)


def trajectory_inputs(point: xr.Dataset, walkers: np.ndarray) -> dict[str, Input]:
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


def walker_identifiers(walker: Labels) -> np.ndarray:
    """Return the identifiers of walkers, 0, 1, ... of a count."""
    if np.ndim(walker) == 0:
        return np.arange(whole_number("walker", walker))
    identifiers = [whole_number("walker", w, minimum=0, maximum=2**63) for w in np.asarray(walker).ravel()]
    if np.ndim(walker) > 1 or not identifiers or len(set(identifiers)) != len(identifiers):
        raise ValueError(f"walker must be a count or distinct identifiers >= 0, got {walker!r}")
    return np.array(identifiers, dtype=np.int64)


def particle_numbers(filling: xr.DataArray, sites: int) -> xr.DataArray:
    """Whole number of particles at every filling."""
    number = filling * sites
    if (abs(number - number.round()) > 1e-9 * sites).any():
        raise ValueError(
            f"filling = {filling.values.tolist()} is {number.values.tolist()} particles on {sites} "
            "sites; metropolis keeps the number "
            f"fixed and needs a whole number: take filling = k / {sites}"
        )
    return number.round().astype(np.int64)


def check_moves(point: xr.Dataset, moves: str) -> None:
    """Raise if moves to neighbours are asked for and a site has none."""
    ends = np.r_[point["bond_source"], point["bond_target"]]
    if moves == "neighbour" and np.bincount(ends, minlength=point.sizes["site"]).min() == 0:
        raise ValueError(
            "moves='neighbour' needs a bond at every site; this lattice has sites without, use "
            "moves='exchange'"
        )


def check_digits(inputs: dict[str, Input], temperature: xr.DataArray, lowest: float) -> None:
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


def ramp_factors(ramp: Any, first: int, sweep: int) -> np.ndarray:
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


def with_ramp(run: xr.Dataset, factors: np.ndarray, first: int, every: int) -> xr.Dataset:
    """The run with its temperature at every stored sweep, and the factors since the one before."""
    stored = run["sweep"].values
    kept = xr.DataArray(factors[stored - first], dims="sweep")
    temperature = (xr.DataArray(run["T"].variable) * kept).transpose(..., "sweep").drop_attrs()
    between = np.maximum(stored[:, None] - np.arange(every)[::-1], first) - first
    return run.assign_coords(temperature=temperature.variable, ramp=(("sweep", "step"), factors[between]))
