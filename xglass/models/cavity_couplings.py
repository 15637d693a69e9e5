"""Cavities in front of their model: what modes, pump and detuning make of couplings and site energies."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import aligned, in_model_units, real_array, refuse, whole_number
from xglass.messages import NotFoundError, public, warn
from xglass.models.disorder import without_unit
from xglass.units.parameters import Parameter, parameter
from xglass.variables import stamp

__all__ = ["cavity_couplings", "cavity_site_energy", "confocal_modes", "distance_to_sk"]


def __dir__() -> list[str]:
    return __all__


@public
def cavity_couplings(
    *,
    coupling: xr.DataArray,
    pump: xr.DataArray | float,
    detuning: Parameter,
    mode_frequency: xr.DataArray | float,
    matsubara: int | Any = 0,
    T: Parameter | None = None,
) -> xr.DataArray:
    r"""Interaction of atoms by the photons of a cavity, in the sign of :func:`charge_glass`.

    .. math:: U_{ij}(\Omega) = - V_{ij}(\Omega) = - 2 \sum_l \frac{g_{il} g_{jl} h_i h_j}{\Delta^2}
        \frac{\omega_l}{\Omega^2 + \omega_l^2}

    Eqs. (7) and (8) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), with zero diagonal: an
    atom's own light is a site energy.

    Parameters
    ----------
    coupling : DataArray
        Atom-photon couplings g(site, mode), and whatever else is swept, such as ``realization``.
    pump : DataArray or float
        Amplitude h(site) of the pump.
    detuning : number, sequence or DataArray
        Detuning Delta of the atoms from the pump, of either sign.
    mode_frequency : DataArray or float
        Frequencies omega(mode) of the photons in the frame of the pump, not 0; negative ones, of a pump that
        is blue-detuned from the cavity, turn the sign of what they mediate.
    matsubara : int or sequence of int
        Numbers m >= 0 of the frequencies Omega = 2 pi m T; a sequence is the dimension ``matsubara``.
    T : number, sequence or DataArray, optional
        Temperature, > 0; needed where a number other than 0 is asked for.

    Returns
    -------
    DataArray
        ``interaction(..., site, site2)``, plain numbers in the energy unit of the model that takes it, in
        which all arguments are.

    Raises
    ------
    TypeError, KeyError, ValueError
        Naming the argument: no dimensions ``site`` and ``mode``, arrays of unequal length, a frequency or
        detuning of 0, a Matsubara number other than 0 without T.

    Warns
    -----
    UserWarning
        Where a mode frequency is negative.

    Examples
    --------
    >>> import xarray as xr, xglass as xg
    >>> g = xr.DataArray([[1.0], [-1.0]], dims=("site", "mode"))
    >>> xg.cavity_couplings(coupling=g, pump=1.0, detuning=2.0, mode_frequency=0.5).values.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    caller = "cavity_couplings"
    g, h, delta = _atoms(caller, coupling, pump, detuning)
    omega = _over(caller, "mode_frequency", mode_frequency, "mode", g)
    refuse(
        caller,
        (bool((omega == 0.0).any()), "mode_frequency is 0 for some mode; a photon without energy condenses"),
    )
    if bool((omega < 0.0).any()):
        warn(
            f"{caller}: mode_frequency is negative for {int((omega < 0.0).sum())} of {omega.size} modes (a "
            "pump that is blue-detuned from them); what they mediate has the other sign"
        )
    frequency = _matsubara_frequency(caller, matsubara, T)
    weight = 2.0 * omega / (frequency**2 + omega**2)
    atoms = g * h / delta
    other = atoms.rename(site="site2")
    U = -xr.dot(atoms, other * weight, dim="mode")
    U = U.where(xr.DataArray(~np.eye(g.sizes["site"], dtype=bool), dims=("site", "site2")), 0.0)
    return without_unit(U.transpose(..., "site", "site2").rename("interaction"))


