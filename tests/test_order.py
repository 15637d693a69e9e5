"""Charge order: structure factor and order parameters against sums over sites, on lattices whose cells hold
several sites, and in every way to cut a run.
"""

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.charge import configurations
from xglass.lattice.waves import wave_vectors

S3 = np.sqrt(3)


def plain(vectors, shape, basis):
    """A lattice of which only the sites matter."""
    d = len(shape)
    step = (0, min(1, len(basis) - 1), (0,) * d if len(basis) > 1 else (1,) + (0,) * (d - 1), "x")
    return xg.lattice.from_cell(vectors, shape=shape, basis=basis, bonds=[step])


def honeycomb(*shape):
    return plain([[S3, 0], [S3 / 2, 1.5]], shape, [[0, 0], [0, 1]])


def kagome(*shape):
    return plain([[2, 0], [1, S3]], shape, [[0, 0], [1, 0], [0.5, S3 / 2]])


#: Lattice, and the number of zones in which all of its sites can be told apart.
LATTICES = {
    "chain": (xg.lattice.chain(7), 1),
    "square": (xg.lattice.square(4, 5), 1),
    "triangular": (xg.lattice.triangular(5, 4), 1),
    "cubic": (xg.lattice.cubic(3), 1),
    "honeycomb": (honeycomb(4, 3), 3),
    "kagome": (kagome(3, 4), 4),
    "fifths": (plain([[1.0]], (6,), [[0.1], [0.3], [0.7]]), 5),
    "triangular by two": (plain([[1, 0], [0, S3]], (3, 4), [[0, 0], [0.5, S3 / 2]]), 2),
    "body-centred": (plain(np.eye(3), (2, 3, 4), [[0, 0, 0], [0.5, 0.5, 0.5]]), 2),
    "one cell": (honeycomb(1, 1), 3),
}
every_lattice = pytest.mark.parametrize("name", LATTICES)


def glass(lattice, filling=0.4):
    return xg.charge_glass(lattice, interaction=None, filling=filling)


def configured(lattice, occupation, filling=0.5):
    """A run that holds the given configurations."""
    occupation = np.asarray(occupation, dtype=np.int8)
    return glass(lattice, filling).assign(occupation=(("walker", "site")[-occupation.ndim :], occupation))


def drawn(lattice, walkers=4, filling=0.4, seed=3):
    n = np.random.default_rng(seed).random((walkers, lattice.sizes["site"])) < filling
    return configured(lattice, n, filling)


def vectors_of(S):
    return np.stack([S[f"q{axis}"].values for axis in "xyz" if f"q{axis}" in S.coords], axis=-1)


def summed(run, q):
    """(walker, q) the formula, in the longest floats there are."""
    long = np.longdouble
    phase = np.array(q, dtype=long) @ run["position"].values.astype(long).T
    deviation = run["occupation"].values.astype(long) - long(float(run["filling"]))
    parts = deviation @ np.cos(phase).T, deviation @ np.sin(phase).T
    return (parts[0] ** 2 + parts[1] ** 2) / run.sizes["site"]


def reciprocal_vectors(lattice, reach=7):
    """All reciprocal vectors of the cell within a box."""
    cell = lattice["torus"].values / lattice["cells"].values[:, None]
    steps = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * len(cell), indexing="ij"), axis=-1)
    return steps.reshape(-1, len(cell)) @ (2 * np.pi * np.linalg.inv(cell).T)


# -- the structure factor ---------------------------------------------------------------------------


@every_lattice
@pytest.mark.parametrize("zones", [None, 1, 2, 7])
def test_structure_factor_is_its_sum_over_sites(name, zones):
    lattice, own = LATTICES[name]
    run = drawn(lattice)
    S = xg.structure_factor(run, zones=zones)
    cells = int(lattice["cells"].prod())
    assert S.dims == ("walker", "q")
    assert S.sizes["q"] == cells * (zones or own)
    q = vectors_of(S)
    np.testing.assert_allclose(S, summed(run, q).astype(float), rtol=0, atol=2e-14 * lattice.sizes["site"])
    turns = q @ lattice["torus"].values.T / (2 * np.pi)
    np.testing.assert_allclose(turns, turns.round(), rtol=0, atol=1e-10)  # all fit the torus
    assert len({tuple(v) for v in (q / 1e-6).round().astype(int).tolist()}) == len(q)
    np.testing.assert_array_equal(q[:cells], wave_vectors(lattice))


