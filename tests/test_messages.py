"""What a mistake is told: the keyword that was meant, the place of a name, the model that came, kelvin."""

import ast
import inspect
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import cloudpickle
import dask.base
import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.checks import ADVISED, MARKS, SOLVERS, model_of
from xglass.messages import EXPRESSIONS, SYNONYMS, NoSuchNameError, NotFoundError, homes, public, warn

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "xglass").rglob("*.py"))


def surface():
    """Every public function by the name under which a user calls it."""
    found = {}
    for name in xg.__all__:
        member = getattr(xg, name)
        if isinstance(member, ModuleType):
            found |= {f"{name}.{inner}": getattr(member, inner) for inner in member.__all__}
        else:
            found[name] = member
    return {name: member for name, member in found.items() if inspect.isfunction(member)}


SURFACE = surface()


def parameters(function, *kinds):
    return [p.name for p in inspect.signature(function).parameters.values() if not kinds or p.kind in kinds]


# --- keywords ----------------------------------------------------------------------------------------------


def takes_any(function):
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


@pytest.mark.parametrize("name", SURFACE)
def test_no_public_function_is_silent_about_a_keyword(name):
    """A letter too much in any of its names is put right; a keyword like none of them gets the list."""
    function = SURFACE[name]
    code = inspect.unwrap(function).__code__
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if takes_any(function):
        assert hasattr(function, "__wrapped__"), f"xg.{name} lacks @public"
        return
    for parameter in own:
        with pytest.raises(TypeError) as raised:
            function(**{parameter + "_": None})
        assert str(raised.value) == (
            f"{function.__name__}() got an unexpected keyword argument {parameter + '_'!r}; "
            f"did you mean {parameter}?"
        )
    with pytest.raises(TypeError) as raised:
        function(qwertyuiop=None)
    expected = f"'qwertyuiop'; it takes {', '.join(own) or 'none'}"
    assert str(raised.value) == f"{function.__name__}() got an unexpected keyword argument {expected}"


@pytest.mark.parametrize(
    ("name", "keyword", "hint"),
    [
        ("metropolis", "temperature", "T"),
        ("metropolis", "temperatures", "T"),
        ("metropolis", "t", "T"),
        ("metropolis", "beta", "T=1/beta"),
        ("metropolis", "sweeps", "sweep"),
        ("metropolis", "walkers", "walker"),
        ("metropolis", "rng", "seed"),
        ("metropolis_counters", "weights", "weight"),
        ("exact", "frequencies", "frequency"),
        ("exact", "omega", "frequency"),
        ("exact", "eps", "broadening"),
        ("ftlm", "eta", "broadening"),
        ("ftlm", "steps", "lanczos_steps"),
        ("charge_glass", "tp", "t_p"),
        ("charge_glass", "t", "t_p or hopping"),
        ("electron_tls", "omega_0", "omega0"),
        ("autocorrelation", "tw", "waiting_time"),
        ("diffusivity", "t", "time or T"),
        ("relaxation_time_approximation", "tau", "rate=1/tau"),
        ("fits.arrhenius", "errors", "stderr"),
        ("fits.power_law", "axis", "dim"),
        ("bootstrap", "n_resamples", "resamples"),
        ("units.to_physical", "lattice_constant", "spacing"),
    ],
)
def test_words_of_the_field_are_understood(name, keyword, hint):
    with pytest.raises(TypeError, match=re.escape(f"{keyword!r}; did you mean {hint}?")):
        SURFACE[name](None, **{keyword: 1.0})


def test_a_keyword_that_was_given_is_not_meant_again():
    with pytest.raises(TypeError, match="'temperature'; it takes model, T, walker"):
        xg.metropolis(xg.testing.tiny_glass(), T=0.1, temperature=0.2)

    @public
    def solve(model, T):
        return T

    with pytest.raises(TypeError, match="'temperature'; it takes model, T"):  # given by its place
        solve(None, 0.1, temperature=0.2)


