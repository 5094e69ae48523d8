"""A click group that imports a command only when it is used.

In: names, and of each command where it is and what it does. Out: a click group. `--help` and the
completion of a shell import none of them; `report` does not wait for Kafka's client and Faust. A
mistyped command is answered with those of similar names.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class LazyCommand(NamedTuple):
    """Where a command is, as `module:attribute`, and the line that lists it."""

    target: str
    tells: str


class LazyGroup(click.Group):
    """targets: each command by its name, in the order in which help lists them."""

    def __init__(self, *, targets: Mapping[str, LazyCommand], **settings: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(**settings)
        self._targets = targets

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks so
        """The names of all commands."""
        return [*self._targets]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click asks so
        """A command by its name."""
        entry = self._targets.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), entry
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named. Errors: a usage error with similar names."""
        name = args[0]
        if name not in self._targets and not name.startswith("-"):
            near = get_close_matches(name, self._targets, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "see clearing --help"
            ctx.fail(f"there is no command {name!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click asks so
        """The list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.tells) for name, entry in self._targets.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What a shell may complete; of the group itself, and so without an import."""
        commands = [
            CompletionItem(name, help=entry.tells)
            for name, entry in self._targets.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]
