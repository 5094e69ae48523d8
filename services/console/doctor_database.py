"""The doctor's look at a database: reachable, new enough, durable, set up for us.

In: a URL. Out: findings. Nothing is changed; the schema is not made.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final, LiteralString

import psycopg

from services.console.doctor import Finding
from services.journal.connecting import (
    POSTGRES_VERSION_MIN,
    ROLES,
    Connection,
    rights_sql,
    setting,
    url_parts,
)
from services.journal.migrate import migrations, schema_version
from services.journal.trouble import JournalTrouble, SchemaTooNew, translated

_CONNECT_SECONDS: Final = 10
_BYTES_A_MIB: Final = 1 << 20
# Below these it works, only slower: log is recycled too often, pages are read twice.
_WAL_MIB_WARN: Final = 2048
_BUFFERS_MIB_WARN: Final = 256
_CLOCK_SECONDS_WARN: Final = 1.0
_LOSES_ROWS: Final = "acknowledged rows could be lost: set it on (ALTER SYSTEM), then reload"
_BYTES: Final[LiteralString] = (
    "SELECT setting::bigint * CASE unit WHEN '8kB' THEN 8192 WHEN 'MB' THEN 1048576 ELSE 1 END "
    "FROM pg_settings WHERE name = %s"
)
_ROLES: Final[LiteralString] = "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)"
_ENCODING: Final[LiteralString] = (
    "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
)


def look_at_database(url: str) -> Iterator[Finding]:
    """Everything about a database; only that it is unreachable, if it is."""
    try:
        url_parts(url)
        with (
            translated("connecting"),
            psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection,
        ):
            yield Finding("ok", "database reachable", _where(connection))
            yield _version(connection)
            yield from _durability(connection)
            yield _size(connection, "shared_buffers", least_mib=_BUFFERS_MIB_WARN)
            yield _size(connection, "max_wal_size", least_mib=_WAL_MIB_WARN)
            yield _encoding(connection)
            yield _clock(connection)
            yield _roles(connection)
            yield _schema(connection)
    except JournalTrouble as trouble:
        advice = "start it, or see host, port, user and password in --database"
        yield Finding("fail", "database reachable", str(trouble), advice)


def _where(connection: Connection) -> str:
    info = connection.info
    return f"{info.dbname} at {info.host or 'this machine'} as {info.user}"


def _version(connection: Connection) -> Finding:
    found = setting(connection, "server_version")
    if connection.info.server_version >= POSTGRES_VERSION_MIN:
        return Finding("ok", "Postgres version", found)
    return Finding("fail", "Postgres version", found, "use Postgres 15 or later")


def _durability(connection: Connection) -> Iterator[Finding]:
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        found = setting(connection, name)
        if found == "off":
            yield Finding("fail", name, found, _LOSES_ROWS)
        else:
            yield Finding("ok", name, found)


def _size(connection: Connection, name: str, *, least_mib: int) -> Finding:
    row = connection.execute(_BYTES, [name]).fetchone()
    assert row is not None, f"no setting {name}"
    mib = int(row[0]) // _BYTES_A_MIB
    if mib < least_mib:
        return Finding("warn", name, f"{mib} MiB", f"it works; {least_mib} MiB or more is faster")
    return Finding("ok", name, f"{mib} MiB")


def _encoding(connection: Connection) -> Finding:
    row = connection.execute(_ENCODING).fetchone()
    found = "" if row is None else str(row[0])
    if found == "UTF8":
        return Finding("ok", "database encoding", found)
    advice = "make the database with ENCODING 'UTF8'"
    return Finding("fail", "database encoding", found, advice)


def _clock(connection: Connection) -> Finding:
    begun = time.time()
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row is not None, "no clock"
    apart = abs(row[0] - (begun + time.time()) / 2)
    if apart > _CLOCK_SECONDS_WARN:
        advice = "let NTP set the clocks of all machines: lag and latency are told wrong"
        return Finding("warn", "clock of the database", f"{apart:.1f} s from ours", advice)
    return Finding("ok", "clock of the database", f"{apart:.3f} s from ours")


def _roles(connection: Connection) -> Finding:
    row = connection.execute(_ROLES, [list(ROLES)]).fetchone()
    if row is not None and row[0] == len(ROLES):
        return Finding("ok", "roles", ", ".join(ROLES))
    superuser = connection.execute(
        "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if superuser is not None and superuser[0]:
        return Finding("ok", "roles", "none yet; the first `clear` makes them")
    return Finding("fail", "roles", "missing", rights_sql(connection.info.user, has_roles=False))


def _schema(connection: Connection) -> Finding:
    newest = len(migrations())
    try:
        version = schema_version(connection)
    except SchemaTooNew as trouble:
        return Finding("fail", "schema", str(trouble), "install a newer clearinghouse")
    if version == newest:
        return Finding("ok", "schema", f"version {version}")
    if version == 0:
        return Finding("ok", "schema", "no journal yet; the first `clear` makes it")
    return Finding("warn", "schema", f"version {version}", f"the next `clear` takes it to {newest}")
