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
    "fits": "fits",
    "lattice": "lattice",
    "ops": "ops",
    "plot": "plot",
    "store": "store",
    "testing": "testing",
    "units": "units",
    "variables": "variables",
    "coulomb": "lattice",
    "charge_glass": "models",
    "electron_tls": "models",
    "random_couplings": "models",
    "random_parameter": "models",
    "random_site_energy": "models",
    "exact": "solvers.electron",
    "ftlm": "solvers.lanczos",
    "typicality": "solvers.typical",
    "dmft": "solvers.mean_field",
    "static_disorder": "solvers.static",
    "metropolis": "solvers.montecarlo",
    "metropolis_counters": "solvers.montecarlo",
    "autocorrelation": "observables.glass",
    "band_edge_mobility": "observables.defects",
    "boltzmann_mobility": "observables.defects",
    "dilute_scattering_rate": "observables.defects",
    "dilute_self_energy": "observables.defects",
    "thermal_defects": "observables.defects",
    "dc_conductivity": "observables.transport",
    "diffusivity": "observables.transport",
    "localization_length": "observables.transport",
    "mean_square_displacement": "observables.transport",
    "peak_frequency": "observables.transport",
    "relaxation_time_approximation": "observables.transport",
    "resistivity": "observables.transport",
    "spectral_weight": "observables.transport",
    "sum_rule": "observables.transport",
    "transient_localization_length": "observables.transport",
    "overlap": "observables.glass",
    "stripe_order": "observables.glass",
    "structure_factor": "observables.glass",
    "electrostatic_energy": "observables.charge",
    "electrostatic_potential": "observables.charge",
    "kinetic_energy": "observables.charge",
    "local_density": "observables.charge",
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
