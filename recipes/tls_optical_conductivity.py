# %% [markdown]
# # Displaced Drude peaks from two-level systems
#
# **What is asked.** What does the optical conductivity of one electron among slow two-level systems look
# like, and what becomes of it when they are faster and when they are warmer? This is Fig. 1 (a-d) of Rammal,
# Ciuchi and Fratini, *Inelastic scattering and transient localization from coupling to two-level systems*.
# The quick form takes about 8 s of processor time on 12 sites. `--full` takes the paper's 16 sites and
# filter: about 140 s of processor time (measured), a minute and a half on two cores, and 0.5 GB of memory. It
# may be stopped and goes on when the same command is given again.
#
# **The model.** One electron hops with $t$ on a ring and flips the two-level system of its site,
# $H = -t \sum_j (c_{j+1}^\dagger c_j + \mathrm{h.c.}) + \frac{\omega_0}{2}\sum_j \sigma^z_j - g \sum_j n_j
# \sigma^x_j$, with $g = t$. The text of the paper names $\omega_0 = 0.02\,t$ for the first panel and $0.5\,t$
# for the last; $0.1\,t$ and $0.2\,t$ for the two between them, and the six temperatures, are our choice.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from _common import COLUMN, joined, parse_args, save, save_table, solved

import xglass as xg

options = parse_args("Optical conductivity of one electron and two-level systems: displaced Drude peaks")
sites, vectors, cold_vectors, broadening = (16, 12, 3, 0.04) if options.full else (12, 16, 4, 0.06)
omega0, T = [0.02, 0.1, 0.2, 0.5], [0.2, 0.3, 0.5, 0.7, 1.0, 2.0]
model = xg.electron_tls(xg.lattice.chain(sites), g=1.0, omega0=omega0)
grid = {"frequency": np.linspace(0.0, 4.0, 401), "broadening": broadening, "seed": 1}

# %% [markdown]
# **The computation.** The finite-temperature Lanczos method, all temperatures from one pass, with a Gaussian
# filter of standard deviation $\delta$ on the even function $\sigma(\omega)$. Below $\omega_0$ few states
# carry the partition function and Lanczos runs from random vectors are noisy; there the vectors are cooled to
# $T$ first (`typicality`). The number of Lanczos steps follows from the filter.

# %%


variables = ["optical_conductivity", "optical_conductivity_stderr", "total_weight", "total_weight_stderr"]
warm = [value for value in T if value >= omega0[-1]]
cold = [value for value in T if value < omega0[-1]]
slow, fast = model.sel(omega0=omega0[:-1]), model.sel(omega0=omega0[-1])
panels = solved(options, "tls_spectra_slow", xg.ftlm(slow, T=T, random_vectors=vectors, **grid))
last = [
    solved(options, "tls_spectra_fast_warm", xg.ftlm(fast, T=warm, random_vectors=vectors, **grid)),
    solved(
        options, "tls_spectra_fast_cold", xg.typicality(fast, T=cold, random_vectors=cold_vectors, **grid)
    ),
]
solution = joined([panels, joined(last, "T", variables)], "omega0", variables).compute()
sigma, error = solution["optical_conductivity"], solution["optical_conductivity_stderr"]

# %% [markdown]
# The peak is the highest local maximum between $0.2\,t$ and $2\,t$; $L = \sqrt{2t/\omega_L}$ is the
# localization length that the paper reads from it. The dip is the lowest point between zero frequency and the
# peak; `half_height` is the frequency up to which $\sigma$ exceeds half its value at the peak.

# %%
window = (0.2, 2.0)
peak = xg.peak_frequency(sigma, window=window)
dip = sigma.where(sigma["frequency"] <= peak).idxmin("frequency")


def at(frequency: xr.DataArray | float) -> tuple[xr.DataArray, xr.DataArray]:
    """Conductivity and standard error at a frequency of each curve."""
    where = {"frequency": frequency, "method": "nearest"}
    return sigma.sel(**where).drop_vars("frequency"), error.sel(**where).drop_vars("frequency")


