"""The metallic glass of a cavity in closed form: couplings, response at one wave vector, its square root.

Formulas of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), section V, to be held against the
full saddle point. With x = 1/chi0(Omega, q) the response at J is 1/(x + z), z = 2 lambda - J^2 D.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xglass.checks import in_model_units, real_array, refuse
from xglass.engine.core.operations import operation
from xglass.messages import NotFoundError, elsewhere, public
from xglass.units.parameters import Parameter, parameter
from xglass.variables import stamp

__all__ = [
    "closed_form_response",
    "distance_to_transition",
    "mediated_coupling",
    "scattered_light",
    "self_energy_parts",
    "square_root_prefactor",
    "square_root_scale",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)


@operation("metallic_glass.mediated_coupling")
def _mediated_coupling(frequency: np.ndarray, v: np.ndarray, omega0: np.ndarray) -> np.ndarray:
    """Eq. (11)."""
    return 2.0 * v**2 * omega0 / (frequency**2 + omega0**2)


@operation("metallic_glass.closed_form_response")
def _closed_form_response(x: np.ndarray, multiplier: np.ndarray, J: np.ndarray) -> np.ndarray:
    """Eq. (45) as 2 / (A + sqrt(A - 2 J) sqrt(A + 2 J)), A = x + 2 lambda.

    For complex x the two roots are cut on [-2 J, 2 J] alone; real A < 2 J are none of a liquid's, NaN.
    """
    A = x + 2.0 * multiplier
    with np.errstate(invalid="ignore"):
        return 2.0 / (A + np.sqrt(A - 2.0 * J) * np.sqrt(A + 2.0 * J))


@operation("metallic_glass.distance_to_transition")
def _distance_to_transition(x: np.ndarray, multiplier: np.ndarray, J: np.ndarray) -> np.ndarray:
    """Eq. (46), as a product."""
    half = multiplier + 0.5 * x
    with np.errstate(invalid="ignore"):
        return np.sqrt(half - J) * np.sqrt(half + J)


@operation("metallic_glass.square_root_scale")
def _square_root_scale(x: np.ndarray, slope: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Ratio of the two means over the last axis."""
    kept = np.isfinite(slope) & np.isfinite(x)
    response = 1.0 / np.where(kept, x + z, 1.0)
    damping = np.where(kept, np.where(kept, slope, 0.0) * response**2, 0.0).sum(axis=-1)
    return damping / np.where(kept, response**3, 0.0).sum(axis=-1)


def _array(
    caller: str, name: str, value: Any, *, above: float = -np.inf, complex_too: bool = False
) -> xr.DataArray:
    """A number or DataArray in the unit of the model, as lazy as it is, and with all of its digits."""
    if not isinstance(value, xr.DataArray):
        refuse(caller, (np.ndim(value) > 0, f"{name} must be a number or a DataArray with named dimensions"))
        value = xr.DataArray(value)
    if not (complex_too and value.dtype.kind == "c"):
        real_array(caller, name, value)
    in_model_units(caller, **{name: value})
    low = value.chunks is None and above > -np.inf and not bool((value > above).all())
    refuse(caller, (low, f"{name} must be > {above:g}, got {float(value.min()) if low else 0.0:g}"))
    return value


def _applied(function: Any, *arrays: xr.DataArray, name: str, kind: type = np.float64) -> xr.DataArray:
    """The function of arrays that are aligned, as lazy as they are."""
    result = xr.apply_ufunc(function, *arrays, join="exact", dask="parallelized", output_dtypes=[kind])
    return stamp(result.rename(name), energy="tc")


