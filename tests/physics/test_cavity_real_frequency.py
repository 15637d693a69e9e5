"""Densities of the cavity glass at real frequencies, against sums over pairs and imaginary frequencies."""

import itertools

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq
from scipy.special import expit

import xglass as xg
from xglass.engine.cavity import real_frequency
from xglass.engine.cavity.saddle_point import Fermions
from xglass.solvers.real_frequency_response import path_of_zone

CUBIC = (-np.ones(3), np.eye(3, dtype=int))
LATTICES = {
    "chain": (-np.ones(1), np.eye(1, dtype=int), (10,)),
    "square": (-np.ones(2), np.eye(2, dtype=int), (6, 6)),
    "cubic": (*CUBIC, (4, 4, 4)),
    "anisotropic": (np.array([-1.0, -0.6]), np.eye(2, dtype=int), (6, 8)),
    "triangular": (np.array([0.4, -1.0, -0.8]), np.array([[1, 0], [0, 1], [-1, 1]]), (5, 6)),
}
Z = np.array([0.05j, 90.0j, 0.3 + 0.1j, 2.7 + 0.2j, 9.0 + 0.5j, -1.0 + 0.3j])


def by_pairs(hopping, offsets, cells, filling, T, z):
    """chi0(q, z) = 1/N sum_k (f_k - f_k+q) D / (D^2 - z^2), every pair written out."""
    numbers = np.array([*itertools.product(*map(range, cells))])
    phase = 2.0 * np.pi * (numbers / np.array(cells)) @ np.asarray(offsets).T
    energy = (2.0 * np.asarray(hopping) * np.cos(phase)).sum(axis=1)
    mu = brentq(lambda mu: expit((mu - energy) / T).mean() - filling, -40.0, 40.0, xtol=1e-15)
    f = expit((mu - energy) / T)
    result = np.zeros((len(z), *cells), dtype=complex)
    for q in numbers:
        other = np.ravel_multi_index(tuple(((numbers + q) % np.array(cells)).T), cells)
        D = energy[other] - energy
        for i, one in enumerate(z):
            result[(i, *q)] = ((f - f[other]) * D / (D**2 - one**2)).mean()
    return result


@pytest.mark.parametrize("name", LATTICES)
def test_bubble_is_the_sum_over_pairs(name):
    hopping, offsets, cells = LATTICES[name]
    fermions = Fermions(hopping, 0.3, 0.4, offsets=offsets, cells=cells)
    found = real_frequency.retarded_bubble(fermions.bubble, Z)
    known = by_pairs(hopping, offsets, cells, 0.3, 0.4, Z)
    assert abs(known).max() > 0.1
    np.testing.assert_allclose(found[:, fermions.bubble.band.grid.index()], known, atol=3e-11)


@pytest.mark.parametrize("omega0", [np.inf, 2.0])
@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_at_imaginary_frequencies_it_is_the_saddle_point(ratio, omega0):
    """z = i Omega_m, an identity: in the liquid, at the transition and in the glass."""
    T, numbers = 0.5, np.arange(1, 5)
    fermions = Fermions(CUBIC[0], 0.3, T, offsets=CUBIC[1], cells=(6, 6, 6), matsubara=numbers)
    J = ratio * fermions.transition(omega0, None, "lambda")[1]
    equations, _, frozen, found = fermions.saddle(J, omega0, None, "lambda")
    assert (frozen > 1e-3) == (ratio > 1.0)
    for m, known in zip(numbers, found.response[fermions.rows(equations.measure)], strict=True):
        heights = 2j * np.pi * m * T * 1.25 ** np.arange(12, -1, -1.0)
        chi = real_frequency.retarded_bubble(fermions.bubble, heights)
        weight = fermions.bubble.band.grid.weight
        D, _, wrong = real_frequency._followed(heights, chi, weight, J, omega0, found.level)
        assert D == pytest.approx(known, rel=1e-9)
        assert wrong < 1e-10


def cavity(L=12, **arguments):
    return xg.cavity_glass(xg.lattice.cubic(L), filling=0.3, **arguments)


