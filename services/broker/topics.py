"""The topics of the clearinghouse and which partition is the inbox of which shard (WIRE §2).

One partition for `control/0`, one for `member/0`, one for each product of the contract table, in
its order, in use or not: so a product that is configured while the market runs has its inbox
already, and no hash decides where a trade goes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from events.contracts import PRODUCTS
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD, market_shard

CONTROL_TOPIC: Final = "clearing.control"
MARKET_TOPIC: Final = "clearing.market"
MEMBER_TOPIC: Final = "clearing.member"
TOPICS: Final = (CONTROL_TOPIC, MARKET_TOPIC, MEMBER_TOPIC)


class Place(NamedTuple):
    """A partition and the shard whose inbox it is."""

    shard: str
    topic: str
    partition: int

    @property
    def origin(self) -> str:
        """What the journal calls the inbox; the position beside it is the offset."""
        return f"{self.topic}/{self.partition}"


def places() -> list[Place]:
    """The inboxes of all shards that there can be."""
    markets = [
        Place(market_shard(product), MARKET_TOPIC, partition)
        for partition, product in enumerate(PRODUCTS)
    ]
    return [
        Place(CONTROL_SHARD, CONTROL_TOPIC, 0),
        *markets,
        Place(MEMBER_SHARD, MEMBER_TOPIC, 0),
    ]


def partitions() -> dict[str, int]:
    """How many partitions each topic has."""
    counted = dict.fromkeys(TOPICS, 0)
    for place in places():
        counted[place.topic] += 1
    return counted
