"""The particle-hole bubble against sums over wave vectors one by one, sum rules and a closed form."""

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import polygamma

import xglass as xg

#: What the documentation says; the sums below are good to 1e-15.
EXACT = 1e-11


def chain(N=12):
    return xg.lattice.chain(N)


def bcc(L):
    bonds = [(0, 0, offset, "x") for offset in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)]]
    return xg.lattice.from_cell(
        0.5 * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]), shape=(L,) * 3, bonds=bonds
    )


LATTICES = {
    "chain": (chain(12), {}),
    "odd chain": (chain(7), {}),
    "square": (xg.lattice.square(8), {}),
    "rectangle": (xg.lattice.square(4, 6), {"hopping": {"x": -1.0, "y": -0.4}}),
    "triangular": (xg.lattice.triangular(5, 6), {"hopping": {"p": -1.0, "c": 0.3}}),
    "cubic": (xg.lattice.cubic(6), {}),
    "smallest cubic": (xg.lattice.cubic(2), {}),
    "odd cubic": (xg.lattice.cubic(3), {}),
    "anisotropic": (xg.lattice.cubic(4), {"hopping": {"x": -1.0, "y": -0.8, "z": -0.25}}),
    "flat along z": (xg.lattice.cubic(4), {"hopping": {"x": -1.0, "y": -1.0, "z": 0.0}}),
    "bcc": (bcc(4), {"t": 0.7}),
}


def by_matrix(lattice, hopping, filling, T, numbers):
    """(m, q1, q2, ...) chi0 from the eigenstates of the hopping matrix: no wave vector is ever put in.

    Plane waves are read off from the positions of cells, energies from the matrix between sites.
    """
    sites = lattice.sizes["site"]
    H = np.zeros((sites, sites))
    np.add.at(H, (lattice["bond_source"].values, lattice["bond_target"].values), hopping)
    H += H.T
    cells = [int(n) for n in lattice["cells"].values]
    index = np.stack(np.unravel_index(np.arange(sites), cells[::-1])[::-1], axis=-1)
    waves = np.array([*itertools.product(*(range(n) for n in cells))])
    phase = np.exp(2j * np.pi * (waves / cells) @ index.T) / np.sqrt(sites)  # (k, site)
    energy = np.einsum("ki,ij,kj->k", phase.conj(), H, phase).real

    def f(mu):
        return 1.0 / (np.exp((energy - mu) / T) + 1.0)

    mu = brentq(lambda mu: f(mu).mean() - filling, energy.min() - 60 * T, energy.max() + 60 * T, xtol=1e-15)
    number = {tuple(wave): k for k, wave in enumerate(waves.tolist())}
    result = np.zeros((len(numbers), sites))
    n, xi = f(mu), energy - mu
    for q, wave in enumerate(waves):
        shifted = np.array([number[tuple(k)] for k in ((waves + wave) % cells).tolist()])
        D, pairs = xi[shifted] - xi, n - n[shifted]
        degenerate = abs(D) < 1e-9
        for k, m in enumerate(numbers):
            static = n * (1.0 - n) / T if m == 0 else 0.0 * n
            term = pairs * D / np.where(degenerate, 1.0, (2 * np.pi * m * T) ** 2 + D**2)
            result[k, q] = np.where(degenerate, static, term).mean()
    return result.reshape(len(numbers), *cells)


@pytest.mark.parametrize("name", LATTICES)
def test_bubble_is_the_sum_over_pairs(name):
    lattice, options = LATTICES[name]
    numbers = [0, 1, 5, 60]
    fillings, temperatures = [0.08, 0.5, 0.7], [0.08, 1.5]
    model = xg.cavity_glass(lattice, filling=fillings, **options)
    chi = xg.particle_hole_bubble(model, T=temperatures, matsubara=numbers, chunks=None)["susceptibility"]
    assert float(chi.min()) >= 0.0
    for n, T in itertools.product(fillings, temperatures):
        expected = by_matrix(lattice, model["hopping"].values, n, T, numbers)
        found = chi.sel(filling=n, T=T).transpose("matsubara", ...).values
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=EXACT)


def test_at_low_temperature_and_high_frequency():
    """A band of 600 temperatures, and frequencies far beyond it: the basis has all energies."""
    lattice = chain(64)
    model = xg.cavity_glass(lattice, filling=0.3)
    numbers = [0, 1, 17, 400, 10_000]
    chi = xg.particle_hole_bubble(model, T=1 / 150, matsubara=numbers, chunks=None)["susceptibility"]
    expected = by_matrix(lattice, model["hopping"].values, 0.3, 1 / 150, numbers)
    np.testing.assert_allclose(chi.values, expected, rtol=0.0, atol=EXACT)
    assert chi.values[-1].max() > 100 * EXACT


