"""Operations: one name for dask, for stores and for people, wherever the function stands."""

import functools
import pickle
import types

import cloudpickle
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask.base import tokenize

from xglass.engine.core import conductivity, operations
from xglass.engine.core.operations import known, operation


def twice(x, *, by=2.0):
    return by * x


@pytest.fixture(autouse=True)
def _registered_for_this_test_only(monkeypatch):
    monkeypatch.setattr(operations, "REVISIONS", dict(operations.REVISIONS))
    monkeypatch.setattr(operations, "_PLACES", dict(operations._PLACES))


def standing(module, name, like=twice):
    """A function as if it stood in another module, under another name."""
    function = types.FunctionType(like.__code__, like.__globals__, name, like.__defaults__, like.__closure__)
    function.__kwdefaults__, function.__module__, function.__qualname__ = like.__kwdefaults__, module, name
    return function


def test_the_decorator_gives_the_function_back():
    function = standing("a.module", "double")
    assert operation("test.double", 3)(function) is function
    assert function(2.0) == 4.0
    assert function.__dask_tokenize__() == ("xglass", "test.double", 3)
    assert (function.__name__, function.__qualname__) == ("test.double", "double")
    assert operations.REVISIONS["test.double"] == 3
    assert (
        known(function) == known(functools.partial(functools.partial(function), by=3.0)) == ("test.double", 3)
    )
    assert known(twice) is known(np.sum) is known(operation) is known("double") is known(da.ones(2)) is None


def made(function, width):
    """A lazy array of an operation: through partial and apply_ufunc, blockwise, and map_blocks."""
    x = xr.DataArray(da.arange(4.0, chunks=2), dims="x")
    ufunc = xr.apply_ufunc(function, x, kwargs={"by": width}, dask="parallelized", output_dtypes=[float])
    blocks = da.blockwise(function, "i", x.data, "i", by=width, dtype=float, meta=np.empty(0))
    mapped = x.data.map_blocks(functools.partial(function, by=width), dtype=float, meta=np.empty(0))
    return [ufunc.data.name, blocks.name, mapped.name]


def test_where_a_function_stands_and_what_it_is_called_is_free():
    here, there = standing("a.module", "double"), standing("another", "_two_times")
    assert tokenize(here) != tokenize(there)
    assert all(a != b for a, b in zip(made(here, 2.0), made(there, 2.0), strict=True))
    operation("test.double")(here)
    operations._PLACES.clear()  # as in another process, with another tree
    operation("test.double")(there)
    assert tokenize(here) == tokenize(there)
    assert tokenize(functools.partial(here, by=3.0)) == tokenize(functools.partial(there, by=3.0))
    assert made(here, 2.0) == made(there, 2.0)
    assert all(name.startswith("test.double-") for name in made(here, 2.0)[1:])  # the first is transposed


def test_options_names_and_revisions_tell_operations_apart():
    operation("test.double")(first := standing("a", "f"))
    operation("test.other")(other := standing("a", "g"))
    tokens = {
        tokenize(functools.partial(first, by=2.0)),
        tokenize(functools.partial(first, by=3.0)),
        tokenize(other),
    }
    operations._PLACES.clear()
    operation("test.double", 2)(raised := standing("a", "f"))
    assert len({*tokens, tokenize(first), tokenize(raised)}) == 5
    assert not set(made(first, 2.0)) & set(made(raised, 2.0))


def test_pickled_by_reference():
    for dumps in (pickle.dumps, cloudpickle.dumps):
        packed = dumps(functools.partial(conductivity.peaks, window=(0.0, 1.0)))
        assert len(packed) < 200
        assert pickle.loads(packed).func is conductivity.peaks


def test_a_name_is_given_once():
    operation("test.double")(standing("a.module", "double"))
    operation("test.double")(standing("a.module", "double"))  # its module was loaded again
    with pytest.raises(
        ValueError, match=r"'test.double' is a.module.double already; b.double needs another name"
    ):
        operation("test.double")(standing("b", "double"))


@pytest.mark.parametrize("name", ["", "Exact", "a-b", "a b", ".a", "a.", "a..b", "_a", "1a", "é", None, 5])
def test_names_are_words(name):
    with pytest.raises(ValueError, match="a name is made of words such as 'exact.stiffness', got"):
        operation(name)


@pytest.mark.parametrize("revision", [0, -1, 1.0, True, "1", None])
def test_revisions_are_whole_numbers_from_one(revision):
    with pytest.raises(ValueError, match="the revision of 'test.a' is a whole number from 1, got"):
        operation("test.a", revision)


def test_what_is_pickled_by_value_is_no_operation():
    class Holder:
        def method(self):
            """A method."""

    for function in (lambda x: x, Holder.method):
        with pytest.raises(
            TypeError, match="must be a function of a module, so that it is pickled by its name"
        ):
            operation("test.a")(function)
