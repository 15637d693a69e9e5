"""xglass.metropolis against the exact Markov chain of exact_chain.py: law, energies, acceptance and memory,
for every rule of the move.

Every walker is an independent sample of the exact law, so each comparison is a p-value: means and variances
(the standard error is exact, too), numbers of accepted attempts, steps given where the walker was, two-time
averages, and chi-square over bins of configurations. Bonferroni over the p-values of a test and over the
tests keeps the probability, over all seeds, that a right library fails anything in this file below ALARM: a
single p-value fails at about 7e-8 (5.4 standard errors). That agreement means something is shown on the same
data: every rule in WRONG, each a mistake that is easy to make, and every sample in DAMAGE is rejected by the
same comparison.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit
from scipy.stats import chi2, norm

import xglass

from .exact_chain import Chain, Energies, Glass, bins, chain, energies, energies_of, moments, proposals

ALARM = 1e-4  # of the file
TESTS = 20  # statistical tests in the file, below "the library against it": each may spend ALARM / TESTS
MOST = 100  # comparisons of one run
WALKERS = {"neighbour": 2000, "exchange": 1500}  # ten times as many where no eigenproblem is solved
SWEEPS = 6
# The colder one where W_ii = 0: on 16 sites at 0.1 the hopping smears its small gaps so much that E + F moves
# like E + <K>.
T = {"exclude": 0.05, "include": 0.1}
# Standard errors of the means over walkers at the last sweep. For scale, with <K> in the weight and W_ii =
# V_s: halving <K> shifts E by -0.050, dropping it by -0.088, F for <K> by -0.048, forgetting -V_ij by +0.017;
# the last alone shifts the acceptance by +0.017.
RESOLUTION = {"electrostatic_energy": 0.007, "kinetic_energy": 0.002, "acceptance": 0.0035}
WEIGHTS, MOVES, SELF_IMAGES = ("classical", "kinetic", "free_energy"), ("neighbour", "exchange"), tuple(T)
OTHER = dict(zip(SELF_IMAGES, SELF_IMAGES[::-1], strict=True))


def compute(run: xr.Dataset) -> xr.Dataset:
    return run.compute(scheduler="threads", num_workers=2)


def model(glass: Glass) -> xr.Dataset:
    """The library's model of a Glass; t_p and eta where the lattice has them."""
    lattice, hopping = getattr(xglass.lattice, glass.kind)(*glass.shape), dict(glass.hopping)
    sugar = (
        {"t_p": hopping["p"], "eta": hopping["c"] / hopping["p"]}
        if glass.kind == "triangular"
        else {"hopping": hopping}
    )
    return xglass.charge_glass(
        lattice, **sugar, filling=glass.particles / glass.sites, self_image=glass.self_image
    )


@cache
def sample(weight: str, moves: str, self_image: str) -> xr.Dataset:
    """The library's walkers from the random start; each combination has its own seed,
    or the tests would share their fluctuations.
    """
    seed = 100 * WEIGHTS.index(weight) + 10 * MOVES.index(moves) + SELF_IMAGES.index(self_image)
    return compute(
        xglass.metropolis(
            model(Glass(self_image=self_image)),
            T=T[self_image],
            walker=WALKERS[moves] * (10 if weight == "classical" else 1),
            sweep=SWEEPS,
            start="random",
            weight=weight,
            moves=moves,
            seed=seed,
            chunks={"walker": 1000},
        )
    )


def p_of_mean(values: np.ndarray, mean: float, variance: float) -> float:
    """Two-sided p-value of a sample mean when the exact variance of one sample is known."""
    return float(2 * norm.sf(abs(values.mean() - mean) / np.sqrt(variance / len(values))))


def p_of_counts(labels: np.ndarray, law: np.ndarray) -> float:
    """Chi-square of independent draws from a law over 0, 1, 2, ..."""
    expected = law * len(labels)
    observed = np.bincount(labels, minlength=len(law))
    return float(chi2.sf(((observed - expected) ** 2 / expected).sum(), len(law) - 1))


