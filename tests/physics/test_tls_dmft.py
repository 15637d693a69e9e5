"""Dynamical mean field theory of one electron and two-level systems: against moments of rings, sums over k,
an alloy, and its own sum rule.
"""

import functools
import time
import warnings

import gftool
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import xglass as xg
from xglass.engine.tls import dmft, dmft_bubble_kernels, dmft_kernels

CHAIN = xg.lattice.chain(4)
W = np.linspace(0.0, 6.0, 25)


def local(*, T, frequency=W, energy=(0.0,), hilbert=None, vertex=None, **parameters):
    """A solution with all but the total weight computed, which is left lazy: it costs most."""
    model = xg.electron_tls(CHAIN, **{"g": 1.0, "omega0": 0.5} | parameters)
    lazy = xg.dmft(model, T=T, frequency=frequency, energy=energy, hilbert=hilbert, vertex=vertex)
    rest = lazy.drop_vars("total_weight", errors="ignore").compute(scheduler="synchronous")
    return rest.assign(total_weight=lazy["total_weight"]) if "total_weight" in lazy else rest


def alone(nu, omega0, T, g, g_z=0.0, t=1.0, iterations=4000):
    """(Sigma, z) on ladders nu (..., rung) by damped iteration of Eqs.

    (A4) to (A6) as they stand, in extended precision.
    """
    nu = np.asarray(nu, dtype=np.longdouble)
    x = np.exp(np.longdouble(-omega0 / T))
    sigma = np.full(nu.shape, -0.5j * g, dtype=np.clongdouble)
    for _ in range(iterations):
        z = nu - sigma
        bath = 1 / (np.sqrt(z - 2 * t) * np.sqrt(z + 2 * t) + sigma)
        below, above = (1 / (nu - omega0)).astype(bath.dtype), (1 / (nu + omega0)).astype(bath.dtype)
        below[..., 1:], above[..., :-1] = bath[..., :-1], bath[..., 1:]
        green = 1 / (1 / bath - g_z - g**2 / (1 / below + g_z)) + x / (
            1 / bath + g_z - g**2 / (1 / above - g_z)
        )
        new = 1 / bath - (1 + x) / green
        new = new.real - 1j * np.maximum(-new.imag, 0)
        change = np.abs(new - sigma).max()
        sigma = 0.5 * (sigma + new)
        if change < 1e-18:
            break
    return sigma, nu - sigma


# --- the sum rule and moments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "T"),
    [
        ({"omega0": 0.05}, 1.0),
        ({"omega0": 0.5}, 1.0),
        ({"omega0": 0.3, "g": 0.8, "g_z": 0.4, "t": 0.7}, 0.6),
        ({"omega0": 1.0, "g": 2.0, "t": -1.0}, 2.0),
    ],
)
def test_sum_rule(parameters, T):
    """Int_0^inf sigma = (pi/2) <-K>."""
    result = local(T=T, **parameters)
    assert float(result["total_weight"]) == pytest.approx(
        -0.5 * np.pi * float(result["kinetic_energy"]), rel=1e-9
    )
    assert bool(result["converged"])


def ring_moments(N, t, g, g_z, omega0, T, orders):
    """Moments of the density of states that one added electron sees,
    on a ring of two-level systems in equilibrium without it.
    """
    sx, up = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([0.0, 1.0])

    def spin(matrix, j):
        return functools.reduce(np.kron, [matrix if k == j else np.eye(2) for k in range(N)])

    bare = omega0 * sum(spin(up, j) for j in range(N))
    hop = np.roll(np.eye(N), 1, axis=0)
    H = np.kron(-t * (hop + hop.T), np.eye(2**N)) + np.kron(np.eye(N), bare)
    for j in range(N):
        H -= np.kron(np.diag(np.eye(N)[j]), g * spin(sx, j) + g_z * spin(2 * up - np.eye(2), j))
    levels = np.diag(bare)
    weights = np.exp(-levels / T) / np.exp(-levels / T).sum()
    column = np.zeros((N * 2**N, 2**N))
    column[: 2**N] = np.eye(2**N)  # the electron on site 0
    moments = []
    start = column.copy()
    for _ in range(orders):
        moments.append((weights * (start * column).sum(axis=0)).sum())
        column = H @ column - column * levels
    return np.array(moments)


