"""One electron and two-level systems, exact: against Kronecker products,
sum rules and limits that share no code with the library.
"""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import xglass as xg
from xglass.engine.tls import dense

T = [0.15, 0.4, 1.5]
W = np.linspace(0.0, 5.0, 41)


def operators(N, theta, t, g, g_z, omega0, energy):
    """H_hop, H and J on electron (x) spin_0 (x) ...

    (x) spin_{N-1}, from Kronecker products; parameters are arrays over sites.
    """
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
    rest = rest + sum(
        np.kron(on_site(j), energy[j] * one - g[j] * spin(sx, j) - g_z[j] * spin(sz, j)) for j in range(N)
    )
    return kinetic, kinetic + rest, current


def reference(N, theta, T, broadening, w=W, **parameters):
    """sigma(T, w), <H_hop>(T), ln Z(T) by plain sums over eigenstates; T is a list."""
    kinetic, H, J = operators(N, theta, **parameters)
    if theta == 0.0:  # real symmetric, and i times real antisymmetric
        kinetic, H, J = kinetic.real, H.real, J.imag
    E, U = np.linalg.eigh(H)
    strength = np.abs(U.conj().T @ (J @ U)) ** 2
    hops = (U.conj() * (kinetic @ U)).sum(axis=0).real
    gap = E[None, :] - E[:, None]
    kept = strength > 1e-28
    gap, strength, first = gap[kept], strength[kept], np.broadcast_to(E[:, None], kept.shape)[kept]
    gauss = [np.exp(-0.5 * ((x - gap) / broadening) ** 2) / np.sqrt(2 * np.pi) / broadening for x in w]
    results = []
    for temperature in T:
        p = np.exp(-(E - E[0]) / temperature)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(np.abs(gap) < 1e-9, 1 / temperature, -np.expm1(-gap / temperature) / gap)
        stick = np.pi * strength * ratio * np.exp(-(first - E[0]) / temperature) / p.sum()
        results.append(
            (
                [(stick * G).sum() for G in gauss],
                (p * hops).sum() / p.sum(),
                np.log(p.sum()) - E[0] / temperature,
            )
        )
    return tuple(np.array(part) for part in zip(*results, strict=True))


def uniform(N, t, g, g_z, omega0):
    return {
        "t": np.full(N, t),
        "g": np.full(N, g),
        "g_z": np.full(N, g_z),
        "omega0": np.full(N, omega0),
        "energy": np.zeros(N),
    }


def assert_same(result, expected):
    sigma, kinetic, log_z = expected
    np.testing.assert_allclose(
        result["optical_conductivity"], sigma, rtol=0, atol=1e-10 * max(sigma.max(), 1e-3)
    )
    np.testing.assert_allclose(result["kinetic_energy"], kinetic, rtol=1e-10)
    np.testing.assert_allclose(result["log_partition_function"], log_z, rtol=1e-10)


@pytest.mark.parametrize("N", [2, 3, 4, 6, 8])
def test_momentum_blocks_are_the_ring(N):
    w = W[::10] if N == 8 else W
    model = xg.electron_tls(xg.lattice.chain(N), t=0.8, g=1.1, g_z=0.3, omega0=0.4)
    result = xg.exact(model, T=T, frequency=w, broadening=0.2).compute()
    assert_same(result, reference(N, 0.0, T, 0.2, w=w, **uniform(N, 0.8, 1.1, 0.3, 0.4)))


@pytest.mark.parametrize("N", [4, 6])
@pytest.mark.parametrize("theta", [0.4, np.pi])
def test_a_twist_is_a_shift_of_the_momenta(theta, N):
    model = xg.electron_tls(xg.lattice.chain(N), g=1.0, omega0=0.3)
    momenta = (2 * np.pi * np.arange(N) + theta) / N
    result = xg.exact(model, T=T, frequency=W, broadening=0.2, momentum=momenta).compute()
    assert_same(result, reference(N, theta, T, 0.2, **uniform(N, 1.0, 1.0, 0.0, 0.3)))


