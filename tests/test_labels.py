"""Labels of sites and bonds are followed or refused, and so are models whose sites were moved."""

from contextlib import nullcontext

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.lattice.whole import require_whole

N = 16
LATTICE, CHAIN = xg.lattice.triangular(4), xg.lattice.chain(6)
GRID = {"T": [0.5], "frequency": [0.0, 0.5], "broadening": 0.3}
RUN = {"T": 0.1, "walker": 2, "sweep": 1, "seed": 3, "weight": "classical", "chunks": None}


def ordered(model):
    return xg.exact(model, **GRID, chunks=None)


def glass(**parameters):
    model = xg.charge_glass(LATTICE, **({"t_p": 0.12, "eta": -0.5} | parameters))
    return xg.metropolis(model, **(RUN | {"weight": "kinetic"}))


def electron(**parameters):
    return ordered(xg.electron_tls(CHAIN, **({"g": 0.7, "omega0": 0.3} | parameters)))


def numbers(dims, size, low=0.1):
    """An array whose entries all differ."""
    return xr.DataArray(low + np.random.default_rng(5).random(size), dims=dims)


def kinds(size):
    return numbers("bond", size, low=-0.1)


#: Every argument that has one entry for each site or bond: what takes it, and such an array.
ARGUMENTS = {
    "interaction": (lambda U: glass(interaction=U), xg.coulomb(LATTICE).drop_attrs() + 0.0),
    "site_energy": (lambda e: glass(site_energy=e), numbers("site", N)),
    "hopping": (lambda t: glass(t_p=None, eta=1.0, hopping=t), kinds(3 * N)),
    "start": (
        lambda n: xg.metropolis(xg.testing.tiny_glass(), start=n, **RUN),
        xr.DataArray([1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0], dims="site"),
    ),
    "g": (lambda g: electron(g=g), numbers("site", 6)),
    "omega0": (lambda w: electron(omega0=w), numbers("site", 6)),
    "g_z": (lambda g: electron(g_z=g), numbers("site", 6)),
    "t": (lambda t: electron(t=t), numbers("bond", 6)),
    "electron site_energy": (lambda e: electron(site_energy=e), numbers("site", 6)),
}


def shuffled(array):
    """The array with labels along sites or bonds, in another order, the two sites of a pair apart."""
    for seed, dim in enumerate(array.dims):
        array = array.assign_coords({dim: np.arange(array.sizes[dim])})
        array = array.isel({dim: np.random.default_rng(seed).permutation(array.sizes[dim])})
    return array


@pytest.mark.parametrize("name", ARGUMENTS)
def test_labels_say_which_site_an_entry_belongs_to(name):
    solve, array = ARGUMENTS[name]
    expected = solve(array)
    mixed = shuffled(array)
    assert not np.array_equal(mixed.values, array.values)
    assert not {"site", "site2", "bond"} & {*expected.indexes}  # xarray's joins would drop sites
    xr.testing.assert_identical(solve(mixed), expected)


@pytest.mark.parametrize(
    "relabel",
    [
        lambda n: np.arange(1, n + 1),
        lambda n: np.r_[0, 0, np.arange(2, n)],
        lambda n: np.arange(n) + 0.5,
        lambda n: np.array([f"Au{k}" for k in range(n)]),
    ],
)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_other_labels_are_refused_by_name(name, relabel):
    solve, array = ARGUMENTS[name]
    dim = array.dims[-1]
    foreign = array.assign_coords({dim: relabel(array.sizes[dim])})
    argument = name.removeprefix("electron ")
    with pytest.raises(ValueError, match=f"^{argument} has labels .*'{dim}'.*drop_vars"):
        solve(foreign)
    solve(foreign.drop_vars(dim))


def test_a_lazy_start_is_put_in_order_too():
    solve, array = ARGUMENTS["start"]
    lazy = solve(shuffled(array).chunk(site=4))
    assert lazy.equals(solve(array).drop_vars("start"))


# -- models whose sites were moved ------------------------------------------------------------------

