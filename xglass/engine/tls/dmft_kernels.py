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
from typing import NamedTuple

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


# --- the self-energy of a ladder ---------------------------------------------------------------------------


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
def solve(bottom, spacing, rungs, t, g, g_z, p, q, mixing, sigma, residual):
    """Solve the ladders that begin at energies ``bottom`` (ladder) for ``sigma`` (ladder, rung).

    Damped iteration until the solution is near, Newton's method until done or worse, and in the end polishing
    by plain iteration. ``spacing`` 0 and one rung: static two-level systems. Converged where the ``residual``
    (ladder), relative in the imaginary part, is 1e-11. Returns the number of iterations of all ladders.
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


# --- the bubble --------------------------------------------------------------------------------------------


class Series(NamedTuple):
    """A self-energy as Legendre series on panels, which divide the first rung and belong to all rungs."""

    edges: np.ndarray  #: (panel + 1) of the first rung
    coefficients: np.ndarray  #: (panel, rung, order)
    shares: np.ndarray  #: (panel) of the integrals, the largest over all of them
    heavy: np.ndarray  #: (panel, rung) that weigh at all
    lit: np.ndarray  #: (panel, rung) with states that the series hold


class Point(NamedTuple):
    """Parameters of a point: e^{-beta (nu - reference)} weighs the rungs first ... last - 1."""

    spacing: float
    t: float
    beta: float
    reference: float
    first: int
    last: int


@inline
def _disk(sigma_real, rate, nu, t):
    """(Re w, -Im w, 1 - |w|^2) of an energy: the last without cancellation also inside the band."""
    w = joukowski(nu - sigma_real, rate, t)
    size = w.real * w.real + w.imag * w.imag
    inside = 1.0 - size
    if inside < 0.5 and w.imag < 0.0:
        inside = rate * size / (-t * w.imag)
    return w.real, -w.imag, inside


@inline
def bubble(a, b, c, x, y, z, t, step):
    """Return int N(e) phi(e) A(nu, e) A(nu', e) de divided by -Im w.

    Of w = a - ib, 1 - |w|^2 = c and w' = x - iy, 1 - |w'|^2 = z the integral is
    (2 / pi^2) Im w Im w' (1 - |w w'|^2) / |(1 - w w')(1 - w conj w')|^2, every factor without cancellation.
    Where both energies lie in the band, the last factor comes from ``step`` = |z' - conj z|:
    (z' - conj z) w conj(w') = t (conj(w') - w)(1 - w conj w') in modulus.
    """
    direct = (1.0 - a * x + b * y) ** 2 + (a * y + b * x) ** 2
    cross_real, cross_imag = 1.0 - a * x - b * y, a * y - b * x
    cross = cross_real * cross_real + cross_imag * cross_imag
    if cross < 1e-3:
        apart = (a - x) ** 2 + (b + y) ** 2
        if apart > cross:
            cross = step * step * (a * a + b * b) * (x * x + y * y) / (t * t * apart)
    down = direct * cross
    return 2.0 / math.pi**2 * y * (c + z - c * z) / down if down > 0.0 else 0.0


@inline
def _series(polynomials, k, node, coefficients):
    """Sum of a Legendre series at a node of the lower (k = 0) or the upper energy."""
    total = 0.0j
    for i in range(coefficients.size):
        total += polynomials[k, i, node] * coefficients[i]
    return total


@kernel
def _integrand(low, high, nu, w, t, beta, reference):
    """Return e^{-beta (nu - reference)} B(nu, nu + w), and the Lorentzian peaks that it has.

    These are returned as the real part of z' - z, which is 0 in their middle, and as their width.
    """
    a, b, c = _disk(low.real, max(-low.imag, 0.0), nu, t)
    d, e, g = _disk(high.real, max(-high.imag, 0.0), nu + w, t)
    apart, width = w - high.real + low.real, -(low.imag + high.imag)
    if b <= 0.0 or e <= 0.0:
        return 0.0, apart, width
    exponent = -beta * (nu - reference)
    factor = b * math.exp(exponent) if exponent < 600.0 else math.exp(math.log(b) + exponent)
    return factor * bubble(a, b, c, d, e, g, t, math.sqrt(apart * apart + width * width)), apart, width


@inline
def _polynomials(k, centre, half, rule, nodes, forth, back, left, right, out):
    """Legendre polynomials out[k] (order, node) of a panel, left to right, at the nodes of a part, moved.

    Order by order: divisions at one node wait for each other, those of all nodes do not.
    """
    for node in range(nodes):
        x = centre + half * rule[0, node] + forth - back
        out[k, 0, node] = 1.0
        out[k, 1, node] = (2.0 * x - left - right) / (right - left)
    for i in range(2, out.shape[1]):
        for node in range(nodes):
            x = out[k, 1, node]
            out[k, i, node] = ((2 * i - 1) * x * out[k, i - 1, node] - (i - 1) * out[k, i - 2, node]) / i


@inline
def _part(polynomials, low, high, centre, half, rule, nodes, lift, w, point, samples):
    """Return the integral over a part by a Gauss rule.

    ``polynomials`` (2, order, node) belong to the series ``low`` of Sigma(nu) and ``high`` of Sigma(nu + w);
    ``lift`` is from the first rung to that of nu. ``samples`` (3, node) become the values of the integrand,
    and distances and widths of its peaks.
    """
    total = 0.0
    for node in range(nodes):
        nu = centre + half * rule[0, node] + lift
        one, two = _series(polynomials, 0, node, low), _series(polynomials, 1, node, high)
        value, apart, width = _integrand(one, two, nu, w, point.t, point.beta, point.reference)
        samples[0, node], samples[1, node], samples[2, node] = value, apart, width
        total += rule[1, node] * half * value
    return total


@kernel
def _rough(samples, nodes, half, rule, analysis, allowed):
    """Whether values at the nodes of a part leave more than is allowed.

    That is judged by their last Legendre coefficients, or by a peak between nodes.
    """
    values, apart, width = samples[0], samples[1], samples[2]
    if nodes == analysis.shape[1]:
        one, two = 0.0, 0.0
        for node in range(nodes):
            one += analysis[0, node] * values[node]
            two += analysis[1, node] * values[node]
        if half * (abs(one) + abs(two)) > allowed:
            return True
    for node in range(nodes - 1):
        slope = apart[node + 1] - apart[node]
        if abs(slope) < width[node] or slope == 0.0:
            continue  # as wide as nodes are apart
        place = -apart[node] / slope  # to the ends of the part from the outermost nodes
        if (place >= 0.0 or node == 0) and (place <= 1.0 or node == nodes - 2) and -1.0 <= place <= 2.0:
            near = node if abs(apart[node]) < abs(apart[node + 1]) else node + 1
            if width[near] > 0.0 and values[near] > 0.0:
                step = half * (rule[0, node + 1] - rule[0, node]) / abs(slope)
                height = values[near] * (apart[near] * (apart[near] / width[near]) + width[near])
                if height * step > allowed:
                    return True
    return False


@kernel
def _peak(samples, half, rule, plain):
    """Return the integral over a part so short that the distance of a peak is linear: an arctangent."""
    values, apart, width = samples[0], samples[1], samples[2]
    near = 0
    for node in range(values.size):
        if abs(apart[node]) < abs(apart[near]):
            near = node
    slope = (apart[-1] - apart[0]) / (half * (rule[0, -1] - rule[0, 0]))
    if slope == 0.0 or not width[near] > 0.0 or abs(slope) * half < width[near]:
        return plain
    left = apart[0] - slope * half * (rule[0, 0] + 1.0)
    right = apart[-1] + slope * half * (1.0 - rule[0, -1])
    height = values[near] * (apart[near] * (apart[near] / width[near]) + width[near])
    return height * abs((math.atan(right / width[near]) - math.atan(left / width[near])) / slope)


@inline
def _parts(edges, rest, spacing, cuts):
    """Return rising offsets between which nu and nu + rest each stay in a panel."""
    last = edges.size - 1
    period = edges[last] - edges[0]
    count = 0
    for e in range(edges.size):
        cuts[count] = edges[e]
        shifted = edges[e] - rest
        count += 1
        if spacing > 0.0 and shifted < edges[0]:
            shifted += period
        if edges[0] < shifted < edges[last]:
            cuts[count] = shifted
            count += 1
    return np.sort(cuts[:count])


@kernel
def _resolved(total, part, edges, rest, back, lift, w, point, low, high, rule, analysis):
    """Add to ``total`` the integral over a part with narrow peaks.

    ``part`` is its ends and the panels of both energies; it is halved on its own rung until each peak is
    resolved, or is a Lorentzian.
    """
    left, right, here, there = part
    nodes = rule.shape[1]
    polynomials, samples = np.empty((2, nodes, nodes)), np.empty((3, nodes))
    stack = np.empty((64, 3))
    stack[0, 0], stack[0, 1], stack[0, 2] = left, right, 0.0
    depth, halvings = 1, 150  # a peak takes some 80
    while depth > 0:
        depth, halvings = depth - 1, halvings - 1
        left, right, level = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        mid, size = 0.5 * (left + right), 0.5 * (right - left)
        _polynomials(0, mid, size, rule, nodes, 0.0, 0.0, edges[here], edges[here + 1], polynomials)
        _polynomials(1, mid, size, rule, nodes, rest, back, edges[there], edges[there + 1], polynomials)
        value = _part(polynomials, low, high, mid, size, rule, nodes, lift, w, point, samples)
        if not _rough(samples, nodes, size, rule, analysis, 1e-8 * (total + value)):
            total += value
        elif halvings < 0 or level >= 26.0 or size < 1e-14 * (abs(mid) + point.t):
            total += _peak(samples, size, rule, value)
        else:
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = mid, right, level + 1.0
            stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = left, mid, level + 1.0
            depth += 2
    return total


@kernel
def spectrum(frequencies, panels, point, rules, analysis, out):
    """Integrate e^{-beta (nu - reference)} B(nu, nu + w) over nu, at frequencies w >= 0.

    Where nu or nu + w leave a panel, the integral is divided, so that both self-energies are polynomials in
    every part. The shares of the panels choose between ``rules`` (3, 2, node) of Gauss, coarser for parts
    that hardly count. Where both energies see the same z, in the real part, the integrand has a peak as
    narrow as their rates: ``analysis`` (2, node) gives the last Legendre coefficients, by which such parts
    are found.
    """
    edges, coefficients, shares, heavy, lit = panels
    spacing = point.spacing
    count, rungs, order = coefficients.shape
    period = edges[count] - edges[0]
    cuts = np.empty(2 * count + 2)
    polynomials, samples = np.empty((2, order, order)), np.zeros((3, order))
    for f in range(frequencies.size):
        # nu + w lies ``jump`` rungs and ``rest`` above nu
        w = frequencies[f]
        jump = int(math.floor(w / spacing)) if spacing > 0.0 else 0
        rest = w - jump * spacing if spacing > 0.0 else w
        parts = _parts(edges, rest, spacing, cuts)
        total, here = 0.0, 0
        for part in range(parts.size - 1):
            # the panels of both energies; the upper one may have gone over to the next rung
            centre, half = 0.5 * (parts[part + 1] + parts[part]), 0.5 * (parts[part + 1] - parts[part])
            if half <= 1e-15 * period:
                continue
            while here < count - 1 and centre > edges[here + 1]:
                here += 1
            target, over = centre + rest, 0
            if spacing > 0.0 and target >= edges[count]:
                target, over = target - period, 1
            if target > edges[count]:
                continue
            there = min(max(np.searchsorted(edges, target) - 1, 0), count - 1)

            # a Gauss rule by what the part can count, and polynomials at its nodes, which all rungs share
            density_here = shares[here] / (edges[here + 1] - edges[here])
            density_there = shares[there] / (edges[there + 1] - edges[there])
            share = 2.0 * half * max(density_here, density_there)
            rule = rules[0 if share > 1e-5 else (1 if share > 1e-9 else 2)]
            nodes = 0
            while nodes < rule.shape[1] and rule[1, nodes] > 0.0:
                nodes += 1
            back = over * period
            _polynomials(0, centre, half, rule, nodes, 0.0, 0.0, edges[here], edges[here + 1], polynomials)
            _polynomials(
                1, centre, half, rule, nodes, rest, back, edges[there], edges[there + 1], polynomials
            )

            for k in range(point.first, point.last):
                upper = k + jump + over
                if upper >= rungs:
                    break
                if not (heavy[here, k] and lit[there, upper]):
                    continue
                low, high, lift = coefficients[here, k], coefficients[there, upper], k * spacing
                value = _part(polynomials, low, high, centre, half, rule, nodes, lift, w, point, samples)
                if _rough(samples, nodes, half, rule, analysis, 1e-8 * (total + value)):
                    ends = (parts[part], parts[part + 1], here, there)
                    total = _resolved(
                        total, ends, edges, rest, back, lift, w, point, low, high, rules[0], analysis
                    )
                else:
                    total += value
        out[f] = total