def dense(chi, level, square):
    """D by damped iteration of Eq. 38 on all wave vectors, from far above the real axis of D."""
    D = 10.0j
    for _ in range(20000):
        D = 0.9 * D + 0.1 * (chi / (1.0 + (level - square * D) * chi)).mean()
    return D


def test_response_is_that_of_plain_iteration_and_sums_over_pairs():
    T, eta = 0.5, 2.5
    w = np.array([-2.0, 0.5, 1.0, 3.0])
    J = float(xg.critical_coupling(cavity(4), T=T)["critical_coupling"]) * np.array([0.5, 1.0, 1.8])
    with pytest.warns(UserWarning, match="echo"):
        found = xg.real_frequency_response(cavity(4), T=T, J=J, frequency=w, broadening=eta).compute()
    assert found["local_density_response"].dims == ("J", "frequency")
    assert bool(found["converged"].all())
    bare = by_pairs(*CUBIC, (4, 4, 4), 0.3, T, w + 1j * eta)
    for k in range(3):
        one = found.isel(J=k)
        strength = float(one["J"])
        level = 2.0 * float(one["lagrange_multiplier"])
        for i, chi in enumerate(bare):
            D = dense(chi if w[i] > 0.0 else np.conj(chi), level, strength**2)
            D = D if w[i] > 0.0 else np.conj(D)
            assert one["local_density_response"].values[i] == pytest.approx(D, rel=1e-9)
            whole = chi / (1.0 + (level - strength**2 * D) * chi)
            S = 2.0 * whole.imag / (1.0 - np.exp(-w[i] / T))
            np.testing.assert_allclose(one["local_structure_factor"].values[i], S.mean(), rtol=1e-8)
            path = path_of_zone((4, 4, 4))
            np.testing.assert_allclose(
                one["dynamic_structure_factor"].values[i], S[tuple(path.T)], rtol=1e-8, atol=1e-12
            )


def test_photons_move_the_response_and_slow_ones_not_far_ones():
    """omega0 -> infinity is the static coupling, also at frequencies of the band."""
    arguments = {"T": 0.5, "J": [3.0, 9.0], "frequency": [0.0, 1.0, 4.0], "broadening": 1.8}
    static = xg.real_frequency_response(cavity(), **arguments)["local_density_response"]
    modes = xg.real_frequency_response(cavity(omega0=[5.0, 1e5]), **arguments)["local_density_response"]
    np.testing.assert_allclose(modes.sel(omega0=1e5).transpose(*static.dims), static, rtol=1e-7)
    assert float(abs(modes.sel(omega0=5.0) - static).max()) > 1e-3


@pytest.mark.parametrize(
    ("omega0", "ratio", "eta", "grows"),
    [(4.0, 1.0, 1.6, False), (4.0, 1.0, 0.8, True), (8.0, 0.5, 1.6, False), (8.0, 1.0, 1.6, True)],
)
@pytest.mark.filterwarnings("ignore:.*echo")
def test_photons_that_grow_leave_no_response(omega0, ratio, eta, grows):
    """What is returned obeys Kramers and Kronig; below a mode that grows faster than eta there is nothing."""
    w, T, above = np.concatenate([np.arange(0.0, 16.0, 0.1), np.geomspace(16.0, 400.0, 120)]), 0.4, 2.0
    model = cavity(8, omega0=omega0)
    J = ratio * float(xg.critical_coupling(model, T=T)["critical_coupling"])
    found = xg.real_frequency_response(model, T=T, J=J, frequency=w, broadening=eta).compute()
    D = found["local_density_response"]
    assert bool(found["converged"]) is not grows
    assert bool(D.isnull().any()) is grows
    if not grows:
        higher = xg.real_frequency_response(model, T=T, J=J, frequency=0.0, broadening=eta + above).compute()
        known = higher["local_density_response"].item().real
        integral = np.trapezoid(w * D.values.imag / (w**2 + above**2), w) * 2.0 / np.pi
        assert integral == pytest.approx(known, rel=2e-4)
        assert float(found["local_structure_factor"].min()) > 0.0


