# %% [markdown]
# # What frustrates the charge glass: interactions or hopping
#
# **What is asked.** Salts that differ little in structure differ by orders of magnitude in how fast they must
# be quenched to become a glass. Is it the anisotropy of the repulsion between neighbours, at most 15 per
# cent, or that of the hopping? And does the glass need the long range of the repulsion? These are the claims
# of the introduction and of the conclusions of Fratini, Driscoll, Ciuchi and Ralko, *A quantum theory of the
# nearly frozen charge glass*, SciPost Phys. 14, 124 (2023), which the paper does not compute. The quick form
# takes under a minute; `--full`, with quantum walkers on 12 x 12 sites, about three hours (estimated).
#
# **The models.** Classical holes at half filling on a triangular lattice that is stretched along its rows:
# the repulsion of neighbours is $V_c$ along the rows and $V_p$ along the diagonals, with the mean $V = (V_c
# V_p^2)^{1/3}$ kept at 1. The same on the regular lattice with a repulsion of nearest neighbours only, $U_1 =
# V$. And holes with hopping of ratio $\eta = t_c/t_p$ on the regular lattice.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from _common import FRATINI, PAGE, Measured, Statements, letters, parse_args, save, save_table, sequential

import xglass as xg

options = parse_args("Relaxation times against anisotropy of the repulsion and of the hopping, and its range")
form, sites = ("full", 12) if options.full else ("quick", 6)
classical = {"walker": 1000 if options.full else 150, "sweep": 500, "weight": "classical"}
quantum = {"walker": 100, "sweep": 450} if options.full else {"walker": 60, "sweep": 80}
T, warm = [0.03, 0.04, 0.05, 0.06, 0.08, 0.1], [0.08, 0.1]
ratios = xr.DataArray([0.85, 0.925, 1.0, 1.075, 1.15], dims="ratio", name="ratio")


def stretched(ratio: float, L: int = 12) -> xr.Dataset:
    """A triangular lattice with bare repulsions V_p / V_c = ratio of neighbours, of mean 1."""
    row = ratio ** (2 / 3)
    diagonal = row / ratio
    vectors = [[row, 0.0], [row / 2, np.sqrt(diagonal**2 - row**2 / 4)]]
    bonds = [(0, 0, (1, 0), "c"), (0, 0, (0, 1), "p"), (0, 0, (-1, 1), "p")]
    return xg.lattice.from_cell(vectors, shape=(L, L), bonds=bonds)


# %% [markdown]
# **The computation.** Walkers start from random configurations, as after a quench. $\tau_{1/e}$ is the time
# in which $C(t, t_W)$ falls to $1/e$ of its value at $t = 0$; its error is that of leaving out groups of
# walkers. Where C does not fall so far within the run there is no time: the glass is slower than that.


# %%
def relaxation(name: str, model: xr.Dataset, waiting: list[int], **arguments: object) -> xr.Dataset:
    """The 1/e time and what is left of C at the last lag, with errors."""
    run = xg.metropolis(model, **arguments)
    run = xg.store.evaluate(run, options.out / f"charge_glass_frustration_{name}_{form}.zarr")
    C = xg.autocorrelation(run, waiting_time=waiting).compute()

    def fitted(C: xr.DataArray) -> xr.Dataset:
        mean = C.mean("walker")
        return xr.Dataset({"time": one_over_e(mean), "left": mean.isel(lag=-1) / mean.isel(lag=0)})

    result = xg.jackknife(fitted, C, dim="walker").reset_coords(drop=True)
    return result.drop_vars("failed_replicates", errors="ignore")


def one_over_e(C: xr.DataArray) -> xr.DataArray:
    """The lag at which C is 1/e of its start, linear between lags; NaN where it stays above."""

    def crossing(values: np.ndarray, lags: np.ndarray) -> float:
        below = np.flatnonzero(values < values[0] / np.e)
        if not below.size:
            return np.nan
        k = slice(below[0] - 1, below[0] + 1)
        return float(np.interp(-values[0] / np.e, -values[k], lags[k]))

    return xr.apply_ufunc(crossing, C, C["lag"], input_core_dims=[["lag"], ["lag"]], vectorize=True)


def still(lattice: xr.Dataset, **arguments: object) -> xr.Dataset:
    """Charges that do not hop."""
    return xg.charge_glass(lattice, hopping={"c": 0.0, "p": 0.0}, **arguments)


parts = []
for ratio in ratios.values.tolist():
    model = still(stretched(ratio), self_image="include")
    parts.append(relaxation(f"repulsion_{ratio:g}", model, [20, 200], T=T, seed=1, **classical))
repulsion = xr.concat(parts, ratios.assign_coords(ratio=ratios))

