"""A streaming clearinghouse for tests: topics of its own, a fresh database, workers as processes.

In: a broker, an embedded Postgres, a directory for logs. Out: a house to publish lines to and to
look into. Several can stand on one broker and one server. It ends only processes it started.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from events.codec import decode_command
from events.command import CONTROL, Malformed
from services.audit.verify import verify
from services.broker.bounded_fetch import bound_fetches
from services.broker.connecting import client_options, producer_options, started
from services.broker.messages import read_messages
from services.broker.topic_creation import TopicPlan, make_topics
from services.broker.topic_state import topics_admin
from services.broker.topics import ShardPartition, partition_counts, partition_of, shard_partitions
from services.broker.trouble import BrokerTrouble
from services.feed.session import FeedPlan, FeedSession
from services.hosting.control_history import restore_control
from services.journal.embedded import EmbeddedServer
from services.journal.reader import Head, Reader
from services.journal.trouble import JournalTrouble
from services.settings import ENV_PREFIX, Settings, load_settings
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD, market_shard, shard_of
from services.sources.lines import command_lines
from settlement.control_books import ControlBooks
from tests.forked import ForkedProcess
from tests.kafka_broker import LocalBroker
from tests.kafka_cluster import LocalCluster
from tests.streams import day_hashes

ROOT: Final = Path(__file__).resolve().parents[1]
END_SECONDS_MAX: Final = 30.0
PUBLISH_SECONDS_MAX: Final = 120.0
# Reading inboxes takes a second; one whose broker does not come back is given up.
READ_SECONDS_MAX: Final = 60.0
_LOOK_S: Final = 0.05
# What Kafka and Postgres answer while they are in trouble.
UNANSWERED: Final = (JournalTrouble, BrokerTrouble, KafkaError, TimeoutError)
# No clock and no pages, so that runs are alike and workers can be many; short batches.
DEFAULTS: Final = {"clock_interval_s": "0", "web_port": "0", "batch_interval_ms": "20"}


class Worker:
    """A process that runs `clearing worker`."""

    def __init__(self, process: ForkedProcess, log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it as a power cut would (kill -9), standing still or not."""
        self.process.kill()
        self.process.wait()

    def suspend(self) -> None:
        """Let it stand still (SIGSTOP), connections open."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self, seconds: float = END_SECONDS_MAX) -> int:
        """Ask it to end (SIGTERM); its exit code."""
        self.process.terminate()
        return self.process.wait(seconds)

    def log_lines(self) -> list[str]:
        """What it has said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()


