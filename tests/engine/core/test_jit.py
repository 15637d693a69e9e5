"""The cache of compiled kernels follows every kernel source:
a changed helper must not leave old physics behind.
"""

import pathlib
import shutil

import pytest

from xglass.engine.core import jit

ENGINE = pathlib.Path(jit.__file__).parents[1]
WINGS = sorted(folder.name for folder in ENGINE.iterdir() if (folder / "__init__.py").exists())


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A copy of the engine that the cache believes to be its own."""
    monkeypatch.setenv("XGLASS_CACHE", str(tmp_path / "cache"))
    copy = tmp_path / "engine"
    shutil.copytree(ENGINE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(jit, "__file__", str(copy / "core" / "jit.py"))
    return copy


@pytest.mark.parametrize("wing", WINGS)
def test_cache_folder_follows_the_sources_of_every_wing(engine, wing, tmp_path):
    before = jit._cache_folder()
    assert before.startswith(str(tmp_path / "cache"))
    assert jit._cache_folder() == before
    helper = max((engine / wing).glob("*.py"), key=lambda path: path.stat().st_size)
    with open(helper, "a") as file:
        file.write("# changed\n")
    after = jit._cache_folder()
    assert after != before
    assert pathlib.Path(after).is_dir()


def test_cache_folder_tells_files_of_one_name_apart(engine):
    """What moves from one wing to another is another engine, though no file has another name or content,
    nor another place in the order.
    """
    for wing in ("wing_a", "wing_b"):
        (engine / wing).mkdir()
    (engine / "wing_a" / "same.py").write_text("a = 1\n")
    before = jit._cache_folder()
    (engine / "wing_a" / "same.py").rename(engine / "wing_b" / "same.py")
    assert jit._cache_folder() != before
