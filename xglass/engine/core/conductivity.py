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
    shape = np.broadcast_shapes(sigma.shape[:-1], np.shape(T), np.shape(rate))
    sigma = np.broadcast_to(sigma, (*shape, sigma.shape[-1]))
    T, rate = np.broadcast_to(T, shape), np.broadcast_to(rate, shape)
    out = np.empty(sigma.shape)
    for p in np.ndindex(shape):
        out[p] = relaxed_once(sigma[p], float(T[p]), float(rate[p]), step, symmetrised)[0]
    return out


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
    return float(2.0 * spectrum @ weight - spectrum[0] * weight[0]), float(
        2.0 * spectrum @ slope - spectrum[0] * slope[0]
    )  # Eq. (4)


@operation("transient_localization_length")
def transient_length(sigma: np.ndarray, T: np.ndarray, rate: np.ndarray, *, step: float) -> np.ndarray:
    """(...) L with L^2 = p int_0^inf e^{-pt} x^2(t) dt = (2/pi) int_0^inf sigma coth(w/2T) w / (w^2 + p^2)
    dw.
    """
    shape = np.broadcast_shapes(sigma.shape[:-1], np.shape(T), np.shape(rate))
    sigma = np.broadcast_to(sigma, (*shape, sigma.shape[-1]))
    T, rate = np.broadcast_to(T, shape), np.broadcast_to(rate, shape)
    out = np.empty(shape)
    with np.errstate(invalid="ignore"):
        for p in np.ndindex(shape):
            out[p] = np.sqrt(
                2.0 * T[p] / rate[p] * relaxed_static(sigma[p], float(T[p]), float(rate[p]), step, True)[0]
            )
    return out


@operation("mean_square_displacement")
def displacement(sigma: np.ndarray, T: np.ndarray, time: np.ndarray, *, step: float) -> np.ndarray:
    """(..., time) x^2(t) = (2/pi) int_0^inf sigma coth(w/2T) (1 - cos wt) / w dw."""
    return _transformed(sigma, T, time, step, True)


@operation("diffusivity")
def diffusion(sigma: np.ndarray, T: np.ndarray, time: np.ndarray, *, step: float) -> np.ndarray:
    """(..., time) D(t) = (1/pi) int_0^inf sigma coth(w/2T) sin wt dw, half the derivative of x^2."""
    return _transformed(sigma, T, time, step, False)


def _transformed(sigma: np.ndarray, T: np.ndarray, time: np.ndarray, step: float, twice: bool) -> np.ndarray:
    """The smooth factor sigma w coth(w/2T) is constant within a bin, the oscillating one is integrated:
    sine integrals.
    """
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
    shape = np.broadcast_shapes(sigma.shape[:-1], np.shape(T))
    sigma, T = np.broadcast_to(sigma, (*shape, n)), np.broadcast_to(T, shape)
    out = np.empty((*shape, time.size))
    for p in np.ndindex(shape):
        smooth = 2.0 * T[p] * thermal_factor(frequency, float(T[p])) * sigma[p]
        out[p] = (kernel * smooth).sum(axis=1) / np.pi
    return out


@operation("spectral_weight")
def weight_below(sigma: np.ndarray, cutoff: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """(...) integral from the first frequency to ``cutoff`` (...) of the straight lines between the points;
    to the end where it is infinite.
    """
    if frequency.size == 1:
        return np.zeros(np.broadcast_shapes(sigma.shape[:-1], np.shape(cutoff)))
    cells = 0.5 * (sigma[..., 1:] + sigma[..., :-1]) * np.diff(frequency)
    below = np.concatenate([np.zeros((*cells.shape[:-1], 1)), np.cumsum(cells, axis=-1)], axis=-1)
    last = np.minimum(cutoff, frequency[-1])
    cell = np.clip(np.searchsorted(frequency, last, side="right") - 1, 0, frequency.size - 2)
    shape = np.broadcast_shapes(sigma.shape[:-1], np.shape(cutoff))
    index = np.broadcast_to(cell, shape)[..., None]

    def at(array: np.ndarray, shift: int = 0) -> np.ndarray:
        return np.take_along_axis(np.broadcast_to(array, (*shape, array.shape[-1])), index + shift, axis=-1)[
            ..., 0
        ]

    into, left, right = last - frequency[cell], at(sigma), at(sigma, 1)
    slope = (right - left) / (frequency[cell + 1] - frequency[cell])
    return at(below) + into * (left + 0.5 * slope * into)


@operation("peak_frequency")
def peaks(sigma: np.ndarray, frequency: np.ndarray, *, window: tuple[float, float]) -> np.ndarray:
    """(...) position of the highest local maximum inside the window, by the parabola through three points;
    NaN where there is none.
    """
    from scipy.signal import find_peaks

    out = np.full(sigma.shape[:-1], np.nan)
    for p in np.ndindex(out.shape):
        values = sigma[p]
        found = find_peaks(values)[0]
        found = found[
            (frequency[found] >= window[0]) & (frequency[found] <= window[1]) & np.isfinite(values[found])
        ]
        if found.size:
            top = found[np.argmax(values[found])]
            (x0, x1, x2), (y0, y1, y2) = frequency[top - 1 : top + 2], values[top - 1 : top + 2]
            left, right = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)
            bend = left - right
            out[p] = x1 if bend == 0.0 else 0.5 * (x0 + x1) + 0.5 * (x2 - x0) * left / bend
    return out


@operation("resistivity")
def inverse(value: np.ndarray) -> np.ndarray:
    """1 / value; infinite where it is 0."""
    with np.errstate(divide="ignore"):
        return 1.0 / value


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
