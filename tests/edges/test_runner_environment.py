"""What a run finds in its environment: values from elsewhere, and how they get there unseen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from scheduler.core.actions import Action, PythonAction, ShellAction
from scheduler.core.ports import RunEnded
from scheduler.core.references import FileReference, Secret, Value
from scheduler.running.supervisor.handle import SupervisorRunner
from scheduler.running.supervisor.wire import Decoder, StartShell, encode
from tests.edges.supervision import Ear, order, perform, trusted
from tests.processes.replica import ReplicaProcess

SECRET = "s3cret-of-the-night"  # noqa: S105 - an example
TELL = {
    "shell": lambda env: ShellAction('echo "$TOKEN"', env=env),
    "python": lambda env: PythonAction("telling", "go", env=env),
}
BOTH = pytest.mark.parametrize("action", TELL.values(), ids=TELL.keys())


@dataclass
class Place:
    """A folder, and a runner that works in it."""

    folder: Path
    runner: SupervisorRunner
    ear: Ear

    def end(self, action: Action) -> RunEnded:
        """How a run of this action ends."""
        return self.ear.ended(perform(self.runner, order(action)))

    def lines(self, action: Action) -> list[str]:
        """What a run of this action prints."""
        return self.ear.lines(perform(self.runner, order(action)))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "telling.py").write_text("import os\ndef go(): os.write(1, os.environb[b'TOKEN'] + b'\\n')\n")
    ear = Ear()
    runner = trusted(SupervisorRunner(ear, str(tmp_path)))
    yield Place(tmp_path, runner, ear)
    runner.close()


@BOTH
@pytest.mark.parametrize("value", ["plain ä", Secret(SECRET), Secret(""), Secret("\udce4 is no UTF-8")])
def test_a_run_finds_the_value(place: Place, action: type[Action], value: Value) -> None:
    text = value.reveal() if isinstance(value, Secret) else value

    assert place.lines(action({"TOKEN": value})) == [text.encode(errors="surrogateescape").decode(errors="replace")]


CONTENTS = [("a", "a"), ("a\n", "a"), ("a\r\n\n", "a"), (" a\nb ", " a|b "), ("", "")]


@BOTH
@pytest.mark.parametrize(("content", "text"), CONTENTS)
def test_a_file_is_read_without_its_last_line_break(
    place: Place, action: type[Action], content: str, text: str
) -> None:
    (place.folder / "token").write_text(content)

    assert "|".join(place.lines(action({"TOKEN": FileReference("token")}))) == text


@BOTH
def test_a_file_is_read_anew_by_each_run(place: Place, action: type[Action]) -> None:
    told = []
    for content in ("old", "new"):
        (place.folder / "token").write_text(content)
        told.append(place.lines(action({"TOKEN": FileReference(str(place.folder / "token"))})))

    assert told == [["old"], ["new"]]


UNREADABLE = {
    "nothing": (lambda _: None, "TOKEN: token: No such file or directory"),
    "a folder": (Path.mkdir, "TOKEN: token: Is a directory"),
    "a pipe that nobody writes to": (os.mkfifo, "TOKEN: token is no file"),
    "a NUL": (lambda path: path.write_bytes(b"a\0b"), "TOKEN: token holds a NUL"),
    "too much": (lambda path: path.write_bytes(b"a" * 200_000), "TOKEN: token is larger than 128 KiB"),
}


@BOTH
@pytest.mark.parametrize(("make", "error"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_run_fails_with_the_reason_when_its_file_cannot_be_had(
    place: Place, action: type[Action], make: Callable[[Path], object], error: str
) -> None:
    make(place.folder / "token")
    end = place.end(action({"TOKEN": FileReference("token")}))

    assert (end.outcome, end.reason, end.error) == ("failed", "rejected", error)
    assert place.ear.lines(end.key) == []


@BOTH
def test_the_next_run_is_none_the_worse_for_it(place: Place, action: type[Action]) -> None:
    place.end(action({"TOKEN": FileReference("nowhere")}))

    assert place.end(action({"TOKEN": "x"})).outcome == "succeeded"


def test_a_message_to_the_supervisor_does_not_show_the_environment() -> None:
    facts = ("k", "job", "job@t", "t", 1, 1, "1")
    message = StartShell(*facts, {"TOKEN": SECRET}, None, exclusive=True, output="log", command="ls", cwd=None)
    with pytest.raises(ValueError, match="not a message") as refused:
        Decoder().feed(b'["Nonsense", "' + SECRET.encode() + b'"]\n')

    assert SECRET not in repr(message) + str(refused.value)
    assert Decoder().feed(encode(message)) == [message]


TABLE = """
jobs:
  both:
    every: 1s
    overlap: allow
    shell:
      run: 'test "$TOKEN:$FILE:$TEXT" = "$OPS_TOKEN:from-a-file:x $OPS_TOKEN \\$" && echo equal; sleep 2'
      env: {TOKEN: "${OPS_TOKEN}", FILE: {file: run/token}, TEXT: "x ${OPS_TOKEN} $$"}
  python:
    every: 1s
    python: {call: "seen:go", env: {TOKEN: "${OPS_TOKEN}", FILE: {file: run/token}}}
"""
SEEN = """
import os
def go():
    assert (os.environ["TOKEN"], os.environ["FILE"]) == (os.environ["OPS_TOKEN"], "from-a-file")
    print("equal")
"""


def arguments_of_all_processes() -> list[bytes]:
    """What `ps` shows of everybody on this machine."""
    shown = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            shown.append((process / "cmdline").read_bytes())
    return shown


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what ps would show")
def test_a_replica_hands_secrets_to_its_runs_and_to_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(TABLE)
    (tmp_path / "seen.py").write_text(SEEN)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "token").write_text("from-a-file\n")
    replica = ReplicaProcess.start(
        "a", tmp_path / "config.yaml", "--log-level", "debug", environment={"OPS_TOKEN": SECRET}
    )
    try:
        replica.wait_for("run.output", job="both", text="equal")
        shown = arguments_of_all_processes()
        replica.wait_for("run.output", job="python", text="equal")
        replica.wait_for("run.succeeded", job="both")
        assert replica.stop() == 0
    finally:
        replica.end()

    told = f"{replica.lines}{replica.strays}"
    assert [secret for secret in (SECRET, "from-a-file") if secret in told] == []
    assert [line for line in shown if b"echo equal; sleep 2" in line] != []
    assert [line for line in shown if SECRET.encode() in line] == []
