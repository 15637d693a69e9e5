"""Lattices: numbering, bonds and wave vectors against plain loops;
interactions of the classical charge glass against known energies.
"""

import itertools

import numpy as np
import pytest
import xarray as xr
from scipy import special

import xglass as xg
from xglass import lattice as lt
from xglass.engine.core import ewald
from xglass.lattice.waves import stripes, wave_vectors, zone_vectors

S3 = np.sqrt(3)
HONEYCOMB_BONDS = [(0, 1, (0, 0), "z"), (1, 0, (0, 1), "y"), (1, 0, (-1, 1), "x")]


def honeycomb(shape=(4, 4)):
    return lt.from_cell([[S3, 0], [S3 / 2, 1.5]], shape=shape, basis=[[0, 0], [0, 1]], bonds=HONEYCOMB_BONDS)


def kagome(shape=(3, 2)):
    bonds = [(0, 1, (0, 0), "x"), (0, 2, (0, 0), "y"), (1, 2, (0, 0), "z")]
    bonds += [(1, 0, (1, 0), "x"), (2, 0, (0, 1), "y"), (2, 1, (-1, 1), "z")]
    return lt.from_cell([[2, 0], [1, S3]], shape=shape, basis=[[0, 0], [1, 0], [0.5, S3 / 2]], bonds=bonds)


LATTICES = {
    "chain": lt.chain(5),
    "chain 2": lt.chain(2),
    "square": lt.square(4),
    "square 3 x 5": lt.square(3, 5),
    "square 2": lt.square(2),
    "triangular": lt.triangular(4),
    "triangular 6 x 3": lt.triangular(6, 3),
    "triangular 2": lt.triangular(2),
    "cubic": lt.cubic(3),
    "honeycomb": honeycomb(),
    "honeycomb 2 x 3": honeycomb((2, 3)),
    "kagome": kagome(),
}
all_lattices = pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)


# --- numbering ----------------------------------------------------------------------------------------------


def test_triangular_numbering_positions_and_bonds():
    L, Ly = 6, 4
    lattice = lt.triangular(L, Ly)
    assert dict(lattice.sizes) == {"site": 24, "axis": 2, "period": 2, "bond": 72}
    for j, i in itertools.product(range(Ly), range(L)):
        np.testing.assert_allclose(
            lattice["position"][i + L * j], [i + j / 2, j * S3 / 2], rtol=0, atol=1e-15 * L
        )
    np.testing.assert_allclose(lattice["torus"], [[L, 0], [Ly / 2, Ly * S3 / 2]], rtol=1e-15)
    expected = set()
    for j, i in itertools.product(range(Ly), range(L)):
        for di, dj, kind in ((1, 0, "c"), (0, 1, "p"), (-1, 1, "p")):
            expected.add((i + L * j, (i + di) % L + L * ((j + dj) % Ly), kind))
    found = list(
        zip(
            lattice["bond_source"].values,
            lattice["bond_target"].values,
            lattice["bond_kind"].values,
            strict=True,
        )
    )
    assert len(found) == 72
    assert set(found) == expected
    along = lattice["bond_vector"].values[lattice["bond_kind"].values == "c"]
    np.testing.assert_array_equal(along, np.broadcast_to([1.0, 0.0], along.shape))
    diagonal = lattice["bond_vector"].values[lattice["bond_kind"].values == "p"]
    np.testing.assert_allclose(np.abs(diagonal), np.broadcast_to([0.5, S3 / 2], diagonal.shape), rtol=1e-15)
    assert (diagonal[:, 0] > 0).sum() == (diagonal[:, 0] < 0).sum() == 24


@pytest.mark.parametrize(
    ("lattice", "shape"),
    [(lt.chain(7), (7,)), (lt.square(3, 4), (3, 4)), (lt.square(3), (3, 3)), (lt.cubic(3), (3,) * 3)],
)
def test_hypercubic_numbering_positions_and_bonds(lattice, shape):
    d = len(shape)
    assert lattice.sizes["site"] == np.prod(shape)
    assert lattice.sizes["bond"] == d * np.prod(shape)
    number = {}
    for cell in itertools.product(*[range(n) for n in shape]):
        number[cell] = sum(x * np.prod(shape[:k], dtype=int) for k, x in enumerate(cell))  # i + L j + L^2 k
        np.testing.assert_array_equal(lattice["position"][number[cell]], cell)
    expected = {
        (
            number[cell],
            number[tuple((x + (k == m)) % n for m, (x, n) in enumerate(zip(cell, shape, strict=True)))],
            "xyz"[k],
        )
        for cell in number
        for k in range(d)
    }
    found = list(
        zip(
            lattice["bond_source"].values,
            lattice["bond_target"].values,
            lattice["bond_kind"].values,
            strict=True,
        )
    )
    assert len(found) == len(set(found))
    assert set(found) == expected
    np.testing.assert_array_equal(
        lattice["bond_vector"], [np.eye(d)["xyz".index(kind)] for _, _, kind in found]
    )
    np.testing.assert_array_equal(lattice["torus"], np.diag(shape))
    assert list(lattice["axis"].values) == list("xyz"[:d])


