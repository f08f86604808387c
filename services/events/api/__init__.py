"""Documents in, documents out: one module per JSON:API type."""

import pkgutil
from importlib import import_module


def load() -> None:
    """Imports every module here, so that each type knows its neighbours."""
    for found in pkgutil.iter_modules(__path__, f"{__name__}."):
        import_module(found.name)
