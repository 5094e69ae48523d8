"""Where output goes: standard output that may be closed early, and files that appear whole.

In: lines of text or pieces of bytes. Out: written. Who reads only the head of our output (`| head`)
has not made a mistake: the rest is dropped without a word.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from services.console.trouble import Stopped

STDOUT: Final = "-"


def say(lines: Iterable[str]) -> None:
    """Lines on standard output."""
    with _until_closed() as stream:
        for line in lines:
            stream.write(f"{line}\n".encode())


def check_target(target: str, *, source: str) -> None:
    """See before any work that the target can be written and is not the source itself."""
    if target == STDOUT:
        return
    path = Path(target)
    if source != STDOUT and path.exists() and Path(source).exists() and path.samefile(source):
        msg = f"{target} is the source itself: name another file for the facts"
        raise Stopped(msg)
    if path.is_dir():
        msg = f"cannot write {target}: it is a directory; name a file in it"
        raise Stopped(msg)
    folder = path.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        msg = f"cannot write {target}: no directory {folder} that we may write to"
        raise Stopped(msg)


def write_all(target: str, pieces: Iterable[bytes]) -> None:
    """Pieces into a file that is there whole or not at all, or to standard output for `-`."""
    if target == STDOUT:
        with _until_closed() as stream:
            for piece in pieces:
                stream.write(piece)
        return
    path = Path(target).resolve()
    try:
        if path.exists() and not path.is_file():  # A pipe or device: it cannot be renamed onto.
            with path.open("wb") as stream:
                stream.writelines(pieces)
            return
        _write_and_rename(path, pieces)
    except OSError as error:
        msg = f"cannot write {target}: {error.strerror or error}; what was cleared is durable"
        raise Stopped(msg) from error


def _write_and_rename(path: Path, pieces: Iterable[bytes]) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _until_closed() -> Iterator[BinaryIO]:
    """Standard output as bytes; whoever closes it early has read enough."""
    stream = sys.stdout.buffer
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        # What is still buffered would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
