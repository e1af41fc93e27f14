"""The loop that does the campaign's I/O: one thread, one request under way at a time.

It waits for whichever comes first: the time the campaign named, a sighting by the watch, or a wake-up because a tick
fell due or a run ended. Whatever the store does is a failed attempt; nothing ends the loop but the end of the campaign.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from scheduler.core.errors import StoreError, Unavailable
from scheduler.core.moves import Attempt, Done, Kind, Read, Wait
from scheduler.core.ports import Clock, LeaseRecord, LeaseStore
from scheduler.leading.campaign import Campaign
from scheduler.leading.heartbeat import Heartbeat

LONGEST_WAIT_S = 60.0
AFTER_A_DEFECT_S = 1.0
SIGHTINGS = 16  # are kept for a loop that is held up, by its log for one: only the last of them is news by then

_log = logging.getLogger("leasebeat.leading")
Answer = TypeVar("Answer")


class Inbox:
    """What other threads have for the loop: sightings in order, and a bell to wake it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sightings: deque[LeaseRecord | None] = deque(maxlen=SIGHTINGS)
        self._rung = False

    def put(self, record: LeaseRecord | None) -> None:
        """Hand over a sighting of the Lease."""
        with self._changed:
            self._sightings.append(record)
            self._changed.notify()

    def wake(self) -> None:
        """Make the loop ask again what to do."""
        with self._changed:
            self._rung = True
            self._changed.notify()

    def take(self) -> list[LeaseRecord | None]:
        """The sightings since the last call, the latest of them if they are many."""
        with self._changed:
            sightings = list(self._sightings)
            self._sightings.clear()
            return sightings

    def wait(self, timeout_s: float) -> None:
        """Wait until there is something, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung or self._sightings, timeout_s)
            self._rung = False


class CampaignLoop:
    """Runs a campaign against a store in a thread of its own until the campaign is over or given up."""

    def __init__(self, campaign: Campaign, store: LeaseStore, clock: Clock, inbox: Inbox) -> None:
        self._campaign = campaign
        self._store = store
        self._clock = clock
        self._inbox = inbox
        self._heartbeat = Heartbeat()
        self._given_up = threading.Event()
        self._release_asked = threading.Event()
        self._stop_asked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="campaign", daemon=True)

    def start(self) -> None:
        """Begin to contend."""
        self._thread.start()

    def release(self) -> None:
        """Give the Lease back if it is ours, and go on to report what becomes of the runs that are left (rule 34)."""
        self._release_asked.set()
        self._inbox.wake()

    def stop(self, timeout_s: float) -> bool:
        """Release the Lease if it is ours and end the loop; False when that took too long and was given up."""
        self._stop_asked.set()
        self._inbox.wake()
        self._thread.join(timeout_s)
        ended = not self._thread.is_alive()
        self.give_up()
        return ended

    def give_up(self) -> None:
        """End the loop without releasing; whatever it is waiting for is of no consequence any more."""
        self._given_up.set()
        self._inbox.wake()

    def stuck(self) -> str | None:
        """A sentence if the loop has not turned for far longer than it said it would take; None while it turns.

        For one other thread to ask, a liveness probe's.
        """
        late_s = self._heartbeat.late_s(self._clock.boot())
        return f"the campaign's loop is {late_s:.0f} s late" if late_s else None

    def _run(self) -> None:
        while not self._given_up.is_set():
            try:
                if not self._turn():
                    break
            except Exception:  # noqa: BLE001  # logged with its traceback, and see the next line
                # A defect of ours must not end the loop: the trust runs out by itself, and others take over.
                _log.exception("the campaign's turn failed")
                self._given_up.wait(AFTER_A_DEFECT_S)
        self._heartbeat.rests()

    def _turn(self) -> bool:
        self._heartbeat.turns_within(self._clock.boot(), 0)
        for record in self._inbox.take():
            self._campaign.sighted(record)
        if self._stop_asked.is_set():
            self._campaign.stop()
        elif self._release_asked.is_set():
            self._campaign.stop(reporting=True)
        step = self._campaign.next_step()
        match step:
            case Done():
                return False
            case Wait():
                self._wait(step)
            case Read():
                self._read(step)
            case Attempt():
                self._write(step)
        return True

    def _wait(self, step: Wait) -> None:
        now = self._clock.boot()
        length_s = max(0.0, min(step.until - now, LONGEST_WAIT_S))
        self._heartbeat.turns_within(now, length_s)
        self._inbox.wait(length_s)

    def _read(self, step: Read) -> None:
        try:
            record = _asked(lambda: self._store.read(self._timeout_s()))
        except StoreError as error:
            self._campaign.failed(step, error)
        else:
            self._campaign.found(record)

    def _write(self, attempt: Attempt) -> None:
        send = self._store.create if attempt.kind is Kind.CREATE else self._store.replace
        try:
            record = _asked(lambda: send(attempt.record, self._timeout_s()))
        except StoreError as error:
            self._campaign.failed(attempt, error)
        else:
            self._campaign.accepted(attempt, record)

    def _timeout_s(self) -> float:
        """How long the request that is made now may take."""
        timeout_s = self._campaign.timeout_s()
        self._heartbeat.turns_within(self._clock.boot(), timeout_s)
        return timeout_s


def _asked(request: Callable[[], Answer]) -> Answer:
    """Make a request; whatever it raises is a failed attempt, for no error of a library may end the loop."""
    try:
        return request()
    except StoreError:
        raise
    except Exception as error:
        _log.exception("the store raised what it should have translated")
        raise Unavailable(f"{type(error).__name__}: {error}") from error
