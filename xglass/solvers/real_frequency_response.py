"""Density response of fermions in a cavity at real frequencies."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from xglass.checks import eager
from xglass.engine.cavity import real_frequency as engine
from xglass.messages import public, warn
from xglass.models.common import with_coordinates
from xglass.solvers import tasks
from xglass.solvers.common import rising, widths
from xglass.solvers.particle_hole_bubble import bubble_inputs
from xglass.solvers.saddle_point import couplings
from xglass.solvers.tasks import Output
from xglass.units.parameters import Chunks, Frequencies, Parameter, parameter, scale_of
from xglass.variables import stamp

__all__ = ["real_frequency_response"]


def __dir__() -> list[str]:
    return __all__


#: Seconds that a time of the commutator takes for every site.
SECONDS_OF_TIME = 4e-9

#: Times in the slowest period of the damping, over the width of the band: what a bubble takes.
TIMES_OF_PERIOD = 14.0

#: A broadening times the time of the echo, from which on the echo is damped to one per cent.
SILENT = 4.6


@public
def real_frequency_response(
    model: xr.Dataset,
    *,
    T: Parameter,
    J: Parameter,
    frequency: Frequencies,
    broadening: Parameter,
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Response and fluctuations of the density of :func:`cavity_glass` at real frequencies.

    .. math::

        D(z) = \int_q \chi(q, z), \quad
        \chi(q, z) = \frac{1}{\chi_0^{-1}(q, z) + 2 \lambda - J(z)^2 D(z)}, \quad z = \omega + i \eta, \qquad
        S(q, \omega) = \frac{2\, \mathrm{Im}\, \chi(q, z)}{1 - e^{-\omega / T}}

    Eq. (38) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), above the real axis, with lambda
    of :func:`saddle_point`: no data are continued. The bubble chi_0 is computed in real time.

    Parameters
    ----------
    model : Dataset
        Model of :func:`cavity_glass`, with site_energy_std = 0.
    T : float, sequence, DataArray or Quantity
        Temperature in tc, > 0.
    J : float, sequence, DataArray or Quantity
        Strength of the couplings at zero frequency in tc, > 0; with ``omega0`` of the model J(z) = J omega0^2
        / (omega0^2 - z^2).
    frequency : float, sequence, DataArray or Quantity
        Real frequencies omega in tc, rising, of either sign.
    broadening : float, sequence, DataArray or Quantity
        Height eta above the real axis in tc, > 0: spectra are those of the torus, each line a Lorentzian of
        this half width. A sequence is a dimension.
    chunks : {"auto"}, dict or None
        "auto" (lazy, tasks of about a second), {parameter dimension: size}, or None (compute now). All J and
        omega0 of a point are in one task: they share its bubble.

    Returns
    -------
    Dataset
        ``local_density_response(..., frequency)`` D, complex, in 1/tc; ``local_structure_factor(...,
        frequency)``, S of a site, the mean of S(q, omega) over wave vectors, and
        ``dynamic_structure_factor(..., frequency, q)`` along a path of the zone, both in 1/tc and >= 0 where
        couplings are static; ``lagrange_multiplier``, ``edwards_anderson``, ``residual``, the largest of all
        equations, relative, and ``converged``: a residual below 1e-10. A sequence of broadenings is a
        dimension before frequency. Coords of the model, ``T``, ``J`` and ``broadening``; ``qx``, ... of the
        path, which leads from the origin to half of the first reciprocal vector, on by half of the second,
        then of the third, and back, and ``path``, its length, in 1/a.

    Raises
    ------
    TypeError, KeyError, ValueError
        Naming the argument: another model, T, J or broadening not > 0, frequencies that do not rise,
        site_energy_std > 0.

    Warns
    -----
    UserWarning
        If the broadening is so small that spectra show the echo of the torus, which comes when what leaves a
        site has gone half around: from about 19 t / L downward on the cubic lattice.

    Notes
    -----
    In the glass S has the elastic line 2 pi q_EA delta(omega) besides. The integral of S(q, omega) / (2 pi)
    over all frequencies is the equal-time structure factor, up to what the tails of the Lorentzians add.
    With static couplings the equation for D has one root of positive imaginary part, and that is found; with
    photons it is followed from far above the real axis. Couplings of both signs to photons near or within the
    band may make modes that grow faster than exp(eta t): there is no response at frequencies below such a
    mode, which are NaN, with a ``residual`` of infinity and ``converged`` False. Frequencies that miss it do
    not show it. Time goes as N log N times the band width over the
    broadening: 1 s for 64^3 sites and 0.3 t, 21 s for 128^3 and 0.15 t; couplings add next to nothing, and
    photons the factor of some 20 frequencies for one.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.cavity_glass(xg.lattice.cubic(16), filling=0.3)
    >>> liquid = xg.real_frequency_response(glass, T=0.5, J=3.0, frequency=[0.0, 1.0, 2.0], broadening=1.2)
    >>> liquid["local_density_response"].imag.round(3).values.tolist()
    [0.0, 0.031, 0.052]
    """
    caller = "real_frequency_response"
    if isinstance(model, xr.Dataset):
        model = model.drop_vars(["J", "frequency", "broadening", "q", "path"], errors="ignore")
    model, inputs, settings = bubble_inputs(model, T, caller=caller)
    strength = parameter("J", J, scale=scale_of(model), energy="tc", above=0.0)
    width, grid = widths(broadening, model), rising("frequency", frequency, model)
    model = with_coordinates(model, strength, width, grid)
    own, strengths = couplings(inputs, model, ("J", "omega0"))
    inputs |= strengths
    cells = settings["cells"]
    _warn_of_echo(caller, model, settings, float(width.min()))

    loops, sites = tasks.loops(inputs.values()), math.prod(cells)
    band = 4.0 * float(np.abs(inputs["hopping"][0].values).sum(axis=-1).max())
    reach = band + float(np.abs(grid.values).max())
    seconds = SECONDS_OF_TIME * sites * TIMES_OF_PERIOD * reach / float(width.min())
    plan = tasks.planned(chunks, loops, caller=caller, seconds=seconds)
    path = path_of_zone(cells)
    inputs["broadening"] = (xr.DataArray(np.atleast_1d(width.values), dims="broadening"), ["broadening"])
    inputs["frequency"] = (xr.DataArray(grid.values, dims="frequency"), ["frequency"])
    spectrum = [*own, "broadening", "frequency"]
    outputs: dict[str, Output] = {
        "local_density_response": (spectrum, np.complex128),
        "local_structure_factor": (spectrum, np.float64),
        "dynamic_structure_factor": ([*spectrum, "q"], np.float64),
        "lagrange_multiplier": (own, np.float64),
        "edwards_anderson": (own, np.float64),
        "residual": (own, np.float64),
    }
    settings |= {"own": len(own), "path": tuple(map(tuple, path.tolist()))}
    sizes = {"q": len(path)}
    results = tasks.applied(engine.responses, inputs, outputs, plan, settings=settings, sizes=sizes)
    results["converged"] = results["residual"] < engine.GOOD
    solution = model.assign_coords(_wave_vectors(model, path))
    for name, result in results.items():
        one = result if width.ndim or "broadening" not in result.dims else result.isel(broadening=0)
        solution = solution.assign({name: one.variable})
    solution.attrs = {"solver": caller}
    return stamp(solution, energy="tc")


