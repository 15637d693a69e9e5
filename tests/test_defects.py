"""Defects of charge order against plain loops over sites and bonds, and on configurations made by hand:
perfect stripes, walls, a pair of defects, the crossing of three stripes, threefold order.
"""

import numpy as np
import pytest
import xarray as xr
from scipy import optimize, special

import xglass as xg

S3 = np.sqrt(3)
WHOLE = ["occupied_neighbours", "defect_density", "local_stripe_order", "stripe_crossings"]
HONEYCOMB = xg.lattice.from_cell(
    [[S3, 0], [S3 / 2, 1.5]],
    shape=(4, 3),
    basis=[[0, 0], [0, 1]],
    bonds=[(0, 1, (0, 0), "z"), (1, 0, (0, 1), "y"), (1, 0, (-1, 1), "x")],
)
#: A square with one diagonal in every second cell: sites of four and of six bonds, in cells of two.
UNEVEN = xg.lattice.from_cell(
    [[2, 0], [0, 1]],
    shape=(3, 4),
    basis=[[0, 0], [1, 0]],
    bonds=[
        (0, 1, (0, 0), "x"), (1, 0, (1, 0), "x"), (0, 0, (0, 1), "y"), (1, 1, (0, 1), "y"),
        (0, 0, (1, 1), "d"),
    ],
)  # fmt: skip
LATTICES = {
    "chain": xg.lattice.chain(6),
    "square": xg.lattice.square(4, 6),
    "triangular": xg.lattice.triangular(6, 4),
    "odd": xg.lattice.triangular(5, 4),
    "two by two": xg.lattice.triangular(2),
    "cubic": xg.lattice.cubic(4),
    "honeycomb": HONEYCOMB,
    "uneven": UNEVEN,
}


def configured(lattice, occupation, **parameters):
    """A run that holds the given configurations (..., site)."""
    occupation = np.asarray(occupation, dtype=np.int8)
    dims = ("walker", "site")[-occupation.ndim :]
    return xg.charge_glass(lattice, interaction=None, **parameters).assign(occupation=(dims, occupation))


def drawn(lattice, walkers=5, filling=0.5, seed=1):
    return configured(lattice, np.random.default_rng(seed).random((walkers, lattice.sizes["site"])) < filling)


def cells(side):
    """Positions along the two cell vectors of the sites of a triangular lattice."""
    return np.arange(side**2) % side, np.arange(side**2) // side


def stripes(side):
    i, j = cells(side)
    return {"horizontal": j % 2, "diagonal_1": i % 2, "diagonal_2": (i + j) % 2}


def ends(lattice):
    """Each bond from either end: site, neighbour, and the vector to it."""
    bonds = (lattice[name].values for name in ("bond_source", "bond_target", "bond_vector"))
    for a, b, vector in zip(*bonds, strict=True):
        yield int(a), int(b), vector
        yield int(b), int(a), -vector


# -- coordination -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LATTICES)
def test_neighbours_are_counted_by_bonds(name):
    lattice = LATTICES[name]
    run = drawn(lattice)
    expected = np.zeros((5, lattice.sizes["site"]))
    for walker, n in enumerate(run["occupation"].values):
        for site, neighbour, _ in ends(lattice):
            expected[walker, site] += n[neighbour]
    np.testing.assert_array_equal(xg.occupied_neighbours(run), expected)
    for coordination in range(8):
        share = [np.mean([z == coordination for z in row]) for row in expected]
        np.testing.assert_array_equal(xg.defect_density(run, coordination=coordination), share)


@pytest.mark.parametrize("orientation", stripes(4))
def test_a_perfect_stripe_has_two_and_four(orientation):
    """Occupied sites have 2, empty ones 4, whatever row is occupied; every stripe of every size."""
    for side in (4, 6, 12):
        n = stripes(side)[orientation]
        z = xg.occupied_neighbours(configured(xg.lattice.triangular(side), [n, 1 - n]))
        np.testing.assert_array_equal(z, np.where([n, 1 - n], 2, 4))
    run = configured(xg.lattice.triangular(6), stripes(6)[orientation])
    found = [float(xg.defect_density(run, coordination=k)) for k in range(7)]
    assert found == [0.0, 0.0, 0.5, 0.0, 0.5, 0.0, 0.0]
    assert float(xg.defect_density(run)) == 0.0


