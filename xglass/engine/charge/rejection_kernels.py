"""Lower bounds on the quantum part of a weight from free energies, without eigenvalues or eigenvectors, and a
memory of configurations.

F[lambda K + phi] is concave in lambda, so <K> = dF/dlambda at 1 is at least (F(1 + h) - F(1))/h for h > 0.
Both free energies are taken at one chemical potential mu: Omega(mu) + mu N is at most F for every mu, and F
where mu is right. What a bound may be wrong by through rounding is stated in
:mod:`xglass.engine.charge.rejection` and taken off it.
"""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.charge.one_body_kernels import free_energy
from xglass.engine.core.jit import intrinsic, kernel, quiet_kernel, types

#: Step in lambda. The bound falls short of <K> by about -h F''/2.
STEP = 1e-4
#: Rounding unit, and what the bounds of :mod:`xglass.engine.charge.rejection` multiply it by.
UNIT, HOUSEHOLDER, EXPANSION, COUNT = 2.0**-53, 16.0, 1e-11, 1e-13

NOTHING, EXACT, BOUND, SEEN = range(4)

#: Pivots between two logarithms: their product stays below 1e160, see :func:`_grand_potential`.
RUN = 24


@intrinsic
def _tridiagonalize(typing, address, options, a, diagonal, beside, tau, work, info):
    """Call LAPACK's dsytrd at ``address``; ``options`` are (the letter of the triangle, n, size of work).

    The address is an argument, since a cached kernel outlives the process in which an address is valid.
    """

    def emit(context, builder, signature, arguments):
        from llvmlite import ir

        def data(n):
            return context.make_array(signature.args[n])(context, builder, arguments[n]).data

        byte = ir.IntType(8).as_pointer()
        options = builder.bitcast(data(1), byte)
        letter, n, size = (builder.gep(options, [ir.Constant(ir.IntType(32), 4 * k)]) for k in range(3))
        pointers = [builder.bitcast(data(k), byte) for k in range(2, 7)]
        a, diagonal, beside, tau, work = pointers
        info = builder.bitcast(data(7), byte)
        call = ir.FunctionType(ir.VoidType(), [byte] * 10)
        function = builder.inttoptr(arguments[0], call.as_pointer())
        builder.call(function, [letter, n, a, n, diagonal, beside, tau, work, size, info])
        return context.get_dummy_value()

    return types.none(address, options, a, diagonal, beside, tau, work, info), emit


@kernel
def tridiagonal(lapack, hopping, scale, potential, shift, options, work, diagonal, beside, tau, room, info):
    """Diagonal and squares of the numbers beside it of a tridiagonal matrix with the levels of
    scale K + potential - shift.
    """
    n = potential.size
    for i in range(n):
        for j in range(i + 1):  # rows here are LAPACK's columns, and its upper triangle is filled
            work[i, j] = scale * hopping[i, j]
        work[i, i] += potential[i] - shift
    _tridiagonalize(lapack, options, work, diagonal, beside, tau, room, info)
    for i in range(n - 1):
        beside[i] *= beside[i]


