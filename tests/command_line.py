"""Whether our command line takes the words that a file shows or runs.

In: words as typed. Out: nothing, or what click says is wrong with them. Nothing is run.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from services.cli import cli


def check_command(words: Sequence[str]) -> None:
    """Resolve command and flags. Errors: click's, for whatever the command line does not take."""
    program, *rest = words
    assert program == "clearing", f"expected clearing, found {program}"
    command: click.Command | None = cli
    context = click.Context(cli, info_name=program)
    while isinstance(command, click.Group):
        name, command, rest = command.resolve_command(context, rest)
        assert command is not None, f"{program} has no {name}"
        if not isinstance(command, click.Group):
            command.make_context(name, rest, parent=context)


def command_names() -> set[str]:
    """The commands there are."""
    return set(cli.list_commands(click.Context(cli)))
