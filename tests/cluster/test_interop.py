"""leasebeat shares a Lease with other electors: client-go's, and that of the official Python client.

Each takes over from each, released or dead, on one Lease at a time. The stories are played once, side by side, because
they are mostly waiting; then each test asks them one question.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scheduler.core.ledger import ANNOTATION
from tests.cluster.interop.contest import CLIENT_GO, LEASE_S, LEASEBEAT, PYTHON, Contender, Contest, Ours, contest
from tests.processes.cluster import Namespace
from tests.processes.replica import PATIENCE_S

NO_GO = (
    "go is not installed, so client-go's elector cannot be built and nothing would be proved about sharing a Lease "
    "with it. Install Go 1.26 or later."
)
OTHERS = (CLIENT_GO, PYTHON)
FIELDS = {"holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime", "leaseTransitions"}
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
RELEASE, DEATH = "release", "death"
# How often a candidate looks: ours watches the Lease, client-go waits up to 2.2 retry periods.
LOOKS_S = {LEASEBEAT: 0.0, CLIENT_GO: 2.2, PYTHON: 1.0}
SLACK_S = 1.5  # for jitter, and for a machine that is busy with the other stories
DRAIN_S = 5
TOLD_LATE_S = 0.1  # a release is told when its answer has come; the Lease was free a moment before


@dataclass(frozen=True)
class Handover:
    """How `successor` came to lead after the end of `predecessor`: the line that says so, and the Lease around it."""

    predecessor: Contender
    successor: Contender
    how: str
    line: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True)
class Story:
    """What happened to one Lease; all its processes are over."""

    contest: Contest
    handovers: tuple[Handover, ...] = ()


RELAYS = {
    CLIENT_GO: (
        (LEASEBEAT, RELEASE),
        (CLIENT_GO, RELEASE),
        (LEASEBEAT, DEATH),
        (CLIENT_GO, DEATH),
        (LEASEBEAT, RELEASE),
    ),
    PYTHON: ((LEASEBEAT, DEATH), (PYTHON, RELEASE), (LEASEBEAT, DEATH), (PYTHON, DEATH), (LEASEBEAT, DEATH)),
}
MELEE = "all three at once"
THAW = "one is frozen"
STORIES = (*RELAYS, MELEE, THAW)
LEGS = [
    pytest.param(
        first, index, id=f"{kind} after the {how} of {RELAYS[first][index - 1][0] if index else first} {index}"
    )
    for first in RELAYS
    for index, (kind, how) in enumerate(RELAYS[first])
]


@pytest.fixture(scope="session")
def client_go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The elector of `interop/elector.go`, built anew; Go's own cache decides how long that takes."""
    go = shutil.which("go")
    if go is None:
        pytest.fail(NO_GO)
    program = tmp_path_factory.mktemp("interop") / "elector"
    command = [go, "build", "-buildvcs=false", "-ldflags=-s -w", "-o", str(program), "."]
    built = subprocess.run(
        command, cwd=Path(__file__).with_name("interop"), capture_output=True, text=True, check=False
    )
    if built.returncode != 0:
        pytest.fail(f"client-go's elector cannot be built:\n{built.stderr}")
    return program


Playing = Callable[[Contest], Story]


@pytest.fixture(scope="module")
def stories(
    namespace: Namespace, client_go: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Story]]]:
    """Every story by its name; asking for the result of one waits for it, or tells what went wrong in it."""
    folder = tmp_path_factory.mktemp("contests")

    def play(playing: Playing, lease: str, ours: Ours) -> Story:
        with contest(namespace, folder / lease, lease, client_go, ours) as held:
            return playing(held)

    with ThreadPoolExecutor(max_workers=8) as pool:
        told = {kind: pool.submit(play, partial(relay, kind), f"after-{kind}", Ours()) for kind in RELAYS}
        told[MELEE] = pool.submit(play, melee, "melee", Ours())
        told[THAW] = pool.submit(play, thaw, "thaw", Ours())
        told["drain"] = pool.submit(play, drain, "drain", Ours(every_s=10, takes_s=DRAIN_S))
        told["refusal"] = pool.submit(play, refusal, "refused", Ours(adopt=False))
        yield told


def relay(first: str, held: Contest) -> Story:
    """One after another takes over, each standing by before its predecessor ends."""
    holder = held.enter(first)
    holder.leads()
    held.namespace.kubectl("label", "lease", held.lease, "team=ops")
    held.namespace.kubectl("annotate", "lease", held.lease, "example.com/owner=ops")
    handovers: list[Handover] = []
    with held.followed():
        for kind, how in RELAYS[first]:
            successor = held.enter(kind)
            successor.stands_by(holder.name)
            before = held.state()
            holder.release() if how == RELEASE else holder.die()
            line = successor.leads()
            handovers.append(Handover(holder, successor, how, line, before, held.state()))
            successor.rules()
            holder = successor
    return Story(held, tuple(handovers))


