# %% [markdown]
# # Vertex corrections: what mean-field theory leaves out
#
# **What is asked.** Dynamical mean-field theory (DMFT) has the exact scattering of one site and none of the
# interference between sites that localizes. Beside the exact conductivity it shows where in frequency, and up
# to which $\omega_0$, localization counts; the relaxation-time approximation (RTA) shows whether disorder
# that relaxes explains it. This is Fig. 3, with Eqs. (2), (4) and (5), of Rammal, Ciuchi and Fratini,
# *Inelastic scattering and transient localization from coupling to two-level systems*. The quick form takes
# about ten seconds on two cores, on 14 sites. `--full` takes the paper's 16 sites and filters: one to two
# minutes and 0.5 GB of memory. It may be stopped and goes on when the same command is given again.
#
# **The model.** One electron hops with $t$ on a ring and flips the two-level system of its site, $H = -t
# \sum_j (c_{j+1}^\dagger c_j + \mathrm{h.c.}) +
# \frac{\omega_0}{2}\sum_j \sigma^z_j - g \sum_j n_j \sigma^x_j$, with $g = t$ and $T = t$. Panel (a) has
# $\omega_0 = 0.05\,t$; the text names $0.02\,t$ and $0.05\,t$ for panel (b), and the other values are our
# choice.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from _common import PAGE, PALETTE, joined, parse_args, save, save_table, solved

import xglass as xg

options = parse_args("Vertex corrections: exact conductivity against mean field and relaxation time")
sites, vectors, narrow = (16, 4, 0.01) if options.full else (14, 2, 0.02)
omega0 = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5] if options.full else [0.02, 0.05, 0.1, 0.2, 0.5]
model = xg.electron_tls(xg.lattice.chain(sites), g=1.0, omega0=omega0)
grid = {"T": 1.0, "frequency": np.linspace(0.0, 8.0, 801)}

# %% [markdown]
# **The computation.** The finite-temperature Lanczos method, periodic boundary conditions. As in the paper
# the filter is $0.04\,t$, but narrower at the lowest $\omega_0 = 0.02\,t$: $0.01\,t$, and $0.02\,t$ in the
# quick form. The frozen limit $\omega_0 = 0$ needs no Lanczos method: chains of 400 sites with binary
# disorder, as exact weights per bin. The RTA relaxes it with the rate $p = \omega_0$.


# %%
def lanczos(values: list[float], broadening: float) -> xr.Dataset:
    count = vectors if broadening == 0.04 else max(2, vectors - 2)
    solution = xg.ftlm(model.sel(omega0=values), broadening=broadening, random_vectors=count, seed=5, **grid)
    return solved(options, f"tls_vertex_lanczos_{broadening:g}", solution).drop_vars("broadening")


variables = ["optical_conductivity", "optical_conductivity_stderr", "total_weight", "total_weight_stderr"]
exact = joined([lanczos(omega0[:1], narrow), lanczos(omega0[1:], 0.04)], "omega0", variables)
sigma, error = exact["optical_conductivity"], exact["optical_conductivity_stderr"]
frozen = {"sites": 400, "realization": 200 if options.full else 40, "seed": 6}
static = solved(options, "tls_vertex_static", xg.static_disorder(model, broadening=None, **frozen, **grid))
relaxed = xg.relaxation_time_approximation(
    static["optical_conductivity"], rate=model["omega0"], correlation="symmetrised"
)
coarse_grid = {"T": 1.0, "frequency": np.linspace(0.0, 8.0, 321)}
mean_field = ["optical_conductivity", "total_weight"]
dmft = solved(options, "tls_vertex_dmft", xg.dmft(model, **coarse_grid)[mean_field])

# %% [markdown]
# From the spectra: static conductivities, partial ($\Lambda = 0.25\,t$) and total spectral weights, Eq. (2).
# The rate of the RTA is also fitted, once to the static conductivity and once to the spectrum below $2\,t$,
# with a reference that went through the same filter. Neighbouring frequencies are correlated over the filter,
# so every tenth ($0.1\,t$) enters the fit, whose error is that of the scatter. Eq. (5) takes $A$ and
# $\bar\omega$ from a fit to the frozen spectrum, up to 1.5 times the frequency of its peak.

