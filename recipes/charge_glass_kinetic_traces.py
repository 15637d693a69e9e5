# %% [markdown]
# # Kinetic energy of the charge glass in time
#
# **What is asked.** How does the kinetic energy of the holes evolve from perfect stripes, and after a quench?
# What are the defects that lower it, where do they sit, and what is one of them worth? This is Fig. 3 of
# Fratini, Driscoll, Ciuchi and Ralko, *A quantum theory of the nearly frozen charge glass*, SciPost Phys. 14,
# 124 (2023). The quick form follows a few walkers on 12 x 12 sites for 40 sweeps, in about 35 seconds of
# processor time. `--full` follows twelve of each start for 200 sweeps: about ten minutes of processor time.
# Both may be stopped and go on when the same command is given again.
#
# **The model.** Holes at half filling repel each other as 1/r and hop with $t_p = 0.09\,V$, $\eta = -1$, at
# $T = 0.03\,V$. A configuration weighs $\exp[-(E + \langle K\rangle)/T]$. The potential leaves out the
# self-image term, as the Hamiltonian is printed (`self_image="exclude"`); what it would change is said below.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from _common import FRATINI, PAGE, Measured, Statements, joined, letters, parse_args, save, save_table, solved

import xglass as xg

options = parse_args("Kinetic energy of the charge glass in time")
walkers, sweeps = ({"ordered": 12, "quench": 12}, 200) if options.full else ({"ordered": 3, "quench": 4}, 40)
t_p, T, L = 0.09, 0.03, 12
lattice, settled = xg.lattice.triangular(L), slice(10, None)
glass = xg.charge_glass(lattice, t_p=t_p, eta=-1.0)
runs = {
    start: xg.metropolis(
        glass,
        T=T,
        walker=walkers[start],
        sweep=sweeps,
        seed=3,
        start="ordered" if start == "ordered" else "random",
    )
    for start in walkers
}
runs = {start: solved(options, f"charge_glass_traces_{start}", run) for start, run in runs.items()}

# %% [markdown]
# **A pair of defects**, made by hand. In stripes an occupied site has 2 occupied neighbours and an empty one
# 4. One hole moved to the next, empty row leaves sites with 3: the three that one charge of the dipole may
# hop between, and three about the other. The energy of the pair is $\Delta E$ without hopping; hopping adds
# $\Delta\langle K\rangle$. From both follows how many pairs the chain creates out of perfect stripes, without
# a random number: a sweep proposes each bond 1/3 times on average.

# %%
row = np.arange(L * L) // L
site = 3 * L + 3  # of an occupied row
neighbours = [site + L, site + L - 1, site - L, site - L + 1]  # all four in empty rows
made = np.tile((row % 2).astype(np.int8), (1 + len(neighbours), 1))
for moved, target in zip(made[1:], neighbours, strict=True):
    moved[[site, target]] = 0, 1
hoppings = [0.0075, 0.015, 0.03, 0.06, 0.09, 0.12, 0.16]


def pairs(self_image: str) -> xr.Dataset:
    """Energies of pairs of defects over that of the stripes, and of the stripes themselves."""
    model = xg.charge_glass(lattice, t_p=hoppings, eta=-1.0, self_image=self_image)
    run = model.assign(occupation=(("move", "site"), made)).assign_coords(T=T)
    energy, kinetic = xg.electrostatic_energy(run), xg.kinetic_energy(run)
    gain, cost = (x.isel(move=slice(1, None)) - x.isel(move=0) for x in (kinetic, energy))
    weight = np.exp(-np.maximum(cost + gain, 0.0) / T)
    return xr.Dataset(
        {
            "cost": cost.isel(move=0).broadcast_like(gain.isel(move=0)).assign_attrs(energy.attrs),
            "gain": -gain.isel(move=0).assign_attrs(kinetic.attrs),
            "per_sweep": L * L / 2 * weight.sum("move") / 3,  # of every occupied site
        }
    )


pair, with_image = (pairs(image).sel(t_p=hoppings) for image in ("exclude", "include"))
defect = glass.assign(occupation=("site", made[1])).assign_coords(T=T)
charged = xg.occupied_neighbours(defect) == 3
potential = xg.electrostatic_potential(defect)
about = potential.where(charged & (defect["occupation"] == 0))  # the sites about the missing charge
spread = float(about.max() - about.min())
stripes = xg.electrostatic_potential(glass.assign(occupation=("site", made[0])))
gap = float(stripes.max() - stripes.min())
here = pair.sel(t_p=t_p)
print(f"a pair of defects costs {float(here['cost']):.4f} V and gains {float(here['gain']):.4f} V by hopping")
print(f"potentials of its three sites: {np.sort(about.values[about.notnull()]).round(4).tolist()} V")
print(
    f"pairs created out of stripes in 100 sweeps: {100 * float(here['per_sweep']):.3g}, with the self-image"
)
print(f"term {100 * float(with_image.sel(t_p=t_p)['per_sweep']):.2g}")

