"""The account of what a source has sent to each inbox, counted as Kafka counts it.

In: lines by shard, in the order of the source. Out: those that Kafka does not have yet; how many
the source has there. A line that Kafka has must be the one that comes now: else the source was
changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.feed.delivered import NOTHING_SENT, Delivered, DeliveredLine
from services.journal.fed_sources import Sent
from services.sources.source import SourceTrouble

# Kafka's numbers begin again after so many.
_SEQUENCE_END: Final = 1 << 31


class ProducerIdentity(NamedTuple):
    """Kafka's name of a producer. All feeds of a source have the same."""

    number: int
    epoch: int


class SentAccount:
    """The account of one source. sent: as recorded; delivered: what Kafka has behind that."""

    def __init__(
        self, source: str, sent: Mapping[str, Sent], *, delivered: Delivered | None = None
    ) -> None:
        self._source = source
        self._sent = dict(sent)
        self._delivered: dict[str, deque[DeliveredLine]] = dict(delivered or {})
        self.identity: ProducerIdentity | None = None

    @property
    def sent(self) -> dict[str, Sent]:
        """What the source has in each inbox, when all that was put is acknowledged."""
        return dict(self._sent)

    def next_sequence(self, shard: str) -> int:
        """Kafka's number of the next message that it does not have."""
        sequence = self._sent.get(shard, NOTHING_SENT).sequence
        return sequence + len(self._delivered.get(shard, ()))

    def put(self, shard: str, lines: Sequence[bytes]) -> tuple[Sequence[bytes], int | None]:
        """Count lines; gives those that Kafka does not have, and the offset of the last it has.

        Errors: SourceTrouble for a line that is not the one in Kafka.
        """
        sequence, offset = self._sent.get(shard, NOTHING_SENT)
        if sequence + len(lines) >= _SEQUENCE_END:
            msg = (
                f"{self._source} has {_SEQUENCE_END} lines for {shard}, more than Kafka counts: "
                "put the later ones into another file"
            )
            raise SourceTrouble(msg)
        delivered = self._delivered.get(shard)
        count = min(len(lines), len(delivered)) if delivered else 0
        for line in lines[:count]:
            assert delivered, count
            message = delivered.popleft()
            if message.line != line:
                msg = (
                    f"source {self._source} was changed where it was fed before: offset "
                    f"{message.offset} of the inbox of {shard} has {message.line[:100]!r}, the "
                    f"source {line[:100]!r}; name it with --source to feed it as another one"
                )
                raise SourceTrouble(msg)
            offset = message.offset + 1
        self._sent[shard] = Sent(sequence + len(lines), offset)
        return lines[count:], offset - 1 if count else None

    def acknowledge(self, shard: str, offset: int) -> None:
        """Kafka has the lines that were put for a shard, up to an offset."""
        self._sent[shard] = self._sent[shard]._replace(offset=offset + 1)
