"""The registry and what reads it."""

import re
from pathlib import Path

import dask.array
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import xglass as xg
from xglass.checks import array, real_array, refuse, require, seed, uncut, whole_number
from xglass.units import canonical
from xglass.variables import REGISTRY, Variable, attributes, energy_unit, stamp

bounded = settings(max_examples=100, deadline=None, derandomize=True, database=None)
KINDS = {"dimension", "parameter", "geometry", "simulated", "observable", "fit"}
#: A unit string: powers and quotients of the names that the conventions page lists.
_NAME = r"(?:\{E\}|a|sweep|meV|e|hbar)(?:\^\d(?:\.5)?)?"
UNIT = re.compile(rf"1|(?:1|{_NAME}(?: {_NAME})*)(?:/(?:{_NAME}|\({_NAME}(?: {_NAME})+\)))?|1")


# --- the registry -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", REGISTRY.values(), ids=REGISTRY)
def test_entry_is_well_formed(variable):
    assert isinstance(variable, Variable)
    assert REGISTRY[variable.name] is variable
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", variable.name)  # ASCII
    assert not variable.name.endswith("_stderr")  # derived, never registered
    assert variable.name not in {
        "real",
        "imag",
        "mean",
        "rank",
        "size",
        "chunk",
        "std",
        "sum",
    }  # attributes of a DataArray
    assert variable.kind in KINDS
    for dim in variable.dims:
        assert dim in REGISTRY, f"{dim} is a dim of {variable.name} and not registered"
        assert REGISTRY[dim].kind in ("dimension", "parameter")
    assert len(set(variable.dims)) == len(variable.dims)
    assert UNIT.fullmatch(variable.unit), variable.unit
    assert variable.unit.count("{E}") == variable.unit.count("{")
    assert variable.symbol
    assert "$" not in variable.symbol
    assert variable.symbol.count("{") == variable.symbol.count("}")
    assert variable.definition == variable.definition.strip()
    assert "\n" not in variable.definition
    assert not variable.definition.endswith(".")
    assert len(variable.definition.split(":")[0]) >= 3
    if variable.kind == "dimension":
        assert variable.dims == (variable.name,)
    if variable.kind == "parameter" and variable.name != "ramp":
        assert not set(variable.dims) - {"sweep"}


def test_entries_are_distinct():
    assert len({v.name for v in REGISTRY.values()}) == len(REGISTRY)
    long_names = [attributes(name)["long_name"] for name in REGISTRY]
    doubles = {text for text in long_names if long_names.count(text) > 1}
    assert doubles <= {"lattice site"}, doubles  # site and site2; the rest must be told apart in a plot


def test_symbols_are_latex_that_matplotlib_reads():
    from matplotlib.mathtext import MathTextParser

    parser = MathTextParser("path")
    for variable in REGISTRY.values():
        parser.parse(f"${variable.symbol}$")
        parser.parse(f"${attributes(variable.name + '_stderr')['symbol']}$")


#: Attributes that say where values come from, beside those that the registry has.
MARKS = {"interaction": "lattice", "occupation": "seed"}


def test_everything_the_library_makes_is_registered():
    """Variables, coordinates and dims of lattices, models and runs,
    with the dims and attributes that the registry says.
    """
    run = xg.testing.tiny_run(xg.testing.tiny_glass(scale="0.35 eV"))
    disorder = xg.charge_glass(
        xg.lattice.triangular(2),
        interaction=xg.random_couplings(4, J=[1.0, 2.0], realization=2, seed=0),
        site_energy=xg.random_site_energy(4, strength=[1.0, 2.0], convention="std", realization=2, seed=0),
    )
    gated = xg.coulomb(xg.lattice.square(2), gate_distance=[1.0, 2.0]).to_dataset()
    for data in (run, disorder, gated):
        for name, variable in data.variables.items():
            core = REGISTRY[str(name)].dims
            assert variable.dims[len(variable.dims) - len(core) :] == core, name
            given = {key: text for key, text in variable.attrs.items() if MARKS.get(str(name)) != key}
            assert given == attributes(str(name)), name
        for dim in data.dims:
            assert str(dim) in REGISTRY
    assert run["occupation"].attrs["seed"] == "7"
    assert run["interaction"].attrs["lattice"]
    assert "lattice" not in disorder["interaction"].attrs


