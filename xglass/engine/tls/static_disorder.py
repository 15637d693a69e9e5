"""One electron on a ring of frozen two-level systems: a long disordered chain, one configuration at a time.

Without splitting a two-level system is frozen in an eigenstate of g sx + g_z sz, so the electron has a site
energy of +e or -e, e^2 = g^2 + g_z^2, and the trace over the two-level systems is the sum over all such
configurations: numerators and Z apart. With a weight other than 1/2 of -e the sum has the binomial
probabilities of the configurations, as if each two-level system were biased by T ln [weight / (1 - weight)].
"""

from __future__ import annotations

import numpy as np

from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points
from xglass.engine.core.streams import streams

#: Points of the auxiliary grid in a standard deviation of the narrowest Gaussian: interpolation of eighth
#: order then leaves 3e-11 of its height.
FINE = 16


def signs(sites: int, seed: int, realization: int, labels: np.ndarray, weight: float = 0.5) -> np.ndarray:
    """Return (site,) -1 with this probability, else +1: a function of (seed, realization, labels, site).

    The same uniform numbers for every weight: a site that is at -1 stays there where the weight is larger, so
    that curves over the weight are smooth.
    """
    return np.where(uniforms(sites, seed, realization, labels) < 1.0 - weight, 1.0, -1.0)


def uniforms(sites: int, seed: int, realization: int, labels: np.ndarray) -> np.ndarray:
    """Return (site,) numbers in [0, 1)."""
    from xglass.engine.core.philox import fill

    words = np.empty(sites, dtype=np.uint64)
    spare, uniform = np.empty(sites, dtype=np.uint64), np.empty(sites)
    (stream,) = streams(np.zeros(1, dtype=np.int64), realization, labels)
    fill(np.uint64(seed), stream, np.uint64(0), words, spare, uniform)
    return uniform


def diagonalised(energy: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return eigenvalues (n,), |J_nm|^2 (n, n) and <n|H_hop|n> (n,) of the ring with these site energies.

    J = i t sum_j (c^+_{j+1} c_j - h.c.).
    """
    from scipy import linalg

    sites = energy.size
    rows = np.arange(sites)
    matrix = np.diag(energy)
    np.add.at(matrix, (rows, (rows + 1) % sites), -t)
    np.add.at(matrix, ((rows + 1) % sites, rows), -t)
    with single_thread():
        levels, states = linalg.eigh(matrix, driver="evd", overwrite_a=True, check_finite=False)
        ahead = np.roll(states, -1, axis=0)
        overlap = states.T @ ahead  # <n| of a step to the left |m>: its antisymmetric part is the current
    current = t * (overlap - overlap.T)
    return levels, current**2, -2.0 * t * np.diagonal(overlap)


@operation("static_disorder")
def frozen_spectra(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    weight: np.ndarray,
    realization: np.ndarray,
    T: np.ndarray,
    frequency: np.ndarray,
    broadening: np.ndarray,
    *,
    sites: int,
    seed: int,
    binned: bool,
) -> tuple[np.ndarray, ...]:
    """Return spectra of every configuration of the two-level systems, each divided by its own Z.

    Parameters and labels of realizations (...), weights of -e (..., T). Temperatures of one weight share
    their configurations, and the eigenvectors of these. Binned: weight per bin of the uniform grid
    ``frequency``, over the width of a bin. Z contains the 2^N configurations of the two-level systems, all of
    them alike this one.

    Returns sigma (..., T, broadening, frequency), <H_hop>, total weight and ln Z (..., T).
    """
    from xglass.engine.core.line_spectra import POINTS, add_binned, add_gridded, smooth

    frequency, broadening = np.ascontiguousarray(frequency), np.ascontiguousarray(broadening)
    grid = (T.shape[-1], broadening.size, frequency.size)

    def of_energies(energy: np.ndarray, t: float, temperatures: np.ndarray) -> tuple[np.ndarray, ...]:
        levels, strengths, hops = diagonalised(energy, t)
        boltzmann = np.exp(-(levels - levels[0]) / temperatures[:, None])
        z = boltzmann.sum(axis=1)
        total = np.zeros(temperatures.size)
        sigma = np.zeros((temperatures.size, broadening.size, frequency.size))
        if binned:
            step = frequency[-1] / (frequency.size - 1)
            add_binned(levels, strengths, boltzmann, temperatures, step, sigma[:, 0], total)
        else:
            step = broadening.min() / FINE
            fine = np.zeros((int((levels[-1] - levels[0]) / step) + 2 * POINTS, temperatures.size))
            add_gridded(levels, strengths, boltzmann, temperatures, step, fine, total)
            smooth(fine, POINTS, step, frequency, broadening, sigma)
        log_z = np.log(z) - levels[0] / temperatures + sites * np.log(2.0)
        return sigma / z[:, None, None], (boltzmann * hops).sum(axis=1) / z, total / z, log_z

    def at_point(
        t: float, g: float, g_z: float, weight: np.ndarray, realization: int, T: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        results = tuple(np.empty(shape) for shape in (grid, *[T.shape] * 3))
        for value in np.unique(weight):
            alike = weight == value
            labels = np.array([t, g, g_z, sites])
            energy = np.hypot(g, g_z) * signs(sites, seed, int(realization), labels, float(value))
            parts = of_energies(energy, t, np.ascontiguousarray(T[alike]))
            for result, part in zip(results, parts, strict=True):
                result[alike] = part
        return results

    row = (float, T.shape[-1:])
    arrays = (t, g, g_z, weight, realization, T)
    return over_points(at_point, arrays, (0, 0, 0, 1, 0, 1), [(float, grid), row, row, row])


@operation("static_disorder.annealed")
def annealed(values: np.ndarray, log_z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of numerators over the sum of Z, and its jackknife error; (..., realization), both.

    The error of one realization is NaN.
    """
    values, log_z = np.broadcast_arrays(values, log_z)
    weight = np.exp(log_z - log_z.max(axis=-1, keepdims=True))
    numerator = weight * values
    with np.errstate(divide="ignore", invalid="ignore"):
        left_out = _without_one(numerator) / _without_one(weight)
    return numerator.sum(axis=-1) / weight.sum(axis=-1), _jackknife(left_out)


@operation("static_disorder.annealed_logarithm")
def annealed_logarithm(log_z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithm of the mean Z, and its jackknife error; (..., realization)."""
    top = log_z.max(axis=-1, keepdims=True)
    weight = np.exp(log_z - top)
    number = weight.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        left_out = (
            np.log(_without_one(weight) / np.float64(number - 1))
            if number > 1
            else np.full_like(weight, np.nan)
        )
    return np.log(weight.mean(axis=-1)) + top[..., 0], _jackknife(left_out)


def _without_one(terms: np.ndarray) -> np.ndarray:
    """Return sums of all terms but one, added and not subtracted: one may hold nearly all of it."""
    zero = np.zeros((*terms.shape[:-1], 1))
    before = np.concatenate([zero, np.cumsum(terms[..., :-1], axis=-1)], axis=-1)
    after = np.concatenate([np.cumsum(terms[..., :0:-1], axis=-1)[..., ::-1], zero], axis=-1)
    return before + after


def _jackknife(left_out: np.ndarray) -> np.ndarray:
    number = left_out.shape[-1]
    if number < 2:
        return np.full(left_out.shape[:-1], np.nan)
    return np.sqrt(
        (number - 1) / number * ((left_out - left_out.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    )
