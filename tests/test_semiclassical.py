"""Clean bands in Boltzmann's theory, the Mott-Ioffe-Regel limit, Coulomb energies and where curves part."""

import numpy as np
import pytest
import xarray as xr
from scipy import constants as si

import xglass as xg

W = np.linspace(0.0, 2.0, 5)
S3 = np.sqrt(3.0)


def honeycomb(shape):
    bonds = [(0, 1, (0, 0), "z"), (1, 0, (0, 1), "y"), (1, 0, (-1, 1), "x")]
    return xg.lattice.from_cell([[S3, 0], [S3 / 2, 1.5]], shape=shape, basis=[[0, 0], [0, 1]], bonds=bonds)


BANDS = {
    "chain": (xg.lattice.chain(9), {"x": 1.0}, 9),
    "square": (xg.lattice.square(6), {"x": -1.0, "y": -0.5}, 6),
    "triangular": (xg.lattice.triangular(6), {"c": 0.7, "p": 1.0}, 6),
    "cubic": (xg.lattice.cubic(4), {"x": 1.0, "y": 1.0, "z": 0.5}, 4),
}


@pytest.mark.parametrize("name", BANDS)
def test_the_drude_peak_is_what_kubo_gives_for_the_clean_torus(name):
    lattice, hopping, cells = BANDS[name]
    model = xg.charge_glass(lattice, hopping=hopping, interaction=None, filling=0.3125)
    axes = "xyz"[: lattice.sizes["axis"]]
    options = {"T": 0.6, "frequency": W, "direction": ["mean", *axes]}
    drude = xg.boltzmann_conductivity(model, rate=0.1, momenta=cells, **options)
    kubo = xg.optical_conductivity(model, broadening=0.1, **options)
    np.testing.assert_allclose(drude, kubo, rtol=0, atol=1e-10 * float(kubo.max()))
    assert drude.attrs["units"] == kubo.attrs["units"]


def test_the_default_momenta_are_converged():
    lattice, hopping, _ = BANDS["triangular"]
    model = xg.charge_glass(lattice, hopping=hopping, interaction=None)
    options = {"T": 0.1, "frequency": W, "rate": 0.1}
    fine = xg.boltzmann_conductivity(model, momenta=400, **options)
    np.testing.assert_allclose(xg.boltzmann_conductivity(model, **options), fine, rtol=1e-8)


def test_few_particles_have_the_drude_weight_of_free_ones():
    """n << 1 at T << t: sigma = n e^2 / (m Gamma), m = hbar^2 / (2 t a^2) of the square lattice."""
    model = xg.charge_glass(
        xg.lattice.square(4), hopping={"x": -1.0, "y": -1.0}, interaction=None, filling=0.002
    )
    sigma = xg.boltzmann_conductivity(model, T=0.005, frequency=[0.0], rate=0.1, momenta=600)
    assert abs(float(sigma[0]) / (0.002 * 2.0 / 0.1) - 1.0) < 0.01


def test_two_bands_of_the_honeycomb():
    """Closed form E = +-|t (1 + e1 + e2)| with its velocities by differences."""
    model = xg.charge_glass(
        honeycomb((3, 3)), hopping=dict.fromkeys("xyz", 1.0), interaction=None, filling=0.3
    )
    T, number = 0.4, 150
    sigma = xg.boltzmann_conductivity(model, T=T, frequency=[0.0], rate=0.2, momenta=number)
    vectors = np.array([[S3, 0], [S3 / 2, 1.5]])
    grid = np.indices((number, number)).reshape(2, -1).T / number
    waves = grid @ (2 * np.pi * np.linalg.inv(vectors).T)

    def energy(k):
        return abs(1 + np.exp(1j * k @ vectors[1]) + np.exp(1j * k @ (vectors[1] - vectors[0])))

    h = 1e-5
    slopes = [(energy(waves + h * e) - energy(waves - h * e)) / (2 * h) for e in np.eye(2)]
    square = sum(s**2 for s in slopes) / 2
    levels = np.r_[energy(waves), -energy(waves)]
    low, high = -5.0, 5.0
    for _ in range(80):
        mu = (low + high) / 2
        low, high = (mu, high) if (1 / (np.exp((levels - mu) / T) + 1)).mean() < 0.3 else (low, mu)
    f = 1 / (np.exp((levels - mu) / T) + 1)
    wanted = (np.r_[square, square] * f * (1 - f) / T).sum() / number**2 / (1.5 * S3) / 0.2
    assert abs(float(sigma[0]) / wanted - 1) < 1e-3  # differences fail at the two Dirac points


