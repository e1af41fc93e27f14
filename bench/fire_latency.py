"""How late runs start: leasebeat with threads and with processes, a bare heap-and-threads loop, and APScheduler alone.

Each contender starts 1, 10, 100 and 1,000 no-op jobs at every whole second. Lateness is the wall time of a job's first
statement minus that second. Only leasebeat writes anything down: it claims each instant by a compare-and-swap on the
store before the first of its jobs starts, and records the ends.

    python bench/fire_latency.py [--seconds 10] [--rates 1 10 100 1000] [--store sqlite|memory] [--kubeconfig FILE]

All contenders of one rate run one after another in one process, each rate in a process of its own. Read the ratios, for
machines differ.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import logging
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor as PoolOfAPScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from no_op import no_op

from scheduler.app.place import Place, open_store
from scheduler.clock import SystemClock
from scheduler.config.settings import LeaseSettings
from scheduler.core.actions import PythonAction
from scheduler.core.job import Job, JobTable
from scheduler.core.lease import Election
from scheduler.core.moves import Candidate, Timings
from scheduler.core.ports import LeaseStore, RunNews, RunStarted
from scheduler.core.schedule import EverySchedule
from scheduler.leading.campaign import Campaign
from scheduler.leading.loop import CampaignLoop, Inbox
from scheduler.running.alarm import Alarm
from scheduler.running.crew import Crew
from scheduler.running.dispatch import Dispatch
from scheduler.running.route import Runners
from scheduler.running.runners.threads import ThreadRunner
from scheduler.running.supervisor.handle import SupervisorRunner

WARM_UP_S = 3
PROCESSES = 16  # at a time, the default of max_parallel; threads get as many as there are jobs
HEAD = "  rate contender                 runs    p50 ms    p99 ms    max ms  p99 / bare loop"
HERE = str(Path(__file__).parent)

Lateness = list[float]
Contender = Callable[[int, int], Lateness]


def bare_loop(rate: int, seconds: int) -> Lateness:
    """A heap of due times and a pool of threads: the least that a scheduler can do."""
    late: Lateness = []
    begin = int(time.time()) + 1
    heap = [(begin, number) for number in range(rate)]
    heapq.heapify(heap)
    with ThreadPoolExecutor(max_workers=max(rate, 1)) as pool:
        while heap[0][0] < begin + WARM_UP_S + seconds:
            time.sleep(max(0.0, heap[0][0] - time.time()))
            while heap[0][0] <= time.time():
                due, number = heap[0]
                heapq.heapreplace(heap, (due + 1, number))
                pool.submit(_note, late if due >= begin + WARM_UP_S else [], due)
    return late


def _note(late: Lateness, due: float) -> None:
    late.append(time.time() - due)
    no_op()


def apscheduler_alone(rate: int, seconds: int) -> Lateness:
    """One interval job per job, in APScheduler's own thread pool, without its default of dropping late runs."""
    late: Lateness = []
    begin = int(time.time()) + 2
    engine = BackgroundScheduler(timezone=UTC, executors={"default": PoolOfAPScheduler(max(rate, 1))})

    started: dict[str, float] = {}

    def job(name: str) -> None:
        started[name] = time.time()
        no_op()

    def note(event: JobExecutionEvent) -> None:  # it alone knows the nominal time
        due = event.scheduled_run_time.timestamp()
        if due >= begin + WARM_UP_S:
            late.append(started[event.job_id] - due)

    engine.add_listener(note, EVENT_JOB_EXECUTED)

    for number in range(rate):
        start = datetime.fromtimestamp(begin, UTC)
        name = str(number)
        engine.add_job(job, "interval", seconds=1, start_date=start, id=name, args=[name], misfire_grace_time=None)
    engine.start()
    time.sleep(begin + WARM_UP_S + seconds + 0.9 - time.time())
    engine.shutdown(wait=True)
    return late


def leasebeat(isolation: str, open_a_store: Callable[[], LeaseStore]) -> Contender:
    """The program itself, from the alarm to the runner, over a store."""

    def measure(rate: int, seconds: int) -> Lateness:
        clock, late = SystemClock(), []
        begin = time.time() + WARM_UP_S

        def note(news: RunNews) -> None:
            if isinstance(news, RunStarted) and news.at.timestamp() >= begin:
                due = datetime.fromisoformat(news.key.rpartition("@")[2].partition("#")[0])
                late.append((news.at - due).total_seconds())

        with _leading(_table(rate, isolation, clock), open_a_store(), note, clock):
            time.sleep(WARM_UP_S + seconds)
        return late

    return measure


