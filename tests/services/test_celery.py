"""`celery` actions against a real Redis and a real worker of Celery, with the broker killed, stopped and restarted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scheduler.core.actions import Action, CeleryAction
from scheduler.core.ports import RunEnded
from scheduler.core.references import Secret
from scheduler.core.views.trace import traceparent
from scheduler.running.supervisor.calls import modules_ahead
from scheduler.running.supervisor.handle import SupervisorRunner
from tests.edges.supervision import CONFIG_FOLDER, Ear, order, perform, trusted
from tests.processes.broker import PATIENCE_S, Broker, eventually

ROOT = Path(__file__).parents[2]
RUN = "hello@2026-11-22T02:15:00Z"
WORKER_OPTIONS = ("--pool=solo", "--queues=celery,mail", "--without-gossip", "--without-mingle", "--loglevel=critical")


class Shop:
    """Sends tasks, and reads in the worker's book what became of them."""

    def __init__(self, broker: Broker, book: Path) -> None:
        self.broker, self._book = broker, book
        self._ear = Ear()
        self._runner = trusted(SupervisorRunner(self._ear, CONFIG_FOLDER, "debug"))
        self._runner.open(modules_ahead([self.task()]))

    def task(self, *args: object, **options: object) -> CeleryAction:
        return CeleryAction("shop.record", Secret(self.broker.url, (self.broker.url,)), args, {}, options)

    def send(self, action: Action, attempt: int = 1, timeout_s: float = 30) -> RunEnded:
        run = replace(order(action, timeout_s=timeout_s), attempt=attempt)
        ended = self._ear.ended(perform(self._runner, run))
        said = [output.text for output in self._ear.outputs(run.key)]
        assert not said, said
        return ended

    def entries(self, mark: str) -> list[dict[str, Any]]:
        """What the worker did of the tasks with this as their first argument."""
        lines = self._book.read_text().splitlines() if self._book.exists() else []
        return [entry for entry in map(json.loads, lines) if entry["args"][:1] == [mark]]

    def close(self) -> None:
        self._runner.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    book = folder / "book"
    with ExitStack() as stack:
        broker = Broker(folder)
        stack.callback(broker.kill)
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.services.celery_shop", "worker", *WORKER_OPTIONS],
            cwd=ROOT,
            env={**os.environ, "SHOP_BROKER": broker.url, "SHOP_BOOK": str(book)},
            stdout=subprocess.DEVNULL,
        )
        stack.callback(worker.wait)
        stack.callback(worker.kill)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:9/0")  # the replica's own Celery is not that of its jobs
        patch.setenv("CELERY_RESULT_BACKEND", "redis://127.0.0.1:9/1")
        shop = Shop(broker, book)
        stack.callback(shop.close)
        shop.send(shop.task("first"))
        yield shop


def test_the_worker_performs_the_task_under_the_run_id(shop: Shop) -> None:
    ended = shop.send(shop.task("told", 2, queue="mail", priority=3, expires=60, headers={"shop": "eu"}), attempt=2)
    (entry,) = eventually(lambda: shop.entries("told"))

    assert ended.outcome == "succeeded"
    assert (entry["id"], entry["args"], entry["queue"]) == (RUN, ["told", 2], "mail")
    assert entry["headers"] == {
        "shop": "eu",
        "leasebeat_job": "hello",
        "leasebeat_run": RUN,
        "leasebeat_tick": "2026-11-22T02:15:00Z",
        "leasebeat_attempt": 2,
        "leasebeat_term": 7,
        "leasebeat_fence": "48211",
        "traceparent": traceparent(RUN, "48211", 2),
    }


def test_a_second_attempt_is_a_second_message_under_the_same_id(shop: Shop) -> None:
    for attempt in (1, 2):
        shop.send(shop.task("twice"), attempt)
    entries = eventually(lambda: found if len(found := shop.entries("twice")) == 2 else None)

    assert [entry["id"] for entry in entries] == [RUN, RUN]
    assert [entry["headers"]["leasebeat_attempt"] for entry in entries] == [1, 2]


