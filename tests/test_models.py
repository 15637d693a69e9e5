"""Models: how parameters broadcast, what a Dataset carries, and the statistics of disorder."""

import numpy as np
import pint
import pytest
import xarray as xr
from scipy import stats

import xglass as xg
from xglass.testing import tiny_glass

LATTICE = xg.lattice.triangular(4)
SQUARE = xg.lattice.square(4)

# False alarms: the tests of this file make fewer than a hundred comparisons, each at 1e-6, with fixed seeds:
# together below 1e-4.
ALARM = 1e-6


def glass(**parameters):
    return xg.charge_glass(LATTICE, **({"t_p": 0.12, "eta": -1.0} | parameters))


def dense(model):
    """The hopping matrix, with '+=' for double bonds."""
    n = model.sizes["site"]
    matrix = np.zeros((n, n))
    np.add.at(matrix, (model["bond_source"].values, model["bond_target"].values), model["hopping"].values)
    return matrix + matrix.T


# --- broadcasting -------------------------------------------------------------------------------------------


def test_a_scalar_stays_a_scalar_coordinate():
    model = glass(t_p=0.12, eta=-0.5, filling=0.25)
    assert not model.data_vars
    for name, value in (("t_p", 0.12), ("eta", -0.5), ("filling", 0.25)):
        assert name in model.coords
        assert model[name].dims == ()
        assert float(model[name]) == value
    assert model["hopping"].dims == ("bond",)
    assert model["interaction"].dims == ("site", "site2")
    assert model["site_energy"].dims == ("site",)


@pytest.mark.parametrize(
    "values", [[-1.0, -0.5, -0.1], (-1.0, -0.5, -0.1), np.array([-1.0, -0.5, -0.1]), np.linspace(-1, 1, 3)]
)
def test_a_sequence_becomes_a_dimension_of_its_own_name(values):
    model = glass(eta=values)
    assert model["eta"].dims == ("eta",)
    assert "eta" in model.indexes
    assert model["hopping"].dims == ("eta", "bond")
    for value in values:
        xr.testing.assert_identical(model.sel(eta=value), glass(eta=value))


def test_a_range_of_integers_is_a_sequence():
    assert glass(eta=range(3))["eta"].dtype == np.float64
    assert glass(eta=range(3))["eta"].values.tolist() == [0.0, 1.0, 2.0]


def test_data_arrays_zip_along_a_shared_dimension():
    model = glass(
        t_p=xr.DataArray([0.1, 0.2], dims="point", coords={"point": ["a", "b"]}),
        eta=xr.DataArray([-1.0, 0.5], dims="point", coords={"point": ["a", "b"]}),
        filling=xr.DataArray([0.25, 0.5], dims="point"),
    )
    assert model["hopping"].dims == ("point", "bond")
    for name in ("t_p", "eta", "filling"):
        assert model[name].dims == ("point",)
    for label, t_p, eta in (("a", 0.1, -1.0), ("b", 0.2, 0.5)):
        np.testing.assert_array_equal(dense(model.sel(point=label)), dense(glass(t_p=t_p, eta=eta)))


def test_distinct_dimensions_are_crossed():
    model = glass(t_p=[0.1, 0.2], eta=[-1.0, 0.0, 1.0])
    assert set(model["hopping"].dims) == {"t_p", "eta", "bond"}
    assert model["hopping"].dims[-1] == "bond"
    for t_p in (0.1, 0.2):
        for eta in (-1.0, 0.0, 1.0):
            np.testing.assert_array_equal(dense(model.sel(t_p=t_p, eta=eta)), dense(glass(t_p=t_p, eta=eta)))
    mixed = glass(
        t_p=xr.DataArray([0.1, 0.2], dims="eta", coords={"eta": [-1.0, 1.0]}), eta=[-1.0, 1.0]
    )  # zipped with a sequence
    assert mixed["hopping"].dims == ("eta", "bond")
    assert mixed["t_p"].dims == ("eta",)


def test_a_data_array_with_its_own_dimension_is_labelled_by_its_values():
    model = glass(eta=xr.DataArray([-1.0, 0.5], dims="eta", coords={"eta": [7, 8]}))
    assert model["eta"].values.tolist() == [-1.0, 0.5]
    assert float(model.sel(eta=0.5)["eta"]) == 0.5


