"""``python -m xglass``: what there is, and what it stands on."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import textwrap
import types

import xglass as xg

#: Room of the house -> what its public names are to a user, in the order of a chain.
GROUPS = {
    "lattice": "Lattices and interactions",
    "models": "Models: parameters in, a Dataset out",
    "solvers": "Solvers: a model in, a lazy Dataset out",
    "observables": "Observables: a named quantity of a run or a solution",
    "resampling": "Errors through any chain of the above",
    "versions": "For a report",
}

COMMANDS = """\
Commands
  python -m xglass versions              versions and machine, for a report
  python -m xglass.compile               compile all kernels, once before anything runs in parallel
  python -m xglass.store progress PATH   how far an evaluation is
  python -m xglass.store verify PATH     compute a sample of a stored run again and compare"""


def summary(item: object, width: int = 75) -> str:
    """The first sentence of a docstring, on one line and without its markup."""
    paragraph = (inspect.getdoc(item) or "").split("\n\n")[0]
    plain = re.sub(r":\w+:`~?(.+?)`", r"\1", paragraph).replace("``", "")
    sentence = re.split(r"(?<!Eq)\. ", " ".join(plain.split()))[0].rstrip(".")
    return textwrap.shorten(sentence, width, placeholder=" ...")


def what_there_is() -> str:
    """Every public name with its first sentence, by what it is to a user."""
    names = {name: getattr(xg, name) for name in dir(xg)}
    lines = [f"xglass {xg.__version__}: {summary(xg, 110).removeprefix('xglass: ')}"]
    lines += ["model -> solver -> observable -> fit -> plot / store"]
    for room, title in GROUPS.items():
        lines += ["", title]
        lines += [
            f"  {name:<32} {summary(item)}"
            for name, item in names.items()
            if inspect.isfunction(item) and item.__module__.split(".")[1] == room
        ]
    lines += ["", "Modules"]
    for name, item in names.items():
        if isinstance(item, types.ModuleType):
            lines.append(f"  xg.{name:<29} {summary(item)}")
    return "\n".join([*lines, "", COMMANDS, "", "help(xg.NAME) says more, with an example that runs."])


def main(arguments: list[str] | None = None) -> int:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m xglass", description="What there is in xglass.")
    parser.add_argument("--version", action="version", version=f"xglass {xg.__version__}")
    parser.add_argument(
        "command",
        nargs="?",
        choices=["names", "versions"],
        default="names",
        help="names: public functions and commands (default); versions: for a report",
    )
    if parser.parse_args(arguments).command == "versions":
        xg.show_versions()
    else:
        print(what_there_is())
    return 0


if __name__ == "__main__":
    sys.exit(main())
