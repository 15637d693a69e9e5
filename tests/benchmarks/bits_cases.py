"""The table of cases of bits.py: a name, and a function that makes the result.

A result is a Dataset or DataArray, a dict of several by name, or a list of one computed in several ways.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import xarray as xr

import xglass as xg

CASES: dict[str, Callable[[], Any]] = {}


def case(function: Callable[[], Any]) -> Callable[[], Any]:
    """Enter a function into the table under its name."""
    CASES[function.__name__] = function
    return function


def solver(name: str, solve: Any, model: xr.Dataset, *cuts: Any, **arguments: Any) -> None:
    """Enter a solver at one set of arguments: computed at once, and lazily in each way to cut it."""

    def run() -> list[xr.Dataset]:
        ways = [solve(model, chunks=None, **arguments).compute()]
        for cut in cuts:
            lazy = solve(model, chunks=cut, **arguments)
            assert dask.is_dask_collection(lazy)
            if solve is xg.dmft and "total_weight" in lazy:  # most of the work, and a task of its own
                lazy = lazy.assign(total_weight=ways[0]["total_weight"])
            ways.append(lazy.compute())
        return ways

    CASES[f"{solve.__name__}: {name}"] = run


#: How data are cut for what is computed from them.
PIECES = {"walker": 1, "sweep": 3, "eta": 1, "T": 1, "g": 1, "omega0": 1}


def observed(function: Any, data: Any, cut: dict[str, int] = PIECES, **arguments: Any) -> list[Any]:
    """What a function says of data in memory, and of data in chunks."""
    lazy = function(data.chunk({dim: size for dim, size in cut.items() if dim in data.dims}), **arguments)
    return [function(data, **arguments), lazy.compute()]


#: Forms of dilute defects in xg.dilute_defects, and the flat names they had before.
FORMS = ("fraction", "self_energy", "scattering_rate", "boltzmann_mobility", "band_edge_mobility")
FLAT = ("thermal_defects", "dilute_self_energy", "dilute_scattering_rate", *FORMS[3:])


def dilute(name: str) -> Any:
    module = getattr(xg, "dilute_defects", None)
    return getattr(module, name) if hasattr(module, name) else getattr(xg, FLAT[FORMS.index(name)])


# --- lattices, interactions, disorder ----------------------------------------------------------------------


LINKS = [(0, 1, (0, 0), "z"), (1, 0, (0, 1), "y"), (1, 0, (-1, 1), "x")]
CELL = np.sqrt(3.0) * np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])
HONEYCOMB = xg.lattice.from_cell(CELL, shape=(3, 4), basis=[[0.0, 0.0], [0.0, 1.0]], bonds=LINKS)
CHAIN, SQUARE, TRIANGULAR = xg.lattice.chain(12), xg.lattice.square(4, 6), xg.lattice.triangular(6)
CUBIC = xg.lattice.cubic(3)


def interactions(lattice: xr.Dataset) -> dict[str, Any]:
    result = {"lattice": lattice}
    for image in ("exclude", "include", 0.3):
        result[f"coulomb {image}"] = xg.coulomb(lattice, self_image=image)
    result["yukawa"] = xg.lattice.yukawa(lattice, length=[0.4, 1.3], self_image="include")
    result["power law"] = xg.lattice.power_law(lattice, exponent=[4.5, 6.0])
    for gates in (1, 2) if lattice.sizes["axis"] == 2 else ():
        plates = {"gate_distance": [0.3, 1.0, 5.0], "gates": gates}
        result[f"gates {gates}"] = xg.coulomb(lattice, self_image="include", **plates)
    return result


for lattice in (CHAIN, SQUARE, TRIANGULAR, xg.lattice.triangular(5, 3), CUBIC, HONEYCOMB):
    name = " x ".join(map(str, lattice["cells"].values)) + f" cells, {lattice.sizes['bond']} bonds"
    CASES[f"lattice of {name}"] = functools.partial(interactions, lattice)


@case
def random_models() -> dict[str, Any]:
    chain, drawn = xg.lattice.chain(8), {"realization": [0, 5], "seed": 3}
    result = {
        "couplings": xg.random_couplings(8, J=[0.5, 1.0], **drawn),
        "uniform": xg.random_parameter(chain, "g", low=0.5, high=1.5, **drawn),
        "log": xg.random_parameter(chain, "omega0", distribution="log_uniform", low=0.01, high=1.0, **drawn),
        "gaussian": xg.random_parameter(chain, "g_z", distribution="gaussian", mean=0.1, std=0.3, **drawn),
        "bonds": xg.random_parameter(chain, "t", low=0.8, high=1.2, **drawn),
        "glass": glass(scale="0.35 eV", t_p="42 meV"),
        "tls": tls(omega0="100 K", g=["30 meV", "50 meV"], g_z=0.2, scale="0.1 eV"),
        "disorder": disorder(),
    }
    for kind in ("box", "gaussian"):
        for convention in ("width", "std"):
            energies = {"strength": 2.0, "distribution": kind, "convention": convention}
            result[f"{kind} {convention}"] = xg.random_site_energy(chain, **energies, **drawn)
    return result


# --- charges -----------------------------------------------------------------------------------------------


def glass(**parameters: Any) -> xr.Dataset:
    return xg.charge_glass(TRIANGULAR, **{"t_p": 0.12, "eta": [-1.0, -0.1]} | parameters)


GLASS = glass(self_image="include")
ENERGIES = xg.random_site_energy(36, strength=0.3, convention="width", realization=[0, 3], seed=5)
GATES = xg.coulomb(TRIANGULAR, gate_distance=[0.5, 2.0], self_image="include")
COUPLINGS = xg.random_couplings(36, J=[0.5, 1.0], realization=2, seed=4)
SCREENED = xg.lattice.yukawa(SQUARE, length=[0.5, 2.0], self_image="include")
DIPOLES = xg.lattice.power_law(CHAIN, exponent=3.0)
RANDOM = glass(eta=-0.5, site_energy=ENERGIES, self_image="include")
FREE = glass(eta=-0.5, site_energy=ENERGIES, interaction=None)
GATED = glass(eta=1.0, interaction=GATES, centred=True)
COUPLED = glass(eta=1.0, interaction=COUPLINGS, centred=True)
SQUARE_GLASS = xg.charge_glass(SQUARE, hopping={"x": 0.1, "y": 0.05}, interaction=SCREENED)
CHAIN_GLASS = xg.charge_glass(CHAIN, hopping={"x": -0.1}, interaction=DIPOLES, filling=[0.25, 0.5])
HONEYCOMB_GLASS = xg.charge_glass(HONEYCOMB, hopping={"x": 0.1, "y": 0.2, "z": -0.1})
CUBIC_GLASS = xg.charge_glass(CUBIC, filling=1 / 3)
LARGE = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12, self_image="include")
RUN = {"T": [0.05, 0.1], "walker": 3, "sweep": 6, "seed": 7}
LONG = RUN | {"sweep": 8, "walker": [5, 1]}
RAMP = xr.DataArray(np.linspace(3.0, 0.5, 9), dims="sweep")
PATTERN = xr.DataArray(np.arange(36) // 3 % 2, dims="site")
for weight, moves in itertools.product(("classical", "kinetic", "free_energy"), ("neighbour", "exchange")):
    kind, cuts = {"weight": weight, "moves": moves}, ("auto", {"walker": 2}, {"eta": 1, "T": 1})
    solver(f"{weight} {moves}", xg.metropolis, GLASS, *cuts, **kind, **RUN)
    solver(f"{weight} {moves}", xg.metropolis_counters, GLASS, every=2, **kind, **RUN)
solver("site energies", xg.metropolis, RANDOM, "auto", {"realization": 1}, **RUN)
solver("free", xg.metropolis, FREE, **RUN)
solver("gates, centred", xg.metropolis, GATED, {"gate_distance": 1}, **RUN | {"seed": 2**64 - 1})
solver("couplings", xg.metropolis, COUPLED, {"J": 1, "walker": 1}, moves="exchange", **RUN)
solver("square, yukawa", xg.metropolis, SQUARE_GLASS, {"length": 1}, weight="free_energy", **RUN)
solver("chain, power law", xg.metropolis, CHAIN_GLASS, {"filling": 1}, **RUN)
solver("honeycomb", xg.metropolis, HONEYCOMB_GLASS, **RUN)
solver("cubic", xg.metropolis, CUBIC_GLASS, weight="classical", **RUN)
solver("144 sites", xg.metropolis, LARGE, **RUN | {"T": 0.02, "walker": 1, "sweep": 1})
solver("ramp", xg.metropolis, GLASS, {"T": 1}, ramp=RAMP, every=4, **LONG)
solver("ordered", xg.metropolis, GLASS, {"eta": 1}, start="ordered", **RUN)
solver("ordered, square", xg.metropolis, SQUARE_GLASS, {"T": 1}, start="ordered", weight="classical", **RUN)
solver("pattern", xg.metropolis, GLASS, {"walker": 1}, start=PATTERN, **RUN)


@functools.cache
def run_of(**kind: Any) -> xr.Dataset:
    return xg.metropolis(GLASS, chunks=None, **RUN | {"walker": 4, "sweep": 12} | kind)


@case
def continued_run() -> list[xr.Dataset]:
    half = RUN | {"ramp": RAMP, "sweep": 4}
    first = xg.metropolis(GLASS, chunks=None, **half)
    return [xg.metropolis(GLASS, start=first, chunks=cut, **half).compute() for cut in (None, "auto")]


@case
def charge_observables() -> dict[str, Any]:
    run, cold = run_of(), run_of().isel(T=0, drop=True)
    result = {
        "autocorrelation": observed(xg.autocorrelation, run, waiting_time=[2, 4]),
        "autocorrelation at lags": observed(xg.autocorrelation, run, waiting_time=3, lag=[0, 2, 5]),
        "chi4": observed(xg.chi4, run, waiting_time=[2, 4]),
        "overlap": observed(functools.partial(xg.overlap, run_b=run_of(seed=8)), run),
        "kinetic energy at T": observed(xg.kinetic_energy, cold, T=[0.2, 0.4]),
        "local density at T": observed(xg.local_density, cold, T=0.2),
    }
    models = {"random": RANDOM, "gated": GATED, "square": SQUARE_GLASS, "chain": CHAIN_GLASS}
    runs = {"triangular": run}
    for name, model in models.items():
        runs[name] = xg.metropolis(model, ramp=RAMP, chunks=None, **RUN | {"sweep": 2})
    names = ["stripe_order", "structure_factor", "electrostatic_energy", "electrostatic_potential"]
    names += ["occupied_neighbours", "defect_density", "local_stripe_order", "stripe_crossings"]
    for observable in [*names, "kinetic_energy", "local_density"]:
        for name, run in runs.items():
            result[f"{observable}, {name}"] = observed(getattr(xg, observable), run)
    return result


# --- one electron and two-level systems --------------------------------------------------------------------


def tls(sites: int = 6, **parameters: Any) -> xr.Dataset:
    return xg.electron_tls(xg.lattice.chain(sites), **{"g": 1.0, "omega0": 0.5} | parameters)


def disorder(sites: int = 6) -> xr.Dataset:
    drawn = {"realization": 3, "seed": 3}
    slow = xg.random_parameter(sites, "omega0", distribution="log_uniform", low=0.1, high=1.0, **drawn)
    t = xg.random_parameter(sites, "t", low=0.8, high=1.2, **drawn)
    energies = xg.random_site_energy(sites, strength=1.0, convention="std", **drawn)
    return tls(sites, g=[0.5, 1.0], g_z=0.1, omega0=slow, t=t, site_energy=energies)


W = np.linspace(0.0, 4.0, 21)
GRID = {"T": [0.3, 1.0, 3.0], "frequency": W, "broadening": [0.1, 0.3]}
ONE = {"T": 0.6, "frequency": [0.0, 0.5], "broadening": 0.2}
ZIPPED = GRID | {"T": xr.DataArray([0.4, 2.0], dims="omega0")}
ZIPPED_TLS = tls(g_z=xr.DataArray([0.0, 0.3], dims="omega0"), omega0=[0.2, 1.0])
SINGLE = {"random_vectors": 3, "seed": 5}
DOUBLE = SINGLE | {"precision": "double"}
for solve, given in ((xg.exact, {}), (xg.ftlm, SINGLE), (xg.typicality, SINGLE)):
    solver("blocks", solve, tls(omega0=[0.1, 0.5]), "auto", {"omega0": 1}, **GRID, **given)
    solver("three sites", solve, tls(3), "auto", **GRID, **given)
    solver("zipped T", solve, ZIPPED_TLS, "auto", **ZIPPED, **given)
    solver("momenta", solve, tls(t=-0.7), "auto", momentum=[0.0, 0.4, 2.0], **GRID, **given)
    solver("few excitations", solve, tls(7, omega0=2.0), "auto", max_excitations=2, **GRID, **given)
    for average in ("annealed", "quenched", None):
        cuts = ("auto", {"realization": 1, "g": 1})
        solver(f"disorder, {average}", solve, disorder(5), *cuts, average=average, **GRID, **given)
    solver("twists", solve, disorder(5), "auto", twist=[0.0, 0.9], average="annealed", **ONE, **given)
    solver("disorder, few", solve, disorder(), "auto", max_excitations=1, average=None, **ONE, **given)
for solve in (xg.ftlm, xg.typicality):
    solver("double", solve, tls(8, omega0=[0.1, 0.5]), "auto", **GRID, **DOUBLE)
    solver("double, three sites", solve, tls(3), "auto", **GRID, **DOUBLE)
    solver("double, disorder", solve, disorder(), "auto", average="annealed", **ONE, **DOUBLE)
    solver("double, twist", solve, disorder(), "auto", twist=0.9, average="quenched", **ONE, **DOUBLE)
    solver("ten sites", solve, tls(10, g_z=0.2), "auto", **GRID, **SINGLE)
    solver("one vector", solve, tls(), "auto", **ONE, random_vectors=1, seed=0)
solver("few steps", xg.ftlm, tls(), "auto", lanczos_steps=12, **GRID, **SINGLE)


def bethe(z: np.ndarray) -> np.ndarray:
    """The Hilbert transform of the semicircle of half width 2."""
    return 2.0 / (z + np.sqrt(z - 2.0) * np.sqrt(z + 2.0))


def bethe_vertex(z: np.ndarray) -> np.ndarray:
    """That of the semicircle times (4 - e^2) / 3."""
    return ((4.0 - z**2) * bethe(z) + z) / 3.0


LOCAL = {"frequency": W[::2], "energy": np.linspace(-4.0, 4.0, 41)}
FROZEN = {"T": [0.5, 2.0], "frequency": W, "sites": 40, "realization": [0, 1, 2, 7], "seed": 3}
PAIR = tls(g=[0.5, 1.0], scale="0.1 eV")
solver("slow and fast", xg.dmft, tls(omega0=[0.0, 0.5, 2.0]), "auto", {"omega0": 2}, T=[0, 0.2, 1], **LOCAL)
solver("g and g_z", xg.dmft, tls(g=[0.0, 0.7], g_z=[0.0, 0.4], t=-0.8), {"g": 1}, T=0.6, **LOCAL)
solver("gap", xg.dmft, tls(g=3.0, omega0=3.0), T=0.3, **LOCAL)
solver("narrow band", xg.dmft, tls(t=0.1), T=0.5, **LOCAL)
solver("cold", xg.dmft, tls(), T=[0.004, 0.006], **LOCAL)
solver("default energies", xg.dmft, tls(), "auto", T=1.0, frequency=[0.0])
solver("Bethe lattice", xg.dmft, tls(), "auto", T=0.7, hilbert=bethe, **LOCAL)
solver("Bethe lattice, vertex", xg.dmft, tls(), "auto", T=0.7, hilbert=bethe, vertex=bethe_vertex, **LOCAL)
solver("bins", xg.static_disorder, PAIR, "auto", {"realization": 3}, broadening=None, **FROZEN)
solver("filter", xg.static_disorder, tls(g_z=0.4), {"realization": 1}, broadening=[0.05, 0.1], **FROZEN)
solver("samples", xg.static_disorder, tls(), {"realization": 2}, broadening=0.1, average=None, **FROZEN)


@functools.cache
def static() -> xr.Dataset:
    fine = FROZEN | {"frequency": np.linspace(0.0, 6.0, 121), "broadening": None}
    return xg.static_disorder(PAIR, chunks=None, **fine)


@case
def conductivity_observables() -> dict[str, Any]:
    sigma, spread = static()["optical_conductivity"], static()["optical_conductivity_stderr"]
    rates, times = {"rate": [0.02, 0.1, 0.5]}, {"time": [0.0, 1.0, 20.0]}
    symmetrised = functools.partial(xg.relaxation_time_approximation, correlation="symmetrised", **rates)
    return {
        "dc": observed(xg.dc_conductivity, sigma),
        "dc_stderr": observed(xg.dc_conductivity, spread),
        "resistivity": observed(xg.resistivity, sigma),
        "weight": observed(xg.spectral_weight, sigma, cutoff=[0.33, 2.0, np.inf]),
        "peak": observed(xg.peak_frequency, sigma),
        "localization": observed(xg.localization_length, sigma, window=(0.2, 3.0)),
        "relaxed": observed(xg.relaxation_time_approximation, sigma, rate=[0.0, 0.02, 0.1]),
        "relaxed, symmetrised": observed(symmetrised, sigma),
        "relaxed at T": observed(symmetrised, sigma.isel(T=0, drop=True), T=0.3),
        "displacement": observed(xg.mean_square_displacement, sigma, **times),
        "diffusivity": observed(xg.diffusivity, sigma, **times),
        "transient": observed(xg.transient_localization_length, sigma, **rates),
        "sum rule": observed(xg.sum_rule, static()),
        "sum rule, stiffness": xg.sum_rule(xg.exact(tls(), chunks=None, **GRID)),
    }


@case
def dilute_defects() -> dict[str, Any]:
    grids = {"T": [0.0, 0.15, 0.3], "frequency": [0.0], "energy": np.linspace(-3.0, 3.0, 31)}
    local = xg.dmft(tls(g=0.3, omega0=[1.0, 2.0]), **grids).drop_vars("total_weight").compute()
    result = {name: observed(dilute(name), local) for name in FORMS}
    result["fraction of a model"] = dilute("fraction")(tls(omega0=[0.0, 1.0]), T=[0.0, 0.5])
    result["mobility"] = xg.resistivity(local["mobility"])
    return result


@case
def physical_units() -> dict[str, Any]:
    physical, sigma = xg.units.to_physical, static()["optical_conductivity"]
    return {
        "glass": physical(glass(scale="0.35 eV"), spacing="0.5 nm"),
        "run": physical(run_of().drop_vars("occupation"), scale="0.35 eV"),
        "spectrum": physical(sigma, spacing="0.5 nm"),
        "resistivity": physical(xg.resistivity(sigma), spacing="0.5 nm", layer="10 angstrom"),
    }


# --- statistics and fits -----------------------------------------------------------------------------------


def noisy(values: np.ndarray, dim: str, x: np.ndarray) -> xr.DataArray:
    """A curve of four walkers with noise of 3 %; one of them has a gap."""
    noise = 1.0 + 0.03 * np.random.Generator(np.random.Philox(key=11)).standard_normal((4, x.size))
    labels = {"walker": np.arange(4), dim: x}
    curve = xr.DataArray(values * noise, dims=("walker", dim), coords=labels, name="curve")
    return curve.where((curve["walker"] != 1) | (curve[dim] != x[2]))


@case
def operations() -> dict[str, Any]:
    energy, other = run_of()["electrostatic_energy"], run_of()["kinetic_energy"]
    points = functools.partial(observed, data=energy, cut={"eta": 1, "T": 1})
    both = ["walker", "sweep"]
    return {
        "moments": points(xg.ops.moments, dim=both),
        "histogram": points(xg.ops.histogram, bins=7, range=(-18.6, -17.0), dim="walker"),
        "density": points(xg.ops.histogram, bins=[-19.0, -18.5, -18.0, -16.0], dim=both, density=True),
        "correlation": points(xg.ops.correlation, dim="sweep"),
        "cross": points(xg.ops.correlation, b=other, dim="sweep", lag=[0, 3], centred=False),
    }


LAG, COLD, SIZE = np.arange(40), np.linspace(0.04, 0.1, 9), np.array([1.0, 2.0, 4.0, 8.0, 16.0])
DECAY = noisy(0.2 * np.exp(-((LAG / 8.0) ** 0.6)) + 0.02, "lag", LAG)


@case
def resampling() -> dict[str, Any]:
    def time_of(C: xr.DataArray) -> xr.Dataset:
        return xg.fits.stretched_exponential(C.mean("walker"))

    C = xg.autocorrelation(run_of(weight="classical"), waiting_time=0)
    return {
        "jackknife": xg.jackknife(time_of, DECAY, dim="walker"),
        "jackknife of blocks": xg.jackknife(lambda C: C.mean("walker"), C, dim="walker", blocks=3),
        "bootstrap": xg.bootstrap(time_of, DECAY, dim="walker", resamples=20, seed=1),
        "bootstrap of a run": xg.bootstrap(time_of, C, dim="walker", resamples=10, seed=2),
    }


@case
def fits() -> dict[str, Any]:
    frozen, hot = static()["optical_conductivity"], noisy(3.0 * np.exp(0.1 / (COLD - 0.02)), "T", COLD)
    calls = {
        "stretched": (xg.fits.stretched_exponential, DECAY, {}),
        "stretched, offset": (xg.fits.stretched_exponential, DECAY, {"offset": True}),
        "Arrhenius": (xg.fits.arrhenius, hot, {}),
        "Vogel-Fulcher": (xg.fits.vogel_fulcher, hot, {}),
        "power law": (xg.fits.power_law, noisy(2.0 * SIZE**1.7, "L", SIZE), {"dim": "L"}),
        "hopping": (xg.fits.variable_range_hopping, hot, {"exponent": [1.0, 0.5, 1 / 3]}),
        "Drude": (xg.fits.displaced_drude, frozen, {}),
        "Drude in window": (xg.fits.displaced_drude, frozen, {"window": (0.2, 4.0)}),
    }
    result: dict[str, Any] = {}
    for name, (fit, data, given) in calls.items():
        result[name] = observed(fit, data, **given)
        result[f"{name}, weighted"] = fit(data, stderr=0.05 * abs(data) + 0.001, **given)
    for correlation in ("symmetrised", "conductivity"):
        relaxed = xg.relaxation_time_approximation(frozen, rate=0.07, correlation=correlation) * 1.01
        rate = functools.partial(xg.fits.relaxation_rate, static=frozen, correlation=correlation)
        result[f"rate, {correlation}"] = observed(rate, relaxed)
        result[f"rate, {correlation}, weighted"] = rate(relaxed, stderr=0.1 * relaxed + 0.1, window=(0.5, 3))
        result[f"rate of dc, {correlation}"] = rate(xg.dc_conductivity(relaxed))
    peak = [result["Drude"][0][name] for name in ("amplitude", "peak_frequency")]
    result["Drude relaxed"] = xg.fits.displaced_drude_conductivity(*peak, rate=[0.0, 0.1])
    return result
