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
        "clearing schema --asyncapi > asyncapi.json",
    ),
)
@click.option(
    "--asyncapi", "is_async", is_flag=True, help="The topics of Kafka instead, as AsyncAPI 3.0."
)
def schema_command(*, is_async: bool) -> None:
    """Print the words on the wire as JSON.

    The schemas of commands and facts, the parameters, the reasons of refusal, the products. With
    `--asyncapi` topics, their messages with the same schemas, keys and headers.
    """
    from services.console.asyncapi import async_schema
    from services.console.schema import wire_schema

    document = async_schema() if is_async else wire_schema()
    say(json.dumps(document, indent=2, ensure_ascii=False).split("\n"))
