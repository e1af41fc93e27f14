"""The image as a pod that may do nothing: it starts quickly, stops when told to, and leaves nothing behind."""

from __future__ import annotations

import pytest

from scheduler import __version__
from tests.image.pod import Pod

START_S = 1.5
STARTS = 3


@pytest.fixture(scope="module")
def running(pod: Pod) -> Pod:
    """A replica that leads and has run each job once."""
    pod.start("beat")
    pod.wait(lambda: {line["job"] for line in pod.lines("run.succeeded")} == {"packed", "leaver", "writer"}, "all jobs")
    return pod


def test_jobs_run_as_its_user_and_write_to_their_home_alone(running: Pod) -> None:
    told = {line["text"] for line in running.lines("run.output") if line["job"] == "writer"}
    refused = running.exec("sh", "-c", "touch /opt/leasebeat/x /app/x /x 2>&1 || true").splitlines()

    assert told == {"written by 65532:65532"}
    assert [line.rpartition(": ")[2] for line in refused] == ["Read-only file system"] * 3
    assert running.exec("whoami").strip() == "leasebeat"


def test_the_command_line_works_inside(running: Pod) -> None:
    assert running.exec("leasebeat", "--version").strip() == f"leasebeat {__version__}"
    assert "packed" in running.exec("leasebeat", "next", "-N", "1")


def test_what_jobs_and_visitors_leave_behind_is_reaped(running: Pod) -> None:
    running.exec("sh", "-c", "sleep 0.2 >/dev/null 2>&1 &")
    left = len(running.lines("run.succeeded"))
    running.wait(lambda: len(running.lines("run.succeeded")) >= left + 6, "two more runs of each job")

    running.wait(lambda: not running.zombies(), "the end of the zombies")


def test_a_signal_reaches_the_replica_and_it_stops_in_good_order(running: Pod) -> None:
    running.exec("sh", "-c", "kill -TERM 1")
    running.wait(lambda: running.phase() == "Succeeded", "a clean end")

    assert [line["signal"] for line in running.lines("app.stopping")] == ["TERM"]
    assert len(running.lines("app.stopped")) == 1


def test_it_starts_quickly(pod: Pod) -> None:
    """One of three is enough: the machine has other work."""
    took: list[float] = []
    while len(took) < STARTS and not any(seconds < START_S for seconds in took):
        pod.start(f"start-{len(took)}")
        took.append(pod.start_took_s())
        pod.delete()

    assert 0 < min(took) < START_S
