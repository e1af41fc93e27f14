"""client-go's list of cases for leader election, told as ours: what is on the server, what happens, what it ends in.

client-go is what most programs on Kubernetes elect their leader with, and its tests are the best list of what an
elector must get right. Each row gives the requests that client-go makes and those that ours may make, counted; where
the two differ, or where they end in something else, the row says why. What client-go gets wrong is in
test_two_leaders.py.

The replica is the real one over the pretended world: lease 15 s (L), trust 10 s (D), retry period 2 s (P), no tick due.
`bing` is the other holder, `me` the replica. `theirs` was read out of client-go's source and tests of 2026.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.cli.main import main
from scheduler.core.ledger import decode, encode
from scheduler.core.moves import Kind
from scheduler.core.ports import LeaseRecord
from tests.edges.config_text import told
from tests.fakes.requests import (
    BING,
    FAR_AHEAD,
    FOREIGN,
    FREE,
    IDLE,
    LABELS,
    LONG_AGO,
    NEWER_TABLE,
    PLAN,
    POLLS,
    Case,
    Happens,
    P,
    Scene,
    contends,
    created_by_bing,
    deleted,
    edit,
    forget,
    holds,
    leads,
    renewed_every,
    rows,
    stands_by,
    stop,
    taken_by_bing,
    then,
    unseen,
    wait,
)
from tests.fakes.stories import FAIL_OVER, one_gate_at_most
from tests.fakes.world import D, L, World

# ------------------------------------------------------------------ to acquire or to renew


@rows(
    Case(
        "there is no lock object",
        given=contends(None),
        happens=wait(P + 0.1),
        ends="leads",
        lease=("me", 0),
        theirs="GET POST",
        ours="GET POST 2 PUT",
        why=f"a POST may land late, so it grants nothing and a PUT brings the ledger (rule 27); {PLAN}",
    ),
    Case(
        "there is none, and another makes it first",
        given=contends(None),
        happens=then(unseen(wait(P - 0.1)), created_by_bing, wait(1)),
        ends="follows bing",
        lease=("bing", 0),
        theirs="GET POST",
        ours="GET POST GET",
        why="what refused the POST is looked at at once, not after the next retry period",
    ),
    Case(
        "the object says nothing at all",
        given=contends(LeaseRecord("", 0, "", "", 0, None)),
        happens=wait(1),
        ends="leads, starts nothing",
        lease=("me", 1),
        theirs="GET PUT",
        ours="GET PUT",
        why="it has no ledger, so somebody may have led who knows more: quiet for L (rule 29)",
    ),
    Case(
        "it is held, for 3 s by its own word",
        given=contends(replace(BING, duration_s=3)),
        happens=wait(3.6),
        ends="leads",
        lease=("me", 1),
        theirs="2 GET PUT",
        ours="GET 2 PUT",
        why=f"no second look: the PUT is refused if the holder lives; {PLAN}",
    ),
    Case(
        "nobody holds it",
        given=contends(FREE),
        happens=wait(0.2),
        ends="leads",
        lease=("me", 1),
        theirs="GET PUT",
        ours="GET 2 PUT",
        why=PLAN,
    ),
    Case(
        "nobody holds it, and a newer table than ours has led",
        given=contends(replace(FREE, ledger=NEWER_TABLE)),
        happens=wait(P),
        ends="waits",
        lease=("", 0),
        theirs="GET PUT",
        ours="GET",
        why="it waits P longer, so that in a roll-out the new table leads (rule 10)",
    ),
    Case(
        "it is held, and was not renewed for L",
        given=stands_by(),
        happens=wait(FAIL_OVER),
        ends="leads",
        lease=("me", 1),
        theirs="GET PUT",
        ours="2 PUT",
        why=f"the watch has shown what there is to see; {PLAN}",
    ),
    Case(
        "its holder lets go of it, having renewed a moment ago",
        given=stands_by(),
        happens=then(wait(1), edit(holder=""), wait(0.2)),
        ends="leads",
        lease=("me", 1),
        theirs="GET PUT",
        ours="2 PUT",
        why=f"the watch shows the release: 0 to 0.1 s instead of 2 to 4.4 s; {PLAN}",
    ),
    Case(
        "it is held, and was renewed",
        given=stands_by(),
        happens=then(wait(1), edit(renewed=FAR_AHEAD), wait(L - 1)),
        ends="follows bing",
        lease=("bing", 0),
        theirs=f"GET, {POLLS}",
        ours="",
        why="it watches",
    ),
    Case(
        "it is mine",
        given=leads(),
        happens=wait(D / 2),
        ends="leads",
        lease=("me", 0),
        theirs="GET PUT",
        ours="PUT",
        why="always the fast path: a write is over the last version, however old",
    ),
    Case(
        "its holder renews for a minute and dies",
        given=stands_by(),
        happens=then(renewed_every(2, 30), wait(FAIL_OVER)),
        ends="leads",
        lease=("me", 1),
        theirs=f"GET, {POLLS}, PUT",
        ours="2 PUT",
        why=f"it watches; {PLAN}",
    ),
    Case(
        "its renewal time is a thousand hours old, by the holder's clock",
        given=contends(replace(BING, renewed=LONG_AGO)),
        happens=wait(L - 0.1),
        ends="follows bing",
        lease=("bing", 0),
        theirs=f"GET, {POLLS}",
        ours="GET",
        why="as theirs it goes by what it has seen change, not by another's clock; but it watches",
    ),
    Case(
        "its renewal time is a thousand hours ahead",
        given=contends(replace(BING, renewed=FAR_AHEAD)),
        happens=wait(FAIL_OVER),
        ends="leads",
        lease=("me", 1),
        theirs=f"GET, {POLLS}, PUT",
        ours="GET 2 PUT",
        why=f"it watches; {PLAN}",
    ),
    Case(
        "another was faster to take it over",
        given=stands_by(),
        happens=then(unseen(wait(L)), taken_by_bing, wait(1)),
        ends="follows bing",
        lease=("bing", 1),
        theirs="GET",
        ours="PUT GET",
        why="it writes first and looks when refused; as a rule that saves the GET",
    ),
)
def test_acquire_or_renew(case: Case) -> None:
    """client-go: TestTryAcquireOrRenewLeases, eight cases and their neighbours (rules 1, 7, 8, 10, 27)."""
    holds(case)


@rows(
    Case(
        "it is another program's, and expired",
        given=contends(FOREIGN),
        happens=wait(4 * L),
        ends="leaves it to bing",
        lease=("bing", 0),
        theirs=f"GET, {POLLS}, PUT",
        ours="GET",
        why="a Lease that never carried a ledger is somebody's whose rules are not ours: left alone, even expired",
    ),
    Case(
        "it is another program's, expired, and to be adopted",
        given=contends(FOREIGN, adopt=True),
        happens=wait(FAIL_OVER),
        ends="leads, starts nothing",
        lease=("me", 1),
        theirs=f"GET, {POLLS}, PUT",
        ours="GET PUT",
        why="it watches; there is no ledger to build on: quiet for L (rule 29)",
    ),
    Case(
        "it was another program's, which gave it back",
        given=contends(replace(FOREIGN, holder="")),
        happens=wait(1),
        ends="leaves it to ",
        lease=("", 0),
        theirs="GET PUT",
        ours="GET",
        why="it is that program's still, which will want it again; unless `lease.adopt`",
    ),
    Case(
        "nobody has ever used it",
        given=contends(replace(FOREIGN, holder="", renewed="")),
        happens=wait(1),
        ends="leads, starts nothing",
        lease=("me", 1),
        theirs="GET PUT",
        ours="GET PUT",
    ),
    Case(
        "a later version wrote its ledger",
        given=contends(replace(FREE, ledger='{"v":2}')),
        happens=wait(4 * L),
        ends="leaves it to ",
        lease=("", 0),
        theirs="GET PUT",
        ours="GET",
        why="what it does not understand it does not overwrite (rule 29)",
    ),
)
def test_foreign_leases(case: Case) -> None:
    """client-go had locks on ConfigMaps and Endpoints and converted them; here there are Leases, ours and foreign."""
    holds(case)


@rows(
    Case(
        "it is held by another",
        given=stands_by(replace(BING, rest={"spec": {"strategy": "OldestEmulationVersion"}})),
        happens=wait(1),
        ends="follows bing",
        lease=("bing", 0),
        theirs="GET",
        ours="",
        why="it watches",
    ),
    Case(
        "it is mine, and marked for another",
        given=leads(),
        happens=then(edit(rest={"spec": {"preferredHolder": "bing"}}), wait(D / 2)),
        ends="leads",
        lease=("me", 0),
        theirs="GET",
        ours="PUT GET PUT",
        why="there is no coordinator here; the mark is kept and not obeyed",
    ),
)
def test_coordinated_renewal(case: Case) -> None:
    """client-go: TestTryCoordinatedRenew. An alpha of Kubernetes; ours takes no part, and disturbs no field of it."""
    holds(case)


# ------------------------------------------------------------------ to release


@rows(
    Case(
        "it is mine",
        given=leads(),
        happens=stop,
        ends="has left",
        lease=("", 0),
        theirs="GET PUT",
        ours="PUT",
        why="the PUT quotes the version last written, so that a look before it proves nothing more",
    ),
    Case(
        "somebody edited it meanwhile",
        given=leads(),
        happens=then(edit(rest=LABELS), stop),
        ends="has left",
        lease=("", 0),
        theirs="GET PUT",
        ours="PUT GET PUT",
        why="it looks only when refused",
    ),
    Case(
        "it is refused, and tries again",
        given=leads(),
        happens=then(lambda scene: scene.me.lose_request(), stop),
        ends="has left",
        lease=("", 0),
        theirs="GET PUT GET PUT",
        ours="PUT GET PUT",
        why="the same, less the first look",
    ),
    Case(
        "another took it, unseen",
        given=leads(),
        happens=then(unseen(taken_by_bing), stop),
        ends="has left",
        lease=("bing", 1),
        theirs="GET PUT",
        ours="PUT GET",
        why="client-go looks but goes by what it saw before, and empties the other's Lease; ours is refused",
    ),
    Case(
        "it was deleted, unseen",
        given=leads(),
        happens=then(unseen(deleted), stop),
        ends="has left",
        lease=None,
        theirs="GET",
        ours="PUT GET",
        why="it writes first; and what is gone is not made anew to be released",
    ),
    Case(
        "it never led",
        given=stands_by(),
        happens=stop,
        ends="has left",
        lease=("bing", 0),
        theirs="",
        ours="",
    ),
    Case(
        "it leads quietly",
        given=leads(quiet_start=True),
        happens=stop,
        ends="has left",
        lease=("me", 0),
        theirs="GET PUT",
        ours="",
        why="a release would end the quiet for whoever comes next (rule 29)",
    ),
)
def test_release(case: Case) -> None:
    """client-go: TestReleaseLeaseLeases, TestReleaseMethodCallsGet, TestReleaseRetriesOnConflict (rule 33)."""
    holds(case)


def renewing(*, loses: int = 0, reply: bool = False) -> Happens:
    """It is time to renew; so many requests are lost on their way, or the reply to the first of them is."""

    def happens(scene: Scene) -> None:
        for _ in range(loses):
            scene.me.lose_request()
        if reply:
            scene.me.lose_reply()
        scene.world.run_for(D / 2)

    return happens


@rows(
    Case(
        "while a renewal is under way",
        given=leads(),
        happens=then(lambda scene: scene.me.delay_reply(1), wait(D / 2 + 0.5), stop, wait(1)),
        ends="has left",
        lease=("", 0),
        theirs="PUT GET PUT GET PUT",
        ours="2 PUT",
        why="the request is waited for, it has its own deadline; theirs is cut off and looked for",
    ),
    Case(
        "as a renewal was lost",
        given=leads(),
        happens=then(renewing(loses=2), stop, wait(1)),
        ends="has left",
        lease=("", 0),
        theirs="PUT GET PUT GET PUT",
        ours="PUT 2 GET PUT",
        why="only a GET tells whether a write landed (rule 3), and that one was lost as well",
    ),
    Case(
        "while a look is under way, and no look succeeds for a while",
        given=leads(),
        happens=then(renewing(loses=4), stop, wait(2)),
        ends="has left",
        lease=("", 0),
        theirs="PUT 2 GET",
        ours="PUT 4 GET PUT",
        why="client-go gives up at the first look that fails, and the others wait for L",
    ),
    Case(
        "as the reply to a renewal was lost",
        given=leads(),
        happens=then(renewing(reply=True), stop),
        ends="has left",
        lease=("", 0),
        theirs="PUT GET PUT GET PUT",
        ours="PUT GET PUT",
        why="the Lease names the write that made it, so the GET proves the renewal (rule 3a)",
    ),
)
def test_release_when_cancelled(case: Case) -> None:
    """client-go: testReleaseOnCancellation (rules 3, 32, 33)."""
    holds(case)


# ------------------------------------------------------------------ the fast path


def restored(scene: Scene) -> None:
    """As it was three writes ago."""
    assert scene.world.record
    now = decode(scene.world.record.ledger or "")
    older = replace(now, written=replace(now.written, number=now.written.number - 3))
    scene.world.edit(ledger=encode(older))


@rows(
    Case(
        "twice in good order",
        given=leads(),
        happens=wait(D),
        ends="leads",
        lease=("me", 0),
        theirs="2 PUT",
        ours="2 PUT",
    ),
    Case(
        "refused once",
        given=leads(),
        happens=then(edit(rest=LABELS), wait(D)),
        ends="leads",
        lease=("me", 0),
        theirs="PUT GET 2 PUT",
        ours="PUT GET 2 PUT",
    ),
    Case(
        "refused, for another holds it",
        given=leads(),
        happens=then(unseen(taken_by_bing), wait(D / 2 + 1)),
        ends="follows bing",
        lease=("bing", 1),
        theirs="PUT 5 GET",
        ours="PUT GET",
        why="client-go asks on for its renew deadline, leading; ours ends with the first look",
    ),
    Case(
        "refused, for it was deleted",
        given=leads(),
        happens=then(unseen(deleted), wait(D / 2)),
        ends="leads",
        lease=("me", 1),
        theirs="PUT GET POST",
        ours="PUT GET POST 2 PUT",
        why=f"inside its trust it brings the ledger back by a PUT (rules 3c, 28); {PLAN}; theirs counts from 0 again",
    ),
    Case(
        "refused, for an older version of it was restored",
        given=leads(),
        happens=then(wait(D), forget, unseen(restored), wait(D / 2)),
        ends="leads",
        lease=("me", 0),
        theirs="PUT GET PUT",
        ours="PUT GET PUT",
        why="it writes its own ledger back, for nobody knows as much (rules 3d, 30)",
    ),
    Case(
        "too late, and nobody was there to take it",
        given=leads(),
        happens=then(lambda scene: scene.me.freeze(), wait(2 * L), lambda scene: scene.me.thaw(), wait(0)),
        ends="leads",
        lease=("me", 0),
        theirs="GET PUT",
        ours="PUT",
        why="the compare-and-swap proves that nobody led in between: same term (rule 6)",
    ),
)
def test_fast_path(case: Case) -> None:
    """client-go: TestFastPathLeaderElection (rules 1, 3b, 3c, 3d, 3e)."""
    holds(case)


# ------------------------------------------------------------------ failing and slow requests


def away(scene: Scene) -> None:
    scene.me.away = True


def back(scene: Scene) -> None:
    scene.me.away = False


def writes_fail(scene: Scene) -> None:
    scene.me.writes_fail = True


def writes_work(scene: Scene) -> None:
    scene.me.writes_fail = False


def slow(seconds: float) -> Happens:
    return lambda scene: setattr(scene.me, "latency_s", seconds)


def edited_every(seconds: float, times: int) -> Happens:
    def happens(scene: Scene) -> None:
        for edit_ in range(times):
            scene.world.edit(rest={"metadata": {"labels": {"edited": str(edit_)}}})
            scene.world.run_for(seconds)

    return happens


@rows(
    Case(
        "the server goes away for a minute, another leads",
        given=stands_by(),
        happens=then(away, wait(60)),
        ends="follows bing",
        lease=("bing", 0),
        theirs="14 to 30 GET",
        ours="PUT 25 GET",
        why="one write when the Lease expires; then an eighth of P at first, doubling to P",
    ),
    Case(
        "the server goes away for the rest of the trust and a minute more",
        given=leads(),
        happens=then(away, wait(D / 2 + 60)),
        ends="leads, starts nothing",
        lease=("me", 0),
        theirs="PUT GET PUT GET PUT GET PUT GET PUT GET",
        ours="PUT 33 GET",
        why="client-go ends after its renew deadline; ours asks on, and starts nothing until a write proves its lead",
    ),
    Case(
        "it comes back within the trust",
        given=leads(),
        happens=then(away, wait(D / 2 + 1), back, wait(2)),
        ends="leads",
        lease=("me", 0),
        theirs="PUT GET PUT",
        ours="PUT 4 GET PUT",
        why="it looks before it writes again: a write that was not answered may have landed",
    ),
    Case(
        "writes are refused by a quota for 4 s, reads are not",
        given=leads(),
        happens=then(wait(1), writes_fail, wait(D / 2 + 3), writes_work, wait(3)),
        ends="leads",
        lease=("me", 0),
        theirs="PUT GET PUT PUT GET PUT PUT",
        ours="PUT GET PUT 2 GET PUT 2 GET PUT 2 GET PUT 2 GET PUT 2 GET PUT",
        why="a look after each failed write, and before each that had to wait; paced from an eighth of P to P",
    ),
    Case(
        "every answer takes 1.5 s",
        given=leads(),
        happens=then(slow(1.5), wait(4 * D)),
        ends="leads",
        lease=("me", 0),
        theirs="20 PUT",
        ours="8 PUT",
        why="it renews when half the trust is gone, theirs every P",
    ),
    Case(
        "somebody edits it four times a second, and answers take 50 ms",
        given=leads(),
        happens=then(slow(0.05), edited_every(0.27, 40)),
        ends="leads",
        lease=("me", 0),
        theirs="PUT GET PUT",
        ours="PUT GET 2 PUT GET PUT",
        why="refused, it looks and writes at once; should that be refused too, later and later",
    ),
    Case(
        "nothing happens for ten minutes, another leads",
        given=stands_by(),
        happens=renewed_every(5, 120),
        ends="follows bing",
        lease=("bing", 0),
        theirs="140 to 300 GET",
        ours="",
        why="it watches",
    ),
    Case(
        "nothing happens for ten minutes, it leads",
        given=leads(),
        happens=wait(600),
        ends="leads",
        lease=("me", 0),
        theirs="300 PUT",
        ours="120 PUT",
        why="it renews when half the trust is gone, theirs every P",
    ),
)
def test_pacing(case: Case) -> None:
    """client-go has no tests of it; the counts are its loops' (`renew`, JitterUntil) over the same time."""
    holds(case)


