"""The saddle point of the cavity glass, against a slow route of its own and against what is known of it."""

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.cavity import bubble as engine_bubble
from xglass.engine.cavity import saddle_point as equations
from xglass.engine.cavity import solutions as engine
from xglass.messages import NotFoundError

from . import cavity_reference

#: Model, J(Omega) and constraint of what is compared with the slow route.
KINDS = {
    "static": (np.inf, "lambda"),
    "photons": (2.0, "lambda"),
    "photons, A25": (2.0, "lambda_J2"),
}


def glass(L=8, filling=0.3, omega0=np.inf, lattice=None, **arguments):
    if np.isfinite(omega0).all():
        arguments["omega0"] = omega0
    return xg.cavity_glass(lattice or xg.lattice.cubic(L), filling=filling, **arguments)


def close(found, known, rtol):
    np.testing.assert_allclose(np.asarray(found), np.asarray(known), rtol=rtol, atol=0.0)


# -- the slow route ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("L", "filling"), [(6, 0.3), (8, 0.45)])
@pytest.mark.parametrize("kind", KINDS)
def test_dense_newton_of_all_equations_finds_the_same(kind, L, filling):
    omega0, constraint = KINDS[kind]
    T, model, numbers = 0.4, glass(L, filling, omega0), np.arange(41)
    slow = cavity_reference.Newton(L, filling, T, omega0, constraint)

    D, multiplier, J = slow.critical()
    found = xg.critical_coupling(model, T=T, constraint=constraint).compute()
    close(found["critical_coupling"], J, 1e-9)
    close(found["lagrange_multiplier"], multiplier, 1e-9)
    close(found["local_density_response"], D[0], 1e-9)
    x_min = 1.0 / slow.chi[0].max()
    close(found["nesting_clamp"], 1.0 + slow.shift(D, multiplier, J**2)[0] / x_min, 1e-9)

    arguments = {"T": T, "constraint": constraint, "matsubara": numbers}
    for coupling, frozen in ((0.6 * J, False), (1.5 * J, True)):
        coupling = float(f"{coupling:.12g}")  # parameters have twelve digits
        D, multiplier, q, stability = slow.glass(coupling) if frozen else slow.liquid(coupling)
        solution = xg.saddle_point(model, J=coupling, **arguments).compute()
        close(solution["local_density_response"], D[numbers], 1e-9)
        close(solution["lagrange_multiplier"], multiplier, 1e-9)
        np.testing.assert_allclose(solution["stability"], stability[numbers], atol=1e-9)
        assert abs(float(solution["edwards_anderson"]) - q) < 1e-9
        if constraint == "lambda":
            close(solution["free_energy"], slow.free_energy(coupling, D, multiplier), 1e-9)
        else:
            assert np.isnan(solution["free_energy"])


@pytest.mark.parametrize(
    ("lattice", "arguments"),
    [
        (xg.lattice.chain(24), {}),
        (xg.lattice.triangular(8), {}),
        (xg.lattice.cubic(4), {"hopping": {"x": -1.0, "y": -0.6, "z": -0.3}}),
        (xg.lattice.cubic(6), {"omega0": 3.0}),
    ],
)
@pytest.mark.parametrize("constraint", ["lambda", "lambda_J2"])
def test_solutions_satisfy_the_equations_and_are_physical(lattice, arguments, constraint):
    T, couplings, numbers = [0.3, 1.0], [0.1, 2.0, 4.0, 6.0, 30.0], np.arange(12)
    model = glass(lattice=lattice, filling=[0.1, 0.5], **arguments)
    solution = xg.saddle_point(model, T=T, J=couplings, matsubara=numbers, constraint=constraint).compute()
    if constraint == "lambda_J2" and "omega0" in model.coords:
        strong = solution.sel(filling=0.5, T=0.3, J=30.0)  # where it has no solution any more
        assert not strong["converged"]
        assert np.isnan(strong["local_density_response"]).all()
        solution = solution.sel(J=slice(None, 6.0))
    assert bool(solution["converged"].all())
    assert float(solution["residual"].max()) < 1e-10
    D, multiplier = solution["local_density_response"], solution["lagrange_multiplier"]
    square = solution["J"] ** 2
    if "omega0" in solution:
        square = square / (1.0 + (solution["matsubara_frequency"] / solution["omega0"]) ** 2) ** 2
    shift = square * (multiplier - D) if constraint == "lambda_J2" else 2.0 * multiplier - square * D
    chi = xg.particle_hole_bubble(model, T=T, matsubara=numbers)["susceptibility"].compute()
    waves = [dim for dim in ("qx", "qy", "qz") if dim in chi.dims]
    assert bool((1.0 + shift * chi > 0.0).all())
    response = chi / (1.0 + shift * chi)
    close(response.mean(waves).transpose(*D.dims), D, 1e-10)
    stability = (1.0 - square * (response**2).mean(waves)).transpose(*D.dims)
    np.testing.assert_allclose(solution["stability"], stability, atol=1e-10)
    assert bool((solution["stability"] >= 0.0).all())
    assert bool((D.diff("matsubara") < 0.0).all())
    frozen = solution["edwards_anderson"] > 0.0
    assert bool(((solution["stability"].sel(matsubara=0) == 0.0) == frozen).all())
    assert set(frozen.values.ravel()) == {True, False}


