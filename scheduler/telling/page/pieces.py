"""Long work in small pieces, so that threads with a tick to start are not kept waiting for Python's lock.

The interpreter takes the lock from a busy thread only after 5 ms, and each step from an alarm to a run needs it anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

PIECE = 100  # jobs: a millisecond or two of work
BREATH_S = 0.0002

T = TypeVar("T")
_never = threading.Event()


def in_pieces(items: Iterable[T]) -> Iterator[T]:
    """The items, with a short rest after every few."""
    for number, item in enumerate(items, 1):
        yield item
        if number % PIECE == 0:
            _never.wait(BREATH_S)
