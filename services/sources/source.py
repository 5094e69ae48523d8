"""A source of commands: a file, a gzip file, or standard input; its name, its bytes.

In: a path or `-`. Out: the name it is remembered by, and its bytes, unpacked; `source_reader` reads
their lines. Errors: `SourceTrouble`, which says what to do. A packed file is unpacked once before
its first byte comes out: a damaged one may give other bytes than were packed.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final, Protocol, cast

STDIN: Final = "-"
NAME_LENGTH_MAX: Final = 200
# The origins of journal rows that come from no source.
NAMES_TAKEN: Final = ("control/0", "genesis")
_CHUNK_BYTES: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"


class SourceTrouble(Exception):
    """The input cannot be read, or is not the one that was read before under its name."""


class ByteStream(Protocol):
    """The bytes of a source: a read gives what is at hand, nothing at the end."""

    def read1(self, size: int, /) -> bytes:
        """At most so many bytes."""
        ...


def source_name(path: str, name: str | None) -> str:
    """The name under which a source is remembered: the one given, else the file's."""
    called = name if name is not None else "stdin" if path == STDIN else Path(path).name
    is_good = 1 <= len(called) <= NAME_LENGTH_MAX and called.isprintable()
    if is_good and called not in NAMES_TAKEN:
        return called
    msg = (
        f"expected a source name of 1 to {NAME_LENGTH_MAX} printable characters other than "
        f"{' and '.join(NAMES_TAKEN)}, found {ascii(called)[:100]}; name it with --source"
    )
    raise SourceTrouble(msg)


def shown_name(path: str) -> str:
    """The name of a file in messages."""
    return "standard input" if path == STDIN else path


def check_source(path: str) -> None:
    """Check before any work that a source can be opened. Nothing is read from a pipe."""
    if path == STDIN:
        _stdin()
        return
    try:
        # A pipe that is opened and closed again breaks for whoever writes into it.
        if not Path(path).is_fifo():
            Path(path).open("rb").close()
    except OSError as error:
        raise _cannot_open(path, error) from error


@contextmanager
def open_source(path: str) -> Iterator[ByteStream]:
    """The bytes of a source, unpacked if they are gzip."""
    with ExitStack() as opened:
        try:
            raw = _stdin() if path == STDIN else opened.enter_context(Path(path).open("rb"))
            is_packed = raw.peek(2)[:2] == _GZIP
        except OSError as error:
            raise _cannot_open(path, error) from error
        if is_packed and raw.seekable():
            _check_packed(path, raw)
        yield opened.enter_context(gzip.GzipFile(fileobj=raw)) if is_packed else raw


def _cannot_open(path: str, error: OSError) -> SourceTrouble:
    return SourceTrouble(f"cannot open {path}: {error.strerror or error}")


def _check_packed(path: str, raw: BufferedReader) -> None:
    """Unpack all of it once, to its last checksum, then go back to where it began.

    It costs a fiftieth of clearing what is in it.
    """
    began, unpacked = raw.tell(), gzip.GzipFile(fileobj=raw)
    try:
        while unpacked.read1(_CHUNK_BYTES):
            pass
    except (OSError, EOFError, zlib.error) as error:
        msg = (
            f"cannot read {shown_name(path)} beyond byte {unpacked.tell()}: {error}; "
            "the packed file is damaged or not whole, so nothing was taken from it"
        )
        raise SourceTrouble(msg) from error
    raw.seek(began)


def _stdin() -> BufferedReader:
    """Standard input, which stays open."""
    if sys.stdin is None:
        msg = "cannot read standard input: it is closed"
        raise SourceTrouble(msg)
    return cast("BufferedReader", sys.stdin.buffer)
