"""Clearing a file into a journal as `clear` does, timed from its first block to durable rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from services.embedded.run import LINES_A_BLOCK, EmbeddedRun
from services.sources.source_reader import SourceReader


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds on the clock, and of this process's cores."""

    wall: float
    cpu: float


def clear_file(embedded: EmbeddedRun, path: Path) -> Took:
    """Clear a file to its end and wait until all is durable."""
    with path.open("rb") as stream:
        reader = SourceReader(stream, name=path.name, lines_a_block=LINES_A_BLOCK)
        wall, cpu = perf_counter(), process_time()
        position = None
        for block in reader.blocks():
            embedded.run_block(block, source=path.name, position_before=position)
            position = block.end
        embedded.drain()
        return Took(perf_counter() - wall, process_time() - cpu)