@pytest.mark.parametrize(
    "parameters",
    [{"omega0": 0.5, "g_z": 0.0, "g": 1.0, "t": 1.0}, {"omega0": 0.4, "g_z": 0.6, "g": 0.9, "t": 0.8}],
)
def test_moments_of_the_density_of_states(parameters):
    """m_0 ... m_5 are those of a ring: the mean field is exact to that order, also with a static coupling."""
    energy = np.linspace(-9.0, 9.0, 6001)
    density = local(T=0.9, energy=energy, **parameters)["density_of_states"]
    moments = [float((density * energy**k).integrate("energy")) for k in range(6)]
    exact = ring_moments(6, T=0.9, orders=6, **parameters)
    np.testing.assert_allclose(moments, exact, rtol=1e-7, atol=1e-7)


# --- the bubble ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g_z", [0.0, 0.5])
def test_bubble_is_a_sum_over_k(g_z):
    """sigma(w) from plain iteration on a uniform grid and a plain sum over k;
    detailed balance S(-w) = e^{-bw} S(w).
    """
    omega0, T, n = 0.5, 1.0, 80
    nu = -7.0 + omega0 / n * (np.arange(n)[:, None] + 0.5) + omega0 * np.arange(28)
    _, z = alone(nu, omega0, T, 1.0, g_z)
    nu, z = nu.T.ravel(), z.T.ravel().astype(complex)
    k = 2.0 * np.pi * (np.arange(400) + 0.5) / 400
    spectral = -(1.0 / (z[:, None] + 2.0 * np.cos(k))).imag / np.pi
    boltzmann, velocity = np.exp(-nu / T), 2.0 * np.sin(k)

    def correlation(shift):
        two = np.zeros_like(spectral)
        if shift >= 0:
            two[: nu.size - shift] = spectral[shift:]
        else:
            two[-shift:] = spectral[:shift]
        return (boltzmann * (spectral * two * velocity**2).mean(axis=1)).sum() / (
            boltzmann * spectral.mean(axis=1)
        ).sum()

    shifts = np.array([8, 24, 80, 136, 320, 560])
    w = shifts * omega0 / n
    S = np.array([correlation(s) for s in shifts])
    np.testing.assert_allclose([correlation(-s) for s in shifts], np.exp(-w / T) * S, rtol=1e-9)
    result = local(T=T, frequency=w, omega0=omega0, g_z=g_z)
    np.testing.assert_allclose(result["optical_conductivity"], np.pi * -np.expm1(-w / T) / w * S, rtol=1e-7)
    assert float(result["mobility"]) == pytest.approx(np.pi / T * correlation(0), rel=1e-7)
    kinetic = (boltzmann * (spectral * -2.0 * np.cos(k)).mean(axis=1)).sum() / (
        boltzmann * spectral.mean(axis=1)
    ).sum()
    assert float(result["kinetic_energy"]) == pytest.approx(kinetic, rel=1e-7)


