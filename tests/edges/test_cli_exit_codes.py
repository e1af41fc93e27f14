"""What every command's exit code says: 0 done, 1 the answer is no, 2 wrong usage, 3 cannot ask, 130 Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LEASEBEAT = str(Path(sys.executable).with_name("leasebeat"))
GOOD = """\
jobs:
  hello: {every: 10m, shell: echo hello}
  fails: {every: 10m, shell: exit 3}
  gone: {at: 2020-01-01T00:00:00Z, shell: echo}
  python: {every: 10m, python: nowhere:nothing}
"""
FILES = {
    "config.yaml": GOOD,
    "right.yaml": "jobs: {hello: {every: 10m, shell: echo hello}}\n",
    "odd.yaml": 'jobs: {hello: {cron: "0 0 13 * 5", shell: echo hello}}\n',
    "wrong.yaml": "jobs: {hello: {every: 1x, shell: echo hello}}\n",
    "crontab": "*/5 * * * * root echo hello\n",
    "half.crontab": "*/5 * * * * echo hello\n99 * * * * echo never\n",
    "led.log": (
        "2026-11-22T19:41:02.140Z info  lead.acquired    term=1 fence=1 cause=new\n"
        "2026-11-22T19:59:00.000Z info  run.succeeded    hello@2026-11-22T19:50:00Z term=1 late=1ms took=5ms\n"
    ),
    "lossy.log": (
        "2026-11-22T19:41:02.140Z info  lead.acquired    term=1 fence=1 cause=new\n"
        "2026-11-22T21:59:00.000Z info  run.succeeded    hello@2026-11-22T21:50:00Z term=1 late=1ms took=5ms\n"
    ),
    "standby.log": "2026-11-22T19:41:02.140Z info  lead.standby     leader=a term=1\n",
}
NO_CLUSTER = "--kubeconfig nowhere"
CASES = [
    ("check -c right.yaml", 0),
    ("check -c right.yaml --strict", 0),
    ("check -c odd.yaml", 0),
    ("check -c odd.yaml --strict", 1),
    ("check", 1),
    ("check --no-imports", 0),
    ("check -c wrong.yaml", 1),
    ("check -c wrong.yaml --json", 1),
    ("check -c nowhere.yaml", 1),
    ("check --frobnicate", 2),
    (f"check -c right.yaml --cluster {NO_CLUSTER}", 3),
    (f"check -c right.yaml --cluster {NO_CLUSTER} --json", 3),
    (f"check -c wrong.yaml --cluster {NO_CLUSTER}", 1),
    ("check -c right.yaml --cluster --store sqlite", 2),
    ("next", 0),
    ("next gone", 0),
    ("next nobody", 2),
    ("next -c wrong.yaml", 1),
    ("schema", 0),
    ("schema --helm", 0),
    ("schema nonsense", 2),
    ("explain '*/5 * * * *'", 0),
    ("explain '99 * * * *'", 1),
    ("explain", 2),
    ("status", 3),
    ("status -c wrong.yaml", 1),
    (f"status {NO_CLUSTER}", 3),
    ("status --store memory", 2),
    ("pause hello", 3),
    ("pause", 2),
    (f"pause --all {NO_CLUSTER}", 3),
    ("resume --all", 3),
    ("resume hello --all", 2),
    ("reset", 2),
    ("reset --yes", 3),
    ("run-now hello", 3),
    ("run-now hello --here", 0),
    ("run-now fails --here", 1),
    ("run-now nobody --here", 2),
    ("run-now hello --here -c wrong.yaml", 1),
    ("audit -c right.yaml led.log", 0),
    ("audit -c right.yaml lossy.log", 1),
    ("audit -c right.yaml standby.log", 3),
    ("audit -c right.yaml nowhere.log", 2),
    ("audit -c wrong.yaml led.log", 1),
    ("simulate --for 1m", 0),
    ("simulate --for 1m -c wrong.yaml", 1),
    ("simulate --for soon", 2),
    ("import crontab --users yes crontab", 0),
    ("import crontab --users no half.crontab", 1),
    ("import crontab nowhere", 2),
    (f"import cronjobs {NO_CLUSTER}", 3),
    ("import celery nowhere:app", 3),
    ("completion bash", 0),
    ("completion tcsh", 2),
    ("run -c wrong.yaml", 1),
    (f"run -c right.yaml {NO_CLUSTER}", 3),
    ("run -c right.yaml --replicas 99", 2),
    ("", 2),
    ("-h", 0),
    ("--version", 0),
    ("frobnicate", 2),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exits")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(("typed", "code"), CASES, ids=[typed or "nothing" for typed, _ in CASES])
def test_exit_codes(typed: str, code: int, folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{LEASEBEAT} {typed}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stderr) >= (code > 1 and "--json" not in typed)  # whoever cannot answer says why


def test_ctrl_c_ends_a_check_with_all_that_it_started(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "hangs.py").write_text(
        "import threading\nfifo = open('fifo', 'w')\nprint('here', file=fifo, flush=True)\nthreading.Event().wait()\n"
    )
    (tmp_path / "config.yaml").write_text("jobs: {a: {every: 1m, python: hangs:f}}\n")
    check = subprocess.Popen(
        [LEASEBEAT, "check"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with (tmp_path / "fifo").open() as fifo:
        came = fifo.readline()
        check.send_signal(signal.SIGINT)
        rest = fifo.read()  # until the process that imports has ended
    out, err = check.communicate(timeout=60)

    assert (came, rest) == ("here\n", "")
    assert (check.returncode, out, err.strip()) == (130, "", "")
