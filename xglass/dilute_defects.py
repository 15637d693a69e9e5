"""Dilute thermal defects: what dynamical mean field theory of two-level systems becomes at low temperature.

At T << omega0 few two-level systems are excited, and the electron scatters from these few alone: expansions
in their number, to be held against :func:`xglass.dmft`. (Rammal, Ciuchi and Fratini, appendix A.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xglass.checks import described, no_override, require
from xglass.engine.core.operations import operation
from xglass.engine.tls import dmft
from xglass.messages import elsewhere, public
from xglass.models.common import temperature
from xglass.variables import stamp

__all__ = ["band_edge_mobility", "boltzmann_mobility", "fraction", "scattering_rate", "self_energy"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)


_PARAMETERS = ("t", "g", "g_z", "omega0", "T")


@operation("dilute_defects.fraction")
def _fraction(omega0: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Eq. (A8); at T = 0 none, or half of them where they do not cost energy."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(T > 0.0, np.exp(-omega0 / np.where(T > 0.0, T, 1.0)), np.where(omega0 > 0.0, 0.0, 1.0))
    return x / (1.0 + x)


@operation("dilute_defects.self_energy")
def _self_energy(
    t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, T: np.ndarray, energy: np.ndarray
) -> np.ndarray:
    """Eq. (A11)."""
    below, here, above = np.moveaxis(dmft.bath(t, g, g_z, omega0, T, energy), -2, 0)
    number, coupling = _fraction(omega0, T)[..., None], (g**2)[..., None]
    down, up = coupling / below, coupling / above
    return down + number * (up - down) * (here - down) / (here - up)


@operation("dilute_defects.scattering_rate")
def _scattering_rate(
    t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, T: np.ndarray, energy: np.ndarray
) -> np.ndarray:
    """Eq. (A12)."""
    above = dmft.bath(t, g, g_z, omega0, T, energy)[..., 2, :]
    return -(_fraction(omega0, T) * g**2)[..., None] * (1.0 / above).imag


@operation("dilute_defects.boltzmann_mobility")
def _boltzmann_mobility(
    t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, T: np.ndarray
) -> np.ndarray:
    """Eq. (A20)."""
    return dmft.boltzmann(t, g, g_z, omega0, T)


@operation("dilute_defects.band_edge_mobility")
def _band_edge_mobility(
    t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, T: np.ndarray, ground: np.ndarray
) -> np.ndarray:
    """Eq. (A21) without its second 1/T."""
    with np.errstate(divide="ignore"):
        return np.abs(t) / _scattering_rate(t, g, g_z, omega0, T, (ground + T)[..., None])[..., 0]


def _applied(
    function: Any,
    solution: xr.Dataset,
    name: str,
    *,
    caller: str,
    over_energy: bool = False,
    extra: tuple[str, ...] = (),
) -> xr.DataArray:
    """Apply a function to the parameters of a solution, and to its energies, as lazily as the solution is."""
    if isinstance(solution, xr.Dataset) and solution.attrs.get("solver") != "dmft":
        raise ValueError(f"{caller}: give the result of xg.dmft, not {described(solution)}")
    require(solution, *_PARAMETERS, *extra, *(("energy",) if over_energy else ()), caller=caller)
    if float(abs(solution["g_z"]).max()) > 0.0:
        raise ValueError(
            f"{caller}: the forms of dilute defects are for g_z = 0; the full solution, xg.dmft, has g_z"
        )
    inputs = [xr.DataArray(solution[part].variable) for part in (*_PARAMETERS, *extra)]
    if over_energy:
        inputs.append(xr.DataArray(solution["energy"].values, dims="energy"))
    if chunked := solution["residual"].chunksizes:  # as lazy as the solution, a task for every point
        inputs = [array.chunk({dim: 1 for dim in array.dims if dim in chunked}) for array in inputs]
    core: list[list[str]] = [["energy"]] if over_energy else []
    result = xr.apply_ufunc(
        function,
        *inputs,
        input_core_dims=[*([[]] * (len(inputs) - len(core))), *core],
        output_core_dims=[["energy"] if over_energy else []],
        dask="parallelized",
        output_dtypes=[np.complex128 if name == "self_energy" else np.float64],
    )
    coords = {key: value for key, value in solution.coords.items() if set(value.dims) <= {*result.dims}}
    return stamp(xr.DataArray(result.variable, coords=coords, name=name), energy="tc")


@public
def fraction(model: xr.Dataset, *, T: Any = None) -> xr.DataArray:
    r"""Return the fraction of the two-level systems that are excited, Eq. (A8).

    .. math:: n_i = \frac{e^{-\omega_0/T}}{1 + e^{-\omega_0/T}}

    It is the w(T) of section II, 1 - ``weight`` of :func:`xglass.static_disorder`.

    Parameters
    ----------
    model : Dataset
        A model of :func:`xglass.electron_tls`, or what a solver made of one.
    T : float, sequence, DataArray or Quantity, optional
        Temperature in tc, >= 0. The default is the ``T`` of the Dataset, from which it must not differ.

    Returns
    -------
    DataArray
        ``thermal_defects(..., T)``, a pure number.

    Raises
    ------
    KeyError
        If neither T is given nor the Dataset has one.
    ValueError
        If T < 0, or not that of the Dataset.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=2.0)
    >>> print(f"{float(xg.dilute_defects.fraction(tls, T=0.5)):.6f}")
    0.017986
    """
    require(model, "omega0", *(() if T is not None else ("T",)), caller="dilute_defects.fraction")
    if T is None:
        warmth = model["T"]
    else:
        warmth = temperature(T, model, energy="tc", zero=True)
        no_override("dilute_defects.fraction", "the Dataset", T=(model.coords.get("T"), warmth))
    result = xr.apply_ufunc(
        _fraction,
        model["omega0"].drop_vars("T", errors="ignore"),
        warmth,
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return stamp(result.rename("thermal_defects"), energy="tc")


@public
def self_energy(solution: xr.Dataset) -> xr.DataArray:
    r"""Return the self-energy to first order in the number of thermal defects, Eq. (A11).

    .. math:: \Sigma \simeq \Sigma_\downarrow + n_i (\Sigma_\uparrow - \Sigma_\downarrow)
       \frac{G_0^{-1} - \Sigma_\downarrow}{G_0^{-1} - \Sigma_\uparrow},
       \quad \Sigma_{\downarrow,\uparrow}(\nu) = g^2 G_0(\nu \mp \omega_0)

    The bath is that of the full solution: a single site to first order, its surroundings to all orders. The
    error is of order n_i^2.

    Parameters
    ----------
    solution : Dataset
        Result of :func:`xglass.dmft` on the chain, with g_z = 0.

    Returns
    -------
    DataArray
        Complex ``self_energy(..., T, energy)`` in tc, as lazy as the solution. The bath is computed anew at
        the energies of the solution -+ omega0.

    Raises
    ------
    TypeError, KeyError, ValueError
        If this is no solution of :func:`xglass.dmft`, or g_z is not 0.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=0.5, omega0=2.0)
    >>> local = xg.dmft(tls, T=0.25, frequency=[0.0], energy=[-1.5, 0.0])
    >>> float(abs(xg.dilute_defects.self_energy(local) - local["self_energy"]).max()) < 1e-5
    True
    """
    return _applied(
        _self_energy, solution, "self_energy", caller="dilute_defects.self_energy", over_energy=True
    )


@public
def scattering_rate(solution: xr.Dataset) -> xr.DataArray:
    r"""Return the rate at which an electron of low energy de-excites thermal defects, Eq. (A12).

    .. math:: \Gamma = -n_i g^2\, \mathrm{Im}\, G_0(\nu + \omega_0)

    It holds for energies from the ground state up to omega0 above it. Eq. (A12) takes the fraction in
    Eq. (A11) as 1: that is weak coupling, and not too near to the band edge, where in one dimension 1/G falls
    to 0, and the rate with it.

    Parameters
    ----------
    solution : Dataset
        Result of :func:`xglass.dmft` on the chain, with g_z = 0.

    Returns
    -------
    DataArray
        ``scattering_rate(..., T, energy)`` in tc, as lazy as the solution.

    Raises
    ------
    TypeError, KeyError, ValueError
        If this is no solution of :func:`xglass.dmft`, or g_z is not 0.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=0.1, omega0=1.0)
    >>> local = xg.dmft(tls, T=0.1, frequency=[0.0], energy=[-1.8])
    >>> ratio = xg.dilute_defects.scattering_rate(local) / local["scattering_rate"]
    >>> bool(abs(ratio - 1.0) < 0.01)
    True
    """
    return _applied(
        _scattering_rate,
        solution,
        "scattering_rate",
        caller="dilute_defects.scattering_rate",
        over_energy=True,
    )


@public
def boltzmann_mobility(solution: xr.Dataset) -> xr.DataArray:
    r"""Return the mobility of well-defined quasiparticles, Eq. (A20).

    .. math:: \mu = \frac{1}{2T}
       \frac{\int d\nu\, e^{-\nu/T} N(\nu^*) \phi(\nu^*) / \Gamma(\nu)}{\int d\nu\, e^{-\nu/T} N(\nu^*)},
       \quad \nu^* = \nu - \mathrm{Re} \Sigma(\nu)

    The scattering rate is that of the full solution; the form is for rates far below the hopping. It leaves
    out the states below the band that the electron shares with excited two-level systems: a part of the order
    (g / omega0)^2, at all temperatures.

    Parameters
    ----------
    solution : Dataset
        Result of :func:`xglass.dmft` on the chain, with g_z = 0.

    Returns
    -------
    DataArray
        ``mobility(..., T)`` in e a^2/hbar; NaN at T = 0 and below omega0/100.

    Raises
    ------
    TypeError, KeyError, ValueError
        If this is no solution of :func:`xglass.dmft`, or g_z is not 0.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=0.1, omega0=1.0)
    >>> local = xg.dmft(tls, T=0.2, frequency=[0.0], energy=[0.0])
    >>> bool(abs(xg.dilute_defects.boltzmann_mobility(local) / local["mobility"] - 1.0) < 0.01)
    True
    """
    return _applied(_boltzmann_mobility, solution, "mobility", caller="dilute_defects.boltzmann_mobility")


@public
def band_edge_mobility(solution: xr.Dataset) -> xr.DataArray:
    r"""Return the mobility of dilute defects at the lower band edge, Eq. (A21), corrected.

    .. math:: \mu = \frac{c_{-1/2}}{2 \Gamma^*} = \frac{t}{\Gamma^*}

    As printed the equation has a factor 1/T more, which is neither the dimension nor the value of the
    integrals in Eq. (A20). The rate near the edge is that of Eq. (A12) at a thermal energy T above the ground
    state, so that the mobility rises like 1/n_i.

    Parameters
    ----------
    solution : Dataset
        Result of :func:`xglass.dmft` on the chain, with g_z = 0.

    Returns
    -------
    DataArray
        ``mobility(..., T)`` in e a^2/hbar; infinite at T = 0.

    Raises
    ------
    TypeError, KeyError, ValueError
        If this is no solution of :func:`xglass.dmft`, or g_z is not 0.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=0.1, omega0=1.0)
    >>> local = xg.dmft(tls, T=0.1, frequency=[0.0], energy=[0.0])
    >>> bool(abs(xg.dilute_defects.band_edge_mobility(local) / local["mobility"] - 1.0) < 0.05)
    True
    """
    return _applied(
        _band_edge_mobility,
        solution,
        "mobility",
        caller="dilute_defects.band_edge_mobility",
        extra=("ground_state_energy",),
    )
