"""The compiled chain against a twin in plain Python, bit for bit.

The twin shares no code with the library. Integers are Python's own (no overflow to hide behind), potentials
and energies are summed anew from the configuration at every attempt (nothing incremental that could drift),
Philox is written out word by word, and <K> is the trace of K with the density matrix, at a mu found by
bisection. So occupations, electrostatic energies and acceptances must be equal in every bit; kinetic
energies, which pass through LAPACK on both sides, to 1e-11.
"""

import hashlib
import math
from fractions import Fraction

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import xglass as xg
from xglass.engine.charge import metropolis
from xglass.engine.core import philox, streams

WEIGHTS, MOVES = ("classical", "kinetic", "free_energy"), ("neighbour", "exchange")
START = 2**63  # the draws of the random start


def philox_words(counter, key):
    """Philox4x32-10 as in the paper of Salmon et al.

    (SC 2011): ten rounds, the key raised by the Weyl constants between them.
    """
    c, k = list(counter), list(key)
    for _ in range(10):
        low, high = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(high >> 32) ^ c[1] ^ k[0], high % 2**32, (low >> 32) ^ c[3] ^ k[1], low % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def draw(seed, stream, number):
    """Two words and a uniform in [0, 1) of 53 bits: a function of (seed, stream, number) alone."""
    w = philox_words([number % 2**32, number >> 32, stream % 2**32, stream >> 32], [seed % 2**32, seed >> 32])
    return w[0], w[1], ((w[2] >> 5) * 2**26 + (w[3] >> 6)) / 2**53


def stream_number(walker, realization, labels):
    """BLAKE2b of (rule version 1, walker, realization, labels), little-endian, 8 bytes."""
    data = b"".join(value.to_bytes(8, "little", signed=True) for value in (1, walker, realization))
    data += b"".join(int(np.float64(x).view(np.uint64)).to_bytes(8, "little") for x in labels)
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def occupied(levels, T, particles):
    """Fermi functions that add up to the number of particles."""
    low, high = levels[0] - 60 * T, levels[-1] + 60 * T
    for _ in range(70):
        mu = (low + high) / 2
        f = (1 - np.tanh((levels - mu) / (2 * T))) / 2
        low, high = (mu, high) if f.sum() < particles else (low, mu)
    return f, mu


def kinetic_energy(K, phi, T, particles):
    levels, U = np.linalg.eigh(K + np.diag(phi))
    f, _ = occupied(levels, T, particles)
    return float(np.sum(K * ((U * f) @ U.T)))


def free_energy(levels, T, particles):
    _, mu = occupied(levels, T, particles)
    return float(mu * particles - T * np.logaddexp(0, (mu - levels) / T).sum())


