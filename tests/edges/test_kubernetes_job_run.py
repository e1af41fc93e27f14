"""One run whose work is a Kubernetes Job, over an API server in memory: every answer that one may give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler.cluster.resource import Resource
from scheduler.core.errors import ClusterError, Conflict, Refused, StoreError, Unavailable, WatchForbidden
from scheduler.core.job import Output
from scheduler.core.ports import RunEnded, RunNews, RunOrder, RunOutput, RunStarted
from scheduler.core.references import FileReference, Secret
from scheduler.running.runners.kubernetes_job_home import JobsHome
from scheduler.running.runners.kubernetes_job_object import Origin, job_object
from scheduler.running.runners.kubernetes_job_run import JobRun
from scheduler.running.runners.kubernetes_job_surroundings import Pauses, Surroundings
from tests.fakes.hand_clock import HandClock
from tests.fakes.jobs_api import IMAGE, NAME, NOON, ORDER, JobsApi

AGAIN = replace(ORDER, attempt=2, key="report@2026-11-22T12:00:00Z#2")
AWAY = Unavailable("timeout after 5s", "tried context prod (https://10.0.0.1:6443)")
FORBIDDEN = Refused("403: may not create Job ops/report", "grant create on jobs.batch in namespace ops to beat")
AT_ONCE = Pauses(*[0.0] * 6)
NO_POD = f"it has no pod; kubectl -n ops get events --field-selector involvedObject.name={NAME} may say why"


class Stage:
    """The runs of one replica, and what they report."""

    def __init__(self) -> None:
        self.api = JobsApi()
        self.home = JobsHome(self.api, "ops", "beat")  # type: ignore[arg-type]
        self.clock = HandClock()
        self.news: list[RunNews] = []
        self.gates = [True]
        self.patience_s = 8.0
        self.around = Surroundings(
            self.news.append, lambda: self.home, self._gate, lambda: self.patience_s, self.clock, "", AT_ONCE
        )
        self.last: JobRun | None = None

    def _gate(self) -> bool:
        return self.gates.pop(0) if len(self.gates) > 1 else self.gates[0]

    def run(self, order: RunOrder = ORDER) -> RunEnded | None:
        """Perform it; how it ended, or None if it was let go of."""
        self.last = JobRun(order, self.around)
        before = len(self.news)
        self.last.perform()
        ended = [one for one in self.news[before:] if isinstance(one, RunEnded)]
        assert len(ended) <= 1
        return ended[0] if ended else None

    def exists(self, order: RunOrder = ORDER, age_s: float = 0.0) -> None:
        """Somebody made this Job so long ago."""
        body = job_object(order, self.home.origin, [])
        self.api.create(Resource("batch/v1", "Job", "jobs", "ops", body["metadata"]["name"]), body, 1)
        self.api.server_time += timedelta(seconds=age_s)
        self.api.asked.clear()
        self.api.bodies.clear()

    def kill(self) -> None:
        assert self.last
        self.last.kill()

    def let_go(self) -> None:
        assert self.last
        self.last.let_go()

    def pass_on_output(self, happens: Callable[[], None]) -> None:
        """Have this happen as soon as anything is told of the run."""
        tell = self.around.news

        def told(news: RunNews) -> None:
            tell(news)
            happens()

        self.around = replace(self.around, news=told)

    def pass_s(self, seconds: float) -> Callable[[], None]:
        def passes() -> None:
            self.clock.now += seconds
            self.api.server_time += timedelta(seconds=seconds)

        return passes

    @property
    def output(self) -> list[str]:
        return [one.text for one in self.news if isinstance(one, RunOutput)]

    @property
    def starts(self) -> list[datetime]:
        return [one.at for one in self.news if isinstance(one, RunStarted)]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def nothing() -> None:
    """Nothing happens while somebody watches: the watch ends, as each does after some minutes."""


class TestItSucceeds:
    def test_created_followed_and_done(self, stage: Stage) -> None:
        stage.api.later(nothing, stage.pass_s(2.5), lambda: stage.api.complete(NAME))
        ended = stage.run()

        assert ended == RunEnded(ORDER.key, "succeeded", 2500)
        assert stage.starts == [stage.clock.wall()]
        assert stage.api.asked == [
            f"create {NAME}",
            f"watch {NAME}",
            f"get {NAME}",
            f"watch {NAME}",
            f"get {NAME}",
            f"watch {NAME}",
        ]
        assert stage.output == []

    def test_it_is_over_between_two_watches(self, stage: Stage) -> None:
        """What a watch missed, the read before the next one finds."""

        def unseen() -> None:
            stage.api.complete(NAME)
            stage.api._events.clear()

        stage.api.later(unseen)

        assert stage.run() == RunEnded(ORDER.key, "succeeded", 0)

    def test_its_last_state_comes_with_its_deletion(self, stage: Stage) -> None:
        """With a short ttl the end may be seen only as it goes."""

        def ends_and_goes() -> None:
            stage.api.complete(NAME)
            stage.api._events.clear()
            stage.api.remove(NAME)

        stage.api.later(ends_and_goes)

        assert stage.run() == RunEnded(ORDER.key, "succeeded", 0)

    def test_without_wait_it_is_done_when_it_is_accepted(self, stage: Stage) -> None:
        ended = stage.run(replace(ORDER, action=replace(IMAGE, wait=False)))

        assert ended == RunEnded(ORDER.key, "succeeded", 0)
        assert stage.api.asked == [f"create {NAME}"]
        assert stage.starts == [stage.clock.wall()]


class TestItIsTakenUp:
    def test_an_attempt_that_was_cut_off_is_found_and_not_created_again(self, stage: Stage) -> None:
        """Its time counts from its creation, by the server's clock."""
        stage.exists(age_s=90)
        stage.api.later(stage.pass_s(30), lambda: stage.api.complete(NAME))
        ended = stage.run(AGAIN)

        assert ended == RunEnded(AGAIN.key, "succeeded", 120_000)
        assert stage.starts == [NOON]
        assert stage.api.bodies == []
        assert stage.api.asked[0] == f"get {NAME}"

    def test_it_has_ended_while_nobody_looked(self, stage: Stage) -> None:
        stage.exists()
        stage.pass_s(40)()
        stage.api.complete(NAME)
        stage.pass_s(600)()

        assert stage.run(AGAIN) == RunEnded(AGAIN.key, "succeeded", 40_000)

    def test_it_has_outlasted_its_timeout_and_succeeded_all_the_same(self, stage: Stage) -> None:
        stage.exists()
        stage.pass_s(4000)()
        stage.api.complete(NAME)

        assert stage.run(AGAIN) == RunEnded(AGAIN.key, "succeeded", 4_000_000)

    def test_what_was_never_created_is_created_by_the_next_attempt(self, stage: Stage) -> None:
        stage.api.later(lambda: stage.api.complete(NAME))

        assert stage.run(AGAIN) == RunEnded(AGAIN.key, "succeeded", 0)
        assert stage.api.asked[:2] == [f"get {NAME}", f"create {NAME}"]
        assert stage.api.bodies[0]["metadata"]["annotations"]["leasebeat/attempt"] == "2"

    def test_what_is_only_to_be_taken_up_is_never_created(self, stage: Stage) -> None:
        assert stage.run(replace(AGAIN, adopts=True)) == RunEnded(AGAIN.key, "absent", 0)
        assert stage.api.asked == [f"get {NAME}", f"create {NAME}"]
        assert stage.api.job(NAME)["spec"]["completions"] == 0
        assert stage.starts == []

    def test_what_is_only_to_be_taken_up_is_followed_where_it_is(self, stage: Stage) -> None:
        stage.exists()
        stage.api.later(lambda: stage.api.complete(NAME))

        assert stage.run(replace(AGAIN, adopts=True)) == RunEnded(AGAIN.key, "succeeded", 0)

    def test_a_retry_has_a_name_of_its_own(self, stage: Stage) -> None:
        stage.exists()
        stage.api.fail(NAME)
        stage.api.later(lambda: stage.api.complete(f"{NAME}-f1"))
        stage.run(replace(AGAIN, failures=1))

        assert stage.api.asked[0] == f"create {NAME}-f1"

    def test_a_job_that_is_on_its_way_out_is_followed_to_its_end(self, stage: Stage) -> None:
        """A leader before us had it deleted at its timeout."""
        stage.exists(age_s=3600)
        stage.api.later(lambda: stage.api.remove(NAME))

        assert stage.run(AGAIN) == RunEnded(AGAIN.key, "timed_out", 3_600_000)


