"""Ewald sums against sums that know no splitting parameter: direct sums over images,
rows of Bessel functions, closed forms.
"""

import functools
import itertools

import numpy as np
import pytest
from scipy import integrate, special

from xglass.engine.core import ewald

LINE = np.eye(1)
SQUARE = np.eye(2)
TRIANGULAR = np.array([[1.0, 0.0], [0.5, np.sqrt(3) / 2]])
OBLIQUE = np.array([[1.3, 0.2], [-0.4, 0.9]])
CUBE = np.eye(3)
SKEWED = np.array([[1.0, 0.1, 0.0], [-0.2, 1.1, 0.3], [0.4, 0.0, 0.9]])

FORMS = {
    "line": LINE,
    "square": SQUARE,
    "triangular": TRIANGULAR,
    "oblique": OBLIQUE,
    "cube": CUBE,
    "skewed": SKEWED,
}


def volume(periods):
    return abs(np.linalg.det(periods))


def random_displacements(periods, n=6, seed=0):
    """Displacements over two cells in each direction, none near a lattice point,
    and the zero displacement first.
    """
    d = len(periods)
    fractional = np.random.default_rng(seed).uniform(-1.0, 1.0, (40 * n, d))
    away = np.linalg.norm(ewald.nearest_image(fractional @ periods, periods), axis=1) > 0.2
    return np.concatenate([np.zeros((1, d)), fractional[away][:n] @ periods])


@functools.cache
def _images(key, radius):
    periods = FORMS[key]
    n = int(np.ceil(radius * np.linalg.norm(np.linalg.inv(periods), axis=0).max())) + 2
    axes = [np.arange(-n, n + 1)] * len(periods)
    vectors = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(periods)) @ periods
    return vectors[np.linalg.norm(vectors, axis=1) < radius + 2.5]  # displacements are shorter than 2.5


def extrapolated(values, steps):
    """Neville's polynomial extrapolation of values(step) to step 0."""
    table = list(values)
    for order in range(1, len(steps)):
        for k in range(len(steps) - order):
            table[k] = (steps[k] * table[k + 1] - steps[k + order] * table[k]) / (steps[k] - steps[k + order])
    return table[0]


def direct_sum(key, displacement, term, background):
    """Sum of term(distance) over images, each weighted by exp(-e distance^2), less ``background(e)``,
    extrapolated to e = 0.

    The background is that part of the weighted sum that is uniform in space, so what is left is a power
    series in e. The steps are a compromise with cost: the extrapolation is good to 1e-12 in the plane and to
    1e-9 in space.
    """
    steps = 0.1 * 0.5 ** np.arange(6) if len(FORMS[key]) < 3 else 0.03 * np.arange(1, 7)
    vectors = _images(key, np.sqrt(37.0 / steps.min()))
    results = []
    for r in displacement:
        distance = np.linalg.norm(r + vectors, axis=1)
        distance = distance[distance > 1e-9]
        bare = term(distance)
        results.append(extrapolated([bare @ np.exp(-e * distance**2) - background(e) for e in steps], steps))
    return np.array(results)


def direct_power_law(key, displacement, s):
    d, omega = len(FORMS[key]), volume(FORMS[key])
    surface = 2 * np.pi ** (d / 2) / special.gamma(d / 2)  # 2, 2 pi, 4 pi

    def background(e):
        """(1/Omega) int x^-s exp(-e x^2) d^dx over space; its continuation for s > d;
        outside one spacing for s = d.
        """
        if s == d:
            return surface / omega * special.exp1(e) / 2
        return surface / omega * special.gamma((d - s) / 2) / 2 * e ** ((s - d) / 2)

    return direct_sum(key, displacement, lambda x: x**-s, background)


def rows_of_charges(displacement, periods, height=0.0):
    """The layer sum by rows of charges: a logarithm across the rows and Bessel functions K0 along them. No
    splitting.

    Zero average over the cell: of cos by itself, of the logarithm because int ln(2 cosh a - 2 cos t) dt = 2
    pi a. The first period must lie along x. Not for points on a row (K0 diverges).
    """
    length, (shift, pitch) = periods[0, 0], periods[1]
    assert periods[0, 1] == 0.0
    k, m = np.arange(-40, 41), np.arange(1, 60)[:, None]
    results = []
    for x, y in displacement:
        rho = np.hypot(y + k * pitch, height)
        waves = 2 * np.pi * m / length
        bessel = 4 / length * (special.k0(waves * rho) * np.cos(waves * (x + k * shift))).sum()
        a, b = 2 * np.pi * height / pitch, 2 * np.pi * y / pitch
        results.append(bessel - (np.log(2 * np.cosh(a) - 2 * np.cos(b)) - a) / length)
    return np.array(results)


