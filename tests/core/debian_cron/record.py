"""Write `fires.txt` anew: let the real cron of Debian 12 run through two changes of the clock in five zones.

    $ .venv/bin/python -m tests.core.debian_cron.record        # on Debian 12, with gcc and libc6-dev; some minutes

The package is downloaded and unpacked into a scratch folder and nothing is installed. The binary is started with
`shim.c` preloaded, which gives it a clock that jumps from minute to minute, its own files, and no way to run anything.
The zones are those of the pinned tzdata. The same seed gives the same expressions, and so the same file.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.core.debian_cron.notation import written

HERE = Path(__file__).parent
VERSION = "3.0pl1-162"
SEED = 20250330
COUNT = 320
DAY_RULES = 120
CHANGES = {  # of 2025: no new version of the zones' rules will move them
    "Europe/Berlin": ("2025-03-30", "2025-10-26"),  # from 02:00 to 03:00, from 03:00 to 02:00
    "America/New_York": ("2025-03-09", "2025-11-02"),  # from 02:00 to 03:00, from 02:00 to 01:00
    "Africa/Cairo": ("2025-04-24", "2025-10-30"),  # from 00:00 to 01:00, from 00:00 to 23:00 the day before
    "Pacific/Chatham": ("2025-09-27", "2025-04-05"),  # from 02:45 to 03:45, from 03:45 to 02:45
    "Australia/Lord_Howe": ("2025-10-04", "2025-04-05"),  # from 02:00 to 02:30, from 02:00 to 01:30: half an hour
}
BEFORE, AFTER = timedelta(days=3), timedelta(days=4)
LOST_DAY = ("Pacific/Apia", "2011-12-30")  # Samoa went from the 29th to the 31st
TWO_YEARS = ("2027-01-01", "2029-01-01")  # 2028 has a 29 February
TWO_MONTHS = ("2028-01-31", "2028-03-02")
ODD = [
    # Debian takes these for something that their author may not have meant
    "*5 3 * * *", "0-10x 3 * * *", "0 3 1.15 * *", "0 3 * * MON#1", "0 22-2 * * *", "30-10 3 * * *", "0 0 * * FRI-MON",
    "*/60 3 * * *", "0 */24 * * *", "0 9-17/10 * * *", "0 0 31 2 *", "0 0 30 2 *", "*/10 5 3 * * 1", "@reboot",
    # only leasebeat takes these
    "0 0 L * *", "0 0 LW * *", "0 0 * * 5L", "0 0 ? * 1", "H 3 * * *", "H/15 * * * *", "H(0-29) 3 * * *",
    "0 30 2 * * 1", "30 15 3 * * *", "@Daily",
    # nobody does
    "1/20 * * * *", "0,,5 3 * * *", "0,5, 3 * * *", "60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 * 13 *",
    "0 0 * * 8", "*/0 * * * *", "@every 5m", "0 0 * * monday", "0 3 * *",
]  # fmt: skip


def main() -> None:
    """Record everything and write the file."""
    with TemporaryDirectory() as scratch:
        cron = _Cron(Path(scratch))
        expressions = random_expressions(_dice(), COUNT)
        lines = [f"# Debian's cron {VERSION}, seed {SEED}; written by record.py, read as notation.py says"]
        changes = [(zone, day) for zone, days in CHANGES.items() for day in days]
        for zone, day in [*changes, LOST_DAY]:
            lines += cron.fires(zone, _midnight(day) - BEFORE, _midnight(day) + AFTER, expressions)
        lines += cron.fires("UTC", *map(_midnight, TWO_YEARS), random_days(_dice(), DAY_RULES))
        lines += cron.fires("UTC", *map(_midnight, TWO_MONTHS), ODD, alone=True)
    (HERE / "fires.txt").write_text("\n".join(lines) + "\n")


def _dice() -> random.Random:
    return random.Random(SEED)  # noqa: S311 - expressions, not secrets


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


class _Cron:
    """The unpacked binary, and the folder that it takes for the machine."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.shim, self.root = scratch, scratch / "shim.so", scratch / "root"
        _run("apt-get", "download", f"cron={VERSION}", cwd=scratch)
        _run("dpkg-deb", "-x", str(next(scratch.glob("cron_*.deb"))), str(scratch / "cron"))
        _run("gcc", "-O1", "-shared", "-fPIC", "-o", str(self.shim), str(HERE / "shim.c"), "-ldl")
        for folder in ("var/spool/cron/crontabs", "var/run", "run", "etc/cron.d"):
            (self.root / folder).mkdir(parents=True)

    def fires(
        self, zone: str, since: datetime, until: datetime, expressions: list[str], *, alone: bool = False
    ) -> list[str]:
        """A section of the file: what became of these expressions; `alone` if one faulty line would spoil the rest."""
        sys.stderr.write(f"{zone} {since:%Y-%m-%d}\n")
        lines = [f"== {zone} {since:%Y-%m-%dT%H:%MZ} {until:%Y-%m-%dT%H:%MZ}"]
        found: dict[int, list[int]] = {}
        for batch in [[at] for at in range(len(expressions))] if alone else [list(range(len(expressions)))]:
            found |= self._run({at: expressions[at] for at in batch}, zone, since, until)
        for at, expression in enumerate(expressions):
            minutes = "refused" if at not in found else written(found[at])
            lines.append(f"{expression} | {minutes}")
        return lines

    def _run(self, crontab: dict[int, str], zone: str, since: datetime, until: datetime) -> dict[int, list[int]]:
        """The minutes after `since` at which each line ran; nothing if cron refused the crontab."""
        table = self.root / "var/spool/cron/crontabs/root"
        table.write_text("".join(f"{expression} job{at}\n" for at, expression in crontab.items()))
        table.chmod(0o600)
        first, end = int(since.timestamp()), int(until.timestamp())
        record = self.scratch / "record"
        with record.open("w") as out:
            subprocess.run(
                [self.scratch / "cron/usr/sbin/cron", "-f"],
                env={
                    "LD_PRELOAD": str(self.shim),
                    "SHIM_ROOT": str(self.root),
                    "SHIM_FROM": str(first),
                    "SHIM_UNTIL": str(end),
                    "TZ": zone,
                    "TZDIR": str(files("tzdata") / "zoneinfo"),
                },
                stdout=out,
                check=True,
            )
        return _read_record(record.read_text(), first, crontab)


