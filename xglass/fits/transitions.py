"""The zero-temperature limit of a line of transitions."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr

from xglass.checks import eager, in_model_units, real_array, refuse
from xglass.engine.core.operations import operation
from xglass.fits.common import fit_slices, nothing, over_slices, report
from xglass.messages import NotFoundError, public
from xglass.variables.registry import Floats, stamp

__all__ = ["zero_temperature"]


def __dir__() -> list[str]:
    return __all__


#: Powers of T of the law.
POWERS = np.array([0.0, 1.5, 2.0])


@public
def zero_temperature(J_c: xr.DataArray, *, dim: Hashable = "T") -> xr.DataArray:
    r"""Extrapolate a critical coupling to T = 0.

    .. math:: J_c(T) = J_c(0) + a T^{3/2} + b T^2

    by linear regression: the critical density fluctuations of the metallic glass (Mueller, Strack and
    Sachdev, Phys. Rev. A 86, 023604 (2012)) make T^(3/2) its first power, and a linear term has none.

    Parameters
    ----------
    J_c : DataArray
        ``critical_coupling(..., T)`` of :func:`xglass.critical_coupling`, with its coordinate ``filling``.
    dim : str, default "T"
        The dimension of temperatures.

    Returns
    -------
    DataArray
        ``critical_coupling(...)`` at T = 0 in the unit of ``J_c``, with its error beside it as the coordinate
        ``critical_coupling_stderr``: from the scatter about the law, which is that of the next powers and of
        the grid; NaN for three temperatures. NaN where fewer than three points are finite.

    Raises
    ------
    TypeError, KeyError, ValueError
        No DataArray of real numbers, no coordinate ``filling``, ``dim`` missing or with fewer than three
        temperatures, temperatures that are not > 0, data that were converted. At half filling there is no
        such limit: nested bands have a susceptibility that diverges as ln(1/T), and J_c falls without limit.

    Notes
    -----
    For four digits take T from 0.02 to 0.1 t, on grids with L T of 6 t and above; without the highest
    temperatures the result should stay within a few of its errors. Away from half filling it may still be
    that of a band that is nearly nested: see ``nesting_clamp``.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> T = np.array([0.02, 0.04, 0.06, 0.1])
    >>> line = xr.DataArray(4.0 + 8.0 * T**1.5, dims="T", coords={"T": T, "filling": 0.3})
    >>> print(f"{zero_temperature(line).item():.6f}")
    4.000000
    """
    caller = "zero_temperature"
    real_array(caller, "J_c", J_c)
    in_model_units(caller, J_c=J_c)
    if "filling" not in J_c.coords:
        raise NotFoundError(
            f"{caller}: J_c has no coordinate 'filling', and at half filling there is no limit; write "
            ".assign_coords(filling=...)"
        )
    half = abs(eager(J_c.coords.to_dataset(), "filling") - 0.5) < 1e-9
    cold = dim in J_c.coords and not bool((J_c[dim] > 0.0).all())
    refuse(
        caller,
        (
            bool(np.any(half)),
            "at half filling J_c has no limit: the susceptibility of the nested band diverges as ln(1/T) and "
            "J_c falls slowly to 0; state J_c with its T, or select other fillings",
        ),
        (cold, f"temperatures along {dim!r} must be > 0"),
    )
    names = ["critical_coupling", "_first", "_second"]
    fit = fit_slices(caller, "J_c", _limit, names, J_c, dim, None, None, join=True)
    unit = {"critical_coupling": str(J_c.attrs.get("units", "tc"))}
    result = stamp(fit[["critical_coupling", "critical_coupling_stderr"]], energy="tc", **unit)
    return result.set_coords("critical_coupling_stderr")["critical_coupling"]


@operation("fits.zero_temperature")
@over_slices
def _limit(x: Floats, y: Floats, error: Floats, *, absolute: bool) -> Floats:
    """The coefficients of powers of T, with the largest T as its unit."""
    keep = np.isfinite(x) & np.isfinite(y)
    x, y = np.asarray(x[keep], dtype=np.float64), np.asarray(y[keep], dtype=np.float64)
    if len({*x.tolist()}) < POWERS.size:
        return nothing(POWERS.size)
    columns = (x / x.max())[:, None] ** POWERS
    coefficients = np.linalg.lstsq(columns, y)[0]
    if x.size == POWERS.size:
        values = np.stack([coefficients, np.full(POWERS.size, np.nan)], axis=1)
        return np.concatenate([values.ravel(), [0.0, 1.0]])
    return report(coefficients, columns, y - columns @ coefficients, absolute, logarithm=[])