def alternating(shape):
    """(vectors of one magnetic cell, signs) of the rock salt arrangement."""
    cells = np.stack(np.meshgrid(*[np.arange(2)] * shape, indexing="ij"), axis=-1).reshape(-1, shape)
    return cells.astype(float), (-1.0) ** cells.sum(axis=1)


# --- constants of crystals ----------------------------------------------------------------------------------


def test_madelung_constants_of_rock_salt():
    """1D: 2 ln 2 exactly. The digits of the others are printed in the literature; 1e-11 is all of them."""
    for d, expected in ((1, 2 * np.log(2)), (2, 1.615542626713), (3, 1.747564594633182)):
        vectors, sign = alternating(d)
        assert -sign @ ewald.power_law(vectors, 2 * np.eye(d), 1.0) == pytest.approx(expected, abs=1e-11)
    vectors, sign = alternating(2)
    assert -sign @ ewald.layer(vectors, 2 * np.eye(2)) == pytest.approx(1.615542626713, abs=1e-11)
    closed = (
        4 * (1 - np.sqrt(2)) * special.zeta(0.5) * dirichlet_beta(0.5)
    )  # -sum (-1)^(i+j) / sqrt(i^2 + j^2)
    assert -sign @ ewald.layer(vectors, 2 * np.eye(2)) == pytest.approx(closed, abs=1e-13)


@pytest.mark.parametrize(
    ("periods", "expected"),
    [(TRIANGULAR, -1.106102586715), (SQUARE, -1.100244420471)],
    ids=["triangular", "square"],
)
def test_wigner_crystals_of_the_plane(periods, expected):
    """Energy per particle in e^2/r_s, r_s = 1/sqrt(pi n): half the potential of the particle's own images."""
    area = volume(periods)
    energy = ewald.layer(np.zeros((1, 2)), periods)[0] / 2
    assert energy * np.sqrt(area / np.pi) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize(
    ("periods", "per_cube", "expected"),
    [
        (CUBE, 1, -0.880059442112),
        (np.array([[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]]), 2, -0.895929255682),
        (np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]), 4, -0.895873615195),
    ],
    ids=["sc", "bcc", "fcc"],
)
def test_wigner_crystals_of_space(periods, per_cube, expected):
    """Energy per particle in e^2/r_s with 4 pi r_s^3 n / 3 = 1;
    twelve digits are printed in the literature.
    """
    energy = ewald.power_law(np.zeros((1, 3)), periods, 1.0)[0] / 2
    assert energy * (3 / (4 * np.pi * per_cube)) ** (1 / 3) == pytest.approx(expected, abs=1e-11)


def dirichlet_beta(s):
    """sum (-1)^n / (2n+1)^s by Cohen, Villegas and Zagier's acceleration; converges for every s > 0."""
    n, power = 40, (3 + np.sqrt(8)) ** 40
    d = (power + 1 / power) / 2
    b, c, total = -1.0, -d, 0.0
    for k in range(n):
        c = b - c
        total += c / (2 * k + 1) ** s
        b *= (k + n) * (k - n) / ((k + 0.5) * (k + 1))
    return total / d


# --- one dimension ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1.0, 5.0, 12.0])
def test_ring_of_charges_is_a_digamma_function(length):
    x = np.linspace(0.05, 0.95, 7) * length
    closed = -(special.digamma(x / length) + special.digamma(1 - x / length)) / length - 2 / length * np.log(
        length
    )
    np.testing.assert_allclose(
        ewald.power_law(x[:, None], [[length]] * LINE, 1.0), closed, rtol=1e-14, atol=1e-14
    )
    self_term = 2 * np.euler_gamma / length - 2 / length * np.log(length)
    assert ewald.power_law(np.zeros((1, 1)), length * LINE, 1.0)[0] == pytest.approx(self_term, abs=1e-14)


