"""Leaves libraries out that another library would import just because they happen to be installed.

An idle replica is meant to stay small. structlog imports all of rich where it finds it (5 MB and 80 ms, for a console
that is not used here), and rich is among the tools of whoever develops or installs them side by side.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
