"""The program in bad weather: a hundred thousand ticks, and not one broken promise. `make weather` tells far more."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.weather.story import USUAL, tell
from tests.weather.weather import WEIGHTS, Climate, Weather

STORIES = 20
BATCH = 4
ENOUGH = 20_000  # ticks of each batch; so there are more than 100,000 in all
HAPPENS = ("lead.acquired", "lead.lost", "lead.released", "lead.suspended", "lead.resumed")
FATES = tuple(f"run.{fate}" for fate in ("succeeded", "failed", "skipped", "dropped", "interrupted", "retrying"))


@pytest.mark.parametrize("first", range(1, 1 + STORIES, BATCH))
def test_no_weather_breaks_a_promise(first: int) -> None:
    """Nor is it idle: the judge would have nothing to say to a world in which nobody leads and nothing runs."""
    verdicts = [tell(seed, USUAL) for seed in range(first, first + BATCH)]
    told = [verdict.text for verdict in verdicts if verdict.objections]

    assert not told, "\n\n".join(told)
    assert sum(verdict.ticks for verdict in verdicts) > ENOUGH
    events = sum((verdict.events for verdict in verdicts), Counter[str]())
    assert [event for event in (*HAPPENS, *FATES) if not events[event]] == []


def test_a_story_is_told_again_from_its_seed() -> None:
    """To the last line, whatever else the process has done before."""
    short = Climate(minutes=3.0, sizes=(12,))
    first, _, again = tell(7, short), tell(8, short), tell(7, short)

    assert (first.ticks, first.blows, first.events) == (again.ticks, again.blows, again.events)


def test_every_blow_is_known() -> None:
    """A misspelt weight would be a blow that never falls."""
    assert [name for name in WEIGHTS if not hasattr(Weather, f"_{name}")] == []