class Twin:
    """One trajectory, from plain arrays."""

    def __init__(self, *, U, eps, K, bonds, reference, T, ramp, weight, moves, seed, stream, particles):
        self.N = len(eps)
        self.weight, self.moves, self.T, self.ramp, self.seed, self.stream = (
            weight,
            moves,
            T,
            ramp,
            seed,
            stream,
        )
        self.K, self.particles, self.reference, self.own = K, particles, reference, float(U[0, 0])
        pairs = [
            [Fraction(0) if i == j else Fraction(float(U[i, j])) for j in range(self.N)]
            for i in range(self.N)
        ]
        empty = [float(e) for e in eps]
        if reference:
            empty = [
                e - reference * (row.sum() - row[i]) for i, (e, row) in enumerate(zip(eps, U, strict=True))
            ]
        # the unit: the finest power of two with which twice all potentials together stay below 2^62
        largest = (
            4
            * self.N
            * max(sum(map(abs, row)) + abs(Fraction(float(e))) for row, e in zip(pairs, empty, strict=True))
        )
        shift = 62 - math.ceil(math.log2(largest)) if largest else 0
        self.unit = Fraction(2) ** -shift
        self.U = [[round(u / self.unit) for u in row] for row in pairs]
        self.empty = [round(Fraction(float(e)) / self.unit) for e in empty]
        self.constant = 0.5 * reference**2 * float(U.sum() - np.trace(U))
        self.neighbours = [[] for _ in range(self.N)]
        for source, target in bonds:
            self.neighbours[source].append(int(target))
        for source, target in bonds:
            self.neighbours[target].append(int(source))

    def start(self):
        n, left = [], self.particles
        for i in range(self.N):
            _, _, u = draw(self.seed, self.stream, START + i)
            n.append(int(u * (self.N - i) < left))
            left -= n[-1]
        return n

    def phi(self, n):
        return [
            e + sum(u for u, m in zip(row, n, strict=True) if m)
            for e, row in zip(self.empty, self.U, strict=True)
        ]

    def energy(self, n):
        phi = self.phi(n)
        return (
            float(sum(e + p for e, p, m in zip(self.empty, phi, n, strict=True) if m) * self.unit / 2)
            + self.constant
        )

    def felt(self, n):
        """The potential of the quantum particles: with the self-image term of the deviation from the
        reference.
        """
        return np.array(
            [
                float(p * self.unit) + self.own * (m - self.reference)
                for p, m in zip(self.phi(n), n, strict=True)
            ]
        )

    def quantum(self, n, T):
        if self.weight == "classical":
            return 0.0
        phi = self.felt(n)
        if self.weight == "kinetic":
            return kinetic_energy(self.K, phi, T, self.particles)
        return free_energy(np.linalg.eigvalsh(self.K + np.diag(phi)), T, self.particles) - free_energy(
            np.sort(phi), T, self.particles
        )

    def run(self, n, first, sweeps, every):
        """Frames (occupation, energy, <K>, accepted fraction) after first, first + every, ...;
        the first only where it is sweep 0.
        """
        n, frames, accepted = list(n), [], 0

        def store(T, fraction):
            kinetic = (
                kinetic_energy(self.K, self.felt(n), T, self.particles) if self.weight != "classical" else 0.0
            )
            frames.append((list(n), self.energy(n), kinetic, fraction))

        if first == 0:
            store(self.T * self.ramp[0], math.nan)
        for s in range(1, sweeps + 1):
            T = self.T * self.ramp[s]
            present = self.quantum(n, T)
            for k in range(self.N):
                a, b, u = draw(self.seed, self.stream, (first + s - 1) * self.N + k)
                i = a * self.N >> 32
                if self.moves == "neighbour":
                    j = self.neighbours[i][b * len(self.neighbours[i]) >> 32]
                else:
                    j = [site for site in range(self.N) if site != i][b * (self.N - 1) >> 32]
                if n[i] == n[j]:
                    continue
                i, j = (i, j) if n[i] else (j, i)
                phi, moved = self.phi(n), list(n)
                moved[i], moved[j] = 0, 1
                proposed = self.quantum(moved, T)
                change = float((phi[j] - phi[i] - self.U[i][j]) * self.unit) + (proposed - present)
                if change <= 0 or u < math.exp(-change / T):
                    n, present, accepted = moved, proposed, accepted + 1
            if s % every == 0:
                store(T, accepted / (every * self.N))
                accepted = 0
        return frames


def twin_of(model, *, T, walker, seed, weight, moves, ramp, labels, realization=0):
    """A twin for one parameter point of a model of the library."""
    N = model.sizes["site"]
    bonds = list(zip(model["bond_source"].values, model["bond_target"].values, strict=True))
    K = np.zeros((N, N))
    for (i, j), t in zip(bonds, model["hopping"].values, strict=True):
        K[i, j] += t
        K[j, i] += t
    filling = float(model["filling"])
    return Twin(
        U=model["interaction"].values,
        eps=model["site_energy"].values,
        K=K,
        bonds=bonds,
        reference=filling if bool(model["centred"]) else 0.0,
        T=T,
        ramp=ramp,
        weight=weight,
        moves=moves,
        seed=seed,
        stream=stream_number(walker, realization, labels),
        particles=round(filling * N),
    )


