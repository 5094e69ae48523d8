"""The demonstration, run: a made-up market, cleared day by day on a real Postgres.

In: an empty directory for the books, a seed, a number of days. Out: the commands as a file, and
what their facts tell, read back from the journal. Each day's lines take the durable path of
`clear`; what the market sends next depends on what the journal says was decided. The file alone,
cleared anew, gives the same day hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from pydantic_core import from_json

from services.audit.laws import LawBook
from services.demo.entries import DemoFact
from services.demo.fact_book import FactBook
from services.demo.market import DemoMarket
from services.embedded.run import EmbeddedRun
from services.journal.migrate import migrate
from services.shards.rows import JournalRow
from services.sources.source import Block

COMMANDS_FILE: Final = "commands.jsonl"

DayDone = Callable[[int, int], None]


class DemoOutcome(NamedTuple):
    """What a demonstration's facts tell, and the laws that they show to be broken."""

    book: FactBook
    broken: list[str]


class Stream:
    """The file of commands that is being written, and the blocks of its lines."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._end = 0
        self.count = 0

    def block(self, lines: Sequence[bytes], *, is_last: bool) -> Block:
        """Write the lines; give them as `SourceReader` would read them from the file."""
        positions, texts = [], []
        for line in lines:
            assert b"\n" not in line, f"a line within a line: {line!r}"
            whole = line.removesuffix(b"\r")
            if whole:
                positions.append(self._end)
                texts.append(whole)
            self._end += len(line) + 1
        written = b"".join(line + b"\n" for line in lines)
        self._file.write(written)
        self._digest.update(written)
        self.count += len(texts)
        return Block(positions, texts, self._end, self._digest.digest(), self.count, is_last)


class Demonstration:
    """A demonstration that is being cleared."""

    def __init__(self, run: EmbeddedRun, stream: Stream) -> None:
        self._run = run
        self._stream = stream
        self._position: int | None = None
        self._read: dict[str, int] = {}

    def clear(self, lines: Sequence[bytes], *, is_last: bool) -> list[DemoFact]:
        """Make the lines durable; what was decided, read back from the journal."""
        block = self._stream.block(lines, is_last=is_last)
        self._run.run_block(block, source=COMMANDS_FILE, position_before=self._position)
        self._position = block.end
        self._run.drain()
        return self._read_facts()

    def _read_facts(self) -> list[DemoFact]:
        """The facts of the new rows, in the order they were decided."""
        reader = self._run.reader
        rows: list[JournalRow] = []
        for shard, head in reader.heads().items():
            # By number, on the connection that is open: a stream opens one of its own each time.
            rows += reader.rows_at(shard, range(self._read.get(shard, -1) + 1, head.seq + 1))
            self._read[shard] = head.seq
        parts: list[bytes] = []
        for row in sorted(rows, key=lambda row: row.logical_time):
            parts.append(row.facts)
            parts += reader.parts(row.shard, row.seq) if row.parts > 1 else ()
        lines = b"\n".join(filter(None, parts))
        facts: list[DemoFact] = from_json(b"[%b]" % lines.replace(b"\n", b","))
        return facts


def run_demo(url: str, commands: Path, *, seed: int, days: int, day_done: DayDone) -> DemoOutcome:
    """Clear a demonstration from its opening to its last close; what its facts tell.

    day_done: told how many days are closed, and how many lines were read.
    """
    migrate(url)
    market, laws = DemoMarket(seed=seed, days=days), LawBook()
    with commands.open("wb") as file, EmbeddedRun(url) as run:
        stream = Stream(file)
        demonstration = Demonstration(run, stream)
        for done in range(days + 1):
            lines = market.day(done - 1) if done else market.opening()
            facts = demonstration.clear(lines, is_last=done == days)
            market.book.learn(facts)
            for fact in facts:
                laws.add(fact)
            if done:
                day_done(done, stream.count)
    return DemoOutcome(market.book, laws.broken())