class TestCreating:
    def test_a_reply_that_was_lost_is_looked_for(self, stage: Stage) -> None:
        stage.api.fails("create", AWAY, committed=True)
        stage.api.later(lambda: stage.api.complete(NAME))
        ended = stage.run()

        assert (ended and ended.outcome) == "succeeded"
        assert stage.api.asked[:3] == [f"create {NAME}", f"get {NAME}", f"watch {NAME}"]
        assert len(stage.api.bodies) == 1
        assert len(stage.starts) == 1

    def test_a_request_that_was_lost_is_made_again(self, stage: Stage) -> None:
        stage.api.fails("create", AWAY, AWAY)
        stage.api.later(lambda: stage.api.complete(NAME))

        assert stage.run() == RunEnded(ORDER.key, "succeeded", 0)
        assert [one.split()[0] for one in stage.api.asked[:5]] == ["create", "get", "create", "get", "create"]
        assert stage.output == ["timeout after 5s; trying again"]

    def test_the_first_attempt_may_find_its_own_name_taken_by_itself(self, stage: Stage) -> None:
        """A leader claimed it, was lost before that was known, and had it created all the same."""
        stage.exists()
        stage.api.later(lambda: stage.api.complete(NAME))

        assert stage.run() == RunEnded(ORDER.key, "succeeded", 0)
        assert stage.api.asked[:2] == [f"create {NAME}", f"get {NAME}"]
        assert stage.api.bodies == []

    def test_a_name_that_somebody_else_took_is_left_alone(self, stage: Stage) -> None:
        stage.exists(replace(ORDER, run="report@2026-11-22T11:00:00Z"))
        ended = stage.run()

        assert ended == RunEnded(
            ORDER.key, "failed", 0, "rejected", f"Job ops/{NAME} exists, and was not made for this run"
        )
        assert stage.api.has(NAME)

    def test_another_tables_job_is_not_taken_for_ours(self, stage: Stage) -> None:
        body = job_object(ORDER, Origin("ops", "other"), [])
        stage.api.create(stage.home.job(NAME), body, 1)
        ended = stage.run(AGAIN)

        assert (ended and ended.reason) == "rejected"

    @pytest.mark.parametrize(
        ("error", "sentence"),
        [
            (FORBIDDEN, f"{FORBIDDEN}; {FORBIDDEN.hint}"),
            (Refused("422: Job is invalid: image: Required value"), "422: Job is invalid: image: Required value"),
        ],
    )
    def test_what_is_refused_fails_at_once(self, stage: Stage, error: StoreError, sentence: str) -> None:
        stage.api.fails("create", error)

        assert stage.run() == RunEnded(ORDER.key, "failed", 0, "rejected", sentence)
        assert stage.api.asked == [f"create {NAME}"]

    def test_a_refusal_that_quotes_a_secret_is_told_without_it(self, stage: Stage) -> None:
        stage.api.fails("create", Refused("422: env[0].value: Invalid value: s3cret"))
        ended = stage.run(replace(ORDER, action=replace(IMAGE, env={"KEY": Secret("s3cret")})))

        assert (ended and ended.error) == "422: env[0].value: Invalid value: ***"

    def test_a_file_that_cannot_be_read_fails_the_run(self, stage: Stage) -> None:
        env = {"TOKEN": FileReference(str(Path("/nowhere/token")))}
        ended = stage.run(replace(ORDER, action=replace(IMAGE, env=env)))

        assert ended == RunEnded(ORDER.key, "failed", 0, "rejected", "TOKEN: /nowhere/token: No such file or directory")
        assert stage.api.asked == []

    def test_without_a_cluster_the_run_fails_and_says_so(self, stage: Stage) -> None:
        def no_home() -> JobsHome:
            raise ClusterError("no cluster: this is no pod")

        stage.around = replace(stage.around, home=no_home)

        assert stage.run() == RunEnded(ORDER.key, "failed", 0, "rejected", "no cluster: this is no pod")

    def test_a_shut_gate_lets_nothing_begin(self, stage: Stage) -> None:
        stage.gates = [False]

        assert stage.run() == RunEnded(ORDER.key, "gate_shut", 0)
        assert stage.api.asked == []

    def test_the_gate_is_asked_again_for_each_request(self, stage: Stage) -> None:
        """While it is shut, what was asked for without an answer is looked for and not asked for again."""
        stage.api.fails("create", AWAY)
        stage.gates = [True, True, False, False, True]
        stage.api.later(lambda: stage.api.complete(NAME))

        assert stage.run() == RunEnded(ORDER.key, "succeeded", 0)
        assert [one.split()[0] for one in stage.api.asked[:5]] == ["create", "get", "get", "get", "create"]

    def test_it_shuts_before_anything_was_sent(self, stage: Stage) -> None:
        stage.api.fails("get", AWAY)
        stage.gates = [True, False]

        assert stage.run(AGAIN) == RunEnded(AGAIN.key, "gate_shut", 0)
        assert "create" not in {one.split()[0] for one in stage.api.asked}

    @pytest.mark.parametrize(("patience_s", "waits_s"), [(3.0, 3.0), (60.0, 5.0), (-1.0, 0.1)])
    def test_no_request_to_create_is_waited_for_until_another_may_lead(
        self, stage: Stage, patience_s: float, waits_s: float
    ) -> None:
        stage.patience_s = patience_s
        stage.run(replace(ORDER, action=replace(IMAGE, wait=False)))

        assert stage.api.timeouts == [waits_s]


