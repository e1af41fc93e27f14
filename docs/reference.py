"""Fill the tables of configuration.md from the keys' own descriptions: `make schema`.

The page is written by hand, but for what stands between `<!-- keys: NAME -->` and the next `<!-- end -->`: there come
the keys of one map, in the order of its model, as the editor tells them too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from scheduler.config.models.actions import CeleryKeys, HttpKeys, KubernetesJobKeys, PythonKeys, ShellKeys
from scheduler.config.models.file import FileKeys, JobKeys
from scheduler.config.models.policies import NotifyKeys, PolicyKeys
from scheduler.config.models.settings import HealthKeys, HookKeys, HooksKeys, LeaseKeys, LoggingKeys, TargetKeys
from scheduler.config.models.strict import Strict, inner_map
from scheduler.config.schema import written_default
from scheduler.config.text.composing import json_value

PAGE = Path(__file__).with_name("configuration.md")

_MAPS: dict[str, type[Strict]] = {
    "file": FileKeys,
    "lease": LeaseKeys,
    "logging": LoggingKeys,
    "health": HealthKeys,
    "hooks": HooksKeys,
    "hook": HookKeys,
    "target": TargetKeys,
    "job": JobKeys,
    "policies": PolicyKeys,
    "notify": NotifyKeys,
    "python": PythonKeys,
    "shell": ShellKeys,
    "http": HttpKeys,
    "kubernetes_job": KubernetesJobKeys,
    "celery": CeleryKeys,
}
_BLOCK = re.compile(r"(<!-- keys: ([a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WORD = "[A-Za-z0-9./_-]+(?::[A-Za-z0-9./_-]+)*"  # a colon only within, where YAML takes it for text
_PLAIN = re.compile(rf"(?!-){_WORD}(?: {_WORD})*")
_HEAD = "| key | meaning | default | example |\n|---|---|---|---|\n"


def filled(page: str) -> str:
    """The page with its tables made anew. Raises KeyError for a map that there is not."""
    return _BLOCK.sub(lambda block: block[1] + table(_MAPS[block[2]]) + block[3], page)


def table(model: type[Strict]) -> str:
    """A row for each key of the map; keys that it shares with others, such as a job's policies, have a table there."""
    shared = PolicyKeys.model_fields.keys() if model is JobKeys else ()
    rows = (row(key, field) for key, field in model.model_fields.items() if key not in shared)
    return _HEAD + "".join(rows)


def row(key: str, field: FieldInfo) -> str:
    """What is said about one key."""
    example = f"`{key}: {flow((field.examples or [None])[0])}`"
    cells = (f"`{key}`", field.description or "", default(field), example)
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def default(field: FieldInfo) -> str:
    """What a key that is not there stands for, as the file would write it."""
    if field.is_required() or inner_map(field) is JobKeys:
        return "required"
    if field.default in ([], {}):
        return f"`{flow(field.default)}`"
    written = written_default(field)
    return "" if written is None else f"`{flow(written)}`"


def flow(value: Any) -> str:
    """A value as one line of YAML, with quotes where our reader needs them, or a reader's eye."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and json_value(value) == value:
        return value
    return json.dumps(value)


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