def assert_same(run, frames, kinetic=True):
    """A walker of a run against the frames of a twin."""
    occupation, energy, kinetics, acceptance = zip(*frames, strict=True)
    np.testing.assert_array_equal(run["occupation"].values, np.array(occupation))
    assert run["electrostatic_energy"].values.tobytes() == np.array(energy).tobytes()
    np.testing.assert_array_equal(run["acceptance"].values, np.array(acceptance))
    if kinetic:
        np.testing.assert_allclose(run["kinetic_energy"].values, kinetics, rtol=0, atol=1e-11)


# -- the ingredients --------------------------------------------------------------------------------

KNOWN_ANSWERS = [  # counter, key, output: the published vectors of philox4x32-10
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS, ids=["zeros", "ones", "pi"])
def test_philox_known_answers(counter, key, words):
    assert philox_words(counter, key) == words
    a, b, u = np.empty(1, np.uint64), np.empty(1, np.uint64), np.empty(1)
    seed, number, stream = (low + (high << 32) for low, high in (key, counter[:2], counter[2:]))
    philox.fill(np.uint64(seed), np.uint64(stream), np.uint64(number), a, b, u)
    assert [int(a[0]), int(b[0])] == words[:2]
    assert u[0] == ((words[2] >> 5) * 2**26 + (words[3] >> 6)) / 2**53


@given(seed=st.integers(0, 2**64 - 1), stream=st.integers(0, 2**64 - 1), first=st.integers(0, 2**64 - 8))
def test_draws_of_the_twin(seed, stream, first):
    a, b, u = np.empty(5, np.uint64), np.empty(5, np.uint64), np.empty(5)
    philox.fill(np.uint64(seed), np.uint64(stream), np.uint64(first), a, b, u)
    assert [(int(x), int(y), z) for x, y, z in zip(a, b, u, strict=True)] == [
        draw(seed, stream, first + k) for k in range(5)
    ]
    assert (u >= 0).all()
    assert (u < 1).all()


@given(
    walkers=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4),
    realization=st.integers(0, 2**62),
    labels=st.lists(st.floats(allow_nan=False), min_size=1, max_size=5),
)
def test_streams_of_the_twin(walkers, realization, labels):
    found = streams.streams(np.array(walkers), realization, np.array(labels))
    assert found.dtype == np.uint64
    assert found.tolist() == [stream_number(w, realization, labels) for w in walkers]


def test_streams_are_frozen():
    """A change of these numbers is a new rule of identity:
    it needs a new RULE_VERSION and a line in the changelog.
    """
    assert streams.RULE_VERSION == 1
    labels = np.array([0.1, -0.5, 0.12, 0.5])
    assert streams.streams(np.array([0, 1]), 0, labels).tolist() == FROZEN_STREAMS
    run = xg.testing.tiny_run(
        xg.testing.tiny_glass(eta=-0.5), T=0.3, walker=1, sweep=20, weight="classical", chunks=None
    )
    last = run["occupation"].isel(walker=0, sweep=-1).values
    assert "".join(map(str, last)) == FROZEN_STATE


FROZEN_STREAMS = [12726494665131013691, 16403014470243209881]
FROZEN_STATE = "0010011110011100"


@given(
    entries=st.lists(st.floats(-1, 1), min_size=15, max_size=15),
    energies=st.lists(st.floats(-1, 1), min_size=6, max_size=6),
    magnitude=st.integers(-250, 250),
)
def test_fixed_point_is_bounded(entries, energies, magnitude):
    """Every entry within half a unit; a unit no coarser than needed;
    twice all potentials together fit in 63 bits.
    """
    U = np.zeros((6, 6))
    U[np.triu_indices(6, 1)] = entries
    U, eps = np.ldexp(U + U.T, magnitude), np.ldexp(np.array(energies), magnitude)
    U[np.diag_indices(6)] = np.ldexp(0.7, magnitude)  # the diagonal has no place in it
    coupling, base, unit = metropolis.fixed_point(U, eps)
    assert math.frexp(unit)[0] == 0.5  # a power of two
    assert (np.diagonal(coupling) == 0).all()
    off = U - np.diag(np.diagonal(U))
    for exact, whole in ((off, coupling), (eps, base)):
        for x, k in zip(exact.ravel().tolist(), whole.ravel().tolist(), strict=True):
            assert abs(Fraction(x) - k * Fraction(unit)) <= Fraction(unit) / 2
    largest = max(
        sum(abs(Fraction(x)) for x in [*row, e]) for row, e in zip(off.tolist(), eps.tolist(), strict=True)
    )
    potentials = [sum(abs(int(x)) for x in [*row, e]) for row, e in zip(coupling, base, strict=True)]
    assert 4 * 6 * max(potentials) < 2**63
    assert (
        largest == 0 or Fraction(unit) <= 4 * 6 * largest / 2**61
    )  # with 144 sites: 1e-15 of the largest potential