class TestItFails:
    def test_with_the_conditions_words_the_pods_and_its_last_lines(self, stage: Stage) -> None:
        stage.api.pod("report-x", NAME, "line 1\nline 2\n", phase="Failed", containerStatuses=[exited(3, "Error")])
        stage.api.later(lambda: stage.api.fail(NAME))
        ended = stage.run()

        assert ended == RunEnded(
            ORDER.key,
            "failed",
            0,
            "job_failed",
            "container job exited with 3, in pod report-x; BackoffLimitExceeded: it has tried enough",
        )
        assert stage.output == ["line 1", "line 2"]
        assert stage.api.asked[-1] == "text report-x/log?container=job&tailLines=20&limitBytes=65536"

    @pytest.mark.parametrize(("output", "lines"), [(Output.LOG, 1), (Output.TAIL, 1), (Output.NONE, 0)])
    def test_its_lines_are_told_as_the_policy_has_it(self, stage: Stage, output: Output, lines: int) -> None:
        stage.api.pod("report-x", NAME, "line 1\n", phase="Failed", containerStatuses=[exited(3)])
        stage.api.later(lambda: stage.api.fail(NAME))
        ended = stage.run(replace(ORDER, output=output))

        assert len(stage.output) == lines
        assert "exited with 3" in str(ended and ended.error)

    def test_without_the_right_to_look_at_pods_it_says_so(self, stage: Stage) -> None:
        stage.api.fails("list", Refused("403: may not list Pod ops/*", "grant list on pods in namespace ops to beat"))
        stage.api.later(lambda: stage.api.fail(NAME))
        ended = stage.run()

        assert (ended and ended.error) == "BackoffLimitExceeded: it has tried enough"
        (line,) = stage.output
        assert line.startswith("403: may not list Pod ops/* (grant list on pods in namespace ops to beat); so ")

    def test_without_the_right_to_read_logs_the_exit_code_is_known(self, stage: Stage) -> None:
        stage.api.pod("report-x", NAME, phase="Failed", containerStatuses=[exited(3)])
        stage.api.fails("text", Refused("403: may not get log of Pod ops/report-x"))
        stage.api.later(lambda: stage.api.fail(NAME))
        ended = stage.run()

        assert "exited with 3" in str(ended and ended.error)
        assert len(stage.output) == 1

    def test_with_its_pod_gone(self, stage: Stage) -> None:
        stage.api.pod("report-x", NAME, phase="Failed", containerStatuses=[exited(3)])
        stage.api.logs.clear()
        stage.api.later(lambda: stage.api.fail(NAME))

        assert "exited with 3" in str((stage.run() or RunEnded("", "", 0)).error)
        assert stage.output == []

    def test_somebody_deleted_it(self, stage: Stage) -> None:
        stage.api.later(lambda: stage.api.remove(NAME))

        assert stage.run() == RunEnded(
            ORDER.key, "failed", 0, "job_failed", f"Job ops/{NAME} is gone, and nobody saw it end"
        )

    def test_somebody_put_another_in_its_place(self, stage: Stage) -> None:
        def swap() -> None:
            stage.api.remove(NAME)
            stage.exists(replace(ORDER, attempt=9))

        stage.api.later(swap)
        ended = stage.run()

        assert (ended and ended.reason) == "job_failed"

    def test_kubernetes_ended_it_for_want_of_time(self, stage: Stage) -> None:
        stage.api.later(lambda: stage.api.fail(NAME, "DeadlineExceeded", "Job was active longer than specified"))
        ended = stage.run()

        assert ended == RunEnded(
            ORDER.key, "timed_out", 0, None, f"{NO_POD}; DeadlineExceeded: Job was active longer than specified"
        )

    def test_a_container_that_never_ran_is_not_asked_for_its_log(self, stage: Stage) -> None:
        """The kubelet would refuse, and a warning about that says less than what the container waits for."""
        waiting = {"name": "job", "state": {"waiting": {"reason": "ErrImagePull"}}}
        stage.api.pod("report-x", NAME, phase="Pending", containerStatuses=[waiting])
        stage.api.later(stage.pass_s(3600))
        ended = stage.run()

        assert (ended and ended.error) == "container job waits: ErrImagePull, in pod report-x"
        assert "text" not in {one.split()[0] for one in stage.api.asked}

    def test_whatever_goes_wrong_in_here_is_told(self, stage: Stage) -> None:
        stage.api.later(lambda: 1 / 0)

        assert stage.run() == RunEnded(ORDER.key, "failed", 0, "crashed", "ZeroDivisionError: division by zero")