# %%
filtered = solved(
    options, "tls_vertex_filtered", xg.static_disorder(model, broadening=[narrow, 0.04], **frozen, **grid)
)["optical_conductivity"]
fine, coarse = ({"omega0": part} for part in (slice(0, 1), slice(1, None)))


def rates(spectra: xr.DataArray, **errors: xr.DataArray) -> xr.Dataset:
    """Fitted rate for every omega0, each with the reference of its own filter."""
    parts = [
        xg.fits.relaxation_rate(
            spectra.isel(part),
            filtered.sel(broadening=width, drop=True),
            **{k: e.isel(part) for k, e in errors.items()},
        )
        for part, width in ((fine, narrow), (coarse, 0.04))
    ]
    return joined(parts, "omega0", ["rate", "rate_stderr"])


dc, dc_error = xg.dc_conductivity(sigma), xg.dc_conductivity(error)
dc_rate = rates(dc, stderr=dc_error)
spectrum_rate = rates(sigma.sel(frequency=slice(0.0, 2.0)).isel(frequency=slice(None, None, 10)))
form = xg.fits.displaced_drude(static["optical_conductivity"])
eq5 = xg.fits.displaced_drude_conductivity(form["amplitude"], form["peak_frequency"], rate=model["omega0"])
cutoff = 0.25
table = xr.Dataset(
    {
        "dc_exact": dc,
        "dc_exact_stderr": dc_error,
        "dc_dmft": xg.dc_conductivity(dmft["optical_conductivity"]),
        "dc_rta": xg.dc_conductivity(relaxed),
        "dc_eq5": eq5,
        "rate_dc": dc_rate["rate"],
        "rate_dc_stderr": dc_rate["rate_stderr"],
        "rate_spectrum": spectrum_rate["rate"],
        "rate_spectrum_stderr": spectrum_rate["rate_stderr"],
        "partial_exact": xg.spectral_weight(sigma, cutoff=cutoff),
        "partial_dmft": xg.spectral_weight(dmft["optical_conductivity"], cutoff=cutoff),
        "total_exact": exact["total_weight"],
        "total_exact_stderr": exact["total_weight_stderr"],
        "total_dmft": dmft["total_weight"],
    },
)
save_table(table, options.out, "tls_vertex_corrections")
print(
    f"Eq. (5): A = {float(form['amplitude']):.2f}, wbar = {float(form['peak_frequency']):.3f} +- "
    f"{float(form['peak_frequency_stderr']):.3f} tc"
)


def weight(spectrum: xr.DataArray, low: float, high: float) -> float:
    below = xg.spectral_weight(spectrum, cutoff=[low, high])
    return float(below.sel(cutoff=high) - below.sel(cutoff=low))


slow, local = sigma.sel(omega0=0.05), dmft["optical_conductivity"].sel(omega0=0.05)
common = slow.sel(frequency=local["frequency"], method="nearest").assign_coords(frequency=local["frequency"])
crossing = float(local["frequency"].where(common > local, drop=True)[0])
print(f"omega0 = 0.05 tc: exact below DMFT up to {crossing:.2f} tc")
ranges = {(0.0, 0.25): 0.0, (0.5, 2.0): 0.0, (2.0, 8.0): 0.0}
for ends in ranges:
    ranges[ends] = weight(local, *ends) / weight(slow, *ends) - 1.0
    print(f"weight between {ends[0]:g} and {ends[1]:g} tc: DMFT {100 * ranges[ends]:+.0f} % from exact")
relaxed_slow = relaxed.sel(omega0=0.05)
peaks = {
    name: float(xg.peak_frequency(s, window=(0.1, 2.0)))
    for name, s in (("exact", slow), ("RTA", relaxed_slow))
}
print("displaced Drude peak:", ", ".join(f"{name} at {value:.2f} tc" for name, value in peaks.items()))

