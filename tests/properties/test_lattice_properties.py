"""Properties of lattices and lattice sums that hold for any cell, size, exponent,
screening and splitting parameter.
"""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import xglass as xg
from xglass import lattice as lt
from xglass.engine.core import ewald
from xglass.lattice.waves import wave_vectors

bounded = settings(max_examples=15, deadline=None, derandomize=True, database=None)

lengths = st.floats(0.7, 1.6)
shears = st.floats(-0.6, 0.6)
stretches = st.floats(0.5, 2.0)


@st.composite
def cells(draw, dims=(1, 2, 3), shear=shears):
    """Cell vectors: lower triangular, never flat."""
    d = draw(st.sampled_from(dims))
    vectors = np.diag([draw(lengths) for _ in range(d)])
    for i in range(d):
        for j in range(i):
            vectors[i, j] = draw(shear)
    return vectors


@st.composite
def displacements(draw, periods, n=3):
    """The zero displacement, and others at least 0.15 from every image of it."""
    d = len(periods)
    fractions = np.array([[draw(st.floats(-1.5, 1.5)) for _ in range(d)] for _ in range(n)])
    vectors = fractions @ periods
    assume((np.linalg.norm(ewald.nearest_image(vectors, periods), axis=1) > 0.15).all())
    return np.concatenate([np.zeros((1, d)), vectors])


@st.composite
def lattices(draw, dims=(1, 2, 3)):
    """Any cell with up to three sites in it (apart from each other), repeated two to four times,
    unequally.
    """
    vectors = draw(cells(dims))
    d = len(vectors)
    count = draw(st.integers(1 if d > 1 else 2, 3))  # of one site on a line both bonds would be one
    slots = draw(st.permutations(range(4)))[:count]
    jitter = np.array([[draw(st.floats(0.0, 0.08)) for _ in range(d)] for _ in slots])
    fractions = jitter + np.array(
        [[slot % 2 / 2 if k == 0 else slot // 2 / 2 if k == 1 else 0.0 for k in range(d)] for slot in slots]
    )
    if d == 1:
        fractions = jitter + np.array(slots)[:, None] / 4
    shape = tuple(draw(st.integers(2, 4 if d < 3 else 3)) for _ in range(d))
    bonds = [(count - 1, 0, (1,) + (0,) * (d - 1), "x"), (0, count - 1, (1,) * d, "far")]
    return lt.from_cell(vectors, shape=shape, basis=fractions @ vectors, bonds=bonds)


@st.composite
def interactions(draw, lattice):
    """One of the pair interactions on this lattice, self term included."""
    kinds = ["coulomb", "power", "yukawa"] + (["gated"] if lattice.sizes["axis"] == 2 else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "coulomb":
        return xg.coulomb(lattice, self_image="include")
    if kind == "power":
        return lt.power_law(
            lattice, exponent=draw(st.sampled_from([0.5, 1.0, 2.0, 3.0, 3.5, 6.0])), self_image="include"
        )
    if kind == "yukawa":
        return lt.yukawa(lattice, length=draw(st.floats(0.05, 0.25)), self_image="include")
    return xg.coulomb(
        lattice,
        gate_distance=draw(st.floats(0.1, 3.0)),
        gates=draw(st.sampled_from([1, 2])),
        self_image="include",
    )


def default_splitting(periods):
    return np.sqrt(np.pi) / abs(np.linalg.det(periods)) ** (1 / len(periods))


# --- the splitting parameter --------------------------------------------------------------------------------


@bounded
@given(st.data(), cells(), stretches, st.sampled_from([0.3, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0]))
def test_power_law_does_not_depend_on_the_splitting(data, periods, stretch, s):
    """To 1e-12 of the largest part, which is 1/r^s of the nearest image or the cut-off (2 alpha)^s."""
    r = data.draw(displacements(periods))
    default = default_splitting(periods)
    tolerance = 1e-12 * (1 + (2 * default * max(stretch, 1)) ** s)
    expected = ewald.power_law(r, periods, s)
    np.testing.assert_allclose(
        ewald.power_law(r, periods, s, stretch * default), expected, rtol=1e-12, atol=tolerance
    )


@bounded
@given(st.data(), cells(dims=(2,)), stretches, st.just(0.0) | st.floats(0.05, 3.0))
def test_layers_do_not_depend_on_the_splitting(data, periods, stretch, height):
    r = data.draw(displacements(periods))
    expected = ewald.layer(r, periods, height)
    np.testing.assert_allclose(
        ewald.layer(r, periods, height, stretch * default_splitting(periods)), expected, rtol=0, atol=3e-13
    )


@bounded
@given(st.data(), cells(dims=(2,)), stretches, st.floats(0.05, 5.0), st.sampled_from([1, 2]))
def test_gates_do_not_depend_on_the_splitting(data, periods, stretch, distance, gates):
    """Own images in near gates are as large as 1/d."""
    r = data.draw(displacements(periods))
    expected = ewald.gated_layer(r, periods, distance, gates)
    other = ewald.gated_layer(r, periods, distance, gates, stretch * default_splitting(periods))
    np.testing.assert_allclose(other, expected, rtol=0, atol=1e-12 * (1 + 1 / distance))


# --- symmetries ---------------------------------------------------------------------------------------------


@bounded
@given(st.data(), cells(), st.sampled_from([0.5, 1.0, 2.0, 3.0]))
def test_sums_are_periodic_even_and_homogeneous(data, periods, s):
    """V(r + R) = V(-r) = V(r), and V of a torus stretched by c is V / c^s,
    plus a constant at s = d where ln c enters.
    """
    r = data.draw(displacements(periods))
    d = len(periods)
    V = ewald.power_law(r, periods, s)
    scale = 1e-12 * (1 + abs(V).max())
    np.testing.assert_allclose(ewald.power_law(-r, periods, s), V, rtol=0, atol=scale)
    shift = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=d, max_size=d))) @ periods
    np.testing.assert_allclose(ewald.power_law(r + shift, periods, s), V, rtol=0, atol=10 * scale)
    c = data.draw(st.floats(0.5, 3.0))
    surface = {1: 2.0, 2: 2 * np.pi, 3: 4 * np.pi}[d] / abs(np.linalg.det(periods))
    constant = -surface * np.log(c) / c**d if s == d else 0.0
    np.testing.assert_allclose(
        ewald.power_law(c * r, c * periods, s), V / c**s + constant, rtol=0, atol=10 * scale * (1 + c**-s)
    )