POINTS = {"dims": "point", "coords": {"point": [1, 2]}}
OTHERS = {"dims": "point", "coords": {"point": [2, 3]}}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: glass(t_p=xr.DataArray([0.1, 0.2], **POINTS), eta=xr.DataArray([1.0, 2.0], **OTHERS)),
            r"\b(eta|t_p|hopping)\b",
        ),
        (
            lambda: glass(
                t_p=xr.DataArray([0.1, 0.2], **POINTS), filling=xr.DataArray([0.25, 0.5], **OTHERS)
            ),
            r"\b(filling|t_p|hopping)\b",
        ),
        (
            lambda: glass(
                t_p=xr.DataArray([0.1, 0.2], dims="point"), eta=xr.DataArray([1.0, 2.0, 3.0], dims="point")
            ),
            r"\b(eta|t_p|hopping)\b",
        ),
        (
            lambda: glass(
                t_p=xr.DataArray([0.1, 0.2], dims="point"),
                filling=xr.DataArray([0.25, 0.5, 0.1], dims="point"),
            ),
            r"\b(filling|t_p)\b",
        ),
        (
            lambda: xg.charge_glass(
                LATTICE,
                hopping={"c": xr.DataArray([0.1, 0.2], **POINTS), "p": xr.DataArray([0.1, 0.2], **OTHERS)},
            ),
            "hopping",
        ),
        (
            lambda: xg.random_couplings(
                4,
                J=xr.DataArray([1.0, 2.0], dims="realization", coords={"realization": [0, 5]}),
                realization=2,
                seed=1,
            ),
            r"\bJ\b",
        ),
        (
            lambda: xg.random_site_energy(
                4,
                strength=xr.DataArray([1.0, 2.0], dims="realization", coords={"realization": [0, 5]}),
                convention="std",
                realization=2,
                seed=1,
            ),
            "strength",
        ),
        (
            lambda: glass(
                interaction=xg.random_couplings(LATTICE, realization=3, seed=1),
                site_energy=xg.random_site_energy(
                    LATTICE, strength=1.0, convention="std", realization=2, seed=1
                ),
            ),
            "site_energy does not fit",
        ),
        (
            lambda: glass(
                t_p=xr.DataArray([0.1, 0.2], dims="gate_distance", coords={"gate_distance": [1.0, 3.0]}),
                interaction=xg.coulomb(LATTICE, gate_distance=[1.0, 2.0]),
            ),
            "interaction does not fit",
        ),
    ],
)
def test_parameters_that_share_a_dimension_must_agree_exactly(build, message):
    """Never an inner join: points would be lost without a word."""
    with pytest.raises(ValueError, match=message):
        build()


def test_canonical_values_are_coordinate_and_physics():
    """Twelve digits, float32 through its shortest form, no negative zero."""
    model = glass(t_p=np.float32(0.1), eta=[0.1 + 0.2, -0.0])
    assert float(model["t_p"]) == 0.1
    assert model["eta"].values.tolist() == [0.3, 0.0]
    assert not np.signbit(model["eta"].values).any()
    np.testing.assert_array_equal(
        model["hopping"].sel(eta=0.3).values, glass(t_p=0.1, eta=0.3)["hopping"].values
    )
    xr.testing.assert_identical(glass(t_p=1 / 3), glass(t_p=0.333333333333))
    assert glass(eta=np.float32([0.1, 0.3]))["eta"].values.tolist() == [0.1, 0.3]
    array = xr.DataArray(np.float32([0.1, 0.7]), dims="point")
    assert glass(eta=array)["eta"].values.tolist() == [0.1, 0.7]
    assert glass(eta=xr.DataArray([1.0, 2.0], dims="T", coords={"T": np.float32([0.1, 0.3])}))[
        "T"
    ].values.tolist() == [0.1, 0.3]


def test_quantities_and_strings_enter_once():
    ureg = pint.UnitRegistry()
    for value in (
        "42 meV",
        "0.042 eV",
        ureg.Quantity(42, "meV"),
        xg.units.registry.Quantity(42.0, "meV"),
        0.12,
        "0.12 Vc",
    ):
        model = glass(t_p=value, scale="0.35 eV")
        assert float(model["t_p"]) == 0.12
        assert model["t_p"].attrs["units"] == "Vc"
        assert float(model["scale"]) == 350.0
        assert model["scale"].attrs["units"] == "meV"
    swept = glass(t_p=["35 meV", 0.2, ureg.Quantity(0.105, "eV")], scale="0.35 eV")
    assert swept["t_p"].values.tolist() == [0.1, 0.2, 0.3]
    swept = glass(t_p=ureg.Quantity([35, 70], "meV"), scale="0.35 eV")
    assert swept["t_p"].values.tolist() == [0.1, 0.2]
    named = glass(t_p=xr.DataArray([35.0, 70.0], dims="point", attrs={"units": "meV"}), scale="0.35 eV")
    assert named["t_p"].values.tolist() == [0.1, 0.2]
    bonds = xg.charge_glass(LATTICE, hopping={"c": "-35 meV", "p": 0.12}, scale="0.35 eV")
    np.testing.assert_array_equal(
        dense(bonds), dense(xg.charge_glass(LATTICE, hopping={"c": -0.1, "p": 0.12}))
    )


