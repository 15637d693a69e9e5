# %% [markdown]
# # Fast two-level systems: single scattering events
#
# **What is asked.** When two-level systems are faster than the electron nothing localizes it. Does mean-field
# theory (DMFT), which has no interference between sites, then agree with the exact conductivity, and how does
# the resistivity vanish when the two-level systems freeze? This is Fig. 4 of Rammal, Ciuchi and Fratini,
# *Inelastic scattering and transient localization from coupling to two-level systems*. The quick form takes
# about ten seconds on two cores: 8 sites by full diagonalisation. `--full` takes 14 sites: four minutes,
# nearly all of it one diagonalisation after the other. It may be stopped, and keeps the parts that are done.
# The paper has 18 sites and random vectors; at $T = 0.2\,t$ few states count, and 80 such vectors leave the
# total weight 9 % off. Without them 14 sites are the better comparison.
#
# **The model.** One electron hops with $t$ on a ring and flips the two-level system of its site, $H = -t
# \sum_j (c_{j+1}^\dagger c_j + \mathrm{h.c.}) +
# \frac{\omega_0}{2}\sum_j \sigma^z_j - g \sum_j n_j \sigma^x_j$, with $g = t$ and $\omega_0 = 2\,t$ in panel
# (a). The temperatures, and the values of $\omega_0$ in panel (b), are our choice.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from _common import PAGE, joined, parse_args, save, save_table, sequential, solved

import xglass as xg

options = parse_args("Fast two-level systems: exact conductivity and mean field over decades")
T = [0.2, 0.3, 0.5, 1.0]
frequency = np.linspace(0.0, 8.0, 1601)

# %% [markdown]
# **The computation.** An extended electron feels the length of the ring, so it is averaged over twisted
# boundary conditions. The momentum of the whole system is conserved, and a twist only shifts its grid: the
# average is one over a fine grid of momenta. At low temperature few two-level systems are excited: on 14
# sites configurations with more than four of them are left out, which is checked against leaving out those
# with four (on 8 sites, all against four). The coherent peak at zero frequency is a single line of weight
# near one; a filter of $0.02\,t$ keeps it below $0.2\,t$, where the comparison begins.


# %%
def exact(sites: int, excitations: int | None, temperatures: list[float]) -> xr.Dataset:
    model = xg.electron_tls(xg.lattice.chain(sites), g=1.0, omega0=2.0)
    grid = {"T": temperatures, "frequency": frequency, "broadening": 0.02, "max_excitations": excitations}
    count = 32 if options.full else 64
    momenta = np.pi * (np.arange(count) + 0.5) / count
    solution = xg.exact(model, momentum=momenta, **grid)
    return solved(
        options, f"tls_fast_{sites}_{excitations}", solution[["optical_conductivity", "total_weight"]]
    )


if options.full:  # at T = t too many of 14 are excited: 10 sites, all configurations
    solution = joined(
        [exact(14, 4, T[:3]), exact(10, None, T[3:])], "T", ["optical_conductivity", "total_weight"]
    )
    fewer = exact(14, 3, T[:3])
else:
    solution, fewer = exact(8, None, T), exact(8, 4, T[:3])
sigma = solution["optical_conductivity"]

# %% [markdown]
# DMFT needs neither size nor filter, and has the static limit. Its temperatures are multiples of $\omega_0$;
# those of panel (a) are among them.

# %%
ratios = [0.1, 0.15, 0.25, 0.4, 0.5, 0.8, 1.0, 1.2, 1.5]
omega0 = [1.0, 2.0, 4.0] if options.full else [1.0, 2.0]
ratio = xr.DataArray(ratios, dims="ratio", coords={"ratio": ratios})
model = xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=omega0)
dmft = xg.dmft(model, T=ratio * model["omega0"], frequency=frequency[::10])
dmft = solved(options, "tls_fast_dmft", dmft[["optical_conductivity", "mobility", "total_weight"]])
local = (
    dmft["optical_conductivity"]
    .sel(omega0=2.0, ratio=np.array(T) / 2.0)
    .swap_dims(ratio="T")
    .drop_vars(["ratio", "omega0"])
)

# %% [markdown]
# **Panel (a) in numbers.** A ring has discrete lines: exact and DMFT spectra are compared in bins of $0.4\,t$
# from $0.2\,t$ to $6.2\,t$. What is absorbed below the threshold $\omega_0$ is thermal: in every bin the
# conductivity is fitted by $e^{-\Delta/T}$ between $T = 0.2\,t$ and $0.5\,t$. An electron with the missing
# energy is needed, so $\Delta$ should be $\omega_0 - \omega$ below the threshold and zero above it.

# %%
edges = np.linspace(0.2, 6.2, 16)


