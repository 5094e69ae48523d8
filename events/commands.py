"""The table of commands (WIRE §2): the members of all command families, by type.

In: a type on the wire. Out: the model that reads it strictly. A new command is a class and a line
in its family's union.
"""

from __future__ import annotations

from typing import Final, get_args

from events.command import Command
from events.control_commands import ControlCommand
from events.market_commands import MarketCommand
from events.member_commands import MemberCommand

COMMANDS: Final[dict[str, type[Command]]] = {
    kind.TYPE: kind
    for family in (ControlCommand, MarketCommand, MemberCommand)
    for kind in get_args(family)
}
