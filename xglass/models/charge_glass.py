"""Charges on a lattice: hopping, pair interaction, site energies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import aligned
from xglass.lattice.interactions import coulomb
from xglass.lattice.whole import lattice_mark
from xglass.messages import public
from xglass.models.common import (
    check_size,
    geometry,
    hopping_by_kind,
    kinds_of_bonds,
    stamped,
    with_coordinates,
    with_labels,
)
from xglass.units.parameters import Parameter, Value, parameter, scale_of
from xglass.variables import attributes

__all__ = ["charge_glass"]


def __dir__() -> list[str]:
    return __all__


@public
def charge_glass(
    lattice: xr.Dataset,
    *,
    t_p: Parameter | None = None,
    eta: Parameter = 1.0,
    hopping: Mapping[str, Parameter] | xr.DataArray | None = None,
    filling: Parameter = 0.5,
    interaction: str | xr.DataArray | None = "coulomb",
    site_energy: xr.DataArray | None = None,
    self_image: str | float = "exclude",
    centred: bool = False,
    scale: Value | None = None,
) -> xr.Dataset:
    r"""Spinless particles with hopping, pair interaction and site energies.

    .. math::

        H = \sum_b t_b (c^\dagger_{i(b)} c_{j(b)} + \mathrm{h.c.})
        + \frac{1}{2} \sum_{i \neq j} U_{ij} n_i n_j + \sum_i \varepsilon_i n_i

    Eq. (1) of Fratini et al., SciPost Phys. 14, 124 (2023), and beyond, with :math:`+t_b` as appropriate for
    holes. The potential of a configuration is :math:`\phi_i = \sum_j U_{ij} n_j + \varepsilon_i` with the
    diagonal of U, which enters no energy.

    Parameters
    ----------
    lattice : Dataset
        A lattice with N sites.
    t_p, eta : number, sequence, DataArray or Quantity
        Hopping t_p on bonds of kind "p" and eta t_p on bonds of kind "c" of the triangular lattice, t_p in
        Vc. A sequence becomes a dimension of that name, a DataArray keeps its dims. Default: no hopping.
    hopping : dict or DataArray, optional
        Instead of them: {kind: value} for every kind of bond, or an array (..., bond).
    filling : number, sequence or DataArray
        Particles per site, in (0, 1).
    interaction : "coulomb", DataArray or None
        See :func:`xglass.lattice.coulomb`; or a symmetric array (..., site, site2) with the same diagonal on
        every site; or free particles, such as those of Anderson's model.
    site_energy : DataArray, optional
        With dims (..., site), such as from :func:`random_site_energy`; default zero.
    self_image : {"exclude", "include"} or float
        The diagonal of "coulomb". It changes the physics of small clusters: see the conventions page.
    centred : bool
        Whether the interaction acts between n_i - filling instead of n_i.
    scale : Quantity or str, optional
        The energy unit Vc, such as "0.35 eV": then parameters may come in meV or K, and results can be
        converted.

    Returns
    -------
    Dataset
        Without data variables; the coords are those of the lattice and ``hopping(..., bond)``,
        ``interaction(..., site, site2)``, ``site_energy(..., site)``, ``filling``, ``centred``, and ``t_p``,
        ``eta``, ``scale`` where given. Eager, 8 N^2 bytes for each interaction.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: unknown or missing kinds of bonds, wrong dims, sizes or labels of
        sites, an interaction that is not symmetric or of another lattice, values that are not finite, a
        Quantity of another dimension.

    Notes
    -----
    Arrays over sites or bonds that have labels 0 ... N - 1 are put in their order; without labels they stand
    in the order of the lattice.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12, eta=[-1.0, -0.5, -0.1])
    >>> dict(glass["hopping"].sizes)
    {'eta': 3, 'bond': 432}
    """
    model = geometry(lattice, scale=scale, caller="charge_glass")
    unit = scale_of(model)
    if not isinstance(centred, (bool, np.bool_)):
        raise TypeError(f"centred must be True or False, got {centred!r}")

    model = with_coordinates(
        model,
        parameter("filling", filling, above=0.0, below=1.0),
        xr.DataArray(bool(centred), name="centred", attrs=attributes("centred")),
        *_hopping_of_bonds(lattice, t_p, eta, hopping, unit),
        _checked_interaction(lattice, interaction, self_image, unit),
        _site_energy(lattice, site_energy, unit),
    )
    return stamped(with_labels(model, "charge_glass"), energy="Vc")


def _hopping_of_bonds(
    lattice: xr.Dataset, t_p: Parameter | None, eta: Parameter, hopping: Any, scale: float | None
) -> list[xr.DataArray]:
    """The hopping of every bond, after t_p and eta where they say what it is."""
    kinds = kinds_of_bonds(lattice)
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
        result = hopping_by_kind(lattice, hopping, scale=scale, energy="Vc", caller="charge_glass")
    else:
        result = parameter("hopping", hopping, scale=scale, core=("bond",))
        check_size("hopping", result, "bond", lattice.sizes["bond"])
    result = result.transpose(..., "bond").rename("hopping").assign_attrs(attributes("hopping"))
    return [*parts.values(), result]


def _is_default_eta(eta: Any) -> bool:
    return isinstance(eta, float) and eta == 1.0


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
    check_size("interaction", result, "site", sites)
    check_size("interaction", result, "site2", sites)
    mark = interaction.attrs.get("lattice")
    if mark not in (None, lattice_mark(lattice)):
        raise ValueError(
            "interaction was made on another lattice, whose sites are at other places; make it on the one of "
            "this model, such as by xg.coulomb(lattice)"
        )
    if mark is not None:
        result.attrs["lattice"] = mark
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
    check_size("site_energy", result, "site", lattice.sizes["site"])
    return result
