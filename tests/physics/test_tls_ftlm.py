"""Finite-temperature Lanczos against full diagonalisation: its mean, its errors,
and what its numbers do not depend on.
"""

import warnings

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.core.random_vectors import stream
from xglass.engine.tls import operators

W = np.linspace(0.0, 4.0, 41)
GRID = {"T": [0.5, 1.0, 3.0], "frequency": W, "broadening": 0.2}
NAMES = ("log_partition_function", "kinetic_energy", "total_weight", "optical_conductivity")


def ring(N=6, **parameters):
    return xg.electron_tls(xg.lattice.chain(N), **({"g": 1.0, "omega0": 0.2} | parameters))


def disordered(N=4, realizations=3, seed=1):
    draw = np.random.default_rng(seed)
    over = {
        name: xr.DataArray(draw.normal(0.8, 0.3, (realizations, N)), dims=("realization", "site"))
        for name in ("g", "g_z")
    }
    omega0 = xr.DataArray(draw.uniform(0.1, 0.4, (realizations, N)), dims=("realization", "site"))
    return xg.electron_tls(xg.lattice.chain(N), **over, omega0=omega0).assign_coords(
        realization=np.arange(realizations)
    )


def scores(result, exact):
    """z of every number with an error."""
    return {name: ((result[name] - exact[name]) / result[f"{name}_stderr"]).values.ravel() for name in NAMES}


def moderate(z):
    """Numbers of one run with at least 40 blocks, correlated: at most some 50 independent ones,
    each beyond 5.5 in one case of 10^6.
    """
    assert np.isfinite(z).all()
    assert np.abs(z).max() < 5.5


@pytest.mark.parametrize("N", [8, pytest.param(10, marks=pytest.mark.slow)])
def test_two_hundred_samples(N):
    """Mean and errors: 10 vectors in each of 5 or 6 momenta are 50 or 60 blocks.

    The samples are four seeds of fifty equal realizations each, of which every one has random vectors of its
    own. The mean square of 200 independent z is within 0.6 ... 1.6 but for 1e-5, |z| < 5 but for 1e-4 of 800
    numbers. One vector per momentum gives relative errors of about 10 % at N = 8 (twice those of N = 10: 4-5
    % at T = 1, 3-4 % at T = 5 and up to 13 % at T = 0.2, with a narrower filter), of which ten vectors leave
    a third.
    """
    points = {
        "T": xr.DataArray([0.3, 1.0, 3.0], dims="p"),
        "frequency": xr.DataArray([0.5, 0.0, 1.5], dims="p"),
    }
    grid = {"T": [0.3, 1.0, 3.0], "frequency": [0.0, 0.5, 1.5], "broadening": 0.2, "chunks": None}
    copies = xr.DataArray(np.ones(50), dims="realization", coords={"realization": np.arange(50)})
    exact, model = xg.exact(ring(N), **grid), ring(N, g=copies)
    samples = [xg.ftlm(model, **grid, random_vectors=10, seed=seed, average=None) for seed in range(4)]
    result = xr.concat(samples, "seed").stack(sample=("seed", "realization"))
    sigma, stderr = (
        result[f"optical_conductivity{end}"].sel(points).transpose("sample", "p") for end in ("", "_stderr")
    )
    assert len(np.unique(sigma.values)) == 200 * 3  # each seed and each realization draws for itself
    reference = exact["optical_conductivity"].sel(points)
    z, errors = ((sigma - reference) / stderr).values, (stderr / reference).values
    z_kinetic = (
        (result["kinetic_energy"] - exact["kinetic_energy"]) / result["kinetic_energy_stderr"]
    ).values[1]
    assert (z.shape, z_kinetic.shape) == ((200, 3), (200,))
    for square in [*(z**2).mean(axis=0), np.mean(np.square(z_kinetic))]:
        assert 0.6 < square < 1.6
    assert np.abs(z).max() < 5.0
    assert np.abs(z_kinetic).max() < 5.0
    assert abs(z.mean(axis=0)).max() < 4.5 / np.sqrt(200)
    assert (np.mean(errors, axis=0) < np.array([0.06, 0.03, 0.025]) * (1.0 if N == 8 else 0.6)).all()