def test_sweeps_and_laziness():
    glass = xg.charge_glass(xg.lattice.triangular(4), t_p=[0.06, 0.12], eta=-1.0, self_image="include")
    options = {"T": [0.1, 0.2], "frequency": W, "rate": 0.2 * glass["t_p"], "momenta": 32}
    sigma = xg.boltzmann_conductivity(glass, **options)
    assert sigma.dims == ("T", "t_p", "frequency")
    alone = xg.boltzmann_conductivity(glass.sel(t_p=0.12), T=0.2, frequency=W, rate=0.024, momenta=32)
    np.testing.assert_allclose(sigma.sel(t_p=0.12, T=0.2), alone, rtol=1e-12)
    assert (sigma.diff("frequency") < 0).all()  # no displaced peak


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rate": 0.0}, ValueError, "rate must be > 0"),
        ({"frequency": [-1.0, 0.0]}, ValueError, "boltzmann_conductivity: frequency must be >= 0"),
        ({"direction": "z"}, ValueError, "direction must be among"),
        ({"momenta": 0}, ValueError, "momenta must be a whole number >= 1"),
        ({"T": None}, KeyError, "has no 'T'"),
    ],
)
def test_bad_input_is_refused(change, error, message):
    glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1)
    with pytest.raises(error, match=message):
        xg.boltzmann_conductivity(glass, **({"T": 0.1, "frequency": W, "rate": 0.1} | change))


def test_disorder_has_no_band():
    lattice = xg.lattice.square(4)
    energies = xg.random_site_energy(lattice, strength=1.0, convention="width", realization=1, seed=1)
    model = xg.charge_glass(
        lattice, hopping={"x": 1.0, "y": 1.0}, interaction=None, site_energy=energies.isel(realization=0)
    )
    with pytest.raises(ValueError, match="site_energy differs from cell to cell"):
        xg.boltzmann_conductivity(model, T=0.1, frequency=W, rate=0.1)


def test_mott_ioffe_regel_by_convention():
    layer = xg.lattice.triangular(6)
    assert abs(float(xg.mott_ioffe_regel(layer, convention="kF_l=1")) - 4 * np.pi) < 1e-12
    limit = xg.mott_ioffe_regel(layer, convention="kF_l=2pi")
    physical = xg.units.to_physical(limit, layer="10 angstrom")
    assert physical.attrs["units"] == "microohm cm"
    assert abs(float(physical) - 2 * si.hbar / si.e**2 * 1e-9 * 1e8) < 1e-6
    # Boltzmann's theory of few cold particles, whose Fermi surface is a sphere
    for lattice, hopping in ((xg.lattice.square(4), "xy"), (xg.lattice.cubic(4), "xyz")):
        axes = len(hopping)
        density, T = {2: (0.01, 0.01), 3: (0.002, 0.025)}[axes]
        bonds = dict.fromkeys(hopping, -1.0)
        model = xg.charge_glass(lattice, hopping=bonds, interaction=None, filling=density)
        fermi = {2: (4 * np.pi * density) ** 0.5, 3: (6 * np.pi**2 * density) ** (1 / 3)}[axes]
        rate = 2.0 * fermi  # v / l with l = 1, v = 2 t k_F
        sigma = xg.boltzmann_conductivity(
            model, T=T, frequency=[0.0], rate=rate, momenta={2: 400, 3: 80}[axes]
        )
        found = xg.mott_ioffe_regel(model, convention="l=a")
        assert abs(float(sigma[0]) * float(found) - 1) < 0.04
    with pytest.raises(ValueError, match=r"convention must be one of .*kF_l=1.*got 'mott'"):
        xg.mott_ioffe_regel(layer, convention="mott")
    with pytest.raises(KeyError, match="has no 'filling'"):
        xg.mott_ioffe_regel(layer, convention="l=a")


def test_coulomb_energy_of_a_material():
    V = xg.units.coulomb_energy(spacing="1 nm")
    assert abs(V.magnitude - si.e / (4 * np.pi * si.epsilon_0 * 1e-9) * 1e3) < 1e-5
    glass = xg.charge_glass(
        xg.lattice.triangular(4),
        t_p="30 meV",
        scale=xg.units.coulomb_energy(spacing="10 angstrom", permittivity=4),
    )
    assert abs(float(glass["scale"]) - V.magnitude / 4) < 1e-6
    for spacing, permittivity, message in (
        ("1 K", 1.0, "spacing must be a positive length"),
        (None, 1.0, "spacing must be a positive length"),
        ("1 nm", 0.0, "permittivity must be a positive number"),
        ("1 nm", "3", "permittivity must be a positive number"),
    ):
        with pytest.raises(ValueError, match=message):
            xg.units.coulomb_energy(spacing=spacing, permittivity=permittivity)