@pytest.mark.parametrize("N", [4, 6, 8])
@pytest.mark.parametrize("theta", [0.0, 0.7])
def test_spectra(N, theta):
    _, H, _ = operators(N, theta, **uniform(N, 1.0, 1.2, 0.0, 0.3))
    blocks = [dense.block((2 * np.pi * n + theta) / N, 1.0, 1.2, 0.0, 0.3, N) for n in range(N)]
    energies = np.concatenate([np.linalg.eigvalsh(hopping + rest) for hopping, rest, _ in blocks])
    np.testing.assert_allclose(
        np.sort(energies), np.linalg.eigvalsh(H if theta else H.real), rtol=0, atol=1e-12
    )


@pytest.mark.filterwarnings("ignore:.*keeps too few:UserWarning")
@pytest.mark.parametrize("kept", [0, 1, 2])
def test_truncation_is_the_projected_hamiltonian(kept):
    """Kronecker products, projected on the configurations with few excitations."""
    N = 4
    values = {
        "t": np.full(N, 0.9),
        "g": np.full(N, 1.1),
        "g_z": np.full(N, 0.2),
        "omega0": np.full(N, 0.6),
        "energy": np.zeros(N),
    }
    down = np.array(
        [bin(state).count("1") for state in range(2**N)]
    )  # of Kronecker products the first factor counts most: the same number
    few = np.tile(down <= kept, N)
    kinetic, H, J = (matrix[np.ix_(few, few)] for matrix in operators(N, 0.0, **values))
    E, U = np.linalg.eigh(H)
    p = np.exp(-E / 0.4)
    over = {name: xr.DataArray(values[name], dims="site") for name in ("g", "omega0")}
    for model in (
        xg.electron_tls(xg.lattice.chain(N), t=0.9, g=1.1, g_z=0.2, omega0=0.6),
        xg.electron_tls(xg.lattice.chain(N), t=0.9, g_z=0.2, **over),
    ):
        result = xg.exact(model, T=0.4, frequency=W, broadening=0.2, max_excitations=kept).compute()
        assert float(result["log_partition_function"]) == pytest.approx(np.log(p.sum()), rel=1e-11)
        hops = (p * (U.conj() * (kinetic @ U)).sum(axis=0).real).sum() / p.sum()
        assert float(result["kinetic_energy"]) == pytest.approx(hops, rel=1e-11)
        static = (
            sum(
                np.pi
                * abs(U[:, n].conj() @ J @ U[:, m]) ** 2
                * (p[n] / 0.4 if abs(E[m] - E[n]) < 1e-9 else (p[n] - p[m]) / (E[m] - E[n]))
                * np.exp(-0.5 * ((E[m] - E[n]) / 0.2) ** 2)
                / np.sqrt(2 * np.pi)
                / 0.2
                for n in range(len(E))
                for m in range(len(E))
            )
            / p.sum()
        )
        assert float(result["optical_conductivity"][0]) == pytest.approx(static, rel=1e-10)


def test_all_excitations_is_no_truncation():
    model = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.3)
    whole = xg.exact(model, T=T, frequency=W, broadening=0.2).compute()
    result = xg.exact(model, T=T, frequency=W, broadening=0.2, max_excitations=4).compute()
    xr.testing.assert_identical(result.drop_vars("truncated_weight"), whole)


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1), theta=st.sampled_from([0.0, 1.1]))
def test_disorder_of_every_kind(seed, theta):
    N, draw = 4, np.random.default_rng(seed)
    values = {name: draw.normal(0.8, 0.3, N) for name in ("t", "g", "g_z", "omega0", "energy")}
    over = {name: xr.DataArray(values[name], dims="bond" if name == "t" else "site") for name in values}
    model = xg.electron_tls(
        xg.lattice.chain(N),
        t=over["t"],
        g=over["g"],
        g_z=over["g_z"],
        omega0=over["omega0"],
        site_energy=over["energy"],
    )
    result = xg.exact(model, T=0.7, frequency=W, broadening=0.15, twist=theta).compute()
    assert_same(result.expand_dims("T"), reference(N, theta, [0.7], 0.15, **values))