@pytest.mark.parametrize("N", [2, 3, 5])
def test_small_rings(N):
    """Every block is exhausted; odd and even rings, a static coupling, several broadenings."""
    model = ring(N, t=0.8, g_z=0.3)
    grid = GRID | {"broadening": [0.1, 0.3]}
    exact = xg.exact(model, **grid).compute()
    result = xg.ftlm(model, **grid, random_vectors=60, seed=3, chunks=None)
    for name, z in scores(result, exact).items():
        known = (
            result[f"{name}_stderr"].values > 1e-6 * np.abs(exact[name].values).max()
        ).ravel()  # else a number that vectors know exactly
        moderate(z[known] if known.any() else np.zeros(1))
        np.testing.assert_allclose(
            result[name].values.ravel()[~known], exact[name].values.ravel()[~known], atol=1e-4
        )
    if N > 2:  # two sites have nothing at zero frequency, of which no exponent could be taken
        assert float(np.abs(result["filter_exponent"] - exact["filter_exponent"]).max()) < 0.5
    assert result["optical_conductivity"].dims == ("T", "broadening", "frequency")
    assert result["filter_limited"].dtype == bool


def test_filter_exponent():
    """Half the splitting of the levels resolved, no exponent; a free electron is all filter."""
    exact = xg.exact(ring(8, omega0=0.1), **GRID).compute()
    result = xg.ftlm(ring(8, omega0=0.1), **GRID, random_vectors=12, seed=2, chunks=None)
    moderate(
        ((result["filter_exponent"] - exact["filter_exponent"]) / result["filter_exponent_stderr"]).values
    )
    free = xg.ftlm(ring(6, g=0.0), **GRID, random_vectors=2, seed=2, chunks=None)
    np.testing.assert_allclose(free["filter_exponent"], 1.0, atol=1e-3)
    assert free["filter_limited"].all()


def test_momenta_between_those_of_the_ring():
    momenta = 2.0 * np.pi * (np.arange(5) + 0.3) / 5
    exact = xg.exact(ring(5), **GRID, momentum=momenta).compute()
    result = xg.ftlm(ring(5), **GRID, momentum=momenta, random_vectors=20, seed=4, chunks=None)
    for z in scores(result, exact).values():
        moderate(z)


def test_sum_rule_of_momenta_that_average_the_twist():
    """int_0^inf sigma = (pi/2) <-H_hop> in the mean; Student's t of 20 seeds,
    4.9 is 1e-4 (three temperatures).
    """
    momenta = np.pi * (np.arange(12) + 0.5) / 12
    grid = GRID | {"frequency": [0.0], "chunks": None}
    runs = [xg.ftlm(ring(6), **grid, momentum=momenta, random_vectors=5, seed=s) for s in range(20)]
    difference = np.array(
        [(run["total_weight"] + 0.5 * np.pi * run["kinetic_energy"]) / run["total_weight"] for run in runs]
    )
    error = difference.std(axis=0, ddof=1) / np.sqrt(20)
    assert (np.abs(difference.mean(axis=0)) < 4.9 * error).all()
    assert (error < 0.015).all()  # without the average the rule is violated by more


def test_total_weight_is_the_integral():
    w = np.linspace(0.0, 12.0, 1201)
    result = xg.ftlm(
        ring(6), T=[0.5, 3.0], frequency=w, broadening=0.1, random_vectors=2, seed=1, chunks=None
    )
    integral = result["optical_conductivity"].integrate("frequency")
    np.testing.assert_allclose(integral, result["total_weight"], rtol=1e-6)


def test_sites_that_differ():
    """Real vectors without a flux, complex ones averaged over several; every kind of disorder,
    against full diagonalisation.
    """
    draw = np.random.default_rng(7)
    over = {
        name: xr.DataArray(draw.normal(0.8, 0.3, 4), dims="site")
        for name in ("g", "g_z", "omega0", "site_energy")
    }
    model = xg.electron_tls(
        xg.lattice.chain(4), **over, t=xr.DataArray(draw.normal(0.9, 0.2, 4), dims="bond")
    )
    grid = GRID | {"T": [1.5, 3.0]}
    for twist in (None, 1.1, [0.3, 1.1, 2.0]):
        exact = xg.exact(model, **grid, twist=twist).compute()
        result = xg.ftlm(model, **grid, twist=twist, random_vectors=50, seed=5, chunks=None)
        for z in scores(result, exact).values():
            moderate(z)


def test_equal_sites_in_the_full_space_are_the_blocks():
    blocks = xg.ftlm(ring(6, omega0=0.3), **GRID, random_vectors=20, seed=1, chunks=None)
    sites = ring(6, omega0=xr.DataArray(np.full(6, 0.3), dims="site"))
    full = xg.ftlm(sites, **GRID, random_vectors=50, seed=1, chunks=None)
    for name in NAMES:
        error = np.hypot(blocks[f"{name}_stderr"], full[f"{name}_stderr"])
        moderate(((blocks[name] - full[name]) / error).values)


