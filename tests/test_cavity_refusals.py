"""What the model of the cavity glass and its bubble refuse, and in which words."""

import numpy as np
import pytest
import xarray as xr

import xglass as xg

SQUARE = xg.lattice.square(4)


def glass(**parameters):
    return xg.cavity_glass(SQUARE, **({"filling": 0.3} | parameters))


def bubble(model=None, **arguments):
    model = glass() if model is None else model
    return xg.particle_hole_bubble(model, **({"T": 0.2, "matsubara": [0, 1]} | arguments))


def honeycomb():
    bonds = [(0, 1, (0, 0), "z"), (1, 0, (0, 1), "y"), (1, 0, (-1, 1), "x")]
    return xg.lattice.from_cell(
        [[np.sqrt(3), 0], [np.sqrt(3) / 2, 1.5]], shape=(3, 3), basis=[[0, 0], [0, 1]], bonds=bonds
    )


@pytest.mark.parametrize("filling", [0.0, 1.0, -0.1, 1.2, [0.3, 1.0], np.nan])
def test_filling_outside_of_the_band(filling):
    with pytest.raises(ValueError, match=r"filling must be (in \(0, 1\)|finite)"):
        glass(filling=filling)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"omega0": 0.0}, ValueError, "omega0 must be > 0"),
        ({"omega0": [1.0, -1.0]}, ValueError, "omega0 must be > 0"),
        ({"site_energy_std": -1.0}, ValueError, "site_energy_std must be > 0 or 0"),
        ({"t": np.inf}, ValueError, "t must be finite"),
        ({"t": 2.0, "hopping": {"x": -1.0, "y": -1.0}}, ValueError, "t and hopping are two ways"),
        ({"hopping": {"x": -1.0}}, ValueError, r"hopping: missing kinds of bonds \['y'\]"),
        ({"hopping": {"x": -1.0, "y": -1.0, "z": 1.0}}, ValueError, r"unknown kinds of bonds \['z'\]"),
        ({"hopping": {"x": -1.0, "y": [1.0, 2.0]}}, ValueError, "sequence; to sweep it pass a DataArray"),
        (
            {"hopping": xr.DataArray(np.ones(32), dims="bond")},
            TypeError,
            "cavity_glass: hopping must be a dict",
        ),
        ({"scale": 3.0}, ValueError, "scale must be one energy with its unit"),
    ],
)
def test_parameters_of_the_model(parameters, error, message):
    with pytest.raises(error, match=message):
        glass(**parameters)


def test_lattice_of_several_sites_a_cell():
    with pytest.raises(ValueError, match="cavity_glass: the lattice has 2 sites in a cell.*one site a cell"):
        xg.cavity_glass(honeycomb(), filling=0.3)


@pytest.mark.parametrize("T", [0.0, -0.1, [0.1, 0.0]])
def test_temperature(T):
    with pytest.raises(ValueError, match="T must be > 0"):
        bubble(T=T)


@pytest.mark.parametrize(
    ("matsubara", "error", "message"),
    [
        (-1, ValueError, "particle_hole_bubble: matsubara must be a whole number >= 0.*got -1"),
        ([0, 1, -2], ValueError, "matsubara must be a whole number >= 0"),
        ([0, 1, 1], ValueError, r"matsubara repeats numbers: \[0, 1, 1\]; each may stand once"),
        ([0, 0.5], ValueError, "matsubara must be a whole number >= 0.*got 0.5"),
        ([], ValueError, "matsubara must be a number or one sequence"),
        ([[0, 1]], ValueError, "matsubara must be a number or one sequence"),
        ("all", TypeError, "matsubara must be a whole number"),
        (True, TypeError, "matsubara must be a whole number"),
        ([np.nan], ValueError, "matsubara must be a whole number"),
        (xr.DataArray([0, 1], dims="m"), ValueError, r"matsubara has dimensions \('m',\)"),
    ],
)
def test_numbers_of_frequencies(matsubara, error, message):
    with pytest.raises(error, match=message):
        bubble(matsubara=matsubara)


