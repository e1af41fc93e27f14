"""Output wherever it goes: a terminal, a pipe, another encoding, a closed stream, a full disk."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from scheduler.cli.progress import Progress
from scheduler.cli.streams import PLAIN, plainly
from tests.processes.terminal import Terminal

CONFIG = """\
timezone: Europe/Berlin
jobs:
  hello: {every: 10m, shell: echo hello}
  nightly:
    cron: "15 3 * * *"
    shell: printf 'Z\\303\\274rich \\342\\200\\246'
"""
LEASEBEAT = str(Path(sys.executable).with_name("leasebeat"))
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN = {"PYTHONIOENCODING": "iso8859-1"}
FROM = ("--from", "2026-11-23T12:00:00Z")
COMMANDS = {  # each command, with what makes it print
    "check": ("check",),
    "next": ("next", *FROM),
    "explain": ("explain", "0 0 13 * 5"),
    "schema": ("schema",),
    "simulate": ("simulate", *FROM),
    "run-now": ("run-now", "hello", "--here"),
    "completion": ("completion", "bash"),
    "help": ("-h",),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def typed(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON", "NO_COLOR"))}
    command = [LEASEBEAT, *arguments]
    return subprocess.run(command, cwd=folder, env=env | dict(environ or {}), capture_output=True, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_ascii_is_enough_for_every_command(name: str, folder: Path) -> None:
    plain = typed(folder, *COMMANDS[name], environ=ASCII)
    usual = typed(folder, *COMMANDS[name], environ={"PYTHONUTF8": "1"})

    assert plain.returncode == usual.returncode == 0
    assert (plain.stdout + plain.stderr).isascii()
    assert len(plain.stdout.decode().splitlines()) == len(usual.stdout.decode().splitlines())


def test_plain_letters_stand_for_those_that_ascii_lacks(folder: Path) -> None:
    said = typed(folder, "check", environ=ASCII).stdout.decode()

    assert said.startswith("config.yaml: 2 jobs, no errors, 0 warnings | imports 0 ok | ledger ")


def test_another_encoding_keeps_the_letters_that_it_has(folder: Path) -> None:
    said = typed(folder, "check", environ=LATIN).stdout.decode("iso8859-1")

    assert " warnings · imports " in said


def test_carets_stay_in_line_in_ascii(folder: Path) -> None:
    (folder / "config.yaml").write_text(f"jobs:\n  a: {{shell: '{'x' * 200}', every: 1x}}\n")
    plain, usual = (typed(folder, "check", environ=env).stderr.decode() for env in (ASCII, {"PYTHONUTF8": "1"}))

    assert "…" in usual
    assert plain == usual.replace("…", "~")


def test_json_stays_json_in_ascii(folder: Path) -> None:
    done = typed(folder, "run-now", "nightly", "--here", "--json", environ=ASCII)
    texts = [json.loads(line).get("text") for line in done.stdout.decode("ascii").splitlines()]

    assert done.returncode == 0
    assert any(text and text.startswith("Zürich") for text in texts)


def test_a_file_whose_name_is_not_utf8_is_no_crash(folder: Path) -> None:
    name = b"caf\xe9.yaml"
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(CONFIG)
    done = subprocess.run(
        [LEASEBEAT.encode(), b"check", b"-c", name],
        cwd=folder,
        env={"PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(rb"caf\udce9.yaml: 2 jobs")


@pytest.mark.parametrize(
    ("letters", "plain"),
    [("·", "|"), ("…→", "~>"), ("ü", r"\u00fc"), ("😀", r"\ud83d\ude00"), ("\udce9", r"\udce9")],
    ids=["of ours", "two of ours", "the user's", "one beyond 16 bits", "half of one"],
)
def test_letters_that_an_encoding_lacks(letters: str, plain: str) -> None:
    error = UnicodeEncodeError("ascii", f"x{letters}y", 1, 1 + len(letters), "lacks it")

    assert plainly(error) == (plain, 1 + len(letters))


def test_a_plain_letter_is_as_wide_as_what_it_stands_for() -> None:
    assert {len(plain) for plain in PLAIN.values()} == {1}
    assert all(plain.isascii() for plain in PLAIN.values())


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("streams", "codes", "told"),
    [
        ("<&- >&- 2>&-", {0}, ""),
        ("2>&1 >/dev/full", {0, 1}, "error: [Errno 28] No space left on device\n"),
        ("| true", {0}, ""),
    ],
    ids=["all closed", "a full disk", "nobody reads"],
)
def test_streams_that_take_nothing_are_no_crash(
    name: str, streams: str, codes: set[int], told: str, folder: Path
) -> None:
    arguments = " ".join(f"'{word}'" for word in COMMANDS[name])
    done = subprocess.run(
        ["sh", "-c", f"{LEASEBEAT} {arguments} {streams}"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert done.returncode in codes
    assert done.stderr == ""
    assert done.stdout in ("", told)


@pytest.mark.parametrize(
    ("options", "environ", "coloured"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"NO_COLOR": ""}, True),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        ((), {"TERM": "dumb"}, False),
    ],
    ids=["a terminal", "NO_COLOR", "an empty NO_COLOR", "never", "always, whatever NO_COLOR says", "a dumb terminal"],
)
def test_colours_on_a_terminal(
    options: tuple[str, ...], environ: Mapping[str, str], coloured: bool, folder: Path
) -> None:
    env = {"PATH": os.environ["PATH"], "TERM": "xterm", **environ}
    command = [LEASEBEAT, *options, "-c", str(folder / "config.yaml"), "simulate", *FROM]
    with Terminal(command, env) as terminal:
        code = terminal.wait()

    assert code == 0
    assert ("\x1b[" in terminal.raw) == coloured


@pytest.mark.parametrize(("options", "coloured"), [((), False), (("--color", "always"), True)], ids=["auto", "always"])
def test_colours_in_a_pipe_only_when_asked_for(options: tuple[str, ...], coloured: bool, folder: Path) -> None:
    assert (b"\x1b[" in typed(folder, *options, "simulate", *FROM).stdout) == coloured


@pytest.mark.parametrize("name", ["next", "help"])
def test_a_line_fits_80_columns(name: str, folder: Path) -> None:
    jobs = "".join(f"  a-job-with-a-long-name-{number}: {{every: 1m, shell: echo}}\n" for number in range(9))
    (folder / "config.yaml").write_text(f"timezone: Europe/Berlin\njobs:\n{jobs}")
    command = [LEASEBEAT, "-c", str(folder / "config.yaml"), *COMMANDS[name]]
    with Terminal(command, {"PATH": os.environ["PATH"], "TERM": "xterm", "PYTHONUTF8": "1"}) as terminal:
        terminal.wait()

    assert max(map(len, terminal.seen.splitlines())) <= 80


def test_a_slow_import_shows_progress_on_a_terminal_and_leaves_no_trace(folder: Path) -> None:
    (folder / "slow.py").write_text("import threading\nthreading.Event().wait(1.8)\ndef f(): pass\n")
    (folder / "config.yaml").write_text("jobs: {a: {every: 1m, python: slow:f}}\n")
    with Terminal([LEASEBEAT, "check", "-c", str(folder / "config.yaml")], {"PATH": os.environ["PATH"]}) as terminal:
        code = terminal.wait()
    piped = typed(folder, "check")

    assert code == 0
    assert "\rchecking imports" in terminal.raw
    assert "imports 1 ok" in terminal.raw.splitlines()[-1] or "hand-over" in terminal.raw
    assert b"checking" not in piped.stdout + piped.stderr


class Screen(io.StringIO):
    """A terminal, or not."""

    def __init__(self, *, is_terminal: bool = True) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def test_progress_is_one_line_that_is_overwritten() -> None:
    screen = Screen()
    with Progress("checking imports", screen, silent_for_s=3600) as progress:
        progress(1, 12)
        progress._begin()  # the second is over
        progress(10, 12)
        progress(9, 9)

    assert screen.getvalue() == (
        "\rchecking imports 1/12\rchecking imports 10/12\rchecking imports 9/9  \r" + " " * 20 + "\r"
    ).replace("\r" + " " * 20 + "\r", f"\r{' ' * 20}\r")


@pytest.mark.parametrize(("is_terminal", "quiet"), [(False, False), (True, True)], ids=["in a pipe", "with -q"])
def test_no_progress(is_terminal: bool, quiet: bool) -> None:
    screen = Screen(is_terminal=is_terminal)
    with Progress("checking imports", screen, quiet=quiet, silent_for_s=0) as progress:
        progress(1, 2)
        progress._begin()

    assert screen.getvalue() == ""


def test_what_is_fast_shows_nothing() -> None:
    screen = Screen()
    with Progress("checking imports", screen, silent_for_s=3600) as progress:
        progress(1, 2)

    assert screen.getvalue() == ""