def test_energies_with_units_are_converted_to_the_scale():
    energy = xr.DataArray(np.linspace(0, 35.0, 16), dims="site", attrs={"units": "meV"})
    coupling = xg.coulomb(LATTICE) * 350.0
    model = glass(site_energy=energy, interaction=coupling.assign_attrs(units="meV"), scale="0.35 eV")
    np.testing.assert_allclose(model["site_energy"], np.linspace(0, 0.1, 16), rtol=1e-15)
    np.testing.assert_allclose(model["interaction"], xg.coulomb(LATTICE), rtol=1e-14)
    assert model["site_energy"].attrs["units"] == model["interaction"].attrs["units"] == "Vc"
    with pytest.raises(
        ValueError, match=r"site_energy came as 1 meV, but the model has no energy scale; pass scale="
    ):
        glass(site_energy=energy)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"t_p": np.nan}, ValueError, "t_p must be finite"),
        ({"t_p": [0.1, np.inf]}, ValueError, "t_p must be finite"),
        ({"t_p": []}, ValueError, "t_p is empty"),
        ({"t_p": [0.1, 0.1]}, ValueError, "t_p repeats values"),
        ({"eta": [0.3, 0.1 + 0.2]}, ValueError, "eta repeats values"),
        ({"t_p": [[0.1]]}, ValueError, "one-dimensional"),
        ({"t_p": 1j}, TypeError, "t_p must be real numbers"),
        ({"t_p": True}, TypeError, "t_p must be real numbers"),
        ({"t_p": {0.1}}, TypeError, "t_p must be a number, a sequence"),
        ({"t_p": "cold"}, ValueError, "t_p: 'cold' is not a number with a unit"),
        ({"t_p": "30 K"}, ValueError, "t_p came as 30 K, but the model has no energy scale; pass scale="),
        ({"t_p": "3 m"}, ValueError, r"t_p came as 3 m of dimension \[length\]; pass an energy"),
        ({"t_p": "0.1 tc"}, ValueError, "t_p came as 0.1 tc .*; pass an energy"),
        ({"eta": "3 meV"}, ValueError, "eta came as 3 meV .*; pass a plain number"),
        ({"t_p": xr.DataArray([0.1], dims="t_p").chunk()}, ValueError, "t_p is lazy .*compute"),
        (
            {"t_p": xr.DataArray([0.1], dims="walker")},
            ValueError,
            "'walker'.*cannot be dimensions of this parameter",
        ),
        ({"filling": 0.0}, ValueError, r"filling must be in \(0, 1\), got 0"),
        ({"filling": [0.5, 1.0]}, ValueError, r"filling must be in \(0, 1\)"),
        ({"scale": 350.0}, ValueError, "scale must be one energy with its unit, such as '0.35 eV'"),
        ({"scale": "300 nm"}, ValueError, "scale must be one energy with its unit"),
        ({"scale": "-1 eV"}, ValueError, "scale must be > 0"),
        ({"scale": ["1 eV", "2 eV"]}, ValueError, "scale must be one energy"),
        ({"centred": 1}, TypeError, "centred must be True or False"),
        ({"centred": "yes"}, TypeError, "centred must be True or False"),
        ({"interaction": "yukawa"}, ValueError, "interaction must be 'coulomb'"),
        ({"interaction": np.zeros((16, 16))}, TypeError, "interaction must be .*DataArray .*got ndarray"),
        (
            {"interaction": xr.DataArray(np.zeros((16, 16)), dims=("site", "x"))},
            ValueError,
            r"interaction .*lacks \['site2'\]",
        ),
        (
            {"interaction": xr.DataArray(np.zeros((9, 9)), dims=("site", "site2"))},
            ValueError,
            "interaction has 9 entries along 'site', the lattice has 16",
        ),
        (
            {"interaction": xr.DataArray(np.full((16, 16), np.nan), dims=("site", "site2"))},
            ValueError,
            "interaction must be finite",
        ),
        (
            {"interaction": xr.DataArray(np.triu(np.ones((16, 16))), dims=("site", "site2"))},
            ValueError,
            "interaction is not symmetric.*up to 1;",
        ),
        (
            {"interaction": xr.DataArray(np.diag(np.arange(16.0)), dims=("site", "site2"))},
            ValueError,
            "diagonal that differs .*site_energy",
        ),
        (
            {"interaction": None, "self_image": "include"},
            ValueError,
            "self_image='include' belongs to interaction='coulomb'",
        ),
        ({"interaction": xg.coulomb(LATTICE), "self_image": -0.1}, ValueError, "self_image=-0.1 belongs"),
        ({"self_image": "both"}, ValueError, "self_image must be"),
        ({"site_energy": 1.0}, TypeError, "site_energy must be a DataArray"),
        (
            {"site_energy": xr.DataArray(np.zeros(4), dims="site")},
            ValueError,
            "site_energy has 4 entries along 'site', the lattice has 16",
        ),
        (
            {"site_energy": xr.DataArray(np.zeros(16), dims="x")},
            ValueError,
            r"site_energy .*lacks \['site'\]",
        ),
        ({"hopping": {"c": 1.0, "p": 1.0}}, ValueError, "t_p and hopping are two ways to say the same"),
        ({"t_p": None, "eta": 2.0}, ValueError, "eta is the ratio .* needs t_p"),
        (
            {"t_p": None, "eta": 1.0, "hopping": {"c": 1.0}},
            ValueError,
            r"hopping: missing kinds of bonds \['p'\]; this lattice has \['c', 'p'\]",
        ),
        (
            {"t_p": None, "eta": 1.0, "hopping": {"c": 1, "p": 1, "x": 1}},
            ValueError,
            r"hopping: unknown kinds of bonds \['x'\]",
        ),
        (
            {"t_p": None, "eta": 1.0, "hopping": {"c": [1, 2], "p": 1}},
            ValueError,
            r"hopping\['c'\] is a sequence; .*DataArray",
        ),
        ({"t_p": None, "eta": 1.0, "hopping": [1.0] * 48}, TypeError, "hopping must be a DataArray"),
        (
            {"t_p": None, "eta": 1.0, "hopping": xr.DataArray(np.ones(47), dims="bond")},
            ValueError,
            "hopping has 47 entries along 'bond', the lattice has 48",
        ),
    ],
)
def test_mistakes_name_the_argument_and_what_to_write(parameters, error, message):
    with pytest.raises(error, match=message):
        glass(**parameters)


