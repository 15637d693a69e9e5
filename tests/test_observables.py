"""Observables against plain loops: the formula of the docstring, one configuration at a time."""

import cmath
import itertools
import math

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit

import xglass as xg
from xglass.variables import REGISTRY, attributes


def order_parameter(run):
    return xg.order_parameter(run, q=[np.pi, 0.0])


POINTWISE = [  # a number or an array per configuration
    xg.structure_factor,
    order_parameter,
    xg.stripe_order,
    xg.electrostatic_energy,
    xg.electrostatic_potential,
    xg.kinetic_energy,
    xg.local_density,
]


@pytest.fixture(scope="module")
def run():
    return xg.testing.tiny_run(walker=2, sweep=3, chunks=None)


@pytest.fixture(scope="module")
def long():
    """Classical, every second sweep stored, and not at half filling."""
    model = xg.charge_glass(xg.lattice.triangular(4), filling=[0.25, 0.5], self_image="include")
    return xg.metropolis(model, T=0.3, walker=3, sweep=20, every=2, weight="classical", seed=3, chunks=None)


@pytest.fixture(scope="module")
def general():
    """Everything that a model may have at once: centred, random couplings and site energies,
    unequal hoppings, 5 of 12 sites.
    """
    lattice = xg.lattice.square(4, 3)
    U = xg.random_couplings(lattice, realization=2, seed=3) + 0.3 * xr.DataArray(
        np.eye(12), dims=("site", "site2")
    )
    eps = xg.random_site_energy(lattice, strength=0.5, convention="width", realization=2, seed=5)
    model = xg.charge_glass(
        lattice, hopping={"x": 0.2, "y": -0.1}, interaction=U, site_energy=eps, filling=5 / 12, centred=True
    )
    return xg.metropolis(
        model, T=[0.2, 0.4], walker=2, sweep=3, weight="kinetic", moves="exchange", seed=1, chunks=None
    )


def configurations(run):
    """Every configuration with the scalars and arrays that belong to it."""
    lead = [d for d in run["occupation"].dims if d != "site"]
    for index in itertools.product(*(range(run.sizes[d]) for d in lead)):
        yield run.isel(dict(zip(lead, index, strict=True))), dict(zip(lead, index, strict=True))


# -- correlations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("waiting_time", [[0], [2, 10], [10, 4]])
def test_autocorrelation_is_its_double_loop(long, waiting_time):
    C = xg.autocorrelation(long, waiting_time=waiting_time)
    assert C.dims == ("filling", "walker", "waiting_time", "lag")
    assert C["waiting_time"].values.tolist() == waiting_time
    assert C["lag"].values.tolist() == list(
        range(0, 21 - max(waiting_time), 2)
    )  # all that every waiting time has
    for f, w, tw, t in itertools.product(
        C["filling"].values, C["walker"].values, waiting_time, C["lag"].values
    ):
        now, later = (long["occupation"].sel(filling=f, walker=w, sweep=s).values for s in (tw, tw + t))
        expected = sum((now[i] - f) * (later[i] - f) for i in range(16)) / 16
        assert float(C.sel(filling=f, walker=w, waiting_time=tw, lag=t)) == pytest.approx(expected, abs=1e-15)


def test_autocorrelation_at_lag_zero_is_exact(long):
    C = xg.autocorrelation(long, waiting_time=[0, 6, 20], lag=0)
    assert (C.sel(filling=0.5) == 0.25).all()  # not a rounding off
    assert (C.sel(filling=0.25) == 0.1875).all()
    glass = xg.charge_glass(xg.lattice.triangular(6), filling=1 / 3)
    third = xg.metropolis(glass, T=0.1, walker=5, sweep=2, weight="classical", seed=1)
    np.testing.assert_allclose(
        xg.autocorrelation(third, waiting_time=[0, 1, 2], lag=0), 2 / 9, rtol=0, atol=1e-12
    )