@pytest.mark.filterwarnings("ignore:.*keeps too few:UserWarning")
def test_truncation():
    same = [
        xg.ftlm(ring(6), **GRID, random_vectors=2, seed=1, max_excitations=m, precision="double", chunks=None)
        for m in (None, 6, 9)
    ]
    for other in same[1:]:
        for name in NAMES:
            np.testing.assert_allclose(other[name], same[0][name], rtol=1e-9)
    for model in (
        ring(6, omega0=1.0),
        ring(4, omega0=xr.DataArray(np.array([0.8, 1.0, 1.2, 0.9]), dims="site")),
    ):
        exact = xg.exact(model, **GRID, max_excitations=2).compute()
        result = xg.ftlm(model, **GRID, random_vectors=60, seed=2, max_excitations=2, chunks=None)
        for z in scores(result, exact).values():
            moderate(z)


def test_averages_over_realizations():
    model = disordered()
    grid = GRID | {"T": [1.0, 3.0]}
    for average in ("annealed", None):
        exact = xg.exact(model, **grid, average=average).compute()
        result = xg.ftlm(model, **grid, average=average, random_vectors=50, seed=6, chunks=None)
        assert ("realization" in result["kinetic_energy"].dims) == (average is None)
        assert ("realization" in result.coords) == (average is None)
        # annealed errors are those of three realizations: of the disorder, with two degrees of freedom
        for z in scores(result, exact).values() if average is None else ():
            moderate(z)
    single = xg.ftlm(model, **grid, average=None, random_vectors=4, seed=6, chunks=None)
    annealed = xg.ftlm(model, **grid, average="annealed", random_vectors=4, seed=6, chunks=None)
    z = np.exp(single["log_partition_function"])
    for name in ("kinetic_energy", "optical_conductivity"):
        expected = (single[name] * z).sum("realization") / z.sum("realization")
        np.testing.assert_allclose(annealed[name], expected.transpose(*annealed[name].dims), rtol=1e-12)
    quenched = xg.ftlm(model, **grid, average="quenched", random_vectors=4, seed=6, chunks=None)
    for name in NAMES:
        np.testing.assert_allclose(quenched[name], single[name].mean("realization"), rtol=1e-12)
        np.testing.assert_allclose(
            quenched[f"{name}_stderr"], single[name].std("realization", ddof=1) / np.sqrt(3), rtol=1e-9
        )
    lone = {
        average: xg.ftlm(model, **grid, average=average, random_vectors=1, seed=6, chunks=None)
        for average in ("annealed", "quenched")
    }
    for result in lone.values():  # the scatter of realizations needs no second vector
        assert np.isfinite(result["kinetic_energy_stderr"]).all()


def test_lazy_is_eager_bit_for_bit():
    model = disordered().assign_coords(t=xr.DataArray([0.9, 1.0], dims="p"))
    for average in ("annealed", "quenched", None):
        options = GRID | {"random_vectors": 3, "seed": 1, "average": average, "twist": [0.0, 0.4]}
        now = xg.ftlm(model, **options, chunks=None)
        for chunks in ("auto", {"realization": 1}, {"p": 1}):
            lazy = xg.ftlm(model, **options, chunks=chunks)
            assert all(lazy[name].chunks is not None for name in lazy.data_vars)
            assert lazy.compute().identical(now)


def test_more_tasks_than_one(monkeypatch):
    """However the work is cut, momentum by momentum and vector by vector."""
    from xglass.solvers import tasks

    options = GRID | {"random_vectors": 3, "seed": 1, "broadening": 0.05}
    model = ring(
        6, omega0=[0.1, 0.3, 0.2]
    )  # 115 to 130 steps, in buffers of their own or in those of another point
    now = xg.ftlm(model, **options, chunks=None)
    monkeypatch.setattr(tasks, "TASK_SECONDS", 0.0)
    lazy = xg.ftlm(model, **options)
    assert len(lazy["kinetic_energy"].data.dask) > 2 * 3 * 3
    assert lazy.compute().identical(now)


