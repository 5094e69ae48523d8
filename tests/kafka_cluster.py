"""Three brokers of one cluster on this machine, each a process to be killed and started again.

In: a directory. Out: their addresses. The controller is a process of its own that nobody kills, so
that it is there to say what it refuses; topics may have three replicas.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.broker.topics import ShardPartition
from tests.kafka_broker import JVM, LocalBroker, Stand, class_archive
from tests.waiting import until

COUNT: Final = 3
_CONTROLLER_ID: Final = 9
# Four processes of Java are four of each buffer.
_SMALL: Final = {"log.cleaner.dedupe.buffer.size": str(4 << 20)}
# What the brokers themselves keep is as safe as our topics.
_SAFE: Final = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "min.insync.replicas": "2",
}


class LocalCluster:
    """Three brokers; a context manager that stops them.

    properties: of Kafka's own, beside ours. stands: where each stands; the controller where the
    first does.
    """

    def __init__(
        self,
        directory: Path,
        *,
        properties: Mapping[str, str] | None = None,
        stands: Sequence[Stand] = (Stand(),) * COUNT,
    ) -> None:
        """Format the directories and start."""
        chosen = _SMALL | _SAFE | dict(properties or {})
        jvm = (*JVM, "-Xmx256m", *class_archive())
        self._controller = LocalBroker(
            directory / "controller",
            properties=chosen | {"process.roles": "controller", "node.id": str(_CONTROLLER_ID)},
            jvm=jvm,
            stand=replace(stands[0], wires=()),
        )

        def joined(number: int) -> LocalBroker:
            return LocalBroker(
                directory / f"broker-{number}",
                properties=chosen | {"node.id": str(number)},
                jvm=jvm,
                stand=replace(stands[number - 1], controller=self._controller),
            )

        with ThreadPoolExecutor(COUNT) as starting:
            self.brokers = dict(
                zip(range(1, COUNT + 1), starting.map(joined, range(1, COUNT + 1)), strict=True)
            )

    @property
    def address(self) -> str:
        """Where they are spoken to, as host:port,host:port,host:port."""
        return ",".join(broker.address for broker in self.brokers.values())

    @property
    def away(self) -> list[int]:
        """The brokers that were killed and not started again."""
        return [number for number, broker in self.brokers.items() if not broker.is_running]

    def leader(self, partition: ShardPartition) -> int:
        """The broker that leads an inbox; -1 if none does."""
        return int(self._described(partition)["leader"])

    def in_sync(self, partition: ShardPartition) -> set[int]:
        """The brokers whose replica of an inbox is in step."""
        return {*self._described(partition)["isr"]}

    def are_in_step(self, topics: Sequence[str]) -> bool:
        """Whether every broker is in step in all partitions of topics."""
        partitions = self._answered(topics)
        return all({*each["isr"]} == {*self.brokers} for each in partitions)

    def _described(self, partition: ShardPartition) -> dict[str, Any]:
        found = self._answered([partition.topic])
        (described,) = [one for one in found if one["partition"] == partition.number]
        return described

    def _answered(self, topics: Sequence[str]) -> list[dict[str, Any]]:
        """The partitions of topics, once a broker answers."""
        found: list[dict[str, Any]] = []

        def is_answered() -> bool:
            # For some seconds after a kill brokers still name the one that is dead.
            with suppress(KafkaError):
                found[:] = asyncio.run(self._partitions(topics))
            return bool(found)

        until(is_answered, "a broker answers")
        return found

    async def _partitions(self, topics: Sequence[str]) -> list[dict[str, Any]]:
        running = [broker.address for broker in self.brokers.values() if broker.is_running]
        admin = AIOKafkaAdminClient(bootstrap_servers=running)
        try:
            await admin.start()
            described = await admin.describe_topics([*topics])
        finally:
            await admin.close()
        return [partition for topic in described for partition in topic["partitions"]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # What they keep goes with the test: nobody waits for an orderly end.
        with ExitStack() as ending:
            for broker in (self._controller, *self.brokers.values()):
                ending.enter_context(broker)
                if broker.is_running:
                    broker.kill()