def test_autocorrelation_of_chosen_lags(long):
    every = xg.autocorrelation(long, waiting_time=[2, 4])
    chosen = xg.autocorrelation(long, waiting_time=[2, 4], lag=[8, 0, 6])
    xr.testing.assert_identical(chosen, every.sel(lag=[8, 0, 6]))
    one = xg.autocorrelation(long, waiting_time=4, lag=6)
    assert one.sizes["waiting_time"] == one.sizes["lag"] == 1
    xr.testing.assert_identical(one, every.sel(waiting_time=[4], lag=[6]))


def test_autocorrelation_of_unevenly_stored_sweeps(long):
    some = long.sel(sweep=[0, 2, 6, 8, 20])
    C = xg.autocorrelation(some, waiting_time=[0, 2])
    assert C["lag"].values.tolist() == [0, 6]  # 0 -> 0, 6; 2 -> 2, 8
    xr.testing.assert_identical(C, xg.autocorrelation(long, waiting_time=[0, 2], lag=[0, 6]))
    assert xg.autocorrelation(some.isel(sweep=[4, 0, 1]), waiting_time=2)["lag"].values.tolist() == [
        0,
        18,
    ]  # stored in any order


def test_autocorrelation_of_a_ramp():
    ramp = xr.DataArray(np.linspace(3, 1, 9), dims="sweep")
    run = xg.testing.tiny_run(sweep=8, ramp=ramp, weight="classical", chunks=None)
    C = xg.autocorrelation(run, waiting_time=[0, 4])
    assert "temperature" not in C.coords  # it belongs to sweeps, not to lags
    assert (C.sel(lag=0) == 0.25).all()


def test_overlap_is_its_loop(long):
    other = xg.metropolis(long, T=0.3, walker=3, sweep=20, every=2, weight="classical", seed=4, chunks=None)
    Q = xg.overlap(long, other)
    assert Q.dims == ("filling", "walker", "sweep")
    for part, index in configurations(long):
        f, a, b = float(part["filling"]), part["occupation"].values, other["occupation"].isel(index).values
        expected = (
            sum((x - f) * (y - f) for x, y in zip(a.tolist(), b.tolist(), strict=True)) / 16 / (f * (1 - f))
        )
        assert float(Q.isel(index)) == pytest.approx(expected, abs=1e-14)
    assert (xg.overlap(long, long) == 1).all()
    holes = long.assign(occupation=1 - long["occupation"]).sel(filling=[0.5])
    assert (xg.overlap(long.sel(filling=[0.5]), holes) == -1).all()


def test_overlap_of_independent_runs_vanishes_on_average():
    """2000 independent pairs of random configurations: <Q> = 0 exactly, variance 1/(N - 1); |z| < 4.42,
    alarm 1e-5.
    """
    model = xg.charge_glass(xg.lattice.triangular(4))
    a, b = (
        xg.metropolis(model, T=1.0, walker=2000, sweep=1, weight="classical", seed=s, chunks=None)
        for s in (1, 2)
    )
    Q = xg.overlap(a, b).isel(sweep=0)
    assert abs(float(Q.mean())) < 4.42 * np.sqrt(1 / 15 / 2000)
    assert float(Q.var()) == pytest.approx(1 / 15, rel=0.2)


# -- structure --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run", "long", "general"])
def test_structure_factor_is_its_loop(name, request):
    run = request.getfixturevalue(name)
    S = xg.structure_factor(run)
    N, position = run.sizes["site"], run["position"].values
    assert S.dims == (*run["occupation"].dims[:-1], "q")
    assert S.sizes["q"] == N
    q = np.stack([S["qx"].values, S["qy"].values], axis=1)
    turns = q @ run["torus"].values.T / (2 * np.pi)  # waves of the torus
    np.testing.assert_allclose(turns, turns.round(), atol=1e-12)
    assert (
        len({tuple((row % run["cells"].values).tolist()) for row in turns.round().astype(int)}) == N
    )  # all of them
    np.testing.assert_allclose(
        S.sum("q"),
        (N * run["filling"] * (1 - run["filling"])).broadcast_like(S.isel(q=0)).transpose(*S.dims[:-1]),
        rtol=1e-11,
    )
    zero = int(np.flatnonzero((q == 0).all(axis=1))[0])
    assert (abs(S.isel(q=zero)) < 1e-12).all()  # fixed particle number
    for part, index in itertools.islice(configurations(run), 0, None, 7):
        f, n = float(part["filling"]), part["occupation"].values.tolist()
        for k in range(0, N, 3):
            phases = [cmath.exp(-1j * sum(q[k] * r)) for r in position]
            expected = abs(sum((m - f) * z for m, z in zip(n, phases, strict=True))) ** 2 / N
            assert float(S.isel(index).isel(q=k)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("kind", "corner"), [("triangular", 4 * np.pi / 3), ("square", np.sqrt(2) * np.pi)])