@pytest.mark.parametrize("s", [1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 11.5])
def test_ring_above_its_dimension_is_a_hurwitz_zeta_function(s):
    x, length = np.array([0.3, 1.0, 2.5, -6.2]), 3.5
    q = np.mod(x, length) / length
    closed = length**-s * (special.zeta(s, q) + special.zeta(s, 1 - q))
    np.testing.assert_allclose(ewald.power_law(x[:, None], length * LINE, s), closed, rtol=1e-13)


@pytest.mark.parametrize("s", [0.1, 0.5, 0.9, 1.1, 2.0, 3.0, 5.5])
def test_ring_of_own_images_is_the_riemann_zeta_function(s):
    """Below s = 1 its continuation: the neutral background is the pole's part that drops out of the
    continuation.
    """
    value = ewald.power_law(np.zeros((1, 1)), 3.5 * LINE, s)[0]
    assert value == pytest.approx(2 * 3.5**-s * special.zeta(s), rel=2e-14)


# --- direct sums over images in one, two and three dimensions -----------------------------------------------

# not d + 2, d + 4, ...: there the weighted sum is no power series in e (it has logarithms); closed forms and
# plain sums cover them
CASES = [("line", s) for s in (0.5, 1.0, 1.7, 3.4)]
CASES += [("square", s) for s in (0.5, 1.0, 2.0, 2.6)]
CASES += [("oblique", s) for s in (1.0, 1.5, 2.0, 3.0, 5.5)]
CASES += [("cube", 1.0), ("skewed", 1.0), ("skewed", 2.0), ("skewed", 3.0), ("skewed", 4.0), ("skewed", 6.5)]


@pytest.mark.parametrize(("key", "s"), CASES)
def test_power_law_below_at_and_above_the_dimension(key, s):
    periods = FORMS[key]
    displacement = random_displacements(periods, n=2 if len(periods) < 3 else 1)
    tolerance = 1e-11 if len(periods) < 3 else 3e-9  # what the extrapolation leaves
    direct = direct_power_law(key, displacement, s)
    np.testing.assert_allclose(
        ewald.power_law(displacement, periods, s), direct, rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize(
    ("key", "s", "radius"), [("square", 4.0, 400), ("square", 9.0, 60), ("skewed", 12.0, 16)]
)
def test_steep_power_laws_by_plain_summation(key, s, radius):
    """Nothing but the sum; what lies beyond is below 2 pi X^-2 / 2 = 2e-5, 2 pi X^-7 / 7 = 3e-13,
    4 pi X^-9 / 9 = 2e-11.
    """
    displacement = random_displacements(FORMS[key])[1:]
    vectors = _images(key, radius)
    plain = [(np.linalg.norm(r + vectors, axis=1) ** -s).sum() for r in displacement]
    np.testing.assert_allclose(
        ewald.power_law(displacement, FORMS[key], s), plain, rtol=1e-10 if s > 4 else 2e-6
    )


@pytest.mark.parametrize("s", [0.5, 1.0, 1.5, 2.5, 3.0, 4.0, 7.0])
def test_own_images_of_the_square_and_triangular_lattice_factorise(s):
    """sum' |R|^-s = 4 zeta(s/2) beta(s/2) and 6 zeta(s/2) L(s/2), L of the character mod 3 (Lorenz 1871),
    on both sides of the pole.
    """
    square = ewald.power_law(np.zeros((1, 2)), SQUARE, s)[0]
    assert square == pytest.approx(4 * special.zeta(s / 2) * dirichlet_beta(s / 2), rel=1e-13)
    if s > 2:
        character = 3 ** (-s / 2) * (special.zeta(s / 2, 1 / 3) - special.zeta(s / 2, 2 / 3))
        triangular = ewald.power_law(np.zeros((1, 2)), TRIANGULAR, s)[0]
        assert triangular == pytest.approx(6 * special.zeta(s / 2) * character, rel=1e-13)


def test_own_images_at_the_pole():
    """s = d = 2: the finite part of 4 zeta(s/2) beta(s/2) - 2 pi/(s-2), which is pi gamma + 4 beta'(1)."""
    gamma = np.euler_gamma
    slope = np.pi / 4 * (gamma + 2 * np.log(2) + 3 * np.log(np.pi) - 4 * special.loggamma(0.25))
    value = ewald.power_law(np.zeros((1, 2)), SQUARE, 2.0)[0]
    assert value == pytest.approx(np.pi * gamma + 4 * slope, abs=1e-13)


@pytest.mark.parametrize("key", ["line", "oblique", "skewed"])
def test_the_pole_is_a_limit_from_both_sides(key):
    """V_{d+e} and V_{d-e} carry +-S_d/(Omega e), which their mean loses; the rest is even in e:
    two e's leave O(e^4) = 1e-7.
    """
    periods = FORMS[key]
    d = float(len(periods))
    displacement = random_displacements(periods)
    means = [
        (ewald.power_law(displacement, periods, d + e) + ewald.power_law(displacement, periods, d - e)) / 2
        for e in (0.02, 0.01)
    ]
    np.testing.assert_allclose(
        ewald.power_law(displacement, periods, d), (4 * means[1] - means[0]) / 3, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize(
    ("s", "cubic", "face_centred"),
    [(6.0, 8.40192397482754, 14.45392104375), (12.0, 6.20214904504752, 12.13188019654)],
)
def test_lennard_jones_sums(s, cubic, face_centred):
    """The constants of the simple and face-centred cubic lattices,
    nearest neighbours at distance 1 (eleven digits of the latter).
    """
    close_packed = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]) / np.sqrt(2)
    assert ewald.power_law(np.zeros((1, 3)), CUBE, s)[0] == pytest.approx(cubic, abs=1e-12)
    assert ewald.power_law(np.zeros((1, 3)), close_packed, s)[0] == pytest.approx(face_centred, abs=2e-10)


