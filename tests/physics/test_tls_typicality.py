"""Typical states evolved in time: against matrix exponentials,
sums over eigenstates of the same random vectors, and `exact`.
"""

import re

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import xarray as xr

import xglass as xg
from xglass.engine.core.random_vectors import random_vector
from xglass.engine.tls import averages, dense, operators, typicality
from xglass.solvers import tasks
from xglass.solvers import typicality as solver_module

SITES = {"t": [0.5, 1.0, 0.8, 1.2], "g": [1.2, 0.8, 1.0, 0.5], "g_z": [0.05, 0.1, 0.1, 0.0]}
SITES |= {"omega0": [0.15, 0.3, 0.25, 0.4], "site_energy": [0.5, -0.2, 0.8, 0.0]}
DISORDER = {name: np.array(values) for name, values in SITES.items()}


def problem(kind, precision):
    """An operator, and hopping, H and J as matrices."""
    if kind == "block":
        operator = operators.Block(4, 0.7, 1.0, 1.1, 0.2, 0.3, precision)
        hopping, rest, current = dense.block(0.7, 1.0, 1.1, 0.2, 0.3, 4)
    elif kind == "truncated":
        operator = operators.Block(6, 0.7, 1.0, 1.1, 0.0, 1.0, precision, 2)
        hopping, rest, current = dense.block(0.7, 1.0, 1.1, 0.0, 1.0, 6, 2)
    else:
        twist = {"rows": 0.0, "twisted rows": 0.4}[kind]
        operator = operators.Rows(
            4,
            twist,
            *(DISORDER[name] for name in operators.Rows.__annotations__ if name in DISORDER),
            precision,
        )
        hopping, rest, current = dense.whole(twist, **DISORDER)
    return operator, hopping, hopping + rest, current


def vector(dimension, number=3):
    return random_vector(1, np.uint64(number), dimension, np.dtype(np.complex128))


KINDS = ["block", "truncated", "rows", "twisted rows"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-10), ("single", 1e-5)])
def test_correlation_is_that_of_matrix_exponentials(kind, precision, tolerance):
    """Thermal state, its norm and Re [C(t) + C(-t)] / 2 of one vector, at all times."""
    operator, _, H, J = problem(kind, precision)
    solver, r, T = typicality.Evolution(operator), vector(operator.dimension), 0.3
    phi, log_norm = solver.cooled(r, T)
    shift = operator.centre * np.eye(len(H))
    expected = scipy.linalg.expm(-(H - shift) / (2 * T)) @ r
    assert log_norm == pytest.approx(np.log(np.vdot(expected, expected).real), abs=tolerance)
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(phi, expected, rtol=0, atol=tolerance)
    step, times = 0.37, 21  # not a multiple of the samples of a run
    C = solver.correlation(phi, step, times)
    for n in (0, 1, 7, 8, 9, 20, 21):
        both = []
        for sign in (1.0, -1.0):
            forth = scipy.linalg.expm(-1j * sign * n * step * H)
            both.append(np.vdot(forth @ expected, J @ (forth @ (J @ expected))).real)
        assert C[n] == pytest.approx(np.mean(both), abs=3 * tolerance)


