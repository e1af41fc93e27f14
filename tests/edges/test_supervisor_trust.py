"""What the supervisor does about the trust in the lead that it was told of, and without being told (rule 11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.core.ports import RunEnded
from scheduler.running.supervisor.handle import SupervisorRunner
from scheduler.running.supervisor.times import boot_now
from tests.edges.supervision import CONFIG_FOLDER, FOR_EVER_S, Ear, Fifo, perform, python, shell, trusted


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear()


@pytest.fixture(scope="module")
def runner(ear: Ear) -> Iterator[SupervisorRunner]:
    runner = SupervisorRunner(ear, CONFIG_FOLDER, grace_s=FOR_EVER_S)
    yield runner
    runner.close()


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(tmp_path)
    yield fifo
    fifo.close()


def trust_for(runner: SupervisorRunner, seconds: float) -> None:
    runner.trust(boot_now() + seconds, boot_now() + seconds)


def test_exclusive_runs_die_at_the_deadline_and_others_do_not(runner: SupervisorRunner, ear: Ear, fifo: Fifo) -> None:
    trusted(runner)
    allowed = perform(runner, shell(f"{fifo.hold}; {fifo.pause}", exclusive=False))
    exclusive = [perform(runner, shell("trap '' TERM; echo up; sleep 60")), perform(runner, python("wait_for_ever"))]
    for key in exclusive:
        ear.line(key)
    fifo.wait_until_held()
    trust_for(runner, 0.2)

    assert [ear.ended(key).outcome for key in exclusive] == ["killed", "killed"]
    assert fifo.is_held()
    fifo.go()
    assert ear.ended(allowed).outcome == "succeeded"


def test_a_refreshed_deadline_counts(runner: SupervisorRunner, ear: Ear, fifo: Fifo) -> None:
    trusted(runner)
    key = perform(runner, shell(f"{fifo.hold}; {fifo.pause}"))
    fifo.wait_until_held()
    trust_for(runner, 0.3)
    trusted(runner)
    ear.ended(perform(runner, shell("sleep 0.5")))
    fifo.go()

    assert ear.ended(key).outcome == "succeeded"


def test_the_deadline_cuts_the_grace_of_a_timeout_short(runner: SupervisorRunner, ear: Ear) -> None:
    trusted(runner)
    key = perform(runner, shell("trap 'echo asked' TERM; while :; do sleep 0.01; done", timeout_s=0.1))
    ear.line(key)  # it was asked to end
    trust_for(runner, 0.1)

    assert ear.ended(key).outcome == "timed_out"


def test_losing_the_lead_kills_exclusive_runs_and_shuts_the_gate(
    runner: SupervisorRunner, ear: Ear, fifo: Fifo
) -> None:
    trusted(runner)
    allowed = perform(runner, shell(f"{fifo.hold}; {fifo.pause}", exclusive=False))
    exclusive = perform(runner, shell("echo up; sleep 60"))
    ear.line(exclusive)
    fifo.wait_until_held()
    runner.kill_exclusive()
    refused = perform(runner, shell("true", exclusive=False))
    fifo.go()

    assert [ear.ended(key).outcome for key in (exclusive, refused, allowed)] == ["killed", "gate_shut", "succeeded"]


def test_trust_that_follows_at_once_does_not_spare_the_runs_of_the_lost_lead(
    runner: SupervisorRunner, ear: Ear
) -> None:
    trusted(runner)
    before = perform(runner, shell("echo up; sleep 60"))
    ear.line(before)
    runner.kill_exclusive()
    trusted(runner)
    after = perform(runner, shell("true"))

    assert [ear.ended(key).outcome for key in (before, after)] == ["killed", "succeeded"]


def test_a_run_that_was_killed_before_its_first_statement_was_not_started(runner: SupervisorRunner, ear: Ear) -> None:
    runner.trust(gate_until=boot_now() + FOR_EVER_S, exclusive_until=boot_now())
    key = perform(runner, shell("true"))

    assert ear.ended(key) in (RunEnded(key, "gate_shut", took_ms=0), RunEnded(key, "killed", ear.ended(key).took_ms))
    assert (ear.ended(key).outcome == "killed") == ("RunStarted" in [kind.__name__ for kind in ear.kinds(key)])


def test_killing_a_run_that_is_over_or_unknown_is_no_mistake(runner: SupervisorRunner, ear: Ear) -> None:
    runner.kill("nobody@2026-11-22T02:15:00Z#1")
    trusted(runner)
    key = perform(runner, shell("true"))
    ear.ended(key)
    runner.kill(key)

    assert ear.ended(perform(runner, shell("true"))).outcome == "succeeded"
