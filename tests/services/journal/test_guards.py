"""Guards that are off, another owner, rights beyond ours: each is named."""

from __future__ import annotations

import psycopg
import pytest

from services.journal.connecting import connect
from services.journal.guards import has_checksums, open_guards
from services.journal.migrate import migrate

CASES = (
    (
        "ALTER TABLE clearing.day DISABLE TRIGGER append_only",
        "day: its trigger append_only is off or gone",
    ),
    (
        "ALTER TABLE clearing.journal_0001_01 DISABLE TRIGGER append_only",
        "journal_0001_01: its trigger append_only is off or gone",
    ),
    (
        (
            "SELECT clearing.make_journal_partition('market/SIT', '2026-03-01'); "
            "ALTER TABLE clearing.journal_2026_03_market_sit DISABLE TRIGGER append_only"
        ),
        "journal_2026_03_market_sit: its trigger append_only is off or gone",
    ),
    (
        "ALTER TABLE clearing.link ENABLE TRIGGER append_only",
        "link: its trigger append_only is off or gone",
    ),
    (
        "DROP TRIGGER append_only ON clearing.snapshot",
        "snapshot: its trigger append_only is off or gone",
    ),
    ("GRANT UPDATE ON clearing.day TO clearing_writer", "day: clearing_writer may UPDATE"),
    ("GRANT DELETE ON clearing.journal TO PUBLIC", "journal: PUBLIC may DELETE"),
    (
        "GRANT UPDATE (chain) ON clearing.journal TO pg_monitor",
        "journal.chain: pg_monitor may UPDATE",
    ),
    ("GRANT CREATE ON SCHEMA clearing TO clearing_writer", "schema: clearing_writer may CREATE"),
    (
        "ALTER TABLE clearing.day OWNER TO CURRENT_USER",
        "day: belongs to clearing, not to clearing_owner",
    ),
)
REFUSES_NOTHING = """
CREATE OR REPLACE FUNCTION clearing.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$
"""


def opened(url: str) -> list[str]:
    """The guards that are off."""
    with connect(url) as connection:
        return open_guards(connection)


@pytest.mark.parametrize(("statement", "said"), CASES)
def test_a_guard_that_is_off_is_named(database: str, statement: str, said: str) -> None:
    migrate(database)
    assert opened(database) == []
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(statement.encode())
    assert said in opened(database)


def test_a_function_that_refuses_nothing_guards_nothing(database: str) -> None:
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(REFUSES_NOTHING.encode())
    assert "journal: its trigger append_only is off or gone" in opened(database)


def test_who_may_only_read_is_no_finding(database: str) -> None:
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(b"GRANT SELECT ON ALL TABLES IN SCHEMA clearing TO PUBLIC")
    assert opened(database) == []


def test_a_cluster_of_ours_has_checksums(database: str) -> None:
    with connect(database, role=None) as connection:
        assert has_checksums(connection)
