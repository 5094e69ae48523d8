"""The supervisor of one shard: from assignment to revocation, through all passing trouble.

In: a partition of the consumer. Out: its messages, durable in Postgres, from the offset that
Postgres says. When another process moves the head, or the database breaks, the shard is forgotten
and loaded anew from Postgres; no batch is ever tried twice. An error that no reload can mend ends
the worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Final, TypeVar

from aiokafka.errors import ConsumerStoppedError, IllegalStateError, OffsetOutOfRangeError

from events.refusals import Reason
from services.broker.messages import Message, leading
from services.broker.topics import ShardPartition, partition_of
from services.broker.trouble import BrokerTrouble, BrokerUnreachable
from services.hosting.restore import NotInUse
from services.journal.batch import Batch
from services.journal.trouble import FencedOff, JournalTrouble
from services.shards.routing import CONTROL_SHARD
from services.worker.context import PASSING, WorkerContext
from services.worker.fence_losses import LOSSES_MAX, FenceLosses
from services.worker.inbox_fetch import InboxFetch
from services.worker.inbox_watch import watch_inbox
from services.worker.lag import Lag
from services.worker.offsets import check_offset, end_of
from services.worker.pg_notify import CONTROL_CHANNEL, LINK_CHANNEL
from services.worker.product_use import checked_until_use
from services.worker.shard_run import BatchSeconds, ShardRun
from services.worker.standing import CATCHING_UP, LOADING, NOT_IN_USE, WAITING

CONSUMER_GONE: Final = (ConsumerStoppedError, IllegalStateError)
# With the time of loading, how long a shard stands still after Postgres or Kafka is back.
RELOAD_S: Final = 0.5
_IDLE_MS: Final = 250
_FIRST_WAIT_LOG_S: Final = 1.0

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Released(Exception):
    """The partition is being taken away; the shard ends where it stands."""


class Parked(Exception):
    """The group shares the partitions anew; the shard stands still until it is known who has it."""


class ShardSupervisor:
    """Serves one shard while its partition is assigned to this worker.

    checked: done when the topics have proved to be those recorded; no message is read before.
    """

    def __init__(
        self, partition: ShardPartition, context: WorkerContext, *, checked: Awaitable[None]
    ) -> None:
        self._checked = asyncio.ensure_future(checked)
        self._partition = partition
        self._context = context
        self._inbox = InboxFetch(context, partition)
        self._is_released = False
        self._stop = asyncio.Event()
        self._parked = asyncio.Event()
        self._go_on = asyncio.Event()
        self._written = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._losses = FenceLosses(context.last_durable)
        self._seq = -1
        self._checked_until = 0
        self._lag = Lag()
        self.run_now: ShardRun | None = None

    @property
    def partition(self) -> ShardPartition:
        """The partition and its shard."""
        return self._partition

    @property
    def durable(self) -> int | None:
        """The offset up to which all is durable; None until the shard is loaded."""
        return self._lag.durable

    def release(self) -> None:
        """Let go: batches that were handed over are finished, no further message is decided."""
        self._is_released = True
        self._stop.set()
        self._go_on.set()

    async def park(self) -> None:
        """Finish the batches that were handed over, and stand still until `resume` or `release`."""
        self._go_on.clear()
        self._stop.set()
        await self._parked.wait()

    def resume(self) -> None:
        """Go on: the partition is still this worker's."""
        self._stop.clear()
        self._parked.clear()
        self._go_on.set()

    async def run(self) -> None:
        """Serve the shard until released. Errors: those that no reload can mend."""
        shard, metrics = self._partition.shard, self._context.metrics
        metrics.follow(shard, self._lag, troubles=[kind.__name__ for kind in PASSING])
        watch = watch_inbox(
            self._context, self._partition, lag=self._lag, commit_began=self._commit_began
        )
        watching = asyncio.create_task(watch, name=f"end of {shard}")
        try:
            while True:
                try:
                    await self._run_until_trouble()
                except (Parked, *CONSUMER_GONE):
                    # The consumer gives a partition up before its supervisor is told.
                    if not self._stop.is_set():
                        raise
                    await self._stand_still()
        except Released:
            _log.info("let go", extra=self._where())
        finally:
            self._parked.set()
            watching.cancel()
            metrics.let_go(shard)

    async def _run_until_trouble(self) -> None:
        """Load and serve until trouble that a reload mends, and wait it out."""
        try:
            await self._serve_or_idle()
        except FencedOff as loss:
            await self._back_off(loss)
        except PASSING as trouble:
            await self._wait_out(trouble)
        except OffsetOutOfRangeError as error:
            # The offset was there when checked: a new leader was behind for a moment.
            msg = f"Kafka did not have an offset of {self._partition.origin} for a moment: {error}"
            await self._wait_out(BrokerUnreachable(msg))

    async def _serve_or_idle(self) -> None:
        """Serve; a shard that is not in use waits for the next control command."""
        try:
            await self._serve()
        except NotInUse as reason:
            shard, idle = self._partition.shard, partial(self._idle, CONTROL_CHANNEL)
            self._context.metrics.set_state(shard, NOT_IN_USE, detail=str(reason))
            self._inbox.seek(0)
            with self._inbox.paused():
                self._checked_until = await checked_until_use(
                    self._context.database, shard, after=reason.checked_until, idle=idle
                )

    async def _serve(self) -> None:
        partition, settings = self._partition, self._context.settings
        run = await asyncio.to_thread(
            ShardRun,
            self._context.database,
            partition,
            timeout_s=settings.writer_timeout_s,
            checked_until=self._checked_until,
            done=self._note_durable,
        )
        try:
            self.run_now = run
            await asyncio.to_thread(run.drain)
            checking = check_offset(self._context, partition, next_offset=run.next_offset)
            await self._unless_released(checking)
            await self._unless_released(asyncio.shield(self._checked))
            self._inbox.seek(run.next_offset)
            _log.info("loaded; goes on at offset %d", run.next_offset, extra=self._where())
            self._lag.durable = run.next_offset
            self._context.metrics.set_state(partition.shard, CATCHING_UP)
            while True:
                with suppress(Parked):
                    await self._read_on(run)
                if not await self._is_ours_still(run):
                    return
        except (Parked, Released):
            await asyncio.to_thread(run.close)
            raise
        except BaseException as error:
            await asyncio.to_thread(run.abandon, error)
            raise
        finally:
            self.run_now = None

    async def _is_ours_still(self, run: ShardRun) -> bool:
        """Stand still; False if the shard is to be loaded anew. Errors: Released."""
        await asyncio.to_thread(run.drain)
        await self._stand_still()
        run.decider.refetch_copies()
        if await asyncio.to_thread(run.is_head):
            self._inbox.seek(run.next_offset)
            self._context.metrics.set_state(self._partition.shard, CATCHING_UP)
            _log.info("kept; goes on at offset %d", run.next_offset, extra=self._where())
            return True
        # While the group was without this worker, somebody else had the shard.
        await asyncio.to_thread(run.close)
        return False

    async def _stand_still(self) -> None:
        """Wait while parked. Errors: Released."""
        self._parked.set()
        await self._go_on.wait()
        if self._is_released:
            raise Released

    async def _read_on(self, run: ShardRun) -> None:
        """Read and decide messages until released or in trouble."""
        while True:
            is_behind = await self._read_once(run)
            if not is_behind and not run.is_durable:
                await self._gather()

    async def _read_once(self, run: ShardRun) -> bool:
        """Decide the messages of one fetch; True if Kafka has more of them."""
        messages = await self._fetch(self._context.settings.batch_messages, _IDLE_MS)
        await self._note_figures(run)
        if not messages:
            await self._settle(run)
            return False
        await self._run_messages(run, messages)
        # After a full batch, or a part of a fetch, the next messages are in Kafka already.
        return self._inbox.has_more(messages[-1])

    async def _settle(self, run: ShardRun) -> None:
        """No message came: make all durable, and pass offsets that left no row to Postgres."""
        offset = await self._inbox.position()
        if offset > run.next_offset:
            await asyncio.to_thread(run.pass_to, offset)
        if not run.is_durable:
            await self._unless_released(asyncio.to_thread(run.drain))

    async def _note_figures(self, run: ShardRun) -> None:
        """Between two batches, when nothing is decided: figures of the books of `member/0`."""
        if run.has_fresh_figures and (figures := await asyncio.to_thread(run.figures)):
            self._context.metrics.figures.note_members(self._partition.shard, figures)

    async def _gather(self) -> None:
        """Let messages gather while the batch before is written, not longer than the interval."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._context.settings.batch_interval_ms / 1000):
                await self._unless_released(self._written.wait())
        self._written.clear()

    async def _run_messages(self, run: ShardRun, messages: Sequence[Message]) -> None:
        has_copies = any(message.number is not None for message in messages)
        if has_copies:
            await self._await_control(run, messages)
        while messages:
            free = leading(messages)
            if has_copies and run.decider.has_to_wait:
                free = min(free, await asyncio.to_thread(run.decider.until_barrier, messages))
            if not free:
                await self._await_markets(run, messages[0])
                free = 1
            start = monotonic()
            await asyncio.to_thread(run.run_batch, messages[:free])
            shard, seconds = self._partition.shard, monotonic() - start
            self._context.metrics.decided(shard, messages=free, seconds=seconds)
            self._note_refused(run.refusals())
            self._context.metrics.figures.cleared(shard, run.trades())
            messages = messages[free:]
            self._check_stop()

    def _note_refused(self, refused: Counter[str]) -> None:
        self._context.metrics.refused(self._partition.shard, refused)
        if count := refused[Reason.WRONG_SHARD.value]:
            text = "%d messages are refused as wrong_shard: somebody sends to the wrong partition"
            _log.warning(text, count, extra=self._where())

    async def _await_markets(self, run: ShardRun, barrier: Message) -> None:
        """Wait until every market has answered a barrier or, as this one, voted on a spread."""
        await asyncio.to_thread(run.vote, barrier)
        await self._await(
            lambda: run.decider.missing_markets(barrier),
            f"{run.decider.awaited} {barrier.number}",
            channel=LINK_CHANNEL,
        )

    async def _await_control(self, run: ShardRun, messages: Sequence[Message]) -> None:
        """Wait, if a copy is ahead of `control/0`, until that has decided its present inbox.

        A copy of a command that the control journal does not have is forged, or the database was
        set back to an earlier time and `control/0` has yet to decide the command again. Only after
        the wait can the two be told apart.
        """
        number = await asyncio.to_thread(run.decider.ahead_of_control, messages)
        if number is None:
            return
        control = partition_of(CONTROL_SHARD, self._context.settings.topic_prefix)
        end = await self._unless_released(end_of(self._context, control))
        await self._await(
            lambda: run.decider.behind(CONTROL_SHARD, offset=end),
            f"copy {number}",
            channel=CONTROL_CHANNEL,
        )
        run.decider.refetch_copies()

    async def _await(self, missing: Callable[[], list[str]], what: str, *, channel: str) -> None:
        """Wait with the inbox paused, polling on, until no shard is missing; report which are."""
        shard, metrics = self._partition.shard, self._context.metrics
        log_after_s = _FIRST_WAIT_LOG_S
        start = since = monotonic()
        with self._inbox.paused():
            while late := await asyncio.to_thread(missing):
                metrics.set_state(shard, WAITING, detail=f"{what}: {', '.join(late)}")
                now = monotonic()
                for late_shard in late:
                    metrics.waited(late_shard, now - since)
                since = now
                if now - start > log_after_s:
                    waits = f"{what} waits for {', '.join(late)}"
                    _log.info("%s (%.0f s)", waits, now - start, extra=self._where())
                    log_after_s *= 2
                await self._idle(channel)
        metrics.set_state(shard, CATCHING_UP)

    async def _idle(self, channel: str) -> None:
        """Wait for a notice and poll the paused inbox, so that Kafka sees us alive."""
        await self._unless_released(self._context.notices.wait(channel))
        await self._fetch(1, 1)

    async def _fetch(self, most: int, timeout_ms: int) -> Sequence[Message]:
        """The next messages of the inbox, at most so many."""
        try:
            return await self._unless_released(self._inbox.fetch(most, timeout_ms))
        except OffsetOutOfRangeError:
            run = self.run_now
            assert run is not None, self._partition
            checking = check_offset(self._context, self._partition, next_offset=run.next_offset)
            await self._unless_released(checking)
            raise

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await self._unless_released(asyncio.sleep(seconds))

    async def _unless_released(self, waited: Awaitable[_T]) -> _T:
        """The awaited value; raises Released or Parked as soon as the supervisor is."""
        task = asyncio.ensure_future(waited)
        stop = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self._check_stop()
            return task.result()
        finally:
            task.cancel()
            stop.cancel()

    def _check_stop(self) -> None:
        """Errors: Released, Parked."""
        if self._stop.is_set():
            raise Released if self._is_released else Parked

    async def _back_off(self, loss: FencedOff) -> None:
        """Another process moved the head: wait before the shard is loaded anew."""
        losses = self._losses.lost()
        self._context.metrics.fenced(self._partition.shard)
        self._context.metrics.set_state(self._partition.shard, LOADING)
        _log.warning("fenced off, lets go: %s", loss, extra=self._where())
        if self._losses.are_hopeless:
            msg = f"{self._partition.shard}: lost the fence {LOSSES_MAX} times in a row: {loss}"
            raise FencedOff(msg) from loss
        await self._pause(RELOAD_S * losses)

    async def _wait_out(self, trouble: JournalTrouble | BrokerTrouble) -> None:
        """Forget the shard and load it anew from Postgres, a while later."""
        self._context.metrics.troubled(self._partition.shard, trouble)
        _log.warning("%s, loads anew: %s", type(trouble).__name__, trouble, extra=self._where())
        await self._pause(RELOAD_S)

    def _note_durable(self, batch: Batch, seconds: BatchSeconds) -> None:
        """On the writing thread: a batch is durable."""
        self._seq, self._lag.durable = batch.heads[0].seq_after, batch.heads[0].next_offset
        self._losses.won()
        self._loop.call_soon_threadsafe(self._written.set)
        self._context.metrics.committed(self._partition.shard, seq=self._seq, seconds=seconds.write)
        if batch.days:
            self._context.metrics.figures.closed(self._partition.shard, seconds.whole)
        self._context.metrics.note_clock(self._partition.shard, self._inbox.clock.apart_s)

    def _commit_began(self) -> float | None:
        """When the commit began that is under way."""
        return None if self.run_now is None else self.run_now.commit_began

    def _where(self) -> dict[str, object]:
        """The fields of every log line: the shard, and its last durable row."""
        return {"shard": self._partition.shard, "seq": self._seq}
