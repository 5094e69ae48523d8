"""Databases with an empty journal, as quick as a copy."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from tests.conftest import fresh_database

TEMPLATE = "embedded_template"


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedServer) -> EmbeddedServer:
    """The server of the session, with a migrated database to copy."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
    migrate(postgres.url_of(TEMPLATE))
    return postgres


@pytest.fixture
def new_journal(migrated: EmbeddedServer) -> Iterator[Callable[[], str]]:
    """Call it for the URL of one more empty journal."""
    with ExitStack() as opened:
        one = contextmanager(fresh_database)
        yield lambda: opened.enter_context(one(migrated, template=TEMPLATE))


@pytest.fixture
def url(new_journal: Callable[[], str]) -> str:
    """The URL of an empty journal."""
    return new_journal()
