"""Dynamical mean field theory of one electron and two-level systems."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass.engine.tls import dmft as engine
from xglass.engine.tls.dmft_lattices import Transform
from xglass.messages import public
from xglass.models.common import with_coordinates
from xglass.solvers import tasks
from xglass.solvers.common import electron, rising, temperatures
from xglass.solvers.tasks import Input, Output
from xglass.units.parameters import Chunks, Frequencies, Parameter
from xglass.variables import stamp

__all__ = ["dmft"]


def __dir__() -> list[str]:
    return __all__


#: Results of the engine, in its order, with their own dimensions.
OUTPUTS: dict[str, Output] = {
    "optical_conductivity": (["frequency"], np.float64),
    "mobility": ([], np.float64),
    "kinetic_energy": ([], np.float64),
    "density_of_states": (["energy"], np.float64),
    "scattering_rate": (["energy"], np.float64),
    "self_energy": (["energy"], np.complex128),
    "green_function": (["energy"], np.complex128),
    "converged": ([], bool),
    "residual": ([], np.float64),
}
TOTAL_WEIGHT: dict[str, Output] = {"total_weight": ([], np.float64)}
GROUND_STATE: dict[str, Output] = {"ground_state_energy": ([], np.float64)}

#: What a lattice without velocities does not have.
TRANSPORT = ("optical_conductivity", "mobility")


@public
def dmft(
    model: xr.Dataset,
    *,
    T: Parameter,
    frequency: Frequencies,
    energy: Frequencies | None = None,
    hilbert: Transform | None = None,
    vertex: Transform | None = None,
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Dynamical mean field theory of :func:`electron_tls`, on the real axis: thermodynamic limit, no vertex
    corrections.

    .. math:: G(\nu) = \frac{1}{1+x} \left[ \frac{1}{G_0^{-1}(\nu) - g^2 G_0(\nu-\omega_0)} +
        \frac{x}{G_0^{-1}(\nu) - g^2 G_0(\nu+\omega_0)} \right],
        \quad x = e^{-\omega_0/T}, \quad G(\nu) = \int \frac{N(\varepsilon)\,d\varepsilon}{\nu - \Sigma(\nu) -
        \varepsilon}

    Rammal, Ciuchi and Fratini, Eq. (A6), with :math:`\Sigma = G_0^{-1} - G^{-1}`; a static coupling g_z
    shifts the levels of the impurity. The conductivity is the bubble of Eqs. (A14) to (A17), at finite
    frequency

    .. math:: \sigma(\omega) = \pi \frac{1 - e^{-\omega/T}}{\omega} \frac{\int d\nu\, e^{-\nu/T} \int
        d\varepsilon\, N \phi\, A(\nu, \varepsilon) A(\nu+\omega, \varepsilon)}{\int d\nu\, e^{-\nu/T} \int
        d\varepsilon\, N A(\nu, \varepsilon)}

    with :math:`\phi = 4t^2 - \varepsilon^2` on the chain. Energies count from all two-level systems down.

    Parameters
    ----------
    model : Dataset
        Model of :func:`electron_tls`, all sites alike; the number of sites does not matter. omega0 = 0 is the
        coherent potential approximation.
    T : float, sequence, DataArray or Quantity
        Temperature in tc, >= 0: a number, a sequence (dimension ``T``), a DataArray or Quantities.
    frequency : float, sequence, DataArray or Quantity
        Frequencies in tc, rising; sigma is even.
    energy : sequence, DataArray or Quantity, optional
        Energies in tc for one-particle quantities, rising; default 2001 that hold the spectra of all
        parameters.
    hilbert : callable, optional
        Another lattice in place of the chain: the Hilbert transform z -> int N(e) / (z - e) de of its density
        of states (normalised to one, in tc), a function of a complex array (Im z > 0); ``t`` of the model
        then enters by it alone. Keep parameters in functools.partial.
    vertex : callable, optional
        With ``hilbert``, the transform of N(e) phi(e), phi the square of the velocity; without it there are
        no transport quantities.
    chunks : {"auto"}, dict or None
        "auto" (lazy, a task for every parameter point), {parameter dimension: size}, or None (compute now).

    Returns
    -------
    Dataset
        ``optical_conductivity(..., T, frequency)`` in e^2 a^2/hbar per particle and its static limit
        ``mobility(..., T)``; ``kinetic_energy(..., T)``; ``total_weight(..., T)``, the integral of the
        conductivity over positive frequencies; over ``energy`` the local ``density_of_states``,
        ``scattering_rate``, ``self_energy`` and ``green_function``; ``ground_state_energy(...)``;
        ``residual(..., T)`` of the equations with what quadrature left, relative, and ``converged``: residual
        below 1e-7. It is an estimate of the error of the thermal averages and of the self-energy at the
        energies asked for.

        ``total_weight`` costs one to three times as much as all the rest and is computed only where it is
        asked for: store or compute the variables that are wanted. It integrates the conductivity over
        frequency, independently of <K> (compare them with :func:`sum_rule`); ``residual`` knows nothing of
        it. It is NaN where it would miss (pi/2) <-K> by over 1e-5, where that would take too much work, and
        where the Drude peak is narrower than 1e-11 of half the band.

        At T = 0 one-particle quantities are those of the ground state, the mobility is infinite (where omega0
        > 0), other thermal quantities are NaN. Without coupling the conductivity is a delta function:
        infinite at zero, 0 elsewhere. For T < omega0/100 what is thermal is NaN and one-particle quantities
        are those of T = 0, not converged. At omega0 = 0 and energy 0 in the gap (g^2 + g_z^2 >= 2 t^2)
        the self-energy has a pole and is -i infinity, as just above the real axis, like the states at the
        edges of the free band.

    Raises
    ------
    ValueError
    TypeError
        Naming the argument: T < 0, grids that do not rise, parameters over site or bond, site energies,
        omega0 < 0, t = 0, a ``hilbert`` that is not callable or not normalised; with a ``hilbert`` omega0 so
        small that its ladder has over 10^5 rungs.

    Notes
    -----
    nu couples to nu +- omega0 only: every ladder nu + k omega0 is solved on its own (Newton's method, no
    broadening) at points chosen until self-energy and Boltzmann-weighted integrands are resolved, and narrow
    peaks of the bubble, where nu and nu + omega see the same z, are refined on their own. A point with 300
    frequencies takes 0.1 to 0.6 s; 1 to 6 s where gaps open in the spectrum (omega0 of the order of the band
    and above, t << g). Where a ladder has over 600 rungs (omega0 below about 1 % of the band) all energies
    are solved at once, in about a second for any omega0 down to the static limit. Work is bounded at 10^8
    iterations of a rung, about 5 s: what is then not resolved counts in ``residual``, and thermal quantities
    are NaN where that exceeds 1e-4. Below T of about omega0/40 residuals are 2e-7 to 1e-6, and not converged;
    on ladders of over 1200 rungs thermal quantities need T > 1.5 omega0, and 5 omega0 to converge. For T near
    omega0/100 rungs whose density of states is below 1e-250 are left out. All arithmetic of a given
    ``hilbert`` is numpy, and ten times slower. With ``hilbert`` imaginary parts hold to 1e-14 only: T above
    about 1/20 of the band width; within rounding of a pole the self-energy is -i infinity, with the residual
    1 of an energy that has not converged.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.5)
    >>> local = xg.dmft(tls, T=1.0, frequency=[0.0, 0.5])
    >>> print(f"{float(local['mobility']):.5f}")
    1.97965
    """
    model = _checked(model, hilbert, vertex)
    temperature, frequencies = temperatures(T, model, zero=True), rising("frequency", frequency, model)
    energies = rising("energy", _all_energies(model, hilbert) if energy is None else energy, model)
    inputs: dict[str, Input] = {
        **{name: (xr.DataArray(model[name].variable), []) for name in ("t", "g", "g_z", "omega0")},
        "T": (xr.DataArray(temperature.variable), []),
        "frequency": (xr.DataArray(frequencies.values, dims="frequency"), ["frequency"]),
        "energy": (xr.DataArray(energies.values, dims="energy"), ["energy"]),
    }
    plan = tasks.planned(chunks, tasks.loops(inputs.values()), caller="dmft")
    lattice = {"hilbert": hilbert, "vertex": vertex}
    results = tasks.applied(engine.mean_field, inputs, OUTPUTS, plan, settings=lattice)
    at_points = {name: part for name, part in inputs.items() if name not in ("frequency", "energy")}
    if hilbert is None or vertex is not None:
        results |= tasks.applied(engine.weights, at_points, TOTAL_WEIGHT, plan, settings=lattice)
    else:
        for name in TRANSPORT:
            del results[name]
    cold = {name: part for name, part in at_points.items() if name != "T"}
    results |= tasks.applied(engine.ground_states, cold, GROUND_STATE, plan, settings={"hilbert": hilbert})
    model = with_coordinates(model, temperature, frequencies, energies)
    model = model.assign({name: result.variable for name, result in results.items()})
    model.attrs = {"solver": "dmft"}
    return stamp(model, energy="tc")


