"""Frozen two-level systems: against the sum over all configurations by another solver, sum rules,
and counts.
"""

import itertools

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import xglass as xg
from xglass.engine.tls import static_disorder

W = np.linspace(0.0, 6.0, 61)
NAMES = ("optical_conductivity", "kinetic_energy", "total_weight", "log_partition_function")


def solve(model=None, **changed):
    given = {"T": [0.3, 1.0], "frequency": W, "broadening": 0.15, "sites": 40, "realization": 4, "seed": 1}
    return xg.static_disorder(frozen() if model is None else model, **(given | changed))


def frozen(g=0.9, g_z=0.0, t=1.0, N=4):
    return xg.electron_tls(xg.lattice.chain(N), g=g, g_z=g_z, t=t, omega0=0.0)


@pytest.mark.parametrize(("N", "g_z"), [(3, 0.0), (4, 0.4), (6, 0.0)])
@pytest.mark.parametrize("broadening", [0.15, 0.02])
def test_all_configurations_are_the_exact_thermal_average(N, g_z, broadening, monkeypatch):
    every = iter([np.array(signs, dtype=float) for signs in itertools.product([1.0, -1.0], repeat=N)])
    monkeypatch.setattr(static_disorder, "signs", lambda *_: next(every))
    model = frozen(g_z=g_z, t=0.8, N=N)
    ours = solve(model, sites=N, realization=2**N, broadening=broadening, chunks=None)
    exact = xg.exact(model, T=[0.3, 1.0], frequency=W, broadening=broadening, chunks=None)
    for name in NAMES:  # 1e-9: interpolation of the Gaussians, in units of the highest one
        np.testing.assert_allclose(
            ours[name], exact[name], rtol=0, atol=1e-9 * float(abs(exact[name]).max()), err_msg=name
        )


def test_drawn_configurations_agree_within_their_errors():
    """80 seeds, 150 configurations of 5 sites each: z-scores of every quantity are normal.

    chi^2 of 80 z-scores must lie within its two-sided 1 - 1e-6 interval, widened by 1.25: z is a Student
    variable of about 150 degrees of freedom, a little skew. Six quantities, so less than 1e-5 of false
    alarms; errors off by a third are found.
    """
    model = frozen(N=5)
    settings = {"frequency": [0.8, 1.6], "broadening": 0.2, "T": 0.5}
    exact = xg.exact(model, chunks=None, **settings)
    results = xr.concat(
        [solve(model, sites=5, realization=150, seed=seed, chunks=None, **settings) for seed in range(80)],
        "draw",
    )
    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], 80)
    for name in NAMES:
        z = (
            ((results[name] - exact[name]) / results[f"{name}_stderr"])
            .transpose("draw", ...)
            .values.reshape(80, -1)
        )
        squares = (z**2).sum(axis=0)
        print(name, squares, z.mean(axis=0))
        assert (low / 1.25 < squares).all(), name
        assert (squares < high * 1.25).all(), name
        assert (abs(z.mean(axis=0)) < 5.5 / np.sqrt(80)).all(), name


def test_jackknife_is_the_one_of_the_library():
    each = solve(average=None, chunks=None, realization=6)
    assert each["optical_conductivity"].dims == ("realization", "T", "frequency")

    def annealed(part):
        weight = np.exp(part["log_partition_function"] - each["log_partition_function"].max("realization"))
        return xr.Dataset(
            {n: (part[n] * weight).sum("realization") / weight.sum("realization") for n in NAMES[:3]}
        )

    expected = xg.jackknife(annealed, each, dim="realization", blocks=6)
    ours = solve(chunks=None, realization=6)
    for name in NAMES[:3]:
        np.testing.assert_allclose(ours[name], expected[name], rtol=1e-12)
        np.testing.assert_allclose(ours[f"{name}_stderr"], expected[f"{name}_stderr"], rtol=1e-9)
    assert np.isnan(solve(chunks=None, realization=1)["kinetic_energy_stderr"]).all()


def test_one_realization_with_all_the_weight_has_a_finite_error():
    """At low temperature: left out by adding the others, not by subtracting it."""
    result = solve(T=0.004, chunks=None)
    assert np.isfinite(result["kinetic_energy"])
    assert np.isfinite(result["kinetic_energy_stderr"])


