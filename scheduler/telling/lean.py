"""Leaves libraries out that another library would import just because they happen to be installed.

An idle replica is meant to stay small. structlog imports all of rich where it finds it (5 MB and 80 ms, for a console
that is not used here), and rich is among the tools of whoever develops or installs them side by side. It also imports
asyncio, and with it all of TLS (3 MB), for loggers that nobody makes here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Within, importing these top-level modules fails as if they were not installed; those imported already stay.

    For imports at the start of the program only: no other thread may be importing at the same time.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: "not found", by the language reference, 5.3.1
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def postponed(*names: str) -> Iterator[None]:
    """Within, importing these modules gives stand-ins, which import the real ones when they are first made use of.

    For imports at the start of the program only, as above. Modules that are imported already stay.
    """
    stand_ins = {name: _StandIn(name) for name in names if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self.__name__), name)
