"""Conductivity of configurations: dense sums over pairs of states written out, limits, and the sum rule."""

import functools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

import xglass as xg

FREQUENCY = np.linspace(0.0, 2.0, 81)


def from_cell(kind):
    s = np.sqrt(3)
    if kind == "dimer":
        return xg.lattice.from_cell([[2.0]], shape=(1,), basis=[[0.0], [0.7]], bonds=[(0, 1, (0,), "x")])
    if kind == "honeycomb":
        bonds = [(0, 1, (0, 0), "z"), (1, 0, (0, 1), "y"), (1, 0, (-1, 1), "x")]
        return xg.lattice.from_cell([[s, 0], [s / 2, 1.5]], shape=(3, 2), basis=[[0, 0], [0, 1]], bonds=bonds)
    bonds = [(0, 1, (0, 0), "x"), (0, 2, (0, 0), "y"), (1, 2, (0, 0), "z")]
    bonds += [(1, 0, (1, 0), "x"), (2, 0, (0, 1), "y"), (2, 1, (-1, 1), "z")]
    basis = [[0, 0], [1, 0], [0.5, s / 2]]
    return xg.lattice.from_cell([[2, 0], [1, s]], shape=(2, 2), basis=basis, bonds=bonds)


def glass(kind):
    if kind == "triangular":
        return xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, eta=-0.7, self_image="include")
    hopping = {
        "dimer": {"x": 0.3},
        "ring": {"x": -0.2},
        "honeycomb": {"x": 0.1, "y": 0.15, "z": -0.2},
        "kagome": {"x": 0.1, "y": 0.1, "z": 0.2},
        "cubic": {"x": 0.1, "y": 0.2, "z": 0.3},
    }[kind]
    if kind == "cubic":
        lattice = xg.lattice.cubic(3)
        return xg.charge_glass(
            lattice, hopping=hopping, filling=13 / 27, interaction=xg.lattice.yukawa(lattice, length=1.0)
        )
    lattice = xg.lattice.chain(4) if kind == "ring" else from_cell(kind)
    if lattice.sizes["axis"] == 1:
        interaction = xg.lattice.power_law(lattice, exponent=2.0) if kind == "ring" else None
        return xg.charge_glass(lattice, hopping=hopping, interaction=interaction)
    return xg.charge_glass(lattice, hopping=hopping, self_image="include")


KINDS = ("dimer", "ring", "triangular", "honeycomb", "kagome", "cubic")


@functools.cache
def run_of(kind, T=0.08):
    moves = "exchange"
    return xg.metropolis(
        glass(kind), T=T, walker=2, sweep=2, weight="classical", moves=moves, seed=11, chunks=None
    )


def states_by_hand(run):
    """Levels, complex velocities (axis, n, m), occupations, volume of one configuration, all dense."""
    sites, axes = run.sizes["site"], run.sizes["axis"]
    n = run["occupation"].values.astype(float)
    phi = run["interaction"].values @ n + run["site_energy"].values
    h = np.diag(phi).astype(complex)
    v = np.zeros((axes, sites, sites), complex)
    for i, j, r, t in zip(
        *(run[k].values for k in ("bond_source", "bond_target", "bond_vector", "hopping")), strict=True
    ):
        h[i, j] += t
        h[j, i] += t
        for a in range(axes):  # i [H, r_a], bond by bond
            v[a, i, j] += 1j * t * r[a]
            v[a, j, i] -= 1j * t * r[a]
    e, u = np.linalg.eigh(h)
    T, number = float(run["T"]), n.sum()
    mu = brentq(lambda mu: (1 / (np.exp((e - mu) / T) + 1)).sum() - number, e[0] - 2, e[-1] + 2, xtol=1e-14)
    f = 1 / (np.exp((e - mu) / T) + 1)
    volume = abs(np.linalg.det(run["torus"].values))
    return e, np.array([u.conj().T @ part @ u for part in v]), f, volume, T