def test_sum_rule_of_a_long_chain():
    """No stiffness is left where states are localized:
    all weight is minus the kinetic energy times pi / 2.
    """
    model = frozen(g=[0.6, 1.2])
    result = solve(
        model, T=[0.2, 1.0, 5.0], sites=300, realization=2, frequency=np.linspace(0, 8, 401), broadening=0.1
    ).compute()
    assert float(abs(xg.sum_rule(result)).max()) < 1e-6
    integral = xg.spectral_weight(result["optical_conductivity"])
    np.testing.assert_allclose(integral, result["total_weight"], rtol=1e-9)
    hot = solve(T=1e5, sites=200, frequency=np.linspace(0, 8, 401), chunks=None)
    assert float(hot["total_weight"]) * 1e5 == pytest.approx(np.pi, rel=1e-4)  # T int sigma = pi t^2
    sigma = hot["optical_conductivity"] * 1e5
    second = float((sigma * sigma["frequency"] ** 2).integrate("frequency")) * 2 / np.pi - 0.15**2 * 2
    spread = (
        4 * 0.9**2 / np.sqrt(4 * 200)
    )  # mean of (e_i - e_j)^2 over neighbours: 2 g^2 with probability 1/2 ...
    assert second == pytest.approx(4 * 0.9**2, abs=4.5 * spread)


def test_bins_hold_the_weight_of_their_sticks():
    """One configuration, with numpy's eigenvectors and histogram;
    mirror images of the sticks fall into bins about -w.
    """
    N, T = 30, 0.4
    w = np.linspace(0.0, 8.0, 161)
    result = solve(sites=N, frequency=w, T=T, broadening=None, realization=[5], chunks=None)
    assert "broadening" not in result.coords
    energy = 0.9 * static_disorder.signs(N, 1, 5, np.array([1.0, 0.9, 0.0, N]))
    hop = np.roll(np.eye(N), 1, axis=0)
    E, U = np.linalg.eigh(np.diag(energy) - hop - hop.T)
    strength = (U.T @ (hop - hop.T) @ U) ** 2
    gap, p = E[None, :] - E[:, None], np.exp(-E / T) / np.exp(-E / T).sum()
    stick = (
        np.pi
        * strength
        * np.where(gap == 0.0, 0.0, (p[:, None] - p[None, :]) / np.where(gap == 0.0, 1.0, gap))
    )
    edges = 0.05 * (np.arange(-161, 161) + 0.5)
    counts = np.histogram(gap, edges, weights=stick)[0] / 0.05
    np.testing.assert_allclose(
        result["optical_conductivity"], counts[160:], rtol=0, atol=1e-10 * counts.max()
    )
    np.testing.assert_allclose(counts, counts[::-1], atol=1e-10 * counts.max())  # even


def test_bins_against_gaussians():
    """The same configurations, smeared: a stick moves by up to half a bin,
    and those of one bin to either side.
    """
    w = np.linspace(0.0, 8.0, 1601)
    binned = solve(frequency=w, broadening=None, chunks=None)
    np.testing.assert_allclose(
        xg.spectral_weight(binned["optical_conductivity"]), binned["total_weight"], rtol=1e-12
    )
    wide = solve(frequency=w, broadening=0.1, chunks=None)
    gauss = lambda x: np.exp(-0.5 * (x / 0.1) ** 2) / np.sqrt(2 * np.pi) / 0.1  # noqa: E731
    kernel = gauss(w[:, None] - w) + gauss(w[:, None] + w)
    kernel[:, 0] *= 0.5
    smeared = binned["optical_conductivity"].values @ kernel.T * 0.005
    bound = 0.0025 / 0.1 * np.exp(-0.5)  # of the slope of one Gaussian, in units of its height
    np.testing.assert_allclose(
        smeared, wide["optical_conductivity"], rtol=0, atol=bound * float(wide["optical_conductivity"].max())
    )
    for name in NAMES[1:]:
        np.testing.assert_allclose(binned[name], wide[name], rtol=1e-12)