@all_lattices
def test_bonds_once_each_with_true_vectors(lattice):
    position, periods = lattice["position"].values, lattice["torus"].values
    source, target, vector = (lattice[name].values for name in ("bond_source", "bond_target", "bond_vector"))
    winding = (vector - (position[target] - position[source])) @ np.linalg.inv(periods)
    np.testing.assert_allclose(winding, np.rint(winding), rtol=0, atol=1e-12)  # equal modulo the torus
    np.testing.assert_allclose(
        np.linalg.norm(vector, axis=1), 1.0, rtol=1e-14
    )  # and never the wrapped difference
    # once each: neither a bond nor its reverse occurs twice (as a pair with its vector: on L = 2 two bonds
    # join one pair)
    ends = [
        (int(a), int(b), *np.rint(v * 1e6).astype(int))
        if a <= b
        else (int(b), int(a), *np.rint(-v * 1e6).astype(int))
        for a, b, v in zip(source, target, vector, strict=True)
    ]
    assert len(set(ends)) == len(ends)
    assert np.abs(winding).round().max() >= 1  # some bond does cross the boundary


@pytest.mark.parametrize(
    ("name", "z"),
    [
        ("chain", 2),
        ("square", 4),
        ("square 3 x 5", 4),
        ("triangular", 6),
        ("triangular 6 x 3", 6),
        ("cubic", 6),
        ("honeycomb", 3),
        ("kagome", 4),
    ],
)
def test_coordination(name, z):
    lattice = LATTICES[name]
    ends = np.concatenate([lattice["bond_source"].values, lattice["bond_target"].values])
    np.testing.assert_array_equal(np.bincount(ends, minlength=lattice.sizes["site"]), z)
    pairs = {
        frozenset(p)
        for p in zip(
            lattice["bond_source"].values.tolist(), lattice["bond_target"].values.tolist(), strict=True
        )
    }
    assert len(pairs) == lattice.sizes["bond"]  # all neighbours distinct at these sizes
    x, periods = lattice["position"].values, lattice["torus"].values
    distance = np.linalg.norm(ewald.nearest_image((x[:, None] - x).reshape(-1, x.shape[1]), periods), axis=1)
    assert (abs(distance - 1) < 1e-9).sum() == 2 * len(pairs)  # the bonds are all pairs at distance one


def test_sides_of_two_have_double_bonds():
    for lattice, kinds in ((lt.chain(2), 1), (lt.square(2), 2), (lt.cubic(2), 3)):
        pairs = list(
            zip(
                lattice["bond_source"].values.tolist(),
                lattice["bond_target"].values.tolist(),
                lattice["bond_kind"].values,
                strict=True,
            )
        )
        assert len(pairs) == kinds * lattice.sizes["site"]
        for a, b, kind in pairs:
            assert (b, a, kind) in pairs
    hopping = np.zeros((4, 4))
    square = lt.square(2)
    np.add.at(hopping, (square["bond_source"].values, square["bond_target"].values), 1.0)
    np.testing.assert_array_equal(
        hopping + hopping.T, 2 * np.array([[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]])
    )
    # free levels of the doubled bonds are those of the Bloch waves k = 0, pi: 2 cos kx + 2 cos ky
    np.testing.assert_allclose(np.linalg.eigvalsh(hopping + hopping.T), [-4, 0, 0, 4], rtol=0, atol=1e-14)


@all_lattices
def test_what_a_lattice_carries(lattice):
    assert not lattice.data_vars
    dims = {
        "position": ("site", "axis"),
        "torus": ("period", "axis"),
        "bond_source": ("bond",),
        "bond_target": ("bond",),
        "bond_vector": ("bond", "axis"),
        "bond_kind": ("bond",),
    }
    for name, expected in dims.items():
        assert lattice[name].dims == expected
        assert set(lattice[name].attrs) == {"units", "long_name", "symbol"}
    assert {
        name: lattice[name].attrs["units"] for name in ("position", "torus", "bond_vector")
    } == dict.fromkeys(("position", "torus", "bond_vector"), "a")
    assert lattice["bond_source"].dtype.kind == lattice["bond_target"].dtype.kind == "i"
    assert lattice["bond_kind"].dtype.kind == "U"


# --- cells of one's own -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("built", "vectors", "shape", "bonds"),
    [
        (lt.chain(6), [[1]], [6], [(0, 0, [1], "x")]),
        (lt.square(3, 4), [[1, 0], [0, 1]], (3, 4), [(0, 0, (1, 0), "x"), (0, 0, (0, 1), "y")]),
        (
            lt.triangular(4, 2),
            [[1, 0], [0.5, S3 / 2]],
            (4, 2),
            [(0, 0, (1, 0), "c"), (0, 0, (0, 1), "p"), (0, 0, (-1, 1), "p")],
        ),
        (
            lt.cubic(2),
            np.eye(3),
            (2, 2, 2),
            [(0, 0, (1, 0, 0), "x"), (0, 0, (0, 1, 0), "y"), (0, 0, (0, 0, 1), "z")],
        ),
    ],
    ids=["chain", "square", "triangular", "cubic"],
)
def test_from_cell_reproduces_the_named_lattices(built, vectors, shape, bonds):
    xr.testing.assert_identical(lt.from_cell(vectors, shape=shape, bonds=bonds), built)