@settings(max_examples=6, derandomize=True, database=None)
@given(
    g=st.floats(0.3, 2.0),
    g_z=st.sampled_from([0.0, 0.3, -0.7]),
    omega0=st.floats(0.1, 1.5),
    T=st.floats(0.7, 3.0),
)
def test_positive_and_conserving(g, g_z, omega0, T):
    """Any parameters: positive spectra, converged equations, the sum rule, states of total weight 1,
    mobility = sigma(w -> 0).
    """
    result = local(
        T=T, g=g, g_z=g_z, omega0=omega0, frequency=[0.0, 1e-9, *W[1:]], energy=np.linspace(-9.0, 9.0, 301)
    )
    assert bool(result["converged"])
    assert float(result["optical_conductivity"].min()) >= 0.0
    assert float(result["density_of_states"].min()) >= 0.0
    assert float(result["scattering_rate"].min()) >= 0.0
    assert float(result["total_weight"]) == pytest.approx(
        -0.5 * np.pi * float(result["kinetic_energy"]), rel=3e-6
    )
    assert float(result["optical_conductivity"][1]) == pytest.approx(float(result["mobility"]), rel=1e-5)
    # the same integral; the last digit is that of a factor more
    assert float(result["optical_conductivity"][0]) == pytest.approx(float(result["mobility"]), rel=1e-14)


def test_high_temperature():
    """T int sigma -> pi t^2."""
    result = local(T=1e4, t=0.7)
    assert float(result["total_weight"]) * 1e4 == pytest.approx(np.pi * 0.7**2, rel=1e-4)


def test_slow_systems_at_T_1():
    """The value of an independent program: 1.71222."""
    assert float(local(T=1.0, omega0=0.05)["mobility"]) == pytest.approx(1.71222, abs=5e-6)


# --- low temperature ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("T", [0.5, 0.3, 0.2])
def test_mobility_of_fast_systems(T):
    """omega0 = 2: Gauss quadrature graded towards the band edge, of plain iteration in extended precision."""
    omega0 = 2.0
    result = local(T=T, omega0=omega0)
    edge = float(result["ground_state_energy"])
    widths = np.concatenate(
        [-omega0 * 0.5 * 2.0 ** -np.arange(18.0), [0.0], omega0 * 0.5 * 2.0 ** -np.arange(17.0, -1.0, -1.0)]
    )
    nodes, weights = np.polynomial.legendre.leggauss(6)
    left, right = widths[:-1, None], widths[1:, None]
    offset, weights = (
        (0.5 * (left + right + (right - left) * nodes)).ravel(),
        (0.5 * (right - left) * weights).ravel(),
    )
    nu = edge + offset[:, None] + omega0 * np.arange(-3, 6)
    _, z = alone(nu, omega0, T, 1.0, iterations=1500)
    root = np.sqrt(z - 2) * np.sqrt(z + 2)
    states = -(1 / root).imag / np.pi
    slope, h = 1 - z / root, z - root
    transport = (slope.real - h.imag / z.imag) / (2 * np.pi**2)  # Eq. (A15)
    factor = weights[:, None] * np.exp(-(nu - edge) / T)
    mobility = np.pi / T * float((factor * transport)[:, 1:].sum() / (factor * states).sum())
    assert float(result["mobility"]) == pytest.approx(mobility, rel=1e-4)


def test_coherent_states_at_zero_temperature():
    """Im Sigma = 0 on [E0, E0 + omega0], and not above; z reaches the band edge at E0."""
    result = local(T=0.0, omega0=1.0, energy=np.linspace(-4.0, 4.0, 801))
    ground = float(result["ground_state_energy"])
    rate = result["scattering_rate"]
    assert float(abs(rate.sel(energy=slice(ground, ground + 1.0))).max()) == 0.0
    assert float(rate.sel(energy=slice(ground + 1.02, ground + 2.0)).min()) > 0.1
    assert float(result["density_of_states"].sel(energy=slice(None, ground)).max()) == 0.0
    edge = local(T=0.0, omega0=1.0, energy=[ground])["self_energy"]
    assert float(ground - edge.real[0]) == pytest.approx(-2.0, abs=1e-12)
    assert np.isinf(result["mobility"])
    assert np.isnan(result["optical_conductivity"]).all()
    assert np.isnan(result["kinetic_energy"])
    cold = local(T=0.03, omega0=1.0, energy=np.linspace(-2.3, -1.5, 41))
    np.testing.assert_allclose(
        cold["self_energy"].real,
        local(T=0.0, omega0=1.0, energy=np.linspace(-2.3, -1.5, 41))["self_energy"].real,
        atol=1e-10,
    )


