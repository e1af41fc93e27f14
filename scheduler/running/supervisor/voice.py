"""What a run writes, on its way to the log: which of its lines are told, and when.

With `output: log` each line is told as it comes, as far as the run's allowance goes. A run that writes faster is muted
for a second: of what it writes meanwhile the last lines are kept, the others are counted and thrown away before anybody
has decoded them, and then the count is told in their place. So no job can flood the log, the leader or this process,
and none is held up. With `tail` a run is mute until it fails; with `none` nothing of it is told, not even as `error`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from scheduler.running.supervisor.lines import LineCutter
from scheduler.running.supervisor.wire import Output

TAIL_LINES = 20
AT_ONCE = 10_000
"""The most lines that a run has told in one go."""
A_SECOND = 1_000
"""How many more it may have told with each second."""
LINE_CHARACTERS = 256
"""A longer line counts as several."""

_LOG, _TAIL, _NONE = "log", "tail", "none"  # `core.job.Output`, without the core


class Voice:
    """The lines of one attempt, `key`, told by the policy `output`, from boot second `now` on."""

    def __init__(self, key: str, output: str, now: float) -> None:
        self._key = key
        self._output = output
        self._cutters = {"stdout": LineCutter(), "stderr": LineCutter()}
        self._allowance = _Allowance(now)
        self._is_mute = output == _TAIL
        self._kept: deque[Output] = deque()
        self._left_out = 0
        self._last_words = dict.fromkeys(self._cutters, "")

    @property
    def last_words(self) -> str:
        """Its last line on stderr that is not blank, or else on stdout; empty when there is none."""
        return self._last_words["stderr"] or self._last_words["stdout"]

    def hear(self, stream: str, data: bytes, now: float) -> list[Output]:
        """It wrote `data`; what is to be told now."""
        if self._output == _NONE:
            return []
        if self._is_mute:
            data = self._last_lines_of(stream, data)
        return self._hear_lines(Output(self._key, stream, self._cutters[stream].feed(data)), now)

    def hear_record(self, record: Output, now: float) -> list[Output]:
        """It logged `record`; what is to be told now."""
        return [] if self._output == _NONE else self._tell(record, now)

    @property
    def holds_back(self) -> bool:
        """Whether it has lines to tell as soon as it may."""
        return self._output == _LOG and self._is_mute

    def hear_nothing(self, now: float) -> list[Output]:
        """It may have fallen silent; what it held back and may tell by now."""
        return self._speak_again() if self.holds_back and self._allowance.is_regained(now) else []

    def hear_end(self, now: float) -> list[Output]:
        """It will write no more; what is to be told however it ended."""
        rests = [Output(self._key, stream, cutter.rest()) for stream, cutter in self._cutters.items()]
        told = [output for rest in rests for output in self._hear_lines(rest, now)]
        return told if self._output == _TAIL else [*told, *self._speak_again()]

    @property
    def tail(self) -> list[Output]:
        """What is to be told besides if it failed."""
        return list(self._kept)

    def _hear_lines(self, output: Output, now: float) -> list[Output]:
        words = (line.strip() for line in reversed(output.lines))
        self._last_words[output.stream] = next((line for line in words if line), self._last_words[output.stream])
        return self._tell(output, now) if output.lines else []

    def _tell(self, output: Output, now: float) -> list[Output]:
        if self._output == _TAIL or (self._is_mute and not self._allowance.is_regained(now)):
            self._keep(output)
            return []
        gap = self._speak_again()
        count = self._allowance.take(output.lines, now)
        told, rest = replace(output, lines=output.lines[:count]), replace(output, lines=output.lines[count:])
        if rest.lines:
            self._is_mute = True
            self._keep(rest)
        return [*gap, told] if told.lines else gap

    def _keep(self, output: Output) -> None:
        lines = output.lines[-TAIL_LINES:]
        self._left_out += len(output.lines) - len(lines)
        self._kept.extend(replace(output, lines=[line]) for line in lines)
        while len(self._kept) > TAIL_LINES:
            self._kept.popleft()
            self._left_out += 1

    def _speak_again(self) -> list[Output]:
        """What was left out, as a number, and the last of it, as it was."""
        note = f"… {self._left_out} lines left out, more than {A_SECOND} a second"
        told = [Output(self._key, "stderr", [note]), *self._kept] if self._left_out else list(self._kept)
        self._is_mute, self._left_out = False, 0
        self._kept.clear()
        return told

    def _last_lines_of(self, stream: str, data: bytes) -> bytes:
        """The end of `data`; the lines before it are counted and forgotten."""
        before, *last = data.rsplit(b"\n", TAIL_LINES + 1)
        if len(last) <= TAIL_LINES:
            return data
        self._left_out += len(self._kept) + before.count(b"\n") + 1
        self._kept.clear()
        self._cutters[stream] = LineCutter()
        return b"\n".join(last)


class _Allowance:
    """How many lines a run may have told; it is full at boot second `now`."""

    def __init__(self, now: float) -> None:
        self._left = float(AT_ONCE)
        self._at = now

    def is_regained(self, now: float) -> bool:
        """Whether it is worth while to go on telling."""
        self._regain(now)
        return self._left >= A_SECOND

    def take(self, lines: list[str], now: float) -> int:
        """How many of these lines may be told."""
        self._regain(now)
        for count, line in enumerate(lines):
            cost = 1 + len(line) // LINE_CHARACTERS
            if self._left < cost:
                return count
            self._left -= cost
        return len(lines)

    def _regain(self, now: float) -> None:
        self._left = min(AT_ONCE, self._left + A_SECOND * max(0.0, now - self._at))
        self._at = now
