"""`clearing doctor`: is everything there, and what to do if not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain

import click

from services.console.books_location import BooksLocation, location_of, location_options
from services.console.doctor.finding import Finding
from services.console.example import example
from services.console.exit_codes import EXIT_LAW_BROKEN
from services.console.output import say, say_json
from services.console.settings_flags import settings_from, with_settings


@click.command(
    "doctor",
    epilog=example(
        "clearing doctor",
        "clearing doctor --database postgresql://me@localhost/books --brokers kafka1:9092",
    ),
)
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
@location_options
@with_settings()
def doctor_command(
    *, data: str | None, database: str | None, as_json: bool, **flags: str | None
) -> None:
    """Look at what is needed and say what to do.

    At Python, packages, Postgres, disk, and Kafka if it is named; one line for each. Exit code 1
    when something fails. Nothing is changed.
    """
    from services.console.doctor.kafka import check_broker

    settings = settings_from(flags)
    if data is None and database is None:
        database = settings.database
    findings: list[Finding] = []
    for finding in chain(_books(location_of(data, database)), check_broker(settings, database)):
        findings.append(finding)
        if not as_json:
            say([finding.text])
    if as_json:
        say_json([asdict(finding) for finding in findings])
    if any(finding.verdict == "fail" for finding in findings):
        raise SystemExit(EXIT_LAW_BROKEN)


def _books(location: BooksLocation) -> Iterator[Finding]:
    """The program, and where the books are."""
    from services.console.doctor.database import check_database
    from services.console.doctor.program import check_directory, check_program
    from services.journal.embedded import EmbeddedServer
    from services.journal.trouble import JournalTrouble

    yield from check_program()
    if location.database is not None:
        yield from check_database(location.database)
        return
    yield from check_directory(location.data)
    if not location.holds_cluster:
        yield Finding("ok", "books", "none yet; the first `clearing clear` makes them")
        return
    try:
        with EmbeddedServer(location.data) as server:
            yield from check_database(server.url)
    except JournalTrouble as trouble:
        advice = "read the end of postgres.log in the data directory"
        yield Finding("fail", "embedded Postgres", str(trouble), advice)