def test_parts_of_the_whole():
    """Numbers do not depend on what else is computed: temperatures, frequencies, parameter points,
    vectors.
    """
    options = {"frequency": W, "broadening": 0.2, "random_vectors": 2, "seed": 1, "chunks": None}
    whole = xg.ftlm(ring(6, omega0=[0.1, 0.2]), T=[0.5, 1.0, 3.0], **options)
    part = xg.ftlm(ring(6, omega0=0.2), T=1.0, **(options | {"frequency": W[3:9]}))
    for name in (*NAMES, "filter_exponent"):
        wanted = whole[name].sel(T=1.0, omega0=0.2)
        wanted = wanted.isel(frequency=slice(3, 9)) if "frequency" in wanted.dims else wanted
        np.testing.assert_allclose(part[name], wanted, rtol=1e-12)
        assert whole[name].sel(T=1.0, omega0=0.1).shape == wanted.shape or name == "optical_conductivity"


def test_vectors_of_points_and_momenta_are_independent():
    """ln Z at infinite temperature is exact, so compare the noise of <H_hop>:
    uncorrelated from g to g (400 pairs, 4.5 / 20).
    """
    g = 1.0 + 1e-6 * np.arange(400)
    options = {
        "T": 5.0,
        "frequency": [0.0],
        "broadening": 0.5,
        "random_vectors": 1,
        "seed": 3,
        "chunks": None,
        "lanczos_steps": 40,
    }
    noise = xg.ftlm(ring(4, g=g), **options, momentum=[0.7])["kinetic_energy"].values
    noise = (noise - noise.mean()) / noise.std()
    assert abs((noise[:-1] * noise[1:]).mean()) < 4.5 / np.sqrt(400)
    again = xg.ftlm(ring(4, g=g[:2]), **options, momentum=[0.7])["kinetic_energy"].values
    assert again[0] != again[1]


def test_precision():
    """The same vectors: single precision is good to 1e-6 of the peak where both resolve the filter."""
    options = GRID | {"random_vectors": 2, "seed": 1, "chunks": None, "lanczos_steps": 128}
    options["average"] = "annealed"
    for model in (ring(7), disordered()):
        double = xg.ftlm(model, **options, precision="double")
        single = xg.ftlm(model, **options, precision="single")
        for name in NAMES:
            assert float(abs(single[name] - double[name]).max() / abs(double[name]).max()) < 1e-5


def test_parameters_of_any_dims():
    """T and couplings that share a dimension, and T that has one of its own."""
    model = ring(4, omega0=xr.DataArray([0.1, 0.2, 0.3], dims="point"), g=[0.9, 1.1])
    T = xr.DataArray([[0.5, 1.0], [0.6, 1.2], [0.7, 1.4]], dims=("point", "T"), coords={"T": [0, 1]})
    result = xg.ftlm(model, T=T, frequency=W, broadening=0.3, random_vectors=2, seed=1)
    assert set(result["optical_conductivity"].dims) == {"point", "g", "T", "frequency"}
    here = ring(4, omega0=0.3, g=1.1)
    single = xg.ftlm(here, T=1.4, frequency=W, broadening=0.3, random_vectors=2, seed=1, chunks=None)
    found = result["optical_conductivity"].isel(point=2, T=1).sel(g=1.1)
    np.testing.assert_allclose(found, single["optical_conductivity"], rtol=1e-12)
    zipped = xg.ftlm(
        model,
        T=xr.DataArray([0.5, 0.6, 1.4], dims="point"),
        frequency=W,
        broadening=0.3,
        random_vectors=2,
        seed=1,
    )
    np.testing.assert_allclose(
        zipped["optical_conductivity"].isel(point=2).sel(g=1.1), single["optical_conductivity"], rtol=1e-12
    )


# --- warnings and bad input ---------------------------------------------------------------------------------