# ------------------------------------------------------------------ who is told of whom


@pytest.mark.parametrize(
    ("happens", "told_of"),
    [
        pytest.param(wait(1), ["standby bing"], id="the first leader it sees"),
        pytest.param(renewed_every(2, 5), ["standby bing"], id="no renewal"),
        pytest.param(edit(rest=LABELS), ["standby bing"], id="no label"),
        pytest.param(edit(holder="bong", transitions=1), ["standby bing", "observed bong"], id="the next leader"),
        pytest.param(edit(transitions=1), ["standby bing", "observed bing"], id="the same one in another term"),
        pytest.param(then(edit(holder=""), stop), ["standby bing"], id="not that nobody leads"),
        pytest.param(
            then(edit(holder=""), wait(0.2)), ["standby bing", "acquired bing"], id="itself, and whom it follows"
        ),
        pytest.param(
            then(edit(holder=""), wait(0.2), taken_by_bing, wait(0.1)),
            ["standby bing", "acquired bing", "lost", "standby bing"],
            id="who took it over",
        ),
        pytest.param(
            then(edit(holder=""), wait(0.2), stop), ["standby bing", "acquired bing", "released"], id="that it let go"
        ),
    ],
)
def test_who_is_told_of_whom(happens: Happens, told_of: list[str]) -> None:
    """client-go's OnNewLeader and its events: each leader once, and each beginning and end of a term of one's own."""
    scene = contends(BING)()
    then(happens, wait(0))(scene)
    lines = [line for line in scene.world.lines if line.event.startswith("lead.")]
    words = [(line.event, line.facts.get("leader") or line.facts.get("previous") or "") for line in lines]

    assert [f"{event.removeprefix('lead.')} {whom}".rstrip() for event, whom in words] == told_of


