"""xglass: declarative array programming for quantum glasses of charge, on xarray and dask.

model (a Dataset) -> solver (adds a simulated dimension) -> observable (names a quantity) -> fit -> plot

Public names stand in ``__init__.pyi``, where checkers and editors find them, and are imported on first use:
``import xglass`` is quick and loads no compiler.
"""

from lazy_loader import attach_stub

__version__ = "0.1.0"
_attribute, __dir__, __all__ = attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """Import a public name where it is first used."""
    if name in __all__:
        return _attribute(name)
    from xglass.messages import NoSuchNameError

    raise NoSuchNameError(__name__, name)