def test_t_p_belongs_to_the_triangular_lattice():
    with pytest.raises(ValueError, match=r"here write hopping=\{'x': ..., 'y': ...\}"):
        xg.charge_glass(SQUARE, t_p=0.1)
    with pytest.raises(TypeError, match="charge_glass: give the Dataset"):
        xg.charge_glass(16, t_p=0.1)


# --- what a model is ----------------------------------------------------------------------------------------


def test_hopping_three_ways_is_one_matrix():
    """eta t_p is a product of two rounded numbers:
    equal to one unit in the last place of a number typed in.
    """
    t_p, eta = 0.12, -0.35
    sugar = dense(glass(t_p=t_p, eta=eta))
    kinds = dense(xg.charge_glass(LATTICE, hopping={"c": t_p * eta, "p": t_p}))
    bonds = xr.where(LATTICE["bond_kind"] == "c", t_p * eta, t_p)
    array = dense(xg.charge_glass(LATTICE, hopping=bonds))
    np.testing.assert_allclose(kinds, sugar, rtol=3e-16)
    np.testing.assert_array_equal(array, kinds)
    by_hand = np.zeros((16, 16))
    for s in range(16):
        i, j = s % 4, s // 4
        for di, dj, t in ((1, 0, t_p * eta), (0, 1, t_p), (-1, 1, t_p)):
            other = (i + di) % 4 + 4 * ((j + dj) % 4)
            by_hand[s, other] += t
            by_hand[other, s] += t
    np.testing.assert_allclose(sugar, by_hand, rtol=3e-16)


def test_hopping_of_other_lattices_and_dims():
    square = xg.charge_glass(SQUARE, hopping={"x": 1.0, "y": 0.5})
    k = 2 * np.pi * np.arange(4) / 4
    levels = (2 * np.cos(k)[:, None] + np.cos(k)).ravel()
    np.testing.assert_allclose(np.linalg.eigvalsh(dense(square)), np.sort(levels), rtol=0, atol=1e-13)
    swept = xg.charge_glass(SQUARE, hopping={"x": xr.DataArray([1.0, 2.0], dims="strain"), "y": 0.5})
    assert swept["hopping"].dims == ("strain", "bond")
    np.testing.assert_array_equal(dense(swept.isel(strain=0)), dense(square))
    assert "t_p" not in square.coords
    assert "eta" not in square.coords
    np.testing.assert_array_equal(xg.charge_glass(LATTICE)["hopping"], 0.0)


@pytest.mark.parametrize("self_image", ["exclude", "include", -0.18])
def test_the_default_interaction_is_coulomb(self_image):
    model = glass(self_image=self_image)
    np.testing.assert_array_equal(model["interaction"], xg.coulomb(LATTICE, self_image=self_image))
    assert model["interaction"].attrs == xg.coulomb(LATTICE).attrs


def test_no_interaction_is_zero():
    model = glass(interaction=None)
    assert model["interaction"].dims == ("site", "site2")
    assert model["interaction"].shape == (16, 16)
    np.testing.assert_array_equal(model["interaction"], 0.0)


