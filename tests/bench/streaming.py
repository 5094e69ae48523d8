"""A clearinghouse on Kafka for benches: its market opened, trades waiting, its commits watched.

In: a directory. Out: Kafka and Postgres of this machine, and a streaming house whose members,
accounts and session are durable while no worker runs. Kafka is one that CLEARING_TEST_BROKERS
names, else a process of our own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer

from services.broker.connecting import producer_options, started
from services.broker.topics import ShardPartition, partition_of
from services.feed.kafka_producer import BATCH_BYTES_MAX
from services.journal.connecting import connect
from services.journal.embedded import EmbeddedServer
from services.settings import Settings
from tests.bench.market import opening
from tests.forked import ForkedProcess
from tests.kafka_broker import LocalBroker
from tests.kafka_shared import NAMED
from tests.streaming_house import StreamingHouse

MARKET: Final = "market/SIT"
SECONDS_MAX: Final = 900.0
# What of the opening goes to other shards than control/0.
_NOT_CONTROL: Final = (b'"deposit_', b'"report_')
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_HEADS: Final = "SELECT shard, seq, next_offset FROM clearing.shard_head"
_STANDING: Final = b'{"type":"trade_novated/1"'
_NOVATED: Final = """
SELECT count(*) FROM clearing.journal
WHERE shard = %s AND seq > %s AND substring(facts for %s) = %s
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a bench plays on. server: its default database is free for whoever is compared."""

    directory: Path
    server: EmbeddedServer
    house: StreamingHouse
    broker_pid: int | None

    @property
    def partition(self) -> ShardPartition:
        """The inbox of the market."""
        return partition_of(MARKET, self.house.name)


@contextmanager
def opened_stage(directory: Path, *, accounts: int, **settings: object) -> Iterator[Stage]:
    """A house whose market is open. settings: beside the usual ones of a worker."""
    usual = Settings.model_fields["batch_interval_ms"].default
    chosen: dict[str, object] = {"batch_interval_ms": usual, **settings}
    with ExitStack() as held:
        server = held.enter_context(EmbeddedServer(directory / "data"))
        address, pid = os.environ.get(NAMED), None
        if address is None:
            broker = held.enter_context(LocalBroker(directory / "kafka"))
            address, pid = broker.address, broker.pid
        house = held.enter_context(StreamingHouse(address, server, directory, **chosen))
        worker = house.start_worker()
        house.feed(_control_first(accounts))
        house.await_durable()
        assert worker.terminate() == 0, "\n".join(worker.log_lines())
        yield Stage(directory, server, house, pid)


def _control_first(accounts: int) -> list[bytes]:
    """The opening, cut into runs of control commands and others that wait for them only twice."""
    *lines, session = opening(accounts)
    is_control = [not any(word in line for word in _NOT_CONTROL) for line in lines]
    others = [line for line, is_one in zip(lines, is_control, strict=True) if not is_one]
    return [*compress(lines, is_control), *others, session]


def put(stage: Stage, lines: Iterable[bytes]) -> int:
    """Send lines to the market as a feed does; the offset behind the last."""
    return asyncio.run(_put(stage, lines))


async def _put(stage: Stage, lines: Iterable[bytes]) -> int:
    producer = await started_producer(stage.house.settings)
    try:
        sent: list[asyncio.Future[Any]] = []
        batch, count = producer.create_batch(), 0
        for line in lines:
            while append(batch, line) is None:
                sent.append(await hand_over(producer, stage.partition, batch))
                batch = producer.create_batch()
            count = batch.record_count()
        sent.append(await hand_over(producer, stage.partition, batch))
        first: int = (await asyncio.gather(*sent))[-1].offset
        return first + count
    finally:
        await producer.stop()


async def started_producer(settings: Settings) -> AIOKafkaProducer:
    """Idempotent and compressed like the feed's."""
    options = producer_options(settings) | {"max_batch_size": BATCH_BYTES_MAX}
    return await started(lambda: AIOKafkaProducer(**options), settings)


def append(batch: Any, line: bytes) -> object:  # noqa: ANN401 - aiokafka has no types
    """Put a line into a batch; None when it is full."""
    found: object = batch.append(key=MARKET.encode(), value=line, timestamp=None)
    return found


async def hand_over(
    producer: AIOKafkaProducer,
    partition: ShardPartition,
    batch: Any,  # noqa: ANN401 - aiokafka has no types
) -> asyncio.Future[Any]:
    """Send a batch; its answer is to come."""
    batch.close()
    answer: asyncio.Future[Any] = await producer.send_batch(
        batch, partition.topic, partition=partition.number
    )
    return answer


def cpu_s(pid: int) -> float:
    """Seconds of the cores that a process has taken, with those of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def novated(url: str, *, after: int) -> int:
    """How many rows of the market behind a row are trades that stand."""
    with connect(url) as connection:
        row = connection.execute(
            _NOVATED.encode(), [MARKET, after, len(_STANDING), _STANDING]
        ).fetchone()
    assert row is not None, "a count gives a row"
    return int(row[0])


@dataclass(frozen=True, slots=True)
class Seen:
    """What the head of a shard was found to be at a time: of a commit, so it was there before."""

    at: float
    seq: int
    next_offset: int


class Watch:
    """Looks at the heads again and again on a thread of its own; a context manager.

    every_s: between looks. seen: by shard each head that was another than before. gaps_s: how far
    looks were apart, which is how exact `at` is.
    """

    def __init__(self, url: str, *, every_s: float) -> None:
        self._connection = connect(url)
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="watch", daemon=True)
        self.seen: dict[str, list[Seen]] = {}
        self.gaps_s: list[float] = []
        self._look()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._connection.close()

    def until(self, offset: int, *, by: subprocess.Popen[bytes] | ForkedProcess) -> Sequence[Seen]:
        """What was seen of the market when it has taken all before an offset. by: who takes it."""
        deadline = monotonic() + SECONDS_MAX
        while self.seen[MARKET][-1].next_offset < offset:
            assert monotonic() < deadline, f"at {self.seen[MARKET][-1]}, not at offset {offset}"
            assert self._thread.is_alive(), "the watch has ended"
            assert by.poll() is None, f"the worker has ended: {by.poll()}"
            sleep(self._every_s)
        return self.seen[MARKET]

    def _look_on(self) -> None:
        last = monotonic()
        while not self._ended.wait(self._every_s):
            self._look()
            now = monotonic()
            self.gaps_s.append(now - last)
            last = now

    def _look(self) -> None:
        heads = self._connection.execute(_HEADS.encode(), prepare=True).fetchall()
        at = monotonic()
        for shard, seq, next_offset in heads:
            seen = self.seen.setdefault(shard, [])
            if not seen or seen[-1].seq != seq:
                seen.append(Seen(at, seq, next_offset))