def _checked(model: xr.Dataset, hilbert: Any, vertex: Any) -> xr.Dataset:
    """The model without what an earlier solver added, if mean field theory can solve it."""
    model, _, over_sites = electron(model, "dmft")
    if over_sites:
        raise ValueError(
            f"dmft: {sorted(over_sites)} of the model differ from site to site; the mean field is "
            "that of equal sites"
        )
    if "site_energy" in model:
        raise ValueError(
            "dmft: the model has site_energy; the mean field is that of equal sites, write "
            "electron_tls without it"
        )
    if float(model["omega0"].min()) < 0.0:
        raise ValueError("dmft: omega0 must be >= 0; a negative splitting is -omega0 with -g_z")
    if hilbert is None and float(abs(model["t"]).min()) == 0.0:
        raise ValueError("dmft: t must not be 0; without hopping there is no band")
    for name, function in (("hilbert", hilbert), ("vertex", vertex)):
        if function is not None and not callable(function):
            raise TypeError(
                f"{name} must be a function of a complex array, or None, got {type(function).__name__}"
            )
    if vertex is not None and hilbert is None:
        raise ValueError("vertex belongs to a lattice given by hilbert; the chain has its own")
    return model


def _all_energies(model: xr.Dataset, hilbert: Any) -> np.ndarray:
    """Return energies that hold the spectra of all parameters."""
    band = 2.0 if hilbert is None else 3.0
    reach = (
        band * float(abs(model["t"]).max())
        + float(np.hypot(model["g"], model["g_z"]).max())
        + float(model["omega0"].max())
    )
    return np.linspace(-reach, reach, 2001)