def test_numbers_come_in_any_form_and_order():
    expected = bubble(matsubara=[2, 0])["susceptibility"].compute()
    for numbers in (np.array([2, 0]), (2.0, 0.0), xr.DataArray([2, 0], dims="matsubara")):
        xr.testing.assert_identical(bubble(matsubara=numbers)["susceptibility"].compute(), expected)
    assert expected["matsubara"].values.tolist() == [2, 0]


def test_another_model():
    with pytest.raises(KeyError, match="give a model of cavity_glass.*electron_tls is solved by exact"):
        bubble(xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2))
    with pytest.raises(KeyError, match=r"give a model of cavity_glass|has no 'filling'"):
        bubble(SQUARE)
    with pytest.raises(TypeError, match="give the Dataset of a model of cavity_glass"):
        bubble(0.3)
    with pytest.raises(KeyError, match="metropolis: a model of cavity_glass has no"):
        xg.metropolis(glass(), T=0.1, walker=1, sweep=1, seed=1)


def test_disorder_has_no_wave_vectors():
    with pytest.raises(ValueError, match="particle_hole_bubble: site_energy_std > 0"):
        bubble(glass(site_energy_std=[0.0, 1.0]))


def test_bonds_that_were_moved():
    model = glass()
    order = np.random.default_rng(1).permutation(model.sizes["bond"])
    for moved in (model.isel(bond=order), model.isel(bond=slice(0, 8)), model.isel(bond=slice(0, 31))):
        with pytest.raises(ValueError, match="particle_hole_bubble: bonds were reordered or left out"):
            bubble(moved)
    values = model["hopping"].values.copy()
    values[5] = 0.3
    with pytest.raises(ValueError, match="particle_hole_bubble: hopping differs from cell to cell"):
        bubble(model.assign_coords(hopping=("bond", values)))


def test_chunks():
    for chunks, message in [({"qx": 2}, "'qx' cannot be chunked"), ("all", "chunks must be 'auto'")]:
        with pytest.raises(ValueError, match=message):
            bubble(chunks=chunks)


def test_odd_sides_are_no_reason_to_refuse():
    """Cosine transforms need even sides; others take the general path."""
    odd = xg.particle_hole_bubble(xg.cavity_glass(xg.lattice.cubic(3), filling=0.4), T=0.3, matsubara=0)
    assert odd["susceptibility"].sizes == {"qx": 3, "qy": 3, "qz": 3}


def test_two_ways_to_say_the_hopping():
    """t = 1 is {kind: -1}, and a swept hopping keeps its dimension."""
    ratio = xr.DataArray([0.5, 1.0], dims="ratio", coords={"ratio": [0.5, 1.0]})
    swept = bubble(glass(hopping={"x": -1.0, "y": -ratio}), matsubara=0)["susceptibility"]
    plain = bubble(glass(), matsubara=0)["susceptibility"]
    assert swept.dims == ("ratio", "qx", "qy")
    np.testing.assert_allclose(swept.sel(ratio=1.0), plain, rtol=0, atol=1e-12)
    assert float(abs(swept.sel(ratio=0.5) - plain).max()) > 1e-3


def test_energies_in_units():
    """Millielectronvolts come in and go out."""
    model = xg.cavity_glass(SQUARE, filling=0.3, t="100 meV", omega0="50 meV", scale="0.1 eV")
    assert (float(model["t"]), float(model["omega0"])) == pytest.approx((1.0, 0.5))
    chi = bubble(model, T="20 meV", matsubara=0)["susceptibility"]
    np.testing.assert_allclose(chi, bubble(matsubara=0)["susceptibility"], rtol=0, atol=1e-12)
    physical = xg.units.to_physical(chi, spacing="500 nm")
    np.testing.assert_allclose(physical, chi / 100.0, rtol=1e-12, atol=0)
    assert physical.attrs["units"] == "1/meV"
    with pytest.raises(ValueError, match="particle_hole_bubble: '.*' is in .*; apply to_physical"):
        bubble(xg.units.to_physical(model, spacing="500 nm"))
