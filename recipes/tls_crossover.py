# %% [markdown]
# # From a localization peak to a scattering resonance
#
# **What is asked.** How does the optical conductivity of one electron change when the two-level systems to
# which it couples become faster? When does the displaced Drude peak of transient localization vanish, what
# takes its place, and when does a peak at zero frequency appear? This is Fig. 2, with its inset, of Rammal,
# Ciuchi and Fratini, *Inelastic scattering and transient localization from coupling to two-level systems*.
# The quick form takes about 9 s of processor time on 12 sites. `--full` takes the paper's 16 sites: about 110
# s of processor time (measured), a minute on two cores, and 0.5 GB of memory. It may be stopped and goes on
# when the same command is given again.
#
# **The model.** One electron hops with $t$ on a ring and flips the two-level system of its site,
# $H = -t \sum_j (c_{j+1}^\dagger c_j + \mathrm{h.c.}) + \frac{\omega_0}{2}\sum_j \sigma^z_j - g \sum_j n_j
# \sigma^x_j$, with $g = t$ and $T = t$. The splitting $\omega_0$ is the rate at which the two-level systems
# change by themselves. The paper does not give its values in the text; here are nine between $0.05\,t$ and
# $t$.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from _common import COLUMN, joined, parse_args, save, save_table, sequential, solved

import xglass as xg

options = parse_args(
    "Optical conductivity from slow to fast two-level systems: the peak moves from omega_L to omega0"
)
sites, vectors, broadening = (16, 3, [0.04, 0.06, 0.08]) if options.full else (12, 3, [0.06, 0.08, 0.1])
omega0 = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0]
model = xg.electron_tls(xg.lattice.chain(sites), g=1.0, omega0=omega0)
grid = {"T": 1.0, "frequency": np.linspace(0.0, 4.0, 401), "broadening": broadening, "seed": 2}

# %% [markdown]
# **The computation.** The finite-temperature Lanczos method. As in the paper, the ring is periodic up to
# $\omega_0 = 0.5\,t$, where the electron is localized within it, and the average over twisted boundary
# conditions is taken above. The momentum of the whole system is conserved, so that this is an average over a
# grid of continuous momenta, all of different twists (see the recipe on finite size). Several filters come
# from one pass; the widest tells how sure the position of a peak is.

# %%
slow = xg.ftlm(model.sel(omega0=slice(None, 0.5)), random_vectors=vectors, **grid)
slow = solved(options, "tls_crossover_periodic", slow)
twists = np.pi * (np.arange(sites + 1) + 0.5) / (sites + 1)
fast = xg.ftlm(model.sel(omega0=slice(0.6, None)), random_vectors=2, momentum=twists, **grid)
fast = solved(options, "tls_crossover_twisted", fast)
solution = joined([slow, fast], "omega0", ["optical_conductivity", "optical_conductivity_stderr"]).compute()
sigma, error = solution["optical_conductivity"], solution["optical_conductivity_stderr"]

# %% [markdown]
# The peak is the highest local maximum between $0.2\,t$ and $2\,t$. It is read from the widest filter,
# because the lines of a short ring and the noise make maxima of their own; `peak_low` and `peak_high` are its
# range over all filters. Heights are those of the narrowest filter. The dip is the lowest point between zero
# and the peak. Where $\sigma(0)$ exceeds the dip by more than three standard errors there are two peaks.

# %%
peaks = xg.peak_frequency(sigma, window=(0.2, 2.0))
narrow, narrow_error = sigma.isel(broadening=0, drop=True), error.isel(broadening=0, drop=True)
peak = peaks.isel(broadening=-1, drop=True)
below = narrow.where(narrow["frequency"] <= peak)
dip = below.idxmin("frequency")


def at(frequency: xr.DataArray | float) -> tuple[xr.DataArray, xr.DataArray]:
    """Conductivity and standard error at a frequency of each curve."""
    where = {"frequency": frequency, "method": "nearest"}
    return narrow.sel(**where).drop_vars("frequency"), narrow_error.sel(**where).drop_vars("frequency")


(static, static_error), (top, top_error), (bottom, bottom_error) = at(0.0), at(peak), at(dip)
table = xr.Dataset(
    {
        "peak_frequency": peak,
        "peak_low": peaks.min("broadening", keep_attrs=True),
        "peak_high": peaks.max("broadening", keep_attrs=True),
        "sigma_peak": top,
        "sigma_peak_stderr": top_error,
        "sigma_0": static,
        "sigma_0_stderr": static_error,
        "sigma_dip": bottom,
    },
)
save_table(table, options.out, "tls_crossover")
omegas = narrow["omega0"]
coexist = (static - bottom) > 3 * np.hypot(static_error, bottom_error)
highest = (static - top) > 3 * np.hypot(static_error, top_error)
print("a second peak, at zero frequency, for omega0 =", omegas.values[coexist.values].tolist(), "tc")
print("it is the higher one for omega0 =", omegas.values[highest.values].tolist(), "tc")