T = np.array([0.02, 0.03, 0.05, 0.08])


def curve(values, **coords):
    return xr.DataArray(
        np.asarray(values, dtype=float), dims="T", coords={"T": ("T", T, {"units": "Vc"})}, name="resistivity"
    ).assign_coords(coords)


def test_two_curves_part_where_their_ratio_crosses_the_factor():
    quench, ordered = curve(np.ones(4)), curve(np.exp(0.03 / T))
    found = xg.irreversibility_temperature(ordered, quench, factor=np.exp(0.75))
    assert found.attrs["units"] == "Vc"
    # between .03 (ratio e) and .05 (e^.6): logarithms along a straight line
    assert abs(float(found) - (0.03 + 0.02 * 0.25 / 0.4)) < 1e-12
    xr.testing.assert_allclose(found, xg.irreversibility_temperature(quench, ordered, factor=np.exp(0.75)))
    shuffled = [2, 0, 3, 1]
    xr.testing.assert_allclose(
        found, xg.irreversibility_temperature(ordered[shuffled], quench[shuffled], factor=np.exp(0.75))
    )
    assert np.isnan(xg.irreversibility_temperature(ordered, quench, factor=10.0))  # never
    assert np.isnan(xg.irreversibility_temperature(ordered, quench, factor=1.2))  # everywhere
    holes = quench.copy()
    holes[2] = np.nan
    straight = xg.irreversibility_temperature(ordered, holes, factor=np.exp(0.75))
    assert abs(float(straight) - (0.03 + 0.05 * 0.25 / 0.625)) < 1e-12
    holes[2] = np.inf  # the inverse of a conductivity of 0
    xr.testing.assert_allclose(straight, xg.irreversibility_temperature(ordered, holes, factor=np.exp(0.75)))


def test_the_first_parting_from_above_counts():
    """Curves that meet again and part once more, as noise makes them, count where they part first."""
    ratio = curve([5.0, 1.0, 5.0, 1.0])
    assert 0.05 < float(xg.irreversibility_temperature(ratio, curve(np.ones(4)))) < 0.08


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: xg.irreversibility_temperature(a, a.isel(T=slice(3))), ValueError, "same labels"),
        (lambda a: xg.irreversibility_temperature(a, a, factor=1.0), ValueError, "factor must be > 1"),
        (lambda a: xg.irreversibility_temperature(a, a, dim="eta"), ValueError, "needs 'eta'"),
        (lambda a: xg.irreversibility_temperature(a[:1], a[:1]), ValueError, "one value along 'T'"),
        (lambda a: xg.irreversibility_temperature(a, a.values), TypeError, "b must be a DataArray"),
        (
            lambda a: xg.irreversibility_temperature(a.drop_vars("T"), a.drop_vars("T")),
            ValueError,
            "no coordinate 'T'",
        ),
    ],
)
def test_refusals_of_partings(call, error, message):
    with pytest.raises(error, match=message):
        call(curve(np.ones(4)))


def test_its_error_by_bootstrap_over_walkers_is_honest():
    """Errors against the scatter of the value over 24 sets of noisy walkers (chance 1e-4 outside 1.8)."""
    rng = np.random.default_rng(4)
    walkers, sets = 24, 24
    clean = np.stack([np.exp(0.03 / T), np.ones(4)])

    def chain(data):
        rho = 1.0 / (1.0 / data).mean("walker")
        a, b = (rho.isel(start=k) for k in (0, 1))
        return xg.irreversibility_temperature(a, b, factor=2.0)

    values, errors = [], []
    for k in range(sets):
        noise = rng.gamma(16.0, 1 / 16, size=(2, walkers, 4))
        data = xr.DataArray(
            clean[:, None] * noise,
            dims=("start", "walker", "T"),
            coords={"T": ("T", T, {"units": "Vc"})},
            name="resistivity",
        )
        result = xg.bootstrap(chain, data, dim="walker", resamples=40, seed=k)
        values.append(float(result["irreversibility_temperature"]))
        errors.append(float(result["irreversibility_temperature_stderr"]))
    scatter = np.nanstd(values, ddof=1)
    assert np.isfinite(values).all()
    assert 1 / 1.8 < np.sqrt(np.nanmean(np.square(errors))) / scatter < 1.8
    assert scatter < 0.006
