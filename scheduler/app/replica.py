"""A replica from its start to its end."""

from __future__ import annotations

import gc
import random
import secrets
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from scheduler import __version__
from scheduler.app.identity import address_of, open_port, patience_s, pid_to_tell
from scheduler.app.listeners import Listeners
from scheduler.app.place import Place, lease_name, open_jobs, open_store
from scheduler.app.surroundings import Surroundings
from scheduler.clock import SystemClock
from scheduler.cluster.pod import Pod
from scheduler.config.settings import Loaded
from scheduler.core.actions import Action, KubernetesJobAction, PythonAction
from scheduler.core.job import Job, JobTable
from scheduler.core.lease import Election
from scheduler.core.moves import Acquired, Candidate, Timings
from scheduler.core.notes.commands import pauses_in
from scheduler.core.ports import Ring, Runner, Tell
from scheduler.core.views.shadow import Shadow
from scheduler.leading.campaign import Campaign
from scheduler.leading.loop import CampaignLoop, Inbox
from scheduler.leading.table_skew import TableNote, TableSkew
from scheduler.leading.watch import Watch
from scheduler.running.crew import Crew
from scheduler.running.dispatch import Dispatch
from scheduler.running.leaving import LAST_WORDS_S
from scheduler.running.route import Runners
from scheduler.running.runners.threads import ThreadRunner
from scheduler.running.supervisor.calls import modules_ahead
from scheduler.running.supervisor.handle import SupervisorRunner
from scheduler.stores.measured import MeasuredStore
from scheduler.telling.feed import Feed
from scheduler.telling.health import probes
from scheduler.telling.health_server import HealthServer
from scheduler.telling.libraries import open_door
from scheduler.telling.metrics.counts import StoreRequests
from scheduler.telling.table import Standing, tell_schedule

if TYPE_CHECKING:
    from scheduler.running.alarm import Alarm

RELEASE_TAKES_AT_MOST_S = 5.0
RUNS_WAIT_FOR_THE_SCHEDULE_S = 0.1


class StopAsked(Protocol):
    """Whoever knows when this process is to stop."""

    def wait(self) -> str:
        """Block until then; returns the name of the signal."""


