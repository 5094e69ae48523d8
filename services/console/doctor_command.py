"""`clearing doctor`: is everything there, and what to do if not."""

from __future__ import annotations

from collections.abc import Iterator

import click

from services.console.doctor import Finding, look_at_directory, look_at_program
from services.console.doctor_database import look_at_database
from services.console.example import example
from services.console.output import say
from services.console.place import Place, place_of, with_place
from services.console.trouble import EXIT_LAW_BROKEN
from services.journal.embedded import EmbeddedServer
from services.journal.trouble import JournalTrouble


@click.command(
    "doctor",
    epilog=example(
        "clearing doctor",
        "clearing doctor --database postgresql://me@localhost/books",
    ),
)
@with_place
def doctor_command(*, data: str | None, database: str | None) -> None:
    """Look at what is needed and say what to do.

    At Python, packages, Postgres, disk; one line for each. Exit code 1 when something fails.
    Nothing is changed.
    """
    findings = []
    for finding in _findings(place_of(data, database)):
        findings.append(finding)
        say([finding.text])
    if any(finding.verdict == "fail" for finding in findings):
        raise SystemExit(EXIT_LAW_BROKEN)


def _findings(place: Place) -> Iterator[Finding]:
    yield from look_at_program()
    if place.database is not None:
        yield from look_at_database(place.database)
        return
    yield from look_at_directory(place)
    if not place.holds_cluster:
        yield Finding("ok", "books", "none yet; the first `clear` makes them")
        return
    try:
        with EmbeddedServer(place.data) as server:
            yield from look_at_database(server.url)
    except JournalTrouble as trouble:
        advice = "read the end of postgres.log in the data directory"
        yield Finding("fail", "embedded Postgres", str(trouble), advice)
