"""Realizations of disorder: their labels, averages over them, and what errors hold."""

import inspect

import numpy as np
import pytest
import xarray as xr

import xglass as xg

W = [0.0, 0.5, 1.5]
GRID = {"T": 1.0, "frequency": W, "broadening": 0.3}
VECTORS = {"random_vectors": 1, "seed": 7, "precision": "double"}

#: Solvers that average over realizations, each with what else it takes.
SOLVERS = {"exact": {}, "ftlm": VECTORS, "typicality": VECTORS}
CHAIN = xg.lattice.chain(4)


def equal(number=16):
    """So many equal realizations, without labels."""
    return xr.DataArray(np.ones(number), dims="realization")


def drawn(number=3, seed=1):
    """Realizations with site energies of their own."""
    eps = xg.random_site_energy(CHAIN, strength=2.0, convention="width", realization=number, seed=seed)
    return xg.electron_tls(CHAIN, g=0.8, omega0=0.3, site_energy=eps)


def solve(solver, model, **options):
    """All that a solver gives, at once."""
    return getattr(xg, solver)(model, **GRID | SOLVERS[solver] | options, chunks=None)


# -- labels ------------------------------------------------------------------------------------------


def test_labels_are_made_where_there_are_none():
    model = xg.electron_tls(CHAIN, g=equal(3), omega0=0.3)
    assert model.coords["realization"].values.tolist() == [0, 1, 2]
    U = xr.DataArray(np.zeros((2, 4, 4)), dims=("realization", "site", "site2"))
    assert xg.charge_glass(CHAIN, interaction=U).coords["realization"].values.tolist() == [0, 1]
    given = xg.electron_tls(CHAIN, g=equal(2).assign_coords(realization=[7, 3]), omega0=0.3)
    assert given["realization"].values.tolist() == [7, 3]


@pytest.mark.parametrize("solver", ["ftlm", "typicality"])
def test_equal_realizations_have_vectors_of_their_own(solver):
    """Also of a model that lost its labels on the way, and of models put together."""
    labelled = xg.electron_tls(CHAIN, g=equal().assign_coords(realization=np.arange(16)), omega0=0.3)
    expected = solve(solver, labelled, average=None)
    assert np.unique(expected["kinetic_energy"]).size == 16
    one = xg.electron_tls(CHAIN, g=1.0, omega0=0.3)
    for model in (
        xg.electron_tls(CHAIN, g=equal(), omega0=0.3),
        labelled.drop_vars("realization"),
        one.assign_coords(g=("realization", np.ones(16))),
    ):
        result = solve(solver, model, average=None)
        xr.testing.assert_identical(
            result[["kinetic_energy", "optical_conductivity"]].reset_coords(drop=True),
            expected[["kinetic_energy", "optical_conductivity"]].reset_coords(drop=True),
        )
        assert result["realization"].values.tolist() == [*range(16)]


@pytest.mark.parametrize("average", ["annealed", "quenched"])
def test_errors_of_equal_realizations_are_true(average):
    """30 samples of 16 realizations of one vector in one momentum, against the truth: 15 degrees of freedom.

    The mean square of Student's t is 1.15, that of 30 within 0.4 and 2.6 but for once in 10^4.
    """
    options = {"momentum": [0.4], "average": average}
    truth = xg.exact(xg.electron_tls(CHAIN, g=1.0, omega0=0.3), **GRID, momentum=[0.4], chunks=None)
    model = xg.electron_tls(CHAIN, g=equal(), omega0=0.3)
    z = []
    for seed in range(30):
        result = solve("ftlm", model, **options, seed=seed)
        error = result["kinetic_energy_stderr"]
        z.append(float((result["kinetic_energy"] - truth["kinetic_energy"]) / error))
    assert 0.4 < np.mean(np.square(z)) < 2.6


def test_impurities_are_not_annealed():
    """In thermal equilibrium the electron chooses the realizations that bind it best."""
    eps = xg.random_site_energy(5, strength=4.0, convention="width", realization=10, seed=1)
    model = xg.electron_tls(xg.lattice.chain(5), g=1.0, omega0=0.1, site_energy=eps)
    grid = {"T": 0.5, "frequency": [0.0], "broadening": 0.1}
    parts = xg.exact(model, **grid, average=None)[
        ["optical_conductivity", "log_partition_function"]
    ].compute()
    sigma, z = parts["optical_conductivity"][:, 0].values, np.exp(parts["log_partition_function"].values)
    dc = {
        average: xg.exact(model, **grid, average=average)["optical_conductivity"].compute().item()
        for average in ("annealed", "quenched")
    }
    assert dc["annealed"] == pytest.approx((sigma * z).sum() / z.sum(), rel=1e-12)
    assert dc["quenched"] == pytest.approx(sigma.mean(), rel=1e-12)
    assert dc["annealed"] == pytest.approx(0.0215, rel=0.01)
    assert dc["quenched"] == pytest.approx(0.0451, rel=0.01)


def glass():
    eps = xg.random_site_energy(CHAIN, strength=0.1, convention="std", realization=2, seed=1)
    return xg.charge_glass(CHAIN, hopping={"x": 0.1}, site_energy=eps, interaction=None)


