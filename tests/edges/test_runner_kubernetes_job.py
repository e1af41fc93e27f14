"""The runner of Kubernetes Jobs: a thread for each, that may be let go of, and nothing that is deleted by accident."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.errors import ClusterError
from scheduler.core.ports import RunEnded, RunNews, RunStarted
from scheduler.running.runners.kubernetes_job import KubernetesJobRunner
from scheduler.running.runners.kubernetes_job_home import JobsHome
from tests.fakes.hand_clock import HandClock
from tests.fakes.jobs_api import NAME, ORDER, JobsApi

PATIENCE_S = 5.0


class Hall:
    """A runner, what it reports, and a watch that waits until a test opens the door."""

    def __init__(self) -> None:
        self.api = JobsApi()
        self.news: list[RunNews] = []
        self.changed = threading.Condition()
        self.door = threading.Event()
        self.watched = threading.Semaphore(0)
        self.opened = 0
        self.gone: ClusterError | None = None
        self.clock = HandClock()
        self.runner = KubernetesJobRunner(self._heard, self._open, lambda: True, self.clock)

    def _open(self) -> JobsHome:
        self.opened += 1
        if self.gone:
            raise self.gone
        return JobsHome(self.api, "ops", "beat")  # type: ignore[arg-type]

    def _heard(self, news: RunNews) -> None:
        with self.changed:
            self.news.append(news)
            self.changed.notify_all()

    def waits(self) -> None:
        """A watch that nothing comes from until the door is opened."""
        self.watched.release()
        self.door.wait(PATIENCE_S)

    def hear(self, *wanted: type) -> list[RunNews]:
        """What was reported, once there is as much as is wanted."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.news) >= len(wanted), PATIENCE_S), self.news
            assert [type(one) for one in self.news] == list(wanted)
            return list(self.news)


@pytest.fixture
def hall() -> Iterator[Hall]:
    hall = Hall()
    yield hall
    hall.door.set()
    hall.runner.close()


def is_watched(hall: Hall) -> None:
    assert hall.watched.acquire(timeout=PATIENCE_S)


def test_a_run_from_its_beginning_to_its_end(hall: Hall) -> None:
    hall.api.later(lambda: hall.api.complete(NAME))
    hall.runner.start(ORDER)
    _, ended = hall.hear(RunStarted, RunEnded)

    assert ended == RunEnded(ORDER.key, "succeeded", 0)


def test_two_runs_share_the_way_and_not_their_fate(hall: Hall) -> None:
    other = replace(ORDER, key="other#1", job="other", run="other@2026-11-22T12:00:00Z")
    hall.api.later(hall.waits, lambda: hall.api.complete("other-1795348800"))
    hall.runner.start(ORDER)
    is_watched(hall)
    hall.runner.start(other)
    news = hall.hear(RunStarted, RunStarted, RunEnded)

    assert [one.key for one in news] == [ORDER.key, "other#1", "other#1"]
    assert hall.opened == 1


def test_a_kill_deletes_the_job(hall: Hall) -> None:
    hall.api.later(hall.waits)
    hall.runner.start(ORDER)
    is_watched(hall)
    hall.runner.kill("another#1")
    hall.runner.kill(ORDER.key)
    hall.door.set()
    _, ended = hall.hear(RunStarted, RunEnded)

    assert ended == RunEnded(ORDER.key, "killed", 0)
    assert not hall.api.has(NAME)


def test_losing_the_lead_deletes_nothing(hall: Hall) -> None:
    hall.api.later(hall.waits, lambda: hall.api.complete(NAME))
    hall.runner.start(ORDER)
    is_watched(hall)
    hall.runner.trust(0.0, 0.0)
    hall.runner.kill_exclusive()
    hall.door.set()
    _, ended = hall.hear(RunStarted, RunEnded)

    assert ended == RunEnded(ORDER.key, "succeeded", 0)
    assert "delete" not in {one.split()[0] for one in hall.api.asked}


@pytest.mark.parametrize("how", ["let_go", "close"])
def test_what_is_let_go_of_stays_and_is_not_reported(hall: Hall, how: str) -> None:
    hall.api.later(hall.waits)
    hall.runner.start(ORDER)
    is_watched(hall)
    following = [thread for thread in threading.enumerate() if thread.name == "kubernetes-job"]
    if how == "let_go":
        hall.runner.let_go(ORDER.key)
        hall.runner.let_go("another#1")
    else:
        hall.runner.close()
    hall.door.set()
    for thread in following:
        thread.join(PATIENCE_S)

    hall.hear(RunStarted)
    assert hall.api.has(NAME)
    assert hall.api.closed is (how == "close")


def test_a_way_that_could_not_be_had_is_looked_for_again(hall: Hall) -> None:
    hall.gone = ClusterError("no cluster: this is no pod")
    hall.runner.start(ORDER)
    (failed,) = hall.hear(RunEnded)
    hall.gone = None
    hall.api.later(lambda: hall.api.complete(NAME))
    hall.runner.start(ORDER)
    *_, ended = hall.hear(RunEnded, RunStarted, RunEnded)

    assert failed == RunEnded(ORDER.key, "failed", 0, "rejected", "no cluster: this is no pod")
    assert ended == RunEnded(ORDER.key, "succeeded", 0)
    assert hall.opened == 2


def test_a_closed_runner_opens_no_way(hall: Hall) -> None:
    hall.runner.close()
    hall.runner.start(ORDER)
    (ended,) = hall.hear(RunEnded)

    assert isinstance(ended, RunEnded)
    assert ended.error == "the runner was closed"
    assert hall.opened == 0


def test_a_request_to_create_is_waited_for_until_another_may_lead(hall: Hall) -> None:
    hall.runner.trust(hall.clock.now + 1, hall.clock.now + 2.5)
    hall.runner.start(replace(ORDER, action=KubernetesJobAction("acme/indexer:4", wait=False)))
    hall.hear(RunStarted, RunEnded)

    assert hall.api.timeouts == [2.5]
