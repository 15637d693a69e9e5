"""Figures: looks, letters, what is taken from the data, and what xarray's own plots say of ours."""

import matplotlib
import matplotlib.colors
import matplotlib.font_manager
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.mathtext import MathTextParser

import xglass as xg
from xglass.plot.labels import quantity, unit_symbol
from xglass.plot.styles import PALETTE
from xglass.variables import REGISTRY, attributes

T = xr.DataArray([0.05, 0.07, 0.1], dims="T", attrs=attributes("T"))


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def measured(name, dims, **sizes):
    """A registered quantity of random values over coordinates with attributes."""
    rng = np.random.default_rng(3)
    values = 1.0 + rng.random([sizes[dim] for dim in dims])
    coords = {dim: (dim, 0.1 * np.arange(1, sizes[dim] + 1), attributes(dim)) for dim in dims}
    return xr.DataArray(values, dims=dims, coords=coords, name=name, attrs=attributes(name))


def with_error(array):
    return array.to_dataset().assign({f"{array.name}_stderr": 0.1 * array})


def colours(lines):
    return [matplotlib.colors.to_hex(line.get_color()) for line in lines]


def bands(ax):
    return [part.get_paths()[0].vertices for part in ax.collections]


# --- style ------------------------------------------------------------------------------------------------


def test_style_holds_for_a_block_or_from_now_on():
    def settings():
        return [matplotlib.rcParams[key] for key in ("font.size", "figure.figsize", "font.family")]

    before = settings()
    with xg.plot.style():
        inside = settings()
        assert all(own != other for own, other in zip(inside, before, strict=True))
        assert [entry["color"] for entry in matplotlib.rcParams["axes.prop_cycle"]] == [*PALETTE]
        with xg.plot.style():
            pass
        assert settings() == inside, "one block within another"
    assert settings() == before
    with pytest.raises(ValueError, match="in the block"), xg.plot.style():
        raise ValueError("in the block")
    assert settings() == before
    restore = xg.plot.style()
    assert settings() == inside
    assert "with xg.plot.style()" in repr(restore)  # what a notebook shows
    restore.close()
    assert settings() == before


def test_the_fonts_of_the_style_come_with_matplotlib():
    with xg.plot.style():
        for family in matplotlib.rcParams["font.family"]:
            file = matplotlib.font_manager.findfont(family, fallback_to_default=False)
            assert file.startswith(matplotlib.get_data_path())


SPECTRUM = measured("optical_conductivity", ["T", "frequency"], T=3, frequency=5)
TAU = measured("relaxation_time_1e", ["T"], T=3)
C = measured("autocorrelation", ["lag"], lag=6)
DRAW = {
    "curves": lambda **options: xg.plot.curves(SPECTRUM.isel(T=0), **options),
    "relaxation": lambda **options: xg.plot.relaxation(C, **options),
    "arrhenius": lambda **options: xg.plot.arrhenius(TAU, **options),
    "histogram": lambda **options: xg.plot.histogram(TAU, **options),
}


@pytest.mark.parametrize("name", [*DRAW, "lattice", "charge_map"])
def test_new_figures_have_room_for_their_labels(name):
    site = xr.DataArray(np.ones(16), dims="site")
    maps = {
        "lattice": lambda ax=None: xg.plot.lattice(xg.lattice.triangular(4), ax=ax),
        "charge_map": lambda ax=None: xg.plot.charge_map(xg.lattice.triangular(4), site, ax=ax),
    }
    draw = (DRAW | maps)[name]
    assert isinstance(draw().figure.get_layout_engine(), ConstrainedLayoutEngine)
    _, own = plt.subplots()
    assert draw(ax=own) is own
    assert own.figure.get_layout_engine() is None, "the user's figure is the user's"


