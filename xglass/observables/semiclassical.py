"""What a charge glass is set against: electrons of its band that scatter, and the limit of such a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from xglass.checks import aligned, eager, refuse, require, whole_number
from xglass.engine.charge import bands as engine
from xglass.lattice.whole import require_whole
from xglass.messages import public
from xglass.observables.common import inverse_unit, labelled
from xglass.observables.kubo import UNITS, along_directions, directions_of, frequencies_of
from xglass.solvers.one_body import replaced_temperature, temperature_of
from xglass.solvers.tasks import Input
from xglass.units.parameters import Frequencies, Parameter, parameter, scale_of
from xglass.variables import energy_unit, stamp

__all__ = ["boltzmann_conductivity", "mott_ioffe_regel"]


def __dir__() -> list[str]:
    return __all__


#: Momenta along each axis by the number of axes.
MOMENTA = {1: 4096, 2: 256, 3: 48}

#: Conventions of the limit.
CONVENTIONS = ("kF_l=1", "kF_l=2pi", "l=a")


@public
def boltzmann_conductivity(
    model: xr.Dataset,
    *,
    T: Parameter | None = None,
    frequency: Frequencies,
    rate: Parameter,
    direction: str | Sequence[str] = "mean",
    momenta: int | None = None,
) -> xr.DataArray:
    r"""Conductivity of the clean band of a charge glass in Boltzmann's theory, with one scattering rate.

    .. math::
        \sigma_{ab}(\omega) = \frac{1}{V} \sum_k v_a v_b \left(-\frac{\partial f}{\partial E}\right)
        \frac{\Gamma}{\Gamma^2 + \omega^2}, \qquad v = \frac{\partial E}{\partial k}

    The interaction is left out, and there is no displaced peak: a Drude peak with which that of
    :func:`optical_conductivity` is compared (Fratini et al., SciPost Phys. 14, 124 (2023), section 4, on bad
    metals). With ``rate`` for ``broadening`` that function gives the same for a clean torus that has
    ``momenta`` cells along each period.

    Parameters
    ----------
    model : Dataset
        Model of :func:`charge_glass`, or a run; hopping and site energies must be those of a crystal.
    T : float, sequence, DataArray or Quantity, optional
        Temperature in the unit of the model, > 0; default that of a run, of each sweep in a ramp.
    frequency : float, sequence, DataArray or Quantity
        Frequencies, rising, >= 0.
    rate : float, sequence, DataArray or Quantity
        Scattering rate Gamma, > 0: half width at half maximum of the Drude peak.
    direction : str or sequence of str
        As for :func:`optical_conductivity`.
    momenta : int, optional
        Momenta along each period of a cell; default 4096, 256 or 48 in one, two or three dimensions.

    Returns
    -------
    DataArray
        ``optical_conductivity(..., [direction,] frequency)`` with the coordinate ``rate``, in the unit of
        :func:`optical_conductivity`.

    Raises
    ------
    KeyError
        For a model without hopping, or without a temperature.
    ValueError
        If hopping or site energies differ from cell to cell; for unknown directions and values out of range.

    Examples
    --------
    >>> import numpy as np, xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1, eta=-1.0)
    >>> drude = xg.boltzmann_conductivity(glass, T=0.1, frequency=[0.0, 0.02], rate=0.02)
    >>> print(round(float(drude[0] / drude[1]), 9))
    2.0
    """
    caller = "boltzmann_conductivity"
    require_whole(
        model, "hopping", "bond_source", "bond_target", "bond_vector", "site_energy", "filling", "torus",
        "cells", caller=caller,
    )  # fmt: skip
    if T is None:
        require(model, "T", caller=caller)
        own = temperature_of(model)
        given = model["T"] if own is None else own
    else:
        model, given = replaced_temperature(model, T, caller, what="model", energy=energy_unit(model))
        given = given.rename("T")
    grid = frequencies_of(frequency, model, caller)
    width = parameter("rate", rate, scale=scale_of(model), energy=energy_unit(model), above=0.0)
    aligned(caller, model=model["hopping"], rate=width, T=given)
    axes = model.sizes["axis"]
    names = directions_of(direction, axes, caller)
    number = MOMENTA[axes] if momenta is None else whole_number("momenta", momenta)
    result = labelled(
        engine.boltzmann_conductivity,
        [
            *_crystal(model, caller),
            (model["filling"], []),
            (given, []),
            (width, []),
            (xr.DataArray(grid.values, dims="frequency"), ["frequency"]),
        ],
        ["direction", "frequency"],
        sizes={"direction": len(names)},
        momenta=number,
        directions=names,
    )
    result = result.transpose(*given.dims, ..., "direction", "frequency")
    result = result.assign_coords(frequency=grid["frequency"].variable, rate=width.variable)
    result = result.assign_coords({str(given.name): given.variable})
    result = along_directions(result, direction, names).rename("optical_conductivity")
    return stamp(result, energy=energy_unit(model), optical_conductivity=UNITS[axes])


def _crystal(model: xr.Dataset, caller: str) -> list[Input]:
    """Hopping, site energies, ends and vectors of the bonds of one cell, and the vectors of the cell."""
    cells = eager(model, "cells")
    number, sublattices = int(np.prod(cells)), model.sizes["site"] // int(np.prod(cells))
    source, target = eager(model, "bond_source"), eager(model, "bond_target")
    # bonds cell by cell, by the cell in which they begin
    order = np.argsort(source // sublattices, kind="stable").reshape(number, -1)
    hopping = (
        model["hopping"]
        .isel(bond=xr.DataArray(order, dims=("cell", "bond")))
        .drop_vars("bond", errors="ignore")
    )
    energies = model["site_energy"].drop_vars("site", errors="ignore")
    energies = (
        energies.coarsen(site=sublattices).construct(site=("cell", "site"))
        if number > 1
        else energies.expand_dims("cell")
    )
    for name, array in {"hopping": hopping, "site_energy": energies}.items():
        first = array.isel(cell=0)
        refuse(
            caller,
            (
                bool((abs(array - first) > 1e-9 * abs(array).max()).any()),
                f"{name} differs from cell to cell, and a band needs a crystal; leave the disorder out",
            ),
        )
    chosen = order[0]
    return [
        (hopping.isel(cell=0), ["bond"]),
        (energies.isel(cell=0), ["site"]),
        (xr.DataArray(source[chosen] % sublattices, dims="bond"), ["bond"]),
        (xr.DataArray(target[chosen] % sublattices, dims="bond"), ["bond"]),
        (xr.DataArray(eager(model, "bond_vector")[chosen], dims=("bond", "axis")), ["bond", "axis"]),
        (xr.DataArray(eager(model, "torus") / cells[:, None], dims=("period", "axis")), ["period", "axis"]),
    ]


@public
def mott_ioffe_regel(lattice: xr.Dataset, *, convention: str) -> xr.DataArray:
    r"""Mott-Ioffe-Regel limit: the resistivity of a mean free path too short for Boltzmann's theory.

    .. math:: \frac{1}{\rho} = \frac{e^2}{\hbar} \frac{n\, l}{k_F}

    of spinless particles of density n with a spherical Fermi surface, and a mean free path l by convention:

    - "kF_l=1": Ioffe and Regel's; rho = 4 pi hbar/e^2 of a layer, whatever its density;
    - "kF_l=2pi": a wavelength, Mott's; rho = 2 hbar/e^2 of a layer;
    - "l=a": a lattice spacing.

    Conventions differ by an order of magnitude: quote yours. The limit of 1 milliohm cm of Fratini et al.,
    SciPost Phys. 14, 124 (2023), Fig. 5d, is 2.4 hbar/e^2 of layers 10 angstrom apart, nearest to "kF_l=2pi".

    Parameters
    ----------
    lattice : Dataset
        A lattice, or a model or run with ``filling``, on which all but the two first conventions in two
        dimensions depend.
    convention : {"kF_l=1", "kF_l=2pi", "l=a"}
        What the mean free path is.

    Returns
    -------
    DataArray
        ``resistivity(...)`` in the unit of :func:`resistivity`: hbar/(e^2 a), hbar/e^2 or hbar a/e^2.

    Raises
    ------
    KeyError
        Where the density is needed and the Dataset has no ``filling``.
    ValueError
        For an unknown convention.

    Examples
    --------
    >>> import xglass as xg
    >>> limit = xg.mott_ioffe_regel(xg.lattice.triangular(6), convention="kF_l=2pi")
    >>> round(float(limit), 12), limit.attrs["units"]
    (2.0, 'hbar/e^2')
    """
    caller = "mott_ioffe_regel"
    require(lattice, "position", "torus", caller=caller)
    refuse(
        caller,
        (convention not in CONVENTIONS, f"convention must be one of {CONVENTIONS}, got {convention!r}"),
    )
    axes, volume = lattice.sizes["axis"], abs(np.linalg.det(eager(lattice, "torus")))
    in_phases = {"kF_l=1": 1.0, "kF_l=2pi": 2.0 * math.pi}.get(convention)
    # n = ball k_F^axes / (2 pi)^axes
    ball = {1: 2.0, 2: math.pi, 3: 4.0 * math.pi / 3.0}[axes] / (2.0 * math.pi) ** axes
    if axes == 2 and in_phases is not None:
        conductivity = xr.DataArray(ball * in_phases)
    else:
        require(lattice, "filling", caller=caller)
        fermi = (lattice["filling"] * (lattice.sizes["site"] / volume) / ball) ** (1.0 / axes)
        path = 1.0 if in_phases is None else in_phases / fermi
        conductivity = ball * fermi ** (axes - 1) * path
    result = (1.0 / conductivity).rename("resistivity")
    return stamp(result, energy=energy_unit(lattice), resistivity=inverse_unit(UNITS[axes]))
