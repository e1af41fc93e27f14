"""A judge of schedulers, who has read the promise and the declared jobs, and has never seen the program.

    objections = judge(History(declared, attempts, lines, until=..., gates=..., excused=...))

Given what was declared (`history.py`), what the side effects were and what the log says, it finds whatever breaks the
promise: an attempt that started twice, a tick without exactly one fate, an exclusive job beside itself, and so on; each
function below is one article. It takes a time proportional to the history, so a million ticks are a matter of seconds.

Whoever asks it about real processes leaves out what was not observed (gates, the outcome of attempts, manual runs that
were asked for): the articles that need it are silent then.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from math import inf

from tests.weather.case import FINAL, Case, Key, Spans, instant_of, tick_of
from tests.weather.history import Attempt, Declared, Excused, Gate, History, Line, Objection, Pause

__all__ = ["FINAL", "Attempt", "Declared", "Excused", "Gate", "History", "Line", "Objection", "Pause", "judge"]

BY_RUNNING = ("run.succeeded", "run.failed", "run.timed_out")
NEVER_STARTED = ("overlap", "paused", "superseded", "max_catch_up", "catch_up_none")
GIVEN_UP = ("run.dropped", "run.interrupted")
FAILURES = ("failed", "timed_out")


def judge(history: History) -> list[Objection]:
    """Everything in the history that breaks the promise, in the order of time; nothing when all is well."""
    case = Case.of(history)
    articles = (
        _no_attempt_starts_twice,
        _attempts_are_of_declared_ticks,
        _attempts_follow_one_another,
        _nothing_starts_after_its_final_line,
        _exclusive_jobs_are_never_beside_themselves,
        _what_goes_on_is_not_over,
        _paused_ticks_do_not_run,
        _every_tick_has_one_fate,
        _asked_runs_have_one_fate,
        _lines_tell_what_happened,
        _drops_are_lawful,
        _skips_are_lawful,
        _gates_are_alone,
        _losses_are_excused,
    )
    found = [objection for article in articles for objection in article(case)]
    return sorted(found, key=lambda objection: objection.at)


# ------------------------------------------------------------------ articles on what was started


def _no_attempt_starts_twice(case: Case) -> Iterator[Objection]:
    """Not any (run id, attempt); and not any run of a job that promises at most once."""
    for run, attempts in case.attempts.items():
        if len(attempts) == 1:
            continue
        seen: set[int] = set()
        for attempt in attempts:
            if attempt.number in seen:
                yield Objection("an attempt started twice", f"{run} #{attempt.number}: {attempts}", attempt.started)
            seen.add(attempt.number)
        rows = case.rows_with(tick_of(run))
        if rows and all(row.at_most_once for row in rows):
            yield Objection("at_most_once, and started again", f"{run}: {attempts}", attempts[1].started)


def _attempts_are_of_declared_ticks(case: Case) -> Iterator[Objection]:
    """Of a tick that some definition has, not before it, not from before that was loaded, nor after it was replaced."""
    early_s = case.history.early_s
    for run, attempts in case.attempts.items():
        key, first = tick_of(run), attempts[0]
        rows, tick = case.rows_with(key), key[1]
        if isinstance(tick, str):
            if case.history.asked is not None and run not in case.history.asked:
                yield Objection("a manual run that nobody asked for", run, first.started)
            continue
        if not rows:
            yield Objection("a tick that nobody declared", f"{first}", first.started)
        elif first.started < tick - early_s:
            yield Objection("started before its tick", f"{first}", first.started)
        elif all(tick <= row.loaded - early_s for row in rows):
            yield Objection("a tick from before its definition was loaded", f"{first}", first.started)
        elif first.number == 1 and all(first.started > row.until for row in rows):
            yield Objection("a tick of a definition that a newer configuration removed", f"{first}", first.started)


def _attempts_follow_one_another(case: Case) -> Iterator[Objection]:
    """A further attempt needs a failure that may be retried, or a leader that was lost; and not for ever."""
    for run, attempts in case.attempts.items():
        if len(attempts) == 1 and attempts[0].number == 1:
            continue
        rows = case.rows.get(run.partition("@")[0], [])  # an edited job repeats what its former self left open
        limit = max((row.max_interruptions + row.retries for row in rows), default=0)
        for place, attempt in enumerate(attempts):
            earlier = attempts[place - 1] if place else None
            if earlier and attempt.number < earlier.number:
                yield Objection("an earlier attempt after a later one", f"{attempt} after {earlier}", attempt.started)
            elif attempt.number > limit and not all(row.adoptable for row in rows):  # to take one up is no interruption
                yield Objection("more attempts than are allowed", f"{attempt}, at most {limit}", attempt.started)
            elif attempt.number > 1 and not _has_grounds(case, attempts[:place], attempt, rows):
                what = f"{attempt} after {earlier}"
                yield Objection("another attempt without a failure or a lost leader", what, attempt.started)


def _has_grounds(case: Case, earlier: list[Attempt], attempt: Attempt, rows: list[Declared]) -> bool:
    last = earlier[-1] if earlier else None
    tick = tick_of(attempt.run)[1]
    since = last.started if last else (tick - case.history.early_s if isinstance(tick, float) else -inf)
    if case.took_the_lead(attempt.replica, since, attempt.started):
        return True
    if last is None or last.number != attempt.number - 1:  # the one between was killed before it got to start
        return case.resumed_the_lead(attempt.replica, since, attempt.started)
    if last.outcome is None:
        return case.announced.get((attempt.run, attempt.number), inf) <= attempt.started
    may_retry = any(_failures(case, [*earlier, attempt]) <= row.retries for row in rows)
    return last.outcome == "killed" or (last.outcome in FAILURES and may_retry)


def _failures(case: Case, attempts: list[Attempt]) -> int:
    """How many failed and were tried again by the same leader; else their failure may not have been recorded."""
    return sum(
        one.outcome in FAILURES and not case.took_the_lead(other.replica, one.started, other.started)
        for one, other in pairwise(attempts)
    )


def _nothing_starts_after_its_final_line(case: Case) -> Iterator[Objection]:
    for run, attempts in case.attempts.items():
        fate = case.fates.get(tick_of(run))
        over = min((line.at for line in fate.recorded), default=inf) if fate else inf
        for attempt in attempts:
            if attempt.started > over:
                yield Objection("started after it was over", f"{attempt}, over at {over}", attempt.started)


def _exclusive_jobs_are_never_beside_themselves(case: Case) -> Iterator[Objection]:
    """Not for an instant, not across replicas either; of runs that can be killed."""
    by_job: dict[str, list[Attempt]] = defaultdict(list)
    for run, attempts in case.attempts.items():
        by_job[run.partition("@")[0]] += attempts
    for job, attempts in by_job.items():
        rows = case.rows.get(job, [])
        if (
            not rows
            or not all(row.exclusive and row.killable for row in rows)
            or len({row.adoptable for row in rows}) > 1
        ):
            continue
        last: Attempt | None = None
        for attempt in sorted(attempts, key=lambda one: one.started):
            forgotten = (
                last and rows[0].adoptable and case.is_excused(tick_of(last.run))
            )  # it goes on, and nobody knows
            if last and attempt.started < _end(last) and not forgotten:
                yield Objection("exclusive, and beside itself", f"{last}, {attempt}", attempt.started)
            if last is None or _end(attempt) >= _end(last):
                last = attempt


def _what_goes_on_is_not_over(case: Case) -> Iterator[Objection]:
    """An adoptable run has no second one beside it, nor a final line while it goes on or where it has succeeded.

    But for one that a newer run replaces, which is made when it is gone; and what is told of ticks that are excused.
    """
    for run, attempts in case.attempts.items():
        key = tick_of(run)
        rows = case.rows.get(key[0], [])
        if not rows or not all(row.adoptable for row in rows) or case.is_excused(key):
            continue
        for one, other in pairwise(attempts):
            if other.started < _end(one):
                yield Objection("goes on, and begun again", f"{one}, {other}", other.started)
        fate = case.fates.get(key)
        for line in fate.plain if fate else ():
            goes_on = any(one.started < line.at < _end(one) for one in attempts)
            is_done = line.event in GIVEN_UP and attempts[-1].outcome == "succeeded" and not _has_limit(case, key)
            if (goes_on or is_done) and line.facts.get("reason") != "replaced":
                yield Objection("told as over, and it goes on or is done", f"{line}: {attempts}", line.at)


def _end(attempt: Attempt) -> float:
    return inf if attempt.ended is None else attempt.ended


def _paused_ticks_do_not_run(case: Case) -> Iterator[Objection]:
    """Nothing runs that fell due in a pause; with jitter a tick may fall due later than its nominal time."""
    early_s, pauses = case.history.early_s, defaultdict[str | None, list[tuple[float, float]]](list)
    for pause in case.history.pauses:
        pauses[pause.job].append((pause.since + early_s, pause.until - early_s))
    spans = {job: Spans(found) for job, found in pauses.items()}
    for attempts in case.attempts.values() if spans else ():
        first = attempts[0]
        job, tick = key = tick_of(first.run)
        if first.number > 1 or isinstance(tick, str):
            continue
        due = tick + max((row.jitter_s for row in case.rows_with(key)), default=0.0)
        if any(span.cover(tick, due) for span in (spans.get(job), spans.get(None)) if span):
            yield Objection("paused, and ran", f"{first}", first.started)


# ------------------------------------------------------------------ articles on what was told


def _every_tick_has_one_fate(case: Case) -> Iterator[Objection]:
    """Exactly one plain final line; repeated ones stand in for a lost one, and agree with it."""
    for job, rows in case.rows.items():
        for row in rows:
            since = case.began if row.since is None else row.since
            for tick in row.between(since, min(row.until, row.owed_until, case.until)):
                key: Key = (job, float(tick))
                if key not in case.fates and not case.is_excused(key):
                    yield Objection("no final line", _name(key), float(tick))
    for key, fate in case.fates.items():
        if len(fate.plain) > 1:
            yield Objection(f"{len(fate.plain)} final lines", f"{_name(key)}: {fate.plain}", fate.plain[1].at)
        events = {line.event for line in fate.recorded}
        if len(events) > 1:
            yield Objection("two fates", f"{_name(key)}: {sorted(events)}", fate.recorded[-1].at)


def _asked_runs_have_one_fate(case: Case) -> Iterator[Objection]:
    for run in (case.history.asked or set()) - case.history.refused:
        key = tick_of(run)
        if key not in case.fates:
            yield Objection("asked for, and no final line", run, case.until)


def _lines_tell_what_happened(case: Case) -> Iterator[Objection]:
    """What reads as succeeded has run and did succeed; what reads as never started did not start."""
    observed = {run.partition("@")[0] for run in case.attempts}
    runs = {tick_of(run): attempts for run, attempts in case.attempts.items()}
    for key, fate in case.fates.items():
        attempts = runs.get(key, [])
        for line in fate.recorded:
            if not case.rows_with(key):
                yield Objection("a line about a tick that nobody declared", f"{line}", line.at)
            elif line.event == "run.succeeded" and not attempts and key[0] in observed:
                yield Objection("told as succeeded, and never ran", f"{line}", line.at)
            elif attempts and line.facts.get("reason") in NEVER_STARTED:
                yield Objection("told as not run, and it ran", f"{line}: {attempts}", line.at)
        yield from _lies(fate.plain, attempts if not _has_limit(case, key) else [])
    for line in case.strangers:
        yield Objection("a folded line of no definition", f"{line}", line.at)


def _has_limit(case: Case, key: Key) -> bool:
    """What ends just as it is being ended for its timeout may be told as either."""
    return any(row.timeout_s < inf for row in case.rows.get(key[0], []))  # whichever table had it in hand


def _lies(lines: tuple[Line, ...], attempts: list[Attempt]) -> Iterator[Objection]:
    for line in lines if attempts else ():
        outcomes = {one.outcome for one in attempts if one.number == line.facts.get("attempt")}
        known = len(outcomes) == 1 and outcomes <= {"succeeded", *FAILURES}
        if line.event in BY_RUNNING and known and line.event.removeprefix("run.") not in outcomes:
            yield Objection("the log says otherwise", f"{line}: {attempts}", line.at)


def _drops_are_lawful(case: Case) -> Iterator[Objection]:
    """Nothing is dropped that the job's policy wants to be caught up."""
    gates = sorted(case.history.gates, key=lambda gate: gate.since)
    starts = [gate.since for gate in gates]
    for key, fate in case.fates.items():
        for line in fate.plain:
            if line.event != "run.dropped" or isinstance(key[1], str):
                continue
            by_name = line.facts.get("reason") in ("too_old", "max_interruptions")  # may be of what a former self left
            rows = case.rows.get(key[0], []) if by_name else case.rows_with(key)
            if rows and not any(_may_drop(case, row, key[1], line) for row in rows):
                yield Objection("dropped against its policy", f"{_name(key)}: {line}", line.at)
            place = bisect_right(starts, key[1] - case.history.early_s) - 1
            noticed_late = case.resumed_the_lead(line.replica, key[1], line.at)  # frozen as its gate opened
            is_open = place >= 0 and gates[place].until > line.at and not noticed_late
            if line.facts.get("reason") == "catch_up_none" and is_open:
                yield Objection("dropped as missed under an open gate", f"{_name(key)}: {line}", line.at)


