"""The messages between leader, supervisor and children survive the way, however it cuts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.running.supervisor.wire import (
    Decoder,
    Ended,
    Kill,
    KillExclusive,
    Message,
    Output,
    Ready,
    Setup,
    Started,
    StartPython,
    StartShell,
    Trust,
    encode,
)

FACTS = ("a@t#1", "a", "a@t", "2026-11-22T02:15:00Z", 1, 7, "48211", {"REGION": "eu\n"}, None, True, "log")
EXAMPLES: list[Message] = [
    Setup("/etc/leasebeat", ["/etc/leasebeat", ""], ["jobs.mail"], "info", 10.0, 1000),
    Trust(12.5, 16.25),
    StartPython(*FACTS, "jobs.mail", "send", "8005"),
    StartShell(*FACTS, "echo 'ß' && true", None),
    StartShell(*FACTS, ["echo", "\n"], "sub"),
    Kill("a@t#1"),
    KillExclusive(),
    Ready(),
    Started("a@t#1", "2026-11-22T02:15:00.000001+00:00", 12.5, 4711),
    Output("a@t#1", "log", ["ß\u2028", "\udcff"], "shop", "info"),
    Ended("a@t#1", "failed", 3, "exit", "exit 1"),
]


@given(st.lists(st.sampled_from(EXAMPLES), max_size=5), st.integers(1, 50))
def test_what_was_encoded_is_decoded(messages: list[Message], chunk: int) -> None:
    data = b"".join(encode(message) for message in messages)
    decoder = Decoder()
    decoded = [message for start in range(0, len(data), chunk) for message in decoder.feed(data[start : start + chunk])]

    assert decoded == messages


@pytest.mark.parametrize(
    "line", [b"hello\n", b"\xff\n", b"{}\n", b"[]\n", b"3\n", b'["Kill"]\n', b'["Gossip", 1]\n', b'[["x"]]\n']
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever json says is no message either
        Decoder().feed(line)
