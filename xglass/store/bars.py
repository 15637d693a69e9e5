"""How far an evaluation is, where somebody looks: a bar on a terminal or in a notebook, lines in a file."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from typing import Any

import numpy as np
from tqdm import tqdm

from xglass.store.reading import Progress

__all__ = ["Lines", "bar", "switched_on"]


def __dir__() -> list[str]:
    return __all__


#: Seconds between two lines.
INTERVAL = 30.0

#: The environment variable that switches progress off where no argument can, and its values.
VARIABLE, SWITCH = "XGLASS_PROGRESS", {"on": True, "off": False}


def switched_on(progress: object) -> bool:
    """Whether to show progress, by the argument of that name and the environment.

    Raises TypeError for an argument that is no truth value, ValueError for a variable that is no switch.
    """
    if not isinstance(progress, (bool, np.bool_)):
        raise TypeError(f"progress must be True or False, got {progress!r}")
    switch = os.environ.get(VARIABLE, "on")
    if switch not in SWITCH:
        raise ValueError(f"the environment variable {VARIABLE} must be 'on' or 'off', got {switch!r}")
    return bool(progress) and SWITCH[switch]


def bar(name: str, done: int, total: int, *, shown: bool) -> Any:
    """What is told of every region that is done after the first ``done``, and shows it: a bar of tqdm, or
    :class:`Lines` where standard error is a file.
    """
    options = {"desc": name, "initial": done, "total": total, "unit": "region", "smoothing": 0.1}
    shown = shown and done < total
    if shown and _in_notebook():
        if importlib.util.find_spec("ipywidgets") is not None:
            from tqdm.notebook import tqdm as widget

            return widget(**options)
    elif shown and not sys.stderr.isatty():
        return Lines(name, done, total)
    # the output of a notebook's cell goes back at a carriage return, as a terminal does
    return tqdm(**options, disable=not shown, mininterval=0.2, dynamic_ncols=True, file=sys.stderr)


def _in_notebook() -> bool:
    """Whether this is the kernel of a notebook, which shows a bar although it is no terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


class Lines:
    """Progress in a file: a line every half minute, and one at the end."""

    def __init__(self, name: str, done: int, total: int) -> None:
        self.name, self.done, self.total, self.failed = name, done, total, 0
        self._before, self._begun = done, time.monotonic()
        self._last, self._written = self._begun, ""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()

    def update(self, regions: int) -> None:
        """So many more regions are done."""
        self.done += regions
        if time.monotonic() - self._last >= INTERVAL:
            self._write()

    def set_postfix(self, *, failed: int) -> None:
        """So many regions have failed."""
        self.failed = failed

    def clear(self) -> None:
        """Nothing is to be wiped away before another line."""

    def _write(self) -> None:
        self._last = time.monotonic()
        new = self.done - self._before
        left = (self._last - self._begun) / new * (self.total - self.done) if new else np.nan
        text = f"{self.name}: {Progress(self.done, self.total, self.failed, left)}"
        if text != self._written:
            print(text, file=sys.stderr, flush=True)
        self._written = text
