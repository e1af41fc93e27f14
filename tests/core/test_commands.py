"""Commands and pauses as notes: what they say, what is none, and that no text whatever does harm."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.notes.commands import (
    Command,
    Do,
    Pause,
    commands_in,
    note_of,
    pauses_in,
    pauses_text,
    with_pauses,
    without,
)

ID = "m-7f3a1b2c"
AT = datetime(2026, 11, 22, 19, 43, 17, 204_000, tzinfo=UTC)
UNTIL = datetime(2027, 1, 14, 23, tzinfo=UTC)
AT_TEXT = "2026-11-22T19:43:17.204Z"


def said(**fields: object) -> str:
    """The text of a good command to run `ping`, with these fields; `...` leaves one out."""
    content = {"do": "run", "job": "ping", "at": AT_TEXT} | fields
    return json.dumps({key: value for key, value in content.items() if value is not ...})


def only(text: str, id_: str = ID) -> Command:
    commands, refused = commands_in({f"cmd-{id_}": text})

    assert refused == []
    (command,) = commands
    return command


def why(text: str, id_: str = ID) -> str:
    commands, refused = commands_in({f"cmd-{id_}": text})

    assert commands == []
    ((told, reason),) = refused
    assert told == id_
    return reason


def test_a_command_as_the_protocol_writes_it() -> None:
    command = Command(ID, Do.PAUSE, "meter", AT, UNTIL, "vendor outage")
    key, text = note_of(command)

    assert key == "cmd-m-7f3a1b2c"
    assert text == (
        '{"do":"pause","job":"meter","at":"2026-11-22T19:43:17.204Z",'
        '"until":"2027-01-14T23:00:00.000Z","reason":"vendor outage"}'
    )
    assert only(text) == command


def test_a_command_that_says_no_more_than_it_must() -> None:
    assert note_of(Command(ID, Do.RESET, None, AT))[1] == (
        '{"do":"reset","job":null,"at":"2026-11-22T19:43:17.204Z","until":null,"reason":null}'
    )


def test_when_it_was_asked_names_the_manual_run() -> None:
    berlin = timezone(timedelta(hours=1))

    assert Command(ID, Do.RUN, "ping", AT.astimezone(berlin)).at_text == AT_TEXT
    assert Command(ID, Do.RUN, "ping", AT.replace(microsecond=0)).at_text == "2026-11-22T19:43:17.000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(said(), Command(ID, Do.RUN, "ping", AT), id="run needs no more"),
        pytest.param(said(do="pause"), Command(ID, Do.PAUSE, "ping", AT), id="pause one job"),
        pytest.param(said(do="pause", job=None), Command(ID, Do.PAUSE, None, AT), id="pause all"),
        pytest.param(said(do="resume", job=None), Command(ID, Do.RESUME, None, AT), id="resume all"),
        pytest.param(said(do="reset", job=None), Command(ID, Do.RESET, None, AT), id="reset"),
        pytest.param(said(do="reset", job=...), Command(ID, Do.RESET, None, AT), id="reset says nothing of a job"),
        pytest.param(
            said(at="2026-11-22T20:43:17.204999+01:00"), Command(ID, Do.RUN, "ping", AT), id="another zone, cut to ms"
        ),
        pytest.param(
            said(do="pause", until="2027-01-15T00:00+01:00"), Command(ID, Do.PAUSE, "ping", AT, UNTIL), id="until"
        ),
        pytest.param(said(reason=""), Command(ID, Do.RUN, "ping", AT, None, ""), id="an empty reason"),
        pytest.param(said(by="jane"), Command(ID, Do.RUN, "ping", AT, by="jane"), id="who asks"),
        pytest.param(said(how="a later version"), Command(ID, Do.RUN, "ping", AT), id="a field of a later version"),
    ],
)
def test_a_command_is_understood(text: str, expected: Command) -> None:
    assert only(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "expected JSON, got ''", id="nothing"),
        pytest.param("run ping", "expected JSON, got 'run ping'", id="words"),
        pytest.param("[" * 2_000, f"expected JSON, got '{'[' * 40}…'", id="too deep, and told shortly"),
        pytest.param("9" * 2_000, "expected a JSON object, got int", id="a great number"),
        pytest.param(said(reason="x" * 2_000), "expected at most 2048 characters, got 2076", id="too long"),
        pytest.param("[]", "expected a JSON object, got list", id="a list"),
        pytest.param('"run"', "expected a JSON object, got 'run'", id="text"),
        pytest.param("null", "expected a JSON object, got none", id="null"),
        pytest.param(said(do=...), "expected do to be run, pause, resume or reset, got none", id="nothing to do"),
        pytest.param(
            said(do="stop"), "expected do to be run, pause, resume or reset, got 'stop'", id="something unknown"
        ),
        pytest.param(said(do="RUN"), "expected do to be run, pause, resume or reset, got 'RUN'", id="in capitals"),
        pytest.param(said(do=["run"]), "expected do to be run, pause, resume or reset, got list", id="a list to do"),
        pytest.param(said(job=...), "expected job to name the job to run, got none", id="run says no job"),
        pytest.param(said(job=None), "expected job to name the job to run, got none", id="run says null"),
        pytest.param(said(job=""), "expected job to be a job's name, got ''", id="run says an empty job"),
        pytest.param(said(job="Ping"), "expected job to be a job's name, got 'Ping'", id="no job has capitals"),
        pytest.param(said(job="p" * 53), f"expected job to be a job's name, got '{'p' * 40}…'", id="a longer name"),
        pytest.param(
            said(reason="\ud800"), r"expected reason to be text, got '\ud800'", id="half a letter, as JSON can say it"
        ),
        pytest.param(said(by="a\udfffb"), r"expected by to be text, got 'a\udfffb'", id="the other half"),
        pytest.param(said(job=7), "expected job to be a job's name, got int", id="a number for a job"),
        pytest.param(said(do="pause", job=[]), "expected job to be a job's name, got list", id="a list for a job"),
        pytest.param(
            said(do="pause", job=..., jobs="ping"),
            "expected job to name the job to pause, or null for all jobs, got none",
            id="a misspelt job does not pause all",
        ),
        pytest.param(
            said(do="resume", job=...),
            "expected job to name the job to resume, or null for all jobs, got none",
            id="resume says no job",
        ),
        pytest.param(
            said(do="reset"), "expected no job, because reset is about all of them, got 'ping'", id="reset says a job"
        ),
        pytest.param(said(at=...), "expected at to be a time like 2026-11-22T19:43:17.204Z, got none", id="no time"),
        pytest.param(
            said(at="now"), "expected at to be a time like 2026-11-22T19:43:17.204Z, got 'now'", id="a word for a time"
        ),
        pytest.param(
            said(at=1_795_376_597), "expected at to be a time like 2026-11-22T19:43:17.204Z, got int", id="Unix time"
        ),
        pytest.param(
            said(at="0001-01-01T00:00:00+12:00"),
            "expected at to be a time like 2026-11-22T19:43:17.204Z, got '0001-01-01T00:00:00+12:00'",
            id="before all time",
        ),
        pytest.param(
            said(at="2026-11-22T19:43:17.204"),
            "expected at to be a time with its zone, such as a Z at its end, got '2026-11-22T19:43:17.204'",
            id="a time without a zone",
        ),
        pytest.param(
            said(do="pause", until="2027-01-15"),
            "expected until to be a time with its zone, such as a Z at its end, got '2027-01-15'",
            id="an end without a zone",
        ),
        pytest.param(
            said(do="pause", until=""), "expected until to be a time like 2026-11-22T19:43:17.204Z, got ''", id="no end"
        ),
        pytest.param(said(reason=["a", "b"]), "expected reason to be text, got list", id="reasons"),
        pytest.param(said(by=7), "expected by to be text, got int", id="a number for a name"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_words(text: str, expected: str) -> None:
    assert why(text) == expected


@pytest.mark.parametrize(
    "id_", ["", "7f3a1b2c", "m-", "m-7f3a", "m-7f3a1b2c0", "m-7F3A1B2C", "m-7f3a1b2g", "m-7f3a1b2c\n", "x-7f3a1b2c"]
)
def test_an_id_is_m_and_eight_hex_digits(id_: str) -> None:
    assert why(said(), id_) == f"expected the id to be m- and 8 hex digits, got {id_!r}"


def test_commands_come_in_the_order_they_were_asked_and_then_by_id() -> None:
    order = [
        Command("m-00000009", Do.PAUSE, "ping", AT),
        Command("m-00000001", Do.RUN, "ping", AT + timedelta(milliseconds=1)),
        Command("m-00000002", Do.RESUME, None, AT + timedelta(milliseconds=1)),
        Command("m-00000000", Do.RUN, "ping", AT + timedelta(days=1)),
    ]
    notes = dict(map(note_of, reversed(order)))

    assert commands_in(notes) == (order, [])


def test_good_and_bad_ones_and_other_notes_do_not_disturb_one_another() -> None:
    good = Command(ID, Do.RUN, "ping", AT)
    notes = dict([note_of(good)]) | {
        "cmd-m-00000002": "?",
        "cmd-m-00000001": "?",
        "paused": "{}",
        "address": "10.0.0.7",
        "cm": said(),
    }
    commands, refused = commands_in(notes)

    assert commands == [good]
    assert [id_ for id_, _ in refused] == ["m-00000001", "m-00000002"]


def test_commands_are_taken_out_and_all_else_stays() -> None:
    notes = {"cmd-m-00000001": "a", "cmd-m-00000002": "b", "cmd-odd": "c", "paused": "{}", "bad-m-00000001": "d"}
    left = without(notes, ["m-00000001", "odd", "m-99999999"])

    assert left == {"cmd-m-00000002": "b", "paused": "{}", "bad-m-00000001": "d"}
    assert len(notes) == 5


# ------------------------------------------------------------------ pauses


def test_pauses_as_the_protocol_writes_them() -> None:
    pauses = {"meter": Pause(AT, UNTIL, "vendor outage"), "ping": Pause(AT)}
    notes = with_pauses({"cmd-odd": "c", "paused": "old"}, pauses)

    assert notes == {
        "cmd-odd": "c",
        "paused": '{"meter":{"until":"2027-01-14T23:00:00.000Z","reason":"vendor outage",'
        '"since":"2026-11-22T19:43:17.204Z"},'
        '"ping":{"until":null,"reason":null,"since":"2026-11-22T19:43:17.204Z"}}',
    }
    assert pauses_in(notes) == pauses


def test_jobs_that_share_a_pause_share_an_entry() -> None:
    """So a table of two thousand jobs can be paused at once: annotations end at 256 KiB."""
    pauses = {"a": Pause(AT, None, "outage", "jane"), "b": Pause(AT), "c": Pause(AT, None, "outage", "jane")}
    notes = with_pauses({}, pauses)

    assert notes == {
        "paused": '{"a c":[{"until":null,"reason":"outage","since":"2026-11-22T19:43:17.204Z","by":"jane"}],'
        '"b":{"until":null,"reason":null,"since":"2026-11-22T19:43:17.204Z"}}'
    }
    assert pauses_in(notes) == pauses
    assert len(with_pauses({}, {f"job-number-{number:08}": Pause(AT) for number in range(2000)})["paused"]) < 41_000


def test_a_pause_of_what_can_be_no_job_is_none() -> None:
    pause = {"since": AT_TEXT}
    text = json.dumps({"a": pause, "Meter": pause, "b c\ud800 d": [pause], "x" * 53: pause, "": pause, " ": [pause]})

    assert pauses_in({"paused": text}) == {"a": Pause(AT), "b": Pause(AT), "d": Pause(AT)}


class CountedName(str):
    """A job's name that counts how often it is held against another."""

    compared = 0
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountedName.compared += 1
        return str.__eq__(self, other)


