"""What people asked for through notes on the Lease: run a job, pause and resume it, settle everything (rules 36, 37).

A command is consumed by one write, which removes its note, remembers its id and makes its effect. What cannot start
yet, because its job runs or no worker is free, stays a note until it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scheduler.core.commands import Command, Do, Pause, commands_in, pauses_in, with_pauses, without
from scheduler.core.job import Job
from scheduler.core.ledger import MANUAL
from scheduler.core.planning import Answer, Page

REMEMBERED = 64


def answer_commands(page: Page) -> None:
    """Consume the commands that can have their effect now, the oldest first."""
    page.pauses = dict(pauses_in(page.at.notes))
    if page.at.leaving:
        return
    commands, refused = commands_in(page.at.notes)
    page.answers += (Answer(id_, None, why) for id_, why in refused)
    for command in commands:
        if command.id in page.ledger.acks:  # sent again, because its sender could not know that it was heard
            page.answers.append(Answer(command.id, command))
        elif not _do(page, command):
            page.undecided = True


def notes_after(page: Page) -> Mapping[str, str]:
    """The notes beside the next ledger: without the commands consumed, with the pauses as they are now."""
    if not page.answers and page.pauses == pauses_in(page.at.notes):
        return page.at.notes
    return with_pauses(without(page.at.notes, [answer.id for answer in page.answers]), page.pauses)


def acks_after(page: Page) -> tuple[str, ...]:
    """The ids of the last commands consumed; what was none may have any id, and does not push out others."""
    new = (answer.id for answer in page.answers if answer.command and answer.id not in page.ledger.acks)
    return (*page.ledger.acks, *new)[-REMEMBERED:]


def _do(page: Page, command: Command) -> bool:
    """Make the command's effect; False leaves it for later."""
    if command.job is not None and page.served(command.job) is None:
        # A newer table may have the job that ours has not.
        return not page.outdated and _answer(page, command, f"there is no job {command.job}, or it is disabled")
    match command.do:
        case Do.RUN:
            job = page.served(command.job or "")
            return job is not None and _run(page, command, job) and _answer(page, command)
        case Do.PAUSE:
            page.pauses |= {name: Pause(page.at.now, command.until, command.reason) for name in _jobs(page, command)}
        case Do.RESUME:
            for name in _jobs(page, command):
                if pause := page.pauses.pop(name, None):
                    page.resumed[name] = pause
        case Do.RESET:
            page.reset = True
    return _answer(page, command)


def _answer(page: Page, command: Command, refusal: str = "") -> bool:
    page.answers.append(Answer(command.id, command, refusal))
    return True


def _run(page: Page, command: Command, job: Job) -> bool:
    tick = MANUAL + command.at_text
    if any((entry.job, entry.tick) == (job.name, tick) for entry in page.open):
        return True
    blocker = page.blocker(job)
    takes_slot = blocker is None
    if (blocker and not page.replaceable(job, blocker)) or (takes_slot and page.slots < 1):
        return False
    page.claim_first(job, tick, "manual", takes_slot=takes_slot)
    return True


def _jobs(page: Page, command: Command) -> Iterable[str]:
    return [command.job] if command.job else [job.name for job in page.at.table.ticking.values()]
