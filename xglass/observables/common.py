"""What observables share: engines on labelled arrays, configurations, and the edge of a conductivity."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import aligned, few, in_model_units, real_array, refuse, uncut
from xglass.messages import warn
from xglass.solvers.one_body import replaced_temperature, temperature_of
from xglass.solvers.tasks import Input
from xglass.units.parameters import Parameter, parameter, scale_of
from xglass.variables import energy_unit

#: Unit of a conductivity per particle, which is a mobility times e.
PER_PARTICLE = "e^2 a^2/hbar"

#: Unit of a mobility.
MOBILITY = "e a^2/hbar"


#: Longest frequency step, in widths of the filter, that is taken without a warning: the trapezoidal rule is
#: then right to 1e-3 for every single line. What does not say its filter has a Gaussian.
COARSE_STEP = {"gaussian": 1.6, "lorentzian": 0.8}

#: Widest bin, in relaxation rates, that is taken without a warning: static limits are right to about 1 %.
WIDE_BIN = 0.5


def labelled(
    function: Callable[..., Any],
    inputs: Iterable[Input],
    core: list[str] | None = None,
    *,
    sizes: dict[str, int] | None = None,
    **settings: Any,
) -> xr.DataArray:
    """Apply an engine to labelled arrays, lazy where they are: labels must agree, chunks stay.

    ``core`` are the dimensions that the result has besides those it loops over, ``sizes`` those of them that
    no input has; ``settings`` are keyword arguments of the engine.
    """
    arrays, cores = zip(*inputs, strict=True)
    return xr.apply_ufunc(
        function,
        *arrays,
        kwargs=settings,
        input_core_dims=[*cores],
        output_core_dims=[core or []],
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": sizes or {}},
    )


def two_time(run: xr.Dataset, caller: str) -> None:
    """Refuse runs whose walkers are no trajectories, where configurations at two times are compared."""
    refuse(
        caller,
        (
            run.attrs.get("solver") == "replica_exchange",
            "the run is one of replica_exchange, whose walkers pass configurations on to other temperatures, "
            "so that two sweeps of one belong to no trajectory; write xg.metropolis(..., start=run) to "
            "follow them from where they are",
        ),
    )


def components(waves: np.ndarray, dim: str = "q") -> dict[str, xr.Variable]:
    """Return the coords qx, qy, ... of waves (..., axis)."""
    dims = (dim,) * (waves.ndim - 1)
    return {f"q{axis}": xr.Variable(dims, waves[..., k]) for k, axis in enumerate("xyz"[: waves.shape[-1]])}


def own_waves(
    caller: str, name: str, q: xr.DataArray, run: xr.Dataset, dims: tuple[str, ...]
) -> xr.DataArray:
    """The wave vectors of the user, checked, with their components along the axes of the lattice."""
    real_array(caller, name, q)
    in_model_units(caller, **{name: q})
    axes, names = run.sizes["axis"], "xyz"[: run.sizes["axis"]]
    refuse(
        caller,
        (
            {*q.dims} != {*dims} or q.sizes["axis"] != axes,
            f"{name} has dimensions {dict(q.sizes)}, and must have "
            f"{' and '.join(repr(d) for d in dims)}, with {axes} components along 'axis'",
        ),
        (
            q.chunks is not None,
            f"{name} is lazy; parameters must be known to build the graph: write .compute()",
        ),
    )
    if "axis" in q.coords:
        labels = [str(label) for label in q["axis"].values]
        refuse(
            caller,
            (
                sorted(labels) != sorted(names),
                f"{name} has labels {labels} along 'axis', and must have {[*names]}; or write "
                ".drop_vars('axis') if its components stand in this order",
            ),
        )
        q = q.isel(axis=[labels.index(axis) for axis in names])
    refuse(
        caller,
        (q.size == 0, f"{name} is empty; give at least one wave vector"),
        (not np.isfinite(q.values).all(), f"{name} must be finite, got {few(q.values.ravel())}"),
    )
    own = {key: c.variable for key, c in q.coords.items() if "axis" not in c.dims and {*c.dims} <= {*dims}}
    return xr.DataArray(q.transpose(..., "axis").values.astype(np.float64), dims=dims, coords=own)


def of_states(
    function: Callable[..., Any],
    inputs: Iterable[Input],
    core: list[str] | None = None,
    *,
    sizes: dict[str, int] | None = None,
    **settings: Any,
) -> xr.DataArray:
    """Apply an engine as :func:`labelled` does, but without copies of states, which are large."""
    arrays, cores = zip(*inputs, strict=True)
    return xr.apply_ufunc(
        partial(_block_by_block, partial(function, **settings), cores, core or [], sizes or {}),
        *arrays,
        input_core_dims=[*cores],
        output_core_dims=[core or []],
        join="exact",
        dask="allowed",
    )


def _block_by_block(
    function: Any, cores: tuple[list[str], ...], core: list[str], sizes: dict[str, int], *arrays: Any
) -> np.ndarray | da.Array:
    """Apply an engine to arrays, lazy or not.

    As xarray would; but dask would copy what lies along a dimension that is summed over, though it is in one
    piece.
    """
    if not any(isinstance(array, da.Array) for array in arrays):
        return np.asarray(function(*arrays))
    most = max(array.ndim - len(dims) for array, dims in zip(arrays, cores, strict=True))
    loops = [f"loop{k}" for k in range(most)]
    named: list[Any] = []
    for array, dims in zip(arrays, cores, strict=True):
        named += [array, (*loops[most - array.ndim + len(dims) :], *dims)]
    index = (*loops, *core)
    meta = np.empty((0,) * len(index))
    return da.blockwise(
        _OfSingleBlocks(function), index, *named, new_axes=sizes, meta=meta, dtype=meta.dtype,
        concatenate=None,
    )  # fmt: skip


class _OfSingleBlocks(partial):  # type: ignore[type-arg]
    """A function of arrays that dask hands over in lists, of one block each."""

    def __call__(self, *arrays: Any) -> Any:
        return super().__call__(*(_only(array) for array in arrays))


def _only(array: Any) -> Any:
    while isinstance(array, list):
        (array,) = array
    return array


def checked_sigma(sigma: Any, caller: str) -> None:
    """Refuse what is no DataArray, or was converted to physical units."""
    checks.array(caller, "sigma", sigma, over=" over frequency")
    in_model_units(caller, sigma=sigma)


def no_error(sigma: Any, caller: str) -> None:
    """Refuse the standard error of a conductivity where only a conductivity makes sense."""
    if isinstance(sigma, xr.DataArray) and str(sigma.name).endswith("_stderr"):
        raise ValueError(
            f"{caller}: sigma is the standard error {str(sigma.name)!r}, and {caller} of an error is no "
            f"error; give {str(sigma.name).removesuffix('_stderr')!r}, and take the error by xg.jackknife "
            "around the whole chain"
        )


def grid(sigma: Any, caller: str, from_zero: bool = False, *, error: bool = False) -> np.ndarray:
    """The frequencies of a spectrum, rising; of a standard error only where ``error`` allows it."""
    checked_sigma(sigma, caller)
    if not error:
        no_error(sigma, caller)
    uncut(sigma, ("frequency",), caller=caller)
    if "frequency" not in sigma.coords:
        raise ValueError(
            f"{caller}: sigma has no coordinate 'frequency'; write .assign_coords(frequency=...)"
        )
    values = np.asarray(sigma["frequency"].values, dtype=np.float64)
    if not (np.diff(values) > 0.0).all():
        raise ValueError(
            f"{caller}: frequency must rise, got {values.tolist()[:6]}; write .sortby('frequency') before it"
        )
    if from_zero and values[0] != 0.0:
        raise ValueError(f"{caller}: frequency begins at {values[0]:g}; compute sigma on a grid from 0")
    return values


def spectral_unit(sigma: xr.DataArray) -> str:
    """Unit of the model's energies: that of frequency, else of whatever energy the array carries."""
    own = sigma["frequency"].attrs.get("units") if "frequency" in sigma.coords else None
    return str(own) if own in ("Vc", "tc") else energy_unit(sigma)


