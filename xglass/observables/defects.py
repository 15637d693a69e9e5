"""Defects of charge order: coordination of sites, and the stripes around them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xglass.checks import eager, refuse, whole_number
from xglass.engine.charge import defects
from xglass.lattice.waves import stripes
from xglass.messages import public
from xglass.observables.common import labelled
from xglass.solvers.one_body import occupations
from xglass.solvers.tasks import Input
from xglass.variables import stamp

__all__ = ["defect_density", "local_stripe_order", "occupied_neighbours", "stripe_crossings"]


def __dir__() -> list[str]:
    return __all__


def _bonded(run: xr.Dataset, *needed: str, caller: str) -> list[Input]:
    """The configurations of a run and the bonds of its lattice, all of them."""
    occupation = occupations(run, "bond_source", "bond_target", *needed, caller=caller)
    ends: list[Input] = [(run[name], ["bond"]) for name in ("bond_source", "bond_target")]
    return [(occupation, ["site"]), *ends]


@public
def occupied_neighbours(run: xr.Dataset) -> xr.DataArray:
    """Number of occupied neighbours of every site.

    z_i = sum_j n_j over the sites j that a bond of any kind joins to site i. In the stripes of the triangular
    lattice at half filling occupied sites have 2 and empty ones 4; a site with 3, be it occupied or empty,
    is a defect, on which a particle gains energy of the order of its hopping (Fratini et al., SciPost Phys.
    14, 124 (2023), Fig. 3b).

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the bonds of the lattice; may be chunked along all but site.

    Returns
    -------
    DataArray
        ``occupied_neighbours(..., site)``, a whole number (as float: NaN where a configuration is missing).
        On a torus so small that several bonds join two sites each bond counts.

    Raises
    ------
    TypeError
        If the occupations are averages.
    ValueError
        For sites in another order, and where bonds are missing.
    KeyError
        Where the lattice was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, self_image="include")
    >>> run = xg.metropolis(glass, T=0.01, walker=1, sweep=2, start="ordered", seed=7)
    >>> print(xg.occupied_neighbours(run).isel(walker=0, sweep=0).values[:8])
    [2. 2. 2. 2. 4. 4. 4. 4.]
    """
    inputs = _bonded(run, caller="occupied_neighbours")
    result = labelled(defects.neighbour_counts, inputs, ["site"])
    return stamp(result.rename("occupied_neighbours"))


@public
def defect_density(run: xr.Dataset, *, coordination: int = 3) -> xr.DataArray:
    """Fraction of the sites that have exactly so many occupied neighbours.

    rho = (1/N) sum_i [z_i = coordination], with z_i of :func:`occupied_neighbours`: bonds of all kinds count.
    A perfect stripe on the triangular lattice has 2 and 4 only; a pair of defects, a particle moved to an
    empty stripe, has six sites of 3 (Fratini et al., SciPost Phys. 14, 124 (2023), Fig. 3b).

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the bonds of the lattice; may be chunked along all but site.
    coordination : int, default 3
        Number of occupied neighbours, 0 or more.

    Returns
    -------
    DataArray
        ``defect_density(...)``, a pure number between 0 and 1. Costs as many operations as there are bonds.

    Raises
    ------
    TypeError
        If the occupations are averages, or ``coordination`` is no number.
    ValueError
        For a negative or broken ``coordination``, sites in another order, and where bonds are missing.
    KeyError
        Where the lattice was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, self_image="include")
    >>> run = xg.metropolis(glass, T=0.01, walker=1, sweep=2, start="ordered", seed=7)
    >>> [float(xg.defect_density(run, coordination=z)[0, 0]) for z in (2, 3, 4)]
    [0.5, 0.0, 0.5]
    """
    coordination = whole_number("coordination", coordination, minimum=0)
    inputs = _bonded(run, caller="defect_density")
    return stamp(labelled(defects.share_of_sites, inputs, coordination=coordination).rename("defect_density"))


def _striped(run: xr.Dataset, caller: str) -> tuple[list[Input], list[str]]:
    """What is compared with stripes: configurations, bonds, and the sign of each bond in each stripe."""
    inputs = _bonded(run, "bond_vector", "position", "torus", "cells", caller=caller)
    names, waves = stripes(run)
    refuse(
        caller,
        (
            run.sizes["site"] != int(np.prod(eager(run, "cells"))),
            "cells of several sites have no stripes of single sites; the order of their sublattices is that "
            "of stripe_order and order_parameter",
        ),
        (not names, f"no stripe fits a torus of {eager(run, 'cells').tolist()} cells; take an even side"),
    )
    signs = np.rint(np.cos(eager(run, "bond_vector") @ waves.T)).astype(np.int64)
    return [*inputs, (xr.DataArray(signs, dims=("bond", "orientation")), ["bond", "orientation"])], names


@public
def local_stripe_order(run: xr.Dataset) -> xr.DataArray:
    """How much the neighbours of every site continue a stripe through it, for each orientation.

    psi_o(i) = (1/b_i) sum_j s_i s_j cos[q_o (R_j - R_i)], s = 2 n - 1, over the b_i bonds of site i, with the
    wave vectors q_o of :func:`stripe_order`: the cosine is the +-1 that s_i s_j has in the perfect stripe.
    It is 1 where all neighbours continue the stripe and -1 where none does, as at a single reversed charge;
    inside another stripe of the triangular lattice it is -1/3. It is blind to the phase of the stripe, so
    that a wall between two domains of one orientation shows as sites below 1.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the lattice, with one site in a cell; may be chunked along all
        but site.

    Returns
    -------
    DataArray
        ``local_stripe_order(..., site, orientation)``, a pure number; labels as :func:`stripe_order`. Has 8
        bytes for each site and orientation, so reduce it early.

    Raises
    ------
    TypeError
        If the occupations are averages.
    ValueError
        If no stripe fits the torus, for cells of several sites, sites in another order, and missing bonds.
    KeyError
        Where the lattice was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, self_image="include")
    >>> run = xg.metropolis(glass, T=0.01, walker=1, sweep=2, start="ordered", seed=7)
    >>> print(xg.local_stripe_order(run).isel(walker=0, sweep=0, site=5).round(3).values)
    [ 1.    -0.333 -0.333]
    """
    inputs, names = _striped(run, "local_stripe_order")
    result = labelled(defects.continued_stripes, inputs, ["site", "orientation"])
    return stamp(result.assign_coords(orientation=names).rename("local_stripe_order"))


@public
def stripe_crossings(run: xr.Dataset, *, shell: int = 2) -> xr.DataArray:
    """Number of stripe orientations that meet at every site.

    A site belongs to the orientation whose :func:`local_stripe_order` exceeds 1/2 (at least five of the six
    neighbours on the triangular lattice; no two orientations can reach that there). What is counted is the
    number of different orientations among the sites that are ``shell`` bonds away, no fewer: 0 in disorder,
    1 within a domain and at walls between domains of one orientation, 2 or 3 where stripes cross, the place
    at which quantum defects arise (Fratini et al., SciPost Phys. 14, 124 (2023), section 3.2).

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the lattice, with one site in a cell; may be chunked along all
        but site.
    shell : int, default 2
        2 for second neighbours (the ring of 12 on the triangular lattice), which say where the site lies
        whatever its own neighbours do; 1 for the neighbours themselves, whose local order involves the site.

    Returns
    -------
    DataArray
        ``stripe_crossings(..., site)``, a whole number (as float: NaN where a configuration is missing).
        Where two orientations tie a site belongs to none.

    Raises
    ------
    TypeError
        If the occupations are averages, or ``shell`` is no number.
    ValueError
        If no stripe fits the torus, for cells of several sites, sites in another order, missing bonds, and a
        shell below 1.
    KeyError
        Where the lattice was dropped.

    Examples
    --------
    The fraction of defects that sit at crossings:

    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(8), self_image="include")
    >>> run = xg.metropolis(glass, T=0.05, walker=8, sweep=20, weight="classical", seed=7).isel(sweep=-1)
    >>> defect = xg.occupied_neighbours(run) == 3
    >>> crossing = xg.stripe_crossings(run) >= 2
    >>> 0.0 < float(crossing.where(defect).mean()) < 1.0
    True
    """
    shell = whole_number("shell", shell)
    inputs, _ = _striped(run, "stripe_crossings")
    result = labelled(defects.orientations, inputs, ["site"], shell=shell)
    return stamp(result.rename("stripe_crossings"))