def sticks(H, J, hopping, r, T, w, broadening):
    """Z, <H_hop>, total weight, filter exponents and sigma of one vector: sums over pairs of eigenstates,
    weights e^{-b (E_l + E_n) / 2}.
    """
    E, U = np.linalg.eigh(H)
    J = U.conj().T @ J @ U
    phi = np.exp(-(E - E[0]) / (2 * T)) * (U.conj().T @ r)
    Z = np.vdot(phi, phi).real
    amplitude = (phi.conj()[:, None] * J * (J @ phi)[None, :]).real / Z
    x = E[None, :] - E[:, None]
    near = np.abs(x) < 1e-9
    stick = np.pi * amplitude * np.where(near, 0.5 / T, np.tanh(x / (2 * T)) / np.where(near, 1.0, x))

    def gauss(w, width):
        return np.exp(-0.5 * ((w - x) / width) ** 2) / np.sqrt(2 * np.pi) / width

    sigma = np.array(
        [[(stick * (gauss(q, width) + gauss(-q, width))).sum() for q in w] for width in broadening]
    )
    slope = [
        (stick * gauss(0.0, width) * (1 - (x / width) ** 2)).sum() / (stick * gauss(0.0, width)).sum()
        for width in broadening
    ]
    state = U @ phi
    return np.log(Z) - E[0] / T, np.vdot(state, hopping @ state).real / Z, stick.sum(), np.array(slope), sigma


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("T", [0.02, 0.4, 3.0, 1e4])
def test_the_filter_is_exact(kind, T):
    """The same random vector, summed over pairs of eigenstates; broadening / T from 4e-6 to 50."""
    operator, hopping, H, J = problem(kind, "double")
    r, w, broadening = vector(operator.dimension), np.linspace(0.0, 6.0, 9), np.array([0.04, 1.0])
    sums, reference = typicality.thermal(typicality.Evolution(operator), r, np.array([T]), w, broadening)
    log_z, kinetic, total, slope, sigma = sticks(H, J, hopping, r, T, w, broadening)
    values = averages.ratios(sums, averages.Columns(2, w.size))[0]
    assert values[0] - reference / T == pytest.approx(log_z, rel=1e-9)
    assert values[1] == pytest.approx(kinetic, rel=1e-10)
    assert values[2] == pytest.approx(total, rel=1e-8)
    np.testing.assert_allclose(values[5:].reshape(2, -1), sigma, rtol=0, atol=3e-8 * np.abs(sigma).max())
    # sigma(0) beside the peak: an exponent is only as good as what is divided by
    share = np.abs(sigma[:, 0]) / np.abs(sigma).max(axis=1)
    assert (np.abs(values[3:5] - slope) < 1e-6 / share).all()


def test_low_temperature_in_single_precision():
    """T = 0.005: the thermal state is e^-800 of the random vector at the top of the spectrum."""
    operator, hopping, H, J = problem("block", "single")
    r, w, broadening = vector(operator.dimension), np.linspace(0.0, 3.0, 7), np.array([0.2])
    sums, reference = typicality.thermal(typicality.Evolution(operator), r, np.array([0.005]), w, broadening)
    log_z, kinetic, total, _, sigma = sticks(H, J, hopping, r, 0.005, w, broadening)
    values = averages.ratios(sums, averages.Columns(1, w.size))[0]
    assert values[0] - reference / 0.005 == pytest.approx(log_z, abs=1e-3)
    assert values[1] == pytest.approx(kinetic, rel=1e-5)
    assert values[2] == pytest.approx(total, rel=1e-5)
    np.testing.assert_allclose(values[4:], sigma[0], rtol=0, atol=1e-5 * sigma.max())


def test_memory_is_what_is_said():
    for precision in ("single", "double"):
        operator = operators.Block(8, 0.7, 1.0, 1.0, 0.0, 0.1, precision)
        solver = typicality.Evolution(operator)
        phi, _ = solver.cooled(vector(operator.dimension), 0.01)
        solver.correlation(phi, typicality.clock(solver.half, 1.0, np.array([0.5]), precision).step, 10)
        held = len(solver.polynomials) + 2 * len(solver.left) + len(solver.odd) + 4  # flow, phi, psi, r
        assert held <= solver_module.VECTORS


def normal_scores(result, exact, name, freedom):
    """Deviations in units of their errors, brought from Student's distribution to the normal one."""
    t = ((result[name] - exact[name]) / result[name + "_stderr"]).values
    return np.sign(t) * scipy.stats.norm.isf(scipy.stats.t.sf(np.abs(t), freedom))