class StreamingHouse:
    """A clearinghouse on Kafka; a context manager that ends its workers and drops what it made.

    settings: of workers, feed and topics alike; those of `DEFAULTS` unless named.
    """

    def __init__(
        self,
        broker: LocalBroker | LocalCluster | str,
        server: EmbeddedServer,
        directory: Path,
        **settings: object,
    ) -> None:
        self._server = server
        count = 3 if isinstance(broker, LocalCluster) else 1
        self._plan = TopicPlan(replication=count, min_insync=(count + 1) // 2)
        self._directory = directory
        self.name = f"house-{uuid4().hex[:12]}"
        self._database = self.name.replace("-", "_")
        self.url = server.url_of(self._database)
        address = broker if isinstance(broker, str) else broker.address
        chosen = DEFAULTS | {name: str(value) for name, value in settings.items()}
        self.settings: Settings = load_settings(
            brokers=address,
            database=self.url,
            topic_prefix=self.name,
            group=self.name,
            **chosen,
        )
        self._environment = chosen | {
            "brokers": address, "database": self.url, "topic_prefix": self.name, "group": self.name
        }  # fmt: skip
        self.workers: list[Worker] = []
        self._is_over = False

    def __enter__(self) -> Self:
        self._make_database()
        make_topics(self.settings, self._plan)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._is_over = True
        with ExitStack() as ending:
            ending.callback(self._execute, f"DROP DATABASE {self._database} WITH (FORCE)")
            ending.callback(self._delete_topics)
            for worker in self.workers:
                if worker.is_alive:
                    worker.kill()

    def start_worker(self, **settings: object) -> Worker:
        """A worker, with these settings beside those of the house; it is not waited for."""
        log = self._directory / f"worker-{len(self.workers)}.log"
        environment = os.environ | self.environment(**settings)
        self.workers.append(Worker(ForkedProcess(["worker"], log, environment=environment), log))
        return self.workers[-1]

    def environment(self, **settings: object) -> dict[str, str]:
        """The house's settings as a process finds them, with these beside."""
        chosen = self._environment | {name: str(value) for name, value in settings.items()}
        return {f"{ENV_PREFIX}{name.upper()}": value for name, value in chosen.items()}

    def process_environment(self) -> dict[str, str]:
        """All variables of a process that works with this house."""
        return os.environ | self.environment()

    def inboxes(self) -> list[str]:
        """The shards that have an inbox."""
        return [partition.shard for partition in shard_partitions(self.name)]

    def publish(self, lines: Sequence[bytes], *, timeout_s: float = PUBLISH_SECONDS_MAX) -> None:
        """Feed lines in the order of a file; what control decides is awaited, so workers must run.

        timeout_s: how long nothing may move.
        """
        asyncio.run(self._publish(list(lines), timeout_s))

    def feed(self, lines: Sequence[bytes]) -> None:
        """Feed lines as `clearing feed` does, which gives up when the world is in trouble."""
        path = self._directory / f"{uuid4().hex}.jsonl"
        path.write_bytes(b"\n".join(lines) + b"\n")
        plan = FeedPlan([str(path)], command_lines, timeout_s=PUBLISH_SECONDS_MAX)
        session = FeedSession(self.settings, plan, say=lambda _: None)
        session.run(lambda _: nullcontext(lambda *_: None))

    def await_durable(self, timeout_s: float = 60.0) -> None:
        """Wait until all that was produced is in the journal, and every shard knows all of control.

        Errors: AssertionError that names the shards that are not there.
        """
        self._await(self.lacking, timeout_s)

    def lacking(self) -> dict[str, str]:
        """By shard what it has yet to take. Errors: `UNANSWERED`."""
        return self._untaken(shard_partitions(self.name)) | self._behind_control()

    def await_control(self, timeout_s: float = 60.0) -> None:
        """Wait until `control/0` has taken its inbox and every shard knows what it said."""
        control = [partition_of(CONTROL_SHARD, self.name)]
        self._await(lambda: self._untaken(control) or self._behind_control(), timeout_s)

    def products(self) -> list[str]:
        """The products in use, while the database answers."""
        found: list[str] = []

        def look() -> dict[str, str]:
            with Reader(self.url) as reader:
                found[:] = restore_control(reader).products
            return {}

        self._await(look, END_SECONDS_MAX)
        return found

    def heads(self) -> dict[str, Head]:
        """Where each shard stands."""
        with Reader(self.url) as reader:
            return reader.heads()

    def day_hashes(self) -> dict[tuple[str, str], tuple[str, str]]:
        """By shard and session the hashes of its books and of its inputs at the close."""
        return day_hashes(self.url)

    def verify(self) -> list[str]:
        """What `clearing verify` finds; nothing when all is well."""
        return verify(self.url)

    def inbox(self, shard: str, *, after: int = 0) -> list[ConsumerRecord]:
        """What lies in a shard's inbox from an offset on, as a worker reads it."""
        partition = partition_of(shard, self.name)
        read = self._inboxes({partition: after}, isolation_level="read_committed")
        return asyncio.run(read)[shard]

    async def _publish(self, lines: list[bytes], timeout_s: float) -> None:
        options = producer_options(self.settings) | {"linger_ms": 2}
        producer = await started(lambda: AIOKafkaProducer(**options), self.settings)
        try:
            publisher = _Publisher(self, producer, timeout_s)
            for line in lines:
                await publisher.put(line)
            await publisher.end()
        finally:
            await producer.stop()

    def _await(self, lacking: Callable[[], dict[str, str]], timeout_s: float) -> None:
        """Wait until no shard lacks anything; a world in trouble is asked again."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                found = lacking()
            except UNANSWERED as trouble:
                found = {type(trouble).__name__: str(trouble)}
            if not found:
                return
            assert not self._is_over, "the house was closed"
            assert time.monotonic() < deadline, f"after {timeout_s} s not there: {found}"
            time.sleep(_LOOK_S)

    def _behind_control(self) -> dict[str, str]:
        """The shards in use that do not know all that control has said; none may know more."""
        with Reader(self.url) as reader:
            heads = reader.heads()
            products = restore_control(reader).products
        known = {shard: head.control_number for shard, head in heads.items()}
        wanted = known.get(CONTROL_SHARD, 0)
        ahead = sorted(shard for shard, number in known.items() if number > wanted)
        assert not ahead, f"{ahead} know more than the {wanted} commands that control has said"
        owed = {CONTROL_SHARD, MEMBER_SHARD, *map(market_shard, products), *heads}
        return {
            shard: f"knows control command {known.get(shard)} of {wanted}"
            for shard in owed
            if known.get(shard) != wanted
        }

    def _untaken(self, asked: list[ShardPartition]) -> dict[str, str]:
        """The shards with messages that they have not taken."""
        heads = self.heads()
        after = {
            partition: heads[partition.shard].next_offset if partition.shard in heads else 0
            for partition in asked
        }
        rests = asyncio.run(self._inboxes(after))
        return {
            shard: f"{count} messages from offset {rest[0].offset} on"
            for shard, rest in rests.items()
            if (count := _owed(shard, rest, heads.get(shard)))
        }

    async def _inboxes(
        self, after: dict[ShardPartition, int], **more: str
    ) -> dict[str, list[ConsumerRecord]]:
        """What lies in inboxes from these offsets on. Errors: TimeoutError."""
        shards = {
            TopicPartition(partition.topic, partition.number): partition.shard
            for partition in after
        }
        begins = dict(zip(shards, after.values(), strict=True))
        found: dict[str, list[ConsumerRecord]] = {shard: [] for shard in shards.values()}
        bound_fetches()
        options = client_options(self.settings) | more
        consumer = await started(lambda: AIOKafkaConsumer(**options), self.settings)
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                ends = await consumer.end_offsets([*begins])
                behind = [one for one, begin in begins.items() if begin < ends[one]]
                if behind:
                    consumer.assign(behind)
                for partition in behind:
                    consumer.seek(partition, begins[partition])
                while behind:
                    for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                        found[shards[partition]] += records
                    behind = [one for one in behind if await consumer.position(one) < ends[one]]
        finally:
            await consumer.stop()
        return found

    def _make_database(self) -> None:
        self._execute(f"CREATE DATABASE {self._database}")

    def _delete_topics(self) -> None:
        with topics_admin(self.settings) as admin:
            has_facts = self.settings.publish_facts
            admin.delete_topics(sorted(partition_counts(self.name, with_facts=has_facts)))

    def _execute(self, query: str) -> None:
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(query.encode())


def _owed(shard: str, rest: Sequence[ConsumerRecord], head: Head | None) -> int:
    """How many of the messages behind a shard's offset it has yet to take.

    Copies that it took before are no batch of their own: they move no offset.
    """
    known = 0 if head is None else head.control_number
    numbers = (message.number for message in read_messages(shard, rest))
    return sum(number is None or number > known for number in numbers)


class _Publisher:
    """Sends lines in the order of a file (ARCHITECTURE §2), through whatever the world does.

    Like a feed: before a control command all before it is in Kafka; before anything else all that
    control has said is known everywhere.
    """

    def __init__(self, house: StreamingHouse, producer: AIOKafkaProducer, timeout_s: float) -> None:
        self._house = house
        self._producer = producer
        self._timeout_s = timeout_s
        self._partitions = {
            partition.shard: partition for partition in shard_partitions(house.name)
        }
        self._sent: list[asyncio.Future[object]] = []
        self._products = ControlBooks().products
        self._is_settled = False

    async def put(self, line: bytes) -> None:
        """Send a line behind those before it."""
        command = decode_command(line)
        shard = shard_of(command, self._products)
        if not isinstance(command, Malformed) and command.SHARD == CONTROL:
            if self._is_settled:
                await self._flush()
                self._is_settled = False
        else:
            await self.settle()
            shard = shard_of(command, self._products)
        partition = self._partitions[shard]
        future = await self._producer.send(
            partition.topic, line, key=shard.encode(), partition=partition.number
        )
        self._sent.append(future)

    async def settle(self) -> None:
        """Wait until all is in Kafka and every shard knows what control has said."""
        if self._is_settled:
            return
        await self._flush()
        await asyncio.to_thread(self._house.await_control, self._timeout_s)
        self._products = await asyncio.to_thread(self._house.products)
        self._is_settled = True

    async def end(self) -> None:
        """Wait until all is in Kafka."""
        await self.settle()
        await self._flush()

    async def _flush(self) -> None:
        sent, self._sent = self._sent, []
        for one in sent:
            await one
