"""`leasebeat schema`: the JSON Schema of config.yaml, for editors and charts."""

from __future__ import annotations

import json
from typing import Any

import click

from scheduler.cli.options import common_options
from scheduler.config.schema import schema as config_schema

EXAMPLES = """\b
Examples:
  leasebeat schema > config.schema.json
  leasebeat schema | jq .properties.jobs
"""


@click.command(epilog=EXAMPLES)
@common_options
def schema(**_common: Any) -> None:
    """Print the JSON Schema of config.yaml."""
    click.echo(json.dumps(config_schema(), indent=2))
