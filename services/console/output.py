"""Output: standard output that may be closed early, and files that appear whole.

In: lines of text or pieces of bytes. Out: written. A reader that closes our output early (`| head`)
is no error: the remaining output is discarded silently. Errors: `Stopped`, for output that is
closed or full.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import click

from services.console.exit_codes import Stopped

STDOUT: Final = "-"
_DURABLE: Final = "; what was cleared is durable"


def say(lines: Iterable[str]) -> None:
    """Lines on standard output."""
    with open_stdout() as stream:
        for line in lines:
            stream.write(f"{line}\n".encode())


def say_json(tree: object) -> None:
    """A result as JSON, on one line."""
    say([json.dumps(tree, ensure_ascii=False)])


def say_on_stderr(text: str) -> None:
    """A line that is no result: on standard error."""
    click.echo(text, err=True)


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
        with open_stdout(but=_DURABLE) as stream:
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
def open_stdout(*, but: str = "") -> Iterator[BinaryIO]:
    """Standard output as bytes; whoever closes it early has read enough.

    but: what the message says beside the error.
    """
    stream = _stdout(but=but)
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        _discard_output(stream)
    except OSError as error:
        _discard_output(stream)
        msg = f"cannot write standard output: {error.strerror or error}{but}"
        raise Stopped(msg) from error


def _is_pipe_or_device(path: Path) -> bool:
    """True for a target that no file can be renamed onto; it is opened by the name given.

    `/dev/stdout` and `>(command)` resolve to names in /proc that cannot be opened.
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


def _discard_output(stream: BinaryIO) -> None:
    """Send what is still buffered nowhere; else Python complains again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