def test_transitions_count_changes_of_the_holder() -> None:
    """client-go: leaderTransitions; one more for each new holder, none for renewals and for a release."""
    world = one_gate_at_most(World())
    counted: list[tuple[str, int]] = []
    world.observers.append(
        lambda: counted.append((world.record.holder, world.record.transitions)) if world.record else None
    )
    a = world.replica("a", IDLE, creates_at_once=True)
    world.run_for(D)
    b = world.replica("b", IDLE)
    world.run_for(1)
    a.terminate()
    world.run_for(D)
    world.replica("c", IDLE)
    world.run_for(1)
    b.kill()
    world.run_for(FAIL_OVER)

    assert list(dict.fromkeys(counted)) == [("a", 0), ("", 0), ("b", 1), ("c", 2)]


# ------------------------------------------------------------------ what else the object holds


@pytest.mark.parametrize(
    ("given", "happens"),
    [
        pytest.param(contends(replace(FREE, rest=LABELS)), wait(1), id="it acquires"),
        pytest.param(contends(replace(FREE, rest=LABELS)), wait(D), id="it renews"),
        pytest.param(contends(replace(FREE, rest=LABELS)), then(wait(1), stop), id="it releases"),
        pytest.param(contends(replace(BING, rest=LABELS)), wait(FAIL_OVER), id="it takes over"),
        pytest.param(leads(), then(edit(rest=LABELS), wait(D / 2)), id="somebody sets them while it leads"),
        pytest.param(
            leads(),
            then(edit(rest={"metadata": {"labels": {"team": "dev"}}}), wait(1), edit(rest=LABELS), wait(D / 2)),
            id="somebody changes them: no value of ours comes back",
        ),
    ],
)
def test_labels_and_annotations_stay(given: Callable[[], Scene], happens: Happens) -> None:
    """client-go: TestLabelUpdate and its neighbours, though ours sets labels only on a Lease that it makes (rule 4)."""
    scene = given()
    happens(scene)

    assert scene.world.record
    assert scene.world.record.rest == LABELS


