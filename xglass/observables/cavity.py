"""What a saddle point of fermions in a cavity says of densities and of the fermions themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass.checks import eager, in_model_units, refuse, require, whole_number
from xglass.engine.cavity import response as engine
from xglass.messages import NotFoundError, public
from xglass.solvers import tasks
from xglass.solvers.particle_hole_bubble import bubble_inputs, matsubara_numbers
from xglass.solvers.saddle_point import couplings, plan_of, saddle_point
from xglass.solvers.tasks import Input, Output
from xglass.units.parameters import Chunks, Parameter
from xglass.variables import stamp

__all__ = ["density_response", "fermion_scattering_rate", "fermion_self_energy", "glass_susceptibility"]


def __dir__() -> list[str]:
    return __all__


@public
def density_response(solution: xr.Dataset) -> xr.DataArray:
    r"""Density response at all wave vectors of the torus, with the couplings of a saddle point.

    .. math:: \chi(q, \Omega) = \frac{1}{\chi_0^{-1}(q, \Omega) + 2 \lambda - J(\Omega)^2 D(\Omega)}

    The propagator of Eq. (38) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), whose mean over
    wave vectors is D. In the glass the static response is that within a state: q_EA stands apart.

    Parameters
    ----------
    solution : Dataset
        Result of :func:`saddle_point` without approximation, with its frequencies.

    Returns
    -------
    DataArray
        ``density_response(..., matsubara, qx[, qy[, qz]])`` in 1/tc, with coords of wave vectors as of
        :func:`particle_hole_bubble`.

    Raises
    ------
    TypeError, KeyError, ValueError
        Another Dataset, the local approximation, which has no wave vectors, data that were converted.

    Notes
    -----
    The saddle point is solved again from the coords of the solution, in tasks of about a second where that is
    lazy, and at once where it is not.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.cavity_glass(xg.lattice.cubic(8), filling=0.3)
    >>> solution = xg.saddle_point(glass, T=0.5, J=3.0, matsubara=[0, 1])
    >>> chi = xg.density_response(solution).mean(["qx", "qy", "qz"])
    >>> bool((abs(chi / solution["local_density_response"] - 1.0) < 1e-10).all())
    True
    """
    caller = "density_response"
    model, inputs, settings, plan = _again(solution, caller)
    refuse(
        caller,
        (
            settings.pop("approximation") is not None,
            "the local approximation has no wave vectors; solve with approximation=None",
        ),
    )
    numbers = matsubara_numbers(caller, eager(solution, "matsubara"))
    cells = settings["cells"]
    waves = [f"q{axis}" for axis in "xyz"[: len(cells)]]
    own = inputs["J"][1]
    settings["matsubara"] = tuple(int(m) for m in numbers.values.ravel())
    results = tasks.applied(
        engine.density_responses,
        inputs,
        {"density_response": ([*own, "matsubara", *waves], np.float64)},
        plan,
        settings=settings,
        sizes={"matsubara": numbers.size, **dict(zip(waves, cells, strict=True))},
    )
    chi = results["density_response"]
    chi = chi if numbers.ndim else chi.isel(matsubara=0)
    grid = {wave: 2.0 * np.pi * np.arange(n) / n for wave, n in zip(waves, cells, strict=True)}
    coords = solution.coords.to_dataset().assign_coords(grid)
    return _result(coords, chi, "density_response")


@public
def fermion_self_energy(
    solution: xr.Dataset, *, fermion_matsubara: npt.ArrayLike | xr.DataArray = 8
) -> xr.DataArray:
    r"""Local self-energy of fermions that scatter off the density fluctuations of a saddle point.

    .. math::

        \Sigma_f(i\omega) = T \sum_\Omega J(\Omega)^2 D(\Omega) G(i\omega + i\Omega)
        + J(0)^2 q_\mathrm{EA} G(i\omega), \quad
        G(i\omega) = \frac{1}{N} \sum_k \frac{1}{i\omega - \xi_k}

    Behind Eq. (49) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012): to second order in the
    couplings, with the fermions of the clean band. At T = 0, where :math:`D = D(0) - c \sqrt{\Omega}`,
    :math:`-\mathrm{Im}\, \Sigma_f = \rho(0) J^2 [D(0)\, \omega - \tfrac{2}{3} c\, \omega^{3/2}]` for
    small frequencies, without its frozen part and with the density of states rho(0) of a site: the linear
    term is a mass, the power 3/2 the damping.

    Parameters
    ----------
    solution : Dataset
        Result of :func:`saddle_point`, at any frequencies.
    fermion_matsubara : int, sequence or DataArray
        Numbers n of the frequencies (2 n + 1) pi T, also negative; a number asks for the first of so many.

    Returns
    -------
    DataArray
        Complex ``fermion_self_energy(..., fermion_matsubara)`` in tc, with the coords ``fermion_matsubara``
        and ``fermion_matsubara_frequency``.

    Raises
    ------
    TypeError, KeyError, ValueError
        Another Dataset, numbers that are not whole or repeated, data that were converted.

    Notes
    -----
    The saddle point is solved again from the coords of the solution, at the frequencies that it does not
    hold, in tasks of about a second where the solution is lazy; the sum over frequencies has no cut-off.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.cavity_glass(xg.lattice.cubic(8), filling=0.3)
    >>> solution = xg.saddle_point(glass, T=0.5, J=3.0, matsubara=0)
    >>> sigma = xg.fermion_self_energy(solution, fermion_matsubara=4)
    >>> sigma.dims, bool((sigma.imag < 0.0).all())
    (('fermion_matsubara',), True)
    """
    caller = "fermion_self_energy"
    _, inputs, settings, plan = _again(solution, caller)
    numbers = _fermion_numbers(caller, fermion_matsubara)
    settings["numbers"] = tuple(int(n) for n in numbers.values)
    results = tasks.applied(
        engine.self_energies,
        inputs,
        {"fermion_self_energy": ([*inputs["J"][1], "fermion_matsubara"], np.complex128)},
        plan,
        settings=settings,
        sizes={"fermion_matsubara": numbers.size},
    )
    coords = solution.coords.to_dataset().drop_vars(["matsubara", "matsubara_frequency"])
    coords = coords.assign_coords(fermion_matsubara=numbers.variable)
    frequency = (np.pi * coords["T"] * (2 * numbers + 1)).drop_attrs().variable
    coords = coords.assign_coords(fermion_matsubara_frequency=frequency)
    return _result(coords, results["fermion_self_energy"], "fermion_self_energy")


@public
def fermion_scattering_rate(solution: xr.Dataset, *, frozen: bool = True) -> xr.DataArray:
    r"""Scattering rate of fermions off the density fluctuations of a saddle point: its thermal mean.

    .. math::

        \Gamma = \int \frac{d\omega}{2 \pi T} \frac{-\mathrm{Im}\, \Sigma_f(\omega + i 0)}{\cosh(\omega / 2T)}
        = - \frac{1}{T} \Sigma_f\!\left(\tau = \frac{1}{2T}\right)
        = \frac{J^2}{T} \left[ D(\tau) + q_\mathrm{EA} \right] |G(\tau)|

    Behind Eq. (49) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012): the damping of real
    frequencies of the order of T, without their continuation. With couplings of infinite range and a local
    self-energy there are no vertex corrections, so that the resistivity rises as this rate does: as T^2 in
    the liquid, and as T^(3/2) at the transition, where :math:`D = D(0) - c \sqrt{|\Omega|}` decays as
    :math:`\tau^{-3/2}`. With photons J^2 D(tau) is that of J(Omega)^2 D(Omega).

    Parameters
    ----------
    solution : Dataset
        Result of :func:`saddle_point`, at any frequencies.
    frozen : bool
        Whether frozen densities scatter too, as impurities do: the part J^2 q_EA |G| / T in the glass.

    Returns
    -------
    DataArray
        ``fermion_scattering_rate(...)`` in tc.

    Raises
    ------
    TypeError, KeyError, ValueError
        Another Dataset, ``frozen`` that is neither True nor False, data that were converted.

    Notes
    -----
    The saddle point is solved again from the coords of the solution, as by :func:`fermion_self_energy`. A
    rate that does not depend on the frequency is its own mean.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.cavity_glass(xg.lattice.cubic(8), filling=0.3)
    >>> solution = xg.saddle_point(glass, T=0.5, J=[1.5, 3.0, 9.0], matsubara=0)
    >>> xg.fermion_scattering_rate(solution).round(3).values.tolist()
    [0.032, 0.139, 2.318]
    """
    caller = "fermion_scattering_rate"
    if not isinstance(frozen, bool | np.bool_):
        raise TypeError(f"{caller}: frozen must be True or False, got {frozen!r}")
    _, inputs, settings, plan = _again(solution, caller)
    settings["frozen"] = bool(frozen)
    outputs: dict[str, Output] = {caller: (inputs["J"][1], np.float64)}
    results = tasks.applied(engine.scattering_rates, inputs, outputs, plan, settings=settings)
    coords = solution.coords.to_dataset().drop_vars(["matsubara", "matsubara_frequency"])
    return _result(coords, results[caller], caller)


@public
def glass_susceptibility(solution: xr.Dataset, *, J: Parameter | None = None) -> xr.DataArray:
    r"""Glass susceptibility: the response of density fluctuations squared, which diverges at the transition.

    .. math:: \chi_\mathrm{glass} = \frac{\chi_2}{1 - J^2 \chi_2}, \quad
        \chi_2 = \frac{1}{N} \sum_{ij} \chi_{ij}^2 = \int_q (\chi_0^{-1} + 2 \lambda - J^2 D)^{-2}

    Eqs. (A15) and (42) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), at Omega = 0: the sum
    of the series (A15). Eq. (A16) prints 1 for its numerator.

    Parameters
    ----------
    solution : Dataset
        Result of :func:`saddle_point`.
    J : None
        Belongs to data that do not say their coupling; a solution does.

    Returns
    -------
    DataArray
        ``glass_susceptibility(...)`` in 1/tc^2; NaN in the glass, where this is no susceptibility of its own.

    Raises
    ------
    TypeError, KeyError, ValueError
        Another Dataset, a ``J`` beside that of the solution, data that were converted.

    Notes
    -----
    Where the solution does not hold Omega = 0 it is solved again from its coords.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.cavity_glass(xg.lattice.cubic(8), filling=0.3)
    >>> solution = xg.saddle_point(glass, T=0.5, J=[1.0, 5.0, 9.0])
    >>> xg.glass_susceptibility(solution).round(3).values.tolist()
    [0.022, 0.086, nan]
    """
    caller = "glass_susceptibility"
    settings = _checked_solution(solution, caller)
    refuse(caller, (J is not None, "the solution has its own J; leave J= out"))
    numbers = np.atleast_1d(eager(solution, "matsubara"))
    if 0 not in numbers:
        arguments = {"T": solution["T"], "J": solution["J"], "chunks": _chunks(solution)} | settings
        solution = saddle_point(solution, matsubara=0, **arguments)
    if "stability" not in solution:
        raise NotFoundError(f"{caller}: the solution has no 'stability'; pass all of saddle_point's Dataset")
    static = solution["stability"]
    if "matsubara" in static.dims:
        static = static.isel(matsubara=int(np.argmax(np.atleast_1d(eager(solution, "matsubara")) == 0)))
    static = static.where(solution["edwards_anderson"] == 0.0)
    result = (1.0 - static) / (solution["J"] ** 2 * static)
    result = result.drop_vars(["matsubara", "matsubara_frequency"], errors="ignore")
    return stamp(result.rename("glass_susceptibility"), energy="tc")


def _checked_solution(solution: Any, caller: str) -> dict[str, Any]:
    """What a saddle point says that it is: its constraint and its approximation."""
    require(solution, "edwards_anderson", "hopping", "filling", "T", "J", caller=caller)
    refuse(
        caller,
        (
            solution.attrs.get("solver") != "saddle_point",
            "the Dataset does not say of which solver it is (attrs); give the result of saddle_point, "
            "whose attrs selection keeps and arithmetic drops",
        ),
        (
            "matsubara" not in solution.coords,
            "the solution has no coordinate 'matsubara'; pass the Dataset as saddle_point gives it",
        ),
    )
    there = [name for name in ("local_density_response", "lagrange_multiplier") if name in solution]
    in_model_units(caller, **{name: solution[name] for name in there})
    approximation = solution.attrs["approximation"]
    return {
        "constraint": solution.attrs["constraint"],
        "approximation": None if approximation == "none" else approximation,
    }


def _chunks(solution: xr.Dataset) -> Chunks:
    """How to cut what a solution is solved again for: as lazy as that is."""
    return "auto" if any(variable.chunks for variable in solution.data_vars.values()) else None


def _again(
    solution: xr.Dataset, caller: str
) -> tuple[xr.Dataset, dict[str, Input], dict[str, Any], tasks.Plan]:
    """Model, inputs, settings and plan to solve a saddle point once more."""
    said = _checked_solution(solution, caller)
    model, inputs, settings = bubble_inputs(solution, solution["T"].reset_coords(drop=True), caller=caller)
    own, strengths = couplings(inputs, model, ("J", "omega0"))
    inputs |= strengths
    plan = plan_of(caller, _chunks(solution), inputs, settings, own, model)
    return model, inputs, settings | said | {"own": len(own)}, plan


def _fermion_numbers(caller: str, numbers: Any) -> xr.DataArray:
    """The numbers of fermionic frequencies over their dimension; one number is a count."""
    given = np.asarray(numbers)
    if given.ndim == 0:
        given = np.arange(whole_number(f"{caller}: fermion_matsubara", given.item()))
    if given.ndim != 1 or not given.size:
        raise ValueError(
            f"{caller}: fermion_matsubara must be a count or one sequence, got shape {given.shape}"
        )
    whole = [
        whole_number(f"{caller}: fermion_matsubara", n, minimum=-(2**53), maximum=2**53)
        for n in given.tolist()
    ]
    if len({*whole}) < len(whole):
        raise ValueError(f"{caller}: fermion_matsubara repeats numbers: {whole[:8]}; each may stand once")
    return xr.DataArray(whole, dims="fermion_matsubara", name="fermion_matsubara")


def _result(coords: xr.Dataset, array: xr.DataArray, name: str) -> xr.DataArray:
    """The result with the coords of a solution."""
    return stamp(coords.assign({name: array.variable})[name], energy="tc")
