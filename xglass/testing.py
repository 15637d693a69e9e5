"""For tests, ours and those of users: tiny models, strategies for property tests,
and a guard against hidden work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import xarray as xr

from xglass.lattice.cells import triangular
from xglass.messages import elsewhere, public
from xglass.models.charge_glass import charge_glass
from xglass.solvers.metropolis import metropolis

__all__ = ["Computed", "chunkings", "count_computes", "forbid_compute", "tiny_glass", "tiny_run"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)


class Computed(AssertionError):
    """Something lazy was computed where nothing may be."""


@public
@contextlib.contextmanager
def forbid_compute() -> Iterator[None]:
    """Within this context every dask computation raises :class:`xglass.testing.Computed`.

    Examples
    --------
    >>> import xglass as xg
    >>> with xg.testing.forbid_compute():
    ...     C = xg.autocorrelation(xg.testing.tiny_run(), waiting_time=0)
    """
    import dask

    def refuse(*_: Any, **__: Any) -> None:
        raise Computed("a lazy chain computed")

    with dask.config.set(scheduler=refuse):
        yield


@public
@contextlib.contextmanager
def count_computes() -> Iterator[list[int]]:
    """Count the graphs that dask computes within the context, in the first entry of the list it gives.

    Examples
    --------
    >>> import xglass as xg
    >>> with xg.testing.count_computes() as count:
    ...     _ = xg.testing.tiny_run().compute()
    >>> count
    [1]
    """
    import dask

    count = [0]

    def get(graph: Any, keys: Any, **_: Any) -> Any:
        count[0] += 1
        return dask.get(graph, keys)

    with dask.config.set(scheduler=get):
        yield count


@public
def tiny_glass(**parameters: Any) -> xr.Dataset:
    """The 4 x 4 triangular charge glass with two anisotropies.

    ``parameters`` replace those of :func:`xglass.charge_glass`.

    Examples
    --------
    >>> import xglass as xg
    >>> xg.testing.tiny_glass(eta=-1.0).sizes["site"]
    16
    """
    defaults: dict[str, Any] = {"t_p": 0.12, "eta": [-1.0, -0.5], "self_image": "include"}
    return charge_glass(triangular(4), **(defaults | parameters))


@public
def tiny_run(model: xr.Dataset | None = None, **arguments: Any) -> xr.Dataset:
    """A lazy run of :func:`xglass.testing.tiny_glass`: two temperatures, three walkers, four sweeps.

    ``arguments`` replace those of :func:`xglass.metropolis`.

    Examples
    --------
    >>> import xglass as xg
    >>> xg.testing.tiny_run(sweep=8).sizes["sweep"]
    9
    """
    defaults: dict[str, Any] = {"T": [0.05, 0.1], "walker": 3, "sweep": 4, "seed": 7}
    return metropolis(tiny_glass() if model is None else model, **(defaults | arguments))


@public
def chunkings(sizes: dict[str, int]) -> Any:
    """A strategy of Hypothesis: chunk sizes for the named dimensions.

    Examples
    --------
    >>> import xglass as xg
    >>> strategy = xg.testing.chunkings({"T": 2, "walker": 3})
    """
    from hypothesis import strategies as st

    return st.fixed_dictionaries({dim: st.integers(1, size) for dim, size in sizes.items()})
