"""A journal to write to, on the wheel's Postgres and on the Postgres of the machine.

The second stands for any database behind a URL. No such server is an error, not a skip.
"""

from collections.abc import Iterator

import psycopg
import pytest

from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from services.journal.reader import Reader
from services.journal.writer import Journal
from tests.conftest import fresh_database

TEMPLATE = "journal_template"


@pytest.fixture(scope="session", params=["wheel", "machine"])
def server(request: pytest.FixtureRequest) -> EmbeddedServer:
    """Each Postgres in turn, with a migrated database to copy.

    pytest may set this up again for one it has had before, when others came between.
    """
    name = "postgres" if request.param == "wheel" else "machine_postgres"
    chosen: EmbeddedServer = request.getfixturevalue(name)
    with psycopg.connect(chosen.url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]
        ).fetchone()
        if row is None:
            connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
    migrate(chosen.url_of(TEMPLATE))
    return chosen


@pytest.fixture
def url(server: EmbeddedServer) -> Iterator[str]:
    """The URL of an empty journal, on each Postgres."""
    yield from fresh_database(server, template=TEMPLATE)


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """The writing end of an empty journal."""
    with Journal(url) as writer:
        yield writer


@pytest.fixture
def reader(url: str) -> Iterator[Reader]:
    """The reading end of the same journal."""
    with Reader(url) as opened:
        yield opened
