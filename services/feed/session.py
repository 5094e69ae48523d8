"""Feeds files to Kafka, one after another: what `clearing feed` does.

In: settings, files and how they are read. Out: all their lines fed, each once however often the
feed was ended and begun again, and a summary; or trouble of the files, of Kafka or of the journal,
and how far the feed had come. Standard input cannot be read again: it is not gone on with.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from time import monotonic
from typing import Final, NamedTuple, Protocol

from services.feed.feeding import Feed, Pace
from services.feed.inboxes import RecordedInboxes
from services.feed.kafka_producer import kafka_line_producer
from services.feed.source_book import SourceBook
from services.feed.stall import Say, StallTimer
from services.feed.waiting import JournalHeads, ShardWaiter
from services.hosting.interpreter import return_freed_memory
from services.journal.fed_sources import FeedClaim
from services.journal.reader import Inbox, Reader
from services.settings import Settings
from services.shards.routing import CONTROL_SHARD
from services.sources.lines import Lines
from services.sources.source import (
    STDIN,
    ByteStream,
    SourceTrouble,
    open_source,
    shown_name,
    source_name,
)

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
    """The files to feed.

    source: the name of the one file, if it is not to be its own; from_line: of the first file.
    """

    paths: Sequence[str]
    reading: LineReading
    source: str | None = None
    from_line: int = 1
    lines_a_second: float | None = None
    timeout_s: float | None = None

    def source_of(self, path: str) -> str | None:
        """The name of a source; None if it cannot be gone on with. Errors: SourceTrouble."""
        return None if path == STDIN else source_name(path, self.source)


class FeedSession:
    """A feed of files. Errors: those of sources, Kafka and the journal, Stalled."""

    def __init__(self, settings: Settings, plan: FeedPlan, *, say: Say) -> None:
        """Check the names and the topics."""
        assert settings.database is not None, "a feed waits for the journal"
        self._settings = settings
        self._database = settings.database
        self._plan = plan
        self._say = say
        self._started_at = monotonic()
        self._path = plan.paths[0]
        self._feed: Feed | None = None
        self._lines: Counter[str] = Counter()
        self._malformed = 0
        self._malformed_shown: list[str] = []
        _check_names([*map(plan.source_of, plan.paths)])
        with Reader(settings.database) as reader:
            self._inboxes = RecordedInboxes(settings, reader)

    def run(self, file_progress: FileProgress) -> None:
        """Feed all files to their ends."""
        return_freed_memory()
        first = self._plan.from_line
        with closing(JournalHeads(self._database)) as journal:
            for path in self._plan.paths:
                self._path, self._feed = path, None
                with ExitStack() as opened:
                    file = self._opened(opened, path, first=first)
                    show_progress = opened.enter_context(file_progress(path))
                    asyncio.run(self._feed_file(file, journal, show_progress=show_progress))
                first = 1

    def _opened(self, opened: ExitStack, path: str, *, first: int) -> _OpenFile:
        """A file to be read, and the point from which its source goes on."""
        stall = StallTimer(self._say, timeout_s=self._plan.timeout_s)
        source, book = self._plan.source_of(path), None
        if source is not None:
            claim = opened.enter_context(FeedClaim(self._database, source))
            book = SourceBook(claim, source, first=first, stall=stall)
            if book.line >= first:
                self._say(f"{source} was fed up to line {book.line}: goes on behind it")
        ends = self._inboxes.ends()
        stream = opened.enter_context(open_source(path))
        groups = self._plan.reading(stream, shown_name(path), first=first)
        if book is not None:
            groups = book.unread(groups)
        return _OpenFile(groups, ends, stall, book, is_from_the_start=first == 1)

    async def _feed_file(
        self, file: _OpenFile, journal: JournalHeads, *, show_progress: ShowProgress
    ) -> None:
        settings, book = self._settings, file.book
        account = None if book is None else await book.account(settings, file.ends)
        async with kafka_line_producer(
            self._inboxes, settings=settings, stall=file.stall, account=account
        ) as producer:
            rate = self._plan.lines_a_second
            products = journal.products()
            feed = self._feed = Feed(
                producer,
                ShardWaiter(journal, file.stall),
                products=products if book is None else book.products(products),
                pace=None if rate is None else Pace(rate),
                book=book,
            )
            control_end = file.ends[self._inboxes.of(CONTROL_SHARD)]
            if not file.is_from_the_start and control_end:
                await feed.settle_from(control_end - 1)
            try:
                await self._feed_groups(feed, file.groups, show_progress=show_progress)
            finally:
                self._lines += feed.lines

    async def _feed_groups(
        self, feed: Feed, groups: Iterator[Lines], *, show_progress: ShowProgress
    ) -> None:
        """Read a group of lines while the group before is sent."""
        reading = _read(groups)
        while True:
            try:
                lines = await reading
            except SourceTrouble:
                await feed.end()
                raise
            if lines is None:
                break
            reading = _read(groups)
            self._note_malformed(await feed.feed_lines(lines))
            show_progress(lines.end, feed.lines.total())
        await feed.end()

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
        text = f"the lines of {name} up to {fed} are in Kafka, perhaps some after them too; "
        if not fed:
            text = f"no line of {name} is in Kafka for certain; "
        if self._path != STDIN:
            return f"{text}the same command goes on exactly where it stopped"
        return f"{text}what was read from standard input is not gone on with: use a file for that"

    def summary(self) -> list[str]:
        """The summary of the feed, in words."""
        seconds = monotonic() - self._started_at
        topics: Counter[str] = Counter()
        for shard, count in self._lines.items():
            topics[self._inboxes.of(shard).topic] += count
        text = [f"fed {self._lines.total():,} lines in {seconds:.2f} s"]
        text[0] += f", {self._lines.total() / seconds:,.0f} lines/s" if seconds else ""
        text += [f"  {topic}: {count:,}" for topic, count in sorted(topics.items())]
        if self._malformed:
            text.append(f"  {self._malformed:,} of them will be refused as malformed, and kept:")
            text += [f"    {line}" for line in self._malformed_shown]
        return text


class _OpenFile(NamedTuple):
    """A file that is being fed. groups: its lines; ends: the next offset of each inbox before."""

    groups: Iterator[Lines]
    ends: Mapping[Inbox, int]
    stall: StallTimer
    book: SourceBook | None
    is_from_the_start: bool


def _check_names(sources: Sequence[str | None]) -> None:
    """Raise SourceTrouble if two files have one name."""
    for source, count in Counter(sources).items():
        if source is not None and count > 1:
            msg = (
                f"{count} files are named {source}: feed each by itself, with a --source of its own"
            )
            raise SourceTrouble(msg)


def _read(groups: Iterator[Lines]) -> asyncio.Task[Lines | None]:
    """The next lines of a file, read on another thread; None at its end."""
    reading = asyncio.create_task(asyncio.to_thread(next, groups, None))
    # The error is retrieved so that asyncio does not log it when another one has ended the feed.
    reading.add_done_callback(lambda done: None if done.cancelled() else done.exception() and None)
    return reading
