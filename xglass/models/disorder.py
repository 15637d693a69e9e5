"""Quenched disorder: random couplings, site energies and parameters, one sample for each realization."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import aligned, realizations, require, whole_number
from xglass.messages import public
from xglass.models.common import STRENGTHS
from xglass.units.parameters import Labels, Parameter, parameter
from xglass.units.quantities import shortened
from xglass.variables import attributes, stamp

__all__ = ["random_couplings", "random_parameter", "random_site_energy", "without_unit"]


def __dir__() -> list[str]:
    return __all__


def _sites(lattice_or_number: Any, caller: str) -> int:
    if isinstance(lattice_or_number, xr.Dataset):
        require(lattice_or_number, "position", caller=caller)
        return int(lattice_or_number.sizes["site"])
    return whole_number("N", lattice_or_number, minimum=2)


def _strength(caller: str, name: str, value: Any) -> xr.DataArray:
    """What multiplies the draw, in the energy unit of the model that takes it: there is no scale before."""
    try:
        return parameter(name, value, above=0.0, zero=True)
    except ValueError:
        parameter(name, value, scale=1.0, above=0.0, zero=True)  # says what is wrong besides the scale
        raise ValueError(
            f"{caller}: {name}={shortened(value)} is in a physical unit, and what is drawn before there is a "
            "model has no scale; write a plain number in the energy unit of the model, such as "
            f"{name}=20 / 350 for 20 meV in a model with scale='350 meV'"
        ) from None


def _draws(seed: Any, labels: np.ndarray, purpose: int) -> list[np.random.Generator]:
    """One generator per realization, keyed by (seed, label): more realizations extend the old ones."""
    key = checks.seed(seed)
    return [
        np.random.Generator(np.random.Philox(key=key, counter=[0, 0, purpose, int(label)]))
        for label in labels
    ]


@public
def random_couplings(
    lattice_or_N: xr.Dataset | int, *, J: Parameter = 1.0, realization: Labels, seed: int
) -> xr.DataArray:
    """Random infinite-range couplings of Sherrington and Kirkpatrick.

    They are Gaussian and symmetric, with variance J^2 / N and zero diagonal.

    Parameters
    ----------
    lattice_or_N : Dataset or int
        A lattice, or the number of sites.
    J : number, sequence or DataArray
        Strength, >= 0, in the energy unit of the model that takes it; may be swept, with common random
        numbers along J.
    realization : int or sequence of int
        Number of realizations, or their labels; realization r is the same whatever else is drawn.
    seed : int
        In [0, 2^64).

    Returns
    -------
    DataArray
        ``interaction(..., realization, site, site2)``, plain numbers in the energy unit of the model that
        takes it; 8 N^2 bytes for each realization.

    Raises
    ------
    TypeError, ValueError
        Counts, labels and seeds that are no whole numbers, a negative or infinite J.

    Examples
    --------
    >>> import xglass as xg
    >>> U = xg.random_couplings(64, J=1.0, realization=10, seed=1)
    >>> dict(U.sizes)
    {'realization': 10, 'site': 64, 'site2': 64}
    """
    sites = _sites(lattice_or_N, "random_couplings")
    labels = realizations(realization)
    strength = _strength("random_couplings", "J", J)
    upper = np.stack([generator.standard_normal((sites, sites)) for generator in _draws(seed, labels, 1)])
    upper = np.triu(upper, 1) / np.sqrt(sites)
    normal = xr.DataArray(
        upper + np.swapaxes(upper, -1, -2),
        dims=("realization", "site", "site2"),
        coords={"realization": labels},
    )
    aligned("random_couplings", J=strength, realization=normal)
    result = (strength * normal).assign_coords(J=strength).rename("interaction")
    return without_unit(result.transpose(..., "realization", "site", "site2"))


@public
def random_site_energy(
    lattice: xr.Dataset | int,
    *,
    strength: Parameter,
    distribution: str = "box",
    convention: str,
    realization: Labels,
    seed: int,
) -> xr.DataArray:
    """Random site energies with zero mean.

    Parameters
    ----------
    lattice : Dataset or int
        A lattice, or the number of sites.
    strength : number, sequence or DataArray
        Width W or standard deviation of the distribution, see ``convention``; >= 0, in the energy unit of the
        model that takes it.
    distribution : {"box", "gaussian"}
        Uniform, or normal.
    convention : {"width", "std"}
        What ``strength`` means. "width": the box [-W/2, W/2], or the Gaussian with the variance W^2/12 of
        that box; "std": the standard deviation of either.
    realization : int or sequence of int
        Number of realizations, or their labels; realization r is the same whatever else is drawn.
    seed : int
        In [0, 2^64).

    Returns
    -------
    DataArray
        ``site_energy(..., realization, site)``, plain numbers in the energy unit of the model that takes it.

    Raises
    ------
    TypeError, ValueError
        The message names the argument.

    Examples
    --------
    >>> import xglass as xg
    >>> eps = xg.random_site_energy(
    ...     xg.lattice.cubic(8), strength=16.54, convention="width", realization=3, seed=1
    ... )
    >>> dict(eps.sizes)
    {'realization': 3, 'site': 512}
    """
    sites = _sites(lattice, "random_site_energy")
    labels = realizations(realization)
    for name, value, known in (
        ("distribution", distribution, ("box", "gaussian")),
        ("convention", convention, ("width", "std")),
    ):
        if value not in known:
            raise ValueError(f"{name} must be {known[0]!r} or {known[1]!r}, got {value!r}")
    size = _strength("random_site_energy", "strength", strength)
    generators = _draws(seed, labels, 2)
    if distribution == "box":
        unit = np.sqrt(12.0) * np.stack([generator.random(sites) - 0.5 for generator in generators])
    else:
        unit = np.stack([generator.standard_normal(sites) for generator in generators])
    if convention == "width":
        unit = unit / np.sqrt(12.0)
    standard = xr.DataArray(unit, dims=("realization", "site"), coords={"realization": labels})
    aligned("random_site_energy", strength=size, realization=standard)
    result = (size * standard).assign_coords(strength=size)
    return without_unit(result.transpose(..., "realization", "site").rename("site_energy"))


#: What :func:`random_parameter` draws: the number of its random stream, and where the values live.
DRAWN = {"g": (3, "site"), "omega0": (4, "site"), "g_z": (5, "site"), "t": (6, "bond")}


@public
def random_parameter(
    lattice: xr.Dataset | int,
    name: str,
    *,
    distribution: str = "uniform",
    low: float | None = None,
    high: float | None = None,
    mean: float | None = None,
    std: float | None = None,
    realization: Labels,
    seed: int,
) -> xr.DataArray:
    """Random parameters of :func:`electron_tls`, a value for every two-level system or bond.

    In a glass the splittings and the couplings of two-level systems are distributed.

    Parameters
    ----------
    lattice : Dataset or int
        A chain, or the number of sites.
    name : {"g", "omega0", "g_z", "t"}
        The parameter: "t" lies over ``bond``, the others over ``site``. Different names are independent also
        with the same seed.
    distribution : {"uniform", "log_uniform", "gaussian"}
        Uniform on [low, high); with a density proportional to 1/x there (0 < low), that of the splittings in
        the standard tunnelling model of glasses; or normal.
    low, high : float, optional
        Bounds of the first two distributions.
    mean, std : float, optional
        Mean and standard deviation of the Gaussian.
    realization : int or sequence of int
        Number of realizations, or their labels; realization r is the same whatever else is drawn.
    seed : int
        In [0, 2^64).

    Returns
    -------
    DataArray
        ``name(realization, site)`` or ``t(realization, bond)``, plain numbers in the energy unit of the model
        that takes it.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: bounds that are missing, not used, or in the wrong order.

    Examples
    --------
    >>> import xglass as xg
    >>> chain = xg.lattice.chain(8)
    >>> omega0 = xg.random_parameter(
    ...     chain, "omega0", distribution="log_uniform", low=0.01, high=1.0, realization=5, seed=1
    ... )
    >>> dict(xg.electron_tls(chain, g=1.0, omega0=omega0)["omega0"].sizes)
    {'realization': 5, 'site': 8}
    """
    sites, labels = _sites(lattice, "random_parameter"), realizations(realization)
    if name not in DRAWN:
        raise ValueError(f"name must be one of {', '.join(DRAWN)}, got {name!r}")
    if distribution not in ("uniform", "log_uniform", "gaussian"):
        raise ValueError(f"distribution must be 'uniform', 'log_uniform' or 'gaussian', got {distribution!r}")
    given = {"low": low, "high": high, "mean": mean, "std": std}
    wanted = ("mean", "std") if distribution == "gaussian" else ("low", "high")
    for key, value in given.items():
        if (value is None) == (key in wanted):
            raise TypeError(
                f"{key} came as {value!r}; the {distribution} distribution is given by {' and '.join(wanted)}"
            )
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating))
        ):
            raise TypeError(f"{key} must be a number in the energy unit of the model, got {value!r}")
        if value is not None and not np.isfinite(value):
            raise ValueError(f"{key} must be finite, got {value!r}")
    purpose, dim = DRAWN[name]
    generators = _draws(seed, labels, purpose)
    first, second = (float(value) for value in given.values() if value is not None)
    if distribution == "gaussian":
        if second < 0:
            raise ValueError(f"std must be >= 0, got {std!r}")
        values = first + second * np.stack([generator.standard_normal(sites) for generator in generators])
    else:
        if not first < second:
            raise ValueError(f"low must be below high, got {low!r} and {high!r}")
        if distribution == "log_uniform" and not first > 0:
            raise ValueError(f"low must be > 0 for the log_uniform distribution, got {low!r}")
        uniform = np.stack([generator.random(sites) for generator in generators])
        values = (
            first * (second / first) ** uniform
            if distribution == "log_uniform"
            else first + (second - first) * uniform
        )
    return xr.DataArray(values, dims=("realization", dim), coords={"realization": labels}, name=name)


def without_unit(array: xr.DataArray) -> xr.DataArray:
    """Stamped, but with energies as plain numbers: the unit is that of the model which takes them."""
    array = stamp(array)
    array.attrs["units"] = "1"
    for name in set(STRENGTHS) & set(array.coords):
        array.coords[name].attrs = attributes(name)
        del array.coords[name].attrs["units"]
    return array
