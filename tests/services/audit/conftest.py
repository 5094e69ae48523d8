"""A journal to audit: a market of the twin's generator, cleared once, copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from tests.conftest import TEMPLATE, fresh_database
from tests.services.audit.streamed import streamed
from tests.twin.generate import market, written

SEED = 4
AUDITED_TEMPLATE = "audited_template"
STREAMED_SEED = 45
STREAMED_TEMPLATE = "audited_streamed_template"


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of three days."""
    path = tmp_path_factory.mktemp("audited") / "market.jsonl"
    path.write_bytes(b"\n".join(market(SEED, days=3)) + b"\n")
    return path


@pytest.fixture(scope="session")
def cleared(postgres: EmbeddedServer, source: Path) -> EmbeddedServer:
    """The server of the session, with a database in which they are cleared."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {AUDITED_TEMPLATE}".encode())
    clear(postgres.url_of(AUDITED_TEMPLATE), str(source), lines_a_block=97)
    return postgres


@pytest.fixture
def journal(cleared: EmbeddedServer) -> Iterator[str]:
    """The URL of a copy of that database."""
    yield from fresh_database(cleared, template=AUDITED_TEMPLATE)


@pytest.fixture(scope="session")
def worked(migrated: EmbeddedServer) -> EmbeddedServer:
    """The server of the session, with a database that shards wrote from inboxes."""
    with psycopg.connect(migrated.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {STREAMED_TEMPLATE} TEMPLATE {TEMPLATE}".encode())
    lines = written(STREAMED_SEED, 2).lines
    streamed(migrated.url_of(STREAMED_TEMPLATE), lines, seed=STREAMED_SEED)
    return migrated


@pytest.fixture
def streamed_journal(worked: EmbeddedServer) -> Iterator[str]:
    """The URL of a copy of that database."""
    yield from fresh_database(worked, template=STREAMED_TEMPLATE)


@pytest.fixture
def database(migrated: EmbeddedServer) -> Iterator[str]:
    """The URL of an empty journal."""
    yield from fresh_database(migrated, template=TEMPLATE)


@pytest.fixture
def other(migrated: EmbeddedServer) -> Iterator[str]:
    """The URL of a second one."""
    yield from fresh_database(migrated, template=TEMPLATE)
