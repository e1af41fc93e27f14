"""Laws of what a run's bytes become: lines, however the pipe cut them, and never more than there is room for."""

from __future__ import annotations

import os
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scheduler.running.supervisor.lines import LINE_CHARACTERS, LineCutter
from scheduler.running.supervisor.outbox import ROOM_BYTES, Outbox
from scheduler.running.supervisor.wire import Decoder, Ended, Output, Report, Started, encode

text_like = st.binary() | st.text(alphabet="aß✓😀\n\r", max_size=200).map(str.encode)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({min(place, len(data)) for place in at} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


def lines_of(pieces: list[bytes]) -> list[str]:
    cutter = LineCutter()
    return [line for piece in pieces for line in cutter.feed(piece)] + cutter.rest()


@given(text_like, st.lists(st.integers(0, 200)))
def test_lines_do_not_depend_on_how_the_pipe_cut_them(data: bytes, at: list[int]) -> None:
    assert lines_of(cut(data, at)) == lines_of([data])


@given(text_like)
def test_nothing_but_line_ends_is_lost(data: bytes) -> None:
    expected = data.decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\n")

    assert "\n".join(lines_of([data])) == expected


@given(st.integers(0, 5 * LINE_CHARACTERS), st.integers(LINE_CHARACTERS // 9, LINE_CHARACTERS))
def test_a_long_line_comes_in_pieces(length: int, chunk: int) -> None:
    data = b"x" * length
    lines = lines_of([data[start : start + chunk] for start in range(0, length, chunk)])

    assert "".join(lines) == "x" * length
    assert max(map(len, lines), default=0) <= LINE_CHARACTERS


class Leader:
    """The reading end of a pipe; nothing is read until the test says so."""

    def __init__(self) -> None:
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        self.outbox = Outbox(writer)
        self._writer = writer
        self._decoder = Decoder()

    def read_all(self) -> list[Report]:
        """Take what there is, until there is nothing more."""
        reports: list[Report] = []
        while self.outbox.waits:
            self.outbox.flush()
            messages = self._decoder.feed(os.read(self._reader, 1 << 20))
            reports += [message for message in messages if isinstance(message, Report)]
        return reports

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


def test_output_beyond_the_room_is_left_out_and_counted() -> None:
    leader = Leader()
    line = "x" * 10_000
    for _ in range(1000):
        leader.outbox.put_output(Output("a#1", "stdout", [line]))
        leader.outbox.flush()
    leader.outbox.put(Ended("a#1", "succeeded", 5))
    reports = leader.read_all()
    leader.close()
    *outputs, note, end = reports
    kept = sum(len(output.lines) for output in outputs if isinstance(output, Output))

    assert note == Output("a#1", "stderr", [f"… {1000 - kept} lines left out, the log could not keep up"])
    assert end == Ended("a#1", "succeeded", 5)
    assert ROOM_BYTES <= sum(len(encode(output)) for output in outputs) <= 2 * ROOM_BYTES


def test_the_gap_is_told_in_its_place() -> None:
    leader = Leader()
    leader.outbox.put_output(Output("a#1", "stdout", ["x" * ROOM_BYTES]))
    leader.outbox.put_output(Output("a#1", "stdout", ["lost", "lost"]))
    leader.outbox.put_output(Output("b#1", "stdout", ["lost"]))
    leader.outbox.put(Started("c#1", "2026-11-22T02:15:00+00:00", 1.0, 4711))
    first, second = leader.read_all()
    leader.outbox.put_output(Output("a#1", "stdout", ["again"]))
    later = leader.read_all()
    leader.close()

    assert (first.key, second.key) == ("a#1", "c#1")
    assert later == [
        Output("a#1", "stderr", ["… 2 lines left out, the log could not keep up"]),
        Output("a#1", "stdout", ["again"]),
    ]


def test_a_leader_that_is_gone_is_nothing_to_fail_for() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    outbox = Outbox(writer)
    outbox.put(Ended("a#1", "succeeded", 5))
    outbox.flush()
    os.close(writer)

    assert outbox.waits
