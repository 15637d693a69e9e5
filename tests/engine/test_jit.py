"""The cache of compiled kernels follows every kernel source: a changed helper must not leave old physics behind."""

import pathlib
import shutil

from xglass.engine import jit


def test_cache_folder_follows_the_sources(tmp_path, monkeypatch):
    monkeypatch.setenv("XGLASS_CACHE", str(tmp_path / "cache"))
    sources = tmp_path / "engine"
    shutil.copytree(pathlib.Path(jit.__file__).parent, sources, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(jit, "__file__", str(sources / "jit.py"))
    before = jit._cache_folder()
    assert before.startswith(str(tmp_path / "cache"))
    assert jit._cache_folder() == before
    with open(sources / "philox.py", "a") as file:
        file.write("# changed\n")
    after = jit._cache_folder()
    assert after != before
    assert pathlib.Path(after).is_dir()