def path_of_zone(cells: tuple[int, ...]) -> np.ndarray:
    """(q, period) numbers of the wave vectors of the torus on a path through the zone, without repeats.

    From the origin along the first reciprocal vector to its half, then along the second, and the third, and
    back: on a cubic lattice from Gamma to X, M, R and Gamma.
    """
    corners = [np.zeros(len(cells), dtype=np.int64)]
    for axis, n in enumerate(cells):
        corner = corners[-1].copy()
        corner[axis] = n // 2
        corners.append(corner)
    if len(cells) > 1:
        corners.append(corners[0])
    steps = [corners[0]]
    for begin, end in zip(corners[:-1], corners[1:], strict=True):
        parts = max(int(np.gcd.reduce(end - begin)), 1)
        steps += [begin + (end - begin) // parts * k for k in range(1, parts + 1)]
    return np.array(steps) % np.array(cells)


def _wave_vectors(model: xr.Dataset, path: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    """True wave vectors of the path in 1/a, and how long it is up to each of them."""
    cells = eager(model, "cells")
    vectors = eager(model, "torus") / cells[:, None]
    # as the numbers rise to half of the cells and fall again, differences are along the path
    q = 2.0 * np.pi * (path / cells) @ np.linalg.inv(vectors).T
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(q, axis=0), axis=1))])
    return {f"q{axis}": ("q", q[:, k]) for k, axis in enumerate("xyz"[: len(cells)])} | {
        "path": ("q", length)
    }


def _warn_of_echo(caller: str, model: xr.Dataset, settings: dict[str, object], broadening: float) -> None:
    """Say so where spectra have lines of the torus in them."""
    cells, offsets = settings["cells"], np.asarray(settings["offsets"])
    hopping = np.abs(eager(model, "hopping")).reshape(-1, model.sizes["bond"])[:, : len(offsets)].max(axis=0)
    least = SILENT / engine.echo(hopping, offsets, cells)  # type: ignore[arg-type]
    if broadening < least:
        warn(
            f"{caller}: broadening = {broadening:g} tc is too small for a lattice of {cells} cells, whose "
            f"spectra show its echo below {least:.2g} tc; take broadening >= {least:.2g}, or a longer lattice"
        )