def pair(side, orientation="horizontal"):
    """The stripe, the stripe with one particle moved to the next row, from where, and to where."""
    i, j = cells(side)
    stripe = stripes(side)[orientation]
    source = int(np.flatnonzero((i == 3) & (j == 3))[0])
    target = int(np.flatnonzero((i == 3) & (j == 4))[0])
    moved = stripe.copy()
    moved[[source, target]] = 0, 1
    assert (stripe[source], stripe[target]) == (1, 0)
    return stripe, moved, source, target


def test_a_pair_of_defects_has_two_regions_of_three_adjacent_sites():
    """Fig. 3b of Fratini et al.: three sites with three occupied neighbours about each of the two charges,
    each the neighbour of the other two.
    """
    _, moved, source, target = pair(12)
    lattice = xg.lattice.triangular(12)
    run = configured(lattice, moved)
    assert float(xg.defect_density(run)) == 6 / 144
    sites = np.flatnonzero(xg.occupied_neighbours(run) == 3)
    near = {site: {b for a, b, _ in ends(lattice) if a == site} for site in sites.tolist()}
    for centre in (source, target):
        region = {centre} | {site for site in near[centre] if site in near and moved[site] == moved[centre]}
        assert len(region) == 3
        assert all(region - {site} <= near[site] for site in region)
        near = {site: others for site, others in near.items() if site not in region}
    assert not near


def test_the_sites_of_a_defect_are_degenerate_up_to_next_neighbours():
    """Their potentials by nearest neighbours alone are equal; second neighbours split them."""
    lattice, (_, moved, _, _) = xg.lattice.triangular(12), pair(12)
    spread = {}
    for shells in (1, 2):
        U = np.tensordot([1.0, 1 / S3][:shells], within(lattice)[:shells], axes=1)
        model = xg.charge_glass(lattice, interaction=xr.DataArray(U, dims=("site", "site2")))
        run = model.assign(occupation=("site", moved.astype(np.int8)))
        phi = xg.electrostatic_potential(run).where(xg.occupied_neighbours(run) == 3)
        parts = [phi.where(run["occupation"] == k) for k in (0, 1)]
        spread[shells] = [float(part.max() - part.min()) for part in parts]
    np.testing.assert_allclose(spread[1], 0.0, atol=1e-12)
    assert min(spread[2]) > 0.1
    assert spread[2] == pytest.approx(spread[2][::-1], abs=1e-12)  # particles and holes


def test_every_pair_of_defects_costs_the_same():
    """Known from an independent Ewald sum, for all four moves to a neighbouring empty row."""
    lattice = xg.lattice.triangular(12)
    stripe, _, source, _ = pair(12)
    targets = [b for a, b, _ in ends(lattice) if a == source and stripe[b] == 0]
    made = np.tile(stripe, (5, 1))
    for moved, target in zip(made[1:], targets, strict=True):
        moved[[source, target]] = 0, 1
    for self_image in ("exclude", "include"):
        model = xg.charge_glass(lattice, self_image=self_image)
        energy = xg.electrostatic_energy(model.assign(occupation=(("walker", "site"), made.astype(np.int8))))
        np.testing.assert_allclose(energy[1:] - energy[0], 0.4028739193364, rtol=0, atol=1e-11)
    assert energy[0] == pytest.approx(-0.6144574677700 * 144, abs=1e-9)


