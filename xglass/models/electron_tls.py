"""One electron on a chain of two-level systems."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xglass.messages import public
from xglass.models.common import check_size, geometry, stamped, with_coordinates, with_labels
from xglass.units.parameters import Parameter, Value, parameter, scale_of

__all__ = ["electron_tls"]


def __dir__() -> list[str]:
    return __all__


@public
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
    r"""One electron on a chain with a two-level system at every site.

    .. math::

        H = -t \sum_j (c^\dagger_{j+1} c_j + \mathrm{h.c.}) + \sum_j \frac{\omega_0}{2} \sigma^z_j
        - \sum_j n_j (g \sigma^x_j + g_z \sigma^z_j) + \sum_j \varepsilon_j n_j

    Eq. (1) of Rammal, Ciuchi and Fratini, and beyond: static couplings, disorder and site energies.

    Parameters
    ----------
    lattice : Dataset
        A chain of :func:`xglass.lattice.chain` with N sites.
    g : number, sequence, DataArray or Quantity
        Coupling to the transitions of the two-level systems; in tc, as all energies here. A sequence becomes
        a dimension of that name, a DataArray keeps its dims: over ``site`` where every site has its own, with
        ``realization`` for an ensemble (labels are made where there are none).
    omega0 : number, sequence, DataArray or Quantity
        Splitting of the two-level systems, as g.
    t : number, sequence, DataArray or Quantity
        Hopping integral, as g, but over ``bond`` where it differs from bond to bond. Enters H as -t.
    g_z : number, sequence, DataArray or Quantity
        Static coupling, as g.
    site_energy : DataArray, optional
        With dims (..., site), such as from :func:`random_site_energy`; default none.
    scale : Quantity or str, optional
        The energy unit tc, such as "0.1 eV".

    Returns
    -------
    Dataset
        Without data variables; the coords are those of the lattice, ``t``, ``g``, ``omega0``, ``g_z``, and
        ``site_energy`` and ``scale`` where given. Where all sites are alike, solvers work in blocks of total
        momentum; arrays over ``site`` or ``bond`` give these up.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: no chain, values that are not finite, arrays of the wrong length or
        with other labels of sites than 0 ... N - 1 (which are put in order), labels of realizations that
        repeat.

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
    return stamped(with_labels(model, "electron_tls"), energy="tc")
