"""One electron and two-level systems: spectra at finite temperature from thermal typical states evolved in
time.
"""

from __future__ import annotations

import logging
import math

import numpy as np
import xarray as xr

from xglass.engine.tls import typicality as engine
from xglass.messages import public
from xglass.solvers import common
from xglass.solvers.common import Grids
from xglass.solvers.random_vectors import draws, estimated
from xglass.solvers.ring import UNSAID, Ring, ring
from xglass.units.parameters import Chunks, Frequencies, Parameter

__all__ = ["typicality"]


def __dir__() -> list[str]:
    return __all__


logger = logging.getLogger(__name__)

#: Most applications of H to one random vector at one temperature: hours, of the largest rings.
MOST_APPLICATIONS = 1e6

#: Vectors that a task holds at most: orders of one expansion, samples in time of both states, and what they
#: are made from.
VECTORS = 70


@public
def typicality(
    model: xr.Dataset,
    *,
    T: Parameter,
    frequency: Frequencies,
    broadening: Parameter,
    random_vectors: int,
    momentum: str | Parameter = "all",
    twist: Parameter | None = None,
    max_excitations: int | None = None,
    average: str | None = UNSAID,
    seed: int,
    precision: str = "single",
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Thermal averages and optical conductivity of :func:`electron_tls` from thermal typical states evolved
    in time.

    .. math:: \sigma(\omega) = \frac{\tanh(\beta\omega/2)}{\omega Z} \int_{-\infty}^{\infty} \cos(\omega t)\,
        \mathrm{Re}\langle\phi(t)|J|\psi(t)\rangle\, dt, \qquad |\phi\rangle = e^{-\beta H/2} |r\rangle, \quad
        |\psi\rangle = J |\phi\rangle, \quad Z = \langle\phi|\phi\rangle

    per particle, with random vectors r; its mean over r is the Kubo formula of :func:`exact`. Every delta
    function is a Gaussian, on the even function. Numerators and Z are summed over momenta and vectors apart.
    (Iitaka and Ebisuzaki, Phys. Rev. Lett. 90, 047203 (2003); the filter of Rammal, Ciuchi and Fratini.)

    Beside :func:`ftlm`: the two halves of the Boltzmann factor stand on both sides, so that at T below
    omega0, where few states make Z, errors are smaller; the work grows as 1/broadening and not as its square,
    and memory does not grow; but every temperature is work of its own.

    Parameters
    ----------
    model : Dataset
        Model of :func:`electron_tls` with N sites.
    T : float, sequence, DataArray or Quantity
        Temperature in tc, > 0: a number, a sequence (dimension ``T``), a DataArray or Quantities.
    frequency : float, sequence, DataArray or Quantity
        Frequencies in tc, rising; a sequence or DataArray over ``frequency``.
    broadening : float, sequence, DataArray or Quantity
        Standard deviation of the Gaussian in tc, > 0; several are a dimension (one evolution, as long as the
        smallest demands).
    random_vectors : int
        Number of random vectors in every momentum (twist, realization); >= 2 for errors.
    momentum : {"all"} or array_like
        Momenta to average over, as in :func:`exact`.
    twist : float or sequence, optional
        Flux through a ring without momentum blocks, as in :func:`exact`.
    max_excitations : int, optional
        Most excited two-level systems of the configurations that are kept, as in :func:`exact`.
    average : {"annealed", "quenched"} or None
        How to average over ``realization``, to be said once a parameter of the model has it; as in
        :func:`exact`.
    seed : int
        0 <= seed < 2^64. Vector n of a parameter point and momentum is the same whatever else is computed; it
        depends neither on T and the grids nor on ``precision``, and it is that of :func:`ftlm` (there real
        for disorder without twist); different points and momenta have independent ones.
    precision : {"single", "double"}
        "single" or "double" arithmetic; single costs half and is good to 1e-5 of the peak.
    chunks : {"auto"}, dict or None
        "auto" (lazy; a task holds about a second of work), a dict {parameter dimension: size}, or None
        (compute now).

    Returns
    -------
    Dataset
        The variables and attributes of :func:`ftlm`, with ``_stderr``, its flags and the coords of the model;
        Lanczos steps there are none.

    Raises
    ------
    ValueError
    TypeError
        Naming the argument: T or broadening not > 0, frequencies that do not rise, momenta for a model with
        disorder, ``average`` not said where there are realizations, T that differs between them, counts that
        are no whole numbers or too small, unknown names, vectors that do not fit in
        memory (with their size), a broadening or T so small that a random vector would take more than 10^6
        applications of H (with their number).

    Warns
    -----
    UserWarning
        Where ``max_excitations`` keeps too few, as in :func:`exact`.

    Notes
    -----
    Errors are those of :func:`ftlm`. With few vectors the error bar itself is uncertain: where few states
    carry Z it means what it says from about ten vectors on.

    Both time directions are evolved, |t| up to 5.5 / broadening (or 15 / (pi T) where that is longer: the
    filter is exact for any T), in Chebyshev expansions: 48 W / broadening products with H for a spectrum of
    half width W; about 60 vectors of memory of d = 2^N (N 2^N with disorder) numbers. N = 16, broadening
    0.04, omega0 = 0.1: 0.5 s for each temperature, momentum and vector, and 30 MB in single precision.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(6), g=1.0, omega0=0.5)
    >>> result = xg.typicality(
    ...     tls, T=[0.2, 1.0], frequency=[0.0, 0.5, 1.0], broadening=0.1, random_vectors=4, seed=1
    ... )
    >>> result["optical_conductivity"].dims
    ('T', 'frequency')
    """
    chain = ring(
        model,
        caller="typicality",
        momentum=momentum,
        twist=twist,
        max_excitations=max_excitations,
        average=average,
    )
    grids = common.grids(chain.model, T=T, frequency=frequency, broadening=broadening)
    vectors = draws(random_vectors, seed, precision)
    common.memory_limit(
        float(VECTORS * (8 if precision == "single" else 16)) * chain.dimension,
        f"typicality: {VECTORS} vectors of dimension {chain.dimension} ({chain.sites} sites) in "
        f"{precision} precision",
        "take fewer sites or max_excitations",
    )
    chain.warn_of_truncation(grids.T, "typicality")
    needed = _applications(chain, grids, precision)
    logger.info("typicality: %d applications of H to a random vector at most", needed)
    seconds = _seconds(chain, grids, precision)
    return estimated(
        engine.numerators, chain, grids, vectors, caller="typicality", seconds=seconds, chunks=chunks
    )


def _applications(chain: Ring, grids: Grids, precision: str) -> int:
    """Return how often H is applied to one random vector at most; raise where that would not end."""
    T, narrowest = float(grids.T.min()), grids.narrowest()
    needed = engine.applications(chain.widest(), chain.dimension, T, np.array([narrowest]), precision)
    if needed > MOST_APPLICATIONS:
        raise ValueError(
            f"typicality: broadening = {narrowest:g} at T = {T:g} takes {needed:.2g} applications of H to "
            f"each random vector, and 10^6 are the most; take {needed / MOST_APPLICATIONS:.2g} times the "
            "broadening (or T, if that is what is small), or xg.ftlm"
        )
    return int(needed)


def _seconds(chain: Ring, grids: Grids, precision: str) -> float:
    """A guess of the work of one vector at all temperatures: it decides how work is cut, never a result."""
    slow = 1.0 if precision == "single" else 2.2
    sample = 2e-5 + slow * 1.6e-8 * chain.dimension  # both states, in both directions of time
    reach = (15.0 / (math.pi * grids.T)).clip(min=5.5 / grids.narrowest())
    times = reach.sum("T") if "T" in reach.dims else reach
    return 2e-3 + float(times.max()) * 4.0 * chain.widest() / (2.0 * math.pi) * sample
