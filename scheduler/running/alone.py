"""One run of a job without any lead: no Lease, no ledger and no replica has a part in it.

The runners are those of every day, so the job finds what it would find as a tick, its timeout included. There is no
gate, since nobody else could be entitled to start this run id, and nothing but its own limits and its owner ends it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scheduler.core.job import Job, JobTable
from scheduler.core.ledger import MANUAL, OpenRun
from scheduler.core.moves import Term
from scheduler.core.ports import Clock, RunEnded, RunNews, RunOutput, RunStarted, Tell
from scheduler.core.work import NEVER
from scheduler.running.held import HeldRun
from scheduler.running.lines import RunLines
from scheduler.running.route import Runners
from scheduler.running.runners.kubernetes_job import KubernetesJobRunner
from scheduler.running.runners.kubernetes_job_home import JobsHome
from scheduler.running.runners.threads import ThreadRunner
from scheduler.running.supervisor.handle import SupervisorRunner

NO_TERM = Term(0, "0")  # below every real one, so whoever checks the fencing token refuses the run as stale
NOBODY = "here"  # owns the run, as a nonce would


@dataclass(frozen=True, slots=True)
class Means:
    """What the runners need: where runs begin, how much of their logging counts, and the way to a cluster, if any."""

    folder: str
    log_level: str
    open_jobs: Callable[[], JobsHome]


class LoneRun:
    """One attempt of `job`, asked for at this very moment.

    What happens is told as a replica tells it; what the job logs in a thread of this process is only told if its
    records are sent here, see `facts`.
    """

    def __init__(self, job: Job, clock: Clock, tell: Tell, means: Means) -> None:
        tick = f"{MANUAL}{_millisecond(clock.wall())}"
        self._run = HeldRun(OpenRun(job.name, tick, 1, NOBODY, "m"), job, "manual")
        # Nobody's trust can run out, and what the replicas have running is not to be ended.
        self._order = replace(self._run.order(NO_TERM), exclusive=False, replaces=False)
        self._lines = RunLines(tell, JobTable({job.name: job}, clock.wall()))
        self._supervised = SupervisorRunner(self._heard, means.folder, means.log_level)
        self._threads = ThreadRunner(self._heard, 1, lambda: True, clock)
        jobs = KubernetesJobRunner(self._heard, means.open_jobs, lambda: True, clock, means.folder)
        self._runners = Runners(self._supervised, self._threads, jobs)
        self._clock = clock
        self._handed_over = threading.Event()
        self._over = threading.Event()
        self.facts = self._threads.run_facts

    @property
    def id(self) -> str:
        """The run id."""
        return self._order.run

    def perform(self) -> RunEnded:
        """Run it, and return how it ended; `killed` when it was stopped. To be called once."""
        self._runners.trust(NEVER, NEVER)
        try:
            self._runners.start(self._order)
        except Exception as error:  # noqa: BLE001  # as in the dispatch: arguments that no process can be told
            self._heard(RunEnded(self._order.key, "failed", 0, "crashed", f"{type(error).__name__}: {error}"))
        self._handed_over.set()
        self._over.wait()
        self._runners.close()
        assert self._run.ended, "over, and not ended"
        return self._run.ended

    def stop(self) -> None:
        """Ask it to end, as at its timeout; one that cannot be ended is given up, and ends with this process.

        Waits until there is something to end, so not to be called by the thread that performs it.
        """
        self._handed_over.wait()
        if self._order.action.killable:
            self._runners.stop(self._order.key)
        else:
            self._heard(RunEnded(self._order.key, "killed", self._lasted_ms()))

    def kill(self) -> None:
        """End it at once."""
        self._supervised.kill(self._order.key)

    def _lasted_ms(self) -> int:
        began = self._run.started_at
        return round((self._clock.wall() - began) / timedelta(milliseconds=1)) if began else 0

    def _heard(self, news: RunNews) -> None:
        match news:
            case RunStarted():
                self._run.started_at = news.at
                self._lines.started(self._run)
            case RunOutput():
                self._lines.output(self._run, news)
            case RunEnded() if not self._over.is_set():
                self._run.end(news if news.outcome != "gate_shut" else replace(news, outcome="killed"))
                self._lines.ended(self._run)
                self._lines.stopped(self._run)
                self._over.set()


def _millisecond(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