def binned(spectrum: xr.DataArray) -> xr.DataArray:
    """Mean conductivity of each bin, over the frequencies at the centres."""
    bins = xg.spectral_weight(spectrum, cutoff=edges).diff("cutoff") / 0.4
    centres = np.round(bins["cutoff"].values - 0.2, 3)
    bins = bins.assign_coords(cutoff=centres).rename(cutoff="frequency").rename("optical_conductivity")
    bins["frequency"].attrs = spectrum["frequency"].attrs
    return bins.assign_attrs(spectrum.attrs)


def activation(bins: xr.DataArray) -> xr.DataArray:
    return xg.fits.arrhenius(1.0 / bins.sel(T=slice(None, 0.5)))["barrier"]


exact_bins, local_bins = binned(sigma), binned(local)
deviation = exact_bins / local_bins
truncation = abs(binned(fewer["optical_conductivity"]) / exact_bins.sel(T=T[:3]) - 1.0).max()
comparison = xr.Dataset(
    {
        "sigma_exact": exact_bins,
        "sigma_dmft": local_bins,
        "activation_exact": activation(exact_bins),
        "activation_dmft": activation(local_bins),
    },
).transpose("T", "frequency")
save_table(comparison[["sigma_exact", "sigma_dmft"]], options.out, "tls_fast_regime")
save_table(comparison[["activation_exact", "activation_dmft"]], options.out, "tls_fast_regime_activation")
near, far = ({"frequency": part} for part in (slice(None, 2.8), slice(2.8, None)))
for text, where in (("0.2 to 2.6", near), ("2.6 to 6.2", far)):
    part = deviation.sel(where)
    print(f"exact over DMFT in bins between {text} tc: {float(part.min()):.2f} to {float(part.max()):.2f}")
left_out = "a fourth excitation" if options.full else "more than four excitations"
print(f"largest change of a bin by leaving out {left_out}, T <= 0.5 tc: {100 * float(truncation):.1f} %")
decades = float(np.log10(local.max() / local_bins.min()))
print(
    f"DMFT spectra span {decades:.1f} decades, the bins of both "
    f"{float(np.log10(exact_bins.max() / exact_bins.min())):.1f}"
)
weights = (
    solution["total_weight"] / dmft["total_weight"].sel(omega0=2.0, ratio=np.array(T) / 2.0).values - 1.0
)
print(
    "total weight, exact over DMFT - 1:",
    ", ".join(f"{100 * float(v):.2f} % (T = {t:g} tc)" for t, v in zip(T, weights, strict=True)),
)

# %% [markdown]
# **Panel (b) in numbers.** The cold part, $T \le \omega_0/4$, is fitted by $\rho_0 e^{-\Delta/T}$. Where the
# resistivity is linear it has a tangent, here through $T = 0.8\,\omega_0$ to $1.2\,\omega_0$. The temperature
# at which the two laws meet is taken as the crossover $T^*$. It is a matter of definition: the tangent
# through $\omega_0$ to $1.5\,\omega_0$ shows by how much. $\rho(T)$ itself has no special point there.

# %%
rho = xg.resistivity(dmft["mobility"])
cold = rho.sel(ratio=slice(None, 0.25))
law = xg.fits.arrhenius(1.0 / cold, dim="ratio", x=cold["T"])


def crossover(low: float, high: float) -> xr.DataArray:
    """Highest T / omega0, below the tangent's ends, at which the activated law meets the tangent."""
    tangent = rho.sel(ratio=slice(low, high)).polyfit("ratio", 1)["polyfit_coefficients"]
    x = xr.DataArray(np.linspace(0.2, 0.7, 2001), dims="x", coords={"x": np.linspace(0.2, 0.7, 2001)})
    activated = np.exp(-law["barrier"] / (x * rho["omega0"])) / law["prefactor"]
    above = activated > xr.polyval(x, tangent.rename(degree="degree"))
    return x.where(above).max("x")


table = xr.Dataset(
    {
        "activation": law["barrier"] / law["omega0"],
        "crossover": crossover(0.8, 1.2),
        "crossover_hot": crossover(1.0, 1.5),
    },
)
save_table(table, options.out, "tls_fast_regime_crossover")

# %% [markdown]
# **The check.** Agreement of a bin is limited by the ring: it has few levels above the threshold, so that
# lines gather in some bins and leave others; hence factors of 1.3 up to $2.6\,t$, where the thermal tail and
# the threshold lie, and of 3 above. The tolerance of the activation energies is $0.25\,t$: a prefactor that
# goes as the root of temperature shifts them by half the temperature, at most $0.5\,t$ here. The activation
# energy of $\rho$ exceeds $\omega_0$ by what the prefactor changes with temperature: 10 %. The crossover is
# held to what the two tangents and the values of $\omega_0$ leave open.

