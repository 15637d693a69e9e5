"""``python -m xglass.compile`` leaves nothing to compile for those who come after it."""

import os
import runpy
import subprocess
import sys

#: Prints how many kernels numba compiles, rather than takes from its cache, for the job that follows.
LISTEN = """
import numba.core.event
heard = numba.core.event.RecordingListener()
numba.core.event.register("numba:compile", heard)
import numpy as np
import xglass as xg
"""
REPORT = "\nprint(len(heard.buffer))\n"
JOB = """
run = xg.metropolis(xg.testing.tiny_glass(), T=[0.08, 0.1], walker=2, sweep=3, weight="free_energy", seed=3)
xg.local_density(run).compute()
xg.testing.tiny_run(start="ordered", T=0.02, seed=3).compute()
ring = xg.lattice.chain(7)
grid = {"T": [0.7, 1.0], "frequency": np.linspace(0.0, 2.0, 5), "broadening": 0.2}
energies = xg.random_site_energy(ring, strength=1.0, convention="std", realization=2, seed=5)
for model in (
    xg.electron_tls(ring, g=0.8, omega0=[0.2, 1.0]),
    xg.electron_tls(xg.lattice.chain(4), g=0.8, omega0=0.2, site_energy=energies[:, :4]),
):
    average = {"average": "annealed"} if "realization" in model.dims else {}
    for precision in ("single", "double"):
        vectors = {"random_vectors": 3, "seed": 2, "precision": precision}
        xg.ftlm(model, **grid, **vectors, **average).compute()
        xg.typicality(model, **grid, **vectors, **average).compute()
xg.dmft(xg.electron_tls(ring, g=1.0, omega0=2.0), T=1.5, frequency=[0.0, 2.0]).compute()
"""


def compiled(job: str, **environment: str) -> int:
    result = subprocess.run(
        [sys.executable, "-c", LISTEN + job + REPORT],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return int(result.stdout.splitlines()[-1])


def test_after_it_a_job_compiles_nothing(capsys, monkeypatch):
    """Run as the command is, in this process (kernels that are loaded already need not be loaded again; what
    is compiled goes to disk all the same); the job is another process, which has nothing but the disk.
    """
    monkeypatch.delitem(sys.modules, "xglass.compile", raising=False)  # another test may have imported it
    runpy.run_module("xglass.compile", run_name="__main__", alter_sys=True)
    assert capsys.readouterr().out.count(" s\n") == 4  # all jobs
    assert compiled(JOB) == 0


def test_what_is_compiled_is_heard(tmp_path):
    state = 'xg.testing.tiny_glass().assign(occupation=("site", np.arange(16, dtype=np.int8) % 2))'
    assert compiled(f"xg.local_density({state}, T=0.1).compute()", XGLASS_CACHE=str(tmp_path)) > 0