def test_too_cold_for_numbers_is_said():
    result = local(T=0.004, omega0=0.5)
    assert not bool(result["converged"])
    assert np.isnan(result["mobility"])
    assert np.isnan(result["residual"])


# --- narrow bands, gaps, and the ends of the range of numbers -----------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "T"),
    [
        ({"t": 0.01}, 0.5),  # peaks between bands narrower than any grid of frequencies
        ({"t": 0.1}, 0.5),
        ({"g": 3.0, "omega0": 3.0}, 0.3),
    ],
)
def test_sum_rule_with_gaps(parameters, T):
    """Narrow bands: a total weight is right, and bounded in cost."""
    start = time.process_time()
    result = local(T=T, frequency=[0.0], **parameters)
    assert time.process_time() - start < 20.0  # minutes before; 1 to 2 s, and compilation
    assert bool(result["converged"])
    assert float(result["total_weight"]) == pytest.approx(
        -0.5 * np.pi * float(result["kinetic_energy"]), rel=1e-5
    )


def test_narrow_peaks_of_the_conductivity():
    """The conductivity of a narrow band, integrated over an interval with Gauss nodes,
    does not depend on their number.
    """
    total = []
    for n in (12, 18):
        nodes, weights = np.polynomial.legendre.leggauss(n)
        w = 1.73 + 0.025 * (nodes + 1.0)
        total.append(0.025 * weights @ local(T=0.5, t=0.1, frequency=w)["optical_conductivity"].values)
    assert total[0] == pytest.approx(total[1], rel=2e-4)


def test_total_weight_of_a_missed_peak_is_not_given(monkeypatch):
    """Where the sum rule is not met, or work is over its bound: NaN."""
    import xglass.engine.tls.dmft_bubble as engine

    monkeypatch.setattr(engine, "VIOLATION", 1e-16)
    assert np.isnan(local(T=1.0, frequency=[0.0])["total_weight"])
    monkeypatch.setattr(engine, "VIOLATION", 1e-5)
    monkeypatch.setattr(engine, "MOST_NODES", 1000)
    assert np.isnan(local(T=1.0, frequency=[0.0])["total_weight"])


def test_bounded_work_is_said(monkeypatch):
    """Panels that were not refined: not converged, and no wrong numbers."""
    from xglass.engine.tls.dmft_lattices import Chain

    monkeypatch.setattr(Chain.__init__, "__defaults__", (1,))
    result = local(T=0.2, omega0=2.0, frequency=[0.0])
    assert not bool(result["converged"])
    assert float(result["residual"]) > 1e-4
    for name in ("mobility", "kinetic_energy", "optical_conductivity", "total_weight"):
        assert np.isnan(result[name]).all()


@pytest.mark.parametrize("T", [0.006, 0.005])
def test_towards_the_least_temperature(T):
    """omega0 / T to 100: no warning, bounded cost, <K> tends to the derivative of the ground state energy,
    the mobility grows as e^{omega0/T}.
    """
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = local(T=T, frequency=[0.0])
    assert time.process_time() - start < 15.0
    ground = [float(local(T=0.0, t=1.0 + h, frequency=[0.0])["ground_state_energy"]) for h in (-1e-3, 1e-3)]
    kinetic = (ground[1] - ground[0]) / 2e-3 + 0.5 * T  # t dE/dt, and T/2 of one dimension
    assert float(result["kinetic_energy"]) == pytest.approx(kinetic, abs=0.2 * T)
    assert float(result["residual"]) < 1e-5
    scaled = np.log(float(result["mobility"])) - 0.5 / T
    reference = np.log(float(local(T=0.01, frequency=[0.0])["mobility"])) - 0.5 / 0.01
    assert scaled == pytest.approx(reference, abs=1.5)


