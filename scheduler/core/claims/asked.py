"""What people asked for through notes on the Lease: run a job, pause and resume it, settle everything (rules 36, 37).

A command is consumed by one write, which removes its note, remembers its id and makes its effect. What cannot start
yet, because its job runs or no worker is free, stays a note until it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scheduler.core.claims.planning import Answer, Page
from scheduler.core.job import Job, run_id
from scheduler.core.ledger import MANUAL, Did
from scheduler.core.notes.commands import (
    LONGEST_PAUSED_BYTES,
    Command,
    Do,
    Pause,
    commands_in,
    is_command_id,
    pauses_in,
    pauses_text,
    with_pauses,
    without,
)
from scheduler.core.notes.replies import fates_of_manual_runs, with_answers

AT_ONCE = 64  # commands that one write consumes
REMEMBERED = 2 * AT_ONCE  # their ids, and for a run the run's as well


def answer_commands(page: Page) -> None:
    """Consume the commands that can have their effect now, the oldest first."""
    page.pauses = dict(pauses_in(page.at.notes))
    if page.at.leaving:
        return
    _end_pauses_of_what_does_not_tick(page)
    commands, refused = commands_in(page.at.notes)
    page.answers += (Answer(id_, None, why) for id_, why in refused)
    consumed = 0
    for command in commands:  # past those that wait: a pause is not to be held up by runs that have no place
        if consumed < AT_ONCE and _hear(page, command):
            consumed += 1
        else:
            page.undecided = True


def notes_after(page: Page) -> Mapping[str, str]:
    """The notes beside the next ledger: without the commands consumed, with answers and with the pauses as they are."""
    notes: Mapping[str, str] = page.at.notes
    if page.answers or page.pauses != pauses_in(notes):
        notes = with_pauses(without(notes, [answer.id for answer in page.answers]), page.pauses)
    refused = {one.id: one.refusal for one in page.answers if one.refusal and is_command_id(one.id)}
    gone = (Did(fate.job, fate.first, fate.last, fate.count, fate.reason) for fate in page.fates)
    return with_answers(notes, refused | fates_of_manual_runs((*gone, *page.recorded)))


def acks_after(page: Page) -> tuple[str, ...]:
    """The ids of the last commands consumed; what was none may have any id, and does not push out others."""
    new = (name for answer in page.answers if not answer.is_repeated for name in _names(answer))
    return (*page.ledger.acks, *new)[-REMEMBERED:]


def _hear(page: Page, command: Command) -> bool:
    """Consume the command, if it can have its effect now; one sent again, by a sender who did not know, had it."""
    if command.id in page.ledger.acks:
        page.answers.append(Answer(command.id, command, is_repeated=True))
        return True
    return _do(page, command)


def _do(page: Page, command: Command) -> bool:
    """Make the command's effect; False leaves it for later."""
    if page.outdated and (command.do is Do.RESET or not _is_served(page, command)):
        return False  # a newer table may have the job that ours has not, and only one that has all can settle them
    if not _is_served(page, command) and not _ends_a_pause(page, command):
        return _answer(page, command, f"there is no job {command.job}, or it is disabled")
    match command.do:
        case Do.RUN:
            job = page.served(command.job or "")
            return job is not None and _run(page, command, job) and _answer(page, command)
        case Do.PAUSE:
            return _pause(page, command)
        case Do.RESUME:
            names = [command.job] if command.job else list(page.pauses)  # of jobs, too, that only a newer table has
            page.resumed |= {name: page.pauses.pop(name) for name in names if name in page.pauses}
        case Do.RESET:
            page.reset = True
    return _answer(page, command)


def _pause(page: Page, command: Command) -> bool:
    pause = Pause(page.at.now, command.until, command.reason, command.by)
    pauses = page.pauses | dict.fromkeys(_jobs(page, command), pause)
    if len(pauses_text(pauses).encode()) > LONGEST_PAUSED_BYTES:
        return _answer(page, command, f"a Lease cannot remember {len(pauses)} paused jobs; disable some in the table")
    page.pauses = pauses
    return _answer(page, command)


def _end_pauses_of_what_does_not_tick(page: Page) -> None:
    """The pause of a job that ticks ends with the first tick after it (`ticks.py`); an older table leaves all alone."""
    over = [name for name, pause in page.pauses.items() if pause.is_over(page.at.now)]
    if not over or page.outdated:
        return
    ticking = {job.name for job in page.at.table.ticking.values()}
    for name in over:
        if name not in ticking:
            page.end_pause(name)


def _is_served(page: Page, command: Command) -> bool:
    return command.job is None or page.served(command.job) is not None


def _ends_a_pause(page: Page, command: Command) -> bool:
    """Whether it resumes a job that has left the table, and that would be paused still when it is back."""
    return command.do is Do.RESUME and command.job in page.pauses


def _answer(page: Page, command: Command, refusal: str = "") -> bool:
    page.answers.append(Answer(command.id, command, refusal))
    return True


def _names(answer: Answer) -> tuple[str, ...]:
    """What is remembered of a command: its id, and the run that it made, which a copy of it would make again."""
    command = answer.command
    if command is None:
        return ()
    if command.do is not Do.RUN or command.job is None or answer.refusal:
        return (command.id,)
    return (command.id, run_id(command.job, _tick(command)))


def _tick(command: Command) -> str:
    return MANUAL + command.at_text


def _run(page: Page, command: Command, job: Job) -> bool:
    tick = _tick(command)
    is_known = run_id(job.name, tick) in page.ledger.acks
    if is_known or any((entry.job, entry.tick) == (job.name, tick) for entry in page.open):
        return True
    blocker = page.blocker(job)
    takes_slot = not (blocker and page.holds_slot(blocker))
    if (blocker and not page.replaceable(job, blocker)) or (takes_slot and page.slots < 1):
        return False
    page.claim_first(job, tick, "manual", takes_slot=takes_slot)
    return True


def _jobs(page: Page, command: Command) -> Iterable[str]:
    return [command.job] if command.job else [job.name for job in page.at.table.ticking.values()]