def test_spectra_are_positive_and_keep_their_sums():
    """S >= 0; D(i eta) is the integral of Im D / w, and D falls as the kinetic energy says."""
    T, eta = 0.5, 1.6
    w = np.linspace(-400.0, 400.0, 20001)
    J = float(xg.critical_coupling(cavity(), T=T)["critical_coupling"]) * np.array([0.5, 2.0])
    found = xg.real_frequency_response(cavity(), T=T, J=J, frequency=w, broadening=eta).compute()
    D = found["local_density_response"]
    assert float(found["dynamic_structure_factor"].min()) >= 0.0
    assert float(found["local_structure_factor"].sel(frequency=slice(-9.0, None)).min()) > 0.0
    assert float((D.imag * np.sign(D["frequency"])).min()) >= 0.0
    # a Lorentzian moves weight, by the temperature over its width; the sum of Im D / w is D(0 + i eta)
    zero = D.sel(frequency=0.0).real
    integral = (D.imag / D["frequency"].where(D["frequency"] != 0.0)).interpolate_na("frequency")
    dispersion = integral.integrate("frequency") / np.pi
    np.testing.assert_allclose(dispersion, zero, rtol=2e-3)
    # f-sum: D falls as -F / z^2, with twice the kinetic energy of the band in F
    far = -(D * (D["frequency"] + 1j * eta) ** 2).isel(frequency=-1).real
    bare = xg.particle_hole_bubble(cavity(), T=T, matsubara=[200]).compute()
    inertia = (bare["susceptibility"] * bare["matsubara_frequency"] ** 2).mean(["qx", "qy", "qz"])
    np.testing.assert_allclose(far, np.full(2, inertia.item()), rtol=5e-3)


def test_fluctuations_are_the_sum_over_imaginary_frequencies():
    """int dw/2pi S = T sum_m D(i |Omega_m| + i eta), which for eta -> 0 is n (1 - n) - q_EA.

    The poles of coth(w/2T), one after another; for eta of the order of Omega_1 not yet its limit.
    """
    T, eta, last = 1.0, 0.8, 60
    w, model = np.linspace(-200.0, 200.0, 8001), cavity(24)
    J = float(xg.critical_coupling(model, T=T)["critical_coupling"]) * np.array([0.5, 1.5])
    found = xg.real_frequency_response(model, T=T, J=J, frequency=w, broadening=eta).compute()
    fluctuations = found["local_structure_factor"].integrate("frequency") / (2.0 * np.pi)
    heights = eta + 2.0 * np.pi * T * np.arange(last)
    D = xg.real_frequency_response(model, T=T, J=J, frequency=0.0, broadening=heights)
    D = D["local_density_response"].isel(frequency=0).compute().real
    rest = D.isel(broadening=-1) * heights[-1] ** 2 / (2.0 * np.pi * T) / (heights[-1] + np.pi * T)
    known = T * (2.0 * D.sum("broadening") - D.isel(broadening=0) + 2.0 * rest)
    np.testing.assert_allclose(fluctuations, known, rtol=3e-4)
    frozen = found["edwards_anderson"].values
    assert frozen[1] > 0.01
    assert 0.6 < float(fluctuations[1] / (0.21 - frozen[1])) < 0.99


def test_liquid_is_linear_and_criticality_is_not():
    """-Im D / w is flat for w >> eta in the liquid, and falls at the transition."""
    T, model = 0.1, cavity(48)
    J = float(xg.critical_coupling(model, T=T)["critical_coupling"]) * np.array([0.3, 1.0])
    found = xg.real_frequency_response(model, T=T, J=J, frequency=[0.4, 0.8], broadening=0.4)
    D = found["local_density_response"].compute()
    slope = D.imag / D["frequency"]
    fall = (slope.sel(frequency=0.8) / slope.sel(frequency=0.4)).values
    assert 0.9 < fall[0] < 1.0
    assert fall[1] < 0.85


