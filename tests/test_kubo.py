"""Edges of the conductivity of charges: grids, filters, directions, laziness, refusals."""

import dask
import numpy as np
import pytest
import xarray as xr

import xglass as xg

W = np.linspace(0.0, 2.0, 101)


@pytest.fixture(scope="module")
def run():
    glass = xg.charge_glass(
        xg.lattice.triangular(4), t_p=[0.06, 0.12], eta=-1.0, self_image="include", scale="0.35 eV"
    )
    return xg.metropolis(glass, T=[0.05, 0.1], walker=2, sweep=2, weight="classical", seed=3, chunks=None)


def sigma_of(run, **options):
    return xg.optical_conductivity(run, **{"frequency": W, "broadening": 0.05} | options)


def test_parameters_come_first_and_directions_only_if_several_are_asked_for(run):
    sigma = sigma_of(run)
    assert sigma.dims == ("t_p", "T", "walker", "sweep", "frequency")
    assert (sigma.name, sigma.attrs["units"]) == ("optical_conductivity", "e^2/hbar")
    assert (float(sigma["broadening"]), str(sigma["direction"].values)) == (0.05, "mean")
    several = sigma_of(run, direction=["y", "x"], broadening=[0.05, 0.1])
    assert several.dims == ("t_p", "T", "walker", "sweep", "broadening", "direction", "frequency")
    np.testing.assert_allclose(several.sel(broadening=0.05).mean("direction"), sigma, rtol=1e-12)
    xr.testing.assert_allclose(
        several.sel(broadening=0.1, direction="x"), sigma_of(run, broadening=0.1, direction="x")
    )


@pytest.mark.parametrize(
    ("lattice", "unit"),
    [
        (xg.lattice.chain(4), "e^2 a/hbar"),
        (xg.lattice.square(4), "e^2/hbar"),
        (xg.lattice.cubic(2), "e^2/(hbar a)"),
    ],
)
def test_unit_is_that_of_the_dimension(lattice, unit):
    model = xg.charge_glass(
        lattice, hopping=dict.fromkeys("xyz"[: lattice.sizes["axis"]], 1.0), interaction=None
    )
    assert sigma_of(model, T=1.0).attrs["units"] == unit


def test_a_width_may_follow_the_hopping(run):
    sigma = sigma_of(run, broadening=0.2 * run["t_p"])
    np.testing.assert_allclose(sigma["broadening"], [0.012, 0.024])
    for t_p, width in ((0.06, 0.012), (0.12, 0.024)):
        alone = sigma_of(run.sel(t_p=t_p), broadening=width)
        np.testing.assert_allclose(sigma.sel(t_p=t_p), alone, rtol=0, atol=1e-12 * float(alone.max()))


def test_energies_may_have_units(run):
    meV = sigma_of(run, frequency=xg.units.registry.Quantity(350.0 * W, "meV"), broadening="17.5 meV")
    np.testing.assert_allclose(meV, sigma_of(run), rtol=1e-9)


@pytest.mark.parametrize(
    "frequency", [np.r_[W[:50], W[51:]], [0.3], np.geomspace(1e-2, 2.0, 30)], ids=["gap", "one", "geometric"]
)
def test_any_rising_frequencies_give_the_same_function(run, frequency):
    fine = sigma_of(run, frequency=np.linspace(0.0, 2.0, 20001)).interp(frequency=frequency)
    np.testing.assert_allclose(
        sigma_of(run, frequency=frequency), fine, rtol=0, atol=1e-5 * float(fine.max())
    )


def test_bins_hold_the_weight_that_a_filter_smears(run):
    """Total weight, and the Lorentzian that the relaxation-time approximation makes of bins."""
    w = np.linspace(0.0, 4.0, 8001)
    bins = sigma_of(run, frequency=w, broadening=None)
    assert "broadening" not in bins.coords
    smeared = xg.relaxation_time_approximation(bins, rate=0.05)
    sigma = sigma_of(run, frequency=w)
    # a stick is moved by half a bin at most, times the largest slope of a Lorentzian
    slope = 3.0**1.5 / 8.0 / 0.05
    np.testing.assert_allclose(smeared, sigma, rtol=0, atol=slope * w[1] / 2 * float(sigma.max()))
    weight = xg.spectral_weight(bins)
    ends = sigma.integrate("frequency") + sigma.isel(frequency=-1) * w[-1]  # the tail falls as 1 / w^2
    np.testing.assert_allclose(ends, weight, rtol=5e-3)


def test_a_given_temperature_replaces_that_of_the_run(run):
    cold = run.sel(T=0.05)
    xr.testing.assert_allclose(
        sigma_of(cold, T=0.1).drop_vars(["T"]),
        sigma_of(cold.drop_vars("T").assign_coords(T=0.1)).drop_vars("T"),
    )
    swept = sigma_of(cold, T=[0.05, 0.1])
    assert swept.dims[0] == "T"
    np.testing.assert_allclose(swept.sel(T=0.05), sigma_of(cold), rtol=1e-12)