(static, static_error), (top, top_error), (bottom, bottom_error) = at(0.0), at(peak), at(dip)
table = xr.Dataset(
    {
        "peak_frequency": peak,
        "localization_length": xg.localization_length(sigma, window=window),
        "sigma_peak": top,
        "sigma_peak_stderr": top_error,
        "sigma_0": static,
        "sigma_0_stderr": static_error,
        "sigma_dip": bottom,
        "half_height": sigma["frequency"].where(sigma > top / 2).max("frequency", keep_attrs=True),
    },
)
save_table(table, options.out, "tls_optical_conductivity")
localized, half = table.sel(omega0=omega0[:-1]), table["half_height"]
low, high = (float(end(localized["peak_frequency"])) for end in (np.min, np.max))
print(
    f"omega0 <= 0.2 tc: peak between {low:.2f} and {high:.2f} tc, L between {(2 / high) ** 0.5:.2f} "
    f"and {(2 / low) ** 0.5:.2f} a"
)
relative = (error.max("frequency") / sigma.max("frequency")).sel(T=slice(0.5, None)).max()
print(f"largest standard error at T >= 0.5 tc, of the maximum of its curve: {100 * float(relative):.1f} %")
second = (static - bottom) > 3 * np.hypot(static_error, bottom_error)
for value in omega0[1:]:
    print(
        f"omega0 = {value:g} tc: a peak at zero frequency for T =",
        sigma["T"].values[second.sel(omega0=value).values].tolist(),
        "tc",
    )

# %% [markdown]
# **The check.** For $\omega_0 \le 0.2\,t$ there is a peak at $0.5\,t$ at every temperature, higher than
# $\sigma(0)$ by more than three standard errors. Its top is flat and carries the fine structure of binary
# disorder, two lobes near $0.41\,t$ and $0.58\,t$ that exchange the maximum: hence the tolerance of
# $0.15\,t$. Warming lowers it and widens its flank. All temperatures share their random vectors, so
# differences between neighbours are surer than their error bars; the fall from the lowest to the highest is
# many times the error. At $\omega_0 = 0.2\,t = T$ a second peak is at zero frequency. At $\omega_0 = 0.5\,t$
# zero frequency is the maximum at every temperature, and what is left at finite frequency lies at $\omega_0$
# or above: by how much depends on the size of the ring.

# %%
assert bool((abs(localized["peak_frequency"] - 0.5) < 0.15).all()), "a peak at 0.5 t at all temperatures"
excess = localized["sigma_peak"] - localized["sigma_0"]
three_errors = 3 * np.hypot(localized["sigma_peak_stderr"], localized["sigma_0_stderr"])
assert bool((excess > three_errors).all()), "the Drude peak is displaced"
assert bool((localized["sigma_peak"].diff("T") < 0).all()), "warming lowers the peak"
assert bool(
    (
        localized["sigma_peak"].isel(T=0) - localized["sigma_peak"].isel(T=-1)
        > 10 * localized["sigma_peak_stderr"].isel(T=0)
    ).all()
)
assert bool((half.isel(T=-1) > half.isel(T=0)).sel(omega0=omega0[:-1]).all()), "warming broadens the peak"
two = {"omega0": 0.2, "T": 0.2}
assert bool(second.sel(two)), "two peaks at T = omega0 = 0.2 t"
assert not bool(second.sel(omega0=[0.02, 0.1]).any()), "only one among slower two-level systems"
assert bool((static > bottom).sel(omega0=0.5).all()), "fast two-level systems: a Drude peak at zero frequency"
beyond = (static - top).sel(omega0=0.5)
assert bool((beyond > 3 * np.hypot(static_error, top_error).sel(omega0=0.5)).all()), (
    "higher than what is at finite frequency"
)

# %% [markdown]
# **The figure.** Panels of Fig. 1, dark to light with rising temperature, bands of one standard error. The
# coherent peak of panel (d) is cut off.

# %%
figure, axes = plt.subplots(4, 1, figsize=(COLUMN, 6.4), sharex=True)
for ax, value, letter in zip(axes, omega0, "abcd", strict=True):
    here = {"omega0": value}
    xg.plot.curves(sigma.sel(here), x="frequency", stderr=error.sel(here), ax=ax, linewidth=0.9)
    ax.set_title(f"({letter})  $\\omega_0 = {value:g}\\,t$", loc="right", y=0.8)
    ax.set_ylim(0, 4.2)
    ax.label_outer()
    if value != omega0[0]:
        ax.get_legend().remove()
axes[0].legend(ncols=2, loc="center right", bbox_to_anchor=(1.0, 0.6))
axes[0].set_xlim(0, 2.5)
save(figure, options.out, "tls_optical_conductivity")

# %% [markdown]
# **What the paper says, and what was found.** "A marked finite-frequency peak at $\omega_L \simeq 0.5\,t$" at
# all temperatures, "progressively reduced with increasing temperature, while its shape broadens": found.
# "Corresponds here to 2-3 lattice spacings": the formula of the paper gives the lengths printed above, about
# two spacings, the lower end. The coherent peak at zero frequency and its coexistence with the displaced
# Drude peak, "panel (c)", "when $T \lesssim \omega_0$": found at $\omega_0 = 0.2\,t$, where the second peak
# lasts to temperatures above $\omega_0$ (printed above). At $\omega_0 = 0.1\,t$ there is none down to $T =
# 0.2\,t$. "A fundamental change of shape" at $\omega_0 = 0.5\,t$: found.
