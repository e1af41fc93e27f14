"""A job that floods: what a gigabyte of output does to the memory of the leader and its supervisor, and to other jobs.

    python bench/output_flood.py [MEGABYTES]

One replica on SQLite with its log in a file. One job writes once, as fast as it can; beside it an every-second job says
how late it starts. The resident memory of both processes is looked at ten times a second.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CONFIG = """
logging: {{format: json}}
health: {{port: 0}}
jobs:
  beat: {{every: 1s, shell: "true"}}
  flood: {{at: "{at}", shell: {command}}}
"""
FLOODS = {
    "short lines": "yes | head -c {bytes}",
    "no line end": "head -c {bytes} /dev/zero | tr '\\0' x",
    "random bytes": "head -c {bytes} /dev/urandom",
    "one big line after another": "head -c {bytes} /dev/zero | tr '\\0' x | fold -w 16000",
}
SETTLES_S = 5.0


def main() -> None:
    """Print the table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    print(f"{megabytes} MB each; load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    row = "{:<28} {:>7} {:>10} {:>10} {:>10} {:>12} {:>12}".format
    print(row("flood", "took", "leader +", "superv. +", "log lines", "late before", "late during"))
    for name, command in FLOODS.items():
        with tempfile.TemporaryDirectory() as folder:
            print(row(name, *flooded(Path(folder), command.format(bytes=megabytes << 20))), flush=True)


def flooded(folder: Path, command: str) -> tuple[str, ...]:
    """One flood; the columns of its row."""
    config, log = folder / "config.yaml", folder / "log"
    at = datetime.now(UTC) + timedelta(seconds=SETTLES_S + 2)
    config.write_text(CONFIG.format(at=f"{at:%Y-%m-%dT%H:%M:%SZ}", command=json.dumps(command)))
    with log.open("w") as out:
        leader = subprocess.Popen([sys.executable, "-m", "scheduler", "run", "-c", str(config)], stdout=out)  # noqa: S603
        try:
            time.sleep(SETTLES_S)
            both = (leader.pid, supervisor_of(leader.pid))
            before = [resident_kb(pid) for pid in both]
            peak = before
            while leader.poll() is None and not ends(log):
                peak = [max(most, resident_kb(pid)) for most, pid in zip(peak, both, strict=True)]
                time.sleep(0.1)
        finally:
            leader.terminate()
            leader.wait()
    grown = [f"{(most - first) / 1024:.1f} MB" for most, first in zip(peak, before, strict=True)]
    (end,) = ends(log)
    began, ended = end["at"] - end["took_ms"] / 1000, end["at"]
    beats = [line for line in lines(log) if line["event"] == "run.succeeded" and line["job"] == "beat"]
    quiet = [line["late_ms"] for line in beats if line["at"] < began]
    during = [line["late_ms"] for line in beats if began <= line["at"] <= ended + 1]
    told = sum(line["event"] == "run.output" for line in lines(log))
    return f"{end['took_ms'] / 1000:.1f} s", *grown, str(told), late(quiet), late(during)


def late(found: list[int]) -> str:
    """The median and the most."""
    return f"{statistics.median(found):.0f}/{max(found)} ms" if found else "-"


def ends(log: Path) -> list[dict[str, Any]]:
    """The flood's final line, once it is there."""
    return [line for line in lines(log) if line.get("job") == "flood" and line["event"] == "run.succeeded"]


def lines(log: Path) -> Iterator[dict[str, Any]]:
    """The log's lines about runs, with `at` in Unix seconds."""
    for text in log.read_text().splitlines():
        if '"run.' in text and text.endswith("}"):
            line = json.loads(text)
            at = time.strptime(line["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")
            line["at"] = time.mktime(at) - time.timezone + float(line["timestamp"][19:-1])
            yield line


def supervisor_of(leader: int) -> int:
    """The leader's only child."""
    found = subprocess.run(["pgrep", "-P", str(leader)], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return int(found.stdout.split()[0])


def resident_kb(pid: int) -> int:
    """Resident memory of one process."""
    (found,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found)


if __name__ == "__main__":
    main()
