"""References: what a key takes from outside config.yaml, `${NAME}` from the environment and `{file: PATH}` from a file.

Only keys whose values may differ from replica to replica take them; `reference()` is the kind of value for all of them.
A variable is looked up while the file is loaded, so that a missing one is found at the start and not at 3 a.m.; a file
is read by each run as it starts, for whatever mounts it may renew it. Everywhere else a reference is a mistake of its
own, told by `refuse_reference`, because taken literally it would fail in the night or, worse, not fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.config.mistakes import Mistake, expected, printable
from scheduler.config.text.letters import PLACEHOLDER, RENDER, UNFILLED
from scheduler.core.references import FileReference, Secret, SecretKey, Value

VARIABLE = "[A-Za-z_][A-Za-z0-9_]*"

_DOLLAR = re.compile(rf"\$(?:(\$)|\{{({VARIABLE})\}}|(\{{[^}}]*\}}?))")
_BARE = re.compile(rf"\$({VARIABLE})|\$\(({VARIABLE})\)")
_WHOLE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")  # in capitals, as variables of the environment are; `${name}` is a text

# The same as a pattern of JSON Schema: whole references, doubled dollars, and dollars that begin nothing.
# Nothing in it looks ahead, for Helm reads patterns by Go's rules.
_PATTERN = rf"^([^$]|\$\$|\$\{{{VARIABLE}\}}|\$[^{{$])*\$?$"
_BARE_PATTERN = rf"^\$({VARIABLE}|\({VARIABLE}\))$"
FILE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"file": {"type": "string", "minLength": 1, "not": {"pattern": r"\$\{"}}},
    "required": ["file"],
    "additionalProperties": False,
}
_TEXT_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": _PATTERN,
    "if": {"pattern": _BARE_PATTERN},
    "then": {"pattern": r"^\$\{", "errorMessage": "expected ${NAME}; for this very text write $$NAME"},
    "errorMessage": "expected text, ${NAME} or {file: PATH}; a plain $ is $$",
}
REFERENCE_SCHEMA = {"anyOf": [_TEXT_SCHEMA, FILE_SCHEMA]}

_NAME_OF_SECRET = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"  # noqa: S105 - a pattern
_KEY_OF_SECRET = "[-._a-zA-Z0-9]+"  # noqa: S105 - a pattern
_SECRET = re.compile(rf"({_NAME_OF_SECRET})/({_KEY_OF_SECRET})")
_SECRET_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"secret": {"type": "string", "pattern": f"^{_NAME_OF_SECRET}/{_KEY_OF_SECRET}$"}},
    "required": ["secret"],
    "additionalProperties": False,
}
SECRET_SCHEMA = {"anyOf": [_TEXT_SCHEMA, FILE_SCHEMA, _SECRET_SCHEMA]}

_EQUAL = "${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself"
PLAIN_DOLLAR = "a plain $ is $$"


@dataclass(frozen=True, slots=True)
class Template:
    """Text with variables of the environment in it: `pieces` are text and names in turn, text first and last."""

    pieces: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, each once."""
        return tuple(dict.fromkeys(self.pieces[1::2]))

    def filled(self, environment: Mapping[str, str]) -> Secret:
        """The text with the variables' values in their places."""
        pieces = [environment[piece] if place % 2 else piece for place, piece in enumerate(self.pieces)]
        return Secret("".join(pieces), tuple(pieces[1::2]))


Written = str | Template | FileReference


def read_reference(value: object) -> Written:
    """What a key that takes references holds: text, text with variables in it, or the name of a file."""
    if isinstance(value, dict):
        return _file(value)
    if not isinstance(value, str):
        raise expected("text", "type", 'quote it: "{got}"' if isinstance(value, bool | int | float) else None)
    if bare := _BARE.fullmatch(value):
        name = bare[1] or bare[2]
        raise expected(f"${{{name}}}", "reference", f"for this very text write ${value}")
    pieces = [""]
    end = 0
    for found in _DOLLAR.finditer(value):
        if found[3]:
            message = f"expected ${{NAME}}, got {printable(found[0])}"
            raise Mistake(message, "reference", PLAIN_DOLLAR, span=found.span())
        pieces[-1] += value[end : found.start()] + (found[1] or "")
        pieces.extend([found[2], ""] if found[2] else [])
        end = found.end()
    pieces[-1] += value[end:]
    return Template(tuple(pieces)) if len(pieces) > 1 else pieces[0]


