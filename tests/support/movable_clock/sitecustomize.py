"""Lets the product's own clock, in a process of its own, be set through the file that MOVABLE_CLOCK names.

Python reads this file at its start where its folder is in PYTHONPATH.  libfaketime does not do for Python: it
breaks ``time.sleep``.
"""

import importlib.util
import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

_MODULE = "authbridge.clock"


class _Finder:
    """Finds the module of the clock as everybody does, and replaces its function as soon as it is read."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Returns None for all other modules: others find them."""
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            read = spec.loader.exec_module

            def read_and_replace(module: ModuleType) -> None:
                read(module)
                vars(module)["utc_now"] = _moved(vars(module)["utc_now"])

            spec.loader.exec_module = read_and_replace  # type: ignore[method-assign]
        return spec


def _moved(utc_now: Callable[[], datetime]) -> Callable[[], datetime]:
    def moved_now() -> datetime:
        seconds = float(Path(os.environ["MOVABLE_CLOCK"]).read_text(encoding="ascii"))
        return utc_now() + timedelta(seconds=seconds)

    return moved_now


sys.meta_path.insert(0, _Finder())