@every_lattice
def test_the_default_loses_no_weight(name):
    """Parseval's rule over the first zone of the finer lattice on which all sites lie."""
    lattice, own = LATTICES[name]
    run = drawn(lattice)
    weight = ((run["occupation"] - run["filling"]) ** 2).sum("site")
    points = own * int(lattice["cells"].prod())  # of the finer lattice
    np.testing.assert_allclose(
        xg.structure_factor(run).sum("q"), weight * points / run.sizes["site"], rtol=1e-12
    )


@every_lattice
def test_zones_hold_the_shortest_vectors_that_sites_tell_apart(name):
    """Against all reciprocal vectors in a box, by the phases of the sites of one cell."""
    lattice, own = LATTICES[name]
    cells = int(lattice["cells"].prod())
    S = xg.structure_factor(drawn(lattice), zones=2 * own + 1)
    q = vectors_of(S).reshape(2 * own + 1, cells, -1)
    inside = lattice["position"].values[: lattice.sizes["site"] // cells]
    inside = inside - inside[0]
    G = reciprocal_vectors(lattice, 7 if inside.shape[1] < 3 else 4)

    def phases(G):
        turns = G @ inside.T / (2 * np.pi)
        return [tuple(row) for row in (1000 * (turns - np.floor(turns + 1e-6))).round().astype(int).tolist()]

    sets = phases(G)
    assert len({*sets}) == own
    for k in range(cells):
        first = phases(q[:own, k] - q[0, k])
        assert len({*first}) == own, "a set of phases is missing"
        lengths = np.linalg.norm(q[0, k] + G, axis=1)
        shortest = {one: sorted(lengths[[other == one for other in sets]])[:2] for one in {*sets}}
        # in order of length: each once, then each again
        for turn in range(2):
            expected = sorted(pair[turn] for pair in shortest.values())
            found = np.linalg.norm(q[turn * own : (turn + 1) * own, k], axis=1)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_a_larger_cell_is_another_description_of_the_same_lattice():
    """The triangular lattice with two sites in each cell: one zone becomes two, and the numbers stay."""
    single = xg.lattice.triangular(4, 8)  # its torus is a rectangle, too
    double = plain([[1, 0], [0, S3]], (4, 4), [[0, 0], [0.5, S3 / 2]])
    torus, x = single["torus"].values, double["position"].values
    steps = (x[:, None] - single["position"].values) @ np.linalg.inv(torus)
    same = (abs(steps - steps.round()) < 1e-9).all(axis=-1)
    n = drawn(single)["occupation"].values
    a, b = xg.structure_factor(configured(single, n)), xg.structure_factor(configured(double, n @ same.T))
    assert a.sizes == b.sizes
    # another cell may stand for a wave at the edge of the zone by another vector
    for q, values in zip(vectors_of(b), b.values.T, strict=True):
        np.testing.assert_allclose(values, summed(configured(single, n), [q])[:, 0].astype(float), atol=1e-13)
    np.testing.assert_allclose(np.sort(a, axis=1), np.sort(b, axis=1), rtol=0, atol=1e-13)


def test_order_within_a_cell_shows():
    """Charge order of the honeycomb lattice, and one sublattice of three of the kagome lattice."""
    comb = configured(honeycomb(4, 4), np.arange(32) % 2)
    S = xg.structure_factor(comb)
    assert float(S.max()) == pytest.approx(0.1875 * 32, rel=1e-12)  # |1 - exp(2 pi i/3)|^2 / 16
    assert float(xg.structure_factor(comb, zones=1).max()) < 1e-20
    assert float(xg.structure_factor(comb, zones=2).max()) == pytest.approx(0.1875 * 32, rel=1e-12)
    third = configured(kagome(3, 3), np.arange(27) % 3 == 0, filling=1 / 3)
    S = xg.structure_factor(third)
    assert float(S.max()) == pytest.approx(16 / 81 * 27, rel=1e-12)  # |2/3 + 1/3 + 1/3|^2 / 9
    assert float(xg.structure_factor(third, zones=1).max()) < 1e-20


def test_positions_that_are_no_fractions_of_the_cell_need_a_choice():
    irregular = plain([[1.0, 0.0], [0.0, 1.0]], (3, 3), [[0, 0], [0.5, 1 / np.pi]])
    run = drawn(irregular)
    with pytest.raises(
        ValueError, match="structure_factor: .*no fractions.*give zones=, or the wave vectors q="
    ):
        xg.structure_factor(run)
    S = xg.structure_factor(run, zones=3)  # the three shortest vectors of every wave
    q, G = vectors_of(S).reshape(3, 9, 2), reciprocal_vectors(irregular)
    for k in range(9):
        shortest = np.sort(np.linalg.norm(q[0, k] + G, axis=1))[:3]
        np.testing.assert_allclose(np.linalg.norm(q[:, k], axis=1), shortest, rtol=0, atol=1e-9)
    np.testing.assert_allclose(S, summed(run, vectors_of(S)).astype(float), rtol=0, atol=1e-13)


# -- wave vectors of the user's own -----------------------------------------------------------------


@every_lattice
def test_given_vectors_are_summed_one_by_one(name):
    """Those of the default give its numbers, others what the sum says."""
    run = drawn(LATTICES[name][0])
    S = xg.structure_factor(run)
    q = xr.DataArray(vectors_of(S), dims=("q", "axis"))
    own = xg.structure_factor(run, q=q)
    np.testing.assert_allclose(own, S, rtol=0, atol=1e-13 * run.sizes["site"])
    for component in own.coords.keys() & {"qx", "qy", "qz"}:
        np.testing.assert_array_equal(own[component], S[component])
        assert own[component].attrs == S[component].attrs
    between = q + 0.123
    expected = summed(run, between.values).astype(float)
    np.testing.assert_allclose(xg.structure_factor(run, q=between), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        xg.order_parameter(run, q=between),
        np.sqrt(expected / run.sizes["site"]) / float(run["filling"]),
        rtol=0,
        atol=1e-9,
    )


def test_labels_of_given_vectors_stay_and_those_of_axes_are_followed():
    run = drawn(xg.lattice.triangular(4))
    corner = [4 * np.pi / 3, 0.0]
    q = xr.DataArray(
        [[0.0, 0.0], corner], dims=("q", "axis"), coords={"q": ["G", "K"], "length": ("q", [0.0, 1.0])}
    )
    S = xg.structure_factor(run, q=q)
    assert S["q"].values.tolist() == ["G", "K"]
    assert S["length"].values.tolist() == [0.0, 1.0]
    assert float(S["qx"][1]) == corner[0]
    turned = q.assign_coords(axis=["x", "y"])[:, ::-1].T
    xr.testing.assert_identical(xg.structure_factor(run, q=turned), S)
    one = xg.order_parameter(run, q=q.sel(q="K"))
    assert one.dims == ("walker",)
    assert float(one["qx"]) == corner[0]
    # BLAS rounds the sum for one wave by how many others there are
    np.testing.assert_allclose(one, xg.order_parameter(run, q=q).sel(q="K"), rtol=1e-14)
    np.testing.assert_array_equal(one, xg.order_parameter(run, q=corner))


def vectors(rows=((1.0, 0.0),), dims=("q", "axis"), **options):
    return xr.DataArray(np.asarray(rows), dims=dims, **options)


@pytest.mark.parametrize(
    ("q", "error", "message"),
    [
        ([[1.0, 0.0]], TypeError, "q must be a DataArray over .q, axis., got list"),
        (vectors([[1.0, 0.0, 0.0]]), ValueError, "'axis': 3.*with 2 components along 'axis'"),
        (
            vectors(dims=("k", "axis")),
            ValueError,
            "q has dimensions {'k': 1, 'axis': 2}, and must have 'q' and",
        ),
        (vectors([1.0, 0.0], dims=("axis",)), ValueError, "must have 'q' and 'axis'"),
        (vectors(coords={"axis": ["x", "z"]}), ValueError, r"labels \['x', 'z'\].*must have \['x', 'y'\]"),
        (vectors([["a", "b"]]), TypeError, "q must hold real numbers"),
        (vectors([[1j, 0.0]]), TypeError, "q must hold real numbers"),
        (vectors([[np.inf, 0.0]]), ValueError, r"q must be finite, got \[inf, 0.0\]"),
        (vectors(np.zeros((0, 2))), ValueError, "q is empty; give at least one"),
        (vectors(attrs={"units": "1/nm"}), ValueError, "'q' is in 1/nm; apply to_physical to the result"),
        (vectors().chunk(), ValueError, "q is lazy.*write .compute"),
    ],
)
def test_what_is_no_set_of_wave_vectors_is_refused(q, error, message):
    run = drawn(xg.lattice.triangular(4))
    with pytest.raises(error, match=f"structure_factor: .*{message}"):
        xg.structure_factor(run, q=q)
    if isinstance(q, xr.DataArray) and q.dims != ("axis",):
        with pytest.raises(error, match="order_parameter: "):
            xg.order_parameter(run, q=q)


@pytest.mark.parametrize("q", [1.0, "K", [[0.0, 1.0]], ["a", "b"], [1j, 0.0], None])
def test_one_wave_vector_is_its_components(q):
    with pytest.raises(TypeError, match="order_parameter: q must be one wave vector, its 2 components"):
        xg.order_parameter(drawn(xg.lattice.triangular(4)), q=q)


def test_q_and_zones_are_two_answers():
    run = drawn(xg.lattice.triangular(4))
    with pytest.raises(ValueError, match="q and zones both say which waves; give one of them"):
        xg.structure_factor(run, q=vectors(), zones=2)
    for zones in (0, 1.5, -1):
        with pytest.raises(ValueError, match="zones must be a whole number >= 1"):
            xg.structure_factor(run, zones=zones)
    with pytest.raises(ValueError, match="2 components along 'axis'"):
        xg.order_parameter(run, q=[1.0, 0.0, 0.0])


# -- order parameters -------------------------------------------------------------------------------


@pytest.mark.parametrize("L", [2, 4, 6])
def test_order_parameters_of_crystals_do_not_depend_on_the_size(L):
    """Of the honeycomb lattice |1 - exp(2 pi i/3)|/2; of a three-sublattice crystal at filling 1/3 one."""
    comb = configured(honeycomb(L, L), np.arange(2 * L * L) % 2)
    G = [2 * np.pi / S3, 2 * np.pi / 3]
    assert float(xg.order_parameter(comb, q=G)) == pytest.approx(S3 / 2, abs=1e-13)
    side = 3 * L
    i, j = np.arange(side**2) % side, np.arange(side**2) // side
    crystal = configured(xg.lattice.triangular(side), (i - j) % 3 == 0, filling=1 / 3)
    assert float(xg.order_parameter(crystal, q=[4 * np.pi / 3, 0.0])) == pytest.approx(
        1.0, abs=1e-11
    )  # filling has 12 digits
    assert float(xg.order_parameter(crystal, q=[np.pi, 0.0])) == pytest.approx(0.0, abs=1e-12)


def test_the_order_parameter_of_a_stripe_is_its_stripe_order():
    run = drawn(xg.lattice.triangular(4), filling=0.5)
    q = xr.DataArray([[0.0, 2 * np.pi / S3], [np.pi, -np.pi / S3], [np.pi, np.pi / S3]], dims=("q", "axis"))
    np.testing.assert_allclose(xg.order_parameter(run, q=q), xg.stripe_order(run), rtol=0, atol=1e-13)


@pytest.mark.parametrize(("build", "sublattices"), [(honeycomb, 2), (kagome, 3)])
def test_stripe_order_sees_every_sublattice(build, sublattices):
    """Cells that alternate between full and empty, each sublattice in a phase of its own."""
    lattice = build(4, 4)
    row = np.arange(16) // 4 % 2
    for signs in np.ndindex(*(2,) * sublattices):
        n = np.stack([row ^ sign for sign in signs], axis=-1).ravel()
        order = xg.stripe_order(configured(lattice, n))
        np.testing.assert_allclose(order.sel(orientation="(0, 1/2)"), 1.0, rtol=0, atol=1e-12)
        np.testing.assert_allclose(order.sum(), 1.0, rtol=0, atol=1e-12)
    # all that the zones hold at this wave, for any configuration
    run = drawn(lattice)
    S = xg.structure_factor(run)
    turns = vectors_of(S) @ lattice["torus"].values.T / (8 * np.pi)
    there = (abs(turns - [0.0, 0.5] - (turns - [0.0, 0.5]).round()) < 1e-9).all(axis=1)
    assert there.sum() == sublattices + 1  # zones: of either lattice one more than sublattices
    weight = S[:, there].mean("q") * sublattices
    np.testing.assert_allclose(
        xg.stripe_order(run).sel(orientation="(0, 1/2)"),
        np.sqrt(weight / run.sizes["site"]) / run["filling"],
        rtol=1e-12,
    )


# -- chunks -----------------------------------------------------------------------------------------

OBSERVED = {
    "structure_factor": xg.structure_factor,
    "zones": lambda run: xg.structure_factor(run, zones=2),
    "q": lambda run: xg.structure_factor(run, q=vectors([[0.3, 0.1], [1.0, 2.0]])),
    "order_parameter": lambda run: xg.order_parameter(run, q=[0.7, 1.1]),
    "stripe_order": xg.stripe_order,
}


@pytest.mark.parametrize("lattice", [xg.lattice.triangular(6, 5), honeycomb(3, 2), kagome(2, 3)])
@pytest.mark.parametrize("name", OBSERVED)
def test_bits_do_not_depend_on_chunks(name, lattice):
    """At filling 1/3, where no sum is exact; whole, in pieces along walkers and sweeps, and one by one."""
    observe, shape = OBSERVED[name], (5, 7, lattice.sizes["site"])
    n = (np.random.default_rng(1).random(shape) < 1 / 3).astype(np.int8)
    run = glass(lattice, 1 / 3).assign(occupation=(("walker", "sweep", "site"), n))
    whole = observe(run)
    for chunks in ({}, {"walker": 1}, {"walker": 2, "sweep": 3}, {"sweep": 1}):
        lazy = observe(run.chunk(chunks))
        assert lazy.chunks is not None
        xr.testing.assert_identical(lazy.compute(scheduler="sync"), whole)
        assert lazy.compute(scheduler="sync").values.tobytes() == whole.values.tobytes()
    for w, s in ((0, 0), (3, 5), (4, 6)):
        alone = observe(run.isel(walker=w, sweep=s))
        np.testing.assert_array_equal(alone, whole.isel(walker=w, sweep=s))


@pytest.mark.parametrize("cells", [(12,), (9, 5), (1, 4), (16, 12), (2, 3, 7)])
@pytest.mark.parametrize("sublattices", [1, 3])
def test_transforms_are_taken_row_by_row(cells, sublattices):
    """More rows than one block holds, strides of all kinds: each as by itself, to the last bit."""
    rng, count = np.random.default_rng(0), int(np.prod(cells))
    sites = count * sublattices
    rows = (rng.random((125_000 // sites + 3, sites)) < 0.3).astype(np.int8)
    weights = np.exp(2j * np.pi * rng.random((2 * count, sublattices)))
    whole = configurations.torus_structure_factor(rows, np.float64(0.3), weights, cells=cells)
    turned = np.asfortranarray(rows)
    again = configurations.torus_structure_factor(turned, np.float64(0.3), weights, cells=cells)
    assert again.tobytes() == whole.tobytes()
    for k in (0, 1, len(rows) // 2, len(rows) - 1):
        one = configurations.torus_structure_factor(rows[k], np.float64(0.3), weights, cells=cells)
        assert one.tobytes() == whole[k].tobytes()