# %% [markdown]
# **Traces.** A jump of the ordered start is a change of more than half $t_p$ from one sweep to the next: its
# trace stands still between accepted moves. After a quench $\langle K\rangle$ is in motion all the time.
# Errors are those of the mean over walkers, each averaged over its sweeps from the tenth on.

# %%
K = {start: run["kinetic_energy"] for start, run in runs.items()}
baseline = float(K["ordered"].isel(walker=0, sweep=0))
steps = xg.ops.jumps(K["ordered"], dim="sweep", window=1, threshold=1.0, noise=0.5 * t_p / 2**0.5)
jumped, standing = abs(steps) > 0, abs(K["ordered"] - baseline) < 1e-9
leaving = jumped & standing.shift(sweep=1, fill_value=False)
first = steps.isel(sweep=leaving.argmax("sweep")).where(leaving.any("sweep"))
print(f"jumps of each ordered walker: {jumped.sum('sweep').values.tolist()}; of them")
print(f"back to the baseline: {(jumped & standing).sum('sweep').values.tolist()}")


def of_walkers(run: xr.Dataset) -> xr.Dataset:
    order = xg.stripe_order(run).max("orientation")
    return xr.Dataset(
        {
            "kinetic_energy": run["kinetic_energy"].mean("sweep", keep_attrs=True),
            "fluctuation": run["kinetic_energy"].std("sweep", keep_attrs=True),
            "defect_density": xg.defect_density(run).mean("sweep"),
            "final_stripe_order": order.isel(sweep=slice(-5, None)).mean("sweep"),
            "acceptance": run["acceptance"].mean("sweep"),
        }
    ).reset_coords(drop=True)


def over_walkers(x: xr.DataArray) -> Measured:
    """Mean over the walkers that there are, and its standard error."""
    return Measured(x.mean("walker", keep_attrs=True), x.std("walker", ddof=1) / x.count("walker") ** 0.5)


both = xr.DataArray([*runs], dims="start", coords={"start": [*runs]})
numbers = joined([of_walkers(run.sel(sweep=settled)) for run in runs.values()], both, join="outer")
columns = {name: over_walkers(x).columns(str(name)) for name, x in numbers.items()}
starts = xr.Dataset({name: x for pair_of in columns.values() for name, x in pair_of.items()})
save_table(starts, options.out, "charge_glass_kinetic_traces")
save_table(pair[["cost", "gain"]], options.out, "charge_glass_pairs")

quench = runs["quench"].sel(sweep=settled)
crossings, coordination = xg.stripe_crossings(quench, shell=1), xg.occupied_neighbours(quench)
shares = [(coordination == 3).where(crossings == k).mean(["sweep", "site"]) for k in (1, 3)]
corner = xr.DataArray([4 * np.pi / 3, 0.0], dims="axis")
threefold = xg.order_parameter(quench, q=corner) ** 2 * (L * L - 1)  # 1 for charges without correlations
late, start = K["quench"].sel(sweep=settled), K["quench"].sel(sweep=0)
drop = (K["quench"].sel(sweep=3) - start) / (late.mean("sweep") - start)
middle = late.sizes["sweep"] // 2
halves = (late.isel(sweep=part).mean("sweep") for part in (slice(middle, None), slice(middle)))
after = numbers.sel(start="quench")

# %% [markdown]
# **What the paper says**, in our words, and the number that decides each claim: three standard errors of it.
# Energies of configurations that are made by hand have no statistical error.

# %%
claims = Statements("charge_glass_kinetic_traces", FRATINI, options)
claims.decide("jumps", float(abs(first).min()) / t_p, 0.0)  # of a sweep with one pair
claims.decide("creation", 100 * here["per_sweep"], 0.0)
claims.decide("creation_with_image", 100 * with_image.sel(t_p=t_p)["per_sweep"], 0.0)
claims.decide("order_kept", Measured.of(starts, "final_stripe_order").sel(start="ordered"))
claims.decide("three_sites", float(charged.sum()) / 2, 0.0)
claims.decide("degenerate", spread / gap, 0.0)
gain = pair["gain"]
rise = np.log(gain / gain.shift(t_p=1)) / np.log(gain["t_p"] / gain["t_p"].shift(t_p=1))
claims.decide("proportional", rise.sel(t_p=0.12), 0.0)
claims.decide("beyond_second_order", gain.sel(t_p=t_p) / t_p**2, 0.0)
claims.decide("drop", over_walkers(drop))
claims.decide("stationary", over_walkers(next(halves) / next(halves)))
claims.decide("fluctuations", over_walkers(after["fluctuation"] / t_p))
claims.decide("lower", over_walkers(after["kinetic_energy"] / baseline))
claims.decide("many_defects", over_walkers(after["defect_density"] * L * L / float(charged.sum())))
claims.decide("crossings", over_walkers(shares[1] / shares[0]))
claims.decide("threefold", over_walkers(threefold.mean("sweep")))
claims.close(options.out)

