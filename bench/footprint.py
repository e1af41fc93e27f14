"""What a replica costs while it waits: seconds from its start to `lead.standby`, resident memory; and `check`.

    python bench/footprint.py [--runs 5] [--kubeconfig FILE -n NAMESPACE]

A leader is started first; each measured replica is a process of its own that then stands by. On SQLite unless a
kubeconfig is given.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent.parent
LEASEBEAT = [sys.executable, "-m", "scheduler"]


def start(name: str, folder: Path, place: list[str], until: str) -> tuple[subprocess.Popen[str], float]:
    """Start a replica and wait for one event of it; returns the process and the seconds that took."""
    begin = time.time()
    command = [*LEASEBEAT, "run", "-c", str(folder / "config.yaml"), "--id", name, "--log-format", "json", *place]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # this very program
    for line in process.stdout or ():
        if json.loads(line)["event"] == until:
            return process, time.time() - begin
    raise SystemExit(f"{name} ended before {until}")


def resident_mb(pid: int) -> float:
    """Resident memory of one process in MB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kubeconfig")
    parser.add_argument("-n", "--namespace", default="default")
    arguments = parser.parse_args()
    place = ["--lease", f"footprint-{time.time_ns()}"]
    if arguments.kubeconfig:
        place += ["--kubeconfig", arguments.kubeconfig, "-n", arguments.namespace]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text((HERE / "config.yaml").read_text())
        (folder / "jobs").symlink_to(HERE / "jobs")
        leader, _ = start("leader", folder, place, "lead.acquired")
        waits, sizes, checks = [], [], []
        for number in range(arguments.runs):
            standby, wait = start(f"standby-{number}", folder, place, "lead.standby")
            time.sleep(2)
            waits.append(wait)
            sizes.append(resident_mb(standby.pid))
            standby.send_signal(signal.SIGTERM)
            standby.wait()
            begin = time.time()
            subprocess.run([*LEASEBEAT, "check", "-c", str(folder / "config.yaml")], check=True, capture_output=True)  # noqa: S603  # as above
            checks.append(time.time() - begin)
        leader.send_signal(signal.SIGTERM)
        leader.wait()
    for what, values, unit in (
        ("start to lead.standby", waits, "s"),
        ("resident, idle standby", sizes, "MB"),
        ("leasebeat check", checks, "s"),
    ):
        print(f"{what:<24} median {statistics.median(values):6.2f} {unit}, max {max(values):6.2f} {unit}")


if __name__ == "__main__":
    main()
