"""Charges on a lattice: configurations, potentials, one-body averages and Monte Carlo chains."""