def configuration_bins(exact: Chain, law: np.ndarray, walkers: int) -> dict[str, np.ndarray]:
    """Three partitions of the configurations: levels of the weight, sensitive to the rule; classes of equal
    configurations, to anything symmetric; a random one, to sites that are treated differently. Decided by the
    law alone, at least 10 walkers expected in each bin.
    """
    orbit_law = np.bincount(exact.glass.orbit, law)
    orbit_weight = np.bincount(exact.glass.orbit, exact.weight) / np.bincount(exact.glass.orbit)
    return {
        "levels": bins(np.argsort(np.round(exact.weight, 9), kind="stable"), law, 0.05),
        "classes": bins(np.argsort(np.round(orbit_weight, 9), kind="stable"), orbit_law, 10 / walkers)[
            exact.glass.orbit
        ],
        "random": bins(np.random.default_rng(0).permutation(len(law)), law, 0.02),
    }


def p_of_steps(run: xr.Dataset, exact: Chain, energy: Energies) -> dict[str, float]:
    """What a walker does beyond what is expected from where it was, summed over walkers and sweeps: terms of
    mean zero and known variance whatever came before. Weighted with a function of where it was, they see a
    wrong rule that the average does not.
    """
    sweeps = run["sweep"].values
    attempts = exact.glass.sites * int(sweeps[1] - sweeps[0])
    row = exact.glass.find(run["occupation"].transpose("walker", "sweep", "site").values)
    before, after = row[:, :-1], row[:, 1:]
    found = {name: values[after] for name, values in vars(energy).items()}
    found["accepted"] = run["acceptance"].transpose("walker", "sweep").values[:, 1:] * attempts
    ahead = {
        name: (exact.ahead(values, attempts), exact.ahead(values**2, attempts))
        for name, values in vars(energy).items()
    }
    ahead["accepted"] = exact.accepted_ahead(attempts)
    seen = {"one": np.ones(len(exact.weight))} | {
        name: values - values.mean() for name, values in vars(energy).items()
    }
    p = {}
    for name, (mean, square) in ahead.items():
        for factor, values in seen.items():
            surplus = (values[before] * (found[name] - mean[before])).sum()
            variance = (values**2 * (square - mean**2))[before].sum()
            p[f"step of {name} times {factor}"] = float(2 * norm.sf(abs(surplus) / np.sqrt(variance)))
    return p