@pytest.mark.parametrize("N", [8, pytest.param(10, marks=pytest.mark.slow)])
def test_errors_are_true(N):
    """200 independent samples of 5 vectors in each of two momenta (8 degrees of freedom), at three
    temperatures and frequencies.

    Mean square of 200 normal scores: 1 +- 0.1, so 0.6 to 1.6 is passed but once in 3e4 seeds; |z| > 5.5 in
    600 once in 4e4; means 4.5 sigma.
    """
    copies = xr.DataArray(np.ones(200), dims="realization", coords={"realization": np.arange(200)})
    arguments = {
        "T": [0.6, 1.0, 3.0],
        "frequency": [0.0, 0.5, 1.5],
        "broadening": 1.0,  # the number of steps goes like its inverse
        "momentum": [0.4, 2.0],
    }
    model = xg.electron_tls(xg.lattice.chain(N), g=copies, omega0=0.2)
    result = xg.typicality(model, **arguments, random_vectors=5, seed=5, average=None, chunks=None)
    exact = xg.exact(xg.electron_tls(xg.lattice.chain(N), g=1.0, omega0=0.2), **arguments, chunks=None)
    scores = normal_scores(result, exact, "optical_conductivity", 8)[:, range(3), range(3)]
    assert scores.shape == (200, 3)
    assert ((scores**2).mean(axis=0) > 0.6).all()
    assert ((scores**2).mean(axis=0) < 1.6).all()
    assert np.abs(scores).max() < 5.5
    assert (np.abs(scores.mean(axis=0)) < 4.5 / np.sqrt(200)).all()
    relative = (
        result["optical_conductivity_stderr"].mean("realization") / exact["optical_conductivity"]
    ).values[range(3), range(3)]
    assert (relative < 0.035).all()  # 10 vectors of dimension 256: each knows sigma to about 7 %, as in ftlm
    for name in ("log_partition_function", "kinetic_energy", "total_weight", "filter_exponent"):
        square = (normal_scores(result, exact, name, 8) ** 2).mean(axis=0)
        assert (square > 0.6).all(), (name, square)
        assert (square < 1.6).all(), (name, square)


def test_low_temperature_against_exact():
    """T = omega0 / 5, where few states make Z: 20 vectors in 5 momenta, about 60 degrees of freedom;
    |z| < 5 in 9 values fails once in 2e5 seeds.
    """
    model = xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=1.0)
    arguments = {"T": 0.2, "frequency": [0.0, 0.5, 1.0, 1.5, 2.5], "broadening": 0.2}
    result = xg.typicality(model, **arguments, random_vectors=20, seed=2).compute()
    exact = xg.exact(model, **arguments).compute()
    for name in (
        "optical_conductivity",
        "log_partition_function",
        "kinetic_energy",
        "total_weight",
        "filter_exponent",
    ):
        scores = normal_scores(result, exact, name, 60)
        assert (np.abs(scores) < 5.0).all()


@pytest.mark.parametrize("twist", [0.0, 0.4])
def test_disorder_against_exact(twist):
    """80 vectors; |z| < 5 in 12 values fails once in 1e5 seeds."""
    over = {
        name: xr.DataArray(values, dims="bond" if name == "t" else "site")
        for name, values in DISORDER.items()
    }
    model = xg.electron_tls(xg.lattice.chain(4), **over)
    arguments = {"T": [0.3, 1.0], "frequency": [0.0, 1.0, 2.0], "broadening": 0.2, "twist": twist}
    result = xg.typicality(model, **arguments, random_vectors=80, seed=3).compute()
    exact = xg.exact(model, **arguments).compute()
    for name in ("optical_conductivity", "log_partition_function", "kinetic_energy", "total_weight"):
        scores = normal_scores(result, exact, name, 79)
        assert (np.abs(scores) < 5.0).all()


@pytest.mark.parametrize(("T", "broadening"), [(0.5, 0.1), (3.0, 0.3), (0.05, 0.02), (0.005, 0.5)])
@pytest.mark.parametrize("precision", ["single", "double"])
def test_work_is_known_before(T, broadening, precision, monkeypatch):
    """Applications of H to one vector, counted."""
    operator = operators.Block(6, 0.3, 1.0, 1.0, 0.0, 0.3, precision)
    solver, r, calls, step = typicality.Evolution(operator), vector(64), [], operators.Block.step
    monkeypatch.setattr(operators.Block, "step", lambda *args: calls.append(1) or step(*args))
    typicality.thermal(solver, r.astype(solver.complex), np.array([T]), np.zeros(1), np.array([broadening]))
    calls = len(calls) - count_of_reference(solver)
    expected = typicality.applications(solver.half, 64, T, np.array([broadening]), precision)
    assert expected == pytest.approx(calls, rel=0.01)