def test_every_registered_name_is_described_once_on_the_conventions_page_or_generated():
    """Units of the registry are those of the conventions page."""
    page = Path(__file__).resolve().parents[1] / "docs" / "conventions.md"
    text = page.read_text(encoding="utf-8")
    for unit in {v.unit for v in REGISTRY.values()} - {"1/a", "meV"}:
        assert any(f"`{unit.format(E=energy)}`" in text for energy in ("Vc", "tc")), unit


# --- attributes ---------------------------------------------------------------------------------------------


def test_attributes():
    assert attributes("T") == {"units": "Vc", "long_name": "temperature", "symbol": "T"}
    assert attributes("T", energy="tc")["units"] == "tc"
    assert attributes("eta", energy="tc") == {"long_name": "anisotropy", "symbol": r"\eta"}
    assert attributes("walker") == {"long_name": "walker", "symbol": "w"}  # no "[1]" in titles
    assert attributes("overlap")["units"] == attributes("cells")["units"] == "1"
    assert attributes("qx")["units"] == "1/a"


def test_attributes_of_a_standard_error():
    assert attributes("tau_stderr") == {
        "units": "sweep",
        "long_name": "standard error of the relaxation time of the stretched exponential",
        "symbol": r"\delta \tau",
    }
    assert attributes("barrier_stderr", energy="tc")["units"] == "tc"
    for name in REGISTRY:
        assert attributes(name + "_stderr").get("units") == attributes(name).get("units")


@pytest.mark.parametrize("name", ["resistance_of_a_banana", "tau_stderr_stderr", "stderr", "_stderr", ""])
def test_attributes_of_an_unknown_name(name):
    with pytest.raises(KeyError, match="is not a registered variable; register it"):
        attributes(name)


def test_attributes_are_a_new_dictionary_each_time():
    attributes("tau")["units"] = "banana"
    assert attributes("tau")["units"] == "sweep"


# --- stamp --------------------------------------------------------------------------------------------------


def test_stamp_replaces_inherited_attributes():
    """xarray keeps attributes through arithmetic: E^2 still says Vc."""
    energy = stamp(xr.DataArray([1.0, 2.0], dims="walker", name="electrostatic_energy"))
    inherited = (energy**2).rename("acceptance").assign_attrs(left="over")
    assert inherited.attrs["units"] == "Vc"
    stamped = stamp(inherited)
    assert stamped.attrs == attributes("acceptance")
    assert stamped.variable.attrs == attributes("acceptance")
    assert inherited.attrs["left"] == "over"  # the argument keeps its own
    np.testing.assert_array_equal(stamped, inherited)


def test_stamp_of_a_dataset():
    x = xr.DataArray(
        [1.0, 2.0], dims="eta", coords={"eta": [1.0, 2.0], "T": 0.1, "mine": 3}, attrs={"junk": 1}
    )
    data = xr.Dataset({"tau": x, "tau_stderr": x, "barrier": x})
    stamped = stamp(data, energy="tc", tau="sweep^2")
    assert stamped["tau"].attrs == attributes("tau") | {"units": "sweep^2"}
    assert stamped["tau_stderr"].attrs == attributes("tau_stderr") | {
        "units": "sweep^2"
    }  # the error has the unit of the value
    assert stamped["barrier"].attrs == attributes("barrier", energy="tc")
    assert stamped["T"].attrs == attributes("T", energy="tc")
    assert stamped["eta"].attrs == attributes("eta")
    assert stamped["mine"].attrs == {}
    for name in data.variables:
        assert data[name].attrs == ({"junk": 1} if name in data.data_vars else {})
    assert stamp(data, tau_stderr="1")["tau_stderr"].attrs["units"] == "1"
    assert stamp(data, tau_stderr="1")["tau"].attrs["units"] == "sweep"


def test_stamp_leaves_attributes_of_coordinates():
    data = xr.DataArray([1.0], dims="T", name="tau", coords={"T": ("T", [300.0], {"units": "K"}), "eta": 1.0})
    stamped = stamp(data)
    assert stamped["T"].attrs == {"units": "K"}
    assert stamped["eta"].attrs == attributes("eta")
    assert data["eta"].attrs == {}


