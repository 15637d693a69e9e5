"""The vectorised loops of the electron on a ring: rotations of all bits of an index, without tables.

Rotations of the bits of an index are perfect shuffles. With quarters q = dimension / 4 and k < q, the four
results 2k, 2k + 1, 2k + 2q and 2k + 2q + 1 of L take the contiguous 4k ... 4k + 3, and those of L^+ take k, k
+ 2q and k + q, k + 3q. So every stream is contiguous, and what remains are shuffles within registers.
Compilers do not find that, hence the loops are written in the intermediate language of LLVM, with vectors of
64 bytes that LLVM splits where a processor has shorter ones. Complex vectors are pairs of real numbers here.

With f the amplitude of L and f* that of L^+, f L v + f* L^+ v = Re f (L v + L^+ v) + i Im f (L v - L^+ v): H
and J share both combinations.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir

from xglass.engine.core.jit import intrinsic, kernel, types

#: Bytes of a vector.
WIDTH = 64


class Loop:
    """Emits loads, stores and arithmetic on vectors of ``lanes`` real numbers."""

    def __init__(self, context, builder, array_type):
        self.builder, self.context = builder, context
        self.scalar = context.get_value_type(array_type.dtype)
        self.size = 4 if isinstance(self.scalar, ir.FloatType) else 8
        self.lanes = WIDTH // self.size
        self.vector = ir.VectorType(self.scalar, self.lanes)

    def pointer(self, array_type, value):
        """Where the numbers of an array begin."""
        return self.context.make_array(array_type)(self.context, self.builder, value).data

    def load(self, base, index, lanes=None):
        """A vector from ``index`` numbers after ``base``."""
        kind = ir.VectorType(self.scalar, lanes or self.lanes)
        place = self.builder.bitcast(self.builder.gep(base, [index]), kind.as_pointer())
        return self.builder.load(place, align=self.size)

    def store(self, value, base, index):
        """Put a vector ``index`` numbers after ``base``."""
        place = self.builder.bitcast(self.builder.gep(base, [index]), self.vector.as_pointer())
        self.builder.store(value, place, align=self.size)

    def constant(self, numbers):
        """A vector of given numbers."""
        return ir.Constant(self.vector, [ir.Constant(self.scalar, x) for x in numbers])

    def spread(self, scalar):
        """A vector of one number."""
        single = self.builder.insert_element(
            ir.Constant(self.vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
        )
        return self.shuffled(single, single, [0] * self.lanes)

    def amplitude(self, pair):
        """Return vectors that multiply complex numbers x by (re, im): re x + im (x with exchanged parts)."""
        re, im = map(self.spread, self.unpacked(pair))
        return re, self.builder.fmul(im, self.constant([-1.0, 1.0] * (self.lanes // 2)))

    def unpacked(self, values):
        """Return the members of a tuple."""
        return [self.builder.extract_value(values, n) for n in range(len(values.type))]

    def shuffled(self, x, y, order):
        """Return numbers of x and y, counted through, in some order."""
        mask = ir.Constant(
            ir.VectorType(ir.IntType(32), len(order)), [ir.Constant(ir.IntType(32), n) for n in order]
        )
        return self.builder.shuffle_vector(x, y, mask)

    def exchanged(self, x, distance):
        """Return numbers of x with those ``distance``, a power of two, apart from them exchanged."""
        return self.shuffled(x, x, [n ^ distance for n in range(self.lanes)])

    def times_plus(self, x, y, z):
        """x y + z in one rounding where the processor has that."""
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.size}"
        function = self.builder.module.globals.get(name) or ir.Function(
            self.builder.module, ir.FunctionType(self.vector, [self.vector] * 3), name
        )
        return self.builder.call(function, [x, y, z])

    def total(self, x):
        """Sum over the lanes, by halves."""
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            low, high = list(range(lanes)), list(range(lanes, 2 * lanes))
            x = self.builder.fadd(self.shuffled(x, x, low), self.shuffled(x, x, high))
        return self.builder.extract_element(x, ir.Constant(ir.IntType(32), 0))

    def count(self, number, step, body, sums=0):
        """for n in range(0, number, step): sums = body(n, sums); returns the sums. At least one round."""
        b = self.builder
        step = step if isinstance(step, ir.Value) else ir.Constant(number.type, step)
        before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
        b.branch(loop)
        b.position_at_end(loop)
        n = b.phi(number.type)
        n.add_incoming(ir.Constant(number.type, 0), before)
        phis = [b.phi(self.vector) for _ in range(sums)]
        for phi in phis:
            phi.add_incoming(self.constant([0.0] * self.lanes), before)
        results = body(n, phis)
        following = b.add(n, step)
        n.add_incoming(following, b.block)
        for phi, result in zip(phis, results, strict=True):
            phi.add_incoming(result, b.block)
        b.cbranch(b.icmp_signed("<", following, number), loop, after)
        b.position_at_end(after)
        return results


def _block(local, flow, dot, carry):
    """One run of a pass over a vector; the flags say which terms it holds.

    run(v, out, flowing, low, (k, number, quarter), hop, stream, (flip, scale, high_i, high_j), keep) -> sum
    of v out in real numbers: results 2k ... 2k + 2 number - 1 and the same + 2 quarter. Amplitudes ``hop``
    and ``stream`` are pairs of real numbers.
    """

    @intrinsic
    def run(typing, v, out, flowing, low, piece, hop, stream, terms, keep):
        def emit(context, builder, signature, arguments):
            b, loop = builder, Loop(context, builder, signature.args[0])
            vp, op, fp, tp = (loop.pointer(signature.args[n], arguments[n]) for n in range(4))
            first, number, quarter = loop.unpacked(arguments[4])
            hop, stream = (loop.amplitude(arguments[n]) for n in (5, 6))
            flip, scale, *high = map(loop.spread, loop.unpacked(arguments[7]))
            keep = loop.spread(arguments[8])
            lanes, pairs = loop.lanes, loop.lanes // 2
            # complex numbers 0, 2, ... and 1, 3, ... of two vectors; those of two halves of a vector in turn
            even = [x for p in range(0, 2 * pairs, 2) for x in (2 * p, 2 * p + 1)]
            odd = [x + 2 for x in even]
            woven = [x for p in range(0, pairs, 2) for x in (p, p + 1, pairs + p, pairs + p + 1)]

            def twice(place):
                """Place of a complex number among real ones."""
                return b.mul(place, ir.Constant(number.type, 2))

            def combined(plus, turned, amplitude):
                return loop.times_plus(plus, amplitude[0], b.fmul(turned, amplitude[1]))

            def body(n, sums):
                at = b.add(first, n)
                source = twice(twice(twice(at)))
                x, y = loop.load(vp, source), loop.load(vp, b.add(source, ir.Constant(number.type, lanes)))
                results = []
                for side in range(2):
                    # L v and L^+ v
                    left = loop.shuffled(x, y, odd if side else even)
                    start = b.add(at, quarter) if side else at
                    opposite = b.add(start, twice(quarter))
                    ends = (loop.load(vp, twice(place), pairs) for place in (start, opposite))
                    right = loop.shuffled(*ends, woven)
                    place = twice(b.add(twice(at), twice(quarter)) if side else twice(at))
                    # the hop, from their sum and their difference
                    plus, minus = b.fadd(left, right), b.fsub(left, right)
                    turned = loop.exchanged(minus, 1)
                    result = combined(plus, turned, hop)
                    if local or dot:
                        mine = loop.load(vp, place)
                    if local:  # the diagonal, and the flip of bit 0
                        table = loop.load(tp, twice(twice(n)))
                        result = loop.times_plus(mine, loop.times_plus(table, scale, high[side]), result)
                        result = loop.times_plus(loop.exchanged(mine, 2), flip, result)
                    if carry:
                        result = loop.times_plus(loop.load(op, place), keep, result)
                    loop.store(result, op, place)
                    if flow:
                        loop.store(combined(plus, turned, stream), fp, place)
                    if dot:
                        results.append(loop.times_plus(mine, result, sums[side]))
                return results

            sums = loop.count(number, pairs // 2, body, sums=2 if dot else 0)
            return loop.total(b.fadd(*sums)) if dot else ir.Constant(loop.scalar, 0.0)

        real = v.dtype
        kinds = types.UniTuple(types.intp, 3), *(types.UniTuple(real, n) for n in (2, 2, 4)), real
        return real(v, out, flowing, low, *kinds), emit

    return run


_fresh = _block(local=True, flow=False, dot=False, carry=False)
_carrying = _block(local=True, flow=False, dot=False, carry=True)
_hops = _block(local=False, flow=False, dot=False, carry=False)
_lanczos = _block(local=True, flow=False, dot=True, carry=False)
_lanczos_flow = _block(local=True, flow=True, dot=True, carry=False)


@intrinsic
def _row(typing, v, out, table, places, size, stride, forth, back, terms, keep):
    """One row of a pass: row(v, out, table, (here, before, after), size, stride, forth, back, terms, keep).

    Places and ``size`` count real numbers. Amplitudes ``forth`` (from the row before) and ``back`` (from the
    row after) are pairs of real numbers; the terms are (flip, scale, level, own): the flip exchanges numbers
    ``stride`` apart, and the diagonal is scale table + level + own in the lower of two such numbers, - own in
    the upper.
    """

    def emit(context, builder, signature, arguments):
        b, loop = builder, Loop(context, builder, signature.args[0])
        vp, op, tp = (loop.pointer(signature.args[n], arguments[n]) for n in range(3))
        here, before, after = loop.unpacked(arguments[3])
        size, stride = arguments[4:6]
        forth, back = (loop.amplitude(arguments[n]) for n in (6, 7))
        flip, scale, level, own = map(loop.spread, loop.unpacked(arguments[8]))
        keep = loop.spread(arguments[9])

        def piece(start, number, other, energy, carry):
            """Write results from ``start`` on; other(place, numbers there) is what flips to them."""

            def body(n, sums):
                at = b.add(start, n)
                place = b.add(here, at)
                # the hops from both neighbours
                x, y = loop.load(vp, b.add(before, at)), loop.load(vp, b.add(after, at))
                result = loop.times_plus(x, forth[0], b.fmul(y, back[0]))
                result = loop.times_plus(loop.exchanged(x, 1), forth[1], result)
                result = loop.times_plus(loop.exchanged(y, 1), back[1], result)
                # the flip, and the diagonal
                mine = loop.load(vp, place)
                result = loop.times_plus(other(place, mine), flip, result)
                result = loop.times_plus(mine, loop.times_plus(loop.load(tp, at), scale, energy), result)
                if carry:
                    result = loop.times_plus(loop.load(op, place), keep, result)
                loop.store(result, op, place)
                return []

            loop.count(number, loop.lanes, body)

        def within(distance, carry):
            """The flip stays within a vector."""
            sign = loop.constant([-1.0 if n & distance else 1.0 for n in range(loop.lanes)])
            energy = b.fadd(level, b.fmul(own, sign))
            zero = ir.Constant(size.type, 0)
            piece(zero, size, lambda place, mine: loop.exchanged(mine, distance), energy, carry)

        def beyond(carry):
            """The flip leads ``stride`` numbers away."""
            lower, upper = b.fadd(level, own), b.fsub(level, own)

            def pair(s, sums):
                piece(s, stride, lambda place, mine: loop.load(vp, b.add(place, stride)), lower, carry)
                t = b.add(s, stride)
                piece(t, stride, lambda place, mine: loop.load(vp, b.sub(place, stride)), upper, carry)
                return []

            loop.count(size, b.add(stride, stride), pair)

        def row(carry):
            for distance in (1, 2, 4, 8):
                if distance < loop.lanes:
                    with b.if_then(b.icmp_signed("==", stride, ir.Constant(stride.type, distance))):
                        within(distance, carry)
            with b.if_then(b.icmp_signed(">=", stride, ir.Constant(stride.type, loop.lanes))):
                beyond(carry)

        nothing = b.fcmp_ordered("==", arguments[9], ir.Constant(loop.scalar, 0.0))
        with b.if_else(nothing) as (alone, with_old):
            with alone:  # the old ``out`` may hold anything, NaN too
                row(carry=False)
            with with_old:
                row(carry=True)
        return context.get_dummy_value()

    real = v.dtype
    kinds = (
        types.UniTuple(types.intp, 3),
        types.intp,
        types.intp,
        *(types.UniTuple(real, n) for n in (2, 2, 4)),
        real,
    )
    return types.void(v, out, table, *kinds), emit


# --- blocks: complex numbers as pairs; at least 2^5 of them ------------------------------------------------


@kernel
def block_step(v, out, hop_re, hop_im, flip, low, high, a, b, c):
    """``out = a (f L + f* L^+ + flip sx_0 + diagonal) v + b v + c out``.

    The diagonal of i is low[low bits of i] (each twice) + high[high bits].
    """
    quarter, run = v.size // 8, low.size // 4
    blocks = quarter // run
    hop, none = (a * hop_re, a * hop_im), (c, c)
    for r in range(blocks):
        piece = (r * run, run, quarter)
        terms = (a * flip, a, a * high[r] + b, a * high[r + blocks] + b)
        if c == 0:
            _fresh(v, out, out, low, piece, hop, none, terms, c)
        else:
            _carrying(v, out, out, low, piece, hop, none, terms, c)


@kernel
def block_shifts(v, out, hop_re, hop_im):
    """``out = (f L + f* L^+) v``."""
    quarter, zero = v.size // 8, v.dtype.type(0)
    none = (zero, zero)
    _hops(v, out, out, v, (0, quarter, quarter), (hop_re, hop_im), none, (zero, zero, zero, zero), zero)


@kernel
def block_lanczos(v, out, hop_re, hop_im, flip, low, high):
    """``out = H v``; returns Re <v|H v>."""
    quarter, run, total = v.size // 8, low.size // 4, 0.0
    zero, one = v.dtype.type(0), v.dtype.type(1)
    blocks = quarter // run
    for r in range(blocks):
        piece, terms = (r * run, run, quarter), (flip, one, high[r], high[r + blocks])
        total += _lanczos(v, out, out, low, piece, (hop_re, hop_im), (zero, zero), terms, zero)
    return total


@kernel
def block_lanczos_flow(v, out, flow, hop_re, hop_im, flow_re, flow_im, flip, low, high):
    """``out = H v`` and ``flow = J v``; returns Re <v|H v>."""
    quarter, run, total = v.size // 8, low.size // 4, 0.0
    zero, one = v.dtype.type(0), v.dtype.type(1)
    blocks = quarter // run
    for r in range(blocks):
        piece, terms = (r * run, run, quarter), (flip, one, high[r], high[r + blocks])
        total += _lanczos_flow(v, out, flow, low, piece, (hop_re, hop_im), (flow_re, flow_im), terms, zero)
    return total


# --- rows: real numbers, or complex ones as pairs; at least 2^5 in a row -----------------------------------


@kernel
def row_step(v, out, parts, hop_re, hop_im, g, g_z, energy, diagonal, a, b, c):
    """``out = a H v + b v + c out`` on rows (site of the electron, configuration).

    Entries have ``parts`` real numbers. The amplitude of the hop from j to j + 1 is hop[j]; ``diagonal``
    holds the energy of each configuration ``parts`` times.
    """
    sites, size = g.size, diagonal.size
    for j in range(sites):
        before, after = (j - 1) % sites, (j + 1) % sites
        places = (j * size, before * size, after * size)
        forth, back = (a * hop_re[before], a * hop_im[before]), (a * hop_re[j], -a * hop_im[j])
        terms = (-a * g[j], a, a * energy[j] + b, a * g_z[j])
        _row(v, out, diagonal, places, size, parts << j, forth, back, terms, c)


@kernel
def row_shifts(v, out, hop, parity):
    """``out[j] = hop[j - 1] v[j - 1] + parity conj(hop[j]) v[j + 1]``."""
    sites, size = v.shape
    for j in range(sites):
        before, after = (j - 1) % sites, (j + 1) % sites
        forth, back = hop[before], parity * np.conj(hop[j])
        for s in range(size):
            out[j, s] = forth * v[before, s] + back * v[after, s]


# --- where configurations are chosen: by tables of indices --------------------------------------------------


@kernel
def table_step(v, out, forth, back, left, right, flip, weight, diagonal, a, b, c):
    """``out = a H v + b v + c out`` in a block."""
    for i in range(v.size):
        w = (
            a * (forth * v[left[i]] + back * v[right[i]] + weight[i] * v[flip[i]] + diagonal[i] * v[i])
            + b * v[i]
        )
        out[i] = w if c == 0 else w + c * out[i]


@kernel
def table_shifts(v, out, forth, back, left, right):
    """``out = (forth L + back L^+) v`` in a block."""
    for i in range(v.size):
        out[i] = forth * v[left[i]] + back * v[right[i]]


@kernel
def table_row_step(v, out, hop, g, g_z, energy, diagonal, flips, states, a, b, c):
    """``out = a H v + b v + c out`` on rows.

    Configuration s goes to flips[j, s] when site j flips; to itself where that is not kept.
    """
    sites, size = v.shape
    for j in range(sites):
        before, after = (j - 1) % sites, (j + 1) % sites
        forth, back = hop[before], np.conj(hop[j])
        for s in range(size):
            x, other = v[j, s], flips[j, s]
            sign = -g_z[j] if states[s] >> j & 1 else g_z[j]
            w = a * (forth * v[before, s] + back * v[after, s] + (energy[j] + diagonal[s] + sign) * x) + b * x
            if other != s:
                w -= a * (g[j] * v[j, other])
            out[j, s] = w if c == 0 else w + c * out[j, s]
