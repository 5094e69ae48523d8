"""Control commands that stand, read back from the journal for the shards that follow them."""

from __future__ import annotations

from typing import Final

from events.codec import decode_command
from events.command import Command
from events.control_commands import Configure, ControlCommand

_IN_USE: Final = "product_in_use"


def standing_command(line: bytes) -> ControlCommand:
    """The command of a line that stands in `control/0`."""
    command = decode_command(line)
    assert isinstance(command, ControlCommand), (
        f"a control command stands and can't be read: {line!r}"
    )
    return command


def put_in_use(command: Command) -> str | None:
    """The product that a command puts in use if it stands; None for any other command."""
    if isinstance(command, Configure) and command.parameter == _IN_USE:
        return command.product
    return None