#: A translation by one site, a reflection, and any order.
ORDERS = {
    "translation": np.roll(np.arange(N), 1),
    "translation by a row": np.roll(np.arange(N), 4),
    "reflection": np.arange(N)[::-1],
    "any": np.random.default_rng(1).permutation(N),
}
CHARGES = {
    "coulomb": lambda moved: xg.coulomb(moved(LATTICE)),
    "yukawa": lambda moved: xg.lattice.yukawa(moved(LATTICE), length=0.5),
    "power_law": lambda moved: xg.lattice.power_law(moved(LATTICE), exponent=3),
    "charge_glass": lambda moved: xg.charge_glass(moved(LATTICE), interaction=None),
    "metropolis": lambda moved: xg.metropolis(moved(xg.testing.tiny_glass()), **RUN),
    "electrostatic_energy": lambda moved: xg.electrostatic_energy(moved(xg.testing.tiny_run())),
    "electrostatic_potential": lambda moved: xg.electrostatic_potential(moved(xg.testing.tiny_run())),
    "kinetic_energy": lambda moved: xg.kinetic_energy(moved(xg.testing.tiny_run())),
    "diagonalize": lambda moved: xg.diagonalize(moved(xg.testing.tiny_run())),
    "density_of_states": lambda moved: xg.density_of_states(
        moved(xg.testing.tiny_run()), energy=[0.0, 0.5], broadening=0.1
    ),
    "local_density": lambda moved: xg.local_density(moved(xg.testing.tiny_run())),
    "structure_factor": lambda moved: xg.structure_factor(moved(xg.testing.tiny_run())),
    "order_parameter": lambda moved: xg.order_parameter(moved(xg.testing.tiny_run()), q=[1.0, 0.0]),
    "stripe_order": lambda moved: xg.stripe_order(moved(xg.testing.tiny_run())),
    **{
        name: lambda moved, name=name: getattr(xg, name)(moved(xg.testing.tiny_run()))
        for name in ("occupied_neighbours", "defect_density", "local_stripe_order", "stripe_crossings")
    },
    "overlap": lambda moved: xg.overlap(xg.testing.tiny_run(), moved(xg.testing.tiny_run())),
    "plot.lattice": lambda moved: xg.plot.lattice(moved(LATTICE)),
    "plot.charge_map": lambda moved: xg.plot.charge_map(moved(LATTICE), numbers("site", N)),
}
DISORDER = numbers("site", 6)
SOLVERS = {
    "exact": ordered,
    "ftlm": lambda model: xg.ftlm(model, **GRID, random_vectors=1, seed=1),
    "typicality": lambda model: xg.typicality(model, **GRID, random_vectors=1, seed=1),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", CHARGES)
def test_sites_in_another_order_are_refused(name, order):
    CHARGES[name](lambda data: data)
    with pytest.raises(ValueError, match=rf"(?s){name}.*reordered"):
        CHARGES[name](lambda data: data.isel(site=ORDERS[order]))


@pytest.mark.parametrize("dim", ["site", "bond"])
@pytest.mark.parametrize("name", SOLVERS)
def test_a_ring_in_another_order_is_refused(name, dim):
    model = xg.electron_tls(CHAIN, g=DISORDER, omega0=0.3)
    for order in ([1, 2, 3, 4, 5, 0], [0, 2, 1, 3, 5, 4]):
        with pytest.raises(ValueError, match=rf"{name}.*reordered"):
            SOLVERS[name](model.isel({dim: order}))


@pytest.mark.parametrize("name", ["charge_glass", "electron_tls"])
def test_a_model_of_some_of_the_sites_is_refused(name):
    part = CHAIN.isel(site=slice(0, 3))
    with pytest.raises(ValueError, match="reordered"):
        xg.electron_tls(part, g=1.0, omega0=1.0) if name == "electron_tls" else xg.charge_glass(
            part, interaction=None
        )


def test_labels_on_a_model_must_number_its_sites():
    model = xg.testing.tiny_glass()
    expected = xg.metropolis(model, **RUN)["occupation"]
    fine = xg.metropolis(model.assign_coords(site=np.arange(N)), **RUN)["occupation"]
    assert np.array_equal(fine.values, expected.values)
    with pytest.raises(ValueError, match="metropolis.*reordered"):
        xg.metropolis(model.assign_coords(site=np.arange(N)[::-1]), **RUN)


# -- an interaction belongs to its lattice ----------------------------------------------------------


@pytest.mark.parametrize("make", [xg.coulomb, lambda at: xg.lattice.yukawa(at, length=0.5)])
def test_an_interaction_of_another_lattice_is_refused(make):
    """It has as many sites, and is symmetric with one diagonal on either."""
    for other in (xg.lattice.square(4), xg.lattice.triangular(2, 8), xg.lattice.triangular(8, 2)):
        with pytest.raises(ValueError, match="interaction was made on another lattice"):
            xg.charge_glass(LATTICE, interaction=make(other))
        with pytest.raises(ValueError, match="interaction was made on another lattice"):
            xg.charge_glass(LATTICE, interaction=0.5 * make(other))  # as attributes survive arithmetic
    of_model = xg.charge_glass(xg.lattice.square(4))["interaction"]
    with pytest.raises(ValueError, match="interaction was made on another lattice"):
        xg.charge_glass(LATTICE, interaction=of_model)


def test_an_interaction_of_this_lattice_or_of_none_is_taken():
    U = xg.coulomb(LATTICE)
    again = xg.lattice.triangular(4)
    for interaction in (U, 0.5 * U, U.drop_attrs(), xg.charge_glass(again)["interaction"]):
        xg.charge_glass(again, interaction=interaction)
    couplings = xg.random_couplings(LATTICE, realization=2, seed=1)
    assert (
        xg.charge_glass(xg.lattice.square(4), interaction=couplings)["interaction"].sizes["realization"] == 2
    )


# -- what is drawn, and what is compared ------------------------------------------------------------


def test_charges_are_drawn_where_their_labels_say():
    """Diameters of the disks and colours of the cells, in the order of the sites."""
    charge, potential = numbers("site", N), numbers("site", N, low=-3.0)

    def drawn(*arrays):
        cells, _, disks = xg.plot.charge_map(LATTICE, arrays[0], potential=arrays[1]).collections[:3]
        return np.asarray(cells.get_array()), np.asarray(disks.get_widths())

    for found, expected in zip(
        drawn(shuffled(charge), shuffled(potential)), drawn(charge, potential), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    for name, arrays in {"charge": (1, 0), "potential": (0, 1)}.items():
        pair = [
            a.assign_coords(site=np.arange(N) + k) for a, k in zip((charge, potential), arrays, strict=True)
        ]
        with pytest.raises(ValueError, match=rf"plot.charge_map: {name} has labels .*'site'.*drop_vars"):
            xg.plot.charge_map(LATTICE, pair[0], potential=pair[1])


@pytest.mark.parametrize("dim", ["site", "bond"])
def test_a_lattice_in_another_order_is_not_drawn(dim):
    moved = LATTICE.isel({dim: np.random.default_rng(1).permutation(LATTICE.sizes[dim])})
    with pytest.raises(ValueError, match=r"plot.lattice: .*reordered") if dim == "site" else nullcontext():
        xg.plot.lattice(moved)  # bonds bring their ends, and may come in any order
    with pytest.raises(ValueError, match="plot.lattice: bonds do not join the sites they name"):
        xg.plot.lattice(
            LATTICE.assign_coords(bond_target=("bond", np.roll(LATTICE["bond_target"].values, 1)))
        )
    physical = xg.units.to_physical(LATTICE, spacing="0.5 nm")
    with pytest.raises(ValueError, match="reordered"):
        xg.plot.lattice(physical.isel(site=np.arange(N)[::-1]))
    xg.plot.lattice(physical)


@pytest.mark.parametrize(
    "other",
    [
        xg.lattice.square(4),
        xg.lattice.triangular(2, 8),
        xg.lattice.triangular(8, 2),
        # the same sites by other cells, and so in another order
        xg.lattice.from_cell(
            [[1, 0], [1, np.sqrt(3)]],
            shape=(4, 2),
            basis=[[0, 0], [0.5, np.sqrt(3) / 2]],
            bonds=[(0, 1, (0, 0), "x")],
        ),
    ],
)
def test_runs_on_two_lattices_do_not_overlap(other):
    """They have as many sites and the same labels."""
    a, b = (xg.metropolis(xg.charge_glass(x, interaction=None), **RUN) for x in (LATTICE, other))
    assert a["occupation"].sizes == b["occupation"].sizes
    cells = r" x ".join(str(n) for n in other["cells"].values)
    with pytest.raises(
        ValueError, match=rf"overlap: run_a \(4 x 4 cells\) and run_b \({cells} cells\) are on two"
    ):
        xg.overlap(a, b)
    again = xg.metropolis(xg.charge_glass(xg.lattice.triangular(4), interaction=None), **RUN)
    assert (xg.overlap(a, again) == 1.0).all()


def test_energies_with_their_labels_in_another_order_by_two_routes():
    """xarray puts the products in order by itself; the engine reads them by their place."""
    energies, n = numbers("site", N).assign_coords(site=np.arange(N)), ARGUMENTS["start"][1]
    mixed = energies.isel(site=np.random.default_rng(2).permutation(N))
    by_label = float((mixed * n.assign_coords(site=np.arange(N))).sum())
    by_place = float((mixed.values * n.values).sum())
    assert abs(by_label - by_place) > 0.1
    run = xg.charge_glass(LATTICE, interaction=None, site_energy=mixed).assign(occupation=n)
    assert float(xg.electrostatic_energy(run)) == pytest.approx(by_label, abs=1e-12)
    drawn = xg.metropolis(xg.charge_glass(LATTICE, interaction=None, site_energy=mixed), **RUN, start=n)
    assert float(drawn["electrostatic_energy"][0, 0]) == pytest.approx(by_label, abs=1e-9)


@pytest.mark.parametrize("name", ["hopping", "bond_kind", "bond_source"])
def test_what_needs_bonds_needs_all_of_them(name):
    """Some of the bonds are another lattice, and bonds that were repeated count twice."""
    model = xg.testing.tiny_glass()
    require_whole(model, name, caller="test")
    for bonds in (slice(0, 5), np.r_[0, np.arange(48)]):
        with pytest.raises(ValueError, match="test: .* bonds, which is not the same number in each"):
            require_whole(model.isel(bond=bonds), name, caller="test")
