"""What follows from a real conductivity on a frequency grid: integrals, maxima, relaxation and diffusion.

One reading of the numbers throughout: entry j is the mean of the even function sigma over the bin of width d
about frequency j d, the first bin reaching from -d/2 to d/2. So weights of sticks per bin and samples of a
smooth function (to order d^2) are the same kind of array, its sum with half of the first entry, times d, is
the integral over positive frequencies (the trapezoidal rule), and what is integrated against sigma is
integrated over every bin in closed form. Arrays broadcast over their leading dimensions; frequency is last.
"""

from __future__ import annotations

import numpy as np

from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points, points


def thermal_factor(frequency: np.ndarray, T: float) -> np.ndarray:
    """(w / 2T) coth(w / 2T), 1 at w = 0: conductivity times this is the symmetrised correlation function,
    up to a constant.
    """
    x = frequency / (2.0 * T)
    return np.divide(x, np.tanh(x), out=np.ones_like(x), where=x > 0.0)


def lorentzian(number: int, step: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """(number,) integrals of a Lorentzian of half width ``rate`` >= 0 over bins 0, 1, ... and their
    derivatives in the rate.

    A difference of two arctangents, written as one: it keeps its digits far out in the wings, and is 1, 0, 0,
    ... for a rate 0.
    """
    m = np.arange(number)
    run, rise = rate**2 + (m**2 - 0.25) * step**2, rate * step
    weight = np.arctan2(rise, run) / np.pi
    slope = step * (run - 2.0 * rate**2) / (run**2 + rise**2) / np.pi
    return weight, slope


def _convolved(even: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Sum_j kernel[|i - j|] even[|j|] over all j of either sign, at i = 0, ..., n - 1;
    the kernel has 2 n entries.
    """
    from scipy import fft

    n = even.size
    size = fft.next_fast_len(4 * n, real=True)
    rolled = np.zeros((2, size))
    for row, half in zip(rolled, (even, kernel), strict=True):
        row[: half.size] = half
        row[size - half.size + 1 :] = half[:0:-1]
    first, second = fft.rfft(rolled)
    return fft.irfft(first * second, n=size)[:n]


@operation("relaxation_time_approximation")
def relaxed(
    sigma: np.ndarray, T: np.ndarray, rate: np.ndarray, *, step: float, symmetrised: bool
) -> np.ndarray:
    """(..., frequency) relaxation-time approximation; T and rate (...).

    The sum over all bins, to infinity, is conserved.
    """

    def at_point(sigma: np.ndarray, T: float, rate: float) -> np.ndarray:
        return relaxed_once(sigma, T, rate, step, symmetrised)[0]

    return over_points(at_point, (sigma, T, rate), (1, 0, 0), (float, sigma.shape[-1:]))


def relaxed_once(
    sigma: np.ndarray, T: float, rate: float, step: float, symmetrised: bool, slope: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """One spectrum, and where asked for its derivative in the rate."""
    n = sigma.size
    factor = thermal_factor(step * np.arange(n), T) if symmetrised else np.ones(n)
    weight, derivative = lorentzian(2 * n, step, rate)
    value = _convolved(sigma * factor, weight) / factor  # Eq. (3)
    return value, _convolved(sigma * factor, derivative) / factor if slope else value


def relaxed_static(
    sigma: np.ndarray, T: float, rate: float, step: float, symmetrised: bool
) -> tuple[float, float]:
    """Value at zero frequency, and its derivative in the rate."""
    n = sigma.size
    spectrum = sigma * (thermal_factor(step * np.arange(n), T) if symmetrised else 1.0)
    weight, slope = lorentzian(n, step, rate)
    value = 2.0 * spectrum @ weight - spectrum[0] * weight[0]  # Eq. (4)
    return float(value), float(2.0 * spectrum @ slope - spectrum[0] * slope[0])


@operation("transient_localization_length")
def transient_length(sigma: np.ndarray, T: np.ndarray, rate: np.ndarray, *, step: float) -> np.ndarray:
    """Return (...) the length L that a packet reaches within the lifetime 1 / p.

    L^2 = p int_0^inf e^{-pt} x^2(t) dt = (2/pi) int_0^inf sigma coth(w/2T) w / (w^2 + p^2) dw.
    """

    def at_point(sigma: np.ndarray, T: float, rate: float) -> float:
        return relaxed_static(sigma, T, rate, step, True)[0]

    with np.errstate(invalid="ignore"):
        return np.sqrt(np.divide(2.0 * T, rate) * over_points(at_point, (sigma, T, rate), (1, 0, 0), float))


@operation("mean_square_displacement")
def displacement(sigma: np.ndarray, T: np.ndarray, time: np.ndarray, *, step: float) -> np.ndarray:
    """(..., time) x^2(t) = (2/pi) int_0^inf sigma coth(w/2T) (1 - cos wt) / w dw."""
    return _transformed(sigma, T, time, step, True)


@operation("diffusivity")
def diffusion(sigma: np.ndarray, T: np.ndarray, time: np.ndarray, *, step: float) -> np.ndarray:
    """(..., time) D(t) = (1/pi) int_0^inf sigma coth(w/2T) sin wt dw, half the derivative of x^2."""
    return _transformed(sigma, T, time, step, False)


def _transformed(sigma: np.ndarray, T: np.ndarray, time: np.ndarray, step: float, twice: bool) -> np.ndarray:
    """Take sigma w coth(w/2T) constant within a bin and integrate the oscillating factor: sine integrals."""
    from scipy.special import sici

    n = sigma.shape[-1]
    frequency = step * np.arange(n)
    angle = np.multiply.outer(time, step * (np.arange(n) + 0.5))
    primitive = sici(angle)[0]
    if twice:  # of (1 - cos wt) / w^2, over t
        primitive = primitive - np.divide(
            2.0 * np.sin(0.5 * angle) ** 2, angle, out=np.zeros_like(angle), where=angle > 0.0
        )
        primitive = 2.0 * time[:, None] * primitive
    kernel = np.diff(primitive, axis=1, prepend=0.0)

    def at_point(sigma: np.ndarray, T: float) -> np.ndarray:
        smooth = 2.0 * T * thermal_factor(frequency, T) * sigma
        return (kernel * smooth).sum(axis=1) / np.pi

    return over_points(at_point, (sigma, T), (1, 0), (float, (time.size,)))


@operation("spectral_weight")
def weight_below(sigma: np.ndarray, cutoff: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Return (...) the integral of the straight lines between points up to ``cutoff`` (...).

    An infinite cutoff is the last frequency.
    """
    if frequency.size == 1:
        return np.zeros(points((sigma, cutoff), (1, 0))[0])
    cells = 0.5 * (sigma[..., 1:] + sigma[..., :-1]) * np.diff(frequency)
    below = np.concatenate([np.zeros((*cells.shape[:-1], 1)), np.cumsum(cells, axis=-1)], axis=-1)
    last = np.minimum(cutoff, frequency[-1])
    cell = np.clip(np.searchsorted(frequency, last, side="right") - 1, 0, frequency.size - 2)
    _, (sigma, below, index) = points((sigma, below, cell), (1, 1, 0))

    def at(array: np.ndarray, shift: int = 0) -> np.ndarray:
        return np.take_along_axis(array, index[..., None] + shift, axis=-1)[..., 0]

    into, left, right = last - frequency[cell], at(sigma), at(sigma, 1)
    slope = (right - left) / (frequency[cell + 1] - frequency[cell])
    return at(below) + into * (left + 0.5 * slope * into)


@operation("peak_frequency")
def peaks(sigma: np.ndarray, frequency: np.ndarray, *, window: tuple[float, float]) -> np.ndarray:
    """Return (...) the place of the highest local maximum inside the window; NaN where there is none.

    It is that of the parabola through three points.
    """
    from scipy.signal import find_peaks

    def at_point(values: np.ndarray) -> float:
        tops = find_peaks(values)[0]
        inside = (frequency[tops] >= window[0]) & (frequency[tops] <= window[1])
        tops = tops[inside & np.isfinite(values[tops])]
        if not tops.size:
            return np.nan
        top = tops[np.argmax(values[tops])]
        (x0, x1, x2), (y0, y1, y2) = frequency[top - 1 : top + 2], values[top - 1 : top + 2]
        left, right = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)
        bend = left - right
        return x1 if bend == 0.0 else 0.5 * (x0 + x1) + 0.5 * (x2 - x0) * left / bend

    return over_points(at_point, (sigma,), 1, float)


@operation("resistivity")
def inverse(value: np.ndarray) -> np.ndarray:
    """1 / value; infinite where it is 0."""
    with np.errstate(divide="ignore"):
        return 1.0 / value


@operation("resistivity.stderr")
def error_of_inverse(value: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Error of 1 / value to first order; NaN where the value is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(value == 0.0, np.nan, error / value**2)


@operation("sum_rule")
def violation(total: np.ndarray, kinetic: np.ndarray, stiffness: np.ndarray) -> np.ndarray:
    """(total - expected) / total, expected = -(pi/2) kinetic + stiffness;
    NaN where the terms cancel and no weight is left.
    """
    total, kinetic = np.asarray(total), -0.5 * np.pi * np.asarray(kinetic)
    gone = np.abs(total) <= 1e-12 * (np.abs(kinetic) + np.abs(stiffness))
    return np.divide(
        total - kinetic - stiffness,
        total,
        out=np.full(np.broadcast(total, kinetic, stiffness).shape, np.nan),
        where=~gone,
    )
