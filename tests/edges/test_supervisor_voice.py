"""Laws of a run's voice: what is told of what it writes, by its policy and within its allowance."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.running.supervisor.voice import A_SECOND, AT_ONCE, LINE_CHARACTERS, TAIL_LINES, Voice
from scheduler.running.supervisor.wire import Output

KEY = "a@t#1"


def texts(outputs: Iterable[Output]) -> list[str]:
    return [line for output in outputs for line in output.lines]


def numbered(since: int, until: int) -> bytes:
    return "".join(f"{number}\n" for number in range(since, until)).encode()


def note(count: int) -> str:
    return f"… {count} lines left out, more than {A_SECOND} a second"


def test_lines_within_the_allowance_are_told_as_they_come() -> None:
    voice = Voice(KEY, "log", 0.0)

    assert texts(voice.hear("stdout", b"one\ntw", 0.0)) == ["one"]
    assert texts(voice.hear("stdout", b"o\n", 0.0)) == ["two"]
    assert voice.hear_end(0.0) == []


def test_who_writes_too_fast_is_muted_and_the_last_lines_are_told_at_the_end() -> None:
    voice = Voice(KEY, "log", 0.0)
    told = texts(voice.hear("stdout", numbered(0, AT_ONCE + 500), 0.0))
    later = texts(voice.hear("stdout", numbered(0, 10 * AT_ONCE), 0.1))
    end = texts(voice.hear_end(0.2))

    assert told == [str(number) for number in range(AT_ONCE)]
    assert later == []
    assert end == [note(500 + 10 * AT_ONCE - TAIL_LINES), *(str(10 * AT_ONCE - n) for n in range(TAIL_LINES, 0, -1))]


def test_the_gap_is_told_in_its_place_when_a_second_is_over() -> None:
    voice = Voice(KEY, "log", 0.0)
    voice.hear("stdout", numbered(0, AT_ONCE + 100), 0.0)

    assert texts(voice.hear("stdout", b"muted\n", 0.9)) == []
    assert texts(voice.hear("stdout", b"again\n", 1.0)) == [
        note(81),
        *(str(AT_ONCE + number) for number in range(81, 100)),
        "muted",
        "again",
    ]


def test_what_was_held_back_is_told_when_it_falls_silent() -> None:
    voice = Voice(KEY, "log", 0.0)
    voice.hear("stdout", numbered(0, AT_ONCE + 3), 0.0)

    assert voice.holds_back
    assert voice.hear_nothing(0.9) == []
    assert texts(voice.hear_nothing(1.0)) == [str(AT_ONCE + number) for number in range(3)]
    assert not voice.holds_back
    assert voice.hear_nothing(2.0) == []


def test_a_tail_is_not_told_because_it_falls_silent() -> None:
    voice = Voice(KEY, "tail", 0.0)
    voice.hear("stdout", b"one\n", 0.0)

    assert (voice.holds_back, voice.hear_nothing(100.0)) == (False, [])


def test_what_is_kept_of_a_flood_is_in_the_order_in_which_it_was_written() -> None:
    voice = Voice(KEY, "tail", 0.0)
    for number in range(30):
        voice.hear("stderr" if number % 2 else "stdout", f"{number}\n".encode(), 0.0)

    assert texts(voice.tail) == [str(number) for number in range(10, 30)]


def test_a_long_line_counts_as_several() -> None:
    voice = Voice(KEY, "log", 0.0)
    long = b"x" * (10 * LINE_CHARACTERS - 1) + b"\n"

    assert len(texts(voice.hear("stdout", 2 * AT_ONCE * long, 0.0))) == AT_ONCE // 10


def test_a_tail_is_told_besides_and_only_of_a_failure() -> None:
    voice = Voice(KEY, "tail", 0.0)
    told = texts(voice.hear("stdout", numbered(0, 100) + b"the end", 0.0))
    told += texts(voice.hear_end(0.0))

    assert told == []
    assert texts(voice.tail) == [*(str(number) for number in range(81, 100)), "the end"]
    assert voice.last_words == "the end"


def test_the_tail_has_records_of_logging_with_their_level() -> None:
    voice = Voice(KEY, "tail", 0.0)
    record = Output(KEY, "log", ["two", "lines"], "shop", "error")

    assert voice.hear_record(record, 0.0) == []
    assert voice.tail == [Output(KEY, "log", [line], "shop", "error") for line in record.lines]


def test_nothing_is_told_of_a_run_whose_output_nobody_wants() -> None:
    voice = Voice(KEY, "none", 0.0)
    told = voice.hear("stderr", b"secret\nsecret", 0.0) + voice.hear_record(Output(KEY, "log", ["secret"]), 0.0)

    assert told + voice.hear_end(0.0) + voice.tail == []
    assert voice.last_words == ""


@pytest.mark.parametrize(
    ("written", "words"),
    [
        pytest.param({"stderr": b"first\nlast\n \n", "stdout": b"done\n"}, "last", id="stderr goes before stdout"),
        pytest.param({"stdout": b"cannot go on\n"}, "cannot go on", id="stdout, when stderr said nothing"),
        pytest.param({"stderr": b"no line end"}, "no line end", id="what has no line end"),
        pytest.param({"stdout": numbered(0, 3 * AT_ONCE), "stderr": b"full\n"}, "full", id="also beyond the allowance"),
    ],
)
def test_a_runs_last_words(written: dict[str, bytes], words: str) -> None:
    voice = Voice(KEY, "log", 0.0)
    for stream, data in written.items():
        voice.hear(stream, data, 0.0)
    voice.hear_end(0.0)

    assert voice.last_words == words


writes = st.lists(
    st.tuples(st.sampled_from(["stdout", "stderr"]), st.integers(0, AT_ONCE), st.floats(0, 2)), max_size=5
)


@given(writes, st.integers(777, 100_000))
def test_every_line_is_told_or_counted(written: list[tuple[str, int, float]], cut: int) -> None:
    voice, now, told, lines = Voice(KEY, "log", 0.0), 0.0, list[str](), 0
    for stream, count, pause in written:
        now += pause
        lines += count
        data = b"x\n" * count
        for start in range(0, len(data), cut):
            told += texts(voice.hear(stream, data[start : start + cut], now))
    told += texts(voice.hear_end(now))
    left_out = sum(int(line.split()[1]) for line in told if line.startswith("…"))
    bound = AT_ONCE + (A_SECOND + TAIL_LINES + 1) * (now + 1)

    assert sum(line == "x" for line in told) + left_out == lines
    assert len(told) <= bound


@given(st.binary(max_size=3000), st.sampled_from(["log", "tail"]))
def test_no_bytes_are_too_odd(data: bytes, output: str) -> None:
    voice = Voice(KEY, output, 0.0)
    told = [voice.hear("stdout", bytes([byte]), 0.0) for byte in data]

    assert len(voice.tail) <= TAIL_LINES
    assert all(isinstance(line, str) for outputs in [*told, voice.hear_end(0.0), voice.tail] for line in texts(outputs))


def test_a_gigabyte_is_counted_in_a_blink() -> None:
    """Here a hundredth of it, by the processor's time, since the machine may be busy."""
    voice = Voice(KEY, "log", 0.0)
    chunk = b"y\n" * 32768
    voice.hear("stdout", chunk, 0.0)
    before = os.times().user
    for _ in range(160):
        voice.hear("stdout", chunk, 0.0)

    assert os.times().user - before < 0.5
