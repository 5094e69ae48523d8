"""Reads facts as shards write them to the journal, in order for each shard.

In: a journal. Out: facts as lines, from the first row on, from now on, or after a row that a cursor
names: `market/SIT:12`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, LiteralString

from psycopg.errors import ReadOnlySqlTransaction

from services.journal.reader import Reader
from services.journal.trouble import translated
from services.shards.rows import JournalRow

# A row's facts are a megabyte at most, nearly all of them a few hundred bytes.
_ROWS_AT_ONCE: Final = 200
# A row has a number of Postgres: eighteen digits are never too many.
_CURSOR: Final = re.compile(r"([^:\s]+):([0-9]{1,18})")
_CHANNELS: Final[tuple[LiteralString, ...]] = ("clearing_link", "clearing_control")


class WrongCursor(Exception):
    """A cursor names no row of the journal; the message says what was expected."""


class FactTail:
    """Reads on in the journal.

    shards: None for all; is_from_start: else from now on; after: of a shard the row after which to
    begin instead.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        shards: Container[str] | None = None,
        is_from_start: bool = False,
        after: Mapping[str, int] | None = None,
    ) -> None:
        self._reader = reader
        self._shards = shards
        heads = {} if is_from_start else reader.heads()
        self._after = {shard: head.seq for shard, head in heads.items()} | {**(after or {})}
        # A standby gives no notices; there a fact is shown when it is looked for.
        with translated("listening to the journal"), suppress(ReadOnlySqlTransaction):
            for channel in _CHANNELS:
                reader.connection.execute(b"LISTEN " + channel.encode())

    def facts(self) -> Iterator[bytes]:
        """The facts since the last call, some rows of each shard in turn."""
        heads = {
            shard: head.seq
            for shard, head in self._reader.heads().items()
            if self._shards is None or shard in self._shards
        }
        while behind := [shard for shard in heads if self._after.get(shard, -1) < heads[shard]]:
            for shard in behind:
                first = self._after.get(shard, -1) + 1
                last = min(heads[shard], first + _ROWS_AT_ONCE - 1)
                rows = self._reader.rows_at(shard, range(first, last + 1))
                message = f"rows of {shard} from {first} to {last} cannot be read"
                assert len(rows) == last - first + 1, message
                for row in rows:
                    yield from fact_lines(self._reader, row)
                self._after[shard] = last

    def wait(self, seconds: float) -> None:
        """Wait at most so long; a cycle or a control command ends the wait at once."""
        with translated("listening to the journal"):
            for _ in self._reader.connection.notifies(timeout=seconds, stop_after=1):
                pass


def rows_of_cursors(reader: Reader, cursors: Sequence[str]) -> dict[str, int]:
    """By shard the row that its cursor names. Errors: WrongCursor."""
    heads, rows = reader.heads(), dict[str, int]()
    for cursor in cursors:
        parts = _CURSOR.fullmatch(cursor)
        if parts is None:
            msg = f"expected SHARD:SEQ, as market/SIT:12, found {cursor!r}"
            raise WrongCursor(msg)
        shard, seq = parts[1], int(parts[2])
        if shard not in heads:
            msg = f"{cursor}: there is no shard {shard}; there are {', '.join(heads) or 'none yet'}"
            raise WrongCursor(msg)
        if seq > heads[shard].seq:
            msg = f"{cursor}: {shard} ends at row {heads[shard].seq}: is it another journal's?"
            raise WrongCursor(msg)
        if shard in rows:
            msg = f"{cursor}: {shard} has a cursor already, {shard}:{rows[shard]}"
            raise WrongCursor(msg)
        rows[shard] = seq
    return rows


def fact_lines(reader: Reader, row: JournalRow) -> Iterator[bytes]:
    """The facts of a row, all its parts."""
    shard, seq, parts, facts = row.shard, row.seq, row.parts, row.facts
    if facts:
        yield from facts.split(b"\n")
    if parts > 1:
        for part in reader.parts(shard, seq):
            yield from part.split(b"\n")