def _table(rate: int, isolation: str, clock: SystemClock) -> JobTable:
    threads = isolation == "thread"
    action = PythonAction("no_op", "no_op", isolation="thread" if threads else "process")
    jobs = {f"job-{number}": Job(f"job-{number}", EverySchedule(1), "UTC", action) for number in range(rate)}
    return JobTable(jobs, clock.wall(), max_parallel=max(rate, 16) if threads else PROCESSES)


@contextmanager
def _leading(table: JobTable, store: LeaseStore, note: Callable[[RunNews], None], clock: SystemClock) -> Iterator[None]:
    dispatch, inbox = Dispatch(table, "bench", Timings(), clock, lambda _event, **_facts: None), Inbox()

    def heard(news: RunNews) -> None:
        note(news)
        dispatch.heard(news)

    supervised = SupervisorRunner(heard, HERE)
    threads = ThreadRunner(heard, table.max_parallel, dispatch.gate_is_open, clock)
    runners, alarm = Runners(supervised, threads, None), Alarm(dispatch.ring, dispatch.ahead_of)
    dispatch.employ(Crew(runners, alarm, inbox.wake, lambda _news: None))
    election = Election(Candidate("bench", "bench", known=table.known, creates_at_once=True), random.random)
    campaign = Campaign(election, dispatch, clock, lambda _event, **_facts: None, store)
    loop = CampaignLoop(campaign, store, clock, inbox)
    gc.freeze()  # as app.py does; what the other contenders left is collected before each of them
    loop.start()
    try:
        yield
    finally:
        dispatch.leave(10)
        dispatch.wait_until_idle(10)
        loop.stop(10)
        for part in (alarm, runners, store):
            part.close()


def _stores(arguments: argparse.Namespace, folder: Path) -> Callable[[], LeaseStore]:
    numbers = iter(range(1_000))
    kind = "kubernetes" if arguments.kubeconfig else arguments.store

    def open_one() -> LeaseStore:
        number = next(numbers)
        lease = LeaseSettings(
            store=kind,
            name=f"bench-{time.time_ns()}",
            namespace=None,
            adopt=False,
            path=folder / f"{number}.db",
            lease_duration_s=15,
            renew_deadline_s=10,
            retry_period_s=2,
            release="at_once",
            quiet_start=False,
            drain_timeout_s=60,
        )
        return open_store(lease, Place(kubeconfig=arguments.kubeconfig))

    return open_one


def _row(rate: int, name: str, late: Lateness, yardstick: float | None) -> str:
    if not late:
        return f"{rate:>6} {name:<22} {0:>7}  nothing started"
    late = sorted(late)
    p50, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
    ratio = f"{p99 / yardstick:8.1f}" if yardstick else f"{1:8.1f}"
    return f"{rate:>6} {name:<22} {len(late):>7} {p50 * 1e3:9.2f} {p99 * 1e3:9.2f} {late[-1] * 1e3:9.2f} {ratio}"


def _each_in_its_own_process(rates: list[int]) -> None:
    """Measure each rate as if it were the only one: threads and garbage of one would slow down the next."""
    given = sys.argv[1:]
    at = given.index("--rates") if "--rates" in given else len(given)
    others = given[:at] + given[at + 1 + len(rates) :]
    print(HEAD, flush=True)
    for rate in rates:
        command = [sys.executable, __file__, *others, "--rates", str(rate)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as one:  # noqa: S603  # this very file
            for line in one.stdout or ():
                print(line if line.rstrip() != HEAD else "", end="", flush=True)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rates", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--store", choices=["sqlite", "memory"], default="sqlite")
    parser.add_argument("--kubeconfig")
    arguments = parser.parse_args()
    if len(arguments.rates) > 1:
        _each_in_its_own_process(arguments.rates)
        return
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        stores = _stores(arguments, Path(folder))
        contenders: dict[str, Contender] = {
            "bare heap and threads": bare_loop,
            "APScheduler alone": apscheduler_alone,
            "leasebeat, threads": leasebeat("thread", stores),
            "leasebeat, processes": leasebeat("process", stores),
        }
        for rate in arguments.rates:
            yardstick: float | None = None
            for name, contender in contenders.items():
                gc.unfreeze()
                gc.collect()
                late = contender(rate, arguments.seconds)
                print(_row(rate, name, late, yardstick), flush=True)
                yardstick = yardstick or (sorted(late)[int(len(late) * 0.99)] if late else None)


if __name__ == "__main__":
    threading.stack_size(256 * 1024)  # a thousand threads in all contenders
    main()
