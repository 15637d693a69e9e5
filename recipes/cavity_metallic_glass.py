# %% [markdown]
# # Frozen density and fermions of the metallic glass
#
# **What is asked.** Does the frozen density set in continuously, and what do fermions feel of the critical
# fluctuations? These are Eqs. (40) and (49) of Müller, Strack and Sachdev, *Quantum charge glasses of
# itinerant fermions with cavity-mediated long-range interactions*, Phys. Rev. A 86, 023604 (2012). The quick
# form, on $64^3$ sites, takes about 10 s of processor time; `--full`, on $128^3$ sites and down to $T =
# 0.05\,t$, some three minutes (estimated from the cost of a site).
#
# **The model.** Spinless fermions on the cubic lattice at $n = 0.3$, with static random couplings of variance
# $J^2/N$ and without effective site disorder.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from _common import MUELLER, PAGE, Measured, Statements, letters, parse_args, save, save_table, solved

import xglass as xg

options = parse_args("Frozen density above the transition, and the self-energy at it")
sites, T = (128, [0.05, 0.1, 0.2]) if options.full else (64, [0.1, 0.2, 0.4])
ratios = xr.DataArray([0.5, 1.0, 1.01, 1.02, 1.1, 1.3, 1.6, 2.0], dims="ratio", name="ratio")  # J / J_c

# %% [markdown]
# **The computation.** Couplings are multiples of $J_c$ at the same temperature; errors are the distances from
# a lattice of three quarters of the length. At low temperature only $\Omega = 0$ contributes to
# $-\mathrm{Im}\,\Sigma_f(i\pi T)$, and $\Omega_1$ besides to the next frequency: three times the first less
# the second has lost the linear term $\rho(0) J^2 D(0)\,\omega$, and keeps that of $D(0) - D(\Omega_1)$.
# Its power of $T$ is extrapolated linearly in $T$ and in $\sqrt T$: three errors reach from one to the other.


# %%
def glasses(L: int) -> xr.Dataset:
    """q_EA, and -Im Sigma / J^2 at fermionic frequencies, over T and ratio."""
    liquid, parts = xg.cavity_glass(xg.lattice.cubic(L), filling=0.3), []
    critical = xg.critical_coupling(liquid, T=T)
    critical = solved(options, f"cavity_metallic_glass_{L}", critical)["critical_coupling"]
    for temperature in T:
        J = float(critical.sel(T=temperature)) * ratios.values
        solution = xg.saddle_point(liquid, T=temperature, J=J, matsubara=[0, 1])
        solution = solved(options, f"cavity_metallic_glass_{L}_{temperature:g}", solution)
        sigma = xg.fermion_self_energy(solution, fermion_matsubara=2).compute()
        part = xr.Dataset({"frozen": solution["edwards_anderson"], "sigma": -sigma.imag / sigma["J"] ** 2})
        part = part.reset_coords(drop=True).rename(J="ratio").assign_coords(ratio=ratios, T=temperature)
        parts.append(part.drop_attrs())
    return xr.concat(parts, "T")


def numbers(part: xr.Dataset) -> dict[str, xr.DataArray]:
    """Powers of J - J_c and, between temperatures of ratio two, of T."""
    first, second = (part["sigma"].isel(fermion_matsubara=k, drop=True) for k in (0, 1))
    rest = 3.0 * first - second
    linear, damping = (np.log2(data.shift(T=-1) / data).isel(T=slice(None, -1)) for data in (first, rest))
    q = part["frozen"]
    onset = np.log2(q.sel(ratio=1.02, drop=True) / q.sel(ratio=1.01, drop=True))
    return {"frozen": q, "onset": onset, "linear": linear, "damping": damping}


def limit_of(power: xr.DataArray, ratio: float) -> Measured:
    """A power at T = 0 from its two coldest values, ``ratio`` apart: linear in T, and in its root."""
    cold, warm = power.isel(T=-1, drop=True), power.isel(T=-2, drop=True)
    in_T, in_root = (cold + (cold - warm) / (ratio**p - 1.0) for p in (1.0, 0.5))
    return Measured(0.5 * (in_T + in_root), abs(in_root - in_T) / 6.0)


