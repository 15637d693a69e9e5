"""The house rules that a machine can check: who imports whom, what an import costs,
what every public name owes its reader.
"""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import xglass

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "xglass"
SOURCES = sorted(PACKAGE.rglob("*.py"))

#: The rooms, in the order of docs/design.md: a module imports from its own room and from those before it.
ROOMS = [
    "messages",
    "variables",
    "checks",
    "units",
    "engine",
    "lattice",
    "models",
    "ops",
    "anderson",
    "metallic_glass",
    "parisi",
    "dilute_defects",
    "solvers",
    "observables",
    "fits",
    "resampling",
    "store",
    "plot",
    "testing",
]
#: Modules that are run and not imported: a door may import anything, and nothing imports a door.
DOORS = {"__main__", "compile", "versions"}
#: Third-party packages that may be imported in one room only.
ONLY_IN = {"numba": "engine", "llvmlite": "engine", "pint": "units", "matplotlib": "plot"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """Second part of a dotted name: "xglass.engine.core.philox" -> "engine", "xglass" -> ""."""
    return (module.split(".") + [""])[1]


def imports(path: Path) -> list[tuple[str, int]]:
    """All modules a file may import, at its top or inside a function, as (absolute dotted name, line)."""
    found = []
    package = (
        module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    )
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            origin = ".".join(part for part in (base, node.module) if part)
            if origin == "xglass":  # `from xglass import lattice` names rooms, not attributes
                found += [(f"xglass.{alias.name}", node.lineno) for alias in node.names]
            else:
                found.append((origin, node.lineno))
    return found


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_modules_import_only_from_earlier_rooms(path):
    here = room(module_name(path))
    if here == "":
        assert path == PACKAGE / "__init__.py"
        return
    if here in DOORS:
        return
    assert here in ROOMS, f"{path.relative_to(ROOT)} is in no room of the house plan"
    for name, line in imports(path):
        if name.split(".")[0] != "xglass":
            continue
        there = room(name)
        assert there in ROOMS, (
            f"{path.relative_to(ROOT)}:{line} imports {name}; import the module that defines it"
        )
        assert ROOMS.index(there) <= ROOMS.index(here), (
            f"{path.relative_to(ROOT)}:{line}: {here} may not import {there}"
        )


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_third_party_packages_stay_in_their_room(path):
    here = room(module_name(path))
    for name, line in imports(path):
        top = name.split(".")[0]
        if top in ONLY_IN:
            assert here == ONLY_IN[top], (
                f"{path.relative_to(ROOT)}:{line}: {top} is imported outside {ONLY_IN[top]}"
            )
        if here == "engine":
            assert top not in ("xarray", "dask", "pandas", "zarr"), (
                f"{path.relative_to(ROOT)}:{line}: the engine takes ndarrays"
            )


def test_the_importer_of_this_test_sees_every_form(tmp_path, monkeypatch):
    """The checks above are only as good as their reading of import statements."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    inner = tmp_path / "xglass" / "engine"
    inner.mkdir(parents=True)
    (inner / "a.py").write_text(
        "import numba as nb\nfrom . import b\nfrom .. import plot\nfrom ..store import load\n"
        "from xglass import testing\nfrom xglass.fits import arrhenius\ndef f():\n    from ..ops "
        "import mean\n"
    )
    names = [name for name, _ in imports(inner / "a.py")]
    assert names == [
        "numba",
        "xglass.engine",
        "xglass.plot",
        "xglass.store",
        "xglass.testing",
        "xglass.fits",
        "xglass.ops",
    ]
    (inner / "__init__.py").write_text("from . import a\nfrom .. import units\n")
    assert [name for name, _ in imports(inner / "__init__.py")] == ["xglass.engine", "xglass.units"]


def test_folders_and_file_names():
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).parts
        levels = 3 if parts[0] == "engine" else 2
        assert len(parts) <= levels, f"{path.relative_to(ROOT)}: rooms hold files; only the engine has wings"
        assert path.name != "utils.py", f"{path.relative_to(ROOT)}: nothing belongs in a file of that name"


@pytest.mark.parametrize("path", sorted((PACKAGE / "engine").rglob("*.py")), ids=module_name)
def test_kernels_hold_no_hidden_state_and_no_threads(path):
    where = path.relative_to(ROOT)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr == "random":
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            assert owner not in ("np", "numpy"), (
                f"{where}:{node.lineno}: random numbers come from engine/core/philox.py"
            )
    for module, line in imports(path):
        assert not module.startswith("numpy.random"), (
            f"{where}:{line}: random numbers come from engine/core/philox.py"
        )
        assert module.split(".")[0] != "random", (
            f"{where}:{line}: random numbers come from engine/core/philox.py"
        )
    for call in calls(path):
        options = {keyword.arg: keyword.value for keyword in call.keywords}
        text = ast.unparse(call.func)
        for forbidden in ("parallel", "fastmath"):
            value = options.get(forbidden)
            off = value is None or (isinstance(value, ast.Constant) and value.value is False)
            assert off, f"{where}:{call.lineno}: {forbidden} is forbidden"
        if "guvectorize" in text:
            cache = options.get("cache")
            off = cache is None or (isinstance(cache, ast.Constant) and cache.value is False)
            assert off, f"{where}:{call.lineno}: guvectorize(cache=True) crashes when unpickled"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("kernel = njit(fastmath=True)(print)", "fastmath is forbidden"),
        ("kernel = njit(parallel=True)(print)", "parallel is forbidden"),
        ("x = np.random.random()", "random numbers come from"),
    ],
)
def test_what_is_forbidden_is_found_in_a_wing(line, message, tmp_path, monkeypatch):
    """The parametrisation over files must reach the wings, and the check must see what stands there."""
    listed = {path.parent.name for path in (PACKAGE / "engine").rglob("*.py")}
    assert {"core", "charge", "tls"} <= listed
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    planted = tmp_path / "xglass" / "engine" / "tls" / "planted.py"
    planted.parent.mkdir(parents=True)
    planted.write_text(f"import numpy as np\n{line}\n")
    with pytest.raises(AssertionError, match=message):
        test_kernels_hold_no_hidden_state_and_no_threads(planted)


@pytest.mark.parametrize("path", sorted((PACKAGE / "engine").rglob("*.py")), ids=module_name)
def test_a_wing_imports_itself_and_core(path):
    wing = path.relative_to(PACKAGE / "engine").parts[0]
    for name, line in imports(path):
        if name.startswith("xglass."):
            there = (name.split(".") + ["", ""])[2]
            assert there in (wing, "core"), (
                f"{path.relative_to(ROOT)}:{line} imports {name}: a wing imports itself and core"
            )


def test_the_engine_is_wings_only():
    assert [path.name for path in (PACKAGE / "engine").glob("*.py")] == ["__init__.py"]


# --- names and sizes ---------------------------------------------------------------------------------------

#: Names that two modules define because they are one thing: of a front and its engine, a fit and its plot.
PARTNERS = {
    "_seconds",  # a guess of the work of a vector
    "inputs",  # what engines take
    "arrhenius",
    "electrostatic_energy",
    "histogram",  # the counts, and their picture
    "kinetic_energy",
    "local_density",
    "numerators",  # and thermal: what random vectors give, by Lanczos runs and by typical states
    "overlap",
    "power_law",  # the interaction and the law of a relaxation time bear the names of the public contract
    "spectrum",
    "structure_factor",
    "thermal",
    "yukawa",
}


def within(path: Path) -> str:
    """The name of a file in the package: "engine/core/philox.py"."""
    return path.relative_to(ROOT / "xglass").as_posix()


def holds_kernels(path: Path) -> bool:
    return path.stem.endswith("_kernels")


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


def code_lines(function: ast.FunctionDef, path: Path) -> int:
    """Lines of a function without its docstring, blank lines and comments."""
    lines = path.read_text().splitlines()
    numbers = set(range(function.lineno, function.end_lineno + 1))
    if ast.get_docstring(function) is not None:
        numbers -= set(range(function.body[0].lineno, function.body[0].end_lineno + 1))
    stripped = [lines[number - 1].strip() for number in numbers]
    return sum(1 for line in stripped if line and not line.startswith("#"))


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_functions_fit_on_a_page(path):
    most = 100 if holds_kernels(path) else 60
    for function in functions(path):
        length = code_lines(function, path)
        assert length <= most, f"{within(path)}: {function.name} has {length} lines of code, {most} at most"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_arguments_can_be_counted(path):
    for function in functions(path):
        number = len(function.args.posonlyargs) + len(function.args.args)
        if not holds_kernels(path):
            assert number <= 12, (
                f"{within(path)}: {function.name} has {number} positional arguments, 12 at most"
            )


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_a_file_bears_the_name_of_its_first_public_function(path):
    """In solvers and models; what a room shares stands beside."""
    parts = within(path).split("/")
    shared = {"__init__", "common", "tasks", "trajectories", "starts", "ring", "random_vectors", "disorder"}
    if parts[0] in ("solvers", "models") and path.stem not in shared:
        public = [
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        ]
        assert public, f"{within(path)} holds no public function"
        assert public[0] == path.stem, f"{within(path)} begins with {public[0]}"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_kernels_stand_beside_their_front(path):
    """Only kernels need the compiler, and a front imports its kernels when it runs."""
    name = within(path)
    if holds_kernels(path):
        assert name.startswith("engine/"), f"{name}: kernels live in the engine"
        front = path.with_name(path.name.replace("_kernels", ""))
        assert front.exists() or name == "engine/tls/operator_kernels.py"
        return
    if name in ("engine/core/jit.py", "engine/core/philox.py", "engine/core/line_spectra.py"):
        return
    for module, line in imports(path):
        assert module.split(".")[0] not in ("numba", "llvmlite"), f"{name}:{line} imports {module}"
        assert module != "xglass.engine.core.jit", f"{name}:{line}: kernels stand in a file X_kernels.py"
    for node in ast.parse(path.read_text()).body:  # at the top of the module, not inside a function
        if isinstance(node, ast.ImportFrom):
            imported = f"{node.module} {' '.join(alias.name for alias in node.names)}"
            assert "_kernels" not in imported, f"{name}:{node.lineno} imports kernels with the module"


def definitions(path: Path) -> set[str]:
    """Names that a module gives at its top to what others may use."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in found - {"logger", "main"} if not name.startswith("_")}  # Python's own custom


def test_a_name_means_one_thing():
    homes: dict[str, set[str]] = {}
    for path in SOURCES:
        for name in definitions(path):
            homes.setdefault(name, set()).add(within(path).replace("_kernels", ""))
    twice = {name: places for name, places in homes.items() if len(places) > 1}
    assert not set(twice) - PARTNERS, {name: places for name, places in twice.items() if name not in PARTNERS}


@pytest.mark.parametrize(
    ("check", "name", "text"),
    [
        ("functions_fit_on_a_page", "ops.py", "def f():\n" + 61 * "    print()\n"),
        ("functions_fit_on_a_page", "engine/tls/a_kernels.py", "def f():\n" + 101 * "    print()\n"),
        ("arguments_can_be_counted", "ops.py", "def f(a, b, c, d, e, f, g, h, i, j, k, l, m):\n    pass\n"),
        ("a_file_bears_the_name_of_its_first_public_function", "solvers/a.py", "def b():\n    pass\n"),
        ("a_file_bears_the_name_of_its_first_public_function", "models/a.py", "def _a():\n    pass\n"),
        (
            "kernels_stand_beside_their_front",
            "engine/tls/a.py",
            "from xglass.engine.core.jit import kernel\n",
        ),
        ("kernels_stand_beside_their_front", "engine/tls/a.py", "from xglass.engine.tls import b_kernels\n"),
        ("kernels_stand_beside_their_front", "engine/tls/a_kernels.py", "\n"),
        ("kernels_stand_beside_their_front", "engine/core/a.py", "import numba\n"),
        ("kernels_stand_beside_their_front", "ops_kernels.py", "\n"),
    ],
)
def test_what_breaks_the_form_is_found(check, name, text, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    planted = tmp_path / "xglass" / name
    planted.parent.mkdir(parents=True)
    planted.write_text(text)
    with pytest.raises(AssertionError):
        globals()[f"test_{check}"](planted)


def test_a_second_meaning_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    for name in ("a.py", "b.py"):
        (tmp_path / "xglass").mkdir(exist_ok=True)
        (tmp_path / "xglass" / name).write_text("LIMIT: int = 3\n")
    monkeypatch.setitem(globals(), "SOURCES", sorted((tmp_path / "xglass").iterdir()))
    with pytest.raises(AssertionError, match="LIMIT"):
        test_a_name_means_one_thing()


def test_rooms_are_empty_so_that_a_model_is_a_module_and_its_function():
    """`from xglass.models import charge_glass` gives the module; what a user calls is xglass.charge_glass."""
    for path in PACKAGE.rglob("__init__.py"):
        if within(path).split("/")[0] in ("engine", "models", "solvers", "observables"):
            body = ast.parse(path.read_text()).body
            assert len(body) <= 1, f"{within(path)} imports or defines something"
    for name in ("models.charge_glass", "models.electron_tls", "solvers.metropolis", "solvers.ftlm"):
        module = importlib.import_module(f"xglass.{name}")
        function = name.split(".")[1]
        assert inspect.ismodule(module), name
        assert inspect.isfunction(getattr(xglass, function)), name
        assert getattr(module, function) is getattr(xglass, function), name


def test_public_names_are_functions_whatever_was_imported():
    """A module of the same name, xglass.models.charge_glass say, must not take the place of its function."""
    code = (
        "import importlib, inspect, pkgutil, types, xglass\n"
        "for module in pkgutil.walk_packages(xglass.__path__, 'xglass.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "rooms = {'checks', 'dilute_defects', 'fits', 'lattice', 'metallic_glass', 'ops', 'plot', 'store', "
        "'testing', 'units', 'variables'}\n"
        "names = [name for name in xglass.__all__ if name not in rooms]\n"
        "assert names and all(inspect.isfunction(getattr(xglass, name)) for name in names)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_import_is_light():
    code = "import json, sys, xglass; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(json.loads(result.stdout.splitlines()[-1]))
    heavy = {"numba", "llvmlite", "pint", "matplotlib", "scipy.optimize", "scipy.linalg", "distributed"}
    assert not loaded & heavy


def test_public_names_resolve_and_are_listed():
    assert len(set(xglass.__all__)) == len(xglass.__all__)
    for name in xglass.__all__:
        assert getattr(xglass, name) is not None
        assert name in dir(xglass)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = xglass.no_such_name


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_dir_shows_public_names_only(path):
    if "__all__ = " in path.read_text():
        module = importlib.import_module(module_name(path))
        assert dir(module) == sorted(module.__all__), f"{within(path)}: write def __dir__(): return __all__"


def public_functions() -> list[tuple[str, object]]:
    """Every function a user can reach: the names of the package and of its public modules."""
    found = {}
    for name in xglass.__all__:
        member = getattr(xglass, name)
        if isinstance(member, ModuleType):
            for inner in member.__all__:
                found[f"{name}.{inner}"] = getattr(member, inner)
        else:
            found[name] = member
    return [(name, member) for name, member in sorted(found.items()) if inspect.isfunction(member)]


#: Tools for writing xglass itself: they owe their reader a docstring, not a page of documentation.
WORKSHOP = (
    "checks.",
    "variables.",
    "testing.",
    "units.canonical",
    "units.scale_of",
    "units.parameter",
    "units.scale_coordinate",
)


@pytest.mark.parametrize(
    ("name", "function"), public_functions(), ids=[name for name, _ in public_functions()]
)
def test_public_functions_are_documented(name, function):
    text = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    assert text, f"xg.{name} has no docstring"
    if name.startswith(WORKSHOP):
        return
    assert ">>>" in text, f"xg.{name} has no example"
    if signature.parameters:
        assert re.search(r"^Parameters\n-{3,}$", text, re.M), f"xg.{name} does not document its parameters"
        section = text.split("Parameters\n", 1)[1]
        for parameter in signature.parameters.values():
            if parameter.kind is not parameter.VAR_KEYWORD:
                assert re.search(rf"\b{parameter.name}\b", section), (
                    f"xg.{name} does not document {parameter.name!r}"
                )
    if signature.return_annotation not in (None, "None"):
        assert re.search(r"^(Returns|Yields)\n-{3,}$", text, re.M), (
            f"xg.{name} does not document what it returns"
        )


@pytest.mark.parametrize(
    ("name", "function"), public_functions(), ids=[name for name, _ in public_functions()]
)
def test_public_functions_are_typed_and_keyword_only_after_the_data(name, function):
    signature = inspect.signature(function)
    assert signature.return_annotation is not signature.empty, f"xg.{name} has no return annotation"
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty, f"xg.{name}: {parameter.name} has no annotation"


def tracked_files() -> list[Path]:
    """What is or could be committed; every text file of the tree where there is no git (a source archive)."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
            "\0"
        )
    except (OSError, subprocess.CalledProcessError):
        folders = ("xglass", "tests", "recipes", ".ci")
        listed = [str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*")]
    binary = {".png", ".npz", ".npy", ".pyc", ".svg", ".zip"}
    return [
        ROOT / name for name in listed if name and (ROOT / name).is_file() and Path(name).suffix not in binary
    ]


# Put together from pieces, so that this file does not match itself.
MACHINE = re.compile(
    "|".join(
        [
            r"(?<![\w.$}~])/(?:"
            + "|".join(["home", "root", "work", "tmp", "mnt", "opt", "scratch", "Users", "srv"])
            + r")/[\w.-]",
            r"https?://\S+/" + r"simple(?:/|\b)",
            "python" + "hosted",
            "py" + r"pi\.org",
            "index" + "-url",
            "PIP_" + "INDEX",
        ]
    )
)


def test_tracked_files_name_no_machine():
    files = tracked_files()
    assert ROOT / "pyproject.toml" in files or not (ROOT / ".git").exists()
    found = []
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if MACHINE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_the_machine_pattern_can_fail():
    assert MACHINE.search("path = '/" + "home/somebody/data'")
    assert MACHINE.search("https://mirror.example/" + "simple/")
    assert not MACHINE.search("#!/usr/bin/env bash")
    assert not MACHINE.search("a relative tests/tmp/file")


def test_version_is_declared_once():
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert declared is not None
    assert getattr(xglass, "__version__", declared[1]) == declared[1]
    assert importlib.util.find_spec("xglass").origin == str(PACKAGE / "__init__.py")


def wide_lines(text: str) -> list[int]:
    """Numbers of lines of Markdown past 120 characters; a row of a table cannot be broken."""
    lines = enumerate(text.splitlines(), 1)
    return [number for number, line in lines if len(line) > 120 and not line.startswith("|")]


def test_text_keeps_within_120_characters():
    wide = {path: wide_lines(path.read_text()) for path in tracked_files() if path.suffix == ".md"}
    assert len(wide) > 5
    assert not (found := [f"{path.relative_to(ROOT)}:{n}" for path, ns in wide.items() for n in ns]), found
    assert wide_lines("short\n" + 61 * "a " + "\n|" + 61 * "a ") == [2]