def test_frequency_zero_is_a_limit_and_spectra_are_even():
    arguments = {"T": [0.5, 1.0], "J": 3.0, "broadening": [1.6, 2.0]}
    w = [-1.0, -1e-3, 0.0, 1e-3, 1.0]
    found = xg.real_frequency_response(cavity(), frequency=w, **arguments).compute()
    assert found["local_density_response"].dims == ("T", "broadening", "frequency")
    D, S = found["local_density_response"], found["local_structure_factor"]
    np.testing.assert_allclose(D[..., ::-1], np.conj(D), rtol=1e-12)
    assert float(abs(D.sel(frequency=0.0).imag).max()) == 0.0
    np.testing.assert_allclose(
        S.sel(frequency=0.0), S.sel(frequency=[-1e-3, 1e-3]).mean("frequency"), rtol=1e-5
    )
    ratio = S.sel(frequency=-1.0) / S.sel(frequency=1.0)
    np.testing.assert_allclose(
        ratio, np.exp(-1.0 / ratio["T"]).broadcast_like(ratio), rtol=1e-12
    )  # detailed balance


def test_path_of_the_cubic_zone():
    """Gamma, X, M, R and back: no wave vector twice in a row, true lengths."""
    found = xg.real_frequency_response(cavity(8), T=0.5, J=1.0, frequency=1.0, broadening=2.4)
    q = np.stack([found[name] for name in ("qx", "qy", "qz")], axis=-1)
    corners = np.pi * np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]])
    np.testing.assert_allclose(q[[0, 4, 8, 12]], corners, atol=1e-12)
    assert q.shape == (17, 3)
    np.testing.assert_allclose(found["path"][[0, 4, 8, 12]], np.pi * np.arange(4))
    np.testing.assert_allclose(found["path"][-1], np.pi * (3.0 + np.sqrt(3.0)))
    assert float(found["dynamic_structure_factor"].isel(q=[0, -1]).max()) == 0.0  # the number is conserved
    assert path_of_zone((6,)).tolist() == [[0], [1], [2], [3]]
    assert path_of_zone((5, 4)).tolist() == [[0, 0], [1, 0], [2, 0], [2, 1], [2, 2], [1, 1], [0, 0]]


def test_scattered_light():
    S = xr.DataArray([0.2, 0.1], dims="frequency", coords={"frequency": [1.0, 3.0]})
    light = xg.metallic_glass.scattered_light(S, omega0=xr.DataArray([2.0, 5.0], dims="mode"))
    np.testing.assert_allclose(
        light, [[0.2 * (2 / 3) ** 2, 0.2 * (5 / 24) ** 2], [0.1 * (2 / 5) ** 2, 0.1 * (5 / 16) ** 2]]
    )
    assert light.attrs["units"] == "1/tc^3"
    with pytest.raises(KeyError, match="no coordinate 'frequency'"):
        xg.metallic_glass.scattered_light(S.drop_vars("frequency"), omega0=2.0)
    with pytest.raises(ValueError, match="omega0 must be > 0"):
        xg.metallic_glass.scattered_light(S, omega0=0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"broadening": 0.0}, "broadening must be > 0"),
        ({"frequency": [1.0, 0.5]}, "frequency must be one rising sequence"),
        ({"J": -1.0}, "J must be > 0"),
        ({"T": 0.0}, "T must be > 0"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        xg.real_frequency_response(
            cavity(4), **({"T": 0.5, "J": 1.0, "frequency": [0.0, 1.0], "broadening": 6.0} | arguments)
        )
    with pytest.raises(ValueError, match="site_energy_std > 0"):
        xg.real_frequency_response(
            cavity(4, site_energy_std=0.1), T=0.5, J=1.0, frequency=0.0, broadening=6.0
        )


def test_echo_warns_and_says_what_is_enough():
    with pytest.warns(UserWarning, match=r"take broadening >= 1\.1") as caught:
        xg.real_frequency_response(cavity(16), T=0.5, J=1.0, frequency=[0.0, 1.0], broadening=0.5)
    assert len(caught) == 1
    assert real_frequency.echo(*CUBIC, (128,) * 3) == 32.0
