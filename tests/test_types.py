"""What a checker of types, and an editor, see of the public interface."""

import re
import subprocess
import sys
from pathlib import Path

import xglass

ROOT = Path(__file__).resolve().parents[1]

#: A chain as users write it, and behind it calls that must be refused, each on a line of its own.
RIGHT = """
import numpy as np
import xarray as xr

import xglass as xg

lattice = xg.lattice.triangular(6)
glass = xg.charge_glass(lattice, t_p=0.12, eta=[-1.0, -0.1], self_image="include", scale="0.35 eV")
run = xg.metropolis(glass, T=[0.05, 0.06, 0.07], walker=24, sweep=80, seed=7)
run = xg.store.evaluate(run, "run.zarr")
C = xg.autocorrelation(run, waiting_time=20).compute()
fit = xg.jackknife(lambda C: xg.fits.stretched_exponential(C.mean("walker")), C, dim="walker").squeeze()
time, error = fit["relaxation_time_1e"], fit["relaxation_time_1e_stderr"]
barrier = xg.fits.arrhenius(time, stderr=error)
physical: xr.Dataset = xg.units.to_physical(barrier)
axes = xg.plot.arrhenius(time, stderr=error, fit=barrier)
density: xr.DataArray = xg.ops.histogram(run["electrostatic_energy"], bins=20, range=(0, 1), dim="walker")
disorder = xg.random_site_energy(lattice, strength=[1.0, 2.0], convention="std", realization=3, seed=1)
xg.charge_glass(lattice, hopping={"c": 0.1, "p": np.float64(0.2)}, interaction=None, site_energy=disorder)
tls = xg.electron_tls(xg.lattice.chain(6), g=1.0, omega0=np.linspace(0.1, 0.5, 3), scale="0.1 eV")
w = np.linspace(0, 4, 9)
sigma = xg.ftlm(tls, T=[0.5, "300 K"], frequency=w, broadening=0.1, random_vectors=4, seed=1)
rho: xr.DataArray = xg.resistivity(sigma["optical_conductivity"])
resistivities: xr.Dataset = xg.resistivity(sigma)
mobility: xr.DataArray = xg.mobility(sigma["optical_conductivity"])
xg.fits.relaxation_rate(sigma["optical_conductivity"], sigma["optical_conductivity"], T=0.5)
"""
WRONG = {
    "xg.metropolis(1, 2, nonsense=3)": "metropolis",
    "xg.charge_glass(lattice, tp=0.1)": "charge_glass",
    "xg.charge_glass(lattice, t_p={0.1})": "charge_glass",
    "xg.charge_glass(lattice, scale=[1.0])": "charge_glass",
    "xg.ftlm(tls, T={0.5}, frequency=w, broadening=0.1, random_vectors=4, seed=1)": "ftlm",
    "xg.kinetic_energy(run, T=glass)": "kinetic_energy",
    "xg.fits.arrhenius(barrier)": "arrhenius",
    "xg.ops.histogram(C, bins=20)": "histogram",
    "xg.store.evaluate(run)": "evaluate",
    "xg.no_such_name": "no_such_name",
}


def test_a_checker_sees_wrong_calls_and_only_those(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(RIGHT + "\n".join(WRONG) + "\n")
    command = [sys.executable, "-m", "mypy", str(script)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    lines = script.read_text().splitlines()
    found = {}
    for number, message in re.findall(r"script\.py:(\d+): error: (.*)", answer):
        found.setdefault(lines[int(number) - 1], []).append(message)
    assert list(found) == list(WRONG), answer
    for call, name in WRONG.items():
        assert any(name in message for message in found[call]), answer
    assert answer.splitlines()[-1].endswith("in 1 file (checked 1 source file)"), answer  # nothing in xglass


def test_a_stub_that_hides_an_argument_would_be_seen():
    """The stub names functions and repeats no signature, so it cannot say anything else than the code."""
    stub = (ROOT / "xglass" / "__init__.pyi").read_text()
    rest = re.sub(r"^from \.[\w.]* import (\w+) as \1$", "", stub, flags=re.M).split("\n")
    assert [line for line in rest if line] == ["__version__: str"]


def test_the_stub_and_the_marker_are_where_an_installer_takes_them():
    for name in ("__init__.pyi", "py.typed"):
        assert (Path(xglass.__file__).parent / name).is_file()
