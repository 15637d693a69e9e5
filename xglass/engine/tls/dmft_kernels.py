"""Dynamical mean field theory of one electron and two-level systems on the real axis: the kernels of the
one-dimensional lattice.

The impurity couples an energy nu to nu +- omega0 only, so that every ladder nu + k omega0 is a problem of its
own. On it, with p and q the thermal weights of a two-level system down and up, u = 1/G0 and primes for nu -+
omega0,

    Sigma = m + p q (s - r)^2 / v,   m = p s + q r,   v = u - p r - q s,
    s = g_z + g^2 / (u(nu - omega0) + g_z),   r = -g_z + g^2 / (u(nu + omega0) - g_z):

Eq. (A6) of Rammal, Ciuchi and Fratini for G = p / (u - s) + q / (u - r), with a static coupling beside. The
lattice enters by w, |w| <= 1, z = nu - Sigma = t (w + 1/w): G = w / (t (1 - w^2)) and u = nu - 2 t w.
Boltzmann factors multiply imaginary parts that may be 1e-40 by 1e40, so that every imaginary part is written
as a sum of terms of one sign:

    -Im Sigma |v|^2 = p q |s - r|^2 Im u - p |u - r|^2 Im s - q |u - s|^2 Im r,   Im u = -2 t Im w.

An infinitesimal imaginary part of nu is not needed, and none is added: its Lorentzian tails would be all that
is left at low temperature.
"""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.core.jit import inline, kernel


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
    """The w in the unit disk with t (w + 1/w) = x + iy, y >= 0: w = 2t / (z + sqrt(z - 2t) sqrt(z + 2t));
    Im w <= 0.
    """
    a, b = _root(x - 2.0 * t, y), _root(x + 2.0 * t, y)
    return _divided(
        complex(2.0 * t, 0.0),
        complex(x + a.real * b.real - a.imag * b.imag, y + a.real * b.imag + a.imag * b.real),
    )


