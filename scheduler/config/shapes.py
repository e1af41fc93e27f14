"""What is said where a map or a list should be and something else is: mostly a slip of the indentation.

Keys that stand one step too far left are one mistake, whatever they look like there: the first place where it shows is
told, and what only follows from it is not.
"""

from __future__ import annotations

from scheduler.config.document import Document, ListNode, MapNode, Node, Path, Scalar
from scheduler.config.mistakes import Mistake, expected, printable
from scheduler.config.models.file import FileKeys, JobKeys
from scheduler.config.text.strangers import is_crontab_line

_OF_A_JOB = "such as {every: 5m, shell: ./sync}"
_OF_MAPS = {
    "env": "write NAME: value, one a line and without -",
    "headers": "write NAME: value, one a line and without -",
    "hooks": "such as {started: {shell: ./switch}}",
    "notify": "such as {on_failure: [ops]}",
    "health": "such as {port: 8080, page: false}; {port: 0} for none",
    "kwargs": "write NAME: value, one a line and without -",
    "options": "such as {queue: mail}",
    "template": "what a CronJob has under jobTemplate; leasebeat import cronjobs writes it",
    "defaults": "such as {timeout: 20m, retries: 2}",
    "lease": "such as {name: billing}",
    "logging": "such as {format: json}",
}


def misshapen(document: Document, path: Path, kind: str) -> Mistake:
    """The few mistakes that pydantic itself finds, by its name for them: a wrong shape, or a key that is missing."""
    if kind == "missing":
        return Mistake(f'key "{path[-1]}" is missing', "missing", f"add {path[-1]}:", on_key=True)
    if kind == "list_type":
        one = isinstance(document.find(path)[2], Scalar)
        return expected("a list", "type", "write [{got}]" if one else "write [...]")
    return expected(*_wanted_map(document, path))


def _wanted_map(document: Document, path: Path) -> tuple[str, str, str | None]:
    """What should be where no map is, the code of that mistake, and the way out."""
    match path:
        case ("jobs",):
            return "a map of name to job", "type", _of_jobs(document)
        case ("jobs", name):
            return "a map of a job's keys", "type", _of_job(document, str(name))
        case ("notify",):
            return "a map of name to target", "type", "such as ops: {webhook: https://chat/hook}"
        case ("notify", _):
            return "a map of a target's keys", "type", "such as {webhook: https://chat/hook}"
        case ("lease", "hooks", _):
            return "a map with an action", "type", "such as {shell: ./switch}"
    return "a map", "type", _OF_MAPS.get(str(path[-1]))


def job_too_far_left(document: Document, path: Path) -> Mistake | None:
    """The refusal of an unknown key at the top that is a job, beside an empty `jobs:`."""
    if len(path) != 1 or not _is_stray_job(document, str(path[0])):
        return None
    key = str(path[0])
    return Mistake(f'unknown key "{printable(key)}"', "unknown-key", "is it a job? indent it below jobs:", key=key)


def follows_from_indent(document: Document, path: Path) -> bool:
    """Whether what is wrong at the path was told already, of a neighbour that shows the same slip."""
    if path == ("jobs",):
        return any(_is_stray_job(document, key) for key in document.root.entries)
    name = str(path[-1])
    if path[:-1] != ("jobs",) or name not in JobKeys.model_fields or isinstance(document.get("jobs", name), MapNode):
        return False
    names = document.keys("jobs")
    jobs_before = [other for other in names[: names.index(name)] if other not in JobKeys.model_fields]
    return bool(jobs_before) and _is_empty(document.get("jobs", jobs_before[-1]))


def _is_stray_job(document: Document, key: str) -> bool:
    if key in FileKeys.model_fields or not _is_empty(document.get("jobs")):
        return False
    return any(inner in JobKeys.model_fields for inner in document.keys(key))


def _of_jobs(document: Document) -> str:
    """For those who wrote the jobs as a list: how the first one would begin."""
    jobs = document.get("jobs")
    if not isinstance(jobs, ListNode) or not jobs.items:
        return "such as hello: {every: 1m, shell: date}"
    first = jobs.items[0]
    if isinstance(first, Scalar) and is_crontab_line(first.text):
        return "leasebeat import crontab FILE makes jobs of a crontab's lines"
    entries = first.entries if isinstance(first, MapNode) else {}
    if len(entries) == 1 and isinstance(next(iter(entries.values()))[1], MapNode):
        return f"remove the - before `{printable(next(iter(entries)))}:`"
    named = entries.get("name")
    name = printable(named[1].text) if named and isinstance(named[1], Scalar) else "a-name"
    return f"write `{name}:` and indent its keys below"


def _of_job(document: Document, name: str) -> str:
    """For those whose keys stand beside the job's name instead of below it."""
    jobs = document.get("jobs")
    assert isinstance(jobs, MapNode)
    if not _is_empty(jobs.entries[name][1]) or not any(key in jobs.entries for key in JobKeys.model_fields):
        return _OF_A_JOB
    names = list(jobs.entries)
    following = names[names.index(name) + 1 :][:1]
    if not following or following[0] not in JobKeys.model_fields:
        return _OF_A_JOB
    return f"indent {following[0]}: and what belongs to it below {printable(name)}:"


def _is_empty(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.plain and not node.text
