"""A fact as a Kafka message, and the last one of a partition.

The value is the fact, byte for byte as in the journal; the key is the name of its shard. Headers,
all text: `type`, `shard`, `seq` of the row, `position` of the fact in its row, from 0. The three
last name a fact for ever: whoever sees all three a second time has seen the same fact twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient

from services.broker.connecting import client_options, started, until_ended
from services.broker.topics import ShardPartition
from services.broker.trouble import TopicsUnfit, broker_translated
from services.journal.fact_pieces import FactPiece
from services.journal.reader import BLOCK_BYTES
from services.settings import Settings

FACT_HEADERS: Final = ("type", "shard", "seq", "position")
# Every fact begins with its type: {"type":"trade_novated/1",…
_TYPE_AT: Final = len(b'{"type":"')
# A transaction ends in a record of Kafka's own: the last fact is near the end, not at it.
_LOOK_BACK: Final = 64


class PublishedFact(NamedTuple):
    """A fact in Kafka."""

    seq: int
    position: int
    fact: bytes


class FactBlock(NamedTuple):
    """Facts to be published together. seq: of the last row; ends_row: no more of it follow."""

    batches: list[Any]
    seq: int
    ends_row: bool


def next_block(
    pieces: Iterator[FactPiece], *, shard: str, make: Callable[[], Any]
) -> FactBlock | None:
    """The next facts, about BLOCK_BYTES of them, in batches of aiokafka; None if there are none.

    make: gives an empty batch.
    """
    key, batch = shard.encode(), make()
    batches, size, last = [batch], 0, None
    for piece in pieces:
        last = piece
        row = b"%d" % piece.seq
        facts = piece.facts.split(b"\n") if piece.facts else []
        for position, fact in enumerate(facts, piece.first):
            headers = [
                ("type", fact[_TYPE_AT : fact.index(b'"', _TYPE_AT)]),
                ("shard", key),
                ("seq", row),
                ("position", b"%d" % position),
            ]
            # A batch that is full takes no more; an empty one takes a fact of any length.
            while batch.append(timestamp=None, key=key, value=fact, headers=headers) is None:
                batch = make()
                batches.append(batch)
        size += len(piece.facts)
        if size >= BLOCK_BYTES:
            break
    if last is None:
        return None
    return FactBlock([each for each in batches if each.record_count()], last.seq, last.ends_row)


async def last_fact(settings: Settings, partition: ShardPartition) -> PublishedFact | None:
    """The last fact of a partition that a transaction has committed; None if there is none.

    Errors: BrokerTrouble; TopicsUnfit if the last message is no fact of the shard, or if another
    producer has a transaction open: behind it facts may be that cannot be read yet.
    """
    options = client_options(settings, "publisher") | {
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": "read_committed",
    }
    consumer = await started(lambda: AIOKafkaConsumer(**options), settings)
    try:
        with broker_translated(f"reading the end of {partition.origin}", settings, right="Read"):
            record = await _last_record(consumer, partition)
    finally:
        await until_ended(consumer.stop())
    return None if record is None else _fact_in(record, partition)


async def expect_partition(
    client: AIOKafkaClient, partition: ShardPartition, *, settings: Settings
) -> None:
    """See that a partition is there, or a client would wait long. Errors: BrokerTrouble."""
    with broker_translated(f"looking for {partition.origin}", settings):
        numbers = (await client.fetch_all_metadata()).partitions_for_topic(partition.topic)
    if partition.number not in (numbers or ()):
        lacking = "is missing" if numbers is None else f"has no partition {partition.number}"
        msg = f"topic {partition.topic} {lacking}: run `clearing topics create` with publish_facts"
        raise TopicsUnfit(msg)


async def _last_record(consumer: AIOKafkaConsumer, partition: ShardPartition) -> Any:  # noqa: ANN401 - untyped
    """The last record of a partition, or None; what was aborted and Kafka's own are passed over."""
    at = TopicPartition(*partition[1:])
    consumer.assign([at])
    first = (await consumer.beginning_offsets([at]))[at]
    end = (await consumer.end_offsets([at]))[at]
    await _expect_no_transaction(consumer, at, origin=partition.origin)
    count = _LOOK_BACK
    while True:
        offset = max(first, end - count)
        consumer.seek(at, offset)
        last = None
        while await consumer.position(at) < end:
            for record in (await consumer.getmany(at, timeout_ms=200)).get(at, ()):
                last = record
        if last is not None or offset == first:
            return last
        count *= _LOOK_BACK


async def _expect_no_transaction(
    consumer: AIOKafkaConsumer, at: TopicPartition, *, origin: str
) -> None:
    """See that all of a partition can be read. An earlier publisher's transactions have ended."""
    consumer.seek(at, (await consumer.end_offsets([at]))[at])
    while consumer.highwater(at) is None:
        await consumer.getmany(at, timeout_ms=200)
    readable, end = consumer.last_stable_offset(at), consumer.highwater(at)
    if readable < end:
        msg = (
            f"a transaction of another producer is open in {origin} from offset {readable} on, and "
            "facts may be behind it: let nobody else write there, and end it with "
            "kafka-transactions.sh (abort)"
        )
        raise TopicsUnfit(msg)


def _fact_in(record: Any, partition: ShardPartition) -> PublishedFact:  # noqa: ANN401 - untyped
    headers = dict(record.headers)
    try:
        shard = headers["shard"].decode()
        seq, position = int(headers["seq"]), int(headers["position"])
    except (KeyError, ValueError, AttributeError):
        shard, seq, position = "no shard that its headers name", 0, 0
    if shard != partition.shard:
        msg = (
            f"the message at offset {record.offset} of {partition.origin} is of {shard}, expected "
            f"a fact of {partition.shard}: somebody else writes there; take that right away, "
            "delete the topic and run `clearing topics create`: all facts are published anew"
        )
        raise TopicsUnfit(msg)
    return PublishedFact(seq, position, record.value)