def exited(code: int, reason: str | None = None, name: str = "job") -> dict[str, Any]:
    return {"name": name, "state": {"terminated": {"exitCode": code, "reason": reason}}}


class TestTheServerIsAway:
    def test_following_goes_on_when_it_is_back(self, stage: Stage) -> None:
        stage.api.fails("watch", AWAY, Unavailable("connection refused"))
        stage.api.fails("get", AWAY, AWAY, AWAY)
        stage.api.later(lambda: stage.api.complete(NAME))

        assert stage.run() == RunEnded(ORDER.key, "succeeded", 0)
        assert stage.output == ["timeout after 5s; trying again", "connection refused; trying again"]

    def test_trouble_is_told_as_a_warning_of_ours(self, stage: Stage) -> None:
        stage.api.fails("watch", AWAY)
        stage.api.later(lambda: stage.api.complete(NAME))
        stage.run()
        (line,) = [one for one in stage.news if isinstance(one, RunOutput)]

        assert (line.logger, line.level, line.stream) == ("leasebeat", "warning", "stderr")

    def test_who_may_not_watch_looks_from_time_to_time(self, stage: Stage) -> None:
        stage.api.fails("watch", WatchForbidden("403: may not watch Job ops/x", "grant watch on jobs.batch to beat"))
        stage.api.later(lambda: stage.api.complete(NAME))

        assert stage.run() == RunEnded(ORDER.key, "succeeded", 0)
        assert stage.output == ["403: may not watch Job ops/x (grant watch on jobs.batch to beat); trying again"]

    def test_its_refusals_do_not_end_what_goes_on(self, stage: Stage) -> None:
        """A Role may be gone for a moment, while a release is upgraded."""
        stage.api.fails("get", Refused("403: may not get Job ops/x"))
        stage.api.later(nothing, lambda: stage.api.complete(NAME))

        assert stage.run() == RunEnded(ORDER.key, "succeeded", 0)