# %%
assert bool((abs(np.log(deviation.sel(near))) < np.log(1.3)).all()), "agreement around the threshold"
assert bool((abs(np.log(deviation.sel(far))) < np.log(3.2)).all()), "agreement within a factor far above it"
assert bool((abs(weights) < 0.01).all()), "the same total weight"
assert decades > 7.0, "seven decades"
missing = (2.0 - comparison["frequency"]).clip(min=0.0)
off = abs(comparison[["activation_exact", "activation_dmft"]] - missing)
below = off.where(off["frequency"] < 2.0, drop=True)
assert bool((below < 0.25).to_dataarray().all()), "activated by what is missing to the threshold"
assert bool((off["activation_dmft"].where(off["frequency"] > 2.2, drop=True) < 0.15).all()), (
    "and hardly above it"
)
assert bool((abs(table["activation"] - 1.0) < 0.1).all()), "the two-level systems freeze"
for name in ("crossover", "crossover_hot"):
    assert bool(((table[name] > 0.3) & (table[name] < 0.55)).all()), "crossover at 0.4 to 0.5 omega0"

# %% [markdown]
# **The figure.** (a) Conductivity at $\omega_0 = 2\,t$: exact (lines with a filter of $0.02\,t$, points are
# means over bins) and DMFT (dashed). (b) Resistivity from DMFT; arrows mark the paper's $T^* =
# 0.4\,\omega_0$, open symbols the crossover found, the thin lines of the largest $\omega_0$ the two laws that
# meet there.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 3.0))
outside = sigma.where(sigma["frequency"] >= 0.15, drop=True)
xg.plot.curves(outside, x="frequency", ax=left, linewidth=0.4, alpha=0.6, label="_")
xg.plot.curves(exact_bins, x="frequency", ax=left, linestyle="none", marker="o", markersize=3)
xg.plot.curves(local, x="frequency", ax=left, linestyle="--", linewidth=1.0, label="_")
left.axvline(2.0, color="0.5", linewidth=0.6, linestyle=":")
left.text(2.05, 3e4, r"$\omega_0$", va="top")
left.set_yscale("log")
left.set_xlim(0, 6.2)
left.set_ylim(2e-4, 1e5)
left.legend(loc="upper right")
for value, colour in zip(omega0, sequential(np.arange(len(omega0))), strict=True):
    curve = rho.sel(omega0=value)
    temperature = curve["T"].values
    right.plot(
        temperature,
        curve.values,
        color=colour,
        marker="o",
        markersize=2.5,
        label=rf"$\omega_0 = {value:g}\,t$",
    )
    level = np.exp(np.interp(np.log(0.4 * value), np.log(temperature), np.log(curve.values)))
    right.annotate(
        "", (0.4 * value, level), (0.4 * value, 6 * level), arrowprops={"arrowstyle": "->", "color": colour}
    )
    found = float(table["crossover"].sel(omega0=value)) * value
    height = np.exp(np.interp(np.log(found), np.log(temperature), np.log(curve.values)))
    right.plot(found, height, marker="D", markerfacecolor="none", color=colour, markersize=6)
last = {"omega0": omega0[-1]}
x = np.linspace(0.08, 1.6, 200)
activated = np.exp(-float(law["barrier"].sel(last)) / (x * omega0[-1])) / float(law["prefactor"].sel(last))
tangent = np.polyval(np.polyfit([0.8, 1.0, 1.2], rho.sel(last | {"ratio": [0.8, 1.0, 1.2]}).values, 1), x)
right.plot(x * omega0[-1], activated, color="0.5", linewidth=0.7, linestyle=":")
right.plot(x * omega0[-1], np.where(tangent > 0, tangent, np.nan), color="0.5", linewidth=0.7, linestyle="--")
right.set_xscale("log")
right.set_yscale("log")
right.set_ylim(1e-5, 3)
right.set_xlabel("$T$ ($t$)")
right.set_ylabel(xg.plot.label(rho))
right.legend(loc="lower right")
for ax, letter in ((left, "(a)"), (right, "(b)")):
    ax.set_title(letter, loc="left")
save(figure, options.out, "tls_fast_regime")

# %% [markdown]
# **What the paper says, and what was found.** "The optical spectra show a temperature independent threshold
# at $\omega = \omega_0$ and a thermally activated absorption below": so they do, with activation energies
# $0.14\,t$ to $0.19\,t$ above $\omega_0 - \omega$ in DMFT, and the same to $0.07\,t$ on rings. "A striking
# agreement at all temperatures, all frequencies, and over more than 7 orders of magnitude": the seven decades
# are mainly those of the coherent peak, which a ring with a filter does not resolve; the range in which both
# can be compared has three. There they agree within 20 % per bin of $0.4\,t$ around and below the threshold
# (15 % on 14 sites) and, above $2.6\,t$, where few lines make the spectrum of a ring, within a factor of
# three (2.5 on 14 sites). "An exponential suppression at low temperatures followed by an approximately linear
# increase", with a crossover "approximately located at $T \simeq 0.4\,\omega_0$": the activated law, of
# energy 1.00 to $1.05\,\omega_0$, meets the tangent of the linear range at 0.37 to $0.48\,\omega_0$ for
# $\omega_0$ from $t$ to $4\,t$, as the tangent is taken.