def sigma_by_hand(states, direction, shape):
    """Sum over all ordered pairs of states, degenerate ones by their limit."""
    e, v, f, volume, T = states
    n, m = np.nonzero(~np.eye(e.size, dtype=bool))
    gap = e[m] - e[n]
    near = abs(gap) < 1e-9
    ratio = np.where(near, f[n] * (1 - f[n]) / T, (f[n] - f[m]) / np.where(near, 1.0, gap))
    axes = len(v)
    pairs = [(a, a) for a in range(axes)]
    if direction != "mean":
        pairs = [("xyz".index(direction[0]), "xyz".index(direction[-1]))]
    weight = sum(np.pi / volume * ratio * (v[a, n, m] * v[b, m, n]).real for a, b in pairs) / len(pairs)
    return weight @ shape(gap[:, None])


def lorentzian(gap, width=0.06):
    return width / np.pi / ((FREQUENCY - gap) ** 2 + width**2)


def gaussian(gap, width=0.06):
    return np.exp(-0.5 * ((FREQUENCY - gap) / width) ** 2) / np.sqrt(2 * np.pi) / width


def in_bins(gap):
    step = FREQUENCY[1]
    return (abs(FREQUENCY - gap) < step / 2) / step


@pytest.mark.parametrize("kind", KINDS)
def test_conductivity_is_the_dense_sum_over_pairs(kind):
    run = run_of(kind)
    axes = run.sizes["axis"]
    names = ["mean", *"xyz"[:axes], *(["xy", "yx"] if axes > 1 else [])]
    for shape, options in {
        lorentzian: {"broadening": 0.06},
        gaussian: {"broadening": 0.06, "filter": "gaussian"},
        in_bins: {"broadening": None},
    }.items():
        sigma = xg.optical_conductivity(run, frequency=FREQUENCY, direction=names, **options)
        assert sigma.dims == ("walker", "sweep", "direction", "frequency")
        for place in ({"walker": 0, "sweep": 1}, {"walker": 1, "sweep": 2}):
            states = states_by_hand(run.isel(place))
            for name in names:
                wanted = sigma_by_hand(states, name, shape)
                found = sigma.isel(place).sel(direction=name).values
                np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * max(1.0, abs(wanted).max()))
                assert name in ("xy", "yx") or (found >= 0).all()


def test_a_dimer_in_closed_form():
    """One particle on two sites: a single line at 2 t."""
    t, d, period, T = 0.3, 0.7, 2.0, 0.2
    model = glass("dimer")
    sigma = xg.optical_conductivity(model, T=T, frequency=FREQUENCY, broadening=0.06)
    weight = np.pi / period * np.tanh(t / (2 * T)) / (2 * t) * (t * d) ** 2
    np.testing.assert_allclose(sigma, weight * (lorentzian(2 * t) + lorentzian(-2 * t)), rtol=1e-12)
    assert sigma.attrs["units"] == "e^2 a/hbar"


@pytest.mark.parametrize("kind", KINDS)
def test_sum_rule_holds_with_the_stiffness_by_its_own_route(kind):
    run = run_of(kind)
    axes = run.sizes["axis"]
    names = ["mean", *"xyz"[:axes], *(["xy"] if axes > 1 else [])]
    violation = xg.sum_rule(run, direction=names)
    assert violation.dims == ("walker", "sweep", "direction")
    assert float(abs(violation).max()) < 1e-8
    assert float(abs(xg.sum_rule(run)).max()) < 1e-8  # the mean of all directions


@pytest.mark.parametrize("kind", ["triangular", "ring"])
def test_sum_rule_is_what_bins_and_kinetic_energy_leave_to_the_stiffness(kind):
    """The stiffness of small tori is large, of either sign: without it the rule is missed by far."""
    run = run_of(kind).isel(sweep=-1)
    w = np.linspace(0.0, 20.0, 2001)
    bins = xg.optical_conductivity(run, frequency=w, broadening=None, direction="x")
    pairs = (bins.sum("frequency") - 0.5 * bins.sel(frequency=0.0)) * w[1]
    e, _, f, volume, _ = states_by_hand(run.isel(walker=0))
    h = np.zeros((e.size, e.size))
    phi = xg.electrostatic_potential(run).isel(walker=0).values
    bonds = [run[k].values for k in ("bond_source", "bond_target", "bond_vector", "hopping")]
    for i, j, _, t in zip(*bonds, strict=True):
        h[i, j] += t
        h[j, i] += t
    _, u = np.linalg.eigh(h + np.diag(phi))
    matrix = (u * f) @ u.T
    kinetic = -np.pi / volume * sum(t * r[0] ** 2 * matrix[i, j] for i, j, r, t in zip(*bonds, strict=True))
    missed = abs(float(pairs.isel(walker=0)) - kinetic) / max(abs(kinetic), float(pairs.isel(walker=0)))
    assert missed > 0.01
    assert abs(float(xg.sum_rule(run.isel(walker=0), direction="x"))) < 1e-8