class Replica:
    """A process that stands by and leads when it can, until it is told to stop."""

    def __init__(self, loaded: Loaded, name: str, place: Place, tell: Tell) -> None:
        self._loaded = loaded
        self._lease = loaded.settings.lease
        self._name = name
        self._clock = SystemClock()
        self._tell = feed = Feed(tell, self._clock)
        requests = StoreRequests()
        self._store = MeasuredStore(open_store(self._lease, place), requests.note, self._clock.boot)
        self._in_pod = Pod().exists
        listening = open_port(loaded.settings.health.port, feed, in_pod=self._in_pod)
        nonce = secrets.token_hex(3)
        candidate = self._candidate(nonce, address_of(listening, in_pod=self._in_pod))
        self._dispatch = Dispatch(loaded.table, nonce, candidate.timings, self._clock, feed)
        self._inbox = Inbox()
        election = Election(candidate, random.random)
        self._campaign = Campaign(election, self._dispatch, self._clock, feed, self._store)
        self._table_note = TableNote(self._store, candidate, self._clock)
        shadow = Shadow(loaded.table, loaded.hash, patience_s(self._lease), feed)
        self._campaign.accompany(self._table_note, TableSkew(candidate, feed), shadow)
        self._loop = CampaignLoop(self._campaign, self._store, self._clock, self._inbox)
        self._watch = Watch(self._store, self._inbox, feed, self._lease.retry_period_s)
        self._threads = ThreadRunner(
            self._dispatch.heard, loaded.table.max_parallel, self._dispatch.gate_is_open, self._clock
        )
        self._supervised = SupervisorRunner(
            self._dispatch.heard,
            str(loaded.file.absolute().parent),
            loaded.settings.logging.level,
        )
        self._runners = Runners(self._supervised, self._threads, self._runner_of_jobs(place))
        self._bell = _LazyAlarm(self._dispatch.ring, self._dispatch.ahead_of)
        self._stopping = False
        lease = lease_name(self._lease, place)
        around = Surroundings(loaded, name, self._store, self._clock, self._campaign.outlook, lease, requests, place)
        self._listeners = Listeners(around, feed)
        routes = {**probes(self._loop.stuck, self._unready), **self._listeners.routes}
        self._health = HealthServer(listening, routes, self._clock.boot)

    def _runner_of_jobs(self, place: Place) -> Runner | None:
        """Brought in where the table has Kubernetes Jobs, that is not in most."""
        if not any(isinstance(job.action, KubernetesJobAction) for job in self._loaded.table.jobs.values()):
            return None
        from scheduler.running.runners.kubernetes_job import KubernetesJobRunner  # noqa: PLC0415  # see above

        return KubernetesJobRunner(
            self._dispatch.heard,
            partial(open_jobs, self._lease, place),
            self._dispatch.gate_is_open,
            self._clock,
            str(self._loaded.file.absolute().parent),
        )

    def run(self, stop: StopAsked) -> int:
        """Contend until asked to stop, then leave in good order; 0, or 1 when runs had to be cut off to leave."""
        close_door = open_door(self._tell, self._loaded.settings.logging.level, self._threads.run_facts)
        self._listeners.start()
        self._health.start()
        self._tell_started()
        self._dispatch.employ(Crew(self._runners, self._bell, self._inbox.wake, self._begin_term))
        _make_importable(self._loaded)
        _spare_the_collector()
        self._loop.start()
        self._watch.start()
        self._table_note.start()
        try:
            return self._leave(stop.wait())
        finally:
            self._health.close()
            close_door()

    def _tell_started(self) -> None:
        facts = {"replica": self._name, "store": self._store.place, "health": self._health.address}
        self._tell("app.started", version=__version__, pid=pid_to_tell(in_pod=self._in_pod), **facts)

    def _unready(self) -> str | None:
        return "stopping" if self._stopping else self._campaign.readiness.hindrance

    def _leave(self, signal_name: str) -> int:
        """Start what is claimed, release, drain, end; or drain before the release (rules 32 to 35)."""
        self._stopping = True
        began, drain_s = self._clock.boot(), self._lease.drain_timeout_s
        running = self._dispatch.running
        self._tell("app.stopping", signal=signal_name, running=running, drain_ms=drain_s * 1000)
        self._dispatch.leave(drain_s)
        if self._lease.release == "at_once" and self._dispatch.leaving.wait_until_all_started(drain_s):
            self._loop.release()
        in_time = self._dispatch.leaving.wait_until_idle(drain_s - (self._clock.boot() - began))
        if not in_time:
            self._dispatch.kill_all()
        self._end_campaign(idle=in_time or self._dispatch.leaving.wait_until_idle(LAST_WORDS_S))
        self._dispatch.let_go()
        self._dispatch.tell_unrecorded()
        left = self._dispatch.running
        for part in (self._bell, self._runners, self._store, self._listeners):
            part.close()
        reason = "signal" if in_time else "drain_timeout"
        took_ms = round((self._clock.boot() - began) * 1000)
        self._tell("app.stopped", reason=reason, took_ms=took_ms, running=left)
        return 0 if in_time else 1

    def _end_campaign(self, *, idle: bool) -> None:
        """A thread's run cannot be ended, and a Lease that is still ours is not given up beside it."""
        self._watch.stop()
        self._table_note.stop()
        if idle:
            self._loop.stop(RELEASE_TAKES_AT_MOST_S)
        else:
            self._loop.give_up()

    def _candidate(self, nonce: str, address: str) -> Candidate:
        lease, table = self._lease, self._loaded.table
        return Candidate(
            name=self._name,
            nonce=nonce,
            timings=Timings(lease.lease_duration_s, lease.renew_deadline_s, lease.retry_period_s),
            known=table.known,
            revision=table.revision,
            adopt=lease.adopt,
            quiet_start=lease.quiet_start,
            creates_at_once=self._store.is_local,
            address=address,
            config=self._loaded.hash,
        )

    def _begin_term(self, news: Acquired) -> None:
        """Start the supervisor, if this is our first lead, and print the schedule and how far it has been settled.

        The schedule comes before the first runs, unless it is so long that they would have to wait for it.
        """
        self._supervised.open(modules_ahead(_actions(self._loaded)))
        marks = {} if news.cause == "new" else news.inherited.marks_of(self._loaded.table)
        standing = Standing(marks, pauses_in(news.notes))
        printing = threading.Thread(target=self._print_schedule, args=(standing,), name="schedule", daemon=True)
        printing.start()
        printing.join(RUNS_WAIT_FOR_THE_SCHEDULE_S)

    def _print_schedule(self, standing: Standing) -> None:
        enabled = [job for job in self._loaded.table.jobs.values() if job.enabled]
        tell_schedule(self._tell, enabled, self._clock.wall(), standing)


class _LazyAlarm:
    """The alarm, brought in with the first lead: an idle standby never loads APScheduler."""

    def __init__(self, ring: Callable[[Ring], None], ahead: Callable[[Job], timedelta]) -> None:
        self._ring = ring
        self._ahead = ahead
        self._alarm: Alarm | None = None

    def arm(self, table: JobTable, now: datetime) -> None:
        """Ring for every tick that falls due after `now`."""
        if self._alarm is None:
            from scheduler.running.alarm import Alarm  # noqa: PLC0415  # see the class

            self._alarm = Alarm(self._ring, self._ahead)
        self._alarm.arm(table, now)

    def disarm(self) -> None:
        """Stop ringing."""
        if self._alarm:
            self._alarm.disarm()

    def close(self) -> None:
        """End the engine, if there is one."""
        if self._alarm:
            self._alarm.close()


def _spare_the_collector() -> None:
    """What is here by now stays, so the garbage collector need not walk over it again and again, between two ticks."""
    gc.collect()
    gc.freeze()


def _make_importable(loaded: Loaded) -> None:
    """Let jobs with `isolation: thread` be imported from beside config.yaml, as the workers do for all others."""
    if any(isinstance(action, PythonAction) and not action.killable for action in _actions(loaded)):
        sys.path.insert(0, str(loaded.file.absolute().parent))


def _actions(loaded: Loaded) -> list[Action]:
    """What the enabled jobs do."""
    return [job.action for job in loaded.table.jobs.values() if job.enabled]