def test_warnings():
    options = {"frequency": W, "broadening": 0.1, "random_vectors": 1, "seed": 1}
    with pytest.warns(
        UserWarning, match=r"lanczos_steps = 20 do not resolve broadening = 0.1 at T = 1, which takes \d+"
    ):
        xg.ftlm(ring(8), T=1.0, **options, lanczos_steps=20)
    with pytest.warns(UserWarning, match=r"T = 0.2 is below omega0 = 0.5.*xg.typicality"):
        xg.ftlm(ring(8, omega0=0.5), T=[0.2, 1.0], **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        xg.ftlm(ring(8, omega0=0.5), T=0.2, **options, max_excitations=4)
        xg.ftlm(ring(8), T=1.0, **options, lanczos_steps=200)
        xg.ftlm(ring(3), T=1.0, **options, lanczos_steps=16)  # twice the dimension: nothing more to resolve


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"T": 0.0}, "T must be > 0"),
        ({"broadening": 0.0}, "broadening must be > 0"),
        ({"broadening": [0.1, -0.1]}, "broadening must be > 0"),
        ({"frequency": [1.0, 0.5]}, "frequency must be one rising"),
        ({"filter": "lorentzian"}, "filter must be 'gaussian', got 'lorentzian'"),
        ({"precision": "half"}, "precision must be 'single' or 'double'"),
        ({"average": "typical"}, "average must be"),
        ({"lanczos_steps": 0}, "lanczos_steps must be a whole number >= 1"),
        ({"random_vectors": 0}, "random_vectors must be a whole number >= 1"),
        ({"random_vectors": 1.5}, "random_vectors must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"max_excitations": -1}, "max_excitations must be a whole number >= 0"),
        ({"momentum": "none"}, "momentum must be 'all'"),
        ({"momentum": [np.inf]}, "momentum"),
        ({"twist": 0.3}, "write momentum="),
        ({"chunks": "big"}, "chunks must be"),
        ({"chunks": {"site": 1}}, "'site' cannot be chunked"),
        ({"T": xr.DataArray([0.1, 0.2], dims="omega0", coords={"omega0": [1.0, 2.0]})}, "T does not fit"),
    ],
)
def test_bad_input(arguments, message):
    model = xg.electron_tls(xg.lattice.chain(3), g=1.0, omega0=[0.01, 0.02])
    with pytest.raises(ValueError, match=message):
        xg.ftlm(
            model,
            **({"T": 1.0, "frequency": W, "broadening": 0.1, "random_vectors": 1, "seed": 1} | arguments),
        )


def test_bad_models():
    options = {"T": 1.0, "frequency": W, "broadening": 0.1, "random_vectors": 1, "seed": 1}
    with pytest.raises(
        ValueError,
        match=r"ftlm: .* Lanczos vectors of dimension 1099511627776 \(40 sites\).* GiB.*fewer sites",
    ):
        xg.ftlm(ring(40), **options)
    with pytest.raises(ValueError, match="momentum is not conserved"):
        xg.ftlm(disordered(), **options, momentum=[0.1])
    with pytest.raises(ValueError, match="entries along 'site'"):
        ring(4, g=xr.DataArray(np.ones(3), dims="site"))
    with pytest.raises((KeyError, TypeError), match="ftlm"):
        xg.ftlm(xg.lattice.chain(4), **options)


@pytest.mark.parametrize(
    ("T", "broadening", "omega0"), [(0.4, 5.0, 0.3), (1.0, 20.0, 0.3), (0.1, 1.0, 0.05), (0.005, 1.0, 0.02)]
)
def test_a_wide_filter_does_not_shorten_the_thermal_average(T, broadening, omega0):
    """The rule for lanczos_steps looks at the temperature, too: against 300 steps from the same vectors,
    to a hundredth of the errors.
    """
    options = {
        "T": T,
        "frequency": [0.0, 0.3, 1.0, 3.0],
        "broadening": broadening,
        "random_vectors": 4,
        "seed": 1,
    }
    options |= {"chunks": None, "precision": "double", "max_excitations": 8}
    model = ring(8, omega0=omega0)
    ruled, long = xg.ftlm(model, **options), xg.ftlm(model, lanczos_steps=300, **options)
    for name in (
        "kinetic_energy",
        "log_partition_function",
        "total_weight",
        "filter_exponent",
        "optical_conductivity",
    ):
        assert float((abs(ruled[name] - long[name]) / long[f"{name}_stderr"]).max()) < 0.01, name


def test_rings_of_different_size_have_independent_vectors():
    labels = np.array([1.0, 1.0, 0.0, 0.1, 0.0, 0.0])
    assert stream(0, 0, np.array([8.0, *labels])) != stream(0, 0, np.array([10.0, *labels]))
    streams = []
    for sites in (3, 4):
        values = tuple(np.array(x) for x in (1.0, 1.0, 0.0, 0.1, 0.0))
        numbers = (
            np.zeros((), dtype=np.int64),
            np.zeros(()),
            np.zeros(()),
            np.zeros((), dtype=np.int64),
            np.ones(1),
        )
        hamiltonian = {"sites": sites, "disorder": False, "precision": "single", "max_excitations": None}
        streams += [found for _, _, found in operators.walk(values, *numbers, **hamiltonian)[1]]
    assert streams[0] != streams[1]
