"""The doctor's look at a database: reachable, new enough, durable, set up for us.

In: a URL. Out: findings. Nothing is changed; the schema is not made.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final, LiteralString

import psycopg

from services.console.doctor.finding import SET_CLOCKS, Finding, expect
from services.journal.connecting import (
    POSTGRES_VERSION_MIN,
    ROLES,
    Connection,
    rights_sql,
    setting,
    url_parts,
)
from services.journal.guards import has_checksums, open_guards
from services.journal.migrate import migrations, schema_version
from services.journal.trouble import JournalTrouble, SchemaTooNew, translated

_CONNECT_SECONDS: Final = 10
_MADE_BY: Final = "`clearing topics create`, for workers, or the first `clearing clear`, of files,"
_BYTES_A_MIB: Final = 1 << 20
# Below these it works, only slower: log is recycled too often, pages are read twice.
_WAL_MIB_WARN: Final = 2048
_BUFFERS_MIB_WARN: Final = 256
_CLOCK_SECONDS_WARN: Final = 1.0
_BYTES: Final[LiteralString] = (
    "SELECT setting::bigint * CASE unit WHEN '8kB' THEN 8192 WHEN 'MB' THEN 1048576 ELSE 1 END "
    "FROM pg_settings WHERE name = %s"
)
_ROLES: Final[LiteralString] = "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)"
_MAKES_ROLES: Final[LiteralString] = (
    "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
)
_ENCODING: Final[LiteralString] = (
    "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
)
_CLOCK: Final[LiteralString] = "SELECT extract(epoch FROM clock_timestamp())::float8"


def check_database(url: str) -> Iterator[Finding]:
    """Everything about a database; only that it is unreachable, if it is."""
    try:
        url_parts(url)
        with (
            translated("connecting"),
            psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection,
        ):
            yield _reachable(connection)
            yield _version(connection)
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                yield _durable(connection, name)
            yield _size(connection, "shared_buffers", least_mib=_BUFFERS_MIB_WARN)
            yield _size(connection, "max_wal_size", least_mib=_WAL_MIB_WARN)
            yield _encoding(connection)
            yield _clock(connection)
            yield _roles(connection)
            yield _schema(connection)
            yield _guards(connection)
            yield _checksums(connection)
    except JournalTrouble as trouble:
        advice = "start it, or see host, port, user and password in --database"
        yield Finding("fail", "database reachable", str(trouble), advice)


def _reachable(connection: Connection) -> Finding:
    info = connection.info
    actual = f"{info.dbname} at {info.host or 'this machine'} as {info.user}"
    return Finding("ok", "database reachable", actual)


def _version(connection: Connection) -> Finding:
    actual = setting(connection, "server_version")
    is_good = connection.info.server_version >= POSTGRES_VERSION_MIN
    return expect("Postgres version", actual, is_good=is_good, advice="use Postgres 15 or later")


def _durable(connection: Connection, name: str) -> Finding:
    actual = setting(connection, name)
    advice = "acknowledged rows could be lost: set it on (ALTER SYSTEM), then reload"
    return expect(name, actual, is_good=actual != "off", advice=advice)


def _size(connection: Connection, name: str, *, least_mib: int) -> Finding:
    mib = int(_value(connection, _BYTES, name)) // _BYTES_A_MIB
    advice = f"it works; {least_mib} MiB or more is faster"
    return expect(name, f"{mib} MiB", is_good=mib >= least_mib, advice=advice, otherwise="warn")


def _encoding(connection: Connection) -> Finding:
    actual = str(_value(connection, _ENCODING))
    advice = "make the database with ENCODING 'UTF8'"
    return expect("database encoding", actual, is_good=actual == "UTF8", advice=advice)


def _clock(connection: Connection) -> Finding:
    begin = time.time()
    apart = abs(_value(connection, _CLOCK) - (begin + time.time()) / 2)
    if apart > _CLOCK_SECONDS_WARN:
        return Finding("warn", "clock of the database", f"{apart:.1f} s from ours", SET_CLOCKS)
    return Finding("ok", "clock of the database", f"{apart:.3f} s from ours")


def _roles(connection: Connection) -> Finding:
    if _value(connection, _ROLES, list(ROLES)) == len(ROLES):
        return Finding("ok", "roles", ", ".join(ROLES))
    if _value(connection, _MAKES_ROLES):
        return Finding("ok", "roles", f"none yet; {_MADE_BY} makes them")
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
        return Finding("ok", "schema", f"no journal yet; {_MADE_BY} makes it")
    advice = f"the next worker, or the next `clear`, takes it to {newest}"
    return Finding("warn", "schema", f"version {version}", advice)


def _guards(connection: Connection) -> Finding:
    opened = open_guards(connection)
    advice = "somebody could change rows: find out who did this and when, run `clearing verify`"
    actual = "; ".join(opened) or "the tables only grow"
    return expect("guards of the journal", actual, is_good=not opened, advice=advice)


def _checksums(connection: Connection) -> Finding:
    is_good = has_checksums(connection)
    advice = "a page that the disk changed is not noticed: stop Postgres, run pg_checksums --enable"
    actual = "on" if is_good else "off"
    return expect("data checksums", actual, is_good=is_good, advice=advice, otherwise="warn")


def _value(connection: Connection, query: LiteralString, *values: object) -> Any:  # noqa: ANN401 - of any type
    """The one value of an answer."""
    row = connection.execute(query, values).fetchone()
    assert row is not None, query
    return row[0]