def test_a_static_coupling_alone_converges():
    """g = 0: rungs know nothing of one another; Eq. (A6) is that of an alloy of weights p and q."""
    energy = np.linspace(-2.6, 2.6, 14)
    result = local(T=1.0, g=0.0, g_z=0.5, frequency=[0.0, 0.3], energy=energy)
    assert bool(result["converged"])
    assert float(result["residual"]) < 1e-9
    G, S = result["green_function"].values, result["self_energy"].values
    q = 1.0 / (1.0 + np.exp(0.5))
    scattering = (1.0 - q) * (0.5 - S) / (1.0 - (0.5 - S) * G) + q * (-0.5 - S) / (1.0 + (0.5 + S) * G)
    np.testing.assert_allclose(scattering, 0.0, atol=1e-10)
    assert float(result["total_weight"]) == pytest.approx(
        -0.5 * np.pi * float(result["kinetic_energy"]), rel=1e-9
    )


def test_only_what_is_asked_for_is_computed(monkeypatch):
    """The total weight is a task of its own."""
    import xglass.engine.tls.dmft as engine

    def refused(*arguments, **settings):
        raise AssertionError("nobody asked for the total weight")

    model = xg.electron_tls(CHAIN, g=1.0, omega0=0.5)
    lazy = xg.dmft(model, T=1.0, frequency=[0.0], energy=[0.0])
    monkeypatch.setattr(engine, "total_weight", refused)
    assert float(lazy["mobility"]) == pytest.approx(1.97965, abs=1e-5)
    with pytest.raises(AssertionError, match="nobody asked"):
        lazy["total_weight"].compute()


# --- static systems and other lattices ----------------------------------------------------------------------


def test_static_systems_are_a_binary_alloy():
    """omega0 = 0 is the coherent potential approximation: gftool just above the real axis,
    and the alloy's own equation on it.
    """
    energy = np.array([-2.6, -1.9, -1.0, -0.3, 0.4, 1.3, 2.2])
    result = local(T=1.0, omega0=0.0, energy=energy)
    hilbert = functools.partial(gftool.onedim_gf_z, half_bandwidth=2.0)
    above = gftool.cpa.solve_root(
        energy + 1e-7j,
        e_onsite=np.array([-1.0, 1.0]),
        concentration=np.array([0.5, 0.5]),
        hilbert_trafo=hilbert,
    )
    np.testing.assert_allclose(result["self_energy"], above, atol=1e-5)
    G, S = result["green_function"].values, result["self_energy"].values
    scattering = sum((e - S) / (1.0 - (e - S) * G) for e in (-1.0, 1.0))
    np.testing.assert_allclose(scattering, 0.0, atol=1e-10)
    assert float(result["total_weight"]) == pytest.approx(
        -0.5 * np.pi * float(result["kinetic_energy"]), rel=1e-7
    )
    assert float(result["ground_state_energy"]) == pytest.approx(-np.sqrt(8.0), abs=1e-9)
    slow = local(T=1.0, omega0=0.01)
    assert float(slow["mobility"]) == pytest.approx(float(result["mobility"]), rel=1e-3)


