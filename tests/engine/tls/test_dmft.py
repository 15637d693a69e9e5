"""The kernels of dynamical mean field theory one by one, against formulas that they do not use."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.polynomial import legendre

from xglass.engine.tls import dmft_bubble_kernels, dmft_kernels, dmft_lattices, dmft_panels

RNG = np.random.default_rng(3)


def baths(count):
    """1/G0 of three energies: any complex numbers with positive imaginary part."""
    return RNG.normal(size=(3, count)) + 1j * RNG.exponential(size=(3, count))


@pytest.mark.parametrize("g_z", [0.0, 0.4, -0.7])
@pytest.mark.parametrize(("omega0", "T"), [(0.5, 1.0), (1.0, 0.05), (0.0, 1.0)])
def test_the_impurity_is_the_sum_of_its_two_levels(g_z, omega0, T):
    """Eq. (A6) as it stands: 1/G0 - 1/G, G the mean over a system down and a system up, in long doubles."""
    g, p = 0.9, 1.0 / (1.0 + np.exp(-omega0 / T))
    q = np.exp(-omega0 / T) * p
    below, here, above = baths(200)
    wide = [part.astype(np.clongdouble) for part in (below, here, above)]
    down = wide[1] - (g_z + np.longdouble(g) ** 2 / (wide[0] + g_z))
    up = wide[1] - (-g_z + np.longdouble(g) ** 2 / (wide[2] - g_z))
    expected = wide[1] - 1 / (np.longdouble(p) / down + np.longdouble(q) / up)
    kernel = [
        dmft_kernels.impurity(*point, g, g_z, p, q)[0] for point in zip(below, here, above, strict=True)
    ]
    np.testing.assert_allclose(kernel, expected.astype(complex), rtol=1e-12)
    arrays = dmft_lattices.image(below, here, above, g, g_z, p, q)
    np.testing.assert_allclose(arrays, expected.astype(complex), rtol=1e-12)
    assert (np.imag(kernel) < 0.0).all()


def quotient(x, y):
    """Quotient of complex numbers as pairs of fractions."""
    size = y[0] ** 2 + y[1] ** 2
    return (x[0] * y[0] + x[1] * y[1]) / size, (x[1] * y[0] - x[0] * y[1]) / size


def exact_rate(below, here, above, g, g_z, p, q):
    """-Im (1/G0 - 1/G) in rational numbers; p + q = 1."""
    g, g_z, p, q = map(Fraction, (g, g_z, p, q))
    below, here, above = ((Fraction(part.real), Fraction(part.imag)) for part in (below, here, above))
    s = quotient((g**2, 0), (below[0] + g_z, below[1]))
    r = quotient((g**2, 0), (above[0] - g_z, above[1]))
    down = quotient((p, 0), (here[0] - g_z - s[0], here[1] - s[1]))
    up = quotient((q, 0), (here[0] + g_z - r[0], here[1] - r[1]))
    return float(quotient((1, 0), (down[0] + up[0], down[1] + up[1]))[1] - here[1])


def test_rates_keep_their_digits_beside_a_resonance():
    """1/G0 is the energy of the level but for 1e-9: what is left of the rate is 1e-18 of its terms."""
    g, g_z, p, q = 0.875, 0.25, 0.75, 0.25
    for below, _, above in baths(20).T:
        below = complex(below.real, 1e-40)
        here = complex(g_z + g**2 / (below.real + g_z) + 1e-9, 1e-40)
        expected = exact_rate(below, here, above, g, g_z, p, q)
        for sigma in (
            dmft_kernels.impurity(below, here, above, g, g_z, p, q)[0],
            dmft_lattices.image(*map(np.array, (below, here, above)), g, g_z, p, q),
        ):
            assert -sigma.imag == pytest.approx(expected, rel=1e-4, abs=0.0)


def test_derivatives_of_the_impurity():
    """By differences of Eq. (A6) in 1/G0 of each of the three energies."""
    arguments, h = (0.9, 0.3, 0.7, 0.3), 1e-5
    for point in baths(20).T:
        _, *slopes = dmft_kernels.impurity(*point, *arguments)
        for k in range(3):
            step = h * np.eye(3)[k]
            high, low = (dmft_kernels.impurity(*(point + sign * step), *arguments)[0] for sign in (1, -1))
            assert slopes[k] == pytest.approx((high - low) / (2 * h), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("rungs", [1, 2, 7])
def test_newton_step_solves_a_tridiagonal_system(rungs):
    """The Thomas algorithm against numpy.linalg.solve with the whole matrix."""
    now, new, slope, low, mid, high = RNG.normal(size=(6, rungs)) + 1j * RNG.normal(size=(6, rungs))
    matrix = np.diag(1.0 - mid * slope)
    for k in range(1, rungs):
        matrix[k, k - 1], matrix[k - 1, k] = -low[k] * slope[k - 1], -high[k - 1] * slope[k]
    step = np.empty(rungs, complex)
    expected = np.linalg.solve(matrix, new - now)
    dmft_kernels._newton_step(now, new, slope, low, mid, high, step)
    np.testing.assert_allclose(step, expected, rtol=1e-9)


def test_a_solution_of_the_ladder_is_one_of_the_chain():
    """Sigma of the kernel obeys Eq. (A6) with 1/G0 = Sigma + 1/G of the chain, in numpy."""
    g, g_z, omega0, T = 1.0, 0.3, 0.5, 0.7
    lattice = dmft_lattices.Chain(1.0)
    ladder = dmft_lattices.extent(1.0, g, g_z, omega0, T, 0.0, 0.0, 2.0)
    bottom = ladder.bottom + ladder.period * RNG.random(5)
    sigma, residual = lattice.self_energy(ladder, bottom)
    z = bottom[:, None] + omega0 * np.arange(ladder.rungs) - sigma
    bath = sigma + np.sqrt(z - 2.0) * np.sqrt(z + 2.0)
    expected = dmft_lattices.image(bath[:, :-2], bath[:, 1:-1], bath[:, 2:], g, g_z, ladder.p, ladder.q)
    inner = slice(3, -3)  # 1/G0 = Sigma + 1/G loses what is small beside 1/G far from the band
    np.testing.assert_allclose(sigma[:, 1:-1][:, inner], expected[:, inner], rtol=1e-8, atol=1e-10)
    assert (residual <= 1e-11).all()


def test_the_solver_ends_in_bands_and_in_gaps():
    """Newton's method in the band, exact zeros in a gap, and no more steps than are allowed."""
    lattice = dmft_lattices.Chain(0.1)
    ladder = dmft_lattices.extent(0.1, 1.0, 0.0, 0.5, 0.3, 0.0, 0.0, 0.2)
    bottom = ladder.bottom + ladder.period * np.linspace(0.0, 1.0, 60, endpoint=False)
    steps, rates, residuals = [], [], []
    for start in bottom:
        before = lattice.work
        sigma, residual = lattice.self_energy(ladder, np.array([start]))
        steps.append((lattice.work - before) / ladder.rungs)
        rates.append(-sigma.imag.min())
        residuals.append(residual[0])
    assert min(steps) < 60
    assert max(steps) <= dmft_kernels.MOST_STEPS
    assert rates.count(0.0) > 10
    assert max(rates) > 0.1
    assert max(residuals) <= 1e-11


