"""Labelled mathematics that knows no physics: DataArray -> DataArray along ``dim=``.

Every function is lazy for dask-backed input and declares the unit of what it returns; attributes
of the input are never passed on, but for what a histogram calls its bins.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass.checks import aligned, real_array, uncut, whole_number
from xglass.engine.core import curves
from xglass.engine.core.operations import operation
from xglass.messages import NotFoundError, elsewhere, public
from xglass.variables.registry import Floats, energy_unit, stamp

__all__ = ["correlation", "histogram", "jumps", "moments"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)


Counts = npt.NDArray[np.int64]


@public
def histogram(
    x: xr.DataArray,
    *,
    bins: int | Sequence[float] | Floats,
    dim: Hashable | Sequence[Hashable],
    range: tuple[float, float] | None = None,
    density: bool = False,
) -> xr.DataArray:
    r"""Histogram of the values along one or several dimensions.

    .. math:: h_b = \#\{x : e_b \le x < e_{b+1}\}, \qquad p_b = h_b / (w_b \sum_{b'} h_{b'})

    with edges :math:`e` and widths :math:`w`; the last bin contains its right edge, as in
    ``numpy.histogram``. Values outside the edges and NaN are not counted, and do not enter the
    normalisation.

    Parameters
    ----------
    x : DataArray
        Real numbers with dimensions (..., dim).
    bins : int or sequence of float
        Number of equal bins over ``range``, or increasing edges.
    dim : str or sequence of str
        Dimension or dimensions to be consumed.
    range : (float, float), optional
        Lowest and highest edge; required with a number of bins, because the data may not exist yet.
    density : bool
        Whether to normalise over the counted values (NaN where nothing was counted).

    Returns
    -------
    DataArray
        With dimensions (..., bin): ``histogram`` (int64 counts, unit "1") or ``density`` (float64, 1/unit of
        ``x``), with the coordinates ``bin`` (centre), ``bin_left`` and ``bin_right`` in the unit of ``x``. An
        axis is labelled from ``bin``, which therefore has the symbol and the ``long_name`` of ``x``.

    Raises
    ------
    TypeError
        ``x`` is no DataArray of real numbers, or ``bins`` neither a number nor edges.
    ValueError
        A missing dimension, a number of bins without ``range``, edges that do not increase.

    Notes
    -----
    O(log bins) per value: 10^7 values take about a second. Any dimension may be split in chunks, those in
    ``dim`` too: every chunk becomes its counts at once, so memory holds a few chunks and their counts, never
    the data.

    Examples
    --------
    >>> import xarray as xr
    >>> x = xr.DataArray([[0.1, 0.2, 0.9], [0.5, 1.0, 7.0]], dims=("walker", "site"))
    >>> histogram(x, bins=2, range=(0, 1), dim="site").values
    array([[2, 1],
           [0, 2]])
    """
    real_array("histogram", "x", x)
    dims = _dims("histogram", x, dim)
    edges = _edges(bins, range)
    kept = [d for d in x.dims if d not in dims]
    counts = _counts(x.transpose(*kept, *dims).data, edges, len(dims))
    coords = {
        name: c.variable for name, c in x.coords.items() if not set(c.dims) & set(dims) and name not in dims
    }
    result = xr.DataArray(counts, dims=[*kept, "bin"], coords=coords, name="histogram").assign_coords(
        bin=(edges[:-1] + edges[1:]) / 2, bin_left=("bin", edges[:-1]), bin_right=("bin", edges[1:])
    )
    unit = _unit(x)
    if density:
        total = result.sum("bin")
        width = xr.DataArray(np.diff(edges), dims="bin")
        # Nothing counted: NaN by division by NaN, which unlike 0/0 warns nobody in the middle of a graph.
        result = (result / (total.where(total > 0) * width)).rename("density")
    inverse = "1" if unit == "1" else f"1/{unit}" if unit.isalnum() else f"1/({unit})"
    result = stamp(result, energy=energy_unit(x), density=inverse, bin=unit, bin_left=unit, bin_right=unit)
    named = {key: x.attrs[key] for key in ("symbol", "long_name") if key in x.attrs}
    if density and "symbol" in named:
        result.attrs["symbol"] += f"({named['symbol']})"
    return result.assign_coords(bin=result["bin"].assign_attrs(named))


@public
def moments(x: xr.DataArray, *, dim: Hashable | Sequence[Hashable], order: int = 4) -> xr.DataArray:
    r"""Mean and central moments over one or several dimensions.

    .. math:: m_1 = \langle x\rangle, \qquad m_k = \langle (x - m_1)^k\rangle \quad (k \ge 2)

    Plain averages, without a correction for the degree of freedom of the mean. NaN are skipped.

    Parameters
    ----------
    x : DataArray
        Real numbers with dimensions (..., dim).
    dim : str or sequence of str
        Dimension or dimensions to be consumed.
    order : int
        Highest moment.

    Returns
    -------
    DataArray
        ``moments(..., moment)``, float64, with the coordinate ``moment`` = 1, ..., order. Moment k is in the
        unit of ``x`` to the power k; no single unit is right for all, so ``units`` is set only for
        dimensionless ``x``, and ``base_units`` (that of the first) else.

    Raises
    ------
    TypeError
        ``x`` is no DataArray of real numbers.
    ValueError
        A missing dimension, ``order`` below 1.

    Notes
    -----
    Two passes (the mean first, then powers of the deviations), so that a large mean costs no digits. O(order)
    operations per value: 10^7 values, order 4, about a second. Any dimension may be split in chunks; because
    the second pass needs the data again, dask keeps the chunks of one output block until its mean is known.

    Examples
    --------
    >>> import xarray as xr
    >>> moments(xr.DataArray([1.0, 2.0, 3.0, 6.0], dims="walker"), dim="walker", order=3).values
    array([3. , 3.5, 4.5])
    """
    real_array("moments", "x", x)
    dims = _dims("moments", x, dim)
    order = whole_number("order", order)
    values = x.astype(np.float64)
    mean = values.mean(dims)
    deviation = values - mean
    result, power = [mean], deviation
    for _ in range(2, order + 1):
        power = power * deviation
        result.append(power.mean(dims))
    index = xr.DataArray(np.arange(1, order + 1), dims="moment", name="moment")
    joined = xr.concat(result, dim=index, coords="minimal", compat="override", join="exact").transpose(
        ..., "moment"
    )
    stamped = stamp(joined.rename("moments"), energy=energy_unit(x))
    if _unit(x) != "1":
        del stamped.attrs["units"]
        stamped.attrs["base_units"] = _unit(x)
    return stamped


@public
def correlation(
    a: xr.DataArray,
    b: xr.DataArray | None = None,
    *,
    dim: Hashable,
    lag: float | Sequence[float] | Floats | None = None,
    centred: bool = True,
) -> xr.DataArray:
    r"""Correlation function along a regularly spaced dimension, averaged over origins.

    .. math:: C(t) = \frac{1}{n - t} \sum_{s=0}^{n-t-1} (a_s - \bar a)(b_{s+t} - \bar b)

    normalised by the number of origins (unbiased for known means); the means over ``dim`` are removed only if
    ``centred``. With measured means the result is low by about the squared standard error of the mean.

    Parameters
    ----------
    a : DataArray
        Real numbers with dimensions (..., dim).
    b : DataArray, optional
        The later factor; default ``a``. Shared dimensions must carry the same labels, others broadcast.
    dim : str
        The dimension of origins; its coordinate (the index if it has none) must rise in equal steps.
    lag : number or sequence, optional
        In the unit of that coordinate; default all, 0 to n - 1 steps. A single number gives a scalar
        coordinate.
    centred : bool
        Whether to remove the means.

    Returns
    -------
    DataArray
        ``correlation(..., lag)``, float64, in the product of the two units; ``lag`` in the unit of the
        coordinate ("sweep" for sweeps). A NaN anywhere along ``dim`` makes the whole function NaN.

    Raises
    ------
    TypeError
        An input is no DataArray of real numbers.
    ValueError
        ``dim`` missing or split in chunks, irregular spacing, different labels, an input that has a ``lag``
        already.
    KeyError
        A lag that is negative, no multiple of the spacing, or longer than the data; the message names it.

    Notes
    -----
    One zero-padded FFT per factor, O(n log n): 1000 series of 1000 entries take 0.1 s and 50 MB. ``dim`` must
    be one chunk, every other dimension may be split.

    Examples
    --------
    >>> import xarray as xr
    >>> x = xr.DataArray([1.0, -1.0, 1.0, -1.0], dims="sweep", coords={"sweep": [0, 10, 20, 30]})
    >>> correlation(x, dim="sweep", lag=[0, 10, 20]).values.round(12)
    array([ 1., -1.,  1.])
    """
    pair = {"a": a} if b is None else {"a": a, "b": b}
    for name, array in pair.items():
        real_array("correlation", name, array)
        _dims("correlation", array, dim)
        uncut(array, (str(dim),), caller="correlation")
        if "lag" in array.dims or "lag" in array.coords:
            raise ValueError(
                f"correlation: {name} already has a 'lag'; write .rename(lag=...) or "
                ".drop_vars('lag') before it"
            )
    if b is not None:
        try:
            xr.align(a, b, join="exact")
        except ValueError as error:
            raise ValueError(
                f"correlation: a and b carry different labels; write xr.align(a, b) before it ({error})"
            ) from error
    times = a[dim].values if dim in a.coords else np.arange(a.sizes[dim])
    step = _spacing(dim, times)
    shifts = np.arange(times.size) if lag is None else _steps(lag, step, times.size)
    result = xr.apply_ufunc(
        _correlation,
        *pair.values(),
        input_core_dims=[[dim]] * len(pair),
        output_core_dims=[["lag"]],
        kwargs={"shifts": np.atleast_1d(shifts), "centred": bool(centred)},
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"lag": np.size(shifts)}},
        keep_attrs="override",  # keeps the attributes of coordinates; the result's own are stamped below
    )
    result = result.assign_coords(lag=np.atleast_1d(shifts) * step).rename("correlation")
    unit, later = _unit(a), _unit(pair.get("b", a))
    product = (
        unit
        if later == "1"
        else later
        if unit == "1"
        else f"({unit})**2"
        if unit == later
        else f"({unit})*({later})"
    )
    time = _unit(a[dim])
    stamped = stamp(
        result,
        energy=energy_unit(a),
        correlation=product,
        lag="sweep" if dim == "sweep" and time == "1" else time,
    )
    return stamped.isel(lag=0) if np.ndim(shifts) == 0 else stamped


@public
def jumps(
    x: xr.DataArray,
    *,
    dim: Hashable,
    window: int,
    threshold: float,
    noise: float | xr.DataArray | None = None,
) -> xr.DataArray:
    r"""Change points of series: where their level jumps, and by how much.

    .. math:: s_k = \frac{1}{w} \sum_{j=k}^{k+w-1} x_j - \frac{1}{w} \sum_{j=k-w}^{k-1} x_j

    A jump stands at :math:`k`, the first point of the new level, if :math:`|s_k|` exceeds ``threshold``
    :math:`\sigma\sqrt{2/w}` and all other :math:`|s_j|` with :math:`|j - k| < w`, the first of equals. Levels
    that hold for :math:`2w - 1` points (the first and the last for :math:`w`) give their exact steps; of two
    jumps that are closer the larger may hide the smaller.

    Parameters
    ----------
    x : DataArray
        Real numbers with dimensions (..., dim).
    dim : str
        The dimension of the series, in its order, uncut; its labels need not be regular.
    window : int
        Number :math:`w` of points on either side of a jump, from 1. The series holds two windows at least.
    threshold : float
        Positive; in standard deviations of :math:`s_k` under white noise. Gaussian white noise exceeds it
        with probability erfc(threshold / 2^(1/2)) at each point, 6e-7 for 5: no more points are false alarms.
    noise : float or DataArray, optional
        :math:`\sigma`, in the unit of ``x``, 0 or more; DataArray over any of the other dimensions. Default
        the median of :math:`|x_{k+1} - x_k|` over 0.954, the standard deviation of white noise, which few
        jumps do not change. It is 0 for series that stand still more often than not: then every step counts.

    Returns
    -------
    DataArray
        ``jumps(..., dim)``, the size :math:`s_k` in the unit of ``x`` where a jump stands and 0 elsewhere,
        also in the first and last points, without a window on either side. A NaN makes a series NaN.
        ``(abs(jumps) > 0).sum(dim)`` counts.

    Raises
    ------
    TypeError
        ``x`` is no DataArray of real numbers.
    ValueError
        ``dim`` missing or split in chunks, a threshold that is not positive, a negative noise, or a series
        shorter than two windows.

    Notes
    -----
    O(window) operations per value. Noise with a memory, as that of Monte Carlo trajectories, raises more
    false alarms: its size is best taken from a stretch without jumps, with a window longer than the memory.

    Examples
    --------
    >>> import xarray as xr
    >>> x = xr.DataArray([0.0, 0.1, 0.0, 0.1, 2.0, 2.1, 2.0, 2.1], dims="sweep")
    >>> jumps(x, dim="sweep", window=2, threshold=5.0).values.round(9)
    array([0., 0., 0., 0., 2., 0., 0., 0.])
    """
    caller = "jumps"
    real_array(caller, "x", x)
    _dims(caller, x, dim)
    uncut(x, (str(dim),), caller=caller)
    window = whole_number("window", window)
    if x.sizes[dim] < 2 * window:
        raise ValueError(
            f"{caller}: {x.sizes[dim]} points along {dim!r} hold no two windows of {window}; give a longer "
            "series or a shorter window"
        )
    if not 0.0 < float(threshold) < np.inf:
        raise ValueError(f"{caller}: threshold must be > 0, got {threshold!r}")
    sigma = _noise(x, dim, noise)
    result = xr.apply_ufunc(
        curves.change_points,
        x,
        sigma,
        input_core_dims=[[dim], []],
        output_core_dims=[[dim]],
        kwargs={"window": window, "threshold": float(threshold)},
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
        keep_attrs="override",  # of coordinates
    )
    result = result.transpose(*x.dims, ...).rename(caller)
    return stamp(result, energy=energy_unit(x), jumps=_unit(x))


def _noise(x: xr.DataArray, dim: Hashable, noise: float | xr.DataArray | None) -> xr.DataArray:
    """Standard deviation of the noise of each series: given, or taken from its differences."""
    if noise is None:
        return xr.apply_ufunc(
            curves.noise_of_differences,
            x,
            input_core_dims=[[dim]],
            dask="parallelized",
            output_dtypes=[np.float64],
        )
    if not isinstance(noise, xr.DataArray):
        noise = xr.DataArray(float(noise))
    real_array("jumps", "noise", noise)
    aligned("jumps", x=x, noise=noise)
    if dim in noise.dims:
        raise ValueError(f"jumps: noise has dimension {dim!r}; give one number for each series")
    if not noise.chunks and not ((noise >= 0.0) & (noise < np.inf)).all():
        raise ValueError(f"jumps: noise must be >= 0 and finite, got {noise.values.tolist()}")
    return noise


def _counts(data: Any, edges: Floats, reduced: int) -> Any:
    """Count numpy or dask data (kept..., reduced...): (kept..., bin)."""
    axes = tuple(range(data.ndim))
    if isinstance(data, da.Array):  # every chunk becomes its counts, then the counts are added
        blocks = da.blockwise(
            _block_counts,
            (*axes, data.ndim),
            data,
            axes,
            edges=edges,
            reduced=reduced,
            new_axes={data.ndim: edges.size - 1},
            adjust_chunks={axis: 1 for axis in axes[data.ndim - reduced :]},
            dtype=np.int64,
            meta=np.empty((0,) * (data.ndim + 1), dtype=np.int64),
        )
    else:
        blocks = _block_counts(data, edges, reduced)
    return blocks.sum(axis=axes[data.ndim - reduced :], dtype=np.int64)


@operation("ops.histogram")
def _block_counts(block: Any, edges: Floats, reduced: int) -> Counts:
    """Count one block (kept..., reduced...) -> (kept..., 1 per reduced dimension, bin)."""
    kept = block.shape[: block.ndim - reduced]
    rows, nbins = int(np.prod(kept)), edges.size - 1
    values = np.asarray(block).reshape(rows, int(np.prod(block.shape[block.ndim - reduced :])))
    # NaN sorts behind the last edge, so it falls out together with the values that are too large.
    index = np.searchsorted(edges, values, side="right") - 1
    index[values == edges[-1]] = nbins - 1
    inside = (index >= 0) & (index < nbins)
    flat = (index + nbins * np.arange(rows)[:, None])[inside]
    return (
        np.bincount(flat, minlength=rows * nbins).astype(np.int64).reshape(kept + (1,) * reduced + (nbins,))
    )


def _edges(bins: object, limits: tuple[float, float] | None) -> Floats:
    if np.ndim(bins) == 0:  # type: ignore[arg-type]
        number = whole_number("histogram: bins", bins)
        if limits is None:
            raise ValueError(
                f"histogram: bins={number} needs range=(lowest, highest), since lazy data cannot be "
                "asked for theirs; "
                "write range=(...) or give the edges as bins"
            )
        ends = np.asarray(limits, dtype=np.float64)
        if ends.shape != (2,) or not np.isfinite(ends).all() or ends[0] >= ends[1]:
            raise ValueError(
                f"histogram: range must be (lowest, highest) with lowest < highest, got {limits!r}"
            )
        return np.linspace(ends[0], ends[1], number + 1)
    if limits is not None:
        raise ValueError(
            f"histogram: range={limits!r} belongs to a number of bins; the given edges are the range, "
            "leave it out"
        )
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or not np.isfinite(edges).all() or not (np.diff(edges) > 0).all():
        raise ValueError(
            f"histogram: bins must be a number or at least two finite, increasing edges, got {bins!r}"
        )
    return edges


@operation("ops.correlation")
def _correlation(
    a: Floats, b: Floats | None = None, *, shifts: npt.NDArray[np.int64], centred: bool
) -> Floats:
    """ndarray part of :func:`correlation`: (..., n) -> (..., shifts)."""
    from scipy import fft

    n = a.shape[-1]
    size = fft.next_fast_len(2 * n - 1, real=True)  # zero padding: no wrapping around the end

    def spectrum(x: Floats) -> npt.NDArray[np.complex128]:
        x = x.astype(np.float64)
        return fft.rfft(x - x.mean(axis=-1, keepdims=True) if centred else x, n=size, axis=-1)

    first = spectrum(a)
    second = first if b is None else spectrum(b)
    sums = fft.irfft(first.conj() * second, n=size, axis=-1)
    return np.asarray(sums[..., shifts] / (n - shifts), dtype=np.float64)


def _spacing(dim: Hashable, times: npt.NDArray[Any]) -> Any:
    """Step of a coordinate; refuses one that is not regular and rising."""
    if times.dtype.kind not in "iuf":
        raise ValueError(
            f"correlation: the coordinate of {dim!r} holds {times.dtype}, not numbers; assign numbers "
            "or drop it"
        )
    if times.size == 1:
        return 1
    step = times[1] - times[0]
    # The last point tells a drifting step from rounding of coordinates such as np.linspace.
    if not step > 0 or not np.allclose(
        times, times[0] + step * np.arange(times.size), rtol=0, atol=1e-6 * step
    ):
        raise ValueError(
            f"correlation: the coordinate of {dim!r} does not rise in equal steps; select regularly "
            "spaced entries or interpolate"
        )
    return (times[-1] - times[0]) / (times.size - 1) if times.dtype.kind == "f" else step


def _steps(lag: object, step: Any, n: int) -> npt.NDArray[np.int64]:
    """Turn lags in the unit of the coordinate into whole numbers of steps."""
    wanted = np.asarray(lag, dtype=np.float64)
    steps = np.rint(wanted / step)
    bad = ~(
        np.isclose(wanted / step, steps, rtol=0, atol=1e-6) & (steps >= 0) & (steps < n)
    )  # ~: NaN is bad too
    if wanted.ndim > 1 or wanted.size == 0:
        raise ValueError(f"correlation: lag must be a number or a sequence of numbers, got {lag!r}")
    if bad.any():
        raise NotFoundError(
            f"correlation: lag {np.atleast_1d(wanted)[np.atleast_1d(bad)].tolist()} is not there; "
            f"write multiples of {step} from 0 to {step * (n - 1)}"
        )
    return steps.astype(np.int64)


def _dims(caller: str, x: xr.DataArray, dim: Hashable | Sequence[Hashable]) -> list[Hashable]:
    dims: list[Hashable] = (
        [dim] if isinstance(dim, str) or not isinstance(dim, Sequence) else list(dict.fromkeys(dim))
    )
    missing = [d for d in dims if d not in x.dims]
    if missing or not dims:
        raise ValueError(
            f"{caller}: dim={dim!r} is not there; {x.name or 'the array'} has dimensions {x.dims}"
        )
    return dims


def _unit(x: xr.DataArray) -> str:
    return str(x.attrs.get("units", "1"))
