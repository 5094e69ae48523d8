"""How far a source was fed to Kafka, kept in the journal's database (ARCHITECTURE §4).

In: a source's name. Out: its row of `clearing.feed`, for one process at a time: a lock of the
session refuses a second feed of the source, and where the connection with the lock has broken, the
row's `run` fences the earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, LiteralString, NamedTuple, Self

from services.journal.connecting import Connection, connect
from services.journal.migrate import check_schema
from services.journal.trouble import FencedOff, translated
from services.journal.writer_lock import claim_source

# The number of a transaction is no other's: it tells who claimed the row last.
_RUN: Final[LiteralString] = "SELECT pg_current_xact_id()::text::bigint"
_TAKE: Final[LiteralString] = """
UPDATE clearing.feed SET run = %s WHERE source = %s
RETURNING producer_id, producer_epoch, first, line, lines, sha256, products,
          shards, sequences, offsets, is_whole
"""
_SAVE: Final[LiteralString] = """
INSERT INTO clearing.feed AS fed VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (source) DO UPDATE SET (producer_id, producer_epoch, first, line, lines, sha256,
    products, shards, sequences, offsets, is_whole) = ROW (excluded.producer_id,
    excluded.producer_epoch, excluded.first, excluded.line, excluded.lines, excluded.sha256,
    excluded.products, excluded.shards, excluded.sequences, excluded.offsets, excluded.is_whole)
WHERE fed.run = excluded.run
"""


class Sent(NamedTuple):
    """What a source has in one inbox: how many messages; none of its later ones before `offset`."""

    sequence: int
    offset: int


@dataclass(frozen=True, slots=True)
class FedSource:
    """A source, as far as it was fed.

    producer_id, producer_epoch: Kafka's. first, line: the numbers of the first line that was read
    and of the last that was fed; lines, sha256: of those between that are not empty. products: in
    use there. sent: by shard. is_whole: whether no later line is in Kafka.
    """

    producer_id: int
    producer_epoch: int
    first: int
    line: int
    lines: int
    sha256: bytes
    products: list[str]
    sent: Mapping[str, Sent]
    is_whole: bool


class FeedClaim:
    """The claim of this process on a source; a context manager that ends it.

    recorded: how far the source was fed before; None if it never was.
    """

    def __init__(self, url: str, source: str) -> None:
        """Claim the source. Errors: FencedOff while another process feeds it, JournalTrouble."""
        self._url = url
        self._source = source
        self._connection: Connection | None = connect(url)
        try:
            with translated("claiming a source"):
                check_schema(self._connection)
                claim_source(self._connection, source)
                run = self._connection.execute(_RUN).fetchone()
                assert run is not None, "a query without rows"
                self._run = int(run[0])
                row = self._connection.execute(_TAKE, [self._run, source], binary=True).fetchone()
        except BaseException:
            self.close()
            raise
        self.recorded: FedSource | None = None
        if row is not None:
            *fields, shards, sequences, offsets, is_whole = row
            sent = dict(zip(shards, map(Sent, sequences, offsets), strict=True))
            self.recorded = FedSource(*[*fields, sent, is_whole])

    def save(self, fed: FedSource) -> None:
        """Record how far it is fed. Errors: FencedOff if another feed claimed it since."""
        values = [
            *(self._source, self._run, fed.producer_id, fed.producer_epoch),
            *(fed.first, fed.line, fed.lines, fed.sha256, fed.products),
            *([*fed.sent], [sent.sequence for sent in fed.sent.values()]),
            *([sent.offset for sent in fed.sent.values()], fed.is_whole),
        ]
        try:
            if self._connection is None:
                self._connection = connect(self._url)
            with translated("recording how far a source is fed"):
                saved = self._connection.execute(_SAVE, values).rowcount
        except BaseException:
            self.close()
            raise
        if not saved:
            msg = f"another process began to feed {self._source} meanwhile: this one ends"
            raise FencedOff(msg)

    def close(self) -> None:
        """Close the connection and with it the lock; the next save opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
