"""Offsets that Kafka does not have: for a moment, or any more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from services.broker.topics import partition_of
from services.settings import load_settings
from services.worker.context import WorkerContext
from services.worker.metrics import Metrics
from services.worker.offsets import OffsetLost, check_offset
from services.worker.pg_notify import Notices
from services.worker.shard_supervisor import ShardSupervisor

SETTINGS = load_settings(brokers="kafka.test:9092", clock_interval_s=0)
SIT = partition_of("market/SIT")
PARTITION = TopicPartition(SIT.topic, SIT.number)


class Inbox:
    """A consumer of one empty inbox; each look at its end tells the next of these."""

    def __init__(self, ends: Sequence[int] = (0,), *, first: int = 0) -> None:
        self._ends: Iterator[int] = iter(ends)
        self._end = 0
        self._first = first
        self.troubles: list[Exception] = []
        self.seeks: list[int] = []
        self.is_sought_twice = asyncio.Event()
        self.metadata_asked = 0
        self._client = self

    def force_metadata_update(self) -> None:
        """Ask who leads."""
        self.metadata_asked += 1

    async def beginning_offsets(self, _: object) -> dict[TopicPartition, int]:
        """Where each begins."""
        return {PARTITION: self._first}

    async def end_offsets(self, _: object) -> dict[TopicPartition, int]:
        """The next end."""
        self._end = next(self._ends, self._end)
        return {PARTITION: self._end}

    async def getmany(self, *_: object, **__: object) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Nothing, or trouble."""
        await asyncio.sleep(0.01)
        if self.troubles:
            raise self.troubles.pop()
        return {}

    def seek(self, _: TopicPartition, offset: int) -> None:
        """Go on there."""
        self.seeks.append(offset)
        if len(self.seeks) == 2:
            self.is_sought_twice.set()

    async def position(self, _: TopicPartition) -> int:
        """Nothing was read."""
        return 0


def context_of(inbox: Inbox, database: str = "postgresql://nobody@db.test/none") -> WorkerContext:
    """What a supervisor needs of a worker."""
    consumer: Any = inbox
    return WorkerContext(SETTINGS, database, consumer, Metrics(), Notices(database))


def check(inbox: Inbox, *, next_offset: int, patience_s: float = 10.0) -> None:
    """Hold an offset against an inbox."""
    asyncio.run(
        check_offset(context_of(inbox), SIT, next_offset=next_offset, patience_s=patience_s)
    )


def test_an_end_that_lags_for_a_moment_is_asked_for_again() -> None:
    inbox = Inbox([5, 7])
    check(inbox, next_offset=7)
    assert inbox.metadata_asked == 1


def test_an_end_that_stays_behind_is_lost() -> None:
    with pytest.raises(OffsetLost, match=r"goes on at offset 7 .* Kafka has 0 to 6: the topic was"):
        check(Inbox([5, 6]), next_offset=7, patience_s=0.6)


def test_a_beginning_that_is_past_is_lost_at_once() -> None:
    with pytest.raises(OffsetLost, match="the 2 between them are lost"):
        check(Inbox([9], first=4), next_offset=2)


def test_a_shard_whose_offset_was_out_of_range_for_a_moment_is_loaded_anew(url: str) -> None:
    inbox = Inbox()
    inbox.troubles = [OffsetOutOfRangeError({PARTITION: 0})]

    async def kept() -> None:
        supervisor = ShardSupervisor(SIT, context_of(inbox, url), checked=asyncio.sleep(0))
        keeping = asyncio.create_task(supervisor.run())
        keeping.add_done_callback(lambda _: inbox.is_sought_twice.set())
        async with asyncio.timeout(10):
            await inbox.is_sought_twice.wait()
        supervisor.release()
        await keeping

    asyncio.run(kept())
    assert inbox.seeks == [0, 0]
