"""The public names in groups, for the pages that list them. A name that no group holds is an error of the
build."""

from __future__ import annotations

import collections
import inspect
import types

#: Heading -> public names, or modules of a subject whose functions are meant. Order is that of the page.
GROUPS = {
    "Lattices and interactions": ["lattice"],
    "Models": [
        "charge_glass", "electron_tls", "cavity_glass", "random_couplings", "random_site_energy",
        "cavity_couplings", "cavity_site_energy", "confocal_modes", "distance_to_sk",
        "random_parameter",
    ],
    "Solvers: the charge glass": [
        "metropolis", "metropolis_counters", "replica_exchange", "greedy", "diagonalize",
    ],
    "Solvers: one electron and two-level systems": [
        "exact", "ftlm", "typicality", "dmft", "static_disorder",
    ],
    "Solvers: fermions in a cavity": [
        "particle_hole_bubble", "saddle_point", "critical_coupling", "real_frequency_response",
    ],
    "Observables: fermions in a cavity": [
        "density_response", "fermion_scattering_rate", "fermion_self_energy", "glass_susceptibility",
    ],
    "Observables: glass": [
        "autocorrelation", "chi4", "overlap", "structure_factor", "order_parameter", "stripe_order",
        "irreversibility_temperature",
    ],
    "Observables: defects": [
        "defect_density", "occupied_neighbours", "local_stripe_order", "stripe_crossings",
    ],
    "Observables: energies and densities": [
        "electrostatic_energy", "electrostatic_potential", "kinetic_energy", "local_density",
    ],
    "Observables: one-body states": [
        "density_of_states", "spectral_function", "inverse_participation_ratio", "gap_ratio",
    ],
    "Observables: transport": [
        "optical_conductivity", "dc_conductivity", "mobility", "resistivity", "spectral_weight",
        "peak_frequency", "sum_rule", "relaxation_time_approximation", "localization_length",
        "transient_localization_length", "diffusivity", "mean_square_displacement",
        "boltzmann_conductivity", "mott_ioffe_regel",
    ],
    "Dilute defects": ["dilute_defects"],
    "The metallic glass": ["metallic_glass"],
    "Fits": ["fits"],
    "Errors": ["jackknife", "bootstrap"],
    "Labelled mathematics": ["ops"],
    "Units": ["units"],
    "Storage": ["store"],
    "Figures": ["plot"],
    "For tests": ["testing"],
    "For reports": ["show_versions"],
}  # fmt: skip
#: Public without a page: the registry has one of its own, and checks are for those who extend xglass.
ELSEWHERE = {"variables", "checks"}


def flat() -> dict[str, object]:
    """All that can be reached as ``xglass.name``."""
    import xglass

    return {name: getattr(xglass, name) for name in xglass.__all__}


def documented(item: object) -> bool:
    """Functions and classes have a page; an object such as the registry of units explains itself where it is
    used."""
    return inspect.isroutine(item) or inspect.isclass(item)


def members(entry: str, public: dict[str, object]) -> list[str]:
    """The names that one entry of a group stands for: itself, or what its module offers."""
    found = public.get(entry)
    if isinstance(found, types.ModuleType):
        return [f"{entry}.{name}" for name in found.__all__ if documented(getattr(found, name))]
    if found is not None:
        return [entry]
    # A module whose functions are public one by one.
    return [name for name, item in public.items() if getattr(item, "__module__", "") == f"xglass.{entry}"]


def grouped() -> dict[str, list[str]]:
    """Heading -> names, complete and each once, or a ``LookupError`` that says what to mend."""
    public = flat()
    groups = {
        title: [name for entry in group for name in members(entry, public)] for title, group in GROUPS.items()
    }
    entries = {entry for group in GROUPS.values() for entry in group}
    listed = {id(resolve(name)) for group in groups.values() for name in group}  # coulomb is lattice.coulomb
    missing = sorted(
        name for name in public if id(public[name]) not in listed and name not in entries | ELSEWHERE
    )
    empty = sorted(entry for entry in entries if not members(entry, public))
    if missing or empty:
        raise LookupError(
            "docs/tools/names.py: GROUPS does not fit the public names of xglass; "
            f"in no group: {missing}, in a group and not public: {empty}"
        )
    return groups


def modules(title: str) -> list[str]:
    """The public modules of a group."""
    public = flat()
    return [entry for entry in GROUPS[title] if isinstance(public.get(entry), types.ModuleType)]


def pages() -> dict[str, str]:
    """Public name -> name of its page, without ending.

    Where file names have no case, ``store.Progress`` and ``store.progress`` would write one page: of names
    that differ by case only the classes take ``-class`` at the end.
    """
    listed = [name for group in grouped().values() for name in group]
    times = collections.Counter(name.lower() for name in listed)
    twins = {name for name in listed if times[name.lower()] > 1 and inspect.isclass(resolve(name))}
    return {name: f"xglass.{name}" + "-class" * (name in twins) for name in listed}


def resolve(name: str) -> object:
    """What a dotted public name stands for."""
    import xglass

    item: object = xglass
    for part in name.split("."):
        item = getattr(item, part)
    return item


def functions() -> dict[str, object]:
    """Every public function by its name on the pages."""
    items = {name: resolve(name) for group in grouped().values() for name in group}
    return {name: item for name, item in items.items() if inspect.isroutine(item)}