def test_uniform_response_is_the_isothermal_one():
    """The mean of f (1 - f) / T, which is dn / dmu; and nothing at any other frequency."""
    model = xg.cavity_glass(xg.lattice.square(32), filling=[0.299, 0.3, 0.301])
    chi = xg.particle_hole_bubble(model, T=0.5, matsubara=[0, 1, 2], chunks=None)["susceptibility"]
    uniform = chi.sel(qx=0.0, qy=0.0)
    assert (uniform.sel(matsubara=[1, 2]) == 0.0).all()
    k = 2 * np.pi * np.arange(32) / 32
    energy = -2.0 * (np.cos(k)[:, None] + np.cos(k))

    def density(mu):
        return (1.0 / (np.exp((energy - mu) / 0.5) + 1.0)).mean()

    low, high = (brentq(lambda mu, n=n: density(mu) - n, -9, 9, xtol=1e-14) for n in (0.299, 0.301))
    assert float(uniform.sel(matsubara=0, filling=0.3)) == pytest.approx(0.002 / (high - low), rel=1e-5)


#: Frequencies in a sum over all: from here on chi0 falls as 1 / m^2.
MOST = 6000


@pytest.mark.parametrize("lattice", [chain(10), xg.lattice.triangular(4), xg.lattice.cubic(4)])
def test_sum_over_frequencies_is_the_equal_time_correlation(lattice):
    """Of every wave vector the mean of f_k (1 - f_k+q); over the zone n (1 - n)."""
    n, T = 0.3, 0.4
    model = xg.cavity_glass(lattice, filling=n)
    numbers = np.arange(MOST)
    chi = xg.particle_hole_bubble(model, T=T, matsubara=numbers, chunks=None)["susceptibility"].values
    tail = chi[-1] * (MOST - 1) ** 2 * polygamma(1, MOST)
    total = T * (chi[0] + 2.0 * (chi[1:].sum(axis=0) + tail))
    cells = [int(k) for k in lattice["cells"].values]
    f = occupations(lattice, model["hopping"].values, n, T, cells)
    for q in np.ndindex(*cells):
        shifted = np.roll(f, [-m for m in q], axis=tuple(range(len(cells))))
        assert total[q] == pytest.approx((f * (1.0 - shifted)).mean(), abs=1e-7)
    assert total.mean() == pytest.approx(n * (1.0 - n), abs=1e-7)


def occupations(lattice, hopping, n, T, cells):
    """(k1, k2, ...) Fermi function on the grid, by the Fourier transform of one row of the matrix."""
    row = np.zeros(lattice.sizes["site"])
    for source, target, value in zip(
        lattice["bond_source"].values, lattice["bond_target"].values, hopping, strict=True
    ):
        if source == 0:
            row[target] += value
        if target == 0:
            row[source] += value
    energy = np.fft.fftn(row.reshape(cells[::-1])).real.T

    def f(mu):
        return 1.0 / (np.exp((energy - mu) / T) + 1.0)

    return f(brentq(lambda mu: f(mu).mean() - n, -30, 30, xtol=1e-15))


def response_of_a_chain(q, frequency, kF):
    """chi0 of the infinite chain at T = 0, in closed form.

    With s = 2 sin(q/2), D = 2 s sin(k + q/2) and k within the Fermi sea,
    int dk / 2 pi 2 D / (Omega^2 + D^2) = [ln (b + cos y) / (b - cos y)] / (4 pi s b), y from kF + q/2 to
    -kF + q/2, b^2 = 1 + (Omega / 2 s)^2.
    """
    s = 2.0 * np.sin(0.5 * q)
    a = 0.5 * frequency / s
    b = np.hypot(1.0, a)

    def ratio(y):  # b +- cos y without cancellation
        return (a**2 / (b + 1) + 2 * np.cos(0.5 * y) ** 2) / (a**2 / (b + 1) + 2 * np.sin(0.5 * y) ** 2)

    return np.log(ratio(kF - 0.5 * q) / ratio(kF + 0.5 * q)) / (4.0 * np.pi * s * b)


def test_infinite_chain_is_the_closed_form():
    """At T > 0 chi0 is that of T = 0, averaged over Fermi levels with -f'. No grid has any part in it."""
    N, n, T = 512, 0.3, 0.1
    model = xg.cavity_glass(chain(N), filling=n)
    chi = xg.particle_hole_bubble(model, T=T, matsubara=[0, 1, 7], chunks=None)["susceptibility"]
    energy = -2.0 * np.cos(2.0 * np.pi * np.arange(4096) / 4096)
    mu = brentq(lambda mu: (1.0 / (np.exp((energy - mu) / T) + 1.0)).mean() - n, -3.0, 3.0, xtol=1e-15)
    for m, q in itertools.product([0, 1, 7], [20, 87, 250]):  # both sides of 2 kF = 154
        wave, frequency = 2.0 * np.pi * q / N, 2.0 * np.pi * m * T

        def weighted(kF, wave=wave, frequency=frequency):
            thermal = 1.0 / (4.0 * T * np.cosh((np.cos(kF) + 0.5 * mu) / T) ** 2)
            return response_of_a_chain(wave, frequency, kF) * thermal * 2.0 * np.sin(kF)

        # a logarithm at 2 kF = q and 2 pi - q
        ends = [0.0, 0.5 * wave, np.arccos(-0.5 * mu), np.pi - 0.5 * wave, np.pi]
        parts = [
            quad(weighted, *pair, epsabs=1e-14, epsrel=1e-12)[0] for pair in itertools.pairwise(sorted(ends))
        ]
        assert float(chi.sel(matsubara=m)[q]) == pytest.approx(sum(parts), abs=EXACT)


