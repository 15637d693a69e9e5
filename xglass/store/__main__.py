"""``python -m xglass.store progress PATH``: how far an evaluation is, from any shell."""

from __future__ import annotations

import argparse
import sys

from xglass.store import failures, progress, verify
from xglass.store.seal import UNSEALED


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if the store is finished (and verified), 1 if not, 2 for what is no store."""
    parser = argparse.ArgumentParser(
        prog="python -m xglass.store", description="Look at stores of xglass from outside."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "progress", help="how many regions are done, which failed, and the time left"
    ).add_argument("path", metavar="PATH")
    check = commands.add_parser("verify", help="compute a sample of a stored run again and compare")
    check.add_argument("path", metavar="PATH")
    check.add_argument(
        "--fraction", type=float, default=0.1, help="share of the regions to compute again (%(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        if options.command == "verify":
            number, sealed = verify(options.path, options.fraction), progress(options.path).sealed
            print(
                f"{options.path}: {number} regions computed again, all agree"
                f"{'' if sealed else f'; unsealed: {UNSEALED}'}"
            )
            return 0
        state = progress(options.path)
        print(f"{options.path}: {state}")
        for record in failures(options.path):
            print(f"  failed at {record['parameters']}: {record['error']}")
        return 0 if state.done == state.total else 1
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