@bounded
@given(st.data(), cells(dims=(2, 3)), st.sampled_from([1.0, 2.0, 4.0]))
def test_sums_know_the_lattice_and_not_the_vectors_that_span_it(data, periods, s):
    """A_1 -> A_1 + n A_2 leaves the torus as it is."""
    r = data.draw(displacements(periods))
    skewed = periods.copy()
    skewed[0] += data.draw(st.integers(-4, 4)) * periods[1]
    V = ewald.power_law(r, periods, s)
    np.testing.assert_allclose(ewald.power_law(r, skewed, s), V, rtol=0, atol=1e-11 * (1 + abs(V).max()))


@bounded
@given(st.data(), lattices())
def test_interactions_are_symmetric_and_translation_invariant_to_the_bit(data, lattice):
    U = data.draw(interactions(lattice)).values
    np.testing.assert_array_equal(U, U.T)
    shape = lattice["cells"].values
    cell = np.stack(np.meshgrid(*[np.arange(n) for n in shape[::-1]], indexing="ij"), axis=-1).reshape(
        -1, len(shape)
    )[:, ::-1]
    basis = len(U) // len(cell)
    shift = [data.draw(st.integers(0, n - 1)) for n in shape]
    moved = (cell + shift) % shape
    strides = np.cumprod([1, *shape[:-1]])
    site = (basis * (moved @ strides)[:, None] + np.arange(basis)).ravel()
    assert sorted(site) == list(range(len(U)))
    np.testing.assert_array_equal(U[np.ix_(site, site)], U)


