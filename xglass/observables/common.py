"""What observables share: engines on labelled arrays, configurations, and the edge of a conductivity."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import aligned, in_model_units, uncut
from xglass.lattice.whole import require_whole
from xglass.messages import warn
from xglass.models.common import temperature
from xglass.solvers.tasks import Input
from xglass.units.parameters import Parameter, parameter, scale_of
from xglass.variables import energy_unit

#: Unit of a conductivity per particle, which is a mobility times e.
PER_PARTICLE = "e^2 a^2/hbar"

#: Unit of a mobility.
MOBILITY = "e a^2/hbar"


#: Longest frequency step, in widths of the Gaussian filter, that is taken without a warning: the trapezoidal
#: rule is then right to 1e-3 for every single line.
COARSE_STEP = 1.6

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


def occupations(run: xr.Dataset, *needed: str, caller: str) -> xr.DataArray:
    """The occupations of a run, checked: whole numbers, sites in one chunk, the model still there."""
    require_whole(run, "occupation", "filling", *needed, caller=caller)
    occupation = run["occupation"]
    if occupation.dtype.kind not in "iub":
        raise TypeError(
            f"{caller}: occupation has type {occupation.dtype}; it must be whole numbers, and a mean "
            "of occupations is no "
            "configuration: take the mean of the result instead (and select by .isel or .sel, or "
            "apply .where to the result)"
        )
    uncut(occupation, ("site",), caller=caller)
    return occupation


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


def warn_of_coarse_steps(sigma: xr.DataArray, caller: str, *, upto: float = math.inf) -> None:
    """Warn where an integral over frequency misses what stands between the points.

    A Gaussian of width d is integrated by steps h to 2 exp(-2 pi^2 d^2 / h^2) of itself, the first term of
    Poisson's sum. For bins (no coordinate ``broadening``) the sum is the integral.
    """
    ratio = steps_in_filters(sigma, upto)
    if ratio > COARSE_STEP:
        line = min(2.0 * math.exp(-2.0 * (math.pi / ratio) ** 2), 1.0)
        warn(
            f"{caller}: the frequencies of sigma stand {ratio:.3g} broadenings apart; a line may count wrong "
            f"by up to {100.0 * line:.2g} %, a spectrum of many by about a tenth of that: compute sigma with "
            f"steps of at most {COARSE_STEP:g} broadenings, or a larger broadening"
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
    """The spectrum and its temperature: of its own coordinate, or given."""
    if T is None:
        if "T" not in sigma.coords:
            raise ValueError(f"{caller}: sigma has no coordinate 'T'; pass the temperature as T=...")
        return sigma, sigma["T"]
    own = sigma.coords.get("T")
    sigma, given = replaced_temperature(sigma, T, caller, what="spectrum", energy=spectral_unit(sigma))
    checks.no_override(caller, "sigma", T=(own, given))
    return sigma if given.ndim else sigma.assign_coords(T=given.variable), given


def replaced_temperature(
    data: xr.DataArray,
    T: Parameter,
    caller: str,
    *,
    what: str,
    energy: str,
    along_t: bool = True,
    model: xr.Dataset | None = None,
) -> tuple[xr.DataArray, xr.DataArray]:
    """The data without their temperature, and the one that was given instead.

    Unless ``along_t``, T must not change both along a dimension of its own name and along others. ``model``
    has the energies of the model, if the data have not.
    """
    given = temperature(T, data if model is None else model, energy=energy)
    if "T" in data.dims or (not along_t and "T" in given.dims and given.ndim > 1):
        raise ValueError(
            f"{caller}: T= replaces the temperature of a {what} at one temperature; this one has "
            "dimension 'T', select by .sel(T=...)"
        )
    data = data.drop_vars(["T", "temperature"], errors="ignore")
    aligned(caller, **{what: data, "T": given})
    return data, given


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
