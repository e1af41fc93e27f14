"""What bad weather has found, each reduced to its smallest story. They stay, so that it is found once."""

from __future__ import annotations

from datetime import timedelta

from scheduler.core.actions import KubernetesJobAction
from scheduler.core.ledger import Ledger, WriteId, decode, encode
from scheduler.core.notes.commands import pauses_in
from tests.fakes.outliving import PretendCluster
from tests.fakes.stories import led_by_a
from tests.fakes.tables import AT_MOST_ONCE, every, table
from tests.fakes.world import EPOCH, World, run

PAUSE = '{"do":"pause","job":"a","at":"2026-11-22T12:00:07.000Z","until":null,"reason":null}'


def test_two_marks_inside_one_second_are_both_kept() -> None:
    """A new definition's mark is when it was loaded, fractions included; written down, it must not hide the others."""
    whole, later = EPOCH, EPOCH + timedelta(seconds=0.7)
    before = Ledger(
        WriteId(1, "k3f9"), settled=EPOCH + timedelta(seconds=60), known="aaaaaabbbbbbcccccc",
        behind={"aaaaaa": whole, "bbbbbb": whole, "cccccc": later},
    )  # fmt: skip

    assert decode(encode(before)).behind.keys() == {"aaaaaa", "bbbbbb", "cccccc"}


def test_lines_are_repeated_of_ticks_that_the_new_table_has_no_more() -> None:
    """Rule 5: A drops two late ticks and dies before it can say so; B, whose table has another schedule, tells."""
    world, a, b = led_by_a(table(every("a", 2), revision=1))
    world.run_to(2.5)
    b.kill()
    a.freeze()
    world.run_to(9.2)  # 4, 6 and 8 fall due
    world.replica("C", table(every("a", 7), loaded=9.2, revision=2))
    world.run_to(9.3)
    a.lose_reply()
    a.lose_request()
    a.thaw()
    world.run_for(0)
    a.kill()
    world.run_for(16)

    repeated = world.events("run.dropped", repeated=True)
    assert sum(int(str(line.facts.get("ticks", 1))) for line in repeated) == 2


def test_a_pause_outlives_a_restore() -> None:
    """Rules 30, 37: the leader that writes its own ledger back over an older Lease writes back who is paused, too."""
    world, _, _ = led_by_a(table(every("a", 5)))
    world.run_to(6)
    older = world.record
    assert older
    world.run_to(7)
    assert world.record
    world.edit(notes={"cmd-m-7f3a1b2c": PAUSE})
    world.run_to(8)
    world.restore(older)
    world.run_to(30)

    assert world.record.notes.keys() == {"paused"}
    assert world.started("a") == [(run("a", 5), 1)]


def test_a_run_that_ends_as_the_lease_is_restored_is_not_repeated() -> None:
    """Rules 30, 34: what a leaver reports over a Lease that went back is lost as the leader writes its own back."""
    world, a, b = led_by_a(table(every("a", 5), every("beside", 60)))
    a.runner.duration_s["beside"] = 8.0
    world.run_to(62)
    a.terminate(30.0, at_once=True)
    world.run_to(63)
    older = world.record
    assert older
    world.run_to(67.9)
    b.watches = False  # so that it learns of the restore as it writes, after the report
    world.restore(older)
    world.run_to(68.1)
    b.watches = True
    world.run_to(119)

    assert world.started("beside") == [(run("beside", 60), 1)]


def test_a_leaver_reports_only_the_runs_that_are_still_its_own() -> None:
    """Rule 34: `x` was given up as interrupted before its owner could report it; that it succeeded is not recorded."""
    x, y = every("x", 60, **AT_MOST_ONCE), every("y", 60)
    world, a, b = led_by_a(table(x, y, revision=1))
    b.kill()
    a.runner.duration_s |= {"x": 6.0, "y": 6.0}
    world.run_to(61)
    world.replica("C", table(x, loaded=61, revision=2))  # which keeps the run of `y` for whoever serves it
    world.run_to(62)
    a.terminate(20.0, at_once=True)
    world.run_to(63)
    a.away = True  # just as its runs end
    world.run_to(63 + 20)
    a.away = False
    world.run_for(10)

    told = [(line.event, line.facts.get("recorded")) for line in world.lines if line.facts.get("run") == run("x", 60)]
    assert [event for event, recorded in told if recorded is None and event != "run.started"] == ["run.interrupted"]


