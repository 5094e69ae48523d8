"""Where output goes: standard output that may be closed early, and files that appear whole.

In: lines of text or pieces of bytes. Out: written. Who reads only the head of our output (`| head`)
has not made a mistake: the rest is dropped without a word. Errors: `Stopped`, for output that is
closed or full.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from services.console.exit_codes import Stopped

STDOUT: Final = "-"
_DURABLE: Final = "; what was cleared is durable"


def say(lines: Iterable[str]) -> None:
    """Lines on standard output."""
    with until_closed() as stream:
        for line in lines:
            stream.write(f"{line}\n".encode())


def check_target(target: str, *, source: str) -> None:
    """See before any work that the target can be written and is not the source itself."""
    if target == STDOUT:
        _stdout()
        return
    path = Path(target)
    if path.is_dir():
        msg = f"cannot write {target}: it is a directory; name a file in it"
        raise Stopped(msg)
    if _is_pipe_or_device(path):
        if not os.access(path, os.W_OK):
            msg = f"cannot write {target}: we have no right to"
            raise Stopped(msg)
        return
    if source != STDOUT and path.exists() and Path(source).exists() and path.samefile(source):
        msg = f"{target} is the source itself: name another file for the facts"
        raise Stopped(msg)
    folder = path.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        msg = f"cannot write {target}: no directory {folder} that we may write to"
        raise Stopped(msg)


def write_all(target: str, pieces: Iterable[bytes]) -> None:
    """Pieces into a file that is there whole or not at all, or to standard output for `-`."""
    if target == STDOUT:
        with until_closed(but=_DURABLE) as stream:
            stream.writelines(pieces)
        return
    path = Path(target)
    try:
        if _is_pipe_or_device(path):
            with suppress(BrokenPipeError), path.open("wb") as stream:
                stream.writelines(pieces)
        else:
            _write_and_rename(path.resolve(), pieces)
    except OSError as error:
        msg = f"cannot write {target}: {error.strerror or error}{_DURABLE}"
        raise Stopped(msg) from error


@contextmanager
def until_closed(*, but: str = "") -> Iterator[BinaryIO]:
    """Standard output as bytes; whoever closes it early has read enough.

    but: what the message says beside the error.
    """
    stream = _stdout(but=but)
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        _drop_the_rest(stream)
    except OSError as error:
        _drop_the_rest(stream)
        msg = f"cannot write standard output: {error.strerror or error}{but}"
        raise Stopped(msg) from error


def _is_pipe_or_device(path: Path) -> bool:
    """Whether nothing can be renamed onto it, and it must be opened by the name it was given.

    What `/dev/stdout` and `>(command)` lead to has a name in /proc that nobody can open.
    """
    return path.exists() and not path.is_file()


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


def _stdout(*, but: str = "") -> BinaryIO:
    """Standard output; Python has none where it was closed from the beginning."""
    if sys.stdout is None:
        msg = f"cannot write standard output: it is closed{but}"
        raise Stopped(msg)
    return sys.stdout.buffer


def _drop_the_rest(stream: BinaryIO) -> None:
    """What is still buffered would complain again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
