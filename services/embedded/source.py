"""A source of commands: a file, a gzip file, or standard input, read in blocks of whole lines.

In: a path or `-`, and how far it was read before. Out: lines with their positions, and the SHA-256 of all bytes
up to each block's end. A BOM at the start and CR before LF are skipped; a last line without an end is a line;
empty lines are counted and passed over. Errors: `SourceTrouble`, which says what to do.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

STDIN: Final = "-"
_CHUNK_BYTES: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"


class SourceTrouble(Exception):
    """The input cannot be read, or is not the one that was read before under its name."""


class Block(NamedTuple):
    """Whole lines. positions: where each begins; end: the byte after the last."""

    positions: list[int]
    lines: list[bytes]
    end: int
    sha256: bytes
    lines_so_far: int
    is_last: bool


def source_name(path: str, name: str | None) -> str:
    """The name under which a source is remembered: the one given, else the file's."""
    if name is not None:
        return name
    return "stdin" if path == STDIN else Path(path).name


def open_source(path: str) -> BinaryIO:
    """The bytes of a source, unpacked if they are gzip."""
    if path == STDIN:
        return cast("BinaryIO", sys.stdin.buffer)
    try:
        raw = Path(path).open("rb")  # noqa: SIM115 - closed by whoever reads it
        packed = raw.peek(2)[:2] == _GZIP
    except OSError as error:
        msg = f"cannot open {path}: {error.strerror or error}"
        raise SourceTrouble(msg) from error
    if not packed:
        return raw
    return cast("BinaryIO", io.BufferedReader(gzip.GzipFile(fileobj=raw)))


class SourceReader:
    """Reads a source from where it was left."""

    def __init__(self, stream: BinaryIO, *, name: str, lines_a_block: int) -> None:
        self._stream = stream
        self._name = name
        self._lines_a_block = lines_a_block
        self._digest = hashlib.sha256()
        self._position = 0
        self._count = 0

    def skip(self, position: int, *, sha256: bytes, lines_so_far: int) -> None:
        """Go past what was read before, which must be the very same bytes."""
        left = position
        while left:
            chunk = self._read(min(left, _CHUNK_BYTES))
            if not chunk:
                msg = (
                    f"source {self._name} was read to byte {position} before, this one ends at "
                    f"{position - left}: it is another file; name it with --source"
                )
                raise SourceTrouble(msg)
            self._digest.update(chunk)
            left -= len(chunk)
        if self._digest.digest() != sha256:
            msg = (
                f"the first {position} bytes of source {self._name} are not those read before: "
                "it is another file; name it with --source"
            )
            raise SourceTrouble(msg)
        self._position, self._count = position, lines_so_far

    def is_at_end(self) -> bool:
        """Whether nothing follows."""
        return not self._read(1)

    def blocks(self) -> Iterator[Block]:
        """What is left, in blocks; the last one says so, and may be empty."""
        held = b""
        pending: list[bytes] = []
        while chunk := self._read(_CHUNK_BYTES):
            pieces = (held + chunk).split(b"\n")
            held = pieces.pop()
            pending += pieces
            while len(pending) >= self._lines_a_block:
                yield self._block(pending[: self._lines_a_block], b"\n")
                del pending[: self._lines_a_block]
        if pending:
            yield self._block(pending, b"\n")
        yield self._block([held] if held else [], b"", is_last=True)

    def _block(self, pieces: list[bytes], end: bytes, *, is_last: bool = False) -> Block:
        positions: list[int] = []
        lines: list[bytes] = []
        position = self._position
        for piece in pieces:
            line = piece
            if position == 0:
                line = line.removeprefix(_BOM)
            if line.endswith(b"\r"):
                line = line[:-1]
            if line:
                positions.append(position)
                lines.append(line)
            position += len(piece) + len(end)
        self._digest.update(b"\n".join(pieces) + (end if pieces else b""))
        self._position = position
        self._count += len(lines)
        return Block(positions, lines, position, self._digest.digest(), self._count, is_last)

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            msg = f"cannot read {self._name} past byte {self._position}: {error}"
            raise SourceTrouble(msg) from error
