"""The keeper of one shard: from assignment to revocation, through whatever the world does.

In: a partition of the consumer. Out: its messages, durable in Postgres, from the offset that
Postgres says. When somebody else moves the head, or the database breaks, the shard is forgotten and
loaded anew from the truth; nothing is ever tried twice. What no reload can mend (`Stopped`) ends
the worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from time import monotonic, time
from typing import Final, TypeVar

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from services.broker.messages import Message, read_messages
from services.broker.topics import Place
from services.broker.trouble import BrokerTrouble, BrokerUnreachable
from services.journal.batch import Batch
from services.journal.trouble import (
    CommitUnknown,
    DatabaseGone,
    DatabaseOverloaded,
    DatabaseUnreachable,
    DiskFull,
    FencedOff,
    JournalTrouble,
)
from services.worker.measures import (
    CATCHING_UP,
    LOADING,
    NOT_IN_USE,
    READY,
    TROUBLED,
    WAITING,
)
from services.worker.notices import CONTROL, LINKS
from services.worker.positions import check_offset
from services.worker.shard_run import NotInUse, ShardRun
from services.worker.surroundings import Surroundings

# What passes by itself, or when somebody mends the database.
PASSING: Final = (
    BrokerUnreachable, CommitUnknown, DatabaseGone, DatabaseOverloaded, DatabaseUnreachable,
    DiskFull,
)  # fmt: skip
RELOAD_S: Final = 0.5
RELOAD_S_MAX: Final = 10.0
FENCE_LOSSES_MAX: Final = 5
_IDLE_MS: Final = 250

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Released(Exception):
    """The partition is being taken away; the shard ends where it stands."""


class ShardKeeper:
    """Keeps one shard while its partition is ours."""

    def __init__(self, place: Place, around: Surroundings) -> None:
        self._place = place
        self._around = around
        self._partition = TopicPartition(place.topic, place.partition)
        self._released = asyncio.Event()
        self._written = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._losses = 0
        self._reload_s = RELOAD_S
        self._seq = -1
        self.run_now: ShardRun | None = None

    @property
    def place(self) -> Place:
        """The partition and its shard."""
        return self._place

    def release(self) -> None:
        """Let go: what was handed over is finished, nothing more is taken."""
        self._released.set()

    async def keep(self) -> None:
        """Keep the shard until released. Errors: whatever no reload can mend."""
        shard, measures = self._place.shard, self._around.measures
        try:
            while True:
                measures.stands(shard, LOADING)
                await self._keep_once()
        except Released:
            _log.info("let go", extra=self._where())
        finally:
            measures.let_go(shard)

    async def _keep_once(self) -> None:
        """Load and serve until something breaks that a reload mends."""
        try:
            await self._serve()
        except NotInUse as reason:
            self._around.measures.stands(self._place.shard, NOT_IN_USE, detail=str(reason))
            await self._idle(CONTROL)
        except FencedOff as loss:
            await self._lose(loss)
        except PASSING as trouble:
            await self._wait_out(trouble)

    async def _serve(self) -> None:
        place, settings = self._place, self._around.settings
        run = await asyncio.to_thread(
            ShardRun,
            self._around.database,
            place,
            timeout_s=settings.writer_timeout_s,
            done=self._note_durable,
        )
        try:
            self.run_now = run
            await asyncio.to_thread(run.drain)
            await check_offset(self._around, place, wanted=run.next_offset)
            self._around.consumer.seek(self._partition, run.next_offset)
            _log.info("loaded; goes on at offset %d", run.next_offset, extra=self._where())
            self._around.measures.stands(place.shard, CATCHING_UP)
            await self._read_on(run)
        except Released:
            await asyncio.to_thread(run.close)
            raise
        except BaseException as error:
            await asyncio.to_thread(run.abandon, error)
            raise
        finally:
            self.run_now = None

    async def _read_on(self, run: ShardRun) -> None:
        """Take what comes."""
        most = self._around.settings.batch_messages
        while True:
            records = await self._fetch(most, _IDLE_MS)
            if records:
                await self._take(run, read_messages(self._place.shard, records))
                self._measure(records[-1])
            elif not run.is_durable:
                await self._unless_released(asyncio.to_thread(run.drain))
            # A full batch, or what a fetch had left: the rest is in Kafka and comes at once.
            is_behind = bool(records) and self._end(records[-1]) > records[-1].offset + 1
            self._around.measures.stands(self._place.shard, CATCHING_UP if is_behind else READY)
            if not is_behind and not run.is_durable:
                await self._gather()

    async def _gather(self) -> None:
        """Let messages gather while the batch before is written, not longer than the interval."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._around.settings.batch_interval_ms / 1000):
                await self._unless_released(self._written.wait())
        self._written.clear()

    async def _take(self, run: ShardRun, messages: list[Message]) -> None:
        while messages:
            free = len(messages)
            if run.has_barriers:
                free = await asyncio.to_thread(run.until_barrier, messages)
            if not free:
                await self._await_markets(run, messages[0])
                free = 1
            begun = monotonic()
            await asyncio.to_thread(run.take, messages[:free])
            shard, seconds = self._place.shard, monotonic() - begun
            self._around.measures.decided(shard, messages=free, seconds=seconds)
            self._around.measures.refused(shard, run.refusals())
            messages = messages[free:]
            if self._released.is_set():
                raise Released

    async def _await_markets(self, run: ShardRun, barrier: Message) -> None:
        """Wait with the inbox paused, polling on, until every market has answered a barrier."""
        assert barrier.number is not None, barrier
        shard, measures = self._place.shard, self._around.measures
        consumer, told = self._around.consumer, 0.0
        begun = since = monotonic()
        consumer.pause(self._partition)
        try:
            while missing := await asyncio.to_thread(run.missing, barrier.number):
                measures.stands(shard, WAITING, detail=f"{barrier.number}: {', '.join(missing)}")
                now = monotonic()
                for market in missing:
                    measures.waited(market, now - since)
                since = now
                if now - begun > told:
                    waits = f"barrier {barrier.number} waits for {', '.join(missing)}"
                    _log.info("%s (%.0f s)", waits, now - begun, extra=self._where())
                    told = max(1.0, 2 * told)
                await self._idle(LINKS)
        finally:
            if self._partition in consumer.assignment():
                consumer.resume(self._partition)
        measures.stands(shard, CATCHING_UP)

    async def _idle(self, channel: str) -> None:
        """Wait for a notice while polling a paused inbox, so that Kafka sees us alive."""
        await self._unless_released(self._around.notices.wait(channel))
        consumer = self._around.consumer
        if self._partition in consumer.paused():
            await self._fetch(1, 1)

    async def _fetch(self, most: int, timeout_ms: int) -> Sequence[ConsumerRecord]:
        fetching = self._around.consumer.getmany(
            self._partition, timeout_ms=timeout_ms, max_records=most
        )
        try:
            found = await self._unless_released(fetching)
        except OffsetOutOfRangeError:
            run = self.run_now
            assert run is not None, self._place
            await check_offset(self._around, self._place, wanted=run.next_offset)
            raise
        records: Sequence[ConsumerRecord] = found.get(self._partition, ())
        return records

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await self._unless_released(asyncio.sleep(seconds))

    async def _unless_released(self, waited: Awaitable[_T]) -> _T:
        """What is waited for; Released as soon as we are to let go."""
        task = asyncio.ensure_future(waited)
        release = asyncio.ensure_future(self._released.wait())
        try:
            await asyncio.wait({task, release}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Released
            return task.result()
        finally:
            task.cancel()
            release.cancel()

    async def _lose(self, loss: FencedOff) -> None:
        """The fence let somebody else through; look again who owns the shard."""
        self._losses += 1
        self._around.measures.fenced(self._place.shard)
        _log.warning("fenced off, lets go: %s", loss, extra=self._where())
        if self._losses >= FENCE_LOSSES_MAX:
            msg = f"{self._place.shard}: lost the fence {self._losses} times in a row: {loss}"
            raise FencedOff(msg) from loss
        await self._pause(RELOAD_S * self._losses)

    async def _wait_out(self, trouble: JournalTrouble | BrokerTrouble) -> None:
        """Forget the shard and load it anew from Postgres, a while later."""
        name = type(trouble).__name__
        self._around.measures.troubled(self._place.shard, name)
        self._around.measures.stands(self._place.shard, TROUBLED, detail=str(trouble))
        _log.warning("%s, loads anew in %.1f s: %s", name, self._reload_s, trouble,
                     extra=self._where())  # fmt: skip
        await self._pause(self._reload_s)
        self._reload_s = min(2 * self._reload_s, RELOAD_S_MAX)

    def _note_durable(self, batch: Batch, seconds: float) -> None:
        """On the writing thread: a batch is durable."""
        self._seq = batch.heads[0].seq_after
        self._losses, self._reload_s = 0, RELOAD_S
        self._loop.call_soon_threadsafe(self._written.set)
        self._around.measures.committed(self._place.shard, seq=self._seq, seconds=seconds)

    def _end(self, last: ConsumerRecord) -> int:
        """The offset behind all that Kafka had when it was asked last."""
        end: int = self._around.consumer.highwater(self._partition) or 0
        return max(end, last.offset + 1)

    def _measure(self, last: ConsumerRecord) -> None:
        seconds = max(0.0, time() - last.timestamp / 1000)
        lag = self._end(last) - last.offset - 1
        self._around.measures.lags(self._place.shard, messages=lag, seconds=seconds)

    def _where(self) -> dict[str, object]:
        """What every line of log says: which shard, and its last durable row."""
        return {"shard": self._place.shard, "seq": self._seq}
