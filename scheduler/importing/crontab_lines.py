r"""The lines of a crontab, as crontab(5) of Debian has them, with what cronie adds where that means something to us.

    NAME = value                                    holds for the entries below it
    minute hour day month weekday [user] command    the user only in /etc/crontab and /etc/cron.d
    @daily [user] command

A `%` in a command is a newline, and what follows the first is the command's standard input; `\\%` is a percent sign.
"""

from __future__ import annotations

import pwd
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from scheduler.core.errors import Problem
from scheduler.importing.found import one_line

_ENVIRONMENT = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([^\s=#*"'][^\s=]*))\s*=\s*(.*?)\s*$""")
_SCHEDULE = re.compile(r"\s*(@\S+|\S+(?:[ \t]+\S+){4})([ \t]+|$)")
_USER = re.compile(r"(\S+)(?:[ \t]+|$)")
_PERCENT = re.compile(r"\\[\\%]|%")
_KEPT_COMMENTS = 5  # lines right above an entry; longer ones are the crontab's own introduction


@dataclass(frozen=True, slots=True)
class CrontabEntry:
    """One line that runs something.

    `schedule` is as written; `user` is None where a crontab names none, and empty where this line forgot it; `stdin` is
    None where the command gets none.
    """

    file: str
    number: int
    line: str
    schedule: str
    user: str | None
    command: str
    stdin: str | None
    variables: Mapping[str, str]
    comments: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands, as compilers write it."""
        return f"{self.file}:{self.number}"

    def problem(self, message: str, code: str, span: tuple[int, int], hint: str | None = None) -> Problem:
        """A mistake in these columns of the line, counted from 0."""
        start = span[0] + 1
        end = max(span[1] + 1, start + 1)
        return Problem(self.file, self.number, start, "", message, code, hint, self.line, (start, end))


def entries(file: str, text: str, *, with_user: bool) -> Iterator[CrontabEntry]:
    """The entries of one crontab, in its order; one that has no command has an empty one."""
    variables: dict[str, str] = {}
    comments: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        words = line.strip()
        if words.startswith("#"):
            comments.append(one_line(words[1:].strip()))
            continue
        if found := _ENVIRONMENT.fullmatch(line):
            name = found[1] or found[2] or found[3]
            variables[name] = _unquoted(found[4])
        elif words:
            entry = _entry(file, number, line, with_user=with_user)
            kept = tuple(comments) if len(comments) <= _KEPT_COMMENTS else ()
            yield replace(entry, variables=dict(variables), comments=tuple(filter(None, kept)))
        comments = []


def has_users(file: str, text: str) -> bool:
    """Whether a crontab is of the system's kind, with a user in each entry: by its place, else by the users in it.

    Outside of /etc it is taken for one if every entry names a user after the schedule, and one of them is root.
    """
    if re.search(r"(^|/)(etc/crontab|cron\.d/[^/]+)$", file):
        return True
    found = [entry.user for entry in entries(file, text, with_user=True) if entry.schedule]
    return "root" in found and all(user is not None and _is_user(user) for user in found)


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return name in ("root", "www-data", "nobody", "daemon", "postgres", "mysql", "nginx", "apache")
    return True


def _entry(file: str, number: int, line: str, *, with_user: bool) -> CrontabEntry:
    nothing = CrontabEntry(file, number, line, "", None, "", None, {})
    schedule = _SCHEDULE.match(line)
    if not schedule:
        return nothing
    rest, user = line[schedule.end() :], "" if with_user else None
    if with_user and (named := _USER.match(rest)):
        user, rest = named[1], rest[named.end() :]
    command, stdin = _at_percent(rest.rstrip("\r"))
    return replace(nothing, schedule=schedule[1], user=user, command=command.strip(), stdin=stdin)


def _at_percent(text: str) -> tuple[str, str | None]:
    """The command, and its standard input if there is a `%` in it."""
    first = next((found for found in _PERCENT.finditer(text) if found[0] == "%"), None)
    command, stdin = (text[: first.start()], text[first.end() :]) if first else (text, "")
    stdin = _PERCENT.sub(lambda found: {"%": "\n", "\\%": "%"}.get(found[0], found[0]), stdin)
    return re.sub(r"\\([\\%])", r"\1", command), stdin.removesuffix("\n") or None


def _unquoted(value: str) -> str:
    """The value without its quotes; Debian's cron drops the blanks at the end even within them."""
    quoted = value[:1] in ("'", '"') and value[-1:] == value[:1] and len(value) > 1
    return value[1:-1].rstrip() if quoted else value
