"""An attacker with the rights of a superuser, who switches the triggers off.

In: SQL in which `{trade}` stands for the row of an ordinary trade in the middle of market/SIT's journal,
`{close}` for that of the last close there, `{member}` for the last close of member/0, `{last}` for the last
row of market/SIT, `{deposit}` for an input of member/0.
"""

from __future__ import annotations

from typing import Any

import psycopg

from events.chain import GENESIS, RowKey, chain_row

_GUARDED = """
SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only' AND tgparentid = 0
"""
_PLACES = {
    "trade": """
        SELECT seq FROM clearing.journal AS one WHERE shard = 'market/SIT'
        AND facts LIKE '{"type":"trade_novated%%' AND EXISTS (
            SELECT FROM clearing.journal AS next WHERE next.shard = one.shard
            AND next.seq = one.seq + 1 AND next.facts LIKE '{"type":"trade_novated%%')
        ORDER BY seq LIMIT 1 OFFSET 5""",
    "close": "SELECT max(seq) FROM clearing.day WHERE shard = 'market/SIT'",
    "member": "SELECT max(seq) FROM clearing.day WHERE shard = 'member/0'",
    "last": "SELECT seq FROM clearing.shard_head WHERE shard = 'market/SIT'",
    "deposit": """
        SELECT seq FROM clearing.journal WHERE shard = 'member/0' AND origin NOT IN ('control/0', 'genesis')
        ORDER BY seq LIMIT 1 OFFSET 3""",
}


def attacker(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection for which nothing is guarded any more."""
    connection = psycopg.connect(url, autocommit=True)
    for (table,) in connection.execute(_GUARDED.encode()).fetchall():
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only".encode())
    return connection


def place(url: str, name: str) -> int:
    """A row that a statement may name."""
    with psycopg.connect(url) as connection:
        found = connection.execute(_PLACES[name].replace("%%", "%").encode()).fetchone()
    assert found is not None
    return int(found[0])


def tamper(url: str, statements: str) -> None:
    """Run statements, each of which must change something."""
    filled = statements
    for name in _PLACES:
        if f"{{{name}}}" in statements:
            filled = filled.replace(f"{{{name}}}", str(place(url, name)))
    with attacker(url) as connection:
        for statement in filled.split(";"):
            assert connection.execute(statement.encode()).rowcount > 0, statement


def rewrite_chain(url: str, shard: str) -> None:
    """Hash a shard anew from its first row to its head, as who knows this code can."""
    with attacker(url) as connection:
        rows = connection.execute(
            "SELECT seq, business_date, origin, position, decided, input, facts "
            "FROM clearing.journal WHERE shard = %s ORDER BY seq",
            [shard],
            binary=True,
        ).fetchall()
        chain = GENESIS
        for *numbers, line, facts in rows:
            chain = chain_row(chain, RowKey(shard, *numbers), line=line, parts=[facts])
            connection.execute(
                "UPDATE clearing.journal SET chain = %s WHERE shard = %s AND seq = %s",
                [chain, shard, numbers[0]],
            )
        connection.execute(
            "UPDATE clearing.shard_head SET chain = %s WHERE shard = %s", [chain, shard]
        )
        connection.execute(
            "UPDATE clearing.snapshot AS one SET chain = (SELECT chain FROM clearing.journal AS row "
            "WHERE row.shard = one.shard AND row.seq = one.seq) WHERE shard = %s",
            [shard],
        )