def test_writing_down_the_pauses_of_a_large_table_takes_one_look_at_each() -> None:
    """A leader that thinks for ten seconds is none any more, and so with every successor that is asked the same."""
    pauses_text({CountedName(f"job-{number}"): Pause(AT) for number in range(300)})

    assert CountedName.compared < 300


def test_a_pause_is_over_from_its_end_on() -> None:
    assert not Pause(AT).is_over(UNTIL)
    assert not Pause(AT, UNTIL).is_over(UNTIL - timedelta(milliseconds=1))
    assert Pause(AT, UNTIL).is_over(UNTIL)


def test_without_pauses_there_is_no_note_of_them() -> None:
    notes = {"cmd-odd": "c", "paused": "old"}

    assert with_pauses(notes, {}) == {"cmd-odd": "c"}
    assert notes == {"cmd-odd": "c", "paused": "old"}
    assert pauses_in({}) == {}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("meter", id="words"),
        pytest.param("[" * 100_000, id="too deep"),
        pytest.param('["meter"]', id="a list"),
        pytest.param("null", id="null"),
    ],
)
def test_what_is_no_map_of_pauses_pauses_nothing(text: str) -> None:
    assert pauses_in({"paused": text}) == {}


@pytest.mark.parametrize(
    "pause",
    [
        pytest.param(True, id="no object"),
        pytest.param({}, id="no beginning"),
        pytest.param({"since": "2026-11-22T19:43:17"}, id="a beginning without a zone"),
        pytest.param({"since": AT_TEXT, "until": "tomorrow"}, id="an end in words"),
        pytest.param({"since": AT_TEXT, "reason": 5}, id="a reason that is a number"),
    ],
)
def test_a_pause_that_cannot_be_read_is_none_and_the_others_hold(pause: object) -> None:
    text = json.dumps({"a": {"since": AT_TEXT}, "meter": pause, "z": {"since": AT_TEXT, "more": 1}})

    assert pauses_in({"paused": text}) == {"a": Pause(AT), "z": Pause(AT)}