def comparisons(run: xr.Dataset, exact: Chain, energy: Energies) -> Iterator[tuple[str, float]]:
    """Everything a run of one parameter point holds, against the exact chain: p-values by name.

    What costs least comes first, for those who look for one that fails.
    """
    glass = exact.glass
    sweeps = [int(k) for k in run["sweep"].values]
    quantities = {"electrostatic_energy": energy.electrostatic, "kinetic_energy": energy.kinetic}
    random_start = np.count_nonzero(exact.law(0)) > 1
    for k in sweeps[0 if random_start else 1 :]:
        for name in quantities.keys() & set(run.data_vars):
            values = run[name].sel(sweep=k).values
            mean, variance, fourth = moments(exact.law(k), quantities[name])
            yield f"mean {name} at {k}", p_of_mean(values, mean, variance)
            yield f"variance {name} at {k}", p_of_mean((values - mean) ** 2, variance, fourth - variance**2)
    for before, k in zip(sweeps, sweeps[1:], strict=False):
        law = exact.accepted_attempts(before, k)
        accepted = np.rint(run["acceptance"].sel(sweep=k).values * (len(law) - 1)).astype(int)
        mean, variance, _ = moments(law, np.arange(len(law)))
        yield f"mean acceptance at {k}", p_of_mean(accepted, mean, variance)
        grouped = bins(np.arange(len(law)), law, 10 / len(accepted))
        yield f"acceptance at {k}", p_of_counts(grouped[accepted], np.bincount(grouped, law))
    yield from p_of_steps(run, exact, energy).items()
    pairs = [(tw, later) for tw in sweeps[:-1] for later in sweeps if later > tw and (random_start or tw > 0)]
    for tw, later in pairs[:: max(1, len(pairs) // 8)]:
        C = (
            xglass.autocorrelation(run, waiting_time=[tw], lag=[later - tw])
            .transpose("walker", ...)
            .values.ravel()
        )
        yield (
            f"autocorrelation {tw} {later}",
            p_of_mean(C, exact.autocorrelation(tw, later - tw), C.var(ddof=1)),
        )
    for k in {sweeps[0] if random_start else sweeps[-1], sweeps[-1]}:
        law, row = exact.law(k), glass.find(run["occupation"].sel(sweep=k).transpose("walker", "site").values)
        for name, grouped in configuration_bins(exact, law, len(row)).items():
            yield f"{name} at {k}", p_of_counts(grouped[row], np.bincount(grouped, law))


def p_values(run: xr.Dataset, exact: Chain, energy: Energies) -> dict[str, float]:
    """All comparisons of a run."""
    p = dict(comparisons(run, exact, energy))
    assert len(p) <= MOST
    return p


def rejected(p: dict[str, float], share: float = 1.0) -> list[str]:
    """Those comparisons that a test of this file does not let pass."""
    smallest = share * ALARM / TESTS / len(p)
    return [
        f"{name}: {value:.1e}"
        for name, value in sorted(p.items(), key=lambda item: item[1])
        if not value >= smallest
    ]  # nor nan


def assert_energies_exact(run: xr.Dataset, glass: Glass, energy: Energies) -> None:
    """Every stored energy is that of the stored configuration."""
    row = glass.find(run["occupation"].transpose("walker", "sweep", "site").values)
    assert row.min() >= 0, "a configuration with another number of particles"
    stored = {
        name: values.transpose("walker", "sweep").values
        for name, values in run.data_vars.items()
        if "energy" in name
    }
    np.testing.assert_allclose(stored["electrostatic_energy"], energy.electrostatic[row], rtol=0, atol=1e-12)
    if (
        "kinetic_energy" in stored
    ):  # the bound is the error of the oracle's differences, see test_oracle_kinetic_energy
        np.testing.assert_allclose(stored["kinetic_energy"], energy.kinetic[row], rtol=0, atol=1e-9)


# ---- the oracle by itself


def test_oracle_potential():
    square = Glass("square")
    pairs, self_image = square.coulomb
    i, j = square.cells
    rock_salt = -(pairs[0] @ (-1.0) ** (i + j) + self_image)  # alternating charges
    assert rock_salt == pytest.approx(1.615542626713, abs=1e-12)
    pairs, self_image = Glass(shape=(12, 12)).coulomb
    assert pairs[0, 1] == pytest.approx(0.6504817396979, abs=1e-12)
    assert self_image == pytest.approx(-4.213422636137 / 12, abs=1e-12)


def test_oracle_kinetic_energy():
    """Halving the step changes nothing, and neither does a symmetry of the torus:
    here no configuration borrows from its class.
    """
    for self_image, temperature in T.items():
        glass = Glass(self_image=self_image)
        some = np.random.default_rng(0).choice(len(glass.occupations), 1000, replace=False)
        direct = energies_of(glass, glass.occupations[some], temperature, step=0.02)
        for name, values in vars(energies(glass, temperature)).items():
            np.testing.assert_allclose(values[some], getattr(direct, name), rtol=0, atol=1e-10)


@pytest.mark.parametrize("self_image", SELF_IMAGES)
@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_oracle_detailed_balance(weight, moves, self_image):
    exact = chain(Glass(self_image=self_image), T[self_image], weight, moves)
    assert abs(exact.attempt.sum(axis=1) - 1).max() < 1e-14
    assert exact.attempt.diagonal().min() > 0
    assert abs(exact.law(SWEEPS).sum() - 1) < 1e-12
    forward = exact.moved.tocoo()
    x, y = forward.coords
    flow = forward.data * np.exp((exact.weight.min() - exact.weight[x]) / T[self_image])
    back = exact.moved.T.tocsr()[x, y] * np.exp((exact.weight.min() - exact.weight[y]) / T[self_image])
    np.testing.assert_allclose(flow, back, rtol=1e-12, atol=0)


# ---- the library against it


@pytest.mark.parametrize("self_image", SELF_IMAGES)
@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_every_rule(weight, moves, self_image):
    glass, run = Glass(self_image=self_image), sample(weight, moves, self_image)
    assert ("kinetic_energy" in run) == (weight != "classical")
    assert run["occupation"].dtype == np.int8
    assert run["acceptance"].sel(sweep=0).isnull().all()
    exact, energy = chain(glass, T[self_image], weight, moves), energies(glass, T[self_image])
    assert_energies_exact(run, glass, energy)
    assert not rejected(p_values(run, exact, energy))
    for name in RESOLUTION.keys() & set(run.data_vars):
        assert (
            run[name].sel(sweep=SWEEPS).std("walker", ddof=1) / np.sqrt(run.sizes["walker"])
            < RESOLUTION[name]
        )


def test_autocorrelation_of_each_walker():
    run = sample("kinetic", "neighbour", "include")
    C = xglass.autocorrelation(run, waiting_time=[0, 2], lag=[0, 1, 3]).transpose(
        "walker", "waiting_time", "lag"
    )
    dn = run["occupation"].transpose("sweep", "walker", "site").values - 0.5
    direct = [[(dn[tw] * dn[tw + lag]).mean(axis=-1) for lag in (0, 1, 3)] for tw in (0, 2)]
    np.testing.assert_allclose(C, np.moveaxis(direct, -1, 0), rtol=0, atol=1e-15)


def test_random_start_is_uniform():
    glass = Glass()
    n = np.concatenate(
        [
            sample("classical", moves, s)["occupation"].sel(sweep=0).values
            for moves in MOVES
            for s in SELF_IMAGES
        ]
    )
    row, count = glass.find(n), len(glass.occupations)
    hashed = np.random.default_rng(1).permutation(count) % 50
    i, j = np.triu_indices(glass.sites, 1)
    p = {
        "hashed": p_of_counts(hashed[row], np.bincount(hashed) / count),
        "each": p_of_counts(row, np.full(count, 1 / count)),
    }
    for name, occupied, mean in (("site", n, 1 / 2), ("pair", n[:, i] * n[:, j], 7 / 30)):
        p |= {
            f"{name} {s}": p_of_mean(values, mean, mean * (1 - mean)) for s, values in enumerate(occupied.T)
        }
    assert not rejected(p)


@pytest.mark.parametrize("weight", ["kinetic", "free_energy"])
def test_from_one_configuration(weight):
    """All walkers from one configuration without symmetry, at another temperature and anisotropy, storing
    every second sweep. The random start is blind to the sign of eta (particles and holes exchange it); this
    start is not.
    """
    glass = Glass(hopping=(("c", -0.12), ("p", 0.12)))
    start = np.array([1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0])
    run = compute(
        xglass.metropolis(
            model(glass),
            T=0.05,
            walker=1500,
            sweep=4,
            every=2,
            start=xr.DataArray(start, dims="site"),
            weight=weight,
            moves="neighbour",
            seed=31,
            chunks={"walker": 500},
        )
    )
    assert run["sweep"].values.tolist() == [0, 2, 4]
    assert (run["occupation"].sel(sweep=0).transpose("walker", "site").values == start).all()
    energy = energies(glass, 0.05)
    assert_energies_exact(run, glass, energy)
    exact = Chain(glass, 0.05, energy.weight(weight), proposals(glass, "neighbour"), start=start)
    assert not rejected(p_values(run, exact, energy))


def test_points_of_a_sweep():
    """T and eta as dimensions: every point is its own chain,
    in one lazy run whose tasks need not follow the points.
    """
    etas, temperatures = [-1.0, 0.3], [0.05, 0.2]
    lattice = xglass.lattice.triangular(4)
    many = xglass.charge_glass(lattice, t_p=0.12, eta=etas, self_image="include")
    run = compute(xglass.metropolis(many, T=temperatures, walker=800, sweep=3, start="random", seed=41))
    for eta in etas:
        glass = Glass(hopping=(("c", 0.12 * eta), ("p", 0.12)))
        for temperature in temperatures:
            point, energy = run.sel(eta=eta, T=temperature), energies(glass, temperature)
            assert_energies_exact(point, glass, energy)
            exact = chain(glass, temperature, "kinetic", "neighbour")  # the default weight and moves
            assert not rejected(p_values(point, exact, energy), share=0.25)


@pytest.mark.parametrize(
    "glass",
    [
        Glass("square", hopping=(("x", 0.1), ("y", -0.05))),
        Glass(shape=(4, 3), particles=6),
        Glass(shape=(3, 4), particles=6, self_image="exclude"),
        Glass(particles=4),
    ],
    ids=["square", "4x3", "3x4", "quarter"],
)
def test_other_lattices(glass):
    """Another lattice, tori whose two periods differ, another filling."""
    run = compute(
        xglass.metropolis(
            model(glass), T=0.1, walker=1200, sweep=3, start="random", seed=51, chunks={"walker": 600}
        )
    )
    energy = energies(glass, 0.1)
    assert_energies_exact(run, glass, energy)
    assert not rejected(p_values(run, chain(glass, 0.1, "kinetic", "neighbour"), energy))


# ---- what the agreement is worth


def wrong(glass: Glass, T: float, weight: str | np.ndarray = "kinetic", rate: float = 1.0, **rule) -> Chain:
    """The chain of neighbour moves with another weight, another probability of each draw,
    or another rule of acceptance.
    """
    values = energies(glass, T).weight(weight) if isinstance(weight, str) else weight
    drawn = {pair: rate * probability for pair, probability in proposals(glass, "neighbour").items()}
    return Chain(glass, T, values, drawn, **rule)


def part_of_kinetic(glass: Glass, T: float, share: float) -> Chain:
    return wrong(glass, T, energies(glass, T).electrostatic + share * energies(glass, T).kinetic)


def heat_bath(difference: np.ndarray, T: float) -> np.ndarray:
    return expit(-difference / T)


# Mistake -> the weight asked of the library, and what a simulation with this mistake would do instead.
WRONG = {
    "no <K>": ("kinetic", lambda g, T: wrong(g, T, "classical")),
    "half <K>": ("kinetic", lambda g, T: part_of_kinetic(g, T, 0.5)),
    "2/3 of <K>": ("kinetic", lambda g, T: part_of_kinetic(g, T, 2 / 3)),
    "F for <K>": ("kinetic", lambda g, T: wrong(g, T, "free_energy")),
    "<K> for F": ("free_energy", lambda g, T: wrong(g, T, "kinetic")),
    "the other W_ii": (
        "kinetic",
        lambda g, T: wrong(g, T, energies(replace(g, self_image=OTHER[g.self_image]), T).weight("kinetic")),
    ),
    "fermions at 3/2 T": ("kinetic", lambda g, T: wrong(g, T, energies(g, 1.5 * T).weight("kinetic"))),
    "no -V_ij": ("kinetic", lambda g, T: wrong(g, T, excess=g.coulomb[0])),
    "-V_ij twice": ("kinetic", lambda g, T: wrong(g, T, excess=-g.coulomb[0])),
    "V_s missing in dE": (
        "kinetic",
        lambda g, T: wrong(g, T, excess=np.full((g.sites, g.sites), -g.coulomb[1])),
    ),
    "heat bath": ("kinetic", lambda g, T: wrong(g, T, accept=heat_bath)),
    "first site must be occupied": ("kinetic", lambda g, T: wrong(g, T, rate=1 / 2)),
    "15 attempts per sweep": ("kinetic", lambda g, T: wrong(g, T, rate=15 / 16)),
    "no -V_ij, classical": ("classical", lambda g, T: wrong(g, T, "classical", excess=g.coulomb[0])),
    "heat bath, classical": ("classical", lambda g, T: wrong(g, T, "classical", accept=heat_bath)),
}


@pytest.mark.parametrize("self_image", SELF_IMAGES)
@pytest.mark.parametrize("mistake", WRONG)
def test_mistakes_are_seen(mistake, self_image):
    glass, temperature = Glass(self_image=self_image), T[self_image]
    weight, build = WRONG[mistake]
    run, energy = sample(weight, "neighbour", self_image), energies(glass, temperature)
    # the first that fails even as one of MOST; most mistakes need no other
    failed = (
        (name, p)
        for name, p in comparisons(run, build(glass, temperature), energy)
        if not p >= ALARM / TESTS / MOST
    )
    seen = next(failed, None)
    print(f"\n{mistake} ({self_image}): {seen}")
    assert seen is not None


DAMAGE = {
    "every walker twice": lambda run: run.isel(walker=np.arange(run.sizes["walker"]) // 2),
    "a sweep late": lambda run: run.isel(sweep=slice(1, None)).assign_coords(sweep=run["sweep"].values[:-1]),
    "sweeps of different walkers": lambda run: xr.concat(
        [run.isel(sweep=[k]).roll(walker=k, roll_coords=False) for k in range(run.sizes["sweep"])],
        "sweep",
        join="override",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_runs_are_seen(damage):
    """The exact chain is right, the sample is not: walkers that share their random numbers,
    a shifted time axis, broken trajectories.
    """
    glass, run = Glass(), DAMAGE[damage](sample("kinetic", "neighbour", "include"))
    seen = rejected(
        p_values(run, chain(glass, T["include"], "kinetic", "neighbour"), energies(glass, T["include"]))
    )
    print(f"\n{damage}: {len(seen)} comparisons fail, first {seen[:1]}")
    assert seen