def test_fluxes_are_averaged_by_their_partition_functions():
    N = 4
    over = xr.DataArray(np.random.default_rng(5).normal(size=N), dims="site")
    model = xg.electron_tls(xg.lattice.chain(N), g=1.0, omega0=0.3, site_energy=over)
    one = [xg.exact(model, T=0.3, frequency=W, broadening=0.2, twist=twist).compute() for twist in (0.2, 2.0)]
    both = xg.exact(model, T=0.3, frequency=W, broadening=0.2, twist=[0.2, 2.0]).compute()
    z = [np.exp(float(part["log_partition_function"])) for part in one]
    for name in ("optical_conductivity", "kinetic_energy", "total_weight"):
        expected = (z[0] * one[0][name] + z[1] * one[1][name]) / (z[0] + z[1])
        np.testing.assert_allclose(both[name], expected, rtol=1e-12)
    assert float(both["log_partition_function"]) == pytest.approx(np.log((z[0] + z[1]) / 2), rel=1e-12)


def test_realizations():
    """Annealed: numerators and Z apart. Quenched: the mean of the results. None: all of them."""
    site_energy = xg.random_site_energy(4, strength=2.0, convention="width", realization=3, seed=1)
    model = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.3, site_energy=site_energy)
    every = xg.exact(model, T=T, frequency=W, broadening=0.2, average=None).compute()
    assert every["optical_conductivity"].dims == ("realization", "T", "frequency")
    annealed = xg.exact(model, T=T, frequency=W, broadening=0.2, average="annealed").compute()
    assert "realization" not in annealed.dims
    assert "site_energy" not in annealed.coords
    z = np.exp(every["log_partition_function"])
    for name in ("optical_conductivity", "kinetic_energy"):
        np.testing.assert_allclose(
            annealed[name], (every[name] * z).sum("realization") / z.sum("realization"), rtol=1e-12
        )
    np.testing.assert_allclose(annealed["log_partition_function"], np.log(z.mean("realization")), rtol=1e-12)
    quenched = xg.exact(model, T=T, frequency=W, broadening=0.2, average="quenched").compute()
    for name in ("optical_conductivity", "kinetic_energy", "log_partition_function"):
        np.testing.assert_allclose(quenched[name], every[name].mean("realization"), rtol=1e-12)


def test_equal_sites_in_the_full_space_are_the_blocks():
    chain = xg.lattice.chain(5)
    blocks = xg.exact(xg.electron_tls(chain, g=1.0, omega0=0.3), T=T, frequency=W, broadening=0.2).compute()
    sites = xr.DataArray(np.full(5, 0.3), dims="site")
    full = xg.exact(xg.electron_tls(chain, g=1.0, omega0=sites), T=T, frequency=W, broadening=0.2).compute()
    for name in blocks.data_vars:
        tolerance = 1e-9 if name == "stiffness" else 1e-11  # a difference quotient
        np.testing.assert_allclose(
            full[name], blocks[name], rtol=0, atol=tolerance * float(abs(blocks[name]).max())
        )


@settings(max_examples=12)
@given(
    N=st.integers(2, 6),
    temperature=st.floats(0.1, 5.0),
    theta=st.floats(-3.0, 3.0),
    omega0=st.floats(0.0, 2.0),
    g=st.floats(0.0, 2.0),
)
def test_sum_rule_with_the_stiffness_of_the_ring(N, temperature, theta, omega0, g):
    """Int_0^inf sigma = (pi/2) <-H_hop> + (pi T / 2) Z''/Z: the left side from the spectrum on a grid,
    Z'' from eigenvalues alone.
    """
    momenta = (2 * np.pi * np.arange(N) + theta) / N
    w = np.linspace(0.0, 25.0, 2501)
    model = xg.electron_tls(xg.lattice.chain(N), g=g, omega0=omega0)
    result = xg.exact(model, T=temperature, frequency=w, broadening=0.05, momentum=momenta).compute()
    total = float(result["optical_conductivity"].integrate("frequency"))
    expected = float(-0.5 * np.pi * result["kinetic_energy"] + result["stiffness"])
    largest = total + abs(float(result["stiffness"]))
    assert abs(total - expected) < 1e-9 * largest
    assert float(result["total_weight"]) == pytest.approx(total, abs=1e-10 * largest)
    violation = float(xg.sum_rule(result))  # NaN where there is no weight
    assert np.isnan(violation) == (total < 1e-12 * largest)
    assert not abs(violation) * total > 1e-9 * largest


