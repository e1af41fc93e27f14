"""Whether what config.yaml refers to is there: variables of the environment, and files.

A variable that is not set is a mistake: no run would ever get it in this process. A file that is not there is only a
suspicion: it is read by each run, and may be mounted or renewed by then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from scheduler.config.checking import Draft, Finding
from scheduler.config.document import Path as Way
from scheduler.config.keys import ACTIONS, HOOK_ACTIONS
from scheduler.config.mistakes import MOST_TOLD, Mistake, listing, printable
from scheduler.config.models.file import JobKeys
from scheduler.config.models.settings import HookKeys
from scheduler.config.rules.case import meant_there
from scheduler.config.values.references import ANY_ENVIRONMENT, PLAIN_DOLLAR, Template, Written
from scheduler.config.values.web import BROKER_URL, NO_URL, unfit_header, unfit_url
from scheduler.core.references import FileReference

_CELERY = 'pip install "leasebeat[celery]"; only commands that start no run, such as next, do without'
_ACTIONS = {JobKeys: ACTIONS, HookKeys: HOOK_ACTIONS}
_MAY_REFER = {
    "python": ("env",),
    "shell": ("env",),
    "http": ("url", "headers", "body"),
    "kubernetes_job": ("env",),
    "celery": ("broker",),
}


def unset_variables(draft: Draft, environment: Mapping[str, str]) -> Iterator[Finding]:
    """The references to variables that the environment does not have, or whose values do not suit their place."""
    told = 0
    for way, value in _references(draft):
        if not isinstance(value, Template):
            continue
        missing = [name for name in value.names if name not in environment]
        mistake = _unset(missing) if missing else _unfit(way, value, environment)
        if mistake and (found := _at_home(draft, way, mistake)):
            yield found
            told += 1
        if told > MOST_TOLD:
            return


def _at_home(draft: Draft, way: Way, mistake: Mistake) -> Finding | None:
    """The mistake at its place: where it is about a default that nobody typed, at the action's key.

    None where somebody tried to say otherwise, and was told how to.
    """
    if not draft.intact(*map(str, way)):
        return None
    if way[-1] != "broker" or "broker" in draft.document.keys(*map(str, way[:-1])):
        return way, mistake
    if meant_there(draft, way[:-1], ("broker",)):
        return None
    hint = f"{mistake.hint}; or write broker:"
    return way[:-1], Mistake(mistake.message, mistake.code, hint, on_key=True)


def _unfit(way: Way, value: Template, environment: Mapping[str, str]) -> Mistake | None:
    """What is wrong with what the text comes to, without a word of it: it is a secret."""
    if environment is ANY_ENVIRONMENT:
        return None
    text, names = value.filled(environment).reveal(), listing([f"${{{name}}}" for name in value.names], "and")
    if way[-1] in ("url", "webhook", "ping") and unfit_url(text):
        return Mistake(f"with the value of {names} it is not {NO_URL}", "url", "look at the variable's value")
    if way[-1] == "broker" and "://" not in text:
        return Mistake(f"with the value of {names} it is not {BROKER_URL}", "url", "look at the variable's value")
    if "headers" in way[-2:-1] and (fault := unfit_header(text)):
        return Mistake(f"the value of {names} has {fault} in it", "header", "a header is one line of text")
    return None


def missing_files(draft: Draft, folder: Path) -> Iterator[Finding]:
    """The references to files that are not there, or cannot be seen; paths are as seen from `folder`."""
    for way, value in _references(draft):
        if isinstance(value, FileReference) and not os.path.exists(folder / value.path):  # noqa: PTH110 - never raises
            hint = "each run reads it as it starts, and fails without it"
            yield way, Mistake(f"no file {printable(value.path)} yet", "env-file", hint, within=("file",))


def _references(draft: Draft) -> Iterator[tuple[Way, Written]]:
    """Every value that may be a reference, and where it is."""
    yield from _in_target_or_hook(draft)
    if ping := draft.keys.defaults.ping:
        yield ("defaults", "ping"), ping
    for name, job in draft.keys.jobs.items():
        yield from _in_actions(job, ("jobs", name))
        if job.ping:
            yield ("jobs", name, "ping"), job.ping


def _in_target_or_hook(draft: Draft) -> Iterator[tuple[Way, Written]]:
    for name, target in draft.keys.notify.items():
        yield ("notify", name, "webhook"), target.webhook
        yield from _leaves(target.headers, ("notify", name, "headers"))
    for moment, hook in draft.keys.lease.hooks.stated().items():
        yield from _in_actions(hook, ("lease", "hooks", moment))


def _in_actions(holder: JobKeys | HookKeys, way: Way) -> Iterator[tuple[Way, Written]]:
    for action in _ACTIONS[type(holder)]:
        if what := getattr(holder, action):
            for key in _MAY_REFER[action]:
                yield from _leaves(getattr(what, key), (*way, action, key))


def _leaves(value: object, way: Way) -> Iterator[tuple[Way, Written]]:
    """The texts and references in a value that is one, or is made of maps and lists."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _leaves(inner, (*way, key))
        case list():
            for position, inner in enumerate(value):
                yield from _leaves(inner, (*way, position))
        case str() | Template() | FileReference():
            yield way, value


def _unset(missing: list[str]) -> Mistake:
    one = len(missing) == 1
    message = f"environment variable{'' if one else 's'} {listing(missing, 'and')} {'is' if one else 'are'} not set"
    keys = listing([f"env.{name}" for name in missing], "and")
    return Mistake(message, "env", f"set {'it' if one else 'them'} (chart: {keys}); {PLAIN_DOLLAR}")


def missing_packages(draft: Draft, installed: Callable[[str], bool]) -> Iterator[Finding]:
    """The first job that needs a package which is not installed here; `installed` says so of a package's name."""
    for name, job in draft.keys.jobs.items():
        if job.celery and not installed("celery"):
            message = "needs the package celery, which is not installed"
            yield ("jobs", name, "celery"), Mistake(message, "celery", _CELERY, on_key=True)
        if job.celery:
            return


def is_installed(package: str) -> bool:
    """Whether it could be imported; it is not."""
    return find_spec(package) is not None
