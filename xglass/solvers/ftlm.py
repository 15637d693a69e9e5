"""One electron and two-level systems: spectra at finite temperature from Lanczos runs with random vectors."""

from __future__ import annotations

import logging

import xarray as xr

from xglass.checks import whole_number
from xglass.engine.tls import lanczos, operators
from xglass.messages import public, warn
from xglass.solvers import common
from xglass.solvers.random_vectors import draws, estimated
from xglass.solvers.ring import UNSAID, ring
from xglass.units.parameters import Chunks, Frequencies, Parameter

__all__ = ["ftlm"]


def __dir__() -> list[str]:
    return __all__


logger = logging.getLogger(__name__)


@public
def ftlm(
    model: xr.Dataset,
    *,
    T: Parameter,
    frequency: Frequencies,
    broadening: Parameter,
    filter: str = "gaussian",
    lanczos_steps: int | None = None,
    random_vectors: int,
    momentum: str | Parameter = "all",
    twist: Parameter | None = None,
    max_excitations: int | None = None,
    average: str | None = UNSAID,
    seed: int,
    precision: str = "single",
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Thermal averages and optical conductivity of :func:`electron_tls` by the finite-temperature Lanczos
    method.

    .. math:: \sigma(\omega) = \frac{\pi d}{Z} \frac{\tanh(\beta\omega/2)}{\omega} \sum_{ij}
        e^{-\beta\epsilon_i}
        \langle r|\psi_i\rangle \langle\psi_i|J|\tilde\psi_j\rangle \langle\tilde\psi_j|J|r\rangle
        \,[\delta(\omega - \tilde\epsilon_j + \epsilon_i) + \delta(\omega + \tilde\epsilon_j - \epsilon_i)]

    per particle, with Ritz vectors of the Krylov spaces of random vectors r (:math:`\psi_i`) and J r
    (:math:`\tilde\psi_j`) in spaces of dimension d (Rammal, Ciuchi and Fratini, appendix; Jaklic and
    Prelovsek, Adv. Phys. 49, 1 (2000)). By detailed balance this is unbiased: its mean over r is the Kubo
    formula of :func:`exact`. Every delta function is a Gaussian, on the even function. Numerators and Z are
    summed over momenta and vectors apart.

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
        Standard deviation of the Gaussian in tc, > 0; several are a dimension (one pass, resolved for the
        smallest).
    filter : {"gaussian"}
        "gaussian".
    lanczos_steps : int, optional
        Lanczos steps M; default ceil(2 W / broadening) with W half the band width, which resolves the filter
        to 1e-3 of the peak, and at least 6 (W / T)^(1/2) and 30 for the Boltzmann factors.
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
        depends neither on T, the grids and ``lanczos_steps`` nor on ``precision``; different points and
        momenta have independent ones.
    precision : {"single", "double"}
        "single" or "double" arithmetic; single costs half and is good to 1e-4 of the peak.
    chunks : {"auto"}, dict or None
        "auto" (lazy; a task holds about a second of work), a dict {parameter dimension: size}, or None
        (compute now).

    Returns
    -------
    Dataset
        ``optical_conductivity(..., T, frequency)`` in e^2 a^2/hbar per particle, ``kinetic_energy(..., T)`` =
        <H_hop>, ``log_partition_function(..., T)`` of the space of one electron, ``total_weight(..., T)``
        (the integral over all positive frequencies before the filter) and ``filter_exponent(..., T)``, each
        with ``_stderr``; ``filter_limited``: whether the exponent, -d ln sigma(0) / d ln broadening, is above
        1/2, so that the static limit is the filter's. A sequence of broadenings is a dimension after T.
        With ``max_excitations`` also ``truncated_weight(..., T)`` with ``_stderr``, and in a flux
        ``twist_limited(...)``, as in :func:`exact`. Coords of the model. Attributes say what was averaged
        over: ``momenta`` or ``twists``, ``realizations`` and ``random_vectors`` how many, ``momentum`` or
        ``twist`` and ``average`` of which kind, and ``stderr_over`` what the errors are the scatter of;
        ``lanczos_steps`` as they were given, or "rule", and ``lanczos_steps_taken``, the most at any point.

    Raises
    ------
    ValueError
    TypeError
        Naming the argument: T or broadening not > 0, frequencies that do not rise, momenta for a model with
        disorder, ``average`` not said where there are realizations, T that differs between them, counts that
        are no whole numbers or too small, unknown names, vectors that do not fit in
        memory (with their size).

    Warns
    -----
    UserWarning
        Where the given ``lanczos_steps`` do not resolve the smallest broadening; where T < omega0 without
        ``max_excitations``: Z then comes from few states, of which random vectors know little; and where
        ``max_excitations`` keeps too few, as in :func:`exact`.

    Notes
    -----
    Errors are those of the random vectors: a jackknife that leaves out one vector of one momentum (twist) at
    a time; with one vector they are NaN. An average over several realizations has the errors of their
    scatter, which holds both: of the results (quenched), or by leaving out one realization at a time
    (annealed). With few vectors the error bar itself is uncertain: R vectors give R - 1 degrees of freedom in
    every momentum, and where few momenta and states carry Z (T below omega0) an error bar means what it says
    from about ten vectors on; at T above omega0 two vectors give Student's t with about N / 2 degrees of
    freedom.

    A momentum takes two runs of M steps and 4 M^2 d real operations for the matrix of J, d = 2^N (N 2^N with
    disorder), and M + 100 vectors of memory. N = 16, broadening 0.04, omega0 = 0.1: M = 188, about 0.13 s and
    0.15 GB in single precision.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(6), g=1.0, omega0=0.2)
    >>> result = xg.ftlm(
    ...     tls, T=[0.5, 1.0], frequency=[0.0, 0.5, 1.0], broadening=0.1, random_vectors=4, seed=1
    ... )
    >>> result["optical_conductivity"].dims
    ('T', 'frequency')
    """
    if filter != "gaussian":
        raise ValueError(f"filter must be 'gaussian', got {filter!r}")
    steps = None if lanczos_steps is None else whole_number("lanczos_steps", lanczos_steps)
    chain = ring(
        model, caller="ftlm", momentum=momentum, twist=twist, max_excitations=max_excitations, average=average
    )
    grids = common.grids(chain.model, T=T, frequency=frequency, broadening=broadening)
    vectors = draws(random_vectors, seed, precision)
    chain.warn_of_truncation(grids.T, "ftlm")
    half_width, narrowest = chain.widest(), grids.narrowest()
    coldest, most = float(grids.T.min()), operators.MOST * chain.dimension
    needed = operators.resolving(half_width, narrowest, coldest)
    if steps is not None and steps < min(needed, most):
        warn(
            f"ftlm: lanczos_steps = {steps} do not resolve broadening = {narrowest:g} at T = {coldest:g}, "
            f"which takes {needed}; leave lanczos_steps out or take a larger broadening"
        )
    omega0 = abs(chain.model["omega0"])
    if max_excitations is None and bool((grids.T < omega0).any()):
        warn(
            f"ftlm: T = {coldest:g} is below omega0 = {float(omega0.max()):g}, where few states make Z and "
            "random vectors are unreliable (see the errors); take xg.typicality, or max_excitations="
        )
    taken = min(needed if steps is None else steps, most)
    numbers = chain.dimension * (2 if chain.complex else 1)
    spectrum = 16.0 * half_width / narrowest * lanczos.STICK_STEPS * grids.T.sizes.get("T", 1)
    common.memory_limit(
        float(taken + min(taken, lanczos.FLOWS) + 12) * numbers * (4 if precision == "single" else 8)
        + spectrum,
        f"ftlm: {taken} Lanczos vectors of dimension {chain.dimension} ({chain.sites} sites) in "
        f"{precision} precision, and their spectrum,",
        "take fewer sites, max_excitations, fewer lanczos_steps (a larger broadening) or xg.typicality",
    )
    seconds = _seconds(taken, numbers, precision)
    solution = estimated(
        lanczos.numerators, chain, grids, vectors, caller="ftlm", seconds=seconds, chunks=chunks, steps=steps
    )
    return solution.assign_attrs(_chosen(steps, taken))


def _chosen(steps: int | None, taken: int) -> dict[str, int | str]:
    """Return attributes that say how many steps are taken at most, and why; logged where a rule chose."""
    if steps is None:
        logger.info("ftlm: %d Lanczos steps at most, by the resolution rule", taken)
    return {"lanczos_steps": "rule" if steps is None else steps, "lanczos_steps_taken": taken}


def _seconds(steps: int, numbers: int, precision: str) -> float:
    """A guess of the work of one vector of real numbers: it decides how work is cut, never a result."""
    slow = 1 if precision == "single" else 2
    return 2e-3 + slow * (2.0 * steps**2 * numbers / 1e11 + 2.0 * steps * numbers * 4e-10) + 5e-9 * steps**3