@public
def cavity_site_energy(
    *,
    coupling: xr.DataArray,
    pump: xr.DataArray | float,
    detuning: Parameter,
    photon_number: xr.DataArray | float | None = None,
    sign: int = 1,
) -> xr.DataArray:
    r"""Site energies of atoms in a cavity: light shift of the pump, and of the photons that are there.

    .. math:: \varepsilon_i = \pm \left[ \frac{h_i^2}{\Delta}
        + \sum_l \frac{g_{il}^2}{\Delta} \langle a_l^\dagger a_l \rangle \right]

    Eqs. (5) and (6) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), with photons of different
    modes uncorrelated. Their sign is that of sign = 1; second order in Eqs. (3) and (4), where the excited
    state lies at +Delta, gives the other one.

    Parameters
    ----------
    coupling : DataArray
        Atom-photon couplings g(site, mode).
    pump : DataArray or float
        Amplitude h(site) of the pump.
    detuning : number, sequence or DataArray
        Detuning Delta of the atoms from the pump, not 0.
    photon_number : DataArray or float, optional
        Mean photon numbers (mode), >= 0; default none.
    sign : {1, -1}
        As printed, or as second order gives it.

    Returns
    -------
    DataArray
        ``site_energy(..., site)``, plain numbers in the energy unit of the model that takes it.

    Raises
    ------
    TypeError, KeyError, ValueError
        Naming the argument: missing dimensions, unequal lengths, a detuning of 0, negative photon numbers, a
        sign that is none.

    Examples
    --------
    >>> import xarray as xr, xglass as xg
    >>> g = xr.DataArray([[1.0], [3.0]], dims=("site", "mode"))
    >>> xg.cavity_site_energy(coupling=g, pump=1.0, detuning=2.0, photon_number=1.0).values.tolist()
    [1.0, 5.0]
    """
    caller = "cavity_site_energy"
    g, h, delta = _atoms(caller, coupling, pump, detuning)
    refuse(caller, (sign not in (1, -1), f"sign must be 1 or -1, got {sign!r}"))
    number = _over(caller, "photon_number", 0.0 if photon_number is None else photon_number, "mode", g)
    refuse(caller, (bool((number < 0.0).any()), f"photon_number must be >= 0, got {float(number.min())}"))
    energy = sign * (h**2 + (g**2 * number).sum("mode")) / delta
    return without_unit(energy.transpose(..., "site").rename("site_energy"))


@public
def confocal_modes(
    position: xr.DataArray, *, modes: int, waist: float, parity: str | None = None
) -> xr.DataArray:
    r"""Mode functions of a cavity at the sites of a lattice: transverse modes of Hermite and Gauss.

    .. math:: \Xi_{nm}(x, y) = \phi_n(x)\, \phi_m(y), \quad
        \phi_n(x) = \left( \frac{2}{\pi w^2} \right)^{1/4} \frac{1}{\sqrt{2^n n!}}
        H_n\!\left( \frac{\sqrt 2 x}{w} \right) e^{-x^2 / w^2}

    They are orthonormal over the plane across the cavity. In a confocal one modes with even n + m, or those
    with odd, have the same frequency.

    Parameters
    ----------
    position : DataArray
        Positions (site, axis) across the cavity in a, the first two axes of those there are; a chain has one,
        and modes phi_n(x).
    modes : int
        Number of modes, of rising n + m and then of falling n.
    waist : float
        Waist w in a, > 0.
    parity : {None, "even", "odd"}
        All of them, or a family.

    Returns
    -------
    DataArray
        ``coupling(site, mode)`` in 1/a (1/a^0.5 of a chain), with coords ``nx`` and ``ny``, the numbers of
        nodes: times a frequency, the couplings of :func:`cavity_couplings`.

    Raises
    ------
    TypeError, ValueError
        Naming the argument: positions without ``site`` and ``axis``, counts that are not whole, a waist that
        is not > 0, an unknown parity.

    Examples
    --------
    >>> import xglass as xg
    >>> lattice = xg.lattice.square(8)
    >>> modes = xg.confocal_modes(lattice["position"] - 3.5, modes=6, waist=4.0, parity="even")
    >>> modes["nx"].values.tolist(), modes["ny"].values.tolist()
    ([0, 2, 1, 0, 4, 3], [0, 0, 1, 2, 0, 1])
    """
    caller = "confocal_modes"
    real_array(caller, "position", position)
    count, width = whole_number(f"{caller}: modes", modes), float(parameter("waist", waist, above=0.0))
    refuse(
        caller,
        ({*position.dims} != {"site", "axis"}, f"position must lie over (site, axis), got {position.dims}"),
        (parity not in (None, "even", "odd"), f"parity must be None, 'even' or 'odd', got {parity!r}"),
    )
    r = position.transpose("site", "axis").values[:, :2]
    numbers = _nodes(count, r.shape[1], parity)
    functions = [_hermite_gauss(r[:, axis], width, int(numbers.max())) for axis in range(r.shape[1])]
    values = np.prod([part[numbers[:, axis]] for axis, part in enumerate(functions)], axis=0).T
    result = xr.DataArray(values, dims=("site", "mode"), name="coupling")
    result = result.assign_coords(
        {name: ("mode", numbers[:, k]) for k, name in enumerate(("nx", "ny")[: r.shape[1]])}
    )
    return stamp(result)


