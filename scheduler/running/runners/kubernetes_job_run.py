"""One attempt of one run whose work is a Kubernetes Job, from its creation or adoption to its end.

    find or create ──► follow ──► succeeded, failed
                          │
                          └── timeout, kill ──► delete ──► seen gone

Whatever request fails is made again, for the Job goes on without us: nothing but an answer ends the run. Who lets go of
it stops asking, deletes nothing and reports nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.errors import ClusterError, Conflict, Refused, StoreError, WatchForbidden
from scheduler.core.job import Output
from scheduler.core.ports import RunEnded, RunOrder, RunOutput, RunStarted
from scheduler.referred_files import Unreadable
from scheduler.running.runners import kubernetes_job_state as state
from scheduler.running.runners.kubernetes_job_home import REQUEST_S, JobsHome
from scheduler.running.runners.kubernetes_job_object import (
    environment_of,
    is_of,
    is_seal_of,
    job_object,
    labels_of,
    name_of,
    seal_object,
)
from scheduler.running.runners.kubernetes_job_surroundings import Surroundings
from scheduler.running.runners.values import Values

JsonObject = dict[str, Any]
Answer = TypeVar("Answer")

LEAST_S = 0.1
ANSWERS = (Conflict, Refused)  # errors that say something about the request, and not about the way to the server


class _LetGo(Exception):
    """Nobody wants to know any more."""


class _CutShort(Exception):
    """The run is to be ended: its time is up, or it was killed."""


class _Over(Exception):
    """The run is over, and there is nothing to delete."""

    def __init__(self, outcome: str, error: str | None = None) -> None:
        super().__init__(outcome)
        self.outcome, self.error = outcome, error
        self.reason = "rejected" if outcome == "failed" else None


class JobRun:
    """One attempt. `perform` is for a thread of its own; `kill` and `let_go` come from others."""

    def __init__(self, order: RunOrder, around: Surroundings) -> None:
        assert isinstance(order.action, KubernetesJobAction)
        self._order = order
        self._is_followed = order.action.wait
        self._around = around
        self._pauses = around.pauses
        self._name = name_of(order)
        self._values = Values()
        self._killed = self._is_let_go = self._is_ending = False
        self._called = threading.Event()
        self._began = around.clock.boot()
        self._sent = self._found = self._unanswered = False
        self._noted: set[str] = set()

    def kill(self) -> None:
        """Delete the Job, and report the end once it is seen gone."""
        self._killed = True
        self._called.set()

    def let_go(self) -> None:
        """Follow it no longer."""
        self._is_let_go = True
        self._called.set()

    def is_set(self) -> bool:
        """Whether there is something else to do than to wait for the Job; a watch asks."""
        return self._is_let_go or (not self._is_ending and (self._killed or self._time_is_up))

    def perform(self) -> None:
        """Do all of it, and report how it ended, unless it was let go of."""
        try:
            ended = self._ended()
        except _LetGo:
            return
        except Exception as error:  # noqa: BLE001  # whatever it is, the run's final line must not be lost by it
            ended = self._end("failed", "crashed", f"{type(error).__name__}: {error}")
        self._around.news(ended)

    # ------------------------------------------------------------------ from its beginning to its end

    def _ended(self) -> RunEnded:
        if not self._around.gate():
            return self._end("gate_shut")
        try:
            home = self._around.home()
            return self._followed(home, self._obtained(home))
        except _Over as over:
            return self._end(over.outcome, over.reason, over.error)
        except Refused as error:
            return self._end("failed", "rejected", self._sentence(error))
        except ClusterError as error:
            return self._end("failed", "rejected", str(error))
        except _CutShort:
            return self._cut_short(home)

    def _obtained(self, home: JobsHome) -> JsonObject:
        """The Job: found, if it was begun before, else created."""
        if self._order.replaces:
            self._make_room(home)
        while True:
            try:
                if job := self._persist(lambda: self._found_or_created(home), ANSWERS):
                    return job
                self._pause(self._pauses.shut)
            except Conflict:
                self._sent = True  # it is there: by our hand, though nobody told us, or by another's
                self._pause(self._pauses.first)

    def _found_or_created(self, home: JobsHome) -> JsonObject | None:
        """The Job; None where it is neither there nor may be created now."""
        # Looked for first: a quota or a webhook may refuse to create what exists already.
        if self._may_exist and (found := home.get(self._name)):
            return self._taken_up(home, found)
        if self._order.adopts:
            self._take_name(home)  # the leader that was lost may have asked for it
            raise _Over("absent")
        if self._around.gate():
            return self._created(home)
        if not self._sent:
            raise _Over("gate_shut")
        return None

    @property
    def _may_exist(self) -> bool:
        """Whether we, or a leader before us, may have asked for the Job."""
        return self._sent or self._order.was_cut_off

    def _created(self, home: JobsHome) -> JsonObject:
        try:
            environment = environment_of(self._order, self._around.folder, self._values)
        except Unreadable as error:
            raise _Over("failed", str(error)) from None
        body = job_object(self._order, home.origin, environment)
        self._sent = True
        try:
            job = home.create(body, max(LEAST_S, self._around.patience_s()))
        except StoreError as error:
            self._unanswered |= not isinstance(error, ANSWERS)
            raise
        self._around.news(RunStarted(self._order.key, self._around.clock.wall()))
        return job

    def _taken_up(self, home: JobsHome, job: JsonObject) -> JsonObject:
        """Follow a Job that is there; its time counts from its creation, by the server's clock."""
        if not is_of(job, self._order, home.origin):
            if not is_seal_of(job, self._order):
                raise _Over("failed", f"{home.job(self._name)} exists, and was not made for this run")
            if self._order.adopts:
                raise _Over("absent")
            raise _Over("failed", f"{home.job(self._name)} was given up before it was known to exist")
        self._found = True
        self._began = self._around.clock.boot() - home.age_of(job).total_seconds()
        self._around.news(RunStarted(self._order.key, state.created_at(job) or self._around.clock.wall()))
        return job

    def _make_room(self, home: JobsHome) -> None:
        """Delete what a lost leader may have left of this job, and see it gone (`overlap: replace`)."""
        labels = labels_of(self._order, self._persist(lambda: home.origin))
        for other in self._persist(lambda: home.jobs(labels), ANSWERS):
            if state.name_of(other) != self._name and not state.end_of(other):
                self._delete(home, other)

    # ------------------------------------------------------------------ following

    def _followed(self, home: JobsHome, job: JsonObject) -> RunEnded:
        if not self._is_followed:
            return self._end("succeeded")
        while not state.end_of(job):
            job = self._watched(home, job)
            if not state.end_of(job):
                found = self._persist(lambda: home.get(self._name))
                if found is None or state.uid_of(found) != state.uid_of(job):
                    return self._gone(home)
                job = found
        return self._finished(home, job)

    def _watched(self, home: JobsHome, job: JsonObject) -> JsonObject:
        """The Job as it was seen last, when it ended or the watch did."""
        uid = state.uid_of(job)
        try:
            with closing(home.watch(self._name, state.version_of(job), self)) as events:
                for event in events:
                    if event.kind != "BOOKMARK" and state.uid_of(event.object) == uid:
                        job = event.object
                    if event.kind == "DELETED" or state.end_of(job):
                        return job
        except StoreError as error:
            self._note(error)
            self._pause(self._pauses.blind if isinstance(error, WatchForbidden) else self._pauses.after_failure)
        self._pause(self._pauses.after_watch)
        return job

    def _finished(self, home: JobsHome, job: JsonObject) -> RunEnded:
        end = state.end_of(job)
        assert end, "finished, and has no end"
        took_s = state.seconds_between(state.created_at(job), end.at) if self._found else None
        if end.outcome == "succeeded":
            return self._end("succeeded", took_s=took_s)
        words = [self._last_words(home), end.words]
        reason = "job_failed" if end.outcome == "failed" else None
        return self._end(end.outcome, reason, "; ".join(word for word in words if word) or None, took_s=took_s)

    def _gone(self, home: JobsHome) -> RunEnded:
        """It was deleted: by a leader before us, because its time was up, or by somebody."""
        if self._time_is_up:
            return self._end("timed_out")
        return self._end("failed", "job_failed", f"{home.job(self._name)} is gone, and nobody saw it end")

    def _last_words(self, home: JobsHome) -> str | None:
        """What the pod in question says about itself; the end of its log is passed on."""
        try:
            who = state.culprit(home.pods(self._name))
        except StoreError as error:
            self._note(error, "so what its pods say is not shown")
            return None
        if who is None:
            events = f"get events --field-selector involvedObject.name={self._name}"
            return f"it has no pod; kubectl -n {home.job(self._name).namespace} {events} may say why"
        if who.has_run and self._order.output is not Output.NONE:
            self._pass_on_last_lines(home, who)
        return who.words

    def _pass_on_last_lines(self, home: JobsHome, who: state.Culprit) -> None:
        try:
            lines = home.last_lines(who.pod, who.container)
        except StoreError as error:
            self._note(error, "so its last lines are not shown")
            return
        for line in lines:
            self._around.news(RunOutput(self._order.key, "stdout", line))

    # ------------------------------------------------------------------ ending it

    def _cut_short(self, home: JobsHome) -> RunEnded:
        outcome = "killed" if self._killed else "timed_out"
        self._is_ending = True
        self._called.clear()
        if not self._may_exist:
            return self._end(outcome)
        found = self._found_while_leading(home)
        words = None
        if found and is_of(found, self._order, home.origin):
            if state.end_of(found):  # by itself, and nobody saw it until now
                return self._finished(home, found)
            words = self._last_words(home) if outcome == "timed_out" else None
            self._delete(home, found)
        while self._unanswered and not self._persist(lambda: self._is_sealed(home)):
            self._pause(self._pauses.first)
        return self._end(outcome, error=words)

    def _found_while_leading(self, home: JobsHome) -> JsonObject | None:
        """The Job; the gate being open after it was seen, no successor can have made it, under the same name.

        Who leads no more is let go of in the meantime, and what it leaves has a deadline of its own.
        """
        while True:
            found = self._persist(lambda: home.get(self._name))
            if self._around.gate():
                return found
            self._pause(self._pauses.shut)

    def _is_sealed(self, home: JobsHome) -> bool:
        found = self._found_while_leading(home)
        if found and is_of(found, self._order, home.origin):
            self._delete(home, found)  # it has arrived
            return False
        if found is None:
            self._take_name(home)
        return True

    def _take_name(self, home: JobsHome) -> None:
        """Have a request for the run's Job refused that arrives from now on; `Conflict` if one has arrived.

        A request to create has no precondition: what had no answer may be done whenever it arrives, after the Job was
        deleted or was seen to be absent, and nobody would follow what it makes.
        """
        try:
            home.create(seal_object(self._order, home.origin), REQUEST_S)
        except Refused as error:
            self._note(error, "so a request to create the Job may still make it")

    def _delete(self, home: JobsHome, job: JsonObject) -> None:
        """Have it deleted, and wait until nothing of it is left: its pods go before it."""
        pause_s = self._pauses.first
        while not self._persist(lambda: self._is_gone(home, job)):
            self._pause(pause_s)
            pause_s = min(2 * pause_s, 2.0)

    def _is_gone(self, home: JobsHome, job: JsonObject) -> bool:
        name, uid = state.name_of(job), state.uid_of(job)
        found = home.get(name)
        if found is None or state.uid_of(found) != uid or state.end_of(found):
            return True
        try:
            return not (state.is_being_deleted(found) or home.delete(name, uid))
        except Conflict:
            return False  # it has changed in this moment; look again

    # ------------------------------------------------------------------ patience

    def _persist(self, ask: Callable[[], Answer], final: tuple[type[StoreError], ...] = ()) -> Answer:
        """What `ask` returns, however often it has to be asked; a `final` error is an answer, too."""
        pause_s = self._pauses.first
        while True:
            self._attend()
            try:
                return ask()
            except final:
                raise
            except StoreError as error:
                self._note(error)
            self._pause(pause_s)
            pause_s = min(2 * pause_s, self._pauses.longest)

    def _attend(self) -> None:
        if self._is_let_go:
            raise _LetGo
        if self.is_set():
            raise _CutShort

    def _pause(self, seconds: float) -> None:
        if not self._is_ending and self._order.timeout_s is not None:
            seconds = min(seconds, max(0.0, self._order.timeout_s - self._lasted_s))
        self._called.wait(seconds)

    @property
    def _lasted_s(self) -> float:
        return self._around.clock.boot() - self._began

    @property
    def _time_is_up(self) -> bool:
        return self._order.timeout_s is not None and self._lasted_s >= self._order.timeout_s

    # ------------------------------------------------------------------ telling

    def _note(self, error: StoreError, sequel: str = "trying again") -> None:
        """Tell of trouble that does not end the run, once for each kind."""
        hint = f" ({error.hint})" if isinstance(error, Refused | WatchForbidden) and error.hint else ""
        text = f"{error}{hint}; {sequel}"
        if text not in self._noted:
            self._noted.add(text)
            self._around.news(RunOutput(self._order.key, "stderr", text, "leasebeat", "warning"))

    def _sentence(self, error: StoreError) -> str:
        hint = f"; {error.hint}" if error.hint else ""
        return self._values.shown(f"{error}{hint}")

    def _end(
        self, outcome: str, reason: str | None = None, error: str | None = None, *, took_s: float | None = None
    ) -> RunEnded:
        never_began = outcome in ("gate_shut", "absent")
        took_s = 0.0 if never_began else self._lasted_s if took_s is None else took_s
        return RunEnded(self._order.key, outcome, round(1000 * took_s), reason, error)