def test_sum_rule_where_the_ground_state_moves_with_the_momentum():
    """Three sites and a positive kinetic energy: Z(K) varies on the scale T / 2t."""
    model = xg.electron_tls(xg.lattice.chain(3), g=0.3, omega0=0.3, t=-1.0)
    result = xg.exact(model, T=[0.05, 0.2, 3.0, 50.0], frequency=[0.0], broadening=0.1).compute()
    assert float(abs(xg.sum_rule(result)).max()) < 1e-9


def test_no_weight_has_no_sum_rule():
    """Two sites without a twist: the two bonds carry opposite currents."""
    result = xg.exact(
        xg.electron_tls(xg.lattice.chain(2), g=1.0, omega0=0.3), T=[0.2, 1.0], frequency=[0.0], broadening=0.1
    )
    assert bool(np.isnan(xg.sum_rule(result)).all())


def test_sum_rule_with_disorder():
    model = xg.electron_tls(
        xg.lattice.chain(4), g=xr.DataArray([0.5, 1.0, 0.7, 1.2], dims="site"), omega0=0.1
    )
    result = xg.exact(model, T=[0.2, 1.0], frequency=W, broadening=0.2, twist=0.7).compute()
    assert float(abs(result["stiffness"]).max()) > 1e-3
    assert float(abs(xg.sum_rule(result)).max()) < 1e-9


def test_filter_exponent():
    """Minus the logarithmic derivative of sigma(0) with respect to the broadening: 1 for a free electron,
    small where sigma is smooth.
    """
    model = xg.electron_tls(xg.lattice.chain(6), g=[0.0, 1.0], omega0=0.3)
    h = 1e-4
    result = xg.exact(model, T=[0.3, 2.0], frequency=[0.0], broadening=0.3 * np.exp([-h, 0.0, h])).compute()
    log_sigma = np.log(result["optical_conductivity"].isel(frequency=0))
    slope = -(log_sigma.isel(broadening=2) - log_sigma.isel(broadening=0)) / (2 * h)
    np.testing.assert_allclose(result["filter_exponent"].isel(broadening=1), slope, rtol=0, atol=1e-6)
    np.testing.assert_allclose(result["filter_exponent"].sel(g=0.0), 1.0, rtol=1e-12)
    assert bool(result["filter_limited"].sel(g=0.0).all())
    assert not bool(result["filter_limited"].sel(g=1.0, T=2.0).any())


def test_sum_rule_after_averaging_over_twists():
    """Int_0^inf sigma = (pi/2) <-H_hop>, once finite-ring stiffness has averaged out."""
    model = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.1)
    w = np.linspace(0.0, 12.0, 2401)
    result = xg.exact(
        model, T=[0.2, 1.0], frequency=w, broadening=0.1, momentum=np.pi * (np.arange(48) + 0.5) / 48
    ).compute()
    total = result["optical_conductivity"].integrate(
        "frequency"
    )  # even and smooth: the trapezoidal rule is exact to rounding
    np.testing.assert_allclose(total, -0.5 * np.pi * result["kinetic_energy"], rtol=1e-9)


