"""The motion of the particle behind a conductivity."""

from __future__ import annotations

from typing import Any

import xarray as xr

from xglass.engine.core import conductivity
from xglass.messages import public
from xglass.observables import common
from xglass.units.parameters import Frequencies, Parameter, parameter, scale_of
from xglass.variables import stamp

__all__ = ["diffusivity", "mean_square_displacement"]


def __dir__() -> list[str]:
    return __all__


def _in_time(
    name: str, function: Any, sigma: xr.DataArray, time: Frequencies, T: Parameter | None
) -> xr.DataArray:
    common.per_particle(sigma, name)
    step = common.uniform_step(sigma, name)
    sigma, temperature = common.at_temperature(sigma, T, name)
    times = parameter(
        "time", time, scale=scale_of(sigma), energy=common.spectral_unit(sigma), above=0.0, zero=True
    )
    if times.dims not in ((), ("time",)):
        raise ValueError(f"{name}: time must be a number or one sequence, got dimensions {times.dims}")
    common.warn_of_coarse_steps(sigma, name)
    result = common.labelled(
        function,
        [
            (sigma, ["frequency"]),
            (temperature, []),
            (times if times.ndim else times.expand_dims("time"), ["time"]),
        ],
        ["time"],
        step=step,
    )
    result = (result if times.ndim else result.isel(time=0, drop=True)).assign_coords(time=times.variable)
    return stamp(result.rename(name), energy=common.spectral_unit(sigma))


@public
def mean_square_displacement(
    sigma: xr.DataArray, *, time: Frequencies, T: Parameter | None = None
) -> xr.DataArray:
    r"""How far the particle has spread after a time.

    .. math:: \Delta x^2(t) = \frac{2}{\pi} \int_0^\infty \sigma(\omega) \coth\!\Big(\frac{\omega}{2T}\Big)
        \frac{1 - \cos \omega t}{\omega}\, d\omega

    the double integral of :math:`d^2 \Delta x^2 / dt^2 = 2\, \mathrm{Re}\, \langle J(t) J(0)\rangle` (section
    IV of Rammal, Ciuchi and Fratini and their refs. 5, 22). Ballistic at short times; localized particles
    stop.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` per particle on a uniform grid from 0, as in
        :func:`relaxation_time_approximation`. A filter of width d makes a localized particle diffuse after a
        time 1/d.
    time : number or sequence
        Times >= 0 in hbar over the unit of frequency: a number or a sequence (dimension ``time``).
    T : number, sequence, DataArray or Quantity, optional
        Temperature; default the coordinate of ``sigma``, from which it must not differ.

    Returns
    -------
    DataArray
        ``mean_square_displacement(...[, time])`` in a^2.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: a conductivity that is not per particle, a grid that is not uniform
        from 0, no temperature.

    Warns
    -----
    UserWarning
        Where frequencies stand more than 1.6 broadenings apart (0.8 of a Lorentzian), with the size of the
        error.

    Notes
    -----
    :math:`\sigma \omega \coth` is taken as constant within each bin, and the oscillating factor integrated
    over it exactly: right at all times up to pi / step; later up to an echo, of relative size step / 2 pi in
    D and far less in the displacement. Cost one sine integral per time and frequency.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 50.0, 5001)
    >>> drude = xr.DataArray(
    ...     1 / (1 + w**2), dims="frequency", coords={"frequency": w, "T": 100.0}, name="optical_conductivity"
    ... )
    >>> print(f"{xg.mean_square_displacement(drude, time=10.0).item():.0f}")  # 2 T (t - 1 + e^-t)
    1800
    """
    return _in_time("mean_square_displacement", conductivity.displacement, sigma, time, T)


@public
def diffusivity(sigma: xr.DataArray, *, time: Frequencies, T: Parameter | None = None) -> xr.DataArray:
    r"""Time-dependent diffusivity of the particle.

    .. math:: D(t) = \frac12 \frac{d}{dt} \Delta x^2(t) = \frac1\pi \int_0^\infty \sigma(\omega)
        \coth\!\Big(\frac{\omega}{2T}\Big) \sin(\omega t)\, d\omega

    with :math:`D(\infty) = T \sigma(0)`, the relation of Einstein. Arguments, accuracy and cost as
    :func:`mean_square_displacement`.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` per particle on a uniform grid from 0.
    time : number or sequence
        Times >= 0: a number or a sequence (dimension ``time``).
    T : number, sequence, DataArray or Quantity, optional
        Temperature; default the coordinate of ``sigma``, from which it must not differ.

    Returns
    -------
    DataArray
        ``diffusivity(...[, time])`` in a^2 times the unit of frequency over hbar.

    Raises
    ------
    TypeError, ValueError
        As :func:`mean_square_displacement`.

    Warns
    -----
    UserWarning
        Where frequencies stand more than 1.6 broadenings apart (0.8 of a Lorentzian), with the size of the
        error.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 50.0, 5001)
    >>> drude = xr.DataArray(
    ...     1 / (1 + w**2), dims="frequency", coords={"frequency": w, "T": 100.0}, name="optical_conductivity"
    ... )
    >>> print(f"{xg.diffusivity(drude, time=10.0).item():.1f}")  # T sigma(0)
    100.0
    """
    return _in_time("diffusivity", conductivity.diffusion, sigma, time, T)