large, small = glasses(sites), glasses(3 * sites // 4)
values, others = numbers(large), numbers(small)
found = {name: Measured(value, abs(value - others[name])) for name, value in values.items()}
power = limit_of(found["damping"].value.sel(ratio=1.0).isel(T=slice(None, None, -1)), 2.0)
save_table(xr.Dataset(found["frozen"].columns("frozen")), options.out, "cavity_metallic_glass")
effective = xr.Dataset(found["linear"].columns("linear") | found["damping"].columns("damping"))
save_table(effective.sel(ratio=[0.5, 1.0]), options.out, "cavity_metallic_glass_powers")

# %% [markdown]
# **Resistivity.** Couplings of infinite range leave no vertex corrections, and the resistivity rises as the
# scattering rate: here its thermal mean, which imaginary time gives without a continuation, $-T^{-1}
# \Sigma_f(\tau = 1/2T)$. In the liquid, at the transition, and in the glass without what its frozen densities
# scatter, from powers between temperatures of ratio $\sqrt 2$.

# %%
rate_T = 0.2 * 2.0 ** (-0.5 * np.arange(6 if options.full else 4))
regimes = xr.DataArray([0.5, 1.0, 1.3], dims="ratio", coords={"ratio": [0.5, 1.0, 1.3]}, name="ratio")


def rates(L: int) -> xr.DataArray:
    """The scattering rate over T at 0.5, 1 and 1.3 J_c(T)."""
    liquid, parts = xg.cavity_glass(xg.lattice.cubic(L), filling=0.3), []
    critical = xg.critical_coupling(liquid, T=rate_T)["critical_coupling"].compute()
    for J in critical:
        solution = xg.saddle_point(liquid, T=J["T"], J=J.item() * regimes.values, matsubara=0)
        rate = xg.fermion_scattering_rate(solution, frozen=False).compute()
        parts.append(rate.rename(J="ratio").assign_coords(ratio=regimes))
    return xr.concat(parts, "T").reset_coords(drop=True).drop_attrs()


rate, coarser = rates(sites), rates(3 * sites // 4)
table = xr.Dataset(Measured(rate, abs(rate - coarser)).columns("rate"))
save_table(table, options.out, "cavity_metallic_glass_rates")
growth = 2.0 * np.log2(rate.shift(T=1) / rate).isel(T=slice(1, None))
resistivity = limit_of(growth, 2.0**0.5)

# %% [markdown]
# **Spectra.** The same equations above the real axis, with a bubble from real time: nothing is continued. The
# broadening is as small as the echo of the lattice allows, and what happens below it is not seen.

# %%
eta, warm = (0.15, 0.1) if options.full else (0.3, 0.2)
shares = xr.DataArray([0.5, 1.0, 1.5], dims="ratio", coords={"ratio": [0.5, 1.0, 1.5]})
liquid = xg.cavity_glass(xg.lattice.cubic(sites), filling=0.3)
critical = float(xg.critical_coupling(liquid, T=warm)["critical_coupling"])
spectra = xg.real_frequency_response(
    liquid, T=warm, J=critical * shares.values, frequency=np.linspace(0.0, 14.0, 71), broadening=eta
)
spectra = solved(options, "cavity_metallic_glass_spectra", spectra)
spectra = spectra.rename(J="ratio").assign_coords(ratio=shares)
D = spectra["local_density_response"].compute()
slope = (D.imag / D["frequency"]).sel(frequency=[2 * eta, 6 * eta], method="nearest")
bend = slope.isel(frequency=0, drop=True) / slope.isel(frequency=1, drop=True)
light = xg.metallic_glass.scattered_light(spectra["local_structure_factor"], omega0=20.0).compute()

# %% [markdown]
# **What the paper says**, decided by three standard errors, here those of the grid.

# %%
claims = Statements("cavity_metallic_glass", MUELLER, options)
claims.decide("onset", found["onset"])
claims.decide("continuous", found["frozen"].sel(ratio=1.01))
claims.decide("power", found["linear"].sel(ratio=1.0, T=T[0]))
claims.decide("damping", power)
claims.decide("stronger", found["damping"].sel(ratio=0.5) - found["damping"].sel(ratio=1.0))
claims.decide("resistivity", resistivity.sel(ratio=1.0))
claims.decide("resistivity_glass", resistivity.sel(ratio=1.3))
claims.decide("resistivity_liquid", resistivity.sel(ratio=0.5))
claims.decide("singular_spectrum", Measured(bend.sel(ratio=1.0) - bend.sel(ratio=0.5)))
claims.decide("singular_glass", Measured(bend.sel(ratio=1.5) - bend.sel(ratio=0.5)))
claims.close(options.out)

# %% [markdown]
# **The figure.** (a) Frozen density against coupling at three temperatures. (b) Self-energy at the transition
# against the first frequency: as it is (circles), and without its linear term (squares), with lines of the
# powers 1 and 3/2. (c) Effective power of the scattering rate in $T$ (circles), and its limits (squares). (d)
# Damping of the local response over frequency: flatter in the liquid, as far as the broadening lets one see.
# (e) Dynamic structure factor at the transition along $\Gamma$, X, M, R, $\Gamma$. (f) What of the local
# fluctuations leaves a cavity with photons of $20\,t$, up to a factor; in the glass with an elastic line
# besides.

# %%
figure, ((left, right, powers), (damping, zone, leaving)) = plt.subplots(2, 3, figsize=(PAGE, 4.6))
for temperature in T:
    label = f"$T = {temperature:g}\\,t$"
    left.plot(ratios, large["frozen"].sel(T=temperature), "o-", markersize=3, label=label)
left.set(xlabel="$J/J_c$", ylabel=r"$q_\mathrm{EA}$", ylim=(0.0, None))
left.legend()
first, second = (large["sigma"].sel(ratio=1.0).isel(fermion_matsubara=k) for k in (0, 1))
omega = np.pi * large["T"].values
kinds = (first, 1.0, "o", "first frequency"), (3 * first - second, 1.5, "s", "without linear term")
for data, power, style, label in kinds:
    right.loglog(omega, data, style, label=label)
    right.loglog(omega, float(data[0]) * (omega / omega[0]) ** power, "--", color="0.5", linewidth=0.7)
right.set(xlabel=r"$\omega = \pi T$ ($t$)", ylabel=r"$-\mathrm{Im}\,\Sigma_f/J^2$ ($1/t$)")
right.minorticks_off()
right.set_xticks(omega, [f"{w:.2g}" for w in omega])
right.set_yticks([0.01, 0.02, 0.04], ["0.01", "0.02", "0.04"])
right.legend(fontsize=6)
for ratio, colour in zip(regimes.values, ("C0", "C1", "C2"), strict=True):
    label = f"$J = {ratio:g}\\,J_c$"
    powers.plot(
        growth["T"] * 2.0**0.25, growth.sel(ratio=ratio), "o-", color=colour, markersize=3, label=label
    )
    end = resistivity.sel(ratio=ratio)
    powers.errorbar(0.0, end.value, 3.0 * end.error, color=colour, marker="s", markersize=3, capsize=2)
powers.axhline(1.5, color="0.5", linestyle="--", linewidth=0.7)
powers.set(xlabel="$T$ ($t$)", ylabel=r"$d \ln \Gamma / d \ln T$", ylim=(1.2, 2.3))
powers.legend(fontsize=6, loc="center left", bbox_to_anchor=(0.1, 0.6))
for ratio, colour in zip(shares.values, ("C0", "C1", "C2"), strict=True):
    part, label = D.sel(ratio=ratio).isel(frequency=slice(1, None)), f"$J = {ratio:g}\\,J_c$"
    damping.plot(part["frequency"], part.imag / part["frequency"], color=colour, label=label)
    leaving.plot(light["frequency"], light.sel(ratio=ratio), color=colour)
damping.set(xlabel=r"$\omega$ ($t$)", ylabel=r"Im $D/\omega$ ($1/t^2$)", ylim=(0.0, None))
damping.legend(fontsize=6)
S = spectra["dynamic_structure_factor"].sel(ratio=1.0).compute()
shown = zone.pcolormesh(S["path"], S["frequency"], S, shading="nearest", rasterized=True)
figure.colorbar(shown, ax=zone, label=r"$S(q, \omega)$ ($1/t$)")
corners = np.pi * np.array([0.0, 1.0, 2.0, 3.0, 3.0 + 3.0**0.5])
zone.set_xticks(corners, [r"$\Gamma$", "X", "M", "R", r"$\Gamma$"])
zone.set(ylabel=r"$\omega$ ($t$)")
leaving.set(xlabel=r"$\omega$ ($t$)", ylabel=r"scattered light ($1/t^3$)", ylim=(0.0, None))
letters([left, right, powers, damping, zone, leaving])
save(figure, options.out, "cavity_metallic_glass")

# %% [markdown]
# **What was found.** The transition is continuous, and the frozen density linear. The self-energy on the
# imaginary axis is not $\omega^{3/2}$: its leading term is linear. What is left without it has a power that
# depends much on temperature; extrapolated it lies between 1.36 and 1.70 in the quick form, which tells 3/2
# from 1 and 2 and no more. The resistivity tells more: the power of the scattering rate tends to 1.493(5) at
# the transition and to 1.499(5) in the glass; in the liquid it is 2.1, on its way to 2.