def test_wave_vectors_are_in_the_first_zone(kind, corner):
    run = xg.metropolis(
        xg.charge_glass(getattr(xg.lattice, kind)(6)), T=0.1, walker=1, sweep=1, weight="classical", seed=1
    )
    S = xg.structure_factor(run)
    length = np.hypot(S["qx"], S["qy"])
    assert float(length.max()) == pytest.approx(corner)
    assert S["qx"].attrs["units"] == "1/a"
    assert (
        len({(round(x, 9), round(y, 9)) for x, y in zip(S["qx"].values, S["qy"].values, strict=True)}) == 36
    )


def test_structure_factor_in_one_and_three_dimensions():
    for lattice, names in ((xg.lattice.chain(4), ["qx"]), (xg.lattice.cubic(2), ["qx", "qy", "qz"])):
        run = xg.metropolis(
            xg.charge_glass(lattice, interaction=None), T=1, walker=2, sweep=2, weight="classical", seed=1
        )
        S = xg.structure_factor(run)
        assert [n for n in S.coords if n in ("qx", "qy", "qz")] == names
        np.testing.assert_allclose(S.sum("q"), lattice.sizes["site"] / 4, rtol=1e-12)


def test_stripe_order_of_perfect_stripes():
    i, j = np.arange(24) % 4, np.arange(24) // 4
    stripes = {"horizontal": j % 2, "diagonal_1": i % 2, "diagonal_2": (i + j) % 2}
    model = xg.charge_glass(xg.lattice.triangular(4, 6))
    n = xr.DataArray(np.array(list(stripes.values()), dtype=np.int8), dims=("walker", "site"))
    order = xg.stripe_order(model.assign(occupation=n))
    assert order["orientation"].values.tolist() == list(stripes)
    np.testing.assert_allclose(order, np.eye(3), atol=1e-12)
    assert order.dims == ("walker", "orientation")
    # the stripe runs along what its name says: a bond along it joins equal charges
    for name, along in {
        "horizontal": (1, 0),
        "diagonal_1": (0.5, 3**0.5 / 2),
        "diagonal_2": (-0.5, 3**0.5 / 2),
    }.items():
        bonds = np.isclose(model["bond_vector"].values, along).all(axis=1)
        ends = [stripes[name][model[end].values[bonds]] for end in ("bond_source", "bond_target")]
        assert (ends[0] == ends[1]).all()
        assert bonds.sum() == 24


@pytest.mark.parametrize("name", ["run", "long"])
def test_stripe_order_is_the_structure_factor_at_half_reciprocal_vectors(name, request):
    run = request.getfixturevalue(name)
    order, i, j = xg.stripe_order(run), np.arange(16) % 4, np.arange(16) // 4
    for part, index in configurations(run):
        f, n = float(part["filling"]), part["occupation"].values
        for orientation, line in {"horizontal": j, "diagonal_1": i, "diagonal_2": i + j}.items():
            S = float(((n - f) * (-1.0) ** line).sum()) ** 2 / 16
            assert float(order.isel(index).sel(orientation=orientation)) == pytest.approx(
                math.sqrt(S / 16) / f, abs=1e-12
            )


def test_stripe_order_of_the_square_lattice():
    model = xg.charge_glass(xg.lattice.square(4, 2), interaction=None)
    i, j = np.arange(8) % 4, np.arange(8) // 4
    n = np.array([j % 2, i % 2, (i + j) % 2], dtype=np.int8)
    order = xg.stripe_order(model.assign(occupation=(("walker", "site"), n)))
    assert order["orientation"].values.tolist() == ["horizontal", "vertical", "diagonal"]
    np.testing.assert_allclose(order, np.eye(3), atol=1e-12)