# --- composition and the zero of the potential --------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "s"),
    [("line", 1.0), ("line", 2.0), ("oblique", 0.7), ("oblique", 2.0), ("cube", 1.0), ("skewed", 3.0)],
)
def test_the_doubled_torus_composes(key, s):
    """V_L(r) = sum of V_2L over the 2^d translations by L; at r = 0 the self term stands for one of them."""
    periods = FORMS[key]
    displacement = random_displacements(periods)
    shifts = (
        np.stack(np.meshgrid(*[(0, 1)] * len(periods), indexing="ij"), axis=-1).reshape(-1, len(periods))
        @ periods
    )
    doubled = sum(ewald.power_law(displacement + shift, 2 * periods, s) for shift in shifts)
    np.testing.assert_allclose(ewald.power_law(displacement, periods, s), doubled, rtol=0, atol=2e-13)


@pytest.mark.parametrize("height", [0.0, 0.3])
def test_the_doubled_layer_composes(height):
    displacement = random_displacements(OBLIQUE)
    shifts = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) @ OBLIQUE
    doubled = sum(ewald.layer(displacement + shift, 2 * OBLIQUE, height) for shift in shifts)
    np.testing.assert_allclose(ewald.layer(displacement, OBLIQUE, height), doubled, rtol=0, atol=2e-13)


def cell_average(function, periods, points, offset):
    """Mean over the cell on a grid that avoids the particle: exact up to wave vectors of the grid,
    1e-13 for smooth functions.
    """
    axes = [(np.arange(points) + offset) / points] * len(periods)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(periods)) @ periods
    return function(grid).mean()


def test_zero_average_over_the_cell():
    """The divergence at the particle is subtracted as an analytic 1/r^s cut smooth by erfc,
    whose average is known.
    """
    alpha = 3.0
    # layer and 3D 1/r: subtract erfc(alpha r)/r of the nearest images; int erfc(alpha r)/r = 2 sqrt(pi)/alpha
    # (2D), pi/alpha^2 (3D)
    for periods, function, integral in (
        (OBLIQUE, lambda r: ewald.layer(r, OBLIQUE), 2 * np.sqrt(np.pi) / alpha),
        (SKEWED, lambda r: ewald.power_law(r, SKEWED, 1.0), np.pi / alpha**2),
    ):
        images = ewald.lattice_vectors(periods, 4.5)

        def smooth(r, function=function, images=images):
            x = np.linalg.norm(r[:, None] + images, axis=-1)
            return function(r) - (special.erfc(alpha * x) / x).sum(axis=1)

        average = cell_average(smooth, periods, 14, 0.37) + integral / volume(periods)
        assert average == pytest.approx(
            0.0, abs=1e-12
        )  # aliasing exp(-(2 pi 14 / 1.4)^2 / 4 alpha^2) < 1e-40