class TestItTakesTooLong:
    def test_it_is_deleted_and_seen_gone(self, stage: Stage) -> None:
        stage.api.pod("report-x", NAME, "still at it\n", phase="Running")
        stage.api.later(stage.pass_s(3600))
        ended = stage.run()

        assert ended == RunEnded(ORDER.key, "timed_out", 3_600_000, None, "running, in pod report-x")
        assert stage.output == ["still at it"]
        assert not stage.api.has(NAME)

    def test_its_end_is_reported_when_its_pods_are_gone(self, stage: Stage) -> None:
        stage.api.lingers = True
        stage.api.later(stage.pass_s(3600))
        looks = []
        get = stage.api.get

        def looked(resource: Resource, timeout_s: float) -> Any:
            looks.append(resource.name)
            if len(looks) == 5:
                stage.api.remove(NAME)
            return get(resource, timeout_s)

        stage.api.get = looked  # type: ignore[method-assign]
        ended = stage.run()

        assert (ended and ended.outcome) == "timed_out"
        assert len(looks) == 5
        assert [one for one in stage.api.asked if one.startswith("delete")] == [f"delete {NAME}"]

    def test_deleting_is_tried_until_it_works(self, stage: Stage) -> None:
        stage.api.fails("delete", AWAY, FORBIDDEN)
        stage.api.later(stage.pass_s(3600))
        ended = stage.run()

        assert (ended and ended.outcome) == "timed_out"
        assert not stage.api.has(NAME)

    def test_what_ended_in_time_and_is_seen_too_late_has_not_timed_out(self, stage: Stage) -> None:
        """The API server was out of reach until its time was up. A retry would do again what is done."""

        def unseen() -> None:
            stage.api.complete(NAME)
            stage.pass_s(3600)()
            raise AWAY

        stage.api.later(unseen)
        ended = stage.run()

        assert ended
        assert (ended.outcome, ended.error) == ("succeeded", None)
        assert stage.api.has(NAME)

    def test_whose_time_is_up_before_it_could_be_found_is_deleted_all_the_same(self, stage: Stage) -> None:
        """The leader before us made it, and the API server was out of reach for as long as we had it in hand."""
        stage.exists()
        stage.api.fails("get", AWAY)
        stage.pass_on_output(stage.pass_s(3600))
        ended = stage.run(AGAIN)

        assert (ended and ended.outcome) == "timed_out"
        assert not stage.api.has(NAME)

    def test_it_ends_by_itself_while_deleting_fails(self, stage: Stage) -> None:
        """As `activeDeadlineSeconds` sees to, should the account lack the right to delete."""
        stage.api.fails("delete", FORBIDDEN)
        stage.api.later(stage.pass_s(3600))
        tell = stage.around.news

        def ends_then(news: RunNews) -> None:
            tell(news)
            if isinstance(news, RunOutput):
                stage.api.fail(NAME, "DeadlineExceeded")

        stage.around = replace(stage.around, news=ends_then)
        ended = stage.run()

        assert (ended and ended.outcome) == "timed_out"
        assert stage.api.has(NAME)

    def test_after_a_hand_over_its_time_is_what_is_left_of_it(self, stage: Stage) -> None:
        stage.exists(age_s=3000)
        stage.api.later(stage.pass_s(599), stage.pass_s(1))
        ended = stage.run(AGAIN)

        assert ended == RunEnded(AGAIN.key, "timed_out", 3_600_000, None, NO_POD)

    def test_what_could_never_be_created_is_looked_for_and_not_deleted_if_it_is_not_there(self, stage: Stage) -> None:
        stage.api.fails("create", AWAY)
        stage.pass_s(0)()
        stage.gates = [True, True, False, True]
        get, passes = stage.api.get, stage.pass_s(3600)

        def late(resource: Resource, timeout_s: float) -> Any:
            passes()
            return get(resource, timeout_s)

        stage.api.get = late  # type: ignore[method-assign]
        ended = stage.run()

        assert (ended and ended.outcome) == "timed_out"
        assert "delete" not in {one.split()[0] for one in stage.api.asked}

    def test_by_a_leader_that_may_have_a_successor_it_is_left_alone(self, stage: Stage) -> None:
        """The successor may have made it, under the same name, for a run of its own right."""
        stage.api.later(stage.pass_s(3600))
        stage.gates = [True, True, False]
        get, looks = stage.api.get, []

        def looked(resource: Resource, timeout_s: float) -> Any:
            looks.append(resource.name)
            if len(looks) == 3:
                stage.let_go()
            return get(resource, timeout_s)

        stage.api.get = looked  # type: ignore[method-assign]

        assert stage.run() is None
        assert stage.api.has(NAME)

    def test_by_a_leader_that_leads_on_it_is_deleted_as_soon_as_that_is_sure(self, stage: Stage) -> None:
        stage.api.later(stage.pass_s(3600))
        stage.gates = [True, True, False, False, True]
        ended = stage.run()

        assert (ended and ended.outcome) == "timed_out"
        assert not stage.api.has(NAME)

    def test_without_a_limit_it_may_take_for_ever(self, stage: Stage) -> None:
        stage.api.later(stage.pass_s(10**7), lambda: stage.api.complete(NAME))

        assert stage.run(replace(ORDER, timeout_s=None)) == RunEnded(ORDER.key, "succeeded", 10**10)


