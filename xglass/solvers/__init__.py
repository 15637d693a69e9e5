"""Solvers: a model becomes a lazy Dataset with simulated dimensions."""

from xglass.solvers.electron import exact
from xglass.solvers.montecarlo import metropolis, metropolis_counters, rerun

__all__ = ["exact", "metropolis", "metropolis_counters", "rerun"]