@pytest.mark.parametrize("name", ["optical_conductivity", "sum_rule"])
def test_chunks_and_workers_change_no_bit(run, name):
    function = sigma_of if name == "optical_conductivity" else xg.sum_rule
    if name == "sum_rule":
        run = run.isel(t_p=0)
    eager = function(run)
    for chunks in ({"walker": 1}, {"sweep": 2, "T": 1}, {"walker": 1, "sweep": 1, "T": 1}):
        lazy = function(run.chunk(chunks))
        assert lazy.chunks is not None
        xr.testing.assert_identical(lazy.compute(scheduler="threads"), eager)
    states = xg.diagonalize(run)
    xr.testing.assert_identical(function(states).drop_attrs(), eager.drop_attrs())


def test_a_lazy_call_computes_nothing(run, no_compute):
    with no_compute:
        lazy = sigma_of(run.chunk({"walker": 1}), direction=["x", "y"])
        again = sigma_of(run.chunk({"walker": 1}), direction=["x", "y"])
    assert lazy.data.name == again.data.name


def test_ten_thousand_configurations_stream():
    """States come in blocks of at most 64 MB, however the run is cut."""
    glass = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12)
    run = xg.metropolis(glass, T=0.1, walker=100, sweep=99, weight="classical", seed=1, chunks={"walker": 50})
    sigma = sigma_of(run, frequency=np.linspace(0.0, 1.5, 601), direction=["x", "y"])
    assert sigma.size == 100 * 100 * 2 * 601
    largest = max(np.prod([max(cuts) for cuts in sigma.chunks]), 1)
    configurations = largest / (2 * 601)
    assert configurations * 144**2 * 8 <= 64e6
    assert sigma.data.npartitions < 1000


REFUSALS = {
    "negative frequency": ({"frequency": [-0.1, 0.0, 0.1]}, ValueError, "frequency must be >= 0, got -0.1"),
    "unordered": ({"frequency": [0.0, 0.2, 0.1]}, ValueError, "frequency must be one rising sequence"),
    "no width": ({"broadening": 0.0}, ValueError, "broadening must be > 0"),
    "negative width": ({"broadening": -0.1}, ValueError, "broadening must be > 0"),
    "bins that differ": (
        {"broadening": None, "frequency": [0.0, 0.1, 0.3]},
        ValueError,
        "bins of equal width from 0",
    ),
    "bins not from 0": ({"broadening": None, "frequency": [0.1, 0.2, 0.3]}, ValueError, "from 0"),
    "unknown direction": ({"direction": "z"}, ValueError, "direction must be among .*'xy'.*got 'z'"),
    "no direction": ({"direction": []}, ValueError, "direction must be among"),
    "twice": ({"direction": ["x", "x"]}, ValueError, "repeats"),
    "unknown filter": ({"filter": "box"}, ValueError, "filter must be one of .*lorentzian.* got 'box'"),
    "other labels": (
        {"broadening": xr.DataArray([0.1, 0.2], dims="t_p", coords={"t_p": [0.06, 0.2]})},
        ValueError,
        "run and broadening must have the same labels",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_say_what_came_and_what_to_write(run, case):
    options, error, message = REFUSALS[case]
    with pytest.raises(error, match=message):
        sigma_of(run, **options)


def test_runs_that_cannot_conduct_are_refused(run):
    with pytest.raises(ValueError, match="hopping is 0 on every bond"):
        sigma_of(run.assign_coords(hopping=0.0 * run["hopping"]))
    with pytest.raises(KeyError, match="no temperature 'T'"):
        sigma_of(run.isel(T=0).drop_vars("T"))
    with pytest.raises(KeyError, match="has no 'hopping'"):
        sigma_of(run.drop_vars("hopping"))
    with pytest.raises(ValueError, match="no configuration"):
        sigma_of(run.isel(walker=slice(0)))
    with pytest.raises(TypeError, match="mean of occupations"):
        sigma_of(run.mean("sweep"))
    with pytest.raises(KeyError, match="has no 'occupation'"):
        sigma_of(xg.charge_glass(xg.lattice.triangular(4), t_p=0.1), T=0.1)


def test_missing_configurations_are_nan(run):
    """What a store lacks so far."""
    holes = run["occupation"].copy()
    holes[{"walker": 1, "sweep": 2}] = np.iinfo(np.int8).min
    sigma, whole = sigma_of(run.assign(occupation=holes)), sigma_of(run)
    missing = {"walker": 1, "sweep": 2}
    assert np.isnan(sigma.isel(missing)).all()
    xr.testing.assert_identical(sigma.isel(walker=0), whole.isel(walker=0))
    assert int(np.isnan(sigma).sum()) == sigma.isel(missing).size


def test_conductivity_and_levels_of_one_dataset_solve_once(run):
    states = xg.diagonalize(run.chunk({"walker": 1}))
    both = xr.Dataset({"sigma": sigma_of(states), "density": xg.local_density(states)})
    names = {str(key[0] if isinstance(key, tuple) else key) for key in dict(both.__dask_graph__())}
    assert len({name for name in names if name.startswith("diagonalize")}) >= 1
    with dask.config.set(scheduler="synchronous"):
        computed = both.compute()
    np.testing.assert_allclose(computed["sigma"], sigma_of(run), rtol=1e-12)
