# %% [markdown]
# # Quenched disorder and two-level systems: which law does the resistivity follow?
#
# **What is asked.** An electron in quenched disorder in one dimension is localized, and conducts only with
# the help of something that moves. What law does its resistivity follow when this is a set of two-level
# systems, Arrhenius or variable-range hopping, and does it matter that their energies are random as in
# glasses? Rammal, Ciuchi and Fratini, *Inelastic scattering and transient localization from coupling to
# two-level systems*, propose this in their concluding remarks, beyond the theories for weak inelastic
# scattering (their refs. 34-36); there is no figure to compare with. The quick form takes about ten seconds
# on two cores: rings of 6 sites, 32 realizations. `--full` takes 7 sites and 128 realizations: two to three
# minutes.
#
# **The model.** $H = -t \sum_j (c_{j+1}^\dagger c_j + \mathrm{h.c.}) + \sum_j \epsilon_j n_j + \sum_j
# \frac{\omega_{0j}}{2} \sigma^z_j -
# \sum_j g_j n_j \sigma^x_j$, site energies in a box of width $W$. All two-level systems alike have $\omega_0
# = 0.3\,t$, $g = t$; those of a glass have a density $1/\omega_0$ of splittings from $0.03\,t$ to $t$ and
# couplings uniform between $0.5\,t$ and $1.5\,t$.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from _common import PAGE, RAMMAL, Measured, Statements, joined, letters, parse_args, save, save_table, solved

import xglass as xg

options = parse_args("Quenched disorder and two-level systems: Arrhenius or variable-range hopping")
sites, realizations = (7, 128) if options.full else (6, 32)
T = [0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0]
grid = {"T": T, "frequency": [0.0], "broadening": [0.05, 0.1]}

chain = xg.lattice.chain(sites)
ensemble = {"realization": realizations, "seed": 1}
energies = {W: xg.random_site_energy(chain, strength=W, convention="width", **ensemble) for W in (2.0, 4.0)}
splittings = xg.random_parameter(chain, "omega0", distribution="log_uniform", low=0.03, high=1.0, **ensemble)
couplings = xg.random_parameter(chain, "g", distribution="uniform", low=0.5, high=1.5, **ensemble)
models = {
    "clean": xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=0.3),
    "W = 2": xg.electron_tls(chain, g=1.0, omega0=0.3, site_energy=energies[2.0]),
    "W = 4": xg.electron_tls(chain, g=1.0, omega0=0.3, site_energy=energies[4.0]),
    "W = 2, glass": xg.electron_tls(chain, g=couplings, omega0=splittings, site_energy=energies[2.0]),
}

# %% [markdown]
# **The computation.** Every realization has its own partition function (`average=None`): the disorder is
# quenched. Realizations of one label have the same site energies, up to a factor, at every $W$ and
# temperature. At low temperature few states count and the conductivity of one realization is small, so that
# random vectors are no use: it is computed exactly, by full diagonalisation. The clean ring, of 8 sites, is
# averaged over momenta, that is over twisted boundary conditions.


# %%
def static_conductivity(name: str, **average) -> xr.Dataset:
    solution = xg.exact(models[name], **grid, **average)[["optical_conductivity"]]
    solution = solved(options, f"tls_disorder_{name.replace(' = ', '').replace(', ', '_')}", solution)
    return xg.dc_conductivity(solution["optical_conductivity"]).reset_coords(drop=True).to_dataset()


clean = static_conductivity("clean", momentum=np.pi * (np.arange(24) + 0.5) / 24)["dc_conductivity"]
disordered = xr.DataArray(["W = 2", "W = 4", "W = 2, glass"], dims="system", name="system")
sigma = joined([static_conductivity(name, average=None) for name in disordered.values], disordered)
sigma = sigma["dc_conductivity"].assign_coords(system=disordered)

# %% [markdown]
# The conductivities of realizations differ by orders of magnitude at low temperature, and a few of them make
# the mean. The typical resistivity $\exp\langle -\ln\sigma(0)\rangle$ is what a chain of many such rings
# tends to show; $1/\langle\sigma(0)\rangle$ would be that of many in parallel. Errors come from the jackknife
# over realizations. A ring this small has so few states that $\sigma(0)$ also depends on the filter: by how
# much $\rho$ changes when its width is doubled to $0.1\,t$ is a second error, of the narrower filter. The
# fits take both, added in squares.


# %%
def typical(sigma: xr.DataArray) -> xr.DataArray:
    """Typical resistivity of the realizations."""
    rho = xg.resistivity(sigma)
    return np.exp(np.log(rho).mean("realization")).rename("resistivity").assign_attrs(rho.attrs)


typical_rho = xg.jackknife(typical, sigma, dim="realization", blocks=32)
both = xg.resistivity(clean).to_dataset().expand_dims(system=["clean"])
both["resistivity_stderr"] = xr.zeros_like(both["resistivity"])
both = xr.concat([both, typical_rho], "system", combine_attrs="override")
narrow, wide = (both.isel(broadening=k, drop=True) for k in (0, 1))
change = abs(wide["resistivity"] - narrow["resistivity"]).assign_attrs(both["resistivity"].attrs)
table = narrow.assign(resistivity_filter_error=change)
errors = table["resistivity_stderr"], table["resistivity_filter_error"]
rho = Measured(table["resistivity"], np.hypot(*errors)).sel(system=disordered.values)

