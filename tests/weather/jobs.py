"""Job tables drawn from a seed: each job as the program knows it, and as a user would describe it to a judge.

The description is made beside the job, never from it: its ticks are arithmetic of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

from scheduler.core.actions import KubernetesJobAction, PythonAction, ShellAction
from scheduler.core.job import CatchUp, Delivery, Job, Overlap, Policy, Schedule
from scheduler.core.schedule import AtSchedule, CronSchedule, EverySchedule
from tests.weather.history import Declared

SHELL = ShellAction("true")
THREAD = PythonAction("jobs.examples", "meter", isolation="thread")
IMAGE = KubernetesJobAction("acme/indexer:4")
PERIODS_S = (1, 2, 3, 5, 7, 10, 12, 15, 20, 30, 60)
CRONS = {  # seconds-first expressions, and the seconds of the minute that they name
    "*/10 * * * * *": range(0, 60, 10),
    "5-55/10 * * * * *": range(5, 60, 10),
    "7,23,24,50 * * * * *": (7, 23, 24, 50),
    "30 * * * * *": (30,),
}
LONG_S = (16.0, 24.0)  # outlives a lease


@dataclass(frozen=True, slots=True)
class Drawn:
    """One job: as the program has it, as the judge has it, and how long its runs take, from and to."""

    job: Job
    declared: Declared
    takes_s: tuple[float, float] = (0.02, 0.5)
    fails: float = 0.0

    @property
    def name(self) -> str:
        return self.job.name


class Draw:
    """Draws jobs one after another; `now` is when, in seconds since 1970, for jobs that tick once."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._number = 0
        self._definitions: set[str] = set()

    def table(self, size: int, now: float) -> list[Drawn]:
        return [self.one(now) for _ in range(size)]

    def one(self, now: float, name: str | None = None) -> Drawn:
        self._number += 1
        kinds: list[Callable[[str, float], Drawn]] = [
            self._latest, self._latest, self._all, self._all, self._none, self._money, self._beside, self._thread,
            self._retried, self._long, self._cron, self._once, self._jittered, self._queued, self._replaced,
            self._image, self._image_money, self._image_retried, self._image_limited,
        ]  # fmt: skip
        kind = self._chance.choice(kinds)
        plain = kind.__name__.strip("_").replace("_", "-")
        return kind(name or f"{plain}-{self._number}", now)

    def edited(self, drawn: Drawn, now: float) -> Drawn:
        """Another definition under the same name, one that it never had."""
        self._definitions.add(drawn.job.definition)
        while (other := self.one(now, drawn.name)).job.definition in self._definitions:
            pass
        return other

    # -- the kinds

    def _latest(self, name: str, _: float) -> Drawn:
        return self._every(name, PERIODS_S, window_s=self._window_s())

    def _all(self, name: str, _: float) -> Drawn:
        most = self._chance.choice((3, 10, 100, 1000))
        return self._every(name, PERIODS_S[3:], catch_up="all", max_catch_up=most, window_s=self._window_s())

    def _none(self, name: str, _: float) -> Drawn:
        return self._every(name, PERIODS_S[1:], catch_up="none")

    def _money(self, name: str, _: float) -> Drawn:
        return self._every(name, PERIODS_S[1:], at_most_once=True, catch_up=self._chance.choice(("latest", "all")))

    def _beside(self, name: str, _: float) -> Drawn:
        return self._every(name, PERIODS_S[2:], takes_s=(0.02, 20.0), overlap="allow")

    def _thread(self, name: str, _: float) -> Drawn:
        return self._every(name, PERIODS_S[3:], killable=False)

    def _retried(self, name: str, _: float) -> Drawn:
        return self._every(name, PERIODS_S[4:], retries=self._chance.randint(1, 3), fails=0.5)

    def _long(self, name: str, _: float) -> Drawn:
        most = self._chance.choice((1, 3))
        return self._every(name, (20, 30, 60), takes_s=LONG_S, max_interruptions=most)

    def _jittered(self, name: str, _: float) -> Drawn:
        return self._every(name, PERIODS_S[5:], jitter_s=float(self._chance.choice((1, 3, 5))), takes_s=(0.02, 4.0))

    def _queued(self, name: str, _: float) -> Drawn:
        return self._every(name, PERIODS_S[3:9], overlap="queue", takes_s=(0.02, 9.0))

    def _replaced(self, name: str, _: float) -> Drawn:
        return self._every(name, PERIODS_S[3:9], overlap="replace", takes_s=(0.02, 9.0))

    def _image(self, name: str, _: float) -> Drawn:
        """A Kubernetes Job that may outlive a few leaders, its window, and the interruptions that it is allowed."""
        overlap = self._chance.choice(("skip", "queue", "replace", "allow"))
        takes_s = self._chance.choice(((0.02, 9.0), LONG_S, (20.0, 30.0)))
        said = {"overlap": overlap, "window_s": self._window_s(), "max_interruptions": self._chance.choice((1, 3))}
        return self._every(name, PERIODS_S[6:], takes_s=takes_s, adoptable=True, **said)

    def _image_money(self, name: str, _: float) -> Drawn:
        catch_up = self._chance.choice(("latest", "all"))
        takes_s = (0.02, 4.0 if catch_up == "all" else 40.0)  # else it does not get to its end
        said = {"at_most_once": True, "catch_up": catch_up}
        return self._every(name, PERIODS_S[6:], takes_s=takes_s, adoptable=True, **said)

    def _image_retried(self, name: str, _: float) -> Drawn:
        retries = self._chance.randint(1, 3)
        return self._every(name, PERIODS_S[6:], takes_s=(0.02, 12.0), fails=0.5, adoptable=True, retries=retries)

    def _image_limited(self, name: str, _: float) -> Drawn:
        """Its time may be over under any leader, or under none."""
        limit_s = float(self._chance.choice((5, 20)))
        return self._every(name, PERIODS_S[6:], takes_s=(0.02, 40.0), adoptable=True, timeout_s=limit_s)

    def _cron(self, name: str, _: float) -> Drawn:
        text = self._chance.choice(list(CRONS))
        zone = self._chance.choice(("UTC", "Europe/Berlin", "Asia/Kolkata"))
        seconds = CRONS[text]
        return _drawn(name, CronSchedule(text, zone, name), {"ticks": _on_seconds(seconds)}, zone=zone)

    def _once(self, name: str, now: float) -> Drawn:
        instant = float(int(now) + self._chance.randint(5, 600))
        schedule = AtSchedule(datetime.fromtimestamp(instant, UTC))
        return _drawn(name, schedule, {"ticks": _at(instant), "catch_up": "latest"})

    # -- their parts

    def _window_s(self) -> float:
        return float(self._chance.choice((30, 60, 3600, 3600)))

    def _every(self, name: str, periods: tuple[int, ...], **said: Any) -> Drawn:
        period_s = self._chance.choice(periods)
        offset_s = self._chance.choice((0, 0, self._chance.randrange(period_s)))
        schedule = EverySchedule(period_s, offset_s)
        rest = {key: said.pop(key) for key in ("takes_s", "fails") if key in said}
        return _drawn(name, schedule, {"period_s": period_s, "offset_s": offset_s, **said}, **rest)