def melee(held: Contest) -> Story:
    """All three contend at once, and whoever leads is killed, until one is left."""
    for kind in (CLIENT_GO, PYTHON, LEASEBEAT):
        held.enter(kind)
    leader = held.next_leader()
    with held.followed():
        for other in held.contenders:
            if other is not leader:
                other.stands_by(leader.name)
        for _ in range(2):
            leader.die()
            leader = held.next_leader(after=leader.ended_at or 0.0)
        leader.rules()
    return Story(held)


def thaw(held: Contest) -> Story:
    """A leasebeat is frozen, and goes on when client-go's elector leads; it leads again when that one stops."""
    frozen = held.enter(LEASEBEAT)
    frozen.leads()
    frozen.rules()
    other = held.enter(CLIENT_GO)
    other.stands_by(frozen.name)
    with held.followed():
        frozen.process.signal(signal.SIGSTOP)
        other.leads()
        frozen.process.signal(signal.SIGCONT)
        frozen.process.wait_for("lead.lost", reason="other_holder")
        other.rules()
        other.release()
        again = frozen.process.wait_for("lead.acquired", count=2)
        frozen.process.wait_for("run.succeeded", count=2, cause="schedule", term=again["term"])
    return Story(held)


def drain(held: Contest) -> Story:
    """A leasebeat is stopped in the midst of a run, and client-go's elector leads until the next leasebeat does."""
    leaver = held.enter(LEASEBEAT)
    leaver.leads()
    between = held.enter(CLIENT_GO)
    between.stands_by(leaver.name)
    with held.followed():
        held.next_start()
        leaver.release()
        between.leads()
        assert leaver.process.process.wait(PATIENCE_S) == 0
        heir = held.enter(LEASEBEAT)
        heir.stands_by(between.name)
        between.release()
        held.next_start(after=heir.leads()["at"])
    return Story(held)


def refusal(held: Contest) -> Story:
    """A leasebeat that may not adopt sees client-go's elector lead and die."""
    owner = held.enter(CLIENT_GO)
    owner.leads()
    alone = held.enter(LEASEBEAT)
    alone.process.wait_for("lead.refused")
    owner.die()
    before = held.state()
    threading.Event().wait(3 * LEASE_S)  # it expires, and then two lease durations more
    assert alone.process.process.poll() is None
    assert alone.process.stop() == 0
    return Story(held, (Handover(owner, alone, DEATH, {}, before, held.state()),))


@pytest.mark.parametrize(("first", "index"), LEGS)
def test_each_takes_over_from_each(stories: Mapping[str, Future[Story]], first: str, index: int) -> None:
    """A released Lease at once, or as soon as one looks; a dead one's after its whole duration and not before."""
    story = stories[first].result()
    handover = story.handovers[index]
    successor, predecessor = handover.successor, handover.predecessor
    looks_s = LOOKS_S[successor.kind]
    # What it counts a lease duration from is the last renewal that it saw, and it may have looked late.
    latest_s = looks_s if handover.how == RELEASE else looks_s + LEASE_S + looks_s
    waited_s = handover.line["at"] - (predecessor.ended_at or 0.0)
    last_renewal = [
        _time(version["spec"]["renewTime"])
        for version in story.contest.versions
        if version["spec"]["holderIdentity"] == predecessor.name
    ][-1]
    transitions = [state["spec"].get("leaseTransitions", 0) for state in (handover.before, handover.after)]

    assert handover.after["spec"]["holderIdentity"] == successor.name
    assert waited_s <= latest_s + SLACK_S
    assert handover.how == RELEASE or handover.line["at"] - last_renewal >= LEASE_S
    assert transitions[1] - transitions[0] == (0 if successor.kind == PYTHON else 1)


@pytest.mark.parametrize("name", [*RELAYS, MELEE])
def test_never_do_two_lead_at_once(stories: Mapping[str, Future[Story]], name: str) -> None:
    held = stories[name].result().contest
    spans = held.spans
    both = [(one, other) for one, other in pairwise(spans) if other.begin < one.end - TOLD_LATE_S]

    assert {span.who for span in spans} == {one.name for one in held.contenders}
    assert both == []


@pytest.mark.parametrize("name", STORIES)
def test_no_run_starts_while_another_elector_leads(stories: Mapping[str, Future[Story]], name: str) -> None:
    """And none is started twice, whatever led in between."""
    held = stories[name].result().contest
    foreign = [span for span in held.spans if not span.who.startswith(LEASEBEAT)]
    starts = held.history.starts("meter")

    assert [deed for deed in starts if any(span.begin <= deed.at <= span.end for span in foreign)] == []
    assert held.history.doubled("meter") == []


@pytest.mark.parametrize("name", [*RELAYS, THAW])
def test_what_fell_due_under_another_elector_is_caught_up(stories: Mapping[str, Future[Story]], name: str) -> None:
    """The ledger that it found is the ledger that it left, so a job that wants all its ticks gets them."""
    held = stories[name].result().contest
    foreign = [span for span in held.spans[1:] if not span.who.startswith(LEASEBEAT)]
    caught_up = [
        line
        for one in held.contenders
        if one.kind == LEASEBEAT
        for line in one.process.said("run.succeeded", cause="catch_up")
    ]

    assert held.history.missing("meter", 1, [one.process for one in held.contenders]) == []
    assert all(any(span.begin < _time(line["tick"]) < span.end for line in caught_up) for span in foreign)