def test_from_cell_numbers_the_basis_first():
    lattice = honeycomb((3, 2))
    for j, i, b in itertools.product(range(2), range(3), range(2)):
        expected = i * np.array([S3, 0]) + j * np.array([S3 / 2, 1.5]) + [0, b]
        np.testing.assert_allclose(lattice["position"][b + 2 * (i + 3 * j)], expected, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(lattice["cells"], [3, 2])
    vectors = {
        kind: np.unique(lattice["bond_vector"].values[lattice["bond_kind"].values == kind].round(12), axis=0)
        for kind in "xyz"
    }
    np.testing.assert_allclose(vectors["z"], [[0, 1]], rtol=0, atol=1e-12)
    np.testing.assert_allclose(vectors["y"], [[S3 / 2, 0.5]], rtol=0, atol=1e-12)
    np.testing.assert_allclose(vectors["x"], [[-S3 / 2, 0.5]], rtol=0, atol=1e-12)
    # bonds join the two sublattices only
    assert ((lattice["bond_source"] % 2) != (lattice["bond_target"] % 2)).all()


def test_honeycomb_levels_are_those_of_bloch_waves():
    """+-|sum of the three phases| on the grid of wave vectors: an independent check of bonds,
    boundary and wave vectors.
    """
    lattice = honeycomb((4, 3))
    hopping = np.zeros((24, 24))
    np.add.at(hopping, (lattice["bond_source"].values, lattice["bond_target"].values), 1.0)
    steps = np.array([[0, 1], [-S3 / 2, -0.5], [S3 / 2, -0.5]])  # from basis site 0 to its neighbours
    gap = np.abs(np.exp(1j * wave_vectors(lattice) @ steps.T).sum(axis=1))
    np.testing.assert_allclose(
        np.linalg.eigvalsh(hopping + hopping.T), np.sort(np.concatenate([gap, -gap])), rtol=0, atol=1e-13
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"vectors": [[1, 0], [2, 0]]}, ValueError, "vectors must be"),
        ({"vectors": [[1, 0]]}, ValueError, "vectors must be"),
        ({"vectors": [[1, np.nan], [0, 1]]}, ValueError, "vectors must be"),
        ({"vectors": np.eye(4)}, ValueError, "vectors must be"),
        ({"shape": (3,)}, ValueError, "shape must have 2 entries"),
        ({"shape": (3, 0)}, ValueError, "shape must be a whole number >= 1, got 0"),
        ({"shape": (3, 2.5)}, ValueError, "shape must be a whole number"),
        ({"shape": (3, "2")}, TypeError, "shape must be a whole number"),
        ({"basis": [0, 0]}, ValueError, "basis must be"),
        ({"basis": [[0, np.inf]]}, ValueError, "basis must be"),
        ({"bonds": []}, ValueError, "bonds is empty"),
        ({"bonds": [(0, 1, (0, 0), "x")]}, ValueError, "bonds: .*sites below 1"),
        ({"bonds": [(-1, 0, (0, 0), "x")]}, ValueError, "bonds: "),
        ({"bonds": [(0, 0, (1,), "x")]}, ValueError, "bonds: .*cell offset of 2 entries"),
        ({"bonds": [(0, 0, (1, 0))]}, ValueError, "bonds: "),
        ({"bonds": [(0, 0, (0.5, 0), "x")]}, (TypeError, ValueError), "bonds: "),
        ({"bonds": [(0, 0, (0, 0), "x")]}, ValueError, "bonds: .*itself"),
        ({"basis": [[0, 0], [0, 0]], "bonds": [(0, 1, (1, 0), "x")]}, ValueError, "basis"),
        (
            {"basis": [[0, 0], [1, 2 + 1e-8]], "bonds": [(0, 1, (1, 0), "x")]},
            ValueError,
            "basis .*same point",
        ),
        (
            {"basis": [[0, 0], [0.5, 0]], "bonds": [(0, 0.5, (0, 0), "x")]},
            ValueError,
            "bonds: .*whole numbers",
        ),
        ({"bonds": [(0, 0, (np.inf, 0), "x")]}, ValueError, "bonds: .*whole numbers"),
        *(
            (
                {"basis": [[0, 0], [0.5, 0]], "bonds": bonds},
                ValueError,
                r"again, .*double.*; give each bond once",
            )
            for bonds in (
                [(0, 0, (1, 0), "x"), (0, 0, (-1, 0), "x")],
                [(0, 1, (0, 0), "x"), (1, 0, (0, 0), "x")],
                [(0, 1, (2, -1), "x"), (0, 1, (0, 0), "x"), (1, 0, (-2, 1), "y")],
                [(0, 1, (0, 0), "x"), (0, 1, [0, 0], "x")],
            )
        ),
    ],
)
def test_from_cell_refuses(change, error, message):
    arguments = {"vectors": np.eye(2), "shape": (3, 3), "bonds": [(0, 0, (1, 0), "x")]} | change
    with pytest.raises(error, match=message):
        lt.from_cell(arguments.pop("vectors"), **arguments)


