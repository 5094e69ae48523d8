"""The folder of a demonstration: made, recognised, begun afresh.

In: where it should be. Out: an empty folder marked as ours. Nothing is removed that an earlier
demonstration did not make; who did is told by the mark.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from services.console.demo_run import COMMANDS_FILE
from services.console.exit_codes import Stopped
from services.journal.embedded import EmbeddedServer, is_running

MARK: Final = ".clearing-demo"
BOOKS: Final = "books"
REPORTS_FOLDER: Final = "reports"
DAYS_FILE: Final = "days.csv"
PAGE: Final = "index.html"


def begin_afresh(out: Path) -> None:
    """Make the folder, or empty the one of an earlier demonstration. Errors: Stopped."""
    try:
        if out.exists() and not (out / MARK).is_file():
            if not out.is_dir() or any(out.iterdir()):
                msg = f"{out} holds something else than a demonstration: choose another --out"
                raise Stopped(msg)
        elif out.exists():
            _empty(out)
        out.mkdir(parents=True, exist_ok=True)
        (out / MARK).write_text("Made by `clearing demo`, which may empty it.\n", "utf-8")
        (out / REPORTS_FOLDER).mkdir()
    except OSError as error:
        msg = f"cannot use {out}: {error.strerror or error}; choose another --out"
        raise Stopped(msg) from error


def check_empty(data: Path) -> None:
    """See that a data directory given by `--data` holds no books yet."""
    if (data / "postgres").exists():
        msg = f"{data} holds books already, and a demonstration begins afresh: name another --data"
        raise Stopped(msg)


def _empty(out: Path) -> None:
    books = out / BOOKS
    if books.exists():
        if is_running(books):
            with EmbeddedServer(books):
                pass  # Whoever leaves last stops it: one that a killed demonstration left behind.
        if is_running(books):
            msg = f"another process uses {books}: wait for its end, or choose another --out"
            raise Stopped(msg)
        shutil.rmtree(books)
    if (out / REPORTS_FOLDER).exists():
        shutil.rmtree(out / REPORTS_FOLDER)
    for name in (COMMANDS_FILE, DAYS_FILE, PAGE):
        (out / name).unlink(missing_ok=True)