unfiltered = xg.fits.relaxation_rate(
    dc.sel(omega0=0.05), static["optical_conductivity"], stderr=dc_error.sel(omega0=0.05)
)
print(
    "rate that gives the static conductivity at omega0 = 0.05 tc: "
    f"{float(dc_rate['rate'].sel(omega0=0.05)):.3f} tc on top of the filter, "
    f"{float(unfiltered['rate']):.3f} +- {float(unfiltered['rate_stderr']):.3f} tc without it"
)

# %% [markdown]
# **The check.** Errors are those of the random vectors, estimated from a few dozen of them: four of them
# bound what shall agree. The static conductivity of the RTA with $p = \omega_0$ is held to 10 % for $0.05\,t$
# and $0.1\,t$: that much the exact one differs between rings of 12 and 16 sites. At $0.02\,t$ the difference
# in size is larger than that, and the bound is 25 %. Eq. (5) is held to 5 % of the RTA.

# %%
localized = {"omega0": slice(None, 0.2)}
difference = table["total_exact"] / table["total_dmft"] - 1.0
print(
    f"total weight, exact over DMFT - 1: {100 * float(difference.min()):.2f} to "
    f"{100 * float(difference.max()):.2f} %"
)
assert bool((abs(difference) < 4 * table["total_exact_stderr"] / table["total_exact"]).all()), (
    "DMFT has the total weight"
)
assert float(np.ptp(table["total_dmft"].values)) < 0.005 * float(table["total_dmft"].mean()), (
    "which does not depend on omega0"
)
below_dc = table["dc_dmft"] - table["dc_exact"] - 4 * table["dc_exact_stderr"]
assert bool((below_dc.sel(localized) > 0).all()), "localization lowers the static conductivity"
assert bool((table["partial_exact"] < 0.7 * table["partial_dmft"]).sel(localized).all()), (
    "and the weight at low frequency"
)
assert 0.2 < crossing < 0.6, "up to the displaced Drude peak"
assert -0.3 < ranges[0.5, 2.0] < -0.1, "no full agreement above it: DMFT is low up to 2 t"
assert 0.1 < ranges[2.0, 8.0] < 0.5, "and high beyond"
ratio = table["dc_rta"] / table["dc_exact"]
print(
    "static conductivity, RTA over exact:",
    ", ".join(f"{float(r):.2f} (omega0 = {float(r['omega0']):g} tc)" for r in ratio),
)
assert bool((abs(ratio - 1) < 0.1).sel(omega0=[0.05, 0.1]).all()), "slow relaxation with p = omega0"
assert abs(float(ratio.sel(omega0=0.02)) - 1) < 0.25
assert float(ratio.sel(omega0=0.5)) < 0.6, "which fails for fast two-level systems"
formula = table["dc_eq5"] / table["dc_rta"]
print(f"Eq. (5) over RTA: {float(formula.min()):.3f} to {float(formula.max()):.3f}")
assert bool((abs(formula - 1) < 0.05).all()), "Eq. (5) stands for Eq. (4)"
assert abs(peaks["exact"] - peaks["RTA"]) < 0.15, "the peak of frozen disorder"

# %% [markdown]
# **The figure.** (a) Spectra at $\omega_0 = 0.05\,t$. (b) Static conductivity against $\omega_0$. (c) Partial
# (below $0.25\,t$) and total spectral weights. Bands and bars: one standard error. The static spectrum of (a)
# has the filter of the exact one.

