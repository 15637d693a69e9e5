"""Couplings and site energies of cavities against sums written out, modes against their integrals."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import eval_hermite, factorial

import xglass as xg


def arrays(sites=5, modes=3, seed=1):
    rng = np.random.default_rng(seed)
    g = xr.DataArray(rng.normal(size=(2, sites, modes)), dims=("realization", "site", "mode"))
    g = g.assign_coords(realization=[4, 7])
    return (
        g,
        xr.DataArray(rng.uniform(0.5, 2.0, sites), dims="site"),
        xr.DataArray([0.5, -1.5, 2.0], dims="mode"),
    )


def test_couplings_are_the_sum_over_modes():
    g, h, omega = arrays()
    with pytest.warns(UserWarning, match="negative for 1 of 3 modes"):
        U = xg.cavity_couplings(
            coupling=g, pump=h, detuning=[2.0, -3.0], mode_frequency=omega, matsubara=[0, 2], T=[0.1, 0.4]
        )
    assert {*U.dims} == {"realization", "detuning", "matsubara", "T", "site", "site2"}
    assert U.dims[-2:] == ("site", "site2")
    for r in range(2):
        for delta in (2.0, -3.0):
            for m in (0, 2):
                for T in (0.1, 0.4):
                    one = U.isel(realization=r).sel(detuning=delta, matsubara=m, T=T)
                    for i in range(5):
                        for j in range(5):
                            V = sum(
                                2.0 * float(g[r, i, k] * g[r, j, k] * h[i] * h[j]) / delta**2
                                * float(omega[k]) / ((2.0 * np.pi * m * T) ** 2 + float(omega[k]) ** 2)
                                for k in range(3)
                            )  # fmt: skip
                            assert float(one[i, j]) == pytest.approx(0.0 if i == j else -V, abs=1e-13)


@pytest.mark.parametrize(("signs", "known"), [((1.0, -1.0), 1.0), ((1.0, 1.0), -1.0)])
def test_the_sign_is_that_of_the_model(signs, known):
    """One mode attracts atoms where its field has one sign."""
    g = xr.DataArray([[signs[0]], [signs[1]]], dims=("site", "mode"))
    U = xg.cavity_couplings(coupling=g, pump=1.0, detuning=2.0, mode_frequency=0.5)
    assert U.values.tolist() == [[0.0, known], [known, 0.0]]
    lattice = xg.lattice.chain(2)
    model = xg.charge_glass(lattice, hopping={"x": 0.0}, interaction=U)
    assert float(model["interaction"][0, 1]) == known


def test_site_energies():
    g, h, _ = arrays()
    number = xr.DataArray([0.0, 2.0, 0.5], dims="mode")
    eps = xg.cavity_site_energy(coupling=g, pump=h, detuning=-2.0, photon_number=number)
    known = (h.values**2 + (g.values**2 * number.values).sum(-1)) / -2.0
    np.testing.assert_allclose(eps, known, rtol=1e-14)
    turned = xg.cavity_site_energy(coupling=g, pump=h, detuning=-2.0, photon_number=number, sign=-1)
    np.testing.assert_array_equal(turned, -eps)
    assert eps.name == "site_energy"
    assert float(xg.cavity_site_energy(coupling=g, pump=2.0, detuning=4.0).max()) == 1.0


def test_modes_are_those_of_hermite_and_gauss():
    """Orthonormal on a grid over the plane, whose sum is an integral, and the polynomials themselves."""
    step, waist = 0.25, 1.7
    x = np.arange(-12.0, 12.0, step)
    plane = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
    position = xr.DataArray(plane, dims=("site", "axis"))
    modes = xg.confocal_modes(position, modes=21, waist=waist)
    overlap = modes.values.T @ modes.values * step**2
    np.testing.assert_allclose(overlap, np.eye(21), atol=1e-12)
    one = modes.isel(mode=int(np.flatnonzero((modes["nx"] == 3) & (modes["ny"] == 2))[0]))
    known = np.sqrt(2.0 / np.pi) / waist / np.sqrt(2.0**5 * factorial(3) * factorial(2))
    u = np.sqrt(2.0) * plane / waist
    known = (
        known * eval_hermite(3, u[:, 0]) * eval_hermite(2, u[:, 1]) * np.exp(-(plane**2).sum(1) / waist**2)
    )
    np.testing.assert_allclose(one, known, atol=1e-13)
    for parity, rest in (("even", 0), ("odd", 1)):
        family = xg.confocal_modes(position, modes=9, waist=waist, parity=parity)
        assert (((family["nx"] + family["ny"]) % 2) == rest).all()
    line = xg.confocal_modes(position.isel(axis=[0]), modes=4, waist=waist)
    assert line["nx"].values.tolist() == [0, 1, 2, 3]
    assert "ny" not in line.coords


def hopfield(sites, modes, seed=2):
    g = xr.DataArray(np.random.default_rng(seed).normal(size=(sites, modes)), dims=("site", "mode"))
    return xg.distance_to_sk(xg.cavity_couplings(coupling=g, pump=1.0, detuning=1.0, mode_frequency=1.0))


def test_distance_to_sk():
    """Edges of Marchenko and Pastur without the diagonal: -(2 + 1/r) and 2 - 1/r, r = (M/N)^(1/2)."""
    for share in (1.0, 4.0, 16.0):
        low, high = -(2.0 + share**-0.5), 2.0 - share**-0.5
        found = hopfield(600, round(600 * share))
        assert float(found["lower_edge"]) == pytest.approx(low, abs=0.12)
        assert float(found["upper_edge"]) == pytest.approx(high, abs=0.12)
        assert float(found["third_moment"]) == pytest.approx(-(share**-0.5), abs=0.1)
    gauss = xg.distance_to_sk(xg.random_couplings(600, J=[0.5, 2.0], realization=2, seed=5))
    assert gauss["J"].dims == ("J", "realization") or {*gauss["third_moment"].dims} == {"J", "realization"}
    np.testing.assert_allclose(abs(gauss["third_moment"]), 0.0, atol=0.02)
    np.testing.assert_allclose(gauss["kurtosis"], 0.0, atol=0.05)
    np.testing.assert_allclose(gauss["upper_edge"], 2.0, atol=0.06)


def test_its_numbers_written_out():
    U = xg.random_couplings(7, realization=1, seed=3).isel(realization=0, drop=True).drop_vars("J")
    found = xg.distance_to_sk(U)
    off = U.values[~np.eye(7, dtype=bool)]
    J = np.sqrt(7.0 * (off**2).mean())
    assert float(found["J"]) == pytest.approx(J)
    assert float(found["third_moment"]) == pytest.approx(
        np.trace(U.values @ U.values @ U.values) / 7.0 / J**3
    )
    z = off - off.mean()
    assert float(found["kurtosis"]) == pytest.approx((z**4).mean() / (z**2).mean() ** 2 - 3.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"mode_frequency": 0.0}, ValueError, "mode_frequency is 0"),
        ({"mode_frequency": xr.DataArray([1.0, 2.0], dims="mode")}, ValueError, "2 entries along 'mode'"),
        ({"pump": xr.DataArray([1.0, 2.0], dims="site")}, ValueError, "pump has 2 entries along 'site'"),
        ({"pump": [1.0, 2.0]}, ValueError, "pump must be a number or a DataArray"),
        ({"detuning": 0.0}, ValueError, "detuning must not be 0"),
        ({"matsubara": 1}, ValueError, "needs T="),
        ({"matsubara": -1}, ValueError, "matsubara"),
        ({"T": 0.0}, ValueError, "T must be > 0"),
        ({"coupling": xr.DataArray([1.0], dims="site")}, KeyError, "lacks"),
        ({"coupling": [[1.0]]}, TypeError, "coupling must be a DataArray"),
    ],
)
def test_bad_input(arguments, error, message):
    given = {"coupling": arrays()[0], "pump": 1.0, "detuning": 1.0, "mode_frequency": 1.0}
    with pytest.raises(error, match=message):
        xg.cavity_couplings(**(given | arguments))


def test_bad_input_of_the_others():
    g, position = arrays()[0], xg.lattice.square(4)["position"]
    with pytest.raises(ValueError, match="sign must be 1 or -1"):
        xg.cavity_site_energy(coupling=g, pump=1.0, detuning=1.0, sign=0)
    with pytest.raises(ValueError, match="photon_number must be >= 0"):
        xg.cavity_site_energy(coupling=g, pump=1.0, detuning=1.0, photon_number=-1.0)
    with pytest.raises(ValueError, match="parity must be"):
        xg.confocal_modes(position, modes=2, waist=1.0, parity="both")
    with pytest.raises(ValueError, match="waist must be > 0"):
        xg.confocal_modes(position, modes=2, waist=0.0)
    with pytest.raises(ValueError, match=r"over \(site, axis\)"):
        xg.confocal_modes(position.isel(axis=0), modes=2, waist=1.0)
    U = xg.random_couplings(4, realization=1, seed=1)
    for bad, message in (
        (U.isel(site2=0), "site and site2"),
        (0.0 * U, "0 between all"),
        (U + U["site"] * 0 + xr.DataArray(np.triu(np.ones((4, 4))), dims=("site", "site2")), "not symmetric"),
    ):
        with pytest.raises(ValueError, match=message):
            xg.distance_to_sk(bad)