# -- energies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run", "long", "general"])
def test_energy_and_potential_are_their_double_loops(name, request):
    run = request.getfixturevalue(name)
    E, phi = xg.electrostatic_energy(run), xg.electrostatic_potential(run)
    for part, index in itertools.islice(configurations(run), 0, None, 5):
        U, eps, n = part["interaction"].values, part["site_energy"].values, part["occupation"].values.tolist()
        shift = float(part["filling"]) if bool(part["centred"]) else 0.0
        sites = range(len(n))
        energy = sum(eps[i] * n[i] for i in sites)
        energy += sum(U[i, j] * (n[i] - shift) * (n[j] - shift) for i in sites for j in sites if i != j) / 2
        potential = [eps[i] + sum(U[i, j] * (n[j] - shift) for j in sites) for i in sites]
        assert float(E.isel(index)) == pytest.approx(energy, abs=1e-12)
        assert float(run["electrostatic_energy"].isel(index)) == pytest.approx(energy, abs=1e-12)
        np.testing.assert_allclose(phi.isel(index), potential, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["run", "general"])
def test_runs_carry_what_the_observables_recompute(name, request):
    run = request.getfixturevalue(name)
    for recompute in (xg.electrostatic_energy, xg.kinetic_energy):
        again = recompute(run)
        stored = run[again.name]
        assert again.dims == stored.dims
        assert again.attrs == stored.attrs
        np.testing.assert_allclose(again, stored, rtol=0, atol=1e-11)


def grand_potential(H, T, particles):
    """F = Omega + mu N, from eigenvalues alone, at the mu that maximises it."""
    levels = np.linalg.eigvalsh(H)
    low, high = levels[0] - 40 * T, levels[-1] + 40 * T
    for _ in range(60):
        mu = (low + high) / 2
        low, high = (mu, high) if expit((mu - levels) / T).sum() < particles else (low, mu)
    return mu * particles - T * np.logaddexp(0, (mu - levels) / T).sum()


def hopping_from_geometry(run):
    """K_ij from positions: every pair a lattice spacing apart, by the direction of the bond."""
    position, periods, hopping = (
        run["position"].values,
        run["torus"].values,
        dict(zip(run["bond_kind"].values, run["hopping"].values, strict=True)),
    )
    K = np.zeros((run.sizes["site"],) * 2)
    images = [np.array(c) @ periods for c in itertools.product((-1, 0, 1), repeat=2)]
    for i, j in itertools.permutations(range(len(K)), 2):
        for image in images:
            step = position[j] + image - position[i]
            if abs(np.linalg.norm(step) - 1) < 1e-9:
                along = abs(step[1]) < 1e-9
                K[i, j] += hopping[
                    {True: "c", False: "p"}[along] if "c" in hopping else {True: "x", False: "y"}[along]
                ]
    return K


def slope(F, step=0.01):
    """dF/dx at 0 by central differences and one Richardson step."""
    coarse, fine = ((F(h) - F(-h)) / (2 * h) for h in (step, step / 2))
    return (4 * fine - coarse) / 3


@pytest.mark.parametrize("name", ["run", "general"])
def test_kinetic_energy_and_densities_are_slopes_of_the_free_energy(name, request):
    """<K> = dF[lambda K + phi]/dlambda and <n_i> = dF/dphi_i at fixed mean number,
    by finite differences of an independent F.
    """
    run = request.getfixturevalue(name)
    kinetic, density = xg.kinetic_energy(run), xg.local_density(run)
    assert density.dims == run["occupation"].dims
    np.testing.assert_allclose(density.sum("site"), run["occupation"].sum("site"), rtol=0, atol=1e-11)
    assert ((density > 0) & (density < 1)).all()
    for part, index in itertools.islice(configurations(run), 0, None, 7):
        T, particles = float(part["T"]), int(part["occupation"].sum())
        U, shift = part["interaction"].values, float(part["filling"]) if bool(part["centred"]) else 0.0
        phi = np.diag(part["site_energy"].values + U @ (part["occupation"].values - shift))
        K = hopping_from_geometry(part)
        expected = slope(lambda h, K=K, phi=phi, T=T, N=particles: grand_potential((1 + h) * K + phi, T, N))
        assert float(kinetic.isel(index)) == pytest.approx(expected, abs=1e-7)
        for i in (0, 5, 11):
            field = np.zeros_like(K)
            field[i, i] = T
            expected = (
                slope(
                    lambda h, H=K + phi, field=field, T=T, N=particles: grand_potential(H + h * field, T, N)
                )
                / T
            )
            assert float(density.isel(index)[i]) == pytest.approx(expected, abs=1e-7)


