"""Files, one after another, into Kafka: what `clearing feed` does.

In: settings, files and how they are read. Out: all their lines fed, and what was done; or trouble
of the files, of Kafka or of the journal, and how far the feed had come.
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
from services.feed.inboxes import Inboxes
from services.feed.kafka_producer import kafka_outlet
from services.feed.stall import Say, Stillness
from services.feed.waiting import JournalHeads, Waiting
from services.hosting.interpreter import return_freed_memory
from services.journal.reader import Reader
from services.settings import Settings
from services.shards.routing import CONTROL_SHARD
from services.sources.lines import Lines
from services.sources.source import STDIN, ByteStream, SourceTrouble, open_source

_MALFORMED_SHOWN: Final = 3

# Shows how far a file is, called with its bytes read and the lines fed so far.
Advance = Callable[[int, int], None]
Showing = Callable[[str], AbstractContextManager[Advance]]


class Reading(Protocol):
    """How a file is read."""

    def __call__(self, stream: ByteStream, name: str, /, *, first: int) -> Iterator[Lines]:
        """The lines from the first that is to be fed."""
        ...


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """What is fed and how. from_line: of the first file; beyond 1 after a feed that was stopped."""

    paths: Sequence[str]
    reading: Reading
    from_line: int = 1
    lines_a_second: float | None = None
    timeout_s: float | None = None


class FeedSession:
    """A feed of files. Errors: those of sources, Kafka and the journal, NothingMoves."""

    def __init__(self, settings: Settings, plan: FeedPlan, *, say: Say) -> None:
        """Look at the topics and the journal."""
        assert settings.database is not None, "a feed waits for the journal"
        self._settings = settings
        self._plan = plan
        self._say = say
        self._begun = monotonic()
        self._path = plan.paths[0]
        self._feed: Feed | None = None
        self._malformed = 0
        self._malformed_shown: list[str] = []
        with Reader(settings.database) as reader:
            self._inboxes = Inboxes(settings, reader)

    def run(self, showing: Showing) -> None:
        """Feed all files to their ends."""
        assert self._settings.database is not None, self._settings
        return_freed_memory()
        control_end = self._inboxes.end_of(CONTROL_SHARD) if self._plan.from_line > 1 else 0
        with closing(JournalHeads(self._settings.database)) as journal:
            asyncio.run(self._run(journal, showing, control_end=control_end))

    async def _run(self, journal: JournalHeads, showing: Showing, *, control_end: int) -> None:
        plan, settings = self._plan, self._settings
        stillness = Stillness(self._say, timeout_s=plan.timeout_s)
        waiting = Waiting(journal, stillness)
        async with kafka_outlet(self._inboxes, settings=settings, stillness=stillness) as outlet:
            pace = None if plan.lines_a_second is None else Pace(plan.lines_a_second)
            feed = Feed(outlet, waiting, products=journal.products(), pace=pace)
            self._feed, self._begun = feed, monotonic()
            if control_end:
                await feed.settle_from(control_end - 1)
            first = plan.from_line
            for path in plan.paths:
                self._path = path
                feed.begin_file()
                with open_source(path) as stream, showing(path) as advance:
                    file = plan.reading(stream, called(path), first=first)
                    await self._feed_file(feed, file, advance=advance)
                first = 1

    async def _feed_file(self, feed: Feed, file: Iterator[Lines], *, advance: Advance) -> None:
        """Read a group of lines while the one before is sent."""
        coming = _read(file)
        try:
            while (lines := await coming) is not None:
                coming = _read(file)
                self._note(await feed.take(lines))
                advance(lines.end, feed.lines.total())
        except SourceTrouble:
            await feed.flush()
            raise
        await feed.settle()
        await feed.flush()

    def _note(self, malformed: list[tuple[int, str]]) -> None:
        self._malformed += len(malformed)
        left = _MALFORMED_SHOWN - len(self._malformed_shown)
        self._malformed_shown += [
            f"line {number} of {called(self._path)}: {detail}"
            for number, detail in malformed[:left]
        ]

    def where(self) -> str:
        """Up to where all is in Kafka, for whoever goes on."""
        name = called(self._path)
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
        """What was done, in words."""
        seconds = monotonic() - self._begun
        lines = Counter[str]() if self._feed is None else self._feed.lines
        topics: Counter[str] = Counter()
        for shard, count in lines.items():
            topics[self._inboxes.of(shard).topic] += count
        text = [f"fed {lines.total():,} lines in {seconds:.2f} s"]
        text[0] += f", {lines.total() / seconds:,.0f} lines/s" if seconds else ""
        text += [f"  {topic}: {count:,}" for topic, count in sorted(topics.items())]
        if self._malformed:
            text.append(f"  {self._malformed:,} of them will be refused as malformed, and kept:")
            text += [f"    {one}" for one in self._malformed_shown]
        return text


def _read(file: Iterator[Lines]) -> asyncio.Task[Lines | None]:
    """The next lines of a file, read on another thread; None at its end."""
    coming = asyncio.create_task(asyncio.to_thread(next, file, None))
    # What is wrong with a file is no news when something else has ended the feed before.
    coming.add_done_callback(lambda done: None if done.cancelled() else done.exception() and None)
    return coming


def called(path: str) -> str:
    """A file as it is named in messages."""
    return "standard input" if path == STDIN else path