# -- limits ------------------------------------------------------------------------------------------


def test_grids_of_the_continuum():
    """Values of the continuum, and of the coarser grid with an error that covers what it lacks."""
    known = {0.3: 4.228906, 0.5: 3.543003}
    cells = {"offsets": np.eye(3, dtype=int), "own": 0, "approximation": None, "constraint": "lambda"}
    arrays = (np.full(3, -1.0), np.array([*known]), np.array(0.1), np.array(np.inf))
    fine = engine.transitions(*arrays, cells=(96,) * 3, **cells)[0]
    close(fine, [*known.values()], 2e-7)
    coarse = engine.transitions(*arrays, cells=(64,) * 3, **cells)[0]
    close(coarse, [4.228905, 3.542993], 2e-7)
    error = engine.transition_errors(*arrays, coarse, cells=(64,) * 3, **cells)
    assert (abs(coarse - fine) < error).all()
    assert (error < 1e-4 * fine).all()


@pytest.mark.parametrize("filling", [0.3, 0.5])
def test_the_error_covers_what_the_grid_leaves(filling):
    """At lower T than the grids are good for, half filling included."""
    sizes = [16, 24, 32]
    lines = [xg.critical_coupling(glass(L, filling), T=0.2).compute() for L in sizes]
    best = lines[-1]["critical_coupling"]
    for line in lines[:-1]:
        assert float(abs(line["critical_coupling"] - best)) < float(line["critical_coupling_error"])


@pytest.mark.parametrize("constraint", ["lambda", "lambda_J2"])
def test_the_basis_is_converged(monkeypatch, constraint):
    """A finer one, and one of twice the cut-off, change nothing, also with photons far above the band."""
    model = glass(12, 0.3, np.array([2.0, 40.0]))

    def line():
        return xg.critical_coupling(model, T=0.2, constraint=constraint)["critical_coupling"].values

    here = line()
    for precision, reach in ((1e-9, 2.0), (1e-13, 2.0), (1e-11, 4.0)):
        for place in (equations, engine_bubble):
            monkeypatch.setattr(place, "WIDTHS", reach)
        monkeypatch.setattr(equations, "PRECISION", precision)
        close(line(), here, 1e-8 if constraint == "lambda" else 5e-8)


def test_the_basis_follows_collective_modes(monkeypatch):
    """Their energy grows as the square root of J; how far the cut-off lies above does not matter."""

    def strong():
        solution = xg.saddle_point(glass(8, 0.3), T=0.2, J=[100.0, 1000.0, 1e4], matsubara=[0, 50]).compute()
        return solution["edwards_anderson"].values, solution["free_energy"].values

    here = strong()
    for place in (equations, engine_bubble):
        monkeypatch.setattr(place, "WIDTHS", 32.0)
    for value, known in zip(strong(), here, strict=True):
        close(value, known, 1e-9)


def test_weak_couplings():
    """lambda / J^2 = (1/2) sum D0 m2 / sum m2, m2 = int chi0^2: Eqs. (38) and (39) to second order in J."""
    model = glass(8, 0.3)
    chi = xg.particle_hole_bubble(model, T=0.5, matsubara=np.arange(500))["susceptibility"]
    both = xr.where(chi["matsubara"] == 0, 1.0, 2.0)
    second = both * (chi**2).mean(["qx", "qy", "qz"])
    known = 0.5 * float((second * chi.mean(["qx", "qy", "qz"])).sum() / second.sum())
    solution = xg.saddle_point(model, T=0.5, J=[1e-6, 1e-4]).compute()
    close(solution["lagrange_multiplier"] / solution["J"] ** 2, [known, known], 1e-6)
    assert not solution["edwards_anderson"].any()