def test_high_temperature():
    """T int sigma = pi t^2 as T goes to infinity; moments C_0 = 2 t^2, C_2 = 4 g^2 t^2."""
    model = xg.electron_tls(xg.lattice.chain(6), t=0.7, g=1.3, omega0=0.2)
    w = np.linspace(0.0, 14.0, 2801)
    result = xg.exact(
        model, T=1e5, frequency=w, broadening=0.1, momentum=np.pi * (np.arange(24) + 0.5) / 24
    ).compute()
    sigma = result["optical_conductivity"] * 1e5
    assert float(sigma.integrate("frequency")) == pytest.approx(np.pi * 0.7**2, rel=1e-5)
    second = (sigma * w**2).integrate(
        "frequency"
    ) * 2 / np.pi - 0.1**2 * 2 * 0.7**2  # the filter adds its variance
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
    """omega0 = 0: the electron on a ring of frozen energies +-g,
    all configurations with their free weights.
    """
    N, temperature, broadening = 4, 0.6, 0.2
    numerator, Z = np.zeros(W.size), 0.0
    for state in range(2**N):
        alloy = {"t": np.ones(N), "g": np.zeros(N), "g_z": np.zeros(N), "omega0": np.zeros(N)}
        energy = np.array([1.0 - 2.0 * (state >> j & 1) for j in range(N)])
        (sigma,), _, (log_z,) = reference(N, 0.0, [temperature], broadening, **alloy, energy=energy)
        numerator += sigma * np.exp(log_z)
        Z += np.exp(log_z)
    model = xg.electron_tls(xg.lattice.chain(N), g=1.0, omega0=0.0)
    result = xg.exact(model, T=temperature, frequency=W, broadening=broadening).compute()[
        "optical_conductivity"
    ]
    np.testing.assert_allclose(result, numerator / Z, rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"T": 0.0}, "T must be > 0"),
        ({"broadening": 0.0}, "broadening must be > 0"),
        ({"frequency": [1.0, 0.5]}, "frequency must be one rising"),
        ({"momentum": "none"}, "momentum must be 'all'"),
        ({"twist": 0.3}, "twist is for models whose sites differ"),
        ({"max_excitations": -1}, "max_excitations must be a whole number >= 0"),
        ({"max_excitations": 1.5}, "max_excitations must be a whole number >= 0"),
        ({"average": "median"}, "average must be"),
        ({"chunks": "all"}, "chunks must be"),
        ({"chunks": {"walker": 1}}, "'walker'.* cannot be chunked"),
        ({"broadening": [[0.1]]}, "broadening has shape"),
        ({"frequency": []}, "frequency is empty"),
        ({"T": np.nan}, "T must be finite"),
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


def test_models_that_are_not_whole():
    model = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.3)
    for part in (model.isel(site=slice(2)), model.isel(bond=[0])):
        with pytest.raises(ValueError, match="of its 4"):
            xg.exact(part, T=1.0, frequency=W, broadening=0.1)
    with pytest.raises(ValueError, match="at most 62"):
        xg.exact(
            xg.electron_tls(xg.lattice.chain(70), g=1.0, omega0=2.0),
            T=1.0,
            frequency=W,
            broadening=0.1,
            max_excitations=1,
        )
    with pytest.raises(KeyError, match="electron_tls"):
        xg.exact(xg.lattice.chain(4), T=1.0, frequency=W, broadening=0.1)


def test_temperatures_that_depend_on_the_model():
    """A DataArray over T and a dimension of the model, in whichever order."""
    omega0 = xr.DataArray([0.1, 0.5], dims="case")
    model = xg.electron_tls(xg.lattice.chain(3), g=1.0, omega0=omega0)
    temperature = xr.DataArray([[0.5, 1.0], [2.0, 3.0], [4.0, 5.0]], dims=("T", "case"))
    result = xg.exact(model, T=temperature, frequency=W, broadening=0.2).compute()
    assert result["optical_conductivity"].dims == ("case", "T", "frequency")
    one = xg.exact(model.isel(case=1), T=3.0, frequency=W, broadening=0.2).compute()
    np.testing.assert_allclose(
        result["optical_conductivity"].isel(case=1, T=1), one["optical_conductivity"], rtol=1e-12
    )