# %% [markdown]
# Two laws are fitted between $0.15\,t$ and $0.7\,t$, below the minimum of $\rho$: Arrhenius, $\rho_0
# e^{T_0/T}$, and variable-range hopping, $\rho_0 e^{(T_0/T)^{1/2}}$: 1/2 is the exponent of Mott in one
# dimension, and that of Efros and Shklovskii in any. Both have two parameters, so the difference of their
# criteria of Akaike is that of $\chi^2$. All temperatures share their realizations and so their errors are
# correlated: what the difference is worth is told by the jackknife around the whole chain, and $\chi^2$ comes
# out far below the number of points.

# %%
cold = {"T": slice(0.15, 0.7)}


def laws(sigma: xr.DataArray) -> xr.Dataset:
    curve = typical(sigma.isel(broadening=0, drop=True)).sel(cold)
    laws = xg.fits.variable_range_hopping(curve, exponent=[1.0, 0.5], stderr=rho.error.sel(cold))
    difference = -laws["aic"].diff("exponent").squeeze(drop=True)
    kept = laws[["hopping_temperature", "prefactor", "chi2"]]
    return kept.assign(aic_difference=difference.assign_attrs(units="1"))


fits = xg.jackknife(laws, sigma, dim="realization", blocks=32)
save_table(fits, options.out, "tls_disorder_laws")
columns = ["resistivity", "resistivity_filter_error", "failed_replicates"]
save_table(table, options.out, "tls_disorder", columns)

# %% [markdown]
# **The check.** In the same realizations the resistivity grows with $W$ at every temperature, and so does
# $T_0$ of Arrhenius. One law is taken for the better where the difference of the criteria has a sign.


# %%
def relative(sigma: xr.DataArray) -> xr.DataArray:
    """ln rho, typical, over that of W = 2, realization by realization."""
    logarithm = -np.log(sigma.isel(broadening=0))
    return (logarithm - logarithm.sel(system="W = 2")).mean("realization").rename("ratio")


def positive(found: Measured) -> bool:
    return bool((found.value > 3 * found.error).all())


claims = Statements("tls_disorder", RAMMAL, options)
ratio = Measured.of(xg.jackknife(relative, sigma, dim="realization", blocks=32), "ratio")
barrier = Measured.of(fits, "hopping_temperature").sel(exponent=1.0)
criteria = Measured.of(fits, "aic_difference")
logarithm = Measured(np.log(rho.value), rho.error / rho.value)
assert positive(ratio.sel(system="W = 4")), "more resistive with more disorder"
assert positive(ratio.sel(system="W = 2, glass", T=0.15)), "and in a glass"
assert positive(barrier.sel(system="W = 4") - barrier.sel(system="W = 2")), "a higher barrier"
claims.decide("insulating", logarithm.sel(T=0.15) - logarithm.sel(T=1.0))
claims.decide("activated", barrier)
claims.decide("weak_disorder", criteria.sel(system="W = 2"))
claims.decide("strong_disorder", criteria.sel(system="W = 4"))
claims.close(options.out)

# %% [markdown]
# **The figure.** (a) Typical resistivity against temperature; bars hold both errors, the band of the clean
# chain spans the two filters. (b) The cold part against $1/T$ with both laws, solid Arrhenius, dashed
# variable range.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.8))
clean = table.sel(system="clean")
band = tuple(clean["resistivity"] + sign * clean["resistivity_filter_error"] for sign in (-1, 1))
xg.plot.curves(clean["resistivity"], x="T", band=band, ax=left, color="C6", label="clean")
titles = ("$W = 2\\,t$", "$W = 4\\,t$", "$W = 2\\,t$, random $\\omega_0$, $g$")
u = xr.DataArray(np.linspace(1 / 0.75, 1 / 0.14, 100), dims="u")
for k, (name, title) in enumerate(zip(disordered.values, titles, strict=True)):
    curve, part = rho.sel(system=name), fits.sel(system=name)
    style = {"color": f"C{k}", "marker": "os^"[k], "label": title}
    left.errorbar(T, curve.value, yerr=curve.error, linewidth=0.8, **style)
    xg.plot.arrhenius(curve.value.sel(cold), stderr=curve.error.sel(cold), ax=right, **style)
    for exponent, line in ((1.0, "-"), (0.5, "--")):
        law = part.sel(exponent=exponent)
        drawn = law["prefactor"] * np.exp((law["hopping_temperature"] * u) ** exponent)
        right.plot(u, drawn, color=f"C{k}", linestyle=line, linewidth=0.7)
left.set(xscale="log", yscale="log", xlabel="$T$ ($t$)")
left.set_xticks([0.2, 0.5, 1.0, 2.0], ["0.2", "0.5", "1", "2"])
left.minorticks_off()
left.legend(loc="upper right")
letters((left, right))
save(figure, options.out, "tls_disorder")

# %% [markdown]
# **What was found.** Conduction is activated, with $T_0 = 0.5\,t$ of an Arrhenius law for $W = 2\,t$ and
# $0.9\,t$ for $W = 4\,t$ on 6 sites, neither of them $\omega_0 = 0.3\,t$. Two-level systems with random
# energies and couplings conduct less, five times at $T = 0.15\,t$. Between Arrhenius and variable-range
# hopping the data of the quick form do not decide; those of the full form, 7 sites and 128 realizations, lean
# to Arrhenius for $W = 2\,t$ (a difference of 3.0, with an error of 0.6) and not at all for $W = 4\,t$. No
# more can be claimed from rings this small: from 6 to 7 sites the typical resistivity at $W = 2\,t$ and $T =
# 0.15\,t$ falls from 23 to 9.5 and $T_0$ from $0.5\,t$ to $0.3\,t$, since what activates is in part the
# distance between the levels of the ring; and at $W = 4\,t$ it changes by half at that temperature when the
# filter is doubled.