def test_stamp_is_lazy_and_keeps_chunks(no_compute):
    lazy = xr.DataArray(
        dask.array.ones((4, 2), chunks=2),
        dims=("walker", "sweep"),
        name="acceptance",
        coords={"temperature": (("walker", "sweep"), dask.array.ones((4, 2), chunks=2))},
    )
    with no_compute:
        stamped = stamp(lazy)
        dataset = stamp(lazy.to_dataset())
    assert stamped.chunks == lazy.chunks
    assert dataset["acceptance"].chunks == lazy.chunks
    assert stamped["temperature"].attrs["units"] == "Vc"


@pytest.mark.parametrize("name", ["banana", None])
def test_stamp_refuses_unregistered_names(name):
    with pytest.raises(KeyError, match="is not a registered variable"):
        stamp(xr.DataArray(1.0, name=name))
    with pytest.raises(KeyError, match="'banana' is not a registered variable"):
        stamp(xr.Dataset({"banana": 1.0, "tau": 2.0}))


def test_energy_unit():
    for unit in ("Vc", "tc"):
        for name in ("hopping", "interaction", "T", "t_p", "electrostatic_energy"):
            assert energy_unit(xr.Dataset(coords={name: ((), 1.0, {"units": unit})})) == unit
        assert energy_unit(xr.Dataset({"electrostatic_energy": ((), 1.0, {"units": unit})})) == unit
        assert energy_unit(xr.DataArray(1.0, coords={"T": ((), 1.0, {"units": unit})})) == unit
    assert energy_unit(xg.testing.tiny_glass()) == "Vc"
    assert energy_unit(xr.Dataset()) == "Vc"


# --- checks of what comes in --------------------------------------------------------------------------------


def test_require():
    run = xg.testing.tiny_run()
    require(run, "occupation", "interaction", "position", caller="f")
    require(run.isel(walker=0, sweep=0), "occupation", caller="f")  # walker and sweep may go, one at a time
    with pytest.raises(TypeError, match="f: give the Dataset of a lattice, model or run, not DataArray"):
        require(run["occupation"], "occupation", caller="f")
    with pytest.raises(
        KeyError,
        match="f: the result of metropolis .* has no 'interaction'; .*drop_vars.*apply f before that",
    ):
        require(run.drop_vars("interaction"), "interaction", caller="f")
    with pytest.raises(KeyError, match="f: .* has no 'hopping'"):  # what a mean over eta drops
        require(run.mean("eta"), "hopping", caller="f")
    with pytest.raises(
        ValueError,
        match=r"f: 'occupation' has dimensions .* lacks \['site'\]; an isel, mean or sum .* came too "
        r"early. Apply f first",
    ):
        require(run[["occupation"]].mean("site"), "occupation", caller="f")
    with pytest.raises(
        ValueError, match="f: the Dataset holds 4 of 16 sites; select sites on the result of f, not before it"
    ):
        require(run.isel(site=slice(4)), "occupation", caller="f")


def test_arrays_and_numbers_are_checked_by_name():
    x = xr.DataArray([1.0, 2.0], dims="lag", name="C")
    array("f", "x", x)
    real_array("f", "x", x > 1.5)
    with pytest.raises(
        TypeError, match=r"f: x must be a DataArray, got Dataset; pick one variable, x\['...'\]"
    ):
        array("f", "x", x.to_dataset())
    with pytest.raises(
        TypeError, match="f: x must be a DataArray over lag, got list; give it dims and coords"
    ):
        array("f", "x", [1.0], over=" over lag")
    with pytest.raises(TypeError, match="f: x must be a DataArray, got float"):
        real_array("f", "x", 1.0)
    with pytest.raises(TypeError, match=r"f: x must hold real numbers, got complex128; write .real or"):
        real_array("f", "x", x + 1j)


def test_the_first_refusal_that_holds_is_raised():
    refuse("f", (False, "no"), (False, "neither"))
    with pytest.raises(ValueError, match="^f: second$"):
        refuse("f", (False, "first"), (True, "second"), (True, "third"))


