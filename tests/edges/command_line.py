"""One command line of leasebeat, typed in this process, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from scheduler.cli.main import main


@dataclass(frozen=True)
class Answer:
    """The exit code, and what was printed to stdout and to stderr."""

    code: int
    out: str
    err: str


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    """Run the command line to its end."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    captured = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return Answer(ended.value.code, captured.out, captured.err)