@pytest.mark.parametrize(
    ("lattice", "hopping"),
    [
        (xg.lattice.square(6), {"x": -1.0, "y": -1.0}),
        (xg.lattice.triangular(6), {"c": 0.7, "p": 1.0}),
        (xg.lattice.cubic(4), {"x": 1.0, "y": 1.0, "z": 1.0}),
    ],
)
def test_the_clean_band_is_a_drude_weight_of_its_velocities(lattice, hopping):
    """All weight of pairs lies at zero frequency: pi / V sum_k v_k^2 (-df/de), half of it above zero."""
    T, axes = 0.6, lattice.sizes["axis"]
    model = xg.charge_glass(lattice, hopping=hopping, interaction=None, filling=0.3125)
    w = np.linspace(0.0, 16.0, 1601)
    sigma = xg.optical_conductivity(model, T=T, frequency=w, broadening=None, direction=[*"xyz"[:axes]])
    assert float(abs(sigma.isel(frequency=slice(1, None))).max()) < 1e-12

    cells = lattice["cells"].values
    kinds = lattice["bond_kind"].values
    number = lattice.sizes["site"]
    first = lattice["bond_source"].values == 0
    vectors, amplitudes = lattice["bond_vector"].values[first], [hopping[k] for k in kinds[first]]
    periods = lattice["torus"].values
    waves = np.indices(cells).reshape(axes, -1).T @ (2 * np.pi * np.linalg.inv(periods).T)
    phase = waves @ vectors.T
    e = 2 * np.cos(phase) @ amplitudes
    velocity = np.array([-2 * np.sin(phase) @ (amplitudes * vectors[:, a]) for a in range(axes)])
    mu = brentq(lambda mu: (1 / (np.exp((e - mu) / T) + 1)).sum() - 0.3125 * number, -20, 20, xtol=1e-13)
    f = 1 / (np.exp((e - mu) / T) + 1)
    wanted = np.pi / abs(np.linalg.det(periods)) * (velocity**2 * f * (1 - f) / T).sum(axis=-1)
    np.testing.assert_allclose(sigma.isel(frequency=0) * w[1], wanted, rtol=1e-10)
    assert float(abs(xg.sum_rule(xg.diagonalize(model, T=T)))) < 1e-8


def test_axes_are_equal_where_the_lattice_says_so():
    for lattice, kinds in ((xg.lattice.square(4), "xy"), (xg.lattice.triangular(4), "cp")):
        model = xg.charge_glass(lattice, hopping=dict.fromkeys(kinds, 0.2), interaction=None)
        sigma = xg.optical_conductivity(
            model, T=0.1, frequency=FREQUENCY, broadening=0.1, direction=["x", "y", "xy"]
        )
        x, y, xy = (sigma.sel(direction=name) for name in ("x", "y", "xy"))
        np.testing.assert_allclose(x, y, rtol=1e-10)
        assert float(abs(xy).max()) < 1e-12 * float(x.max())


def test_stripes_absorb_at_their_gap_with_the_square_of_the_hopping():
    """Classical charges of a perfect stripe: sigma ~ t_p^2 at small t_p, at the gap of 1.404 V."""
    peaks = []
    for t_p in (0.002, 0.004):
        model = xg.charge_glass(xg.lattice.triangular(6), t_p=t_p, eta=-1.0, self_image="include")
        run = xg.metropolis(model, T=0.03, walker=1, sweep=1, start="ordered", weight="classical", seed=1)
        sigma = xg.optical_conductivity(
            run.isel(sweep=0, walker=0), frequency=np.linspace(0, 2, 401), broadening=0.02, direction="y"
        )
        assert abs(float(xg.peak_frequency(sigma)) - 1.404474) < 2e-3
        peaks.append(float(sigma.max()))
    assert abs(peaks[1] / peaks[0] - 4.0) < 0.01