@quiet_kernel
def grand_potential(diagonal, beside, mu, t, poles, residues, pivots):
    """Omega and the particle number of a tridiagonal matrix at ``mu``.

    With x = (e - mu)/T and f(x) = 1/2 - sum_p R_p 2 x/(x^2 + z_p^2),

        Omega/T = sum_n [x_n/2 - ln 2] - sum_p R_p ln det(1 + X^2/z_p^2),
        N = n/2 - 2 sum_p R_p Re tr (X - i z_p)^-1,

    from the pivots of X - i z: their imaginary parts only grow beyond -z, so that no pivoting is needed and
    every factor of the determinant is at least 1.
    """
    n, count = diagonal.size, poles.size
    real, imaginary, product, total = pivots[0], pivots[1], pivots[2], pivots[3]
    slope, turn, trace = pivots[4], pivots[5], pivots[6]
    over = 1.0 / t
    squared = over * over
    x = (diagonal[0] - mu) * over
    half = 0.5 * x
    for p in range(count):
        z = poles[p]
        size = x * x + z * z
        real[p], imaginary[p] = x, z
        product[p] = size / (z * z)
        total[p] = 0.0
        slope[p], turn[p] = x / size, z / size  # 1/(x - i z)
        trace[p] = slope[p]
    for k in range(1, n):
        x = (diagonal[k] - mu) * over
        b = beside[k - 1] * squared
        half += 0.5 * x
        for p in range(count):
            z, r, y = poles[p], real[p], imaginary[p]
            inverse = 1.0 / (r * r + y * y)
            q, s = b * r * inverse, b * y * inverse  # b over the pivot before is q + i s
            r, y = x - q, z + s
            size = r * r + y * y
            g = 1.0 + q * slope[p] - s * turn[p]
            h = q * turn[p] + s * slope[p]
            inverse = 1.0 / size
            a = (g * r - h * y) * inverse  # (g + i h)/(r - i y)
            c = (g * y + h * r) * inverse
            real[p], imaginary[p], slope[p], turn[p] = r, y, a, c
            product[p] *= size / (z * z)
            trace[p] += a
        if k % RUN == 0:
            for p in range(count):
                total[p] += math.log(product[p])
                product[p] = 1.0
    omega, number = half - n * math.log(2.0), 0.5 * n
    for p in range(count):
        omega -= residues[p] * (total[p] + math.log(product[p]))
        number -= 2.0 * residues[p] * trace[p]
    return omega * t, number


@kernel
def _chemical_potential(diagonal, beside, t, particles, mu, slope, low, high, tolerance, terms, pivots):
    """Omega + mu N at nearly its maximum over mu, which is F.

    ``low`` and ``high`` enclose the levels; ``mu`` and ``slope`` = dN/dmu are a guess. Returns the value, by
    how much F may lie above it, mu and slope. Since |d ln N'/dmu| <= 1/T, the secant of two points also
    bounds how far the right mu is.
    """
    n = diagonal.size
    lower, upper = low - 40.0 * t, high + 40.0 * t
    mu = min(max(mu, low), high)
    value, error, before, number_before = 0.0, np.inf, 0.0, np.inf
    for turn in range(60):
        omega, number = grand_potential(diagonal, beside, mu, t, terms[0], terms[1], pivots)
        excess = number - particles
        if excess > 0.0:
            upper = mu
        else:
            lower = mu
        away, off = upper - lower, abs(excess) + COUNT * n
        if turn > 0:
            slope = (number - number_before) / (mu - before)
            least = 0.9 * slope * t * math.exp(-abs(mu - before) / t)
            if abs(number - number_before) > 1e-7 and off < 0.5 * least:
                away = min(away, -t * math.log1p(-off / least))
        value, error = omega + mu * particles, off * away
        if error <= tolerance:
            break
        # in the tails of a gap secants are slow, and in its middle they are rounding
        step = mu - excess / slope if slope > 0.0 and (turn < 8 or turn % 2 == 0) else lower
        if not lower < step < upper:
            step = 0.5 * (lower + upper)
        if step == mu:
            break
        before, number_before, mu = mu, number, step
    return value, error, mu, slope


@kernel
def _table(starts, limits, reach):
    """Which expansion holds for |e - mu| <= reach T, or -1."""
    for k in range(limits.size):
        if reach <= limits[k]:
            return k
    return -1


