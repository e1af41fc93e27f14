"""Sends letters, in a few threads of its own: whoever posts one never waits, whatever the other side does.

The threads begin with the first letter, and more of them as more can be sent at once. Losses are told in the log, of
each target once a minute at most, because a notification that did not arrive is nobody's to notice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from scheduler.core.ports import Tell
from scheduler.telling.signals.mailbag import NEVER, Failure, Letter, Losses, Mail, Mailbag

THREADS = 8
FLUSH_S = 3.0

Deliver = Callable[[Mail, str], Failure | None]
"""Sends one mail to the place of that name, within seconds; returns why that failed, and raises nothing."""


class Post:
    """Takes letters from any thread. `carrier` makes the means of delivery of one thread, when that begins."""

    def __init__(self, carrier: Callable[[], Deliver], tell: Tell, boot: Callable[[], float]) -> None:
        self._carrier = carrier
        self._tell = tell
        self._boot = boot
        self._bag = Mailbag()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._is_over = False

    def put(self, letter: Letter) -> None:
        """Have it sent, as soon as the letters before it in its lane have been."""
        with self._changed:
            if self._is_over:
                return
            self._bag.put(letter)
            if not self._idle and self._threads < THREADS:
                self._threads += 1
                threading.Thread(target=self._serve, name=f"post-{self._threads}", daemon=True).start()
            self._changed.notify()

    def close(self, within_s: float = FLUSH_S) -> None:
        """Let what is on its way out, for so long at most; what is left then is dropped, and that is told."""
        with self._changed:
            self._changed.wait_for(lambda: self._bag.is_done, within_s)
            self._is_over = True
            self._bag.drop_all()
            losses = self._bag.losses(NEVER)
            self._changed.notify_all()
        self._tell_losses(losses)

    def _serve(self) -> None:
        deliver = self._carrier()
        while letter := self._next():
            failure = _delivered(deliver, letter)
            with self._changed:
                self._bag.settle(letter, failure, self._boot())
                self._changed.notify_all()

    def _next(self) -> Letter | None:
        """Wait for a letter that may be sent; None at the end."""
        while True:
            with self._changed:
                if self._is_over:
                    return None
                now = self._boot()
                losses = self._bag.losses(now)
                if not losses:
                    if letter := self._bag.take(now):
                        return letter
                    self._rest(self._bag.next_at(now) - now)
            self._tell_losses(losses)

    def _rest(self, wait_s: float) -> None:
        self._idle += 1
        self._changed.wait(None if wait_s == NEVER else wait_s)
        self._idle -= 1

    def _tell_losses(self, losses: list[Losses]) -> None:
        for lost in losses:
            if lost.dropped:
                self._tell("notify.dropped", target=lost.target, count=lost.dropped)
            if lost.failed:
                facts = {"job": lost.job, "count": lost.failed, "error": lost.error}
                self._tell("notify.failed", target=lost.target, **facts)


def _delivered(deliver: Deliver, letter: Letter) -> Failure | None:
    try:
        return deliver(letter.compose(), letter.place)
    except Exception as error:  # noqa: BLE001  # a slip of ours; it must cost this letter alone, and its text may hold a URL
        return Failure(f"{type(error).__name__} while it was made", lasting=True)
