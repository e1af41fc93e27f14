"""What it costs to be looked at: how long an answer takes with 1,000 jobs, and how much later runs start meanwhile.

One replica leads on SQLite with a thousand jobs, of which some tick every second. It is scraped for a few seconds, left
alone for as long, and so on, so that whatever else the machine does meets both alike. Each run tells its own lateness.

    python bench/scrapes.py [--rounds 7] [--seconds 2] [--jobs 1000] [--busy 10] [--rate 20] [--paths /metrics]

Read the ratio of the two p99s, for machines differ.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path

WARM_UP_S = 4
JOB = """
import os, time

FILE = os.open("late.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(run):
    now = time.time()
    os.write(FILE, f"{now} {now - run.tick.timestamp()}\\n".encode())
"""
Spans = list[tuple[float, float]]


def table(jobs: int, busy: int) -> str:
    """A config.yaml as text: some jobs tick every second, the others once a day, each at its own minute."""
    often = [f'  busy-{number}: {{every: 1s, output: none, python: "late:note"}}' for number in range(busy)]
    seldom = [
        f'  quiet-{number}: {{cron: "{number % 60} {number // 60 % 24} * * *", shell: "true"}}'
        for number in range(jobs - busy)
    ]
    return "\n".join(["logging: {level: warning}", "jobs:", *often, *seldom, ""])


def lead(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a replica and wait until it serves; returns its process and its port."""
    command = [sys.executable, "-m", "scheduler", "run", "-c", "config.yaml", "--id", "a", "--log-format", "json", "-v"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603  # this very program
    for line in process.stdout or ():
        told = json.loads(line) if line.startswith(b"{") else {}
        if told.get("event") == "app.started":
            threading.Thread(target=(process.stdout or sys.stdin.buffer).read, daemon=True).start()
            return process, int(told["health"].rpartition(":")[2])
    raise SystemExit("the replica ended before it had started")


class Scraper:
    """Asks for pages at a rate while `on` is set, and notes how long each answer takes."""

    def __init__(self, port: int, paths: list[str], rate: float) -> None:
        self.on = threading.Event()
        self.took_s: list[float] = []
        self.bytes = 0
        self._port = port
        self._paths = cycle(paths)
        self._period_s = 1 / rate
        threading.Thread(target=self._scrape, daemon=True).start()

    def _scrape(self) -> None:
        at = time.monotonic()
        while True:
            at = max(at + self._period_s, time.monotonic() - self._period_s)
            time.sleep(max(0.0, at - time.monotonic()))
            if self.on.wait():
                began = time.monotonic()
                self.bytes = max(self.bytes, self._ask(next(self._paths)))
                self.took_s.append(time.monotonic() - began)

    def _ask(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise SystemExit(f"{path}: {answer.status} {body[:200]!r}")
        return len(body)


def alternate(scraper: Scraper, rounds: int, seconds: float) -> tuple[Spans, Spans]:
    """The wall times of the spans with scrapes, and of those without."""
    scraped, alone = [], []
    for _ in range(rounds):
        for spans, on in ((alone, False), (scraped, True)):
            (scraper.on.set if on else scraper.on.clear)()
            begin = time.time()
            time.sleep(seconds)
            spans.append((begin, time.time()))
    scraper.on.clear()
    return scraped, alone


def lateness(file: Path, spans: Spans) -> list[float]:
    """How late the runs were that started within these spans, in milliseconds, in ascending order."""
    rows = [tuple(map(float, line.split())) for line in file.read_text().splitlines()]
    return sorted(1000 * late for at, late in rows if any(begin <= at < end for begin, end in spans))


def _share(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--busy", type=int, default=10)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--paths", nargs="+", default=["/metrics"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(table(arguments.jobs, arguments.busy))
        (folder / "late.py").write_text(JOB)
        process, port = lead(folder)
        try:
            scraper = Scraper(port, arguments.paths, arguments.rate)
            time.sleep(WARM_UP_S)
            scraped, alone = alternate(scraper, arguments.rounds, arguments.seconds)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
        report(scraper, lateness(folder / "late.txt", alone), lateness(folder / "late.txt", scraped))


def report(scraper: Scraper, alone: list[float], scraped: list[float]) -> None:
    """Print what was found."""
    took_ms = sorted(1000 * took_s for took_s in scraper.took_s)
    print(f"{len(took_ms)} answers, the longest of {scraper.bytes / 1000:.0f} kB")
    for what, values in (("answered in", took_ms), ("late, left alone", alone), ("late, scraped", scraped)):
        median, p99 = statistics.median(values), _share(values, 0.99)
        print(f"{what:<17} median {median:6.1f} ms  p99 {p99:6.1f} ms  max {values[-1]:6.1f} ms  of {len(values)}")
    print(f"p99 late, scraped / left alone: {_share(scraped, 0.99) / _share(alone, 0.99):.2f}")


if __name__ == "__main__":
    main()