@public
def distance_to_sk(interaction: xr.DataArray) -> xr.Dataset:
    r"""How far couplings are from those of Sherrington and Kirkpatrick.

    Parameters
    ----------
    interaction : DataArray
        Couplings U(..., site, site2), symmetric; their diagonal is not looked at.

    Returns
    -------
    Dataset
        Over the other dims: ``J``, with J^2 = N times the mean square of the couplings of pairs, in their
        unit, to be held against a critical coupling; ``third_moment``, tr U^3 / (N J^3), and the edges of the
        spectrum in J, ``lower_edge`` and ``upper_edge``, which are 0, -2 and 2 for Gaussian couplings of N ->
        infinity; ``kurtosis`` of the couplings, less the 3 of a Gaussian. With M modes the third moment falls
        as (N/M)^(1/2): a cavity of M near N is a glass as of Hopfield.

    Raises
    ------
    TypeError, ValueError
        No DataArray over ``site`` and ``site2``, couplings that are not symmetric or all 0.

    Examples
    --------
    >>> import xglass as xg
    >>> U = xg.random_couplings(400, J=2.0, realization=1, seed=1)
    >>> found = xg.distance_to_sk(U).isel(realization=0, drop=True)
    >>> round(float(found["J"]), 1), round(float(found["upper_edge"]), 1)
    (2.0, 1.9)
    """
    caller = "distance_to_sk"
    real_array(caller, "interaction", interaction)
    missing = {"site", "site2"} - {*interaction.dims}
    refuse(caller, (bool(missing), f"interaction must lie over site and site2, got {interaction.dims}"))
    array = interaction.transpose(..., "site", "site2")
    U = np.array(array.values, dtype=np.float64)
    sites = U.shape[-1]
    refuse(caller, (U.shape[-2] != sites or sites < 2, f"interaction is {U.shape[-2]} x {sites}, no square"))
    U[..., np.arange(sites), np.arange(sites)] = 0.0
    size = np.abs(U).max()
    refuse(
        caller,
        (not size > 0.0, "interaction is 0 between all sites"),
        (
            bool(np.abs(U - np.swapaxes(U, -1, -2)).max() > 1e-9 * size),
            "interaction is not symmetric in its sites",
        ),
    )
    pairs = sites * (sites - 1)
    J = np.sqrt(sites * (U**2).sum(axis=(-1, -2)) / pairs)
    levels = np.linalg.eigvalsh(U) / J[..., None]
    mean = U.sum(axis=(-1, -2)) / pairs
    off = ~np.eye(sites, dtype=bool)
    away = U[..., off] - mean[..., None]
    found = {
        "J": J,
        "third_moment": (levels**3).mean(axis=-1),
        "lower_edge": levels[..., 0],
        "upper_edge": levels[..., -1],
        "kurtosis": (away**4).mean(axis=-1) / (away**2).mean(axis=-1) ** 2 - 3.0,
    }
    coords = array.isel(site=0, site2=0, drop=True).drop_vars("J", errors="ignore").coords
    dims = array.dims[:-2]
    result = stamp(xr.Dataset({name: (dims, value) for name, value in found.items()}, coords=coords))
    result["J"].attrs["units"] = interaction.attrs.get("units", "1")
    return result