@pytest.mark.parametrize("name", DRAW)
def test_calls_on_one_axes_differ_in_colour(name):
    """The cycle of the axes goes on; a colour that was asked for is taken, by either of its names."""
    ax = DRAW[name]()
    for options in ({}, {"color": "red"}, {"c": "lime"} if name != "histogram" else {"ec": "lime"}):
        DRAW[name](ax=ax, **options)
    if name == "histogram":
        found = [matplotlib.colors.to_hex(patch.get_edgecolor()) for patch in ax.patches]
    else:
        found = colours(ax.lines if name != "arrhenius" else [bar[0] for bar in ax.containers])
    cycle = [matplotlib.colors.to_hex(e["color"]) for e in matplotlib.rcParams["axes.prop_cycle"]]
    assert found == [*cycle[:2], "#ff0000", "#00ff00"]


def test_fits_have_the_colour_of_their_data():
    decay = xr.Dataset({"tau": 0.3, "exponent": 0.5, "amplitude": 2.0})
    ax = DRAW["relaxation"]()
    DRAW["relaxation"](fit=decay, ax=ax)
    data, dashed = ax.lines[-2:]
    assert dashed.get_linestyle() == "--"
    assert colours([data, dashed]) == [colours(ax.lines)[1]] * 2 != colours(ax.lines)[:1] * 2
    t, y = dashed.get_data()
    np.testing.assert_allclose(y, 2.0 * np.exp(-np.sqrt(t / 0.3)))

    law = xr.Dataset({"barrier": 0.1, "prefactor": 1.0})
    ax = DRAW["arrhenius"]()
    DRAW["arrhenius"](fit=law, ax=ax)
    points, line = ax.containers[1][0], ax.lines[-1]
    assert line is not points
    assert colours([points, line]) == [colours(ax.lines)[1]] * 2


def test_ordered_curves_have_the_same_colours_in_every_call():
    ax = xg.plot.curves(SPECTRUM, x="frequency")
    xg.plot.curves(SPECTRUM, x="frequency", linestyle="--", ax=ax)
    assert colours(ax.lines[:3]) == colours(ax.lines[3:])
    assert len({*colours(ax.lines)}) == 3


# --- letters ----------------------------------------------------------------------------------------------

UNITS = {
    "1": "",
    "": "",
    "Vc": "$V$",
    "1/Vc": "$1/V$",
    "e^2 a^2/hbar": r"$e^2a^2/\hbar$",
    "hbar/(e^2 a^2)": r"$\hbar/(e^2a^2)$",
    "tc e^2 a^2/hbar^2": r"$te^2a^2/\hbar^2$",
    "hbar a": r"$\hbar a$",
    "(Vc)**2": "$V^2$",
    "1/tc^1.5": "$1/t^{1.5}$",
    "sweep": "sweep",
    "K": "K",
    "1/K": r"$\mathrm{K}^{-1}$",
    "cm^-1": r"$\mathrm{cm}^{-1}$",
    "1/cm": r"$\mathrm{cm}^{-1}$",
    "microohm cm": r"$\mathrm{\mu\Omega}\,\mathrm{cm}$",
    "cm^2/(V s)": r"$\mathrm{cm}^2/(\mathrm{V}\,\mathrm{s})$",
    "kJ/mol": r"$\mathrm{kJ}/\mathrm{mol}$",
    "degree_Celsius": "degree_Celsius",  # as it stands, for its underscore is no formula
}


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_set_as_mathematics(unit):
    assert unit_symbol(unit) == UNITS[unit]


def test_every_unit_there_is_can_be_set():
    """Those of the registry, and what they are converted to."""
    parser = MathTextParser("path")
    run = xg.metropolis(xg.testing.tiny_glass(scale="0.35 eV"), T=0.1, walker=2, sweep=2, seed=1, chunks=None)
    tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2, scale="0.1 eV")
    solution = xg.exact(tls, T=0.5, frequency=[0.0, 1.0], broadening=0.2, chunks=None)
    physical = [xg.units.to_physical(x, spacing="0.5 nm") for x in (run, solution)]
    units = {variable.unit.format(E=energy) for variable in REGISTRY.values() for energy in ("Vc", "tc")}
    units |= {v.attrs["units"] for x in physical for v in x.variables.values() if "units" in v.attrs}
    for text in map(unit_symbol, units):
        assert not {*"^/"} & {*text} or text.startswith("$"), text
        parser.parse(text)