def test_hot_fermions_are_classical_spins():
    """T >> t: J_c = T / (n (1 - n)), the transition of Sherrington and Kirkpatrick; corrections (t/T)^2."""
    model = glass(6, [0.2, 0.5])
    line = xg.critical_coupling(model, T=200.0).compute()
    close(line["critical_coupling"] * model["filling"] * (1.0 - model["filling"]) / 200.0, 1.0, 1e-3)
    colder = xg.critical_coupling(model, T=100.0)["critical_coupling"] / 100.0
    off = [
        (value * model["filling"] * (1.0 - model["filling"]) - 1.0).values
        for value in (line["critical_coupling"] / 200.0, colder)
    ]
    close(off[1] / off[0], 4.0, 0.02)


def test_fermions_that_do_not_hop():
    """J_c = T / (n (1 - n)) and q_EA = n (1 - n) - T / J exactly: the bubble is static and local."""
    model = glass(4, 0.3, t=0.0)
    close(xg.critical_coupling(model, T=0.3)["critical_coupling"], 0.3 / 0.21, 1e-12)
    solution = xg.saddle_point(model, T=0.3, J=[1.0, 2.0, 1000.0]).compute()
    np.testing.assert_allclose(solution["edwards_anderson"], [0.0, 0.21 - 0.15, 0.21 - 3e-4], atol=1e-13)
    assert bool(solution["converged"].all())
    assert float(solution["local_density_response"].isel(matsubara=slice(1, None)).max()) < 1e-15


def test_particles_and_holes():
    line = xg.critical_coupling(glass(8, [0.2, 0.8]), T=0.5).compute()
    for name in ("critical_coupling", "lagrange_multiplier", "local_density_response", "nesting_clamp"):
        close(line[name][0], line[name][1], 1e-11)


def test_fast_photons_are_static():
    static = xg.critical_coupling(glass(8), T=0.5).compute()
    for constraint, names in {
        "lambda": ["critical_coupling", "lagrange_multiplier"],
        "lambda_J2": ["critical_coupling"],
    }.items():
        fast = xg.critical_coupling(glass(8, omega0=1e6), T=0.5, constraint=constraint).compute()
        for name in names:
            close(fast[name], static[name], 1e-9)


def test_multipliers_of_two_constraints_are_one_where_couplings_are_static():
    arguments = {"T": 0.5, "J": [3.0, 9.0]}
    plain = xg.saddle_point(glass(8), **arguments).compute()
    other = xg.saddle_point(glass(8), constraint="lambda_J2", **arguments).compute()
    close(other["lagrange_multiplier"], 2.0 * plain["lagrange_multiplier"] / plain["J"] ** 2, 1e-12)
    close(other["free_energy"], plain["free_energy"], 1e-12)
    assert other["lagrange_multiplier"].attrs["units"] == "1/tc"
    assert plain["lagrange_multiplier"].attrs["units"] == "tc"


@pytest.mark.parametrize("omega0", [np.inf, 2.0])
def test_slope_of_the_free_energy(omega0):
    """dF/dJ^2 = -(T/4) sum [J(Omega)/J(0)]^2 D^2 - D(0) q_EA / 2, in the liquid and in the glass."""
    T, model = 0.5, glass(6, 0.4, omega0)
    for J in (2.0, 9.0):
        near = np.sqrt(J**2 + 0.02 * np.arange(-2, 3))
        F = xg.saddle_point(model, T=T, J=near, matsubara=0)["free_energy"].values
        slope = (F[0] - 8.0 * F[1] + 8.0 * F[3] - F[4]) / (12.0 * 0.02)
        solution = xg.saddle_point(model, T=T, J=J, matsubara=np.arange(2000)).compute()
        D, m = solution["local_density_response"], solution["matsubara"]
        ratio = (1.0 + (solution["matsubara_frequency"] / omega0) ** 2) ** -2
        known = -0.25 * T * float((xr.where(m == 0, 1.0, 2.0) * ratio * D**2).sum())
        known -= 0.5 * float(D[0] * solution["edwards_anderson"])
        assert abs(slope - known) < 1e-8
        assert (float(solution["edwards_anderson"]) > 0.0) == (J == 9.0)


