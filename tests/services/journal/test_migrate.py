"""The schema is made once, brought up to date, and never touched by an older program."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import uuid4

import psycopg
import pytest

from services.journal import migrate as migrating
from services.journal.batch import Batch
from services.journal.connecting import connect
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import Migration, migrate, migrations, schema_version
from services.journal.reader import Reader
from services.journal.trouble import RightsMissing, SchemaMissing, SchemaTooNew, StatementRefused
from services.journal.writer import Journal
from tests.conftest import fresh_database
from tests.services.journal.journal_rows import SIT, batch_of, move, partitions_of_rows, row


@pytest.fixture
def empty(server: EmbeddedServer) -> Iterator[str]:
    """An empty database on each Postgres."""
    yield from fresh_database(server)


def test_migrating_again_changes_nothing(empty: str) -> None:
    assert migrate(empty) == len(migrations())
    with psycopg.connect(empty) as connection:
        query = "SELECT version, applied_at FROM clearing.schema_version"
        before = connection.execute(query).fetchall()
        assert migrate(empty) == len(migrations())
        assert connection.execute(query).fetchall() == before


def test_processes_that_migrate_at_once_make_one_schema(empty: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, [empty] * 4)) == [len(migrations())] * 4
    with Reader(empty) as reader:
        assert reader.heads() == {}


def test_a_newer_schema_is_refused_by_all(url: str) -> None:
    with connect(url, role="clearing_owner") as connection:
        connection.execute("INSERT INTO clearing.schema_version VALUES (99, 'later')")
    for opened in (migrate, Journal, Reader):
        with pytest.raises(SchemaTooNew, match="99"):
            opened(url)


def test_an_older_schema_is_migrated_and_not_written_before(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Migration(len(migrations()) + 1, "later", "CREATE TABLE clearing.later ()")
    steps = [*migrations(), later]
    monkeypatch.setattr(migrating, "migrations", lambda: steps)
    with pytest.raises(SchemaMissing, match=f"version {later.version} is needed"):
        Journal(url)
    assert migrate(url) == later.version
    Journal(url).close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = len(migrations())
    broken = Migration(newest + 1, "broken", "CREATE TABLE clearing.half (); SELECT nonsense")
    steps = [*migrations(), broken]
    monkeypatch.setattr(migrating, "migrations", lambda: steps)
    with pytest.raises(StatementRefused, match="nonsense"):
        migrate(url)
    with connect(url) as connection:
        assert schema_version(connection) == newest
        assert connection.execute("SELECT to_regclass('clearing.half')").fetchone() == (None,)


def test_a_month_of_an_earlier_program_is_written_on_in_one_partition(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = migrations()
    with monkeypatch.context() as earlier:
        earlier.setattr(migrating, "migrations", lambda: steps[:6])
        assert migrate(empty) == 6
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("SELECT clearing.make_journal_month(%s)", [date(2026, 3, 1)])
    assert migrate(empty) == len(steps)
    days = [date(2026, 3, 31), date(2026, 4, 1)]
    made = [row(SIT, seq, day=day) for seq, day in enumerate(days)]
    with Journal(empty) as journal:
        journal.commit(Batch(rows=made, heads=[move(SIT, None, 1)]))
    assert partitions_of_rows(empty) == ["journal_2026_03", "journal_2026_04_market_sit"]


@pytest.fixture
def ordinary(server: EmbeddedServer, empty: str) -> Iterator[str]:
    """The empty database as seen by a user with no rights but to connect."""
    user = f"ordinary_{uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE {user} LOGIN".encode())
        yield empty.replace("clearing@", f"{user}@")
        with psycopg.connect(empty, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {user}".encode())
        administrator.execute(f"DROP ROLE {user}".encode())


def test_an_ordinary_user_is_told_the_sql_that_helps_and_it_does(ordinary: str, empty: str) -> None:
    with pytest.raises(RightsMissing, match="Run as an administrator") as caught:
        migrate(ordinary)
    remedy = str(caught.value).split("database: ")[1]
    with psycopg.connect(empty, autocommit=True) as administrator:
        for statement in remedy.split(";"):
            administrator.execute(statement.encode())
    assert migrate(ordinary) == len(migrations())
    with Journal(ordinary) as journal:
        journal.commit(batch_of(SIT, None, 1))
