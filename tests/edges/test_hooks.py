"""Hooks: called at the three moments of an election, one after another, and never waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from scheduler.core.actions import HookAction, HttpAction, PythonAction, ShellAction
from scheduler.core.ports import RunEnded, RunNews, RunOrder, RunOutput
from scheduler.running.hooks import QUEUE, Hooks
from scheduler.running.moments import Moment, Moments, order_of
from scheduler.running.supervisor.handle import SupervisorRunner
from scheduler.telling.events import check
from tests.edges.supervision import CONFIG_FOLDER
from tests.fakes.hand_clock import HandClock
from tests.fakes.receiver import receiving

AT = datetime(2026, 11, 22, 19, 41, 2, 140_000, UTC)
PATIENCE_S = 10.0
Facts = dict[str, object]

ACQUIRED = ("lead.acquired", {"term": 7, "fence": "48211", "cause": "expired", "previous": "b"})
RELEASED = ("lead.released", {"term": 7, "drained": 0})
LOST = ("lead.lost", {"term": 7, "reason": "other_holder", "running": 1})
FOLLOWS_B = ("lead.standby", {"leader": "b", "term": 6, "log": None})


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([ACQUIRED], ["started 7 48211 a", "new_leader 7 48211 a"], id="we lead"),
        pytest.param(
            [ACQUIRED, RELEASED],
            ["started 7 48211 a", "new_leader 7 48211 a", "stopped 7 48211 a"],
            id="we gave it back",
        ),
        pytest.param(
            [ACQUIRED, LOST], ["started 7 48211 a", "new_leader 7 48211 a", "stopped 7 48211 a"], id="we lost it"
        ),
        pytest.param(
            [ACQUIRED, LOST, ("lead.standby", {"leader": "c", "term": 8})],
            ["started 7 48211 a", "new_leader 7 48211 a", "stopped 7 48211 a", "new_leader 8 - c"],
            id="another leads after us",
        ),
        pytest.param([FOLLOWS_B], ["new_leader 6 - b"], id="we stand by"),
        pytest.param([FOLLOWS_B, FOLLOWS_B], ["new_leader 6 - b"], id="the same leader again"),
        pytest.param(
            [FOLLOWS_B, ("lead.observed", {"leader": "c", "term": 7})],
            ["new_leader 6 - b", "new_leader 7 - c"],
            id="it changes",
        ),
        pytest.param(
            [FOLLOWS_B, ("lead.observed", {"leader": "b", "term": 7})],
            ["new_leader 6 - b", "new_leader 7 - b"],
            id="a new term",
        ),
        pytest.param(
            [ACQUIRED, ("lead.suspended", {"term": 7}), ("lead.resumed", {"term": 7})],
            ["started 7 48211 a", "new_leader 7 48211 a"],
            id="a lead that is suspended goes on",
        ),
        pytest.param([("run.started", {"term": 7})], [], id="no matter of the lead"),
        pytest.param([("lead.refused", {"holder": "x"})], [], id="a Lease of others"),
    ],
)
def test_what_an_event_calls(events: list[tuple[str, Facts]], expected: list[str]) -> None:
    moments = Moments("a")
    called = [moment for event, facts in events for moment in moments.of(event, facts, AT)]

    assert [f"{one.hook} {one.term} {one.fence or '-'} {one.holder}" for one in called] == expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (ShellAction("x", env={"A": "b"}), {"A": "b", "LEASEBEAT_HOOK": "new_leader", "LEASEBEAT_HOLDER": "b"}),
        (PythonAction("m", "f"), {"LEASEBEAT_HOOK": "new_leader", "LEASEBEAT_HOLDER": "b"}),
        (
            HttpAction("http://x", headers={"A": "b"}),
            {"A": "b", "Leasebeat-Hook": "new_leader", "Leasebeat-Holder": "b"},
        ),
    ],
)
def test_what_a_hook_is_told(action: HookAction, expected: dict[str, str]) -> None:
    order = order_of(Moment("a", "new_leader", 6, "", "b", AT), action, 3)

    assert (order.job, order.run) == ("hook-new-leader", "hook-new-leader@2026-11-22T19:41:02Z-a")
    assert (order.term, order.fence, order.timeout_s) == (6, "", 30.0)
    assert (order.action.headers if isinstance(order.action, HttpAction) else order.action.env) == expected  # type: ignore[union-attr]


class Told:
    """What was told; each event and fact must be in the table."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Facts]] = []
        self._changed = threading.Condition()

    def __call__(self, event: str, /, **facts: object) -> None:
        check(event, facts)
        with self._changed:
            self.events.append((event, facts))
            self._changed.notify_all()

    def wait_for(self, event: str, count: int = 1) -> list[Facts]:
        def found() -> list[Facts]:
            return [facts for name, facts in self.events if name == event]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, PATIENCE_S), self.events
            return found()