TAKERS = {
    **{name: lambda model, name=name: solve(name, model, average=None) for name in SOLVERS},
    "dmft": lambda model: xg.dmft(model.drop_vars("site_energy"), T=1.0, frequency=W),
    "static_disorder": lambda model: xg.static_disorder(
        model.drop_vars("site_energy"), **GRID, sites=4, realization=2, seed=1
    ),
}


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 3, 3], ValueError, r"realization repeats labels \[3\].*label of its own"),
        ([0, 1, -1], ValueError, r"realization must be whole numbers >= 0, got \[0, 1, -1\]"),
        ([0.0, 1.0, 2.0], TypeError, "realization must be whole numbers >= 0, got labels of type float64"),
        (["a", "b", "c"], TypeError, "realization must be whole numbers >= 0, got labels of type"),
    ],
)
def test_labels_that_are_none_are_refused(labels, error, message):
    model = drawn().assign_coords(realization=labels)
    for name, call in TAKERS.items():
        with pytest.raises(error, match=f"{name}: {message}"):
            call(model)
    run = glass().isel(realization=[0, 1, 1]).assign_coords(realization=labels)
    with pytest.raises(error, match=f"metropolis: {message}"):
        xg.metropolis(run, T=0.1, walker=1, sweep=1, seed=1)
    g = xr.DataArray(np.ones(3), dims="realization", coords={"realization": labels})
    with pytest.raises(error, match=f"electron_tls: {message}"):
        xg.electron_tls(CHAIN, g=g, omega0=0.3)
    U = xr.DataArray(np.zeros((3, 4, 4)), dims=("realization", "site", "site2"), coords=g.coords)
    with pytest.raises(error, match=f"charge_glass: {message}"):
        xg.charge_glass(CHAIN, interaction=U)


def test_one_realization_may_stand_at_several_points():
    """Over a dimension of its own a label names the sample that points share."""
    shared = xr.DataArray([4, 4], dims="p")
    model = xg.electron_tls(CHAIN, g=xr.DataArray([0.5, 1.0], dims="p"), omega0=0.3)
    assert solve("ftlm", model.assign_coords(realization=shared))["realization"].values.tolist() == [4, 4]


# -- averages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_nobody_averages_unasked(solver):
    with pytest.raises(ValueError, match=rf"{solver}: site_energy differ.*average='quenched'.*None"):
        solve(solver, drawn())
    with pytest.raises(ValueError, match=rf"{solver}: g and omega0 differ"):
        solve(solver, xg.electron_tls(CHAIN, g=equal(2), omega0=equal(2)))
    one = solve(solver, drawn().isel(realization=1))  # nothing to average over
    assert int(one["realization"]) == 1
    every = solve(solver, drawn(), average=None)
    assert every.sizes["realization"] == 3
    np.testing.assert_array_equal(one["kinetic_energy"], every["kinetic_energy"].isel(realization=1))


def test_average_has_the_same_default_everywhere():
    defaults = {inspect.signature(getattr(xg, name)).parameters["average"].default for name in SOLVERS}
    assert len(defaults) == 1
    assert not defaults & {"annealed", "quenched", None}


@pytest.mark.parametrize("solver", [*SOLVERS, "static_disorder"])
def test_temperatures_over_realizations_are_refused(solver):
    T = xr.DataArray([0.5, 1.0, 2.0], dims="realization")
    model = drawn() if solver in SOLVERS else xg.electron_tls(CHAIN, g=1.0, omega0=0.0)
    options = SOLVERS.get(solver, {"sites": 4, "realization": 3, "seed": 1}) | GRID | {"T": T}
    average = "quenched" if solver in SOLVERS else "annealed"
    with pytest.raises(ValueError, match=r"T has dimensions \('realization',\).*same T"):
        getattr(xg, solver)(model, **options, average=average)


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_was_averaged_over_stands_on_the_result(solver):
    vectors = {} if solver == "exact" else {"random_vectors": 2}
    options = vectors | {"average": "quenched", "twist": [0.0, 0.3]}
    expected = {"twists": 2, "twist": "listed", "realizations": 3, "average": "quenched"} | vectors
    result = solve(solver, drawn(), **options)
    assert expected.items() <= result.attrs.items()
    assert "realization" not in {*result.dims, *result.coords}
    kept = solve(solver, drawn(), **options | {"average": None})
    assert not {"realizations", "average"} & kept.attrs.keys()
    ring = solve(solver, xg.electron_tls(CHAIN, g=1.0, omega0=0.3), **vectors)
    assert ({"momenta": 4, "momentum": "all"} | vectors).items() <= ring.attrs.items()
    ring = solve(solver, xg.electron_tls(CHAIN, g=1.0, omega0=0.3), **vectors, momentum=[0.1, 0.2, 0.4])
    assert {"momenta": 3, "momentum": "listed"}.items() <= ring.attrs.items()
    if vectors:
        lone = solve(solver, drawn(1), **options)
        assert [x.attrs["stderr_over"] for x in (result, kept, lone)] == [
            "realization",
            "random_vectors",
            "random_vectors",
        ]


def test_frozen_averages_stand_on_the_result():
    model = xg.electron_tls(CHAIN, g=1.0, omega0=0.0)
    result = xg.static_disorder(model, **GRID, sites=4, realization=3, seed=1)
    expected = {"realizations": 3, "average": "annealed", "stderr_over": "realization"}
    assert expected.items() <= result.attrs.items()
    kept = xg.static_disorder(model, **GRID, sites=4, realization=3, seed=1, average=None)
    assert not expected.keys() & kept.attrs.keys()
