"""One electron on a chain of two-level systems."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xglass.models.common import check_size, geometry, stamped, with_coordinates
from xglass.units import Parameter, Value, parameter, scale_of

__all__ = ["electron_tls"]


def __dir__() -> list[str]:
    return __all__


def electron_tls(
    lattice: xr.Dataset,
    *,
    g: Parameter,
    omega0: Parameter,
    t: Parameter = 1.0,
    g_z: Parameter = 0.0,
    site_energy: xr.DataArray | None = None,
    scale: Value | None = None,
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
    model = geometry(lattice, scale=scale, caller="electron_tls")
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
    given = {"t": (t, "bond"), "g": (g, "site"), "omega0": (omega0, "site"), "g_z": (g_z, "site")}
    if site_energy is not None:
        given["site_energy"] = (site_energy, "site")
    for name, (value, own) in given.items():
        core = (
            (own,) if name == "site_energy" or (isinstance(value, xr.DataArray) and own in value.dims) else ()
        )
        part = parameter(name, value, scale=scale_of(model), energy="tc", core=core)
        if core:
            check_size(name, part, own, sites)
        model = with_coordinates(model, part)
    return stamped(model, energy="tc")
