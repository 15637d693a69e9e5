"""One electron among frozen two-level systems: a long disordered chain."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import realizations, whole_number
from xglass.engine.tls import static_disorder as engine
from xglass.messages import public
from xglass.models.common import GEOMETRY, with_coordinates
from xglass.solvers import common, tasks
from xglass.solvers.ring import averaged_realizations
from xglass.solvers.tasks import Input, Output
from xglass.units.parameters import Chunks, Frequencies, Labels, Parameter, parameter
from xglass.units.quantities import shortened

__all__ = ["static_disorder"]


def __dir__() -> list[str]:
    return __all__


#: What the frozen limit has no use for, besides the geometry of the short ring.
DROPPED = ("omega0", "site_energy", "twist", "momentum")

#: Seconds for one configuration: dense eigenvectors of a chain, for a site cubed, and pairs of its states at
#: one temperature, for a site squared.
EIGENVECTORS, PAIRS = 2.5e-10, 2e-8

#: Results of the engine, in its order, with their own dimensions.
FROZEN_SPECTRA: dict[str, Output] = {
    "optical_conductivity": (["T", "broadening", "frequency"], np.float64),
    "kinetic_energy": (["T"], np.float64),
    "total_weight": (["T"], np.float64),
    "log_partition_function": (["T"], np.float64),
}


@public
def static_disorder(
    model: xr.Dataset,
    *,
    T: Parameter,
    frequency: Frequencies,
    broadening: Parameter | None,
    sites: int,
    realization: Labels,
    weight: Parameter = 0.5,
    seed: int,
    average: str | None = "annealed",
    chunks: Chunks = "auto",
) -> xr.Dataset:
    r"""Optical conductivity in the limit omega0 = 0 of :func:`electron_tls`: annealed binary disorder on a
    long chain.

    Without splitting the two-level systems are frozen, and the electron moves on a ring with site energies
    :math:`\pm\sqrt{g^2 + g_z^2}`. Both have weight 1/2 at every temperature: the reference of the
    relaxation-time approximation (Rammal, Ciuchi and Fratini, section IV). As the disorder is part of the
    thermal average, numerators and Z are averaged over configurations apart.

    With another ``weight`` w the chain is the binary alloy

    .. math:: P(\varepsilon) = w\, \delta(\varepsilon + g) + (1 - w)\, \delta(\varepsilon - g)

    of section II, in which a fraction of defects is thermally excited. **The paper's w is the fraction of
    defects, at +g**: 1 - ``weight``, which falls from 1/2 to 0 with the temperature.

    Parameters
    ----------
    model : Dataset
        Model of :func:`electron_tls` with all sites alike and no site energies; ``omega0`` and the size of
        its chain are ignored.
    T : float, sequence, DataArray or Quantity
        Temperature in tc, > 0: a number, a sequence (dimension ``T``), a DataArray or Quantities. All
        temperatures come from one pass.
    frequency : float, sequence, DataArray or Quantity
        Frequencies in tc, rising.
    broadening : float, sequence, DataArray or Quantity
        Standard deviation of the Gaussian in tc, > 0; several are a dimension. None: exact weight per bin of
        a uniform grid of frequencies from 0, divided by the width of a bin; bins are centred on the
        frequencies, the first holds the sticks at frequency 0 and spans both signs. This is the input of
        :func:`relaxation_time_approximation`.
    sites : int
        Length of the chain, >= 3: hundreds.
    realization : int or sequence of int
        Number of configurations, or explicit labels; configuration r is the same whatever else is drawn.
    weight : float, sequence or DataArray
        Fraction of the two-level systems at the lower energy, :math:`-\sqrt{g^2 + g_z^2}` (-g for g > 0),
        from 0 to 1: a number, a sequence (dimension ``weight``), or a DataArray, over ``T`` too. Random
        numbers do not depend on it, so that curves over it are smooth; 0 and 1 are the clean chain.
    seed : int
        0 <= seed < 2^64. Configurations are a function of (seed, label, t, g, g_z, sites).
    average : {"annealed", "quenched"} or None
        "annealed", or None: every configuration by itself, divided by its own Z, along ``realization`` and
        without errors, for the jackknife of what is derived: x e^{ln Z} summed over configurations, over the
        sum of e^{ln Z}.
    chunks : {"auto"}, dict or None
        "auto" (lazy, tasks of about a second), a dict of chunk sizes along parameters and ``realization``, or
        None (compute now). Bits do not depend on it.

    Returns
    -------
    Dataset
        ``optical_conductivity(..., T, frequency)`` in e^2 a^2/hbar per particle, ``kinetic_energy(..., T)`` =
        <H_hop>, ``total_weight(..., T)``, the integral over all positive frequencies (also those beyond the
        grid), and ``log_partition_function(..., T)`` of one electron and ``sites`` two-level systems; each
        with ``_stderr``, by the jackknife over configurations (NaN for a single one). Dimensions of g, t and
        g_z only, and of the weight, which is a coordinate. Attributes of an average: ``realizations``, how
        many, and ``average``, of which kind.

    Raises
    ------
    ValueError
    TypeError
        Naming the argument: parameters that differ from site to site, T or broadening not > 0, T that differs
        between realizations, a weight outside of [0, 1], a grid that is not uniform from 0 where
        ``broadening=None``.

    Notes
    -----
    The weight is the probability that a two-level system has without the electron; configurations c are drawn
    with :math:`P_c = w^{n_-} (1 - w)^{n_+}`, and the electron's Boltzmann factor comes on top:

    .. math:: \langle A \rangle = \sum_c P_c\, \mathrm{Tr}\, e^{-H_c/T} A \Big/
        \sum_c P_c\, \mathrm{Tr}\, e^{-H_c/T}

    That is the exact thermal average of one electron and two-level systems that are biased, each by T ln[w/(1
    - w)] between the two eigenstates that the electron sees, and for w = 1/2 that of unbiased ones. In a long
    chain it is the average over quenched configurations as well: numerators and Z of one electron both grow
    with the number of sites, and each is its own mean there. ``log_partition_function`` is the logarithm of
    :math:`2^N \sum_c P_c\, \mathrm{Tr}\, e^{-H_c/T}`: two-level systems by themselves count N ln 2, whatever
    the weight.

    A weight over ``T`` means configurations, and their eigenvectors, for each temperature; otherwise all
    temperatures share them.

    Dense eigenvectors, N^3 operations and 32 N^2 bytes a configuration: N = 400 takes 0.03 s, N = 800 0.1 s,
    with a few temperatures. Results of all configurations are held until they are averaged: 8 bytes for each
    of them, each temperature, frequency and broadening. At temperatures far below g few of the configurations
    count, those with long stretches of the lower energy, and the error bars then say so late: increase
    ``sites`` times ``realization``.

    Examples
    --------
    >>> import numpy as np, xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(16), g=1.0, omega0=0.05)
    >>> static = xg.static_disorder(
    ...     tls, T=1.0, frequency=np.linspace(0, 6, 601), broadening=None, sites=60, realization=4, seed=1
    ... )
    >>> static["optical_conductivity"].dims
    ('frequency',)
    >>> bool(abs(xg.sum_rule(static)) < 1e-6)
    True

    The alloy of section II, with as many defects as are thermally excited, Eq. (A8):

    >>> T = [0.05, 0.2, 1.0]
    >>> cold = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.5)
    >>> alloy = xg.static_disorder(
    ...     cold,
    ...     T=T,
    ...     weight=1.0 - xg.dilute_defects.fraction(cold, T=T),
    ...     frequency=np.linspace(0, 6, 61),
    ...     broadening=0.1,
    ...     sites=60,
    ...     realization=4,
    ...     seed=1,
    ... )
    >>> alloy["weight"].values.round(3)
    array([1.   , 0.924, 0.622])
    """
    caller = "static_disorder"
    model = _frozen(model, caller)
    sites = whole_number("sites", sites, minimum=3)
    key = checks.seed(seed)
    labels = realizations(realization)
    if average not in ("annealed", None):
        raise ValueError(
            f"{caller}: average must be 'annealed' or None, got {average!r}; for quenched disorder "
            "pass it to xg.exact or xg.ftlm"
        )
    grids = common.grids(model, T=T, frequency=frequency, broadening=broadening)
    fraction = _weight(weight, grids.T)
    model = with_coordinates(model, fraction)
    binned = broadening is None
    if binned:
        common.uniform_from_zero(grids.frequency.values, caller)
    common.memory_limit(32.0 * sites**2, f"{caller}: {sites} sites", "take fewer sites and more realizations")

    inputs: dict[str, Input] = {
        **{name: (xr.DataArray(model[name].variable), []) for name in ("t", "g", "g_z")},
        "weight": (_along_temperatures(fraction, grids.T), ["T"]),
        "realization": (xr.DataArray(labels, dims="realization"), []),
        **grids.inputs(),
    }
    several = grids.T.size if "T" in fraction.dims else 1
    seconds = 2e-3 + EIGENVECTORS * sites**3 * several + PAIRS * sites**2 * grids.T.size
    plan = tasks.planned(chunks, tasks.loops(inputs.values()), caller=caller, seconds=seconds)
    settings = {"sites": sites, "seed": key, "binned": binned}
    results = tasks.applied(engine.frozen_spectra, inputs, FROZEN_SPECTRA, plan, settings=settings)
    attrs: dict[str, Any] = {"solver": caller, "sites": sites}
    if average is None:
        model = model.assign_coords(realization=labels)
    else:
        results = _annealed(results, plan)
        attrs |= averaged_realizations(labels.size, average) | {"stderr_over": "realization"}
    return common.assembled(model, results, attrs, grids)


def _annealed(results: dict[str, xr.DataArray], plan: tasks.Plan) -> dict[str, xr.DataArray]:
    """Average over configurations with Z as weights, each with its standard error."""
    over = ["realization"]
    log_z = results["log_partition_function"]
    averaged: dict[str, xr.DataArray] = {}
    for name, result in results.items():
        outputs: dict[str, Output] = {end: ([], np.float64) for end in (name, f"{name}_stderr")}
        weights: dict[str, Input] = {"log_z": (log_z, over)}
        if result is log_z:
            averaged |= tasks.applied(engine.annealed_logarithm, weights, outputs, plan)
        else:
            averaged |= tasks.applied(engine.annealed, {name: (result, over)} | weights, outputs, plan)
    return averaged


def _frozen(model: xr.Dataset, caller: str) -> xr.Dataset:
    """Only t, g, g_z, the scale and what labels their dimensions."""
    model, _, over_sites = common.electron(model, caller)
    if given := over_sites - {"omega0"}:
        raise ValueError(
            f"{caller}: {sorted(given)} differ from site to site, and the long chain has other sites; "
            "pass a model with one value of each, "
            "or solve this one with xg.exact at omega0=0"
        )
    dims = {dim for name in ("t", "g", "g_z") for dim in model[name].dims}
    if "realization" in dims:
        raise ValueError(
            f"{caller}: t, g or g_z has a dimension 'realization', which here numbers configurations; "
            "rename it"
        )
    kept = {
        name: coord.variable
        for name, coord in model.coords.items()
        if {*coord.dims} <= dims and name not in GEOMETRY and name not in DROPPED and name != "realization"
    }
    return xr.Dataset(coords=kept)


def _weight(weight: Parameter, T: xr.DataArray) -> xr.DataArray:
    """Fraction of the two-level systems at the lower energy, in [0, 1]."""
    fraction = parameter("weight", weight)
    checks.refuse(
        "static_disorder",
        (
            bool(((fraction < 0.0) | (fraction > 1.0)).any()),
            f"weight must be in [0, 1], the fraction of two-level systems at the lower energy, got "
            f"{shortened(weight)}",
        ),
        (
            "realization" in fraction.dims,
            "weight has a dimension 'realization', which here numbers configurations; rename it",
        ),
        (
            "T" in fraction.dims and "T" not in T.dims,
            f"weight has dimensions {fraction.dims}, and T has {T.dims}; give all temperatures, T=[...]",
        ),
    )
    checks.aligned("static_disorder", T=T, weight=fraction)
    return fraction


def _along_temperatures(fraction: xr.DataArray, T: xr.DataArray) -> xr.DataArray:
    """The weight at every temperature, as the engine takes it: (..., T)."""
    bare = xr.DataArray(fraction.variable)
    number = T.sizes.get("T", 1)
    return bare.transpose(..., "T") if "T" in bare.dims else bare.expand_dims(T=number, axis=-1)
