"""Jobs that keep a record of themselves, for the suites that kill what runs them.

This file is copied beside a config.yaml and knows nothing of its surroundings. Each attempt of a run appends a line as
its first and as its last statement; one that lasts also leaves a pulse, which tells when it was alive to a millisecond,
however it ended. What they write is read by `record.py`. The replica's name comes from the environment.
"""

from __future__ import annotations

import mmap
import os
import random
import struct
import time
from pathlib import Path
from typing import Any

BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS knows the second only
PULSE_BYTES = 4096
BEAT_S = 0.001
GAP_S = 0.05  # an attempt that did nothing for longer was stopped in the meantime


def work(run: Any, folder: str, seconds: float = 0.0, varies: bool = False, fails: float = 0.0) -> None:  # noqa: FBT002
    """Be alive for some seconds, or for anything up to that; and fail with a chance drawn from the run and attempt."""
    chance = random.Random(f"{run.id}#{run.attempt}")  # noqa: S311  # the same again in every telling of a storm
    pulse = Pulse(Path(folder), seconds) if seconds else None
    _tell(folder, "start", run, pulse.name if pulse else "-")
    if pulse:
        pulse.beat_for(seconds * chance.random() if varies else seconds)
    if chance.random() < fails:
        _tell(folder, "failed", run, "-")
        raise RuntimeError("as the table wants it")
    _tell(folder, "succeeded", run, "-")


def work_until(run: Any, folder: str, end: str) -> None:
    """Be alive until there is a file named `end`."""
    pulse = Pulse(Path(folder), BEAT_S)
    _tell(folder, "start", run, pulse.name)
    while not Path(end).exists():
        pulse.beat_for(BEAT_S)
    _tell(folder, "succeeded", run, "-")


def _wall() -> float:
    return time.time()  # noqa: TID251  # the job's own clock is the point


def _tell(folder: str, what: str, run: Any, pulse: str) -> None:
    replica = os.environ.get("REPLICA", "-")
    line = f"{what} {run.id} {run.attempt} {replica} {os.getpid()} {_wall():.6f} {pulse}\n"
    record = os.open(Path(folder, "record"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(record, line.encode())  # one write, so that lines of several processes never mix
    os.close(record)


class Pulse:
    """A file of native doubles: what to add to the boot clock for the time of day, then from and until of each stretch.

    It is mapped into memory: a beat costs a microsecond, and what was written outlives a SIGKILL.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.name = f"pulse-{os.getpid()}-{time.time_ns()}"
        file = os.open(folder / self.name, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(file, PULSE_BYTES)
        self._memory = mmap.mmap(file, PULSE_BYTES)
        os.close(file)
        now = time.clock_gettime(BOOT)
        struct.pack_into("d", self._memory, 0, _wall() - now)
        self._place, self._last = 8, now
        struct.pack_into("dd", self._memory, self._place, now, now)
        self._beat_s = min(BEAT_S, seconds)

    def beat_for(self, seconds: float) -> None:
        """Beat once a millisecond, or whenever the machine lets us."""
        until = self._last + seconds
        while self._last < until:
            time.sleep(self._beat_s)  # noqa: TID251  # a job may
            self._beat()

    def _beat(self) -> None:
        now = time.clock_gettime(BOOT)
        if now - self._last > GAP_S and self._place + 32 <= PULSE_BYTES:
            self._place += 16
            struct.pack_into("d", self._memory, self._place, now)
        struct.pack_into("d", self._memory, self._place + 8, now)
        self._last = now
