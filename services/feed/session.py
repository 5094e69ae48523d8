"""Feeds files to Kafka, one after another: what `clearing feed` does.

In: settings, files and how they are read. Out: all their lines fed, and a summary; or trouble of
the files, of Kafka or of the journal, and how far the feed had come.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from time import monotonic
from typing import Final, Protocol

from services.feed.feeding import Feed, Pace
from services.feed.inboxes import RecordedInboxes
from services.feed.kafka_producer import kafka_line_producer
from services.feed.stall import Say, StallTimer
from services.feed.waiting import JournalHeads, ShardWaiter
from services.hosting.interpreter import return_freed_memory
from services.journal.reader import Reader
from services.settings import Settings
from services.shards.routing import CONTROL_SHARD
from services.sources.lines import Lines
from services.sources.source import ByteStream, SourceTrouble, open_source, shown_name

_MALFORMED_SHOWN: Final = 3

# Shows how far a file is; called with the bytes read of it and the lines fed so far.
ShowProgress = Callable[[int, int], None]
# Begins to show the progress of a file; called with its path.
FileProgress = Callable[[str], AbstractContextManager[ShowProgress]]


class LineReading(Protocol):
    """The settings for reading a file."""

    def __call__(self, stream: ByteStream, name: str, /, *, first: int) -> Iterator[Lines]:
        """The lines from the first that is to be fed."""
        ...


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """The files to feed. from_line: of the first file; beyond 1 to go on with a stopped feed."""

    paths: Sequence[str]
    reading: LineReading
    from_line: int = 1
    lines_a_second: float | None = None
    timeout_s: float | None = None


class FeedSession:
    """A feed of files. Errors: those of sources, Kafka and the journal, Stalled."""

    def __init__(self, settings: Settings, plan: FeedPlan, *, say: Say) -> None:
        """Check the topics and read the journal."""
        assert settings.database is not None, "a feed waits for the journal"
        self._settings = settings
        self._plan = plan
        self._say = say
        self._started_at = monotonic()
        self._path = plan.paths[0]
        self._feed: Feed | None = None
        self._malformed = 0
        self._malformed_shown: list[str] = []
        with Reader(settings.database) as reader:
            self._inboxes = RecordedInboxes(settings, reader)

    def run(self, file_progress: FileProgress) -> None:
        """Feed all files to their ends."""
        assert self._settings.database is not None, self._settings
        return_freed_memory()
        control_end = self._inboxes.end_of(CONTROL_SHARD) if self._plan.from_line > 1 else 0
        with closing(JournalHeads(self._settings.database)) as journal:
            asyncio.run(self._run(journal, file_progress, control_end=control_end))

    async def _run(
        self, journal: JournalHeads, file_progress: FileProgress, *, control_end: int
    ) -> None:
        plan, settings = self._plan, self._settings
        stall = StallTimer(self._say, timeout_s=plan.timeout_s)
        waiter = ShardWaiter(journal, stall)
        async with kafka_line_producer(self._inboxes, settings=settings, stall=stall) as producer:
            pace = None if plan.lines_a_second is None else Pace(plan.lines_a_second)
            feed = Feed(producer, waiter, products=journal.products(), pace=pace)
            self._feed, self._started_at = feed, monotonic()
            if control_end:
                await feed.settle_from(control_end - 1)
            first = plan.from_line
            for path in plan.paths:
                self._path = path
                feed.begin_file()
                with open_source(path) as stream, file_progress(path) as show_progress:
                    file = plan.reading(stream, shown_name(path), first=first)
                    await self._feed_file(feed, file, show_progress=show_progress)
                first = 1

    async def _feed_file(
        self, feed: Feed, file: Iterator[Lines], *, show_progress: ShowProgress
    ) -> None:
        """Read a group of lines while the group before is sent."""
        reading = _read(file)
        try:
            while (lines := await reading) is not None:
                reading = _read(file)
                self._note_malformed(await feed.feed_lines(lines))
                show_progress(lines.end, feed.lines.total())
        except SourceTrouble:
            await feed.flush()
            raise
        await feed.settle()
        await feed.flush()

    def _note_malformed(self, malformed: list[tuple[str, str]]) -> None:
        self._malformed += len(malformed)
        room = _MALFORMED_SHOWN - len(self._malformed_shown)
        self._malformed_shown += [
            f"line {number} of {shown_name(self._path)}: {detail}"
            for number, detail in malformed[:room]
        ]

    def where(self) -> str:
        """Up to which line all is in Kafka, and how to go on."""
        name = shown_name(self._path)
        fed = 0 if self._feed is None else self._feed.fed
        if not fed and self._path == self._plan.paths[0]:
            fed = self._plan.from_line - 1
        if not fed:
            return f"no line of {name} is in Kafka for certain"
        return (
            f"the lines of {name} up to {fed} are in Kafka, perhaps some after them too; "
            f"--from-line {fed + 1} goes on there"
        )

    def summary(self) -> list[str]:
        """The summary of the feed, in words."""
        seconds = monotonic() - self._started_at
        lines = Counter[str]() if self._feed is None else self._feed.lines
        topics: Counter[str] = Counter()
        for shard, count in lines.items():
            topics[self._inboxes.of(shard).topic] += count
        text = [f"fed {lines.total():,} lines in {seconds:.2f} s"]
        text[0] += f", {lines.total() / seconds:,.0f} lines/s" if seconds else ""
        text += [f"  {topic}: {count:,}" for topic, count in sorted(topics.items())]
        if self._malformed:
            text.append(f"  {self._malformed:,} of them will be refused as malformed, and kept:")
            text += [f"    {line}" for line in self._malformed_shown]
        return text


def _read(file: Iterator[Lines]) -> asyncio.Task[Lines | None]:
    """The next lines of a file, read on another thread; None at its end."""
    reading = asyncio.create_task(asyncio.to_thread(next, file, None))
    # The error is retrieved so that asyncio does not log it when another one has ended the feed.
    reading.add_done_callback(lambda done: None if done.cancelled() else done.exception() and None)
    return reading