def test_the_temperature_of_a_ramp_is_used():
    ramp = xr.DataArray([8.0, 4.0, 2.0, 1.0, 1.0], dims="sweep")
    run = xg.testing.tiny_run(sweep=4, ramp=ramp, chunks=None)
    recomputed = xg.kinetic_energy(run)
    np.testing.assert_allclose(recomputed, run["kinetic_energy"], rtol=0, atol=1e-11)
    wrong = xg.kinetic_energy(run.drop_vars("temperature"))  # then T: right only where the ramp has arrived
    assert (abs(wrong - recomputed).isel(sweep=slice(3, None)) < 1e-11).all()
    assert (abs(wrong - recomputed).isel(sweep=0) > 1e-3).any()
    single = xg.local_density(run.isel(sweep=1))  # with a scalar sweep
    at_T = xg.local_density(run.isel(sweep=1).drop_vars("temperature").assign_coords(T=run["T"].values * 4))
    np.testing.assert_allclose(single, at_T, rtol=0, atol=1e-12)


# -- every observable -------------------------------------------------------------------------------


def observed(run):
    found = {f.__name__: f(run) for f in POINTWISE}
    found["autocorrelation"] = xg.autocorrelation(run, waiting_time=[0, 1])
    found["overlap"] = xg.overlap(run, run)
    return found


def test_names_dims_and_attributes(run):
    for name, result in observed(run).items():
        assert isinstance(result, xr.DataArray)
        assert result.name == name
        core = REGISTRY[name].dims
        assert result.dims[-len(core) :] == core
        assert result.dims[: -len(core)] == ("eta", "T")
        assert result.attrs == attributes(name)
        assert result.dtype == np.float64
        for dim in result.dims:
            if dim in result.coords:
                assert result[dim].attrs == attributes(dim), f"{name}: {dim}"
        assert {"T", "eta", "t_p"} <= set(result.coords), name


@pytest.mark.parametrize(
    "chunks", [{"sweep": 1}, {"walker": 1, "sweep": 3}, {"T": 1, "eta": 1, "walker": 1, "sweep": 2}]
)
def test_chunks_do_not_matter(run, chunks):
    """Any dimension but site may be cut, and no bit changes: BLAS is given one configuration at a time."""
    whole = observed(run)
    for name, result in observed(run.chunk(chunks)).items():
        assert result.chunks is not None, name
        result = result.compute(scheduler="sync")
        xr.testing.assert_identical(result, whole[name])


def joined(parts, dim):
    options = {"data_vars": "minimal"} if isinstance(parts[0], xr.Dataset) else {}
    return xr.concat(parts, dim, coords="minimal", compat="override", **options)


def test_selections_keep_the_model():
    """isel, sel, where, concat: an observable of the part is the part of the observable."""
    long = xg.testing.tiny_run(walker=4, sweep=5, chunks=None)
    selections = [
        lambda x: x.isel(walker=0),
        lambda x: x.isel(walker=[2, 0], sweep=slice(1, None, 2)),
        lambda x: x.sel(T=0.1),
        lambda x: x.sel(eta=[-0.5]).sel(sweep=3),
        lambda x: x.sel(T=0.05, eta=-1.0).isel(walker=1, sweep=-1),
        lambda x: x.transpose("sweep", ..., "walker"),
        lambda x: x.where(x["T"] > 0.06, 0, drop=True),
        lambda x: joined([x.sel(walker=[0, 1]), x.sel(walker=[2, 3])], "walker"),
        lambda x: joined([x.sel(T=[0.1]), x.sel(T=[0.05])], "T"),
    ]
    for number, select in enumerate(selections):
        part = select(long)
        assert part["occupation"].dtype == np.int8
        for f in POINTWISE:
            expected, found = select(f(long)), f(part)
            found = found.transpose(*expected.dims)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12, err_msg=f"{f.__name__} {number}")
            for name in ("T", "eta", "walker", "sweep"):
                xr.testing.assert_equal(found[name], expected[name])


