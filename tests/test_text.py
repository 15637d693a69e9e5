"""Numbers with errors and units as a sentence quotes them."""

import re

import numpy as np
import pytest
import xarray as xr

import xglass as xg


def pair(value, error, unit="meV", other=None, dims=(), coords=None):
    return xr.Dataset(
        {
            "barrier": (dims, value, {"units": unit}),
            "barrier_stderr": (dims, error, {"units": unit if other is None else other}),
        },
        coords,
    )


@pytest.mark.parametrize(
    ("value", "error", "quoted"),
    [
        (59.3, 11.2, "59(11)"),
        (0.3512, 0.0042, "0.3512(42)"),
        (-2.5, 0.3, "-2.50(30)"),
        (3.4, 1.2, "3.4(1.2)"),
        (1234.0, 120.0, "1230(120)"),
        (0.0, 0.01, "0.000(10)"),
        (0.5, 30.0, "0(30)"),  # nothing but error
        (5.0, 0.0996, "5.00(10)"),  # an error that gains a digit when it is rounded
        (5.0, 0.996, "5.0(1.0)"),
        (5.0, 9.96, "5(10)"),
        (1.2e-7, 3e-9, "1.200(30)e-7"),
        (1e7, 1e3, "1.00000(10)e7"),
        (2.0, 0.0, "2(0)"),
        (59.31, np.nan, "59.31(nan)"),
        (np.nan, np.nan, "nan(nan)"),
        (7, 2, "7.0(2.0)"),  # whole numbers
    ],
)
def test_a_number_is_quoted_to_two_digits_of_its_error(value, error, quoted):
    assert xg.units.text(pair(value, error), "barrier") == f"{quoted} meV"


@pytest.mark.parametrize("seed", range(20))
def test_what_is_read_back_is_the_number_and_the_error(seed):
    """Within half of the last digit that is shown, whatever the sizes."""
    rng = np.random.default_rng(seed)
    value = float(rng.normal() * 10.0 ** rng.integers(-12, 12))
    error = float(abs(value) * 10.0 ** rng.uniform(-6, 3))
    number, digits, power = re.fullmatch(
        r"(-?[\d.]+)\(([\d.]+)\)(?:e(-?\d+))?", xg.units.text(pair(value, error, "1"), "barrier")
    ).groups()
    last = 10.0 ** -len(number.partition(".")[2])
    read = float(digits) if "." in digits or last == 1 else float(digits) * last
    last = max(last, 10.0 ** (len(digits) - 2)) if last == 1 else last
    scale = 10.0 ** int(power or 0)
    assert abs(float(number) * scale - value) <= 0.5001 * last * scale
    assert abs(read * scale - error) <= 0.5001 * last * scale


def test_a_pure_number_has_no_unit_and_points_have_a_line_each():
    assert xg.units.text(pair(0.5, 0.1, unit="1"), "barrier") == "0.50(10)"
    coords = {"T": ("T", [0.05, 0.1], {"units": "Vc"}), "eta": ("eta", [-1.0, -0.1], {"units": "1"})}
    several = pair([[1.0, 2.0], [3.0, 4.0]], np.full((2, 2), 0.1), "Vc", dims=("T", "eta"), coords=coords)
    assert xg.units.text(several, "barrier").splitlines() == [
        "T = 0.05 Vc, eta = -1: 1.00(10) Vc",
        "T = 0.05 Vc, eta = -0.1: 2.00(10) Vc",
        "T = 0.1 Vc, eta = -1: 3.00(10) Vc",
        "T = 0.1 Vc, eta = -0.1: 4.00(10) Vc",
    ]
    named = pair([1.0, 2.0], [0.1, 0.1], dims="glass", coords={"glass": ["classical", "quantum"]})
    assert xg.units.text(named, "barrier").splitlines()[1] == "glass = quantum: 2.00(10) meV"
    assert xg.units.text(pair([1.0], [0.1], dims="try"), "barrier") == "try 0: 1.00(10) meV"


def test_lazy_data_and_physical_units_are_what_they_say():
    lazy = pair([0.2, 0.1], [0.01, 0.02], "Vc", dims="eta").chunk(eta=1)
    physical = xg.units.to_physical(lazy, scale="0.35 eV")
    assert xg.units.text(physical, "barrier").splitlines() == ["eta 0: 70.0(3.5) meV", "eta 1: 35.0(7.0) meV"]


@pytest.mark.parametrize(
    ("data", "name", "kind", "says"),
    [
        (pair(1.0, 0.1)["barrier"], "barrier", TypeError, "give the Dataset .* got a DataArray"),
        (pair(1.0, 0.1), "gap", ValueError, r"no 'gap'; with an error beside them it has \['barrier'\]"),
        (pair(1.0, 0.1).drop_vars("barrier_stderr"), "barrier", ValueError, "no 'barrier_stderr'"),
        (pair(1.0, 0.1, other="Vc"), "barrier", ValueError, "'barrier' is in meV and .* in Vc; convert both"),
        (pair(1j, 0.1), "barrier", TypeError, "'barrier' must be real numbers, got complex128"),
        (pair(1.0, True), "barrier", TypeError, "'barrier_stderr' must be real numbers, got bool"),
    ],
)
def test_what_cannot_be_quoted_is_refused(data, name, kind, says):
    with pytest.raises(kind, match=says):
        xg.units.text(data, name)
