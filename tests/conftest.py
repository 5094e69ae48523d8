"""What tests of several parts need: a real Postgres, one for the session, and databases on it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from services.journal.embedded import EmbeddedServer

SEEDS = 200
INSTALLED = Path("/usr/lib/postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many seeded markets tests/simulation plays."""
    parser.addoption("--seeds", type=int, default=SEEDS, help="seeded markets to simulate")


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """The embedded server of this session, from the wheel."""
    with (
        tempfile.TemporaryDirectory(prefix="clearing-test-") as directory,
        EmbeddedServer(Path(directory)) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def machine_postgres() -> Iterator[EmbeddedServer]:
    """A server from the programs that the machine has, at least Postgres 15."""
    found = {int(path.parent.name): path for path in INSTALLED.glob("[0-9]*/bin")}
    usable = {version: path for version, path in found.items() if version >= 15}
    if not usable:
        pytest.fail("these tests need a Postgres of the machine: apt-get install postgresql")
    with (
        tempfile.TemporaryDirectory(prefix="clearing-test-") as directory,
        EmbeddedServer(Path(directory), binaries=usable[min(usable)]) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: EmbeddedServer) -> str:
    """The URL of the embedded server of this session."""
    return postgres.url


@pytest.fixture
def database(postgres: EmbeddedServer) -> Iterator[str]:
    """The URL of a fresh, empty database, dropped after the test."""
    yield from fresh_database(postgres)


def fresh_database(server: EmbeddedServer, *, template: str = "template1") -> Iterator[str]:
    """The URL of a fresh copy of a database on this server, dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    yield server.url_of(name)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
