"""`clearing schema`: the words on the wire, as JSON."""

from __future__ import annotations

import json

import click

from services.console.output import say
from services.console.schema import wire_schema


@click.command("schema")
def schema_command() -> None:
    r"""Print the JSON Schemas of commands and facts, the parameters, the reasons of refusal.

    \b
    Example:
      clearing schema > schema.json
      clearing schema | python -m json.tool --indent 1 | less
    """
    say(json.dumps(wire_schema(), indent=2, ensure_ascii=False).split("\n"))
