"""What shards have from each other, as decided in this audit (ARCHITECTURE §2).

In: control commands that stand, in order; links that markets send at barriers. Out: the command of
a number, for its copies; what all markets have sent for a barrier, for `member/0`. Nothing of it is
read from the tables beside the journal. Held in memory: 8 bytes a control command, whose line is
read again from its row, which agreed; and links until `member/0` has taken them.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from events.control_commands import ControlCommand
from services.journal.reader import Reader
from services.shards.control_commands import standing_command
from services.shards.links import ContractFlow, decode_flow
from services.shards.routing import CONTROL_SHARD, market_shard
from services.shards.rows import JournalRow, LinkRow


class Numbered(NamedTuple):
    """A control command that stands."""

    logical_time: int
    line: bytes
    command: ControlCommand


class ControlCommands:
    """The control commands that stand, by number. first: the last number before this audit."""

    def __init__(self, reader: Reader, first: int) -> None:
        self._reader = reader
        self._first = first
        self._seqs = array("q")
        self._held: dict[int, Numbered] = {}

    def add(self, row: JournalRow, command: ControlCommand) -> None:
        """The next one, of this row."""
        self._seqs.append(row.seq)
        number = self._first + len(self._seqs)
        self._held[number] = Numbered(row.logical_time, row.line, command)

    def prepare(self, numbers: Iterable[int]) -> None:
        """Read again those that copies say they are of; forget all others."""
        last = self._first + len(self._seqs)
        wanted = sorted({number for number in numbers if self._first < number <= last})
        kept = {number: self._held[number] for number in wanted if number in self._held}
        self._held = kept | self._read([number for number in wanted if number not in kept])

    def get(self, number: int) -> Numbered | None:
        """One of them; None while it was not decided."""
        if number not in self._held and self._first < number <= self._first + len(self._seqs):
            self._held |= self._read([number])
        return self._held.get(number)

    def _read(self, numbers: list[int]) -> dict[int, Numbered]:
        if not numbers:
            return {}
        seqs = {self._seqs[number - self._first - 1]: number for number in numbers}
        found = {}
        for row in self._reader.rows_at(CONTROL_SHARD, [*seqs]):
            command = standing_command(row.line)
            found[seqs[row.seq]] = Numbered(row.logical_time, row.line, command)
        return found


class Answers(NamedTuple):
    """What the markets have sent for a barrier; logical_time: of the last of their rows."""

    flows: list[ContractFlow]
    logical_time: int


class LinksSent:
    """Links that `member/0` has not taken yet, by barrier and market."""

    def __init__(self) -> None:
        self._sent: defaultdict[int, dict[str, tuple[int, list[LinkRow]]]] = defaultdict(dict)

    def add(self, rows: Iterable[LinkRow], *, logical_time: int) -> None:
        """What a market sends in one row."""
        for row in rows:
            self._sent[row.barrier].setdefault(row.source, (logical_time, []))[1].append(row)

    def missing(self, barrier: int, products: Iterable[str]) -> list[str]:
        """The markets in use that have not answered a barrier."""
        sent = self._sent.get(barrier, {})
        return [shard for shard in map(market_shard, sorted(products)) if shard not in sent]

    def take(self, barrier: int) -> Answers:
        """Everything sent for a barrier, by market."""
        sent = self._sent.pop(barrier, {})
        rows = [row for _, (_, of_source) in sorted(sent.items()) for row in of_source]
        flows = [decode_flow(row.payload) for row in rows if not row.is_last]
        return Answers(flows, max((time for time, _ in sent.values()), default=0))
