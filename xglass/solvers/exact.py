"""One electron and two-level systems: thermal averages and spectra by full diagonalisation."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xglass.engine.tls import dense as engine
from xglass.messages import public
from xglass.solvers import common, tasks
from xglass.solvers.ring import UNSAID, over_realizations, ring
from xglass.solvers.tasks import Output
from xglass.units.parameters import Chunks, Frequencies, Parameter

__all__ = ["exact"]


def __dir__() -> list[str]:
    return __all__


#: Complex (d, d) matrices that a full diagonalisation of dimension d holds at once.
MATRICES = 7

#: Results of the engine, in its order, with their own dimensions.
SPECTRA: dict[str, Output] = {
    "optical_conductivity": (["T", "broadening", "frequency"], np.float64),
    "filter_exponent": (["T", "broadening"], np.float64),
    "kinetic_energy": (["T"], np.float64),
    "total_weight": (["T"], np.float64),
    "log_partition_function": (["T"], np.float64),
}
STIFFNESS: dict[str, Output] = {"stiffness": (["T"], np.float64)}
TRUNCATION: dict[str, Output] = {"truncated_weight": (["T"], np.float64)}


@public
def exact(
    model: xr.Dataset,
    *,
    T: Parameter,
    frequency: Frequencies,
    broadening: Parameter,
    momentum: str | Parameter = "all",
    twist: Parameter | None = None,
    max_excitations: int | None = None,
    average: str | None = UNSAID,
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Thermal averages and optical conductivity of :func:`electron_tls` by full diagonalisation.

    .. math:: \sigma(\omega) = \frac{\pi}{Z} \sum_{nm} |J_{nm}|^2 \frac{e^{-\beta E_n} - e^{-\beta E_m}}{E_m -
        E_n} \delta(\omega - E_m + E_n)

    per particle, an even function, in which every delta function is a Gaussian (on the even function, so that
    the sum rule and positivity stay): Kubo formula of Rammal, Ciuchi and Fratini. Numerators and Z are summed
    over momenta apart.

    Parameters
    ----------
    model : Dataset
        Model of :func:`electron_tls` with N sites.
    T : float, sequence, DataArray or Quantity
        Temperature in tc, > 0: a number, a sequence (dimension ``T``), a DataArray or Quantities. All
        temperatures come from one pass.
    frequency : float, sequence, DataArray or Quantity
        Frequencies in tc, rising; a sequence or DataArray over ``frequency``.
    broadening : float, sequence, DataArray or Quantity
        Standard deviation of the Gaussian in tc, > 0; several are a dimension.
    momentum : {"all"} or array_like
        Momenta to average over: "all" N of the ring, or any others. A fine grid over [0, pi] averages over
        twisted boundary conditions; a number of momenta that divides N, or is a multiple of it, repeats few
        twists: take N + 1. Models with arrays over site or bond have ``twist`` instead.
    twist : float or sequence, optional
        Flux through the ring, for models without momentum blocks; several are averaged over. Default 0.
    max_excitations : int, optional
        Keep only configurations with at most so many excited two-level systems, those in the upper of the two
        states that they have without the electron, whatever the sign of omega0; default all. Right at T well
        below omega0: see ``truncated_weight``, and compare with one less.
    average : {"annealed", "quenched"} or None
        Over ``realization``, to be said once a parameter of the model has it (by default there is none):
        "annealed" divides the sum of numerators by the sum of Z, as for static two-level systems that are
        part of the thermal average; "quenched" averages the results, as for impurities that do not move; None
        keeps the dimension, for :func:`jackknife`: averages come without errors here.
    chunks : {"auto"}, dict or None
        "auto" (lazy, a task for every parameter point), {parameter dimension: size}, or None (compute now).

    Returns
    -------
    Dataset
        ``optical_conductivity(..., T, frequency)`` in e^2 a^2/hbar per particle, ``kinetic_energy(..., T)`` =
        <H_hop>, ``log_partition_function(..., T)`` of the space of one electron; ``total_weight(..., T)``,
        the integral over all positive frequencies before the filter, ``stiffness(..., T)`` of the finite ring
        (both for :func:`sum_rule`), ``filter_exponent(..., T)``, which is 1 where sigma(0) is the filter's
        alone (it scales as 1/broadening), and ``filter_limited``, whether it is above 1/2; coords of the
        model. With ``max_excitations`` also ``truncated_weight(..., T)``, the thermal weight of the
        configurations with just so many excitations, a guide to that of those left out (0 where none are). In
        a flux (momenta that are not those of the ring, ``twist``) also ``twist_limited(...)``: whether
        two-level systems are so slow, omega0 < 2 t / N, that the static limit is that of frozen ones in the
        flux, and too large. Attributes say what was averaged over: ``momenta`` or ``twists`` and
        ``realizations`` how many, ``momentum`` or ``twist`` and ``average`` of which kind.

    Raises
    ------
    ValueError
    TypeError
        Naming the argument: T or broadening not > 0, frequencies that do not rise, momenta for a model with
        disorder, ``average`` not said where there are realizations, T that differs between them,
        max_excitations < 0, a block that does not fit in memory (with its size).

    Warns
    -----
    UserWarning
        Where ``max_excitations`` keeps too few even for free two-level systems: more than 1 % of their weight
        would be in the highest kept shell. Coupled ones are excited more.

    Notes
    -----
    Dimension d = 2^N in each of N/2 + 1 blocks, or N 2^N with disorder: 16 d^2 bytes a matrix, d^3
    operations. N = 10 takes seconds, N = 12 minutes. ``stiffness`` is a difference quotient of eigenvalues,
    good to 1e-9 of itself or of the total weight between T = 0.05 t and 100 t. It costs more than all the
    rest and is computed only where it is asked for, and so is ``truncated_weight``, by a diagonalisation of
    its own: store or compute the variables that are wanted.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2)
    >>> result = xg.exact(tls, T=[0.5, 1.0], frequency=[0.0, 0.5, 1.0], broadening=0.1)
    >>> result["optical_conductivity"].dims
    ('T', 'frequency')
    """
    chain = ring(
        model,
        caller="exact",
        momentum=momentum,
        twist=twist,
        max_excitations=max_excitations,
        average=average,
    )
    grids = common.grids(chain.model, T=T, frequency=frequency, broadening=broadening)
    common.memory_limit(
        MATRICES * 16.0 * chain.dimension**2,
        f"exact: a Hamiltonian of dimension {chain.dimension} ({chain.sites} sites)",
        "take fewer sites, max_excitations, or xg.ftlm",
    )
    chain.warn_of_truncation(grids.T, "exact")
    inputs = chain.inputs() | grids.inputs()
    settings = chain.settings()
    settings |= {"numbers": tuple(map(float, chain.numbers)), "weights": tuple(map(float, chain.weights))}
    plan = tasks.planned(chunks, tasks.loops(inputs.values()), caller="exact")
    results = tasks.applied(engine.spectra, inputs, SPECTRA, plan, settings=settings)
    without = {name: part for name, part in inputs.items() if name not in ("frequency", "broadening")}
    results |= tasks.applied(engine.stiffness, without, STIFFNESS, plan, settings=settings)
    if max_excitations is not None:
        results |= tasks.applied(engine.shell_weight, without, TRUNCATION, plan, settings=settings)
    results = over_realizations(results, chain.average) | chain.twist_limited(plan)
    attrs = {"solver": "exact"} | chain.averaged()
    return common.assembled(chain.without_averaged(), results, attrs, grids)