def test_an_interaction_of_ones_own_keeps_dims_labels_and_digits():
    swept = xg.coulomb(LATTICE, gate_distance=[0.5, 2.0], self_image="include")
    model = glass(interaction=swept.transpose("site", "gate_distance", "site2"))
    assert model["interaction"].dims == ("gate_distance", "site", "site2")
    assert model["gate_distance"].values.tolist() == [0.5, 2.0]
    np.testing.assert_array_equal(model["interaction"], swept)
    single = glass(interaction=xg.coulomb(LATTICE, gate_distance=0.5))
    assert float(single["gate_distance"]) == 0.5
    narrow = glass(interaction=xg.coulomb(LATTICE).astype(np.float32))
    assert narrow["interaction"].dtype == np.float64


def test_disorder_travels_with_its_labels():
    couplings = xg.random_couplings(LATTICE, J=[0.5, 1.0], realization=[3, 5], seed=1)
    energies = xg.random_site_energy(
        LATTICE, strength=xr.DataArray([1.0, 2.0], dims="W"), convention="std", realization=[3, 5], seed=1
    )
    model = glass(interaction=couplings, site_energy=energies)
    assert model["interaction"].dims == ("J", "realization", "site", "site2")
    assert model["site_energy"].dims == ("W", "realization", "site")
    assert model["strength"].dims == ("W",)
    assert model["realization"].values.tolist() == [3, 5]
    assert model["J"].values.tolist() == [0.5, 1.0]
    np.testing.assert_array_equal(model["interaction"], couplings)
    np.testing.assert_array_equal(model["site_energy"], energies)


@pytest.mark.parametrize("centred", [False, True, np.True_])
def test_centred_is_a_coordinate(centred):
    model = glass(centred=centred)
    assert bool(model["centred"]) is bool(centred)
    assert model["centred"].dtype == bool
    np.testing.assert_array_equal(
        model["interaction"], glass()["interaction"]
    )  # it changes how it acts, not what it is


def test_centring_shifts_the_energy_by_a_constant_and_the_potential_too():
    """(n - f) U (n - f)/2 = n U n/2 - f sum_i r_i n_i + const:
    with equal row sums r a constant at fixed number.
    """
    run = xg.testing.tiny_run(tiny_glass(eta=-1.0), T=0.1, sweep=3, weight="classical").compute()
    model = tiny_glass(eta=-1.0, centred=True)
    centred = xg.testing.tiny_run(model, T=0.1, sweep=3, weight="classical").compute()
    np.testing.assert_array_equal(centred["occupation"], run["occupation"])
    n = run["occupation"].values.astype(float)
    U = run["interaction"].values - np.diag(np.diag(run["interaction"].values))
    for data, x in ((run, n), (centred, n - 0.5)):
        expected = 0.5 * np.einsum("...i,ij,...j->...", x, U, x)
        np.testing.assert_allclose(data["electrostatic_energy"], expected, rtol=0, atol=1e-12)


# --- what a Dataset carries ---------------------------------------------------------------------------------

CARRIED = {
    "position",
    "torus",
    "cells",
    "bond_source",
    "bond_target",
    "bond_vector",
    "bond_kind",
    "hopping",
    "interaction",
}
CARRIED |= {"site_energy", "t_p", "eta", "filling", "centred", "scale"}


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x.isel(walker=0),
        lambda x: x.sel(eta=-0.5),
        lambda x: x.isel(eta=[1]),
        lambda x: x.mean("walker"),
        lambda x: x.where(x["energy"] > 2),
        lambda x: xr.concat([x.isel(walker=slice(1)), x.isel(walker=slice(1, None))], dim="walker"),
        lambda x: xr.concat([x.isel(eta=[0]), x.isel(eta=[1])], dim="eta"),
        lambda x: x.groupby("eta").mean("walker"),
        lambda x: 2 * x,
        lambda x: x.assign(more=x["energy"] ** 2),
    ],
)
def test_operations_keep_the_model(operation):
    model = tiny_glass(scale="0.35 eV")
    data = model.assign(energy=(("eta", "walker"), np.arange(6.0).reshape(2, 3)))
    kept = operation(data)
    assert CARRIED <= set(kept.coords)
    expected = model.sel(eta=kept["eta"])
    for name in CARRIED:
        np.testing.assert_array_equal(kept[name], expected[name])


def test_concatenation_rebuilds_the_sweep():
    model = tiny_glass(eta=[-1.0, -0.5, 0.2])
    xr.testing.assert_identical(xr.concat([tiny_glass(eta=[x]) for x in (-1.0, -0.5, 0.2)], dim="eta"), model)
    apart = [tiny_glass(eta=x) for x in (-1.0, -0.5, 0.2)]
    xr.testing.assert_identical(xr.concat(apart, dim="eta", coords="different", compat="equals"), model)


