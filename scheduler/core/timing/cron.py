"""The strict front end of cron: what may be written, what it means in plain cron, and what is wrong with the rest.

    expression = macro | [second] minute hour day month weekday
    field      = term {"," term}
    term       = * | */n | a | a-b | a-b/n | H | H/n | H(a-b) | H(a-b)/n
                 in the day field also    ? | L | LW            (L the last day, LW the last weekday of the month)
                 in the weekday field too ? | nL | n#k          (the last and the k-th such day of the month)

Months and weekdays may be named (JAN, MON), in any case; 0 and 7 are Sunday. `H` stands for a number drawn from the
job's name, the same on every replica, so that a hundred jobs `H 3 * * *` spread over the hour (the idea is Jenkins').
Debian's crontab(5) is the yardstick. What its cron, or cronsim behind this door, would accept and then read differently
from its author is refused here with a way out, because a schedule that is wrong is noticed too late.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from scheduler.core.errors import LeasebeatError
from scheduler.core.phrases import joined
from scheduler.core.timing.localtimes import MONTHS, WEEKDAYS, CronFields, day_rule

FIELDS = "cron-fields"
RANGE = "cron-range"
ZONE = "cron-zone"
NEVER = "cron-never"
SYNTAX = "cron-syntax"

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class CronError(LeasebeatError, ValueError):
    """One mistake in an expression: `message` says it, `hint` the way out, `start` and `end` where the carets go.

    Both count characters of the expression as given, the first included, the last excluded.
    """

    def __init__(self, message: str, code: str, span: tuple[int, int], hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.code, self.hint = message, code, hint
        self.start, self.end = span


@dataclass(frozen=True, slots=True)
class CronExpression:
    """An expression without mistakes. `text` is its canonical form, `H` still in it; `fields` what it means."""

    text: str
    fields: CronFields


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the six: its name, its values, and how far `H` reaches (day 28: every month has it)."""

    name: str
    first: int
    last: int
    hashed_last: int
    names: tuple[str, ...] = ()
    also: str = ""

    @property
    def expected(self) -> str:
        return f"{self.name} {self.first}-{self.last}{self.also}"


_SIX = (
    _Field("second", 0, 59, 59),
    _Field("minute", 0, 59, 59),
    _Field("hour", 0, 23, 23),
    _Field("day", 1, 31, 28, also=", L or LW"),
    _Field("month", 1, 12, 12, tuple(name[:3].upper() for name in MONTHS), " or JAN-DEC"),
    _Field("weekday", 0, 7, 6, tuple(name[:3].upper() for name in WEEKDAYS), " or SUN-SAT"),
)
_DAY, _WEEKDAY = _SIX[3], _SIX[5]
_UNITS = {"second": "s", "minute": "m", "hour": "h"}
_ROUND = {"second": "on the minute", "minute": "on the hour", "hour": "at midnight"}
_NUMBER = re.compile(r"[0-9]+")
_SHAPE = "minute hour day month weekday"


def read_cron(expression: str, job: str) -> CronExpression:
    """Read an expression; `job` is the name that `H` is drawn from. Raises its first mistake as a `CronError`."""
    reader = _Reader(expression, job)
    read = reader.read()
    if read is None:
        raise reader.problems[0]
    return read


def cron_problems(expression: str, job: str) -> list[CronError]:
    """Every mistake in an expression, from left to right; empty when `read_cron` would read it."""
    reader = _Reader(expression, job)
    reader.read()
    return reader.problems


