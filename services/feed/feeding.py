"""Feeding lines so that their order is the order everywhere (ARCHITECTURE §2).

In: lines in the order of a file. Out: messages. Before a control command all earlier lines are
acknowledged by Kafka; behind the last of several control commands in a row the feed waits until
`control/0` has decided it, and until every shard in use has all that stand. Only then goes on what
comes after.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from time import monotonic
from typing import Final

from services.feed.kafka_producer import Outlet
from services.feed.routing import Run, Sorted
from services.feed.stall import Clock
from services.feed.waiting import Sleep, Waiting
from services.shards.routing import CONTROL_SHARD
from services.sources.lines import Lines

# With a rate asked for, lines go out this often.
_PACES_A_SECOND: Final = 20


class Feed:
    """A feed at work. products: those in use; pace: None for as fast as it goes."""

    def __init__(
        self, outlet: Outlet, waiting: Waiting, *, products: list[str], pace: Pace | None = None
    ) -> None:
        self._outlet = outlet
        self._waiting = waiting
        self._pace = pace
        self._products = products
        self._is_settled = True
        self._marks: deque[tuple[int, int]] = deque()
        self._fed = 0
        self.lines: Counter[str] = Counter()

    @property
    def fed(self) -> int:
        """The number of the last line up to which all lines are in Kafka."""
        while self._marks and self._marks[0][0] <= self._outlet.acknowledged:
            self._fed = self._marks.popleft()[1]
        return self._fed

    def begin_file(self) -> None:
        """The next line is line 1 of another file; all before it is in Kafka."""
        self._marks.clear()
        self._fed = 0

    async def take(self, lines: Lines) -> list[tuple[int, str]]:
        """Send lines; numbers of those that will be refused as malformed, and what is wrong.

        Errors: those of the outlet and of the journal, NothingMoves.
        """
        if not lines.lines:
            return []
        looked_at = Sorted(lines)
        for run in looked_at.runs():
            if run.is_control:
                await self._begin_control()
            else:
                await self.settle()
            for part in self._paced(run):
                await self._send(looked_at.by_shard(part, self._products))
                if self._pace is not None:
                    await self._outlet.seal()
                    await self._pace.rest(part.end - part.begin)
        self._marks.append((await self._outlet.seal(), lines.numbers[-1]))
        return looked_at.malformed

    async def settle(self) -> None:
        """Wait until what control has said is known everywhere."""
        if self._is_settled:
            return
        await self._outlet.flush()
        offset = self._outlet.last_offset(CONTROL_SHARD)
        await self.settle_from(offset)
        self._is_settled = True

    async def settle_from(self, offset: int) -> None:
        """Wait until what `control/0` has said up to a message is known everywhere."""
        head = await self._waiting.until_decided(CONTROL_SHARD, offset)
        self._products = await self._waiting.until_known(head.control_number)

    async def flush(self) -> None:
        """Wait until all that was taken is in Kafka."""
        await self._outlet.flush()

    async def _begin_control(self) -> None:
        if self._is_settled:
            await self._outlet.flush()
            self._is_settled = False

    def _paced(self, run: Run) -> Iterator[Run]:
        """A run in the pieces that go out at once."""
        size = run.end - run.begin if self._pace is None else self._pace.lines_at_once
        for begin in range(run.begin, run.end, size):
            yield run._replace(begin=begin, end=min(begin + size, run.end))

    async def _send(self, lines: dict[str, list[bytes]]) -> None:
        for shard, some in lines.items():
            await self._outlet.put(shard, some)
            self.lines[shard] += len(some)


class Pace:
    """Not more than so many lines a second; what was lost by waiting is not made up for."""

    def __init__(
        self, lines_a_second: float, *, clock: Clock = monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._rate = lines_a_second
        self._clock = clock
        self._sleep = sleep
        self._due = clock()
        self.lines_at_once = max(1, int(lines_a_second / _PACES_A_SECOND))

    async def rest(self, count: int) -> None:
        """Rest after so many lines."""
        self._due = max(self._due, self._clock()) + count / self._rate
        await self._sleep(self._due - self._clock())
