# %% [markdown]
# # Relaxation of the charge glass after a quench
#
# **What is asked.** How fast do charges on a triangular lattice forget their configuration after a quench,
# and does the quantum motion of the carriers lower the energy barrier of that relaxation? This is Fig. 2 of
# Fratini, Driscoll, Ciuchi and Ralko, *A quantum theory of the nearly frozen charge glass*, SciPost Phys. 14,
# 124 (2023). Here it runs at tutorial size, on 6 x 6 sites: one to two minutes on two cores. `--full` takes
# the paper's size (12 x 12 sites, three anisotropies, ten temperatures, 100 walkers, 450 sweeps): about a day
# and a half on two cores, nearly all of it eigenproblems, and about 200 MB of disk. Both may be stopped and
# go on when the same command is given again.
#
# **The model.** Holes at half filling repel each other as 1/r and hop with $t_p = 0.12\,V$ along the
# diagonals and $t_c = \eta\,t_p$ along the rows. A configuration weighs $\exp[-(E + \langle K\rangle)/T]$:
# its electrostatic energy and the thermal kinetic energy that the holes gain in its potential. The classical
# glass weighs $E$ alone. On 6 x 6 sites the potential needs the self-image term (`self_image="include"`),
# without which the stripe gap is only half of that of the infinite lattice.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from _common import COLUMN, FRATINI, PALETTE, Measured, Statements, parse_args, save, save_table

import xglass as xg

options = parse_args("Relaxation of the charge glass after a quench: classical and quantum barrier")
if options.full:
    lattice, eta, walkers, sweeps, waiting = (
        xg.lattice.triangular(12),
        [-1.0, -0.5, -0.1],
        100,
        450,
        [20, 200],
    )
    T = np.linspace(0.03, 0.12, 10)
else:
    lattice, eta, walkers, sweeps, waiting = xg.lattice.triangular(6), [-1.0, -0.1], 40, 80, [5, 20]
    T = np.array([0.05, 0.06, 0.07, 0.085, 0.105])

classical = xg.charge_glass(lattice, self_image="include")
quantum = xg.charge_glass(lattice, t_p=0.12, eta=eta, self_image="include")

# %% [markdown]
# **The computation.** Walkers start from random configurations, as after a quench from high temperature. The
# correlation function $C(t, t_W) = \frac{1}{N}\sum_i \langle\delta n_i(t_W)\,\delta n_i(t_W + t)\rangle$ is
# taken after two waiting times $t_W$. The trajectories go into two stores beside the figure, task by task.
# What is stored is not simulated again: a second run of this script takes seconds. The quick and the full
# form have stores of their own.


# %%
def relax(model: xr.Dataset, weight: str, walkers: int, seed: int) -> xr.DataArray:
    run = xg.metropolis(model, T=T, walker=walkers, sweep=sweeps, weight=weight, seed=seed)
    run = xg.store.evaluate(
        run, options.out / f"charge_glass_{weight}_{'full' if options.full else 'quick'}.zarr"
    )
    return xg.autocorrelation(run, waiting_time=waiting).compute()


C = {
    "classical": relax(classical, "classical", 10 * walkers, seed=1),
    "quantum": relax(quantum, "kinetic", walkers, seed=2),
}

# %% [markdown]
# Each correlation function, averaged over walkers, is fitted by $C_0\exp[-(t/\tau)^\alpha]$. Lags of one
# trajectory are correlated, so the errors come from leaving out groups of walkers and repeating average and
# fit. $\tau_{1/e}$, the time in which $C$ falls to $1/e$, needs no fit and scatters least: the barrier
# $\Delta$ is read from it, $\tau_{1/e} \propto \exp(\Delta/T)$. Temperatures have independent random numbers,
# so their errors are independent. Where $\chi^2$ says that the points are no straight line, the errors of
# barrier and prefactor are those of the scatter about it: larger by `scatter` $= \sqrt{\chi^2 / \nu}$, with
# $\nu$ degrees of freedom.

