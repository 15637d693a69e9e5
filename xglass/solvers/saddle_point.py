"""The saddle point of fermions in a cavity, and the coupling at which their liquid becomes a glass."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass.checks import refuse
from xglass.engine.cavity import solutions as engine
from xglass.messages import public
from xglass.models.common import with_coordinates
from xglass.solvers import tasks
from xglass.solvers.particle_hole_bubble import bubble_inputs, matsubara_numbers, with_frequencies
from xglass.solvers.tasks import Input, Output
from xglass.units.parameters import Chunks, Parameter, parameter, scale_of
from xglass.variables import stamp

__all__ = ["critical_coupling", "saddle_point"]


def __dir__() -> list[str]:
    return __all__


#: Seconds that the bubble of a point takes for every site, and those of a saddle point beside it.
BUBBLE_SECONDS, COUPLING_SECONDS = 3e-7, 1e-3

#: Frequencies at which results are given by default.
FREQUENCIES = 21

CONSTRAINTS = ("lambda", "lambda_J2")


@public
def saddle_point(
    model: xr.Dataset,
    *,
    T: Parameter,
    J: Parameter,
    matsubara: npt.ArrayLike | xr.DataArray | None = None,
    approximation: str | None = None,
    constraint: str = "lambda",
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Replica-symmetric saddle point of :func:`cavity_glass`: density response, frozen density, free energy.

    .. math::

        D(\Omega) = \int_q \frac{1}{\chi_0^{-1}(q, \Omega) + 2 \lambda - J(\Omega)^2 D(\Omega)}, \qquad
        T \sum_\Omega D(\Omega) + q_\mathrm{EA} = n (1 - n), \qquad
        q_\mathrm{EA} \left[ 1 - J(0)^2 \int_q (\chi_0^{-1} + 2 \lambda - J^2 D)^{-2} \right]_{\Omega = 0} = 0

    Eqs. (38) to (40) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), without effective site
    disorder. Below :func:`critical_coupling` the liquid has q_EA = 0; above it the glass is marginal.

    Parameters
    ----------
    model : Dataset
        Model of :func:`cavity_glass`, with site_energy_std = 0.
    T : float, sequence, DataArray or Quantity
        Temperature in tc, > 0.
    J : float, sequence, DataArray or Quantity
        Strength J(0) of the couplings in tc, > 0: of variance J^2 / N. With ``omega0`` of the model J(Omega)
        = J omega0^2 / (omega0^2 + Omega^2), Eq. (11).
    matsubara : int, sequence or DataArray, optional
        Numbers m >= 0 of the Matsubara frequencies 2 pi m T of the result; default 0 to 20. The solution does
        not depend on them: its sums go over all.
    approximation : {None, "local"}
        "local": all wave vectors have the mean response, chi_0^-1 = 1 / D_0(Omega), a few per cent off.
    constraint : {"lambda", "lambda_J2"}
        How the multiplier enters: z = 2 lambda - J(Omega)^2 D, Eq. (38), or z = J(Omega)^2 (lambda - D), Eq.
        (A25). They differ where the model has ``omega0``.
    chunks : {"auto"}, dict or None
        "auto" (lazy, tasks of about a second), {parameter dimension: size}, or None (compute now). All J and
        omega0 of a point are in one task: they share its bubble.

    Returns
    -------
    Dataset
        ``local_density_response(..., matsubara)`` D in 1/tc; ``stability(..., matsubara)`` = 1 - J(Omega)^2
        int_q (x + z)^-2, which is >= 0, and 0 at Omega = 0 in the glass; ``lagrange_multiplier(...)`` lambda,
        in tc, with "lambda_J2" in 1/tc; ``edwards_anderson(...)`` q_EA; ``free_energy(...)`` per site less
        that of J = 0, in tc, NaN with "lambda_J2" where the model has omega0, since no functional has that
        saddle point; ``residual(...)``, the largest of those of all equations, relative, and ``converged``: a
        residual below 1e-10. With "lambda_J2" and omega0 there is no solution at strong coupling: NaN, and
        not converged. Coords of the model, ``T``, ``J``, ``matsubara`` and ``matsubara_frequency``.

    Raises
    ------
    TypeError, KeyError, ValueError
        Naming the argument: another model, T or J not > 0, frequencies that are negative, repeated or no
        whole numbers, an unknown constraint or approximation, site_energy_std > 0.

    Notes
    -----
    Given lambda every frequency is a convex equation, whose largest root Newton's method finds; lambda is
    bracketed and is unique. Solutions on the wrong branch, which general solvers return, do not occur. Sums
    over frequencies go over a basis of about twenty and have no cut-off. What remains is the grid of wave
    vectors, see :func:`critical_coupling`. Time is that of :func:`particle_hole_bubble` at every filling and
    T, and some 0.5 ms for every J.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.cavity_glass(xg.lattice.cubic(12), filling=0.3)
    >>> solution = xg.saddle_point(glass, T=0.5, J=[2.0, 8.0])
    >>> solution["edwards_anderson"].round(4).values.tolist()
    [0.0, 0.0333]
    """
    caller = "saddle_point"
    _checked(caller, approximation, (None, "local"), constraint)
    numbers = matsubara_numbers(caller, np.arange(FREQUENCIES) if matsubara is None else matsubara)
    model, inputs, settings = bubble_inputs(_without_coupling(model), T, caller=caller)
    strength = parameter("J", J, scale=scale_of(model), energy="tc", above=0.0)
    model = with_coordinates(model, strength)
    own, strengths = couplings(inputs, model, ("J", "omega0"))
    inputs |= strengths
    plan = plan_of(caller, chunks, inputs, settings, own, model)
    settings |= {
        "own": len(own),
        "matsubara": tuple(int(m) for m in numbers.values.ravel()),
        "approximation": approximation,
        "constraint": constraint,
    }
    outputs: dict[str, Output] = {
        "local_density_response": ([*own, "matsubara"], np.float64),
        "stability": ([*own, "matsubara"], np.float64),
        "lagrange_multiplier": (own, np.float64),
        "edwards_anderson": (own, np.float64),
        "free_energy": (own, np.float64),
        "converged": (own, bool),
        "residual": (own, np.float64),
    }
    sizes = {"matsubara": numbers.size}
    results = tasks.applied(engine.saddle_points, inputs, outputs, plan, settings=settings, sizes=sizes)
    solution = with_frequencies(model, numbers)
    for name, result in results.items():
        one = result if numbers.ndim or "matsubara" not in result.dims else result.isel(matsubara=0)
        solution = solution.assign({name: one.variable})
    return _stamped(solution, caller, approximation, constraint)


