"""Conductivity of disorder that relaxes, from that of frozen disorder."""

from __future__ import annotations

import xarray as xr

from xglass.engine.core import conductivity
from xglass.messages import public
from xglass.observables import common
from xglass.units.parameters import Parameter
from xglass.variables import stamp

__all__ = ["relaxation_time_approximation", "transient_localization_length"]


def __dir__() -> list[str]:
    return __all__


@public
def relaxation_time_approximation(
    sigma: xr.DataArray, *, rate: Parameter, correlation: str = "conductivity", T: Parameter | None = None
) -> xr.DataArray:
    r"""Conductivity of a system whose disorder relaxes, from that of frozen disorder: a Lorentzian
    convolution.

    The current correlation function of the reference is multiplied by :math:`e^{-p|t|}`. "symmetrised" is Eq.
    (3) of Rammal, Ciuchi and Fratini,

    .. math:: \sigma^\mathrm{RTA}(\omega) = \frac{\tanh(\omega/2T)}{\pi \omega} \int_{-\infty}^{\infty}
        \frac{\omega'}{\tanh(\omega'/2T)} \frac{p}{(\omega - \omega')^2 + p^2}\, \sigma(\omega')\, d\omega'

    whose limit at :math:`\omega = 0` is their Eq. (4); "conductivity" leaves out the thermal factors, as for
    the charge glass (Fratini et al., SciPost Phys. 14, 124 (2023)). The first conserves the integral of the
    symmetrised correlation function, the second that of sigma.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` of the frozen reference on a uniform grid from 0, such as
        :func:`static_disorder` with ``broadening=None`` (weights per bin; a filter of finite width adds to
        the rate). Weight above the grid is lost.
    rate : number, sequence, DataArray or Quantity
        Half width p of the Lorentzian, >= 0, in the unit of frequency: a number, a sequence (dimension
        ``rate``), a DataArray (``tls["omega0"]`` keeps the dimension omega0) or Quantities.
    correlation : str, default "conductivity"
        "conductivity" or "symmetrised".
    T : number, sequence, DataArray or Quantity, optional
        Temperature; default the coordinate of ``sigma``, from which it must not differ. Only
        "symmetrised" needs it.

    Returns
    -------
    DataArray
        ``optical_conductivity(..., [rate,] frequency)`` on the same grid, in the unit of ``sigma``, with
        coordinate ``rate``.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: a grid that is not uniform from 0, a negative rate, no temperature.

    Warns
    -----
    UserWarning
        Where frequencies stand more than half a rate apart, or 1.6 broadenings (0.8 of a Lorentzian),
        with the size of the error:
        bins as wide as the rate have a static limit that is off by 3 to 4 %.

    Notes
    -----
    Entries are means over bins centred on the frequencies; the Lorentzian is integrated over each bin in
    closed form, so that weight is conserved to rounding (counted to infinity) for every rate, however small.
    By FFT: 2 ms for 10^4 frequencies. All dimensions but frequency may be chunked.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 5.0, 501)
    >>> static = xr.DataArray(
    ...     w / (1 + (w / 0.5) ** 2) ** 2,
    ...     dims="frequency",
    ...     coords={"frequency": w, "T": 1.0},
    ...     name="optical_conductivity",
    ... )
    >>> xg.dc_conductivity(
    ...     xg.relaxation_time_approximation(static, rate=[0.0, 0.05], correlation="symmetrised")
    ... ).values.round(3)
    array([0.   , 0.059])
    """
    caller = "relaxation_time_approximation"
    symmetrised = common.checked_correlation(correlation, caller)
    step = common.uniform_step(sigma, caller)
    sigma, temperature = (
        common.at_temperature(sigma, T, caller)
        if symmetrised or T is not None
        else (sigma, xr.DataArray(1.0))
    )
    width = common.checked_rate(rate, sigma, caller, zero=True)
    common.warn_of_coarse_steps(sigma, caller)
    common.warn_of_wide_bins(step, width, caller)
    result = common.labelled(
        conductivity.relaxed,
        [(sigma, ["frequency"]), (temperature, []), (width, [])],
        ["frequency"],
        step=step,
        symmetrised=symmetrised,
    )
    result = result.assign_coords(rate=width.variable).rename("optical_conductivity")
    return stamp(
        result,
        energy=common.spectral_unit(sigma),
        **common.unit_of("optical_conductivity", sigma, common.PER_PARTICLE),
    )


@public
def transient_localization_length(
    sigma: xr.DataArray, *, rate: Parameter, T: Parameter | None = None
) -> xr.DataArray:
    r"""How far the particle spreads within the life time of a frozen landscape.

    .. math:: L^2(p) = p \int_0^\infty e^{-pt} \Delta x^2(t)\, dt = \frac{2}{\pi} \int_0^\infty \sigma(\omega)
        \coth\!\Big(\frac{\omega}{2T}\Big) \frac{\omega}{\omega^2 + p^2}\, d\omega

    so that the mobility of Eq. (4) of Rammal, Ciuchi and Fratini is :math:`\mu = p L^2(p) / 2T` (their refs.
    5, 22).

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` per particle on a uniform grid from 0, of the frozen
        reference (:func:`static_disorder` with ``broadening=None``).
    rate : number, sequence, DataArray or Quantity
        Relaxation rate p > 0, as in :func:`relaxation_time_approximation`.
    T : number, sequence, DataArray or Quantity, optional
        Temperature; default the coordinate of ``sigma``, from which it must not differ.

    Returns
    -------
    DataArray
        ``transient_localization_length(...[, rate])`` in a.

    Raises
    ------
    TypeError, ValueError
        As :func:`mean_square_displacement`; a rate that is not > 0.

    Warns
    -----
    UserWarning
        Where frequencies stand more than half a rate apart, or 1.6 broadenings (0.8 of a Lorentzian),
        with the size of the error.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 5.0, 501)
    >>> static = xr.DataArray(
    ...     w / (1 + w**4), dims="frequency", coords={"frequency": w, "T": 1.0}, name="optical_conductivity"
    ... )
    >>> print(f"{xg.transient_localization_length(static, rate=0.05).item():.3f}")
    1.973
    """
    caller = "transient_localization_length"
    common.per_particle(sigma, caller)
    step = common.uniform_step(sigma, caller)
    sigma, temperature = common.at_temperature(sigma, T, caller)
    width = common.checked_rate(rate, sigma, caller)
    common.warn_of_coarse_steps(sigma, caller)
    common.warn_of_wide_bins(step, width, caller, power=0.5)  # its square is the static limit
    result = common.labelled(
        conductivity.transient_length, [(sigma, ["frequency"]), (temperature, []), (width, [])], step=step
    )
    return stamp(result.assign_coords(rate=width.variable).rename(caller), energy=common.spectral_unit(sigma))