class TestItIsKilled:
    def test_it_is_deleted_and_seen_gone(self, stage: Stage) -> None:
        stage.api.later(stage.kill)

        assert stage.run() == RunEnded(ORDER.key, "killed", 0)
        assert not stage.api.has(NAME)

    def test_before_anything_was_sent(self, stage: Stage) -> None:
        stage.gates = [True]
        run = JobRun(ORDER, stage.around)
        run.kill()
        run.perform()

        assert stage.news == [RunEnded(ORDER.key, "killed", 0)]
        assert stage.api.asked == []

    def test_another_job_of_its_name_is_spared(self, stage: Stage) -> None:
        """Killed between a request without an answer and the look at what it did."""
        stage.exists(replace(ORDER, run="report@2026-11-22T11:00:00Z"))
        stage.api.fails("create", AWAY)
        tell = stage.around.news

        def kill_then(news: RunNews) -> None:
            tell(news)
            if isinstance(news, RunOutput):
                stage.kill()

        stage.around = replace(stage.around, news=kill_then)

        assert stage.run() == RunEnded(ORDER.key, "killed", 0)
        assert stage.api.has(NAME)


class TestARequestThatMayComeLate:
    """A request to create that had no answer may still be done, whenever it arrives. The run's name is taken before."""

    @pytest.fixture
    def killed(self, stage: Stage) -> Stage:
        """Killed when the first request to create it has had no answer."""
        stage.api.fails("create", AWAY)
        tell = stage.around.news

        def kill_then(news: RunNews) -> None:
            tell(news)
            if isinstance(news, RunOutput) and not stage.api.has(NAME):
                stage.kill()

        stage.around = replace(stage.around, news=kill_then)
        return stage

    def test_is_refused_when_it_arrives(self, killed: Stage) -> None:
        assert killed.run() == RunEnded(ORDER.key, "killed", 0)
        with pytest.raises(Conflict):
            arrives_late(killed)

    def test_the_seal_has_no_pods_and_does_not_last(self, killed: Stage) -> None:
        killed.run()
        spec = killed.api.job(NAME)["spec"]

        assert (spec["completions"], spec["parallelism"], spec["ttlSecondsAfterFinished"]) == (0, 0, 3600)

    def test_the_seal_is_no_job_of_the_runs(self, killed: Stage) -> None:
        """Who takes the run up must not believe that it succeeded."""
        killed.run()
        killed.api.complete(NAME)
        ended = killed.run(AGAIN)

        assert ended == RunEnded(
            AGAIN.key, "failed", 0, "rejected", f"Job ops/{NAME} was given up before it was known to exist"
        )
        assert killed.run(replace(AGAIN, adopts=True)) == RunEnded(AGAIN.key, "absent", 0)

    def test_that_arrives_just_before_the_seal_is_deleted(self, killed: Stage) -> None:
        create = killed.api.create

        def late(resource: Resource, body: Any, timeout_s: float) -> Any:
            if killed.api.timeouts and len(killed.api.bodies) == 0 and body["spec"].get("completions") == 0:
                arrives_late(killed, create)
            return create(resource, body, timeout_s)

        killed.api.create = late  # type: ignore[method-assign]

        assert killed.run() == RunEnded(ORDER.key, "killed", 0)
        assert [body["spec"].get("completions") for body in killed.api.bodies] == [None, 0]
        assert killed.api.job(NAME)["spec"]["completions"] == 0

    def test_the_seals_own_request_may_have_no_answer(self, killed: Stage) -> None:
        killed.api.fails("create", AWAY)
        killed.api.fails("create", AWAY, committed=True)
        killed.run()

        assert killed.api.job(NAME)["spec"]["completions"] == 0
        assert "delete" not in {one.split()[0] for one in killed.api.asked}

    def test_a_seal_that_is_refused_is_told_and_holds_nothing_up(self, killed: Stage) -> None:
        killed.api.fails("create", Refused("403: exceeded quota"))

        assert killed.run() == RunEnded(ORDER.key, "killed", 0)
        assert killed.output[-1] == "403: exceeded quota; so a request to create the Job may still make it"

    def test_whose_job_was_found_and_deleted_at_the_timeout_is_refused(self, stage: Stage) -> None:
        """The first of two requests made it; the second is still under way."""
        stage.api.fails("create", AWAY)
        stage.api.later(stage.pass_s(3600))
        ended = stage.run()

        assert (ended and ended.outcome) == "timed_out"
        with pytest.raises(Conflict):
            arrives_late(stage)

    def test_of_a_lost_leader_is_followed_if_it_arrives_before_the_seal(self, stage: Stage) -> None:
        create = stage.api.create

        def late(resource: Resource, body: Any, timeout_s: float) -> Any:
            if not stage.api.has(NAME):
                arrives_late(stage, create)
            return create(resource, body, timeout_s)

        stage.api.create = late  # type: ignore[method-assign]
        stage.api.later(lambda: stage.api.complete(NAME))

        assert stage.run(replace(AGAIN, adopts=True)) == RunEnded(AGAIN.key, "succeeded", 0)

    def test_of_a_lost_leader_stays_possible_where_a_seal_is_refused(self, stage: Stage) -> None:
        stage.api.fails("create", AWAY, Refused("403: exceeded quota"))

        assert stage.run(replace(AGAIN, adopts=True)) == RunEnded(AGAIN.key, "absent", 0)
        assert stage.output[-1] == "403: exceeded quota; so a request to create the Job may still make it"

    def test_of_a_lost_leader_is_refused_where_the_run_is_only_to_be_taken_up(self, stage: Stage) -> None:
        stage.run(replace(AGAIN, adopts=True))
        with pytest.raises(Conflict):
            arrives_late(stage)

    def test_where_every_request_was_answered_there_is_no_seal(self, stage: Stage) -> None:
        stage.api.later(stage.kill)
        stage.run()

        assert not stage.api.has(NAME)


