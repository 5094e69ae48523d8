"""Control commands that stand: what their copies and whoever follows them read from the journal."""

from __future__ import annotations

from typing import Final

from events.codec import decode_command
from events.command import Command
from events.control_commands import Configure, ControlCommand

_IN_USE: Final = "product_in_use"


def standing_command(line: bytes) -> ControlCommand:
    """The command of a line of `control/0` that stands."""
    command = decode_command(line)
    assert isinstance(command, ControlCommand), (
        f"a control command stands and can't be read: {line!r}"
    )
    return command


def put_in_use(command: Command) -> str | None:
    """The product that a command puts in use, if it stands; None for any other command."""
    is_asked = isinstance(command, Configure) and command.parameter == _IN_USE
    return command.product if isinstance(command, Configure) and is_asked else None