def test_a_given_lattice():
    """The chain by its Hilbert transforms, all in numpy, is the chain;
    a Bethe lattice obeys Delta = G D^2/4.
    """

    def vertex(z):
        return z - np.sqrt(z - 2.0) * np.sqrt(z + 2.0)

    energy, w = np.linspace(-4.0, 4.0, 41), [0.0, 0.3, 0.5, 1.7]
    own = local(T=1.0, frequency=w, energy=energy, g_z=0.3)
    hilbert = functools.partial(gftool.onedim_gf_z, half_bandwidth=2.0)
    other = local(T=1.0, frequency=w, energy=energy, g_z=0.3, hilbert=hilbert, vertex=vertex)
    for name, tolerance in [
        ("optical_conductivity", 1e-6),
        ("kinetic_energy", 1e-8),
        ("self_energy", 1e-9),
        ("total_weight", 1e-6),
    ]:
        np.testing.assert_allclose(other[name], own[name], rtol=tolerance, atol=tolerance)
    assert float(other["ground_state_energy"]) == pytest.approx(float(own["ground_state_energy"]), abs=1e-4)

    bethe = local(T=0.7, energy=energy, hilbert=functools.partial(gftool.bethe_gf_z, half_bandwidth=2.0))
    assert "mobility" not in bethe
    assert "optical_conductivity" not in bethe
    omega0 = 0.5
    grid = {}
    for k in (-1, 0, 1):
        part = local(
            T=0.7,
            energy=energy + k * omega0,
            hilbert=functools.partial(gftool.bethe_gf_z, half_bandwidth=2.0),
        )
        grid[k] = part["green_function"].values
    inverse = {k: energy + k * omega0 - grid[k] for k in grid}  # 1/G0 = nu - (D/2)^2 G, D = 2
    x = np.exp(-omega0 / 0.7)
    green = (1 / (inverse[0] - 1 / inverse[-1]) + x / (inverse[0] - 1 / inverse[1])) / (1 + x)  # Eq. (A6)
    np.testing.assert_allclose(bethe["green_function"], green, atol=1e-9)


def test_a_free_electron():
    """No coupling: everything in a Drude peak of no width."""
    result = local(T=[0.0, 0.5], g=0.0, energy=[-1.0, 0.0])
    k = 2.0 * np.pi * np.arange(200) / 200
    weight = np.exp(2.0 * np.cos(k) / 0.5)
    np.testing.assert_allclose(
        result["kinetic_energy"], [-2.0, -(2.0 * np.cos(k) * weight).sum() / weight.sum()], rtol=1e-12
    )
    assert np.isinf(result["mobility"]).all()
    assert np.isinf(result["optical_conductivity"][:, 0]).all()
    assert (result["optical_conductivity"][:, 1:] == 0.0).all()
    assert (result["self_energy"] == 0.0).all()
    np.testing.assert_allclose(result["total_weight"], -0.5 * np.pi * result["kinetic_energy"])
    np.testing.assert_allclose(
        result["density_of_states"][0], 1.0 / (np.pi * np.sqrt(4.0 - np.array([-1.0, 0.0]) ** 2)), rtol=1e-12
    )


# --- dilute defects -----------------------------------------------------------------------------------------


def test_first_order_in_thermal_defects():
    """Eq. (A11) against the full self-energy: the error falls with the square of n_i, Eq. (A8)."""
    energy = np.linspace(-2.2, 1.0, 33)
    model = xg.electron_tls(CHAIN, g=1.0, omega0=1.0)
    solution = xg.dmft(model, T=[0.125, 0.15, 0.18], frequency=[0.0], energy=energy).compute()
    number = xg.dilute_defects.fraction(solution)
    np.testing.assert_allclose(number, 1.0 / (1.0 + np.exp(1.0 / solution["T"])), rtol=1e-12)
    error = abs(xg.dilute_defects.self_energy(solution) - solution["self_energy"]).max("energy")
    order = np.diff(np.log(error)) / np.diff(np.log(number))
    np.testing.assert_allclose(order, 2.0, atol=0.15)


def test_golden_rule_at_weak_coupling():
    """Eqs.

    (A12) and (A20): errors fall with g^2, above the band edge; Eq. (A21) holds without its printed 1/T.
    """
    energy = np.linspace(-1.95, -1.2, 16)
    model = xg.electron_tls(CHAIN, g=[0.05, 0.1, 0.2], omega0=1.0)
    solution = xg.dmft(model, T=0.15, frequency=[0.0], energy=energy).compute()
    rate = xg.dilute_defects.scattering_rate(solution)
    inside = energy < float(solution["ground_state_energy"].min()) + 0.9
    error = abs(rate / solution["scattering_rate"] - 1.0).isel(energy=inside).max("energy")
    assert float(error[0]) < 0.01
    assert 2.0 < float(error[1] / error[0]) < 5.0
    error = abs(xg.dilute_defects.boltzmann_mobility(solution) / solution["mobility"] - 1.0)
    assert float(error[0]) < 2e-3
    assert 3.0 < float(error[1] / error[0]) < 6.0
    assert 3.0 < float(error[2] / error[1]) < 6.0
    ratio = xg.dilute_defects.band_edge_mobility(solution) / solution["mobility"]
    assert float(abs(ratio[:2] - 1.0).max()) < 0.05
    printed = xg.dilute_defects.band_edge_mobility(solution) / 0.15  # as Eq. (A21) stands
    assert float((printed / solution["mobility"]).min()) > 5.0


