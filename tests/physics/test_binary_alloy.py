"""The binary alloy of frozen two-level systems at any weight: against enumeration, the clean chain, and the
coherent potential approximation."""

import functools
import itertools

import gftool
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import xglass as xg
from xglass.engine.tls import static_disorder

NAMES = ("optical_conductivity", "kinetic_energy", "total_weight", "log_partition_function")
G, HOP = 0.9, 0.8
W = np.linspace(0.0, 6.0, 31)


def model(g=G, t=HOP, omega0=0.0):
    return xg.electron_tls(xg.lattice.chain(4), g=g, t=t, omega0=omega0)


def solve(given=None, **changed):
    grid = {"T": [0.3, 1.0], "frequency": W, "broadening": 0.15, "sites": 40, "realization": 4, "seed": 1}
    return xg.static_disorder(model() if given is None else given, **(grid | {"chunks": None} | changed))


def of_one(signs, T):
    """Tr e^{-H/T}, and the sums that it divides, of one configuration: dense, line by line."""
    N = signs.size
    step = np.roll(np.eye(N), 1, axis=0)
    E, U = np.linalg.eigh(np.diag(G * signs) - HOP * (step + step.T))
    current = (U.T @ (HOP * (step - step.T)) @ U) ** 2
    hop = np.diagonal(U.T @ (-HOP * (step + step.T)) @ U)
    p = np.exp(-E / T)
    gap = E[None, :] - E[:, None]
    same = np.abs(gap) < 1e-12
    lines = np.pi * current * np.where(same, p[:, None] / T, (p[:, None] - p) / np.where(same, 1.0, gap))
    gauss = np.exp(-0.5 * ((W[:, None, None] - gap) / 0.15) ** 2) / np.sqrt(2 * np.pi) / 0.15
    return {
        "optical_conductivity": (gauss * lines).sum(axis=(1, 2)),
        "kinetic_energy": (p * hop).sum(),
        "total_weight": lines.sum() / 2,  # half of an even function
        "log_partition_function": p.sum(),
    }


@functools.cache
def enumerated(N, weight, T):
    """All 2^N configurations, each with its binomial probability: a site is at -g with the weight."""
    sums = dict.fromkeys(NAMES, 0.0)
    for signs in itertools.product([1.0, -1.0], repeat=N):
        below = signs.count(-1.0)
        probability = weight**below * (1.0 - weight) ** (N - below)
        sums = {k: sums[k] + probability * v for k, v in of_one(np.array(signs), T).items()}
    z = sums.pop("log_partition_function")
    return {k: v / z for k, v in sums.items()} | {"log_partition_function": np.log(z) + N * np.log(2.0)}


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_every_configuration_counts_with_its_probability(weight, monkeypatch):
    """Uniform numbers from every cell of a grid with four to a site: the average over them is the sum over
    all configurations, with nothing random about it."""
    N = 3
    cells = iter([(np.array(cell) + 0.5) / 4 for cell in itertools.product(range(4), repeat=N)])
    monkeypatch.setattr(static_disorder, "uniforms", lambda *_: next(cells))
    ours = solve(sites=N, realization=4**N, weight=weight)
    for i, T in enumerate([0.3, 1.0]):
        for name, value in enumerated(N, weight, T).items():
            np.testing.assert_allclose(ours[name][i], value, rtol=0, atol=2e-9 * np.max(np.abs(value)))


def test_the_weight_is_that_of_the_lower_energy():
    """One site more at -g is 2 g less: ln Z of the clean chains, and of the alloy between, at low T."""
    for weight, energy in ((1.0, -G), (0.0, G)):
        result = solve(weight=weight, T=0.5)
        band = energy - 2.0 * HOP * np.cos(2.0 * np.pi * np.arange(40) / 40)
        log_z = np.log(np.exp(-band / 0.5).sum()) + 40 * np.log(2.0)
        assert float(result["log_partition_function"]) == pytest.approx(log_z, rel=1e-13)
        p = np.exp(-band / 0.5) / np.exp(-band / 0.5).sum()
        assert float(result["kinetic_energy"]) == pytest.approx((p * (band - energy)).sum(), rel=1e-12)
        assert float(result["log_partition_function_stderr"]) == 0.0  # every configuration is the same
        free = solve(model(g=0.0), T=0.5, weight=0.3)
        np.testing.assert_allclose(
            result["optical_conductivity"], free["optical_conductivity"], rtol=0, atol=1e-9 * 100
        )