def test_the_lattice_is_not_changed_and_attributes_are_registered():
    before = LATTICE.copy(deep=True)
    model = glass(eta=[-1.0, 1.0], scale="0.35 eV")
    mark = {"lattice": model["interaction"].attrs.get("lattice")}
    xr.testing.assert_identical(LATTICE, before)
    for name, coord in model.coords.items():
        expected = xg.variables.attributes(str(name)) | (mark if name == "interaction" else {})
        assert coord.attrs == expected, name


# --- random couplings ---------------------------------------------------------------------------------------


def two_sided(statistic, freedom):
    """p-value of a chi2 statistic, small when it is too large or too small."""
    return 2 * min(stats.chi2.sf(statistic, freedom), stats.chi2.cdf(statistic, freedom))


def test_couplings_are_gaussian_with_variance_J2_over_N():
    N, R, J = 12, 200, 1.5
    U = xg.random_couplings(N, J=J, realization=R, seed=3)
    assert U.dims == ("realization", "site", "site2")
    np.testing.assert_array_equal(U, U.transpose("realization", "site2", "site").values)
    np.testing.assert_array_equal(np.einsum("rii->ri", U.values), 0.0)
    z = U.values[:, *np.triu_indices(N, 1)] / (J / np.sqrt(N))
    assert two_sided((z**2).sum(), z.size) > ALARM
    assert 2 * stats.norm.sf(abs(z.sum()) / np.sqrt(z.size)) > ALARM
    assert stats.kstest(z.ravel(), "norm").pvalue > ALARM
    # independent within and between realizations: correlation of each with the next, in both directions
    for a, b in ((z[:, :-1], z[:, 1:]), (z[:-1], z[1:])):
        assert 2 * stats.norm.sf(abs((a * b).sum()) / np.sqrt(a.size)) > ALARM
    # the power of it: a variance of J^2/(N-1) instead of J^2/N would be seen
    assert two_sided((z**2).sum() * (N - 1) / N, z.size) < ALARM


def test_couplings_are_common_random_numbers_along_J():
    swept = xg.random_couplings(8, J=[0.0, 1.0, 2.0], realization=2, seed=3)
    assert swept.dims == ("J", "realization", "site", "site2")
    np.testing.assert_array_equal(swept.sel(J=0.0), 0.0)
    np.testing.assert_allclose(swept.sel(J=2.0), 2 * swept.sel(J=1.0).values, rtol=1e-15)
    single = xg.random_couplings(8, J=2.0, realization=2, seed=3)
    assert float(single["J"]) == 2.0
    np.testing.assert_array_equal(single, swept.sel(J=2.0))
    zipped = xg.random_couplings(8, J=xr.DataArray([1.0, 2.0], dims="realization"), realization=2, seed=3)
    np.testing.assert_array_equal(zipped[1], single[1])


def draw_couplings(**arguments):
    return xg.random_couplings(LATTICE, J=1.0, **arguments)


def draw_energies(**arguments):
    return xg.random_site_energy(LATTICE, strength=1.0, convention="std", **arguments)


@pytest.mark.parametrize("draw", [draw_couplings, draw_energies])
def test_a_realization_is_the_same_alone_and_among_others(draw):
    many = draw(realization=6, seed=9)
    assert many["realization"].values.tolist() == list(range(6))
    np.testing.assert_array_equal(draw(realization=2, seed=9), many[:2])
    chosen = draw(realization=[4, 1], seed=9)
    assert chosen["realization"].values.tolist() == [4, 1]
    np.testing.assert_array_equal(chosen, many.sel(realization=[4, 1]))
    xr.testing.assert_identical(draw(realization=6, seed=9), many)
    assert len(np.unique(many.values.reshape(6, -1), axis=0)) == 6
    assert not np.isin(
        draw(realization=6, seed=10).values.reshape(6, -1)[:, 1], many.values.reshape(6, -1)[:, 1]
    ).any()
    assert draw(realization=[2**40], seed=2**64 - 1).sizes["realization"] == 1


@pytest.mark.parametrize("draw", [draw_couplings, draw_energies])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seed": -1}, ValueError, "seed must be a whole number >= 0"),
        ({"seed": 2**64}, ValueError, "seed must be a whole number >= 0"),
        ({"seed": 2**70}, ValueError, "seed must be a whole number >= 0"),
        ({"seed": 1.5}, ValueError, "seed must be"),
        ({"seed": None}, TypeError, "seed must be"),
        ({"seed": True}, TypeError, "seed must be"),
        ({"realization": 0}, ValueError, "realization must be"),
        ({"realization": 2.5}, ValueError, "realization must be"),
        ({"realization": [1, 1]}, ValueError, "realization must be a count or distinct labels"),
        ({"realization": []}, ValueError, "realization must be a count or distinct labels"),
        ({"realization": [-1]}, ValueError, "realization must be a whole number >= 0"),
        ({"realization": ["a"]}, TypeError, "realization must be"),
    ],
)
def test_seeds_and_labels_are_whole_numbers(draw, arguments, error, message):
    with pytest.raises(error, match=message):
        draw(**({"realization": 1, "seed": 0} | arguments))


