"""xglass: declarative array programming for quantum glasses of charge, on xarray and dask.

model (a Dataset) -> solver (adds a simulated dimension) -> observable (names a quantity) -> fit -> plot

Public names are imported on first use, so that ``import xglass`` is quick and loads no compiler.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: Public name -> module that defines it; a module stands for itself.
_PUBLIC = {
    "checks": "checks",
    "fits": "fits",
    "lattice": "lattice",
    "ops": "ops",
    "plot": "plot",
    "store": "store",
    "testing": "testing",
    "units": "units",
    "variables": "variables",
    "coulomb": "lattice",
    "charge_glass": "models.charge_glass",
    "electron_tls": "models.electron_tls",
    "random_couplings": "models.disorder",
    "random_parameter": "models.disorder",
    "random_site_energy": "models.disorder",
    "exact": "solvers.exact",
    "ftlm": "solvers.ftlm",
    "typicality": "solvers.typicality",
    "dmft": "solvers.dmft",
    "static_disorder": "solvers.static_disorder",
    "metropolis": "solvers.metropolis",
    "metropolis_counters": "solvers.metropolis",
    "autocorrelation": "observables.glass",
    "band_edge_mobility": "dilute_defects",
    "boltzmann_mobility": "dilute_defects",
    "dilute_scattering_rate": "dilute_defects",
    "dilute_self_energy": "dilute_defects",
    "thermal_defects": "dilute_defects",
    "dc_conductivity": "observables.conductivity",
    "diffusivity": "observables.diffusion",
    "localization_length": "observables.conductivity",
    "mean_square_displacement": "observables.diffusion",
    "peak_frequency": "observables.conductivity",
    "relaxation_time_approximation": "observables.relaxation_time",
    "resistivity": "observables.conductivity",
    "spectral_weight": "observables.conductivity",
    "sum_rule": "observables.conductivity",
    "transient_localization_length": "observables.relaxation_time",
    "overlap": "observables.glass",
    "stripe_order": "observables.order",
    "structure_factor": "observables.order",
    "electrostatic_energy": "observables.charge",
    "electrostatic_potential": "observables.charge",
    "kinetic_energy": "observables.one_body",
    "local_density": "observables.one_body",
    "bootstrap": "resampling",
    "jackknife": "resampling",
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'xglass' has no attribute {name!r}")
    module = importlib.import_module(f"xglass.{_PUBLIC[name]}")
    value = module if _PUBLIC[name] == name else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
