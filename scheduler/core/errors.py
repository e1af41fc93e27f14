"""Every error this program raises on purpose.

    LeasebeatError
    ├── ConfigError            config.yaml is wrong; carries every problem found
    ├── CronError              a cron expression is wrong (core/timing/cron.py)
    ├── UnknownZone            no such time zone (core/timing/zones.py)
    ├── NoSuchLocalTime        the clocks skip it (core/timing/zones.py)
    ├── PortUnavailable        the health server cannot have its port (telling/health_listening.py)
    ├── ClusterError           no way to an API server: no kubeconfig, no such context, no token
    ├── LedgerError            the ledger annotation cannot be used
    │   ├── LedgerUnreadable   not JSON of our shape: treated as missing (rule 29)
    │   └── LedgerTooNew       written by a later version: left alone (rule 29)
    └── StoreError             a request to the Lease's store did not do what was asked
        ├── Conflict           somebody wrote first (409, or a create over an existing Lease)
        ├── Absent             there is no Lease to replace (404)
        └── Unavailable        anything else: refused, forbidden, throttled, reset, timed out
            ├── Refused        judged and turned down: asked again, it would be again
            └── WatchForbidden the store does not let us watch; reading still works

Foreign errors (urllib3, sqlite3, yaml, pydantic) are translated at the edge where they appear, so that nothing above
catches a library's exception. `Conflict` and `Absent` do not prove that a write was not applied: a repeated request can
be refused because its first copy landed. Only reading the Lease tells (rule 3).
"""

from __future__ import annotations

from dataclasses import dataclass


class LeasebeatError(Exception):
    """Root of the tree; `str()` of any of them is fit for a person to read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is, what was expected, and the way out.

    `line` and `column` count from 1, as editors do; `source` is that line of the file and `span` the columns
    underlined, first included, last excluded. `path` is empty for a mistake that belongs to no key.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    code: str
    hint: str | None = None
    source: str | None = None
    span: tuple[int, int] | None = None
    warning: bool = False


class ConfigError(LeasebeatError):
    """config.yaml cannot be used; `problems` has every mistake, in file order."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} errors in {problems[0].file}" if problems else "invalid config")
        self.problems = problems


class ClusterError(LeasebeatError):
    """There is no usable way to an API server; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class LedgerError(LeasebeatError):
    """The ledger annotation cannot be used as it stands."""


class LedgerUnreadable(LedgerError):
    """The annotation is not JSON of the ledger's shape."""


class LedgerTooNew(LedgerError):
    """The annotation was written in a later format, `version`, by a newer leasebeat."""

    def __init__(self, version: int) -> None:
        super().__init__(f"ledger format {version} is newer than this program's")
        self.version = version


class StoreError(LeasebeatError):
    """A request to the store failed; `hint` is a way out, where one is known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Conflict(StoreError):
    """The version or uid given is not the Lease's any more, or a Lease exists where none was expected."""


class Absent(StoreError):
    """There is no Lease of this name."""


class Unavailable(StoreError):
    """The store gave no usable answer; whether a write was applied is unknown."""


class Refused(Unavailable):
    """The request was understood and turned down, and so it will be until somebody changes something."""


class WatchForbidden(Unavailable):
    """The account may not watch the Lease."""