def _read_record(text: str, first: int, crontab: dict[int, str]) -> dict[int, list[int]]:
    runs: dict[int, list[int]] = defaultdict(list)
    for line in text.splitlines():
        second, said = line.split(" ", 1)
        if "Error:" in said:
            assert len(crontab) == 1, f"refused: {said}"
            return {}
        if job := re.fullmatch(r"\(root\) CMD \(.*job(\d+)\)", said):
            runs[int(job[1])].append((int(second) - first) // 60)
    return {at: runs[at] for at in crontab}


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=sys.stderr)


# ---- expressions ----

Maker = Callable[[random.Random], str]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


def random_expressions(draw: random.Random, count: int) -> list[str]:
    """As many different expressions that Debian reads, most of them about the small hours in which clocks change."""
    found = dict.fromkeys(["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "* * * * *", "0 * * * *"])
    while len(found) < count:
        minute, hour = draw.choice(MINUTES)(draw), draw.choice(HOURS)(draw)
        if "*" in minute and "*" in hour and draw.random() < 0.7:
            continue  # thousands of runs that say little
        found[f"{minute} {hour} {_day_fields(draw, everyday=0.6)}"] = None
    return list(found)


def random_days(draw: random.Random, count: int) -> list[str]:
    """Expressions whose point is the day."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[f"0 12 {_day_fields(draw, everyday=0.2)}"] = None
    return list(found)


def _day_fields(draw: random.Random, everyday: float) -> str:
    chances = ((DAYS, everyday), (MONTHS_OF, (2 + everyday) / 3), (WEEK, everyday))
    return " ".join("*" if draw.random() < star else draw.choice(makers)(draw) for makers, star in chances)


def _one(low: int, high: int) -> Maker:
    return lambda draw: str(draw.randint(low, high))


def _several(low: int, high: int) -> Maker:
    return lambda draw: ",".join(map(str, draw.sample(range(low, high + 1), draw.randint(2, 4))))


def _range(low: int, high: int) -> Maker:
    def make(draw: random.Random) -> str:
        first, last = sorted(draw.sample(range(low, high + 1), 2))
        step = draw.choice(["", "", f"/{draw.randint(1, last - first)}"])
        return f"{first}-{last}{step}"

    return make


def _every(most: int) -> Maker:
    return lambda draw: f"*/{draw.randint(1, most)}"


def _named(names: list[str]) -> Maker:
    return lambda draw: ",".join(draw.sample(names, draw.randint(1, 3)))


def _named_range(names: list[str]) -> Maker:
    return lambda draw: "-".join(names[at] for at in sorted(draw.sample(range(len(names)), 2)))


def _joined(*makers: Maker) -> Maker:
    return lambda draw: ",".join(make(draw) for make in makers)


def _text(text: str) -> Maker:
    return lambda _: text


MINUTES = [
    _text("0"), _text("30"), _text("45"), _one(0, 59), _several(0, 59), _range(0, 59), _every(59), _text("*"),
    _joined(_one(0, 59), _every(40)), _joined(_every(40), _one(0, 59)),
]  # fmt: skip
HOURS = [
    _one(0, 4), _one(0, 4), _one(0, 23), _several(0, 5), _several(0, 23), _range(0, 5), _range(0, 23), _every(12),
    _text("*"), _joined(_one(1, 3), _range(2, 23)),
]  # fmt: skip
DAYS = [_one(1, 31), _several(1, 31), _range(1, 31), _every(15), _joined(_every(15), _one(1, 31)), _text("28-31")]
MONTHS_OF = [_one(1, 12), _several(1, 12), _range(1, 12), _every(6), _named(MONTHS), _named_range(MONTHS)]
WEEK = [
    _one(0, 7), _several(0, 7), _range(0, 7), _every(7), _named(WEEKDAYS), _named_range(WEEKDAYS), _text("sun"),
    _text("1-5"),
]  # fmt: skip


if __name__ == "__main__":
    main()
