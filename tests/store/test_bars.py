"""What an evaluation shows of its progress: on a terminal, in a file, in a notebook."""

import io
import os
import pty
import re
import subprocess
import sys
import termios
import types

import pytest
import tqdm.notebook as widgets_of_tqdm

import xglass as xg
from xglass.store import bars

EVALUATE = "import sys, xglass as xg\nxg.store.evaluate(xg.testing.tiny_run(chunks={'T': 1}), sys.argv[1])\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is set."""
    time = types.SimpleNamespace(now=0.0)
    monkeypatch.setattr(bars.time, "monotonic", lambda: time.now)
    return time


def in_kernel(monkeypatch, *, widgets):
    """As in the kernel of a notebook, with or without the package that draws bars there."""
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(bars.importlib.util, "find_spec", lambda name: object() if widgets else None)


def test_a_file_gets_lines(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EVALUATE, str(tmp_path / "run.zarr")],
        capture_output=True,
        check=True,
    )
    assert done.stderr.decode() == "run.zarr: 2 of 2 regions done (100 %)\n"
    assert done.stdout == b""


def test_a_terminal_gets_a_bar(tmp_path):
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    subprocess.run(
        [sys.executable, "-W", "error", "-c", EVALUATE, str(tmp_path / "run.zarr")], stderr=slave, check=True
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # all is read
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert shown.count(b"\r") > 1
    assert b"run.zarr" in shown
    assert b"2/2" in shown


def test_lines_come_now_and_then(clock, capsys):
    with bars.Lines("run.zarr", 10, 50) as lines:
        for second in range(1, 41):
            clock.now = 10.0 * second
            lines.update(0 if second == 5 else 1)
            if second == 5:
                lines.set_postfix(failed=1)
    written = capsys.readouterr().err.splitlines()
    assert written[0] == "run.zarr: 13 of 50 regions done (26 %), about 6 min left"
    assert written[1] == "run.zarr: 15 of 50 regions done (30 %), 1 failed, about 7 min left"
    assert written[-1] == "run.zarr: 49 of 50 regions done (98 %), 1 failed, about 10 s left"
    assert len(written) == 14  # a line in 30 seconds, and the last
    assert len(set(written)) == len(written)


def test_lines_say_what_there_is_when_it_stops_early(clock, capsys):
    def interrupted():
        with bars.Lines("run.zarr", 0, 4) as lines:
            lines.update(1)
            clock.now = 1.0
            lines.clear()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert capsys.readouterr().err == "run.zarr: 1 of 4 regions done (25 %), about 3 s left\n"


def test_nothing_is_written_where_there_is_nothing_to_do(tmp_path, capsys):
    for _ in range(2):
        xg.store.evaluate(xg.testing.tiny_run(), tmp_path / "run.zarr", progress=False)
    xg.store.evaluate(xg.testing.tiny_run(), tmp_path / "run.zarr")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_the_environment_switches_it_off(terminal, tmp_path, monkeypatch):
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("XGLASS_PROGRESS", "off")
    xg.store.evaluate(xg.testing.tiny_run(), tmp_path / "quiet.zarr")
    assert stream.getvalue() == ""
    monkeypatch.setenv("XGLASS_PROGRESS", "on")
    xg.store.evaluate(xg.testing.tiny_run(), tmp_path / "quiet.zarr", progress=False)
    xg.store.evaluate(xg.testing.tiny_run(), tmp_path / "shown.zarr")
    assert "shown.zarr" in stream.getvalue()
    assert "quiet.zarr" not in stream.getvalue()


def test_a_switch_that_is_none_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setenv("XGLASS_PROGRESS", "quiet")
    with pytest.raises(ValueError, match="XGLASS_PROGRESS must be 'on' or 'off', got 'quiet'"):
        xg.store.evaluate(xg.testing.tiny_run(), tmp_path / "run.zarr")
    assert not (tmp_path / "run.zarr").exists()


def test_a_notebook_gets_its_bar(monkeypatch):
    in_kernel(monkeypatch, widgets=True)
    made = []
    monkeypatch.setattr(widgets_of_tqdm, "tqdm", lambda **options: made.append(options) or "the bar")
    assert bars.bar("run.zarr", 1, 4, shown=True) == "the bar"
    assert made == [{"desc": "run.zarr", "initial": 1, "total": 4, "unit": "region", "smoothing": 0.1}]
    assert bars.bar("run.zarr", 1, 4, shown=False).disable


@pytest.mark.filterwarnings("error")
def test_a_notebook_without_widgets_gets_a_bar_of_text(monkeypatch):
    in_kernel(monkeypatch, widgets=False)
    stream = io.StringIO()  # that of a cell is no terminal, and yet goes back at a carriage return
    monkeypatch.setattr(sys, "stderr", stream)
    with bars.bar("run.zarr", 1, 4, shown=True) as bar:
        bar.update(3)
    assert re.search(r"\rrun.zarr: 100%\|.*\| 4/4 ", stream.getvalue())


@pytest.mark.filterwarnings("error")
def test_the_kernel_of_a_notebook_is_known_without_widgets(tmp_path):
    """A real one, where there is one: ipykernel comes with the documentation."""
    nbformat, client = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cell = nbformat.v4.new_code_cell(EVALUATE.replace("sys.argv[1]", repr(str(tmp_path / "run.zarr"))))
    book = nbformat.v4.new_notebook(cells=[cell])
    client.NotebookClient(book, timeout=120).execute()
    streams = "".join(output["text"] for output in cell["outputs"] if output["output_type"] == "stream")
    assert "2/2" in streams or any("widget" in str(output.get("data")) for output in cell["outputs"])
    assert "Warning" not in streams
