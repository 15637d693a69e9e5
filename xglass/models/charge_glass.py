"""Models: parameters in, Dataset out.

Everything a model is made of is a coordinate, so that selections and means keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from xglass.lattice import coulomb
from xglass.units import parameter, scale_coordinate
from xglass.variables import aligned, attributes, realizations, require, stamp, whole_number

__all__ = ["charge_glass", "electron_tls", "random_couplings", "random_parameter", "random_site_energy"]


# : What a model takes from the lattice it is given; the rest (of a model or run given as lattice) is its own
# to make.
GEOMETRY = ("axis", "position", "torus", "cells", "bond_source", "bond_target", "bond_vector", "bond_kind")


def charge_glass(
    lattice: xr.Dataset,
    *,
    t_p: Any = None,
    eta: Any = 1.0,
    hopping: Mapping[str, Any] | xr.DataArray | None = None,
    filling: Any = 0.5,
    interaction: str | xr.DataArray | None = "coulomb",
    site_energy: xr.DataArray | None = None,
    self_image: str | float = "exclude",
    centred: bool = False,
    scale: Any = None,
) -> xr.Dataset:
    r"""Spinless particles with hopping, pair interaction and site energies: Eq. (1) of SciPost Phys. 14, 124
    (2023), and beyond.

    H = sum_b t_b (c^+_{i(b)} c_{j(b)} + h.c.) + 1/2 sum_{i != j} U_ij n_i n_j + sum_i eps_i n_i,

    with +t_b as appropriate for holes. The potential of a configuration is phi_i = sum_j U_ij n_j + eps_i
    with the diagonal of U, which enters no energy.

    Parameters
    ----------
    lattice : Dataset of a lattice with N sites.
    t_p, eta : hopping t_p on bonds of kind "p" and eta t_p on bonds of kind "c" of the triangular lattice.
        Numbers, sequences (a dimension of that name), DataArrays (dims kept) or Quantities; in Vc. Default:
        no hopping.
    hopping : instead of them, {kind: value} for every kind of bond, or a DataArray (..., bond).
    filling : particles per site, in (0, 1).
    interaction : "coulomb" (see :func:`xglass.lattice.coulomb`), a symmetric DataArray (..., site, site2)
        with the same diagonal on every site, or None (free particles, Anderson model).
    site_energy : DataArray (..., site), such as :func:`random_site_energy`; default zero.
    self_image : the diagonal of "coulomb": "exclude", "include" or a number. It changes the physics of small
        clusters: see the conventions page.
    centred : the interaction acts between n_i - filling instead of n_i.
    scale : the energy unit Vc as a Quantity ("0.35 eV"): then parameters may come in meV or K, and results
        can be converted.

    Returns
    -------
    Dataset without data variables; coords of the lattice and ``hopping(..., bond)``, ``interaction(..., site,
    site2)``, ``site_energy(..., site)``, ``filling``, ``centred``, and ``t_p``, ``eta``, ``scale`` where
    given. Eager, 8 N^2 bytes per interaction.

    Raises
    ------
    ValueError, TypeError naming the argument: unknown or missing kinds of bonds, wrong dims or sizes, an
    interaction that is not symmetric, values that are not finite, a Quantity of another dimension.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12, eta=[-1.0, -0.5, -0.1])
    >>> dict(glass["hopping"].sizes)
    {'eta': 3, 'bond': 432}
    """
    require(lattice, "position", "torus", "bond_kind", caller="charge_glass")
    model = xr.Dataset(
        coords={name: lattice.coords[name].variable for name in GEOMETRY if name in lattice.coords}
    )
    unit = None
    if scale is not None:
        model = model.assign_coords(scale=scale_coordinate(scale))
        unit = float(model["scale"])
    if not isinstance(centred, (bool, np.bool_)):
        raise TypeError(f"centred must be True or False, got {centred!r}")

    parts = {
        "filling": parameter("filling", filling, above=0.0, below=1.0),
        "centred": xr.DataArray(bool(centred), attrs=attributes("centred")),
        **_hopping(lattice, t_p, eta, hopping, unit),
        "interaction": _checked_interaction(lattice, interaction, self_image, unit),
        "site_energy": _site_energy(lattice, site_energy, unit),
    }
    for name, part in parts.items():
        model = _with_parameter(model, name, part)
    return stamp(model)


def electron_tls(
    lattice: xr.Dataset,
    *,
    g: Any,
    omega0: Any,
    t: Any = 1.0,
    g_z: Any = 0.0,
    site_energy: xr.DataArray | None = None,
    scale: Any = None,
) -> xr.Dataset:
    r"""One electron on a chain with a two-level system at every site: Rammal, Ciuchi and Fratini, Eq. (1),
    and beyond.

    H = -t sum_j (c^+_{j+1} c_j + h.c.) + sum_j (omega0/2) sz_j - sum_j n_j (g sx_j + g_z sz_j) + sum_j eps_j
    n_j

    Parameters
    ----------
    lattice : Dataset of :func:`xglass.lattice.chain` with N sites.
    g : coupling to the transitions of the two-level systems; in tc, as all energies here. Numbers, sequences
        (a dimension of that name), DataArrays (dims kept; over ``site`` where every site has its own, with
        ``realization`` for an ensemble) or Quantities.
    omega0 : splitting of the two-level systems, as g.
    t : hopping integral, as g, but over ``bond`` where it differs from bond to bond. Enters H as -t.
    g_z : static coupling, as g.
    site_energy : DataArray (..., site), such as :func:`random_site_energy`; default none.
    scale : the energy unit tc as a Quantity ("0.1 eV").

    Returns
    -------
    Dataset without data variables; coords of the lattice, ``t``, ``g``, ``omega0``, ``g_z``, and
    ``site_energy`` and ``scale`` where given. Where all sites are alike, solvers work in blocks of total
    momentum; arrays over ``site`` or ``bond`` give these up.

    Raises
    ------
    ValueError, TypeError naming the argument: no chain, values that are not finite, arrays of the wrong
    length.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=[0.05, 0.5])
    >>> dict(tls["omega0"].sizes)
    {'omega0': 2}
    """
    require(lattice, "position", "torus", "bond_kind", caller="electron_tls")
    sites = lattice.sizes["site"]
    source, target = lattice["bond_source"].values, lattice["bond_target"].values
    if (
        lattice.sizes["axis"] != 1
        or not np.array_equal(source, np.arange(sites))
        or not np.array_equal(target, (source + 1) % sites)
    ):
        raise ValueError("electron_tls lives on a chain; pass xg.lattice.chain(N)")
    if sites < 2:
        raise ValueError(f"electron_tls needs a chain of at least 2 sites, got {sites}")
    model = xr.Dataset(
        coords={name: lattice.coords[name].variable for name in GEOMETRY if name in lattice.coords}
    )
    unit = None
    if scale is not None:
        model = model.assign_coords(scale=scale_coordinate(scale))
        unit = float(model["scale"])
    given = {"t": (t, "bond"), "g": (g, "site"), "omega0": (omega0, "site"), "g_z": (g_z, "site")}
    if site_energy is not None:
        given["site_energy"] = (site_energy, "site")
    for name, (value, own) in given.items():
        core = (
            (own,) if name == "site_energy" or (isinstance(value, xr.DataArray) and own in value.dims) else ()
        )
        part = parameter(name, value, scale=unit, energy="tc", core=core)
        if core:
            _check_size(name, part, own, sites)
        model = _with_parameter(model, name, part, "tc")
    return stamp(model, energy="tc")


def _with_parameter(model: xr.Dataset, name: str, part: xr.DataArray, energy: str = "Vc") -> xr.Dataset:
    """The model with one more parameter; coords that it brings (realization labels,
    a swept distance) come along, a clash is an error.
    """
    try:
        model = xr.merge(
            [model, part.coords.to_dataset()], join="exact", compat="equals", combine_attrs="override"
        )
        for strength in set(STRENGTHS) & set(part.coords):
            model.coords[strength].attrs = attributes(strength, energy=energy)
        return model.assign_coords({name: part.variable})
    except (ValueError, xr.MergeError) as error:
        raise ValueError(f"{name} does not fit the other parameters of the model: {error}") from error


def _hopping(
    lattice: xr.Dataset, t_p: Any, eta: Any, hopping: Any, scale: float | None
) -> dict[str, xr.DataArray]:
    kinds = [str(kind) for kind in np.unique(lattice["bond_kind"].values)]
    parts: dict[str, xr.DataArray] = {}
    if hopping is not None and t_p is not None:
        raise ValueError("t_p and hopping are two ways to say the same; give one of them")
    if t_p is not None:
        if kinds != ["c", "p"]:
            raise ValueError(
                "t_p and eta belong to the triangular lattice (bonds 'c', 'p'); here write "
                f"hopping={{{', '.join(repr(k) + ': ...' for k in kinds)}}}"
            )
        parts = {"t_p": parameter("t_p", t_p, scale=scale), "eta": parameter("eta", eta)}
        aligned("charge_glass", **parts)
        hopping = {"p": parts["t_p"], "c": parts["t_p"] * parts["eta"]}
    elif not _is_default_eta(eta):
        raise ValueError(
            "eta is the ratio t_c / t_p and needs t_p; give t_p, or hopping with a value per kind of bond"
        )
    if hopping is None:
        result = xr.DataArray(np.zeros(lattice.sizes["bond"]), dims="bond")
    elif isinstance(hopping, Mapping):
        unknown, missing = [k for k in hopping if k not in kinds], [k for k in kinds if k not in hopping]
        if unknown or missing:
            raise ValueError(
                f"hopping: {'unknown' if unknown else 'missing'} kinds of bonds {unknown or missing}; "
                f"this lattice has {kinds}, give each a value"
            )
        values = {kind: parameter("hopping", value, scale=scale) for kind, value in hopping.items()}
        for kind, value in values.items():
            if "hopping" in value.dims:
                raise ValueError(
                    f"hopping[{kind!r}] is a sequence; to sweep it pass a DataArray with a named dimension"
                )
        aligned("charge_glass", **{f"hopping[{kind!r}]": value for kind, value in values.items()})
        zero = xr.DataArray(np.zeros(lattice.sizes["bond"]), dims="bond")
        kind_of = lattice["bond_kind"].drop_vars("bond_kind", errors="ignore").variable
        result = sum((xr.DataArray(kind_of == kind) * value for kind, value in values.items()), zero)
    else:
        result = parameter("hopping", hopping, scale=scale, core=("bond",))
        _check_size("hopping", result, "bond", lattice.sizes["bond"])
    return parts | {
        "hopping": result.transpose(..., "bond").rename("hopping").assign_attrs(attributes("hopping"))
    }


def _is_default_eta(eta: Any) -> bool:
    return isinstance(eta, float) and eta == 1.0


def _check_size(name: str, array: xr.DataArray, dim: str, size: int) -> None:
    if array.sizes[dim] != size:
        raise ValueError(f"{name} has {array.sizes[dim]} entries along {dim!r}, the lattice has {size}")


def _checked_interaction(
    lattice: xr.Dataset, interaction: Any, self_image: Any, scale: float | None
) -> xr.DataArray:
    sites = lattice.sizes["site"]
    if isinstance(interaction, str):
        if interaction != "coulomb":
            raise ValueError(
                f"interaction must be 'coulomb', a DataArray (..., site, site2) or None, got {interaction!r}"
            )
        return coulomb(lattice, self_image=self_image)
    if not isinstance(self_image, str) or self_image != "exclude":
        raise ValueError(
            f"self_image={self_image!r} belongs to interaction='coulomb'; give it to the function "
            "that makes the interaction"
        )
    if interaction is None:
        return xr.DataArray(
            np.zeros((sites, sites)),
            dims=("site", "site2"),
            name="interaction",
            attrs=attributes("interaction"),
        )
    if not isinstance(interaction, xr.DataArray):
        raise TypeError(
            "interaction must be 'coulomb', a DataArray (..., site, site2) or None, got "
            f"{type(interaction).__name__}"
        )
    result = parameter("interaction", interaction, scale=scale, core=("site", "site2"))
    _check_size("interaction", result, "site", sites)
    _check_size("interaction", result, "site2", sites)
    matrix = result.values
    if not np.array_equal(matrix, np.swapaxes(matrix, -1, -2)):
        worst = np.abs(matrix - np.swapaxes(matrix, -1, -2)).max()
        raise ValueError(f"interaction is not symmetric: |U_ij - U_ji| up to {worst:.3g}; pass (U + U^T)/2")
    diagonal = np.einsum("...ii->...i", matrix)
    if (diagonal != diagonal[..., :1]).any():
        raise ValueError(
            "interaction has a diagonal that differs from site to site; it enters the potential "
            "only, so put site energies into site_energy"
        )
    return result


def _site_energy(lattice: xr.Dataset, site_energy: Any, scale: float | None) -> xr.DataArray:
    if site_energy is None:
        return xr.DataArray(
            np.zeros(lattice.sizes["site"]), dims="site", name="site_energy", attrs=attributes("site_energy")
        )
    result = parameter("site_energy", site_energy, scale=scale, core=("site",))
    _check_size("site_energy", result, "site", lattice.sizes["site"])
    return result


def _sites(lattice_or_number: Any, caller: str) -> int:
    if isinstance(lattice_or_number, xr.Dataset):
        require(lattice_or_number, "position", caller=caller)
        return int(lattice_or_number.sizes["site"])
    return whole_number("N", lattice_or_number, minimum=2)


def _draws(seed: Any, labels: np.ndarray, purpose: int) -> list[np.random.Generator]:
    """One generator per realization, keyed by (seed, label): more realizations extend the old ones."""
    key = whole_number("seed", seed, minimum=0, maximum=2**64)
    return [
        np.random.Generator(np.random.Philox(key=key, counter=[0, 0, purpose, int(label)]))
        for label in labels
    ]


def random_couplings(
    lattice_or_N: xr.Dataset | int, *, J: Any = 1.0, realization: Any, seed: int
) -> xr.DataArray:
    """Random infinite-range couplings of Sherrington and Kirkpatrick: Gaussian, symmetric, variance J^2/N,
    zero diagonal.

    Parameters
    ----------
    lattice_or_N : Dataset of a lattice, or the number of sites.
    J : strength, >= 0, may be swept (common random numbers along J).
    realization : number of realizations, or explicit labels; realization r is the same whatever else is
        drawn.
    seed : 0 <= seed < 2^64.

    Returns
    -------
    DataArray ``interaction(..., realization, site, site2)``, plain numbers in the energy unit of the model
    that takes it; 8 N^2 bytes per realization.

    Raises
    ------
    TypeError, ValueError for counts, labels and seeds that are no whole numbers, and for negative or infinite
    J.

    Examples
    --------
    >>> import xglass as xg
    >>> U = xg.random_couplings(64, J=1.0, realization=10, seed=1)
    >>> dict(U.sizes)
    {'realization': 10, 'site': 64, 'site2': 64}
    """
    sites = _sites(lattice_or_N, "random_couplings")
    labels = realizations(realization)
    strength = parameter("J", J, above=0.0, zero=True)
    upper = np.stack([generator.standard_normal((sites, sites)) for generator in _draws(seed, labels, 1)])
    upper = np.triu(upper, 1) / np.sqrt(sites)
    normal = xr.DataArray(
        upper + np.swapaxes(upper, -1, -2),
        dims=("realization", "site", "site2"),
        coords={"realization": labels},
    )
    aligned("random_couplings", J=strength, realization=normal)
    result = (strength * normal).assign_coords(J=strength).rename("interaction")
    return _without_unit(result.transpose(..., "realization", "site", "site2"))


def random_site_energy(
    lattice: xr.Dataset | int,
    *,
    strength: Any,
    distribution: str = "box",
    convention: str,
    realization: Any,
    seed: int,
) -> xr.DataArray:
    """Random site energies with zero mean.

    Parameters
    ----------
    lattice : Dataset of a lattice, or the number of sites.
    strength : width W or standard deviation of the distribution, see ``convention``; >= 0, may be a DataArray
        with named dims.
    distribution : "box" (uniform) or "gaussian".
    convention : what ``strength`` means. "width": the box [-W/2, W/2], or the Gaussian with the variance
        W^2/12 of that box; "std": the standard deviation of either.
    realization : number of realizations, or explicit labels.
    seed : 0 <= seed < 2^64.

    Returns
    -------
    DataArray ``site_energy(..., realization, site)``, plain numbers in the energy unit of the model that
    takes it.

    Raises
    ------
    TypeError, ValueError naming the argument.

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
    size = parameter("strength", strength, above=0.0, zero=True)
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
    return _without_unit(result.transpose(..., "realization", "site").rename("site_energy"))