# --- layers and gates ---------------------------------------------------------------------------------------

SHEARED = np.array([[1.2, 0.0], [0.35, 0.95]])


@pytest.mark.parametrize("periods", [SQUARE, TRIANGULAR, SHEARED], ids=["square", "triangular", "sheared"])
@pytest.mark.parametrize("height", [0.0, 0.2, 1.0])
def test_layer_by_rows_of_charges(periods, height):
    rng = np.random.default_rng(1)
    displacement = np.stack([rng.uniform(-1, 1, 8), rng.uniform(0.25, 0.75, 8) * periods[1, 1]], axis=1)
    expected = rows_of_charges(displacement, periods, height)
    np.testing.assert_allclose(ewald.layer(displacement, periods, height), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("height", [0.3, 0.8, 2.5, 40.0])
def test_layers_apart_by_the_plain_reciprocal_series(height):
    """(2 pi/A) sum_G exp(-G z) cos(G r)/G, all terms above 1e-17;
    includes the particle right below (r = 0).
    """
    displacement = random_displacements(OBLIQUE)
    reciprocal = 2 * np.pi * np.linalg.inv(OBLIQUE).T
    n = np.arange(-60, 61)
    waves = np.stack(np.meshgrid(n, n, indexing="ij"), axis=-1).reshape(-1, 2) @ reciprocal
    size = np.linalg.norm(waves, axis=1)
    waves, size = waves[size > 0], size[size > 0]
    series = 2 * np.pi / volume(OBLIQUE) * np.cos(displacement @ waves.T) @ (np.exp(-size * height) / size)
    np.testing.assert_allclose(ewald.layer(displacement, OBLIQUE, height), series, rtol=1e-11, atol=1e-13)


def test_height_has_no_sign_and_no_jump():
    displacement = random_displacements(OBLIQUE)
    np.testing.assert_array_equal(
        ewald.layer(displacement, OBLIQUE, -0.4), ewald.layer(displacement, OBLIQUE, 0.4)
    )
    # dV/dz at z = 0 is 2 pi/A, the field of the uniform background that zero average brings in
    for z in (1e-5, 1e-6):
        slope = (ewald.layer(displacement[1:], OBLIQUE, z) - ewald.layer(displacement[1:], OBLIQUE)) / z
        np.testing.assert_allclose(slope, 2 * np.pi / volume(OBLIQUE), rtol=100 * z)


def test_the_three_dimensional_sum_in_the_plane_is_the_power_law_of_one():
    displacement = random_displacements(OBLIQUE)
    np.testing.assert_allclose(
        ewald.layer(displacement, OBLIQUE), ewald.power_law(displacement, OBLIQUE, 1.0), rtol=0, atol=5e-14
    )


@pytest.mark.parametrize("distance", [0.2, 0.7, 2.0])
def test_one_gate_by_direct_summation(distance):
    """sum_R [1/r - 1/sqrt(r^2 + 4 d^2)] - 4 pi d/A; at r = 0 the particle's own image -1/(2d) stays in."""
    area, z = volume(OBLIQUE), 2 * distance

    def missing(e):
        """4 pi d/A less the part of the integral of the term beyond the convergence factor."""
        tail, _ = integrate.quad(
            lambda x: 2 * np.pi * x * (1 / x - 1 / np.hypot(x, z)) * -np.expm1(-e * x * x),
            0,
            np.inf,
            limit=500,
        )
        closed = np.pi**1.5 / np.sqrt(e) * (1 - special.erfcx(z * np.sqrt(e)))
        assert 4 * np.pi * distance - tail == pytest.approx(closed, rel=1e-6)
        return closed / area

    displacement = random_displacements(OBLIQUE, n=3)
    direct = direct_sum("oblique", displacement, lambda x: 1 / x - 1 / np.hypot(x, z), missing)
    direct[0] -= 1 / z
    np.testing.assert_allclose(
        ewald.gated_layer(displacement, OBLIQUE, distance, 1), direct, rtol=0, atol=1e-11
    )


def between_plates(r, distance):
    """Charge halfway between plates at +-d, seen in its plane: (2/d) sum over odd m of K0(m pi r / 2d)."""
    near, total = r < 3 * distance, np.empty_like(r)
    for part, terms in ((near, 400), (~near, 20)):  # the last term is below exp(-36)
        m = np.arange(1, terms, 2)[:, None]
        total[part] = 2 / distance * special.k0(m * np.pi * r[part] / (2 * distance)).sum(axis=0)
    return total


def test_the_field_between_plates_is_the_alternating_image_series():
    """Mean of consecutive partial sums, three times over: the alternating remainder falls as k^-4."""
    r, d = np.array([0.3, 1.0]), 0.7
    k = np.arange(1, 4001)[:, None]
    partial = 1 / r + np.cumsum(2 * (-1.0) ** k / np.sqrt(r**2 + (2 * d * k) ** 2), axis=0)
    for _ in range(3):
        partial = (partial[1:] + partial[:-1]) / 2
    np.testing.assert_allclose(partial[-1], between_plates(r, d), rtol=1e-10)


@pytest.mark.parametrize("distance", [0.05, 0.2, 0.7, 1.2])
def test_two_gates_by_direct_summation(distance):
    """The screened charge decays as exp(-pi r / 2d), so its images are summed as they are;
    less the uniform 2 pi d/A.
    """
    displacement = random_displacements(OBLIQUE)
    vectors = _images("oblique", 26 * distance + 3)
    expected = []
    for r in displacement:
        x = np.linalg.norm(r + vectors, axis=1)
        own = -np.log(2) / distance if (x < 1e-9).any() else 0.0  # 2 sum_k (-1)^k / (2 d k)
        expected.append(
            own + between_plates(x[x > 1e-9], distance).sum() - 2 * np.pi * distance / volume(OBLIQUE)
        )
    # 1e-15 of the nearest image's 1/(2d), and the 32 terms of the accelerated series
    np.testing.assert_allclose(
        ewald.gated_layer(displacement, OBLIQUE, distance, 2), expected, rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("gates", [1, 2])
def test_distant_gates_screen_nothing(gates):
    """The correction is exp(-2 G d) of the smallest wave vector."""
    displacement = random_displacements(OBLIQUE)
    bare = ewald.layer(displacement, OBLIQUE)
    np.testing.assert_allclose(
        ewald.gated_layer(displacement, OBLIQUE, 12.0, gates), bare, rtol=0, atol=1e-13
    )
    near = ewald.gated_layer(displacement, OBLIQUE, 0.5, gates)
    assert abs(near - bare).max() > 1e-3


# --- screened interaction -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "length"), [("line", 0.5), ("line", 4.0), ("oblique", 0.1), ("oblique", 0.6), ("skewed", 0.15)]
)
def test_yukawa_by_a_loop(key, length):
    periods = FORMS[key]
    displacement = random_displacements(periods, n=2)
    reach = int(40 * length / 0.6) + 3
    for r, ours in zip(displacement, ewald.yukawa(displacement, periods, length), strict=True):
        total = 0.0
        for n in np.ndindex(*(2 * reach + 1,) * len(periods)):
            x = np.linalg.norm(r + (np.array(n) - reach) @ periods)
            if x > 1e-9:
                total += np.exp(-x / length) / x
        assert ours == pytest.approx(total, rel=1e-13, abs=1e-300)


def test_yukawa_on_a_ring_is_a_logarithm():
    """Own images: 2 sum exp(-n/l)/n = -2 ln(1 - exp(-1/l))."""
    for length in (0.2, 1.0, 10.0):
        value = ewald.yukawa(np.zeros((1, 1)), LINE, length)[0]
        assert value == pytest.approx(-2 * np.log1p(-np.exp(-1 / length)), rel=1e-13)


# --- the small parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [2.5, 1.0, 0.3, 1e-8, 0.0, -1e-8, -0.03, -0.5, -1.0, -1.00001, -2.0, -3.5])
def test_incomplete_gamma_function_by_quadrature(a):
    for x in (0.3, 1.0, 3.0, 12.0):
        integral, _ = integrate.quad(
            lambda t, x=x: np.exp(-t) * (1 + t / x) ** (a - 1), 0, np.inf, epsabs=0, epsrel=1e-12
        )
        assert ewald.upper_gamma(a, np.array([x]))[0] == pytest.approx(
            x ** (a - 1) * np.exp(-x) * integral, rel=1e-10
        )


@pytest.mark.parametrize("s", [4 + 1e-5, 4 - 1e-5, 4 + 1e-8, 4 - 1e-8])
def test_exponents_beside_a_pole_of_the_recursion(s):
    """Gamma(a, x) from Gamma(a + 1, x) divides by a, but the sum itself is smooth in s:
    at s = 4 + e it has moved by less than 20 e.
    """
    displacement = random_displacements(SQUARE)[:4]
    reference = ewald.power_law(displacement, SQUARE, 4.0)
    values = [ewald.power_law(displacement, SQUARE, s, splitting) for splitting in (1.2, None, 2.5)]
    np.testing.assert_allclose(values[1], reference, rtol=20 * abs(s - 4))
    for value in values:
        np.testing.assert_allclose(value, values[1], rtol=1e-10)


@pytest.mark.parametrize("s", [2 + 1e-5, 2 - 1e-5])
def test_exponents_beside_the_pole_of_the_sum(s):
    """The uniform part 2 pi/(s - 2) = 6e5 costs six digits, no more."""
    displacement = random_displacements(SQUARE)
    for splitting in (1.2, 2.5):
        value = ewald.power_law(displacement, SQUARE, s, splitting)
        np.testing.assert_allclose(value, ewald.power_law(displacement, SQUARE, s), rtol=0, atol=2e-9)


def test_nearest_image_is_the_shortest_representative():
    displacement = np.random.default_rng(2).uniform(-3, 3, (50, 2))
    for periods in (SQUARE, TRIANGULAR, OBLIQUE):
        n = np.arange(-8, 9)
        shifts = np.stack(np.meshgrid(n, n), axis=-1).reshape(-1, 2) @ periods
        shortest = np.linalg.norm(displacement[:, None] + shifts, axis=-1).min(axis=1)
        images = ewald.nearest_image(displacement, periods)
        np.testing.assert_allclose(np.linalg.norm(images, axis=1), shortest, rtol=1e-13)
        steps = (images - displacement) @ np.linalg.inv(periods)
        np.testing.assert_allclose(steps, np.rint(steps), rtol=0, atol=1e-12)


def test_lattice_vectors_are_all_that_are_near():
    for periods in (LINE, OBLIQUE, SKEWED, np.array([[1.0, 0.0], [5.0, 1.0]])):
        n = np.arange(-30, 31)
        every = (
            np.stack(np.meshgrid(*[n] * len(periods), indexing="ij"), axis=-1).reshape(-1, len(periods))
            @ periods
        )
        expected = (np.linalg.norm(every, axis=1) <= 3.7).sum()
        found = ewald.lattice_vectors(periods, 3.7)
        assert len(found) == expected
        assert len(np.unique(found.round(9), axis=0)) == expected


@pytest.mark.parametrize("s", [118.0, 250.0, 299.0, 300.0, 301.0, 343.5, 700.0, 1e4])
@pytest.mark.parametrize(
    "periods",
    [
        np.diag([3.0]),
        np.diag([400.0]),
        np.array([[6.0, 0.0], [3.0, 27**0.5]]),
        40 * np.eye(2),
        3 * np.eye(3),
    ],
)
def test_the_steepest_power_laws_are_their_nearest_images(periods, s):
    """No overflow, whatever the exponent: what is beyond the range of numbers is 0 beside the nearest one."""
    d = len(periods)
    displacement = np.array([np.zeros(d), np.eye(d)[0], 1.5 * np.eye(d)[0]])
    images = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=d))) @ periods
    distances = np.linalg.norm(displacement[:, None] + images, axis=-1)
    with np.errstate(all="ignore"):
        expected = np.where(distances > 0.0, distances.astype(np.longdouble) ** -s, 0.0).sum(axis=1)
    values = ewald.power_law(displacement, periods, s)
    np.testing.assert_allclose(values, expected.astype(float), rtol=1e-9, atol=1e-16 if s < 300.0 else 1e-305)