def test_defects_refuse_what_is_no_solution():
    model = xg.electron_tls(CHAIN, g=1.0, omega0=2.0)
    with pytest.raises(ValueError, match="give the result of xg.dmft, not a model of electron_tls"):
        xg.dilute_defects.self_energy(model)
    with pytest.raises(KeyError, match="has no 'T'"):
        xg.dilute_defects.fraction(model)
    with pytest.raises(ValueError, match="T must be"):
        xg.dilute_defects.fraction(model, T=-1.0)
    static = xg.electron_tls(CHAIN, g=1.0, omega0=2.0, g_z=0.5)
    with pytest.raises(ValueError, match="g_z = 0"):
        xg.dilute_defects.boltzmann_mobility(xg.dmft(static, T=1.0, frequency=[0.0]))


# --- the edge -----------------------------------------------------------------------------------------------


def test_lazy_is_eager(no_compute):
    model = xg.electron_tls(CHAIN, g=1.0, omega0=[0.5, 1.0], g_z=xr.DataArray([0.0, 0.2], dims="omega0"))
    with no_compute:
        lazy = xg.dmft(model, T=[0.0, 1.0], frequency=W)
    now = xg.dmft(model, T=[0.0, 1.0], frequency=W, chunks=None)
    assert lazy["mobility"].dims == ("omega0", "T")
    assert lazy["self_energy"].dims == ("omega0", "T", "energy")
    assert lazy["ground_state_energy"].dims == ("omega0",)
    assert lazy["energy"].size == 2001
    xr.testing.assert_identical(lazy.compute(), now)
    np.testing.assert_allclose(now["density_of_states"].sel(T=1.0).integrate("energy"), 1.0, atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"T": -0.1}, "T must be > 0"),
        ({"frequency": [1.0, 0.5]}, "frequency must be one rising"),
        ({"energy": [1.0, 0.5]}, "energy must be one rising"),
        ({"omega0": -1.0}, "omega0 must be >= 0"),
        ({"t": 0.0}, "t must not be 0"),
        ({"g": xr.DataArray(np.ones(4), dims="site")}, "'g'.* differ from site to site"),
        ({"t": xr.DataArray(np.ones(4), dims="bond")}, "'t'.* differ from site to site"),
        ({"site_energy": xr.DataArray(np.ones(4), dims="site")}, "site_energy"),
        ({"hilbert": lambda z: 2.0 / z}, "normalised to one"),
        ({"hilbert": lambda z: (1.0 / z)[:1]}, "shape of z"),
        ({"vertex": np.sqrt}, "vertex belongs to"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        local(**{"T": 1.0} | arguments)


def test_a_transform_is_a_function():
    with pytest.raises(TypeError, match="hilbert must be a function"):
        local(T=1.0, hilbert=2.0)


# poles of the self-energy, and edges of bands


@pytest.mark.parametrize(("g", "g_z"), [(1.5, 0.0), (2.0, 0.0), (1.4142135624, 0.0), (1.0, 1.1), (5.0, 0.0)])
@pytest.mark.parametrize("T", [0.0, 0.5])
def test_the_pole_in_the_gap_of_the_static_alloy(g, g_z, T):
    """Bands at +-sqrt(g^2 + g_z^2) part where that is sqrt 2 t; between them, at 0, no state and a pole."""
    result = local(T=T, g=g, g_z=g_z, omega0=0.0, energy=[-1e-3, 0.0, 1e-3])
    at = result.sel(energy=0.0)
    assert float(at["density_of_states"]) == 0.0
    assert complex(at["green_function"]) == 0.0
    assert complex(at["self_energy"]) == complex(0.0, -np.inf)  # just above the real axis
    assert float(at["scattering_rate"]) == np.inf
    assert np.isfinite(result["residual"]).all()
    if g**2 + g_z**2 > 2.1:  # the pole has the weight g^2 + g_z^2 - 2 t^2
        weight = (result["self_energy"] * result["energy"]).real.sel(energy=[-1e-3, 1e-3])
        np.testing.assert_allclose(weight, g**2 + g_z**2 - 2.0, rtol=1e-3)


@pytest.mark.parametrize("g", [0.3, 1.0, 1.41])
def test_no_pole_where_the_static_alloy_has_no_gap(g):
    """w = -i sqrt(1 - g^2 / 2t^2) at energy 0: the root of the cubic equation."""
    w = -1j * (1.0 - g**2 / 2.0) ** 0.5
    at = local(T=0.5, g=g, omega0=0.0, energy=[0.0])
    assert complex(at["green_function"][0]) == pytest.approx(w / (1.0 - w**2), rel=1e-9)
    assert bool(at["converged"])


@pytest.mark.parametrize(("g", "g_z"), [(2.0, 0.0), (1.2, 1.2)])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_pole_of_a_given_lattice_is_a_pole_or_not_converged(g, g_z, shift):
    """The chain by its Hilbert transform, moved: G is 0 at the pole, never NaN that is called converged."""

    def hilbert(z):
        return 1.0 / (np.sqrt(z - shift - 2.0) * np.sqrt(z - shift + 2.0))

    def solved(*energy):
        grid = {"frequency": np.array([1.0]), "energy": np.array(energy)}
        return dmft.point(1.0, g, g_z, 0.0, 0.0, **grid, hilbert=hilbert, vertex=None)[3:]

    states, _, sigma, green, converged, residual = solved(shift - 0.5, shift, shift + 0.5)
    assert sigma[1] == complex(0.0, -np.inf)
    assert green[1] == states[1] == 0.0
    assert not converged
    assert residual == pytest.approx(1.0 / 3.0, rel=1e-6)  # of one energy in three
    _, _, beside, _, converged, _ = solved(shift - 0.5, shift + 0.5)
    assert converged
    np.testing.assert_array_equal(beside, sigma[[0, 2]])


@pytest.mark.parametrize("t", [1.0, 0.3, -0.7])
@pytest.mark.parametrize("T", [0.0, 0.5])
def test_states_are_infinite_at_the_edges_of_the_free_band(t, T):
    """1 / sqrt(e^2 - 4t^2) just above the real axis."""
    band = 2.0 * abs(t)
    result = local(T=T, t=t, g=0.0, energy=[-2.0 * band, -band, 0.0, band, 2.0 * band])
    np.testing.assert_array_equal(result["density_of_states"][[0, 1, 3, 4]], [0.0, np.inf, np.inf, 0.0])
    assert float(result["density_of_states"][2]) == pytest.approx(1.0 / (np.pi * band), rel=1e-14)
    np.testing.assert_array_equal(result["green_function"].real[[1, 3]], [-np.inf, np.inf])
    np.testing.assert_array_equal(result["green_function"].imag[[1, 3]], [-np.inf, -np.inf])


@pytest.mark.parametrize("divide", [dmft_kernels.solve, dmft_bubble_kernels.spectrum])
def test_kernels_divide_as_numpy_does(divide):
    """A division by zero is no ZeroDivisionError somewhere in a sweep over parameters."""
    assert divide.targetoptions["error_model"] == "numpy"
