"""One electron and two-level systems, exact: against Kronecker products, sum rules and limits that share no code with the library."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import xglass as xg

T = [0.15, 0.4, 1.5]
W = np.linspace(0.0, 5.0, 41)


def operators(N, theta, t, g, g_z, omega0, energy):
    """H_hop, H and J on electron (x) spin_0 (x) ... (x) spin_{N-1}, from Kronecker products; parameters are arrays over sites."""
    sx, sz = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([-1.0, 1.0])  # first basis vector: down

    def spin(matrix, j):
        result = np.eye(1)
        for k in range(N):
            result = np.kron(result, matrix if k == j else np.eye(2))
        return result

    def on_site(j):
        return np.diag(np.eye(N)[j])

    hop = np.zeros((N, N), dtype=complex)
    for j in range(N):
        hop[(j + 1) % N, j] += t[j] * np.exp(1j * theta / N)
    one = np.eye(2**N)
    kinetic = np.kron(-(hop + hop.conj().T), one)
    current = np.kron(1j * (hop - hop.conj().T), one)
    rest = sum(np.kron(np.eye(N), 0.5 * omega0[j] * spin(sz, j)) for j in range(N))
    rest = rest + sum(np.kron(on_site(j), energy[j] * one - g[j] * spin(sx, j) - g_z[j] * spin(sz, j)) for j in range(N))
    return kinetic, kinetic + rest, current


def reference(N, theta, T, broadening, **parameters):
    """(sigma(w), <H_hop>, ln Z) by plain sums over eigenstates."""
    kinetic, H, J = operators(N, theta, **parameters)
    E, U = np.linalg.eigh(H)
    p = np.exp(-E / T)
    Z = p.sum()
    strength = np.abs(U.conj().T @ J @ U) ** 2
    gap = E[None, :] - E[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.abs(gap) < 1e-9, p[:, None] / T, (p[:, None] - p[None, :]) / gap)
    stick = np.pi * strength * ratio / Z
    gauss = [np.exp(-0.5 * ((w - gap) / broadening) ** 2) / np.sqrt(2 * np.pi) / broadening for w in W]
    sigma = np.array([(stick * G).sum() for G in gauss])
    return sigma, (p * np.einsum("in,ij,jn->n", U.conj(), kinetic, U).real).sum() / Z, np.log(Z)


def uniform(N, t, g, g_z, omega0):
    return {"t": np.full(N, t), "g": np.full(N, g), "g_z": np.full(N, g_z), "omega0": np.full(N, omega0), "energy": np.zeros(N)}


@pytest.mark.parametrize("N", [2, 3, 4, 6])
def test_momentum_blocks_are_the_ring(N):
    model = xg.electron_tls(xg.lattice.chain(N), t=0.8, g=1.1, g_z=0.3, omega0=0.4)
    result = xg.exact(model, T=T, frequency=W, broadening=0.2).compute()
    for temperature in T:
        sigma, kinetic, log_z = reference(N, 0.0, temperature, 0.2, **uniform(N, 0.8, 1.1, 0.3, 0.4))
        here = result.sel(T=temperature)
        np.testing.assert_allclose(here["optical_conductivity"], sigma, rtol=0, atol=1e-10 * max(sigma.max(), 1e-3))
        np.testing.assert_allclose([here["kinetic_energy"], here["log_partition_function"]], [kinetic, log_z], rtol=1e-10)


@pytest.mark.parametrize("theta", [0.4, np.pi])
def test_a_twist_is_a_shift_of_the_momenta(theta):
    N = 5
    model = xg.electron_tls(xg.lattice.chain(N), g=1.0, omega0=0.3)
    momenta = (2 * np.pi * np.arange(N) + theta) / N
    result = xg.exact(model, T=0.5, frequency=W, broadening=0.2, momentum=momenta).compute()
    sigma, kinetic, log_z = reference(N, theta, 0.5, 0.2, **uniform(N, 1.0, 1.0, 0.0, 0.3))
    np.testing.assert_allclose(result["optical_conductivity"], sigma, rtol=0, atol=1e-10 * max(sigma.max(), 1e-3))
    np.testing.assert_allclose([result["kinetic_energy"], result["log_partition_function"]], [kinetic, log_z], rtol=1e-10)


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1), theta=st.sampled_from([0.0, 1.1]))
def test_disorder_of_every_kind(seed, theta):
    N, draw = 4, np.random.default_rng(seed)
    values = {name: draw.normal(0.8, 0.3, N) for name in ("t", "g", "g_z", "omega0", "energy")}
    over = {name: xr.DataArray(values[name], dims="bond" if name == "t" else "site") for name in values}
    model = xg.electron_tls(
        xg.lattice.chain(N), t=over["t"], g=over["g"], g_z=over["g_z"], omega0=over["omega0"], site_energy=over["energy"]
    )
    result = xg.exact(model, T=0.7, frequency=W, broadening=0.15, twist=theta).compute()
    sigma, kinetic, log_z = reference(N, theta, 0.7, 0.15, **values)
    np.testing.assert_allclose(result["optical_conductivity"], sigma, rtol=0, atol=1e-10 * max(sigma.max(), 1e-3))
    np.testing.assert_allclose([result["kinetic_energy"], result["log_partition_function"]], [kinetic, log_z], rtol=1e-9)


def test_equal_sites_in_the_full_space_are_the_blocks():
    chain = xg.lattice.chain(5)
    blocks = xg.exact(xg.electron_tls(chain, g=1.0, omega0=0.3), T=T, frequency=W, broadening=0.2).compute()
    sites = xr.DataArray(np.full(5, 0.3), dims="site")
    full = xg.exact(xg.electron_tls(chain, g=1.0, omega0=sites), T=T, frequency=W, broadening=0.2).compute()
    for name in blocks.data_vars:
        np.testing.assert_allclose(full[name], blocks[name], rtol=0, atol=1e-11 * float(abs(blocks[name]).max()))


def test_sum_rule_after_averaging_over_twists():
    """Int_0^inf sigma = (pi/2) <-H_hop>, once finite-ring stiffness has averaged out."""
    model = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.1)
    w = np.linspace(0.0, 12.0, 2401)
    result = xg.exact(model, T=[0.2, 1.0], frequency=w, broadening=0.1, momentum=np.pi * (np.arange(48) + 0.5) / 48).compute()
    total = result["optical_conductivity"].integrate("frequency")  # even and smooth: the trapezoidal rule is exact to rounding
    np.testing.assert_allclose(total, -0.5 * np.pi * result["kinetic_energy"], rtol=1e-9)


def test_high_temperature():
    """T int sigma = pi t^2 as T goes to infinity; moments C_0 = 2 t^2, C_2 = 4 g^2 t^2."""
    model = xg.electron_tls(xg.lattice.chain(6), t=0.7, g=1.3, omega0=0.2)
    w = np.linspace(0.0, 14.0, 2801)
    result = xg.exact(model, T=1e5, frequency=w, broadening=0.1, momentum=np.pi * (np.arange(24) + 0.5) / 24).compute()
    sigma = result["optical_conductivity"] * 1e5
    assert float(sigma.integrate("frequency")) == pytest.approx(np.pi * 0.7**2, rel=1e-5)
    second = (sigma * w**2).integrate("frequency") * 2 / np.pi - 0.1**2 * 2 * 0.7**2  # the filter adds its variance
    assert float(second) == pytest.approx(4 * 1.3**2 * 0.7**2, rel=1e-4)


def test_a_free_electron_has_only_a_drude_peak():
    model = xg.electron_tls(xg.lattice.chain(4), g=0.0, omega0=0.5)
    result = xg.exact(model, T=0.5, frequency=W, broadening=0.1).compute()["optical_conductivity"]
    assert float(result.sel(frequency=slice(1.0, None)).max()) < 1e-12
    momenta = 2 * np.pi * np.arange(4) / 4
    weight = np.exp(2 * np.cos(momenta) / 0.5)
    drude = np.pi * (4 * np.sin(momenta) ** 2 * weight).sum() / weight.sum() / 0.5
    assert float(result[0]) == pytest.approx(drude / np.sqrt(2 * np.pi) / 0.1, rel=1e-12)


def test_static_two_level_systems_are_an_annealed_alloy():
    """omega0 = 0: the electron on a ring of frozen energies +-g, all configurations with their free weights."""
    N, temperature, broadening = 4, 0.6, 0.2
    numerator, Z = np.zeros(W.size), 0.0
    for state in range(2**N):
        alloy = {"t": np.ones(N), "g": np.zeros(N), "g_z": np.zeros(N), "omega0": np.zeros(N)}
        energy = np.array([1.0 - 2.0 * (state >> j & 1) for j in range(N)])
        sigma, _, log_z = reference(N, 0.0, temperature, broadening, **alloy, energy=energy)
        numerator += sigma * np.exp(log_z)
        Z += np.exp(log_z)
    model = xg.electron_tls(xg.lattice.chain(N), g=1.0, omega0=0.0)
    result = xg.exact(model, T=temperature, frequency=W, broadening=broadening).compute()["optical_conductivity"]
    np.testing.assert_allclose(result, numerator / Z, rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"T": 0.0}, "T must be > 0"),
        ({"broadening": 0.0}, "broadening must be > 0"),
        ({"frequency": [1.0, 0.5]}, "frequency must be one rising"),
        ({"momentum": "none"}, "momentum must be 'all'"),
        ({"twist": 0.3}, "twist belongs to models with disorder"),
    ],
)
def test_bad_input(arguments, message):
    model = xg.electron_tls(xg.lattice.chain(3), g=1.0, omega0=0.3)
    with pytest.raises(ValueError, match=message):
        xg.exact(model, **({"T": 1.0, "frequency": W, "broadening": 0.1} | arguments))


def test_bad_models():
    chain = xg.lattice.chain(4)
    for arguments, message in [
        ({"g": np.inf, "omega0": 1.0}, "g"),
        ({"g": 1.0, "omega0": np.nan}, "omega0"),
        ({"g": 1.0, "omega0": 1.0, "t": np.inf}, "t"),
        ({"g": xr.DataArray(np.ones(3), dims="site"), "omega0": 1.0}, "g has 3 entries along 'site'"),
    ]:
        with pytest.raises(ValueError, match=message):
            xg.electron_tls(chain, **arguments)
    with pytest.raises(ValueError, match="lives on a chain"):
        xg.electron_tls(xg.lattice.square(3), g=1.0, omega0=1.0)
    with pytest.raises(ValueError, match="GiB"):
        xg.exact(xg.electron_tls(xg.lattice.chain(20), g=1.0, omega0=1.0), T=1.0, frequency=W, broadening=0.1)
    disordered = xg.electron_tls(chain, g=xr.DataArray(np.ones(4), dims="site"), omega0=1.0)
    with pytest.raises(ValueError, match="momentum is not conserved"):
        xg.exact(disordered, T=1.0, frequency=W, broadening=0.1, momentum=[0.1])