# %%
fits = {
    name: xg.jackknife(lambda C: xg.fits.stretched_exponential(C.mean("walker")), data, dim="walker")
    for name, data in C.items()
}


def barrier(fit: xr.Dataset) -> xr.Dataset:
    line = xg.fits.arrhenius(fit["relaxation_time_1e"], stderr=fit["relaxation_time_1e_stderr"])
    scatter = ((line["chi2"] / line["degrees_of_freedom"]) ** 0.5).clip(min=1.0).drop_attrs()
    errors = {name: line[name] * scatter for name in ("barrier_stderr", "prefactor_stderr")}
    errors = {name: error.assign_attrs(line[name].attrs) for name, error in errors.items()}
    return line.assign(errors, scatter=scatter)


barriers = {name: barrier(fit) for name, fit in fits.items()}
glasses = [("classical", "classical", {})] + [
    (f"eta = {value:g}", "quantum", {"eta": value}) for value in eta
]
late = {"waiting_time": waiting[-1]}


def stacked(parts: dict[str, xr.Dataset]) -> xr.Dataset:
    """The classical glass and the quantum ones side by side, after the longer waiting time."""
    names = xr.DataArray([name for name, _, _ in glasses], dims="glass", name="glass")
    chosen = [
        parts[kind].sel(late | where).drop_vars(["eta", "t_p"], errors="ignore") for _, kind, where in glasses
    ]
    return xr.concat(chosen, names.assign_coords(glass=names), coords="minimal", compat="override")


times, lines = stacked(fits), stacked(barriers)
columns = [c + e for c in ("relaxation_time_1e", "tau", "exponent") for e in ("", "_stderr")]
save_table(times[[*columns, "success"]], options.out, "charge_glass_relaxation")
columns = [c + e for c in ("barrier", "prefactor") for e in ("", "_stderr")]
columns += ["points", "chi2", "degrees_of_freedom", "p_value", "scatter", "success"]
save_table(lines[columns], options.out, "charge_glass_barriers")

# %% [markdown]
# What is missing in these tables, what is larger than usual, and why:

# %%
normalised = {kind: data / 0.25 for kind, data in C.items()}  # C(0, t_W) = 1/4 exactly
last = stacked(
    {kind: data.isel(lag=-1).mean("walker").to_dataset(name="C") for kind, data in normalised.items()}
)
last = last["C"]
for glass in times["glass"].values:
    for x in T:
        at, here = {"glass": glass, "T": x}, f"{glass}, T = {x:g} Vc:"
        if not bool(times["success"].sel(at)):
            print(here, "no stretched exponential fits")
        if np.isnan(times["relaxation_time_1e"].sel(at)):
            left = f"C is still {float(last.sel(at)):.2f} C(0) at the last lag, {int(last['lag'])} sweeps"
            print(here, f"no relaxation_time_1e, since {left}; the point is left out of the line")
        if times["at_bound"].sel(at):
            print(
                here, "the exponent is on its bound, 1, beyond which noise prefers it: no errors of the fit"
            )
    line = lines.sel(glass=glass)
    if line["scatter"] > 1:
        print(
            f"{glass}: chi2 = {float(line['chi2']):.1f} for {int(line['degrees_of_freedom'])} degrees of freedom:"
            f" the points are no straight line; errors are multiplied by {float(line['scatter']):.2f}"
        )

# %% [markdown]
# **What the paper says**, in our words, and the number that decides each claim: three standard errors of it.
# Ageing is seen in $C(t, t_W)$ itself, $t = 20$ sweeps after the longer and the shorter waiting time in the same
# walkers: that needs neither a fit nor a decay to $1/e$. The barriers of the paper are those of 12 x 12 sites;
# the self-image term, which 6 x 6 sites need, is worth $0.02\,V$ there, hence their tolerance.