def test_the_connection_is_kept(shop: Shop) -> None:
    shop.send(shop.task("kept"))
    before = shop.broker.connections()
    for _ in range(3):
        shop.send(shop.task("kept"))

    assert shop.broker.connections() == before


def test_without_a_broker_the_run_fails_and_the_next_one_finds_it_again(shop: Shop) -> None:
    shop.send(shop.task("before"))
    eventually(lambda: shop.entries("before"))
    shop.broker.kill()
    failed = shop.send(shop.task("meanwhile"))
    shop.broker.start()
    found = shop.send(shop.task("after"))

    assert (failed.outcome, failed.reason) == ("failed", "connect")
    assert "Connection refused" in (failed.error or "")
    assert found.outcome == "succeeded"
    assert eventually(lambda: shop.entries("after"))
    assert not shop.entries("meanwhile")


def test_a_broker_that_was_restarted_unseen_costs_no_run(shop: Shop) -> None:
    shop.send(shop.task("seen"))
    eventually(lambda: shop.entries("seen"))  # else Redis may take with it what the worker was about to get
    shop.broker.kill()
    shop.broker.start()

    assert shop.send(shop.task("unseen")).outcome == "succeeded"
    assert eventually(lambda: shop.entries("unseen"))


def test_a_broker_that_hangs_is_waited_for_until_the_timeout(shop: Shop) -> None:
    shop.send(shop.task("hanging"))
    shop.broker.process.send_signal(signal.SIGSTOP)
    ended = shop.send(shop.task("hanging"), timeout_s=0.5)
    shop.broker.process.send_signal(signal.SIGCONT)

    assert ended.outcome == "timed_out"
    assert ended.error == "ended while waiting for the broker to take the task"


@pytest.mark.parametrize(
    ("change", "reason", "error"),
    [
        ({"broker": Secret("redis://:wr0ng@127.0.0.1:{port}/0")}, "connect", "connecting to the broker: invalid"),
        ({"broker": "redis://127.0.0.1:9/0"}, "connect", "Connection refused"),
        ({"broker": "carrier-pigeon://roof"}, "rejected", "'No such transport: carrier-pigeon'"),
        ({"args": (object,)}, "rejected", "Object of type type is not JSON serializable"),
        ({"options": {"serializer": "morse"}}, "rejected", "No encoder installed for morse"),
    ],
)
def test_what_cannot_be_sent_is_a_failure_that_says_why(
    shop: Shop, change: dict[str, Any], reason: str, error: str
) -> None:
    if isinstance(broker := change.get("broker"), Secret):
        change = {"broker": Secret(broker.reveal().replace("{port}", shop.broker.url.split(":")[-1].split("/")[0]))}
    ended = shop.send(replace(shop.task("wrong"), **change))

    assert (ended.outcome, ended.reason) == ("failed", reason)
    assert error in (ended.error or "")
    assert "wr0ng" not in (ended.error or "")


def test_after_kill_9_of_the_leader_the_worker_sees_one_id(shop: Shop) -> None:
    """The broker is stopped, so that the first leader dies between the sending and the reply."""
    shop.broker.process.send_signal(signal.SIGSTOP)
    first = _leader(shop.broker.url, 1)
    assert first.stdout
    assert first.stdout.readline() == "started\n"
    first.kill()
    first.wait()
    first.stdout.close()
    shop.broker.process.send_signal(signal.SIGCONT)
    said, _ = _leader(shop.broker.url, 2).communicate(timeout=PATIENCE_S)
    entries = eventually(lambda: shop.entries("led"))

    assert said == "started\nsucceeded\n"
    assert {entry["id"] for entry in entries} == {RUN}


def _leader(url: str, attempt: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.edges.request_leader", url, str(attempt)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
