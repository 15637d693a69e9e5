"""A run is continued with itself only, and occupations taken from a run are a new preparation."""

import inspect
import warnings

import numpy as np
import pytest
import xarray as xr

import xglass as xg

LATTICE = xg.lattice.triangular(4)
WAY_OUT = r"start=run\['occupation'\].isel\(sweep=-1, drop=True\) with another seed"


def energies(strength=0.1, seed=1, **arguments):
    return xg.random_site_energy(
        16, strength=strength, convention="std", seed=seed, **({"realization": [0, 2]} | arguments)
    )


GLASS = {"t_p": 0.12, "eta": -0.5, "self_image": "include"}
RUN = {"T": [0.05, 0.1], "walker": 3, "sweep": 2, "seed": 7, "weight": "classical"}


def simulate(lattice=LATTICE, start="random", **changed):
    """A run of which any argument of the model or of the solver is another one."""
    arguments = {"site_energy": energies()} | GLASS | RUN | changed
    model = {name: arguments.pop(name) for name in [*arguments] if name not in OF_SOLVER}
    return xg.metropolis(xg.charge_glass(lattice, **model), start=start, **arguments)


OF_SOLVER = inspect.signature(xg.metropolis).parameters

#: Every argument that makes another run, what it says, with something else than above.
OTHERS = {
    "lattice": (
        {
            "lattice": xg.lattice.from_cell(
                [[1.0, 0.0], [0.5, np.sqrt(3) / 2]],
                shape=(4, 4),
                bonds=[(0, 0, (0, 1), "p"), (0, 0, (1, 0), "c"), (0, 0, (-1, 1), "p")],
            )
        },
        "another lattice",
    ),
    "t_p": ({"t_p": 0.1}, r"t_p = 0.12, not 0.1"),
    "eta": ({"eta": -0.4}, r"eta = -0.5, not -0.4"),
    "hopping": ({"t_p": None, "eta": 1.0, "hopping": {"p": 0.12, "c": -0.06}}, "'t_p'"),
    "filling": ({"filling": 0.25}, "filling = 0.5, not 0.25"),
    "interaction": (
        {"interaction": xg.lattice.yukawa(LATTICE, length=0.5), "self_image": "exclude"},
        "another interaction",
    ),
    "site_energy": ({"site_energy": energies(seed=2)}, "another site_energy"),
    "self_image": ({"self_image": "exclude"}, "another self_image .*not 0"),
    "centred": ({"centred": True}, "centred = False, not True"),
    "T": ({"T": [0.05, 0.2]}, "0.2"),
    "walker": ({"walker": [3]}, "walker"),
    "moves": ({"moves": "exchange"}, "moves = 'neighbour', not 'exchange'"),
    "weight": ({"weight": "kinetic"}, "weight = 'classical', not 'kinetic'"),
    "seed": ({"seed": 8}, "seed = '7', not '8'"),
    "shortcut": (
        {"weight": "kinetic", "shortcut": {"window": 0.1, "audit": 0.0}},
        "made without the shortcut",
    ),
}

#: Arguments with which a run goes on: how long, how often it is stored, how it is computed, its unit.
FREE = {"model", "sweep", "start", "every", "ramp", "chunks", "scale"}


def test_every_argument_is_looked_at():
    arguments = {*inspect.signature(xg.charge_glass).parameters, *OF_SOLVER}
    assert arguments == {*OTHERS} | FREE


@pytest.mark.parametrize("name", OTHERS)
def test_another_run_is_not_continued(name):
    changed, message = OTHERS[name]
    with pytest.raises(ValueError, match=f"(?s)start.*{message}"):
        simulate(start=simulate(), **changed)


@pytest.mark.parametrize("name", ["interaction", "seed", "moves", "t_p"])
def test_the_way_out_takes_another_seed(name):
    with pytest.raises(ValueError, match=WAY_OUT):
        simulate(start=simulate(), **OTHERS[name][0])


def test_a_triangular_run_on_a_square_lattice():
    """It has as many sites, and every bond a kind of the other's name."""
    square = xg.charge_glass(xg.lattice.square(4), hopping={"x": 0.1, "y": 0.1})
    triangle = xg.charge_glass(LATTICE, hopping={"c": 0.1, "p": 0.1})
    with pytest.raises(ValueError, match="is on another lattice"):
        xg.metropolis(square, start=xg.metropolis(triangle, **RUN), **RUN)