@pytest.mark.parametrize("first", RELAYS)
def test_other_electors_keep_the_ledger_as_it_is(stories: Mapping[str, Future[Story]], first: str) -> None:
    """Only a leaver of ours reports the ends of its last runs into it, which touches `open` and `did` alone."""
    versions = stories[first].result().contest.versions
    adopted = next(index for index, version in enumerate(versions) if _ledger(version))
    kept = [
        (_unreported(one), _unreported(other))
        for one, other in pairwise(versions[adopted:])
        if _is_anothers_write(one, other)
    ]

    assert len(kept) > 4  # there are two such reigns, and in each more than one write
    assert [pair for pair in kept if pair[0] != pair[1]] == []


@pytest.mark.parametrize("first", RELAYS)
def test_a_lease_without_a_ledger_is_adopted_quietly(stories: Mapping[str, Future[Story]], first: str) -> None:
    """Nobody knows what its holder did last, so nothing runs for a lease duration, and the log says so."""
    story = stories[first].result()
    adopter = story.handovers[0].successor
    acquired_at = _time(story.handovers[0].after["spec"]["acquireTime"])
    later = [handover.successor for handover in story.handovers[1:] if handover.successor.kind == LEASEBEAT]

    assert min(deed.at for deed in story.contest.history.starts("meter")) >= acquired_at + LEASE_S
    assert len(adopter.process.said("ledger.lost")) == 1
    assert [one.process.said("ledger.lost") for one in later] == [[], []]


@pytest.mark.parametrize("name", STORIES)
def test_every_version_of_the_lease_is_one_that_client_go_can_read(
    stories: Mapping[str, Future[Story]], name: str
) -> None:
    """All five fields, and times with six digits; but the Python client counts no transitions on a Lease it made."""
    specs = [version["spec"] for version in stories[name].result().contest.versions]
    counted = next(index for index, spec in enumerate(specs) if "leaseTransitions" in spec)
    counts = [spec["leaseTransitions"] for spec in specs[counted:]]

    assert [spec for spec in specs[counted:] if spec.keys() != FIELDS] == []
    assert [spec for spec in specs[:counted] if spec.keys() != FIELDS - {"leaseTransitions"}] == []
    assert [
        spec for spec in specs if not all(MICRO_TIME.fullmatch(spec[key]) for key in ("acquireTime", "renewTime"))
    ] == []
    assert counts == sorted(counts)


@pytest.mark.parametrize("first", RELAYS)
def test_labels_and_annotations_of_others_survive(stories: Mapping[str, Future[Story]], first: str) -> None:
    found = [version["metadata"] for version in stories[first].result().contest.versions]

    assert {metadata["labels"]["team"] for metadata in found} == {"ops"}
    assert {metadata["annotations"]["example.com/owner"] for metadata in found} == {"ops"}


def test_a_run_that_drains_while_client_go_leads_is_not_repeated(stories: Mapping[str, Future[Story]]) -> None:
    """The leaver reports its end into a Lease that another program holds, and that one goes on leading."""
    held = stories["drain"].result().contest
    leaver, between, heir = held.contenders
    drained = leaver.process.said("run.succeeded")[-1]
    deeds = [deed for deed in held.history.deeds() if deed.run == drained["run"]]

    assert [(deed.what, deed.attempt) for deed in deeds] == [("start", 1), ("end", 1)]
    assert between.process.said("leading")[0]["at"] < deeds[-1].at
    assert len(between.process.said("leading")) == 1
    assert heir.process.said("run.interrupted") == []
    assert [line["run"] for line in heir.process.said("run.succeeded", repeated=True)] == [drained["run"]]
    assert held.history.missing("meter", 10, [one.process for one in held.contenders]) == []


def test_without_adopt_the_lease_of_another_elector_is_left_alone(stories: Mapping[str, Future[Story]]) -> None:
    """Even two lease durations after it has expired: it is the same object, and the replica says why it waits."""
    story = stories["refusal"].result()
    (handover,) = story.handovers
    alone = handover.successor.process

    assert handover.before["metadata"]["resourceVersion"] == handover.after["metadata"]["resourceVersion"]
    assert [line["holder"] for line in alone.said("lead.refused")] == [handover.predecessor.name]
    assert alone.said("lead.acquired") == []
    assert story.contest.history.deeds() == []


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _ledger(version: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((version["metadata"].get("annotations") or {}).get(ANNOTATION, "{}"))
    return found


def _is_anothers_write(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether another elector took, renewed or gave back the Lease here, or a leaver of ours reported under it."""
    holders = [version["spec"]["holderIdentity"] for version in (before, after)]
    return holders[1].startswith(OTHERS) or (not holders[1] and holders[0].startswith(OTHERS))


def _unreported(version: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in _ledger(version).items() if key not in ("open", "did")}