@pytest.mark.parametrize("kind", [Kind.ACQUIRE, Kind.RENEW, Kind.RELEASE])
def test_a_lease_that_was_never_read_is_not_written_over(kind: Kind) -> None:
    """client-go: TestUpdateError."""
    me = World().replica("me", IDLE)

    with pytest.raises(RuntimeError, match="never seen"):
        me.election.compose(kind, me.boot(), me.wall())


# ------------------------------------------------------------------ is it well


def alarm_dies(scene: Scene) -> None:
    scene.me.bell.disarm()


@pytest.mark.parametrize(
    ("given", "happens", "theirs", "may_start", "told_of"),
    [
        pytest.param(contends(None), away, "well", False, [], id="nothing was read yet"),
        pytest.param(
            leads(), then(away, wait(3600)), "unwell", False, ["lead.suspended"], id="mine, an hour without a renewal"
        ),
        pytest.param(stands_by(), then(away, wait(3600)), "well", False, [], id="another's, an hour without a renewal"),
        pytest.param(leads(), wait(3600), "well", True, [], id="mine, and renewed"),
        pytest.param(
            leads(), then(away, wait(L + 1)), "well", False, ["lead.suspended"], id="mine, expired within the tolerance"
        ),
        pytest.param(
            leads(),
            then(alarm_dies, wait(D + D / 2 + 1)),
            "well",
            False,
            ["lead.lost"],
            id="mine, and renewed, but nothing notices due ticks any more",
        ),
        pytest.param(leads(), then(away, wait(D - 0.1)), "well", True, [], id="mine, and trusted for a moment more"),
    ],
)
def test_health(
    given: Callable[[], Scene], happens: Happens, theirs: str, told_of: list[str], *, may_start: bool
) -> None:
    """client-go: TestLeaderElectionHealthChecker, with its tolerance of 20 s (rules 6, 12).

    There, whoever leads an expired Lease is `unwell` once the tolerance is over, and whoever asks should end it. Here
    nothing waits for that: the gate shuts by itself at D, so that what theirs calls well may start nothing here. And
    a leader that renews without ticking gives up by itself.
    """
    scene = given()
    before = len(scene.world.lines)
    happens(scene)
    lines = [line.event for line in scene.world.lines[before:]]

    assert scene.me.election.gate.is_open(scene.world.now) == may_start
    assert [event for event in lines if event.startswith("lead.")] == told_of
    assert not (theirs == "unwell" and may_start)


