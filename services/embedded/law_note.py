"""The note beneath the traceback of a broken law: the lines that were being decided.

In: a block of a source and the numbers of the lines that are being decided. Out: one line of text:
the lines, the durable part of the source, what to do. A broken law is never caught: the text is
added to the error on its way out, and Python prints it last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.journal.reader import Reader
from services.journal.trouble import JournalTrouble
from services.sources.source_reader import Block

# Raised where a law is broken: with the numbers, or because they fit into no int64.
BROKEN: Final = (AssertionError, OverflowError)


@dataclass(slots=True)
class Undecided:
    """Lines that are being decided. numbers: of these lines in the block."""

    source: str
    block: Block
    numbers: range

    def note(self, reader: Reader) -> str:
        """The text. reader: of the journal, after its writer has ended."""
        return (
            f"A law is broken: {self._lines()} of source {self.source} could not be decided, and "
            f"nothing of that batch was written; {self._durable(reader)}. Keep the input and the "
            "books as they are, and run `clearing verify` on the books."
        )

    def _lines(self) -> str:
        first, last = self.numbers[0], self.numbers[-1]
        before = self.block.lines_so_far - len(self.block.lines) + 1
        begin, end = self.block.positions[first], self.block.positions[last]
        if first == last:
            return f"line {first + before} (empty ones not counted), at byte {begin},"
        return (
            f"one of the lines {first + before} to {last + before} (empty ones not counted), "
            f"at bytes {begin} to {end},"
        )

    def _durable(self, reader: Reader) -> str:
        try:
            recorded = reader.source(self.source)
        except JournalTrouble as trouble:
            return f"what is durable could not be read ({trouble})"
        if recorded is None:
            return "nothing of the source was durable before"
        return f"its {recorded.lines} lines before byte {recorded.position} are durable"
