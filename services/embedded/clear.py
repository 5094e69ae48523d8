"""`clearing clear`: a source of commands into a journal, from the last durable line to its end.

In: a database, a source. Out: everything durable, a summary. The same `clear` again changes
nothing, and clears lines added to the source since.
Errors: those of the source and of the journal, as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from services.embedded.run import LINES_A_BLOCK, EmbeddedRun, Tally
from services.hosting.interpreter import return_freed_memory
from services.journal.inboxes import refuse_streamed
from services.journal.migrate import migrate
from services.journal.reader import Reader
from services.sources.source import Block, SourceReader, open_source, source_name

# Called with each block that was handed to the writer.
BlockReport = Callable[[Block], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """The outcome of a clear. was_done: the source had been cleared to its end before."""

    source: str
    tally: Tally
    seconds: float
    was_done: bool

    def lines(self) -> list[str]:
        """The summary in words."""
        refused = sum(self.tally.refused.values())
        done = "was cleared before" if self.was_done else "cleared"
        read, trades = self.tally.read, self.tally.trades
        text = [
            f"source {self.source}: {done}",
            f"read {read} lines, accepted {read - refused}, refused {refused}",
            f"novated {trades} trades",
        ]
        text += [f"  refused {reason}: {n}" for reason, n in sorted(self.tally.refused.items())]
        text += [
            f"  day {day.business_date} {day.shard} {day.state_hash.hex()}"
            for day in self.tally.days
        ]
        rate = self.tally.trades / self.seconds if self.seconds else 0.0
        text.append(f"{self.seconds:.2f} s, {rate:,.0f} trades/s")
        return text


def clear(
    url: str,
    path: str,
    *,
    name: str | None = None,
    lines_a_block: int = LINES_A_BLOCK,
    progress: BlockReport | None = None,
) -> Summary:
    """Clear a source to its end. url: the database; path: a file or `-`."""
    start = monotonic()
    return_freed_memory()
    source = source_name(path, name)
    with open_source(path) as stream, _run_in(url) as run:
        reader = SourceReader(stream, name=source, lines_a_block=lines_a_block)
        recorded = run.reader.source(source)
        position = None if recorded is None else recorded.position
        if recorded is not None:
            reader.skip(recorded.position, sha256=recorded.sha256, lines_so_far=recorded.lines)
            if recorded.ended and not reader.goes_on():
                return Summary(source, run.tally, monotonic() - start, was_done=True)
        for block in reader.blocks():
            run.run_block(block, source=source, position_before=position)
            position = block.end
            if progress is not None:
                progress(block)
        run.drain()
        return Summary(source, run.tally, monotonic() - start, was_done=False)


@contextmanager
def _run_in(url: str) -> Iterator[EmbeddedRun]:
    """A clearinghouse in a database that it has migrated and that no worker writes."""
    migrate(url)
    with Reader(url) as reader:
        refuse_streamed(reader)
    with EmbeddedRun(url) as run:
        # Again: the topics may have been recorded before this process had its claim.
        refuse_streamed(run.reader)
        yield run
