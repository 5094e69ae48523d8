"""A journal to write to, on the wheel's Postgres and on the Postgres of the machine.

The second stands for any database behind a URL. No such server is an error, not a skip.
"""

from collections.abc import Iterator

import pytest

from services.journal.embedded import EmbeddedServer
from services.journal.reader import Reader
from services.journal.writer import Journal
from tests.conftest import TEMPLATE, fresh_database, with_template


@pytest.fixture(scope="session", params=["wheel", "machine"])
def server(request: pytest.FixtureRequest) -> EmbeddedServer:
    """Each Postgres in turn, with a migrated database to copy."""
    name = "postgres" if request.param == "wheel" else "machine_postgres"
    chosen: EmbeddedServer = request.getfixturevalue(name)
    return with_template(chosen)


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