def test_reductions_of_the_rest_keep_the_model(run):
    """A mean over walkers keeps what is not averaged: parameters, lattice, energies;
    the occupations become a density.
    """
    mean = run.mean(["walker", "sweep"])
    assert set(run.coords) - set(mean.coords) == {"walker", "sweep"}
    assert mean["occupation"].dtype.kind == "f"
    for f in POINTWISE:
        with pytest.raises(TypeError, match="mean of the result"):
            f(mean)
    grouped = run.groupby("T").mean()
    assert set(run.coords) <= set(grouped.coords)
    with pytest.raises(TypeError, match="mean of the result"):
        xg.structure_factor(grouped)
    with pytest.raises(TypeError, match="mean of the result"):
        xg.autocorrelation(run.mean("walker"), waiting_time=0)
    with pytest.raises(TypeError, match="mean of the result"):
        xg.overlap(run, run.mean("walker"))


@pytest.mark.parametrize("factor", [2.0, 0.3])
def test_observables_scale_with_the_energy_unit(factor):
    """All energies times a factor: what is in Vc follows, what is a pure number stays.

    The units say which is which.
    """
    lattice = xg.lattice.triangular(4)
    U = xg.coulomb(lattice, self_image=-0.2)
    eps = xg.random_site_energy(lattice, strength=0.3, convention="std", realization=2, seed=1)
    model = xg.charge_glass(lattice, t_p=0.12, eta=[-1.0, 0.3], interaction=U, site_energy=eps)
    large = xg.charge_glass(
        lattice, t_p=0.12 * factor, eta=[-1.0, 0.3], interaction=U * factor, site_energy=eps * factor
    )
    run = xg.metropolis(model, T=[0.05, 0.1], walker=2, sweep=2, seed=1, chunks=None)
    scaled = large.assign(occupation=run["occupation"].drop_vars(["t_p"])).assign_coords(T=run["T"] * factor)
    counted = 0
    scaled_results = observed(scaled.assign_coords(T=("T", run["T"].values * factor)))
    for name, result in observed(run).items():
        power = {"Vc": 1, "1": 0}[result.attrs["units"]]
        counted += power
        np.testing.assert_allclose(
            scaled_results[name], result * factor**power, rtol=0, atol=1e-11, err_msg=name
        )
    assert counted == 3


def test_sums_of_occupations_are_refused_when_computed():
    """A sum over walkers is still of whole numbers: the values tell."""
    counts = xg.testing.tiny_run(chunks=None, weight="classical").sum("walker", keep_attrs=True)
    for f in (
        xg.structure_factor,
        xg.stripe_order,
        xg.electrostatic_energy,
        xg.electrostatic_potential,
        xg.kinetic_energy,
    ):
        with pytest.raises(ValueError, match="occupation must be 0 or 1, got values from 0 to [23]"):
            f(counts)
    with pytest.raises(ValueError, match="occupation must be 0 or 1"):
        xg.autocorrelation(counts, waiting_time=1)


def test_another_temperature_labels_its_result():
    run = xg.testing.tiny_run(chunks=None).isel(T=0)
    one = xg.kinetic_energy(run, T=0.3)
    assert float(one["T"]) == 0.3
    swept = xg.kinetic_energy(run, T=[0.2, 0.3])
    assert swept.dims == ("T", "eta", "walker", "sweep")
    xr.testing.assert_identical(swept.sel(T=0.3), one)
    xr.testing.assert_identical(xg.kinetic_energy(run, T=0.05), xg.kinetic_energy(run))
