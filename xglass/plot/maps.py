"""Maps: lattices and charges in the plane."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from xglass.checks import in_label_order
from xglass.lattice.whole import require_whole
from xglass.messages import public
from xglass.plot.common import computed, without_single
from xglass.plot.labels import label
from xglass.plot.styles import PALETTE, axes, matplotlib_part

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["charge_map", "lattice"]


def __dir__() -> list[str]:
    return __all__


def _plane(lattice: xr.Dataset, *needed: str, caller: str) -> np.ndarray:
    """The positions of a lattice in the plane whose sites and bonds stand in order."""
    require_whole(lattice, "position", "torus", "cells", *needed, caller=caller, physical=True)
    if lattice.sizes["axis"] != 2:
        raise ValueError(f"{caller}: draws two-dimensional lattices, got {lattice.sizes['axis']} dimensions")
    return lattice["position"].values


def _of_sites(name: str, array: xr.DataArray, sites: int) -> xr.DataArray:
    """What has one entry for each site, in the order of the lattice."""
    array = without_single(array, "site")
    if array.dims != ("site",) or array.size != sites:
        others = ", ".join(f"{dim}=0" for dim in array.dims if dim != "site")
        advice = f", such as .isel({others})" if others else ""
        raise ValueError(
            f"plot.charge_map: {name} must have the dimension 'site' with {sites} entries, got "
            f"{dict(array.sizes)}; select one configuration{advice}"
        )
    return in_label_order(f"plot.charge_map: {name}", array)


def _own_charge(data: xr.Dataset) -> xr.DataArray:
    """The charges that a run, or a solution, carries."""
    held = [name for name in ("occupation", "local_density") if name in data]
    if not held:
        raise ValueError(
            "plot.charge_map: charge was not given, and the Dataset holds neither 'occupation' nor "
            "'local_density'; give a run, or charge="
        )
    return data[held[0]]


def _frame(ax: Axes) -> Axes:
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.autoscale_view()
    return ax


@public
def lattice(lattice: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw the sites and bonds of a two-dimensional lattice, a colour for each kind of bond.

    Parameters
    ----------
    lattice : Dataset
        Lattice, model or run.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in; default new ones.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in; bonds that cross the boundary of the torus are stubs from their source.

    Raises
    ------
    ValueError
        For lattices that are not two-dimensional, or whose sites or bonds were reordered.
    KeyError
        Where the geometry was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> ax = xg.plot.lattice(xg.lattice.triangular(4))
    """
    collections = matplotlib_part(".collections")
    bonds = ("bond_source", "bond_target", "bond_vector", "bond_kind")
    position = _plane(lattice, *bonds, caller="plot.lattice")
    ax = axes(ax)
    source, vector = lattice["bond_source"].values, lattice["bond_vector"].values
    inside = (
        np.linalg.norm(position[source] + vector - position[lattice["bond_target"].values], axis=1) < 1e-9
    )
    ends = position[source] + np.where(inside[:, None], vector, 0.4 * vector)
    segments, kinds = np.stack([position[source], ends], axis=1), lattice["bond_kind"].values
    for kind, colour in zip(np.unique(kinds), itertools.cycle(PALETTE)):
        ax.add_collection(
            collections.LineCollection(
                list(segments[kinds == kind]), colors=colour, linewidths=1.5, label=str(kind), zorder=1
            )
        )
    ax.scatter(position[:, 0], position[:, 1], s=30, color="black", zorder=2)
    ax.legend(
        title=lattice["bond_kind"].attrs.get("long_name", "bond"), loc="upper left", bbox_to_anchor=(1.0, 1.0)
    )
    return _frame(ax)


@public
def charge_map(
    lattice: xr.Dataset,
    charge: xr.DataArray | None = None,
    *,
    potential: xr.DataArray | None = None,
    ax: Axes | None = None,
    colorbar: bool = True,
) -> Axes:
    """Draw the charges of one configuration as disks, on a map of the electrostatic potential.

    As Figs. 3b, c of Fratini et al., SciPost Phys. 14, 124 (2023): the radius of a disk is proportional to
    the charge.

    Parameters
    ----------
    lattice : Dataset
        Two-dimensional lattice, model or run.
    charge : DataArray, optional
        Over ``site``: an occupation or a local density; labels of sites are followed. Default the
        ``occupation`` of the run, of which one configuration was selected, or its ``local_density``.
    potential : DataArray, optional
        Over ``site``, drawn as the colour of the Voronoi cell of each site: the electrostatic potential, or
        any other number of each site, such as the local order of one orientation of stripes.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in; default new ones.
    colorbar : bool, default True
        Whether a potential gets its colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    ValueError
        For arrays that have other dimensions than ``site`` or other labels of sites, without a charge, and
        for lattices that are not two-dimensional, or whose sites were reordered.

    Examples
    --------
    >>> import xglass as xg
    >>> run = xg.testing.tiny_run().isel(eta=0, T=0, walker=0, sweep=-1)
    >>> ax = xg.plot.charge_map(run)
    >>> ax = xg.plot.charge_map(run, xg.local_density(run), potential=xg.electrostatic_potential(run))
    """
    collections = matplotlib_part(".collections")
    from scipy.spatial import Voronoi

    position = _plane(lattice, "bond_vector", caller="plot.charge_map")
    charge = _of_sites("charge", _own_charge(lattice) if charge is None else charge, len(position))
    potential = None if potential is None else _of_sites("potential", potential, len(position))
    charge, potential = computed(charge, potential)
    ax = axes(ax)
    if potential is not None:
        shifts = (
            np.array(list(itertools.product((0, 1, -1), repeat=2))) @ lattice["torus"].values
        )  # periodic images close the cells
        cells = Voronoi((position + shifts[:, None, :]).reshape(-1, 2))
        polygons = [cells.vertices[cells.regions[cells.point_region[i]]] for i in range(len(position))]
        background = collections.PolyCollection(
            polygons, array=potential.values, cmap="Blues_r", edgecolors="face", linewidths=0.3, zorder=1
        )
        ax.add_collection(background)
        if colorbar:
            ax.figure.colorbar(background, ax=ax, label=label(potential), shrink=0.8)
    nearest = np.linalg.norm(lattice["bond_vector"].values, axis=1).min()
    diameters = 0.9 * nearest * charge.values.astype(float)
    ax.scatter(position[:, 0], position[:, 1], s=1, color="black", linewidths=0, zorder=1.5)
    disks = collections.EllipseCollection(
        diameters,
        diameters,
        np.zeros_like(diameters),
        units="x",
        offsets=position,
        offset_transform=ax.transData,
        facecolors="#E69F00",
        edgecolors="black",
        linewidths=0.4,
        zorder=2,
    )
    ax.add_collection(disks)
    ax.update_datalim(position - 0.5 * nearest)  # room for whole disks: a collection counts their centres
    ax.update_datalim(position + 0.5 * nearest)
    return _frame(ax)
