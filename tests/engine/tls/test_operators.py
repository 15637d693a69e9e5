"""Matrix-free kernels of one electron on a ring against dense matrices, which are built another way."""

import numpy as np
import pytest

from xglass.engine.core.random_vectors import random_vector, stream
from xglass.engine.tls import dense, lanczos, lanczos_kernels, operators

PARAMETERS = {"t": 0.8, "g": 1.1, "g_z": 0.3, "omega0": 0.4}
TOLERANCE = {"double": 1e-13, "single": 1e-5}


def vector(operator, generator, kind):
    v = generator.normal(size=operator.dimension)
    if kind == "c":
        v = v + 1j * generator.normal(size=operator.dimension)
        return v.astype(np.complex64 if operator.precision == "single" else np.complex128)
    return v.astype(operator.real)


def check(operator, matrices, v):
    """All methods; buffers hold NaN before, so that nothing of them may be read."""
    hopping, rest, current = matrices
    tolerance = TOLERANCE[operator.precision]
    factor = 1j if v.dtype.kind == "f" else 1.0
    out, flow = np.full_like(v, np.nan), np.full_like(v, np.nan)
    H = hopping + rest
    scale = float(max(abs(H @ v).max(), abs(v).max()))

    def equal(found, wanted):
        assert found.dtype == v.dtype
        assert abs(found - wanted).max() <= tolerance * scale

    equal(operator.apply(v, out), H @ v)
    out[:] = np.nan
    equal(operator.hopping(v, out), hopping @ v)
    out[:] = np.nan
    assert abs(factor * operator.current(v, out) - current @ v).max() <= tolerance * scale
    out[:] = np.nan
    overlap = operator.lanczos(v, out, flow)
    equal(out, H @ v)
    assert abs(factor * flow - current @ v).max() <= tolerance * scale
    assert overlap == pytest.approx(np.vdot(v, H @ v).real, abs=tolerance * scale**2 * v.size)
    out[:] = np.nan
    assert operator.lanczos(v, out) == pytest.approx(overlap, abs=tolerance * scale**2 * v.size)
    out = v[::-1].copy()
    old = out.copy()
    equal(operator.step(v, out, 0.3, 0.2, -1.0), 0.3 * (H @ v) + 0.2 * v - old)
    energies = np.linalg.eigvalsh(H)
    assert operator.centre - operator.half_width <= energies[0]
    assert energies[-1] <= operator.centre + operator.half_width


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("N", range(2, 9))
def test_blocks(N, precision):
    generator = np.random.default_rng(N)
    for momentum in (0.0, 2.0 * np.pi / N, 0.777):  # the last is that of a twist
        for most in (None, 0, 1, 2, N, N + 3):
            operator = operators.Block(N, momentum, **PARAMETERS, precision=precision, max_excitations=most)
            matrices = dense.block(momentum, *PARAMETERS.values(), N, most)
            assert operator.dimension == len(matrices[0])
            check(operator, matrices, vector(operator, generator, "c"))


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("N", range(2, 7))
@pytest.mark.parametrize("twist", [0.0, 0.9])
def test_rows(N, twist, precision):
    generator = np.random.default_rng(N)
    for most in (None, 0, 1, 2, N):
        t, g, g_z, omega0, energy = generator.normal(size=(5, N))
        operator = operators.Rows(N, twist, t, g, g_z, omega0, energy, precision, most)
        matrices = dense.whole(twist, t, g, g_z, omega0, energy, most)
        assert operator.dimension == len(matrices[0])
        for kind in {operator.dtype.kind, "c"}:
            check(operator, matrices, vector(operator, generator, kind))


def test_bounds_with_splittings_of_any_sign():
    generator = np.random.default_rng(3)
    for _ in range(50):
        N, most = 4, int(generator.integers(0, 5))
        t, g, g_z, omega0, energy = generator.normal(size=(5, N))
        operator = operators.Rows(N, 0.0, t, g, g_z, omega0, energy, "double", most)
        energies = np.linalg.eigvalsh(sum(dense.whole(0.0, t, g, g_z, omega0, energy, most)[:2]))
        assert operator.centre - operator.half_width <= energies[0]
        assert energies[-1] <= operator.centre + operator.half_width


