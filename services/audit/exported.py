"""The commands of a journal, in an order that gives the same books again (ARCHITECTURE §2, §5).

In: a journal of one process or of workers, also one begun under other rules: nothing is decided or
folded. Out: its inputs as the lines of a file, refused and malformed ones too, byte for byte. Of
one process they have the order in which it read them. Of workers they are put in order by the
control commands: between two of them, which every shard's rows tell by their copies, come the rows
of one shard after those of another, for there no shard depends on another; then the command. A row
that no line of a file can bring again is left out, and named.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from heapq import merge
from operator import itemgetter
from typing import Final, NamedTuple

from events.refusals import Reason
from services.audit.envelopes import MARKS
from services.audit.verify import was_streamed
from services.journal.reader import Reader
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import JournalRow
from services.shards.shard import GENESIS_ORIGIN

_REFUSED: Final = b'{"type":"command_refused/1"'
_BOM: Final = b"\xef\xbb\xbf"
_NUMBERS_AT_ONCE: Final = 4_096
LEFT_OUT_SHOWN: Final = 10

# The place of a row in the order: the logical time, or the number of the last control command
# before it, and for that the rows of `control/0` behind those of the other shards.
_Placed = tuple[tuple[int, bool], JournalRow]


class LeftOut(NamedTuple):
    """A row that is no line of a file, and why."""

    shard: str
    seq: int
    reason: str


class ExportedCommands:
    """The commands of a journal. until: up to the close of this session.

    lines: how many were written, by shard; left_out: rows that were not, by shard, and the first of
    them; ahead: shards that had followed more control commands than the one at which it ends.
    """

    def __init__(self, reader: Reader, *, until: date = date.max) -> None:
        self._reader = reader
        self._until = until
        self.lines: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.first_left_out: list[LeftOut] = []
        self.ahead: list[str] = []

    def pieces(self) -> Iterator[bytes]:
        """The lines with their ends, as of one instant."""
        self._reader.freeze()
        streamed, heads = was_streamed(self._reader), self._reader.heads()
        followed = {shard: head.control_number for shard, head in heads.items()}
        last = min(followed.values(), default=0)
        self.ahead = [shard for shard, number in followed.items() if number > last and streamed]
        placed = self._by_control if streamed else self._by_time
        streams = [placed(shard, last) for shard in sorted(heads)]
        for _, row in merge(*streams, key=itemgetter(0)):
            reason = _why_left_out(row)
            if reason is None:
                yield _as_line(row.line, is_first=not self.lines)
                self.lines[row.shard] += 1
            else:
                self.left_out[row.shard] += 1
                if len(self.first_left_out) < LEFT_OUT_SHOWN:
                    self.first_left_out.append(LeftOut(row.shard, row.seq, reason))

    def _by_time(self, shard: str, _: int) -> Iterator[_Placed]:
        """The inputs that one process read."""
        for row in self._rows(shard):
            if row.origin not in (GENESIS_ORIGIN, CONTROL_SHARD):
                yield (row.logical_time, False), row

    def _by_control(self, shard: str, last: int) -> Iterator[_Placed]:
        """The inputs of an inbox, up to the command that every shard has followed."""
        number, standing = 0, self._standing() if shard == CONTROL_SHARD else iter(())
        next_standing = next(standing, None)
        for row in self._rows(shard):
            if row.origin == GENESIS_ORIGIN:
                number = json.loads(row.facts)["control_number"]
            elif row.origin == CONTROL_SHARD:
                number = max(number, row.position)
            elif row.seq == next_standing:
                if number == last:
                    return
                yield (number, True), row
                number, next_standing = number + 1, next(standing, None)
            else:
                yield (number, shard == CONTROL_SHARD), row
            if number > last:
                return

    def _rows(self, shard: str) -> Iterator[JournalRow]:
        for block in self._reader.rows(shard):
            for row in block:
                if row.business_date > self._until:
                    return
                yield row

    def _standing(self) -> Iterator[int]:
        """The rows of `control/0` whose command stands, in order."""
        number = 0
        while rows := self._reader.numbered(after=number, until=number + _NUMBERS_AT_ONCE):
            yield from (row.seq for row in rows)
            number = rows[-1].number


def _why_left_out(row: JournalRow) -> str | None:
    """Why a row is no line of a file that would be decided where it was; None if it is one."""
    mark = next((mark for mark in MARKS if row.origin.endswith(mark)), None)
    if mark is not None:
        return f"its envelope was refused ({mark})"
    if not row.line:
        return "it is empty"
    if b"\n" in row.line:
        return "it holds the end of a line"
    if row.facts.startswith(_REFUSED):
        refusal = json.loads(row.facts.partition(b"\n")[0])
        is_lost = refusal["reason"] == Reason.MALFORMED and refusal["command_type"] is None
        if refusal["reason"] == Reason.WRONG_SHARD or (is_lost and row.shard != CONTROL_SHARD):
            return "it lay in the inbox of another shard than its own"
    return None


def _as_line(line: bytes, *, is_first: bool) -> bytes:
    """A line with its end. A reader takes one BOM off the first, and one CR off each."""
    bom = _BOM if is_first and line.startswith(_BOM) else b""
    return bom + line + (b"\r\n" if line.endswith(b"\r") else b"\n")
