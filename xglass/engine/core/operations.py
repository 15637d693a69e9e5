"""Operations: the functions of ours that dask sees, each known by a name and a revision of its own.

dask names a lazy array after the functions that make it, and a function after its file. By that name a store
knows its data again, so that moving a file would cut every store off from its chain. Hence an operation is
named once and for all; where it stands, and what Python calls it, is free. Its revision is raised when it
computes other numbers, and only then.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Callable
from typing import Any, TypeVar

#: Version of the rule by which chains are known. New stores carry it; those without were made before there
#: was a rule. 1: operations have names and revisions. 2: what axes are called is left out.
IDENTITY_VERSION = 2

#: Name -> revision of every operation whose module is loaded.
REVISIONS: dict[str, int] = {}

#: Name -> where its function stands: two functions of one name would be one to dask.
_PLACES: dict[str, str] = {}

#: Words joined by underscores, and dots before variants. dask splits names at hyphens.
_NAME = re.compile(r"[a-z]\w*(\.[a-z]\w*)*", re.ASCII)

Function = TypeVar("Function", bound=Callable[..., Any])


def operation(name: str, revision: int = 1) -> Callable[[Function], Function]:
    """Name a module-level function for dask and for stores; a decorator that gives the function back.

    Parameters
    ----------
    name : str
        The public name of what it computes, "exact"; a part that is computed apart has a dot more,
        "exact.stiffness".
    revision : int
        Whole number from 1 that rises with every change of the numbers it computes.

    Returns
    -------
    callable
        The decorator. The function stays what it is, pickled by reference and looked up where it stands; only
        its ``__name__``, of which dask makes names of arrays, is now the name.

    Raises
    ------
    ValueError
        If another function has the name, or the name or the revision is none.
    TypeError
        For what cannot be pickled by reference: a lambda, a method, a function in a function.

    Examples
    --------
    >>> @operation("half")
    ... def halved(x):
    ...     return x / 2
    >>> halved.__dask_tokenize__(), halved(3.0)
    (('xglass', 'half', 1), 1.5)
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"operation: a name is made of words such as 'exact.stiffness', got {name!r}")
    if isinstance(revision, bool) or not isinstance(revision, int) or revision < 1:
        raise ValueError(f"operation: the revision of {name!r} is a whole number from 1, got {revision!r}")

    def named(function: Function) -> Function:
        place = f"{function.__module__}.{function.__qualname__}"
        if not function.__qualname__.isidentifier():
            raise TypeError(
                f"operation: {place} must be a function of a module, so that it is pickled by its name"
            )
        if _PLACES.setdefault(name, place) != place:
            raise ValueError(f"operation: {name!r} is {_PLACES[name]} already; {place} needs another name")
        REVISIONS[name] = revision
        function.__name__ = name
        vars(function)["__dask_tokenize__"] = lambda: ("xglass", name, revision)
        return function

    return named


def known(function: Any) -> tuple[str, int] | None:
    """Name and revision of an operation, also inside of partial; None for any other object."""
    while isinstance(function, functools.partial):
        function = function.func
    if not isinstance(function, types.FunctionType) or "__dask_tokenize__" not in vars(function):
        return None
    owner, *token = vars(function)["__dask_tokenize__"]()
    return (token[0], token[1]) if owner == "xglass" else None
