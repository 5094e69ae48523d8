"""Journal rows cannot be changed: by the writer for lack of rights, by any role for the trigger."""

from datetime import date

import psycopg
import pytest

from services.journal.connecting import Role, connect
from services.journal.tables import APPEND_ONLY
from services.journal.trouble import StatementRefused, translated
from services.journal.writer import Journal
from tests.services.journal.journal_rows import SIT, batch_of

TABLES = [table.name for table in APPEND_ONLY]
CHANGES = ["UPDATE clearing.{} SET {} = NULL", "DELETE FROM clearing.{}", "TRUNCATE clearing.{}"]


def refusal_of(url: str, role: Role | None, statement: str) -> str | None:
    """The SQLSTATE with which a statement is refused, None if it is not."""
    with connect(url, role=role) as connection:
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            return error.sqlstate
    return None


@pytest.mark.parametrize("change", CHANGES)
def test_the_writer_has_no_right_to_change_a_row(url: str, change: str) -> None:
    for table in APPEND_ONLY:
        statement = change.format(table.name, next(iter(table.columns)))
        assert refusal_of(url, "clearing_writer", statement) == "42501", table.name


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ["clearing_owner", None])
def test_a_trigger_stops_owner_and_administrator(url: str, role: Role | None, change: str) -> None:
    for table in APPEND_ONLY:
        statement = change.format(table.name, next(iter(table.columns)))
        assert refusal_of(url, role, statement) == "23001", table.name


@pytest.mark.parametrize("change", CHANGES)
def test_partitions_are_guarded_as_the_journal_is(journal: Journal, url: str, change: str) -> None:
    journal.commit(batch_of(SIT, None, 0))
    for name in ("journal_0001_01", "journal_2026_03", "journal_2026_03_market_sit"):
        assert refusal_of(url, "clearing_owner", change.format(name, "seq")) == "23001"
        assert refusal_of(url, "clearing_writer", change.format(name, "seq")) == "42501"


def test_the_trigger_fires_where_triggers_are_switched_off(url: str) -> None:
    with connect(url, role=None) as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(StatementRefused, match="append-only"), translated("deleting"):
            connection.execute("DELETE FROM clearing.journal")


@pytest.mark.parametrize("table", ["shard_head", "source", "feed"])
def test_the_writer_moves_heads_and_sources_but_removes_none(url: str, table: str) -> None:
    assert refusal_of(url, "clearing_writer", CHANGES[1].format(table)) == "42501"
    assert refusal_of(url, "clearing_writer", f"TRUNCATE clearing.{table}") == "42501"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE clearing.mine ()",
        "DROP TABLE clearing.day",
        "ALTER TABLE clearing.journal DISABLE TRIGGER append_only",
        "SELECT clearing.make_append_only('clearing.day')",
    ],
)
def test_the_writer_changes_no_table(url: str, statement: str) -> None:
    assert refusal_of(url, "clearing_writer", statement) == "42501"


def test_the_writer_makes_partitions_and_making_one_again_does_nothing(url: str) -> None:
    with connect(url) as connection:
        for shard in ("market/SIT", "member/0", "market/SIT"):
            query = "SELECT clearing.make_journal_partition(%s, %s)"
            connection.execute(query, [shard, date(9999, 12, 31)])
        tree = "SELECT relid::regclass::text FROM pg_partition_tree('clearing.journal')"
        names = sorted(name.removeprefix("clearing.") for (name,) in connection.execute(tree))
    month = ["journal_9999_12", "journal_9999_12_market_sit", "journal_9999_12_member_0"]
    assert names == ["journal", "journal_0001_01", *month]