class _Reader:
    """Reads one expression as a whole and gathers its mistakes."""

    def __init__(self, expression: str, job: str) -> None:
        self.expression, self.job = expression, job
        self.problems: list[CronError] = []
        self.words = list(re.finditer(r"\S+", expression))

    def read(self) -> CronExpression | None:
        self._take_zone()
        if self.words and self.words[0][0].startswith("@"):
            return self._macro()
        if self._has_loose_comma() or not self._has_right_number():
            return None
        fields = _SIX[-len(self.words) :]
        plain = [self._field(field, word) for field, word in zip(fields, self.words, strict=True)]
        if self.problems:
            return None
        read = CronFields(*(plain if len(plain) == len(_SIX) else ["0", *plain]))
        self._check_ever(read)
        return None if self.problems else CronExpression(self._canonical(), read)

    def _refuse(self, message: str, code: str, span: tuple[int, int], hint: str | None = None) -> None:
        self.problems.append(CronError(message, code, span, hint))

    def _whole(self) -> tuple[int, int]:
        """From the first word to the last."""
        return (self.words[0].start(), self.words[-1].end()) if self.words else (0, len(self.expression))

    def _take_zone(self) -> None:
        zone = re.fullmatch(r"(?:CRON_)?TZ=(.*)", self.words[0][0], re.IGNORECASE) if self.words else None
        if zone:
            word = self.words.pop(0)
            self.expression = " " * word.end() + self.expression[word.end() :]  # suggestions do without it
            hint = f"write: timezone: {zone[1] or 'Europe/Berlin'}"
            self._refuse("expected no zone inside the expression", ZONE, word.span(), hint)

    def _macro(self) -> CronExpression | None:
        macro, *rest = (word[0] for word in self.words)
        name = macro.lower()
        if name in MACROS and not rest:
            return None if self.problems else read_cron(MACROS[name], self.job)
        if name in MACROS:
            self._refuse(f"expected nothing after {macro}, got {' '.join(rest)}", SYNTAX, self._whole())
        elif name == "@reboot":
            why = "@reboot is not a time: replicas restart whenever they like"
            self._refuse(why, SYNTAX, self._whole(), "write a time, or manual: true to start it by hand")
        elif name == "@every":
            hint = f"write: every: {''.join(rest) or '5m'}"
            self._refuse(f"expected a macro, got {macro}", SYNTAX, self._whole(), hint)
        else:
            meant = get_close_matches(name, MACROS, n=1)
            hint = f"did you mean {meant[0]}?" if meant else f"one of {', '.join(MACROS)}"
            self._refuse(f"expected a macro, got {macro}", SYNTAX, self._whole(), hint)
        return None

    def _has_loose_comma(self) -> bool:
        """Whether a space has torn a field apart: `MON, FRI` and `MON #1` would be counted as two."""
        for left, right in zip(self.words, self.words[1:], strict=False):
            nth = left[0].isalnum() and right[0].startswith("#")
            if nth or left[0].endswith(",") or right[0].startswith(","):
                span, hint = (left.start(), right.end()), f"write {left[0]}{right[0]}"
                self._refuse(f"expected no space {'before #' if nth else 'beside a comma'}", SYNTAX, span, hint)
                return True
        return False

    def _has_right_number(self) -> bool:
        if (got := len(self.words)) in {5, 6}:
            return True
        hint = self._reshaped([word[0] for word in self.words])
        self._refuse(f"expected 5 fields, or 6 with seconds first, got {got}", FIELDS, self._whole(), hint)
        return False

    def _reshaped(self, words: list[str]) -> str:
        """What too many or too few words were probably meant to be."""
        alone = words[0].lower() if len(words) == 1 else ""
        if len(words) > len(_SIX):
            return f'second {_SHAPE}, and nothing after them: "{" ".join(words[:6])}"'
        if f"@{alone}" in MACROS:
            return f'write "@{alone}"'
        if re.fullmatch("(?:[0-9]+[dhms])+", alone):
            return f"write: every: {alone}"
        return f'{_SHAPE}: "{" ".join([*(words or "03"), *"*****"][:5])}"'

    def _field(self, field: _Field, word: re.Match[str]) -> str:
        plain, start = [], word.start()
        for text in word[0].split(","):
            try:
                plain.append(_Term(field, text, start, self.expression, self.job).plain())
            except CronError as mistake:
                self.problems.append(mistake)
            start += len(text) + 1
        return ",".join(plain)

    def _check_ever(self, fields: CronFields) -> None:
        """Refuse days that never come, such as 31 February; Debian's cron would wait for them for ever."""
        rule = day_rule(fields.day, fields.month, fields.weekday)
        if rule.ever:
            return
        day, month, weekday = self.words[-3:]
        if day_rule(fields.day, fields.month, "*").ever:
            message = f"never fires, no date is day {day[0]}, month {month[0]} and weekday {weekday[0]} at once"
            hint = "when a day field starts with *, both must match: write days, or weekdays"
            self._refuse(message, NEVER, (day.start(), weekday.end()), hint)
            return
        months = joined([MONTHS[number - 1] for number in rule.months])
        missing = " or ".join(sorted(fields.day.split(",")))
        verb = "has" if len(rule.months) == 1 else "have"
        hint = f'last day of {months}: "{_spliced(self.expression, day.span(), "L")}"'
        self._refuse(f"never fires, {months} {verb} no day {missing}", NEVER, day.span(), hint)

    def _canonical(self) -> str:
        """One spelling for what is written in several; a leading second of 0 says nothing, so it goes."""
        words = [word[0].upper().replace("?", "*") for word in self.words]
        return " ".join(words[1:] if len(words) == len(_SIX) and words[0] == "0" else words)


