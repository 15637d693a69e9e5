"""The three-term recursion on vectors of real numbers."""

from __future__ import annotations

import numpy as np

from xglass.engine.core.jit import intrinsic, kernel, types
from xglass.engine.tls.operator_kernels import Loop


@intrinsic
def _mixed_run(typing, w, x, y, at, number, a, b, c):
    """One run of ``w = a w + b x + c y``; returns the sum of the new w squared."""

    def emit(context, builder, signature, arguments):
        loop = Loop(context, builder, signature.args[0])
        wp, xp, yp = (loop.pointer(signature.args[n], arguments[n]) for n in range(3))
        at, number = arguments[3:5]
        aa, bb, cc = map(loop.spread, arguments[5:])

        def body(n, sums):
            place = builder.add(at, n)
            result = loop.times_plus(loop.load(xp, place), bb, builder.fmul(loop.load(wp, place), aa))
            result = loop.times_plus(loop.load(yp, place), cc, result)
            loop.store(result, wp, place)
            return [loop.times_plus(result, result, sums[0])]

        return loop.total(loop.count(number, loop.lanes, body, sums=1)[0])

    return w.dtype(w, x, y, types.intp, types.intp, *([w.dtype] * 3)), emit


@kernel
def mixed(w, x, y, a, b, c):
    """``w = a w + b x + c y``; returns the new |w|^2, added up in double precision from short sums."""
    size, run, total = w.size, 2048, 0.0
    whole = size // run * run
    for at in range(0, whole, run):
        total += _mixed_run(w, x, y, at, run, a, b, c)
    for n in range(whole, size):
        w[n] = a * w[n] + b * x[n] + c * y[n]
        total += np.float64(w[n]) ** 2
    return total
