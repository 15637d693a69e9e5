"""Kernels of the conductivity of dynamical mean field theory on the chain.

Imaginary parts may be 1e-40 and their Boltzmann factors 1e40: every factor is written without cancellation.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from xglass.engine.core.jit import inline
from xglass.engine.core.jit import quiet_kernel as kernel
from xglass.engine.tls.dmft_kernels import joukowski


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
