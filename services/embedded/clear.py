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
from typing import Any

from services.embedded.answers import LineNumber
from services.embedded.run import LINES_A_BLOCK, EmbeddedRun, Tally
from services.hosting.interpreter import return_freed_memory
from services.journal.inboxes import refuse_streamed
from services.journal.migrate import migrate
from services.journal.reader import Reader
from services.sources.csv_trades import TradeStream, check_no_header
from services.sources.line_numbers import LineNumbers
from services.sources.lines import Lines
from services.sources.source import ByteStream, open_source, source_name
from services.sources.source_reader import Block, SourceReader

# Called with each block that was handed to the writer.
BlockReport = Callable[[Block], None]
# Reads the trades of a CSV file; called with its bytes and its name.
RowReading = Callable[[ByteStream, str], Iterator[Lines]]
# The same for a database, whose tables of GPUs count; called with its URL.
RowsOf = Callable[[str], RowReading]


@dataclass(frozen=True, slots=True)
class Summary:
    """The outcome of a clear. was_done: the source had been cleared to its end before."""

    source: str
    tally: Tally
    seconds: float
    was_done: bool
    number_of: LineNumber

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
        text += [f"    {line}" for line in self.malformed()]
        text += [
            f"  day {day.business_date} {day.shard} {day.state_hash.hex()} {day.history_hash.hex()}"
            for day in self.tally.days
        ]
        rate = self.tally.trades / self.seconds if self.seconds else 0.0
        text.append(f"{self.seconds:.2f} s, {rate:,.0f} trades/s")
        return text

    def malformed(self) -> list[str]:
        """The first lines that could not be read, each with the reference that could."""
        return [
            f"line {self.number_of(line.nth, line.position)}"
            f"{f' ({line.reference})' if line.reference else ''}: {line.detail}"
            for line in self.tally.malformed
        ]

    def tree(self) -> dict[str, Any]:
        """The summary as JSON."""
        refused = self.tally.refused.total()
        return {
            "source": self.source,
            "was_cleared_before": self.was_done,
            "lines_read": self.tally.read,
            "accepted": self.tally.read - refused,
            "refused": dict(sorted(self.tally.refused.items())),
            "malformed": self.malformed(),
            "trades_novated": self.tally.trades,
            "days": [
                {
                    "business_date": day.business_date.isoformat(),
                    "shard": day.shard,
                    "state_hash": day.state_hash.hex(),
                    "history_hash": day.history_hash.hex(),
                }
                for day in self.tally.days
            ],
            "seconds": round(self.seconds, 2),
        }


def clear(
    url: str,
    path: str,
    *,
    name: str | None = None,
    lines_a_block: int = LINES_A_BLOCK,
    rows: RowsOf | None = None,
    progress: BlockReport | None = None,
) -> Summary:
    """Clear a source to its end.

    url: the database; path: a file or `-`; rows: what reads trades of it, if it is CSV.
    """
    start = monotonic()
    return_freed_memory()
    source = source_name(path, name)
    with open_source(path) as raw, _run_in(url) as run:
        stream = LineNumbers(raw if rows is None else TradeStream(rows(url)(raw, source)))
        reader = SourceReader(stream, name=source, lines_a_block=lines_a_block)
        recorded = run.reader.source(source)
        position = None if recorded is None else recorded.position
        if recorded is not None:
            reader.skip(recorded.position, sha256=recorded.sha256, lines_so_far=recorded.lines)
            if recorded.ended and not reader.goes_on():
                seconds = monotonic() - start
                return Summary(source, run.tally, seconds, was_done=True, number_of=stream.number)
        for block in reader.blocks():
            if rows is None and position is None and block.lines:
                check_no_header(block.lines[0], source)
            run.run_block(block, source=source, position_before=position)
            position = block.end
            if progress is not None:
                progress(block)
        run.drain()
        seconds = monotonic() - start
        return Summary(source, run.tally, seconds, was_done=False, number_of=stream.number)


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
