"""The saddle point of the cavity glass by the slow route: sums over wave vectors, and Newton for everything.

The bubble is a direct sum over k at 400 frequencies, of energies written out; all D(Omega), lambda and J or
q_EA are unknowns of one Newton iteration with a dense Jacobian, followed from J = 0; the tail of the sum over
frequencies is that of its last two terms. Nothing of the package is used.
"""

import functools
import itertools

import numpy as np
from scipy.optimize import brentq
from scipy.special import zeta

FREQUENCIES = 400


@functools.cache
def bubble(L, filling, T, frequencies=FREQUENCIES):
    """(m, q) chi0 of a cubic lattice at wave vectors 0 <= q_x <= q_y <= q_z, and their weights."""
    k = 2.0 * np.pi * np.arange(L) / L
    waves = np.stack(np.meshgrid(k, k, k, indexing="ij"), axis=-1).reshape(-1, 3)

    def energy(p):
        return -2.0 * np.cos(p).sum(axis=-1)

    def fermi(e):
        return 0.5 * (1.0 - np.tanh(0.5 * (e - mu) / T))

    mu = 0.0
    mu = brentq(
        lambda shift: (0.5 * (1.0 - np.tanh(0.5 * (energy(waves) - shift) / T))).mean() - filling,
        -60.0,
        60.0,
        xtol=1e-15,
    )
    omega = 2.0 * np.pi * T * np.arange(frequencies + 1)
    folded = np.sort(np.minimum(np.rint(waves * L / (2 * np.pi)) % L, L - np.rint(waves * L / (2 * np.pi))))
    different, counts = np.unique(folded.astype(int), axis=0, return_counts=True)
    f, rows = fermi(energy(waves)), []
    for m in different:
        e = energy(waves + 2.0 * np.pi * m / L)
        gap = e - energy(waves)
        same = abs(gap) < 1e-9
        weight = np.where(same, 0.0, (f - fermi(e)) * gap)
        row = (weight / (omega[:, None] ** 2 + np.where(same, 1.0, gap) ** 2)).mean(axis=1)
        row[0] += np.where(same, f * (1.0 - f) / T, 0.0).mean()
        rows.append(row)
    return np.array(rows).T, counts / len(waves)


class Newton:
    """All equations at once; ``unknown`` beside D and lambda: "nothing" (liquid), "J" (critical), "q"."""

    def __init__(self, L, filling, T, omega0=np.inf, constraint="lambda"):
        self.chi, self.weight = bubble(L, filling, T)
        self.bare = self.chi @ self.weight
        last = len(self.chi) - 1
        omega = 2.0 * np.pi * T * np.arange(last + 1)
        self.ratio = (1.0 / (1.0 + (omega / omega0) ** 2)) ** 2
        self.with_coupling = constraint == "lambda_J2"
        self.T = T
        # T sum over all frequencies of what falls as a / m^4 + b / m^6 beyond the last
        total = 2.0 * np.ones(last + 1)
        total[0] = 1.0
        pair = np.array([last // 2, last])
        fit = np.linalg.inv(np.stack([pair**-4.0, pair**-6.0], axis=1))
        total[pair] += 2.0 * np.array([zeta(4, last + 1), zeta(6, last + 1)]) @ fit
        self.total = T * total

    def shift(self, D, multiplier, square):
        if self.with_coupling:
            return square * self.ratio * (multiplier - D)
        return 2.0 * multiplier - square * self.ratio * D

    def solve(self, D, multiplier, square, q, unknown):
        size, extra = D.size, unknown != "nothing"
        for _ in range(100):
            z = self.shift(D, multiplier, square)
            term = self.chi / (1.0 + z[:, None] * self.chi)
            g, h, cubic = (term**power @ self.weight for power in (1, 2, 3))
            by_d = -square * self.ratio
            by_multiplier = square * self.ratio if self.with_coupling else np.full(size, 2.0)
            by_square = z / square if self.with_coupling else -self.ratio * D
            jacobian = np.zeros((size + 1 + extra, size + 1 + extra))
            jacobian[range(size), range(size)] = 1.0 + h * by_d
            jacobian[:size, size] = h * by_multiplier
            jacobian[size, :size] = self.total
            values = [*(D - g), float(self.total @ (D - self.bare)) + q]
            if extra:
                values.append(1.0 - square * h[0])
                jacobian[-1, 0] = 2.0 * square * cubic[0] * by_d[0]
                jacobian[-1, size] = 2.0 * square * cubic[0] * by_multiplier[0]
                if unknown == "J":
                    jacobian[:size, -1] = h * by_square
                    jacobian[-1, -1] = -h[0] + 2.0 * square * cubic[0] * by_square[0]
                else:
                    jacobian[size, -1] = 1.0
            step = np.linalg.solve(jacobian, -np.array(values))
            D, multiplier = D + step[:size], multiplier + step[size]
            square += step[-1] if unknown == "J" else 0.0
            q += step[-1] if unknown == "q" else 0.0
            if abs(step).max() < 1e-14 * max(1.0, abs(multiplier), square):
                break
        z = self.shift(D, multiplier, square)
        denominator = 1.0 + z[:, None] * self.chi
        assert denominator.min() > 0.0
        stability = 1.0 - square * self.ratio * ((self.chi / denominator) ** 2 @ self.weight)
        assert stability.min() > -1e-9
        return D, multiplier, square, q, stability

    def liquid(self, J):
        """From J = 0 in steps."""
        D, multiplier = self.bare, 0.0
        for square in np.linspace(0.0, J**2, 8)[1:]:
            D, multiplier, _, _, stability = self.solve(D, multiplier, square, 0.0, "nothing")
        return D, multiplier, 0.0, stability

    def critical(self):
        """From the liquid near it, which is looked for in steps of J."""
        D, multiplier = self.bare, 0.0
        for square in itertools.count(2.0, 2.0):
            D, multiplier, _, _, stability = self.solve(D, multiplier, square, 0.0, "nothing")
            if stability[0] < 0.3:
                break
        D, multiplier, square, _, _ = self.solve(D, multiplier, square, 0.0, "J")
        return D, multiplier, np.sqrt(square)

    def glass(self, J):
        """From the transition in steps."""
        D, multiplier, critical = self.critical()
        q = 0.0
        for square in np.linspace(critical**2, J**2, 6)[1:]:
            D, multiplier, _, q, stability = self.solve(D, multiplier, square, q, "q")
        return D, multiplier, q, stability

    def free_energy(self, J, D, multiplier):
        """Eq. (34) less its value at J = 0, with every term of it; the tail falls as that of D."""
        z = self.shift(D, multiplier, J**2)
        lost = (np.log1p(z[:, None] * self.chi) - 2.0 * multiplier * self.chi) @ self.weight
        return float(self.total @ (0.25 * J**2 * self.ratio * D**2 + 0.5 * lost))
