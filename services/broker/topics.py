"""The topics of the clearinghouse and which partition is the inbox of which shard (WIRE §2).

One partition for `control/0`, one for `member/0`, one for each product of the contract table, in
its order, in use or not: so a product that is configured while the market runs has its inbox
already, and no hash decides where a trade goes.

Facts go out on a topic of their own, one partition for each shard: `control/0`, `member/0`, then
the markets in the order of the table. A product that comes later is behind all others, so that no
shard ever changes its partition.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from events.command import CONTROL, MARKET, MEMBER
from events.contracts import PRODUCTS
from services.settings import TOPIC_PREFIX_DEFAULT
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD, market_shard

# Of topics that are made.
REPLICATION_DEFAULT: Final = 3
MIN_INSYNC_DEFAULT: Final = 2
FACTS_TOPIC: Final = "facts"
FOR_EVER: Final = -1


class ShardPartition(NamedTuple):
    """A partition and the shard whose inbox it is, or whose facts it has."""

    shard: str
    topic: str
    number: int

    @property
    def origin(self) -> str:
        """An inbox's name in the journal; a row's `position` is the offset."""
        return f"{self.topic}/{self.number}"


def topic_name(kind: str, prefix: str = TOPIC_PREFIX_DEFAULT) -> str:
    """The topic of one kind of inbox: `clearing.control`, `clearing.market`, `clearing.member`."""
    return f"{prefix}.{kind}"


def shard_partitions(prefix: str = TOPIC_PREFIX_DEFAULT) -> list[ShardPartition]:
    """The inboxes of all possible shards. prefix: of the topics' names."""
    market = topic_name(MARKET, prefix)
    return [
        ShardPartition(CONTROL_SHARD, topic_name(CONTROL, prefix), 0),
        *[ShardPartition(market_shard(product), market, at) for at, product in enumerate(PRODUCTS)],
        ShardPartition(MEMBER_SHARD, topic_name(MEMBER, prefix), 0),
    ]


def partition_of(shard: str, prefix: str = TOPIC_PREFIX_DEFAULT) -> ShardPartition:
    """The inbox of a shard."""
    (partition,) = [each for each in shard_partitions(prefix) if each.shard == shard]
    return partition


def fact_partitions(prefix: str = TOPIC_PREFIX_DEFAULT) -> list[ShardPartition]:
    """The partitions of the facts of all possible shards."""
    shards = [CONTROL_SHARD, MEMBER_SHARD, *map(market_shard, PRODUCTS)]
    topic = topic_name(FACTS_TOPIC, prefix)
    return [ShardPartition(shard, topic, number) for number, shard in enumerate(shards)]


def facts_of(shard: str, prefix: str = TOPIC_PREFIX_DEFAULT) -> ShardPartition:
    """The partition of a shard's facts."""
    (partition,) = [each for each in fact_partitions(prefix) if each.shard == shard]
    return partition


def partition_counts(
    prefix: str = TOPIC_PREFIX_DEFAULT, *, with_facts: bool = False
) -> dict[str, int]:
    """The number of partitions of each topic: those of the inboxes, and that of facts if asked."""
    facts = fact_partitions(prefix) if with_facts else []
    return dict(Counter(partition.topic for partition in [*shard_partitions(prefix), *facts]))