@dataclass(frozen=True, slots=True)
class _Term:
    """One term of one field, and where it stands in the expression."""

    field: _Field
    text: str
    start: int
    expression: str
    job: str

    def plain(self) -> str:
        """The term in cronsim's language; raises `CronError` for what it could not mean."""
        base, slash, rest = self.text.upper().partition("/")
        step = rest if slash else None
        if base == "*" or (base == "?" and self.field in (_DAY, _WEEKDAY)):
            return _stepped("*", self._step(step, self.field.first, self.field.last))
        if base.startswith("H"):
            return self._hashed(base, step)
        if special := self._special(base):
            return special if step is None else self._refuse(f"expected no step after {base}, got {self.text}")
        if "-" in base.strip("-"):
            return self._range(base, step)
        value = self._value(base)
        if step is not None:
            # Debian's cron rejects the line, older ones ignore the step, others run on to the field's end.
            hint = f"write {value}-{self.field.last}/{rest}"
            self._refuse(f"expected a range before the step, got {self.text}", hint=hint)
        return str(value)

    def _refuse(self, message: str, code: str = SYNTAX, hint: str | None = None, part: str = "") -> NoReturn:
        """Refuse the term; the carets go under `part` of it where that is given."""
        start = self.start + self.text.upper().find(part)
        if not self.text and start and self.expression[start - 1] == ",":
            start -= 1  # nothing to underline, so the comma before it
        raise CronError(message, code, (start, start + len(part or self.text or ",")), hint)

    def _written(self, part: str) -> str:
        """Find a part of the term in the author's own spelling."""
        at = self.text.upper().find(part)
        return self.text[at : at + len(part)]

    def _special(self, base: str) -> str | None:
        if self.field is _DAY and base in {"L", "LW"}:
            return base
        if self.field is _DAY and base.startswith(("L-", "LW-")):
            self._refuse(f"expected {_DAY.expected}, got {self.text}", hint="days before the last are not known here")
        if self.field is not _WEEKDAY:
            return None
        if "#" in base:
            return self._nth(base)
        if (last := re.fullmatch(r"(.+)L", base)) and (last[1].isdecimal() or last[1] in _WEEKDAY.names):
            weekday = self._value(last[1])
            # cronsim knows it of numbers only, and a definition should have one spelling
            got = f"expected nL, got {self.text}"
            return base if last[1].isdecimal() else self._refuse(got, hint=f"write {weekday}L")
        return None

    def _nth(self, base: str) -> str:
        weekday, _, nth = base.partition("#")
        if nth not in {"1", "2", "3", "4", "5"}:
            hint = "the last of a month is nL, such as 5L"
            self._refuse(f"expected the 1st to 5th of a month as #1 to #5, got #{nth}", RANGE, hint, f"#{nth}")
        return f"{self._value(weekday)}#{nth}"

    def _range(self, base: str, step: str | None) -> str:
        first_text, _, last_text = base.partition("-")
        first, last = self._value(first_text), self._value(last_text)
        if first > last:
            message = f"{self.field.name} range {self.text} runs backwards; Debian cron would never fire"
            self._refuse(message, RANGE, f"write {self._wrapped(first, last, step, named=first_text.isalpha())}")
        # cronsim takes 5-5/1 for "from 5 on", so a range of one value goes to it as that value
        stride = self._step(step, first, last)
        return str(first) if first == last else _stepped(f"{first}-{last}", stride)

    def _hashed(self, base: str, step: str | None) -> str:
        shape = re.fullmatch(r"H(?:\((\w+)-(\w+)\))?", base)
        if not shape:
            self._refuse(f"expected H, H(a-b), H/n or H(a-b)/n, got {self.text}")
        first, last = self.field.first, self.field.hashed_last
        if shape[1]:
            first, last = self._value(shape[1]), self._value(shape[2])
        if first > last:
            message = f"{self.field.name} range {shape[1]}-{shape[2]} runs backwards"
            self._refuse(message, RANGE, f"write H({shape[2]}-{shape[1]})")
        number = int.from_bytes(hashlib.sha256(f"{self.job}\n{self.field.name}".encode()).digest()[:8], "big")
        if step is None:
            return str(first + number % (last - first + 1))
        stride = self._step(step, first, last)
        return str(first) if first == last else _stepped(f"{first + number % stride}-{last}", stride)

    def _value(self, text: str) -> int:
        """Read a number or a name."""
        if text in self.field.names:
            return self.field.first + self.field.names.index(text)
        message = f"expected {self.field.expected}, got {self._written(text) or 'nothing'}"
        if not _NUMBER.fullmatch(text):
            self._refuse(message, hint=self._name_hint(text), part=text)
        value = _integer(text)
        if not self.field.first <= value <= self.field.last:
            self._refuse(message, RANGE, self._round_hint(text, value), text)
        return value

    def _step(self, text: str | None, first: int, last: int) -> int:
        """Read the n of /n; one that leaves only the first value, such as */60, is a mistake."""
        if text is None:
            return 1
        widest = max(last - first, 1)
        message = f"expected {self.field.name} step 1-{widest}, got {self._written(text) or 'nothing'}"
        if not _NUMBER.fullmatch(text):
            self._refuse(message, part=text)
        step = _integer(text)
        if not 1 <= step <= widest:
            self._refuse(message, RANGE, self._step_hint(step, first), part=text)
        return step

    def _name_hint(self, text: str) -> str | None:
        if text == "?":
            return "? stands for * in the two day fields only"
        if not text:
            return "a number is missing"
        if self.field is _DAY and "W" in text:
            return "LW is the last weekday of the month; other nearest weekdays are not known here"
        if self.field is _WEEKDAY and text == "L":
            return "the last Friday of a month is 5L"
        meant = get_close_matches(text[:3], self.field.names, n=1) if text.isalpha() else []
        return f"did you mean {meant[0]}?" if meant else None

    def _round_hint(self, text: str, value: int) -> str | None:
        """People who write minute 60 or hour 24 mean 0."""
        if self.field.name in _ROUND and value == self.field.last + 1 and text == self.text:
            return f'{_ROUND[self.field.name]} is "{self._with("0")}"'
        return "0 and 7 are Sunday" if self.field is _WEEKDAY else None

    def _step_hint(self, step: int, first: int) -> str | None:
        if step == 0:
            return None
        unit = _UNITS.get(self.field.name)
        if not unit or not self.text.startswith("*"):
            return f"only {first} would ever match: write {first}"
        if step == self.field.last + 1:
            return f'{_ROUND[self.field.name]} is "{self._with("0")}"'
        return f"write: every: {step}{unit}"

    def _with(self, replacement: str) -> str:
        return _spliced(self.expression, (self.start, self.start + len(self.text)), replacement)

    def _wrapped(self, first: int, last: int, step: str | None, *, named: bool) -> str:
        """Write the range that runs over the end of the field, such as 22-2, in a way that cron reads."""
        low, high = self.field.first, self.field.hashed_last if self.field is _WEEKDAY else self.field.last

        def label(value: int) -> str:
            return self.field.names[value - low] if named else str(value)

        if first > high:  # 7-2, Sunday to Tuesday
            return f"{label(low)}-{label(last)}"
        values = [*range(first, high + 1), *range(low, last + 1)]
        if step is not None:
            return ",".join(label(value) for value in values[:: max(_integer(step), 1)])
        runs = [(first, high), (low, last)]
        return ",".join(label(one) if one == other else f"{label(one)}-{label(other)}" for one, other in runs)


def _stepped(base: str, step: int) -> str:
    return base if step == 1 else f"{base}/{step}"


def _integer(digits: str) -> int:
    """Read digits; more of them than any field has are cut, since Python refuses to read thousands."""
    return int(digits.lstrip("0")[:9] or "0")


def _spliced(expression: str, span: tuple[int, int], replacement: str) -> str:
    return " ".join((expression[: span[0]] + replacement + expression[span[1] :]).split())
