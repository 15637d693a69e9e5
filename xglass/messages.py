"""What all errors and warnings say in the same way: the keyword that was meant, the module in which a name
stands, a key without quotes, the line of the user that a warning is about.

The first room: it knows the names and signatures of the package, and none of its content.
"""

from __future__ import annotations

import ast
import difflib
import functools
import importlib.util
import inspect
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

__all__ = ["NoSuchNameError", "NotFoundError", "elsewhere", "homes", "public", "warn"]


def __dir__() -> list[str]:
    return __all__


PACKAGE = Path(__file__).parent

Public = TypeVar("Public", bound=Callable[..., Any])

#: Keyword -> what the field, or another library, calls the same.
SYNONYMS: dict[str, str] = {
    "T": "temperature temperatures temp temps kT k_T",
    "bins": "nbins n_bins",
    "blocks": "n_blocks nblocks folds",
    "broadening": "eps epsilon eta delta gamma smearing width linewidth resolution",
    "bonds": "edges links neighbours neighbors",
    "chunks": "chunksize chunk_size",
    "cutoff": "omega_max frequency_max upto",
    "dim": "axis dims along over dimension",
    "energy": "E energies nu",
    "eta": "anisotropy",
    "every": "stride thin thinning interval",
    "filling": "density occupation n",
    "frequency": "frequencies freq freqs omega omegas w hw",
    "g": "coupling lam lamda",
    "hopping": "t t_c tc hoppings hopping_integral",
    "interaction": "U V interactions coulomb",
    "lag": "time times delay t",
    "lanczos_steps": "M steps krylov_steps",
    "max_excitations": "nmax n_max cutoff truncation",
    "momentum": "k q momenta",
    "omega0": "omega w0 splitting delta",
    "progress": "verbose progressbar show_progress",
    "q": "k wave_vector wavevector momentum",
    "random_vectors": "R vectors n_vectors n_random samples n_samples",
    "rate": "gamma p eta",
    "realization": "disorder samples n_samples n_realizations",
    "resamples": "samples n_samples n_boot n_bootstrap n_resamples replicates",
    "scale": "unit energy_scale energy_unit",
    "seed": "rng random_state random_seed",
    "site_energy": "disorder onsite on_site W fields field",
    "spacing": "lattice_constant a lattice_spacing",
    "start": "init initial initial_state state",
    "stderr": "error errors err sigma yerr std errs uncertainty",
    "strength": "W width disorder std",
    "sweep": "steps n_sweeps mc_steps iterations n_steps time",
    "t": "hopping hoppings J tc",
    "t_p": "t hopping_p",
    "time": "times t lag",
    "twist": "flux phase momentum",
    "units": "unit to",
    "waiting_time": "tw t_w waiting age",
    "walker": "replica replicas chain trajectory trajectories n_walkers",
    "weight": "method hamiltonian",
    "window": "range limits bounds",
}

#: Words for a function of a keyword.
EXPRESSIONS: dict[str, tuple[str, str]] = {
    "beta": ("T", "T=1/beta"),
    "inverse_temperature": ("T", "T=1/inverse_temperature"),
    "tau": ("rate", "rate=1/tau"),
}


class NotFoundError(KeyError):
    """A KeyError whose text is a sentence: it prints as it is, where KeyError prints the repr of a key."""

    def __str__(self) -> str:
        return str(self.args[0]) if len(self.args) == 1 else super().__str__()


class NoSuchNameError(AttributeError):
    """An AttributeError that says where the name stands. It looks for it when it is printed: whoever asks
    whether a module has a name, as imports do, does not wait for that.
    """

    def __init__(self, module: str, name: str) -> None:
        # Python adds a guess of its own to errors whose object it knows
        super().__init__(module, name, name=name, obj=None)

    def __str__(self) -> str:
        module, name = self.args
        return f"module {module!r} has no attribute {name!r}{_place(name)}"


def _place(name: str) -> str:
    """Where a public name stands, or one that is spelt like it."""
    names = homes()
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
    if name not in names and not close:
        return ""
    places = names[name if name in names else close[0]]
    if name not in names:
        return f"; did you mean {' or '.join(places)}?"
    return f"; it is {places[0]}" if len(places) == 1 else f"; there are {' and '.join(places)}"