@pytest.mark.parametrize(
    ("value", "attrs", "text"),
    [
        (0.05, {"symbol": "T", "units": "Vc"}, r"$T = 0.05\,V$"),
        (300.0, {"symbol": "T", "units": "K"}, "$T = 300$ K"),
        (20, {"symbol": r"t_\mathrm{W}", "units": "sweep"}, r"$t_\mathrm{W} = 20$ sweep"),
        (123456789, {"symbol": "s", "units": "sweep"}, "$s = 123456789$ sweep"),
        (-0.5, {"symbol": r"\eta", "units": "1"}, r"$\eta = -0.5$"),
        (2e-5, {"symbol": "g"}, r"$g = 2 \times 10^{-5}$"),
        (1e10, {"symbol": "g"}, "$g = 10^{10}$"),
        (8, {}, "sites = $8$"),
        ("x", {"symbol": "o", "units": "1"}, "x"),
    ],
)
def test_a_legend_says_values_with_their_units(value, attrs, text):
    assert quantity(xr.DataArray(value, name="sites", attrs=attrs)) == text
    MathTextParser("path").parse(text)


def test_legends_and_axes_have_units():
    ax = xg.plot.curves(SPECTRUM, x="frequency")
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == [rf"$T = {value:g}\,V$" for value in SPECTRUM["T"].values]
    assert ax.get_ylabel() == r"$\sigma$ ($e^2a^2/\hbar$)"
    energy = xg.testing.tiny_run()["electrostatic_energy"].isel(T=0, eta=0, walker=0)
    assert xg.plot.curves(energy, x="sweep").get_xlabel() == "$s$ (sweep)"
    assert DRAW["arrhenius"]().get_xlabel() == "$1/T$ ($1/V$)"
    kelvin = TAU.assign_coords(T=TAU["T"].assign_attrs(units="K"))
    assert xg.plot.arrhenius(kelvin).get_xlabel() == r"$1/T$ ($\mathrm{K}^{-1}$)"


# --- what the data carry ----------------------------------------------------------------------------------


def test_a_dataset_brings_its_errors():
    for draw, array in {xg.plot.curves: SPECTRUM, xg.plot.relaxation: C}.items():
        data = with_error(array)
        options = {"x": "frequency"} if draw is xg.plot.curves else {}
        taken = bands(draw(data, **options))
        given = bands(draw(array, stderr=data[f"{array.name}_stderr"], **options))
        assert len(taken) == len(given) == (3 if draw is xg.plot.curves else 1)
        for one, other in zip(taken, given, strict=True):
            np.testing.assert_array_equal(one, other)
    bars = [
        xg.plot.arrhenius(*x, **y).collections[0].get_segments()
        for x, y in (((with_error(TAU),), {}), ((TAU,), {"stderr": 0.1 * TAU}))
    ]
    np.testing.assert_array_equal(*bars)


def test_what_a_fit_and_a_jackknife_return_is_drawn_as_it_is():
    run = xg.testing.tiny_run(sweep=12, T=[0.06, 0.08, 0.1, 0.15], walker=6).isel(eta=0).compute()
    C = xg.autocorrelation(run, waiting_time=2)
    mean = xg.jackknife(lambda C: C.mean("walker"), C, dim="walker")
    fit = xg.fits.stretched_exponential(mean["autocorrelation"], stderr=mean["autocorrelation_stderr"])
    ax = xg.plot.relaxation(mean, fit=fit)  # over one waiting time, too, which chooses nothing
    assert len(ax.collections) == 4
    assert [text.get_text() for text in ax.get_legend().get_texts()][0] == r"$T = 0.06\,V$"
    ax = xg.plot.arrhenius(fit)
    assert ax.get_ylabel() == r"$\tau_{1/e}$ (sweep)"
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), fit["relaxation_time_1e"].squeeze())
    assert xg.plot.arrhenius(fit, variable="tau").get_ylabel() == r"$\tau$ (sweep)"


