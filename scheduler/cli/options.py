"""The options that every command takes, before or after its name, and what they say together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from scheduler.app import Place

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_CONFIG = "config.yaml"

_OPTIONS = (
    click.option("-c", "--config", metavar="FILE", help="The job table [$LEASEBEAT_CONFIG, else ./config.yaml]"),
    click.option(
        "--store", type=click.Choice(["auto", "kubernetes", "sqlite", "memory"]), help="Where the Lease lives"
    ),
    click.option("--context", metavar="NAME", help="Cluster of this kubeconfig context"),
    click.option("--kubeconfig", metavar="FILE", help="Cluster of this kubeconfig"),
    click.option("-n", "--namespace", metavar="NAME", help="Namespace of the Lease"),
    click.option("--lease", metavar="NAME", help="Name of the Lease"),
    click.option("--json", "as_json", is_flag=True, default=None, help="Output for machines"),
    click.option("-q", "quiet", is_flag=True, default=None, help="Only warnings and errors"),
    click.option("-v", "verbose", is_flag=True, default=None, help="Every write and wake-up"),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), help="Colours [auto]"),
)


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
