"""Slow two-level systems in dynamical mean field theory: against ladders, and in the static limit."""

import numpy as np
import pytest

import xglass as xg
from xglass.engine.tls import dmft as engine
from xglass.engine.tls import dmft_lattices, dmft_panels, dmft_slow

CHAIN = xg.lattice.chain(4)
W = [0.0, 0.1, 0.5, 1.0, 2.0, 3.0]
ENERGY = np.linspace(-3.5, 3.5, 15)


def solved(*, T, frequency=W, energy=ENERGY, **parameters):
    model = xg.electron_tls(CHAIN, **{"g": 1.0} | parameters)
    lazy = xg.dmft(model, T=T, frequency=frequency, energy=energy)  # its total weight costs most
    rest = lazy.drop_vars("total_weight").compute(scheduler="synchronous")
    return rest.assign(total_weight=lazy["total_weight"])


@pytest.mark.parametrize(
    ("parameters", "T"),
    [
        ({"omega0": 0.05}, 0.5),
        ({"omega0": 0.05, "g": 0.3}, 0.2),
        ({"omega0": 0.05, "g": 1.8, "g_z": 0.3}, 1.0),  # a gap, with a pole of Sigma in it
        ({"omega0": 0.05, "g": 0.6, "t": -0.5}, 0.3),
        ({"omega0": 0.05, "g": 0.0, "g_z": 0.5}, 0.3),  # nothing moves: static
    ],
)
def test_all_energies_at_once_agree_with_ladders(monkeypatch, parameters, T):
    ladders = solved(**parameters, T=T)
    monkeypatch.setattr(engine, "LONG", 10)
    monkeypatch.setattr(engine, "LONGEST", 10)  # no ladder helps
    slow = solved(**parameters, T=T)
    assert bool(ladders["converged"])
    assert bool(slow["converged"])
    for name in ("kinetic_energy", "mobility", "optical_conductivity"):
        assert not slow[name].equals(ladders[name])  # another route
        np.testing.assert_allclose(slow[name], ladders[name], rtol=1e-7, err_msg=name)
        assert float(abs(slow[name] - ladders[name]).max()) < 1e-9 * float(abs(ladders[name]).max()), name
    # relative to the largest, except at the pole
    ordinary = np.abs(ladders["self_energy"]) < 50.0
    size = float(np.abs(ladders["self_energy"].where(ordinary)).max())
    for name in ("self_energy", "green_function", "density_of_states", "scattering_rate"):
        apart = np.abs(slow[name] - ladders[name]).where(ordinary)
        assert float(apart.max()) < 1e-8 * max(size, 1.0), name


def test_energies_far_from_the_band_do_not_end_the_ladder():
    """Sigma at the ends of the grid that is asked for is that of a wider one (it was 2e-5 off)."""
    one = solved(omega0=0.02, T=0.5, energy=[-3.5, 3.5], frequency=[0.0])["self_energy"]
    wide = solved(omega0=0.02, T=0.5, energy=[-4.5, -3.5, 3.5, 4.5], frequency=[0.0])["self_energy"]
    np.testing.assert_allclose(one.real, wide.sel(energy=[-3.5, 3.5]).real, rtol=1e-12)


@pytest.mark.parametrize(("g", "T"), [(0.3, 0.05), (1.0, 0.5), (1.8, 0.05)])
def test_slow_systems_become_static(g, T):
    """K(omega0) - K(0) goes with omega0^2; mobilities, which feel the edges of bands, more slowly."""
    omega0 = np.array([3e-3, 1e-3, 1e-4, 1e-6, 1e-8, 1e-12, 0.0])
    model = xg.electron_tls(CHAIN, g=g, omega0=omega0)
    result = xg.dmft(model, T=T, frequency=[0.0], energy=[0.1])
    result = result[["kinetic_energy", "mobility", "converged"]].compute(scheduler="synchronous")
    assert result["converged"].all()
    kinetic, mobility = (
        (result[name] / result[name].isel(omega0=-1) - 1.0).values for name in ("kinetic_energy", "mobility")
    )
    assert kinetic[0] / kinetic[1] == pytest.approx(9.0, rel=0.01)
    assert 3.5 < mobility[0] / mobility[1] < 9.0
    assert np.all(np.abs(kinetic[2:]) < [1e-7, 1e-10, 1e-10, 1e-10, 1e-15])
    assert np.all(np.abs(mobility[2:]) < [1e-4, 1e-7, 1e-10, 1e-10, 1e-15])


