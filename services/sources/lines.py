"""Reads the lines of a file for a feed, numbered as an editor numbers them.

In: a stream of bytes. Out: groups of lines, each as soon as it was read, so that a pipe which goes
on for days is fed as it flows. BOM, CR, empty lines and packed files are read as `clearing clear`
reads them. Errors: `SourceTrouble`, after all whole lines before it have come out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from services.sources.source import ByteStream, SourceTrouble

# Kafka's own limit is a mebibyte, its framing included; a command has 64 KiB at most.
LINE_SENT_BYTES_MAX: Final = 1_000_000
_CHUNK_BYTES: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"


class Lines(NamedTuple):
    """Lines that are not empty. numbers: in the file, from 1; end: how many bytes were read."""

    lines: list[bytes]
    numbers: Sequence[int]
    end: int


class RawLines(NamedTuple):
    """All lines of a chunk, empty ones too. first: the number of the first."""

    lines: list[bytes]
    first: int
    end: int


class LineEnds:
    """A stream in which CR LF and CR alone are LF. end: how many bytes were read of the other."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._is_after_cr = False
        self.end = 0

    def read1(self, size: int, /) -> bytes:
        """At most so many bytes; nothing at the end."""
        while chunk := self._stream.read1(size):
            self.end += len(chunk)
            whole = chunk[1:] if self._is_after_cr and chunk[:1] == b"\n" else chunk
            self._is_after_cr = chunk.endswith(b"\r")
            if whole:
                return whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return b""


def command_lines(stream: ByteStream, name: str, *, first: int = 1) -> Iterator[Lines]:
    """The commands of a stream of JSON lines. first: the number of the first line that is fed."""
    for raw in raw_lines(stream, name, first=first):
        skipped = min(max(first - raw.first, 0), len(raw.lines))
        lines = raw.lines[skipped:]
        numbers: Sequence[int] = range(raw.first + skipped, raw.first + len(raw.lines))
        if not all(lines):
            numbers = [number for number, line in zip(numbers, lines, strict=True) if line]
            lines = [line for line in lines if line]
        yield Lines(lines, numbers, raw.end)


def raw_lines(stream: ByteStream, name: str, *, first: int = 1) -> Iterator[RawLines]:
    """Lines as they come, without their ends and the BOM at the beginning.

    first: lines before this one may be too long for Kafka, and are then not whole.
    """
    number, end = 1, 0
    tail = b""  # A line that has not ended yet.
    while chunk := _read(stream, name, end=end):
        end += len(chunk)
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        if lines:
            yield from _short(RawLines(_plain(lines, number), number, end), name, first=first)
            number += len(lines)
        if len(tail) > LINE_SENT_BYTES_MAX:
            if number >= first:
                raise _too_long(name, number)
            tail = tail[:1]
    if tail:
        yield from _short(RawLines(_plain([tail], number), number, end), name, first=first)


def _plain(lines: list[bytes], number: int) -> list[bytes]:
    if number == 1:
        lines[0] = lines[0].removeprefix(_BOM)
    return [line.removesuffix(b"\r") for line in lines]


def _short(raw: RawLines, name: str, *, first: int) -> Iterator[RawLines]:
    """The lines up to the first that is too long, which is an error."""
    if max(map(len, raw.lines)) > LINE_SENT_BYTES_MAX:
        for index, line in enumerate(raw.lines):
            if len(line) > LINE_SENT_BYTES_MAX and raw.first + index >= first:
                if index:
                    yield raw._replace(lines=raw.lines[:index])
                raise _too_long(name, raw.first + index)
    yield raw


def _too_long(name: str, number: int) -> SourceTrouble:
    return SourceTrouble(
        f"line {number} of {name} is longer than the {LINE_SENT_BYTES_MAX} bytes that Kafka takes, "
        "and than any command is: take it out"
    )


def _read(stream: ByteStream, name: str, *, end: int) -> bytes:
    try:
        return stream.read1(_CHUNK_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        msg = f"cannot read {name} beyond byte {end}: {error}"
        raise SourceTrouble(msg) from error
