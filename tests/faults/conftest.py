"""The Postgres servers of these tests: the wheel's, and one that the machine has."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.journal.embedded import EmbeddedServer
from tests.faults.kills import new_database

INSTALLED = Path("/usr/lib/postgresql")


@pytest.fixture
def url(postgres: EmbeddedServer) -> Iterator[str]:
    """The URL of an empty database without a journal."""
    with new_database(postgres) as made:
        yield made


@pytest.fixture
def calm_url(postgres: EmbeddedServer) -> Iterator[str]:
    """Another one, for the run that nothing disturbs."""
    with new_database(postgres) as made:
        yield made


@pytest.fixture(scope="session")
def machine_postgres() -> Iterator[EmbeddedServer]:
    """A server from the oldest Postgres of the machine that is new enough."""
    found = {int(path.parent.name): path for path in INSTALLED.glob("[0-9]*/bin")}
    usable = {version: path for version, path in found.items() if version >= 15}
    if not usable:
        pytest.fail("these tests need a Postgres of the machine: apt-get install postgresql")
    with (
        tempfile.TemporaryDirectory(prefix="clearing-test-") as directory,
        EmbeddedServer(Path(directory), binaries=usable[min(usable)]) as server,
    ):
        yield server