@given(
    dimension=st.integers(1, 3),
    half=st.integers(1, 4),
    filling=st.floats(0.01, 0.49),
    T=st.floats(0.05, 5.0),
    t=st.floats(0.01, 2.0),
)
@settings(max_examples=20, deadline=None)
def test_symmetry_of_hypercubic_lattices(dimension, half, filling, T, t):
    """chi0(q) = chi0(-q), every permutation of axes, and the sign of t and holes for particles do nothing."""
    L = 2 * half
    lattice = [xg.lattice.chain, xg.lattice.square, xg.lattice.cubic][dimension - 1](L)

    model = xg.cavity_glass(lattice, filling=[filling, 1.0 - filling], t=[t, -t])
    bubble = xg.particle_hole_bubble(model, T=T, matsubara=[0, 3], chunks=None)
    (first, holes), (turned, _) = bubble["susceptibility"].values
    axes = tuple(range(1, dimension + 1))
    inverse = np.roll(np.flip(first, axes), 1, axes)
    np.testing.assert_array_equal(first, inverse)
    for order in itertools.permutations(axes):
        np.testing.assert_array_equal(first, first.transpose(0, *order))
    np.testing.assert_allclose(turned, first, rtol=0, atol=1e-12 / T)
    np.testing.assert_allclose(holes, first, rtol=0, atol=1e-12 / T)
    assert (first >= 0.0).all()
    assert first[0].mean() * T <= filling * (1.0 - filling) + 1e-12


@given(filling=st.floats(0.05, 0.95), T=st.floats(0.05, 2.0), ratio=st.floats(-1.5, 1.5))
@settings(max_examples=15, deadline=None)
def test_inversion_of_any_lattice(filling, T, ratio):
    model = xg.cavity_glass(xg.lattice.triangular(5, 4), filling=filling, hopping={"p": -1.0, "c": ratio})
    chi = xg.particle_hole_bubble(model, T=T, matsubara=[0, 1], chunks=None)["susceptibility"].values
    np.testing.assert_allclose(np.roll(chi[:, ::-1, ::-1], 1, (1, 2)), chi, rtol=0, atol=1e-12 / T)


def test_two_routes_to_the_cube():
    """Products of matrices, fast cosine transforms, and transforms that know of no symmetry."""
    numbers = [0, 1, 9]
    cube, options = xg.lattice.cubic(10), {"T": 0.2, "matsubara": numbers, "chunks": None}
    fast = xg.particle_hole_bubble(xg.cavity_glass(cube, filling=0.4), **options)["susceptibility"]
    nearly = {"x": -1.0, "y": -1.0, "z": -1.0 - 1e-13}  # no cube to the code; the same to 1e-12
    slow = xg.particle_hole_bubble(xg.cavity_glass(cube, filling=0.4, hopping=nearly), **options)
    np.testing.assert_allclose(fast.values, slow["susceptibility"].values, rtol=0, atol=1e-11)


def test_coordinates_and_order_of_dims():
    model = xg.cavity_glass(xg.lattice.square(4, 6), filling=[0.3, 0.4], t=[0.5, 1.0, 2.0])
    bubble = xg.particle_hole_bubble(model, T=[0.2, 0.4], matsubara=[3, 0])
    chi = bubble["susceptibility"]
    assert chi.dims == ("t", "filling", "T", "matsubara", "qx", "qy")
    np.testing.assert_allclose(chi["qy"], 2 * np.pi * np.arange(6) / 6)
    assert bubble["matsubara_frequency"].dims == ("T", "matsubara")
    np.testing.assert_allclose(bubble["matsubara_frequency"], 2 * np.pi * np.outer([0.2, 0.4], [3, 0]))
    one = xg.particle_hole_bubble(model, T=0.2, matsubara=3)["susceptibility"]
    assert one.dims == ("t", "filling", "qx", "qy")
    assert int(one["matsubara"]) == 3
    xr.testing.assert_allclose(one.compute(), chi.sel(T=0.2, matsubara=3).compute(), rtol=0, atol=1e-12)
    # T and all energies times two is chi0 over two
    half, whole = chi.sel(t=0.5, T=0.2, drop=True), chi.sel(t=1.0, T=0.4, drop=True)
    np.testing.assert_allclose(half, 2.0 * whole, rtol=0, atol=1e-11)