def read_secret_reference(value: object) -> Written | SecretKey:
    """What the environment of a Kubernetes Job holds: the same, or `{secret: NAME/KEY}`."""
    if isinstance(value, dict) and value.keys() & {"secretKeyRef", "valueFrom"}:
        raise expected("text, {file: PATH} or {secret: NAME/KEY}", "reference", "write {secret: NAME/KEY}")
    if not isinstance(value, dict) or value.keys() != {"secret"}:
        return read_reference(value)
    found = _SECRET.fullmatch(value["secret"]) if isinstance(value["secret"], str) else None
    if not found:
        mistake = expected("NAME/KEY", "reference", "the Secret's name, then which of its keys: crm/token")
        mistake.within = ("secret",)
        raise mistake
    name, _, key = found[0].partition("/")
    return SecretKey(name, key)


def refuse_reference(value: object) -> None:
    """Raise a `Mistake` if the value, of a key that takes none, is a reference or a template's unfilled placeholder."""
    if isinstance(value, dict) and len(value) == 1 and value.keys() <= {"file", "secret"}:
        raise Mistake("a reference cannot stand here", "reference", _EQUAL)
    if not isinstance(value, str):
        return
    if "${" in value:
        start = value.index("${")
        end = value.find("}", start) + 1 or len(value)
        raise Mistake("a reference cannot stand here", "reference", _EQUAL, span=(start, end))
    if placeholder := PLACEHOLDER.search(value):
        raise Mistake(UNFILLED, "template", RENDER, span=placeholder.span())


def written_reference(value: Written) -> object:
    """The value as config.yaml writes it."""
    match value:
        case Template(pieces):
            parts = (f"${{{piece}}}" if place % 2 else piece.replace("$", "$$") for place, piece in enumerate(pieces))
            return "".join(parts)
        case FileReference(path):
            return {"file": path}
    return value.replace("$", "$$")


def refuse_whole_reference(value: object, instead: str) -> None:
    """Raise a `Mistake` if free text is nothing but a reference; `instead` is the way out."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        raise Mistake("a reference cannot stand here", "reference", instead)


def resolved(value: Written, environment: Mapping[str, str]) -> Value:
    """The value as a run is handed it; all its variables are in the environment."""
    return value.filled(environment) if isinstance(value, Template) else value


def resolved_json(value: object, environment: Mapping[str, str]) -> object:
    """The same for each text in a value made of maps and lists."""
    match value:
        case dict():
            return {key: resolved_json(inner, environment) for key, inner in value.items()}
        case list():
            return [resolved_json(inner, environment) for inner in value]
        case Template():
            return value.filled(environment)
    return value


class _AnyEnvironment(Mapping[str, str]):
    """Has every variable, all of them empty."""

    def __getitem__(self, name: str) -> str:
        return ""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


ANY_ENVIRONMENT: Mapping[str, str] = _AnyEnvironment()
"""For those who only want to know when jobs run, on a machine that has not got their secrets."""


def _file(value: dict[object, object]) -> FileReference:
    path = value.get("file")
    if value.keys() != {"file"}:
        raise expected("text or {file: PATH}", "reference", _instead_of(value))
    if not isinstance(path, str) or not path:
        mistake = expected("the name of a file", "reference", "such as {file: /run/secrets/token}")
        mistake.within = ("file",)
        raise mistake
    try:
        refuse_reference(path)
    except Mistake as mistake:
        mistake.within = ("file",)
        raise
    return FileReference(path)


def _instead_of(value: Mapping[object, object]) -> str:
    if value.keys() == {"secret"}:
        return "{secret: ...} works only in kubernetes_job.env; here ${NAME} from the environment, or {file: PATH}"
    if "secret" in value or "valueFrom" in value:
        return "let the pod have the Secret as a variable, ${NAME}, or as a file, {file: PATH}"
    return "${NAME} is from the environment, {file: PATH} from a file"
