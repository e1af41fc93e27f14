"""What people ask of the leader through notes on the Lease, and the pauses that came of it (rules 36 and 37).

A command is one note, so that writing it disturbs nothing else, and says what to do as compact JSON:

    cmd-m-7f3a1b2c   {"do":"pause","job":"meter","at":"2026-11-22T19:43:17.204Z",
                      "until":"2027-01-14T23:00:00.000Z","reason":"vendor outage","by":"jane"}

What became of pauses is one more note, `paused`, for all jobs together:

    paused           {"meter":{"until":"2027-01-14T23:00:00.000Z","reason":"vendor outage",
                               "since":"2026-11-22T19:43:17.310Z","by":"jane"}}

Jobs that share a pause share an entry: their names with blanks between, and the pause in a list of one. A whole table
of jobs can be paused then without outgrowing the Lease.

Anybody who may edit the Lease may write such notes, by hand too. So nothing in here raises, whatever a note says: a
command that cannot be understood comes with the reason, to be told and thrown away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from scheduler.core.job import LIKE_A_JOB

COMMAND = "cmd-"
PAUSED = "paused"
LONGEST_QUOTE = 40
LONGEST_COMMAND = 2048  # characters; our own take a tenth of it
LONGEST_PAUSED_BYTES = 40 * 1024  # of all pauses together: an object's annotations end at 256 KiB, the ledger's at 192
_ID = re.compile(r"m-[0-9a-f]{8}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can write one, and nothing that holds a Lease can


class Do(StrEnum):
    """What a command asks for."""

    RUN = "run"
    PAUSE = "pause"
    RESUME = "resume"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing asked of the leader.

    `job` is None where all jobs are meant, as RESET always does and RUN never. `at` is when it was asked, to the
    millisecond, and `until` the end of a pause, None for no end. `reason` and `by`, who asked, are for people: whoever
    may write the note may write any name.
    """

    id: str
    do: Do
    job: str | None
    at: datetime
    until: datetime | None = None
    reason: str | None = None
    by: str | None = None

    @property
    def at_text(self) -> str:
        """When it was asked, as the command's note says it and the run id of a manual run after `manual-`."""
        return millisecond_text(self.at)


@dataclass(frozen=True, slots=True)
class Pause:
    """A job whose ticks are dropped from `since` on, up to `until` or, where that is None, until it is resumed."""

    since: datetime
    until: datetime | None = None
    reason: str | None = None
    by: str | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it has ended by itself."""
        return self.until is not None and self.until <= now


class _Refused(ValueError):
    """The text is not what it must be, and `str()` says why in words for whoever wrote it."""


def commands_in(notes: Mapping[str, str]) -> tuple[list[Command], list[tuple[str, str]]]:
    """The commands among these notes, the oldest first; and what claims to be one and is none: id and reason.

    Commands asked in the same millisecond are ordered by their ids, so that every leader takes them in one order.
    """
    commands: list[Command] = []
    refused: list[tuple[str, str]] = []
    for key, text in sorted(notes.items()):
        if not key.startswith(COMMAND):
            continue
        name = key.removeprefix(COMMAND)
        try:
            commands.append(_command(name, text))
        except _Refused as why:
            refused.append((name, str(why)))
    return sorted(commands, key=lambda command: (command.at, command.id)), refused


def note_of(command: Command) -> tuple[str, str]:
    """The note that asks for this, key and text."""
    content = {
        "do": command.do.value,
        "job": command.job,
        "at": command.at_text,
        "until": _optional_text(command.until),
        "reason": command.reason,
        **_by(command),
    }
    return f"{COMMAND}{command.id}", _json(content)


def is_command_id(text: str) -> bool:
    """Whether this is the id of a command, as opposed to whatever stands in its place."""
    return _ID.fullmatch(text) is not None


def without(notes: Mapping[str, str], ids: Iterable[str]) -> dict[str, str]:
    """These notes less the commands of these ids, also of such as were refused."""
    gone = {f"{COMMAND}{id_}" for id_ in ids}
    return {key: text for key, text in notes.items() if key not in gone}


def pauses_in(notes: Mapping[str, str]) -> dict[str, Pause]:
    """The pauses by job, those included whose `until` has passed.

    A pause that cannot be read is none, and the others stay. Taken the other way, a slip of the hand would stop a job
    for no known reason and with no known end; a run that somebody did not want is seen in the log at once.
    """
    try:
        content = _object(notes.get(PAUSED, "{}"))
    except _Refused:
        return {}
    pauses: dict[str, Pause] = {}
    for jobs, said in content.items():
        shared = said[0] if isinstance(said, list) and len(said) == 1 else said
        try:
            pauses |= dict.fromkeys(filter(LIKE_A_JOB.fullmatch, jobs.split()), _pause(shared))
        except _Refused:
            continue
    return pauses


def with_pauses(notes: Mapping[str, str], pauses: Mapping[str, Pause]) -> dict[str, str]:
    """These notes with exactly these pauses; without any, the note is left out."""
    others = {key: text for key, text in notes.items() if key != PAUSED}
    return others | {PAUSED: pauses_text(pauses)} if pauses else others


def pauses_text(pauses: Mapping[str, Pause]) -> str:
    """The note that has exactly these pauses."""
    sharing: dict[Pause, list[str]] = {}
    for job, pause in pauses.items():
        sharing.setdefault(pause, []).append(job)
    content: dict[str, object] = {}
    for pause, jobs in sharing.items():
        said = _pause_object(pause)
        content[" ".join(jobs)] = said if len(jobs) == 1 else [said]
    return _json(content)


def _pause_object(pause: Pause) -> dict[str, object]:
    since = millisecond_text(pause.since)
    return {"until": _optional_text(pause.until), "reason": pause.reason, "since": since, **_by(pause)}


def _by(said: Command | Pause) -> dict[str, str]:
    return {"by": said.by} if said.by else {}


def restored(read: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """The notes of a Lease that went back: the commands found there, and who is paused as it was known last."""
    return {key: text for key, text in read.items() if key != PAUSED} | dict(known)


def millisecond_text(instant: datetime) -> str:
    """An instant as notes write it: `2026-11-22T19:43:17.204Z`, cut to the millisecond."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _command(id_: str, text: str) -> Command:
    if not _ID.fullmatch(id_):
        raise _Refused(f"expected the id to be m- and 8 hex digits, got {_quoted(id_)}")
    if len(text) > LONGEST_COMMAND:
        raise _Refused(f"expected at most {LONGEST_COMMAND} characters, got {len(text)}")
    content = _object(text)
    do = _do(content)
    return Command(
        id=id_,
        do=do,
        job=_job(do, content),
        at=_instant(content, "at"),
        until=_optional_instant(content, "until"),
        reason=_words(content, "reason"),
        by=_words(content, "by"),
    )