# %%
# fmt: off
claims = Statements("charge_glass_relaxation", FRATINI, options)
barriers_of, times_of = Measured.of(lines, "barrier"), Measured.of(times, "relaxation_time_1e")
isotropic, anisotropic = "eta = -1", "eta = -0.1"
claims.add("Fig. 2",
    "quantum motion reduces the barrier considerably: that at eta = -1 over the classical one",
    claimed=(0.0, 0.8), found=barriers_of.sel(glass=isotropic) / barriers_of.sel(glass="classical"),
    reason="about half is left")
claims.add("Fig. 2", "the barrier at eta = -1 is 0.11 V", claimed=0.11, within=0.03, unit="V",
    found=barriers_of.sel(glass=isotropic), needs_full=True, reason="a matter of walkers")
claims.add("Fig. 2", "the classical barrier is 0.2 V", claimed=0.2, within=0.03, unit="V",
    found=barriers_of.sel(glass="classical"), needs_full=True,
    reason="after the short waiting time of the quick form cold walkers still age, and the line is bent")
claims.add("Fig. 2",
    "quantum relaxation is much faster: classical time over that at eta = -1, at every T", claimed=(1.0, np.inf),
    found=times_of.sel(glass="classical") / times_of.sel(glass=isotropic), reason="twice as fast and more")
claims.add("Fig. 2",
    "the dynamics slows down on cooling also with quantum motion: time at the lowest T over that at the highest, "
    "eta = -1", claimed=(1.0, np.inf), reason="the glass survives",
    found=times_of.sel(glass=isotropic, T=T[0]) / times_of.sel(glass=isotropic, T=T[-1]))