def test_uncut():
    array = xr.DataArray(dask.array.ones((4, 6), chunks=(2, 6)), dims=("walker", "lag"), name="C")
    uncut(array, ("lag",), caller="f")
    uncut(array.compute(), ("lag", "walker"), caller="f")
    with pytest.raises(
        ValueError,
        match=r"f: dimension 'walker' is split in chunks \(2, 2\); write .chunk\(walker=-1\) before it",
    ):
        uncut(array, ("lag", "walker"), caller="f")
    with pytest.raises(ValueError, match="f: C has dimensions .* and needs 'sweep'"):
        uncut(array, ("sweep",), caller="f")
    with pytest.raises(ValueError, match="f: the array has dimensions"):
        uncut(array.rename(None), ("sweep",), caller="f")


@pytest.mark.parametrize("value", [3, 3.0, np.int8(3), np.uint64(3), np.float32(3.0), np.float64(3.0)])
def test_whole_numbers(value):
    result = whole_number("walker", value)
    assert result == 3
    assert type(result) is int


@pytest.mark.parametrize("value", [True, np.True_, "3", None, [3], np.array(3), 3 + 0j])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match=re.escape("walker must be a whole number >= 1, got ")):
        whole_number("walker", value)


@pytest.mark.parametrize(
    "value",
    [0, -1, 2.5, np.nan, np.inf, -np.inf, 1e300 * 10 - np.inf, 10, 10.0, 2**64, 2**70, -(2**70), 1e300],
)
def test_what_is_no_whole_number_in_range(value):
    with pytest.raises(ValueError, match=re.escape("seed must be a whole number >= 1 and < 10, got ")):
        whole_number("seed", value, maximum=10)


def test_seeds_are_64_bits_and_no_more():
    for value in (0, 2**63 - 1, 2**63, 2**64 - 1, np.uint64(2**64 - 1)):
        assert seed(value) == int(value)
    for value in (2**64, 2**64 + 1, 2.0**64):
        with pytest.raises(ValueError, match="seed must be a whole number >= 0 and < 18446744073709551616"):
            seed(value)
    with pytest.raises(ValueError, match="bootstrap: seed must be a whole number >= 0"):
        seed(-1, name="bootstrap: seed")


# --- canonical values ---------------------------------------------------------------------------------------

numbers = st.floats(min_value=-1e15, max_value=1e15, allow_nan=False).filter(
    lambda x: x == 0 or abs(x) > 1e-290
)


def test_canonical_by_hand():
    cases = [
        (0.1 + 0.2, 0.3),
        (1 / 3, 0.333333333333),
        (2 / 3e5, 6.66666666667e-06),
        (123456789012345.0, 123456789012000.0),
        (np.float32(0.1), 0.1),
        (np.float32(1 / 3), 0.33333334),
        (7, 7.0),
        (-0.05, -0.05),
    ]
    for value, expected in cases:
        assert canonical(value).item() == expected
        assert canonical([value, value]).tolist() == [expected, expected]
    assert canonical(0.1).shape == ()
    assert canonical(np.zeros((2, 3))).shape == (2, 3)
    assert canonical(np.arange(3)).dtype == np.float64
    for zero in (-0.0, np.float32(-0.0), -1e-400):
        assert canonical(zero).item() == 0.0
        assert not np.signbit(canonical(zero))


@bounded
@given(numbers)
def test_canonical_is_a_projection_that_moves_by_half_a_digit(x):
    value = canonical(x).item()
    assert canonical(value).item() == value
    assert abs(value - x) <= 0.5000001e-11 * abs(x)
    assert canonical(-x).item() == -value or x == 0
    assert canonical(value * (1 + 2e-16)).item() == value  # rounding noise is forgotten
    assert float(repr(value)) == float(f"{value:.12g}")


@bounded
@given(st.floats(width=32, min_value=-(2.0**40), max_value=2.0**40, allow_nan=False, allow_subnormal=False))
def test_single_precision_survives(x):
    """The canonical value of a float32 is that float32, and what its shortest decimal form says."""
    value = canonical(np.float32(x)).item()
    assert np.float32(value) == np.float32(x)
    assert value == canonical(float(str(np.float32(x)))).item()
