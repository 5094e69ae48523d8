"""Control commands and links between shards, as decided in this audit (ARCHITECTURE §2).

In: control commands that stand, in order; links that markets send at barriers; votes on spreads.
Out: the command of a number, for its copies; the links of all markets for a barrier, for
`member/0`; the votes for each market of a spread. The tables beside the journal are not read. Held
in memory: 8 bytes a control command, whose line is read again from its row, which agreed; links
until `member/0` settles their barrier; votes until the last market decides their spread.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from events.control_commands import ControlCommand
from services.journal.reader import Reader
from services.shards.control_commands import standing_command
from services.shards.links import Answers, decode_flow
from services.shards.routing import CONTROL_SHARD, market_shard
from services.shards.rows import JournalRow, LinkRow
from services.shards.spread_votes import read_votes


class Numbered(NamedTuple):
    """A control command that stands."""

    logical_time: int
    line: bytes
    command: ControlCommand


class ControlCommands:
    """The control commands that stand, by number. before: the last number before this audit."""

    def __init__(self, reader: Reader, before: int) -> None:
        self._reader = reader
        self._before = before
        self._seqs = array("q")
        self._cached: dict[int, Numbered] = {}

    def add(self, row: JournalRow, command: ControlCommand) -> None:
        """Add the next command, decided in this row."""
        self._seqs.append(row.seq)
        number = self._before + len(self._seqs)
        self._cached[number] = Numbered(row.logical_time, row.line, command)

    def prepare(self, numbers: Iterable[int]) -> None:
        """Cache the commands of these numbers and no others."""
        last = self._before + len(self._seqs)
        copied = sorted({number for number in numbers if self._before < number <= last})
        cached = {number: self._cached[number] for number in copied if number in self._cached}
        self._cached = cached | self._read([number for number in copied if number not in cached])

    def get(self, number: int) -> Numbered | None:
        """The command of a number; None while it was not decided."""
        if number not in self._cached and self._before < number <= self._before + len(self._seqs):
            self._cached |= self._read([number])
        return self._cached.get(number)

    def _read(self, numbers: list[int]) -> dict[int, Numbered]:
        if not numbers:
            return {}
        seqs = {self._seqs[number - self._before - 1]: number for number in numbers}
        commands = {}
        for row in self._reader.rows_at(CONTROL_SHARD, [*seqs]):
            command = standing_command(row.line)
            commands[seqs[row.seq]] = Numbered(row.logical_time, row.line, command)
        return commands


class VotesCast(NamedTuple):
    """The votes of all markets on a spread. logical_time: of the latest row before them."""

    rows: list[LinkRow]
    logical_time: int

    def answers(self, shard: str) -> Answers:
        """The votes that a market waits for."""
        return Answers(votes=read_votes(self.rows, shard), logical_time=self.logical_time)

    def of(self, shard: str) -> list[LinkRow]:
        """The rows of a market's own vote."""
        return [row for row in self.rows if row.source == shard]


class LinksSent:
    """Links of barriers that `member/0` has not settled yet, by barrier and market."""

    def __init__(self) -> None:
        self._sent: defaultdict[int, dict[str, tuple[int, list[LinkRow]]]] = defaultdict(dict)

    def add(self, rows: Iterable[LinkRow], *, logical_time: int) -> None:
        """Add the links that a market sends in one row."""
        for row in rows:
            self._sent[row.barrier].setdefault(row.source, (logical_time, []))[1].append(row)

    def missing(self, barrier: int, products: Iterable[str]) -> list[str]:
        """The markets in use that have not answered a barrier."""
        sent = self._sent.get(barrier, {})
        return [shard for shard in map(market_shard, sorted(products)) if shard not in sent]

    def pop(self, barrier: int) -> Answers:
        """The answers to a barrier, market after market; they are forgotten here."""
        sent = self._sent.pop(barrier, {})
        rows = [row for _, (_, of_source) in sorted(sent.items()) for row in of_source]
        flows = [decode_flow(row.payload) for row in rows if not row.is_last]
        return Answers(flows, logical_time=max((time for time, _ in sent.values()), default=0))