#: What :func:`random_parameter` draws: the number of its random stream, and where the values live.
DRAWN = {"g": (3, "site"), "omega0": (4, "site"), "g_z": (5, "site"), "t": (6, "bond")}


def random_parameter(
    lattice: xr.Dataset | int,
    name: str,
    *,
    distribution: str = "uniform",
    low: float | None = None,
    high: float | None = None,
    mean: float | None = None,
    std: float | None = None,
    realization: Any,
    seed: int,
) -> xr.DataArray:
    """Random parameters of :func:`electron_tls`, a value for every two-level system (or bond): glasses have a
    distribution of both.

    Parameters
    ----------
    lattice : Dataset of a chain, or the number of sites.
    name : "g", "omega0" or "g_z", over ``site``, or "t", over ``bond``. Different names are independent also
        with the same seed.
    distribution : "uniform" on [low, high); "log_uniform", density proportional to 1/x there (0 < low), that
        of the splittings in the standard tunnelling model of glasses; "gaussian" with ``mean`` and ``std``.
    realization : number of realizations, or explicit labels; realization r is the same whatever else is
        drawn.
    seed : 0 <= seed < 2^64.

    Returns
    -------
    DataArray ``name(realization, site)`` or ``t(realization, bond)``, plain numbers in the energy unit of the
    model that takes it.

    Raises
    ------
    TypeError, ValueError naming the argument: bounds that are missing, not used, or in the wrong order.

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


#: Coords that random arrays bring along.
STRENGTHS = ("J", "strength")


def _without_unit(array: xr.DataArray) -> xr.DataArray:
    """Stamped, but with energies as plain numbers: the unit is that of the model which takes them."""
    array = stamp(array)
    array.attrs["units"] = "1"
    for name in set(STRENGTHS) & set(array.coords):
        array.coords[name].attrs = attributes(name) | {"units": "1"}
    return array
