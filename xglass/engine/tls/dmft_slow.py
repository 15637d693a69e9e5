"""Dynamical mean field theory on the chain where two-level systems are slow: no ladder, all energies at once.

Where omega0 is small, a ladder has thousands of rungs on which everything varies little. The w of
nu - Sigma = t (w + 1/w), |w| < 1, is then held as Legendre series on panels over all energies, and the
neighbours nu +- omega0 are read from the same series. Both the lattice and the impurity are regular in w
(1/Sigma is not: Sigma has poles in the gap), so that Eq. (A6) of Rammal, Ciuchi and Fratini reads

    w = t (1 - w^2) G,   G = p b / ((u - g_z) b - g^2) + q a / ((u + g_z) a - g^2),
    u = nu - 2 t w,   b = u(nu - omega0) + g_z,   a = u(nu + omega0) - g_z.

Newton's method solves it, with sparse matrices; panels are halved until they resolve w. The solution is
followed from high above the real axis, where it is smooth, down to it. At omega0 > 0 and T > 0 it is smooth
there too, on a scale between omega0 and the width of the band, so that the number of panels hardly depends
on omega0.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial import legendre as series
from scipy import sparse
from scipy.sparse.linalg import splu

from xglass.engine.tls.dmft_lattices import Chain, Ladder, image
from xglass.engine.tls.dmft_panels import ANALYSIS, NODES, ORDER

#: Share of the last Legendre coefficients of w with which a panel is resolved: down to this omega0 in t, and
#: larger in proportion to its root below, since the equation is nearly singular at the edges.
FINE, SMOOTH = 1e-13, 1e-4
#: Imaginary parts of w, in that share, that the series do not resolve: they are taken for none.
NOISE = 10.0
#: Most panels, and most steps of Newton's method at one height above the real axis and on one set of panels.
MOST_PANELS, MOST_STEPS = 800, 30
#: Most work: panels times steps (20 to 140 us each).
MOST_PANEL_STEPS = 25_000
#: How much nearer to the real axis each stage is, and the last height above it, in omega0.
NEARER, LOWEST = 8.0, 1e-4
#: Largest residual with which a stage is solved.
SOLVED = 1e-9


class SlowChain(Chain):
    """The chain with slow two-level systems, solved for one point: its self-energy at any energy in range."""

    def __init__(self, ladder: Ladder) -> None:
        super().__init__(ladder.t)
        fine = FINE * math.sqrt(max(1.0, SMOOTH * ladder.t / ladder.omega0))
        self.noise = NOISE * fine
        self.panels, self.w = _followed(ladder, fine)
        self.edges = self.panels

    @property
    def found(self) -> bool:
        """Whether there is a solution."""
        return bool(np.isfinite(self.w).all())

    def hidden(self, ladder: Ladder, reference: float) -> float:
        """Return the thermal weight of what is taken for none, where that weighs most."""
        nu = _nodes(self.panels)
        states = self.densities(self.t * (self.w + 1.0 / self.w))[0]
        seen = (states > 0.0) & (self.w.imag < -self.noise)
        share = states[seen] * self.noise / -self.w[seen].imag
        with np.errstate(over="ignore"):  # infinite: everything may be hidden
            boltzmann = np.exp((reference - nu[seen]) / ladder.T)
        return ladder.T * float(np.max(share * boltzmann, initial=0.0))

    def _solved(self, ladder: Ladder, bottom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return Sigma (energy, 1) by Eq. (A6) from w at nu and nu +- omega0, and its residual (energy)."""
        parts = []
        for shift in (-ladder.omega0, 0.0, ladder.omega0):
            w = _reading(self.panels, bottom + shift) @ self.w
            parts.append(w.real + 1j * np.where(w.imag < -self.noise, w.imag, 0.0))
        baths = [
            bottom + shift - 2.0 * self.t * w
            for shift, w in zip((-ladder.omega0, 0.0, ladder.omega0), parts, strict=True)
        ]
        size = math.hypot(ladder.g, ladder.g_z)
        with np.errstate(divide="ignore", invalid="ignore"):
            sigma = image(baths[0], baths[1], baths[2], ladder.g, ladder.g_z, ladder.p, ladder.q)
            own = bottom - self.t * (parts[1] + 1.0 / parts[1])
            residual = np.abs(sigma - own) / (size + np.abs(sigma))
        residual[~np.isfinite(own)] = 0.0  # w = 0, the pole of Sigma: said by Sigma itself
        return sigma[:, None], residual