class Runner:
    """A runner whose runs end when the test says so."""

    def __init__(self, news: Callable[[RunNews], None]) -> None:
        self.news = news
        self.orders: list[RunOrder] = []
        self.closed = False
        self.gate_until = 0.0
        self._changed = threading.Condition()

    def trust(self, gate_until: float, exclusive_until: float) -> None:
        assert exclusive_until
        self.gate_until = gate_until

    def start(self, order: RunOrder) -> None:
        with self._changed:
            self.orders.append(order)
            self._changed.notify_all()

    def close(self) -> None:
        self.closed = True
        self.end("killed")

    def end(self, outcome: str = "succeeded", reason: str | None = None, error: str | None = None) -> None:
        self.news(RunEnded(self.orders[-1].key, outcome, 5, reason, error))

    def wait_for(self, count: int) -> RunOrder:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.orders) >= count, PATIENCE_S)
        return self.orders[count - 1]


class Stage:
    """Hooks of replica `a`, for all three moments unless said otherwise, with a runner that the test ends runs of."""

    def __init__(self, *hooks: str) -> None:
        self.told = Told()
        self.clock = HandClock()
        self.runners: list[Runner] = []
        actions = {hook: ShellAction(hook) for hook in hooks or ("started", "stopped", "new_leader")}
        self.hooks = Hooks(actions, "a", self._employ, self.clock, self.told)

    def _employ(self, news: Callable[[RunNews], None]) -> Runner:
        self.runners.append(Runner(news))
        return self.runners[0]

    def hear(self, *events: tuple[str, Facts]) -> None:
        for event, facts in events:
            self.hooks.heard(event, facts, AT)

    def running(self, count: int = 1) -> Runner:
        """The runner, once it was given so many orders."""
        for _ in range(1000):
            if self.runners:
                self.runners[0].wait_for(count)
                return self.runners[0]
            threading.Event().wait(0.001)
        raise AssertionError("nobody was employed")


def test_hooks_are_called_one_after_another_and_their_ends_told() -> None:
    stage = Stage()
    stage.hear(ACQUIRED, RELEASED)
    runner = stage.running()
    assert len(runner.orders) == 1
    runner.end()
    runner.wait_for(2)
    runner.end("failed", "exit", "exit 3")
    runner.wait_for(3)
    runner.end("timed_out")
    stage.hooks.close()

    assert [order.key.partition("#")[0] for order in runner.orders] == ["started", "new_leader", "stopped"]
    assert runner.gate_until > stage.clock.now + 1e6
    assert stage.told.events == [
        ("hook.succeeded", {"hook": "started", "term": 7, "took_ms": 5}),
        ("hook.failed", {"hook": "new_leader", "term": 7, "took_ms": 5, "reason": "exit", "error": "exit 3"}),
        ("hook.failed", {"hook": "stopped", "term": 7, "took_ms": 5, "reason": "timed_out", "error": None}),
    ]


def test_moments_without_a_hook_employ_nobody() -> None:
    stage = Stage("stopped")
    stage.hear(ACQUIRED)
    stage.hooks.close()

    assert stage.runners == []
    assert stage.told.events == []


def test_what_a_hook_writes_is_told() -> None:
    stage = Stage("started")
    stage.hear(ACQUIRED)
    runner = stage.running()
    runner.news(RunOutput(runner.orders[0].key, "stdout", "moved the address"))
    runner.news(RunOutput(runner.orders[0].key, "log", "odd", "net", "warning"))
    runner.end()
    stage.hooks.close()

    assert [facts for event, facts in stage.told.events if event == "hook.output"] == [
        {"hook": "started", "stream": "stdout", "logger": None, "text": "moved the address"},
        {"hook": "started", "stream": "log", "logger": "net", "text": "odd", "level": "warning"},
    ]


