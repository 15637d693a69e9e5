"""One door to disk: resumable, growable evaluation of anything lazy.

``evaluate`` computes lazy data region by region into a zarr store, goes on where it was stopped and lets runs
grow; ``load`` gives the stored data, lazy; ``progress``, ``failures`` and ``verify`` look at a store from
outside. From the command line: ``python -m xglass.store progress PATH``.
"""

from typing import TYPE_CHECKING

from xglass.messages import elsewhere
from xglass.store.evaluation import EvaluationError, evaluate
from xglass.store.reading import Progress, failures, load, progress
from xglass.store.verification import verify

__all__ = ["EvaluationError", "Progress", "evaluate", "failures", "load", "progress", "verify"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)