def test_couplings_refuse():
    with pytest.raises(ValueError, match="J must be > 0 or 0, got -1"):
        xg.random_couplings(4, J=-1.0, realization=1, seed=0)
    with pytest.raises(ValueError, match="J must be finite"):
        xg.random_couplings(4, J=np.inf, realization=1, seed=0)
    with pytest.raises(ValueError, match="N must be a whole number >= 2"):
        xg.random_couplings(1, realization=1, seed=0)
    # There is no scale to pass here, so that the message does not ask for one.
    with pytest.raises(
        ValueError, match="^random_couplings: J='10 meV' .* has no scale; write .* J=20 / 350 for"
    ):
        xg.random_couplings(4, J="10 meV", realization=1, seed=0)
    with pytest.raises(ValueError, match=r"^random_site_energy: strength=\['1 K', .* strength=20 / 350 for"):
        xg.random_site_energy(4, strength=["1 K", "2 K"], convention="std", realization=1, seed=0)
    with pytest.raises(ValueError, match="J came as 1 nm of dimension"):
        xg.random_couplings(4, J="1 nm", realization=1, seed=0)


# --- random site energies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "convention", "std"),
    [
        ("box", "width", 2.5 / np.sqrt(12)),
        ("gaussian", "width", 2.5 / np.sqrt(12)),
        ("box", "std", 2.5),
        ("gaussian", "std", 2.5),
    ],
)
def test_site_energies_have_exactly_the_width_that_was_said(distribution, convention, std):
    energy = xg.random_site_energy(
        500, strength=2.5, distribution=distribution, convention=convention, realization=40, seed=5
    )
    assert energy.dims == ("realization", "site")
    assert float(energy["strength"]) == 2.5
    assert energy.attrs["units"] == "1"  # the model gives the unit
    z = energy.values / std
    law = stats.norm() if distribution == "gaussian" else stats.uniform(-np.sqrt(3), 2 * np.sqrt(3))
    assert stats.kstest(z.ravel(), law.cdf).pvalue > ALARM
    assert 2 * stats.norm.sf(abs(z.mean()) * np.sqrt(z.size)) > ALARM
    # mean square: variance (kurtosis - 1)/n with kurtosis 3 resp. 9/5; 20 000 values resolve 2 % of the width
    spread = np.sqrt((2.0 if distribution == "gaussian" else 0.8) / z.size)
    assert 2 * stats.norm.sf(abs((z**2).mean() - 1) / spread) > ALARM
    assert 2 * stats.norm.sf(abs((z**2).mean() * 1.08 - 1) / spread) < ALARM
    assert 2 * stats.norm.sf(abs((z[:, 1:] * z[:, :-1]).sum()) / np.sqrt(z[:, 1:].size)) > ALARM
    if distribution == "box":
        edge = 2.5 / 2 if convention == "width" else 2.5 * np.sqrt(3)
        assert 0.999 * edge < abs(energy.values).max() <= edge


def test_site_energies_scale_with_their_strength_and_share_their_draws():
    arguments = {"realization": 2, "seed": 5}
    swept = xg.random_site_energy(LATTICE, strength=[0.0, 1.0, 3.0], convention="std", **arguments)
    assert swept.dims == ("strength", "realization", "site")
    np.testing.assert_array_equal(swept.sel(strength=0.0), 0.0)
    np.testing.assert_allclose(swept.sel(strength=3.0), 3 * swept.sel(strength=1.0).values, rtol=1e-15)
    width = xg.random_site_energy(LATTICE, strength=np.sqrt(12.0), convention="width", **arguments)
    np.testing.assert_allclose(width, swept.sel(strength=1.0), rtol=1e-12)
    xr.testing.assert_identical(
        swept, xg.random_site_energy(16, strength=[0.0, 1.0, 3.0], convention="std", **arguments)
    )


def test_site_energies_and_couplings_of_one_seed_are_independent():
    energy = xg.random_site_energy(
        50, strength=1.0, distribution="gaussian", convention="std", realization=40, seed=5
    ).values
    coupling = xg.random_couplings(50, J=np.sqrt(50.0), realization=40, seed=5).values
    for row in (0, 1, 7):
        product = energy * coupling[:, row]  # the diagonal zero costs one term of fifty
        assert 2 * stats.norm.sf(abs(product.sum()) / np.sqrt(product.size)) > ALARM
    assert not np.isin(energy.round(12), coupling.round(12)).any()