def test_drawn_configurations_agree_within_their_errors():
    """60 seeds, 150 configurations of 5 sites: z-scores against the enumeration are normal.

    chi^2 of 60 z-scores lies within its two-sided 1 - 1e-6 interval, widened by 1.25 for Student's tails.
    """
    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], 60)
    draws = [solve(sites=5, realization=150, seed=seed, T=0.5, weight=[0.2, 0.7]) for seed in range(60)]
    results = xr.concat(draws, "draw")
    for weight in (0.2, 0.7):
        for name, value in enumerated(5, weight, 0.5).items():
            part = results.sel(weight=weight)
            picked = {"frequency": [4, 8]} if np.ndim(value) else {}
            value = np.asarray(value)[[4, 8]] if np.ndim(value) else value
            found, error = (
                part[f"{name}{end}"].isel(picked).transpose("draw", ...) for end in ("", "_stderr")
            )
            z = ((found - value) / error).values.reshape(60, -1)
            squares = (z**2).sum(axis=0)
            assert (low / 1.25 < squares).all(), (weight, name, squares)
            assert (squares < high * 1.25).all(), (weight, name, squares)
            assert (abs(z.mean(axis=0)) < 5.5 / np.sqrt(60)).all(), (weight, name)


def test_long_chains_average_themselves():
    """Quenched is annealed, up to 1/N: the difference of the averages falls with the length of the chain."""
    gaps = []
    for sites, number in ((12, 400), (120, 40)):
        each = solve(sites=sites, realization=number, weight=0.7, T=1.0, average=None)
        z = np.exp(each["log_partition_function"] - each["log_partition_function"].max())
        K = each["kinetic_energy"]
        gaps.append(float((K * z).sum() / z.sum() - K.mean()))
    assert abs(gaps[0]) > 2e-3
    assert abs(gaps[1]) < abs(gaps[0]) / 5


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("T", [1.0, 2.0])
def test_coherent_potential_approximation(weight, T):
    """Z and the kinetic energy of a site from the mean field of gftool, which has the first moments exactly.

    Integrals over e^{-E/T} on a circle around the spectrum, where Green's functions are smooth.
    """
    hilbert = functools.partial(gftool.onedim_gf_z, half_bandwidth=2.0 * HOP)
    z = 3.5 * np.exp(1j * np.pi * (np.arange(60) + 0.5) / 60)
    sigma = gftool.cpa.solve_root(
        z, e_onsite=[G, -G], concentration=[1.0 - weight, weight], hilbert_trafo=hilbert
    )
    local = hilbert(z - sigma)
    density = (np.exp(-z / T) * z * local).real.mean()
    hopping = (np.exp(-z / T) * z * ((z - sigma) * local - 1.0)).real.mean()
    result = solve(T=T, weight=weight, sites=200, realization=60, frequency=[0.0])
    log_z = float(result["log_partition_function"]) - 200 * np.log(2.0) - np.log(200)
    assert log_z == pytest.approx(
        np.log(density), abs=5 * float(result["log_partition_function_stderr"]) + 2e-3
    )
    error = 5 * float(result["kinetic_energy_stderr"])
    assert float(result["kinetic_energy"]) == pytest.approx(hopping / density, abs=error + 2e-3)


def test_a_weight_for_every_temperature():
    """Each temperature by its own configurations, bit for bit as alone."""
    T = [0.2, 0.5, 1.0]
    own = xr.DataArray([0.9, 0.6, 0.6], dims="T", coords={"T": T})
    together = solve(T=T, weight=own)
    assert together["optical_conductivity"].dims == ("T", "frequency")
    np.testing.assert_array_equal(together["weight"], own)
    for i, value in enumerate(T):
        alone = solve(T=value, weight=float(own[i]))
        for name in NAMES:
            np.testing.assert_array_equal(together[name][i], alone[name])
    shared = solve(T=T, weight=0.6)
    xr.testing.assert_equal(
        together.isel(T=[1, 2]).drop_vars("weight"), shared.isel(T=[1, 2]).drop_vars("weight")
    )
    over_both = solve(T=T, weight=xr.concat([own, 1.0 - own], "preparation"))
    assert over_both["kinetic_energy"].dims == ("preparation", "T")
    np.testing.assert_array_equal(over_both["kinetic_energy"][0], together["kinetic_energy"])


