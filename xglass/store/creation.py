"""How a part comes into being: whole, with everything but its regions, or not at all."""

from __future__ import annotations

import uuid
import warnings
from pathlib import Path
from typing import Any

import dask.array as da
import xarray as xr
import zarr
import zarr.errors

from xglass.store import chunks, disk, folders, seal, unfinished
from xglass.store.regions import Regions


def create(target: Path, data: xr.Dataset, regions: Regions, attributes: dict[str, Any]) -> None:
    """Make a part that has everything but its regions: under another name first, so that it is there whole or
    not at all.

    Does nothing if the part has come into being meanwhile.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{uuid.uuid4().hex}.partial"
    empty = data.copy(deep=False).drop_encoding()
    for name, array in regions.arrays.items():
        empty[name] = (data[name].dims, da.zeros(array.shape, dtype=array.dtype, chunks=-1), data[name].attrs)
    empty.attrs = {**data.attrs, **attributes, "xglass_store": disk.FORMAT, seal.MARK: seal.RULE}
    encoding = {str(name): chunks.encoding(variable.dtype) for name, variable in empty.variables.items()}
    for name in regions.arrays:
        encoding[name]["chunks"] = regions.chunk_shape(name)
        encoding[name]["fill_value"] = chunks.missing(regions.arrays[name].dtype)
    try:
        with (
            warnings.catch_warnings()
        ):  # strings of fixed length are bytes in every version of zarr, specified or not
            warnings.simplefilter("ignore", zarr.errors.UnstableSpecificationWarning)
            empty.to_zarr(
                temporary,
                mode="w-",
                compute=False,
                consolidated=False,
                zarr_format=3,
                encoding=encoding,
                safe_chunks=False,
            )
        group = zarr.open_group(temporary, mode="r+").create_group("regions")
        shape, flat = regions.grid.shape, {"name": "default", "configuration": {"separator": "."}}
        grid: dict[str, Any] = {
            "dims": [*regions.grid.bounds],
            "bounds": [list(bounds) for bounds in regions.grid.bounds.values()],
        }
        marks: Any = {"chunk_key_encoding": flat, "compressors": None, "fill_value": 0}
        group.create_array(
            "done", shape=shape, chunks=(1,) * len(shape), dtype="uint64", attributes=grid, **marks
        )
        group.create_array(
            "error",
            shape=(*shape, disk.ERROR_BYTES),
            chunks=(*(1,) * len(shape), disk.ERROR_BYTES),
            dtype="uint8",
            **marks,
        )
        seal.write(temporary, seal.before(target))
        unfinished.hide(temporary)
        disk.Part(temporary)  # whole, or not at all
        if target.exists():
            target.rmdir()  # an empty folder is as good as none; one with content stays
        temporary.rename(target)
    except BaseException as error:
        folders.remove(temporary)
        if (target / "zarr.json").exists() and isinstance(error, Exception):
            return  # another process was quicker, and may have swept what was half made here
        if isinstance(error, OSError):
            raise OSError(
                error.errno, f"store {str(target)!r} cannot be created: {error.strerror or error}"
            ) from error
        raise