# of nearest neighbours only
lattice = xg.lattice.triangular(12)
matrix = np.zeros((lattice.sizes["site"],) * 2)
matrix[lattice["bond_source"], lattice["bond_target"]] = 1.0
neighbours = xr.DataArray(matrix + matrix.T, dims=("site", "site2"))
short = relaxation("short", still(lattice, interaction=neighbours), [20, 200], T=T, seed=2, **classical)

# with hopping, and beside it the stretched lattice of the same size after the same waiting times
waiting = [20, 200] if options.full else [5, 20]
model = xg.charge_glass(xg.lattice.triangular(sites), t_p=0.12, eta=[-1.0, -0.1], self_image="include")
hopping = relaxation("hopping", model, waiting, T=warm, seed=3, **quantum)
beside = []
for ratio in (0.85, 1.0):
    model = still(stretched(ratio, sites), self_image="include")
    beside.append(relaxation(f"beside_{ratio:g}", model, waiting, T=warm, seed=4, **classical))

# %%
save_table(repulsion.isel(waiting_time=-1), options.out, "charge_glass_frustration")
save_table(short, options.out, "charge_glass_frustration_short")
save_table(hopping.isel(waiting_time=-1), options.out, "charge_glass_frustration_hopping")

# %% [markdown]
# **What the paper says**, decided by three standard errors. Where the stretched glass does not relax within
# the run, C at the last lag decides: by then more than ten relaxation times of the regular lattice have gone.

# %%
claims = Statements("charge_glass_frustration", FRATINI, options)
end, late = Measured.of(repulsion.isel(waiting_time=-1), "left"), {"waiting_time": 200}
claims.decide("repulsion_weaker", end.sel(ratio=0.85, T=0.05))
claims.decide("repulsion_stronger", end.sel(ratio=1.15, T=0.05))
claims.decide("regular", end.sel(ratio=1.0, T=0.05))
slower = Measured.of(hopping.isel(waiting_time=-1), "time").sel(T=0.08)
stretch = [Measured.of(part.isel(waiting_time=-1), "time").sel(T=0.08) for part in beside]
by_hopping, by_repulsion = slower.sel(eta=-0.1) / slower.sel(eta=-1.0), stretch[0] / stretch[1]
claims.decide("hopping", by_hopping)
claims.decide("hopping_rather", by_hopping / by_repulsion)
line = xg.fits.arrhenius(short["time"].sel(late), stderr=short["time_stderr"].sel(late))
claims.decide("short_range", Measured.of(line, "barrier"))
time = Measured.of(short, "time")
claims.decide("short_range_ageing", time.sel(**late) / time.sel(waiting_time=20))
claims.close(options.out)

# %% [markdown]
# **The figure.** (a) Relaxation times, $t_W = 200$, against $1/T$ for repulsions of different anisotropy, and
# of nearest neighbours only; a curve ends where the glass no longer relaxes within the run. (b) What is left
# of C after the run at three temperatures, against the anisotropy.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.7))
for ratio, colour in zip(ratios.values, sequential(ratios.values), strict=True):
    part = repulsion.sel(late).sel(ratio=ratio)
    label = rf"$V_p/V_c = {ratio:g}$"
    left.errorbar(1 / part["T"], part["time"], part["time_stderr"], marker="o", color=colour, label=label)
part = short.sel(late)
left.errorbar(1 / part["T"], part["time"], part["time_stderr"], marker="s", color="C3", label="neighbours")
left.set(xlabel="$V/T$", ylabel=r"$\tau_{1/e}$ (sweeps)", yscale="log")
left.minorticks_off()
left.set_yticks([2.0, 5.0, 10.0, 20.0, 50.0], ["2", "5", "10", "20", "50"])
left.legend(fontsize=6)
for temperature in (0.04, 0.06, 0.08):
    part = repulsion.sel(late).sel(T=temperature)
    label = rf"$T = {temperature:g}\,V$"
    right.errorbar(part["ratio"], part["left"], part["left_stderr"], marker="o", label=label)
right.set(xlabel="$V_p/V_c$", ylabel="$C/C(0)$ after 300 sweeps")
right.legend(fontsize=6)
letters([left, right])
save(figure, options.out, "charge_glass_frustration")

# %% [markdown]
# **What was found.** An anisotropy of 15 per cent of the repulsion alone freezes the classical glass at
# $T = 0.05\,V$, where the regular lattice forgets within 14 sweeps: with weaker diagonals it stays
# disordered, with stronger ones it orders. The introduction takes such anisotropies to be too small to
# matter; they are not, and their size does not decide where the quench rates of the salts come from. On 6 x 6
# sites at $T = 0.08\,V$ the anisotropy of the hopping slows relaxation down by 1.4, that of the repulsion by
# more than ten. With a repulsion of neighbours only the relaxation time, about ten sweeps, does not depend on
# temperature.