def uniform_step(sigma: Any, caller: str) -> float:
    """Step of a uniform grid from 0."""
    values = grid(sigma, caller, from_zero=True)
    step = float(values[-1] / max(values.size - 1, 1))
    if values.size < 2 or not np.allclose(values, step * np.arange(values.size), rtol=0, atol=1e-6 * step):
        raise ValueError(
            f"{caller}: frequency must rise in equal steps from 0, got {values.tolist()[:6]}; compute "
            "sigma on a grid such as np.linspace(0, 6, 1201)"
        )
    return step


def steps_in_filters(sigma: xr.DataArray, upto: float = math.inf) -> float:
    """Longest step of the frequencies, up to one of them, in widths of the filter; 0 where none is known."""
    values = np.asarray(sigma["frequency"].values, dtype=np.float64)
    steps = np.diff(values)[values[:-1] < upto]
    if "broadening" not in sigma.coords or steps.size == 0:
        return 0.0
    narrowest = float(sigma["broadening"].compute(scheduler="synchronous").min())
    ratio = float(steps.max()) / narrowest if narrowest > 0.0 else 0.0
    return float(f"{ratio:.9g}")  # steps of a grid differ in their last digits


def coarse_step(sigma: xr.DataArray) -> float:
    """Longest step of a spectrum, in widths of its filter, that is fine enough."""
    return COARSE_STEP.get(str(sigma.attrs.get("filter")), COARSE_STEP["gaussian"])


