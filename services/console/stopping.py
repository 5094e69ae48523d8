"""Errors that stop a command: one line with the cause and what to do (exit code 2).

In: trouble of the journal or of the source. Out: `Stopped`, which click prints without a traceback.
A broken law is none of these: it is an AssertionError, never caught, and Python exits with 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from services.console.exit_codes import Stopped
from services.journal.trouble import (
    CommitUnknown,
    DatabaseGone,
    DatabaseOverloaded,
    DatabaseUnreachable,
    DataDamaged,
    DiskFull,
    FencedOff,
    JournalTrouble,
    SchemaMissing,
    StatementRefused,
)
from services.sources.source import SourceTrouble

_AGAIN: Final = "run the same command again: it goes on where this one stopped"
_BEGIN: Final = (
    "begin a journal there: `clearing topics create` for workers on Kafka, or "
    "`clearing clear --commands FILE` without Kafka"
)
_ADVICE: Final[tuple[tuple[type[JournalTrouble], str], ...]] = (
    (FencedOff, f"another process writes this journal: wait for its end, then {_AGAIN}"),
    (DiskFull, f"make room on the disk of the database, then {_AGAIN}"),
    (DatabaseGone, f"nothing is half written; when the database is back {_AGAIN}"),
    (CommitUnknown, f"nothing is half written; when the database is back {_AGAIN}"),
    (DatabaseOverloaded, f"nothing is half written; when the database has room {_AGAIN}"),
    (
        DatabaseUnreachable,
        (
            "see that the database runs, and its URL: host, user, password, certificates; "
            "`clearing doctor` says what is missing"
        ),
    ),
    (SchemaMissing, _BEGIN),
    (DataDamaged, "keep the files as they are and look at the server's log before anything else"),
    (
        StatementRefused,
        "this is a defect of ours, or somebody changed the tables: please report it",
    ),
)


@contextmanager
def stop_on_trouble() -> Iterator[None]:
    """Trouble of the world inside becomes one line."""
    try:
        yield
    except JournalTrouble as trouble:
        raise Stopped(_with_advice(trouble)) from trouble
    except SourceTrouble as trouble:
        raise Stopped(str(trouble)) from trouble


def _with_advice(trouble: JournalTrouble) -> str:
    message = " ".join(str(trouble).split())
    for kind, advice in _ADVICE:
        if isinstance(trouble, kind):
            return f"{message} — {advice}"
    return message  # The others name in their own words what to do.