def test_the_alloy_of_section_ii():
    """The paper's w, of defects at +g, is the thermal fraction of Eq. (A8): clean where it is cold."""
    T = [0.05, 0.2, 1.0, 50.0]
    tls = model(omega0=[0.5, 1.0])
    w = xg.dilute_defects.fraction(tls, T=T)
    result = solve(tls, T=T, weight=1.0 - w, chunks=None)
    assert result["kinetic_energy"].dims == ("omega0", "T")
    np.testing.assert_allclose(result["weight"], 1.0 - w.values, rtol=1e-11)
    assert float(abs(result["weight"][:, -1] - 0.5).max()) < 0.006  # T >> omega0: w -> 1/2
    alone = solve(T=0.2, weight=1.0 - float(w.sel(omega0=1.0, T=0.2)))
    assert float(result["kinetic_energy"].sel(omega0=1.0, T=0.2)) == float(alone["kinetic_energy"])
    clean = solve(T=T, weight=1.0)["kinetic_energy"]
    off = abs(result["kinetic_energy"] - clean)
    assert float(off.sel(omega0=1.0)[0]) < 1e-4 < float(off.sel(omega0=1.0)[1])


def test_curves_over_the_weight_are_smooth():
    """The same random numbers for all: a site once at -g stays there, a configuration at a time."""
    labels = np.array([1.0, 0.9, 0.0, 4000.0])
    rows = np.array([static_disorder.signs(4000, 1, 0, labels, w) for w in np.linspace(0.0, 1.0, 21)])
    assert (np.diff(rows, axis=0) <= 0.0).all()
    assert (rows[0] == 1.0).all()
    assert (rows[-1] == -1.0).all()
    fractions = (rows == -1.0).mean(axis=1)
    np.testing.assert_allclose(fractions, np.linspace(0.0, 1.0, 21), atol=5 * 0.5 / np.sqrt(4000))
    np.testing.assert_array_equal(rows[10], static_disorder.signs(4000, 1, 0, labels))
    swept = solve(weight=[0.3, 0.5, 0.7])
    assert swept["optical_conductivity"].dims == ("weight", "T", "frequency")
    assert swept["weight"].attrs["symbol"] == "w"
    xr.testing.assert_equal(swept.sel(weight=0.5, drop=True), solve().drop_vars("weight"))
    lazy = solve(weight=[0.3, 0.5, 0.7], chunks={"weight": 2, "realization": 3}).compute()
    xr.testing.assert_identical(lazy, swept)
    each = solve(weight=[0.3, 0.5, 0.7], average=None)
    assert each["kinetic_energy"].dims == ("weight", "realization", "T")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weight": -0.1}, r"static_disorder: weight must be in \[0, 1\], the fraction .* got -0.1"),
        ({"weight": [0.5, 1.1]}, r"weight must be in \[0, 1\].* got \[0.5, 1.1\]"),
        ({"weight": float("nan")}, "weight must be finite"),
        ({"weight": "3 meV"}, "weight came as 3 meV"),
        ({"weight": [0.5, 0.5]}, "weight repeats values"),
        ({"weight": xr.DataArray([0.5, 0.6], dims="realization")}, "weight has a dimension 'realization'"),
        ({"weight": xr.DataArray([0.5, 0.6], dims="frequency")}, "cannot be dimensions of this parameter"),
        ({"weight": xr.DataArray([0.5, 0.6], dims="site")}, "cannot be dimensions of this parameter"),
        (
            {"weight": xr.DataArray([0.5, 0.6], dims="T", coords={"T": [0.3, 1.0]}), "T": 0.3},
            r"weight has dimensions \('T',\), and T has \(\); give all temperatures",
        ),
        (
            {"weight": xr.DataArray([0.5, 0.6], dims="T", coords={"T": [0.3, 1.1]})},
            "T and weight must have the same labels",
        ),
        ({"weight": xr.DataArray([0.5] * 3, dims="T")}, "T and weight must have the same labels"),
    ],
)
def test_refusals(changed, message):
    with pytest.raises(ValueError, match=message):
        solve(**changed)


def test_a_weight_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="weight must be real numbers"):
        solve(weight=None)
