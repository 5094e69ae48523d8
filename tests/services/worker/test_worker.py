"""`clearing worker` as processes on a real Kafka and a real Postgres."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from kafka import TopicPartition

from events.units import parse_instant
from services.broker.connecting import producer_options
from services.broker.topic_state import topics_admin
from services.broker.topics import partition_of
from services.journal.embedded import EmbeddedServer
from services.journal.reader import Reader
from services.journal.receipts import receipt_of
from settlement.control_books import ControlBooks
from tests.kafka_broker import free_ports
from tests.scraper import Scraper, alerts, page
from tests.services.worker.test_shards_agree import DAYS, embedded_hashes
from tests.streaming_house import StreamingHouse, Worker
from tests.twin.generate import written
from tests.waiting import SECONDS_MAX, until, until_kafka_shows

SIT = "market/SIT"
FRIDAY = 4
QUICK = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500}


@pytest.fixture
def house(broker: str, postgres: EmbeddedServer, tmp_path: Path) -> Iterator[StreamingHouse]:
    """A clearinghouse on the shared broker."""
    with StreamingHouse(broker, postgres, tmp_path, **QUICK) as made:
        yield made


def says(worker: Worker, text: str) -> bool:
    """Whether a worker has logged something."""
    return times_said(worker, text) > 0


def times_said(worker: Worker, text: str) -> int:
    """How many lines a worker has logged with something."""
    return sum(text in line for line in worker.log_lines())


def loaded_by(worker: Worker) -> Counter[str]:
    """How often a worker has loaded each shard that is in use."""
    lines = [line for line in worker.log_lines() if '"loaded; goes on' in line]
    return Counter(json.loads(line)["shard"] for line in lines)


def noon(session: date) -> str:
    """An instant of a session, as text."""
    return f"{session.isoformat()}T12:00:00Z"


def test_a_worker_leaves_the_day_hashes_of_the_embedded_run(house: StreamingHouse) -> None:
    lines = written(5, DAYS).lines
    house.start_worker()
    house.feed(lines)
    house.await_durable()
    assert house.day_hashes() == embedded_hashes(lines)
    assert house.verify() == []


def test_inputs_were_received_when_kafka_says(house: StreamingHouse) -> None:
    house.start_worker()
    before = int(time.time())
    house.feed(written(5, 1).lines)
    house.await_durable()
    with Reader(house.url) as reader:
        heads = reader.heads().values()
        receipts = [
            receipt_of(reader, head.shard, seq=seq) for head in heads for seq in (1, head.seq)
        ]
    assert len(receipts) >= 6
    for receipt in filter(None, receipts):
        assert receipt.clock == "broker"
        assert before <= receipt.second <= time.time()
    assert None not in receipts


def test_two_workers_share_the_shards_and_one_takes_over_in_order(house: StreamingHouse) -> None:
    lines = written(6, DAYS).lines
    first, second = house.start_worker(), house.start_worker()
    until(lambda: says(first, "loaded") and says(second, "loaded"), "both have a shard")
    house.feed(lines[: len(lines) // 2])
    begun = time.monotonic()
    assert first.terminate() == 0
    assert time.monotonic() - begun < 30
    house.feed(lines[len(lines) // 2 :])
    house.await_durable()
    assert house.day_hashes() == embedded_hashes(lines)


def test_joins_and_leaves_load_only_the_shards_that_move(house: StreamingHouse) -> None:
    lines = written(11, 2).lines
    first = house.start_worker()
    house.feed(lines[: len(lines) // 2])
    house.await_durable()
    shards = loaded_by(first)
    assert shards == {"control/0": 1, "member/0": 1, SIT: 1}
    second = house.start_worker()
    until(lambda: says(second, "loaded") and says(first, "kept; goes on"), "they share the shards")
    house.feed(lines[len(lines) // 2 :])
    house.await_durable()
    moved = loaded_by(second)
    assert 0 < len(moved) < len(shards)
    assert loaded_by(first) == shards
    assert second.terminate() == 0
    until(lambda: loaded_by(first) == shards + moved, "those that moved come back, and no other")
    assert house.day_hashes() == embedded_hashes(lines)
    assert not says(first, "fenced off")


def test_a_barrier_that_waits_longer_than_the_session_keeps_its_partition(
    house: StreamingHouse,
) -> None:
    lines = written(7, 2).lines
    closes = [place for place, line in enumerate(lines) if b"close_session/1" in line]
    (port,) = free_ports(1)
    worker = house.start_worker(web_port=port)
    house.feed(lines[: closes[0]])
    house.await_durable()
    with psycopg.connect(house.url) as holder:
        holder.execute("SELECT * FROM clearing.shard_head WHERE shard = 'market/SIT' FOR UPDATE")
        asyncio.run(put(house, "control/0", lines[closes[0]]))
        until(lambda: says(worker, "waits for market/SIT"), "the barrier waits")
        assigned = times_said(worker, "assigned: ")
        time.sleep(2 * QUICK["session_timeout_ms"] / 1000)
        assert "ClearingBarrierWaits" in alerts(port)
    house.feed(lines[closes[0] + 1 :])
    house.await_durable()
    assert house.day_hashes() == embedded_hashes(lines)
    assert times_said(worker, "assigned: ") == assigned > 0


def test_a_database_set_back_to_an_earlier_time_comes_to_the_same_books(
    house: StreamingHouse, postgres: EmbeddedServer
) -> None:
    lines = written(10, DAYS).lines
    worker = house.start_worker()
    house.feed(lines[: len(lines) // 3])
    house.await_durable()
    worker.terminate()
    name = psycopg.conninfo.conninfo_to_dict(house.url)["dbname"]
    execute(postgres, f"CREATE DATABASE {name}_earlier TEMPLATE {name}")
    worker = house.start_worker()
    house.feed(lines[len(lines) // 3 :])
    house.await_durable()
    expected = house.day_hashes()
    worker.terminate()
    execute(postgres, f"DROP DATABASE {name}")
    execute(postgres, f"ALTER DATABASE {name}_earlier RENAME TO {name}")
    with psycopg.connect(house.url) as holder:
        holder.execute("SELECT * FROM clearing.shard_head WHERE shard = 'control/0' FOR UPDATE")
        worker = house.start_worker()
        until(lambda: says(worker, "waits for control/0"), "the others wait for control")
    house.await_durable()
    assert house.day_hashes() == expected == embedded_hashes(lines)


def test_offsets_that_kafka_no_longer_has_stop_the_worker(house: StreamingHouse) -> None:
    async def three() -> None:
        for _ in range(3):
            await put(house, "market/SIT", b"{}")

    asyncio.run(three())
    market = partition_of("market/SIT", house.name)
    with topics_admin(house.settings) as admin:
        partition = TopicPartition(market.topic, market.number)
        admin.delete_records({partition: 2})
    worker = house.start_worker()
    assert worker.process.wait(SECONDS_MAX) == 1
    assert says(worker, "market/SIT: the journal goes on at offset 0")
    assert says(worker, "Kafka has 2 to 3")


def test_health_tells_the_truth(house: StreamingHouse, postgres: EmbeddedServer) -> None:
    (port,) = free_ports(1)
    worker = house.start_worker(web_port=port)
    until(lambda: page(port, "healthz")[0] == 200, "the page is there")
    until(lambda: page(port, "readyz")[0] == 200, "the shards are caught up")
    house.feed(written(8, 2).lines)
    house.await_durable()
    refusals = 'clearing_refusals_total{reason="malformed",shard="control/0"}'
    until(lambda: refusals in page(port, "metrics")[1], "the refusal is counted")
    until(lambda: state_of(port, SIT) == "ready", "the market is caught up")
    with psycopg.connect(house.url) as holder:
        holder.execute("SELECT * FROM clearing.shard_head WHERE shard = 'market/SIT' FOR UPDATE")
        asyncio.run(put(house, SIT, b"{}"))
        until(lambda: page(port, "readyz")[0] == 503, "a commit that hangs is seen")
        told = {"ClearingShardStands", "ClearingNotReady", "ClearingCommitHangs"}
        until(lambda: told <= alerts(port), "alerts of it fire")
        assert state_of(port, SIT) == "catching up"
        assert 'clearing_lag_messages{shard="market/SIT"} 1.0' in page(port, "metrics")[1]
        assert (
            'clearing_commit_pending_seconds{shard="market/SIT"} 0.0'
            not in page(port, "metrics")[1]
        )
        until(lambda: says(worker, "a commit has lasted for"), "it is logged")
    until(lambda: page(port, "readyz")[0] == 200, "it is caught up again")
    assert not alerts(port) & {"ClearingShardTroubled", "ClearingWrongShard"}
    asyncio.run(put(house, SIT, b"{}", key="member/0"))
    until(lambda: says(worker, "1 messages are refused as wrong_shard"), "it is logged")
    until(lambda: "ClearingWrongShard" in alerts(port), "a wrong key is told")
    name = psycopg.conninfo.conninfo_to_dict(house.url)["dbname"]
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
    execute(postgres, f"{ended} '{name}'")
    asyncio.run(put(house, SIT, b"{}"))
    until(lambda: "ClearingShardTroubled" in alerts(port), "a broken connection is told")
    until(lambda: page(port, "readyz/all")[0] == 200, "all shards are caught up again")
    assert worker.terminate() == 0
    assert alerts(port) == {"ClearingNoWorker", "ClearingWorkerDown"}


def session_around(now: datetime) -> date:
    """A session that the present lies in, at weekends the next: Friday's ends with Saturday."""
    session = now.date()
    while session.weekday() > FRIDAY:
        session += timedelta(days=1)
    return session


