"""Closed forms of the metallic glass against the equations that they solve."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import xglass as xg
from xglass import metallic_glass

positive = st.floats(1e-3, 1e3)


def over(dim, values):
    return xr.DataArray(np.asarray(values), dims=dim)


# -- Eq. 11 ------------------------------------------------------------------------------------------------


def test_mediated_coupling():
    model = xg.cavity_glass(xg.lattice.square(4), filling=0.3)
    frequency = xg.particle_hole_bubble(model, T=[0.1, 0.3], matsubara=[0, 1, 4])["matsubara_frequency"]
    J = metallic_glass.mediated_coupling(frequency, v=0.5, omega0=[0.2, 3.0])
    assert set(J.dims) == {"T", "matsubara", "omega0"}
    for T, m, w in [(0.1, 0, 0.2), (0.1, 4, 3.0), (0.3, 1, 0.2)]:
        expected = 2 * 0.25 * w / ((2 * np.pi * m * T) ** 2 + w**2)
        assert float(J.sel(T=T, matsubara=m, omega0=w)) == pytest.approx(expected, rel=1e-14)
    assert J.attrs["units"] == "tc"
    assert metallic_glass.mediated_coupling(frequency.chunk(T=1), v=0.5, omega0=1.0).chunks is not None


# -- Eqs. 45 and 46 ----------------------------------------------------------------------------------------


@given(x=positive, J=positive, excess=st.floats(0.0, 1e3))
@settings(max_examples=100, deadline=None)
def test_closed_form_solves_the_quadratic(x, J, excess):
    """D = 1 / (x + 2 lambda - J^2 D), the smaller of its roots, in 60 digits."""
    multiplier = J - x / 2 + excess  # from the transition on
    found = float(metallic_glass.closed_form_response(x, lagrange_multiplier=multiplier, J=J))
    with localcontext(prec=60):
        A, strength = Decimal(x) + 2 * Decimal(multiplier), Decimal(J)
        root = max(A**2 - 4 * strength**2, Decimal(0)).sqrt()
        expected = float((A - root) / (2 * strength**2))
    if np.isnan(found):  # A < 2 J by rounding
        assert multiplier + x / 2 - J <= 1e-14 * (J + x + abs(multiplier))
    else:
        # a root at its end: half of the digits
        gap = max((2 * multiplier + x) / (2 * J) - 1, 1e-16)
        assert found == pytest.approx(expected, rel=1e-13 + 4e-16 * (1 + x / J) / np.sqrt(gap))


def test_closed_form_keeps_its_digits():
    """Where the printed form has none left."""
    x = over("matsubara", [1e3, 1e8, 1e12, np.inf])
    found = metallic_glass.closed_form_response(x, lagrange_multiplier=0.1, J=1.0)
    A = x.values[:3] + 0.2
    np.testing.assert_allclose(found[:3], 1 / A * (1 + 1 / A**2 + 2 / A**4), rtol=1e-14)
    assert found[3] == 0.0
    half = A / 2
    assert abs((half - np.sqrt(half**2 - 1)) * A - 1)[2] > 1e-3  # Eq. 45 as printed


def test_at_the_transition_and_beyond():
    """lambda = J - x/2, D = 1/J and Delta = 0; below that lambda there is no response."""
    x, J = over("filling", [0.5, 3.0]), over("J", [2.0, 5.0])
    multiplier = J - x / 2
    np.testing.assert_allclose(
        metallic_glass.closed_form_response(x, lagrange_multiplier=multiplier, J=J),
        1 / J.values * np.ones((2, 2)),
    )
    assert (
        float(abs(metallic_glass.distance_to_transition(x, lagrange_multiplier=multiplier, J=J)).max()) == 0.0
    )
    for function in (metallic_glass.closed_form_response, metallic_glass.distance_to_transition):
        assert np.isnan(function(x, lagrange_multiplier=multiplier - 0.01, J=J)).all()


@given(x=positive, J=positive, excess=st.floats(1e-6, 1e3))
@settings(max_examples=50, deadline=None)
def test_distance_is_half_the_discriminant(x, J, excess):
    """D = (A - 2 Delta) / (2 J^2): Eq. 45 in terms of Eq. 46."""
    arguments = {"lagrange_multiplier": J - x / 2 + excess, "J": J}
    D = float(metallic_glass.closed_form_response(x, **arguments))
    distance = float(metallic_glass.distance_to_transition(x, **arguments))
    A = x + 2 * arguments["lagrange_multiplier"]
    assert 2 / (A + 2 * distance) == pytest.approx(D, rel=1e-12)


def test_closed_form_at_real_frequencies():
    """A retarded x = x0 - i a omega: the response decays, has -Im D > 0 and solves its equation."""
    omega = np.linspace(0.01, 20.0, 50)
    x = over("frequency", 2.0 - 1.5j * omega)
    D = metallic_glass.closed_form_response(x, lagrange_multiplier=1.0, J=2.0)  # at the transition
    np.testing.assert_allclose(D * (x + 2.0 - 4.0 * D), 1.0, rtol=1e-12)
    assert (D.imag > 0).all()
    assert (abs(D) <= 0.5).all()
    # Eq. 47: a square root at first, D(0) - D = sqrt(a |Omega| / J^3) at |Omega| = -i omega
    small = metallic_glass.closed_form_response(
        over("frequency", 2.0 - 1.5j * np.array([1e-8, 4e-8])), lagrange_multiplier=1.0, J=2.0
    )
    assert float(small.imag[1] / small.imag[0]) == pytest.approx(2.0, rel=1e-3)


# -- the square root ---------------------------------------------------------------------------------------


def critical(x, a, frequency, J2, z):
    """D at |Omega|, where J^2 mean (x + z)^-2 = 1 at 0: of the root of z + J^2 mean 1/(x + z) = 2 lambda."""
    two_lambda = z + J2 * (1 / (x + z)).mean()
    inverse = x + a * frequency

    def excess(y):
        return y + J2 * (1 / (inverse + y)).mean() - two_lambda

    y = brentq(excess, z, two_lambda + 1.0, xtol=1e-15, rtol=1e-14)
    return (1 / (inverse + y)).mean()


def test_square_root_of_the_full_equation():
    """c against D of Eq. 38 on a hundred wave vectors, extrapolated to frequency 0."""
    rng = np.random.default_rng(2)
    x, a, z, waves = rng.uniform(2.0, 9.0, (10, 10)), rng.uniform(0.2, 3.0, (10, 10)), -0.7, ("qx", "qy")
    J2 = 1 / ((x + z) ** -2.0).mean()
    scale = metallic_glass.square_root_scale(over(waves, x), over(waves, a), z=z, dim=waves)
    c = float(metallic_glass.square_root_prefactor(scale, J=np.sqrt(J2)))
    zero = (1 / (x + z)).mean()
    # the next term is of the relative order sqrt(Omega)
    ratio = [(zero - critical(x, a, w, J2, z)) / np.sqrt(w) for w in (1e-4, 4e-4)]
    assert 2 * ratio[0] - ratio[1] == pytest.approx(c, rel=1e-4)
    assert scale.dims == ()


def test_square_root_of_one_wave_vector_is_the_closed_form():
    """A = a J: D = 1/J - sqrt(a Omega / J^3)."""
    a, J = 0.8, 2.0
    x, z = 5.0, -3.0  # x + z = J
    scale = metallic_glass.square_root_scale(over("q", [x]), over("q", [a]), z=z, dim="q")
    assert float(scale) == pytest.approx(a * J)
    c = float(metallic_glass.square_root_prefactor(scale, J=J))
    w = 1e-10
    D = float(metallic_glass.closed_form_response(x + a * w, lagrange_multiplier=J - x / 2, J=J))
    assert (1 / J - D) / np.sqrt(w) == pytest.approx(c, rel=1e-4)


def test_wave_vectors_of_infinite_slope_are_left_out():
    x, a = over("q", [4.0, 1.0, 3.0]), over("q", [0.5, np.inf, 0.7])
    full = metallic_glass.square_root_scale(x, a, z=0.1, dim="q")
    part = metallic_glass.square_root_scale(x[[0, 2]], a[[0, 2]], z=0.1, dim="q")
    assert float(full) == pytest.approx(float(part))
    lazy = metallic_glass.square_root_scale(x.chunk(q=1), a, z=0.1, dim="q")
    assert lazy.chunks is not None
    assert float(lazy) == float(full)


def test_self_energy_parts_are_the_integral_of_the_response():
    """J^2 T sum D G at T = 0, with G = -i pi rho sign(omega): rho J^2 times the integral of D up to omega."""
    D, c, J, rho = 0.3, 0.05, 4.0, 0.14
    omega = over("fermion_matsubara", [0.0, 0.2, 0.9])
    parts = metallic_glass.self_energy_parts(
        omega, local_density_response=D, square_root_prefactor=c, J=J, density_of_states=rho
    )
    node, weight = np.polynomial.legendre.leggauss(400)
    for w, one in zip(omega.values, parts.to_array().values.T, strict=True):
        response = D - c * np.sqrt(0.5 * w * (1.0 + node))
        assert one[0] - one[1] == pytest.approx(rho * J**2 * 0.5 * w * (weight @ response), rel=1e-7)
    assert parts["linear_self_energy"].attrs["units"] == "tc"


# -- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.mediated_coupling(0.0, v=1.0, omega0=0.0), ValueError, "omega0 must be > 0"),
        (lambda m: m.mediated_coupling("x", v=1.0, omega0=1.0), ValueError, "matsubara_frequency"),
        (
            lambda m: m.closed_form_response(1.0, lagrange_multiplier=0.0, J=0.0),
            ValueError,
            "closed_form_response: J must be > 0",
        ),
        (
            lambda m: m.closed_form_response([1.0, 2.0], lagrange_multiplier=0.0, J=1.0),
            ValueError,
            "x must be a number or a DataArray",
        ),
        (
            lambda m: m.distance_to_transition(over("T", [1j]), lagrange_multiplier=0.0, J=1.0),
            TypeError,
            "distance_to_transition: x must hold real numbers",
        ),
        (
            lambda m: m.distance_to_transition(1.0, lagrange_multiplier="a", J=1.0),
            TypeError,
            "lagrange_multiplier must hold real numbers",
        ),
        (
            lambda m: m.square_root_scale(over("q", [1.0]), over("q", [1.0]), z=0.0, dim="qx"),
            ValueError,
            "square_root_scale: x has dimensions .*lacks",
        ),
        (
            lambda m: m.self_energy_parts(
                [-0.1], local_density_response=1.0, square_root_prefactor=1.0, J=1.0, density_of_states=1.0
            ),
            ValueError,
            "self_energy_parts: frequency must be >= 0",
        ),
        (lambda m: m.square_root_prefactor(1.0, J=-1.0), ValueError, "square_root_prefactor: J must be > 0"),
        (
            lambda m: m.closed_form_response(
                over("T", [1.0]).assign_attrs(units="meV"), lagrange_multiplier=0.0, J=1.0
            ),
            ValueError,
            "closed_form_response: 'x' is in meV; apply to_physical",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call(metallic_glass)