def _do(content: Mapping[str, object]) -> Do:
    said = content.get("do")
    for do in Do:
        if said == do.value:
            return do
    raise _Refused(f"expected do to be run, pause, resume or reset, got {_quoted(said)}")


def _job(do: Do, content: Mapping[str, object]) -> str | None:
    """The job that the command is about. To mean all jobs, it must say null: a misspelt key must not stop them all."""
    said = content.get("job")
    if do is Do.RESET:
        if said is not None:
            raise _Refused(f"expected no job, because reset is about all of them, got {_quoted(said)}")
        return None
    if do is Do.RUN and said is None:
        raise _Refused("expected job to name the job to run, got none")
    if "job" not in content:
        raise _Refused(f"expected job to name the job to {do.value}, or null for all jobs, got none")
    if said is None or (isinstance(said, str) and LIKE_A_JOB.fullmatch(said)):
        return said
    raise _Refused(f"expected job to be a job's name, got {_quoted(said)}")


def _pause(said: object) -> Pause:
    if not isinstance(said, dict):
        raise _Refused("expected a JSON object")
    since, until = _instant(said, "since"), _optional_instant(said, "until")
    return Pause(since, until, _words(said, "reason"), _words(said, "by"))


def _words(content: Mapping[str, object], key: str) -> str | None:
    said = content.get(key)
    if said is None or (isinstance(said, str) and not _LONE_SURROGATE.search(said)):
        return said
    raise _Refused(f"expected {key} to be text, got {_quoted(said)}")


def _optional_instant(content: Mapping[str, object], key: str) -> datetime | None:
    return None if content.get(key) is None else _instant(content, key)


def _instant(content: Mapping[str, object], key: str) -> datetime:
    """The instant in UTC, cut to the millisecond, as it is written."""
    said = content.get(key)
    try:
        instant = datetime.fromisoformat(said if isinstance(said, str) else "")
        if instant.tzinfo is None:
            raise _Refused(f"expected {key} to be a time with its zone, such as a Z at its end, got {_quoted(said)}")
        instant = instant.astimezone(UTC)
    except _Refused:
        raise
    except (ValueError, OverflowError):
        raise _Refused(f"expected {key} to be a time like 2026-11-22T19:43:17.204Z, got {_quoted(said)}") from None
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _object(text: str) -> dict[str, object]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise _Refused(f"expected JSON, got {_quoted(text)}") from None
    if not isinstance(content, dict):
        raise _Refused(f"expected a JSON object, got {_quoted(content)}")
    return content


def _quoted(said: object) -> str:
    """What a note said, short enough for a log line."""
    if said is None:
        return "none"
    text = said if isinstance(said, str) else type(said).__name__
    text = text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
    return repr(text) if isinstance(said, str) else text


def _optional_text(instant: datetime | None) -> str | None:
    return None if instant is None else millisecond_text(instant)


def _json(content: object) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)