def test_at_every_hour_of_a_week_the_present_lies_in_the_session_of_the_timer() -> None:
    for hour in range(7 * 24):
        now = datetime(2026, 6, 8, tzinfo=UTC) + timedelta(hours=hour)
        session = session_around(now)
        opened_at = parse_instant(noon(session))
        books = ControlBooks(business_date=session, opened_at=opened_at)
        for at in (now, now + timedelta(minutes=59)):
            assert books.is_time_in_range(parse_instant(f"{at:%Y-%m-%dT%H:%M:%SZ}")), at


def test_the_timer_advances_the_clock_of_the_present_session(house: StreamingHouse) -> None:
    session = session_around(datetime.now(UTC))
    opened = {"type": "open_session/1", "business_date": session.isoformat(), "at": noon(session)}
    house.start_worker(clock_interval_s=0.2)
    house.feed([json.dumps(opened).encode()])
    with Reader(house.url) as reader:
        until(lambda: reader.last_number() > 3, "the clock advances")


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read_and_odd_messages_are_kept(house: StreamingHouse, codec: str) -> None:
    values = [b"{}", b"", None, b"x" * 900_000, b'{"a": 1}\n', b"\xff"]
    worker = house.start_worker()
    asyncio.run(put_all(house, values, compression_type=codec))
    until(lambda: offset_of(house, SIT) == len(values), "all are taken")
    with Reader(house.url) as reader:
        rows = [row for block in reader.rows(SIT, after=0) for row in block]
    assert [row[6] for row in rows] == [value or b"" for value in values]
    assert worker.is_alive


