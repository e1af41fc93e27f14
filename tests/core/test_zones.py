"""Zones come from the pinned tzdata, and every change of their clocks is found."""

import struct
from datetime import UTC, datetime
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from scheduler.core.timing.zones import (
    CHUNK,
    LOOK,
    NoSuchLocalTime,
    UnknownZone,
    clock_changes,
    local_instant,
    zone,
    zone_names,
)

SAMPLES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Boa_Vista",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]


def changes_in_the_file(name: str) -> list[tuple[int, int]]:
    """The instants from which another offset holds, with it, as the second block of a TZif file has them (RFC 8536)."""
    data = files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    isut, isstd, leaps, times, types, chars = struct.unpack(">6l", data[20:44])
    block = 44 + times * 5 + types * 6 + chars + leaps * 8 + isstd + isut
    *_, times, types, _chars = struct.unpack(">6l", data[block + 20 : block + 44])
    at = block + 44
    instants = struct.unpack(f">{times}q", data[at : at + 8 * times])
    kinds = data[at + 8 * times : at + 9 * times]
    offsets = [struct.unpack(">l", data[p : p + 4])[0] for p in range(at + 9 * times, at + 9 * times + 6 * types, 6)]
    held = offsets[0]
    changes = []
    for instant, kind in zip(instants, kinds, strict=True):
        if offsets[kind] != held:
            held = offsets[kind]
            changes.append((instant, held))
    return changes


def second(shown: datetime) -> int:
    return int(shown.replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("name", SAMPLES)
def test_every_change_of_a_zones_clocks_is_found(name: str) -> None:
    listed = [(instant, offset) for instant, offset in changes_in_the_file(name) if instant > 0]
    last = listed[-1][0] if listed else CHUNK
    found = list(clock_changes(zone(name), datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(last, UTC)))
    offsets = [
        (second(change.clocks_from) - second(change.instant), second(change.clocks_to) - second(change.instant))
        for change in found
    ]

    assert [(second(change.instant), after) for change, (_, after) in zip(found, offsets, strict=True)] == listed
    assert all(after == before for (_, after), (before, _) in pairwise(offsets))
    assert [change.forward for change in found] == [after > before for before, after in offsets]


def test_no_zone_goes_there_and_back_between_two_looks() -> None:
    """Holds for the pinned tzdata; a new one that breaks it needs a smaller LOOK."""
    closest = min(
        (later - sooner, name)
        for name in zone_names()
        for (sooner, _), (later, _) in pairwise(changes_in_the_file(name))
        if sooner >= 0
    )

    assert closest[0] > 2 * LOOK


def test_zones_come_from_the_package_and_not_from_the_machine() -> None:
    """`ZoneInfo(name)` would look at the machine's files first."""
    assert str(zone("Europe/Berlin")) == "Europe/Berlin"
    assert zone("Europe/Berlin") is not ZoneInfo("Europe/Berlin")


def test_a_zone_is_loaded_once() -> None:
    assert zone("Europe/Berlin") is zone("Europe/Berlin")


def test_every_name_of_the_package_is_a_zone() -> None:
    assert [str(zone(name)) for name in zone_names()] == list(zone_names())
    assert {"UTC", "Europe/Berlin", "US/Eastern"} <= set(zone_names())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("Europe/Berln", "Europe/Berlin", id="a typing error"),
        pytest.param("europe/berlin", "Europe/Berlin", id="the wrong case"),
        pytest.param("Berlin", "Europe/Berlin", id="only the city"),
        pytest.param("New York", "America/New_York", id="a city of two words"),
        pytest.param("America/St Johns", "America/St_Johns", id="a space for an underscore"),
    ],
)
def test_an_unknown_zone_names_what_was_meant(name: str, meant: str) -> None:
    with pytest.raises(UnknownZone, match=f"^unknown time zone {name}$") as caught:
        zone(name)

    assert caught.value.candidates[0] == meant
    assert caught.value.hint == f"did you mean {meant}? IANA names, no offsets"


@pytest.mark.parametrize("name", ["", "+01:00", "../../etc/passwd", "/etc/localtime", "Europe", "zone.tab"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone) as caught:
        zone(name)

    assert isinstance(caught.value, ValueError)
    assert caught.value.hint.endswith("IANA names, no offsets")


@pytest.mark.parametrize(
    ("local", "name", "instant"),
    [
        pytest.param("2026-12-01T02:00", "Europe/Berlin", "2026-12-01T01:00Z", id="winter"),
        pytest.param("2027-10-31T02:30", "Europe/Berlin", "2027-10-31T00:30Z", id="the first of two"),
        pytest.param("2027-03-28T03:00", "Europe/Berlin", "2027-03-28T01:00Z", id="the first after a gap"),
        pytest.param(
            "2027-04-04T01:45", "Australia/Lord_Howe", "2027-04-03T14:45Z", id="the first of two, half an hour"
        ),
    ],
)
def test_a_local_time_is_an_instant(local: str, name: str, instant: str) -> None:
    assert local_instant(datetime.fromisoformat(local), zone(name)) == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    ("local", "name", "message", "moved", "instant"),
    [
        pytest.param(
            "2027-03-28T02:30",
            "Europe/Berlin",
            "2027-03-28 02:30 does not exist in Europe/Berlin, clocks go from 02:00 to 03:00",
            "2027-03-28T03:30",
            "2027-03-28T01:30Z",
            id="an hour in Berlin",
        ),
        pytest.param(
            "2026-10-04T02:00",
            "Australia/Lord_Howe",
            "2026-10-04 02:00 does not exist in Australia/Lord_Howe, clocks go from 02:00 to 02:30",
            "2026-10-04T02:30",
            "2026-10-03T15:30Z",
            id="half an hour on Lord Howe",
        ),
        pytest.param(
            "2018-11-04T00:59:59",
            "America/Sao_Paulo",
            "2018-11-04 00:59:59 does not exist in America/Sao_Paulo, clocks go from 00:00 to 01:00",
            "2018-11-04T01:59:59",
            "2018-11-04T03:59:59Z",
            id="midnight in Brazil",
        ),
        pytest.param(
            "1916-04-30T23:30",
            "Europe/Berlin",
            "1916-04-30 23:30 does not exist in Europe/Berlin, clocks go from 23:00 to 00:00",
            "1916-05-01T00:30",
            "1916-04-30T22:30Z",
            id="before 1970 too",
        ),
    ],
)
def test_a_local_time_that_clocks_skip_is_refused(
    local: str, name: str, message: str, moved: str, instant: str
) -> None:
    with pytest.raises(NoSuchLocalTime) as caught:
        local_instant(datetime.fromisoformat(local), zone(name))

    assert str(caught.value) == message
    assert caught.value.moved == datetime.fromisoformat(moved)
    assert caught.value.instant == datetime.fromisoformat(instant)
    assert caught.value.instant.tzinfo is UTC