@public
def critical_coupling(
    model: xr.Dataset,
    *,
    T: Parameter,
    approximation: str | None = None,
    constraint: str = "lambda",
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Coupling at which the liquid of :func:`cavity_glass` becomes a glass.

    .. math:: 1 = J_c^2 \int_q \left[ \chi_0^{-1}(q, 0) + 2 \lambda - J_c^2 D(0) \right]^{-2}

    Eq. (43) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), with Eqs. (38) and (39) for D and
    lambda, see :func:`saddle_point`. It is continuous, and that of a band without effective site disorder.

    Parameters
    ----------
    model : Dataset
        Model of :func:`cavity_glass`, with site_energy_std = 0.
    T : float, sequence, DataArray or Quantity
        Temperature in tc, > 0.
    approximation : {None, "local", "bare"}
        "local": all wave vectors have the mean response, chi_0^-1 = 1 / D_0(Omega), a few per cent off.
        "bare": the susceptibility of free fermions, J_c = (int_q chi_0(q, 0)^2)^(-1/2), lambda = 0.
    constraint : {"lambda", "lambda_J2"}
        As in :func:`saddle_point`.
    chunks : {"auto"}, dict or None
        "auto" (lazy, tasks of about a second), {parameter dimension: size}, or None (compute now). All omega0
        of a point are in one task: they share its bubble.

    Returns
    -------
    Dataset
        Over the parameters: ``critical_coupling`` J_c(0) in tc, NaN where there is no transition;
        ``critical_coupling_error``, its distance from J_c of a grid of three quarters of the cells, which
        bounds what the grid leaves: error estimates are usually ten times too large; ``lagrange_multiplier``
        (in 1/tc with "lambda_J2"); ``local_density_response``, D at Omega = 0, in 1/tc; ``nesting_clamp``, 1
        + z_0 / x_min: where it is far below 1 one density wave, of the largest chi_0, drives the transition;
        ``effective_disorder`` J_c n in tc, the standard deviation of the site energies that Eq. (26) adds
        for couplings that are not centred, and that this theory leaves out; ``residual`` and ``converged``.

    Raises
    ------
    TypeError, KeyError, ValueError
        Naming the argument: another model, T not > 0, an unknown constraint or approximation,
        site_energy_std > 0.

    Notes
    -----
    The error of the grid falls as exp(-c L T): at a filling of 0.3, L T = 6.4 t leaves 3e-7 of J_c. At half
    filling on lattices with nesting it falls as 1/L^2 below T of about 0.06 t; J_c itself then falls without
    limit for T -> 0. The error costs 0.4 of J_c in time, and nothing where it is not computed.
    :func:`xglass.fits.zero_temperature` extrapolates to T = 0.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.cavity_glass(xg.lattice.cubic(16), filling=[0.3, 0.5])
    >>> line = xg.critical_coupling(glass, T=0.5)
    >>> line["critical_coupling"].round(4).values.tolist()
    [5.7991, 4.7949]
    """
    caller = "critical_coupling"
    _checked(caller, approximation, (None, "local", "bare"), constraint)
    model, inputs, settings = bubble_inputs(_without_coupling(model), T, caller=caller)
    own, modes = couplings(inputs, model, ("omega0",))
    inputs |= modes
    plan = plan_of(caller, chunks, inputs, settings, own, model)
    settings |= {"own": len(own), "approximation": approximation, "constraint": constraint}
    names = (
        "critical_coupling",
        "lagrange_multiplier",
        "local_density_response",
        "nesting_clamp",
        "residual",
    )
    outputs: dict[str, Output] = dict.fromkeys(names, (own, np.float64))
    results = tasks.applied(engine.transitions, inputs, outputs, plan, settings=settings)
    found = results["critical_coupling"]
    error = tasks.applied(
        engine.transition_errors,
        inputs | {"critical_coupling": (found, own)},
        {"critical_coupling_error": (own, np.float64)},
        plan,
        settings=settings,
    )
    results |= error | {
        "effective_disorder": found * xr.DataArray(model["filling"].variable),
        "converged": results["residual"] < engine.GOOD,
    }
    solution = model.assign({name: result.variable for name, result in results.items()})
    return _stamped(solution, caller, approximation, constraint)


def _checked(caller: str, approximation: object, known: tuple[str | None, ...], constraint: object) -> None:
    """Refuse names that mean nothing."""
    advice = ""
    if caller == "saddle_point" and approximation == "bare":
        advice = '; "bare" is a criterion for the transition alone, for critical_coupling'
    refuse(
        caller,
        (
            approximation not in known,
            f"approximation must be one of {known}, got {approximation!r}{advice}",
        ),
        (constraint not in CONSTRAINTS, f"constraint must be one of {CONSTRAINTS}, got {constraint!r}"),
    )


def _without_coupling(model: Any) -> Any:
    """The model without what an earlier saddle point added."""
    return model.drop_vars("J", errors="ignore") if isinstance(model, xr.Dataset) else model


def couplings(
    inputs: dict[str, Input], model: xr.Dataset, names: tuple[str, ...]
) -> tuple[list[str], dict[str, Input]]:
    """The dimensions that couplings have and the bubble does not, and the couplings over all of them.

    Points along these dimensions share a bubble. Without photons their frequency is infinite.
    """
    shared = tasks.loops(inputs.values())
    there = [str(dim) for name in sorted(names, reverse=True) if name in model for dim in model[name].dims]
    own = [dim for dim in dict.fromkeys(there) if dim not in shared]

    def over(name: str) -> xr.DataArray:
        array = xr.DataArray(model[name].variable if name in model else math.inf)
        missing = {dim: model.sizes[dim] for dim in own if dim not in array.dims}
        return array.expand_dims(missing).transpose(..., *own)

    return own, {name: (over(name), own) for name in names}


def plan_of(
    caller: str,
    chunks: Chunks,
    inputs: dict[str, Input],
    settings: dict[str, Any],
    own: list[str],
    model: xr.Dataset,
) -> tasks.Plan:
    """How the work is cut: the bubble is what takes time, couplings of a point add little."""
    seconds = COUPLING_SECONDS * float(np.prod([model.sizes[dim] for dim in own]))
    seconds += BUBBLE_SECONDS * float(np.prod(settings["cells"]))
    return tasks.planned(chunks, tasks.loops(inputs.values()), caller=caller, seconds=seconds)


def _stamped(solution: xr.Dataset, caller: str, approximation: str | None, constraint: str) -> xr.Dataset:
    """The solution with its attributes, and what was asked for."""
    solution.attrs = {"solver": caller, "constraint": constraint, "approximation": approximation or "none"}
    unit = {"lagrange_multiplier": "1/tc"} if constraint == "lambda_J2" else {}
    if "free_energy" in solution and constraint == "lambda_J2" and "omega0" in solution:
        solution.attrs["free_energy"] = "NaN: no functional has the saddle point of lambda_J2 with omega0"
    return stamp(solution, energy="tc", **unit)