def test_what_a_transaction_aborts_is_never_cleared(house: StreamingHouse) -> None:
    house.start_worker()
    asyncio.run(put_all(house, [b"kept"], transactional_id=house.name, is_aborted=False))
    asyncio.run(put_all(house, [b"lost"], transactional_id=house.name, is_aborted=True))
    asyncio.run(put_all(house, [b"last"]))
    until(lambda: offset_of(house, SIT) == 5, "all are passed")
    with Reader(house.url) as reader:
        rows = [row for block in reader.rows(SIT, after=0) for row in block]
    assert [(row[4], row[6]) for row in rows] == [(0, b"kept"), (4, b"last")]


def test_of_two_groups_that_both_own_a_shard_the_fence_lets_one_through(
    house: StreamingHouse,
) -> None:
    lines = written(9, DAYS).lines
    ports = free_ports(2)
    workers = [
        house.start_worker(web_port=ports[0]),
        house.start_worker(web_port=ports[1], group=f"{house.name}-other"),
    ]
    until(lambda: all(says(one, "loaded") for one in workers), "both have a shard")
    with Scraper(*ports) as scraper:
        house.feed(lines)
        house.await_durable()
        assert house.day_hashes() == embedded_hashes(lines)

        def is_told() -> bool:
            asyncio.run(put(house, SIT, b"one more to race for"))
            return scraper.fires("ClearingFencedOff")

        until(is_told, "the alert of it fires")
    assert any(says(one, "fenced off") for one in workers)


