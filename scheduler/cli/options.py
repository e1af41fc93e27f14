"""The options that every command takes, before or after its name, and what they say together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scheduler.app.place import Place

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_CONFIG = "config.yaml"


class CommonOption(click.Option):
    """An option of all commands: told of once, in `leasebeat -h`, so that the help of each command fits one screen."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:  # noqa: ARG002 - click's signature
        """One line for all of them, in the place of the last."""
        return ("-c, --json, -n, ...", "Global options: see leasebeat -h") if self.name == "color" else None


_option = partial(click.option, cls=CommonOption)
_OPTIONS = (
    _option("-c", "--config", metavar="FILE", type=click.Path()),
    _option("--store", type=click.Choice(["auto", "kubernetes", "sqlite", "memory"])),
    _option("--context", metavar="NAME"),
    _option("--kubeconfig", metavar="FILE", type=click.Path()),
    _option("-n", "--namespace", metavar="NAME"),
    _option("--lease", metavar="NAME"),
    _option("--json", "as_json", is_flag=True, default=None),
    _option("-q", "quiet", is_flag=True, default=None),
    _option("-v", "verbose", is_flag=True, default=None),
    _option("--color", type=click.Choice(["auto", "always", "never"])),
)
COMMON_HELP = """\
Global: -c FILE, the job table [$LEASEBEAT_CONFIG, else ./config.yaml]
  --context NAME, --kubeconfig FILE, -n NAMESPACE, --lease NAME   which Lease
  --store auto|kubernetes|sqlite|memory      --color auto|always|never
  --json for machines    -q only warnings and errors    -v every write, wake-up
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What the options say; None where they say nothing."""

    config: str | None = None
    store: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    namespace: str | None = None
    lease: str | None = None
    as_json: bool | None = None
    quiet: bool | None = None
    verbose: bool | None = None
    color: str | None = None

    @property
    def config_path(self) -> Path:
        """The file to read."""
        return Path(self.config or os.environ.get("LEASEBEAT_CONFIG") or DEFAULT_CONFIG)

    @property
    def place(self) -> Place:
        """Where the Lease lives, as far as the command line says it."""
        from scheduler.app.place import Place  # noqa: PLC0415  # the whole program, which not every command needs

        return Place(self.store, self.context, self.kubeconfig, self.namespace, self.lease)

    def as_arguments(self) -> list[str]:
        """The same choice of file and store, as another process is to be told it."""
        flags = {"store": self.store, "context": self.context, "kubeconfig": self.kubeconfig}
        flags |= {"namespace": self.namespace, "lease": self.lease, "config": str(self.config_path)}
        return [f"--{name}={value}" for name, value in flags.items() if value]

    @property
    def level(self) -> str | None:
        """The log level that -q or -v ask for."""
        if self.verbose:
            return "debug"
        return "warning" if self.quiet else None


def common_options(command: Command) -> Command:
    """Give a command, or the group of them, the options that all take."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def gathered(context: click.Context, after: Mapping[str, Any]) -> Options:
    """The options before the command's name, overruled by those after it."""
    before: Mapping[str, Any] = context.obj or {}
    names = Options.__dataclass_fields__
    return Options(**{name: before.get(name) if after.get(name) is None else after[name] for name in names})