def test_a_bond_and_its_image_on_a_small_torus_are_two():
    """Only one bond in both directions is refused: on a torus of two cells (1) and (-1) end at one site."""
    both = lt.from_cell(
        [[1.0]], shape=(2,), basis=[[0.0], [0.5]], bonds=[(0, 1, (0,), "x"), (1, 0, (1,), "x")]
    )
    np.testing.assert_array_equal(both["bond_vector"], 0.5)


@pytest.mark.parametrize("build", [lt.chain, lt.square, lt.triangular, lt.cubic])
@pytest.mark.parametrize(
    ("side", "error"),
    [
        (1, ValueError),
        (0, ValueError),
        (2.5, ValueError),
        ("4", TypeError),
        (True, TypeError),
        (None, TypeError),
    ],
)
def test_sides_are_whole_numbers_of_two_and_more(build, side, error):
    with pytest.raises(error, match="must be a whole number >= 2"):
        build(side)


# --- wave vectors and stripes -------------------------------------------------------------------------------


@all_lattices
def test_wave_vectors_fit_the_torus(lattice):
    waves, cells = wave_vectors(lattice), lattice["cells"].values
    assert waves.shape == (np.prod(cells), len(cells))
    turns = waves @ lattice["torus"].values.T / (2 * np.pi)
    np.testing.assert_allclose(turns, np.rint(turns), rtol=0, atol=1e-12)
    # all different: the waves are orthogonal on the cells
    origin = lattice["position"].values[:: lattice.sizes["site"] // len(waves)]
    phase = np.exp(1j * origin @ waves.T)
    np.testing.assert_allclose(phase.conj().T @ phase, len(waves) * np.eye(len(waves)), rtol=0, atol=1e-10)
    np.testing.assert_array_equal(waves[0], 0.0)


SKEWED = [
    [[1, 0], [0, 1]],
    [[1, 0], [2, 1]],
    [[1, 0], [5, 1]],
    [[1, 0], [12, 1]],
    [[1, 0.3], [-3, 1]],
    [[1, 0, 0], [3, 1, 0], [4, 5, 1]],
]


@pytest.mark.parametrize("vectors", SKEWED)
def test_wave_vectors_are_the_shortest_of_their_class(vectors):
    """However skewed the cell that describes the lattice."""
    d = len(vectors)
    lattice = lt.from_cell(vectors, shape=(4,) * d, bonds=[(0, 0, (1,) + (0,) * (d - 1), "x")])
    waves = wave_vectors(lattice)
    reciprocal = 2 * np.pi * np.linalg.inv(np.array(vectors, dtype=float)).T
    n = np.arange(-30, 31) if d == 2 else np.arange(-12, 13)
    shifts = np.stack(np.meshgrid(*[n] * d, indexing="ij"), axis=-1).reshape(-1, d) @ reciprocal
    shortest = np.array([np.linalg.norm(q + shifts, axis=1).min() for q in waves])
    np.testing.assert_allclose(np.linalg.norm(waves, axis=1), shortest, rtol=0, atol=1e-11)
    zones = zone_vectors(lattice, 4, caller="test")
    np.testing.assert_array_equal(zones[0], waves)
    shortest = np.array([np.sort(np.linalg.norm(q + shifts, axis=1))[:4] for q in waves])
    np.testing.assert_allclose(np.linalg.norm(zones, axis=-1).T, shortest, rtol=0, atol=1e-9)


def test_stripes_of_the_triangular_lattice():
    names, waves = stripes(lt.triangular(4))
    assert names == ["horizontal", "diagonal_1", "diagonal_2"]
    x = lt.triangular(4)["position"].values
    patterns = np.cos(x @ waves.T)
    np.testing.assert_allclose(np.abs(patterns), 1.0, rtol=1e-12)
    np.testing.assert_allclose(patterns.sum(axis=0), 0.0, rtol=0, atol=1e-12)
    # each stripe is constant along its row: (1, 0), (1/2, sqrt3/2), (-1/2, sqrt3/2), and alternates along the
    # other two
    rows = np.array([[1, 0], [0.5, S3 / 2], [-0.5, S3 / 2]])
    np.testing.assert_allclose(np.cos(waves @ rows.T), 2 * np.eye(3) - 1, rtol=0, atol=1e-12)


def test_stripes_of_other_lattices():
    names, waves = stripes(lt.square(4))
    assert names[0] == "horizontal"
    found = {name: tuple((np.abs(q) / np.pi).round(12)) for name, q in zip(names, waves, strict=True)}
    assert found == {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}
    names, waves = stripes(lt.cubic(2))
    assert len(names) == 7
    assert "(1/2, 1/2, 1/2)" in names
    np.testing.assert_allclose(waves[names.index("(1/2, 0, 0)")], [np.pi, 0, 0])
    names, waves = stripes(honeycomb())  # two sites per cell: no rows to name
    assert sorted(names) == ["(0, 1/2)", "(1/2, 0)", "(1/2, 1/2)"]
    assert stripes(lt.chain(6))[0] == ["(1/2)"]


def test_only_stripes_that_fit():
    assert stripes(lt.square(4, 5))[0] == ["vertical"]
    assert stripes(lt.triangular(3, 4))[0] == ["horizontal"]
    names, waves = stripes(lt.triangular(3))
    assert names == []
    assert waves.shape == (0, 2)


# --- Coulomb interaction of the charge glass ----------------------------------------------------------------


def test_coulomb_numbers_of_the_twelve_by_twelve_lattice():
    """Thirteen printed digits."""
    lattice = lt.triangular(12)
    V = xg.coulomb(lattice, self_image="include")
    assert float(V[0, 1]) == pytest.approx(0.6504817396979, abs=1e-12)
    assert float(V[0, 12]) == pytest.approx(0.6504817396979, abs=1e-12)
    assert float(V[0, 13]) == pytest.approx(0.2310536799921, abs=1e-12)


@pytest.mark.parametrize("L", [2, 4, 5, 6, 12])
def test_self_term_scales_as_the_inverse_side(L):
    V = xg.coulomb(lt.triangular(L), self_image="include")
    np.testing.assert_allclose(np.diag(V), -4.213422636137 / L, rtol=0, atol=1e-12)


def triangular_spins(L, pattern):
    """s = +-1/2 on the sites of an L x L triangular lattice, from pattern(i, j) in {0, 1}."""
    j, i = np.divmod(np.arange(L * L), L)
    return np.where(pattern(i, j) % 2 == 0, 0.5, -0.5)


STRIPES = {"horizontal": lambda i, j: j, "diagonal_1": lambda i, j: i, "diagonal_2": lambda i, j: i + j}


@pytest.mark.parametrize("L", [4, 6, 8, 12])
def test_stripe_energies(L):
    """Per site in spin form -0.1755592765057 for every L and orientation (13 digits of the prototype).

    Eq. (1) has n = s + 1/2: all row sums are those of one site per cell, V_s(1) = -4.2134, and half the sites
    lack V_s(1)/L.
    """
    lattice = lt.triangular(L)
    V, bare = xg.coulomb(lattice, self_image="include").values, xg.coulomb(lattice).values
    names, waves = stripes(lattice)
    for orientation, pattern in STRIPES.items():
        s = triangular_spins(L, pattern)
        wave = waves[names.index(orientation)]
        np.testing.assert_allclose(
            np.cos(lattice["position"].values @ wave), 2 * s, rtol=0, atol=1e-10
        )  # the stripe of that name
        assert s @ V @ s / (2 * L**2) == pytest.approx(-0.1755592765057, abs=2e-13)
        n = s + 0.5
        eq1 = n @ bare @ n / (2 * L**2)
        assert eq1 == pytest.approx(-0.1755592765057 - 4.213422636137 * (1 / 8 - 1 / (4 * L)), abs=1e-12)
        if L == 12:
            assert eq1 == pytest.approx(-0.6144574677700, abs=1e-12)


@pytest.mark.parametrize("L", [4, 8])
def test_zigzag_energy(L):
    """Seven digits of the prototype."""
    s = triangular_spins(L, lambda i, j: i + j // 2)
    V = xg.coulomb(lt.triangular(L), self_image="include").values
    assert s @ V @ s / (2 * L**2) == pytest.approx(-0.1710002, abs=5e-8)


def test_defect_pairs_of_the_stripe():
    """All four diagonal moves out of a row cost 0.4028739193364, from the energies before and after."""
    L = 12
    U = xg.coulomb(lt.triangular(L)).values
    n = triangular_spins(L, STRIPES["horizontal"]) + 0.5
    i, j = 5, 4
    for di, dj in ((0, 1), (-1, 1), (0, -1), (1, -1)):
        moved = n.copy()
        moved[i + L * j] -= 1
        moved[i + di + L * (j + dj)] += 1
        assert set(moved) == {0.0, 1.0}
        assert (moved @ U @ moved - n @ U @ n) / 2 == pytest.approx(0.4028739193364, abs=2e-12)


def test_crystals_of_larger_cells():
    """Rock salt, fcc and bcc from cells with a basis:
    the constants do not depend on how the crystal is written.
    """
    for lattice, expected in (
        (lt.square(4), 1.615542626713),
        (lt.cubic(2), 1.747564594633182),
        (lt.chain(6), 2 * np.log(2)),
    ):
        V = xg.coulomb(lattice, self_image="include").values
        sign = (-1.0) ** lattice["position"].values.sum(axis=1).round()
        np.testing.assert_allclose(-(V @ sign) * sign, expected, rtol=0, atol=2e-12)
    bcc = lt.from_cell(
        np.eye(3), shape=(2, 2, 2), basis=[[0, 0, 0], [0.5, 0.5, 0.5]], bonds=[(0, 1, (0, 0, 0), "x")]
    )
    V = xg.coulomb(bcc, self_image="include").values
    # one electron per site in a uniform background: energy per electron (row sum)/2 in e^2/r_s
    np.testing.assert_allclose(
        V.sum(axis=1) / 2 * (3 / (8 * np.pi)) ** (1 / 3), -0.895929255682, rtol=0, atol=1e-11
    )


@all_lattices
def test_potential_of_the_full_lattice_is_that_of_one_cell(lattice):
    """Composition: summed over all cells, L cells become the torus of one (self term included)."""
    cells, basis = lattice["cells"].values, lattice.sizes["site"] // int(np.prod(lattice["cells"].values))
    V = xg.coulomb(lattice, self_image="include").values
    x, cell = lattice["position"].values[:basis], lattice["torus"].values / cells[:, None]
    displacement = (x[None] - x[:, None]).reshape(-1, len(cells))
    single = ewald.power_law(displacement, cell, 1.0).reshape(basis, basis)
    summed = V.reshape(-1, basis, len(V) // basis, basis).sum(axis=2)[0]
    # in the plane and in space the average over the cell vanishes; on a ring the background is cut at one
    # lattice spacing, no scale enters
    np.testing.assert_allclose(summed, single, rtol=0, atol=1e-12 * len(V))


@pytest.mark.parametrize("N", [2, 5, 12])
def test_ring_by_its_closed_form_and_composition(N):
    V = xg.coulomb(lt.chain(N), self_image="include").values
    x = np.arange(1, N)
    closed = -(special.digamma(x / N) + special.digamma(1 - x / N)) / N - 2 / N * np.log(N)
    np.testing.assert_allclose(V[0, 1:], closed, rtol=0, atol=1e-14)
    doubled = xg.coulomb(lt.chain(2 * N), self_image="include").values
    np.testing.assert_allclose(V[0], doubled[0, :N] + doubled[0, N:], rtol=0, atol=1e-14)


@pytest.mark.parametrize("self_image", ["exclude", "include", -0.18, 0, np.float32(-0.5), np.int64(1)])
def test_diagonal_is_what_was_asked_for(self_image):
    lattice = lt.triangular(4)
    V = xg.coulomb(lattice, self_image=self_image)
    expected = {"exclude": 0.0, "include": -4.213422636137 / 4}.get(self_image, self_image)
    np.testing.assert_allclose(np.diag(V), expected, rtol=0, atol=1e-12)
    off = ~np.eye(16, dtype=bool)
    np.testing.assert_array_equal(V.values[off], xg.coulomb(lattice).values[off])
    assert V.dims == ("site", "site2")
    assert V.name == "interaction"
    assert V.attrs["units"] == "Vc"


@pytest.mark.parametrize(
    "function",
    [
        lambda **k: lt.coulomb(lt.square(2), **k),
        lambda **k: lt.yukawa(lt.square(2), length=0.5, **k),
        lambda **k: lt.power_law(lt.square(2), exponent=3, **k),
    ],
)
@pytest.mark.parametrize("self_image", ["both", np.nan, np.inf, True, None])
def test_other_diagonals_are_refused(function, self_image):
    with pytest.raises(ValueError, match="self_image must be 'exclude', 'include' or a finite number"):
        function(self_image=self_image)


# --- gates, screening, power laws on lattices ---------------------------------------------------------------


@pytest.mark.parametrize("gates", [1, 2])
def test_gate_distance_may_be_swept(gates):
    lattice = lt.triangular(3)
    V = xg.coulomb(lattice, gate_distance=[0.5, 2.0], gates=gates, self_image="include")
    assert V.dims == ("gate_distance", "site", "site2")
    assert V["gate_distance"].attrs["units"] == "a"
    for d in (0.5, 2.0):
        single = xg.coulomb(lattice, gate_distance=d, gates=gates, self_image="include")
        assert single.dims == ("site", "site2")
        assert float(single["gate_distance"]) == d
        np.testing.assert_array_equal(V.sel(gate_distance=d), single)
        x, periods = lattice["position"].values, lattice["torus"].values
        np.testing.assert_allclose(
            single[0], ewald.gated_layer(x - x[0], periods, d, gates), rtol=0, atol=1e-14
        )
    # DataArrays keep their dims
    named = xg.coulomb(
        lattice, gate_distance=xr.DataArray([[0.5, 2.0]], dims=("a", "b")), gates=gates, self_image="include"
    )
    assert named.dims == ("a", "b", "site", "site2")
    assert named["gate_distance"].dims == ("a", "b")
    np.testing.assert_array_equal(named[0], V.values)


def test_gates_screen_the_bare_interaction():
    """The plate images lower the repulsion; two screen more than one in this order at short distance;
    far plates do nothing.
    """
    lattice = lt.square(6)
    bare = xg.coulomb(lattice, self_image="include")
    for gates in (1, 2):
        swept = xg.coulomb(lattice, gate_distance=[0.3, 1.0, 30.0], gates=gates, self_image="include")
        np.testing.assert_allclose(swept.sel(gate_distance=30.0), bare, rtol=0, atol=1e-12)
        contrast = (swept[:, 0, 1] - swept[:, 0, 21]).values  # free of the uniform part
        assert (np.diff(contrast) > 0).all()
        excluded = xg.coulomb(lattice, gate_distance=0.3, gates=gates)
        np.testing.assert_array_equal(np.diag(excluded), 0.0)
    one, two = (
        np.diag(xg.coulomb(lattice, gate_distance=1.0, gates=g, self_image="include"))[0] for g in (1, 2)
    )
    # own image of one plate -1/2d, of two -ln2/d; the rest of V_s is smooth
    assert two < one < float(bare[0, 0])


def between_gates(lattice, d, gates, reach):
    """The potential of a charge at the first site and of all its images in the plane, but for its own place.

    Two plates: (2/d) sum over odd m of K0(m pi r/2d), which decays as exp(-pi r/2d). One plate: the charge
    and its image, out to a radius, and 4 pi d^2/(A X) for those beyond it.
    """
    x, periods = lattice["position"].values, lattice["torus"].values
    steps = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 2), axis=-1).reshape(-1, 2) @ periods
    r = np.linalg.norm((x - x[0])[:, None, :] + steps, axis=-1)
    apart = r > 1e-9
    r = np.where(apart, r, 1.0)
    if gates == 2:
        m = np.arange(1, 121, 2)
        terms = sum(2 / d * special.k0(k * np.pi * r / (2 * d)) for k in m)
        return np.where(apart, terms, 0.0).sum(axis=1)
    radius = 0.8 * reach * np.linalg.norm(periods, axis=1).min()
    near = apart & (r < radius)
    tail = 4 * np.pi * d**2 / abs(np.linalg.det(periods)) / radius
    return np.where(near, 1 / r - 1 / np.hypot(r, 2 * d), 0.0).sum(axis=1) + tail


@pytest.mark.parametrize("gates", [1, 2])
@pytest.mark.parametrize("self_image", ["exclude", 0.0, -0.3])
def test_gates_need_no_background(gates, self_image):
    """Plates hold the opposite charge: the sum over images converges, and is all there is between sites."""
    lattice, d = lt.triangular(6), 1.0
    U = xg.coulomb(lattice, gate_distance=d, gates=gates, self_image=self_image).values
    direct = between_gates(lattice, d, gates, reach=7 if gates == 2 else 60)
    np.testing.assert_allclose(U[0, 1:], direct[1:], rtol=0, atol=1e-12 if gates == 2 else 2e-5)
    np.testing.assert_array_equal(np.diag(U), 0.0 if self_image == "exclude" else self_image)
    # with "include" a uniform part is off all entries; V_s is that of the images, in the plates too
    alike = xg.coulomb(lattice, gate_distance=d, gates=gates, self_image="include").values
    uniform = 2 * np.pi * d * (3 - gates) / abs(np.linalg.det(lattice["torus"].values))
    np.testing.assert_allclose((U - alike)[0, 1:], uniform, rtol=0, atol=1e-12)
    own = -1 / (2 * d) if gates == 1 else -np.log(2) / d
    np.testing.assert_allclose(
        alike[0, 0] + uniform, own + direct[0], rtol=0, atol=1e-12 if gates == 2 else 2e-5
    )


@pytest.mark.parametrize(("L", "gap"), [(4, 0.72809), (6, 0.71738), (8, 0.71701), (12, 0.71699)])
def test_the_stripe_gap_between_gates_does_not_depend_on_the_size(L, gap):
    """It misses the images in the plates, ln 2/d, and periodic ones that fall off exponentially.

    With a background it would miss that too, 2 pi d/A: .275, .516, .603, .667 at these sizes.
    """
    lattice = lt.triangular(L)
    rows = np.arange(L * L) // L % 2
    found = {}
    for self_image in ("exclude", "include"):
        phi = xg.coulomb(lattice, gate_distance=1.0, self_image=self_image).values @ rows
        found[self_image] = np.ptp(phi)
        assert np.ptp(phi[rows == 0]) < 1e-12
        assert np.ptp(phi[rows == 1]) < 1e-12
    direct = between_gates(lattice, 1.0, 2, reach=7)
    alternating = direct @ np.where(rows, -1.0, 1.0)
    assert found["exclude"] == pytest.approx(gap, abs=5e-6)
    # phi is rows seen from the first site, an empty one, less the same from an occupied one
    assert found["exclude"] == pytest.approx(direct[0] - alternating, abs=1e-12)
    assert found["include"] == pytest.approx(1.410138, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: xg.coulomb(lt.square(2), gates=3), "gates must be 1 or 2, got 3"),
        (lambda: xg.coulomb(lt.square(2), gate_distance=0.0), "gate_distance must be > 0"),
        (lambda: xg.coulomb(lt.square(2), gate_distance=[1.0, -1.0]), "gate_distance must be > 0"),
        (
            lambda: xg.coulomb(lt.square(2), gate_distance="3 nm"),
            "gate_distance came as 3 nm .*lattice spacings",
        ),
        (
            lambda: xg.coulomb(lt.chain(3), gate_distance=1.0),
            "gate_distance needs a two-dimensional lattice, got 1",
        ),
        (
            lambda: xg.coulomb(lt.cubic(2), gate_distance=1.0),
            "gate_distance needs a two-dimensional lattice, got 3",
        ),
        (
            lambda: xg.coulomb(lt.square(4).isel(site=slice(8))),
            "8 sites for 16 cells; pass the whole lattice",
        ),
        (lambda: lt.yukawa(lt.square(2), length=0.0), "length must be > 0"),
        (lambda: lt.yukawa(lt.square(2), length=[1.0, 0.0]), "length must be > 0"),
        (lambda: lt.yukawa(lt.square(2), length=1e4), "image terms; use coulomb"),
        (lambda: lt.power_law(lt.square(2), exponent=-1.0), "exponent must be > 0"),
        (lambda: lt.power_law(lt.square(2), exponent=[1, 1]), "exponent repeats values"),
        (lambda: lt.power_law(lt.square(2), exponent=np.inf), "exponent must be finite"),
    ],
)
def test_interactions_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_interactions_sweep_their_parameter():
    lattice = lt.triangular(3)
    for function, values in (
        (lt.yukawa, {"length": [0.2, 0.4]}),
        (lt.power_law, {"exponent": [1.0, 2.0, 3.0]}),
    ):
        ((name, sequence),) = values.items()
        swept = function(lattice, **values)
        assert swept.dims == (name, "site", "site2")
        for value in sequence:
            one = function(lattice, **{name: value})
            assert one.dims == ("site", "site2")
            assert one[name] == value
            np.testing.assert_array_equal(swept.sel({name: value}), one)
        model = xg.charge_glass(lattice, interaction=swept)
        assert model["interaction"].dims == swept.dims
        np.testing.assert_array_equal(model[name], sequence)


