"""The status page in a real browser: what it looks like, says aloud, and complains of.

Screenshots are left in the tests' temporary folder, to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scheduler.telling.health_listening import listen_nearby
from scheduler.telling.health_server import HealthServer
from tests.fakes.statuses import FOLLOWING, LEADING, Looked, every, many, mock_up
from tests.services.chromium import Tab, chromium

DESK, TELEPHONE = 1280, 400
LONG = "export-of-all-invoices-to-the-accounting-department1"  # 52 characters, as long as names may be
Show = Callable[[Looked], None]
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


def hostile() -> Looked:
    """Text from outside that is as long as it may be, and means harm."""
    word = "<img src=x onerror=alert(1)>" + "x" * 300
    looked = Looked([every(LONG, 5)], replace(LEADING, leader=word[:253]))
    looked.told("lead.observed", leader=word, term=3, previous=word)
    looked.told("store.unavailable", store="x", error=word)
    return looked


PAGES = {
    "leader": mock_up,
    "standby": lambda: mock_up(FOLLOWING),
    "nobody": lambda: mock_up(replace(FOLLOWING, alive_at=970.0)),
    "unproven": lambda: mock_up(replace(LEADING, alive_at=989.0)),
    "five-hundred": lambda: many(500),
    "hostile": hostile,
}

# Each text with its colour and the colour behind it, as the browser has computed them.
CONTRASTS = """
[...document.querySelectorAll('body *')].filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()))
.map(e => { let b = e; while (b && getComputedStyle(b).backgroundColor == 'rgba(0, 0, 0, 0)') b = b.parentElement;
  return [e.textContent.slice(0, 40), getComputedStyle(e).color, getComputedStyle(b).backgroundColor] })
"""
# What sticks out of the screen, be it cut off there or not.
STICKS_OUT = """
[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
.map(e => e.tagName + ' ' + e.textContent.slice(0, 40))
"""


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with chromium() as one:
        yield one


@pytest.fixture
def shots(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return tmp_path / re.sub(r"\W+", "-", request.node.name)


@pytest.fixture
def show(tab: Tab) -> Iterator[Show]:
    """Serves a page as a replica does, opens it, and has it stay as it is."""
    with ExitStack() as served:

        def show(looked: Looked) -> None:
            listening = listen_nearby(18080)
            server = HealthServer(listening, looked.routes, looked.clock.boot)
            server.start()
            served.callback(server.close)
            tab.open(f"{listening.address}/")
            tab.ask("Page.stopLoading")

        yield show


SCREENS = {"desk-light": (DESK, False), "desk-dark": (DESK, True), "phone-light": (TELEPHONE, False)}
SCREENS["phone-dark"] = (TELEPHONE, True)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("page", PAGES)
def test_it_looks_well(tab: Tab, show: Show, shots: Path, page: str, screen: str) -> None:
    """Nothing is cut off, nothing is too faint, nothing is fetched, nothing goes wrong."""
    width, dark = SCREENS[screen]
    tab.look(width, dark=dark)
    show(PAGES[page]())

    assert tab.complaints() == []
    assert {url for url in tab.requests() if not url.startswith("data:")} == {tab.value("location.href")}
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert tab.value(STICKS_OUT) == []
    faint = [(text, ratio) for text, ratio in contrasts(tab) if ratio < LEAST_CONTRAST]
    assert faint == []
    assert is_dark(tab.value("getComputedStyle(document.documentElement).backgroundColor")) == dark
    tab.screenshot(shots.with_suffix(".png"))


def contrasts(tab: Tab) -> Iterator[tuple[str, float]]:
    told: list[list[str]] = tab.value(CONTRASTS)
    assert told
    for text, front, back in told:
        bright, faint = sorted((luminance(front), luminance(back)), reverse=True)
        yield text, (bright + 0.05) / (faint + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, by WCAG 2.2."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def is_dark(colour: str) -> bool:
    return luminance(colour) < 0.1


@pytest.mark.parametrize("width", [DESK, TELEPHONE])
def test_a_screen_reader_finds_its_way(tab: Tab, show: Show, width: int) -> None:
    """Also where the table is no table any more to the eye."""
    tab.look(width)
    show(mock_up())
    tree = tab.tree()

    assert ("RootWebArea", "ok: leasebeat ops/beat-leasebeat") in tree
    assert ("heading", "leasebeat ops/beat-leasebeat") in tree
    assert ("heading", "Last events") in tree
    assert {"banner", "main", "list"} <= {role for role, _ in tree}
    assert ("table", "Jobs") in tree
    heads = ["job", "schedule", "next (Europe/Berlin)", "last", "last 20"]
    assert [name for role, name in tree if role == "columnheader"] == heads
    rows = ["hello", "sync", "nightly-report", "rebuild", "trial-mails"]
    assert [name for role, name in tree if role == "rowheader"] == rows
    assert [name for role, name in tree if role == "cell"][4:7] == [
        "every 15 min + 2 min",
        "20:47:00 in 5m54s",
        "failed 20:32:00 http 502, 3/3",
    ]
    assert ("image", "7 succeeded, 1 succeeded after a retry, 1 skipped, 2 failed") in tree
    assert tab.value("document.documentElement.lang") == "en"


@pytest.mark.parametrize("width", [DESK, TELEPHONE])
def test_a_long_name_loses_its_middle_to_the_eye_and_to_nobody_else(tab: Tab, show: Show, width: int) -> None:
    tab.look(width)
    show(Looked([every(LONG, 5)]))
    name = "document.querySelector('tbody .name')"

    assert tab.value(f"{name}.querySelector('i').scrollWidth > {name}.querySelector('i').clientWidth")
    assert tab.value(f"{name}.getBoundingClientRect().height") < 30
    assert tab.value(f"{name}.title") == LONG
    assert ("rowheader", LONG) in tab.tree()
    copied = f"getSelection().selectAllChildren({name}); getSelection().toString()"
    assert tab.value(copied) == LONG


def test_it_refreshes_itself(tab: Tab, show: Show) -> None:
    show(mock_up())

    assert tab.value("document.querySelector('meta[http-equiv=refresh]').content") == "5"


def test_a_link_leads_to_the_row_of_a_job_that_fails(tab: Tab, show: Show) -> None:
    tab.look(DESK)
    show(many(500))
    link = "document.querySelector('.sums a')"
    tab.value(f"{link}.click()")

    seen: dict[str, Any] = tab.value("document.querySelector('tbody tr:target').getBoundingClientRect().toJSON()")
    assert 0 <= seen["top"] < 800
