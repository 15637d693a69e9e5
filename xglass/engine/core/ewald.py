"""Lattice sums of pair interactions on a torus.

Notation: displacement r, periods A_k of the torus with volume Omega (length, area or volume in d dimensions),
reciprocal vectors G of the torus, splitting parameter alpha. A zero displacement asks for the self term: the
sum over images without the particle itself. Results do not depend on alpha.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

#: From this exponent on a power law is summed over images as it stands: those beyond the reach of Ewald's sum
#: are below 1e-100 of the nearest, and the terms of its waves leave the range of numbers.
STEEP = 300.0
#: Terms beyond exp(-CUTOFF^2) of the leading one are dropped: 2e-17.
CUTOFF = 6.2


def lattice_vectors(periods: np.ndarray, radius: float) -> np.ndarray:
    """Return (vector, axis) all lattice vectors of length <= radius."""
    reciprocal = np.linalg.inv(periods)  # columns: |column k| is one over the distance of lattice planes
    reach = np.ceil(radius * np.linalg.norm(reciprocal, axis=0)).astype(int)
    ranges = [np.arange(-n, n + 1) for n in reach]
    grid = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(periods))
    vectors = grid @ periods
    return vectors[np.linalg.norm(vectors, axis=1) <= radius]


def reduced(periods: np.ndarray) -> np.ndarray:
    """Return the same lattice by its shortest vectors (Minkowski reduction, d <= 3)."""
    periods = np.array(periods, dtype=np.float64)
    steps = np.array(list(itertools.product((-1, 0, 1), repeat=len(periods) - 1)))
    shortened = len(periods) > 1
    while shortened:
        shortened = False
        for k in range(len(periods)):
            candidates = periods[k] + steps @ np.delete(periods, k, axis=0)
            shortest = candidates[np.linalg.norm(candidates, axis=1).argmin()]
            if np.linalg.norm(shortest) < np.linalg.norm(periods[k]) * (1 - 1e-12):
                periods[k], shortened = shortest, True
    return periods


def nearest_image(displacement: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """Return the shortest representative of each (n, axis) displacement on the torus."""
    periods = reduced(periods)
    fractional = displacement @ np.linalg.inv(periods)
    near = (fractional - np.rint(fractional)) @ periods
    shifts = np.array(list(itertools.product((-1, 0, 1), repeat=len(periods)))) @ periods
    images = near[:, None, :] + shifts
    return images[np.arange(len(images)), np.linalg.norm(images, axis=-1).round(12).argmin(axis=1)]


def _splitting(periods: np.ndarray, splitting: float | None) -> float:
    if splitting is None:
        return np.sqrt(np.pi) / abs(np.linalg.det(periods)) ** (1 / len(periods))
    return splitting


def _image_sum(
    displacement: np.ndarray, vectors: np.ndarray, term: Callable[[np.ndarray], np.ndarray], self_term: float
) -> np.ndarray:
    """Sum of term(|r + R|) over ``vectors`` R; where r + R = 0, ``self_term`` stands in."""
    distance = np.linalg.norm(displacement[:, None, :] + vectors[None, :, :], axis=-1)
    itself = distance < 1e-9
    return np.where(itself, self_term, term(np.where(itself, 1.0, distance))).sum(axis=1)


def upper_gamma(a: float, x: np.ndarray) -> np.ndarray:
    """Return the upper incomplete gamma function for real a and x > 0.

    Below a = 0, where scipy has none, it is Legendre's continued fraction: the recurrence from a + 1 would
    cancel near whole numbers.
    """
    from scipy import special

    if a > 0.0:
        return special.gammaincc(a, x) * special.gamma(a)
    if a == 0.0:
        return special.exp1(x)
    # Lentz's recursion; some tens of steps at x = 1, more below
    b = x + 1.0 - a
    c = np.full_like(b, 1e300)
    d = fraction = 1.0 / b
    for k in range(1, 10_001):
        numerator = -k * (k - a)
        b = b + 2.0
        d = 1.0 / (numerator * d + b)
        c = b + numerator / c
        fraction = fraction * (c * d)
        if np.abs(c * d - 1.0).max() < 4e-16:
            break
    return np.exp(-x) * x**a * fraction


def power_law(
    displacement: np.ndarray, periods: np.ndarray, exponent: float, splitting: float | None = None
) -> np.ndarray:
    """Return (n,) the periodic 1/r^s by Ewald's method in d = 1, 2, 3 dimensions.

    For s > d it is the plain sum over images; for s < d the sum with the neutralising background (zero
    average over the cell). For s = d the background is cut out within one lattice spacing,

        lim_{X} [sum_{|r+R| < X} 1/|r+R|^d - S_d ln(X)/Omega],  S_d = 2, 2 pi, 4 pi.

    ``displacement`` is (n, d), ``periods`` (d, d).
    """
    from scipy import special

    d, s = len(periods), float(exponent)
    alpha = _splitting(periods, splitting)
    volume = abs(np.linalg.det(periods))
    displacement = nearest_image(displacement, periods)

    # near images
    reach = CUTOFF / alpha + np.linalg.norm(displacement, axis=1).max(initial=0.0)
    vectors = lattice_vectors(periods, reach)
    with np.errstate(over="ignore"):  # 1/x^s of far images is 0, of sites far too close infinite
        if s >= STEEP:
            return _image_sum(displacement, vectors, lambda x: x**-s, 0.0)
        real = _image_sum(
            displacement,
            vectors,
            lambda x: special.gammaincc(s / 2, (alpha * x) ** 2) / x**s,
            -(alpha**s) / special.gamma(s / 2 + 1),
        )

    # waves
    waves = _wave_vectors(periods, 2 * alpha * CUTOFF)
    size = np.linalg.norm(waves, axis=1)
    weight = np.pi ** (d / 2) / (special.gamma(s / 2) * volume)
    coefficients = weight * (size / 2) ** (s - d) * upper_gamma((d - s) / 2, (size / (2 * alpha)) ** 2)

    # zero wave vector; its pole at s = d becomes a logarithm, and digamma cuts the background at one spacing
    if s == d:
        uniform = weight * (2 * np.log(alpha) - special.digamma(d / 2))
    else:
        uniform = weight * 2 * alpha ** (s - d) / (s - d)
    return real + np.cos(displacement @ waves.T) @ coefficients + uniform


def _wave_vectors(periods: np.ndarray, radius: float) -> np.ndarray:
    """(wave, axis) reciprocal vectors of the torus up to ``radius``, without zero."""
    waves = lattice_vectors(2 * np.pi * np.linalg.inv(periods).T, radius)
    return waves[np.linalg.norm(waves, axis=1) > 1e-9]


def layer(
    displacement: np.ndarray, periods: np.ndarray, height: float = 0.0, splitting: float | None = None
) -> np.ndarray:
    """Return (n,) 1/r between two layers at distance ``height``, periodic, with zero average over the cell.

    With rho^2 = |r + R|^2 + z^2,

        sum_R erfc(alpha rho)/rho
        + (pi/A) sum_{G != 0} cos(G r)/G [e^{Gz} erfc(G/2alpha + alpha z) + e^{-Gz} erfc(G/2alpha - alpha z)]
        - (2/A) [sqrt(pi)/alpha e^{-alpha^2 z^2} - pi z erfc(alpha z)].

    At height 0 and zero displacement it is the self term. ``displacement`` is (n, 2), ``periods`` (2, 2).
    """
    from scipy import special

    alpha = _splitting(periods, splitting)
    area = abs(np.linalg.det(periods))
    z = abs(float(height))
    displacement = nearest_image(displacement, periods)

    # near images
    lifted = np.concatenate([displacement, np.full((len(displacement), 1), z)], axis=1)
    reach = CUTOFF / alpha + np.linalg.norm(displacement, axis=1).max(initial=0.0)
    vectors = lattice_vectors(periods, reach)
    flat = np.concatenate([vectors, np.zeros((len(vectors), 1))], axis=1)
    real = _image_sum(lifted, flat, lambda x: special.erfc(alpha * x) / x, -2 * alpha / np.sqrt(np.pi))

    # waves
    waves = _wave_vectors(periods, 2 * alpha * CUTOFF)
    size = np.linalg.norm(waves, axis=1)
    up = size / (2 * alpha) + alpha * z
    down = size / (2 * alpha) - alpha * z
    gauss = np.exp(-((size / (2 * alpha)) ** 2) - (alpha * z) ** 2)
    # e^{Gz} erfc(up) in the scaled form that does not overflow; e^{-Gz} erfc(down) is harmless as it stands
    coefficients = np.pi / area * (gauss * special.erfcx(up) + np.exp(-size * z) * special.erfc(down)) / size

    # zero wave vector
    background = np.sqrt(np.pi) / alpha * np.exp(-((alpha * z) ** 2)) - np.pi * z * special.erfc(alpha * z)
    uniform = -2 / area * background
    return real + np.cos(displacement @ waves.T) @ coefficients + uniform


def gated_layer(
    displacement: np.ndarray, periods: np.ndarray, distance: float, gates: int, splitting: float | None = None
) -> np.ndarray:
    """Return (n,) 1/r in a layer screened by metallic gates at ``distance``, with zero average over the cell.

    One gate has one image charge of opposite sign at height 2 d. Two gates, at +d and -d, have alternating
    images at heights 2 d k, V_0 + 2 sum_{k >= 1} (-1)^k V_{2dk}. The alternating series is summed by the
    algorithm of Cohen, Rodriguez Villegas and Zagier (Experimental Mathematics 9, 3 (2000)), whose error
    falls as 5.8^-n for any d.
    """
    bare = layer(displacement, periods, 0.0, splitting)
    if gates == 1:
        return bare - layer(displacement, periods, 2 * distance, splitting)
    terms = 32
    power = (3 + np.sqrt(8)) ** terms
    normalisation = (power + 1 / power) / 2
    b, c, total = -1.0, -normalisation, np.zeros(len(displacement))
    for k in range(terms):
        c = b - c
        total += c * layer(displacement, periods, 2 * distance * (k + 1), splitting)
        b *= (k + terms) * (k - terms) / ((k + 0.5) * (k + 1))
    return bare - 2 * total / normalisation


def gated_average(periods: np.ndarray, distance: float, gates: int) -> float:
    """Return the average over the cell of 1/r between gates: the integral of one charge's field, by the area.

    Grounded plates hold the opposite charge, so that the sum over the cells converges by itself, to
    :func:`gated_layer` and this: 4 pi d/A for one gate, 2 pi d/A for two.
    """
    return (4.0 if gates == 1 else 2.0) * np.pi * distance / abs(np.linalg.det(periods))


def yukawa(displacement: np.ndarray, periods: np.ndarray, length: float) -> np.ndarray:
    """Return (n,) exp(-r/length)/r summed over images; the self term leaves the particle itself out."""
    displacement = nearest_image(displacement, periods)
    reach = CUTOFF**2 * length + np.linalg.norm(displacement, axis=1).max(initial=0.0)
    vectors = lattice_vectors(periods, reach)
    return _image_sum(displacement, vectors, lambda x: np.exp(-x / length) / x, 0.0)
