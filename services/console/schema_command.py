"""`clearing schema`: the words on the wire, as JSON."""

from __future__ import annotations

import json

import click

from services.console.example import example
from services.console.output import say


@click.command(
    "schema",
    epilog=example(
        "clearing schema > schema.json",
        "clearing schema | python -m json.tool --indent 1 | less",
    ),
)
def schema_command() -> None:
    """Print the words on the wire as JSON.

    The schemas of commands and facts, the parameters, the reasons of refusal, the products.
    """
    from services.console.schema import wire_schema

    say(json.dumps(wire_schema(), indent=2, ensure_ascii=False).split("\n"))