def unfolded(coupling):
    """The matrix of couplings in pieces."""
    numbers, where, line, place = coupling
    return numbers[where[:, line] + place]


@pytest.mark.parametrize(
    ("lattice", "row"),
    [
        (xg.lattice.triangular(6), 6),
        (xg.lattice.triangular(4, 6), 4),
        (xg.lattice.square(6, 4), 6),
        (xg.lattice.chain(12), 12),
    ],
)
def test_couplings_that_do_not_change_with_translations_are_n_numbers(lattice, row, monkeypatch):
    """The same matrix, bit for bit, and the same chain."""
    U, eps = xg.coulomb(lattice, self_image="include").values, np.linspace(-1.0, 1.0, lattice.sizes["site"])
    matrix, base, unit = metropolis.fixed_point(U, eps)
    arguments = {"T": 0.1, "walker": 2, "sweep": 10, "seed": 1, "weight": "classical", "chunks": None}
    glass = xg.charge_glass(lattice, hopping={kind: 0.0 for kind in np.unique(lattice["bond_kind"])})
    runs = []
    for few in (1, 10**6):
        monkeypatch.setattr(metropolis, "FEW", few)
        coupling, *rest = metropolis.pieces(U, eps)
        np.testing.assert_array_equal(unfolded(coupling), matrix)
        np.testing.assert_array_equal(rest[0], base)
        assert rest[1] == unit
        sites = lattice.sizes["site"]
        assert coupling[0].size == (2 * sites if few == 1 else sites**2)
        assert coupling[1].shape == (sites, sites // row if few == 1 else 1)
        runs.append(xg.metropolis(glass, **arguments))
    assert runs[0].identical(runs[1])


def test_couplings_that_change_with_translations_stay_a_matrix(monkeypatch):
    monkeypatch.setattr(metropolis, "FEW", 1)
    U = xg.coulomb(xg.lattice.triangular(6)).values
    U[5, 30] += 1e-15
    coupling, *_ = metropolis.pieces(U, np.zeros(36))
    assert coupling[0].size == 36**2
    np.testing.assert_array_equal(unfolded(coupling), metropolis.fixed_point(U, np.zeros(36))[0])
    random = xg.random_couplings(8, realization=1, seed=1).isel(realization=0).values
    assert metropolis.pieces(random, np.zeros(8))[0][0].size == 64


def test_fixed_point_of_the_coulomb_glass_keeps_fifteen_digits():
    U = xg.coulomb(xg.lattice.triangular(12)).values
    coupling, _, unit = metropolis.fixed_point(U, np.zeros(144))
    assert np.abs(coupling * unit - U).max() <= unit / 2 < 5e-15


@pytest.mark.parametrize(
    ("pairs", "energies", "T", "ramp", "allowed"),
    [
        (1.0, 0.0, 0.05, 1.0, True),
        (1e4, 0.0, 0.05, 1.0, True),
        (0.0, 0.0, 0.05, 1.0, True),
        (1e10, 0.0, 0.05, 1.0, False),
        (1.0, 1e10, 0.05, 1.0, False),
        (1e10, 0.0, 1e4, 1.0, True),
        (1e10, 0.0, 1e4, 1e-5, False),
    ],
)
def test_energies_that_leave_no_digits_are_refused(pairs, energies, T, ramp, allowed):
    """Half a unit in each of N potentials is the error of E; at 1e10 it was 3e-5."""
    lattice = xg.lattice.square(4)
    U = xg.coulomb(lattice)
    U = xr.concat([U, U.where(U < float(U.max()), pairs)] if pairs else [0 * U], "realization")
    own = xr.DataArray(np.r_[energies, np.zeros(15)], dims="site")
    glass = xg.charge_glass(lattice, hopping={"x": 0.1, "y": 0.1}, interaction=U, site_energy=own)
    factors = xr.DataArray([1.0, 1.0, ramp, 1.0], dims="sweep", coords={"sweep": range(4)})
    options = {"T": [2 * T, T], "walker": 1, "sweep": 3, "weight": "classical", "seed": 1, "ramp": factors}
    if not allowed:
        with pytest.raises(ValueError, match=r"interaction or site_energy reach 1e\+10, .* coarser than"):
            xg.metropolis(glass, **options)
        return
    run = xg.metropolis(glass, **options).compute()
    error = run["electrostatic_energy"] - xg.electrostatic_energy(run)
    assert float(abs(error).max()) < 16 * 1e-9 * T


# -- trajectories -----------------------------------------------------------------------------------


@pytest.mark.parametrize("self_image", ["include", "exclude"])
@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_trajectory(weight, moves, self_image):
    model = xg.testing.tiny_glass(eta=-0.6, t_p=0.12, self_image=self_image)
    run = xg.metropolis(
        model, T=0.08, walker=[0, 5], sweep=12, weight=weight, moves=moves, seed=2**63 + 11, chunks=None
    )
    accepted = 0.0
    for walker in (0, 5):
        twin = twin_of(
            model,
            T=0.08,
            walker=walker,
            seed=2**63 + 11,
            weight=weight,
            moves=moves,
            ramp=[1.0] * 13,
            labels=[0.08, -0.6, 0.12, 0.5],
        )
        start = twin.start()
        assert sum(start) == 8
        assert_same(run.sel(walker=walker), twin.run(start, 0, 12, 1), kinetic=weight != "classical")
        accepted += float(run["acceptance"].sel(walker=walker)[1:].sum())
    assert accepted > 0.3  # it does move


@pytest.mark.parametrize("moves", MOVES)
def test_long_classical_trajectory(moves):
    """36 sites, 300 sweeps, every 7th stored: the sums of the kernel have had the time to drift,
    if they could.
    """
    model = xg.charge_glass(xg.lattice.triangular(6), self_image="exclude")
    run = xg.metropolis(
        model, T=0.06, walker=[3], sweep=300, every=7, weight="classical", moves=moves, seed=4, chunks=None
    )
    twin = twin_of(
        model,
        T=0.06,
        walker=3,
        seed=4,
        weight="classical",
        moves=moves,
        ramp=[1.0] * 301,
        labels=[0.06, *[0.0] * 108, 0.5],
    )
    assert_same(run.isel(walker=0), twin.run(twin.start(), 0, 300, 7), kinetic=False)
    assert run["sweep"].values.tolist() == list(range(0, 301, 7))


@pytest.mark.parametrize("weight", WEIGHTS)
def test_ramp_and_continuation(weight):
    """Temperatures of a ramp, one per sweep, and a run that goes on at sweep 6 with those from there."""
    model = xg.testing.tiny_glass(eta=-1.0)
    ramp = xr.DataArray(np.geomspace(3.0, 0.5, 17), dims="sweep", coords={"sweep": np.arange(17)})
    arguments = {"T": 0.1, "walker": 1, "weight": weight, "seed": 9, "every": 2, "ramp": ramp, "chunks": None}
    first = xg.metropolis(model, sweep=6, **arguments)
    second = xg.metropolis(model, sweep=10, start=first, **arguments)
    factors = xg.units.canonical(ramp.values).tolist()
    twin = {
        "T": 0.1,
        "walker": 0,
        "seed": 9,
        "weight": weight,
        "moves": "neighbour",
        "labels": [0.1, -1.0, 0.12, 0.5],
    }
    early = twin_of(model, ramp=factors, **twin)
    frames = early.run(early.start(), 0, 16, 2)
    assert_same(first.isel(walker=0), frames[:4], kinetic=weight != "classical")
    assert_same(second.isel(walker=0), frames[4:], kinetic=weight != "classical")
    late = twin_of(
        model, ramp=factors[6:], **twin
    )  # the twin, too, knows nothing but configuration and sweep number
    assert_same(second.isel(walker=0), late.run(frames[3][0], 6, 10, 2), kinetic=weight != "classical")
    np.testing.assert_array_equal(second["temperature"], 0.1 * np.array(factors)[8::2])


@pytest.mark.parametrize("weight", ["classical", "kinetic"])
def test_centred_random_couplings_and_site_energies(weight):
    lattice = xg.lattice.square(4, 3)
    U = xg.random_couplings(lattice, J=1.0, realization=[2, 7], seed=3)
    eps = xg.random_site_energy(lattice, strength=0.5, convention="width", realization=[2, 7], seed=5)
    model = xg.charge_glass(
        lattice, hopping={"x": 0.2, "y": -0.1}, interaction=U, site_energy=eps, filling=1 / 3, centred=True
    )
    run = xg.metropolis(
        model, T=0.4, walker=1, sweep=10, weight=weight, moves="exchange", seed=1, chunks=None
    )
    filling = float(f"{1 / 3:.12g}")
    for realization in (2, 7):
        part = model.sel(realization=realization)
        twin = twin_of(
            part,
            T=0.4,
            walker=0,
            seed=1,
            weight=weight,
            moves="exchange",
            ramp=[1.0] * 11,
            labels=[0.4, *part["hopping"].values, filling],
            realization=realization,
        )
        frames = twin.run(twin.start(), 0, 10, 1)
        assert sum(frames[0][0]) == 4
        assert_same(run.sel(realization=realization).isel(walker=0), frames, kinetic=weight == "kinetic")


def test_attempts_and_solves_are_counted():
    model = xg.testing.tiny_glass(eta=-1.0)
    arguments = {"T": 0.1, "walker": 1, "sweep": 6, "every": 3, "seed": 2, "chunks": None}
    counts = {
        weight: xg.metropolis_counters(model, weight=weight, **arguments).isel(walker=0) for weight in WEIGHTS
    }
    n = (
        xg.metropolis(model, weight="classical", **(arguments | {"every": 1}))
        .isel(walker=0)["occupation"]
        .values
    )
    neighbours = twin_of(
        model,
        T=0.1,
        walker=0,
        seed=2,
        weight="classical",
        moves="neighbour",
        ramp=[1.0] * 7,
        labels=[0.1, -1.0, 0.12, 0.5],
    ).neighbours
    assert counts["classical"]["active_attempts"].values[0] == 0
    assert (counts["classical"]["solves"] == 0).all()
    assert (
        (counts["classical"]["active_attempts"][1:] > 0) & (counts["classical"]["active_attempts"][1:] < 48)
    ).all()
    assert [len(row) for row in neighbours] == [6] * 16
    assert n.sum(axis=1).tolist() == [8] * 7
    # every active attempt is solved, known or proved; one eigenproblem more for the start; with the free
    # energy one more per stored <K>
    for weight, more in (("kinetic", [1, 0, 0]), ("free_energy", [2, 1, 1])):
        work = counts[weight]
        decided = work["solves"] + work["cache_hits"] + work["proved_rejections"]
        np.testing.assert_array_equal(decided - work["active_attempts"], more)
        assert work["solves"].sum() < work["active_attempts"].sum()


@settings(max_examples=15)
@given(
    sites=st.integers(2, 40),
    data=st.data(),
    seed=st.integers(0, 2**64 - 1),
    stream=st.integers(0, 2**64 - 1),
)
def test_random_start_of_the_twin(sites, data, seed, stream):
    from xglass.engine.charge.metropolis_kernels import random_configuration

    particles = data.draw(st.integers(1, sites - 1))
    out = np.empty(sites, np.int8)
    random_configuration(np.uint64(seed), np.uint64(stream), particles, out)
    left, expected = particles, []
    for i in range(sites):  # a site is taken with probability (particles left) / (sites left)
        expected.append(int(Fraction(draw(seed, stream, START + i)[2]) * (sites - i) < left))
        left -= expected[-1]
    assert out.tolist() == expected
    assert sum(expected) == particles
