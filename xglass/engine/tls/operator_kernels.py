"""The vectorised loops of the electron on a ring: rotations of all bits of an index, without tables.

Rotations of the bits of an index are perfect shuffles. With quarters q = dimension / 4 and k < q, the four
results 2k, 2k + 1, 2k + 2q and 2k + 2q + 1 of L take the contiguous 4k ... 4k + 3, and those of L^+ take k, k
+ 2q and k + q, k + 3q. So every stream is contiguous and what remains are shuffles within registers.
Compilers do not find that, hence the loops are written in the intermediate language of LLVM, with vectors of
64 bytes that LLVM splits where a processor has shorter ones. Complex vectors are pairs of real numbers here.

With f the amplitude of L and f* that of L^+, f L v + f* L^+ v = Re f (L v + L^+ v) + i Im f (L v - L^+ v): H
and J share both combinations.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from xglass.engine.core.jit import kernel

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
        return self.context.make_array(array_type)(self.context, self.builder, value).data

    def load(self, base, index, lanes=None):
        kind = ir.VectorType(self.scalar, lanes or self.lanes)
        place = self.builder.bitcast(self.builder.gep(base, [index]), kind.as_pointer())
        return self.builder.load(place, align=self.size)

    def store(self, value, base, index):
        place = self.builder.bitcast(self.builder.gep(base, [index]), self.vector.as_pointer())
        self.builder.store(value, place, align=self.size)

    def constant(self, numbers):
        return ir.Constant(self.vector, [ir.Constant(self.scalar, x) for x in numbers])

    def spread(self, scalar):
        single = self.builder.insert_element(
            ir.Constant(self.vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
        )
        return self.shuffled(single, single, [0] * self.lanes)

    def shuffled(self, x, y, order):
        mask = ir.Constant(
            ir.VectorType(ir.IntType(32), len(order)), [ir.Constant(ir.IntType(32), n) for n in order]
        )
        return self.builder.shuffle_vector(x, y, mask)

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
            x = self.builder.fadd(
                self.shuffled(x, x, list(range(lanes))), self.shuffled(x, x, list(range(lanes, 2 * lanes)))
            )
        return self.builder.extract_element(x, ir.Constant(ir.IntType(32), 0))

    def count(self, number, step, body, sums=0):
        """for n in range(0, number, step): sums = body(n, sums); returns the sums."""
        b = self.builder
        before, loop, after = b.block, b.append_basic_block("loop"), b.append_basic_block("after")
        b.branch(loop)
        b.position_at_end(loop)
        n = b.phi(number.type)
        n.add_incoming(ir.Constant(number.type, 0), before)
        phis = [b.phi(self.vector) for _ in range(sums)]
        for phi in phis:
            phi.add_incoming(self.constant([0.0] * self.lanes), before)
        results = body(n, phis)
        following = b.add(n, ir.Constant(number.type, step))
        n.add_incoming(following, b.block)
        for phi, result in zip(phis, results, strict=True):
            phi.add_incoming(result, b.block)
        b.cbranch(b.icmp_signed("<", following, number), loop, after)
        b.position_at_end(after)
        return results


def _shuffle(local, flow, dot, carry):
    """One run of a pass over a vector; the flags say which terms it holds.

    run(v, out, flowing, low, k, number, quarter, hop_re, hop_im, flow_re, flow_im, flip, scale, high_i,
    high_j, keep) -> sum of v out in real numbers: results 2k ... 2k + 2 number - 1 and the same + 2 quarter.
    """

    @intrinsic
    def run(
        typing,
        v,
        out,
        flowing,
        low,
        k,
        number,
        quarter,
        hop_re,
        hop_im,
        flow_re,
        flow_im,
        flip,
        scale,
        high_i,
        high_j,
        keep,
    ):
        def emit(context, builder, signature, arguments):
            kinds = signature.args
            loop = Loop(context, builder, kinds[0])
            vp, op, fp, tp = (loop.pointer(kinds[n], arguments[n]) for n in range(4))
            first, count, q = arguments[4:7]
            lanes, pairs = loop.lanes, loop.lanes // 2
            sign = loop.constant([-1.0, 1.0] * pairs)
            hop, hop_i = loop.spread(arguments[7]), builder.fmul(loop.spread(arguments[8]), sign)
            stream, stream_i = loop.spread(arguments[9]), builder.fmul(loop.spread(arguments[10]), sign)
            flips, scales, high = (
                loop.spread(arguments[11]),
                loop.spread(arguments[12]),
                [loop.spread(arguments[n]) for n in (13, 14)],
            )
            keeps = loop.spread(arguments[15])
            even = [x for p in range(0, 2 * pairs, 2) for x in (2 * p, 2 * p + 1)]
            odd = [x + 2 for x in even]
            woven = [
                x for p in range(pairs // 2) for x in (2 * p, 2 * p + 1, pairs + 2 * p, pairs + 2 * p + 1)
            ]
            swapped = [x ^ 1 for x in range(lanes)]
            flipped = [x ^ 2 for x in range(lanes)]

            def number_of(value):
                return ir.Constant(count.type, value)

            def body(n, sums):
                b = builder
                at = b.add(first, n)  # k, in complex numbers
                two, four = b.mul(at, number_of(2)), b.mul(at, number_of(4))
                x, y = (
                    loop.load(vp, b.mul(four, number_of(2))),
                    loop.load(vp, b.add(b.mul(four, number_of(2)), number_of(lanes))),
                )
                results = []
                for side in range(2):
                    left = loop.shuffled(x, y, odd if side else even)
                    start = b.add(at, q) if side else at
                    opposite = b.add(start, b.mul(q, number_of(2)))
                    right = loop.shuffled(
                        loop.load(vp, b.mul(start, number_of(2)), pairs),
                        loop.load(vp, b.mul(opposite, number_of(2)), pairs),
                        woven,
                    )
                    place = b.mul(b.add(two, b.mul(q, number_of(2))) if side else two, number_of(2))
                    plus, minus = b.fadd(left, right), b.fsub(left, right)
                    turned = loop.shuffled(minus, minus, swapped)
                    result = loop.times_plus(plus, hop, b.fmul(turned, hop_i))
                    if local or dot:
                        own = loop.load(vp, place)
                    if local:
                        table = loop.load(tp, b.mul(n, number_of(4)))
                        energy = loop.times_plus(table, scales, high[side])
                        result = loop.times_plus(own, energy, result)
                        result = loop.times_plus(loop.shuffled(own, own, flipped), flips, result)
                    if carry:
                        result = loop.times_plus(loop.load(op, place), keeps, result)
                    loop.store(result, op, place)
                    if flow:
                        loop.store(loop.times_plus(plus, stream, b.fmul(turned, stream_i)), fp, place)
                    if dot:
                        results.append(loop.times_plus(own, result, sums[side]))
                return results

            found = loop.count(count, pairs // 2, body, sums=2 if dot else 0)
            if not dot:
                return ir.Constant(loop.scalar, 0.0)
            return loop.total(builder.fadd(*found))

        return v.dtype(v, out, flowing, low, types.intp, types.intp, types.intp, *([v.dtype] * 9)), emit

    return run


def _row(stride, carry):
    """One run along a row; the flip exchanges numbers ``stride`` lanes apart, or (0) leads to another run,
    ``away`` from this one.

    run(v, out, table, at, before, after, away, level, number, forth_re, forth_im, back_re, back_im, flip,
    scale, energy, own, keep); places count real numbers, ``level`` is that in the table of energies.
    ``energy`` is added to the diagonal and so is ``own``, with the sign of the lane where the flip is within
    a vector.
    """

    @intrinsic
    def run(
        typing,
        v,
        out,
        table,
        at,
        before,
        after,
        away,
        level,
        number,
        forth_re,
        forth_im,
        back_re,
        back_im,
        flip,
        scale,
        energy,
        own,
        keep,
    ):
        def emit(context, builder, signature, arguments):
            loop = Loop(context, builder, signature.args[0])
            vp, op, tp = (loop.pointer(signature.args[n], arguments[n]) for n in range(3))
            at, before, after, away, level, number = arguments[3:9]
            sign = loop.constant([-1.0, 1.0] * (loop.lanes // 2))
            forth, forth_i, back, back_i, flips, scales, energies, owns, keeps = map(
                loop.spread, arguments[9:]
            )
            forth_i, back_i = builder.fmul(forth_i, sign), builder.fmul(back_i, sign)
            if stride:
                owns = builder.fmul(
                    owns, loop.constant([-1.0 if n & stride else 1.0 for n in range(loop.lanes)])
                )
            energies = builder.fadd(energies, owns)
            swapped, flipped = [x ^ 1 for x in range(loop.lanes)], [x ^ stride for x in range(loop.lanes)]

            def body(n, sums):
                b = builder
                place = b.add(at, n)
                mine, x, y = (
                    loop.load(vp, place),
                    loop.load(vp, b.add(before, n)),
                    loop.load(vp, b.add(after, n)),
                )
                result = loop.times_plus(x, forth, b.fmul(y, back))
                if complex_:
                    result = loop.times_plus(loop.shuffled(x, x, swapped), forth_i, result)
                    result = loop.times_plus(loop.shuffled(y, y, swapped), back_i, result)
                other = loop.shuffled(mine, mine, flipped) if stride else loop.load(vp, b.add(place, away))
                result = loop.times_plus(other, flips, result)
                diagonal = loop.times_plus(loop.load(tp, b.add(level, n)), scales, energies)
                result = loop.times_plus(mine, diagonal, result)
                if carry:
                    result = loop.times_plus(loop.load(op, place), keeps, result)
                loop.store(result, op, place)
                return []

            loop.count(number, loop.lanes, body)
            return context.get_dummy_value()

        complex_ = True
        real = v.dtype
        return types.void(v, out, table, *([types.intp] * 6), *([real] * 9)), emit

    return run


_plain = _shuffle(local=True, flow=False, dot=False, carry=False)
_carrying = _shuffle(local=True, flow=False, dot=False, carry=True)
_shifts = _shuffle(local=False, flow=False, dot=False, carry=False)
_lanczos = _shuffle(local=True, flow=False, dot=True, carry=False)
_lanczos_flow = _shuffle(local=True, flow=True, dot=True, carry=False)
_row0, _row1, _row2, _row4, _row8 = (_row(stride, carry=False) for stride in (0, 1, 2, 4, 8))
_keep0, _keep1, _keep2, _keep4, _keep8 = (_row(stride, carry=True) for stride in (0, 1, 2, 4, 8))


# --- blocks: complex numbers as pairs; at least 2^5 of them
# ---------------------------------------------------------------


@kernel
def block_step(v, out, hop_re, hop_im, flip, low, high, a, b, c):
    """out = a (f L + f* L^+ + flip sx_0 + diagonal) v + b v + c out;
    the diagonal of i is low[low bits of i] (each twice) + high[high bits].
    """
    quarter, run = v.size // 8, low.size // 4
    blocks = quarter // run
    for r in range(blocks):
        first, second = a * high[r] + b, a * high[r + blocks] + b
        if c == 0:
            _plain(
                v,
                out,
                out,
                low,
                r * run,
                run,
                quarter,
                a * hop_re,
                a * hop_im,
                c,
                c,
                a * flip,
                a,
                first,
                second,
                c,
            )
        else:
            _carrying(
                v,
                out,
                out,
                low,
                r * run,
                run,
                quarter,
                a * hop_re,
                a * hop_im,
                c,
                c,
                a * flip,
                a,
                first,
                second,
                c,
            )


@kernel
def block_shifts(v, out, hop_re, hop_im):
    """out = (f L + f* L^+) v."""
    quarter, zero = v.size // 8, 0 * hop_re
    _shifts(v, out, out, v, 0, quarter, quarter, hop_re, hop_im, zero, zero, zero, zero, zero, zero, zero)


@kernel
def block_lanczos(v, out, hop_re, hop_im, flip, low, high, one):
    """out = H v and Re <v|H v>."""
    quarter, run, zero, total = v.size // 8, low.size // 4, 0 * one, 0.0
    blocks = quarter // run
    for r in range(blocks):
        total += _lanczos(
            v,
            out,
            out,
            low,
            r * run,
            run,
            quarter,
            hop_re,
            hop_im,
            zero,
            zero,
            flip,
            one,
            high[r],
            high[r + blocks],
            zero,
        )
    return total


@kernel
def block_lanczos_flow(v, out, flow, hop_re, hop_im, flow_re, flow_im, flip, low, high, one):
    """out = H v, flow = J v and Re <v|H v>."""
    quarter, run, zero, total = v.size // 8, low.size // 4, 0 * one, 0.0
    blocks = quarter // run
    for r in range(blocks):
        total += _lanczos_flow(
            v,
            out,
            flow,
            low,
            r * run,
            run,
            quarter,
            hop_re,
            hop_im,
            flow_re,
            flow_im,
            flip,
            one,
            high[r],
            high[r + blocks],
            zero,
        )
    return total


# --- rows: real numbers, or complex ones as pairs; at least 2^5 in a row ------------------------------------


@kernel
def row_step(v, out, parts, hop_re, hop_im, g, g_z, energy, diagonal, a, b, c):
    """out = a H v + b v + c out on rows (site of the electron, configuration) of ``parts`` real numbers per
    entry.

    The amplitude of the hop from j to j + 1 is hop[j]; ``diagonal`` holds the energy of each configuration
    ``parts`` times.
    """
    sites, size, lanes = g.size, diagonal.size, 64 // v.itemsize
    for j in range(sites):
        here, before, after = j * size, (j - 1) % sites * size, (j + 1) % sites * size
        k = (j - 1) % sites
        fr, fi, br, bi = a * hop_re[k], a * hop_im[k], a * hop_re[j], -a * hop_im[j]
        flip, own, level, stride = -a * g[j], a * g_z[j], a * energy[j] + b, parts << j
        if stride >= lanes:
            for s in range(0, size, 2 * stride):
                t = s + stride
                p, q, r, u, x, y = here + s, before + s, after + s, here + t, before + t, after + t
                if c == 0:
                    _row0(
                        v, out, diagonal, p, q, r, stride, s, stride, fr, fi, br, bi, flip, a, level, own, c
                    )
                    _row0(
                        v, out, diagonal, u, x, y, -stride, t, stride, fr, fi, br, bi, flip, a, level, -own, c
                    )
                else:
                    _keep0(
                        v, out, diagonal, p, q, r, stride, s, stride, fr, fi, br, bi, flip, a, level, own, c
                    )
                    _keep0(
                        v, out, diagonal, u, x, y, -stride, t, stride, fr, fi, br, bi, flip, a, level, -own, c
                    )
        elif c == 0:
            if stride == 1:
                _row1(
                    v, out, diagonal, here, before, after, 0, 0, size, fr, fi, br, bi, flip, a, level, own, c
                )
            elif stride == 2:
                _row2(
                    v, out, diagonal, here, before, after, 0, 0, size, fr, fi, br, bi, flip, a, level, own, c
                )
            elif stride == 4:
                _row4(
                    v, out, diagonal, here, before, after, 0, 0, size, fr, fi, br, bi, flip, a, level, own, c
                )
            else:
                _row8(
                    v, out, diagonal, here, before, after, 0, 0, size, fr, fi, br, bi, flip, a, level, own, c
                )
        elif stride == 1:
            _keep1(v, out, diagonal, here, before, after, 0, 0, size, fr, fi, br, bi, flip, a, level, own, c)
        elif stride == 2:
            _keep2(v, out, diagonal, here, before, after, 0, 0, size, fr, fi, br, bi, flip, a, level, own, c)
        elif stride == 4:
            _keep4(v, out, diagonal, here, before, after, 0, 0, size, fr, fi, br, bi, flip, a, level, own, c)
        else:
            _keep8(v, out, diagonal, here, before, after, 0, 0, size, fr, fi, br, bi, flip, a, level, own, c)


@kernel
def row_shifts(v, out, hop, parity):
    """out[j] = hop[j - 1] v[j - 1] + parity conj(hop[j]) v[j + 1]."""
    sites, size = v.shape
    for j in range(sites):
        before, after = (j - 1) % sites, (j + 1) % sites
        forth, back = hop[before], parity * np.conj(hop[j])
        for s in range(size):
            out[j, s] = forth * v[before, s] + back * v[after, s]


# --- where configurations are chosen: by tables of indices --------------------------------------------------


@kernel
def table_step(v, out, forth, back, left, right, flip, weight, diagonal, a, b, c):
    """out = a H v + b v + c out in a block."""
    for i in range(v.size):
        w = (
            a * (forth * v[left[i]] + back * v[right[i]] + weight[i] * v[flip[i]] + diagonal[i] * v[i])
            + b * v[i]
        )
        out[i] = w if c == 0 else w + c * out[i]


@kernel
def table_shifts(v, out, forth, back, left, right):
    """out = (forth L + back L^+) v in a block."""
    for i in range(v.size):
        out[i] = forth * v[left[i]] + back * v[right[i]]


@kernel
def table_row_step(v, out, hop, g, g_z, energy, diagonal, flips, states, a, b, c):
    """out = a H v + b v + c out on rows; flips[j, s] is where configuration s goes,
    itself where that is not kept.
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
