"""The number of a line, as an editor counts, for who counts only lines that are not empty.

In: the bytes of a source as they are read. Out: the same bytes; of each line its number.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final

from services.sources.source import ByteStream

_EMPTY: Final = re.compile(rb"(?<=\n)\r?\n")


class LineNumbers:
    """A stream that remembers where its empty lines are."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._position = 0
        # As if a line had ended before the first; a CR and a line's end may come in two reads.
        self._before = b"\n"
        self._empty: list[int] = []

    def read1(self, size: int, /) -> bytes:
        """At most so many bytes."""
        chunk = self._stream.read1(size)
        text, overlap = self._before + chunk, len(self._before)
        origin = self._position - overlap
        if b"\n\n" in text or b"\n\r\n" in text:
            self._empty += [
                origin + match.start() for match in _EMPTY.finditer(text) if match.end() > overlap
            ]
        self._position += len(chunk)
        self._before = text[-2:]
        return chunk

    def number(self, count: int, position: int) -> int:
        """The number of a line by its position and the count of lines up to it, empty ones not."""
        return count + bisect_left(self._empty, position)
