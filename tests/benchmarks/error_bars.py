"""Coverage of error bars on real trajectories: how often value +- error holds what many more walkers say.

    python tests/benchmarks/error_bars.py [--sets 200] [--resamples 100] [--weight classical]

Triangular lattice L = 6 at four temperatures, waiting time 20, sets of 30 walkers. The truth is the same
estimator on all walkers (at least 3000). Coverage of 1 and 1.96 errors, nominally .683 and .950, for
relaxation times, exponent and the barrier of the four temperatures; fits without an error are left out, and
"kept" is the share of the others. Processor time at the end: about 3 minutes for jackknife and bootstrap of
200 sets (2 ms a fit). With ``--weight kinetic`` the simulation takes most of it, 0.1 s a walker.
"""

import argparse
import functools
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

import xglass as xg

T = [0.06, 0.07, 0.08, 0.1]
WALKERS = 30
NAMES = ["relaxation_time_1e", "tau", "exponent", "barrier"]


def curves(sets: int, weight: str, folder: Path, seed: int = 11) -> xr.DataArray:
    """Autocorrelation (T, walker, lag) of all walkers; simulated once for each folder."""
    path = folder / f"coverage-{weight}-{sets}-{seed}.npz"
    lags = 60 if weight == "classical" else 40
    if not path.exists():
        glass = xg.charge_glass(xg.lattice.triangular(6), t_p=0.12, eta=-1.0)
        parts = []
        for walkers in np.array_split(np.arange(sets * WALKERS), -(-sets * WALKERS // 1500)):
            run = xg.metropolis(
                glass, T=T, walker=walkers, sweep=20 + lags, weight=weight, seed=seed, chunks=None
            )
            C = xg.autocorrelation(run, waiting_time=[20]).isel(waiting_time=0, lag=slice(0, lags + 1))
            parts.append(C.transpose("T", "walker", "lag").values)
        np.savez(path, C=np.concatenate(parts, axis=1))
    C = np.load(path)["C"]
    return xr.DataArray(C, dims=("T", "walker", "lag"), coords={"T": T, "lag": np.arange(C.shape[2])})


def times(C: xr.DataArray) -> xr.Dataset:
    """Times and exponent of the mean curve, and the barrier of the model-free time."""
    fit = xg.fits.stretched_exponential(C.mean("walker"))
    return fit.merge(xg.fits.arrhenius(fit["relaxation_time_1e"])[["barrier"]])


def covered(C: xr.DataArray, resample) -> dict[str, list[dict[str, float]]]:
    """For each name and temperature: coverage of one and 1.96 errors, and the share that has an error."""
    truth = times(C)
    sets = C.coarsen(walker=WALKERS).construct(walker=("set", "walker"))
    result = resample(times, sets, dim="walker")
    table = {}
    for name in NAMES:
        error = result[f"{name}_stderr"]
        pull = abs(result[name] - truth[name]) / error
        there = np.isfinite(pull)
        rows = xr.Dataset(
            {"one": (pull < 1).where(there).mean("set"), "two": (pull < 1.96).where(there).mean("set")}
        ).assign(kept=there.mean("set"))
        points = [rows.isel(T=i) for i in range(len(T))] if "T" in rows.dims else [rows]
        table[name] = [{key: float(row[key]) for key in ("one", "two", "kept")} for row in points]
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--weight", default="classical", choices=["classical", "kinetic"])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    started = time.process_time()
    C = curves(options.sets, options.weight, options.folder)
    print(f"{C.sizes['walker']} walkers, {options.weight}: {time.process_time() - started:.0f} s")
    methods = {
        "jackknife of 20": functools.partial(xg.jackknife, blocks=20),
        f"bootstrap of {options.resamples}": functools.partial(
            xg.bootstrap, resamples=options.resamples, seed=1
        ),
    }
    for method, resample in methods.items():
        for name, rows in covered(C, resample).items():
            for temperature, row in zip(T if len(rows) > 1 else ["all"], rows, strict=True):
                print(
                    f"{method:18} {name:19} T = {temperature!s:4} "
                    f"{row['one']:.3f} / {row['two']:.3f}, kept {row['kept']:.3f}"
                )
    print(f"{time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