# %% [markdown]
# **The check.** Slow side, $\omega_0 \le 0.2\,t$: the peak stays where localization puts it, $\omega_L \simeq
# 0.5\,t$, whatever $\omega_0$. Its top is flat and has the fine structure of binary disorder on a short ring,
# which moves the maximum by about $0.1\,t$; $0.15\,t$ is the tolerance. Fast side, $\omega_0 \ge 0.8\,t$: the
# peak is at $\omega_0$ within twice the width of the widest filter, since lines on a ring this small lie
# about so far apart. In between localization is washed out: the static conductivity, a minimum at first, ends
# above the peak. Errors are one standard error; three of them separate what is called different.

# %%
slow_ones, fast_ones = {"omega0": slice(None, 0.2)}, {"omega0": slice(0.8, None)}
assert bool((abs(peaks.sel(slow_ones) - 0.5) < 0.15).all()), "localization peak at 0.5 t, at every filter"
assert bool((abs(peak - omegas).sel(fast_ones) < 2 * broadening[-1]).all()), "scattering resonance at omega0"
assert float(peak.sel(omega0=1.0)) - float(peak.sel(omega0=0.05)) > 0.2, "one goes over into the other"
assert not bool(coexist.sel(omega0=slice(None, 0.1)).any()), (
    "no peak at zero frequency among slow two-level systems"
)
assert bool(coexist.sel(omega0=slice(0.3, None)).all()), (
    "two peaks already below omega0 = T, otherwise than the paper has it"
)
assert bool(highest.sel(omega0=slice(0.5, None)).all()), (
    "localization is washed out once omega0 reaches 0.5 t"
)
assert float(top[0] - top[-1]) > 3 * float(np.hypot(top_error[0], top_error[-1])), (
    "the peak loses its weight to zero frequency"
)

# %% [markdown]
# **The figure.** Spectra at $T = t$, dark to light with rising $\omega_0$, with bands of one standard error.
# Inset: position of the peak at finite frequency against $\omega_0$; bars span the filters, the lines are
# $\omega_L = 0.5\,t$ and $\omega_0$.

# %%
figure, ax = plt.subplots(figsize=(COLUMN, 3.2))
xg.plot.curves(narrow, x="frequency", stderr=narrow_error, ax=ax, linewidth=0.9)
ax.set_xlim(0, 2.5)
ax.set_ylim(0, 1.05 * float(static.max()))
ax.legend(loc="upper left", bbox_to_anchor=(0.13, 1.0), fontsize=6, labelspacing=0.25)
inset = ax.inset_axes((0.57, 0.52, 0.42, 0.46))
bars = np.stack([peak - table["peak_low"], table["peak_high"] - peak])
for k, colour in enumerate(sequential(np.arange(len(omega0)))):
    inset.errorbar(
        omega0[k],
        float(peak[k]),
        yerr=bars[:, k : k + 1],
        marker="o",
        color=colour,
        markersize=3,
        linewidth=0.8,
    )
inset.axhline(0.5, color="0.5", linestyle="--", linewidth=0.7, zorder=0)
inset.plot([0, 1.1], [0, 1.1], color="0.5", linestyle=":", linewidth=0.7, zorder=0)
inset.text(1.08, 0.47, r"$\omega_L$", fontsize=6, ha="right", va="top")
inset.text(0.36, 0.33, r"$\omega_0$", fontsize=6, ha="left", va="top")
inset.set_xlim(0, 1.1)
inset.set_ylim(0, 1.1)
inset.set_xlabel(r"$\omega_0$ ($t$)", fontsize=6, labelpad=1)
inset.set_ylabel(r"$\omega_\mathrm{peak}$ ($t$)", fontsize=6, labelpad=1)
inset.tick_params(labelsize=5)
save(figure, options.out, "tls_crossover")

# %% [markdown]
# **What the paper says, and what was found.** "The localization-induced DDP is washed out when $\omega_0$
# reaches the localization peak frequency $\omega_L$": so it is, from $0.4\,t$ on the static conductivity
# exceeds the peak. The position of the peak crosses over from about $0.5\,t$ to about $\omega_0$ as in the
# inset, not monotonically on 12 sites, smoothly on 16. At $\omega_0 = t$ the resonance is a shallow plateau:
# in the full form, with the narrower filters, a line at $0.55\,t$ is as high as the maximum at $0.9\,t$,
# hence the long bar. "The $\omega = 0$ peak appears when $\omega_0 \gtrsim T$": as a local maximum it is
# there at $\omega_0 = 0.3\,T$ already, beyond three standard errors, side by side with the peak at finite
# frequency: the coexistence that the paper reports covers a wider range than its first sentence suggests. For
# $\omega_0 \ge T$ it is several times as high as everything else, and its height depends on the filter.
