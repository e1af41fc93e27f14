"""What a virtual replica does about Kubernetes Jobs: as `running/runners/kubernetes_job_run.py`, step by step.

    find or create ──► follow ──► succeeded, failed
                          │
                          └── timeout, kill ──► delete ──► seen gone

It is a part of the replica's own process: it stands still and dies with that, and the Jobs go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.ports import RunEnded, RunNews, RunOrder, RunStarted
from scheduler.simulation.body import Body
from scheduler.simulation.cluster import VirtualCluster, VirtualJob

Answer = TypeVar("Answer")
Step = Callable[[], None]

LOOKS_AGAIN_IN_S = 0.25
WHILE_SHUT_S = 1.0


@dataclass(eq=False, slots=True)
class Following:
    """One attempt in hand. `began` is the boot second from which its time counts.

    `sent` says that a request to create was; `cut` how it is to be cut short, and `ends` that this was begun; `asks`
    that an answer is waited for.
    """

    order: RunOrder
    began: float
    job: VirtualJob | None = None
    sent: bool = False
    asks: bool = False
    cut: str | None = None
    ends: bool = False
    steps: int = 0

    @property
    def may_exist(self) -> bool:
        """Whether we, or a leader before us, may have had the Job made."""
        return self.sent or self.order.was_cut_off


class JobFollower:
    """Creates Jobs, finds them, and follows them. `drawn` tells how long a Job lasts that is made, and how it ends.

    A request takes no time here and is answered; for another `_ask` it may be otherwise. What becomes of a Job is seen
    `sees_in_s` later.
    """

    sees_in_s = 0.0

    def __init__(self, body: Body, drawn: Callable[[RunOrder], tuple[float, str]]) -> None:
        self._body = body
        self._drawn = drawn
        self._runs: dict[str, Following] = {}

    def start(self, order: RunOrder) -> None:
        """Create the run's Job, or take it up where it exists, and follow it."""
        run = self._runs[order.key] = Following(order, self._now)
        self._limit(run)
        if order.replaces:
            self._ask(run, lambda: self._cluster.others(order), lambda others: self._make_room(run, others))
        else:
            self._obtain(run)

    def kill(self, key: str) -> None:
        """Delete the Job; the run ends when it is seen gone."""
        if run := self._runs.get(key):
            self._cut_short(run, "killed")

    def let_go(self, key: str) -> None:
        """Follow this Job no longer."""
        self._runs.pop(key, None)

    def close(self) -> None:
        """Let go of all of them."""
        self._runs.clear()

    # -- how it is got

    def _make_room(self, run: Following, others: list[VirtualJob]) -> None:
        """Delete what a lost leader may have left of this job, and see it gone (`overlap: replace`)."""
        if not others:
            self._obtain(run)
            return

        def is_gone(gone: bool) -> None:  # noqa: FBT001
            left = others[1:] if gone else others
            self._soon(run, 0.0 if gone else LOOKS_AGAIN_IN_S, lambda: self._make_room(run, left))

        self._ask(run, lambda: self._cluster.delete(others[0]), is_gone)

    def _obtain(self, run: Following) -> None:
        if run.may_exist:
            self._ask(run, lambda: self._cluster.find(run.order), lambda job: self._found(run, job))
        else:
            self._create(run)

    def _found(self, run: Following, job: VirtualJob | None) -> None:
        if job:
            run.began = job.created_at
            self._limit(run)
            self._follow(run, job)
        elif run.order.adopts:
            self._over(run, "absent")
        else:
            self._create(run)

    def _create(self, run: Following) -> None:
        if self._body.dispatch.gate_is_open():
            run.sent = True
            self._ask(
                run, lambda: self._made(run.order), lambda job: self._was_made(run, job), lambda: self._again(run)
            )
        elif run.sent:
            self._soon(run, WHILE_SHUT_S, lambda: self._obtain(run))
        else:
            self._over(run, "gate_shut")

    def _made(self, order: RunOrder) -> VirtualJob | None:
        lasts_s, outcome = self._drawn(order)
        return self._cluster.create(order, self._body.name, lasts_s, outcome)

    def _was_made(self, run: Following, job: VirtualJob | None) -> None:
        """By our hand, or there is one that was made before."""
        if job:
            self._follow(run, job)
        else:
            self._again(run)

    def _again(self, run: Following) -> None:
        self._soon(run, LOOKS_AGAIN_IN_S, lambda: self._obtain(run))

    # -- how it is followed

    def _follow(self, run: Following, job: VirtualJob) -> None:
        run.job = job
        since = timedelta(seconds=self._now - job.created_at)
        self._report(RunStarted(run.order.key, self._body.wall() - since))
        action = run.order.action
        if isinstance(action, KubernetesJobAction) and not action.wait:
            self._over(run, "succeeded")
        else:
            job.watchers.append(lambda: self._notice(run))
            self._look(run)

    def _notice(self, run: Following) -> None:
        """The watch shows that something has become of the Job."""
        if not run.ends:
            self._soon(run, self.sees_in_s, lambda: self._look(run))

    def _look(self, run: Following) -> None:
        self._ask(run, lambda: self._cluster.find(run.order), lambda job: self._see(run, job))

    def _see(self, run: Following, job: VirtualJob | None) -> None:
        if job is not run.job:
            self._over(run, "timed_out" if self._time_is_up(run) else "failed")
        elif job and job.outcome:
            self._over(run, job.outcome)

    # -- how it is ended

    def _limit(self, run: Following) -> None:
        """Its time counts from the Job's creation, once that is known."""
        began, limit_s = run.began, run.order.timeout_s

        def cut_short() -> None:
            if self._is_followed(run) and run.began == began:
                self._cut_short(run, "timed_out")

        if limit_s is not None:
            self._body.world.at(began + limit_s, lambda: self._body.does(cut_short))

    def _time_is_up(self, run: Following) -> bool:
        return run.order.timeout_s is not None and self._now >= run.began + run.order.timeout_s

    def _cut_short(self, run: Following, outcome: str) -> None:
        is_new = run.cut is None
        run.cut = "killed" if "killed" in (run.cut, outcome) else outcome
        if is_new and not run.asks:
            self._end(run)

    def _end(self, run: Following) -> None:
        run.ends = True
        run.steps += 1  # whatever it was about to do
        if run.may_exist:
            self._ask(run, lambda: self._cluster.find(run.order), lambda job: self._look_before(run, job))
        else:
            self._over(run, run.cut or "killed")

    def _look_before(self, run: Following, job: VirtualJob | None) -> None:
        """What has ended by itself needs no deleting, and has its own outcome."""
        if job is None or job.outcome:
            self._over(run, job.outcome if job and job.outcome else run.cut or "killed")
        else:
            self._delete(run, job)

    def _delete(self, run: Following, job: VirtualJob) -> None:
        def is_gone(gone: bool) -> None:  # noqa: FBT001
            if gone:
                self._over(run, run.cut or "killed")
            else:
                self._soon(run, LOOKS_AGAIN_IN_S, lambda: self._delete(run, job))

        self._ask(run, lambda: self._cluster.delete(job), is_gone)

    def _over(self, run: Following, outcome: str) -> None:
        if self._is_followed(run):
            del self._runs[run.order.key]
            took_s = 0.0 if outcome in ("absent", "gate_shut") else self._now - run.began
            reason = "job_failed" if outcome == "failed" else None
            self._report(RunEnded(run.order.key, outcome, round(1000 * took_s), reason))

    # -- its surroundings

    def _ask(
        self,
        run: Following,
        request: Callable[[], Answer],
        answered: Callable[[Answer], None],
        failed: Step | None = None,  # noqa: ARG002
    ) -> None:
        """Make a request. Without an answer it is made again, or `failed` says what to do."""
        if self._is_followed(run):
            answered(request())

    def _soon(self, run: Following, seconds: float, step: Step) -> None:
        """Have this be its next step, unless something comes before that."""
        run.steps += 1
        number = run.steps

        def take() -> None:
            if self._is_followed(run) and run.steps == number:
                step() if not run.asks else self._soon(run, LOOKS_AGAIN_IN_S, step)

        self._body.world.in_s(seconds, lambda: self._body.does(take))

    def _is_followed(self, run: Following) -> bool:
        return self._runs.get(run.order.key) is run

    def _report(self, news: RunNews) -> None:
        self._body.gets(lambda: self._body.dispatch.heard(news))

    @property
    def _now(self) -> float:
        return self._body.world.now

    @property
    def _cluster(self) -> VirtualCluster:
        return self._body.world.cluster
