"""The replicas of inboxes: whether Kafka acknowledges what is sent there.

In: a client for administration, topics. Out: by partition how many replicas are in step and how
many an acknowledgement needs. Readers see nothing of it: what is missing is what cannot be sent.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

_LEAST: Final = "min.insync.replicas"


class Replicas(NamedTuple):
    """Those of a partition. in_sync: 0 without a leader; least: for an acknowledgement.

    leader: the broker that leads it, -1 without one; another broker may not know of it yet.
    """

    in_sync: int
    least: int
    leader: int = -1

    @property
    def spare(self) -> int:
        """The number that may fail before nothing can be sent; below 0: nothing can."""
        return self.in_sync - self.least


async def topic_replicas(
    admin: AIOKafkaAdminClient, topics: Collection[str]
) -> dict[TopicPartition, Replicas]:
    """The replicas of all partitions of these topics. Errors: those of aiokafka."""
    least = await _least(admin, topics)
    return {
        TopicPartition(topic["topic"], each["partition"]): Replicas(
            len(each["isr"]) if each["leader"] >= 0 else 0, least[topic["topic"]], each["leader"]
        )
        for topic in await admin.describe_topics([*topics])
        for each in topic["partitions"]
    }


async def _least(admin: AIOKafkaAdminClient, topics: Collection[str]) -> dict[str, int]:
    """The replicas that an acknowledgement needs, by topic; somebody may change that."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, {_LEAST: ""}) for name in topics]
    answers = await admin.describe_configs(resources)
    described = [resource for answer in answers for resource in answer.resources]
    if refused := {name: code for code, _, _, name, _ in described if code}:
        raise for_code(max(refused.values()))({*refused})
    return {name: int(entries[0][1]) for _, _, _, name, entries in described}
