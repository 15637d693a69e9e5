"""ndarray in, ndarray out: all loops and numba kernels of xglass. No labels, no laziness, no units here."""
