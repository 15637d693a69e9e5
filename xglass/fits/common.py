"""What all fits share: arguments, the loop over slices, least squares and its errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass import checks
from xglass.checks import both_or_neither, uncut
from xglass.engine.core.points import points
from xglass.variables.registry import Floats

#: Types of what a fit says of itself, other than real numbers.
_TYPES = {"points": np.int64, "degrees_of_freedom": np.int64, "at_bound": np.bool_, "success": np.bool_}

Model = Callable[[Floats], tuple[Floats, Floats]]  # parameters -> values (n,), Jacobian (n, parameters)


def fit_slices(
    caller: str,
    argument: str,
    worker: Callable[..., Floats],
    names: list[str],
    y: xr.DataArray,
    dim: Hashable,
    x: xr.DataArray | None,
    stderr: xr.DataArray | None,
    join: bool = False,
    beside: tuple[xr.DataArray, ...] = (),
    extras: tuple[str, ...] = (),
    **options: Any,
) -> xr.Dataset:
    """Check the arguments, send every slice through ``worker`` and name what it returns.

    ``join`` puts ``dim`` into one chunk; ``worker(x, y, error, *beside, absolute, **options)``, where
    ``beside`` are numbers of every slice, gives (value, error) of each name, chi2, what the fit says of
    itself besides (``extras``) and success, as one vector.
    """
    arrays = _checked_points(caller, argument, y, dim, x, stderr)
    law = len(names) - ("aic" in names)
    if join and y.sizes[dim] < law:
        raise ValueError(
            f"{caller}: the length of dim={dim!r} is {y.sizes[dim]}, less than the {law} parameters "
            "of the law; give more points"
        )
    if (
        join
    ):  # few numbers, such as temperatures, along which runs are cut; lags are many, and a cut shall show
        arrays = [array.chunk({dim: -1}) if array.chunks else array for array in arrays]
    for array in arrays:
        uncut(array, (str(dim),), caller=caller)
    size = 2 * len(names) + len(extras) + 2
    table = xr.apply_ufunc(
        worker,
        *arrays,
        *beside,
        input_core_dims=[[dim]] * 3 + [[]] * len(beside),
        output_core_dims=[["_result"]],
        kwargs={"absolute": stderr is not None, **options},
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"_result": size}},
        # keeps the attributes of coordinates; those of results are stamped by the caller
        keep_attrs="override",
    )
    return unpacked(table, names, extras)


def unpacked(table: xr.DataArray, names: list[str], extras: tuple[str, ...] = ()) -> xr.Dataset:
    """The columns of a table of fits by their names: (value, error) of each name, chi2, extras, success."""
    columns = [column for name in names for column in (name, f"{name}_stderr")] + ["chi2", *extras, "success"]
    fit = {column: table.isel(_result=i) for i, column in enumerate(columns)}
    return xr.Dataset({name: column.astype(_TYPES.get(name, np.float64)) for name, column in fit.items()})


def unit_of_chi2(unit: str, stderr: xr.DataArray | None) -> str:
    """Unit of chi2: that of the values squared where no errors weigh them."""
    return "1" if stderr is not None or unit == "1" else f"({unit})**2"


def _checked_points(
    caller: str,
    argument: str,
    y: xr.DataArray,
    dim: Hashable,
    x: xr.DataArray | None,
    stderr: xr.DataArray | None,
) -> list[xr.DataArray]:
    """Abscissae, values and errors, checked; errors are 1 where none are given."""
    given: dict[str, Any] = (
        {argument: y} | ({} if x is None else {"x": x}) | ({} if stderr is None else {"stderr": stderr})
    )
    for name, array in given.items():
        checks.real_array(caller, name, array)
        if dim not in array.dims and name != "stderr":
            raise ValueError(
                f"{caller}: {name} has dimensions {array.dims} and needs dim={dim!r}; name the "
                "dimension to fit along by dim=..."
            )
    if x is None:
        if dim not in y.coords:
            raise ValueError(
                f"{caller}: {argument} has no coordinate {dim!r} to fit against; write "
                f".assign_coords({dim}=...)"
            )
        x = y[dim]
        if x.dtype.kind not in "biuf":
            raise TypeError(f"{caller}: the coordinate {dim!r} must hold real numbers, got {x.dtype}")
    if stderr is not None and not set(stderr.dims) <= set(y.dims):
        raise ValueError(
            f"{caller}: stderr has dimensions {stderr.dims}, more than {y.dims} of {argument}; reduce "
            "both over the same dimensions"
        )
    for name, array in given.items():
        try:
            xr.align(y, array, join="exact")
        except ValueError as mismatch:
            raise ValueError(
                f"{caller}: {name} and {argument} carry different labels; select the same ones with "
                f"xr.align before it ({mismatch})"
            ) from mismatch
    both_or_neither(caller, argument, y, stderr=stderr)
    if stderr is None:
        error = xr.ones_like(x, dtype=np.float64)  # a stand-in, so that the worker has one form
    else:
        error = stderr if dim in stderr.dims else stderr.expand_dims({dim: y.sizes[dim]})
    return [x, y, error]


def over_slices(worker: Callable[..., Floats]) -> Callable[..., Floats]:
    """Make a fit of one slice ``worker(x, y, error, *beside, **options)`` one of arrays of slices (..., n).

    What stands ``beside`` is one number for each slice, (...). The operation is the function of arrays;
    ``vectorize=True`` of apply_ufunc would hide it from dask.
    """

    @functools.wraps(worker)
    def fits(x: Floats, y: Floats, error: Floats, *beside: Floats, **options: Any) -> Floats:
        shape, arrays = points((x, y, error, *beside), [1, 1, 1] + [0] * len(beside))
        table = [worker(*(array[p] for array in arrays), **options) for p in np.ndindex(shape)]
        return np.reshape(table, (*shape, -1))

    return fits


def line(u: Floats, v: Floats, sigma: Floats) -> tuple[Any, Any, Any]:
    """Weighted regression v = intercept + slope u along the last axis: intercept, slope, chi2."""
    weight = sigma**-2 / np.sum(sigma**-2)
    centre, mean = np.sum(weight * u, axis=-1, keepdims=True), np.sum(weight * v)
    slope = np.sum(weight * (u - centre) * (v - mean), axis=-1) / np.sum(weight * (u - centre) ** 2, axis=-1)
    intercept = mean - slope * centre[..., 0]
    residual = v - intercept[..., None] - slope[..., None] * u
    return intercept, slope, np.sum((residual / sigma) ** 2, axis=-1)


def minimise(
    model: Model, start: Floats, y: Floats, sigma: Floats, *, bounded: int, lower: float, upper: float
) -> Floats | None:
    """Weighted least squares with bounds on one parameter, or None without convergence.

    The free problem is solved by MINPACK, several times faster than a solver that knows bounds (and safe
    under threads). If its minimum lies beyond a bound, the constrained one lies on it, and the parameter is
    held there.
    """
    from scipy import optimize

    leastsq: Any = optimize.leastsq  # its stubs know no closures

    def solve(p: Floats, free: npt.NDArray[np.bool_]) -> tuple[Floats, bool]:
        def place(q: Floats) -> Floats:
            full = p.copy()
            full[free] = q
            return full

        q, _, _, _, flag = leastsq(
            lambda q: (model(place(q))[0] - y) / sigma,
            p[free],
            Dfun=lambda q: model(place(q))[1][:, free] / sigma[:, None],
            full_output=True,
            ftol=1e-12,
            xtol=1e-12,
            maxfev=120,
        )
        # 1-4: converged; 6-8: converged as far as rounding allows; 5: out of steps
        if flag not in (1, 2, 3, 4, 6, 7, 8) or not np.isfinite(q).all():
            return place(q), False
        # MINPACK stops where chi^2 no longer changes, half of the digits before the parameters do.
        # Gauss-Newton steps need no chi^2 and find the others, so that rounding of the data (another
        # chunking, another machine) stays rounding.
        for _ in range(3):
            values, jacobian = model(place(q))
            residual, slopes = (y - values) / sigma, jacobian[:, free] / sigma[:, None]
            if not np.isfinite(slopes).all():
                break
            step = np.linalg.lstsq(slopes, residual)[0]
            if not np.linalg.norm(slopes @ step) < 1e-3 * np.linalg.norm(residual):
                break
            q = q + step
        return place(q), True

    free = np.ones(start.size, dtype=bool)
    p, converged = solve(start, free)
    inside = np.clip(p[bounded], lower, upper)
    if np.isfinite(p).all() and p[bounded] != inside:  # beyond, or on its way to infinity
        free[bounded], p[bounded] = False, inside
        p, converged = solve(p, free)
    return p if converged else None


def report(
    p: Floats,
    jacobian: Floats,
    residual: Floats,
    absolute: bool,
    *,
    logarithm: int | list[int],
    directions: Floats | None = None,
    freedom: int | None = None,
) -> Floats:
    """(value, error) of every parameter, chi2, 1; all NaN where the data do not determine the parameters.

    ``jacobian`` and ``residual`` come divided by the errors; parameters number ``logarithm`` are reported as
    their exponentials. ``directions`` (parameters, free ones) are those in which parameters were free, one
    entry each; what is in none has the error NaN. ``freedom`` is the number of degrees of freedom.
    """
    free = np.eye(p.size) if directions is None else directions
    jacobian = jacobian @ free
    n, k = jacobian.shape
    chi2 = float(residual @ residual)
    norm = np.linalg.norm(jacobian, axis=0)
    if not np.isfinite(jacobian).all() or not (norm > 0).all():
        return nothing(p.size)
    # Columns of length one: what remains of the condition number is degeneracy, not a choice of units.
    _, singular, rows = np.linalg.svd(jacobian / norm, full_matrices=False)
    if singular[-1] < 1e-10 * singular[0]:
        return nothing(p.size)
    root = free @ (rows / singular[:, None] / norm).T  # times its transpose: the covariance
    errors = np.sqrt(np.sum(root**2, axis=1))
    if not absolute:
        errors *= np.sqrt(chi2 / (n - k if freedom is None else freedom))
    values = p.copy()
    values[logarithm] = np.exp(p[logarithm])
    errors[logarithm] *= values[logarithm]
    if not np.isfinite([*values, *errors, chi2]).all() or not np.all(values[logarithm] > 0):
        return nothing(p.size)
    errors[~free.any(axis=1)] = np.nan
    return np.concatenate([np.stack([values, errors], axis=1).ravel(), [chi2, 1.0]])


def nothing(parameters: int, *extras: float) -> Floats:
    """The result of a fit that could not be made."""
    return np.concatenate([np.full(2 * parameters + 1, np.nan), extras, [0.0]])