def test_several_keywords_are_named_together():
    with pytest.raises(TypeError) as raised:
        xg.metropolis(None, temperature=1.0, sweeps=3, qwertyuiop=0)
    assert str(raised.value) == (
        "metropolis() got unexpected keyword arguments 'temperature' (did you mean T?), 'sweeps' (did you "
        "mean sweep?), 'qwertyuiop'"
    )


def test_keywords_that_are_handed_on():
    """To matplotlib, say: where it refuses one there is a hint if one of ours was meant."""
    C = xr.DataArray([1.0, 0.5], dims="lag", coords={"lag": [0, 1]}, name="autocorrelation")
    with pytest.raises(
        TypeError, match=r"curves\(\) got an unexpected keyword argument 'hues'; did you mean hue"
    ):
        xg.plot.curves(C, x="lag", hues="T")
    with pytest.raises(AttributeError, match="qwertyuiop"):
        xg.plot.curves(C, x="lag", qwertyuiop="T")
    with pytest.raises(TypeError, match=r"metropolis\(\) got an unexpected keyword argument 'sweeps'"):
        xg.testing.tiny_run(sweeps=3)


def test_a_type_error_from_within_is_left_alone():
    @public
    def outer(x):
        return int(x)

    with pytest.raises(TypeError, match="int"):
        outer([])
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        outer()


def test_the_table_of_words_is_about_parameters_that_exist():
    known = {name for function in SURFACE.values() for name in parameters(function)}
    assert set(SYNONYMS) <= known, set(SYNONYMS) - known
    assert {name for name, _ in EXPRESSIONS.values()} <= known
    for name, words in SYNONYMS.items():
        assert name not in words.split()
        assert len(set(words.split())) == len(words.split()), name


def test_decorated_functions_are_what_they_were():
    """Signature, documentation, pickle and the token by which dask names what is made with them."""
    for name, function in SURFACE.items():
        inner = function.__wrapped__
        assert inspect.signature(function) == inspect.signature(inner), name
        assert (function.__doc__, function.__module__, function.__qualname__) == (
            inner.__doc__,
            inner.__module__,
            inner.__qualname__,
        )
        for pickler in (pickle, cloudpickle):
            data = pickler.dumps(function)
            assert pickle.loads(data) is function
            assert len(data) < 200, name
    assert dask.base.tokenize(xg.autocorrelation) == "897c456eebe9b62b1ab18f2fc48e75a5"  # before they were


# --- names -------------------------------------------------------------------------------------------------


def test_the_list_of_names_is_that_of_the_modules():
    expected = {}
    for name in xg.__all__:
        expected.setdefault(name, []).append(f"xg.{name}")
        member = getattr(xg, name)
        for inner in getattr(member, "__all__", []) if isinstance(member, ModuleType) else []:
            expected.setdefault(inner, []).append(f"xg.{name}.{inner}")
    assert homes() == expected


MODULES = [name for name in xg.__all__ if isinstance(getattr(xg, name), ModuleType)]


@pytest.mark.parametrize("module", ["", *MODULES])
def test_every_name_is_found_from_everywhere(module):
    """Wherever a public name is asked for and does not stand, the message says where it does."""
    asked = getattr(xg, module) if module else xg
    wrong = [name for name in homes() if name not in asked.__all__ and name not in vars(asked)]
    assert len(wrong) > 20
    for name in wrong:
        with pytest.raises(AttributeError) as raised:
            getattr(asked, name)
        said = str(raised.value)
        assert said.startswith(f"module {asked.__name__!r} has no attribute {name!r}; ")
        for place in homes()[name]:
            assert re.search(rf"\b{re.escape(place)}\b", said)
            assert eval(place, {"xg": xg}) is not None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("xg.yukawa", "it is xg.lattice.yukawa"),
        ("xg.to_physical", "it is xg.units.to_physical"),
        ("xg.evaluate", "it is xg.store.evaluate"),
        ("xg.arrhenius", "there are xg.fits.arrhenius and xg.plot.arrhenius"),
        ("xg.fits.metropolis", "it is xg.metropolis"),
        ("xg.lattice.triangle", "did you mean xg.lattice.triangular?"),
        ("xg.metropolys", "did you mean xg.metropolis?"),
        ("xg.units.regisrty", "did you mean xg.units.registry?"),
    ],
)
def test_where_a_name_stands(expression, said):
    with pytest.raises(AttributeError, match=re.escape(said) + "$"):
        eval(expression)


