"""How the work of a solver is cut into tasks, and how its engine is applied to them.

A solver declares its inputs and outputs and applies a plain function of numpy arrays: dimensions of the model
are loops, which dask may cut, and the dimensions that belong to one point are core. What is cut is a guess of
work alone: no number depends on it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import xarray as xr

from xglass.checks import whole_number

logger = logging.getLogger(__name__)

#: An array, and the dimensions that a task takes as a whole.
Input = tuple[xr.DataArray, list[str]]

#: Core dimensions of a result, and its type.
Output = tuple[list[str], Any]

#: Size of blocks, or the size of each, along the dimensions that may be cut; None: nothing is lazy.
Plan = Mapping[str, int | tuple[int, ...]] | None

#: What chunks="auto" aims at for one task: seconds of work, bytes of results; and the most tasks there are.
TASK_SECONDS, TASK_BYTES, MOST_TASKS = 1.0, 64e6, 10_000


def loops(inputs: Iterable[Input]) -> dict[str, int]:
    """Return the sizes of the dimensions that may be cut, in the order of the results."""
    return {str(dim): size for array, core in inputs for dim, size in array.sizes.items() if dim not in core}


def planned(
    chunks: Any,
    sizes: Mapping[str, int],
    *,
    caller: str = "solver",
    hidden: Iterable[str] = (),
    whole: bool = False,
    seconds: float = math.inf,
    nbytes: float = 0.0,
    least: int = 1,
) -> dict[str, int] | None:
    """Decide how loops are cut.

    Parameters
    ----------
    chunks : "auto", dict or None
        The argument of the solver: sizes along the dimensions that it names, "auto", or None (compute now).
    sizes : dict
        Sizes of the loops, in the order of the results; the last are gathered into one task first.
    caller : str
        Who asks, for the log of what "auto" chose.
    hidden : iterable of str
        Loops that users do not see; "auto" decides about them always.
    whole : bool
        Whether dimensions that a dict does not name stay in one block; otherwise they are cut as by "auto".
    seconds, nbytes : float
        Guess of work and size of results at one point. By default every point is a task.
    least : int
        Number of tasks to cut into at least what takes longer than one task should.

    Returns
    -------
    dict or None
        Size of the blocks along every loop.

    Raises
    ------
    ValueError
        If ``chunks`` is nothing of the kind, or names what cannot be cut.
    """
    if chunks is None:
        return None
    plan = _automatic(sizes, seconds, nbytes, least)
    if isinstance(chunks, str) and chunks == "auto":
        _say(caller, plan, sizes)
        return plan
    if not isinstance(chunks, dict):
        raise ValueError(f"chunks must be 'auto', a dict {{dimension: size}} or None, got {chunks!r}")
    free = [dim for dim in sizes if dim not in hidden]
    for dim, size in chunks.items():
        if dim not in free:
            raise ValueError(f"chunks: {dim!r} cannot be chunked; dimensions to chunk are {sorted(free)}")
        if size != -1:
            whole_number(f"chunks[{dim!r}]", size)
    # in full and within bounds: equal cuts are equal graphs, however they were written
    wanted = (dict.fromkeys(free, -1) if whole else {}) | chunks
    return plan | {dim: sizes[dim] if n == -1 else min(n, sizes[dim]) for dim, n in wanted.items()}


def _say(caller: str, plan: dict[str, int], sizes: Mapping[str, int]) -> None:
    """Log what "auto" chose."""
    number = math.prod(math.ceil(sizes[dim] / size) for dim, size in plan.items())
    cuts = ", ".join(f"{size} of {sizes[dim]} {dim.lstrip('_')}" for dim, size in plan.items())
    logger.info("%s: chunks='auto' makes %d tasks of %s", caller, number, cuts or "one point")


def _automatic(sizes: Mapping[str, int], seconds: float, nbytes: float, least: int) -> dict[str, int]:
    """Return blocks of about equal size, of about as many points as a task should have."""
    points = math.prod(sizes.values())
    budget = TASK_SECONDS / seconds
    if points * seconds > TASK_SECONDS:  # a few seconds of work are still worth sharing
        budget = min(budget, points / least)
    if nbytes:
        budget = min(budget, TASK_BYTES / nbytes)
    budget = max(budget, points / MOST_TASKS if seconds < math.inf else 1.0, 1.0)
    plan = {}
    for dim, length in reversed([*sizes.items()]):
        tasks = math.ceil(length / max(1, min(length, int(budget))))
        plan[dim] = math.ceil(length / tasks)
        budget /= plan[dim]
    return plan


def cut(array: xr.DataArray, core: list[str], plan: Plan) -> xr.DataArray:
    """An array without its labels, in blocks; core dimensions are not cut.

    Labels are for users: index coordinates are never lazy, and alignment was done where the model was made.
    """
    bare = xr.DataArray(array.variable)
    if plan is None:
        return bare.compute()
    return bare.chunk({dim: -1 if dim in core else plan.get(str(dim), -1) for dim in bare.dims})


def applied(
    function: Callable[..., Any],
    inputs: Mapping[str, Input],
    outputs: Mapping[str, Output],
    plan: Plan,
    *,
    settings: Mapping[str, Any] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> dict[str, xr.DataArray]:
    """Apply an engine to blocks of its inputs.

    Parameters
    ----------
    function : callable
        Plain function of numpy arrays, loops first and broadcasting against each other, core dimensions last;
        returns an array for every output. dask sends it to workers by its name.
    inputs : dict
        Arrays in the order in which the function takes them, each with its core dimensions.
    outputs : dict
        Core dimensions and type of every result.
    plan : dict or None
        Blocks, from :func:`planned`; None computes now.
    settings : dict, optional
        Keyword arguments of the function: the same for all points.
    sizes : dict, optional
        Sizes of core dimensions that only outputs have.

    Returns
    -------
    dict of DataArray
        The outputs over loops and their own dimensions, lazy but without a plan.
    """
    every, given = loops(inputs.values()), dict(inputs)
    if plan is not None:
        # dask warns where no input has as many blocks as the result, and xarray computes at once where no
        # input has a dimension: one is repeated along all loops
        one = next((name for name, (_, core) in given.items() if not core), next(iter(given)))
        array, core = given[one]
        full = array.variable.set_dims(every | {str(dim): array.sizes[dim] for dim in core})
        given[one] = xr.DataArray(full if full.dims else full.chunk()), core
    results = xr.apply_ufunc(
        function,
        *(cut(array, core, plan) for array, core in given.values()),
        kwargs=dict(settings or {}),
        input_core_dims=[core for _, core in inputs.values()],
        output_core_dims=[dims for dims, _ in outputs.values()],
        dask="parallelized",
        output_dtypes=[dtype for _, dtype in outputs.values()],
        dask_gufunc_kwargs={"output_sizes": dict(sizes or {})},
    )
    return dict(zip(outputs, results if len(outputs) > 1 else [results], strict=True))
