"""A transaction that another producer leaves open: seen, named, and ended by an operator."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from kafka import TopicPartition
from kafka.admin import AbortTransactionSpec

from services.broker.connecting import producer_options
from services.broker.topic_state import topics_admin
from services.broker.topics import partition_of
from services.worker.lag import Lag
from services.worker.open_transaction import OpenTransaction
from tests.faults.streaming.stranger import vanish
from tests.kafka_broker import free_ports
from tests.scraper import alerts, page
from tests.services.worker.test_worker import (
    SIT,
    house,
    offset_of,
    put,
    says,
    state_of,
    times_said,
)
from tests.streaming_house import StreamingHouse
from tests.waiting import until

_ = house


def test_a_market_behind_an_open_transaction_is_not_ready_until_somebody_ends_it(
    house: StreamingHouse,
) -> None:
    (port,) = free_ports(1)
    worker = house.start_worker(web_port=port)
    asyncio.run(put(house, SIT, b"before"))
    until(lambda: offset_of(house, SIT) == 1, "the market is read")
    asyncio.run(left_open(house))
    asyncio.run(put(house, SIT, b"behind"))
    until(lambda: state_of(port, SIT) == "behind an open transaction", "it is named")
    status, text = page(port, "readyz")
    assert status == 503
    assert (
        "2 messages are not durable: a transaction of another producer is open from offset 1 on"
        in text
    )
    metrics = page(port, "metrics")[1]
    assert 'clearing_lag_messages{shard="market/SIT"} 2.0' in metrics
    assert 'clearing_lag_seconds{shard="market/SIT"} 0.0' not in metrics
    assert 'clearing_open_transaction_seconds{shard="market/SIT"} ' in metrics
    assert 'clearing_open_transaction_seconds{shard="market/SIT"} 0.0' not in metrics
    told = {"ClearingShardStands", "ClearingOpenTransaction"}
    until(lambda: told <= alerts(port), "the alerts of it fire")
    # Any worker knows, also one that does not have the shard.
    assert 'clearing_shard_lag_messages{shard="market/SIT"} 2.0' in page(port, "metrics")[1]
    until(lambda: says(worker, "a transaction of another producer is open"), "it is logged")
    end_transactions(house)
    until(lambda: offset_of(house, SIT) == 4, "it goes on")
    until(lambda: page(port, "readyz")[0] == 200, "all is well")
    closed = 'clearing_open_transaction_seconds{shard="market/SIT"} 0.0'
    until(lambda: closed in page(port, "metrics")[1], "nothing is open")
    assert times_said(worker, "a transaction of another producer is open") == 1


async def left_open(house: StreamingHouse) -> None:
    """A message in a transaction whose producer is gone before it ends."""
    partition = partition_of(SIT, house.name)
    producer = AIOKafkaProducer(
        **producer_options(house.settings), transactional_id=f"{house.name}-open"
    )
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(
        partition.topic, b"held", key=SIT.encode(), partition=partition.number
    )
    await vanish(producer)


def end_transactions(house: StreamingHouse) -> None:
    """End what is open in the inbox of SIT, as kafka-transactions.sh does."""
    market = partition_of(SIT, house.name)
    partition = TopicPartition(market.topic, market.number)
    with topics_admin(house.settings) as admin:
        for producer in admin.describe_producers([partition])[partition].active_producers:
            if producer.current_transaction_start_offset >= 0:
                ended = AbortTransactionSpec(
                    partition, producer.producer_id, producer.producer_epoch
                )
                admin.abort_transaction(ended)


def test_it_is_logged_when_it_is_open_for_five_seconds_and_then_once_a_minute() -> None:
    transaction = OpenTransaction()
    logged = []
    for second in range(200):
        transaction.note(7, end=9, at=second)
        if transaction.is_to_log(second):
            logged.append(second)
    assert logged == [5, 65, 125, 185]
    assert transaction.text(66) == (
        "a transaction of another producer is open from offset 7 on, for 66 s"
    )


def test_transactions_that_follow_one_another_are_no_stall() -> None:
    transaction = OpenTransaction()
    for second in range(100):
        transaction.note(second // 4, end=99, at=second)
        assert not transaction.is_to_log(second)
    transaction.note(99, end=99, at=100)
    assert (transaction.is_open, transaction.seconds(101)) == (False, 0.0)


@pytest.mark.parametrize(("durable", "is_behind"), [(None, False), (6, False), (7, True)])
def test_what_is_readable_is_to_be_durable_before_a_transaction_is_blamed(
    durable: int | None, *, is_behind: bool
) -> None:
    lag = Lag()
    lag.durable = durable
    lag.note_end(9, at=0.0, readable=7)
    assert lag.is_behind_transaction is is_behind
    assert lag.messages == (0 if durable is None else 9 - durable)
    assert not lag.is_caught_up(4.0)
