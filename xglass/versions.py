"""What a report about xglass should hold: versions, the machine, and where kernels are kept."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterator
from typing import TextIO

from xglass.messages import public

__all__ = ["show_versions"]


def __dir__() -> list[str]:
    return __all__


@public
def show_versions(file: TextIO | None = None) -> None:
    """Print versions of xglass and of all it stands on, the machine, and where kernels are kept.

    Put the output under a report of a fault, or beside results that are to be compared bit for bit with those
    of another machine.

    Parameters
    ----------
    file : text file, optional
        Where to print; default standard output.

    Examples
    --------
    >>> import xglass as xg
    >>> xg.show_versions()  # doctest: +ELLIPSIS
    xglass ...
    """
    for heading, entries in (
        ("", [("xglass", importlib.metadata.version("xglass"))]),
        ("machine", [*_machine()]),
        ("packages", [*_packages()]),
        ("extras", [*_packages("viz", "distributed")]),
    ):
        if heading:
            print(f"\n{heading}", file=file)
        for name, text in entries:
            print(f"{name:<24} {text}", file=file)


def _machine() -> Iterator[tuple[str, str]]:
    """What results and their speed depend on besides packages."""
    import threadpoolctl

    from xglass.engine.core import jit
    from xglass.store import provenance

    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "system", platform.platform()
    yield "processor", provenance.environment()["cpu"]
    yield "cores", f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()}"
    for library in threadpoolctl.threadpool_info():
        if library["user_api"] == "blas":
            architecture = f", {library['architecture']}" if library.get("architecture") else ""
            yield "BLAS", f"{library['internal_api']} {library['version']}{architecture}"
    yield "kernels", jit.cache_folder() or "not kept: no folder can be written, set XGLASS_CACHE"


def _packages(*extras: str) -> Iterator[tuple[str, str]]:
    """The packages that xglass asks for, always or with these extras, and what is installed of each."""
    for requirement in importlib.metadata.requires("xglass") or []:
        wanted, _, marker = requirement.partition(";")
        extra = re.search(r"extra == ['\"](\w+)", marker)
        package = re.split(r"[^\w.-]", wanted.strip(), maxsplit=1)[0]
        if package != "xglass" and (extra[1] in extras if extra else not extras):
            try:
                yield package, importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                yield package, "not installed"
