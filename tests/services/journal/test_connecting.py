"""A database that would lose acknowledged rows is refused; one out of reach is named."""

from pathlib import Path

import psycopg
import pytest

from services.journal.connecting import connect, setting
from services.journal.embedded import EmbeddedServer
from services.journal.reader import Reader
from services.journal.trouble import (
    DatabaseUnreachable,
    RightsMissing,
    SchemaMissing,
    UnsafeSettings,
)
from services.journal.writer import Journal


def execute(url: str, statement: str) -> None:
    """Run a statement as the administrator."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def name_of(url: str) -> str:
    """The name of the database."""
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


def test_synchronous_commit_off_is_refused_wherever_it_is_set(url: str) -> None:
    execute(url, f"ALTER DATABASE {name_of(url)} SET synchronous_commit = off")
    for opened in (Journal, Reader, connect):
        with pytest.raises(UnsafeSettings, match="synchronous_commit is off"):
            opened(url)
    with pytest.raises(UnsafeSettings, match="synchronous_commit is off"):
        connect(f"{url}&options=-c%20synchronous_commit%3Doff", role=None)


def test_synchronous_commit_stays_as_it_was_when_we_connected(url: str) -> None:
    with connect(url, role=None) as connection:
        connection.execute("RESET ROLE")
        execute(url, "ALTER SYSTEM SET synchronous_commit = off")
        execute(url, "SELECT pg_reload_conf()")
        try:
            connection.execute("SELECT pg_sleep(0.1)")
            assert setting(connection, "synchronous_commit") == "on"
        finally:
            execute(url, "ALTER SYSTEM RESET synchronous_commit")
            execute(url, "SELECT pg_reload_conf()")


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_write_safely_is_refused(tmp_path: Path, name: str) -> None:
    with EmbeddedServer(tmp_path) as server:
        execute(server.url, f"ALTER SYSTEM SET {name} = off")
        execute(server.url, "SELECT pg_reload_conf(), pg_sleep(0.2)")
        with pytest.raises(UnsafeSettings, match=f"{name} is off"):
            connect(server.url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1:1/none",
        "postgresql://clearing@/none?host=/nowhere",
        "mysql://localhost/x",
        "postgresql://no.such.host.invalid/x",
    ],
)
def test_a_database_out_of_reach_is_named(url: str) -> None:
    with pytest.raises(DatabaseUnreachable, match="cannot connect"):
        connect(url)


def test_a_database_that_does_not_exist_is_named(postgres: EmbeddedServer) -> None:
    with pytest.raises(DatabaseUnreachable, match="nowhere"):
        connect(postgres.url_of("nowhere"))


def test_a_database_without_a_journal_is_named(url: str, database: str) -> None:
    # The first fixture has the roles made; the second database is empty.
    assert name_of(url) != name_of(database)
    for opened in (Journal, Reader):
        with pytest.raises(SchemaMissing, match="no journal"):
            opened(database)


def test_a_user_outside_the_roles_is_told_what_to_run(url: str) -> None:
    execute(url, f"CREATE ROLE guest_{name_of(url)} LOGIN")
    guest = url.replace("clearing@", f"guest_{name_of(url)}@")
    try:
        with pytest.raises(RightsMissing, match="GRANT clearing_owner, clearing_writer TO"):
            Journal(guest)
    finally:
        execute(url, f"DROP ROLE guest_{name_of(url)}")
