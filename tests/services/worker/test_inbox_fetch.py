"""What a worker does with what its consumer gives, or cannot give."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from services.broker.batches import TopicDamaged
from services.broker.messages import BrokenBatch
from services.broker.topics import partition_of
from services.settings import load_settings
from services.worker.inbox_fetch import InboxFetch

SIT = partition_of("market/SIT")
KEY = TopicPartition(SIT.topic, SIT.number)


class Consumer:
    """A consumer of one partition, at its end, that gives what it is told to."""

    def __init__(self, *answers: list[BrokenBatch] | Exception) -> None:
        self._answers = [*answers]

    async def position(self, _: TopicPartition) -> int:
        """Where it goes on."""
        return 12

    async def getmany(self, *_: object, **__: object) -> dict[TopicPartition, list[BrokenBatch]]:
        """The next answer."""
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


def inbox(*answers: list[BrokenBatch] | Exception) -> InboxFetch:
    """An inbox that is fetched from with these answers."""
    context: Any = SimpleNamespace(consumer=Consumer(*answers), settings=load_settings())
    return InboxFetch(context, SIT)


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
    old = BrokenBatch(12, bytes(61), timestamp=0, timestamp_type=1)

    async def apart(*, is_paused: bool) -> float:
        fetching = inbox([], [old])
        await fetching.fetch(1, 1)
        if is_paused:
            with fetching.paused():
                pass
        await fetching.fetch(1, 1)
        return fetching.clock.apart_s

    assert asyncio.run(apart(is_paused=True)) == 0.0
    assert asyncio.run(apart(is_paused=False)) < 0.0