# %%
blue, orange, green, grey = PALETTE[0], PALETTE[4], PALETTE[2], "0.35"
figure, (top, middle, right) = plt.subplots(1, 3, figsize=(PAGE, 2.6), width_ratios=(1.25, 1, 1))
xg.plot.curves(filtered.sel(broadening=0.04), x="frequency", ax=top, color=orange, label="static")
xg.plot.curves(relaxed_slow, x="frequency", ax=top, color=green, linestyle=":", linewidth=1.6, label="RTA")
xg.plot.curves(local, x="frequency", ax=top, color=grey, linestyle="--", label="DMFT")
xg.plot.curves(slow, x="frequency", stderr=error.sel(omega0=0.05), ax=top, color=blue, label="exact")
top.set_xlim(0, 4)
top.set_ylim(0, 1.85)
top.legend(loc="upper right")
xg.plot.curves(dc, x="omega0", stderr=dc_error, ax=middle, color=blue, marker="o", label="exact")
xg.plot.curves(table["dc_dmft"], x="omega0", ax=middle, color=grey, linestyle="--", label="DMFT")
rate = np.linspace(0.02, 0.5, 97)  # from two bins on
rta = xg.dc_conductivity(
    xg.relaxation_time_approximation(static["optical_conductivity"], rate=rate, correlation="symmetrised")
)
formula = xg.fits.displaced_drude_conductivity(form["amplitude"], form["peak_frequency"], rate=rate)
xg.plot.curves(rta, x="rate", ax=middle, color=green, linestyle=":", linewidth=1.6, label="RTA")
xg.plot.curves(formula, x="rate", ax=middle, color="0.7", linewidth=3, label="Eq. (5)", zorder=0)
middle.set_xlabel(xg.plot.label(table["omega0"]))
middle.set_ylim(0, 2.1)
middle.legend(loc="lower right")
middle.set_ylabel(r"$\sigma(0)$ ($e^2 a^2/\hbar$)")
xg.plot.curves(
    table["total_exact"],
    x="omega0",
    stderr=table["total_exact_stderr"],
    ax=right,
    color=blue,
    marker="o",
    label="exact",
)
xg.plot.curves(table["partial_exact"], x="omega0", ax=right, color=blue, marker="s", label="_")
for name in ("total_dmft", "partial_dmft"):
    xg.plot.curves(
        table[name],
        x="omega0",
        ax=right,
        color=grey,
        linestyle="--",
        label="DMFT" if name == "total_dmft" else "_",
    )
right.set_ylim(0, 2.4)
right.set_ylabel(r"$\mathrm{SW}(\Lambda)$ ($t\,e^2 a^2/\hbar^2$)")
right.text(0.25, 1.9, r"$\Lambda = \infty$", va="top", ha="center")
right.text(0.25, 0.5, r"$\Lambda = 0.25\,t$", va="bottom", ha="center")
right.legend(loc="center right")
for ax, letter in zip((top, middle, right), "abc", strict=True):
    ax.set_title(f"({letter})", loc="left")
for ax in (middle, right):
    ax.set_xlim(0, 0.52)
save(figure, options.out, "tls_vertex_corrections")

# %% [markdown]
# **What the paper says, and what was found.** Localization takes weight from low frequency, and the total "is
# instead precisely captured by DMFT", independent of $\omega_0$: so it is. "The FTLM conductivity is always
# lower than the DMFT result": in the static limit and up to about $0.4\,t$; as the total is the same, it must
# be higher elsewhere. "Full agreement between the two methods is recovered at high frequencies, $\omega
# \gtrsim \omega_L$": this is not found. DMFT has 20 % too little weight between $0.5\,t$ and $2\,t$ and about
# a quarter too much above, on 16 sites as on 14: the same order, no agreement. The RTA with $p = \omega_0$
# gives the static conductivity up to $\omega_0 = 0.1\,t$ within 5 % on 16 sites (12 % at $0.02\,t$ on 14) and
# fails at $0.5\,t$ by a factor of two. Fitted rates tell more: the static conductivity at $\omega_0 =
# 0.05\,t$ asks for $p = \omega_0$, of which the filter makes a part; without that part $p \simeq
# 0.8\,\omega_0$. The whole spectrum prefers about $0.5\,\omega_0$, on 14 sites as on 16, near the
# $0.45\,\omega_0$ quoted for bosons. Eq. (5) with $\bar\omega = 0.43\,t$ to $0.45\,t$, as fitted to the
# frozen spectrum (the paper has $0.375\,t$), reproduces the RTA within 4 %.