def test_the_only_dimension_is_that_of_the_axis():
    assert xg.plot.curves(TAU).get_xlabel() == "$T$ ($V$)"
    assert xg.plot.curves(SPECTRUM, hue="T").get_xlabel() == r"$\omega$ ($V$)"
    assert xg.plot.curves(SPECTRUM.isel(T=[0])).get_legend() is None
    single = xg.plot.curves(SPECTRUM.isel(T=[0]), x="frequency", hue="T")
    assert len(single.get_legend().get_texts()) == 1, "a dimension that was named is kept"


def test_values_and_errors_are_computed_together():
    run = xg.testing.tiny_run(sweep=12, walker=6).isel(eta=0)
    mean = xg.jackknife(lambda C: C.mean("walker"), xg.autocorrelation(run, waiting_time=2), dim="walker")
    fit = xg.fits.stretched_exponential(mean["autocorrelation"])
    calls = [
        lambda: xg.plot.curves(mean, x="lag"),
        lambda: xg.plot.relaxation(mean, fit=fit),
        lambda: xg.plot.arrhenius(fit, fit=xr.Dataset({"barrier": 0.1, "prefactor": 1.0})),
        lambda: xg.plot.histogram(run, variable="acceptance", hue="T"),
        lambda: xg.plot.charge_map(run.isel(T=0, walker=0, sweep=-1)),
    ]
    for call in calls:
        with xg.testing.count_computes() as count:
            call()
        assert count == [1]


def test_a_run_is_mapped_by_its_own_occupation():
    run = xg.testing.tiny_run().compute().isel(eta=0, T=0)
    one = run.isel(walker=1, sweep=-1)
    dots, disks = xg.plot.charge_map(one).collections
    assert len(dots.get_offsets()) == 16
    np.testing.assert_allclose(disks.get_widths(), 0.9 * one["occupation"], atol=1e-12)
    density = xg.local_density(one)
    for ax in (
        xg.plot.charge_map(one, density),
        xg.plot.charge_map(one.drop_vars("occupation").assign(x=density).rename(x="local_density")),
    ):
        np.testing.assert_allclose(ax.collections[-1].get_widths(), 0.9 * density)
    ax = xg.plot.charge_map(run.isel(walker=[1], sweep=[-1]))
    np.testing.assert_allclose(ax.collections[-1].get_widths(), disks.get_widths())
    low, high = ax.get_xlim()
    assert low < one["position"].sel(axis="x").min() - 0.45
    assert high > one["position"].sel(axis="x").max() + 0.45, "disks are drawn whole"
    with pytest.raises(
        ValueError, match=r"charge must have .*'walker': 3, .*such as \.isel\(walker=0, sweep=0\)"
    ):
        xg.plot.charge_map(run)
    with pytest.raises(
        ValueError, match="charge was not given, and the Dataset holds neither 'occupation' nor"
    ):
        xg.plot.charge_map(xg.lattice.triangular(4))