def test_beside_the_edge_of_a_gap_the_solution_is_followed_from_above():
    """Energies near the band edge of an alloy, where steps from afar do not converge."""
    lattice = dmft_lattices.Chain(1.0)
    ladder = dmft_lattices.extent(1.0, 1.0, -0.7, 0.0, 0.1, 0.0, 0.0, 2.0)
    energy = np.array([-3.037956624947427, -3.0379566597841614, -3.0379543129644904])
    sigma, residual = lattice.self_energy(ladder, energy)
    assert (residual <= 1e-11).all()
    assert lattice.work > energy.size * dmft_kernels.PATIENCE
    assert (sigma.imag <= 0.0).all()


@pytest.mark.parametrize("nodes", [16, 3])
def test_polynomials_at_the_nodes_of_a_part(nodes):
    """Against numpy: of a panel [1, 3], at a part around 1.8 and the same moved by 0.7."""
    rule, out = np.zeros((2, 16)), np.zeros((2, 16, 16))
    rule[:, :nodes] = legendre.leggauss(nodes)
    dmft_bubble_kernels._polynomials(0, 1.8, 0.3, rule, nodes, 0.0, 0.0, 1.0, 3.0, out)
    dmft_bubble_kernels._polynomials(1, 1.8, 0.3, rule, nodes, 1.5, 0.8, 1.0, 3.0, out)
    for k, shift in ((0, 0.0), (1, 0.7)):
        x = 1.8 + 0.3 * rule[0, :nodes] + shift - 2.0
        np.testing.assert_allclose(out[k, :, :nodes].T, legendre.legvander(x, 15), rtol=1e-11, atol=1e-13)


