"""The answer to each line of a source: accepted, or the reason of its refusal.

In: a journal and the name of a source. Out: one answer for each of its lines, in order, with the
reference by which its sender knows it, also of a malformed line in which it can still be read. The
answer to a spread is that of its markets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from heapq import merge
from itertools import chain
from typing import Final, NamedTuple

from events.codec import readable_reference
from events.control_facts import CommandRefused
from events.fact_text import compact_json, fact_head
from events.market_facts import TradeAlreadyCleared
from services.journal.reader import Reader
from services.shards.clearinghouse import COPIES_A_LINE_MAX
from services.shards.rows import JournalRow

ACCEPTED: Final = "accepted"
_REFUSED: Final = fact_head(CommandRefused)
_SPREAD: Final = b'"command_type":"submit_spread/1"'
_REPEATED: Final = fact_head(TradeAlreadyCleared)

# The number of a line, from its count among lines that are not empty, and its position.
LineNumber = Callable[[int, int], int]


class LineAnswer(NamedTuple):
    """An answer. outcome: accepted or the reason; detail: what was expected and found, if any."""

    line: int
    outcome: str
    reference: str | None
    detail: str
    shard: str
    seq: int

    @property
    def is_refused(self) -> bool:
        """Whether the line was refused."""
        return self.outcome != ACCEPTED

    @property
    def json_line(self) -> bytes:
        """The answer as a line of JSON."""
        return compact_json(
            {
                "line": self.line,
                "answer": self.outcome,
                "reference": self.reference,
                "detail": self.detail,
                "shard": self.shard,
                "seq": self.seq,
            }
        ).encode()


def answers_to(reader: Reader, source: str, *, number_of: LineNumber) -> Iterator[LineAnswer]:
    """The answers to all lines of a source that the journal has."""
    shards = [chain.from_iterable(reader.rows(shard)) for shard in sorted(reader.heads())]
    rows = merge(*shards, key=lambda row: row.logical_time)
    count, waiting, last_time = 0, None, 0
    for row in rows:
        if row.origin == source:
            if waiting is not None:
                yield waiting
            count += 1
            waiting = _answer(row, number_of(count, row.position))
            last_time = row.logical_time + COPIES_A_LINE_MAX - 1
        elif (
            waiting is not None
            and row.logical_time <= last_time
            and row.facts.startswith(_REFUSED)
            and _SPREAD in row.facts
        ):
            # A market's refusal of the spread in this line: its copies have the times behind it.
            waiting = _answer(row, waiting.line)
    if waiting is not None:
        yield waiting


def _answer(row: JournalRow, line: int) -> LineAnswer:
    outcome, detail = ACCEPTED, ""
    if row.facts.startswith(_REFUSED):
        refusal = json.loads(row.facts.partition(b"\n")[0])
        outcome, detail = refusal["reason"], refusal["detail"]
    elif not row.facts or row.facts.startswith(_REPEATED):
        detail = "nothing new: it was said before"
    return LineAnswer(line, outcome, readable_reference(row.line), detail, row.shard, row.seq)