@functools.cache
def homes() -> dict[str, list[str]]:
    """Every public name and where it stands, ["xg.fits.arrhenius", "xg.plot.arrhenius"].

    Modules are read and not imported: they may be slow, or need an extra that is not installed.
    """
    found: dict[str, list[str]] = {}
    for name in sys.modules["xglass"].__all__:
        found.setdefault(name, []).append(f"xg.{name}")
        spec = importlib.util.find_spec(f"xglass.{name}")
        for inner in _listed(Path(spec.origin)) if spec is not None and spec.origin else []:
            found.setdefault(inner, []).append(f"xg.{name}.{inner}")
    return found


def _listed(path: Path) -> list[str]:
    """The names in ``__all__`` of a file."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def elsewhere(module: str) -> Callable[[str], NoReturn]:
    """The ``__getattr__`` of a public module."""

    def __getattr__(name: str) -> NoReturn:
        raise NoSuchNameError(module, name)

    return __getattr__


def public(function: Public) -> Public:
    """Let a public function say which keyword was meant by one that it does not have; a decorator.

    Parameters
    ----------
    function : callable
        A function of a module. What comes back has its name, place, signature and documentation, is pickled
        as it is, and has its token of dask.

    Returns
    -------
    callable
        The function, which raises TypeError with a hint for a keyword that is not among its own.

    Examples
    --------
    >>> @public
    ... def simulate(model, *, T, walker=1):
    ...     return T
    >>> simulate(None, temperature=0.1)
    Traceback (most recent call last):
    TypeError: simulate() got an unexpected keyword argument 'temperature'; did you mean T?
    """
    code = inspect.unwrap(function).__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    known = frozenset(names)
    hands_on = bool(code.co_flags & inspect.CO_VARKEYWORDS)

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if not known.issuperset(kwargs):
            free = [name for name in names[len(args) :] if name not in kwargs]
            hints = {word: _meant(word, free) for word in kwargs if word not in known}
            raise TypeError(_unexpected(function.__name__, hints, names))
        return function(*args, **kwargs)

    @functools.wraps(function)
    def handing_on(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return function(*args, **kwargs)
        except (TypeError, AttributeError) as error:  # of whoever was handed the other keywords
            refused = re.search(r"unexpected keyword argument '(\w+)'", str(error))
            if refused is None or refused[1] not in kwargs:
                raise
            free = [name for name in names[len(args) :] if name not in kwargs]
            if not (meant := _meant(refused[1], free)):
                raise
            raise TypeError(_unexpected(function.__name__, {refused[1]: meant}, names)) from error

    return handing_on if hands_on else called  # type: ignore[return-value]


def _unexpected(function: str, hints: dict[str, str], names: tuple[str, ...]) -> str:
    """The message for keywords that a function does not have, with what was meant by each."""
    if len(hints) > 1:
        said = [f"{word!r}" + (f" (did you mean {meant}?)" if meant else "") for word, meant in hints.items()]
        return f"{function}() got unexpected keyword arguments {', '.join(said)}"
    ((word, meant),) = hints.items()
    advice = f"did you mean {meant}?" if meant else f"it takes {', '.join(names) or 'none'}"
    return f"{function}() got an unexpected keyword argument {word!r}; {advice}"


def _meant(word: str, free: list[str]) -> str:
    """The arguments, of those that are free, that may be meant by a word; empty if there is none."""
    if word in EXPRESSIONS and EXPRESSIONS[word][0] in free:
        return EXPRESSIONS[word][1]
    same = [name for name in free if _plain(name) == _plain(word) or word in SYNONYMS.get(name, "").split()]
    plain = {_plain(name): name for name in free}
    close = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.7)
    return " or ".join(same or [plain[name] for name in close])


def _plain(word: str) -> str:
    return word.replace("_", "").lower()


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of the line, outside of the package, that led here."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and Path(frame.f_code.co_filename).is_relative_to(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)
