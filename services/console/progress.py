"""Progress of long work: a bar on a terminal, a plain line every ten seconds anywhere else.

In: amounts done. Out: standard error, so that standard output stays clean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Final

import click

PLAIN_LINE_SECONDS: Final = 10.0
_GZIP: Final = b"\x1f\x8b"

# Called with the amount done and a note to show beside it.
AdvanceBar = Callable[[int, str], None]


@contextmanager
def progress(label: str, *, total: int | None) -> Iterator[AdvanceBar]:
    """Show how far a piece of work is. total: None when nobody knows it before the end."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_lines(label, total)
        return
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total, note="")
        yield lambda done, note: bar.update(task, completed=done, note=note)


def bytes_in(path: str) -> int | None:
    """The bytes of lines in a file; None for standard input and packed files."""
    try:
        file = Path(path)
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            if stream.read(len(_GZIP)) == _GZIP:
                return None
        return file.stat().st_size
    except OSError:
        return None


def _plain_lines(label: str, total: int | None) -> AdvanceBar:
    said_at = monotonic()

    def advance(done: int, note: str) -> None:
        nonlocal said_at
        if monotonic() - said_at < PLAIN_LINE_SECONDS:
            return
        said_at = monotonic()
        share = f"{100 * done // total} %, " if total else ""
        click.echo(f"{label}: {share}{note}", err=True)

    return advance