def arrives_late(stage: Stage, create: Callable[..., Any] | None = None) -> None:
    body = job_object(ORDER, stage.home.origin, [])
    (create or stage.api.create)(stage.home.job(NAME), body, 1.0)


class TestItIsLetGoOf:
    def test_nothing_is_deleted_and_nothing_reported(self, stage: Stage) -> None:
        stage.api.later(stage.let_go)

        assert stage.run() is None
        assert stage.api.has(NAME)
        assert stage.api.asked == [f"create {NAME}", f"watch {NAME}"]

    def test_even_while_it_is_being_deleted(self, stage: Stage) -> None:
        stage.api.lingers = True
        stage.api.later(stage.kill)
        delete = stage.api.delete

        def asked(resource: Resource, uid: str | None, timeout_s: float) -> bool:
            stage.let_go()
            return delete(resource, uid, timeout_s)

        stage.api.delete = asked  # type: ignore[method-assign]

        assert stage.run() is None


class TestItReplacesOthers:
    REPLACING = replace(ORDER, replaces=True)

    def test_what_a_lost_leader_left_behind_is_deleted_first(self, stage: Stage) -> None:
        stage.exists(replace(ORDER, run="report@2026-11-22T11:00:00Z", tick="2026-11-22T11:00:00Z"))
        stage.exists(replace(ORDER, run="report@2026-11-22T10:00:00Z", tick="2026-11-22T10:00:00Z"))
        stage.exists(replace(ORDER, job="other", run="other@2026-11-22T11:00:00Z"))
        stage.api.complete("report-1795341600")
        stage.api.later(lambda: stage.api.complete(NAME))
        ended = stage.run(self.REPLACING)

        assert (ended and ended.outcome) == "succeeded"
        assert [one for one in stage.api.asked if one.startswith("delete")] == ["delete report-1795345200"]
        assert stage.api.asked.index("delete report-1795345200") < stage.api.asked.index(f"create {NAME}")
        assert stage.api.has("other-1795348800")

    def test_its_own_is_none_of_them(self, stage: Stage) -> None:
        stage.exists()
        stage.api.later(lambda: stage.api.complete(NAME))

        assert stage.run(replace(AGAIN, replaces=True)) == RunEnded(AGAIN.key, "succeeded", 0)

    def test_others_do_not_look(self, stage: Stage) -> None:
        stage.api.later(lambda: stage.api.complete(NAME))
        stage.run()

        assert "list" not in {one.split()[0] for one in stage.api.asked}

    def test_who_may_not_look_may_not_begin(self, stage: Stage) -> None:
        stage.api.fails("list", Refused("403: may not list Job ops/*"))

        assert stage.run(self.REPLACING) == RunEnded(ORDER.key, "failed", 0, "rejected", "403: may not list Job ops/*")


