"""How fast `leasebeat audit` reads, and in how much memory: ten million lines of text, or as many as are asked for.

    python bench/audit.py [--lines 10000000] [--json]

Twenty jobs tick every second; each tick has a line of output and its final line. The log goes in through a pipe and is
never on disk, and all its ticks must be found in order.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

JOBS = 20
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
COMMAND = [sys.executable, "-m", "scheduler"]


def main() -> None:
    """Write, audit, print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        rows = "".join(f"  job-{number:02}: {{every: 1s, shell: 'true'}}\n" for number in range(JOBS))
        config.write_text(f"jobs:\n{rows}")
        before = time.monotonic()
        with subprocess.Popen(  # noqa: S603 - our own program
            [*COMMAND, "-c", str(config), "audit", "-q", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as audit:
            assert audit.stdin
            assert audit.stdout
            for block in blocks(asked.lines, as_json=asked.json):
                audit.stdin.write(block)
            audit.stdin.close()
            found = audit.stdout.read().decode()
        took_s = time.monotonic() - before
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if audit.returncode or '"in_order": true' not in found:
        sys.exit(f"the audit objects:\n{found[:2000]}")
    kind = "JSON" if asked.json else "text"
    print(
        f"{asked.lines:,} lines of {kind}: {took_s:.0f} s, {used.ru_utime:.0f} s of CPU,"
        f" {asked.lines / took_s:,.0f} lines/s, {used.ru_maxrss / 1024:.0f} MiB"
    )


def blocks(lines: int, *, as_json: bool) -> Iterator[bytes]:
    """The log, second by second."""
    first = f"{stamp(BEGIN)} info  lead.acquired    term=1 fence=1 cause=new\n"
    yield first.encode()
    line = json_lines if as_json else text_lines
    for second in range(1, lines // (2 * JOBS) + 1):
        tick = BEGIN + timedelta(seconds=second)
        began, ended = stamp(tick + timedelta(milliseconds=4)), stamp(tick + timedelta(milliseconds=60))
        text = tick.strftime("%Y-%m-%dT%H:%M:%SZ")
        yield "".join(line(f"job-{number:02}", text, began, ended) for number in range(JOBS)).encode()


def stamp(at: datetime) -> str:
    """As log lines have it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text_lines(job: str, tick: str, began: str, ended: str) -> str:
    """What one tick leaves in a text log."""
    run = f"{job}@{tick}"
    return (
        f"{began} info  run.output       {run} hello from {run}\n"
        f"{ended} info  run.succeeded    {run} term=1 late=1ms took=5ms\n"
    )


def json_lines(job: str, tick: str, began: str, ended: str) -> str:
    """What one tick leaves in a JSON log."""
    facts = f'"replica":"a","job":"{job}","run":"{job}@{tick}","tick":"{tick}","attempt":1,"cause":"schedule","term":1'
    return (
        f'{{"timestamp":"{began}","level":"info","event":"run.output",{facts},"late_ms":1,"took_ms":null,'
        f'"reason":null,"stream":"stdout","text":"hello"}}\n'
        f'{{"timestamp":"{ended}","level":"info","event":"run.succeeded",{facts},"late_ms":1,"took_ms":5,'
        f'"reason":null}}\n'
    )


if __name__ == "__main__":
    main()