def _may_drop(case: Case, row: Declared, tick: float, line: Line) -> bool:
    latest = line.at + case.history.early_s
    match line.facts.get("reason"):
        case "too_old":
            return latest - tick >= row.window_s
        case "max_catch_up":
            return row.catch_up == "all" and _at_least(row.between(tick, latest), row.max_catch_up)
        case "superseded":
            wants_all = row.catch_up == "all" and row.overlap != "queue"
            return not wants_all and _at_least(row.between(tick, latest), 1)
        case "catch_up_none":
            return row.catch_up == "none"
        case "max_interruptions":
            return not row.at_most_once
        case _:
            return True


def _at_least(ticks: Iterable[float], count: int) -> bool:
    return count == 0 or any(number >= count for number, _ in enumerate(ticks, start=1))


def _skips_are_lawful(case: Case) -> Iterator[Objection]:
    """Overlap skips behind a run that is not over, and never what a job that wants all its ticks has missed.

    Who was frozen tells late what it did before; so only what it told itself counts against it.
    """
    gates, early_s = Spans((gate.since, gate.until) for gate in case.history.gates), case.history.early_s
    for key, fate in case.fates.items():
        for line in fate.plain:
            if line.event != "run.skipped" or line.facts.get("reason") != "overlap" or isinstance(key[1], str):
                continue
            rows, tick = case.rows_with(key), key[1]
            if rows and all(row.overlap in ("allow", "queue", "replace") for row in rows):
                yield Objection("skipped against its policy", f"{_name(key)}: {line}", line.at)
            jitter_s = max((row.jitter_s for row in rows), default=0.0)
            latest = tick + jitter_s + early_s
            missed = case.history.gates and not gates.meet(tick - early_s, latest)
            missed = missed and case.began_to_lead(line.replica, latest, line.at)
            if missed and all(row.catch_up == "all" for row in rows):
                yield Objection("missed, wanted, and skipped", f"{_name(key)}: {line}", line.at)
            blocker = line.facts.get("blocker")
            before = case.fates.get(tick_of(str(blocker))) if blocker else None
            if before and any(one.at < line.at and one.replica == line.replica for one in before.plain):
                yield Objection("skipped behind a run that was over", f"{_name(key)}: {line}", line.at)