# ------------------------------------------------------------------ what is refused before it starts


@pytest.mark.parametrize(
    ("lease", "code"),
    [
        pytest.param("", "", id="the defaults"),
        pytest.param("lease_duration: 15s, renew_deadline: 2s, retry_period: 1s", "", id="theirs of the test"),
        pytest.param("renew_deadline: 15s", "lease-timing", id="the deadline is not less than the duration"),
        pytest.param("retry_period: 9s", "lease-timing", id="the deadline is not more than 1.2 periods"),
        pytest.param("lease_duration: 0s", "range", id="no duration"),
        pytest.param("renew_deadline: 0s", "range", id="no deadline"),
        pytest.param("retry_period: 0s", "range", id="no period"),
        pytest.param('name: ""', "lease-name", id="no name"),
    ],
)
def test_settings(tmp_path: Path, lease: str, code: str) -> None:
    """client-go: TestLeaderElectionConfigValidation and what NewLeaderElector refuses."""
    said = told(tmp_path, f"lease: {{{lease}}}\njobs: {{hello: {{every: 5m, shell: date}}}}\n")

    assert said.endswith("1 error in config.yaml") == bool(code)
    assert f"[{code}]" in said or not code


@pytest.mark.parametrize("option", ["--id", "--lease", "--namespace"])
def test_no_identity(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    """client-go: "Lock identity is empty". Every name has a default here; an empty one is wrong usage."""
    file = tmp_path / "config.yaml"
    file.write_text("jobs: {hello: {every: 5m, shell: date}}")
    with pytest.raises(SystemExit) as ended:
        main(["-c", str(file), "run", option, ""])

    assert (ended.value.code, f"{option} is empty" in capsys.readouterr().err) == (2, True)


# ------------------------------------------------------------------ nothing of theirs is left out

STORES = "tests/contract/test_lease_store.py"
OURS = {
    "TestTryAcquireOrRenewLeases": "test_acquire_or_renew",
    "TestTryCoordinatedRenew": "test_coordinated_renewal",
    "TestLeaseSpecToLeaderElectionRecordRoundTrip": f"{STORES}::test_a_record_is_read_as_it_was_written",
    "TestReleaseLeaseLeases": "test_release",
    "TestReleaseMethodCallsGet": "test_release",
    "TestReleaseRetriesOnConflict": "test_release",
    "TestReleaseOnCancellation_Leases": "test_release_when_cancelled",
    "TestLeaderElectionConfigValidation": "test_settings",
    "TestFastPathLeaderElection": "test_fast_path",
    "TestCheckMethodRace": f"{STORES}::test_one_store_serves_two_threads_at_once",
    "TestLeaderElectionHealthChecker": "test_health",
    "TestGetError": f"{STORES}::test_a_store_without_a_lease_reads_none",
    "TestGet": f"{STORES}::test_what_was_created_is_read_by_everybody",
    "TestRecordEventSuccess": "test_who_is_told_of_whom",
    "TestRecordEventNilRecorder": "test_who_is_told_of_whom",
    "TestCreateError": f"{STORES}::test_a_second_create_is_refused_and_changes_nothing",
    "TestUpdateError": "test_a_lease_that_was_never_read_is_not_written_over",
    "TestDescribe": "tests/edges/test_store_kubernetes.py::test_its_place_names_namespace_and_lease",
    "TestLeaseConversion": "tests/edges/test_store_kubernetes.py::test_all_that_is_not_ours_goes_back_as_it_was",
    "TestUpdateWithNilLabelsOnLease": "test_labels_and_annotations_stay",
    "TestUpdateWithNilLabelsOnLeaseLock": "test_labels_and_annotations_stay",
    "TestLabelUpdate": "test_labels_and_annotations_stay",
}


@pytest.mark.parametrize(("theirs", "ours"), OURS.items())
def test_every_test_of_theirs_has_one_of_ours(theirs: str, ours: str) -> None:
    root = Path(__file__).parents[2]
    path, _, name = ours.rpartition("::")
    source = (root / path if path else Path(__file__)).read_text()
    functions = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}

    assert theirs.startswith("Test")
    assert name in functions
