"""The shards on inboxes in memory: what Kafka would hold, without Kafka.

In: lines in the order of a file, routed and copied as `clearing feed` and the copier do. Out: the
journal that shard runs leave, each deciding its inbox in batches of its own.
"""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Final, Self

from events.codec import decode_command
from services.broker.messages import Message
from services.broker.topics import ShardPartition, shard_partitions
from services.hosting.restore import NotInUse
from services.journal.reader import Reader
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD, market_shard, shard_of
from services.worker.shard_run import ShardRun

_BATCH_MAX: Final = 40


class Streams:
    """Inboxes and the runs that read them; a context manager that ends the runs."""

    def __init__(self, url: str, *, seed: int = 0) -> None:
        self.inboxes: dict[str, list[Message]] = {
            partition.shard: [] for partition in shard_partitions()
        }
        self._partitions: dict[str, ShardPartition] = {
            partition.shard: partition for partition in shard_partitions()
        }
        self.url = url
        self._random = Random(seed)  # noqa: S311 - a seed must give the same batches again
        self._reader = Reader(url)
        self._copied = 0
        self.runs: dict[str, ShardRun] = {}
        for shard in (CONTROL_SHARD, MEMBER_SHARD):
            self.start(shard)
        self._start_markets()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for shard in [*self.runs]:
            self.stop(shard)
        self._reader.close()

    def start(self, shard: str) -> None:
        """Load a shard from the journal, if it is in use."""
        with suppress(NotInUse):
            self.load(shard)

    def load(self, shard: str) -> None:
        """Load a shard from the journal. Errors: NotInUse."""
        run = ShardRun(self.url, self._partitions[shard])
        run.drain()
        self.runs[shard] = run

    def stop(self, shard: str) -> None:
        """End a run with every decided batch durable."""
        with self.runs.pop(shard):
            pass

    def put(self, shard: str, line: bytes, *, number: int | None = None) -> None:
        """One message more in an inbox."""
        inbox = self.inboxes[shard]
        inbox.append(Message(len(inbox), line, number))

    def feed(self, lines: list[bytes]) -> None:
        """Route lines as a feed does; what `control/0` decides is everywhere before the next.

        Line ends are taken off, empty lines left out.
        """
        stripped = [line.removesuffix(b"\n").removesuffix(b"\r") for line in lines]
        for line in filter(None, stripped):
            products = self.runs[CONTROL_SHARD].shard.control.products
            shard = shard_of(decode_command(line), products)
            self.put(shard, line)
            if shard == CONTROL_SHARD:
                self.run_shard(CONTROL_SHARD)
                self.copy()
            elif self._random.random() < 0.1:
                self.run_shard(shard)
        self.run_all()

    def copy(self) -> None:
        """What the copier does: numbered copies to every shard in use, which a new one joins."""
        self.runs[CONTROL_SHARD].drain()
        for row in self._reader.numbered(after=self._copied):
            for shard in self.runs:
                if shard != CONTROL_SHARD:
                    self.put(shard, row.line, number=row.number)
            self._copied = row.number
        self._start_markets()

    def run_all(self) -> None:
        """Every shard decides its whole inbox: markets before members."""
        for shard in sorted(self.runs):
            if shard != MEMBER_SHARD:
                self.run_shard(shard)
        self.run_shard(MEMBER_SHARD)

    def run_shard(self, shard: str) -> None:
        """A shard decides its inbox in batches; members after the markets."""
        run = self.runs[shard]
        while unread := self.inboxes[shard][run.next_offset :]:
            batch = unread[: self._random.randint(1, _BATCH_MAX)]
            free = run.decider.until_barrier(batch)
            if free:
                run.run_batch(batch[:free])
            elif not self._await_markets(run, batch[0]):
                run.run_batch(batch[:1])
        run.drain()

    def _start_markets(self) -> None:
        """Start what control has in use and does not run."""
        for product in self.runs[CONTROL_SHARD].shard.control.products:
            if (shard := market_shard(product)) not in self.runs:
                self.start(shard)

    def _await_markets(self, run: ShardRun, barrier: Message) -> list[str]:
        """Vote if it is a spread; gives the markets that were missing, and have been run.

        They may have run this shard too, in the meantime.
        """
        run.vote(barrier)
        missing = run.decider.missing_markets(barrier)
        for shard in missing:
            self.run_shard(shard)
        return missing


def day_hashes(url: str) -> dict[tuple[str, str], tuple[str, str]]:
    """By shard and session the hashes of its books and of its inputs at the close."""
    with Reader(url) as reader:
        return {
            (shard, day.isoformat()): (state.hex(), history.hex())
            for shard in reader.heads()
            for _, day, _, state, history in reader.days(shard)
        }