@bounded
@given(lattices(), st.sampled_from(["coulomb", "power", "yukawa"]))
def test_interactions_are_invariant_under_inversion(lattice, kind):
    """The lattice with every position turned around has the interaction of the original between the opposite
    cells.
    """
    shape = lattice["cells"].values
    vectors, strides = lattice["torus"].values / shape[:, None], np.cumprod([1, *shape[:-1]])
    basis = lattice.sizes["site"] // int(np.prod(shape))
    bonds = [(0, 0, (1,) + (0,) * (len(shape) - 1), "x")]
    inverted = lt.from_cell(vectors, shape=shape, basis=-lattice["position"].values[:basis], bonds=bonds)
    function = {
        "coulomb": lambda x: xg.coulomb(x, self_image="include"),
        "power": lambda x: lt.power_law(x, exponent=2.5, self_image="include"),
        "yukawa": lambda x: lt.yukawa(x, length=0.2, self_image="include"),
    }[kind]
    U, V = function(lattice).values, function(inverted).values
    cell = np.stack(np.meshgrid(*[np.arange(n) for n in shape[::-1]], indexing="ij"), axis=-1).reshape(
        -1, len(shape)
    )[:, ::-1]
    opposite = (basis * ((-cell % shape) @ strides)[:, None] + np.arange(basis)).ravel()
    np.testing.assert_allclose(V[np.ix_(opposite, opposite)], U, rtol=0, atol=1e-12 * (1 + abs(U).max()))
    if basis == 1:
        np.testing.assert_array_equal(U[0, opposite], U[0])


@bounded
@given(lattices(dims=(2, 3)))
def test_doubling_the_lattice_composes(lattice):
    """V_L(r) is the sum of V_2L over the translations by L, on the sites themselves;
    zero average has no other choice of constant.
    """
    vectors = lattice["torus"].values / lattice["cells"].values[:, None]
    d, n = len(vectors), lattice.sizes["site"]
    basis = n // int(np.prod(lattice["cells"].values))
    twice = lt.from_cell(
        vectors,
        shape=tuple(2 * lattice["cells"].values[:1]) + tuple(lattice["cells"].values[1:]),
        basis=lattice["position"].values[:basis],
        bonds=[(0, 0, (1,) + (0,) * (d - 1), "x")],
    )
    V, W = xg.coulomb(lattice, self_image="include").values, xg.coulomb(twice, self_image="include").values
    length = int(lattice["cells"].values[0])
    row = W[0].reshape(-1, 2, length, basis)  # (other periods, half of the doubled one, cell, basis)
    np.testing.assert_allclose(row.sum(axis=1).ravel(), V[0], rtol=0, atol=1e-12)


# --- signs and order ----------------------------------------------------------------------------------------


@bounded
@given(
    cells(dims=(2,)), st.integers(2, 4), st.lists(st.floats(0.1, 2.0), min_size=2, max_size=2, unique=True)
)
def test_gates_screen_more_the_nearer_they_are(vectors, L, distances):
    """In wave-vector space (2 pi/q) tanh(q d) resp.

    (2 pi/q)(1 - exp(-2 q d)): positive, growing with d, below the bare 2 pi/q.
    """
    near, far = sorted(distances)
    assume(far - near > 0.05)
    lattice = lt.from_cell(vectors, shape=(L, L + 1), bonds=[(0, 0, (1, 0), "x")])
    waves = wave_vectors(lattice)
    phase = np.cos(waves @ lattice["position"].values.T)
    for gates in (1, 2):
        swept = xg.coulomb(lattice, gate_distance=[near, far], gates=gates, self_image="include").values
        bare = xg.coulomb(lattice, self_image="include").values
        # the self term has lost 1/r, which is the same for all three: differences of the sites' spectra are
        # sums of what V(q) differ by
        steps = np.diff([phase @ U[0] for U in (swept[0], swept[1], bare)], axis=0)
        assert (steps > -1e-12).all()
        assert steps[0, 1:].max() > 1e-9


@bounded
@given(lattices(), st.floats(0.05, 0.2), st.floats(1.1, 2.0))
def test_yukawa_grows_with_its_length_and_stays_positive(lattice, length, factor):
    short, long = (
        lt.yukawa(lattice, length=x, self_image="include").values for x in (length, factor * length)
    )
    apart = ~np.eye(len(short), dtype=bool)
    assert (short[apart] > 0).all()
    assert (long > short)[apart].all()
    assert (np.diag(long) >= np.diag(short)).all()  # own images further than 38 lengths count as zero
    assert (np.diag(short) >= 0).all()


