"""What a worker does with what its consumer gives, or cannot give."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from services.broker.batches import TopicDamaged
from services.broker.messages import BrokenBatch, Message
from services.broker.topics import partition_of
from services.settings import load_settings
from services.worker.inbox_fetch import InboxFetch

SIT = partition_of("market/SIT")
KEY = TopicPartition(SIT.topic, SIT.number)


class Consumer:
    """A consumer of one partition, at its end, that gives what it is told to.

    answers: to who waits; ready: to who does not, before those.
    """

    def __init__(
        self, *answers: list[BrokenBatch] | Exception, ready: list[list[BrokenBatch]]
    ) -> None:
        self._answers, self._ready = [*answers], ready

    async def position(self, _: TopicPartition) -> int:
        """Where it goes on."""
        return 12

    async def getmany(
        self, _: TopicPartition, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[BrokenBatch]]:
        """The next answer."""
        assert max_records > 0
        if not timeout_ms:
            return {KEY: self._ready.pop(0)} if self._ready else {}
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {KEY: answer}

    def assignment(self) -> set[TopicPartition]:
        """The partition."""
        return {KEY}

    def highwater(self, _: TopicPartition) -> int:
        """The end of the partition."""
        return 12

    def pause(self, _: TopicPartition) -> None:
        """Nothing is to come."""

    def resume(self, _: TopicPartition) -> None:
        """Something may come."""


def inbox(
    *answers: list[BrokenBatch] | Exception, ready: list[list[BrokenBatch]] | None = None
) -> InboxFetch:
    """An inbox that is fetched from with these answers."""
    consumer = Consumer(*answers, ready=ready or [])
    context: Any = SimpleNamespace(consumer=consumer, settings=load_settings())
    return InboxFetch(context, SIT)


def batch_at(offset: int) -> BrokenBatch:
    """A batch of one message."""
    return BrokenBatch(offset, bytes(61), timestamp=0, timestamp_type=1)


def offsets(messages: Sequence[Message]) -> list[int]:
    """Where messages stand."""
    return [message.offset for message in messages]


def test_behind_few_records_that_lay_ready_come_those_that_came_since() -> None:
    fetching = inbox([batch_at(13)], [batch_at(14)], ready=[[batch_at(12)]])
    assert offsets(asyncio.run(fetching.fetch(10, 250))) == [12, 13]
    assert offsets(asyncio.run(fetching.fetch(10, 250))) == [14]


def test_of_as_many_records_as_are_asked_for_nothing_further_is_awaited() -> None:
    fetching = inbox(ready=[[batch_at(12)]])
    assert offsets(asyncio.run(fetching.fetch(1, 250))) == [12]


def test_a_damaged_batch_behind_records_that_lay_ready_is_left_to_the_next_fetch() -> None:
    damage = TopicDamaged("the batch at offset 13 is not as its checksum says")
    fetching = inbox(damage, damage, damage, ready=[[batch_at(12)]])
    assert offsets(asyncio.run(fetching.fetch(10, 250))) == [12]
    assert asyncio.run(fetching.fetch(10, 250)) == []
    with pytest.raises(TopicDamaged):
        asyncio.run(fetching.fetch(10, 250))


def test_a_damaged_batch_is_fetched_once_more_and_then_stops_the_worker() -> None:
    damage = TopicDamaged("the batch at offset 12 is not as its checksum says")
    fetching = inbox(damage, damage)
    assert asyncio.run(fetching.fetch(1, 1)) == []
    message = (
        "market/SIT: the journal goes on at offset 12 of clearing.market/0, and there the batch"
    )
    with pytest.raises(TopicDamaged, match=message):
        asyncio.run(fetching.fetch(1, 1))


def test_an_inbox_that_was_paused_was_perhaps_not_empty() -> None:
    async def apart(*, is_paused: bool) -> float:
        fetching = inbox([], [batch_at(12)])
        await fetching.fetch(1, 1)
        if is_paused:
            with fetching.paused():
                pass
        await fetching.fetch(1, 1)
        return fetching.clock.apart_s

    assert asyncio.run(apart(is_paused=True)) == 0.0
    assert asyncio.run(apart(is_paused=False)) < 0.0
