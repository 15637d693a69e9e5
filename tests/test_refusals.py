"""Mistakes are refused before any work, by a sentence with three parts: the argument, what came,
what to write instead.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import xarray as xr

import xglass as xg

ROOT = Path(__file__).resolve().parents[1]
A = xr.DataArray


class Case(NamedTuple):
    name: str
    call: Callable[[], Any]
    error: type[Exception] | tuple[type[Exception], ...]
    argument: str
    came: str
    write: str


# -- what the cases start from: cheap, and made once ------------------------------------------------


@cache
def lattice(L=4):
    return xg.lattice.triangular(L)


@cache
def model(**parameters):
    return xg.testing.tiny_glass(**({"eta": -1.0} | parameters))


@cache
def run():
    return xg.testing.tiny_run()


@cache
def mean():
    return run().mean("walker")


@cache
def C():
    return xg.autocorrelation(run(), waiting_time=0)


@cache
def coulomb():
    return xg.coulomb(lattice())


def site(values=(1, 0) * 8, **dims):
    return A(np.array(values), dims="site").expand_dims(dims)


def uneven(i, j):
    U = coulomb().copy(deep=True)
    U[i, j] += 0.25
    return U


def simulate(on=None, **changed):
    return xg.metropolis(
        model() if on is None else on, **({"T": 0.1, "walker": 2, "sweep": 3, "seed": 7} | changed)
    )


def glass(on=None, **parameters):
    return xg.charge_glass(lattice() if on is None else on, **parameters)


def disorder(**changed):
    return xg.random_site_energy(
        4, **({"strength": 1.0, "convention": "std", "realization": 1, "seed": 1} | changed)
    )


def cell(**changed):
    return xg.lattice.from_cell(
        **({"vectors": np.eye(2), "shape": (3, 3), "bonds": [(0, 0, (1, 0), "x")]} | changed)
    )


def ramp(values=(1.0,) * 4, dim="sweep", **coords):
    return A(np.array(values), dims=dim, coords=coords)


V, TYPE, KEY = ValueError, TypeError, KeyError
WHOLE = "a whole number >= "

METROPOLIS = [
    # temperature
    Case("T negative", lambda: simulate(T=-0.1), V, "T ", "-0.1", "must be > 0"),
    Case("T zero in a sequence", lambda: simulate(T=[0.1, 0.0]), V, "T ", r"\[0.1, 0.0\]", "must be > 0"),
    Case("T nan", lambda: simulate(T=np.nan), V, "T ", "nan", "must be finite"),
    Case("T infinite", lambda: simulate(T=[0.1, np.inf]), V, "T ", "inf", "must be finite"),
    Case("T complex", lambda: simulate(T=0.1 + 1j), TYPE, "T ", r"\(0.1\+1j\)", "must be real numbers"),
    Case("T a truth value", lambda: simulate(T=True), TYPE, "T ", "True", "must be real numbers"),
    Case("T None", lambda: simulate(T=None), TYPE, "T ", "None", "must be real numbers"),
    Case("T words", lambda: simulate(T="hot"), V, "T:", "'hot'", "write for example '30 K'"),
    Case("T in kelvin without a scale", lambda: simulate(T="30 K"), V, "T ", "30 K", "pass scale="),
    Case(
        "T a length",
        lambda: simulate(model(scale="0.35 eV"), T="3 nm"),
        V,
        "T ",
        "3 nm",
        "pass an energy or a temperature",
    ),
    Case(
        "T a time among others",
        lambda: simulate(model(scale="0.35 eV"), T=["30 K", "3 s"]),
        V,
        "T ",
        "3 s",
        "pass an energy or a temperature",
    ),
    Case(
        "T twice", lambda: simulate(T=[0.1, 0.2, 0.1]), V, "T ", r"\[0.1, 0.2, 0.1\]", "each may stand once"
    ),
    Case(
        "T twice within twelve digits",
        lambda: simulate(T=[0.1, 0.1 + 1e-15]),
        V,
        "T ",
        "0.1",
        "each may stand once",
    ),
    Case("T empty", lambda: simulate(T=[]), V, "T ", "is empty", "at least one value"),
    Case(
        "T a table",
        lambda: simulate(T=[[0.1, 0.2]]),
        V,
        "T ",
        r"shape \(1, 2\)",
        "pass a DataArray with named dims",
    ),
    Case("T a set", lambda: simulate(T={0.1, 0.2}), TYPE, "T ", r"\{0", "a sequence, a DataArray"),
    Case(
        "T over walkers",
        lambda: simulate(T=A([0.1, 0.2], dims="walker")),
        V,
        "T ",
        r"\('walker',\)",
        "rename or drop",
    ),
    Case(
        "T over sweeps",
        lambda: simulate(T=A([0.1, 0.2], dims="sweep")),
        V,
        "T ",
        r"\('sweep',\)",
        "rename or drop",
    ),
    Case(
        "T lazy", lambda: simulate(T=A([0.1, 0.2], dims="T").chunk()), V, "T ", "lazy", r"pass T.compute\(\)"
    ),
    Case(
        "T with other labels",
        lambda: simulate(run(), T=A([0.1, 0.2], dims="eta", coords={"eta": [-1.0, -0.7]})),
        V,
        "T ",
        "eta",
        "labels|exact",
    ),
    Case(
        "T of another length",
        lambda: simulate(run(), T=A([0.1, 0.2, 0.3], dims="eta")),
        V,
        r"\bT\b",
        "3",
        "eta",
    ),
    # counts
    Case("no walker", lambda: simulate(walker=0), V, "walker", "got 0", WHOLE + "1"),
    Case("half a walker", lambda: simulate(walker=1.5), V, "walker", "1.5", WHOLE + "1"),
    Case("walker in words", lambda: simulate(walker="many"), TYPE, "walker", "'many'", WHOLE + "1"),
    Case("walker True", lambda: simulate(walker=True), TYPE, "walker", "True", WHOLE + "1"),
    Case("walker None", lambda: simulate(walker=None), TYPE, "walker", "None", WHOLE + "1"),
    Case("walker infinite", lambda: simulate(walker=np.inf), V, "walker", "inf", WHOLE + "1"),
    Case("walker id negative", lambda: simulate(walker=[0, -1]), V, "walker", "-1", WHOLE + "0"),
    Case("walker id fractional", lambda: simulate(walker=[0.5]), V, "walker", "0.5", WHOLE + "0"),
    Case("walker id too large", lambda: simulate(walker=[2**63]), V, "walker", str(2**63), "and < "),
    Case(
        "walker ids twice", lambda: simulate(walker=[1, 1]), V, "walker", r"\[1, 1\]", "distinct identifiers"
    ),
    Case(
        "walker ids empty",
        lambda: simulate(walker=[]),
        V,
        "walker",
        r"\[\]",
        "a count or distinct identifiers",
    ),
    Case(
        "walker ids in a table",
        lambda: simulate(walker=[[0, 1], [2, 3]]),
        (V, TYPE),
        "walker",
        r"\[\[?0, 1\]",
        "a count or distinct identifiers",
    ),
    Case("no sweep", lambda: simulate(sweep=0), V, "sweep", "got 0", WHOLE + "1"),
    Case("negative sweeps", lambda: simulate(sweep=-3), V, "sweep", "-3", WHOLE + "1"),
    Case("fractional sweeps", lambda: simulate(sweep=2.5), V, "sweep", "2.5", WHOLE + "1"),
    Case("a list of sweeps", lambda: simulate(sweep=[1, 2]), TYPE, "sweep", r"\[1, 2\]", WHOLE + "1"),
    Case("every 0", lambda: simulate(every=0), V, "every", "got 0", WHOLE + "1"),
    Case("every fractional", lambda: simulate(every=0.5), V, "every", "0.5", WHOLE + "1"),
    Case(
        "every beyond the end",
        lambda: simulate(every=9),
        V,
        "every",
        "9 stores nothing of 3",
        "take every <= sweep",
    ),
    Case("seed negative", lambda: simulate(seed=-1), V, "seed", "-1", WHOLE + "0"),
    Case("seed too large", lambda: simulate(seed=2**64), V, "seed", f"got {2**64}", f"< {2**64}"),
    Case("seed fractional", lambda: simulate(seed=0.5), V, "seed", "0.5", WHOLE + "0"),
    Case("seed None", lambda: simulate(seed=None), TYPE, "seed", "None", WHOLE + "0"),
    # names
    Case(
        "weight unknown",
        lambda: simulate(weight="quantum"),
        V,
        "weight",
        "'quantum'",
        "'classical', 'kinetic', 'free_energy'",
    ),
    Case("moves unknown", lambda: simulate(moves="swap"), V, "moves", "'swap'", "'neighbour', 'exchange'"),
    Case(
        "moves a list",
        lambda: simulate(moves=["exchange"]),
        V,
        "moves",
        r"\['exchange'\]",
        "'neighbour', 'exchange'",
    ),
    Case(
        "start unknown",
        lambda: simulate(start="stripes"),
        V,
        "start",
        "'stripes'",
        "'random', 'ordered', a DataArray",
    ),
    Case(
        "start an ndarray",
        lambda: simulate(start=np.ones(16, dtype=int)),
        V,
        "start",
        r"array\(\[1",
        "'random', 'ordered', a DataArray",
    ),
    # chunks
    Case(
        "chunks of a core dimension",
        lambda: simulate(chunks={"site": 4}),
        V,
        "chunks",
        "'site'",
        r"dimensions to chunk are \['walker'\]",
    ),
    Case(
        "chunks of sweeps",
        lambda: simulate(chunks={"sweep": 2}),
        V,
        "chunks",
        "'sweep'",
        r"dimensions to chunk are \['walker'\]",
    ),
    Case(
        "chunks of size 0",
        lambda: simulate(chunks={"walker": 0}),
        V,
        r"chunks\['walker'\]",
        "got 0",
        WHOLE + "1",
    ),
    Case(
        "chunks fractional",
        lambda: simulate(chunks={"walker": 1.5}),
        V,
        r"chunks\['walker'\]",
        "1.5",
        WHOLE + "1",
    ),
    Case("chunks a number", lambda: simulate(chunks=3), V, "chunks", "got 3", "'auto', a dict"),
    Case("chunks a word", lambda: simulate(chunks="big"), V, "chunks", "'big'", "'auto', a dict"),
    # ramps
    Case(
        "ramp an ndarray",
        lambda: simulate(ramp=np.ones(4)),
        TYPE,
        "ramp",
        "ndarray",
        "a DataArray over 'sweep'",
    ),
    Case(
        "ramp a function",
        lambda: simulate(ramp=lambda s: 1.0),
        TYPE,
        "ramp",
        "function",
        "a DataArray over 'sweep'",
    ),
    Case(
        "ramp over time",
        lambda: simulate(ramp=ramp(dim="time")),
        TYPE,
        "ramp",
        "time",
        "a DataArray over 'sweep'",
    ),
    Case(
        "ramp too short",
        lambda: simulate(ramp=ramp([1.0] * 3)),
        V,
        "ramp",
        "got 3 between 0 and 2",
        "every sweep from 0 to 3",
    ),
    Case(
        "ramp with a sweep twice", lambda: simulate(ramp=ramp(sweep=[0, 1, 1, 2])), V, "ramp", "got 4", "once"
    ),
    Case(
        "ramp to zero", lambda: simulate(ramp=ramp([1.0, 1.0, 0.5, 0.0])), V, "ramp", "0. ?\\]", "must be > 0"
    ),
    Case(
        "ramp nan", lambda: simulate(ramp=ramp([1.0, np.nan, 1.0, 1.0])), V, "ramp", "nan", "must be finite"
    ),
    Case("ramp lazy", lambda: simulate(ramp=ramp().chunk()), V, "ramp", "lazy", r"ramp.compute\(\)"),
    Case(
        "ramp that does not go on",
        lambda: simulate(run(), T=[0.05, 0.1], walker=3, start=run(), ramp=ramp()),
        V,
        "ramp",
        "0 and 3",
        "every sweep from 4 to 7",
    ),
    # starts
    Case(
        "start of another size",
        lambda: simulate(start=site((1, 0) * 4)),
        V,
        "start",
        "8 sites",
        "the model has 16",
    ),
    Case(
        "start with 4 particles",
        lambda: simulate(start=site((1,) * 4 + (0,) * 12)),
        V,
        "start",
        r"\[4\] particles",
        "asks for 8",
    ),
    Case("start averaged", lambda: simulate(start=site() * 0.5), TYPE, "start", "float64", "whole numbers"),
    Case(
        "start with double occupation",
        lambda: simulate(start=site((2, 0, 0, 0) * 4)),
        V,
        "start",
        "0 to 2",
        "0 or 1",
    ),
    Case(
        "start without sites",
        lambda: simulate(start=site().rename(site="x")),
        V,
        "start",
        r"\('x',\)",
        "needs 'site'",
    ),
    Case(
        "start over sweeps",
        lambda: simulate(start=site(sweep=2)),
        V,
        "start",
        r"\('sweep', 'site'\)",
        r"may have \['walker'\]",
    ),
    Case(
        "start of 3 walkers for 2",
        lambda: simulate(start=site(walker=3)),
        V,
        "start",
        "3 entries along 'walker'",
        "2 are asked for",
    ),
    Case(
        "start of other walkers",
        lambda: simulate(start=site(walker=[5, 6])),
        V,
        "start",
        r"\[5, 6\]",
        r"asked for \[0, 1\]",
    ),
    Case(
        "start of another eta",
        lambda: simulate(xg.testing.tiny_glass(eta=[-0.3]), T=[0.05, 0.1], start=run()),
        V,
        "start",
        r"\[-1.0, -0.5\]",
        r"asked for \[-0.3\]",
    ),
    Case(
        "start a model",
        lambda: simulate(start=model()),
        KEY,
        "start",
        "no 'occupation'",
        "give the result of metropolis",
    ),
    Case(
        "start one sweep of a run",
        lambda: simulate(start=run().isel(sweep=-1)),
        V,
        "start",
        "sweep",
        "pass its DataArray 'occupation'",
    ),
    Case(
        "start a run without labels",
        lambda: simulate(start=run().drop_vars("sweep")),
        V,
        "start",
        "sweep",
        "pass its DataArray 'occupation'",
    ),
    Case(
        "start a mean",
        lambda: simulate(xg.testing.tiny_glass(), T=[0.05, 0.1], start=mean()),
        TYPE,
        "start",
        "float64",
        "averaged occupations",
    ),
    Case(
        "ordered at a quarter",
        lambda: simulate(model(filling=0.25), start="ordered"),
        V,
        "start",
        "'ordered'",
        "pass the pattern as a DataArray",
    ),
    Case(
        "ordered on odd sides",
        lambda: simulate(glass(lattice(3), filling=1 / 3), start="ordered"),
        V,
        "start",
        "'ordered'",
        "pass the pattern as a DataArray",
    ),
    Case(
        "ordered on a ring",
        lambda: simulate(glass(xg.lattice.chain(4)), start="ordered"),
        V,
        "start",
        "'ordered'",
        "triangular and square",
    ),
    # models
    Case("4.8 particles", lambda: simulate(model(filling=0.3)), V, "filling", "4.8", "take filling = k / 16"),
    Case(
        "one fractional filling of two",
        lambda: simulate(glass(filling=[0.5, 0.3])),
        V,
        "filling",
        "4.8",
        "take filling = k / 16",
    ),
    Case(
        "a lattice is no model",
        lambda: simulate(lattice()),
        KEY,
        "metropolis",
        "no 'hopping'",
        "give a model of charge_glass",
    ),
    Case(
        "an array is no model",
        lambda: simulate(np.ones(16)),
        TYPE,
        "metropolis",
        "ndarray",
        "the Dataset of a .*model",
    ),
    Case(
        "an occupation is no model",
        lambda: simulate(run()["occupation"]),
        TYPE,
        "metropolis",
        "DataArray",
        "the Dataset of a .*model",
    ),
    Case(
        "half of the sites",
        lambda: simulate(model().isel(site=slice(0, 8))),
        V,
        "metropolis",
        "8 of 16 sites",
        "select sites on the result",
    ),
    Case(
        "interaction dropped",
        lambda: simulate(model().drop_vars("interaction")),
        KEY,
        "metropolis",
        "no 'interaction'",
        "pass the whole Dataset",
    ),
    Case(
        "sites without neighbours",
        lambda: simulate(glass(cell(basis=[[0, 0], [0.5, 0.5]], shape=(2, 2)))),
        V,
        "moves",
        "sites without",
        "use moves='exchange'",
    ),
    Case(
        "counters, too",
        lambda: xg.metropolis_counters(model(), T=0.1, walker=0, sweep=1, seed=1),
        V,
        "walker",
        "got 0",
        WHOLE + "1",
    ),
]

MODELS = [
    Case("t_p words", lambda: glass(t_p="big"), V, "t_p", "'big'", "write for example"),
    Case("t_p nan", lambda: glass(t_p=np.nan), V, "t_p", "nan", "finite"),
    Case("t_p complex", lambda: glass(t_p=1j), TYPE, "t_p", "1j", "real numbers"),
    Case("t_p in meV without a scale", lambda: glass(t_p="42 meV"), V, "t_p", "42 meV", "pass scale="),
    Case("t_p a length", lambda: glass(t_p="3 m", scale="1 eV"), V, "t_p", "3 m", "pass an energy"),
    Case(
        "eta an energy",
        lambda: glass(t_p=0.1, eta="3 meV", scale="1 eV"),
        V,
        "eta",
        "3 meV",
        "a plain number",
    ),
    Case("eta alone", lambda: glass(eta=0.5), V, "eta", "needs t_p", "give t_p"),
    Case(
        "t_p on a square",
        lambda: glass(xg.lattice.square(4), t_p=0.1),
        V,
        "t_p",
        "triangular",
        "write hopping=.*'x'.*'y'",
    ),
    Case(
        "t_p and hopping",
        lambda: glass(t_p=0.1, hopping={"c": 1.0, "p": 1.0}),
        V,
        "t_p and hopping",
        "two ways",
        "give one",
    ),
    Case(
        "t_p and eta of unequal length",
        lambda: glass(t_p=A([0.1, 0.2], dims="point"), eta=A([1.0, 2.0, 3.0], dims="point")),
        V,
        "t_p|eta",
        "3",
        "point",
    ),
    Case(
        "hopping for an unknown kind",
        lambda: glass(hopping={"c": 1.0, "p": 1.0, "x": 1.0}),
        V,
        "hopping",
        r"\['x'\]",
        r"this lattice has \['c', 'p'\]",
    ),
    Case(
        "hopping without a kind",
        lambda: glass(hopping={"c": 1.0}),
        V,
        "hopping",
        r"missing .*\['p'\]",
        "give each a value",
    ),
    Case(
        "hopping a number",
        lambda: glass(hopping=0.1),
        TYPE,
        "hopping",
        "float",
        "must be a DataArray with dimensions",
    ),
    Case(
        "hopping a sequence",
        lambda: glass(hopping={"c": [1.0, 2.0], "p": 1.0}),
        V,
        r"hopping\['c'\]",
        "sequence",
        "pass a DataArray",
    ),
    Case(
        "hopping of 5 bonds",
        lambda: glass(hopping=A(np.ones(5), dims="bond")),
        V,
        "hopping",
        "5 entries along 'bond'",
        "has 48",
    ),
    Case(
        "hopping over sites",
        lambda: glass(hopping=A(np.ones(48), dims="x")),
        V,
        "hopping",
        r"\('x',\)",
        "must be .*bond",
    ),
    Case(
        "hopping nan",
        lambda: glass(hopping=A(np.full(48, np.nan), dims="bond")),
        V,
        "hopping",
        "nan",
        "finite",
    ),
    Case("filling 0", lambda: glass(filling=0), V, "filling", "got 0", r"in \(0, 1\)"),
    Case("filling 1.5", lambda: glass(filling=[0.5, 1.5]), V, "filling", "1.5", r"in \(0, 1\)"),
    Case(
        "filling of sites",
        lambda: glass(filling=A(np.full(16, 0.5), dims="site")),
        V,
        "filling",
        r"\('site',\)",
        "rename or drop",
    ),
    Case("filling in K", lambda: glass(filling="3 K"), V, "filling", "3 K", "a plain number"),
    Case(
        "interaction unknown",
        lambda: glass(interaction="yukawa"),
        V,
        "interaction",
        "'yukawa'",
        "'coulomb', a DataArray",
    ),
    Case(
        "interaction an ndarray",
        lambda: glass(interaction=np.zeros((16, 16))),
        TYPE,
        "interaction",
        "ndarray",
        "a DataArray",
    ),
    Case(
        "interaction not symmetric",
        lambda: glass(interaction=uneven(0, 1)),
        V,
        "interaction",
        "0.25",
        r"pass \(U \+ U\^T\)/2",
    ),
    Case(
        "interaction of another size",
        lambda: glass(interaction=xg.coulomb(lattice(3))),
        V,
        "interaction",
        "9 entries",
        "has 16",
    ),
    Case(
        "interaction with other dims",
        lambda: glass(interaction=coulomb().rename(site2="j")),
        V,
        "interaction",
        r"\('site', 'j'\)",
        "must be .*site2",
    ),
    Case("interaction nan", lambda: glass(interaction=coulomb() * np.nan), V, "interaction", "nan", "finite"),
    Case(
        "interaction with a rough diagonal",
        lambda: glass(interaction=uneven(0, 0)),
        V,
        "interaction",
        "diagonal",
        "put site energies into site_energy",
    ),
    Case(
        "interaction lazy",
        lambda: glass(interaction=coulomb().chunk()),
        V,
        "interaction",
        "lazy",
        r"interaction.compute\(\)",
    ),
    Case(
        "self_image unknown",
        lambda: glass(self_image="yes"),
        V,
        "self_image",
        "'yes'",
        "'exclude', 'include' or",
    ),
    Case(
        "self_image nan", lambda: glass(self_image=np.nan), V, "self_image", "nan", "'exclude', 'include' or"
    ),
    Case(
        "self_image of another interaction",
        lambda: glass(interaction=None, self_image="include"),
        V,
        "self_image",
        "'include'",
        "give it to the function",
    ),
    Case(
        "site_energy an ndarray",
        lambda: glass(site_energy=np.zeros(16)),
        TYPE,
        "site_energy",
        "ndarray",
        "must be a DataArray",
    ),
    Case(
        "site_energy of 8 sites",
        lambda: glass(site_energy=A(np.zeros(8), dims="site")),
        V,
        "site_energy",
        "8 entries",
        "has 16",
    ),
    Case(
        "site_energy over sweeps",
        lambda: glass(site_energy=A(np.zeros((2, 16)), dims=("sweep", "site"))),
        V,
        "site_energy",
        r"\('sweep', 'site'\)",
        "rename or drop",
    ),
    Case("centred a number", lambda: glass(centred=1), TYPE, "centred", "got 1", "True or False"),
    Case("scale a number", lambda: glass(scale=0.35), V, "scale", "0.35", "such as '0.35 eV'"),
    Case("scale a length", lambda: glass(scale="3 m"), V, "scale", "3 m", "such as '0.35 eV'"),
    Case("scale negative", lambda: glass(scale="-1 eV"), V, "scale", "-1000", "must be > 0"),
    Case("scale words", lambda: glass(scale="banana"), V, "scale", "'banana'", "'0.35 eV'"),
    Case("no lattice", lambda: glass(np.zeros(3)), TYPE, "charge_glass", "ndarray", "give the Dataset"),
    Case(
        "realizations that differ",
        lambda: glass(
            interaction=xg.random_couplings(lattice(), realization=3, seed=1),
            site_energy=xg.random_site_energy(
                lattice(), strength=1.0, convention="std", realization=2, seed=1
            ),
        ),
        V,
        "site_energy",
        "realization",
        "exact",
    ),
    Case(
        "couplings of one site",
        lambda: xg.random_couplings(1, realization=1, seed=1),
        V,
        "N ",
        "got 1",
        WHOLE + "2",
    ),
    Case(
        "couplings of negative strength",
        lambda: xg.random_couplings(4, J=-1.0, realization=1, seed=1),
        V,
        "J ",
        "-1.0",
        "must be > 0 or 0",
    ),
    Case(
        "couplings without realization",
        lambda: xg.random_couplings(4, realization=0, seed=1),
        V,
        "realization",
        "got 0",
        WHOLE + "1",
    ),
    Case(
        "couplings of a realization twice",
        lambda: xg.random_couplings(4, realization=[1, 1], seed=1),
        V,
        "realization",
        r"\[1, 1\]",
        "distinct labels",
    ),
    Case(
        "couplings of a negative seed",
        lambda: xg.random_couplings(4, realization=1, seed=-1),
        V,
        "seed",
        "-1",
        WHOLE + "0",
    ),
    Case(
        "disorder of unknown convention",
        lambda: disorder(convention="variance"),
        V,
        "convention",
        "'variance'",
        "'width' or 'std'",
    ),
    Case(
        "disorder of unknown distribution",
        lambda: disorder(distribution="lorentz"),
        V,
        "distribution",
        "'lorentz'",
        "'box' or 'gaussian'",
    ),
    Case(
        "disorder of negative strength",
        lambda: disorder(strength=-1.0),
        V,
        "strength",
        "-1.0",
        "must be > 0 or 0",
    ),
]

LATTICES = [
    Case("ring of one site", lambda: xg.lattice.chain(1), V, "N ", "got 1", WHOLE + "2"),
    Case("square of side 4.5", lambda: xg.lattice.square(4.5), V, "L ", "4.5", WHOLE + "2"),
    Case("triangular of side '4'", lambda: xg.lattice.triangular("4"), TYPE, "L ", "'4'", WHOLE + "2"),
    Case("second side 0", lambda: xg.lattice.triangular(4, 0), V, "Ly ", "got 0", WHOLE + "2"),
    Case("cubic of side -2", lambda: xg.lattice.cubic(-2), V, "L ", "-2", WHOLE + "2"),
    Case(
        "vectors that do not span",
        lambda: cell(vectors=[[1, 0], [2, 0]]),
        V,
        "vectors",
        r"\[\[1, 0\], \[2, 0\]\]",
        "that span the space",
    ),
    Case(
        "vectors that are no numbers",
        lambda: cell(vectors="abc"),
        (V, TYPE),
        "vectors",
        "'abc'",
        "rows|real numbers",
    ),
    Case("shape of one entry", lambda: cell(shape=(3,)), V, "shape", r"\(3,\)", "must have 2 entries"),
    Case("shape with 0", lambda: cell(shape=(3, 0)), V, "shape", "got 0", WHOLE + "1"),
    Case("basis in one dimension", lambda: cell(basis=[[0]]), V, "basis", r"\(1, 1\)", "finite positions"),
    Case("no bonds", lambda: cell(bonds=[]), V, "bonds", "is empty", "give at least one"),
    Case(
        "bond to a site that is not there",
        lambda: cell(bonds=[(0, 1, (1, 0), "x")]),
        V,
        "bonds",
        r"\(0, 1, \(1, 0\), 'x'\)",
        "source, target, cell offset",
    ),
    Case(
        "bond with a short offset",
        lambda: cell(bonds=[(0, 0, (1,), "x")]),
        V,
        "bonds",
        r"\(1,\)",
        "offset of 2 entries",
    ),
    Case(
        "bond of half a cell",
        lambda: cell(bonds=[(0, 0, (0.5, 0), "x")]),
        (V, TYPE),
        "bonds",
        "0.5",
        "offset",
    ),
    Case(
        "bond of a site with itself",
        lambda: cell(bonds=[(0, 0, (0, 0), "x")]),
        V,
        "bonds",
        r"\(0, 0, \(0, 0\), 'x'\)",
        "another site|itself",
    ),
    Case("three gates", lambda: xg.coulomb(lattice(), gates=3), V, "gates", "got 3", "1 or 2"),
    Case(
        "gate behind the layer",
        lambda: xg.coulomb(lattice(), gate_distance=-1.0),
        V,
        "gate_distance",
        "-1.0",
        "must be > 0",
    ),
    Case(
        "gate of a cube",
        lambda: xg.coulomb(xg.lattice.cubic(2), gate_distance=1.0),
        V,
        "gate_distance",
        "3 dimensions",
        "leave it out",
    ),
    Case(
        "gate in nm",
        lambda: xg.coulomb(lattice(), gate_distance="3 nm"),
        V,
        "gate_distance",
        "3 nm",
        "in lattice spacings",
    ),
    Case("coulomb of a number", lambda: xg.coulomb(4), TYPE, "coulomb", "int", "give the Dataset"),
    Case(
        "coulomb of part of a lattice",
        lambda: xg.coulomb(lattice().isel(site=slice(0, 5))),
        V,
        "coulomb",
        "5 sites",
        "pass the whole lattice",
    ),
    Case(
        "yukawa of length 0",
        lambda: xg.lattice.yukawa(lattice(), length=0.0),
        V,
        "length",
        "got 0",
        "must be > 0",
    ),
    Case(
        "yukawa of a negative length",
        lambda: xg.lattice.yukawa(lattice(), length=[1.0, -2.0]),
        V,
        "length",
        r"\[1.0, -2.0\]",
        "must be > 0",
    ),
    Case(
        "yukawa without end",
        lambda: xg.lattice.yukawa(lattice(), length=1e4),
        V,
        "length",
        "10000",
        "use coulomb",
    ),
    Case(
        "negative exponent",
        lambda: xg.lattice.power_law(lattice(), exponent=-1.0),
        V,
        "exponent",
        "-1.0",
        "must be > 0",
    ),
    Case(
        "exponent nan",
        lambda: xg.lattice.power_law(lattice(), exponent=np.nan),
        V,
        "exponent",
        "nan",
        "finite",
    ),
]

OBSERVABLES = [
    "structure_factor",
    "order_parameter",
    "stripe_order",
    "electrostatic_energy",
    "electrostatic_potential",
    "kinetic_energy",
    "local_density",
    "autocorrelation",
    "chi4",
    "occupied_neighbours",
    "defect_density",
    "local_stripe_order",
    "stripe_crossings",
    "overlap",
]


def observe(name, data):
    if name in ("autocorrelation", "chi4"):
        return getattr(xg, name)(data, waiting_time=0)
    if name == "order_parameter":
        return xg.order_parameter(data, q=[3.0, 0.0])
    return xg.overlap(data, data) if name == "overlap" else getattr(xg, name)(data)


def _of_every_observable():
    for name in OBSERVABLES:
        yield Case(
            f"{name} of averaged occupations",
            lambda n=name: observe(n, mean()),
            TYPE,
            name,
            "float64",
            "take the mean of the result",
        )
        yield Case(
            f"{name} of split sites",
            lambda n=name: observe(n, run().chunk(site=4)),
            V,
            name,
            r"\(4, 4, 4, 4\)",
            r"write .chunk\(site=-1\)",
        )
        yield Case(
            f"{name} of part of the sites",
            lambda n=name: observe(n, run().isel(site=slice(0, 8))),
            V,
            name,
            "8 of 16",
            "select sites on the result",
        )
        yield Case(
            f"{name} of summed sites",
            lambda n=name: observe(n, run().sum("site")),
            (V, KEY),
            name,
            "lacks|no '",
            "[Aa]pply " + name,
        )
        yield Case(
            f"{name} of a DataArray",
            lambda n=name: observe(n, run()["occupation"]),
            TYPE,
            name,
            "DataArray",
            "give the Dataset of",
        )
        yield Case(
            f"{name} of a model",
            lambda n=name: observe(n, model()),
            KEY,
            name,
            "a model of charge_glass has no 'occupation'",
            "give the result of metropolis for charge_glass",
        )
        yield Case(
            f"{name} where",
            lambda n=name: observe(n, run().where(run()["T"] > 0.06)),
            TYPE,
            name,
            "float32",
            "whole numbers",
        )


DATA = [
    *_of_every_observable(),
    Case(
        "energy without interaction",
        lambda: xg.electrostatic_energy(run().drop_vars("interaction")),
        KEY,
        "electrostatic_energy",
        "no 'interaction'",
        "lost by drop_vars",
    ),
    Case(
        "<K> without T",
        lambda: xg.kinetic_energy(run().mean("T")),
        (KEY, TYPE),
        "kinetic_energy",
        "T|float",
        "apply kinetic_energy before|mean of the result",
    ),
    Case(
        "<K> without hopping",
        lambda: xg.kinetic_energy(run().drop_vars("hopping")),
        KEY,
        "kinetic_energy",
        "no 'hopping'",
        "lost by drop_vars",
    ),
    Case(
        "S(q) without positions",
        lambda: xg.structure_factor(run().drop_vars("position")),
        KEY,
        "structure_factor",
        "no 'position'",
        "lost by drop_vars",
    ),
    Case(
        "stripes on odd sides",
        lambda: xg.stripe_order(simulate(glass(lattice(3), filling=1 / 3))),
        V,
        "stripe_order",
        r"\[3, 3\]",
        "take an even side",
    ),
    Case(
        "waiting time that is not stored",
        lambda: xg.autocorrelation(run(), waiting_time=[0, 99]),
        KEY,
        "waiting_time",
        r"\[99\]",
        "the run holds sweeps 0 to 4",
    ),
    Case(
        "waiting time fractional",
        lambda: xg.autocorrelation(run(), waiting_time=0.5),
        V,
        "waiting_time",
        "0.5",
        WHOLE + "0",
    ),
    Case(
        "waiting time negative",
        lambda: xg.autocorrelation(run(), waiting_time=-1),
        V,
        "waiting_time",
        "-1",
        WHOLE + "0",
    ),
    Case(
        "waiting time twice",
        lambda: xg.autocorrelation(run(), waiting_time=[1, 1]),
        V,
        "waiting_time",
        r"\[1, 1\]",
        "distinct sweeps",
    ),
    Case(
        "no waiting time",
        lambda: xg.autocorrelation(run(), waiting_time=[]),
        V,
        "waiting_time",
        r"\[\]",
        "distinct sweeps",
    ),
    Case(
        "lag that is not stored",
        lambda: xg.autocorrelation(run(), waiting_time=1, lag=[0, 9]),
        KEY,
        "lag",
        r"\[9\] after waiting times \[1\]",
        "the run holds sweeps 0 to 4",
    ),
    Case(
        "lag negative", lambda: xg.autocorrelation(run(), waiting_time=1, lag=-1), V, "lag", "-1", WHOLE + "0"
    ),
    Case(
        "lag fractional",
        lambda: xg.autocorrelation(run(), waiting_time=1, lag=0.5),
        V,
        "lag",
        "0.5",
        WHOLE + "0",
    ),
    Case(
        "lag twice",
        lambda: xg.autocorrelation(run(), waiting_time=1, lag=[1, 1]),
        V,
        "lag",
        r"\[1, 1\]",
        "distinct",
    ),
    Case("no lag", lambda: xg.autocorrelation(run(), waiting_time=1, lag=[]), V, "lag", r"\[\]", "distinct"),
    Case(
        "reordered sites",
        lambda: xg.electrostatic_energy(run().isel(site=[1, 0, *range(2, 16)])),
        V,
        "electrostatic_energy",
        "reordered",
        "Apply electrostatic_energy first",
    ),
    Case(
        "observable in physical units",
        lambda: xg.kinetic_energy(xg.units.to_physical(run(), scale="0.35 eV", spacing="1 nm")),
        V,
        "kinetic_energy",
        "meV",
        "apply to_physical to the result",
    ),
    Case(
        "model in physical units",
        lambda: simulate(xg.units.to_physical(glass(lattice()), scale="0.35 eV", spacing="1 nm")),
        V,
        "metropolis",
        "meV",
        "apply to_physical to the result",
    ),
    Case(
        "another temperature for a swept run",
        lambda: xg.kinetic_energy(run(), T=0.3),
        V,
        "T=",
        "dimension 'T'",
        "select by .sel",
    ),
    Case(
        "continued at another temperature",
        lambda: xg.metropolis(
            xg.testing.tiny_glass(), T=0.1, walker=3, sweep=2, seed=7, start=run().isel(T=0)
        ),
        V,
        "start",
        "T = 0.05",
        "isel",
    ),
    Case(
        "some of the bonds",
        lambda: xg.kinetic_energy(run().isel(bond=slice(0, 16))),
        V,
        "kinetic_energy",
        "16 bonds",
        "an isel over bond",
    ),
    Case(
        "correlation of one sweep",
        lambda: xg.autocorrelation(run().isel(sweep=0), waiting_time=0),
        V,
        "autocorrelation",
        "no dimension 'sweep'",
        "dropped by a selection",
    ),
    Case(
        "overlap of other walkers",
        lambda: xg.overlap(run(), run().isel(walker=[0, 1])),
        V,
        "overlap",
        "walker",
        "labels|same",
    ),
    Case(
        "overlap of other temperatures",
        lambda: xg.overlap(run(), xg.testing.tiny_run(T=[0.05, 0.2])),
        V,
        "overlap",
        r"\bT\b",
        "labels|same",
    ),
    Case(
        "overlap of other sizes",
        lambda: xg.overlap(
            run(), xg.testing.tiny_run(xg.charge_glass(lattice(6), t_p=0.1, eta=[-1.0, -0.5]))
        ),
        V,
        "overlap",
        "16 sites",
        "run_b has 36",
    ),
    Case(
        "overlap of other fillings",
        lambda: xg.overlap(run(), xg.testing.tiny_run(xg.testing.tiny_glass(filling=0.25))),
        V,
        "overlap",
        "0.25",
        "fillings differ",
    ),
    # units
    Case(
        "physical units without a scale",
        lambda: xg.units.to_physical(run()),
        V,
        "to_physical",
        "Vc",
        "pass scale=",
    ),
    Case(
        "scale of a length",
        lambda: xg.units.to_physical(run(), scale="3 m"),
        V,
        "scale",
        "'3 m'",
        "such as '0.35 eV'",
    ),
    Case(
        "spacing a number",
        lambda: xg.units.to_physical(run(), scale="1 eV", spacing=3),
        V,
        "spacing",
        "got 3",
        "such as '10 angstrom'",
    ),
    Case(
        "layer a temperature",
        lambda: xg.units.to_physical(run(), scale="1 eV", layer="3 K"),
        V,
        "layer",
        "'3 K'",
        "such as '10 angstrom'",
    ),
    Case(
        "a number in physical units",
        lambda: xg.units.to_physical(3.0),
        TYPE,
        "to_physical|obj",
        "float",
        "DataArray",
    ),
    # operations
    Case(
        "histogram without a range",
        lambda: xg.ops.histogram(C(), bins=5, dim="lag"),
        V,
        "bins",
        "5",
        r"write range=",
    ),
    Case(
        "histogram of no bins",
        lambda: xg.ops.histogram(C(), bins=0, range=(0, 1), dim="lag"),
        V,
        "bins",
        "got 0",
        WHOLE + "1",
    ),
    Case(
        "histogram with falling edges",
        lambda: xg.ops.histogram(C(), bins=[1.0, 0.0], dim="lag"),
        V,
        "bins",
        r"\[1.0, 0.0\]",
        "increasing edges",
    ),
    Case(
        "histogram of an inverted range",
        lambda: xg.ops.histogram(C(), bins=3, range=(1, 0), dim="lag"),
        V,
        "range",
        r"\(1, 0\)",
        "lowest < highest",
    ),
    Case(
        "histogram along nothing",
        lambda: xg.ops.histogram(C(), bins=3, range=(0, 1), dim="time"),
        V,
        "dim",
        "'time'",
        "has dimensions",
    ),
    Case(
        "histogram of a Dataset",
        lambda: xg.ops.histogram(run(), bins=3, range=(0, 1), dim="site"),
        TYPE,
        "x ",
        "Dataset",
        "pick one variable",
    ),
    Case(
        "moments of order 0",
        lambda: xg.ops.moments(C(), dim="walker", order=0),
        V,
        "order",
        "got 0",
        WHOLE + "1",
    ),
    Case(
        "correlation with a split dim",
        lambda: xg.ops.correlation(C().rename(lag="sweep").chunk(sweep=2), dim="sweep"),
        V,
        "'sweep'",
        r"\(2, 2, 1\)",
        r"write .chunk\(sweep=-1\)",
    ),
    Case(
        "correlation at a lag beyond",
        lambda: xg.ops.correlation(C().rename(lag="sweep"), dim="sweep", lag=9),
        KEY,
        "lag",
        r"\[9",
        "write multiples of 1 from 0 to 4",
    ),
    # fits
    Case(
        "fit of a Dataset",
        lambda: xg.fits.stretched_exponential(run()),
        TYPE,
        "C ",
        "Dataset",
        "pick one variable",
    ),
    Case(
        "fit without lags",
        lambda: xg.fits.stretched_exponential(C().mean("lag")),
        V,
        "C ",
        "has dimensions",
        "dim=",
    ),
    Case(
        "fit of split lags",
        lambda: xg.fits.stretched_exponential(C().chunk(lag=2)),
        V,
        "'lag'",
        r"\(2, 2, 1\)",
        r"write .chunk\(lag=-1\)",
    ),
    Case(
        "fit without times",
        lambda: xg.fits.stretched_exponential(C().drop_vars("lag")),
        V,
        "C ",
        "no coordinate 'lag'",
        "write .assign_coords",
    ),
    Case(
        "fit with errors of other lags",
        lambda: xg.fits.stretched_exponential(C(), stderr=C().isel(lag=[0, 1])),
        V,
        "stderr",
        "labels",
        "xr.align",
    ),
    Case(
        "barrier without temperatures",
        lambda: xg.fits.arrhenius(C(), dim="time"),
        V,
        "tau ",
        "has dimensions",
        "dim=",
    ),
    Case(
        "barrier of numbers",
        lambda: xg.fits.arrhenius(np.ones(4)),
        TYPE,
        "tau ",
        "ndarray",
        "must be a DataArray",
    ),
    Case(
        "power law of complex numbers",
        lambda: xg.fits.power_law(C() * 1j, dim="lag"),
        TYPE,
        "y ",
        "complex",
        "real numbers",
    ),
    # resampling
    Case(
        "jackknife along nothing",
        lambda: xg.jackknife(lambda x: x.mean("time"), C(), dim="time"),
        V,
        "dim",
        "'time'",
        "has dimensions",
    ),
    Case(
        "jackknife of one entry",
        lambda: xg.jackknife(lambda x: x.mean("walker"), C().isel(walker=[0]), dim="walker"),
        V,
        "dim",
        "1 entry",
        "at least two",
    ),
    Case(
        "jackknife of one block",
        lambda: xg.jackknife(lambda x: x.mean("walker"), C(), dim="walker", blocks=1),
        V,
        "blocks",
        "got 1",
        WHOLE + "2",
    ),
    Case(
        "jackknife in the wrong order",
        lambda: xg.jackknife(C(), lambda x: x, dim="walker"),
        TYPE,
        "function",
        "DataArray",
        r"write jackknife\(function, data",
    ),
    Case(
        "jackknife that keeps walkers",
        lambda: xg.jackknife(lambda x: x, C(), dim="walker"),
        V,
        "function",
        "still has dim='walker'",
        "consume it inside",
    ),
    Case(
        "jackknife of a list",
        lambda: xg.jackknife(np.mean, [1.0, 2.0], dim="walker"),
        TYPE,
        "data",
        "list",
        "DataArray or Dataset",
    ),
    Case(
        "bootstrap with a bad seed",
        lambda: xg.bootstrap(lambda x: x.mean("walker"), C(), dim="walker", seed=-1),
        V,
        "seed",
        "-1",
        WHOLE + "0",
    ),
    Case(
        "bootstrap of one resample",
        lambda: xg.bootstrap(lambda x: x.mean("walker"), C(), dim="walker", resamples=1, seed=1),
        V,
        "resamples",
        "got 1",
        WHOLE + "2",
    ),
]

CASES = [*METROPOLIS, *MODELS, *LATTICES, *DATA]


def test_the_list_is_long_and_every_case_is_another():
    assert len(CASES) >= 75
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused(case):
    """By the right exception, with a sentence of three parts, and before anything lazy is computed."""
    model(), run(), mean(), C(), coulomb()
    with xg.testing.forbid_compute(), pytest.raises(case.error) as caught:
        case.call()
    message = str(caught.value)
    for part in (case.argument, case.came, case.write):
        assert re.search(part, message, re.DOTALL), f"{part!r} is not in: {message}"
    assert len(message) < 700


@pytest.mark.parametrize(
    ("call", "keyword"),
    [
        (lambda: xg.metropolis(model(), T=0.1, walker=1, sweep=1), "metropolis.*'seed'"),
        (lambda: simulate(temperature=0.1), "metropolis.*'temperature'"),
        (lambda: xg.metropolis_counters(model(), T=0.1, walker=1, sweep=1), "metropolis_counters.*'seed'"),
        (
            lambda: xg.random_site_energy(4, strength=1.0, realization=1, seed=1),
            "random_site_energy.*'convention'",
        ),
        (lambda: xg.bootstrap(len, C(), dim="walker"), "bootstrap.*'seed'"),
        (lambda: xg.autocorrelation(run()), "autocorrelation.*'waiting_time'"),
    ],
)
def test_keywords_without_default(call, keyword):
    """What has no sensible default is asked for, by the name of the public function."""
    with xg.testing.forbid_compute(), pytest.raises(TypeError, match=keyword):
        call()


REFUSED_NOW = """
import sys, numpy as np, xarray as xr, xglass as xg
model = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1)
half = xr.DataArray(np.zeros(16, dtype=int), dims="site")
calls = [{"T": -0.1}, {"start": half}, {"ramp": xr.DataArray([1.0, -1.0], dims="sweep")}]
for change in calls:
    try:
        xg.metropolis(model, **({"T": 0.1, "walker": 2, "sweep": 3, "seed": 7, "chunks": None} | change))
    except ValueError as error:
        print(error)
    else:
        raise SystemExit(f"not refused: {change}")
