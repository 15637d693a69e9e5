"""Fermions on a lattice whose densities interact at random through the modes of a cavity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from xglass.checks import eager, refuse
from xglass.messages import public
from xglass.models.common import geometry, hopping_by_kind, stamped, with_coordinates, with_labels
from xglass.units.parameters import Parameter, Value, parameter, scale_of

__all__ = ["cavity_glass"]


def __dir__() -> list[str]:
    return __all__


@public
def cavity_glass(
    lattice: xr.Dataset,
    *,
    filling: Parameter,
    t: Parameter = 1.0,
    hopping: Mapping[str, Parameter] | None = None,
    omega0: Parameter | None = None,
    site_energy_std: Parameter = 0.0,
    scale: Value | None = None,
) -> xr.Dataset:
    r"""Spinless fermions in a cavity of many modes, which couple all densities at random.

    .. math::

        H = -t \sum_b (c^\dagger_{i(b)} c_{j(b)} + \mathrm{h.c.}) + \sum_i (\varepsilon_i - \mu) n_i
        - \frac{1}{2} \sum_{i \neq j} V_{ij}(\Omega) n_i n_j, \quad \overline{V_{ij}^2} = J(\Omega)^2 / N

    Eqs. (7) and (9) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012). The couplings enter by
    their variance alone, so that J is an argument of the solvers; the particle number is grand canonical.

    Parameters
    ----------
    lattice : Dataset
        A lattice of one site a cell: chain, square, cubic, triangular, or one of
        :func:`xglass.lattice.from_cell`. Its numbers of cells are those of the grid of wave vectors, and all
        equal and even on hypercubic lattices they make the fast path.
    filling : number, sequence or DataArray
        Particles per site, in (0, 1).
    t : number, sequence, DataArray or Quantity
        Hopping integral of all bonds, in tc as all energies here. Enters H as -t.
    hopping : dict, optional
        Instead of it {kind: value} for every kind of bond. Enters H as +value: ``{"x": -1.0}`` is t = 1.
    omega0 : number, sequence, DataArray or Quantity, optional
        Frequency of the photons, > 0: J(Omega) = J omega0^2 / (omega0^2 + Omega^2), Eq. (11). Without it the
        couplings are static.
    site_energy_std : number, sequence, DataArray or Quantity
        Standard deviation of random site energies, >= 0.
    scale : Quantity or str, optional
        The energy unit tc, such as "4 kHz".

    Returns
    -------
    Dataset
        Without data variables; the coords are those of the lattice, ``hopping(..., bond)``, ``filling``,
        ``site_energy_std``, and ``t``, ``omega0`` and ``scale`` where given.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: a lattice of several sites a cell, unknown or missing kinds of bonds,
        both t and hopping, a filling outside (0, 1), values that are not finite, not > 0 or not >= 0.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.cavity_glass(xg.lattice.cubic(8), filling=[0.3, 0.5])
    >>> bubble = xg.particle_hole_bubble(glass, T=0.5, matsubara=[0, 1])
    >>> bubble["susceptibility"].dims
    ('filling', 'matsubara', 'qx', 'qy', 'qz')
    """
    model = geometry(lattice, scale=scale, caller="cavity_glass")
    unit = scale_of(model)
    cells = [int(n) for n in eager(lattice, "cells")]
    refuse(
        "cavity_glass",
        (
            lattice.sizes["site"] != np.prod(cells),
            f"the lattice has {lattice.sizes['site'] // int(np.prod(cells))} sites in a cell, and the bubble "
            "is that of a single band; give a lattice of one site a cell",
        ),
        (
            hopping is not None and not (isinstance(t, (int, float)) and t == 1.0),
            "t and hopping are two ways to say the same; give one of them",
        ),
    )
    if hopping is None:
        integral = parameter("t", t, scale=unit, energy="tc")
        model = with_coordinates(model, integral)
        bonds = xr.DataArray(np.ones(lattice.sizes["bond"]), dims="bond")
        band = -integral * bonds
    elif isinstance(hopping, Mapping):
        band = hopping_by_kind(lattice, hopping, scale=unit, energy="tc", caller="cavity_glass")
    else:
        raise TypeError(
            "cavity_glass: hopping must be a dict {kind of bond: value}, the same in every cell, got "
            f"{type(hopping).__name__}"
        )
    parts = [
        band.transpose(..., "bond").rename("hopping").drop_attrs(),
        parameter("filling", filling, above=0.0, below=1.0),
        parameter("site_energy_std", site_energy_std, scale=unit, energy="tc", above=0.0, zero=True),
    ]
    if omega0 is not None:
        parts.append(parameter("omega0", omega0, scale=unit, energy="tc", above=0.0))
    return stamped(with_labels(with_coordinates(model, *parts), "cavity_glass"), energy="tc")
