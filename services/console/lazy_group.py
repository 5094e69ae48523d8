"""A group of commands each of which is imported when it is asked for.

In: names and where each command is defined. Out: a click group. Nobody who asks for a report waits
until Kafka's client and Faust are imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """places: of each command `module:attribute`, in the order in which help lists them."""

    def __init__(self, *, places: Mapping[str, str], **more: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(**more)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks so
        """The names of all commands."""
        return [*self._places]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click asks so
        """A command by its name."""
        place = self._places.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), place
        return command
