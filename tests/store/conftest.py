"""What the tests of damage share with the script that does it at random."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "store_damage.py"


@pytest.fixture(scope="session")
def damage():
    """The script: its stores, its damage, and how to make a store one of before."""
    spec = importlib.util.spec_from_file_location("store_damage", SCRIPT)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