def test_a_pair_gains_energy_of_second_order_where_hopping_is_small():
    """<K> = 2 sum_bonds t^2 (f_i - f_j) / (phi_i - phi_j), with the Fermi function f at half filling."""
    lattice, (stripe, moved, _, _) = xg.lattice.triangular(12), pair(12)
    t, T = 1e-3, 0.03
    run = xg.charge_glass(lattice, t_p=t, eta=-1.0).assign(
        occupation=(("walker", "site"), np.array([stripe, moved], dtype=np.int8))
    )
    kinetic, known = xg.kinetic_energy(run.assign_coords(T=T)).values, []
    for phi in xg.electrostatic_potential(run).values:
        mu = optimize.brentq(
            lambda mu, phi: special.expit((mu - phi) / T).sum() - 72, -5.0, 5.0, (phi,), 1e-14
        )
        f, total = special.expit((mu - phi) / T), 0.0
        for a, b, _ in ends(lattice):  # from either end, hence no factor 2
            gap = phi[a] - phi[b]
            total += t**2 * ((f[a] - f[b]) / gap if abs(gap) > 1e-9 else -f[a] * (1 - f[a]) / T)
        known.append(total)
    np.testing.assert_allclose(kinetic, known, rtol=2e-4)
    assert kinetic[1] - kinetic[0] == pytest.approx(known[1] - known[0], rel=2e-3)
    assert kinetic[1] - kinetic[0] < -30 * t**2


def within(lattice):
    """(shell, site, site) 1 for the sites at distance 1 and at distance 3^(1/2)."""
    r, torus = lattice["position"].values, lattice["torus"].values
    images = np.array([[a, b] for a in (-1, 0, 1) for b in (-1, 0, 1)]) @ torus
    distance = np.linalg.norm((r[:, None] - r)[:, :, None] + images, axis=-1).min(axis=-1)
    return np.array([abs(distance - d) < 1e-9 for d in (1.0, S3)]).astype(float)


# -- stripes around a site --------------------------------------------------------------------------

ONE_IN_A_CELL = ["chain", "square", "triangular", "odd", "two by two", "cubic"]


def staggered(lattice, n, q):
    """The formula, site by site, and the count of bonds."""
    total, bonds = np.zeros(n.size), np.zeros(n.size)
    for site, neighbour, vector in ends(lattice):
        total[site] += (2 * n[site] - 1) * (2 * n[neighbour] - 1) * np.cos(q @ vector)
        bonds[site] += 1
    return total, bonds


def waves(lattice, names):
    """Halves of reciprocal vectors, sorted by their own order on the lattice: the wave of every label."""
    cell = lattice["torus"].values / lattice["cells"].values[:, None]
    found = {}
    for half in np.ndindex(*(2,) * len(cell)):
        q = np.pi * np.linalg.inv(cell) @ np.array(half)
        n = (1 - np.sign(np.cos(lattice["position"].values @ q))) / 2
        order = xg.stripe_order(configured(lattice, n))
        if any(half) and float(order.max()) > 0.999:
            found[str(order.idxmax("orientation").values)] = q
    return np.array([found[name] for name in names])