@public
def mediated_coupling(matsubara_frequency: Parameter, *, v: Parameter, omega0: Parameter) -> xr.DataArray:
    r"""Return the strength of the random couplings that photons mediate, Eq. (11).

    .. math:: J(\Omega) = \frac{2 v^2 \omega_0}{\Omega^2 + \omega_0^2}

    Its static limit J(0) = 2 v^2 / omega0 is the J of the solvers.

    Parameters
    ----------
    matsubara_frequency : number, sequence, DataArray or Quantity
        Imaginary frequencies Omega in tc, such as the coordinate of a solution.
    v : number, sequence, DataArray or Quantity
        Strength of the disorder in tc.
    omega0 : number, sequence, DataArray or Quantity
        Frequency of the photons in tc, > 0.

    Returns
    -------
    DataArray
        ``mediated_coupling`` in tc, over the dims of all three.

    Raises
    ------
    TypeError, ValueError
        Naming the argument: no real numbers, omega0 not > 0, data that were converted to physical units.

    Examples
    --------
    >>> import xglass as xg
    >>> xg.metallic_glass.mediated_coupling([0.0, 2.0], v=2.0, omega0=2.0).values
    array([4., 2.])
    """
    caller = "metallic_glass.mediated_coupling"
    if isinstance(matsubara_frequency, xr.DataArray):  # of a solution, with all of its digits
        frequency = _array(caller, "matsubara_frequency", matsubara_frequency)
    else:
        frequency = parameter("matsubara_frequency", matsubara_frequency, energy="tc")
    strength, photons = parameter("v", v, energy="tc"), parameter("omega0", omega0, energy="tc", above=0.0)
    return _applied(_mediated_coupling, frequency, strength, photons, name="mediated_coupling")


@public
def closed_form_response(x: Any, *, lagrange_multiplier: Any, J: Any) -> xr.DataArray:
    r"""Return the local density response where the bubble does not depend on the wave vector, Eq. (45).

    .. math:: D = \frac{2}{A + \sqrt{A^2 - 4 J^2}}, \quad A = x + 2 \lambda, \quad x = 1/\chi_0(\Omega, Q)

    As printed, A / 2 J^2 - sqrt(...), it loses all digits at x / J above 1e8; this form keeps them.

    Parameters
    ----------
    x : number or DataArray
        1/chi0 in tc, at a wave vector of one's choice or of the mean over all; infinite where chi0 is 0.
        Complex x is that of real frequencies.
    lagrange_multiplier : number or DataArray
        Multiplier lambda of Eq. (38), in tc.
    J : number or DataArray
        J(Omega) in tc, > 0: a number where couplings are static.

    Returns
    -------
    DataArray
        ``local_density_response`` in 1/tc; NaN where A < 2 J: there is no response with this lambda.

    Raises
    ------
    TypeError, ValueError
        Naming the argument: no numbers, J not > 0, other labels, data that were converted.

    Examples
    --------
    >>> import xarray as xr, xglass as xg
    >>> x = xr.DataArray([2.0, 2e12], dims="matsubara")
    >>> xg.metallic_glass.closed_form_response(x, lagrange_multiplier=0.0, J=1.0).values
    array([1.e+00, 5.e-13])
    """
    caller = "metallic_glass.closed_form_response"
    inputs = _response_inputs(caller, x, lagrange_multiplier, J, complex_too=True)
    kind = np.complex128 if inputs[0].dtype.kind == "c" else np.float64
    return _applied(_closed_form_response, *inputs, name="local_density_response", kind=kind)


@public
def distance_to_transition(x: Any, *, lagrange_multiplier: Any, J: Any) -> xr.DataArray:
    r"""Return the energy that tells how far the liquid is from the glass, Eq. (46).

    .. math:: \Delta = \sqrt{(\lambda + x / 2)^2 - J^2}, \quad x = 1/\chi_0(0, Q)

    It is 0 at the transition and in the glass. It has the dimension of J, and is no frequency: with x =
    x(0) + a_Q |Omega| the response turns from linear to a square root at Omega near Delta^2 / (J a_Q).

    Parameters
    ----------
    x : number or DataArray
        Static 1/chi0 in tc, as in :func:`closed_form_response`.
    lagrange_multiplier : number or DataArray
        Multiplier lambda of Eq. (38), in tc.
    J : number or DataArray
        J(0) in tc, > 0.

    Returns
    -------
    DataArray
        ``distance_to_transition`` in tc; NaN where the square is negative.

    Raises
    ------
    TypeError, ValueError
        Naming the argument: no numbers, J not > 0, other labels, data that were converted.

    Examples
    --------
    >>> import xglass as xg
    >>> float(xg.metallic_glass.distance_to_transition(8.0, lagrange_multiplier=1.0, J=4.0))
    3.0
    """
    inputs = _response_inputs("metallic_glass.distance_to_transition", x, lagrange_multiplier, J)
    return _applied(_distance_to_transition, *inputs, name="distance_to_transition")


