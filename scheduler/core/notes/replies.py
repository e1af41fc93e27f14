"""What the leader answers to whoever asked for something, as one note: why a command has no effect, how a run ended.

    answers      {"m-7f3a1b2c":"there is no job metre, or it is disabled",
                  "nightly@manual-2026-11-22T19:43:17.204Z":"succeeded"}

That a command was heard at all, the ledger's `acks` tell. Only the last answers are kept: whoever asked reads them
within seconds, and the log has them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from scheduler.core.job import run_id
from scheduler.core.ledger import MANUAL, Did

ANSWERS = "answers"
KEPT = 32
LONGEST_ANSWER = 200


def answers_in(notes: Mapping[str, str]) -> dict[str, str]:
    """The answers by the id of a command or of a run; what cannot be read is none."""
    try:
        content = json.loads(notes.get(ANSWERS, "{}"))
    except (ValueError, RecursionError):
        return {}
    found = content.items() if isinstance(content, dict) else ()
    return {key: text for key, text in found if isinstance(text, str)}


def with_answers(notes: Mapping[str, str], new: Mapping[str, str]) -> Mapping[str, str]:
    """These notes with these answers added, the oldest of too many left out."""
    if not new:
        return notes
    known = {key: text for key, text in answers_in(notes).items() if key not in new}
    kept = [*known.items(), *((key, text[:LONGEST_ANSWER]) for key, text in new.items())][-KEPT:]
    return {**notes, ANSWERS: json.dumps(dict(kept), separators=(",", ":"), ensure_ascii=False)}


def fates_of_manual_runs(rows: Iterable[Did]) -> dict[str, str]:
    """How runs that somebody asked for ended, by run id: an outcome, or the reason why there is none."""
    return {run_id(row.job, row.first): row.fate for row in rows if row.first.startswith(MANUAL)}