def test_bits_do_not_depend_on_chunks():
    model = frozen(g=[0.5, 1.0])
    whole = solve(model, broadening=[0.1, 0.3], chunks=None)
    assert whole["optical_conductivity"].dims == ("g", "T", "broadening", "frequency")
    for chunks in ("auto", {"realization": 1}, {"realization": 3, "g": 2}):
        with xg.testing.forbid_compute():
            lazy = solve(model, broadening=[0.1, 0.3], chunks=chunks)
        xr.testing.assert_identical(lazy.compute(), whole)
    one = solve(frozen(g=1.0), broadening=[0.1, 0.3], chunks=None)
    xr.testing.assert_equal(one.drop_vars("g"), whole.sel(g=1.0, drop=True))


def test_configurations_have_an_identity():
    each = solve(average=None, chunks=None)
    chosen = solve(average=None, chunks=None, realization=[3, 1])
    xr.testing.assert_equal(chosen, each.sel(realization=[3, 1]))
    labels = np.array([1.0, 0.9, 0.0, 4000.0])
    draws = np.array(
        [static_disorder.signs(4000, seed, label, labels) for seed in (1, 2**64 - 1) for label in (0, 1, 2)]
    )
    assert set(np.unique(draws)) == {-1.0, 1.0}
    overlaps = draws @ draws.T / np.sqrt(4000) - np.diag(np.full(6, np.sqrt(4000)))
    assert abs(overlaps).max() < 5.0  # normal, 15 of them: 1e-5
    assert abs(draws.sum(axis=1)).max() < 5.0 * np.sqrt(4000)
    neighbours = (draws[:, 1:] * draws[:, :-1]).sum(axis=1) / np.sqrt(3999)
    assert abs(neighbours).max() < 5.0
    other = static_disorder.signs(4000, 1, 0, np.array([1.0, 0.8, 0.0, 4000.0]))
    assert abs(other @ draws[0]) < 5.0 * np.sqrt(4000)


def test_only_what_matters_is_carried():
    tls = xg.electron_tls(xg.lattice.chain(8), g=[0.5, 1.0], omega0=[0.1, 0.2], t=1.0, scale="0.1 eV")
    result = solve(tls, T="500 K", chunks=None)
    assert result["optical_conductivity"].dims == ("g", "frequency")
    assert set(result.coords) == {*("T", "frequency", "broadening", "g", "g_z", "t", "scale", "weight")}
    assert float(result["T"]) == pytest.approx(500 * 0.08617333262 / 100, rel=1e-9)
    zipped = xg.electron_tls(
        xg.lattice.chain(8),
        g=xr.DataArray([0.5, 1.0], dims="case"),
        omega0=xr.DataArray([0.1, 0.2], dims="case"),
    )
    assert solve(zipped, chunks=None)["kinetic_energy"].dims == ("case", "T")
    per_case = solve(zipped, T=xr.DataArray([0.3, 1.0], dims="case"), chunks=None)
    assert per_case["kinetic_energy"].dims == ("case",)
    both = solve(zipped, chunks=None)["kinetic_energy"]
    np.testing.assert_array_equal(per_case["kinetic_energy"], [both[0, 0], both[1, 1]])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sites": 2}, r"sites must be a whole number >= 3, got 2"),
        ({"realization": 0}, r"realization must be a whole number >= 1"),
        ({"realization": [1, 1]}, r"realization must be a count or distinct labels"),
        ({"broadening": 0.0}, r"broadening must be > 0"),
        (
            {"broadening": None, "frequency": [0.1, 0.2]},
            r"broadening=None counts weight in bins of equal width from 0",
        ),
        ({"average": "quenched"}, r"average must be 'annealed' or None"),
        (
            {"chunks": {"walker": 1}},
            r"chunks: 'walker' cannot be chunked; dimensions to chunk are \['realization'\]",
        ),
        ({"chunks": "all"}, r"chunks must be 'auto', a dict .* or None"),
        ({"T": 0.0}, r"T must be > 0"),
        (
            {
                "model": xg.electron_tls(
                    xg.lattice.chain(4), g=xr.DataArray(np.ones(4), dims="site"), omega0=0.1
                )
            },
            r"\['g'\] differ from site to site",
        ),
        (
            {"model": frozen(g=xr.DataArray([0.5, 1.0], dims="realization"))},
            r"has a dimension 'realization'.*rename it",
        ),
    ],
)
def test_refusals(changed, message):
    with pytest.raises(ValueError, match=message):
        solve(**changed)