@pytest.mark.parametrize(("omega0", "g", "T"), [(1e-3, 1.8, 0.5), (1e-6, 0.3, 0.05)])
def test_sum_rule(omega0, g, T):
    result = solved(omega0=omega0, T=T, g=g, energy=[0.1], frequency=[0.0])
    expected = -0.5 * np.pi * float(result["kinetic_energy"])
    assert float(result["total_weight"]) == pytest.approx(expected, rel=1e-7)


def test_no_point_takes_more_work_than_its_bound(monkeypatch):
    """Where T is below omega0 the weight lies at sharp edges: bounded, and not called converged."""
    spent = []
    solve = dmft_lattices.Chain._solved

    def counted(self, ladder, bottom):
        result = solve(self, ladder, bottom)
        spent.append(self.work)
        return result

    monkeypatch.setattr(dmft_lattices.Chain, "_solved", counted)
    monkeypatch.setattr(dmft_lattices.Chain.__init__, "__defaults__", (500_000,))
    result = solved(omega0=0.01, T=0.003, energy=[-2.9, 0.1], frequency=[0.0])
    assert not bool(result["converged"])
    assert max(spent) < 500_000 + 4000 * 1000  # the last ladder is ended: steps times rungs
    spent.clear()
    beyond = solved(omega0=[0.003, 1e-4], T=1e-4, energy=[-2.9, 0.1], frequency=[0.0])
    assert not spent  # no ladder
    assert not beyond["converged"].any()
    assert beyond["kinetic_energy"].isnull().all()


def test_what_is_hidden_by_rounding_counts_in_the_residual():
    """States below the resolution of w weigh e^{-nu/T}: a bound on them says where the solution ends."""
    result = solved(omega0=1e-3, T=[1e-1, 5e-3, 2e-3], energy=[0.1], frequency=[0.0])
    assert result["converged"].values.tolist() == [True, True, False]
    assert (np.diff(result["residual"]) > 0.0).all()


def test_the_recursion_at_zero_temperature_forgets_its_beginning(monkeypatch):
    """And so do energies of the ground state, which are sought by it."""
    parameters = {"omega0": 0.01, "T": 0.0, "energy": np.linspace(-3.0, 3.0, 13), "frequency": [1.0]}
    whole = solved(**parameters)
    monkeypatch.setattr(dmft_lattices, "COLD_RUNGS", 256)  # of some 600
    short = solved(**parameters)
    np.testing.assert_allclose(short["self_energy"], whole["self_energy"], rtol=1e-9)
    assert float(short["ground_state_energy"]) == pytest.approx(float(whole["ground_state_energy"]), abs=1e-9)
    assert np.isfinite(solved(omega0=1e-7, T=0.0, energy=[-3.0, 0.5], frequency=[1.0])["self_energy"]).all()


def test_series_are_read_at_any_energy():
    """A polynomial of the order of the series is exact, also a little beyond the last panel."""
    edges = np.array([-1.0, -0.3, 0.1, 2.0])
    nodes = dmft_slow._nodes(edges)
    nu = np.append(np.random.default_rng(1).uniform(-1.0, 2.0, 40), [-1.01, 2.01, -0.3, 0.1])
    power = np.polynomial.Polynomial(
        np.random.default_rng(2).normal(size=dmft_panels.ORDER) / 2.0 ** np.arange(16)
    )
    np.testing.assert_allclose(dmft_slow._reading(edges, nu) @ power(nodes), power(nu), rtol=0, atol=1e-12)
    np.testing.assert_allclose(dmft_slow._reading(edges, nodes).toarray(), np.eye(nodes.size), atol=1e-13)


def test_long_ladders_of_a_given_lattice_are_refused():
    def hilbert(z):
        return 1.0 / (np.sqrt(z - 2.0) * np.sqrt(z + 2.0))

    model = xg.electron_tls(CHAIN, g=1.0, omega0=1e-5)
    with pytest.raises(
        ValueError, match=r"omega0 = 1e-05 divides the spectrum into \d+ steps, at most 100000"
    ):
        xg.dmft(model, T=0.5, frequency=[0.0], energy=[0.0], hilbert=hilbert, chunks=None)
