"""The states a supervisor reports, on a real journal and an inbox played by the test."""

from __future__ import annotations

import asyncio
from typing import Any

from services.broker.topics import partition_of
from services.settings import load_settings
from services.worker.context import WorkerContext
from services.worker.metrics import Metrics
from services.worker.pg_notify import Notices
from services.worker.shard_supervisor import ShardSupervisor
from services.worker.standing import LOADING, NOT_IN_USE

SETTINGS = load_settings(brokers="kafka.test:9092", clock_interval_s=0)
SCU = partition_of("market/SCU")


class Said(Metrics):
    """Keeps the states that were told."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[str] = []

    def set_state(self, shard: str, state: str, *, detail: str = "") -> None:
        """Keep it."""
        super().set_state(shard, state, detail=detail)
        self.states.append(state)


class Inbox:
    """A consumer of an empty inbox."""

    def __init__(self) -> None:
        self.polls = 0
        self.are_three = asyncio.Event()

    async def end_offsets(self, partitions: list[object]) -> dict[object, int]:
        """It is empty."""
        return dict.fromkeys(partitions, 0)

    async def position(self, *_: object) -> int:
        """At its beginning."""
        return 0

    async def getmany(self, *_: object, **__: object) -> dict[object, object]:
        """Nothing."""
        self.polls += 1
        if self.polls == 3:
            self.are_three.set()
        return {}

    def seek(self, *_: object) -> None:
        """Go on anywhere."""

    def pause(self, *_: object) -> None:
        """Give nothing."""

    def assignment(self) -> set[object]:
        """It is taken away before it would give anything again."""
        return set()


def test_a_product_that_is_not_in_use_is_said_to_be_so_all_the_time(url: str) -> None:
    said = Said()
    inbox: Any = Inbox()

    async def kept() -> None:
        context = WorkerContext(SETTINGS, url, inbox, said, Notices(url))
        supervisor = ShardSupervisor(SCU, context, checked=asyncio.sleep(0))
        keeping = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(15):
            await inbox.are_three.wait()
        supervisor.release()
        await keeping

    asyncio.run(kept())
    assert said.states == [LOADING, NOT_IN_USE]
