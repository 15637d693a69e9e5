"""Complex phases of vectors that are held as pairs of real numbers."""

from __future__ import annotations

from xglass.engine.core.jit import kernel


@kernel
def turned(even, odd):
    """Put even - i odd into ``even``."""
    for n in range(even.size // 2):
        # both results before either is stored: only so does the compiler make vector instructions of it
        real, imaginary = even[2 * n] + odd[2 * n + 1], even[2 * n + 1] - odd[2 * n]
        even[2 * n], even[2 * n + 1] = real, imaginary