def count_of_reference(solver):
    """Applications that find the energy of reference, once for each operator."""
    half = solver.half
    steps, coefficients = typicality._cooling(half, typicality.COLD * half)
    return steps * (typicality._orders(coefficients, solver.tolerance) - 1) + 1


@pytest.mark.parametrize("changes", [{"broadening": 1e-5}, {"T": 1e-6}, {"broadening": [0.1, 1e-5]}])
def test_work_without_end_is_refused_at_the_call(changes):
    """By its figure, and before anything is computed: the widest spectrum at the lowest temperature."""
    model = xg.electron_tls(xg.lattice.chain(8), g=[0.1, 1.0], omega0=0.3)
    options = {"T": [1.0, 2.0], "frequency": [0.0], "broadening": 0.1, "random_vectors": 1, "seed": 1}
    with pytest.raises(ValueError, match=r"typicality: .* 10\^6 are the most; take .* times the") as caught:
        xg.typicality(model, **options | changes)
    figure, factor = (float(re.search(rf"take{s} ([\d.e+]+)", str(caught.value))[1]) for s in ("s", ""))
    half = operators.Block(8, 0.0, 1.0, 1.0, 0.0, 0.3).half_width
    T, width = changes.get("T", 1.0), np.min(changes.get("broadening", 0.1))
    expected = typicality.applications(half, 2**8, T, np.array([width]), "single")
    assert 1e7 < expected == pytest.approx(figure, rel=0.05)
    assert factor == pytest.approx(expected / 1e6, rel=0.05)
    assert xg.typicality(model, **options | {"T": 0.1, "broadening": 1e-3})["kinetic_energy"].chunks


def test_small_sigma_beside_a_high_peak():
    """Errors at a frequency come from there: below the threshold of fast two-level systems sigma is 3e-4 of
    its peak, and known to 20 %.

    30 vectors in 5 momenta; |z| < 5 in 3 values fails once in 5e5 seeds.
    """
    model = xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=2.0)
    arguments = {"T": 0.3, "frequency": [0.0, 1.0, 3.0], "broadening": 0.08, "max_excitations": 3}
    result = xg.typicality(model, **arguments, random_vectors=30, seed=4).compute()
    exact = xg.exact(model, **arguments).compute()
    sigma, error = exact["optical_conductivity"].values, result["optical_conductivity_stderr"].values
    assert sigma[1] < 1e-3 * sigma[0]
    assert (error < 0.2 * sigma).all()
    assert (np.abs(normal_scores(result, exact, "optical_conductivity", 60)) < 5.0).all()


def test_low_temperatures_are_better_known_than_by_ftlm():
    """The halves of the Boltzmann factor on both sides: at T = 0.4 omega0 the variance is about half,
    that of <H_hop> a tenth.
    """
    model = xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=0.5)
    arguments = {
        "T": 0.2,
        "frequency": np.linspace(0.0, 3.0, 13),
        "broadening": 0.2,
        "random_vectors": 40,
        "seed": 6,
    }
    ours = xg.typicality(model, **arguments).compute()
    with pytest.warns(UserWarning, match="typicality"):
        theirs = xg.ftlm(model, **arguments)
    theirs = theirs.compute()
    ratio = (ours["optical_conductivity_stderr"] ** 2).sum() / (
        theirs["optical_conductivity_stderr"] ** 2
    ).sum()
    assert float(ratio) < 0.8
    assert float(ours["kinetic_energy_stderr"] / theirs["kinetic_energy_stderr"]) < 0.5


def small(**changes):
    model = changes.pop("model", None)
    if model is None:
        model = xg.electron_tls(xg.lattice.chain(4), g=[0.5, 1.0], omega0=0.3)
    arguments = {
        "T": [0.2, 0.5, 1.0],
        "frequency": [0.0, 1.0],
        "broadening": [0.1, 0.3],
        "random_vectors": 3,
        "seed": 1,
    }
    return xg.typicality(model, **(arguments | changes))


