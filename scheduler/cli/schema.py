"""`leasebeat schema`: the JSON Schema of config.yaml, for editors and charts."""

from __future__ import annotations

import json
from typing import Any

import click

from scheduler.cli.options import common_options
from scheduler.config.chart_schema import chart_schema
from scheduler.config.schema import schema as config_schema

EXAMPLES = """\b
Examples:
  leasebeat schema > config.schema.json
  leasebeat schema --helm | jq .properties.lease
"""


@click.command(epilog=EXAMPLES)
@click.option("--helm", is_flag=True, help="That of the chart's config: block, to be put into a values.schema.json")
@common_options
def schema(*, helm: bool, **_common: Any) -> None:
    """Print the JSON Schema of config.yaml."""
    click.echo(json.dumps(chart_schema() if helm else config_schema(), indent=2))