def test_resuming_all_jobs_resumes_those_that_only_a_newer_table_has() -> None:
    """Rules 20, 37: nobody is left paused because the command was heard by a replica of the revision before."""
    old, new = table(every("a", 5), revision=1), table(every("a", 5), every("b", 5), loaded=1, revision=2)
    world, a, b = led_by_a(old)
    b.kill()
    world.run_to(1)
    newer = world.replica("C", new)
    a.terminate(5.0)
    world.run_to(8)
    _ask(world, "m-00000001", '{"do":"pause","job":null,"at":"2026-11-22T12:00:08.000Z","until":null,"reason":null}')
    world.run_to(9)
    assert world.record
    assert "b" in pauses_in(world.record.notes)
    world.replica("D", old)
    newer.terminate(5.0)
    world.run_to(16)
    _ask(world, "m-00000002", '{"do":"resume","job":null,"at":"2026-11-22T12:00:16.000Z","until":null,"reason":null}')
    world.run_to(17)

    assert world.record.holder == "D"
    assert dict(world.record.notes) == {}


def _ask(world: World, name: str, command: str) -> None:
    assert world.record
    world.edit(notes={**world.record.notes, f"cmd-{name}": command})


def test_an_older_table_does_not_give_up_a_job_that_goes_on() -> None:
    """Rules 17, 20: only who has the job knows that its run outlives a leader, though it was claimed at most once."""
    report = every("report", 30, offset=5, action=KubernetesJobAction("acme/indexer:4"), **AT_MOST_ONCE)
    world, a, b = led_by_a(table(every("a", 5), revision=1))
    cluster = PretendCluster(world, {"report": 50.0})
    b.kill()
    newer = world.replica("C", table(every("a", 5), report, loaded=1, revision=2), runner=cluster.runner)
    a.terminate(5.0)
    world.run_to(7)
    older = world.replica("D", table(every("a", 5), revision=1))
    newer.kill()
    world.run_to(30)
    assert world.record
    assert world.record.holder == "D"
    world.replica("E", newer.table, runner=cluster.runner)
    older.terminate(1.0)
    world.run_to(60)

    assert cluster.created == [(run("report", 5), 1)]
    assert world.fates("report") == [("skipped", run("report", 35)), ("succeeded", run("report", 5))]


def test_what_a_returning_standby_glimpses_tells_it_of_a_restore() -> None:
    """Rules 7, 30: B was cut off and tried to take over; it sees A's last write, and then an older one is restored."""
    world, _, b = led_by_a(table(every("a", 5)))
    world.run_to(7)
    older = world.record
    assert older
    b.away = True
    world.run_to(27)
    b.away = False
    world.restore(older, rewind=True)
    world.run_to(60)

    assert [line.replica for line in world.events("lead.acquired")] == ["A"]
    assert len(set(world.started("a"))) == len(world.started("a")) == 12


def test_a_job_claimed_at_most_once_is_not_retried_by_another_table() -> None:
    """Rule 17: it was taken up by a leader whose table allows retries; the promise of its claim is the stricter one."""
    image = KubernetesJobAction("acme/indexer:4")
    world, a, b = led_by_a(table(every("a", 5), revision=1))
    cluster = PretendCluster(world, {"report": 9.0}, {"report"})
    b.kill()
    a.terminate(1.0)
    dear = every("report", 300, offset=30, action=image, **AT_MOST_ONCE)
    before = world.replica("C", table(dear, loaded=1, revision=2), runner=cluster.runner)
    world.run_to(31)
    before.kill()
    edited = every("report", 300, offset=30, action=image, retries=2)
    world.replica("D", table(edited, loaded=31, revision=3), runner=cluster.runner)
    world.run_to(120)

    assert cluster.created == [(run("report", 30), 1)]
    assert world.fates("report") == [("failed", run("report", 30))]


def test_what_a_write_decided_is_told_though_its_writer_lost_the_lead_before_it_knew() -> None:
    """Rule 5: the `w` that it takes over is its own, but it never learned that this landed, and has printed nothing."""
    world, a, b = led_by_a(table(every("a", 10)))
    b.kill()
    a.runner.duration_s["a"] = 12.0
    world.run_to(19.99)
    a.lose_reply(2.0)  # of the write that skips tick 20
    world.run_to(21)
    world.edit(holder="human")
    world.run_to(60)

    assert [line.facts["repeated"] for line in world.events("run.skipped", run=run("a", 20))] == [True]
