"""What benchmarks share: functions that are timed in turns, so that a slow moment of the machine hits all."""

from __future__ import annotations

import time
from collections.abc import Callable


def interleaved(
    *functions: Callable[[], object], rounds: int = 5, clock: Callable[[], float] = time.process_time
) -> list[float]:
    """Best time of each function over rounds in which all take turns; one round to warm up."""
    best = [float("inf")] * len(functions)
    for r in range(rounds + 1):
        for k, function in enumerate(functions):
            begin = clock()
            function()
            if r:
                best[k] = min(best[k], clock() - begin)
    return best