def panel(left, right, *, tail=0.0, share=1.0, hidden=False):
    """A panel of two rungs, of which the first counts."""
    ones = np.ones(2)
    integrals = (right - left) * np.array([1.0, -2.0, 3.0, 4.0])
    return dmft_panels.Panel(
        left=left, right=right, series=left * np.ones((2, 16)), integrals=integrals,
        weights=(right - left) * np.array([1.0, 0.0]), share=share * ones, tail=tail * ones, hidden=hidden,
        residual=1e-9, lit=ones > 0.0,
    )  # fmt: skip


def test_panels_are_halved_for_a_reason():
    """A tail that counts, or a hidden subband; not a tail without a share, nor one of rounding."""
    panels = [
        panel(0.0, 1.0),
        panel(0.0, 1.0, tail=1e-3),
        panel(0.0, 1.0, tail=1e-3, share=1e-11),
        panel(0.0, 1.0, tail=50.0, share=1e-11),
        panel(0.0, 1.0, hidden=True),
        panel(0.0, 1e-13, tail=1e-3),
    ]
    fine = dmft_panels.resolved(panels, dmft_lattices.Chain(1.0))
    assert fine.tolist() == [True, False, True, True, False, True]


def test_panels_are_joined_in_order_of_energy():
    ladder = dmft_lattices.extent(1.0, 1.0, 0.0, 0.5, 1.0, 0.0, 0.0, 2.0)
    middle = ladder.bottom + 0.1
    panels = [panel(middle, ladder.bottom + 0.5), panel(ladder.bottom, middle)]
    solution = dmft_panels.joined(panels, ladder=ladder, reference=-2.0, lost=0.0)
    np.testing.assert_allclose(solution.edges, [ladder.bottom, middle, ladder.bottom + 0.5])
    np.testing.assert_allclose(solution.coefficients[:, 0, 0], [ladder.bottom, middle])
    np.testing.assert_allclose(solution.shares, [0.2, 0.8])
    assert (solution.first, solution.last) == (0, 1)
    assert (solution.norm, solution.kinetic) == (pytest.approx(0.5), pytest.approx(-1.0))
    assert solution.transport == pytest.approx(1.5)
    assert solution.residual == pytest.approx(2e-9)
    assert dmft_panels.joined(panels, ladder=ladder, reference=-2.0, lost=np.inf).residual == np.inf


@pytest.mark.parametrize("g_z", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("g", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("omega0", [0.0, 1.0, 2.0, 4.0])
def test_round_numbers_divide_nothing_by_zero(g, g_z, omega0):
    """Energies on edges of bands and on poles, in the first rung and in others."""
    chain = dmft_lattices.Chain(1.0)
    for T in (0.05, 1.0):
        ladder = dmft_lattices.extent(1.0, g, g_z, omega0, T, -4.0, 4.0, 2.0)
        round_ones = ladder.bottom + omega0 * np.array([0.0, 0.25, 0.5])
        energy = round_ones if omega0 else np.array([-4.0, -3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0])
        sigma, residual = chain.self_energy(ladder, energy)
        assert np.isfinite(sigma).all()
        assert (sigma.imag <= 0.0).all()
        assert not np.isnan(residual).any()


def hilbert_of_the_chain(z):
    return 1.0 / (np.sqrt(z - 2.3) * np.sqrt(z + 1.7))


def test_a_given_lattice_at_an_infinite_energy():
    """Where Sigma has a pole z is i infinity: G is 0, and 1/G0 the energy, from the middle of the band."""
    lattice, nu = dmft_lattices.Transformed(hilbert_of_the_chain, None), np.array([-0.4, 0.3, 2.0])
    pole = np.full(3, complex(0.0, np.inf))
    np.testing.assert_array_equal(lattice.green(pole), 0.0)
    np.testing.assert_allclose(lattice.inverse_bath(nu, pole), nu - 0.3, atol=1e-11)
    np.testing.assert_array_equal(lattice.densities(pole)[:2], 0.0)


def test_a_panel_with_a_node_on_a_pole_is_halved():
    """Its series is NaN: not a series that resolves anything."""
    lattice = dmft_lattices.Transformed(hilbert_of_the_chain, None)
    ladder = dmft_lattices.extent(1.0, 1.5, 0.0, 0.0, 0.5, 0.0, 0.0, lattice.half_band)
    middle = 0.3 - dmft_panels.NODES[8]
    ends = np.array([[middle - 1.0, middle + 1.0]])
    samples = dmft_panels.sampled(lattice, ladder, ends)
    assert np.count_nonzero(~np.isfinite(samples.sigma)) == 1
    assert samples.residual.max() == 1.0
    integrands = dmft_panels.weighted(samples, samples.log)
    panels = dmft_panels.measured(lattice, ends, samples, integrands, [])
    assert panels[0].share[0] == pytest.approx(1.0)
    assert not dmft_panels.resolved(panels, lattice).any()