assert "numba" not in sys.modules, "a refused call loaded the compiler"
"""


def test_a_refused_call_loads_no_compiler():
    """With chunks=None, where everything would run at once."""
    done = subprocess.run([sys.executable, "-c", REFUSED_NOW], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


# missing extras

#: Functions that need an extra, and how a process is deprived of it.
WITHOUT = {
    "viz": (
        "matplotlib",
        [
            "xg.plot.style()",
            "xg.plot.lattice(xg.lattice.square(2))",
            "xg.plot.charge_map(xg.lattice.square(2), xr.DataArray(np.zeros(4), dims='site'))",
            "xg.plot.curves(xr.DataArray([1.0, 2.0], dims='x', coords={'x': [0, 1]}), x='x')",
            "xg.plot.histogram(xr.DataArray([1.0, 2.0], dims='x'))",
            "xg.plot.relaxation(xr.DataArray([0.2, 0.1], dims='lag', coords={'lag': [1, 2]}))",
            "xg.plot.arrhenius(xr.DataArray([1.0, 2.0], dims='T', coords={'T': [0.2, 0.1]}))",
        ],
    ),
    "distributed": (
        "distributed",
        [
            "with dask.config.set(scheduler='distributed'):\n"
            "        xg.store.evaluate(xg.testing.tiny_run(), path, progress=False)"
        ],
    ),
}
DEPRIVED = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "{module}":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name="{module}")
sys.meta_path.insert(0, Missing())
import dask, numpy as np, xarray as xr
import xglass as xg
path = sys.argv[1]
"""


@pytest.mark.parametrize("name", WITHOUT)
def test_a_missing_extra_is_named_with_the_line_to_install_it(name, tmp_path):
    module, calls = WITHOUT[name]
    script = DEPRIVED.format(module=module)
    for call in calls:
        script += f"try:\n    {call}\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "store")], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == len(calls)
    for line in lines:
        assert f'needs {module}, which is not installed; write pip install "xglass[{name}]"' in line
    if name == "viz":
        public = {call.partition("(")[0].rpartition(".")[2] for call in calls}
        assert public == {*xg.plot.__all__} - {"label"}
