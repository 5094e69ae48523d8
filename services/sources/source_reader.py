"""The lines of a source, in blocks of whole lines.

In: the bytes of a source, and how far it was read before. Out: lines with their positions, and the
SHA-256 of all bytes up to each block's end. A BOM at the start and CR before LF are skipped; a last
line without an end is a line; empty lines are passed over. Positions and bytes are those unpacked.
A block is bounded in lines and bytes and ends with a close or a cycle, so that memory does not grow
with the source. Errors: `SourceTrouble`; the whole lines that could be read before it come out
first.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from events.int64 import IntArray
from events.texts import Texts
from services.sources.source import ByteStream, SourceTrouble

# A line beyond 64 KiB is refused and kept with its bytes. One beyond this cannot be kept: the row,
# what goes to Postgres and what Postgres makes of it are held at once, and a bytea ends at 1 GiB.
LINE_KEPT_BYTES_MAX: Final = 128 << 20
_BLOCK_BYTES: Final = 4 << 20
_CHUNK_BYTES: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_LF: Final = ord("\n")
_CR: Final = ord("\r")
_OTHER: Final = (
    "it is another file, was changed, or is read with other options (--csv and what goes with it); "
    "name it with --source"
)
# A close or a cycle may cause gigabytes of facts: a block holds at most one of these commands.
_BARRIERS: Final = (b"close_session/1", b"run_cycle/1")


class Block(NamedTuple):
    """Whole lines. positions: where each begins; end: the byte after the last."""

    positions: IntArray
    lines: Texts
    end: int
    sha256: bytes
    lines_so_far: int
    is_last: bool


class SourceReader:
    """Reads a source, at first or after a part that was read before."""

    def __init__(self, stream: ByteStream, *, name: str, lines_a_block: int) -> None:
        self._stream = stream
        self._name = name
        self._lines_a_block = lines_a_block
        self._digest = hashlib.sha256()
        self._position = 0
        self._count = 0
        self._tail: list[bytes] = []
        self._is_in_line = False
        self._ahead = b""

    def skip(self, position: int, *, sha256: bytes, lines_so_far: int) -> None:
        """Go past what was read before, which must be the very same bytes."""
        remaining = position
        while remaining:
            chunk = self._read(min(remaining, _CHUNK_BYTES))
            if not chunk:
                msg = (
                    f"source {self._name} was read to byte {position} before, this one ends at "
                    f"{position - remaining}: {_OTHER}"
                )
                raise SourceTrouble(msg)
            self._digest.update(chunk)
            remaining -= len(chunk)
            self._position += len(chunk)
            self._is_in_line = not chunk.endswith(b"\n")
        if self._digest.digest() != sha256:
            msg = (
                f"the first {position} bytes of source {self._name} are not those read before: "
                f"{_OTHER}"
            )
            raise SourceTrouble(msg)
        self._count = lines_so_far

    def goes_on(self) -> bool:
        """Whether bytes follow those that were read before.

        Errors: SourceTrouble when the last line, which had no end, goes on.
        """
        ahead = self._read(1)
        if self._is_in_line and ahead not in (b"", b"\n"):
            msg = (
                f"source {self._name} had ended at byte {self._position} in the middle of a line, "
                "which was taken as it stood, and this one goes on there: it is another file; "
                "put what is new into one of its own, or name this one with --source"
            )
            raise SourceTrouble(msg)
        self._ahead = ahead
        return bool(ahead)

    def blocks(self) -> Iterator[Block]:
        """The lines that follow, in blocks; the last block says so, and may be empty."""
        waiting, ends, count = b"", _ends_in(b""), self._lines_a_block
        try:
            for text, is_barrier in self._whole_lines():
                ends = np.concatenate([ends, _ends_in(text) + len(waiting)])
                waiting += text
                while len(ends) >= count:
                    cut = int(ends[count - 1]) + 1
                    yield self._block(waiting[:cut], ends[:count])
                    waiting, ends = waiting[cut:], ends[count:] - cut
                if waiting and (is_barrier or len(waiting) >= _BLOCK_BYTES):
                    yield self._block(waiting, ends)
                    waiting, ends = b"", ends[:0]
        except SourceTrouble:
            if waiting:
                yield self._block(waiting, ends)
            raise
        if waiting:
            yield self._block(waiting, ends)
        last = b"".join(self._tail)
        self._tail = []
        yield self._block(last, _ends_in(last), is_last=True)

    def _whole_lines(self) -> Iterator[tuple[bytes, bool]]:
        """Lines as they come, with their ends; whether the last of them is a barrier.

        What follows the last line end stays in `_tail`, in pieces: a line of many megabytes is
        joined only once.
        """
        tail_bytes = 0
        while chunk := self._read(_CHUNK_BYTES):
            end = chunk.rfind(b"\n") + 1
            if end:
                text = b"".join([*self._tail, chunk[:end]])
                self._tail, tail_bytes = [], 0
                yield from _up_to_barriers(text)
            if end < len(chunk):
                self._tail.append(chunk[end:])
                tail_bytes += len(chunk) - end
            if tail_bytes > LINE_KEPT_BYTES_MAX:
                msg = (
                    f"the line of {self._name} that begins at or after byte {self._position} is "
                    f"longer than {LINE_KEPT_BYTES_MAX} bytes: it is no file of commands"
                )
                raise SourceTrouble(msg)

    def _block(self, text: bytes, ends: IntArray, *, is_last: bool = False) -> Block:
        """The block of some text with these line ends; only a last line may have none."""
        bom = len(_BOM) if self._position == 0 and text.startswith(_BOM) else 0
        begins, lines = _lines_of(text, ends, bom=bom)
        positions = begins + self._position
        self._digest.update(text)
        self._position += len(text)
        self._count += len(lines)
        digest = self._digest.digest()
        return Block(positions, lines, self._position, digest, self._count, is_last)

    def _read(self, size: int) -> bytes:
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            return ahead
        try:
            return self._stream.read1(size)
        except (OSError, EOFError, zlib.error) as error:
            msg = f"cannot read {self._name} beyond byte {self._position}: {error}"
            if isinstance(error, gzip.BadGzipFile | zlib.error):
                msg += (
                    "; what came out before it may be wrong too: a packed file is looked through "
                    "before it is cleared, what comes through a pipe cannot be"
                )
            raise SourceTrouble(msg) from error


def _ends_in(text: bytes) -> IntArray:
    """Where the line ends of a text are."""
    return np.flatnonzero(np.frombuffer(text, np.uint8) == _LF).astype(np.int64, copy=False)


def lines_in(text: bytes) -> tuple[IntArray, Texts]:
    """Where each line of a text begins, and the lines, without CR; empty ones are none."""
    return _lines_of(text, _ends_in(text), bom=0)


def _lines_of(text: bytes, ends: IntArray, *, bom: int) -> tuple[IntArray, Texts]:
    """The same with the line ends found. bom: the length of a BOM at the beginning."""
    letters = np.frombuffer(text, np.uint8)
    if text and not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    begins = np.concatenate([[0], ends + 1])[: len(ends)]
    starts = np.maximum(begins, bom)
    ends = ends - ((letters[ends - 1] == _CR) & (starts < ends))
    is_line = starts < ends
    return begins[is_line], Texts(text, starts[is_line], ends[is_line])


def _up_to_barriers(text: bytes) -> Iterator[tuple[bytes, bool]]:
    """Whole lines in groups that end with a line that looks like a barrier."""
    first = 0
    while barriers := [at for word in _BARRIERS if (at := text.find(word, first)) >= 0]:
        end = text.index(b"\n", min(barriers)) + 1
        yield text[first:end], True
        first = end
    if first < len(text):
        yield text[first:], False