# %% [markdown]
# **The figure.** (a) Kinetic energy against time: stripes (grey; jumps are marked) and quenches (orange, one
# walker in full colour), dashed the mean of these. (b) The pair of defects that was made by hand: disks are
# local densities on a map of the potential, rings the sites with three occupied neighbours. (c) The last
# configuration of a quench, rings where three orientations of stripes meet on neighbours. (d) Acceptance.
# (e) What a pair gains by hopping, without (full) and with (dashed) the self-image term, beside its cost,
# $t_p$ and $t_p^2/V$.

# %%
figure = plt.figure(figsize=(PAGE, 4.6))
grid = figure.add_gridspec(2, 3)
trace, *others = (figure.add_subplot(grid[part]) for part in ((0, slice(2)), (0, 2), (1, 0), (1, 1), (1, 2)))
small, large, rate, droplet = others
time = K["quench"]["sweep"]
trace.plot(time, K["quench"].isel(walker=slice(1, 4)).T, color="C1", alpha=0.3, linewidth=0.7)
trace.plot(time, K["quench"].isel(walker=0), color="C1", label="quench")
trace.axhline(float(starts["kinetic_energy"].sel(start="quench")), color="C1", linestyle="--")
longest = int(standing.sum("sweep").argmax("walker"))
shown = K["ordered"].isel(walker=longest)
trace.plot(time, shown, color="0.4", label="stripes", drawstyle="steps-post")
marked = shown.where(jumped.isel(walker=longest))
trace.plot(time, marked, "v", color="0.2", markersize=3, label="jumps")
trace.set_xlabel("time (sweeps)")
trace.set_ylabel(r"$\langle K\rangle / V$")
trace.legend(ncols=3, loc="upper right")

last = runs["quench"].isel(walker=0, sweep=-1)
met = xg.stripe_crossings(last, shell=1) == 3
for ax, run, ringed in ((small, defect, charged), (large, last, met)):
    xg.plot.charge_map(
        run, xg.local_density(run), potential=xg.electrostatic_potential(run), ax=ax, colorbar=False
    )
    at = run["position"].values[ringed.values]
    ax.scatter(*at.T, s=24, facecolors="none", edgecolors="C3", linewidths=1.1, zorder=3)

for start, colour in (("quench", "C1"), ("ordered", "0.4")):
    accepted = runs[start]["acceptance"].mean("walker").rolling(sweep=5, min_periods=1).mean()
    rate.plot(time[1:], accepted[1:], color=colour)
rate.set(xlabel="time (sweeps)", ylabel="acceptance", yscale="log")

droplet.loglog(hoppings, gain, color="C0", label=r"$-\Delta\langle K\rangle$")
droplet.loglog(hoppings, with_image["gain"], color="C0", linestyle="--")
droplet.axhline(float(here["cost"]), color="0.4", linewidth=0.8)
droplet.text(hoppings[0], 1.15 * float(here["cost"]), r"$\Delta E$", color="0.4")
for power, style in ((1, ":"), (2, "-.")):
    name = "$t_p$" if power == 1 else "$t_p^2/V$"
    droplet.loglog(
        hoppings, np.array(hoppings) ** power, color="0.6", linestyle=style, linewidth=0.8, label=name
    )
droplet.set(xlabel="$t_p / V$", ylabel="energy of a pair $/ V$", ylim=(5e-5, 1.5))
droplet.legend(loc="lower right")
letters([trace, small, large, rate, droplet])
save(figure, options.out, "charge_glass_kinetic_traces")

# %% [markdown]
# **What was found.** The ordered start does as the paper says, for a while: flat, with jumps of $2.5\,t_p$
# as pairs come and go. Walkers then lose their stripes for good, all of twelve in the full form, and end as
# a quench does. With the self-image term a pair gains too little to be created at all within such a time.
# The gain of a pair is of second order only where $t_p$ is below the spread of the potential over its three
# sites, a tenth of $V$ from next neighbours; beyond it the gain bends towards the law of a droplet, linear
# in $t_p$. After a quench every fifth site has three occupied neighbours. They sit where stripes cross: the
# more orientations meet on the neighbours of a site, the likelier it is such a defect, which in
# configurations without correlations is not so.
