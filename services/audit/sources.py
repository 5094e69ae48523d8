"""The table of sources, checked against the inputs recorded from them (WIRE §4).

In: inputs in the order in which they were decided. Out: findings where the table differs: in the
number of lines, the last byte, or the SHA-256, which can be computed anew where a source holds
nothing but lines and line feeds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from services.audit.findings import Findings
from services.journal.reader import Reader
from services.journal.trouble import translated
from services.shards.rows import JournalRow


@dataclass(slots=True)
class _Read:
    """A source as its inputs show it.

    first: shard and seq of its first row; end: the byte after the last line; is_plain: nothing
    between lines.
    """

    first: tuple[str, int]
    lines: int = 0
    end: int = -1
    is_plain: bool = True
    digest: Any = field(default_factory=hashlib.sha256)


class SourcesRead:
    """Adds up the inputs of every source. is_whole: from their first lines on."""

    def __init__(self, reader: Reader, findings: Findings, *, is_whole: bool) -> None:
        self._reader = reader
        self._findings = findings
        self._is_whole = is_whole
        self._read: dict[str, _Read] = {}

    def add(self, row: JournalRow) -> None:
        """Add the next input."""
        shard, seq, _, origin, position, _, line, *_ = row
        read = self._read.get(origin)
        if read is None:
            read = self._read[origin] = _Read((shard, seq), is_plain=self._is_whole)
        if position <= read.end:
            finding = f"position: expected one after byte {read.end} of {origin}, found {position}"
            self._findings.note(shard, seq, finding=finding)
        read.is_plain &= position == read.end + 1
        if read.is_plain:
            read.digest.update(b"\n" + line if position else line)
        read.lines += 1
        read.end = position + len(line)

    def finish(self) -> None:
        """Compare the table with the inputs."""
        with translated("reading the sources"):
            rows = self._reader.connection.execute(
                "SELECT name, position, sha256, lines FROM clearing.source", binary=True
            ).fetchall()
        names = {row[0] for row in rows}
        for origin, read in self._read.items():
            if origin not in names:
                shard, seq = read.first
                self._findings.note(shard, seq, finding=f"origin: no source is named {origin}")
        for name, position, sha256, lines in rows:
            read_source = self._read.get(name)
            difference = self._difference(read_source, position, sha256=sha256, lines=lines)
            if difference is not None:
                self._findings.note_apart(f"source {name}", finding=difference)

    def _difference(
        self, read: _Read | None, position: int, *, sha256: bytes, lines: int
    ) -> str | None:
        if read is None:
            return f"lines: expected 0, found {lines}" if lines and self._is_whole else None
        if self._is_whole and lines != read.lines:
            return f"lines: expected {read.lines}, found {lines}"
        if position < read.end:
            return f"position: expected at least {read.end}, found {position}"
        if read.is_plain and position <= read.end + 1:
            if position > read.end:
                read.digest.update(b"\n")
            if read.digest.digest() != sha256:
                return f"sha256: expected {read.digest.hexdigest()}, found {sha256.hex()}"
        return None
