"""Dynamical mean field theory of one electron and two-level systems on the real axis: kernels of the chain.

The impurity couples an energy nu to nu +- omega0 only, so that every ladder nu + k omega0 is a problem of its
own. On it, with p and q the thermal weights of a two-level system down and up, u = 1/G0, and s and r the
energies that the impurity has with the system down and up,

    Sigma = m + p q (s - r)^2 / v,   m = p s + q r,   v = u - p r - q s,
    s = g_z + g^2 / (u(nu - omega0) + g_z),   r = -g_z + g^2 / (u(nu + omega0) - g_z):

Eq. (A6) of Rammal, Ciuchi and Fratini for G = p / (u - s) + q / (u - r), with a static coupling beside. The
lattice enters by w, |w| <= 1, z = nu - Sigma = t (w + 1/w): G = w / (t (1 - w^2)) and u = nu - 2 t w.
Boltzmann factors multiply imaginary parts that may be 1e-40 by 1e40, so that every imaginary part is written
as a sum of terms of one sign:

    -Im Sigma |v|^2 = p q |s - r|^2 Im u - p |u - r|^2 Im s - q |u - s|^2 Im r,   Im u = -2 t Im w.

Divisions by zero are those of numpy: at a pole of Sigma or at the very edge of a band a ladder is NaN and not
converged, and who calls solves it beside that point.

An infinitesimal imaginary part of nu is not needed, and none is added: its Lorentzian tails would be all that
is left at low temperature.

What is done for every rung takes numbers, not arrays: numba counts references to an array that it hands to an
inlined kernel, which a ladder of one rung feels.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np

from xglass.engine.core.jit import inline
from xglass.engine.core.jit import quiet_kernel as kernel


@inline
def _divided(x, y):
    """Quotient of complex numbers, without the check of Python."""
    size = y.real * y.real + y.imag * y.imag
    return complex((x.real * y.real + x.imag * y.imag) / size, (x.imag * y.real - x.real * y.imag) / size)


@inline
def _root(x, y):
    """Square root of x + iy, y >= 0, both parts to their own accuracy."""
    size = math.sqrt(0.5 * (abs(x) + math.sqrt(x * x + y * y)))
    if size == 0.0:
        return complex(0.0, 0.0)
    return complex(size, 0.5 * y / size) if x >= 0.0 else complex(0.5 * y / size, size)


@inline
def joukowski(x, y, t):
    """The w in the unit disk with t (w + 1/w) = x + iy, y >= 0: Im w <= 0.

    It is w = 2t / (z + sqrt(z - 2t) sqrt(z + 2t)).
    """
    a, b = _root(x - 2.0 * t, y), _root(x + 2.0 * t, y)
    return _divided(
        complex(2.0 * t, 0.0),
        complex(x + a.real * b.real - a.imag * b.imag, y + a.real * b.imag + a.imag * b.real),
    )


class Mode(IntEnum):
    """How the solver of a ladder goes on from a self-energy and its image under the equations."""

    DAMP = 0  #: part of the way to the image, which leads from afar to the causal solution
    NEWTON = 1  #: Newton's method, once that solution is near
    POLISH = 2  #: to the image itself, which finds the smallest imaginary parts at once


#: Most iterations of a ladder, and those after which it is followed down from high above the real axis.
MOST_STEPS, PATIENCE = 4000, 150


@inline
def impurity(below, here, above, g, g_z, p, q):
    """Return Sigma from 1/G0 at nu - omega0, nu and nu + omega0, Eq. (A6), and its derivative in each."""
    # the two-level system down, excited by the hop to nu - omega0, and up, which returns omega0
    x, y = _divided(complex(g, 0.0), below + g_z), _divided(complex(g, 0.0), above - g_z)
    s, r = g_z + g * x, -g_z + g * y
    a, b, v = here - s, here - r, here - p * r - q * s
    d = s - r
    # the real part as it stands, the imaginary part as a sum of terms of one sign
    size = v.real * v.real + v.imag * v.imag
    sizes = (
        p * q * (d.real * d.real + d.imag * d.imag) * here.imag
        - p * (b.real * b.real + b.imag * b.imag) * s.imag
        - q * (a.real * a.real + a.imag * a.imag) * r.imag
    )
    second = _divided(d * d, v)
    sigma = complex(p * s.real + q * r.real + p * q * second.real, -sizes / size)
    # derivatives
    middle = _divided(d, v)
    lower = _divided(b, v) * x
    upper = _divided(a, v) * y
    return sigma, -p * lower * lower, -p * q * middle * middle, -q * upper * upper


@inline
def _copied(source, target):
    for k in range(source.size):
        target[k] = source[k]


@inline
def _begun(now, mean, size):
    """Begin with a self-energy of large imaginary part, from which iteration tends to the causal solution."""
    for k in range(now.size):
        now[k] = complex(mean, -0.5 * size)


@inline
def _beyond(nu, mean, square, t):
    """1/G0 beyond an end of the ladder, from the first terms of Sigma at large energy."""
    far = mean + (square - mean * mean) / (nu - mean) if nu != mean else mean
    return nu - 2.0 * t * joukowski(nu - far, 0.0, t)


@inline
def _bath(nu, sigma, height, t):
    """1/G0 = nu - 2 t w of an energy, and its slope du/dSigma = 2 t dw/dz."""
    w = joukowski(nu - sigma.real, height - sigma.imag, t)
    u = complex(nu - 2.0 * t * w.real, height - 2.0 * t * w.imag)
    return u, -2.0 * _divided(w * w, 1.0 - w * w)


@inline
def _change(now, new, size):
    """Return how far a self-energy is from its image.

    Both parts on the scale of Sigma, the real part so, and the imaginary part on its own scale.
    """
    real, imag = abs(new.real - now.real), abs(new.imag - now.imag)
    scale = size + abs(now)
    return (real + imag) / scale, real / scale, imag / -new.imag if -new.imag > 1e-290 else 0.0


@inline
def _newton_step(now, new, slope, low, mid, high, step):
    """Solve (1 - dF/dSigma) step = F - Sigma, a tridiagonal matrix, by the Thomas algorithm.

    dF_k/dSigma_{k-1} is low[k] slope[k - 1], and so on.
    """
    rungs = now.size
    eliminated = complex(0.0, 0.0)
    for k in range(rungs):
        diagonal = 1.0 - mid[k] * slope[k]
        right = new[k] - now[k]
        if k > 0:
            under = -low[k] * slope[k - 1]
            diagonal -= under * eliminated
            right -= under * step[k - 1]
        if k < rungs - 1:
            eliminated = _divided(-high[k] * slope[k + 1], diagonal)
            high[k] = eliminated
        step[k] = _divided(right, diagonal)
    for k in range(rungs - 2, -1, -1):
        step[k] -= high[k] * step[k + 1]


@inline
def _stepped(now, new, step):
    """Take a Newton step; where it leaves the causal half plane, with the imaginary part of the image."""
    for k in range(now.size):
        value = now[k] + step[k]
        if value.imag > 0.0:
            value = complex(value.real, new[k].imag)
        now[k] = value


@inline
def _mixed(now, new, mixing):
    """Go a part of the way to the image."""
    for k in range(now.size):
        now[k] = (1.0 - mixing) * now[k] + mixing * new[k]


@inline
def _settled(now, moved, worst, relative, g, size):
    """Residual of a ladder on which imaginary parts fall in every step: in a gap they are 0."""
    largest = 0.0
    for k in range(now.size):
        largest = max(largest, -now[k].imag)
    if g == 0.0:  # rungs know nothing of one another, and each may lie in a gap
        left = worst
        for k in range(now.size):
            if -now[k].imag < 1e-8 * size:
                now[k] = complex(now[k].real, 0.0)
            else:
                left = max(left, moved[k])
        return left
    if largest < 1e-8 * size:  # on all rungs alike
        for k in range(now.size):
            now[k] = complex(now[k].real, 0.0)
        return worst
    return relative


@kernel
def solve(bottom, spacing, rungs, t, g, g_z, p, q, mixing, most, sigma, residual):
    """Solve the ladders that begin at energies ``bottom`` (ladder) for ``sigma`` (ladder, rung).

    Damped iteration until the solution is near, Newton's method until done or worse, and in the end polishing
    by plain iteration. ``spacing`` 0 and one rung: static two-level systems. Converged where the ``residual``
    (ladder), relative in the imaginary part, is 1e-11. Returns the number of iterations of all ladders; those
    that are reached after ``most`` iterations are left unsolved, with a residual of 1.
    """
    mean, size, static = g_z * (p - q), math.sqrt(g * g + g_z * g_z), spacing == 0.0
    bath = np.empty(rungs + 2, np.complex128)
    slope = np.empty(rungs, np.complex128)
    new = np.empty(rungs, np.complex128)
    low = np.empty(rungs, np.complex128)
    mid = np.empty(rungs, np.complex128)
    high = np.empty(rungs, np.complex128)
    kept = np.empty(rungs, np.complex128)
    step = np.empty(rungs, np.complex128)
    moved = np.empty(rungs)
    spent = 0
    for ladder in range(bottom.size):
        now, start = sigma[ladder], bottom[ladder]
        _begun(now, mean, size)
        residual[ladder] = 1.0
        if spent > most:
            continue
        if not static:
            bath[0] = _beyond(start - spacing, mean, g * g + g_z * g_z, t)
            bath[rungs + 1] = _beyond(start + spacing * rungs, mean, g * g + g_z * g_z, t)
        mode, near = Mode.DAMP, 1e-2 * size
        before, kept_worst, polished = math.inf, near, 0
        height, arrived = 0.0, 0
        for iteration in range(MOST_STEPS):
            # 1/G0 of the rungs; a static system takes no energy: one rung, which is its own neighbour
            for k in range(rungs):
                bath[k + 1], slope[k] = _bath(start + spacing * k, now[k], height, t)
            if static:
                bath[0], bath[2] = bath[1], bath[1]

            # The image of the self-energy, and the worst of its changes
            worst, relative = 0.0, 0.0
            for k in range(rungs):
                new[k], low[k], mid[k], high[k] = impurity(bath[k], bath[k + 1], bath[k + 2], g, g_z, p, q)
                change, real, moved[k] = _change(now[k], new[k], size)
                worst = max(worst, change)
                relative = max(relative, real)
                relative = max(relative, moved[k])
                if not change < math.inf:  # max would pass over NaN
                    worst, relative = math.inf, math.inf
            if static:
                mid[0] = low[0] + mid[0] + high[0]
            residual[ladder] = relative
            spent += 1

            # Near the edge of a gap: follow the solution from high above the real axis, where it is smooth
            if iteration == PATIENCE + 1 and mode != Mode.POLISH:
                height, arrived = size + t, iteration
                _begun(now, mean, size)
                mode, near = Mode.DAMP, 1e-2 * size
            elif height > 0.0 and (worst < 1e-6 or iteration - arrived > 200):
                height, arrived = (0.25 * height if height > 1e-13 * size else 0.0), iteration
                mode, near = Mode.DAMP, size

            # Done
            elif height == 0.0 and relative <= 1e-11:
                _copied(new, now)
                break

            # All but the smallest imaginary parts: polish, until done or until seen to be those of a gap
            elif height == 0.0 and (
                worst < 1e-13
                or mode == Mode.POLISH
                or (mode == Mode.NEWTON and worst < 1e-11 and not worst < 0.9 * before)
            ):
                _copied(new, now)
                mode = Mode.POLISH
                polished += 1
                if polished > 60 + rungs:
                    residual[ladder] = _settled(now, moved, worst, relative, g, size)
                    break

            # Newton's method led away: back to where it began, and nearer before the next attempt
            elif mode == Mode.NEWTON and not worst < 0.9 * before:
                _copied(kept, now)
                mode, near = Mode.DAMP, 0.1 * kept_worst
            elif worst < near:
                if mode == Mode.DAMP:
                    _copied(new, kept)
                    kept_worst = worst
                mode, before = Mode.NEWTON, worst
                _newton_step(now, new, slope, low, mid, high, step)
                _stepped(now, new, step)
            else:
                _mixed(now, new, mixing)
    return spent