@pytest.mark.parametrize("size", [1, 31, 2048, 5000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mixed_vectors(size, dtype):
    w, x, y = np.random.default_rng(size).normal(size=(3, size)).astype(dtype)
    wanted = 0.5 * w.astype(float) - 2.0 * x + 0.25 * y
    square = lanczos_kernels.mixed(w, x, y, dtype(0.5), dtype(-2.0), dtype(0.25))
    np.testing.assert_allclose(w, wanted, rtol=0, atol=1e-5 if dtype == np.float32 else 1e-14)
    assert square == pytest.approx((wanted**2).sum(), rel=1e-6 if dtype == np.float32 else 1e-13)


def test_a_walk_keeps_an_operator_as_long_as_the_hamiltonian_stays():
    """What belongs to an operator, buffers and a reference energy, is made anew only for another one."""
    g = np.array([[1.0], [1.0], [0.0], [-0.0]])  # the last two differ in one bit
    loops = (np.zeros(1, dtype=np.int64), np.array([0.7]), np.array([0.7]), np.arange(3))
    values = (np.ones(1), g, np.zeros(1), np.full(1, 0.1), np.zeros(1))
    hamiltonian = {"sites": 5, "disorder": False, "precision": "double", "max_excitations": None}
    T, visits = operators.walk(values, *loops, np.array([0.5, 1.0]), **hamiltonian)
    assert T.shape == (4, 3, 2)
    seen = [(p, operator, number) for p, operator, number in visits]
    assert [p for p, _, _ in seen] == [(i, k) for i in range(4) for k in range(3)]
    first, second, third = seen[0][1], seen[6][1], seen[9][1]
    wanted = 6 * [first] + 3 * [second] + 3 * [third]
    assert all(operator is one for (_, operator, _), one in zip(seen, wanted, strict=True))
    assert first is not second
    assert second is not third
    assert (first.t, first.g, first.g_z, first.omega0, first.momentum) == (1.0, 1.0, 0.0, 0.1, 0.7)
    assert len({int(number) for _, _, number in seen}) == 9  # equal points have equal vectors


def test_a_walk_over_sites_that_differ():
    generator = np.random.default_rng(4)
    values = tuple(generator.normal(size=(2, 3)) for _ in range(5))
    loops = (np.arange(2), np.array(0.3), np.array(0.3), np.array(1))
    hamiltonian = {"sites": 3, "disorder": True, "precision": "single", "max_excitations": 1}
    T, visits = operators.walk(values, *loops, np.ones(1), **hamiltonian)
    assert T.shape == (2, 1)
    for (i,), operator, number in visits:
        assert isinstance(operator, operators.Rows)
        for array, name in zip(values, ("t", "g", "g_z", "omega0", "site_energy"), strict=True):
            np.testing.assert_array_equal(getattr(operator, name), array[i])
        assert (operator.twist, operator.precision, operator.max_excitations) == (0.3, "single", 1)
        labels = np.concatenate([[3.0], *(array[i] for array in values), [0.3]])
        assert number == stream(1, i, labels)


# --- Lanczos runs against the same random vector in dense matrices ------------------------------------------


def dense_sums(matrices, r, T, frequency, broadening):
    """The columns of thermal() from eigenstates: <r|f(H)|r> and <r|e^{-bH} J delta(w - ...) J|r>,
    with plain Gaussians.
    """
    hopping, rest, current = matrices
    E, U = np.linalg.eigh(hopping + rest)
    c = U.conj().T @ r
    strength = (c.conj()[:, None] * (U.conj().T @ current @ U) * (U.conj().T @ (current @ r))[None, :]).real
    gap = E[None, :] - E[:, None]
    rows = []
    for temperature in T:
        boltzmann = np.exp(-(E - E[0]) / temperature)
        small = abs(gap) < 1e-9
        factor = np.pi * np.where(
            small, 0.5 / temperature, np.tanh(gap / 2 / temperature) / np.where(small, 1.0, gap)
        )
        stick = boltzmann[:, None] * strength * factor
        hops = (c.conj() * boltzmann) @ (U.conj().T @ (hopping @ r))

        def sigma(w, width, stick=stick):
            gauss = [
                np.exp(-0.5 * ((w - sign * gap) / width) ** 2) / np.sqrt(2 * np.pi) / width
                for sign in (1, -1)
            ]
            return (stick * (gauss[0] + gauss[1])).sum()

        def slope(width, stick=stick):
            gauss = 2 * np.exp(-0.5 * (gap / width) ** 2) / np.sqrt(2 * np.pi) / width
            return (stick * gauss * (gap / width) ** 2).sum()

        spectrum = [sigma(w, width) for width in broadening for w in frequency]
        static = [*(sigma(0.0, width) for width in broadening), *(slope(width) for width in broadening)]
        rows.append([(boltzmann * abs(c) ** 2).sum(), hops.real, stick.sum(), *static, *spectrum])
    return E[0], np.array(rows)


T, W, WIDTHS = np.array([0.3, 1.0, 4.0]), np.linspace(0.0, 5.0, 26), np.array([0.1, 0.25])


def agree(operator, matrices, steps, tolerance, seed=5):
    r = random_vector(seed, np.uint64(1), operator.dimension, operator.dtype)
    found = lanczos.sticks(operator, r, steps, lanczos.Buffers.of(operator, steps))
    sums = lanczos.thermal(found, operator.dimension, T, W, WIDTHS)
    ground, wanted = dense_sums(matrices, r, T, W, WIDTHS)
    sums = sums * np.exp(-(found.energies[0] - ground) / T)[:, None]
    np.testing.assert_allclose(sums[:, :2], wanted[:, :2], rtol=0, atol=tolerance * wanted[:, :1].max())
    np.testing.assert_allclose(
        sums[:, 2], wanted[:, 2], rtol=0, atol=tolerance * max(abs(wanted[:, 2]).max(), 1e-3)
    )
    scale = np.maximum(np.abs(wanted[:, 7:]).max(axis=1), 1e-3)
    assert (abs(sums[:, 7:] - wanted[:, 7:]).max(axis=1) / scale).max() <= tolerance
    assert (
        abs(sums[:, 3:7] - wanted[:, 3:7]).max(axis=1) / scale
    ).max() <= 10 * tolerance  # (x / width)^2 binds higher derivatives


@pytest.mark.parametrize("N", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("g", [0.0, 1.0])
def test_a_run_to_the_end_knows_what_the_vector_knows(N, g):
    """Small blocks and g = 0 have small invariant subspaces: the recursion must end there,
    and where J r vanishes (N = 2, K = 0).
    """
    for momentum in (0.0, 2.0 * np.pi / N, np.pi, 0.777):
        operator = operators.Block(N, momentum, 1.0, g, 0.2, 0.5)
        agree(operator, dense.block(momentum, 1.0, g, 0.2, 0.5, N), 2 * 2**N, 2e-6)
        operator = operators.Block(N, momentum, 1.0, g, 0.2, 0.5, "single")
        agree(operator, dense.block(momentum, 1.0, g, 0.2, 0.5, N), 2 * 2**N, 5e-5)


@pytest.mark.parametrize("twist", [0.0, 1.1])
@pytest.mark.parametrize("precision", ["single", "double"])
def test_a_run_over_rows(twist, precision):
    """Real vectors without a twist; more steps than are held of J w at once."""
    parameters = np.random.default_rng(8).normal(0.8, 0.3, size=(5, 5))
    operator = operators.Rows(5, twist, *parameters, precision)
    agree(operator, dense.whole(twist, *parameters), 160, 2e-6 if precision == "double" else 5e-5)


def test_the_resolution_rule():
    """M = 2 W / broadening at N = 8, where levels are few and the demand is highest, to 6e-3 of the peak;
    1.5 times as many to 1e-3.
    """
    operator = operators.Block(8, 0.7, 1.0, 1.0, 0.0, 0.1)
    steps = operators.resolving(operator.half_width, WIDTHS[0], 1.0)
    matrices = dense.block(0.7, 1.0, 1.0, 0.0, 0.1, 8)
    agree(operator, matrices, steps, 6e-3)
    agree(operator, matrices, int(1.5 * steps), 1e-3)


def test_binned_sticks_are_gaussians_to_1e_6_of_the_peak():
    """The fine grid against plain sums over the same sticks, also where sticks lie at zero,
    and for widths far above the smallest.
    """
    generator = np.random.default_rng(2)
    energies, others = np.sort(generator.normal(size=40)), np.sort(generator.normal(size=50))
    others[7] = energies[3]
    found = lanczos.Sticks(energies, np.ones(40), np.zeros(40), others, generator.normal(size=(40, 50)) ** 2)
    widths = np.array([0.02, 0.05, 0.3])
    sums = lanczos.thermal(found, 1, T, W, widths)[:, 9:].reshape(3, 3, -1)
    gap = others[None, :] - energies[:, None]
    safe = np.where(gap == 0.0, 1.0, gap)
    for n, temperature in enumerate(T):
        stick = np.pi * np.where(gap == 0.0, 0.5 / temperature, np.tanh(gap / 2 / temperature) / safe)
        stick = stick * np.exp(-(energies - energies[0]) / temperature)[:, None] * found.amplitudes
        for b, width in enumerate(widths):
            wanted = [
                (
                    stick
                    * (np.exp(-0.5 * ((w - gap) / width) ** 2) + np.exp(-0.5 * ((w + gap) / width) ** 2))
                ).sum()
                for w in W
            ]
            wanted = np.array(wanted) / np.sqrt(2 * np.pi) / width
            assert abs(sums[n, b] - wanted).max() < 1e-6 * wanted.max()