configurations = st.permutations([0, 1] * 8)


def run_with(occupation, eta=-0.6, T=0.1):
    model = xg.charge_glass(xg.lattice.triangular(4), t_p=0.15, eta=eta, self_image="include")
    occupation = xr.DataArray(np.array(occupation, dtype=np.int8), dims="site")
    return model.assign(occupation=occupation).assign_coords(T=T)


@given(configurations)
def test_any_configuration_has_positive_diagonal_parts_and_obeys_the_sum_rule(occupation):
    run = run_with(occupation)
    sigma = xg.optical_conductivity(
        run, frequency=FREQUENCY, broadening=0.05, direction=["x", "y", "xy", "mean"]
    )
    x, y, xy, mean = (sigma.sel(direction=name) for name in ("x", "y", "xy", "mean"))
    assert (x >= 0).all()
    assert (y >= 0).all()
    assert (abs(xy) <= (x * y) ** 0.5 * (1 + 1e-9) + 1e-15).all()  # a positive tensor at every frequency
    np.testing.assert_allclose(mean, (x + y) / 2, rtol=1e-12)
    assert float(abs(xg.sum_rule(run, direction=["x", "y", "xy"])).max()) < 1e-8


@given(configurations, st.integers(0, 3), st.integers(0, 3))
def test_moving_all_charges_changes_nothing(occupation, i, j):
    moved = np.roll(np.reshape(occupation, (4, 4)), (i, j), axis=(0, 1)).ravel()
    options = {"frequency": FREQUENCY, "broadening": 0.05, "direction": ["x", "y", "xy"]}
    here, there = (xg.optical_conductivity(run_with(n), **options) for n in (occupation, moved))
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-11 * float(here.max()))


@given(configurations)
def test_holes_for_particles_and_the_other_sign_of_eta_change_nothing(occupation):
    """n -> 1 - n with eta -> -eta, up to a gauge that turns the sign of t_p: L is even."""
    options = {"frequency": FREQUENCY, "broadening": 0.05, "direction": ["x", "y", "xy"]}
    holes = 1 - np.array(occupation)
    here = xg.optical_conductivity(run_with(occupation, eta=-0.6), **options)
    there = xg.optical_conductivity(run_with(holes, eta=0.6), **options)
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-11 * float(here.max()))


@pytest.mark.parametrize("W", [1.5, 2.5])
def test_weak_disorder_scatters_at_the_rate_of_born(W):
    """Anderson's model in two dimensions against Boltzmann's: 1/tau(E) = 2 pi <V^2> N(E), plus the filter.

    16 realizations are known to 1.7 %: four errors (chance 6e-5), besides the 2 % that 16 x 16 sites lack.
    """
    n, T, width = 0.3, 0.3, 0.2
    lattice = xg.lattice.square(16)
    energies = xg.random_site_energy(lattice, strength=W, convention="width", realization=16, seed=3)
    model = xg.charge_glass(
        lattice, hopping={"x": -1.0, "y": -1.0}, interaction=None, site_energy=energies, filling=n
    )
    sigma = xg.optical_conductivity(model, T=T, frequency=[0.0], broadening=width).isel(frequency=0)
    k = 2 * np.pi * np.arange(400) / 400
    e, v = -2 * np.add.outer(np.cos(k), np.cos(k)).ravel(), np.repeat(2 * np.sin(k), 400)
    mu = brentq(lambda mu: (1 / (np.exp((e - mu) / T) + 1)).mean() - n, -9, 9)
    f = 1 / (np.exp((e - mu) / T) + 1)
    levels, edges = np.histogram(e, bins=161, range=(-4.1, 4.1), density=True)
    rate = 2 * np.pi * W**2 / 12 * np.interp(e, (edges[1:] + edges[:-1]) / 2, levels)
    boltzmann = (v**2 * f * (1 - f) / T / (rate + width)).mean()
    error = float(sigma.std() / 4) / boltzmann
    assert error < 0.02
    assert abs(float(sigma.mean()) / boltzmann - 0.98) < 4 * 0.0125 + 0.02
