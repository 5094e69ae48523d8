"""An attacker with the rights of a superuser, who switches the triggers off.

In: SQL on the journal's tables in which `@trade` stands for the row of an ordinary trade in the
middle of market/SIT (another follows it at once), `@close` for that of the last close there,
`@last` for its last row, `@link` for the last link of that close, `@member` for the last close of
member/0; `#trade` is the row's number, and so on. Of what is refused in the inbox of market/SIT
`@key` and `@headers` stand for an envelope, `@copy` for a forged copy, `@astray` for a command of
another shard, `@unread` for what is no command; `@number` for a copy, `@order` for command 9 of
control/0, `@product` for row 0 of market/SCU.
"""

from __future__ import annotations

from typing import Any

import psycopg

from events.chain import GENESIS, RowKey, chain_row

_GUARDED = b"""
SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only' AND tgparentid = 0
"""
_LAST = b"SELECT max(seq) FROM clearing.journal WHERE shard = 'market/SIT' AND %b"
_PLACES = {
    "trade": (
        "market/SIT",
        b"""
        SELECT seq FROM clearing.journal AS one WHERE shard = 'market/SIT'
        AND facts LIKE '{"type":"trade_novated%' AND EXISTS (
            SELECT FROM clearing.journal AS next WHERE next.shard = one.shard
            AND next.seq = one.seq + 1 AND next.facts LIKE '{"type":"trade_novated%')
        ORDER BY seq LIMIT 1 OFFSET 2""",
    ),
    "close": ("market/SIT", b"SELECT max(seq) FROM clearing.day WHERE shard = 'market/SIT'"),
    "last": ("market/SIT", b"SELECT seq FROM clearing.shard_head WHERE shard = 'market/SIT'"),
    **{
        name: ("market/SIT", _LAST % f"{what} AND facts LIKE '%command_refused%'".encode())
        for name, what in (
            ("key", "origin LIKE '%?key'"),
            ("headers", "origin LIKE '%?headers' AND facts LIKE '%traceparent%'"),
            ("copy", "origin LIKE '%?copy' AND facts LIKE '%no such%'"),
            ("astray", "origin NOT LIKE '%?%' AND facts LIKE '%wrong_shard%'"),
            ("unread", "origin NOT LIKE '%?%' AND facts LIKE '%malformed%'"),
        )
    },
    "number": ("market/SIT", _LAST % b"origin = 'control/0' AND input LIKE '%close_session%'"),
    "order": (
        "control/0",
        b"SELECT max(seq) FROM clearing.control_number WHERE number <= 9",
    ),
    "product": ("market/SCU", b"SELECT 0"),
    "member": ("member/0", b"SELECT max(seq) FROM clearing.day WHERE shard = 'member/0'"),
}

_LAST_LINK = "WHERE source = 'market/SIT' AND seq = #close AND last"


def attacker(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection for which nothing is guarded any more."""
    connection = psycopg.connect(url, autocommit=True)
    for (table,) in connection.execute(_GUARDED).fetchall():
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only".encode())
    connection.execute("SET search_path = clearing")
    return connection


def place(url: str, name: str) -> int:
    """The number of a row that a statement may name."""
    with psycopg.connect(url) as connection:
        found = connection.execute(_PLACES[name][1]).fetchone()
    assert found is not None
    return int(found[0])


def tamper(url: str, statements: str) -> None:
    """Run statements, each of which must change something."""
    filled = statements.replace("@link", _LAST_LINK)
    for name, (shard, _) in _PLACES.items():
        if f"@{name}" not in filled and f"#{name}" not in filled:
            continue
        seq = place(url, name)
        filled = filled.replace(f"@{name}", f"WHERE shard = '{shard}' AND seq = {seq}")
        filled = filled.replace(f"#{name}", str(seq))
    with attacker(url) as connection:
        for statement in filled.split(";"):
            assert connection.execute(statement.encode()).rowcount > 0, statement


def rewrite_chain(url: str, shard: str) -> None:
    """Hash a shard anew from its first row to its head, as one who knows this code can."""
    with attacker(url) as connection:
        rows = connection.execute(
            "SELECT seq, business_date, origin, position, decided, input, facts "
            "FROM journal WHERE shard = %s ORDER BY seq",
            [shard],
            binary=True,
        ).fetchall()
        chain, values = GENESIS, []
        for *numbers, line, facts in rows:
            chain = chain_row(chain, RowKey(shard, *numbers), line=line, parts=[facts])
            values.append((chain, shard, numbers[0]))
        for table in (b"journal", b"snapshot", b"shard_head"):
            statement = b"UPDATE %b SET chain = %%s WHERE shard = %%s AND seq = %%s" % table
            connection.cursor().executemany(statement, values)