@pytest.mark.parametrize("name", ONE_IN_A_CELL)
def test_local_stripe_order_is_its_sum_over_bonds(name):
    lattice = LATTICES[name]
    run = drawn(lattice)
    order = xg.local_stripe_order(run)
    assert order.dims == ("walker", "site", "orientation")
    for k, q in enumerate(waves(lattice, order["orientation"].values.tolist())):
        for walker, n in enumerate(run["occupation"].values):
            total, bonds = staggered(lattice, n.astype(float), q)
            np.testing.assert_allclose(order[walker, :, k], total / bonds, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shell", [1, 2, 3])
@pytest.mark.parametrize("name", ONE_IN_A_CELL)
def test_crossings_are_counted_over_a_ring(name, shell):
    """By steps along bonds, and whom each site of the ring belongs to."""
    lattice = LATTICES[name]
    sites = lattice.sizes["site"]
    run = drawn(lattice, walkers=40)
    order = xg.local_stripe_order(run).values
    crossed = xg.stripe_crossings(run, shell=shell).values
    if shell == 2:
        np.testing.assert_array_equal(crossed, xg.stripe_crossings(run))
    near = [{b for a, b, _ in ends(lattice) if a == site} for site in range(sites)]
    for walker in range(40):
        belongs = []
        for site in range(sites):
            best = order[walker, site].max()
            winners = np.flatnonzero(order[walker, site] == best)
            belongs.append(int(winners[0]) if best > 0.5 and len(winners) == 1 else None)
        for site in range(sites):
            ring, reached = {site}, {site}
            for _ in range(shell):
                ring = {b for a in ring for b in near[a]} - reached
                reached |= ring
            assert crossed[walker, site] == len({belongs[b] for b in ring} - {None})


@pytest.mark.parametrize("orientation", stripes(4))
def test_within_a_stripe_all_sites_belong_to_it(orientation):
    run = configured(xg.lattice.triangular(8), stripes(8)[orientation])
    order = xg.local_stripe_order(run)
    for name in stripes(4):
        expected = 1.0 if name == orientation else -1 / 3
        np.testing.assert_allclose(order.sel(orientation=name), expected, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(xg.stripe_crossings(run), 1.0)


def test_a_single_reversed_charge_is_seen_from_all_sides():
    n = stripes(8)["horizontal"].copy()
    n[27] ^= 1
    order = xg.local_stripe_order(configured(xg.lattice.triangular(8), n)).sel(orientation="horizontal")
    distance = np.where(within(xg.lattice.triangular(8))[0, 27], 1, 2)
    distance[27] = 0
    np.testing.assert_allclose(order, np.array([-1.0, 2 / 3, 1.0])[distance], rtol=0, atol=1e-15)


def test_a_wall_between_domains_of_one_orientation_is_no_crossing():
    """Horizontal stripes that are out of phase in two halves of the torus."""
    i, j = cells(12)
    run = configured(xg.lattice.triangular(12), (j + (i >= 6)) % 2)
    order = xg.local_stripe_order(run).sel(orientation="horizontal")
    # two of six neighbours are on the other side
    at_wall = np.isin(i, [0, 5, 6, 11])
    np.testing.assert_allclose(order, np.where(at_wall, 1 / 3, 1.0), atol=1e-15)
    np.testing.assert_array_equal(xg.stripe_crossings(run), 1.0)


def sectors(side):
    """Three sectors of stripes of three orientations, which meet at one place: by the angle about it."""
    r = xg.lattice.triangular(side)["position"].values
    x, y = (r - r[side // 2 + side * (side // 2)] - [0.1, 0.05]).T
    which = ((np.arctan2(y, x) + np.pi) // (2 * np.pi / 3)).astype(int) % 3
    return np.choose(which, list(stripes(side).values())), which


def test_three_orientations_meet_where_three_sectors_do():
    """Within a sector 1, along its edges 2, and 3 about the centre only."""
    side = 24
    lattice = xg.lattice.triangular(side)
    n, which = sectors(side)
    crossings = xg.stripe_crossings(configured(lattice, n)).values
    near = within(lattice)[0] > 0
    rings = [np.eye(side**2, dtype=bool)]
    for _ in range(4):
        rings.append((rings[-1].astype(int) @ (near | np.eye(side**2, dtype=bool)).astype(int)) > 0)
    met = [np.array([len({*which[ball]}) for ball in ring]) for ring in rings]
    inside = met[3] == 1  # nothing else within reach of the second neighbours' own neighbours
    assert inside.sum() > 50
    np.testing.assert_array_equal(crossings[inside], 1.0)
    assert (crossings <= met[2]).all()  # second neighbours
    centre = side // 2 + side * (side // 2)
    r = lattice["position"].values
    i, j = cells(side)
    interior = (abs(i - side // 2) < 8) & (abs(j - side // 2) < 8)  # far from where the torus closes
    three = np.flatnonzero((crossings == 3) & interior)
    assert three.size > 0
    assert np.linalg.norm(r[three] - r[centre], axis=1).max() < 4.0
    two = np.flatnonzero((crossings == 2) & interior)
    assert two.size > 10
    assert (met[4][two] >= 2).all()


# -- threefold order --------------------------------------------------------------------------------


def test_threefold_order_is_that_of_the_zone_corner():
    """One of three sublattices occupied, at filling 1/3: 1 at both corners K, nothing at stripes' waves."""
    i, j = cells(6)
    lattice = xg.lattice.triangular(6)
    run = configured(lattice, [(i - j) % 3 == k for k in range(3)], filling=1 / 3)
    K = np.array([[4 * np.pi / 3, 0.0], [2 * np.pi / 3, 2 * np.pi / S3]])
    order = xg.order_parameter(run, q=xr.DataArray(K, dims=("q", "axis")))
    np.testing.assert_allclose(order, 1.0, rtol=0, atol=1e-11)  # the filling has 12 digits
    np.testing.assert_allclose(xg.stripe_order(run), 0.0, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(xg.occupied_neighbours(run), np.where(run["occupation"] == 1, 0, 3))
    half = configured(lattice, ((i - j) % 3 == 0) | ((j % 2 == 0) & ((i - j) % 3 == 1)))
    corner = float(xg.order_parameter(half, q=K[0]))
    amplitude = abs(np.exp(2j * np.pi / 3 * np.arange(3)) @ [1.0, 0.5, 0.0]) / 1.5  # by sublattices
    assert corner == pytest.approx(amplitude, abs=1e-12)


@pytest.mark.parametrize("q", [[np.pi], [np.pi, 0.0, 0.0], []])
def test_a_wave_vector_of_the_wrong_length_is_refused(q):
    run = configured(LATTICES["triangular"], np.zeros(24))
    with pytest.raises(ValueError, match=r"order_parameter: q .*'axis'.* 2 components along 'axis'"):
        xg.order_parameter(run, q=q)
    wave = xr.DataArray(np.zeros((4, len(q))), dims=("q", "axis"))
    with pytest.raises(ValueError, match="order_parameter: q .* 2 components along 'axis'"):
        xg.order_parameter(run, q=wave)


# -- what is the same for all of them ---------------------------------------------------------------


def observe(name, run):
    return getattr(xg, name)(run)


@pytest.mark.parametrize("name", WHOLE)
def test_bits_do_not_depend_on_chunks(name):
    lattice = xg.lattice.triangular(6, 4)
    n = np.random.default_rng(2).integers(0, 2, (5, 7, 24)).astype(np.int8)
    run = xg.charge_glass(lattice).assign(occupation=(("walker", "sweep", "site"), n))
    whole = observe(name, run)
    for chunks in ({}, {"walker": 1}, {"walker": 2, "sweep": 3}):
        xr.testing.assert_identical(observe(name, run.chunk(chunks)).compute(scheduler="sync"), whole)


@pytest.mark.parametrize("name", WHOLE)
def test_many_configurations_are_taken_in_blocks(name, monkeypatch):
    from xglass.engine.charge import configurations, defects

    run = drawn(LATTICES["triangular"], walkers=7)
    whole = observe(name, run)
    monkeypatch.setattr(defects, "blocks", lambda rows, length: (slice(k, k + 2) for k in range(0, rows, 2)))
    assert configurations.blocks is not defects.blocks
    xr.testing.assert_identical(observe(name, run), whole)


@pytest.mark.parametrize("name", WHOLE)
def test_a_missing_configuration_gives_nan(name):
    run = drawn(LATTICES["triangular"]).copy(deep=True)
    whole = observe(name, run)
    run["occupation"][2] = np.iinfo(np.int8).min
    found = observe(name, run)
    assert np.isnan(found[2]).all()
    xr.testing.assert_identical(found.drop_isel(walker=2), whole.drop_isel(walker=2))


@pytest.mark.parametrize("name", WHOLE)
def test_every_bond_is_needed(name):
    run = drawn(LATTICES["triangular"])
    for part in (run.isel(bond=slice(5)), run.isel(site=slice(4)), run.isel(site=slice(None, None, -1))):
        with pytest.raises(ValueError, match=f"{name}: (bonds|sites|the Dataset holds)"):
            observe(name, part)


@pytest.mark.parametrize("name", WHOLE[2:])
def test_stripes_need_one_site_in_a_cell_and_an_even_side(name):
    with pytest.raises(ValueError, match=f"{name}: cells of several sites"):
        observe(name, drawn(HONEYCOMB))
    with pytest.raises(ValueError, match=f"{name}: no stripe fits a torus of "):
        observe(name, drawn(xg.lattice.triangular(3)))


@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), (2.5, ValueError), ("3", TypeError)])
def test_coordination_is_a_whole_number(value, error):
    with pytest.raises(error, match="coordination must be a whole number >= 0"):
        xg.defect_density(drawn(LATTICES["triangular"]), coordination=value)


def test_a_shell_is_a_whole_number():
    with pytest.raises(ValueError, match="shell must be a whole number >= 1"):
        xg.stripe_crossings(drawn(LATTICES["triangular"]), shell=0)
