"""Who may only read, and a server that only lets read: every command that reads works there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction

from services.cli import cli
from services.embedded.clear import clear
from services.journal import cluster
from services.journal.connecting import reading_sql
from services.journal.embedded import EmbeddedServer
from services.journal.reader import Reader
from tests.conftest import fresh_database
from tests.house_rules import ROOT
from tests.twin.generate import written

READING: Final = (
    ("verify",),
    ("replay",),
    ("days",),
    ("facts",),
    ("report", "members"),
    ("report", "trades"),
    ("stress",),
    ("tail", "--from-start", "--until-idle", "0.1"),
)
SQL: Final = re.compile("to read and nothing else: (.*;)")


def execute(url: str, *statements: str) -> None:
    """Statements of an administrator."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def clearing(url: str, *arguments: str) -> Result:
    """The command line, in this process."""
    name, *options = arguments
    return CliRunner().invoke(cli, [name, *options, "--database", url])


def operations_sql() -> str:
    """The SQL in services/OPERATIONS.md, on one line."""
    page = (ROOT / "services" / "OPERATIONS.md").read_text("utf-8")
    block = re.search("```sql\n(CREATE ROLE clearing_reader .*?)```", page, re.DOTALL)
    assert block is not None
    return " ".join(block[1].split())


@pytest.fixture(scope="module")
def books(
    machine_postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL, as administrator, of the books of a small market."""
    file = tmp_path_factory.mktemp("day") / "day.jsonl"
    file.write_bytes(b"\n".join(written(2, 2).lines))
    for url in fresh_database(machine_postgres):
        clear(url, str(file))
        yield url


@pytest.fixture(scope="module")
def auditor(books: str) -> Iterator[str]:
    """The URL of a user with the rights that the program advises, in a database to read only."""
    guest = books.replace("clearing@", "auditor@")
    execute(books, "CREATE ROLE auditor LOGIN")
    try:
        refused = clearing(guest, "days")
        assert refused.exit_code == 2
        advised = SQL.search(refused.stderr)
        assert advised is not None, refused.stderr
        name = psycopg.conninfo.conninfo_to_dict(books)["dbname"]
        read_only = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
        execute(books, advised[1], read_only)
        yield guest
    finally:
        with psycopg.connect(books, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("DROP OWNED BY auditor, clearing_reader")
            connection.execute("DROP ROLE auditor, clearing_reader")


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_whoever_may_only_read_reads_everything(
    auditor: str, books: str, command: tuple[str, ...]
) -> None:
    result = clearing(auditor, *command)
    assert result.exit_code == 0, result.output
    assert result.stdout == clearing(books, *command).stdout != ""


def test_whoever_may_read_may_not_write(auditor: str) -> None:
    with psycopg.connect(auditor) as connection:
        connection.execute("SET TRANSACTION READ WRITE")
        with pytest.raises(InsufficientPrivilege):
            connection.execute("DELETE FROM clearing.inbox")


def test_the_page_for_operators_has_the_same_sql() -> None:
    assert operations_sql() == reading_sql("auditor")


def test_a_reader_can_write_nothing_whoever_it_is(books: str) -> None:
    with Reader(books) as reader, pytest.raises(ReadOnlySqlTransaction):
        reader.connection.execute("UPDATE clearing.shard_head SET seq = 0")


def test_a_standby_is_read_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cluster.SETTINGS, "wal_level", "replica")
    file = tmp_path / "day.jsonl"
    file.write_bytes(b"\n".join(written(2, 2).lines))
    with EmbeddedServer(tmp_path) as primary:
        clear(primary.url, str(file))
    (tmp_path / "postgres" / "standby.signal").touch()
    with EmbeddedServer(tmp_path) as standby:
        for command in READING:
            result = clearing(standby.url, *command)
            assert result.exit_code == 0, result.output
            assert result.stdout
