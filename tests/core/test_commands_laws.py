"""What holds of commands whatever else is asked, copied, lost and handed over meanwhile: laws over sequences of plans.

People write notes, leaders plan over them. A write may be lost, which undoes all that its plan decided; a leader may be
followed by another at any time; a sender who was not answered sends the same note again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.claims.plan import plan
from scheduler.core.claims.planning import Claim, Held, Plan, Situation, State
from scheduler.core.job import JobTable, Overlap
from scheduler.core.ledger import Ledger, WriteId, decode, encode, first_ledger
from scheduler.core.notes.commands import Command, Do, commands_in, note_of, pauses_in
from tests.fakes.tables import every, job, table
from tests.fakes.world import EPOCH

AHEAD = timedelta(seconds=1)
ASKED = st.builds(
    lambda do, name, lasts_s: (do, None if do is Do.RESET else name, lasts_s),
    st.sampled_from(Do),
    st.sampled_from(["a", "b", "hand", "none"]),
    st.none() | st.integers(1, 60),
)
Asked = tuple[Do, str | None, int | None]
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0.5, 3, 7, 40]),
        st.none() | ASKED,
        st.sampled_from(["goes on", "goes on", "ends", "is deposed", "write is lost", "is sent again", "is copied"]),
    ),
    max_size=12,
)


@dataclass
class Story:
    """The Lease, its leader of the moment, and what was accepted so far."""

    table: JobTable
    now: datetime = EPOCH
    ledger: Ledger = field(init=False)
    notes: dict[str, str] = field(default_factory=dict)
    nonce: str = "n0"
    lead_since: datetime = EPOCH
    first_of_term: bool = True
    held: dict[str, Held] = field(default_factory=dict)
    sent: list[Command] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)
    hidden: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ledger = first_ledger(WriteId(1, "n0"), 0, self.table.known, EPOCH)

    def ask(self, do: Do, name: str | None, lasts_s: int | None) -> None:
        until = self.now + timedelta(seconds=lasts_s) if lasts_s and do is Do.PAUSE else None
        command = Command(f"m-{len(self.sent):08x}", do, name, self.now, until)
        self.sent.append(command)
        self.notes |= [note_of(command)]

    def happen(self, event: str) -> None:
        if event == "ends":
            self.held = {key: replace(one, state=State.ENDED, outcome="succeeded") for key, one in self.held.items()}
        elif event == "is deposed":
            self.nonce, self.lead_since = f"{self.nonce}x", self.now
            self.held, self.first_of_term = {}, True
        elif event == "is sent again" and self.sent:
            self.notes |= [note_of(self.sent[-1])]
        elif event == "is copied" and self.sent:
            self.notes |= [note_of(replace(self.sent[-1], id=f"m-f{len(self.sent):07x}"))]

    def plan(self) -> Plan:
        facts = Situation(self.table, self.nonce, self.now, self.lead_since, 3, dict(self.held))
        ahead = replace(facts, ahead=AHEAD, longest_ahead=AHEAD)
        return plan(self.ledger, replace(ahead, notes=dict(self.notes), first_of_term=self.first_of_term))

    def accept(self, made: Plan) -> None:
        self.ledger, self.notes, self.first_of_term = made.ledger, dict(made.notes), False
        mine = {one.key for one in made.ledger.open}
        self.held |= {claim.entry.key: Held(State.ALIVE, claim.cause) for claim in made.claims}
        self.held = {key: one for key, one in self.held.items() if key in mine}
        self.attempts.update(claim.entry.key for claim in made.claims)
        self.heard.update(answer.id for answer in made.answers if not answer.is_repeated)


@settings(max_examples=40)
@given(overlap=st.sampled_from(Overlap), steps=STEPS)
def test_whatever_people_ask(
    overlap: Overlap, steps: list[tuple[float, tuple[Do, str | None, int | None], str]]
) -> None:
    story = Story(table(every("a", 10, overlap=overlap), every("b", 7, overlap=Overlap.ALLOW), job("hand", None)))
    for seconds, asked, event in [*steps, (0, None, "goes on")]:
        story.now += timedelta(seconds=seconds)
        if asked:
            story.ask(*asked)
        story.happen(event)
        made = story.plan()

        assert decode(encode(made.ledger)) == made.ledger
        every_command_is_heard_or_waits(story, made)
        nothing_that_was_hidden_runs(story, made)
        if event != "write is lost":
            hide(story, made)
            story.accept(made)

    assert set(story.attempts.values()) <= {1}, "no attempt is claimed twice"
    assert set(story.heard.values()) <= {1}, "no command has two effects"


def every_command_is_heard_or_waits(story: Story, made: Plan) -> None:
    """What waits is a run, and says so; what was heard is gone from the notes and remembered."""
    before, after = ({one.id for one in commands_in(notes)[0]} for notes in (story.notes, made.notes))
    heard = {answer.id for answer in made.answers}

    assert before == after | heard
    assert not after & heard
    assert heard <= set(made.ledger.acks)
    assert all(one.do is Do.RUN for one in commands_in(made.notes)[0])
    assert made.undecided or not after


def nothing_that_was_hidden_runs(story: Story, made: Plan) -> None:
    """A tick that fell due in a pause, or before a reset, is over for ever; and while a pause lasts none is claimed."""
    paused = {name for name, one in pauses_in(made.notes).items() if not one.is_over(story.now)}
    for claim in filter(is_tick, made.claims):
        name, tick = claim.entry.job, claim.entry.instant
        assert name not in paused
        assert not [span for span in story.hidden.get(name, []) if span[0] < tick <= span[1]]


def is_tick(claim: Claim) -> bool:
    return claim.cause in ("schedule", "catch_up")


def hide(story: Story, made: Plan) -> None:
    """Note which ticks must never be claimed from here on: those of pauses as far as they got, and of resets."""
    was = pauses_in(story.notes)
    for name in story.table.jobs:
        if pause := pauses_in(made.notes).get(name, was.get(name)):
            story.hidden.setdefault(name, []).append((pause.since, min(pause.until or story.now, story.now)))
        if any(answer.command and answer.command.do is Do.RESET and not answer.is_repeated for answer in made.answers):
            story.hidden.setdefault(name, []).append((datetime.min.replace(tzinfo=UTC), story.now))
