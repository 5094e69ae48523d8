"""Where an inbox goes on, held against what Kafka still has (ARCHITECTURE §3, §4).

In: the offset that Postgres wants next. Out: nothing, or `OffsetLost` in words an operator can use.
Silence after lost data would be worse than a stop.
"""

from __future__ import annotations

from aiokafka import TopicPartition

from services.broker.topics import Place
from services.broker.trouble import broker_translated
from services.worker.surroundings import Surroundings


class OffsetLost(Exception):
    """Kafka does not have the messages that come next; an operator must decide."""


async def check_offset(around: Surroundings, place: Place, *, wanted: int) -> None:
    """Raise OffsetLost unless the next message is there or still to come."""
    partition = TopicPartition(place.topic, place.partition)
    with broker_translated(f"asking for the offsets of {place.origin}", around.settings):
        first = (await around.consumer.beginning_offsets([partition]))[partition]
        end = (await around.consumer.end_offsets([partition]))[partition]
    if wanted < first:
        remedy = (
            f"the {first - wanted} between them are lost to the journal: restore the topic from "
            "a copy, or have them sent again under the journal of a new database"
        )
    elif wanted > end:
        remedy = (
            "the topic was truncated or made anew: restore it, or the database that belongs to it"
        )
    else:
        return
    msg = (
        f"{place.shard}: the journal goes on at offset {wanted} of {place.origin}, "
        f"Kafka has {first} to {end}: {remedy}"
    )
    raise OffsetLost(msg)


async def end_of(around: Surroundings, place: Place) -> int:
    """The offset that the next message of an inbox will have. Errors: BrokerTrouble."""
    partition = TopicPartition(place.topic, place.partition)
    with broker_translated(f"asking for the end of {place.origin}", around.settings):
        ends: dict[TopicPartition, int] = await around.consumer.end_offsets([partition])
    return ends[partition]