def _reading(edges: np.ndarray, nu: np.ndarray) -> sparse.csr_matrix:
    """(energy, node) values at energies, from those at the nodes of panels.

    Just beyond the ends the series of the last panels go on.
    """
    panel = np.clip(np.searchsorted(edges, nu, side="right") - 1, 0, edges.size - 2)
    left, right = edges[panel], edges[panel + 1]
    values = series.legvander((2.0 * nu - left - right) / (right - left), ORDER - 1) @ ANALYSIS
    columns = panel[:, None] * ORDER + np.arange(ORDER)
    starts = np.arange(nu.size + 1) * ORDER
    return sparse.csr_matrix((values.ravel(), columns.ravel(), starts), (nu.size, ORDER * (edges.size - 1)))


def _nodes(edges: np.ndarray) -> np.ndarray:
    return (0.5 * (edges[1:] + edges[:-1])[:, None] + 0.5 * np.diff(edges)[:, None] * NODES).ravel()


def _followed(ladder: Ladder, fine: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges of panels and w at their nodes, followed from high above the real axis down to it.

    NaN where it is lost on the way.
    """
    t, size = ladder.t, math.hypot(ladder.g, ladder.g_z)
    edges = ladder.bottom + ladder.period * np.linspace(0.0, 1.0, 9)
    height = 2.0 * (size + t)
    nu = _nodes(edges) + 1j * height
    mean = ladder.g_z * (ladder.p - ladder.q)
    z = nu - mean - (size**2 - mean**2) / (nu - mean)  # the first terms at large energy
    w = 2.0 * t / (z + np.sqrt(z - 2.0 * t) * np.sqrt(z + 2.0 * t))
    spent = 0
    while True:
        w, residual, steps = _newton(ladder, edges, height, w)
        spent += steps * edges.size
        rough = _rough(edges, w, fine)
        if not residual < SOLVED or edges.size > MOST_PANELS or spent > MOST_PANEL_STEPS:
            return edges, np.full(w.size, np.nan + 0j)
        if rough.any():
            finer = np.sort(np.append(edges, 0.5 * (edges[1:] + edges[:-1])[rough]))
            w, edges = _reading(edges, _nodes(finer)) @ w, finer
        elif height == 0.0:
            return edges, w
        else:
            height = height / NEARER if height > LOWEST * ladder.omega0 else 0.0


def _rough(edges: np.ndarray, w: np.ndarray, fine: float) -> np.ndarray:
    """Whether a panel does not resolve w, (panel)."""
    coefficients = np.abs(w.reshape(-1, ORDER) @ ANALYSIS.T)
    tail = coefficients[:, -2:].sum(axis=1) / np.maximum(coefficients.max(axis=1), 1e-3)
    return (tail > fine) & (np.diff(edges) > 1e-13 * (edges[-1] - edges[0]))


def _newton(ladder: Ladder, edges: np.ndarray, height: float, w: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Return w at the nodes of panels, ``height`` above the real axis, the residual of its equation, and the
    number of steps.
    """
    t, g, g_z, p, q = ladder.t, ladder.g, ladder.g_z, ladder.p, ladder.q
    nu = _nodes(edges)
    below, above = _reading(edges, nu - ladder.omega0), _reading(edges, nu + ladder.omega0)
    nu = nu + 1j * height
    before = math.inf
    for step in range(MOST_STEPS):
        u = nu - 2.0 * t * w
        b = nu - ladder.omega0 - 2.0 * t * (below @ w) + g_z
        a = nu + ladder.omega0 - 2.0 * t * (above @ w) - g_z
        down, up = 1.0 / ((u - g_z) * b - g * g), 1.0 / ((u + g_z) * a - g * g)
        green, band = p * b * down + q * a * up, t * (1.0 - w * w)
        wrong = band * green - w
        residual = float(np.max(np.abs(wrong)))
        if residual < 1e-14 or not math.isfinite(residual) or (residual < 1e-12 and residual > 0.5 * before):
            break
        before = residual
        # derivatives of G in u, b and a, each of which is -2 t in its own w
        of_here = -p * (b * down) ** 2 - q * (a * up) ** 2
        of_below, of_above = -p * (g * down) ** 2, -q * (g * up) ** 2
        jacobian = (
            sparse.diags(-2.0 * t * w * green - 1.0 - 2.0 * t * band * of_here)
            + sparse.diags(-2.0 * t * band * of_below) @ below
            + sparse.diags(-2.0 * t * band * of_above) @ above
        )
        try:
            w = w - splu(jacobian.tocsc()).solve(wrong)
        except RuntimeError:  # it is singular
            return w, math.nan, step
        w = np.where(np.abs(w) > 1.0, 1.0 / w, w)  # the causal root: in the lower half of the disk
        w = np.where(w.imag > 0.0, w.conj(), w)
    return w, residual, step + 1
