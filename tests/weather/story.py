"""A story told and judged: what a test asserts, and what `make weather` prints."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from tests.fakes.world import START
from tests.weather.history import History, Line, Objection
from tests.weather.judge import FINAL, judge
from tests.weather.sky import TRUE_TIME
from tests.weather.weather import Climate, Weather

USUAL = Climate(minutes=15.0, sizes=(60, 100))  # of the tests and of `make weather`: one seed, one story
AROUND_S = 90.0
RUN_ID = re.compile(r"[a-z0-9-]+@[0-9A-Za-z:.-]+Z")
LAST_LINES = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one story: how much happened in it, and what the judge has to say."""

    seed: int
    minutes: float
    ticks: int
    blows: Counter[str]
    events: Counter[str]
    objections: list[Objection]
    excerpt: list[str]

    @property
    def text(self) -> str:
        """The objections, and the last lines of the story before the first of them."""
        seen = Counter(objection.promise for objection in self.objections)
        head = [f"seed {self.seed}: {', '.join(f'{count} x {promise}' for promise, count in seen.items())}"]
        return "\n".join([*head, str(self.objections[0]), "", *self.excerpt])


def tell(seed: int, climate: Climate) -> Verdict:
    """Tell the story of this seed and have it judged. Whatever the program raises names the seed."""
    weather = Weather(seed, climate)
    try:
        history = weather.rage()
    except Exception as error:
        error.add_note(f"seed {seed}, at second {weather.sky.now - START:.3f}; before that:")
        error.add_note("\n".join(f"{at - TRUE_TIME - START:9.3f}  {what}" for at, what in weather.story[-LAST_LINES:]))
        raise
    objections = judge(history)
    excerpt = _excerpt(weather, history, objections[0]) if objections else []
    ticks = sum(_ticks_of(line) for line in history.lines if line.event in FINAL and not line.facts.get("repeated"))
    return Verdict(seed, climate.minutes, ticks, weather.blows, weather.sky.events, objections, excerpt)


def _ticks_of(line: Line) -> int:
    return int(str(line.facts.get("ticks") or 1))


def _excerpt(weather: Weather, history: History, objection: Objection) -> list[str]:
    """What was done to the fleet before the objection, who led, and what became of the runs that it is about."""
    since, until = objection.at - AROUND_S, objection.at + AROUND_S / 10
    found = [(at, f"* {what}") for at, what in weather.story if since <= at <= until]
    runs = set(RUN_ID.findall(objection.about))
    for line in history.lines:
        is_about = line.event.startswith(("lead.", "ledger.")) or line.facts.get("run") in runs
        if is_about and since <= line.at <= until:
            facts = " ".join(f"{name}={fact}" for name, fact in line.facts.items() if fact is not None)
            found.append((line.at, f"{line.replica} {line.event} {facts}"))
    for one in history.attempts:
        if one.run in runs:
            found.append((one.started, f"{one.replica} starts {one.run} #{one.number}"))
            found += [(one.ended, f"{one.replica} ends {one.run} #{one.number}: {one.outcome}")] if one.ended else []
    return [f"{at - TRUE_TIME - START:9.3f}  {text}" for at, text in sorted(found)][-LAST_LINES:]
