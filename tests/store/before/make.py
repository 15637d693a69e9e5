"""How stores.zip was made: stores of the tree before operations were named, where a file names a function.

    PYTHONPATH=CHECKOUT python tests/store/before/make.py

with a checkout of commit 2b02512. Not to be run with a later tree: the archive is there because it is old.
"""

import hashlib
import json
import pathlib
import sys
import tempfile
import zipfile

import numpy as np
import xarray as xr

import xglass as xg
from xglass.store import provenance

HERE = pathlib.Path(__file__).parent


def run(**arguments):
    """A run of the 4 x 4 glass whose walkers are tasks of their own."""
    defaults = {"T": [0.05, 0.1], "walker": 2, "sweep": 2, "chunks": {"walker": 1}}
    return xg.testing.tiny_run(xg.testing.tiny_glass(eta=-0.5), **defaults | arguments)


def chain(**parameters):
    """A ring of three sites, swept over omega0."""
    return xg.electron_tls(xg.lattice.chain(3), **{"g": 1.0, "omega0": [0.2, 1.0]} | parameters)


GRID = {"T": [0.5, 1.0], "frequency": [0.0, 0.5, 1.0]}
VECTORS = {"broadening": 0.3, "random_vectors": 2, "seed": 5}

#: Data that no solver gave as they are: each is known by the operations of its chain.
SPECTRA = {
    "exact": lambda: xg.exact(chain(), broadening=[0.2, 0.4], **GRID),
    "ftlm": lambda: xg.ftlm(chain(omega0=[0.2, 0.4]), **GRID, **VECTORS),
    "typicality": lambda: xg.typicality(chain(), **GRID, **VECTORS),
    "dmft": lambda: xg.dmft(chain(), energy=[-1.0, 0.0, 1.0], **GRID),
    "static_disorder": lambda: xg.static_disorder(
        chain(omega0=0.0, g=[0.5, 1.0]), broadening=0.2, sites=8, realization=3, seed=3, **GRID
    ),
}

#: Of the stored run "grown": an observable, and what dask and xarray alone make of it.
OBSERVED = {
    "autocorrelation": lambda stored: xg.autocorrelation(stored, waiting_time=[0, 1]),
    "mean": lambda stored: stored["electrostatic_energy"].mean("sweep"),
}


def digests(data):
    """A digest of the bits of every variable, coordinates included."""
    data = data.to_dataset(name="value") if isinstance(data, xr.DataArray) else data
    return {
        str(name): hashlib.blake2b(np.ascontiguousarray(v.values).tobytes(), digest_size=8).hexdigest()
        for name, v in data.compute(scheduler="sync").variables.items()
    }


def main():
    """Make every store, half of one of them, and pack them."""
    folder = pathlib.Path(tempfile.mkdtemp())

    def evaluate(data, name, **options):
        return xg.store.evaluate(data, folder / f"{name}.zarr", progress=False, **options)

    computed = {}
    evaluate(run(), "half", shard="1/2")  # the second walker is not there
    evaluate(run(), "grown")
    stored = evaluate(run(T=[0.05, 0.1, 0.2], sweep=3), "grown")
    computed["grown"] = digests(run(T=[0.05, 0.1, 0.2], sweep=3))
    for name, make in OBSERVED.items():
        evaluate(make(stored), name)
        computed[name] = digests(make(stored))
    evaluate(OBSERVED["mean"](stored), "half_mean", shard="1/2")
    for name, make in SPECTRA.items():
        data = make()
        evaluate(data, name)
        computed[name] = digests(data)
    with zipfile.ZipFile(HERE / "stores.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("digests.json", json.dumps(computed, indent=1))
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                content = file.read_bytes().replace(provenance._cpu().encode(), b"a processor of that time")
                archive.writestr(str(file.relative_to(folder)), content)


if __name__ == "__main__":
    sys.exit(main())
