"""The registry: every dimension and variable of xglass, declared once.

Three readers share it: the checks of arguments (``checks.py``), the attributes of results
(:func:`stamp`) and the generated documentation page. Nothing else in the package
spells a unit, a symbol or a long name.

Conventions: hbar = k_B = e = a = 1 and energies are in the unit of the model, ``Vc``
for the Coulomb glass and ``tc`` for models whose scale is a hopping integral.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass.messages import NotFoundError, elsewhere, public

__all__ = [
    "REGISTRY",
    "Variable",
    "attributes",
    "energy_unit",
    "stamp",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)


#: Names of the energy unit of a model.
ENERGIES = frozenset({"Vc", "tc"})

#: Words that the units of models are made of; any other is physical.
NATURAL = ENERGIES | {"a", "e", "hbar", "sweep"}

#: A function of either returns the same.
Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)
Data: TypeAlias = xr.DataArray | xr.Dataset
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Variable:
    """One entry of the registry.

    Attributes
    ----------
    name : the key in a Dataset, or the name of a dimension.
    dims : trailing dimensions; parameter dimensions (``...`` in the docs) come before them.
    unit : unit string; ``{E}`` stands for the energy unit of the model, "1" for a pure number.
    symbol : LaTeX, without dollar signs.
    definition : one line, also the ``long_name`` of plots up to the first colon.
    kind : "dimension", "parameter", "geometry", "simulated", "observable" or "fit".
    """

    name: str
    dims: tuple[str, ...]
    unit: str
    symbol: str
    definition: str
    kind: str


def _entries(kind: str, *rows: tuple[str, str, str, str, str]) -> list[Variable]:
    return [
        Variable(name, tuple(dims.split()), unit, symbol, text, kind)
        for name, dims, unit, symbol, text in rows
    ]


REGISTRY: dict[str, Variable] = {
    variable.name: variable
    for variable in [
        *_entries(
            "dimension",
            ("site", "site", "1", "i", "lattice site"),
            ("site2", "site2", "1", "j", "lattice site: second index of a pair"),
            ("bond", "bond", "1", "b", "bond: each pair of neighbours once"),
            ("axis", "axis", "1", r"\alpha", "Cartesian axis: x, y, z"),
            ("period", "period", "1", "k", "period of the torus"),
            ("q", "q", "1", "q", "wave vector on the grid of the torus: coordinates qx, qy, qz"),
            ("walker", "walker", "1", "w", "walker: identifier of an independent trajectory"),
            ("sweep", "sweep", "sweep", "s", "Monte Carlo time: in sweeps of N attempted moves"),
            (
                "waiting_time",
                "waiting_time",
                "sweep",
                r"t_\mathrm{W}",
                "waiting time: sweeps before the first measurement",
            ),
            ("lag", "lag", "sweep", "t", "lag: sweeps between two measurements"),
            ("frequency", "frequency", "{E}", r"\omega", "frequency"),
            ("energy", "energy", "{E}", r"\varepsilon", "energy"),
            ("momentum", "momentum", "1/a", "K", "total momentum"),
            ("state", "state", "1", "n", "one-body state: of rising energy"),
            ("time", "time", "hbar/{E}", "t", "time"),
            ("realization", "realization", "1", "r", "realization of quenched disorder"),
            ("orientation", "orientation", "1", "o", "orientation of stripes"),
            ("direction", "direction", "1", "d", "direction: of field and current"),
            ("bin", "bin", "1", "b", "bin of a histogram: coordinates bin_left, bin_right"),
            ("step", "step", "1", "k", "sweep since the last stored one"),
            ("moment", "moment", "1", "m", "order of a moment"),
            ("matsubara", "matsubara", "1", "m", "number of a Matsubara frequency: 2 pi m T"),
            (
                "fermion_matsubara",
                "fermion_matsubara",
                "1",
                "n",
                "number of a Matsubara frequency of fermions: (2 n + 1) pi T",
            ),
        ),
        *_entries(
            "parameter",
            ("T", "", "{E}", "T", "temperature: k_B T"),
            ("omega0", "", "{E}", r"\omega_0", "splitting of a two-level system, or frequency of photons"),
            ("g", "", "{E}", "g", "coupling of the electron to transitions of a two-level system"),
            ("eta", "", "1", r"\eta", "anisotropy: t_c / t_p"),
            ("t_p", "", "{E}", "t_p", "hopping integral along the diagonals"),
            ("J", "", "{E}", "J", "strength of random couplings: variance J^2 / N"),
            ("gate_distance", "", "a", "d", "distance of a metallic gate from the layer"),
            ("length", "", "a", r"\lambda", "screening length"),
            ("strength", "", "{E}", "W", "strength of random site energies"),
            ("v", "", "{E}", "v", "strength of disorder of the coupling to photons"),
            ("site_energy_std", "", "{E}", "W", "standard deviation of random site energies"),
            ("rate", "", "{E}", "p", "relaxation rate"),
            ("filling", "", "1", "n", "filling: mean number of particles per site"),
            (
                "broadening",
                "",
                "{E}",
                r"\delta",
                "broadening: standard deviation of a Gaussian, half width of a Lorentzian",
            ),
            ("weight", "", "1", "w", "weight of the lower energy: fraction of two-level systems at -g"),
            ("twist", "", "1", r"\theta", "flux through the ring: phase of one turn"),
            ("g_z", "", "{E}", "g_z", "static coupling of the electron to a two-level system"),
            ("t", "", "{E}", "t", "hopping integral of the chain: enters H as -t"),
            (
                "ramp",
                "sweep step",
                "1",
                "T(s)/T",
                "temperature relative to T: in each sweep since the last stored one",
            ),
            ("temperature", "sweep", "{E}", "T(s)", "temperature during each sweep of a ramp"),
            ("done", "", "1", "ok", "whether it is computed: in a store that is not complete"),
            ("scale", "", "meV", "E_0", "energy unit of the model"),
            ("centred", "", "1", "c", "centred: the interaction acts between n - filling"),
        ),
        *_entries(
            "geometry",
            ("position", "site axis", "a", "R_i", "position of a site"),
            ("torus", "period axis", "a", "A_k", "periods of the torus"),
            ("cells", "period", "1", "L_k", "unit cells along each period of the torus"),
            ("bond_source", "bond", "1", "i(b)", "first site of a bond"),
            ("bond_target", "bond", "1", "j(b)", "second site of a bond"),
            ("bond_vector", "bond axis", "a", "R_b", "bond vector: from source to target, never wrapped"),
            ("bond_kind", "bond", "1", r"\kappa(b)", "kind of a bond"),
            ("hopping", "bond", "{E}", "t_b", "hopping integral: enters H as +t_b"),
            (
                "interaction",
                "site site2",
                "{E}",
                "U_{ij}",
                "pair interaction: the diagonal enters the potential only",
            ),
            ("site_energy", "site", "{E}", r"\varepsilon_i", "site energy"),
            ("qx", "q", "1/a", "q_x", "wave vector along x"),
            ("qy", "q", "1/a", "q_y", "wave vector along y"),
            ("qz", "q", "1/a", "q_z", "wave vector along z"),
            ("bin_left", "bin", "1", "x_b", "lower edge of a bin"),
            ("bin_right", "bin", "1", "x_{b+1}", "upper edge of a bin"),
        ),
        *_entries(
            "simulated",
            ("start", "site", "1", r"n_i(0)", "configuration from which a run started"),
            ("occupation", "walker sweep site", "1", "n_i", "occupation of a site: 0 or 1"),
            (
                "electrostatic_energy",
                "walker sweep",
                "{E}",
                "E",
                "electrostatic energy: pairs i != j and site energies",
            ),
            (
                "kinetic_energy",
                "walker sweep",
                "{E}",
                r"\langle K\rangle",
                "thermal kinetic energy",
            ),
            (
                "acceptance",
                "walker sweep",
                "1",
                "a",
                "accepted fraction of attempts since the last stored sweep",
            ),
            (
                "active_attempts",
                "walker sweep",
                "1",
                r"N_\mathrm{active}",
                "attempts that move a particle: since the last stored sweep",
            ),
            (
                "solves",
                "walker sweep",
                "1",
                r"N_\mathrm{eig}",
                "one-body eigenproblems solved: since the last stored sweep",
            ),
        ),
        *_entries(
            "observable",
            (
                "autocorrelation",
                "walker waiting_time lag",
                "1",
                r"C(t,t_\mathrm{W})",
                "density autocorrelation",
            ),
            ("overlap", "walker sweep", "1", "Q", "overlap of two configurations"),
            ("structure_factor", "walker sweep q", "1", "S(q)", "structure factor"),
            (
                "order_parameter",
                "walker sweep",
                "1",
                r"\Psi_q",
                "order parameter: of charge order with a given wave vector",
            ),
            (
                "stripe_order",
                "walker sweep orientation",
                "1",
                r"\Psi_o",
                "stripe order parameter: 1 in the perfect stripe",
            ),
            (
                "electrostatic_potential",
                "walker sweep site",
                "{E}",
                r"\phi_i",
                "electrostatic potential: with self-image term and site energies",
            ),
            (
                "local_density",
                "walker sweep site",
                "1",
                r"\langle n_i\rangle",
                "thermal density of the quantum particles",
            ),
            (
                "eigenvalue",
                "walker sweep state",
                "{E}",
                "e_n",
                "eigenvalue: level of one particle in a configuration",
            ),
            (
                "eigenvector",
                "walker sweep site state",
                "1",
                "U_{in}",
                "eigenvector: state of one particle in a configuration",
            ),
            (
                "chemical_potential",
                "walker sweep",
                "{E}",
                r"\mu",
                "chemical potential: at which a configuration holds its mean number of quantum particles",
            ),
            (
                "inverse_participation_ratio",
                "walker sweep state",
                "1",
                r"P_n^{-1}",
                "inverse participation ratio: one over the number of sites on which a state lives",
            ),
            (
                "gap_ratio",
                "walker sweep",
                "1",
                r"\langle r\rangle",
                "gap ratio: smaller over larger of adjacent gaps between levels",
            ),
            (
                "spectral_function",
                "walker sweep momentum energy",
                "1/{E}",
                r"A(k,\varepsilon)",
                "spectral function: of one particle",
            ),
            (
                "optical_conductivity",
                "frequency",
                "e^2 a^2/hbar",
                r"\sigma",
                "optical conductivity: real part, per particle",
            ),
            ("log_partition_function", "", "1", r"\ln Z", "logarithm of the partition function"),
            (
                "total_weight",
                "",
                "{E} e^2 a^2/hbar^2",
                r"W",
                "total weight: integral of the unfiltered optical conductivity over positive frequencies",
            ),
            (
                "stiffness",
                "",
                "{E} e^2 a^2/hbar^2",
                r"D_\kappa",
                "stiffness of the finite ring: (pi T / 2) Z''/Z with respect to the momentum",
            ),
            (
                "filter_exponent",
                "",
                "1",
                r"\alpha_\delta",
                "filter exponent: -d ln sigma(0) / d ln broadening, 1 where sigma(0) is the filter alone",
            ),
            (
                "filter_limited",
                "",
                "1",
                r"\delta?",
                "whether the static limit is set by the filter: filter exponent above 1/2",
            ),
            (
                "twist_limited",
                "",
                "1",
                r"\theta?",
                "whether the static limit is set by the twist: two-level systems are slower than the ring",
            ),
            (
                "truncated_weight",
                "",
                "1",
                r"p_\mathrm{max}",
                "truncated weight: thermal weight of the highest shell of excitations that is kept",
            ),
            ("mobility", "", "e a^2/hbar", r"\mu", "mobility: static limit of the conductivity per particle"),
            ("density_of_states", "energy", "1/{E}", "N", "density of states"),
            ("scattering_rate", "energy", "{E}", r"\Gamma", "scattering rate: -Im of the self-energy"),
            ("self_energy", "energy", "{E}", r"\Sigma", "self-energy: retarded"),
            ("green_function", "energy", "1/{E}", "G", "local Green function: retarded"),
            (
                "ground_state_energy",
                "",
                "{E}",
                "E_0",
                "ground state energy: of the electron, all two-level systems down being 0",
            ),
            (
                "matsubara_frequency",
                "matsubara",
                "{E}",
                r"\Omega_m",
                "Matsubara frequency",
            ),
            (
                "susceptibility",
                "matsubara",
                "1/{E}",
                r"\chi_0",
                "density response of free fermions: over wave vectors qx, qy, qz of the torus",
            ),
            ("mediated_coupling", "", "{E}", r"J(\Omega)", "strength of the couplings that photons mediate"),
            ("lagrange_multiplier", "", "{E}", r"\lambda", "Lagrange multiplier of the density fluctuations"),
            (
                "local_density_response",
                "matsubara",
                "1/{E}",
                r"D(\Omega)",
                "local density response: mean over wave vectors",
            ),
            ("distance_to_transition", "", "{E}", r"\Delta", "distance to the glass transition"),
            ("square_root_scale", "", "{E}", "A", "energy of the square root in frequency"),
            ("square_root_prefactor", "", "1/{E}^1.5", "c", "prefactor of the square root in frequency"),
            ("thermal_defects", "", "1", "n_i", "thermal defects: excited fraction of the two-level systems"),
            ("converged", "", "1", "ok?", "whether the solution converged"),
            ("residual", "", "1", "r", "residual of the solution"),
            ("dc_conductivity", "", "e^2 a^2/hbar", r"\sigma_\mathrm{dc}", "static conductivity"),
            ("resistivity", "", "hbar/(e^2 a^2)", r"\rho", "resistivity: inverse of the static conductivity"),
            (
                "spectral_weight",
                "",
                "{E} e^2 a^2/hbar^2",
                r"I(\Omega)",
                "spectral weight: integral of the conductivity up to a cutoff",
            ),
            ("cutoff", "", "{E}", r"\Omega", "cutoff of the spectral weight"),
            (
                "peak_frequency",
                "",
                "{E}",
                r"\omega_\mathrm{peak}",
                "peak frequency: of the highest maximum away from zero",
            ),
            (
                "localization_length",
                "",
                "a",
                "L",
                "localization length: from the frequency of the displaced Drude peak",
            ),
            ("sum_rule", "", "1", r"\Delta W / W", "violation of the sum rule: relative to the total weight"),
            (
                "transient_localization_length",
                "",
                "a",
                "L(p)",
                "transient localization length: root mean square displacement within 1/p",
            ),
            ("mean_square_displacement", "time", "a^2", r"\Delta x^2", "mean square displacement"),
            ("diffusivity", "time", "{E} a^2/hbar", "D", "time-dependent diffusivity"),
            (
                "irreversibility_temperature",
                "",
                "{E}",
                "T^*",
                "irreversibility temperature: where two preparations part",
            ),
            ("histogram", "bin", "1", "P", "histogram"),
            ("density", "bin", "1", "p", "probability density: histogram normalised to one"),
            ("moments", "moment", "1", "m_k", "moments: the mean, then central moments"),
            ("correlation", "lag", "1", "C(t)", "correlation function"),
            (
                "stability",
                "matsubara",
                "1",
                r"1 - J^2 \chi_2",
                "stability: eigenvalue of the replicon, 0 in the glass",
            ),
            (
                "density_response",
                "matsubara",
                "1/{E}",
                r"\chi",
                "density response: over wave vectors qx, qy, qz of the torus",
            ),
            (
                "glass_susceptibility",
                "",
                "1/{E}^2",
                r"\chi_\mathrm{glass}",
                "glass susceptibility: infinite at the transition, NaN beyond",
            ),
            (
                "fermion_matsubara_frequency",
                "fermion_matsubara",
                "{E}",
                r"\omega_n",
                "Matsubara frequency of fermions",
            ),
            (
                "fermion_self_energy",
                "fermion_matsubara",
                "{E}",
                r"\Sigma_f",
                "local self-energy of fermions: in imaginary frequency",
            ),
            (
                "edwards_anderson",
                "",
                "1",
                r"q_\mathrm{EA}",
                "Edwards-Anderson parameter: frozen part of the density fluctuations",
            ),
            ("free_energy", "", "{E}", r"\Delta F", "free energy of the couplings: per site"),
            ("critical_coupling", "", "{E}", "J_c", "critical coupling: where the liquid becomes a glass"),
            (
                "critical_coupling_error",
                "",
                "{E}",
                r"\delta J_c",
                "error of the critical coupling: of the grid of wave vectors",
            ),
            (
                "nesting_clamp",
                "",
                "1",
                r"1 + z_0/x_\mathrm{min}",
                "nesting clamp: far below 1 where one density wave drives the transition",
            ),
            (
                "effective_disorder",
                "",
                "{E}",
                r"J n",
                "effective disorder: standard deviation of site energies, of couplings not centred",
            ),
        ),
        *_entries(
            "fit",
            ("tau", "", "sweep", r"\tau", "relaxation time of the stretched exponential"),
            ("exponent", "", "1", r"\alpha", "exponent"),
            ("amplitude", "", "1", "C_0", "amplitude"),
            ("offset", "", "1", r"C_\infty", "offset: plateau at long times"),
            (
                "relaxation_time_1e",
                "",
                "sweep",
                r"\tau_{1/e}",
                "relaxation time: first fall to 1/e of the value at lag 0",
            ),
            ("barrier", "", "{E}", r"\Delta", "energy barrier"),
            ("vogel_temperature", "", "{E}", "T_0", "Vogel temperature"),
            ("prefactor", "", "sweep", r"\tau_0", "prefactor: the limit of high temperature"),
            ("hopping_temperature", "", "{E}", "T_0", "hopping temperature: scale of variable range hopping"),
            (
                "aic",
                "",
                "1",
                r"\mathrm{AIC}",
                "Akaike information criterion: the law with the lowest is preferred",
            ),
            ("chi2", "", "1", r"\chi^2", "sum of squared residuals: weighted where errors were given"),
            ("points", "", "1", "n", "points that were fitted"),
            ("degrees_of_freedom", "", "1", r"\nu", "degrees of freedom: points less free parameters"),
            ("p_value", "", "1", "p", "probability of a larger chi2: NaN where no errors were given"),
            ("at_bound", "", "1", "bound?", "whether a parameter lies on its bound"),
            ("failed_replicates", "", "1", "f", "replicates without a result: of a jackknife or bootstrap"),
            ("success", "", "1", "ok", "whether the fit converged: NaN parameters otherwise"),
        ),
    ]
}


#: Names whose results are in the unit of what they were made of, whatever the registry says of most.
INHERITING = frozenset(
    "amplitude bin bin_left bin_right chi2 correlation dc_conductivity density lag offset "
    "optical_conductivity prefactor relaxation_time_1e resistivity spectral_weight tau".split()
)


@public
def attributes(name: str, *, energy: str = "Vc") -> dict[str, str]:
    """Return the attributes ``units``, ``long_name`` and ``symbol`` of a registered name.

    A dimension or parameter that is a pure number has no unit, for titles and axes of xarray's plots would
    say "[1]" behind it; a result has the unit "1". ``x_stderr`` is derived from ``x``. Raises KeyError for a
    name that is not registered.
    """
    base = name.removesuffix("_stderr")
    if base not in REGISTRY:
        raise NotFoundError(f"{name!r} is not a registered variable; register it in xglass/variables.py")
    entry = REGISTRY[base]
    long_name, symbol = entry.definition.split(":")[0], entry.symbol
    if base != name:
        long_name, symbol = f"standard error of the {long_name}", rf"\delta {symbol}"
    bare = entry.unit == "1" and entry.kind in ("dimension", "parameter")
    unit = {} if bare else {"units": entry.unit.format(E=energy)}
    return unit | {"long_name": long_name, "symbol": symbol}


@public
def stamp(obj: Labelled, *, energy: str = "Vc", **units: str) -> Labelled:
    """Set the registered attributes of a DataArray (by its name) or of every variable of a Dataset.

    xarray carries attributes through arithmetic, so whatever was inherited is replaced.
    ``units`` overrides the unit of single variables (a fit inherits the unit of what it fits).
    Registered coordinates that have no attributes yet receive theirs. Those of a single value come last, in
    the order of the registry: titles of xarray's plots list them as they stand and end after 50 letters, so
    that they name what was selected from the result, then temperature and parameters.
    """
    obj = obj.copy(deep=False)
    results = (
        {str(k): v for k, v in obj.data_vars.items()} if isinstance(obj, xr.Dataset) else {str(obj.name): obj}
    )
    bare = {
        str(k): v for k, v in obj.coords.items() if not v.attrs and str(k).removesuffix("_stderr") in REGISTRY
    }
    for name, variable in {**results, **bare}.items():
        variable.attrs = attributes(name, energy=energy)
        unit = units.get(name, units.get(name.removesuffix("_stderr")))
        if unit is not None:
            variable.attrs["units"] = unit
    if isinstance(obj, xr.DataArray):
        obj.attrs = results[str(obj.name)].attrs
    else:
        obj = obj.assign(results)
    obj = obj.assign_coords({name: variable for name, variable in bare.items()})
    constants = {
        name: obj.coords[name].variable
        for name in REGISTRY
        if name in obj.coords and not obj.coords[name].dims
    }
    return obj.drop_vars(constants).assign_coords(constants)


@public
def energy_unit(obj: xr.DataArray | xr.Dataset) -> str:
    """Unit of the model's energies, read from whichever energy the object carries."""
    for name in ("hopping", "interaction", "T", "t_p", "t", "electrostatic_energy"):
        if name in obj.coords or (isinstance(obj, xr.Dataset) and name in obj):
            return str(obj[name].attrs.get("units", "Vc"))
    return "Vc"
