"""The demonstration, run: a made-up market, cleared day by day on a real Postgres.

In: an empty directory for the books, a seed, a number of days. Out: the commands as a file, and
what their facts tell, once the journal has them. Each day's lines take the durable path of
`clear`; what the market sends next depends on what was decided of them. The file alone,
cleared anew, gives the same day hashes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self

from pydantic_core import from_json

from services.audit.laws import LawBook
from services.demo.entries import DemoFact
from services.demo.fact_book import FactBook
from services.demo.market import DemoMarket
from services.embedded.run import EmbeddedRun
from services.journal.migrate import migrate
from services.shards.log import Pending
from services.shards.rows import JournalRow
from services.sources.source_reader import Block, lines_in

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
        for line in lines:
            assert b"\n" not in line, f"a line within a line: {line!r}"
        written = b"".join(line + b"\n" for line in lines)
        begins, texts = lines_in(written)
        positions = begins + self._end
        self._file.write(written)
        self._digest.update(written)
        self._end += len(written)
        self.count += len(texts)
        return Block(positions, texts, self._end, self._digest.digest(), self.count, is_last)


class Demonstration:
    """A demonstration that is being cleared."""

    def __init__(self, url: str, stream: Stream) -> None:
        self._run = EmbeddedRun(url, witness=self._see)
        self._stream = stream
        self._position: int | None = None
        self._rows: list[JournalRow] = []
        self._parts: defaultdict[tuple[str, int], list[bytes]] = defaultdict(list)

    @property
    def lines_sent(self) -> int:
        """The number of lines so far."""
        return self._stream.count

    def __enter__(self) -> Self:
        self._run.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, *trace: object
    ) -> None:
        self._run.__exit__(kind, error, *trace)

    def clear(self, lines: Sequence[bytes], *, is_last: bool) -> list[DemoFact]:
        """Make the lines durable; what was decided, as the journal has it then."""
        block = self._stream.block(lines, is_last=is_last)
        self._run.run_block(block, source=COMMANDS_FILE, position_before=self._position)
        self._position = block.end
        self._run.drain()
        return self._facts()

    def _see(self, written: Pending) -> None:
        self._rows += written.rows
        for part in written.parts:
            self._parts[part.shard, part.seq].append(part.facts)

    def _facts(self) -> list[DemoFact]:
        """The facts of the new rows, in the order they were decided."""
        pieces: list[bytes] = []
        for row in sorted(self._rows, key=attrgetter("logical_time")):
            pieces += [row.facts, *self._parts.get((row.shard, row.seq), ())]
        self._rows.clear()
        self._parts.clear()
        lines = b"\n".join(filter(None, pieces))
        facts: list[DemoFact] = from_json(b"[%b]" % lines.replace(b"\n", b","))
        return facts


def run_demo(url: str, commands: Path, *, seed: int, days: int, day_done: DayDone) -> DemoOutcome:
    """Clear a demonstration from its opening to its last close; what its facts tell.

    day_done: told how many days are closed, and how many lines were read.
    """
    migrate(url)
    market, laws = DemoMarket(seed=seed, days=days), LawBook()
    with commands.open("wb") as file, Demonstration(url, Stream(file)) as demonstration:
        for done in range(days + 1):
            lines = market.day(done - 1) if done else market.opening()
            facts = demonstration.clear(lines, is_last=done == days)
            market.book.learn(facts)
            for fact in facts:
                laws.add(fact)
            if done:
                day_done(done, demonstration.lines_sent)
    return DemoOutcome(market.book, laws.broken())
