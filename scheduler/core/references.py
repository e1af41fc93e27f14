"""Values of config.yaml that are kept elsewhere: in a variable of the environment, or in a file.

What config.yaml itself says is equal on every replica and may be shown; what these stand for is neither. A `Secret`
gives its text only to whoever asks for exactly that: every other way to write it down says `***`.
"""

from __future__ import annotations

from dataclasses import dataclass

HIDDEN = "***"


class Secret:
    """A text from outside config.yaml. Neither a log line nor an exception that quotes it by accident can show it.

    `variables` are the values of the environment that are in it, each a secret of its own.
    """

    __slots__ = ("_text", "variables")

    def __init__(self, text: str, variables: tuple[str, ...] = ()) -> None:
        self._text, self.variables = text, variables

    def reveal(self) -> str:
        """The text itself, for the one process that is to have it."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class FileReference:
    """The content of a file, read by each run as it starts; `path` is as seen from the folder of config.yaml."""

    path: str


@dataclass(frozen=True, slots=True)
class SecretKey:
    """The value of `key` in the Secret `name` of the namespace; only the pod of a Kubernetes Job ever sees it."""

    name: str
    key: str


Value = str | Secret | FileReference