@kernel
def quantum_bound(kinetic, hopping, potential, t, particles, guess, tools, work):
    """Find a number that the quantum part of a weight, as the full solve computes it, is not below.

    Parameters
    ----------
    kinetic : bool
        <K>, or else F[K + phi] - F[phi].
    hopping, potential : (site, site) and (site,) float64
        Matrix of K, and phi.
    t, particles : float, int
        Temperature, and particle number.
    guess : (2,) float64
        To begin with, mu and dN/dmu; left as those that were found.
    tools : tuple
        As from :func:`xglass.engine.charge.rejection.proof_tools`.
    work : (site, site) float64
        Overwritten.

    Returns
    -------
    float
        The bound; -inf where no expansion reaches the levels, NaN where the potential is.
    """
    lapack, options, vectors, room, info, (poles, residues, starts, limits), pivots, norm = tools
    n = potential.size
    diagonal, beside, tau = vectors[0], vectors[1], vectors[2]
    shift, square = 0.0, norm * norm
    for i in range(n):
        shift += potential[i]
        square += potential[i] * potential[i]
    shift /= n
    tridiagonal(lapack, hopping, 1.0, potential, shift, options, work, diagonal, beside, tau, room, info)
    low, high = np.inf, -np.inf
    for i in range(n):
        radius = (math.sqrt(beside[i - 1]) if i > 0 else 0.0) + (math.sqrt(beside[i]) if i < n - 1 else 0.0)
        low, high = min(low, diagonal[i] - radius), max(high, diagonal[i] + radius)
    # the levels of (1 + h) K + phi, too, must lie where the expansion holds
    low, high = low - STEP * norm, high + STEP * norm
    mu = min(max(guess[0] - shift, low), high)
    tolerance = 1e-4 * STEP * t + 2.0 * COUNT * n * (high - low)
    for _ in range(2):  # once more where mu turns out farther from the levels than it was thought to be
        k = _table(starts, limits, max(high - mu, mu - low) / t + 2.0)
        if info[0] != 0 or k < 0:
            return -np.inf
        terms = (poles[starts[k] : starts[k + 1]], residues[starts[k] : starts[k + 1]])
        value, error, mu, guess[1] = _chemical_potential(
            diagonal, beside, t, particles, mu, guess[1], low, high, tolerance, terms, pivots
        )
        if max(high - mu, mu - low) <= limits[k] * t:
            break
    else:
        return -np.inf
    guess[0] = mu + shift
    backward = HOUSEHOLDER * n * n * UNIT * math.sqrt(square)
    rounding = math.sqrt(particles) * backward + EXPANSION * n * t
    if not kinetic:
        bound = value - 2.0 * rounding - free_energy(np.sort(potential), t, particles)
        return bound + shift * particles - 1e-12 * (abs(bound) + abs(shift) * particles)
    scale = 1.0 + STEP
    tridiagonal(lapack, hopping, scale, potential, shift, options, work, diagonal, beside, tau, room, info)
    if info[0] != 0:
        return -np.inf
    further, _ = grand_potential(diagonal, beside, mu, t, terms[0], terms[1], pivots)
    bound = (further + mu * particles - value - error - 2.0 * rounding) / STEP
    solve = backward * (1.0 + math.sqrt(n)) * (1.0 + norm / (4.0 * t))
    return bound - solve - 1e-12 * abs(bound)


@kernel
def pack(n, key):
    """Pack occupations as bits of whole words; returns their hash."""
    key[:] = 0
    for i in range(n.size):
        key[i >> 6] |= np.uint64(n[i]) << np.uint64(i & 63)
    mixed = np.uint64(0)
    for word in key:
        mixed = (mixed ^ word) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


@kernel
def recall(memory, hashed, key):
    """Return what is known of a configuration: (NOTHING, EXACT, BOUND or SEEN, the value)."""
    keys, values, kinds = memory
    slot = np.int64(hashed & np.uint64(kinds.size - 1))
    if kinds[slot] == NOTHING:
        return NOTHING, 0.0
    for k in range(key.size):
        if keys[slot, k] != key[k]:
            return NOTHING, 0.0
    return np.int64(kinds[slot]), values[slot]


@kernel
def remember(memory, hashed, key, kind, value):
    """Keep what is known of a configuration, in place of what stood in its slot."""
    keys, values, kinds = memory
    slot = np.int64(hashed & np.uint64(kinds.size - 1))
    keys[slot] = key
    values[slot] = value
    kinds[slot] = kind