def test_site_energies_refuse():
    good = {"strength": 1.0, "convention": "std", "realization": 1, "seed": 0}
    for change, error, message in (
        ({"convention": "fwhm"}, ValueError, "convention must be 'width' or 'std', got 'fwhm'"),
        ({"distribution": "cauchy"}, ValueError, "distribution must be 'box' or 'gaussian', got 'cauchy'"),
        ({"strength": -1.0}, ValueError, "strength must be > 0 or 0"),
    ):
        with pytest.raises(error, match=message):
            xg.random_site_energy(4, **(good | change))
    with pytest.raises(TypeError, match="convention"):  # it has no default
        xg.random_site_energy(4, strength=1.0, realization=1, seed=0)


# --- random two-level systems -------------------------------------------------------------------------------


def test_random_energies_take_the_unit_of_the_model():
    energy = xg.random_site_energy(4, strength=2.5, convention="width", realization=2, seed=5)
    glass = xg.charge_glass(xg.lattice.square(2), t_p=None, hopping={"x": 0.1, "y": 0.1}, site_energy=energy)
    tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.1, site_energy=energy)
    for model, unit in ((glass, "Vc"), (tls, "tc")):
        assert model["site_energy"].attrs["units"] == unit
        assert model["strength"].attrs["units"] == unit
        np.testing.assert_array_equal(model["site_energy"], energy)


@pytest.mark.parametrize(
    ("distribution", "arguments", "mean", "std"),
    [
        ("uniform", {"low": 0.2, "high": 1.0}, 0.6, 0.8 / np.sqrt(12)),
        ("gaussian", {"mean": 0.5, "std": 0.3}, 0.5, 0.3),
        (
            "log_uniform",
            {"low": 0.1, "high": 1.0},
            0.9 / np.log(10),
            np.sqrt(0.495 / np.log(10) - (0.9 / np.log(10)) ** 2),
        ),
    ],
)
def test_random_parameters(distribution, arguments, mean, std):
    """Mean and standard deviation of 40 x 250 draws,
    within four of their standard errors (false alarm 1e-4 each, fixed seed).
    """
    draws = xg.random_parameter(
        xg.lattice.chain(250), "omega0", distribution=distribution, realization=40, seed=3, **arguments
    )
    assert draws.dims == ("realization", "site")
    assert draws.name == "omega0"
    assert float(draws.mean()) == pytest.approx(mean, abs=4 * std / 100)
    assert float(draws.std()) == pytest.approx(
        std, abs=4 * std / 100
    )  # an upper bound of the error for these distributions
    if "low" in arguments:
        assert arguments["low"] <= float(draws.min())
        assert float(draws.max()) < arguments["high"]
    more = xg.random_parameter(
        250, "omega0", distribution=distribution, realization=[3, 50], seed=3, **arguments
    )
    np.testing.assert_array_equal(more.sel(realization=3), draws.sel(realization=3))
    other = xg.random_parameter(250, "g", distribution=distribution, realization=1, seed=3, **arguments)
    assert abs(float(np.corrcoef(other[0], draws[0])[0, 1])) < 4 / np.sqrt(250)


def test_random_parameters_make_models():
    chain = xg.lattice.chain(4)
    t = xg.random_parameter(chain, "t", low=0.5, high=1.5, realization=2, seed=1)
    omega0 = xg.random_parameter(chain, "omega0", low=0.0, high=0.2, realization=2, seed=1)
    assert t.dims == ("realization", "bond")
    model = xg.electron_tls(chain, g=1.0, omega0=omega0, t=t)
    assert model["omega0"].dims == ("realization", "site")
    with pytest.raises(ValueError, match="does not fit"):
        xg.electron_tls(chain, g=1.0, omega0=omega0, t=t.isel(realization=[1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "eta"}, "name must be one of"),
        ({"distribution": "cauchy"}, "distribution must be"),
        ({"low": 1.0, "high": 0.5}, "low must be below high"),
        ({"low": None}, "low"),
        ({"low": 0.0, "distribution": "log_uniform"}, "low must be > 0"),
        ({"mean": 1.0}, "mean"),
        ({"distribution": "gaussian"}, "low"),
        ({"low": np.nan}, "low must be finite"),
        ({"low": "a"}, "low must be a number"),
        (
            {"distribution": "gaussian", "low": None, "high": None, "mean": 0.0, "std": -1.0},
            "std must be >= 0",
        ),
        ({"seed": -1}, "seed"),
        ({"realization": 0}, "realization"),
    ],
)
def test_bad_random_parameters(arguments, message):
    given = {"name": "g", "low": 0.0, "high": 1.0, "realization": 2, "seed": 1} | arguments
    with pytest.raises((ValueError, TypeError), match=message):
        xg.random_parameter(4, given.pop("name"), **given)