@pytest.mark.parametrize("name", ["T", "eta", "interaction", "site_energy", "position"])
def test_a_run_that_carries_its_model_no_more(name):
    run = simulate(T=0.1)
    with pytest.raises(ValueError, match=f"has no '{name}'"):
        simulate(T=0.1, start=run.drop_vars(name))


@pytest.mark.parametrize("name", ["seed", "weight", "moves", "rule_version", "solver", "start"])
def test_a_run_that_does_not_say_what_it_is(name):
    run = simulate()
    del run.attrs[name]
    with pytest.raises(KeyError, match=rf"lack \['{name}'\]"):
        simulate(start=run)


def test_labels_of_one_point_must_be_those_asked_for():
    """A walker, a realization, a temperature that were selected: scalar labels, not looked at by position."""
    run = simulate()
    for dim, other in (("walker", {"walker": [1]}), ("T", {"T": 0.1}), ("T", {"T": [0.05, 0.1]})):
        with pytest.raises(ValueError, match=f"has {dim} = "):
            simulate(start=run.isel({dim: 0}), **other)
    one = energies(realization=[2]).isel(realization=0)
    with pytest.raises(ValueError, match="has another site_energy|has realization = 0, not 2"):
        simulate(start=run.isel(realization=0), site_energy=one)


def test_parts_of_a_run_go_on_in_any_order():
    run, whole = simulate().compute(), simulate(sweep=5).compute()
    shuffled = run.isel(T=[1, 0], walker=[2, 0, 1], realization=[1, 0])
    chosen = {"T": [0.1], "walker": [2, 0]}
    second = simulate(start=shuffled, sweep=3, **chosen)
    expected = whole.sel(chosen).isel(sweep=slice(3, None))
    for name in ("occupation", "electrostatic_energy", "acceptance"):
        xr.testing.assert_equal(second[name].compute(), expected[name])
    one = simulate(start=run.isel(T=0, walker=0), T=0.05, walker=[0], sweep=3)
    xr.testing.assert_equal(
        one["occupation"].compute(), whole["occupation"].isel(T=0, walker=[0], sweep=slice(3, None))
    )


def test_a_run_as_its_own_model():
    run = simulate(chunks=None)
    second = xg.metropolis(run.chunk(), start=run.chunk(), **RUN).compute()
    assert second["occupation"].equals(
        simulate(sweep=4, chunks=None)["occupation"].isel(sweep=slice(3, None))
    )


# -- an array that was taken from a run -------------------------------------------------------------


def taken(**selected):
    return simulate(chunks=None)["occupation"].isel(sweep=-1, drop=True).isel(selected)


@pytest.mark.parametrize(
    ("selected", "asked"),
    [
        ({}, {}),
        ({}, {"weight": "kinetic"}),
        ({"T": 0}, {}),
        ({"walker": 1, "T": 1}, {"T": 0.1}),
        ({"walker": [1, 0]}, {"walker": [0]}),
    ],
)
def test_the_random_numbers_of_a_run_are_not_repeated_without_a_word(selected, asked):
    with pytest.warns(UserWarning, match="seed = 7.*give another seed"):
        simulate(start=taken(**selected), **asked)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate(start=taken(**selected), **(asked | {"seed": 8}))


@pytest.mark.parametrize(
    ("selected", "asked"),
    [
        ({"T": 0}, {"T": 0.1}),
        ({"walker": 0}, {"walker": [1, 2]}),
        ({"realization": 0}, {"site_energy": energies(realization=[5])}),
        ({}, {"eta": -0.4}),
        ({}, {"t_p": 0.1}),
    ],
)
def test_other_labels_have_other_random_numbers(selected, asked):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate(start=taken(**selected), **asked)


def test_a_run_from_an_array_is_made_again_without_a_warning():
    """What it records of its start is a configuration, and no run any more."""
    run = simulate(start=taken(), seed=8)
    assert run["start"].attrs["long_name"] == "configuration from which a run started"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from xglass.solvers.metropolis import rerun

        assert rerun(run)["occupation"].compute().equals(run["occupation"].compute())
