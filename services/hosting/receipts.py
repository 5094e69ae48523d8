"""When inputs were received: runs of rows that came in the same second, by the same clock.

In: of rows about to be written the moments of their inputs, from the host; shards know no clock.
Out: a row of `clearing.receipt` wherever second or clock changes, for the batch that holds the rows
themselves. No hash covers them: the same inputs give the same books whenever they come.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, TypeAlias

from services.journal.batch import ReceiptRow

# Whose: of the process that writes the row, of Kafka, of whoever sent it to Kafka.
ReceiptClock: TypeAlias = Literal["run", "broker", "producer"]
BY_RUN: Final = "run"


class Moment(NamedTuple):
    """A second since 1970, UTC, and whose clock said so."""

    second: int
    clock: ReceiptClock


class Receipts:
    """The moment of each shard's last row, since this process began to write it."""

    def __init__(self) -> None:
        self._last: dict[str, Moment] = {}

    def rows(self, shard: str, moments: Iterable[tuple[int, Moment]]) -> list[ReceiptRow]:
        """The receipts to write with rows of a shard.

        moments: in order, each with the first row that it is of.
        """
        receipts = []
        for seq, moment in moments:
            if moment != self._last.get(shard):
                self._last[shard] = moment
                receipts.append(ReceiptRow(shard, seq, *moment))
        return receipts