def test_partitions_added_by_hand_are_told_and_stop_nothing(house: StreamingHouse) -> None:
    lines = written(11, 1).lines
    market = partition_of(SIT, house.name)
    with topics_admin(house.settings) as admin:
        admin.create_partitions({market.topic: 5})
    until_kafka_shows(house.settings, lambda found: found[market.topic].partitions == 5)
    (port,) = free_ports(1)
    worker = house.start_worker(web_port=port)
    house.feed(lines)
    house.await_durable()
    assert house.day_hashes() == embedded_hashes(lines)
    assert says(worker, f"{market.topic}: nobody reads partition 2, 3, 4")
    assert f'clearing_unread_partitions{{topic="{market.topic}"}} 3.0' in page(port, "metrics")[1]
    assert "ClearingUnreadPartitions" in alerts(port)


def test_a_session_that_the_broker_refuses_ends_the_worker_with_a_word(
    house: StreamingHouse,
) -> None:
    worker = house.start_worker(session_timeout_ms=1500)
    assert worker.process.wait(SECONDS_MAX) == 1
    assert says(worker, "session_timeout_ms: the brokers refuse 1500; they take 6000 to 1800000")


def test_a_house_whose_inboxes_cannot_be_read_to_their_end_gives_up(
    house: StreamingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.streaming_house.READ_SECONDS_MAX", 0.0)
    with pytest.raises(TimeoutError):
        house.inbox(SIT)
    with pytest.raises(AssertionError, match=r"not there: .*TimeoutError"):
        house.await_control(0.0)


def execute(server: EmbeddedServer, statement: str) -> None:
    """One statement of an administrator."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(statement.encode())


def offset_of(house: StreamingHouse, shard: str) -> int:
    """Where a shard's inbox goes on."""
    head = house.heads().get(shard)
    return 0 if head is None else head.next_offset


async def put_all(
    house: StreamingHouse,
    values: list[bytes | None],
    *,
    is_aborted: bool = False,
    **options: object,
) -> None:
    """Messages into the inbox of SIT, in a transaction if it has an id."""
    partition = partition_of(SIT, house.name)
    chosen = producer_options(house.settings) | {"max_request_size": 1 << 20} | options
    producer = AIOKafkaProducer(**chosen)
    await producer.start()
    if "transactional_id" in options:
        await producer.begin_transaction()
    for value in values:
        key = SIT.encode()
        await producer.send_and_wait(partition.topic, value, key=key, partition=partition.number)
    if "transactional_id" in options:
        await (producer.abort_transaction() if is_aborted else producer.commit_transaction())
    await producer.stop()


async def put(house: StreamingHouse, shard: str, line: bytes, *, key: str = "") -> None:
    """One command into an inbox, keyed by its shard unless another key is given."""
    partition = partition_of(shard, house.name)
    producer = AIOKafkaProducer(**producer_options(house.settings))
    await producer.start()
    chosen = (key or shard).encode()
    await producer.send_and_wait(partition.topic, line, key=chosen, partition=partition.number)
    await producer.stop()


def state_of(port: int, shard: str) -> str:
    """How a shard stands, by the page of a worker; nothing while that does not say."""
    shards = json.loads(page(port, "readyz")[1] or "{}").get("shards", {})
    return str(shards[shard]["state"]) if shard in shards else ""