def _drawn(name: str, schedule: Schedule, said: dict[str, Any], zone: str = "UTC", **rest: Any) -> Drawn:
    declared = Declared(name, **said)
    action = IMAGE if declared.adoptable else SHELL if declared.killable else THREAD
    return Drawn(Job(name, schedule, zone, action, _policy(declared)), declared, **rest)


def _policy(said: Declared) -> Policy:
    return Policy(
        overlap=Overlap(said.overlap),
        catch_up=CatchUp(said.catch_up),
        catch_up_window=timedelta(seconds=said.window_s),
        max_catch_up=said.max_catch_up,
        delivery=Delivery.AT_MOST_ONCE if said.at_most_once else Delivery.AT_LEAST_ONCE,
        retries=said.retries,
        retry_delay=timedelta(seconds=1),
        timeout=timedelta(seconds=said.timeout_s) if said.timeout_s < inf else None,
        max_interruptions=said.max_interruptions,
        jitter=timedelta(seconds=said.jitter_s),
    )


def _on_seconds(seconds: Iterable[int]) -> Callable[[float, float], Iterator[float]]:
    """Ticks at these seconds of every minute; whole minutes are the same in every zone of today."""
    named = tuple(seconds)

    def ticks(after: float, until: float) -> Iterator[float]:
        minute = int(after // 60) * 60
        while minute <= until:
            yield from (float(minute + second) for second in named if after < minute + second <= until)
            minute += 60

    return ticks


def _at(instant: float) -> Callable[[float, float], Iterator[float]]:
    def ticks(after: float, until: float) -> Iterator[float]:
        if after < instant <= until:
            yield instant

    return ticks
