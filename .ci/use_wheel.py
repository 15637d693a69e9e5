"""Use an installed xglass as someone who has nothing else: run by .ci/run in an empty environment, where the
sources are out of reach.
"""

import contextlib
import importlib.metadata
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import xglass as xg

package = Path(xg.__file__).parent
assert package.is_relative_to(sys.prefix), f"{package} is not what was installed"
for name in ("py.typed", "__init__.pyi"):
    assert (package / name).is_file(), f"the wheel lacks {name}"
files = importlib.metadata.files("xglass")
assert {Path(str(file)).parts[0].partition("-")[0] for file in files} == {"xglass"}, "more than one package"
assert any(file.name == "LICENSE" for file in files), "the wheel lacks its licence"

# A glass, from the model through its store to a number with an error.
glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, eta=-1.0, scale="0.35 eV")
run = xg.metropolis(glass, T=0.1, walker=8, sweep=20, seed=1)
with tempfile.TemporaryDirectory() as folder:
    stored = xg.store.evaluate(run, Path(folder) / "run.zarr", progress=False)
    C = xg.autocorrelation(stored, waiting_time=5).compute()
decayed = xg.jackknife(lambda C: C.mean("walker"), C.sel(lag=10), dim="walker", blocks=8)
assert 0.0 < float(decayed["autocorrelation_stderr"].squeeze()) < 0.1

# Two-level systems, and units.
tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.5, scale="0.1 eV")
solution = xg.exact(tls, T=["1200 K"], frequency=[0.0, 0.5], broadening=0.2, chunks=None)
assert abs(float(xg.sum_rule(solution).item())) < 1e-9
assert xg.units.to_physical(solution["kinetic_energy"]).attrs["units"] == "meV"

# What asks for an extra says so: matplotlib is no requirement.
try:
    xg.plot.lattice(xg.lattice.triangular(4))
except ImportError as refused:
    said = str(refused)
else:
    said = "nothing was refused"
assert 'pip install "xglass[viz]"' in said, said

with contextlib.redirect_stdout(io.StringIO()) as printed:
    xg.show_versions()
assert f"xglass {xg.__version__}" in " ".join(printed.getvalue().split())
said = subprocess.run([sys.executable, "-m", "xglass"], capture_output=True, text=True, check=True).stdout
assert "metropolis" in said
assert "python -m xglass.compile" in said
print(printed.getvalue(), "the wheel was used", sep="\n")
