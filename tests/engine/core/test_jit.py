"""The cache of compiled kernels follows every kernel source:
a changed helper must not leave old physics behind.
"""

import os
import pathlib
import shutil
import subprocess
import sys

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
    before = jit.cache_folder()
    assert before.startswith(str(tmp_path / "cache"))
    assert jit.cache_folder() == before
    helper = max((engine / wing).glob("*.py"), key=lambda path: path.stat().st_size)
    with open(helper, "a") as file:
        file.write("# changed\n")
    after = jit.cache_folder()
    assert after != before
    assert pathlib.Path(after).is_dir()


def test_cache_folder_tells_files_of_one_name_apart(engine):
    """What moves from one wing to another is another engine, though no file has another name or content,
    nor another place in the order.
    """
    for wing in ("wing_a", "wing_b"):
        (engine / wing).mkdir()
    (engine / "wing_a" / "same.py").write_text("a = 1\n")
    before = jit.cache_folder()
    (engine / "wing_a" / "same.py").rename(engine / "wing_b" / "same.py")
    assert jit.cache_folder() != before


#: Kernels in a file of their own, with what happens before they are made and before they are called.
KERNEL = """
import os, warnings
exec(os.environ["BEFORE"])
warnings.simplefilter("always")
from xglass.engine.core.jit import kernel

@kernel
def doubled(x):
    return 2 * x

@kernel
def halved(x):
    return x / 2

exec(os.environ["BETWEEN"])
print(doubled(4), halved(4.0), doubled(2.0))
"""
NO_HOME = """
import pwd
def nobody(uid):
    raise KeyError(uid)
pwd.getpwuid = nobody
"""
NO_TEMPORARY = """
import tempfile
def nowhere():
    raise FileNotFoundError("no usable temporary directory")
tempfile.gettempdir = nowhere
"""
READ_ONLY = """
import errno, os
plain = os.mkdir
def read_only(path, *args, **kwargs):
    raise OSError(errno.EROFS, "Read-only file system", path)
os.mkdir = read_only
"""
FULL = """
from numba.core import caching
def full(*args):
    raise OSError(28, "No space left on device")
caching.IndexDataCacheFile._save_data = full
"""
GONE = """
import shutil
from xglass.engine.core import jit
shutil.rmtree(jit._FOLDER)
open(jit._FOLDER, "w").close()
"""
DAMAGED = """
import pathlib
from xglass.engine.core import jit
for file in pathlib.Path(jit._FOLDER).rglob("*.nb[ic]"):
    file.write_bytes(file.read_bytes()[:40] + bytes(20))
"""


def calls(folder, before="", between="", **environment):
    """What a new process prints, and how often it warns that kernels are not kept."""
    script = folder / "kernels.py"
    if not script.exists():  # numba takes a file that was written again for another one
        script.write_text(KERNEL)
    given = {name: value for name, value in os.environ.items() if name not in CHOICES} | environment
    given |= {"BEFORE": before, "BETWEEN": between}
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=given)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "8 2.0 4.0\n"
    return result.stderr.count("compiled kernels cannot be kept")


#: What chooses the folder of kernels.
CHOICES = ("XGLASS_CACHE", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME")


@pytest.mark.skipif(sys.platform == "win32", reason="users there have no entry in passwd")
@pytest.mark.parametrize("chosen", [False, True], ids=["", "XGLASS_CACHE"])
def test_no_home_is_needed(tmp_path, chosen):
    environment = {"XGLASS_CACHE": str(tmp_path / "cache")} if chosen else {"TMPDIR": str(tmp_path)}
    assert calls(tmp_path, NO_HOME, **environment) == 0
    assert any(tmp_path.rglob("*.nbc"))  # kept, all the same


@pytest.mark.parametrize("before", [NO_TEMPORARY, READ_ONLY], ids=["no temporary files", "read-only"])
def test_without_a_folder_kernels_are_compiled_in_memory(tmp_path, before):
    """A file stands where the folder should be, or nothing can be made at all: one warning."""
    (tmp_path / "file").touch()
    assert calls(tmp_path, before, XGLASS_CACHE=str(tmp_path / "file"), HOME=str(tmp_path / "file")) == 1
    assert not any(tmp_path.rglob("*.nb[ic]"))


@pytest.mark.parametrize("between", [FULL, GONE], ids=["full", "gone"])
def test_a_folder_that_fails_later_is_done_without(tmp_path, between):
    assert calls(tmp_path, between=between, XGLASS_CACHE=str(tmp_path / "cache")) == 1


def test_damaged_kernels_are_compiled_again(tmp_path):
    cache = {"XGLASS_CACHE": str(tmp_path / "cache")}
    assert calls(tmp_path, **cache) == 0
    assert calls(tmp_path, between=DAMAGED, **cache) == 0
    files = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.nbc")}
    assert len(files) == 3
    assert calls(tmp_path, **cache) == 0  # from what the second has written
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.nbc")} == files