def _is_lorentzian(sigma: xr.DataArray) -> bool:
    return bool(sigma.attrs.get("filter") == "lorentzian")


def warn_of_coarse_peaks(sigma: xr.DataArray, caller: str) -> None:
    """Warn where the parabola through three points is not the line that they are taken of.

    A Lorentzian of width d sampled in steps h at s steps off its centre is found to be s a (1 - 4 s^2) /
    (1 + a - 3 a s^2) steps off, a = (h/d)^2, of which the largest lies just below q (.193 + .092 q), q = a /
    (1 + a). A Gaussian is found to a tenth of h/d.
    """
    ratio, fine = steps_in_filters(sigma), coarse_step(sigma)
    if ratio > fine:
        share = ratio**2 / (1.0 + ratio**2)
        error = share * (0.193 + 0.092 * share) if _is_lorentzian(sigma) else min(0.1 * ratio, 0.5)
        warn(
            f"{caller}: the frequencies of sigma stand {ratio:.3g} broadenings apart; a peak as narrow as "
            f"the filter is found to {error:.2g} steps only: compute sigma with steps of at "
            f"most {fine:g} broadenings, or a larger broadening"
        )


def warn_of_coarse_steps(sigma: xr.DataArray, caller: str, *, upto: float = math.inf) -> None:
    """Warn where an integral over frequency misses what stands between the points.

    By Poisson's sum a line of width d is integrated in steps h to 2 exp(-2 pi^2 d^2 / h^2) of itself if it is
    a Gaussian (first term), to 2 / (exp(2 pi d / h) - 1) if it is a Lorentzian (all of them). For bins (no
    coordinate ``broadening``) the sum is the integral.
    """
    ratio, fine = steps_in_filters(sigma, upto), coarse_step(sigma)
    if ratio > fine:
        if _is_lorentzian(sigma):
            line = 2.0 / math.expm1(2.0 * math.pi / ratio)
        else:
            line = min(2.0 * math.exp(-2.0 * (math.pi / ratio) ** 2), 1.0)
        warn(
            f"{caller}: the frequencies of sigma stand {ratio:.3g} broadenings apart; a line may count wrong "
            f"by up to {100.0 * line:.2g} %, a spectrum of many by about a tenth of that: compute sigma with "
            f"steps of at most {fine:g} broadenings, or a larger broadening"
        )


def warn_of_wide_bins(step: float, rate: xr.DataArray, caller: str, *, power: float = 1.0) -> None:
    """Warn where a Lorentzian is narrower than bins that it is integrated over.

    A static limit was found to be off by about 0.04 x^2 / (1 + x / 3) for bins of x rates (alloys with g = t
    at T = t, x from 1/4 to 8); ``power`` is that with which it enters the result. A rate of 0 is no
    Lorentzian.
    """
    rates = rate.compute(scheduler="synchronous").values
    if not (rates > 0.0).any():
        return
    ratio = float(f"{step / float(rates[rates > 0.0].min()):.9g}")
    if ratio > WIDE_BIN:
        error = power * 0.04 * ratio**2 / (1.0 + ratio / 3.0)
        warn(
            f"{caller}: the frequencies of sigma are {ratio:.3g} times the rate apart, and static limits are "
            f"off by about {min(100.0 * error, 100.0):.2g} %; compute sigma in steps of at most {WIDE_BIN:g} "
            "times the rate"
        )