# ------------------------------------------------------------------ laws

TEXT = st.text(max_size=12)
INSTANTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000)
)
NAMES = st.text(min_size=1, max_size=12)
ENDS, WORDS, WHO = st.none() | INSTANTS, st.none() | TEXT, st.none() | NAMES
IDS = st.text("0123456789abcdef", min_size=8, max_size=8).map("m-{}".format)
JOBS = st.text("abz019-", min_size=1, max_size=8)
ANY_TEXT = st.text(st.sampled_from("ab- \u00e9\ud800\udfff"), max_size=4)  # also what UTF-8 does not have
COMMANDS = st.one_of(
    st.builds(Command, IDS, st.just(Do.RUN), JOBS, INSTANTS, ENDS, WORDS, WHO),
    st.builds(
        Command,
        IDS,
        st.sampled_from([Do.PAUSE, Do.RESUME]),
        st.none() | JOBS,
        INSTANTS,
        ENDS,
        WORDS,
        WHO,
    ),
    st.builds(Command, IDS, st.just(Do.RESET), st.none(), INSTANTS, ENDS, WORDS, WHO),
)
PAUSES = st.dictionaries(
    JOBS | st.text("ab", min_size=1, max_size=2),
    st.builds(Pause, INSTANTS, ENDS, WORDS, WHO),
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.sampled_from([AT_TEXT, *Do]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["do", "job", "at", "until", "reason", "since", "by"])
NEAR = st.one_of(
    st.dictionaries(FIELDS, JSON, max_size=4),
    st.dictionaries(FIELDS, ANY_TEXT, max_size=2).map(lambda more: {"do": "pause", "job": None, "at": AT_TEXT} | more),
    st.dictionaries(
        ANY_TEXT | JOBS, st.dictionaries(FIELDS, ANY_TEXT, max_size=2).map(lambda more: {"since": AT_TEXT} | more)
    ),
).map(json.dumps)
NOTES = st.dictionaries(
    st.sampled_from(["paused", "cmd-", f"cmd-{ID}"]) | TEXT | TEXT.map("cmd-{}".format),
    TEXT | NEAR | JSON.map(json.dumps),
    max_size=4,
)


@given(COMMANDS)
def test_a_command_is_read_as_it_was_written(command: Command) -> None:
    assert commands_in(dict([note_of(command)])) == ([command], [])


@given(NOTES, PAUSES)
def test_pauses_are_read_as_they_were_written_and_touch_no_other_note(
    notes: dict[str, str], pauses: dict[str, Pause]
) -> None:
    written = with_pauses(notes, pauses)

    assert pauses_in(written) == pauses
    assert ("paused" in written) == bool(pauses)
    assert {**written, "paused": ""} == {**notes, "paused": ""}


@given(NOTES)
def test_every_note_that_claims_to_be_a_command_is_one_or_is_refused_and_can_be_taken_out(
    notes: dict[str, str],
) -> None:
    """And what is understood can be written in UTF-8, as stores have it; else no leader could write ever after."""
    commands, refused = commands_in(notes)
    ids = [command.id for command in commands] + [id_ for id_, _ in refused]

    assert sorted(f"cmd-{id_}" for id_ in ids) == sorted(key for key in notes if key.startswith("cmd-"))
    assert all(reason and len(reason) < 200 for _, reason in refused)
    assert commands_in(without(notes, ids)) == ([], [])
    assert all(note_of(command)[1].encode() for command in commands)
    assert pauses_text(pauses_in(notes)).encode()


@given(st.lists(COMMANDS, max_size=5))
def test_the_order_is_that_of_time_however_the_notes_lie(commands: list[Command]) -> None:
    notes = dict(map(note_of, commands))
    read, _ = commands_in(notes)

    assert [(command.at, command.id) for command in read] == sorted((command.at, command.id) for command in read)
    assert read == commands_in(dict(reversed(notes.items())))[0]
