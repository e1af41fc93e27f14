"""What the Lease says of tables: whose is the leader's, and which standbys go by another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.notes.commands import PAUSED
from scheduler.core.notes.tables import (
    LONGEST_KEY,
    MOST_TABLES,
    STALE_AFTER,
    OtherTable,
    has_room,
    other_tables,
    signed,
    table_note,
    unsigned,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINE, OTHER = "9f2c41d0", "1a2b3c4d"


def held(*notes: tuple[str, str], at: datetime = NOON, address: str = "10.0.0.7:8080") -> dict[str, str]:
    return dict(signed(dict(notes), address=address, config=MINE, now=at))


def test_a_note_as_it_is_written() -> None:
    assert table_note("web-2", OTHER, NOON) == ("table-web-2", '{"hash":"1a2b3c4d","at":"2026-11-22T12:00:00Z"}')


def test_a_holder_says_where_it_can_be_asked_and_which_table_it_goes_by() -> None:
    assert held((PAUSED, "{}")) == {PAUSED: "{}", "address": "10.0.0.7:8080", "config": MINE}


def test_what_the_holder_before_said_is_said_no_more() -> None:
    assert held(("address", "10.0.0.1:8080"), ("config", OTHER), address="") == {"config": MINE}


def test_a_lease_that_is_given_back_says_nothing_of_its_holder() -> None:
    assert unsigned(held((PAUSED, "{}"), table_note("b", OTHER, NOON))).keys() == {PAUSED, "table-b"}


@pytest.mark.parametrize(
    ("note", "is_kept"),
    [
        pytest.param(table_note("b", OTHER, NOON), True, id="another table"),
        pytest.param(table_note("b", MINE, NOON), False, id="the same table by now"),
        pytest.param(table_note("b", OTHER, NOON - STALE_AFTER), True, id="just fresh enough"),
        pytest.param(table_note("b", OTHER, NOON - STALE_AFTER - timedelta(seconds=1)), False, id="old"),
        pytest.param(table_note("b", OTHER, NOON + timedelta(hours=1)), False, id="from the future"),
        pytest.param(("table-b", "{}"), False, id="says nothing"),
        pytest.param(("table-b", "["), False, id="cannot be read"),
        pytest.param(("table-b", '{"hash":7,"at":"2026-11-22T12:00:00Z"}'), False, id="a number for a hash"),
        pytest.param(("tables", "{}"), True, id="somebody else's note"),
    ],
)
def test_the_holder_takes_away_what_is_over(note: tuple[str, str], *, is_kept: bool) -> None:
    assert (note[0] in held(note)) == is_kept


def test_there_are_only_so_many() -> None:
    many = dict(table_note(f"b{number:02}", OTHER, NOON) for number in range(MOST_TABLES + 3))

    assert len(other_tables(held(*many.items()))) == MOST_TABLES
    assert not has_room(many, "c")
    assert has_room(dict(list(many.items())[:MOST_TABLES]), "b00")


def test_notes_that_need_no_change_are_the_same_notes() -> None:
    """A renewal that changes nothing copies nothing."""
    notes = held(table_note("b", OTHER, NOON))

    assert signed(notes, address="10.0.0.7:8080", config=MINE, now=NOON) is notes


@given(st.text(max_size=80))
def test_any_name_makes_a_key_that_an_annotation_may_have(name: str) -> None:
    key, text = table_note(name, OTHER, NOON)

    assert len(key) <= LONGEST_KEY
    assert key[-1].isalnum()
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in key)
    assert other_tables({key: text}) == {key.removeprefix("table-"): OtherTable(OTHER, NOON)}


def test_long_names_that_begin_alike_are_told_apart() -> None:
    names = [f"{'beat-' * 13}{end}" for end in "ab"]

    assert len({table_note(name, OTHER, NOON)[0] for name in names}) == len(names)


@given(st.dictionaries(st.text(max_size=4).map("table-{}".format), st.text(max_size=30), max_size=3))
def test_no_note_does_harm(notes: dict[str, str]) -> None:
    assert other_tables(held(*notes.items())) == {}