def test_laziness_and_subsets_change_no_bit():
    with xg.testing.forbid_compute():
        lazy = small()
    now = small(chunks=None)
    xr.testing.assert_identical(lazy.compute(), now)
    xr.testing.assert_identical(small(chunks={"g": 1}).compute(), now)
    assert now["optical_conductivity"].dims == ("g", "T", "broadening", "frequency")
    for temperatures in ([0.5], [1.0, 0.2]):
        xr.testing.assert_identical(small(T=temperatures, chunks=None), now.sel(T=temperatures))
    xr.testing.assert_identical(small(T=0.5, chunks=None).drop_vars("T"), now.sel(T=0.5).drop_vars("T"))
    xr.testing.assert_identical(small(frequency=[1.0], chunks=None), now.sel(frequency=[1.0]))
    xr.testing.assert_identical(
        small(model=xg.electron_tls(xg.lattice.chain(4), g=[1.0], omega0=0.3), chunks=None), now.sel(g=[1.0])
    )
    other = small(seed=2, chunks=None)
    assert (other["optical_conductivity"] != now["optical_conductivity"]).all()


def test_more_tasks_than_one(monkeypatch):
    """However the work is cut, momentum by momentum and vector by vector."""
    now = small(chunks=None)
    monkeypatch.setattr(tasks, "TASK_SECONDS", 0.0)
    lazy = small()
    assert len(lazy["kinetic_energy"].data.dask) > 2 * 3 * 3
    xr.testing.assert_identical(lazy.compute(), now)


def test_random_vectors_are_those_of_ftlm():
    """High temperature, one vector: both methods are the same sum over states."""
    model = xg.electron_tls(xg.lattice.chain(6), g=1.0, omega0=0.3)
    arguments = {
        "T": 1e6,
        "frequency": [0.0, 0.5, 1.0],
        "broadening": 0.3,
        "random_vectors": 1,
        "seed": 8,
        "precision": "double",
    }
    ours = xg.typicality(model, **arguments).compute()
    theirs = xg.ftlm(model, **arguments, lanczos_steps=60).compute()
    for name in ("optical_conductivity", "kinetic_energy", "total_weight"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4)


def test_one_vector_has_no_error():
    result = small(random_vectors=1).compute()
    assert result["optical_conductivity"].notnull().all()
    assert result["optical_conductivity_stderr"].isnull().all()


def disordered():
    return xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=xr.DataArray([0.1, 0.2, 0.3, 0.4], dims="site"))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"T": 0.0}, ValueError, "T must be > 0"),
        ({"T": -1.0}, ValueError, "T must be > 0"),
        ({"broadening": 0.0}, ValueError, "broadening must be > 0"),
        ({"frequency": [1.0, 0.5]}, ValueError, "frequency must be one rising"),
        ({"random_vectors": 0}, ValueError, "random_vectors"),
        ({"random_vectors": 1.5}, ValueError, "random_vectors"),
        ({"seed": -1}, ValueError, "seed"),
        ({"max_excitations": -1}, ValueError, "max_excitations"),
        ({"precision": "half"}, ValueError, "precision must be"),
        ({"average": "mean"}, ValueError, "average must be"),
        ({"momentum": "some"}, ValueError, "momentum must be"),
        ({"twist": 0.1}, ValueError, "momentum"),
        ({"chunks": "many"}, ValueError, "chunks must be"),
        ({"chunks": {"T": 1}}, ValueError, "chunks"),
        ({"model": disordered(), "momentum": [0.1]}, ValueError, "momentum is not conserved"),
        ({"model": disordered().isel(site=[0, 1])}, ValueError, "pass all of it"),
        ({"model": xg.lattice.chain(4)}, KeyError, "typicality"),
        ({"model": 3}, TypeError, "typicality"),
        ({"model": xg.electron_tls(xg.lattice.chain(40), g=1.0, omega0=0.1)}, ValueError, "GiB"),
    ],
)
def test_bad_input(changes, error, message):
    with pytest.raises(error, match=message):
        small(**changes)