class TestItGoesWithItsDeployment:
    DEPLOYMENT = "/apis/apps/v1/namespaces/ops/deployments/beat"

    def test_the_deployment_is_asked_for_once(self, stage: Stage) -> None:
        stage.home = JobsHome(stage.api, "ops", "beat", "beat")  # type: ignore[arg-type]
        stage.api.objects[self.DEPLOYMENT] = {"metadata": {"name": "beat", "uid": "d1"}}
        stage.api.later(*[lambda: stage.api.complete(NAME), lambda: stage.api.complete(f"{NAME}-f1")])
        stage.run()
        stage.run(replace(AGAIN, failures=1))

        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "beat", "uid": "d1"}
        assert [body["metadata"]["ownerReferences"] for body in stage.api.bodies] == [[owner], [owner]]
        assert stage.api.asked.count("get beat") == 1

    @pytest.mark.parametrize("errors", [(), (Refused("403: may not get Deployment ops/beat"),)])
    def test_who_may_not_see_it_has_jobs_of_no_owner(self, stage: Stage, errors: tuple[StoreError, ...]) -> None:
        stage.home = JobsHome(stage.api, "ops", "beat", "beat")  # type: ignore[arg-type]
        stage.api.fails("get", *errors)
        stage.run(replace(ORDER, action=replace(IMAGE, wait=False)))

        assert "ownerReferences" not in stage.api.bodies[0]["metadata"]


def test_the_server_without_a_clock_of_its_own(stage: Stage) -> None:
    stage.exists(age_s=90)
    stage.api.server_time = None  # type: ignore[assignment]

    assert stage.home.age_of(stage.api.job(NAME)) == timedelta(0)
    assert stage.home.age_of({}) == timedelta(0)


def test_stamps_are_read_as_utc(stage: Stage) -> None:
    stage.exists()
    stage.api.later(lambda: stage.api.complete(NAME))
    stage.run(AGAIN)

    assert stage.starts[0].tzinfo is UTC