def _response_inputs(
    caller: str, x: Any, multiplier: Any, J: Any, *, complex_too: bool = False
) -> list[xr.DataArray]:
    """Inverse bubble, lambda and J, checked."""
    return [
        _array(caller, "x", x, complex_too=complex_too),
        _array(caller, "lagrange_multiplier", multiplier),
        _array(caller, "J", J, above=0.0),
    ]


@public
def square_root_scale(
    x: xr.DataArray, slope: xr.DataArray, *, z: Any, dim: str | Sequence[str]
) -> xr.DataArray:
    r"""Return the energy A of the square root in frequency that the response has at the transition.

    .. math:: D(0) - D(\Omega) = \frac{\sqrt{A |\Omega|}}{J^2}, \quad
        A = \frac{\int_q a_q (x_q + z)^{-2}}{\int_q (x_q + z)^{-3}}, \quad 1/\chi_0 = x_q + a_q |\Omega|

    What the section leaves open: Eq. (38) to second order in D(0) - D, where J^2 times the mean of
    (x + z)^-2 is 1, at the transition and in the glass.

    Parameters
    ----------
    x : DataArray
        Static 1/chi0 in tc, over wave vectors.
    slope : DataArray
        Its slope a_q in |Omega|, a pure number. Where it is infinite (at q = 0, where chi0 vanishes at any
        other frequency) a wave vector is left out: it has no weight in the zone.
    z : number or DataArray
        2 lambda - J^2 D(0) in tc.
    dim : str or sequence of str
        The dims of wave vectors.

    Returns
    -------
    DataArray
        ``square_root_scale`` in tc.

    Raises
    ------
    TypeError, ValueError
        Naming the argument: no numbers, other labels, dims that x does not have.

    Examples
    --------
    >>> import xarray as xr, xglass as xg
    >>> x, slope = (xr.DataArray([value, value], dims="qx") for value in (2.0, 0.5))
    >>> float(xg.metallic_glass.square_root_scale(x, slope, z=1.0, dim="qx"))
    1.5
    """
    caller = "metallic_glass.square_root_scale"
    x, slope, z = (_array(caller, *pair) for pair in (("x", x), ("slope", slope), ("z", z)))
    dims = [dim] if isinstance(dim, str) else [*dim]
    missing = [name for name in dims if name not in x.dims]
    refuse(caller, (bool(missing), f"x has dimensions {x.dims} and lacks {missing}"))
    flat = [array.stack(_q=dims, create_index=False) for array in xr.broadcast(x, slope)]
    if any(array.chunks for array in flat):
        flat = [array.chunk(_q=-1) for array in flat]
    result = xr.apply_ufunc(
        _square_root_scale,
        *flat,
        z.expand_dims("_one", axis=-1),
        input_core_dims=[["_q"], ["_q"], ["_one"]],
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return stamp(result.rename("square_root_scale"), energy="tc")


@public
def square_root_prefactor(A: Any, *, J: Any) -> xr.DataArray:
    r"""Return the prefactor c of the square root in frequency, D(0) - D(Omega) = c sqrt(Omega).

    .. math:: c = \sqrt{A} / J^2

    Parameters
    ----------
    A : number or DataArray
        Its energy, from :func:`square_root_scale`, in tc.
    J : number or DataArray
        J(0) in tc, > 0.

    Returns
    -------
    DataArray
        ``square_root_prefactor`` in tc^-3/2.

    Raises
    ------
    TypeError, ValueError
        Naming the argument: no numbers, J not > 0, data that were converted.

    Examples
    --------
    >>> import xglass as xg
    >>> float(xg.metallic_glass.square_root_prefactor(4.0, J=2.0))
    0.5
    """
    caller = "metallic_glass.square_root_prefactor"
    A, J = _array(caller, "A", A), _array(caller, "J", J, above=0.0)
    return stamp((np.sqrt(A) / J**2).rename("square_root_prefactor"), energy="tc")


@public
def self_energy_parts(
    frequency: Parameter,
    *,
    local_density_response: Any,
    square_root_prefactor: Any,
    J: Any,
    density_of_states: Any,
) -> xr.Dataset:
    r"""Return the two parts of the self-energy of fermions at T = 0 and low frequency, Eq. (49).

    .. math:: -\mathrm{Im}\, \Sigma_f(i \omega) =
        \rho_0 J^2 \left[ D(0)\, \omega - \tfrac{2}{3}\, c\, \omega^{3/2} \right]

    where D = D(0) - c sqrt(Omega), at the transition and in the glass, there without the part of its frozen
    density. The linear part is a mass; on the real axis 3/2 is the power of the damping.

    Parameters
    ----------
    frequency : number, sequence, DataArray or Quantity
        Imaginary frequencies omega >= 0 in tc, such as the coordinate of :func:`xglass.fermion_self_energy`.
    local_density_response : number or DataArray
        D(0) in 1/tc.
    square_root_prefactor : number or DataArray
        Its c in tc^-3/2, from :func:`square_root_prefactor`.
    J : number or DataArray
        J(0) in tc, > 0.
    density_of_states : number or DataArray
        Density of states of a site at the Fermi energy, in 1/tc.

    Returns
    -------
    Dataset
        ``linear_self_energy`` and ``damping_self_energy``, the first less the second being -Im Sigma_f, in
        tc, over the dims of all.

    Raises
    ------
    TypeError, ValueError
        Naming the argument: no numbers, frequencies not >= 0, J not > 0, data that were converted.

    Examples
    --------
    >>> import xglass as xg
    >>> parts = xg.metallic_glass.self_energy_parts(
    ...     0.25, local_density_response=0.2, square_root_prefactor=0.06, J=4.0, density_of_states=0.125
    ... )
    >>> float(parts["linear_self_energy"]), float(parts["damping_self_energy"])
    (0.1, 0.01)
    """
    caller = "metallic_glass.self_energy_parts"
    if isinstance(frequency, xr.DataArray):  # of a solution, with all of its digits
        omega = _array(caller, "frequency", frequency)
    else:
        omega = parameter("frequency", frequency, energy="tc")
    negative = omega.chunks is None and not bool((omega >= 0.0).all())
    refuse(caller, (negative, "frequency must be >= 0; -Im Sigma is odd in it"))
    D = _array(caller, "local_density_response", local_density_response)
    c = _array(caller, "square_root_prefactor", square_root_prefactor)
    strength = _array(caller, "density_of_states", density_of_states) * _array(caller, "J", J, above=0.0) ** 2
    with xr.set_options(arithmetic_join="exact"):
        parts = {
            "linear_self_energy": strength * D * omega,
            "damping_self_energy": strength * c * (2.0 / 3.0) * omega**1.5,
        }
    return stamp(xr.Dataset(parts), energy="tc")


@public
def scattered_light(local_structure_factor: Any, *, omega0: Any) -> xr.DataArray:
    r"""Return the spectrum of the light that density fluctuations scatter out of the cavity.

    .. math:: I(\omega) \propto S_\mathrm{loc}(\omega)
        \left[ \frac{\omega_0}{\omega_0^2 - \omega^2} \right]^2

    Photons follow the densities that they couple to by their own response. Many modes see the local
    fluctuations; how much leaves the cavity is a factor that the model leaves open.

    Parameters
    ----------
    local_structure_factor : DataArray
        S_loc(..., frequency) in 1/tc, from :func:`xglass.real_frequency_response`, with its coordinate
        ``frequency`` in tc, the distance of the light from that of the pump.
    omega0 : number or DataArray
        Frequency of the photons in tc, > 0.

    Returns
    -------
    DataArray
        ``scattered_light(..., frequency)`` in tc^-3. It is infinite at omega0, where the width of the mode
        would enter.

    Raises
    ------
    TypeError, KeyError, ValueError
        Naming the argument: no numbers, no coordinate ``frequency``, omega0 not > 0, data that were
        converted.

    Examples
    --------
    >>> import xarray as xr, xglass as xg
    >>> S = xr.DataArray([0.1, 0.2], dims="frequency", coords={"frequency": [0.0, 1.0]})
    >>> xg.metallic_glass.scattered_light(S, omega0=2.0).round(4).values.tolist()
    [0.025, 0.0889]
    """
    caller = "metallic_glass.scattered_light"
    S = _array(caller, "local_structure_factor", local_structure_factor)
    if "frequency" not in S.coords:
        raise NotFoundError(
            f"{caller}: local_structure_factor has no coordinate 'frequency'; write "
            ".assign_coords(frequency=...)"
        )
    photons = _array(caller, "omega0", omega0, above=0.0)
    frequency = S["frequency"].drop_attrs()
    with xr.set_options(arithmetic_join="exact"):
        result = S * (photons / (photons**2 - frequency**2)) ** 2
    return stamp(result.rename("scattered_light"), energy="tc")