cold, hot = (
    Measured.of(barrier(fits["quantum"].sel(late, eta=-1.0).isel(T=half)), "barrier")
    for half in (slice(None, len(T) // 2 + 1), slice(len(T) // 2, None))
)
claims.add("Fig. 2", "at eta = -1 the time follows Arrhenius: barrier of the colder half over that of the warmer",
    claimed=1.0, within=0.5, found=cold / hot, needs_full=True, reason="a matter of walkers")
ageing = normalised["quantum"].sel(lag=20, eta=[-1.0, -0.1]).diff("waiting_time").squeeze("waiting_time", drop=True)
grown = Measured(ageing.mean("walker"), ageing.std("walker", ddof=1) / walkers**0.5)
claims.add("Fig. 2", "at eta = -1 relaxation does not depend on the waiting time: change of C / C(0) with it, every T",
    claimed=0.0, within=0.25, found=grown.sel(eta=-1.0), reason="equilibrated after the shorter one")
claims.add("Fig. 2", "at eta = -0.1 relaxation depends strongly on the waiting time at low T: change of C / C(0) with "
    "it, lowest T", claimed=(0.0, np.inf), found=grown.sel(eta=-0.1, T=T[0]), reason="it ages")
claims.add("Fig. 2", "at eta = -0.1 it does not above a crossover temperature: the same at T >= 0.085 V",
    claimed=0.0, within=0.25, found=grown.sel(eta=-0.1, T=slice(0.085, None)), reason="equilibrated")
claims.add("Fig. 2", "anisotropy changes the relaxation drastically: time at eta = -0.1 over that at eta = -1, T = 0.07 V",
    claimed=(1.5, np.inf), reason="at fixed t_p",
    found=times_of.sel(glass=anisotropic, T=0.07) / times_of.sel(glass=isotropic, T=0.07))


def expected(C: xr.DataArray) -> xr.Dataset:
    """Time at the lowest temperature by the Arrhenius law of all others."""
    tau = xg.fits.stretched_exponential(C.mean("walker"))["relaxation_time_1e"]
    line = xg.fits.arrhenius(tau.isel(T=slice(1, None)))
    return (line["prefactor"] * np.exp(line["barrier"] / T[0])).to_dataset(name="tau")


slow = times.sel(glass=anisotropic, T=T[0])
reached = Measured(*(slow[name].fillna(other) for name, other in (("relaxation_time_1e", last["lag"]), ("relaxation_time_1e_stderr", 0.0))))
law = xg.jackknife(expected, C["quantum"].sel(late, eta=-0.1), dim="walker")
claims.add("Fig. 2", "at eta = -0.1 the time grows faster than Arrhenius: the law of all other T over the time at the "
    "lowest (or the last lag, before which C has not fallen to 1/e)", claimed=(0.0, 1.0),
    found=Measured.of(law, "tau") / reached, reason="the walkers recrystallize")
claims.add("Fig. 2 (inset)", "C falls by a stretched exponential with alpha < 1: eta = -0.1, T <= 0.07 V", claimed=(0.0, 1.0),
    found=Measured.of(times, "exponent").sel(glass=anisotropic, T=slice(None, 0.07)), reason="it is stretched")
claims.close(options.out)
# fmt: on

# %% [markdown]
# **The figure.** Relaxation times against inverse temperature, open symbols after the shorter waiting time
# and full ones after the longer; lines are the Arrhenius fits. Inset: the correlation functions of the glass
# with $\eta = -0.1$ after the longer waiting time, dark to light with rising temperature, fits dashed, bands
# of one standard error.

# %%
figure, ax = plt.subplots(figsize=(COLUMN, 3.4))
for (name, kind, where), colour in zip(glasses, PALETTE, strict=False):
    for time, fill in zip(waiting, ["none", colour], strict=True):
        fit = fits[kind].sel(waiting_time=time, **where)
        line = barriers[kind].sel(waiting_time=time, **where) if time == waiting[-1] else None
        text = {"classical": "classical"}.get(name, f"$\\eta = {where.get('eta', 0):g}$")
        text += (
            f": $\\Delta = {float(line['barrier']):.3f} \\pm {float(line['barrier_stderr']):.3f}\\,V$"
            if line is not None
            else ""
        )
        xg.plot.arrhenius(
            fit,
            fit=line,
            ax=ax,
            color=colour,
            markerfacecolor=fill,
            label=text if line is not None else None,
        )
top = float(max(fit["relaxation_time_1e"].max() for fit in fits.values()))
ax.set_ylim(0.1, 60 * top)
ax.legend(
    loc="lower right",
    title=f"open: $t_\\mathrm{{W}} = {waiting[0]}$ sweeps, full and lines: {waiting[1]} sweeps",
)
inset = ax.inset_axes((0.17, 0.63, 0.48, 0.35))
curves = C["quantum"].sel(eta=eta[-1], **late)
xg.plot.relaxation(
    curves.mean("walker", keep_attrs=True),
    stderr=curves.std("walker", ddof=1) / walkers**0.5,
    fit=fits["quantum"].sel(eta=eta[-1], **late),
    ax=inset,
)
inset.legend(
    title=f"$\\eta = {eta[-1]:g}$, $t_\\mathrm{{W}} = {waiting[-1]}$ sweeps",
    loc="upper left",
    bbox_to_anchor=(1.0, 1.05),
    fontsize=6,
    title_fontsize=6,
    alignment="left",
)
inset.tick_params(labelsize=6)
inset.xaxis.label.set_size(7)
inset.yaxis.label.set_size(7)
save(figure, options.out, "charge_glass_relaxation")

# %% [markdown]
# **What was found.** Quantum motion halves the barrier, and the isotropic glass forgets when it was quenched.
# At $\eta = -0.1$ the glass ages at the lowest temperature already in this small run, and its time there is
# far longer than the Arrhenius law of the others: the tutorial shows in minutes what Fig. 2 shows in days.
# Values of barriers take the full form. Whether $C$ "deviates from the stretched exponential form" at
# $\eta = -0.1$ is not declared: its lags are correlated, and a $\chi^2$ that takes them as independent decides
# nothing.