def test_frozen_density_grows_linearly():
    model = glass(8, 0.4)
    critical = float(xg.critical_coupling(model, T=0.5)["critical_coupling"])
    J = critical * (1.0 + np.array([-1e-4, 1e-4, 2e-4, 4e-4]))
    q = xg.saddle_point(model, T=0.5, J=J)["edwards_anderson"].values
    assert q[0] == 0.0
    assert q[1] > 0.0
    close(q[2:] / q[1], [2.0, 4.0], 1e-3)


# -- approximations ----------------------------------------------------------------------------------


def test_local_approximation_is_the_closed_form():
    """Eqs. (45) and (46) with x = 1/D0(Omega), at, below and above the transition."""
    model = glass(16, 0.3)
    chi = xg.particle_hole_bubble(model, T=0.3, matsubara=range(21))["susceptibility"]
    x = 1.0 / chi.mean(["qx", "qy", "qz"])
    line = xg.critical_coupling(model, T=0.3, approximation="local").compute()
    critical = line["critical_coupling"]
    close(line["lagrange_multiplier"], critical - 0.5 * x.sel(matsubara=0), 1e-12)
    close(line["local_density_response"], 1.0 / critical, 1e-12)
    J = np.array([0.5, 2.0]) * float(critical)
    solution = xg.saddle_point(model, T=0.3, J=J, approximation="local").compute()
    arguments = {"lagrange_multiplier": solution["lagrange_multiplier"], "J": solution["J"]}
    closed = xg.metallic_glass.closed_form_response(x, **arguments)
    below = closed.sel(J=solution["J"][0]).transpose("matsubara")
    close(solution["local_density_response"][0], below, 1e-11)
    distance = xg.metallic_glass.distance_to_transition(x.sel(matsubara=0), **arguments)
    assert float(distance[0]) > 1.0
    assert not float(distance[1]) > 1e-4  # 0, or by rounding the root of a negative number
    full = xg.critical_coupling(model, T=0.3)["critical_coupling"]
    assert 0.005 < abs(float(critical / full) - 1.0) < 0.04


def test_bare_criterion():
    model = glass(12, 0.3)
    line = xg.critical_coupling(model, T=0.4, approximation="bare").compute()
    chi = xg.particle_hole_bubble(model, T=0.4, matsubara=0)["susceptibility"]
    close(line["critical_coupling"], float((chi**2).mean()) ** -0.5, 1e-10)
    close(line["local_density_response"], chi.mean(), 1e-10)
    assert float(line["lagrange_multiplier"]) == 0.0


# -- what does not matter ----------------------------------------------------------------------------


def test_a_solution_does_not_depend_on_what_else_is_asked():
    model = glass(8, [0.3, 0.5], np.array([2.0, 100.0]))
    all_ = xg.saddle_point(model, T=[0.4, 0.8], J=[2.0, 7.0, 500.0], chunks={"T": 1}).compute()
    one = xg.saddle_point(model.isel(filling=1, omega0=0), T=0.8, J=7.0, matsubara=[5, 0], chunks=None)
    there = all_.isel(filling=1, omega0=0).sel(T=0.8, J=7.0)
    for name in ("lagrange_multiplier", "edwards_anderson", "free_energy"):
        assert float(one[name]) == float(there[name])
    close(one["local_density_response"], there["local_density_response"].sel(matsubara=[5, 0]), 1e-13)


def test_couplings_that_hang_on_the_filling():
    """J zipped with the filling, as from a line of transitions: marginal, without frozen density."""
    model = glass(8, [0.3, 0.4, 0.5])
    line = xg.critical_coupling(model, T=0.5).compute()
    solution = xg.saddle_point(model, T=0.5, J=line["critical_coupling"].reset_coords(drop=True)).compute()
    assert solution["edwards_anderson"].dims == ("filling",)
    np.testing.assert_allclose(solution["stability"].sel(matsubara=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(solution["edwards_anderson"], 0.0, atol=1e-12)


def test_units():
    lattice = xg.lattice.cubic(6)
    model = xg.cavity_glass(lattice, filling=0.3, omega0="2 meV", scale="1 meV")
    solution = xg.saddle_point(model, T="0.5 meV", J=["2 meV"]).compute()
    plain = xg.saddle_point(xg.cavity_glass(lattice, filling=0.3, omega0=2.0), T=0.5, J=[2.0]).compute()
    close(solution["free_energy"], plain["free_energy"], 1e-12)
    close(xg.units.to_physical(solution["free_energy"]), plain["free_energy"], 1e-12)


# -- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"T": 0.0}, "T must be > 0"),
        ({"J": 0.0}, "J must be > 0"),
        ({"J": [1.0, -2.0]}, "J must be > 0"),
        ({"matsubara": [0, -1]}, "matsubara"),
        ({"matsubara": [1, 1]}, "repeats"),
        ({"constraint": "spherical"}, "constraint must be one of"),
        ({"approximation": "rpa"}, "approximation must be one of"),
        ({"approximation": "bare"}, "for critical_coupling"),
        ({"chunks": {"J": 1}}, "'J' cannot be chunked"),
    ],
)
def test_bad_arguments_of_a_saddle_point(arguments, message):
    with pytest.raises(ValueError, match=message):
        xg.saddle_point(glass(4), **({"T": 0.5, "J": 1.0} | arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"T": -1.0}, "T must be > 0"),
        ({"constraint": None}, "constraint must be one of"),
        ({"approximation": "none"}, "approximation must be one of"),
    ],
)
def test_bad_arguments_of_a_critical_coupling(arguments, message):
    with pytest.raises(ValueError, match=message):
        xg.critical_coupling(glass(4), **({"T": 0.5} | arguments))


