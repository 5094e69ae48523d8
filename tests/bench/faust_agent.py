"""A plain Faust agent before our sink: what `clearing worker` would be as Faust's tutorial has it.

In: the settings of a house, in the environment. Out: the trades in the inbox of its market, decided
and durable by the worker's own `ShardRun`, until SIGTERM. Tuned: bytes are not decoded by Faust,
batches by `take_events` as large as the worker's, deciding and writing on threads beside the event
loop, a buffer that holds a batch, Faust's compiled streams, no debugging, no web server, no leader
topic, offsets committed seldom. It acknowledges before rows are durable, in its favour.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.broker.connecting import client_options
from services.broker.messages import Message, read_message
from services.broker.topics import ShardPartition, partition_counts, partition_of
from services.hosting.interpreter import paced, return_freed_memory
from services.settings import Settings, load_settings
from services.worker.shard_run import ShardRun

MARKET: Final = "market/SIT"
_WITHIN_S: Final = 0.1
_COMMIT_S: Final = 5.0


def main() -> None:
    """Clear until SIGTERM."""
    settings = load_settings()
    partition = partition_of(MARKET, settings.topic_prefix)
    assert settings.database is not None, "an agent needs a database"
    return_freed_memory()
    with tempfile.TemporaryDirectory() as directory, ShardRun(settings.database, partition) as run:
        run.drain()
        asyncio.run(_commit(settings, partition, offset=run.next_offset))
        with paced():
            app = _app(settings, directory)
            _add_agent(app, settings, run=run)
            loop = asyncio.new_event_loop()
            loop.set_default_executor(ThreadPoolExecutor(4))
            asyncio.set_event_loop(loop)
            faust.Worker(app, loop=loop, loglevel="WARNING").execute_from_commandline()


def _group(settings: Settings) -> str:
    return f"{settings.group}-agent"


async def _commit(settings: Settings, partition: ShardPartition, *, offset: int) -> None:
    """Let Faust begin where the journal goes on: it knows no position but Kafka's."""
    consumer = AIOKafkaConsumer(
        **client_options(settings), group_id=_group(settings), enable_auto_commit=False
    )
    await consumer.start()
    try:
        topic_partition = TopicPartition(partition.topic, partition.number)
        consumer.assign([topic_partition])
        await consumer.commit({topic_partition: offset})
    finally:
        await consumer.stop()


def _app(settings: Settings, directory: str) -> faust.App:
    return faust.App(
        _group(settings),
        broker=f"kafka://{settings.brokers}",
        datadir=directory,
        autodiscover=False,
        web_enabled=False,
        debug=False,
        topic_disable_leader=True,
        stream_buffer_maxsize=settings.batch_messages,
        stream_wait_empty=False,
        broker_max_poll_records=settings.batch_messages,
        broker_commit_every=100 * settings.batch_messages,
        broker_commit_interval=_COMMIT_S,
        consumer_max_fetch_size=4 << 20,
    )


def _add_agent(app: faust.App, settings: Settings, *, run: ShardRun) -> None:
    topic = next(
        name for name in partition_counts(settings.topic_prefix) if name.endswith(".market")
    )
    inbox = app.topic(topic, key_serializer="raw", value_serializer="raw")

    @app.agent(inbox)
    async def clear(stream: Any) -> None:  # noqa: ANN401 - Faust's types say less
        batches: AsyncIterator[Sequence[Any]] = stream.take_events(
            settings.batch_messages, within=_WITHIN_S
        )
        async for events in batches:
            await asyncio.to_thread(run.run_batch, [_message(one.message) for one in events])


def _message(message: Any) -> Message:  # noqa: ANN401 - Faust's types say less
    return read_message(
        MARKET,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=[*(message.headers or {}).items()],
    )


if __name__ == "__main__":
    main()