def _atoms(
    caller: str, coupling: Any, pump: Any, detuning: Parameter
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Couplings, pump and detuning, checked."""
    real_array(caller, "coupling", coupling)
    missing = [dim for dim in ("site", "mode") if dim not in coupling.dims]
    if missing:
        raise NotFoundError(f"{caller}: coupling has dimensions {coupling.dims} and lacks {missing}")
    in_model_units(caller, coupling=coupling)
    g = coupling.drop_attrs().astype(np.float64)
    h = _over(caller, "pump", pump, "site", g)
    delta = parameter("detuning", detuning)
    refuse(caller, (bool((delta == 0.0).any()), "detuning must not be 0"))
    aligned(caller, coupling=g, detuning=delta)
    return g, h, delta


def _over(caller: str, name: str, value: Any, dim: str, g: xr.DataArray) -> xr.DataArray:
    """A number, or an array over ``dim`` as long as the couplings."""
    if not isinstance(value, xr.DataArray):
        refuse(
            caller,
            (
                np.ndim(value) > 0,
                f"{name} must be a number or a DataArray over {dim!r}, got {type(value).__name__}",
            ),
        )
        return parameter(name, value)
    real_array(caller, name, value)
    in_model_units(caller, **{name: value})
    length = value.sizes.get(dim, g.sizes[dim])
    refuse(
        caller,
        (
            length != g.sizes[dim],
            f"{name} has {length} entries along {dim!r}, coupling has {g.sizes[dim]}",
        ),
    )
    aligned(caller, **{name: value, "coupling": g})
    return value.drop_attrs().astype(np.float64)


def _matsubara_frequency(caller: str, matsubara: Any, T: Parameter | None) -> xr.DataArray:
    """2 pi m T over ``matsubara``, where there are several, and T."""
    given = np.asarray(matsubara)
    refuse(
        caller,
        (given.ndim > 1 or not given.size, f"matsubara must be a number or one sequence, got {matsubara!r}"),
    )
    numbers = [whole_number(f"{caller}: matsubara", m, minimum=0) for m in given.ravel().tolist()]
    refuse(
        caller,
        (
            T is None and any(numbers),
            f"matsubara = {numbers[:6]} needs T=, by which Omega = 2 pi m T; only number 0 does without",
        ),
    )
    number = xr.DataArray(np.array(numbers), dims="matsubara", coords={"matsubara": numbers})
    number = number if given.ndim else number.isel(matsubara=0, drop=True)
    if T is None:
        return 0.0 * number
    temperature = parameter("T", T, above=0.0)
    return 2.0 * np.pi * number * temperature


def _nodes(count: int, axes: int, parity: str | None) -> np.ndarray:
    """(mode, axis) numbers of nodes along x and y."""
    found: list[tuple[int, ...]] = []
    total = 0 if parity != "odd" else 1
    while len(found) < count:
        found += [(total,)] if axes == 1 else [(total - k, k) for k in range(total + 1)]
        total += 1 if parity is None else 2
    return np.array(found[:count])


def _hermite_gauss(x: np.ndarray, waist: float, last: int) -> np.ndarray:
    """(n, site) functions up to the last, by the recurrence of the normalised ones."""
    u = np.sqrt(2.0) * x / waist
    functions = np.zeros((last + 1, x.size))
    functions[0] = (2.0 / (np.pi * waist**2)) ** 0.25 * np.exp(-0.5 * u**2)
    for n in range(last):
        before = functions[n - 1] if n else 0.0
        functions[n + 1] = np.sqrt(2.0 / (n + 1)) * u * functions[n] - np.sqrt(n / (n + 1)) * before
    return functions
