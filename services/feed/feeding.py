"""Feeds lines so that their order is the order everywhere (ARCHITECTURE §2).

In: lines in the order of a file. Out: messages. Before a control command all earlier lines are
acknowledged by Kafka. After the last of several control commands in a row the feed waits until
`control/0` has decided it and every shard in use has the copies of all that stand; then it sends
the next lines.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from time import monotonic
from typing import Final

from services.feed.kafka_producer import LineProducer
from services.feed.routing import LineRun, RoutedLines
from services.feed.source_book import SourceBook
from services.feed.stall import Clock
from services.feed.waiting import ShardWaiter, Sleep
from services.shards.routing import CONTROL_SHARD
from services.sources.lines import Lines

# With a rate, lines are sent this often.
_PACES_A_SECOND: Final = 20
# A group is a megabyte: a feed that goes on looks for what Kafka has of so many, at most.
_GROUPS_KEPT_AFTER: Final = 16


class Feed:
    """A feed of one source. products: those in use; pace: None for as fast as it goes.

    book: where to keep how far it is, if it is to be gone on with. lines: how many were sent, by
    shard.
    """

    def __init__(
        self,
        producer: LineProducer,
        waiter: ShardWaiter,
        *,
        products: list[str],
        pace: Pace | None = None,
        book: SourceBook | None = None,
    ) -> None:
        self._producer = producer
        self._book = book
        self._groups = 0
        self._waiter = waiter
        self._pace = pace
        self._products = products
        self._is_settled = True
        # The number of batches that were sent with a group of lines, and the group's last line.
        self._sent: deque[tuple[int, int]] = deque()
        self._fed = 0 if book is None else book.line
        self.lines: Counter[str] = Counter()

    @property
    def fed(self) -> int:
        """The number of the last line up to which all lines are in Kafka."""
        while self._sent and self._sent[0][0] <= self._producer.acknowledged:
            self._fed = self._sent.popleft()[1]
        return self._fed

    async def feed_lines(self, lines: Lines) -> list[tuple[str, str]]:
        """Send lines; gives number and fault of each that will be refused as malformed.

        Errors: those of Kafka and of the journal, Stalled.
        """
        if not lines.lines:
            return []
        if not self._groups:
            # From here on Kafka may have lines of which nothing is recorded.
            await self._keep()
        routed = RoutedLines(lines)
        for run in routed.runs():
            if run.is_control:
                await self._begin_control()
            else:
                await self.settle()
            for part in self._paced(run):
                await self._send(routed.by_shard(part, self._products))
                if self._book is not None:
                    self._book.add(lines.lines[part.begin : part.end], lines.numbers[part.end - 1])
                if self._pace is not None:
                    await self._producer.seal()
                    await self._pace.wait(part.end - part.begin)
        self._sent.append((await self._producer.seal(), lines.numbers[-1]))
        self._groups += 1
        if self._groups % _GROUPS_KEPT_AFTER == 0 and self._is_settled:
            await self._producer.flush()
            await self._keep()
        return routed.malformed

    async def settle(self) -> None:
        """Wait until every shard in use has the control commands that were sent."""
        if self._is_settled:
            return
        await self._producer.flush()
        offset = self._producer.last_offset(CONTROL_SHARD)
        await self.settle_from(offset)
        self._is_settled = True
        await self._keep()

    async def settle_from(self, offset: int) -> None:
        """Wait until every shard in use has what `control/0` decided up to an offset."""
        head = await self._waiter.until_decided(CONTROL_SHARD, offset)
        self._products = await self._waiter.until_known(head.control_number)

    async def end(self) -> None:
        """Wait until all lines that were fed are in Kafka, and every shard has the control ones."""
        await self.settle()
        await self._producer.flush()
        await self._keep(is_whole=True)

    async def _keep(self, *, is_whole: bool = False) -> None:
        if self._book is not None:
            await self._book.keep(self._products, is_whole=is_whole)

    async def _begin_control(self) -> None:
        if self._is_settled:
            await self._producer.flush()
            self._is_settled = False

    def _paced(self, run: LineRun) -> Iterator[LineRun]:
        """A run in the pieces that are sent at once."""
        size = run.end - run.begin if self._pace is None else self._pace.lines_at_once
        for begin in range(run.begin, run.end, size):
            yield run._replace(begin=begin, end=min(begin + size, run.end))

    async def _send(self, lines: dict[str, list[bytes]]) -> None:
        for shard, shard_lines in lines.items():
            await self._producer.put(shard, shard_lines)
            self.lines[shard] += len(shard_lines)


class Pace:
    """At most so many lines a second. After a wait it does not send faster to catch up."""

    def __init__(
        self, lines_a_second: float, *, clock: Clock = monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._rate = lines_a_second
        self._clock = clock
        self._sleep = sleep
        self._due = clock()
        self.lines_at_once = max(1, int(lines_a_second / _PACES_A_SECOND))

    async def wait(self, count: int) -> None:
        """Wait after so many lines."""
        self._due = max(self._due, self._clock()) + count / self._rate
        await self._sleep(self._due - self._clock())