def test_disordered_bands_are_refused():
    model = glass(4, site_energy_std=1.0)
    for solve in (lambda: xg.saddle_point(model, T=0.5, J=1.0), lambda: xg.critical_coupling(model, T=0.5)):
        with pytest.raises(ValueError, match="site_energy_std"):
            solve()


def test_another_model_is_refused():
    tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.5)
    with pytest.raises(NotFoundError, match="cavity_glass"):
        xg.critical_coupling(tls, T=0.5)


# -- the limit of zero temperature ---------------------------------------------------------------------


def test_zero_temperature_is_that_of_a_law():
    T = np.array([0.02, 0.03, 0.05, 0.07, 0.1])
    filling = np.array([0.1, 0.3])
    exact = 4.0 + filling[:, None] + 3.0 * T**1.5 - 2.0 * T**2
    line = xr.DataArray(exact, dims=("filling", "T"), coords={"filling": filling, "T": T})
    line = line.assign_attrs(units="tc").chunk(filling=1, T=2)
    found = xg.fits.zero_temperature(line)
    assert found.chunks is not None
    assert found.dims == ("filling",)
    assert found.name == "critical_coupling"
    assert found.attrs["units"] == found["critical_coupling_stderr"].attrs["units"] == "tc"
    close(found, [4.1, 4.3], 1e-12)
    assert float(found["critical_coupling_stderr"].max()) < 1e-11
    three = xg.fits.zero_temperature(line.isel(T=slice(None, 3)))
    close(three, [4.1, 4.3], 1e-10)
    assert np.isnan(three["critical_coupling_stderr"]).all()
    holes = line.where(line["T"] != 0.05)
    close(xg.fits.zero_temperature(holes), [4.1, 4.3], 1e-12)
    assert np.isnan(xg.fits.zero_temperature(line.where(line["T"] < 0.04))).all()


def test_zero_temperature_of_a_line():
    """J_c(0) = 3.9648(3) at n = 0.3, here from grids that are good to 2e-3 and from T > 0.05."""
    line = xg.critical_coupling(glass(48, 0.3), T=[0.06, 0.08, 0.1, 0.12, 0.15]).compute()
    found = xg.fits.zero_temperature(line["critical_coupling"])
    assert abs(float(found) - 3.9648) < 0.02
    assert 0.0 < float(found["critical_coupling_stderr"]) < 0.02


def test_zero_temperature_refuses():
    T = [0.02, 0.03, 0.05]
    line = xr.DataArray([4.0, 4.1, 4.3], dims="T", coords={"T": T, "filling": 0.5})
    with pytest.raises(ValueError, match=r"no limit.*ln\(1/T\)"):
        xg.fits.zero_temperature(line)
    with pytest.raises(NotFoundError, match="filling"):
        xg.fits.zero_temperature(line.drop_vars("filling"))
    with pytest.raises(ValueError, match="give more points"):
        xg.fits.zero_temperature(line.assign_coords(filling=0.3).isel(T=slice(2)))
    with pytest.raises(ValueError, match="must be > 0"):
        xg.fits.zero_temperature(line.assign_coords(filling=0.3, T=[0.0, 0.1, 0.2]))
    with pytest.raises(TypeError, match="DataArray"):
        xg.fits.zero_temperature(line.to_dataset(name="critical_coupling"))