@bounded
@given(lattices())
def test_the_spectrum_of_coulomb_is_that_of_repulsion(lattice):
    """With the charge of the self term added back, sum_q q V q is the field energy of spread charges: never
    negative.

    V_ij + delta_ij * 2 alpha/sqrt(pi) with a real-space part below zero is what Gaussians of width 1/alpha
    feel, for any alpha whose Gaussians do not reach their neighbours (alpha r = 6).
    """
    x, periods = lattice["position"].values, lattice["torus"].values
    apart = np.linalg.norm(ewald.nearest_image(x[1:] - x[0], periods), axis=1).min()
    alpha = 6.0 / min(apart, 0.3)
    V = xg.coulomb(lattice, self_image="include").values + np.eye(len(x)) * 2 * alpha / np.sqrt(np.pi)
    neutral = np.linalg.qr(np.concatenate([np.ones((len(x), 1)), np.eye(len(x))[:, 1:]], axis=1))[0][:, 1:]
    assert np.linalg.eigvalsh(neutral.T @ V @ neutral).min() > 0


# --- lattices -----------------------------------------------------------------------------------------------


@bounded
@given(lattices())
def test_any_lattice_is_consistent(lattice):
    x, periods, cells_ = lattice["position"].values, lattice["torus"].values, lattice["cells"].values
    assert lattice.sizes["site"] % np.prod(cells_) == 0
    assert lattice.sizes["bond"] == 2 * np.prod(cells_)
    step = x[lattice["bond_target"].values] - x[lattice["bond_source"].values]
    winding = (lattice["bond_vector"].values - step) @ np.linalg.inv(periods)
    np.testing.assert_allclose(winding, np.rint(winding), rtol=0, atol=1e-9)
    for kind in ("x", "far"):  # a true vector is one and the same for all bonds of a kind
        chosen = lattice["bond_vector"].values[lattice["bond_kind"].values == kind]
        np.testing.assert_allclose(chosen, np.broadcast_to(chosen[0], chosen.shape), rtol=0, atol=1e-12)
    waves = wave_vectors(lattice)
    assert len(waves) == np.prod(cells_)
    phase = np.exp(1j * x[:: lattice.sizes["site"] // len(waves)] @ waves.T)
    np.testing.assert_allclose(phase.conj().T @ phase, len(waves) * np.eye(len(waves)), rtol=0, atol=1e-9)


@bounded
@given(lattices(), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_structure_factors_are_sums_over_sites_in_any_zone(lattice, zones, seed):
    """And the vectors of a wave are distinct, fit the torus, and hold the shortest of all."""
    n = np.random.default_rng(seed).integers(0, 2, lattice.sizes["site"]).astype(np.int8)
    run = xg.charge_glass(lattice, interaction=None, filling=0.3).assign(occupation=("site", n))
    S = xg.structure_factor(run, zones=zones)
    q = np.stack([S[f"q{axis}"].values for axis in "xyz"[: lattice.sizes["axis"]]], axis=1)
    expected = abs(np.exp(-1j * q @ lattice["position"].values.T) @ (n - 0.3)) ** 2 / len(n)
    np.testing.assert_allclose(S, expected, rtol=0, atol=1e-12 * len(n))
    turns = q @ lattice["torus"].values.T / (2 * np.pi)
    np.testing.assert_allclose(turns, np.rint(turns), rtol=0, atol=1e-9)
    assert len(np.unique(np.rint(turns), axis=0)) == len(q) == zones * lattice["cells"].values.prod()
    np.testing.assert_array_equal(q[: len(q) // zones], wave_vectors(lattice))


@bounded
@given(st.integers(2, 5), st.integers(2, 5))
def test_free_levels_are_those_of_bloch_waves(L, Ly):
    """2 t_c cos(k a1) + 2 t_p [cos(k a2) + cos(k (a2 - a1))] on the wave vectors: bonds,
    double bonds and boundary at once.
    """
    model = xg.charge_glass(lt.triangular(L, Ly), t_p=0.3, eta=-0.7, interaction=None)
    n = L * Ly
    hopping = np.zeros((n, n))
    np.add.at(hopping, (model["bond_source"].values, model["bond_target"].values), model["hopping"].values)
    steps = np.array([[1, 0], [0.5, np.sqrt(3) / 2], [-0.5, np.sqrt(3) / 2]])
    levels = 2 * np.cos(wave_vectors(model) @ steps.T) @ [-0.21, 0.3, 0.3]
    np.testing.assert_allclose(np.linalg.eigvalsh(hopping + hopping.T), np.sort(levels), rtol=0, atol=1e-12)