# ------------------------------------------------------------------ articles on who leads


def _gates_are_alone(case: Case) -> Iterator[Objection]:
    """At no instant do two gates stand open."""
    last: dict[str, Gate] = {}  # of each replica the one that ends last; there are few replicas
    for gate in sorted(case.history.gates, key=lambda gate: (gate.since, gate.until)):
        for other in last.values():
            if gate.since < other.until and gate.replica != other.replica:
                yield Objection("two open gates", f"{other}, {gate}", gate.since)
        if gate.replica not in last or gate.until > last[gate.replica].until:
            last[gate.replica] = gate


def _losses_are_excused(case: Case) -> Iterator[Objection]:
    """A ledger is reported lost only where somebody took it away."""
    excused = case.excused.get(None, Spans([]))
    for line in case.history.lines:
        if line.event != "ledger.lost":
            continue
        to = line.facts["to"]
        until = to.timestamp() if isinstance(to, datetime) else instant_of(str(to))
        if not excused.meet(until, until):
            yield Objection("a ledger lost without a cause", f"{line}", line.at)


def _name(key: Key) -> str:
    job, tick = key
    if isinstance(tick, str):
        return f"{job}@{tick}"
    return f"{job}@{datetime.fromtimestamp(tick, UTC):%Y-%m-%dT%H:%M:%SZ}"
