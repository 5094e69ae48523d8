"""`clearing doctor`: is everything there, and what to do if not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import click

from services.console.books_location import Place, place_of, with_place
from services.console.doctor import Finding, look_at_directory, look_at_program
from services.console.doctor_broker import look_at_broker
from services.console.doctor_database import look_at_database
from services.console.example import example
from services.console.exit_codes import EXIT_LAW_BROKEN
from services.console.output import say
from services.console.settings_flags import settings_from, with_settings
from services.journal.embedded import EmbeddedServer
from services.journal.trouble import JournalTrouble


@click.command(
    "doctor",
    epilog=example(
        "clearing doctor",
        "clearing doctor --database postgresql://me@localhost/books --brokers kafka1:9092",
    ),
)
@with_place
@with_settings()
def doctor_command(*, data: str | None, database: str | None, **flags: str | None) -> None:
    """Look at what is needed and say what to do.

    At Python, packages, Postgres, disk, and Kafka if it is named; one line for each. Exit code 1
    when something fails. Nothing is changed.
    """
    settings = settings_from(flags)
    if data is None and database is None:
        database = settings.database
    findings = []
    seen = chain(_findings(place_of(data, database)), look_at_broker(settings, database))
    for finding in seen:
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