def test_interactions_want_a_lattice():
    with pytest.raises(TypeError, match="coulomb: give the Dataset"):
        xg.coulomb(lt.square(2)["position"])
    with pytest.raises(KeyError, match="coulomb: a lattice without a model has no 'torus'"):
        xg.coulomb(lt.square(2).drop_vars("torus"))


@all_lattices
def test_power_law_one_is_coulomb(lattice):
    one = lt.power_law(lattice, exponent=1, self_image="include")
    np.testing.assert_allclose(one, xg.coulomb(lattice, self_image="include"), rtol=0, atol=2e-13)


def test_yukawa_approaches_coulomb():
    """A long screening length: contrasts become those of 1/r with errors of order 1/length^2 (2 pi/(A (G^2 +
    1/l^2)^(1/2))).
    """
    lattice = lt.square(2)
    V = xg.coulomb(lattice).values
    errors = []
    for length in (3.0, 6.0):
        U = lt.yukawa(lattice, length=length).values
        errors.append(abs((U[0, 1] - U[0, 3]) - (V[0, 1] - V[0, 3])))
    assert errors[0] < 0.02
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)


def test_interactions_of_basis_lattices_by_a_loop():
    """Kagome and honeycomb: every pair from its own lattice sum."""
    for lattice in (honeycomb((2, 3)), kagome()):
        x, periods, n = lattice["position"].values, lattice["torus"].values, lattice.sizes["site"]
        direct = np.array(
            [[ewald.layer((x[b] - x[a])[None], periods)[0] for b in range(n)] for a in range(n)]
        )
        np.testing.assert_allclose(xg.coulomb(lattice, self_image="include"), direct, rtol=0, atol=2e-14)
        direct = np.array(
            [[ewald.yukawa((x[b] - x[a])[None], periods, 0.4)[0] for b in range(n)] for a in range(n)]
        )
        np.testing.assert_allclose(
            lt.yukawa(lattice, length=0.4, self_image="include"), direct, rtol=1e-13, atol=1e-16
        )


def test_power_laws_beyond_the_range_of_numbers_are_refused():
    close = lt.from_cell([[1.0]], shape=(4,), basis=[[0.0], [0.3]], bonds=[(0, 1, (0,), "x")])
    assert np.isfinite(lt.power_law(close, exponent=300)).all()
    with pytest.raises(ValueError, match=r"power_law: exponent = 700 takes .* beyond the range of numbers"):
        lt.power_law(close, exponent=[3, 700])