#: Names of the design; those that are not written yet.
DESIGNED = ["not_even_designed", "hartree", "cavity_glass", "saddle_point", "gap_ratio"]
UNWRITTEN = [name for name in DESIGNED if name not in homes()]


@pytest.mark.parametrize("name", UNWRITTEN)
def test_nothing_is_promised_that_is_not_there(name):
    with pytest.raises(AttributeError) as raised:
        getattr(xg, name)
    assert str(raised.value) == f"module 'xglass' has no attribute {name!r}"
    assert not hasattr(xg, name)
    assert getattr(xg.fits, name, None) is None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_messages_name_what_is_there(path):
    """Every xg.name that stands in a text, of a message or of documentation, can be called so."""
    places = {place for found in homes().values() for place in found}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for name in re.findall(r"\bxg\.[a-z_]\w*(?:\.[a-z_]\w*)?", node.value):
                assert name in places or name.rpartition(".")[0] in places, f"{path}:{node.lineno}: {name}"


def test_looking_for_a_name_imports_nothing_and_shows_one_hint():
    code = (
        "import sys, xglass\n"
        "try: xglass.arrhenius\n"
        "except AttributeError as error: print(error)\n"
        "heavy = {'numba', 'matplotlib', 'pint', 'scipy', 'xarray', 'dask'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "xglass.metropoliss\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (
        answer.stdout
        == "module 'xglass' has no attribute 'arrhenius'; there are xg.fits.arrhenius and xg.plot.arrhenius\n"
    )
    last = answer.stderr.strip().splitlines()[-1]
    assert last.endswith("module 'xglass' has no attribute 'metropoliss'; did you mean xg.metropolis?")


# --- errors and warnings -----------------------------------------------------------------------------------


def test_a_key_error_prints_its_sentence():
    with pytest.raises(KeyError) as raised:
        xg.autocorrelation(xg.testing.tiny_run(), waiting_time=99)
    said = str(raised.value)
    assert said == "waiting_time: sweeps [99] are not stored; the run holds sweeps 0 to 4 (5 of them)"
    for error in (raised.value, NoSuchNameError("xglass", "yukawa")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
    assert str(NotFoundError()) == ""
    assert str(NotFoundError("a", "b")) == "('a', 'b')"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_errors_and_warnings_go_the_common_way(path):
    """No plain KeyError, whose text is printed in quotes, and no warning that points into the package."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) and node.exc is not None:
            name = ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
            assert name != "KeyError", f"{path}:{node.lineno}: raise NotFoundError of xglass.messages"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn":
            allowed = path.name == "messages.py" or "engine" in path.parts
            assert allowed, f"{path}:{node.lineno}: write warn of xglass.messages"


def test_a_warning_points_to_the_line_of_the_user():
    sigma = xr.DataArray(
        np.ones(3), dims="frequency", coords={"frequency": [0.0, 1.0, 2.0], "T": 1.0, "broadening": 0.1}
    ).rename("optical_conductivity")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        xg.diffusivity(sigma, time=1.0)
        xg.spectral_weight(sigma)
        warn("of this very line")
    lines = inspect.getsource(test_a_warning_points_to_the_line_of_the_user).splitlines()
    first = test_a_warning_points_to_the_line_of_the_user.__code__.co_firstlineno
    assert [(w.filename, lines[w.lineno - first].strip()) for w in caught] == [
        (__file__, "xg.diffusivity(sigma, time=1.0)"),
        (__file__, "xg.spectral_weight(sigma)"),
        (__file__, 'warn("of this very line")'),
    ]


# --- models and solvers ------------------------------------------------------------------------------------

#: What solves nothing: it tells how much work a solver has.
DIAGNOSTICS = {"metropolis_counters"}

#: What takes a run, as observables do, and stands among the solvers for what it returns.
OF_RUNS = {"diagonalize"}


def stubs(room):
    """Public names that the stub takes from the files of a room."""
    stub = (ROOT / "xglass" / "__init__.pyi").read_text()
    return set(re.findall(rf"^from \.{room}\.\w+ import (\w+)", stub, re.M))


def test_every_solver_and_every_model_is_in_the_table():
    listed = [solver for solvers in SOLVERS.values() for solver in solvers]
    assert sorted(listed) == sorted(stubs("solvers") - DIAGNOSTICS - OF_RUNS), (
        "a new solver goes into checks.SOLVERS"
    )
    files = {path.stem for path in (ROOT / "xglass" / "models").glob("*.py")}
    files -= {"cavity_couplings"}  # what stands in front of a model
    assert set(SOLVERS) == set(MARKS) == stubs("models") & files, (
        "a new model goes into checks.SOLVERS and MARKS"
    )


GRID = {"T": 1.0, "frequency": [0.0, 0.5, 1.0], "broadening": 0.1}

CALLS: dict[str, Callable[[xr.Dataset], object]] = {
    "metropolis": lambda data: xg.metropolis(data, T=0.1, walker=2, sweep=2, seed=1),
    "replica_exchange": lambda data: xg.replica_exchange(data, T=[0.1, 0.2], walker=2, sweep=2, seed=1),
    "greedy": lambda data: xg.greedy(data, walker=2, seed=1),
    "metropolis_counters": lambda data: xg.metropolis_counters(data, T=0.1, walker=2, sweep=2, seed=1),
    "exact": lambda data: xg.exact(data, **GRID),
    "ftlm": lambda data: xg.ftlm(data, **GRID, random_vectors=2, seed=1),
    "typicality": lambda data: xg.typicality(data, **GRID, random_vectors=2, seed=1),
    "dmft": lambda data: xg.dmft(data, T=1.0, frequency=[0.0]),
    "static_disorder": lambda data: xg.static_disorder(data, **GRID, sites=8, realization=2, seed=1),
    "particle_hole_bubble": lambda data: xg.particle_hole_bubble(data, T=1.0, matsubara=[0, 1]),
    "real_frequency_response": lambda data: xg.real_frequency_response(
        data, T=1.0, J=1.0, frequency=[0.0, 1.0], broadening=6.0
    ),
    "saddle_point": lambda data: xg.saddle_point(data, T=1.0, J=1.0, matsubara=[0, 1]),
    "critical_coupling": lambda data: xg.critical_coupling(data, T=1.0),
}

MODELS = {
    "charge_glass": lambda: xg.testing.tiny_glass(),
    "electron_tls": lambda: xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2),
    "cavity_glass": lambda: xg.cavity_glass(xg.lattice.square(4), filling=0.3, omega0=0.2),
}


@cache
def solved(solver):
    """A lazy result of a solver."""
    return CALLS[solver](MODELS[next(model for model in SOLVERS if solver in SOLVERS[model])]())


#: Observables of a Dataset, and the model of which they are.
OBSERVABLES: dict[str, tuple[str, Callable[[xr.Dataset], object]]] = {
    "autocorrelation": ("charge_glass", lambda data: xg.autocorrelation(data, waiting_time=0)),
    "overlap": ("charge_glass", lambda data: xg.overlap(data, data)),
    "chi4": ("charge_glass", lambda data: xg.chi4(data, waiting_time=0)),
    "defect_density": ("charge_glass", xg.defect_density),
    "local_stripe_order": ("charge_glass", xg.local_stripe_order),
    "occupied_neighbours": ("charge_glass", xg.occupied_neighbours),
    "stripe_crossings": ("charge_glass", xg.stripe_crossings),
    "density_of_states": (
        "charge_glass",
        lambda data: xg.density_of_states(data, energy=[0.0, 1.0], broadening=0.1),
    ),
    "diagonalize": ("charge_glass", xg.diagonalize),
    "electrostatic_energy": ("charge_glass", xg.electrostatic_energy),
    "electrostatic_potential": ("charge_glass", xg.electrostatic_potential),
    "gap_ratio": ("charge_glass", xg.gap_ratio),
    "inverse_participation_ratio": ("charge_glass", xg.inverse_participation_ratio),
    "density_response": ("cavity_glass", xg.density_response),
    "fermion_scattering_rate": ("cavity_glass", xg.fermion_scattering_rate),
    "fermion_self_energy": ("cavity_glass", xg.fermion_self_energy),
    "glass_susceptibility": ("cavity_glass", xg.glass_susceptibility),
    "kinetic_energy": ("charge_glass", xg.kinetic_energy),
    "local_density": ("charge_glass", xg.local_density),
    "mobility": ("electron_tls", xg.mobility),
    "optical_conductivity": (
        "charge_glass",
        lambda data: xg.optical_conductivity(data, frequency=[0.0, 0.5], broadening=0.1),
    ),
    "order_parameter": ("charge_glass", lambda data: xg.order_parameter(data, q=[np.pi, 0.0])),
    "resistivity": ("electron_tls", xg.resistivity),
    "spectral_function": (
        "charge_glass",
        lambda data: xg.spectral_function(
            data,
            momentum=xr.DataArray([[0.0, 1.0]], dims=("momentum", "axis")),
            energy=[0.0, 1.0],
            broadening=0.1,
        ),
    ),
    "stripe_order": ("charge_glass", xg.stripe_order),
    "structure_factor": ("charge_glass", xg.structure_factor),
}

#: Observables of solutions that have a conductivity, which runs of charges have not.
OF_SPECTRA = ("mobility", "resistivity")

#: Observables of a DataArray, which no Dataset replaces.
OF_ARRAYS: dict[str, Callable[[xr.Dataset], object]] = {
    "dc_conductivity": xg.dc_conductivity,
    "diffusivity": lambda data: xg.diffusivity(data, time=1.0),
    "irreversibility_temperature": lambda data: xg.irreversibility_temperature(data, data),
    "localization_length": xg.localization_length,
    "mean_square_displacement": lambda data: xg.mean_square_displacement(data, time=1.0),
    "peak_frequency": xg.peak_frequency,
    "relaxation_time_approximation": lambda data: xg.relaxation_time_approximation(data, rate=1.0),
    "spectral_weight": xg.spectral_weight,
    "transient_localization_length": lambda data: xg.transient_localization_length(data, rate=1.0),
}

#: What a lattice or a model has, whatever was solved.
OF_MODELS: dict[str, Callable[[xr.Dataset], object]] = {
    "boltzmann_conductivity": lambda data: xg.boltzmann_conductivity(
        data, T=0.1, frequency=[0.0], rate=0.1, momenta=4
    ),
    "mott_ioffe_regel": lambda data: xg.mott_ioffe_regel(data, convention="l=a"),
}


@pytest.mark.parametrize("caller", OF_MODELS)
def test_what_a_model_has_needs_a_model_of_charges(caller):
    OF_MODELS[caller](MODELS["charge_glass"]())
    for data in (MODELS["electron_tls"](), xg.lattice.cubic(2)):
        if caller == "mott_ioffe_regel" and data.sizes["axis"] == 1:
            continue  # in one dimension the density drops out
        with pytest.raises(KeyError, match=rf"^{caller}: .* has no '\w+'; give a model of charge_glass"):
            OF_MODELS[caller](data)


def test_every_solver_and_observable_is_tried():
    assert set(CALLS) == stubs("solvers") - OF_RUNS
    assert {*OBSERVABLES, *OF_ARRAYS, *OF_MODELS, "sum_rule"} == stubs("observables") | OF_RUNS


def advised(model):
    """The solvers that messages name."""
    return ADVISED.get(model, SOLVERS[model])


def takers(caller):
    """The solvers whose results an observable takes."""
    own, _ = OBSERVABLES[caller]
    return ("saddle_point",) if own == "cavity_glass" else advised(own)


def named(names):
    return " or ".join([", ".join(names[:-1])] * (len(names) > 1) + [names[-1]])


@pytest.mark.parametrize("caller", CALLS)
def test_a_solver_says_which_model_it_got_and_who_takes_it(caller):
    solver = caller.removesuffix("_counters")
    own = next(model for model in SOLVERS if solver in SOLVERS[model])
    for other in set(SOLVERS) - {own}:
        foreign = {f"a model of {other}": MODELS[other]()}
        foreign |= {f"the result of {name} for {other}": solved(name) for name in SOLVERS[other]}
        for came, data in foreign.items():
            with pytest.raises(KeyError) as raised:
                CALLS[caller](data)
            said = str(raised.value)
            assert said.startswith(f"{solver}: {came} has no '")
            assert said.endswith(f"give a model of {own}; {other} is solved by {named(SOLVERS[other])}")
    with pytest.raises(
        KeyError, match=f"^{solver}: a lattice without a model has no .*give a model of {own} "
    ):
        CALLS[caller](xg.lattice.chain(4))
    with pytest.raises(TypeError, match=f"^{solver}: give the Dataset of a model of {own}, not DataArray"):
        CALLS[caller](xr.DataArray(1.0))


@pytest.mark.parametrize("caller", OBSERVABLES)
def test_an_observable_says_what_it_got_and_whose_results_it_takes(caller):
    own, call = OBSERVABLES[caller]
    instead = f"give the result of {named(takers(caller))} for {own}"
    came = {f"a model of {model}": make() for model, make in MODELS.items()}
    came |= {"a lattice without a model": xg.lattice.chain(4)}
    foreign = set(SOLVERS) - {own}
    came |= {
        f"the result of {name} for {model}": solved(name) for model in foreign for name in SOLVERS[model]
    }
    if caller in OF_SPECTRA:  # charges have their own answer
        came = {what: data for what, data in came.items() if model_of(data) != "charge_glass"}
    for what, data in came.items():
        with pytest.raises(KeyError) as raised:
            call(data)
        said = str(raised.value)
        assert re.match(rf"{caller}( \(run_a\))?: {what} has no '\w+'; {instead}", said), said
        if model_of(data) in foreign:
            assert said.endswith(f"{model_of(data)} is solved by {named(SOLVERS[model_of(data)])}")


@pytest.mark.parametrize("caller", OF_SPECTRA)
def test_what_a_conductivity_says_of_charges_needs_one(caller):
    for data in (MODELS["charge_glass"](), solved("metropolis")):
        with pytest.raises(KeyError, match=rf"^{caller}: .*'optical_conductivity'.*write xg.optical_cond"):
            OBSERVABLES[caller][1](data)


@pytest.mark.parametrize("caller", OBSERVABLES)
def test_what_is_advised_works(caller):
    """Every solver that a message names gives what the observable takes."""
    _, call = OBSERVABLES[caller]
    for solver in takers(caller):
        call(solved(solver))


@pytest.mark.parametrize("model", ["charge_glass", "electron_tls"])
def test_the_sum_rule_is_of_both_models(model):
    with pytest.raises(KeyError) as raised:
        xg.sum_rule(MODELS[model]())
    instead = f"give the result of {named(advised(model))} for {model}"
    assert re.match(rf"sum_rule: a model of {model} has no '\w+'; {instead}", str(raised.value))
    for solver in advised(model):
        assert xg.sum_rule(solved(solver)).name == "sum_rule"


@pytest.mark.parametrize("caller", OF_ARRAYS)
def test_an_observable_of_an_array_says_which_dataset_it_got(caller):
    for model, make in MODELS.items():
        message = f"{caller}: .*got Dataset .a model of {model}.; solve it by {named(SOLVERS[model])}"
        with pytest.raises(TypeError, match=message):
            OF_ARRAYS[caller](make())
    with pytest.raises(TypeError, match=f"{caller}: .*a lattice without a model.; make a model of it"):
        OF_ARRAYS[caller](xg.lattice.chain(4))


@pytest.mark.parametrize("name", sorted(set(xg.dilute_defects.__all__) - {"fraction"}))
def test_dilute_defects_take_what_dmft_gives(name):
    function = getattr(xg.dilute_defects, name)
    for came, data in {
        "a lattice without a model": xg.lattice.chain(4),
        "a model of electron_tls": MODELS["electron_tls"](),
        "the result of exact for electron_tls": solved("exact"),
        "the result of metropolis for charge_glass": solved("metropolis"),
    }.items():
        with pytest.raises(
            ValueError, match=f"^dilute_defects.{name}: give the result of xg.dmft, not {came}$"
        ):
            function(data)


def test_models_are_told_apart_after_selections_and_arithmetic():
    for model, make in MODELS.items():
        assert model_of(make()) == model
        assert [model_of(solved(solver)) for solver in SOLVERS[model]] == [model] * len(SOLVERS[model])
    run = solved("metropolis")
    assert model_of(run.isel(walker=0).mean("sweep")) == model_of(run[["acceptance"]] * 2) == "charge_glass"
    assert model_of(xg.lattice.triangular(4)) is None
    own = xg.lattice.square(4).assign_coords(J=1.0, field=0.5)  # of a user's own
    with pytest.raises(
        KeyError, match=r"^metropolis: the Dataset has no 'hopping'; give a model of charge_glass"
    ):
        xg.metropolis(own, T=0.1, walker=1, sweep=1, seed=1)


# --- kelvin ------------------------------------------------------------------------------------------------


@cache
def glass(scale="0.35 eV", **parameters):
    lattice = xg.lattice.triangular(6)
    return xg.charge_glass(lattice, **({"t_p": 0.12, "eta": -1.0} | parameters), scale=scale)


@cache
def tls(scale="0.1 eV", **parameters):
    return xg.electron_tls(xg.lattice.chain(4), **({"g": 1.0, "omega0": 0.2} | parameters), scale=scale)


def simulate(T, model=None):
    return xg.metropolis(glass() if model is None else model, T=T, walker=1, sweep=1, seed=1)


def mean_field(T, model=None):
    return xg.dmft(tls() if model is None else model, T=T, frequency=[0.0])


KELVIN = {
    "a number": lambda: simulate(30),
    "a sequence": lambda: simulate([20.0, 100.0, 300.0]),
    "an array": lambda: simulate(np.array([30.0, 40.0])),
    "a DataArray": lambda: simulate(xr.DataArray([30.0, 40.0], dims="T")),
    "without hopping": lambda: simulate(30, xg.charge_glass(xg.lattice.square(4), scale="0.35 eV")),
    "room temperature": lambda: mean_field(300),
    "of a spectrum": lambda: xg.exact(tls(), T=300, frequency=[0.0], broadening=0.1),
    "dilute defects": lambda: xg.dilute_defects.fraction(tls(), T=300),
    "of configurations": lambda: xg.kinetic_energy(simulate(0.1), T=30),
    "of a conductivity": lambda: xg.diffusivity(
        xr.DataArray(
            np.ones(3),
            dims="frequency",
            coords={"frequency": [0.0, 1.0, 2.0], "scale": 100.0, "t": 1.0},
            name="optical_conductivity",
        ),
        time=1.0,
        T=300,
    ),
}

SENSIBLE = {
    "without a scale": lambda: simulate(30, glass(scale=None)),
    "a text": lambda: simulate("30 K"),
    "a text in the unit of the model": lambda: simulate("30 Vc"),
    "texts": lambda: simulate(["30 K", "40 K"]),
    "a Quantity": lambda: simulate(30 * xg.units.registry("K")),
    "an attribute": lambda: simulate(xr.DataArray([30.0], dims="T", attrs={"units": "K"})),
    "the temperature of a run": lambda: xg.metropolis(
        glass(), T=simulate("30 Vc")["T"], walker=1, sweep=1, seed=2
    ),
    "within the energies": lambda: simulate([0.02, 0.05, 1.0]),
    "a sweep that begins within them": lambda: simulate([0.1, 1.0, 100.0]),
    "the limit of high temperature": lambda: simulate(1e6),
    "a high temperature": lambda: mean_field(20.0),
    "high temperatures": lambda: mean_field([1.0, 3.0, 20.0, 100.0]),
    "a sweep that begins above them": lambda: mean_field([5.0, 300.0]),
    "zero": lambda: mean_field(0.0),
    "a model of a few kelvin": lambda: simulate(30, glass(scale="2 meV")),
    "a model of nuclei": lambda: simulate(30, glass(scale="1 MeV")),
}


@pytest.mark.parametrize("case", KELVIN)
def test_numbers_that_look_like_kelvin_warn(case):
    with pytest.warns(
        UserWarning, match=r"^T = \d+ is in [Vt]c, far beyond .*as kelvin it would be 0.*Write T='\d+ K'"
    ):
        KELVIN[case]()


@pytest.mark.parametrize("case", SENSIBLE)
def test_sensible_temperatures_do_not_warn(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SENSIBLE[case]()


def test_the_warning_says_what_both_readings_are():
    with pytest.warns(UserWarning, match="T = 30") as caught:
        simulate(30)
    (warning,) = caught
    assert warning.filename == __file__
    kelvin = float(simulate("30 K")["T"])
    assert str(warning.message) == (
        "T = 30 is in Vc, far beyond the energies of the model (1 Vc together); as kelvin it would be "
        f"{kelvin:.2g} Vc, within them. Write T='30 K' if kelvin are meant, T='30 Vc' if not"
    )


def written_temperatures():
    """Every number and list of numbers that recipes and guides write as T, or call so."""
    texts = [path.read_text() for path in sorted((ROOT / "recipes").glob("*.py"))]
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        texts += re.findall(r"```(?:\{code-cell\} ipython3|python)\n(.*?)```", path.read_text(), re.S)
    for text in texts:
        for value in re.findall(r"\b(?:T|cold|warm|hot|temperatures?)\s*=\s*(\[[^\]]*\]|[\d.e+-]+)", text):
            numbers = [float(x) for x in re.findall(r"(?<![\w.\"'])\d+\.?\d*(?:e-?\d+)?(?![\w.\"'])", value)]
            if numbers and "K" not in value:
                yield numbers


def test_no_temperature_of_a_recipe_or_guide_is_taken_for_kelvin():
    """Whatever scale their models would have, those of molecules and of transistors."""
    found = [*written_temperatures()]
    assert len(found) > 20
    assert max(max(numbers) for numbers in found) >= 20.0
    for numbers in found:
        for scale in ("0.02 eV", "0.1 eV", "0.35 eV", "1 eV"):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                mean_field(sorted(set(numbers)), tls(scale=scale, g=0.1, omega0=0.02))