def test_a_flood_of_moments_loses_the_oldest_and_says_so() -> None:
    stage = Stage("new_leader")
    stage.hear(("lead.observed", {"leader": "b", "term": 0}))
    runner = stage.running()
    stage.hear(*(("lead.observed", {"leader": "b", "term": term}) for term in range(1, QUEUE + 3)))
    runner.end()
    dropped = stage.told.wait_for("hook.dropped", 2)

    assert [facts["term"] for facts in dropped] == [1, 2]
    assert runner.wait_for(2).term == 3


def test_at_the_end_a_hook_has_what_is_left_of_the_time_to_drain() -> None:
    stage = Stage("stopped")
    stage.hear(("app.stopping", {"signal": "TERM", "running": 0, "drain_ms": 60_000}), ACQUIRED, RELEASED)
    runner = stage.running()
    threading.Timer(0.02, runner.end).start()
    stage.hooks.close(at_least_s=0)

    assert [event for event, _ in stage.told.events] == ["hook.succeeded"]


def test_a_hook_that_does_not_end_is_ended_and_those_behind_it_are_told() -> None:
    stage = Stage()
    stage.hear(ACQUIRED)
    runner = stage.running()
    stage.hooks.close(at_least_s=0)

    assert runner.closed
    assert stage.told.events == [
        ("hook.failed", {"hook": "started", "term": 7, "took_ms": 5, "reason": "killed", "error": None}),
        ("hook.dropped", {"hook": "new_leader", "term": 7, "reason": "stopping"}),
    ]


def test_a_hook_that_cannot_be_started_has_failed_and_the_next_one_is_tried() -> None:
    class Poor(Runner):
        def start(self, order: RunOrder) -> None:
            super().start(order)
            raise OSError("no process left")

    told = Told()
    hooks = Hooks({"new_leader": ShellAction("x")}, "a", Poor, HandClock(), told)
    for term in (6, 7):
        hooks.heard("lead.observed", {"leader": "b", "term": term}, AT)
    failed = told.wait_for("hook.failed", 2)
    hooks.close()

    assert [(facts["term"], facts["reason"], facts["error"]) for facts in failed] == [
        (6, "crashed", "OSError: no process left"),
        (7, "crashed", "OSError: no process left"),
    ]


@pytest.fixture
def real() -> Iterator[Callable[[dict[str, HookAction], Told], Hooks]]:
    made: list[Hooks] = []

    def make(actions: dict[str, HookAction], told: Told) -> Hooks:
        made.append(
            Hooks(actions, "a", lambda news: SupervisorRunner(news, CONFIG_FOLDER, grace_s=0.1), HandClock(), told)
        )
        return made[0]

    yield make
    for hooks in made:
        hooks.close()


def test_a_command_a_function_and_a_request_are_called(real: Callable[[dict[str, HookAction], Told], Hooks]) -> None:
    told = Told()
    with receiving() as receiver:
        hooks = real(
            {
                "started": PythonAction("sample_jobs", "show_surroundings", ("LEASEBEAT_HOOK", "LEASEBEAT_HOLDER")),
                "new_leader": HttpAction(receiver.url("/ok/led")),
                "stopped": ShellAction("echo $LEASEBEAT_HOOK $LEASEBEAT_TERM $LEASEBEAT_FENCE $LEASEBEAT_HOLDER"),
            },
            told,
        )
        for event, facts in (ACQUIRED, RELEASED):
            hooks.heard(event, facts, AT)
        ends = told.wait_for("hook.succeeded", 3)
        (got,) = receiver.got("/ok/led")
    lines = [facts["text"] for event, facts in told.events if event == "hook.output"]

    assert [end["hook"] for end in ends] == ["started", "new_leader", "stopped"]
    assert lines[1:] == ["started a", "stopped 7 48211 a"]
    assert (got["headers"]["leasebeat-hook"], got["headers"]["leasebeat-fence"]) == ("new_leader", "48211")