ERRORS = with_error(SPECTRUM)
REFUSED = {
    "no array": (
        lambda: xg.plot.curves([1.0], x="x"),
        TypeError,
        "curves: draws a DataArray or a Dataset, got list",
    ),
    "which of two": (
        lambda: xg.plot.curves(ERRORS.assign(other=TAU).drop_vars("optical_conductivity_stderr"), x="T"),
        ValueError,
        "holds optical_conductivity, other over 'T'; choose by variable='optical_conductivity'",
    ),
    "nothing": (lambda: xg.plot.arrhenius(ERRORS, dim="omega0"), ValueError, "holds nothing over 'omega0'"),
    "unknown": (
        lambda: xg.plot.curves(ERRORS, x="T", variable="sigma"),
        ValueError,
        "variable must be one of optical_conductivity, got 'sigma'",
    ),
    "of an array": (
        lambda: xg.plot.curves(TAU, x="T", variable="tau"),
        ValueError,
        "variable='tau' chooses from a Dataset",
    ),
    "which axis": (
        lambda: xg.plot.curves(SPECTRUM),
        ValueError,
        r"say which of them the axis has, such as x='freq",
    ),
    "two widths": (
        lambda: xg.plot.curves(TAU, stderr=TAU, band=(TAU, TAU)),
        ValueError,
        "stderr and band both say how wide",
    ),
    "other labels": (
        lambda: xg.plot.arrhenius(TAU, stderr=TAU[1:]),
        ValueError,
        "tau and stderr must have the same",
    ),
    "a fit of others": (
        lambda: xg.plot.arrhenius(SPECTRUM, hue="frequency", fit=xr.Dataset({"barrier": SPECTRUM[0, 1:]})),
        ValueError,
        "tau and fit must have the same labels",
    ),
    "hue": (
        lambda: xg.plot.histogram(TAU, hue="eta"),
        ValueError,
        r"got dimensions \('T',\), and hue='eta' is none",
    ),
    "no value": (
        lambda: xg.plot.histogram(TAU * np.nan),
        ValueError,
        "histogram: relaxation_time_1e has no finite value to count",
    ),
    "complex": (lambda: xg.plot.histogram(TAU * 1j), TypeError, "data must hold real numbers"),
    "bins": (lambda: xg.plot.histogram(TAU, bins=0), ValueError, "bins"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_drawn_is_refused_before_a_figure_is_made(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()
    assert not plt.get_fignums()


# --- histograms -------------------------------------------------------------------------------------------


def stairs(ax):
    return [patch.get_data() for patch in ax.patches]


def test_a_histogram_counts_over_walkers_and_sweeps():
    run = xg.testing.tiny_run(sweep=20).compute()
    energy = run["electrostatic_energy"]
    ax = xg.plot.histogram(run, variable="electrostatic_energy", bins=12)
    density, edges = np.histogram(energy, bins=12, density=True)
    (drawn,) = stairs(ax)
    np.testing.assert_allclose(drawn.values, density)
    np.testing.assert_allclose(drawn.edges, edges)
    assert ax.get_xlabel() == "$E$ ($V$)"
    assert ax.get_ylabel() == "$p(E)$ ($1/V$)"
    ax = xg.plot.histogram(energy.isel(eta=0), hue="T", bins=[-7.5, -7, -6, -4], density=False)
    for value, drawn in zip(energy["T"], stairs(ax), strict=True):
        assert drawn.values.sum() == energy.sel(T=value).isel(eta=0).size
        assert [*drawn.edges] == [-7.5, -7, -6, -4]
    assert ax.get_ylabel() == "counts"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [r"$T = 0.05\,V$", r"$T = 0.1\,V$"]


def test_a_histogram_that_was_counted_is_drawn_as_it_is():
    energy = xg.testing.tiny_run(sweep=20)["electrostatic_energy"].isel(eta=0)
    counted = xg.ops.histogram(energy, bins=12, range=(-8, -5), dim=["walker", "sweep"], density=True)
    one = xg.plot.histogram(counted, hue="T")
    other = xg.plot.histogram(energy, hue="T", bins=12, range=(-8, -5))
    for drawn, again in zip(stairs(one), stairs(other), strict=True):
        np.testing.assert_array_equal(drawn.values, again.values)
    assert one.get_xlabel() == other.get_xlabel() == "$E$ ($V$)"
    assert xg.plot.histogram(xg.units.to_physical(counted, scale="0.35 eV")).get_xlabel() == "$E$ (meV)"


def test_values_that_are_all_equal_or_not_finite():
    values = xr.DataArray([2.0, 2.0, np.nan, np.inf], dims="walker", name="x")
    ax = xg.plot.histogram(values, bins=3, density=False)
    (drawn,) = stairs(ax)
    assert drawn.values.tolist() == [0, 2, 0]
    assert (drawn.edges[0], drawn.edges[-1]) == (1.5, 2.5)
    (drawn,) = stairs(
        xg.plot.histogram(xr.DataArray([True, False, True], dims="walker"), bins=2, density=False)
    )
    assert drawn.values.tolist() == [1, 2]


# --- what xarray's own plots say --------------------------------------------------------------------------


def titles():
    """The title that xarray gives, and what it gives it to."""
    glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, eta=[-1.0, -0.5], scale="0.35 eV")
    run = xg.metropolis(glass, T=[0.05, 0.1], walker=2, sweep=4, seed=1, weight="classical").isel(eta=1)
    C, energy = xg.autocorrelation(run, waiting_time=[0, 2]), run["electrostatic_energy"]
    tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=[0.2, 0.5])
    solution = xg.ftlm(tls, T=0.5, frequency=[0.0, 1.0], broadening=0.2, random_vectors=2, seed=1)
    sigma = solution["optical_conductivity"]
    return [
        ("eta = -0.5, t_p = 0.12 [Vc], filling = 0.5, sca...", energy.mean("walker")),
        ("T = 0.1 [Vc], eta = -0.5, t_p = 0.12 [Vc], fill...", xg.structure_factor(run).sel(T=0.1)),
        (
            "T = 0.05 [Vc], waiting_time = 2 [sweep], eta = ...",
            C.sel(T=0.05, waiting_time=2).isel(lag=slice(3)).mean("walker"),
        ),
        ("T = 0.5 [tc], g = 1.0 [tc], broadening = 0.2 [t...", sigma),
        ("omega0 = 0.2 [tc], T = 0.5 [tc], g = 1.0 [tc], ...", sigma.sel(omega0=0.2)),
        ("eta = -0.5, walker = 1, t_p = 0.12 [Vc], fillin...", energy.sel(walker=1)),
        ("axis = x", xg.lattice.triangular(4)["position"].isel(axis=0)),
    ]


def test_titles_say_what_was_selected_before_what_is_constant():
    """And nothing of the unit of a pure number. They end after 50 letters, so that the order decides."""
    for title, array in titles():
        assert array._title_for_slice() == title
        array.plot(ax=plt.figure().subplots())
        assert plt.gca().get_title() in (title, "Histogram")
        long = array._title_for_slice(10**6)
        assert "[1]" not in long
        assert "scale" not in long or long.endswith("scale = 350.0 [meV], centred = False")


def test_a_result_keeps_the_unit_of_a_pure_number():
    """Only coordinates go without."""
    run = xg.testing.tiny_run()
    assert run["acceptance"].attrs["units"] == xg.stripe_order(run).attrs["units"] == "1"
    assert run["eta"].attrs == {"long_name": "anisotropy", "symbol": r"\eta"}
    assert run["sweep"].attrs["units"] == "sweep"


def test_the_order_of_coordinates_comes_back_from_a_store(tmp_path):
    _, energy = titles()[0]
    stored = xg.store.evaluate(energy, tmp_path / "energy.zarr", progress=False)
    assert stored._title_for_slice(10**6) == energy._title_for_slice(10**6)


def test_axes_of_xarray_name_the_quantity():
    energy = xg.testing.tiny_run(sweep=20)["electrostatic_energy"].compute()
    energy.plot.hist()
    assert plt.gca().get_xlabel() == "electrostatic energy [Vc]"
    counted = xg.ops.histogram(energy, bins=9, range=(-8, -5), dim=energy.dims, density=True)
    (line,) = counted.plot()
    assert (line.axes.get_xlabel(), line.axes.get_ylabel()) == (
        "electrostatic energy [Vc]",
        "probability density [1/Vc]",
    )
    (line,) = energy.isel(eta=0, T=0, walker=0).plot(ax=plt.figure().subplots())
    assert line.axes.get_xlabel() == "Monte Carlo time [sweep]"