def per_particle(sigma: Any, caller: str) -> None:
    """Refuse the conductivity of a whole layer: it is no mobility."""
    checked_sigma(sigma, caller)
    unit = sigma.attrs.get("units", PER_PARTICLE)
    if unit != PER_PARTICLE:
        raise ValueError(
            f"{caller}: sigma is in {unit} and must be a conductivity per particle in {PER_PARTICLE}"
        )


def at_temperature(
    sigma: xr.DataArray, T: Parameter | None, caller: str
) -> tuple[xr.DataArray, xr.DataArray]:
    """The spectrum and its temperature: of its own coordinate (of each sweep in a ramp), or given."""
    own = temperature_of(sigma)
    if T is None:
        if own is None:
            raise ValueError(f"{caller}: sigma has no coordinate 'T'; pass the temperature as T=...")
        return sigma, own
    refuse(
        caller,
        (
            "temperature" in sigma.coords,
            "sigma has the temperature of each sweep of a ramp, which T= does not replace; leave out T=, or "
            "write .drop_vars('temperature')",
        ),
    )
    sigma, given = replaced_temperature(sigma, T, caller, what="spectrum", energy=spectral_unit(sigma))
    checks.no_override(caller, "sigma", T=(own, given))
    return sigma if given.ndim else sigma.assign_coords(T=given.variable), given


def checked_rate(rate: Parameter, sigma: xr.DataArray, caller: str, zero: bool = False) -> xr.DataArray:
    """Half width of a Lorentzian."""
    width = parameter("rate", rate, scale=scale_of(sigma), energy=spectral_unit(sigma), above=0.0, zero=zero)
    checks.no_override(caller, "sigma", rate=(sigma.coords.get("rate"), width))
    aligned(caller, sigma=sigma, rate=width)
    return width


def cutoffs(cutoff: Parameter, sigma: xr.DataArray) -> xr.DataArray:
    """Upper ends of the integral, some of them infinite perhaps."""
    infinite: Any = False
    if not isinstance(cutoff, (str, xr.DataArray)) and not hasattr(cutoff, "magnitude"):
        numbers = np.asarray(cutoff)
        if numbers.dtype.kind == "f":
            infinite = np.isposinf(numbers)
            cutoff = np.where(infinite, np.finfo(np.float64).max, numbers)
    limit = parameter(
        "cutoff", cutoff, scale=scale_of(sigma), energy=spectral_unit(sigma), above=0.0, zero=True
    )
    limit = limit.where(~np.broadcast_to(infinite, limit.shape), np.inf)
    return (
        limit.assign_coords(cutoff=("cutoff", limit.values, limit["cutoff"].attrs))
        if limit.dims == ("cutoff",)
        else limit
    )


def checked_correlation(correlation: Any, caller: str) -> bool:
    """Whether it is the symmetrised correlation function that decays, and not the conductivity."""
    if correlation not in ("conductivity", "symmetrised"):
        raise ValueError(
            f"{caller}: correlation must be 'conductivity' or 'symmetrised', got {correlation!r}"
        )
    return bool(correlation == "symmetrised")


def checked_window(window: Any, sigma: xr.DataArray, caller: str) -> tuple[float, float]:
    """Lowest and highest frequency; with a unit, or plain and infinite perhaps."""
    ends = [window] if np.ndim(window) == 0 else [*window]
    for i, end in enumerate(ends):
        if isinstance(end, str) or hasattr(end, "magnitude"):
            ends[i] = parameter("frequency", end, scale=scale_of(sigma), energy=spectral_unit(sigma))
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not low < high:
        raise ValueError(f"{caller}: window must be (lowest, highest) frequency, got {window!r}")
    return low, high


def unit_of(name: str, source: xr.DataArray, default: str) -> dict[str, str]:
    """What :func:`stamp` needs for a result in the unit of its source."""
    return {name: str(source.attrs.get("units", default))}


def inverse_unit(unit: str) -> str:
    """The unit of 1 / x."""
    over, _, under = unit.partition("/")
    if not under:
        return f"1/{unit}" if unit.isalnum() else f"1/({unit})"
    under = under.removeprefix("(").removesuffix(")")
    return f"{under}/({over})" if " " in over or "*" in over else f"{under}/{over}"