@kernel
def solve(bottom, spacing, rungs, t, g, g_z, p, q, mixing, sigma, residual):
    """Self-energies (ladder, rung) of the ladders that begin at energies ``bottom`` (ladder), and what is
    left of the equations.

    Damped iteration from a damped start, which tends to the causal solution; Newton's method on the ladder (a
    tridiagonal matrix) once that is near, taken back where it leads away. ``spacing`` 0 and one rung: static
    two-level systems. Converged where the residual, relative in the imaginary part, is 1e-11. Returns the
    number of iterations of all ladders.
    """
    mean, size = g_z * (p - q), math.sqrt(g * g + g_z * g_z)
    static = spacing == 0.0
    u, slope, image = (
        np.empty(rungs, np.complex128),
        np.empty(rungs, np.complex128),
        np.empty(rungs, np.complex128),
    )
    low, mid, high = (
        np.empty(rungs, np.complex128),
        np.empty(rungs, np.complex128),
        np.empty(rungs, np.complex128),
    )
    kept, step, moved = np.empty(rungs, np.complex128), np.empty(rungs, np.complex128), np.empty(rungs)
    spent = 0
    for ladder in range(bottom.size):
        now = sigma[ladder]
        for k in range(rungs):
            now[k] = complex(mean, -0.5 * size)
        start = bottom[ladder]
        ends = np.empty(2, np.complex128)
        for side in range(2):  # beyond the ends of the ladder: the first terms at large energy
            nu = start + spacing * (-1 if side == 0 else rungs)
            far = mean + (g * g + g_z * g_z - mean * mean) / (nu - mean) if nu != mean else mean
            ends[side] = nu - 2.0 * t * joukowski(nu - far, 0.0, t)
        threshold, newton, before = 1e-2 * size, False, math.inf
        worst_kept, kept_upper, polish = threshold, complex(0.0, 0.0), 0
        begun, eta, followed = 0, 0.0, False
        for iteration in range(4000):
            for k in range(rungs):
                nu = start + spacing * k
                w = joukowski(nu - now[k].real, eta - now[k].imag, t)
                u[k] = complex(nu - 2.0 * t * w.real, eta - 2.0 * t * w.imag)
                slope[k] = -2.0 * _divided(w * w, 1.0 - w * w)  # du / dSigma = 2 t dw/dz
            worst, relative = 0.0, 0.0
            for k in range(rungs):
                below = u[k] if static else (u[k - 1] if k > 0 else ends[0])
                above = u[k] if static else (u[k + 1] if k < rungs - 1 else ends[1])
                x, y = _divided(complex(g, 0.0), below + g_z), _divided(complex(g, 0.0), above - g_z)
                s, r = g_z + g * x, -g_z + g * y
                a, b, v = u[k] - s, u[k] - r, u[k] - p * r - q * s
                d = s - r
                size_v = v.real * v.real + v.imag * v.imag
                sizes = (
                    p * q * (d.real * d.real + d.imag * d.imag) * u[k].imag
                    - p * (b.real * b.real + b.imag * b.imag) * s.imag
                    - q * (a.real * a.real + a.imag * a.imag) * r.imag
                )
                second = _divided(d * d, v)
                image[k] = complex(p * s.real + q * r.real + p * q * second.real, -sizes / size_v)
                ratio = _divided(d, v)
                mid[k] = -p * q * ratio * ratio
                ratio = _divided(b, v) * x
                low[k] = -p * ratio * ratio
                ratio = _divided(a, v) * y
                high[k] = -q * ratio * ratio
                real, imag = abs(image[k].real - now[k].real), abs(image[k].imag - now[k].imag)
                scale = size + abs(now[k])
                worst = max(worst, (real + imag) / scale)
                relative = max(relative, real / scale)
                moved[k] = imag / -image[k].imag if -image[k].imag > 1e-290 else 0.0
                relative = max(relative, moved[k])
            spent += 1
            residual[ladder] = relative
            if (
                not followed and polish == 0 and iteration > 150
            ):  # near the edge of a gap: follow the solution from high above the real axis
                followed, eta, begun = True, size + t, iteration
                for k in range(rungs):
                    now[k] = complex(mean, -0.5 * size)
                newton, before, threshold = False, math.inf, 1e-2 * size
                continue
            if eta > 0.0:
                if worst < 1e-6 or iteration - begun > 200:
                    eta, begun = (0.25 * eta if eta > 1e-13 * size else 0.0), iteration
                    newton, before, threshold = False, math.inf, size
                    continue
            elif relative <= 1e-11:
                for k in range(rungs):
                    now[k] = image[k]
                break
            if eta == 0.0 and (
                worst < 1e-13 or polish > 0 or (newton and worst < 1e-11 and not worst < 0.9 * before)
            ):  # all but the smallest imaginary parts, which plain iteration finds at once
                for k in range(rungs):
                    now[k] = image[k]
                polish += 1
                if polish > 60 + rungs:
                    largest = 0.0
                    for k in range(rungs):
                        largest = max(largest, -now[k].imag)
                    if g == 0.0:  # rungs know nothing of one another, and each may lie in a gap
                        residual[ladder] = worst
                        for k in range(rungs):
                            if -now[k].imag < 1e-8 * size:
                                now[k] = complex(now[k].real, 0.0)
                            else:
                                residual[ladder] = max(residual[ladder], moved[k])
                    elif (
                        largest < 1e-8 * size
                    ):  # a gap: imaginary parts fall in every step, on all rungs alike
                        for k in range(rungs):
                            now[k] = complex(now[k].real, 0.0)
                        residual[ladder] = worst
                    break
                continue
            if newton and not worst < 0.9 * before:
                newton = False
                threshold = 0.1 * worst_kept
                for k in range(rungs):
                    now[k] = kept[k]
                continue
            before = worst
            if worst < threshold:
                if not newton:
                    for k in range(rungs):
                        kept[k] = image[k]
                    worst_kept = worst
                newton = True
                # (1 - dF/dSigma) step = F - Sigma: the Thomas algorithm; dF_k/dSigma_{k-1} = low slope, and
                # so on
                if static:
                    step[0] = _divided(image[0] - now[0], 1.0 - (low[0] + mid[0] + high[0]) * slope[0])
                else:
                    for k in range(rungs):
                        diagonal = 1.0 - mid[k] * slope[k]
                        right = image[k] - now[k]
                        if k > 0:
                            under = -low[k] * slope[k - 1]
                            diagonal -= under * kept_upper
                            right -= under * step[k - 1]
                        if k < rungs - 1:
                            kept_upper = _divided(-high[k] * slope[k + 1], diagonal)
                            high[k] = kept_upper
                        step[k] = _divided(right, diagonal)
                    for k in range(rungs - 2, -1, -1):
                        step[k] -= high[k] * step[k + 1]
                for k in range(rungs):
                    value = now[k] + step[k]
                    if value.imag > 0.0:
                        value = complex(value.real, image[k].imag)
                    now[k] = value
            else:
                for k in range(rungs):
                    now[k] = (1.0 - mixing) * now[k] + mixing * image[k]
    return spent


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
    """Int N(e) phi(e) A(nu, e) A(nu', e) de divided by t^0 (-Im w): of w = a - ib, 1 - |w|^2 = c and w' = x -
    iy, 1 - |w'|^2 = z.

    (2 / pi^2) Im w Im w' (1 - |w w'|^2) / |(1 - w w')(1 - w conj w')|^2: every factor without cancellation.
    ``step`` = |z' - conj z|, from which comes the last factor where both energies lie in the band, (z' - conj
    z) w conj(w') = t (conj(w') - w)(1 - w conj w') in modulus.
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
def legendre(x, out):
    """Legendre polynomials P_0 ... at x."""
    out[0] = 1.0
    if out.size > 1:
        out[1] = x
    for i in range(2, out.size):
        out[i] = ((2 * i - 1) * x * out[i - 1] - (i - 1) * out[i - 2]) / i


@inline
def _series(polynomials, coefficients):
    """Sum of a Legendre series."""
    total = 0.0j
    for i in range(polynomials.size):
        total += polynomials[i] * coefficients[i]
    return total


@kernel
def _integrand(low, high, nu, w, t, beta, reference):
    """e^{-beta (nu - reference)} B(nu, nu + w), the real part of z' - z on which it has Lorentzian peaks,
    and their width.
    """
    a, b, c = _disk(low.real, max(-low.imag, 0.0), nu, t)
    d, e, g = _disk(high.real, max(-high.imag, 0.0), nu + w, t)
    apart, width = w - high.real + low.real, -(low.imag + high.imag)
    if b <= 0.0 or e <= 0.0:
        return 0.0, apart, width
    exponent = -beta * (nu - reference)
    factor = b * math.exp(exponent) if exponent < 600.0 else math.exp(math.log(b) + exponent)
    return factor * bubble(a, b, c, d, e, g, t, math.sqrt(apart * apart + width * width)), apart, width


@kernel
def _rough(values, apart, width, nodes, half, rule, analysis, allowed):
    """Whether values at the nodes of a part leave more than is allowed: by their last Legendre coefficients,
    or by a peak between nodes.
    """
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
def _peak(values, apart, width, half, rule, plain):
    """Integral of a part so short that a peak's distance is linear and its numerator constant:
    an inverse tangent.
    """
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


@kernel
def spectrum(
    frequencies,
    edges,
    coefficients,
    bottom,
    spacing,
    t,
    beta,
    reference,
    first,
    last,
    shares,
    rules,
    analysis,
    heavy,
    lit,
    out,
):
    """Int e^{-beta (nu - reference)} B(nu, nu + w) dnu at frequencies w >= 0, from the self-energy as
    Legendre series.

    ``edges`` (panel + 1) divide the first rung, ``coefficients`` (panel, rung, order) belong to all rungs;
    ``first`` and ``last`` bound the rungs that weigh. Where nu or nu + w leave a panel, the integral is
    divided, so that both self-energies are polynomials in every part. ``shares`` (panel) of the integrals
    choose between ``rules`` (3, 2, node) of Gauss, coarser for parts that hardly count; ``heavy`` (panel,
    rung) says which weigh at all, ``lit`` which have states that the series hold. Where both energies see the
    same z, in the real part, the integrand has a peak as narrow as their rates: such parts are halved on
    their own rung, with ``analysis`` (2, node) for the last Legendre coefficients, until the peak is resolved
    or is a Lorentzian.
    """
    panels, rungs, order = coefficients.shape
    period = edges[panels] - edges[0]
    cuts = np.empty(2 * panels + 2)
    ones, twos, ones_, twos_ = (
        np.empty((order, order)),
        np.empty((order, order)),
        np.empty(order),
        np.empty(order),
    )
    values, apart, width = np.zeros(order), np.zeros(order), np.zeros(order)
    stack = np.empty((64, 3))
    for f in range(frequencies.size):
        w = frequencies[f]
        jump = int(math.floor(w / spacing)) if spacing > 0.0 else 0
        rest = w - jump * spacing if spacing > 0.0 else w
        count = 0
        for e in range(panels + 1):
            cuts[count] = edges[e]
            shifted = edges[e] - rest
            count += 1
            if spacing > 0.0 and shifted < edges[0]:
                shifted += period
            if edges[0] < shifted < edges[panels]:
                cuts[count] = shifted
                count += 1
        parts = np.sort(cuts[:count])
        total, here, there = 0.0, 0, 0
        for part in range(count - 1):
            centre, half = 0.5 * (parts[part + 1] + parts[part]), 0.5 * (parts[part + 1] - parts[part])
            if half <= 1e-15 * period:
                continue
            while here < panels - 1 and centre > edges[here + 1]:
                here += 1
            target, lift = centre + rest, 0
            if spacing > 0.0 and target >= edges[panels]:
                target, lift = target - period, 1
            if target > edges[panels]:
                continue
            there = min(max(np.searchsorted(edges, target) - 1, 0), panels - 1)
            share = (
                2.0
                * half
                * max(
                    shares[here] / (edges[here + 1] - edges[here]),
                    shares[there] / (edges[there + 1] - edges[there]),
                )
            )
            rule = rules[0 if share > 1e-5 else (1 if share > 1e-9 else 2)]
            nodes = 0
            while nodes < rule.shape[1] and rule[1, nodes] > 0.0:
                x = centre + half * rule[0, nodes]
                y = x + rest - lift * period
                legendre(
                    (2.0 * x - edges[here] - edges[here + 1]) / (edges[here + 1] - edges[here]), ones[nodes]
                )
                legendre(
                    (2.0 * y - edges[there] - edges[there + 1]) / (edges[there + 1] - edges[there]),
                    twos[nodes],
                )
                nodes += 1
            for k in range(first, last):
                upper = k + jump + lift
                if upper >= rungs:
                    break
                if not (heavy[here, k] and lit[there, upper]):
                    continue
                value = 0.0
                for node in range(nodes):
                    nu = centre + half * rule[0, node] + k * spacing
                    low, high = (
                        _series(ones[node], coefficients[here, k]),
                        _series(twos[node], coefficients[there, upper]),
                    )
                    f_, apart[node], width[node] = _integrand(low, high, nu, w, t, beta, reference)
                    values[node] = f_
                    value += rule[1, node] * half * f_
                if not _rough(values, apart, width, nodes, half, rule, analysis, 1e-8 * (total + value)):
                    total += value
                    continue
                left_over = 150  # halvings: a peak takes some 80
                depth, stack[0, 0], stack[0, 1], stack[0, 2] = 1, parts[part], parts[part + 1], 0.0
                while depth > 0:
                    depth, left_over = depth - 1, left_over - 1
                    left, right, level = stack[depth, 0], stack[depth, 1], stack[depth, 2]
                    mid, size = 0.5 * (left + right), 0.5 * (right - left)
                    value = 0.0
                    for node in range(order):
                        x = mid + size * rules[0, 0, node]
                        y = x + rest - lift * period
                        legendre(
                            (2.0 * x - edges[here] - edges[here + 1]) / (edges[here + 1] - edges[here]), ones_
                        )
                        legendre(
                            (2.0 * y - edges[there] - edges[there + 1]) / (edges[there + 1] - edges[there]),
                            twos_,
                        )
                        low, high = (
                            _series(ones_, coefficients[here, k]),
                            _series(twos_, coefficients[there, upper]),
                        )
                        f_, apart[node], width[node] = _integrand(
                            low, high, x + k * spacing, w, t, beta, reference
                        )
                        values[node] = f_
                        value += rules[0, 1, node] * size * f_
                    if not _rough(
                        values, apart, width, order, size, rules[0], analysis, 1e-8 * (total + value)
                    ):
                        total += value
                    elif left_over < 0 or level >= 26.0 or size < 1e-14 * (abs(mid) + t):
                        total += _peak(values, apart, width, size, rules[0], value)
                    else:
                        stack[depth, 0], stack[depth, 1], stack[depth, 2] = mid, right, level + 1.0
                        stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = left, mid, level + 1.0
                        depth += 2
        out[f] = total
