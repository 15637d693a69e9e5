"""How configurations remember, resemble and order: correlation and structure of the charges."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import aligned, eager, require, uncut, whole_number
from xglass.engine.charge import configurations
from xglass.lattice import stripes, wave_vectors
from xglass.variables import stamp

__all__ = ["autocorrelation", "overlap", "stripe_order", "structure_factor"]


def occupations(run: xr.Dataset, *needed: str, caller: str) -> xr.DataArray:
    """The occupations of a run, checked: whole numbers, sites in one chunk, the model still there."""
    require(run, "occupation", "filling", *needed, caller=caller)
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


def _overlap(a: xr.DataArray, b: xr.DataArray, filling: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(
        configurations.overlap,
        a,
        b,
        filling,
        input_core_dims=[["site"], ["site"], []],
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )


def _times(name: str, values: Any) -> list[int]:
    return [whole_number(name, value, minimum=0) for value in np.atleast_1d(np.asarray(values)).tolist()]


def _at(occupation: xr.DataArray, sweeps: np.ndarray) -> xr.DataArray:
    """Stored states at the given sweeps; an evenly spaced set is a slice, which keeps dask graphs small."""
    index = occupation.get_index("sweep").get_indexer(sweeps)
    step = int(index[1] - index[0]) if index.size > 1 else 1
    even = step > 0 and (np.diff(index) == step).all()
    return occupation.isel(sweep=slice(int(index[0]), int(index[-1]) + 1, step) if even else index)


def autocorrelation(run: xr.Dataset, *, waiting_time: Any, lag: Any = None) -> xr.DataArray:
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

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=3, sweep=30, weight="classical", seed=7)
    >>> C = xg.autocorrelation(run, waiting_time=[5, 10])
    >>> C.sizes["lag"], float(C.sel(lag=0)[0, 0])
    (21, 0.25)
    """
    occupation = occupations(run, caller="autocorrelation")
    if "sweep" not in occupation.dims or "sweep" not in occupation.indexes:
        raise ValueError(
            "autocorrelation: the run has no dimension 'sweep' with labels; it was dropped by a "
            "selection or a mean"
        )
    stored = occupation["sweep"].values
    waiting = _times("waiting_time", waiting_time)
    if len(set(waiting)) != len(waiting) or not waiting:
        raise ValueError(f"waiting_time must be distinct sweeps, got {waiting_time!r}")
    if missing := [t for t in waiting if t not in stored]:
        raise KeyError(f"waiting_time: sweeps {missing} are not stored; the run holds {_summary(stored)}")
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
            raise KeyError(
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
        parts.append(_overlap(first, later, run["filling"]))
    result = xr.concat(parts, dim="waiting_time").assign_coords(waiting_time=waiting, lag=lags)
    return stamp(result.transpose(..., "waiting_time", "lag").rename("autocorrelation"))


def _summary(stored: np.ndarray) -> str:
    return f"sweeps {stored[0]} to {stored[-1]} ({stored.size} of them)"


def overlap(run_a: xr.Dataset, run_b: xr.Dataset) -> xr.DataArray:
    """Overlap of the configurations of two runs with the same labels.

    Q = (1/N) sum_i dn_i^a dn_i^b / [filling (1 - filling)]: 1 for equal configurations, 0 on average for
    independent ones.

    Parameters
    ----------
    run_a, run_b : Dataset
        Run with ``occupation(..., walker, sweep, site)`` and the same labels (join="exact").

    Returns
    -------
    DataArray
        ``overlap(..., walker, sweep)``, a pure number. May be chunked along all but site.

    Raises
    ------
    ValueError
        If labels or fillings differ.
    TypeError
        If the occupations are averages.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), self_image="include")
    >>> a, b = (xg.metropolis(glass, T=0.1, walker=3, sweep=10, weight="classical", seed=s) for s in (1, 2))
    >>> float(xg.overlap(a, a)[0, 0]), xg.overlap(a, b).dims
    (1.0, ('walker', 'sweep'))
    """
    a, b = occupations(run_a, caller="overlap (run_a)"), occupations(run_b, caller="overlap (run_b)")
    if a.sizes["site"] != b.sizes["site"]:
        raise ValueError(f"overlap: run_a has {a.sizes['site']} sites, run_b has {b.sizes['site']}")
    filling = run_a["filling"]
    aligned("overlap", run_a=a, run_b=b)
    if not np.array_equal(filling.values, run_b["filling"].values):
        raise ValueError(
            f"overlap: the fillings differ, {filling.values.tolist()} and {run_b['filling'].values.tolist()}"
        )
    result = _overlap(a, b, filling) / (filling * (1.0 - filling))
    return stamp(result.rename("overlap"))


def _structure(run: xr.Dataset, waves: np.ndarray, dim: str, caller: str) -> xr.DataArray:
    occupation = occupations(run, "position", "torus", "cells", caller=caller)
    phase = xr.DataArray(eager(run, "position") @ waves.T, dims=("site", dim))
    return xr.apply_ufunc(
        configurations.structure_factor,
        occupation,
        run["filling"],
        phase,
        input_core_dims=[["site"], [], ["site", dim]],
        output_core_dims=[[dim]],
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )


def structure_factor(run: xr.Dataset) -> xr.DataArray:
    """Structure factor on the wave vectors of the torus.

    S(q) = (1/N) |sum_i dn_i exp(-i q R_i)|^2, dn = n - filling.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the lattice; may be chunked along all but site.

    Returns
    -------
    DataArray
        ``structure_factor(..., q)``, a pure number, with coords ``qx(q)``, ``qy(q)``, ... in 1/a in the first
        Brillouin zone. Costs 2 N^2 multiplications per configuration; the result is 8 times the size of the
        occupations, so reduce it early.

    Raises
    ------
    TypeError
        If the occupations are averages.
    KeyError
        Where the lattice was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=3, sweep=10, weight="classical", seed=7)
    >>> S = xg.structure_factor(run).mean(["walker", "sweep"])
    >>> S.dims, round(float(S.sum()), 9)  # the sum over q is N filling (1 - filling)
    (('q',), 4.0)
    """
    require(run, "position", "torus", "cells", caller="structure_factor")
    waves = wave_vectors(run)
    result = _structure(run, waves, "q", "structure_factor")
    components = {f"q{axis}": ("q", waves[:, k]) for k, axis in enumerate("xyz"[: waves.shape[1]])}
    return stamp(result.assign_coords(components).rename("structure_factor"))


def stripe_order(run: xr.Dataset) -> xr.DataArray:
    """Stripe order parameter of each orientation.

    Psi_o = sqrt(S(q_o)/N)/filling at the wave vectors q_o that are half a reciprocal vector; 1 in the perfect
    stripe at filling 1/2.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the lattice; may be chunked along all but site.

    Returns
    -------
    DataArray
        ``stripe_order(..., orientation)``, a pure number; labels "horizontal", "diagonal_1", "diagonal_2" on
        the triangular lattice, "horizontal", "vertical", "diagonal" (the checkerboard) on the square one.

    Raises
    ------
    ValueError
        If no stripe fits the torus (all sides odd).
    TypeError
        If the occupations are averages.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, self_image="include")
    >>> run = xg.metropolis(glass, T=0.01, walker=1, sweep=2, start="ordered", seed=7)
    >>> print(xg.stripe_order(run).isel(walker=0, sweep=0).round(6).values)
    [1. 0. 0.]
    """
    require(run, "position", "torus", "cells", caller="stripe_order")
    names, waves = stripes(run)
    if not names:
        raise ValueError(
            f"stripe_order: no stripe fits a torus of {run['cells'].values.tolist()} cells; take an even side"
        )
    result = _structure(run, waves, "orientation", "stripe_order").assign_coords(orientation=names)
    return stamp(
        ((result / run.sizes["site"]) ** 0.5 / run["filling"])
        .transpose(..., "orientation")
        .rename("stripe_order")
    )
