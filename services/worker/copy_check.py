"""Copies of control commands, checked against the control journal (ARCHITECTURE §2).

In: a message that says it is copy n. Out: the row of `control/0` it is a copy of, or the fault of
the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from events.control_commands import ControlCommand
from events.refusals import Reason, Refusal
from services.broker.messages import BY_COPY, Fault, Message
from services.journal.reader import NumberedCommand, Reader
from services.shards.control_commands import standing_command


class ControlGap(Exception):
    """A genuine copy came, and one before it never did; the shard cannot go on."""


class Copies:
    """The rows of `control/0` that the messages of a batch say they are copies of."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows: dict[int, NumberedCommand] = {}
        self._commands: dict[int, ControlCommand] = {}
        self._end = 0

    def prepare(self, messages: Sequence[Message]) -> None:
        """Read the rows of a batch's copies, once, so that all of the batch is judged alike.

        A copy that lies there before its command stands is refused, even if the command stands by
        the time the copy is decided.
        """
        if messages[-1].offset < self._end:
            return
        self._end = messages[-1].offset + 1
        numbers = {message.number for message in messages if message.number is not None}
        rows = self._reader.numbered_in(sorted(numbers)) if numbers else []
        self._rows = {row.number: row for row in rows}
        self._commands = {}

    def forget(self) -> None:
        """Read the rows again at the next `prepare`."""
        self._end = 0

    def first_ahead(self, messages: Sequence[Message]) -> int | None:
        """The first copy of a command that the control journal did not have at `prepare`."""
        numbers = [message.number for message in messages if message.number is not None]
        return next((number for number in numbers if number not in self._rows), None)

    def row_of(self, message: Message) -> NumberedCommand | Fault:
        """The row that a message is a copy of, or why it is refused."""
        assert message.number is not None, message
        row = self._rows.get(message.number)
        if row is None or row.line != message.line:
            return copy_fault(message.number, is_there=row is not None)
        return row

    def command_of(self, row: NumberedCommand) -> ControlCommand:
        """The command of a row, decoded once in a batch."""
        if row.number not in self._commands:
            self._commands[row.number] = standing_command(row.line)
        return self._commands[row.number]


def copy_fault(number: int, *, is_there: bool) -> Fault:
    """The fault of a copy whose command has other bytes, or is not there."""
    actual = "other bytes there" if is_there else "no such command"
    detail = f"expected a copy of control command {number}, found {actual}"
    return Fault(BY_COPY, Refusal(Reason.WRONG_SHARD, detail))


def is_next(row: NumberedCommand, *, last: int, shard: str) -> bool:
    """True if a genuine copy is the next; False if it was decided before. Errors: ControlGap."""
    if row.number > last + 1:
        msg = (
            f"{shard} had copy {last} of the control commands last and found copy {row.number}: "
            f"{row.number - last - 1} between them are missing from its inbox"
        )
        raise ControlGap(msg)
    return row.number == last + 1


NO_COPIES: Final = Fault(
    BY_COPY, Refusal(Reason.WRONG_SHARD, "expected no copies in the inbox of control/0, found one")
)
