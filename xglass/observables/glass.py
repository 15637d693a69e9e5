"""How configurations remember and resemble each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import aligned, eager, in_model_units, real_array, refuse, uncut, whole_number
from xglass.engine.charge import configurations
from xglass.engine.core import curves
from xglass.lattice.whole import lattice_mark
from xglass.messages import NotFoundError, public
from xglass.observables.common import labelled, two_time
from xglass.solvers.one_body import occupations
from xglass.units.parameters import Labels
from xglass.variables import energy_unit, stamp

__all__ = ["autocorrelation", "chi4", "irreversibility_temperature", "overlap"]


def __dir__() -> list[str]:
    return __all__


def _times(name: str, values: Any) -> list[int]:
    return [whole_number(name, value, minimum=0) for value in np.atleast_1d(np.asarray(values)).tolist()]


def _at(occupation: xr.DataArray, sweeps: np.ndarray) -> xr.DataArray:
    """Stored states at the given sweeps; an evenly spaced set is a slice, which keeps dask graphs small."""
    index = occupation.get_index("sweep").get_indexer(sweeps)
    step = int(index[1] - index[0]) if index.size > 1 else 1
    even = step > 0 and (np.diff(index) == step).all()
    return occupation.isel(sweep=slice(int(index[0]), int(index[-1]) + 1, step) if even else index)


@public
def autocorrelation(run: xr.Dataset, *, waiting_time: Labels, lag: Labels | None = None) -> xr.DataArray:
    """Local density autocorrelation of every walker.

    C(t, t_W) = (1/N) sum_i dn_i(t_W) dn_i(t_W + t), dn = n - filling; C(0, t_W) = filling (1 - filling)
    (Fratini et al., SciPost Phys. 14, 124 (2023), Fig. 2, with the constant n^2 taken off).

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., walker, sweep, site)``; may be chunked along all but site.
    waiting_time : int or sequence of int
        Sweeps (whole numbers) at which the first configuration is taken.
    lag : int or sequence of int, optional
        Sweeps between both; default all that are stored for every waiting time.

    Returns
    -------
    DataArray
        ``autocorrelation(..., walker, waiting_time, lag)``, a pure number. One pass over the occupations per
        waiting time.

    Raises
    ------
    KeyError
        For waiting times or lags that are not stored.
    TypeError
        If the occupations are averages.
    ValueError
        For a run without labels of sweeps, and one of replica exchange, whose walkers are no trajectories.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=3, sweep=30, weight="classical", seed=7)
    >>> C = xg.autocorrelation(run, waiting_time=[5, 10])
    >>> C.sizes["lag"], float(C.sel(lag=0)[0, 0])
    (21, 0.25)
    """
    return _autocorrelation(run, waiting_time, lag, "autocorrelation")


def _autocorrelation(run: xr.Dataset, waiting_time: Labels, lag: Labels | None, caller: str) -> xr.DataArray:
    occupation = occupations(run, caller=caller)
    two_time(run, caller)
    if "sweep" not in occupation.dims or "sweep" not in occupation.indexes:
        raise ValueError(
            f"{caller}: the run has no dimension 'sweep' with labels; it was dropped by a selection or a mean"
        )
    stored = occupation["sweep"].values
    waiting = _times("waiting_time", waiting_time)
    if len(set(waiting)) != len(waiting) or not waiting:
        raise ValueError(f"waiting_time must be distinct sweeps, got {waiting_time!r}")
    if missing := [t for t in waiting if t not in stored]:
        raise NotFoundError(
            f"waiting_time: sweeps {missing} are not stored; the run holds {_summary(stored)}"
        )
    if lag is None:
        common = set((stored - waiting[0]).tolist())
        for time in waiting[1:]:
            common &= set((stored - time).tolist())
        lags = sorted(t for t in common if t >= 0)
    else:
        lags = _times("lag", lag)
        if len(set(lags)) != len(lags) or not lags:
            raise ValueError(f"lag must be distinct sweeps, got {lag!r}")
        if absent := sorted({t for t in lags for time in waiting if time + t not in stored}):
            raise NotFoundError(
                f"lag: {absent} after waiting times {waiting} are not stored; the run holds "
                f"{_summary(stored)}"
            )
    parts = []
    for time in waiting:
        later = (
            _at(occupation, time + np.asarray(lags))
            .drop_vars(["sweep", "temperature"], errors="ignore")
            .rename(sweep="lag")
        )
        first = occupation.sel(sweep=time, drop=True).drop_vars("temperature", errors="ignore")
        parts.append(
            labelled(configurations.overlap, [(first, ["site"]), (later, ["site"]), (run["filling"], [])])
        )
    result = xr.concat(parts, dim="waiting_time").assign_coords(waiting_time=waiting, lag=lags)
    return stamp(result.transpose(..., "waiting_time", "lag").rename("autocorrelation"))


def _summary(stored: np.ndarray) -> str:
    return f"sweeps {stored[0]} to {stored[-1]} ({stored.size} of them)"


@public
def chi4(run: xr.Dataset, *, waiting_time: Labels) -> xr.DataArray:
    """Dynamical susceptibility: how much the density autocorrelation differs between walkers.

    chi_4(t, t_W) = N var_walkers C(t, t_W), with C of one walker (:func:`autocorrelation`) and the unbiased
    variance, that over walkers - 1. It grows with the number of sites that relax together, and has its
    maximum over t near the relaxation time. Where nothing is remembered (1/N) sum_q S(q)^2 is left, with the
    structure factor of equilibrium: 1/16, up to 1/N, for charges without correlations at half filling.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., walker, sweep, site)``, two walkers at least; may be chunked along all but
        site.
    waiting_time : int or sequence of int
        Sweeps (whole numbers) at which the first configuration is taken.

    Returns
    -------
    DataArray
        ``chi4(..., waiting_time, lag)``, a pure number, at all lags that are stored for every waiting time;
        0 at lag 0 where the number of particles is fixed. Walkers that a store lacks so far are passed over.
        Its error is that of :func:`jackknife` over the walkers: a variance of few walkers is uncertain, by
        [2 / (walkers - 1)]^(1/2) of itself where C is Gaussian.

    Raises
    ------
    KeyError
        For waiting times that are not stored.
    ValueError
        For less than two walkers, and for a run of replica exchange, whose walkers are no trajectories.
    TypeError
        If the occupations are averages.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=40, sweep=30, weight="classical", seed=7).compute()
    >>> xg.chi4(run, waiting_time=[5, 10]).dims
    ('waiting_time', 'lag')
    >>> chi = xg.jackknife(lambda r: xg.chi4(r, waiting_time=10), run, dim="walker").squeeze()
    >>> print(xg.units.text(chi.sel(lag=5), "chi4"))
    0.154(31)
    """
    correlation = _autocorrelation(run, waiting_time, None, "chi4")
    walkers = correlation.sizes.get("walker", 0)
    refuse(
        "chi4",
        (
            walkers < 2,
            f"the variance over walkers needs two of them at least, and the run holds {walkers}; "
            "simulate with walker=2 or more, and apply chi4 before any mean or selection",
        ),
    )
    if correlation.chunks:
        correlation = correlation.chunk(walker=-1)
    sites = run.sizes["site"]
    result = labelled(configurations.fluctuations, [(correlation, ["walker"])], sites=sites)
    return stamp(result.transpose(..., "waiting_time", "lag").rename("chi4"))


@public
def overlap(run_a: xr.Dataset, run_b: xr.Dataset) -> xr.DataArray:
    """Overlap of the configurations of two runs with the same labels.

    Q = (1/N) sum_i dn_i^a dn_i^b / [filling (1 - filling)]: 1 for equal configurations, 0 on average for
    independent ones.

    Parameters
    ----------
    run_a, run_b : Dataset
        Run with ``occupation(..., walker, sweep, site)``, on one lattice and with the same labels
        (join="exact").

    Returns
    -------
    DataArray
        ``overlap(..., walker, sweep)``, a pure number. May be chunked along all but site.

    Raises
    ------
    ValueError
        If labels, fillings or lattices differ, and for sites in another order.
    TypeError
        If the occupations are averages.
    KeyError
        Where the lattice was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), self_image="include")
    >>> a, b = (xg.metropolis(glass, T=0.1, walker=3, sweep=10, weight="classical", seed=s) for s in (1, 2))
    >>> float(xg.overlap(a, a)[0, 0]), xg.overlap(a, b).dims
    (1.0, ('walker', 'sweep'))
    """
    lattice = ("position", "torus", "cells")
    a = occupations(run_a, *lattice, caller="overlap (run_a)")
    b = occupations(run_b, *lattice, caller="overlap (run_b)")
    if a.sizes["site"] != b.sizes["site"]:
        raise ValueError(f"overlap: run_a has {a.sizes['site']} sites, run_b has {b.sizes['site']}")
    cells = [" x ".join(str(n) for n in eager(run, "cells")) for run in (run_a, run_b)]
    refuse(
        "overlap",
        (
            lattice_mark(run_a) != lattice_mark(run_b),
            f"run_a ({cells[0]} cells) and run_b ({cells[1]} cells) are on two lattices, whose sites are at "
            "other places; give runs on one lattice",
        ),
    )
    filling = run_a["filling"]
    aligned("overlap", run_a=a, run_b=b)
    if not np.array_equal(filling.values, run_b["filling"].values):
        raise ValueError(
            f"overlap: the fillings differ, {filling.values.tolist()} and {run_b['filling'].values.tolist()}"
        )
    result = labelled(configurations.overlap, [(a, ["site"]), (b, ["site"]), (filling, [])]) / (
        filling * (1.0 - filling)
    )
    return stamp(result.rename("overlap"))


@public
def irreversibility_temperature(
    a: xr.DataArray, b: xr.DataArray, *, dim: str = "T", factor: float = 2.0
) -> xr.DataArray:
    """Temperature below which what two preparations have parts by a factor.

    From high temperature downwards, the first at which the larger of a/b and b/a reaches ``factor``, with the
    logarithm of the ratio interpolated between neighbouring temperatures: the dynamical temperature T* at
    which resistivity and correlations become history dependent (Fratini et al., SciPost Phys. 14, 124 (2023),
    arrows of Fig. 2, insets of Fig. 5d, e). For correlations give the relaxation times, or C at one lag, of
    two waiting times or preparations.

    Parameters
    ----------
    a, b : DataArray
        Positive quantities over ``dim`` and other dimensions, with the same labels: averages over walkers,
        such as the resistivity of a quench and of an ordered start. Values that are not positive, infinite
        or NaN are passed over.
    dim : str
        The dimension of temperature, in any order; uncut.
    factor : float
        Ratio at which they have parted, > 1.

    Returns
    -------
    DataArray
        ``irreversibility_temperature(...)`` in the unit of ``dim``. NaN where they never part, and where they
        have parted at the highest temperature already: T* lies outside of what was computed. Its error is
        that of :func:`bootstrap` over the walkers of a Dataset that holds both preparations, with the whole
        chain inside.

    Raises
    ------
    TypeError
        If they are no DataArrays of real numbers.
    ValueError
        If labels differ, the dimension is missing or holds less than two temperatures, or factor <= 1.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> T = xr.DataArray([0.02, 0.04, 0.06], dims="T", coords={"T": [0.02, 0.04, 0.06]})
    >>> quench, ordered = 10.0 + 0.0 * T, 10.0 * np.exp(0.04 / T - 2 / 3)
    >>> print(f"{float(xg.irreversibility_temperature(ordered, quench)):.4f}")
    0.0328
    """
    caller = "irreversibility_temperature"
    for name, array in {"a": a, "b": b}.items():
        real_array(caller, name, array)
        uncut(array, (dim,), caller=caller)
    in_model_units(caller, a=a, b=b)
    aligned(caller, a=a, b=b)
    refuse(
        caller,
        (dim not in a.coords, f"a has no coordinate {dim!r}; write .assign_coords({dim}=...)"),
        (a.sizes[dim] < 2, f"there is one value along {dim!r}; compute both preparations at several"),
        (not float(factor) > 1.0, f"factor must be > 1, got {factor!r}"),
    )
    order = np.argsort(a[dim].values)
    warmth = xr.DataArray(a[dim].values[order], dims=dim, attrs=a[dim].attrs)
    result = labelled(
        curves.parting,
        [(a.isel({dim: order}), [dim]), (b.isel({dim: order}), [dim]), (warmth, [dim])],
        factor=float(factor),
    )
    unit = str(a[dim].attrs.get("units", energy_unit(a)))
    return stamp(result.rename(caller), energy=energy_unit(a), irreversibility_temperature=unit)
