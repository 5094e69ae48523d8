"""A connection to the journal's database: reachable, new enough, durable, in the right role.

In: a URL and a role. Out: a psycopg connection in autocommit, UTF-8, UTC, search path `clearing`.
A database that would lose acknowledged rows is refused before anything is read from it.
"""

from contextlib import suppress
from typing import Any, Literal, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

from services.journal.trouble import (
    DatabaseUnreachable,
    RightsMissing,
    SchemaMissing,
    UnsafeSettings,
    translated,
)
from services.settings import is_host

Connection = psycopg.Connection[tuple[Any, ...]]
Role = Literal["clearing_owner", "clearing_writer", "clearing_reader"]
ROLES: tuple[Role, ...] = ("clearing_owner", "clearing_writer")
# The roles that may read; the first is made by an administrator, if anybody is to read only.
_READING: tuple[Role, ...] = ("clearing_reader", "clearing_writer")

POSTGRES_VERSION_MIN = 150000
_KEEPALIVES = {"keepalives_idle": "20", "keepalives_interval": "5", "keepalives_count": "4"}
# Ours where the URL says nothing: a network that swallows packets is noticed within a minute.
DEFAULTS = _KEEPALIVES | {
    "connect_timeout": "10",
    "tcp_user_timeout": "60000",
    "application_name": "clearing",
}
_NOT_UNDERSTOOD = (
    "cannot connect to the database: not a URL that Postgres understands; expected "
    "postgresql://user@host:port/name, in a password %40 for @, %3A for :, %2F for /, %25 for %"
)
# Without them an acknowledged row can be lost, or a crash can tear a page.
MUST_BE_ON: tuple[LiteralString, ...] = ("fsync", "full_page_writes", "synchronous_commit")
# The last is set to what it is, so that it stays so.
_DURABLE: LiteralString = """
SELECT current_setting('fsync'), current_setting('full_page_writes'),
set_config('synchronous_commit', current_setting('synchronous_commit'), false)
"""
# Ours whatever the server, the database or the role says. With standard_conforming_strings off the
# bytes that a query looks for are read as escapes, and it finds nothing.
_UNREADABLE: LiteralString = """
SELECT count(*) FROM pg_class AS tab JOIN pg_namespace AS room ON room.oid = tab.relnamespace
WHERE room.nspname = 'clearing' AND tab.relkind IN ('r', 'p') AND NOT tab.relispartition
AND NOT (has_schema_privilege(room.oid, 'USAGE') AND has_table_privilege(tab.oid, 'SELECT'))
"""
_PINNED = (
    "SET timezone = 'UTC'",
    "SET search_path = clearing, pg_temp",
    "SET standard_conforming_strings = on",
    # The server's own: a machine that is gone in the middle of a COPY holds no shard for hours.
    *(f"SET tcp_{name} = {value}" for name, value in _KEEPALIVES.items()),
)


def connect(url: str, *, role: Role | None = "clearing_writer") -> Connection:
    """A connection in this role (None: in that of the URL's user).

    Errors: DatabaseUnreachable, UnsafeSettings, SchemaMissing if there is no such role,
    RightsMissing if we may not take it.
    """
    connection = _connect_raw(url)
    try:
        with translated("preparing a connection"):
            _check_version(connection)
            check_durability(connection)
            connection.execute(";".join(_PINNED).encode())
            if role is not None:
                set_role(connection, role)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(url: str) -> Connection:
    """A connection that can change nothing, in a role that may read the journal.

    The role of the URL's user if it may, else one that it may take. Errors: as `connect`;
    RightsMissing with the SQL that allows reading.
    """
    connection = connect(url, role=None)
    try:
        with translated("preparing a connection"):
            connection.execute("SET default_transaction_read_only = on")
            _take_reading_role(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def url_parts(url: str) -> dict[str, Any]:
    """The parts of a database's URL, by libpq's names.

    Errors: DatabaseUnreachable, which repeats nothing of it: the password could be anywhere in it.
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise DatabaseUnreachable(_NOT_UNDERSTOOD) from None
    # An unescaped @, : or / in a password leaves its rest where the host or the port should be.
    host = str(parts.get("host", ""))
    is_odd = "@" in host[1:] or not all(map(_is_host, host.split(",")))
    if is_odd or str(parts.get("port", "")).strip("0123456789,"):
        raise DatabaseUnreachable(_NOT_UNDERSTOOD)
    return parts


def _is_host(name: str) -> bool:
    """Whether a text names a host, or the directory of a socket."""
    return name.startswith("/") or is_host(name)


def defaults_of(url: str) -> dict[str, Any]:
    """Our parameters of a connection, but those that its URL names. Errors: as `url_parts`."""
    given = url_parts(url)
    return {name: value for name, value in DEFAULTS.items() if name not in given}


def check_durability(connection: Connection) -> None:
    """Raise UnsafeSettings if this database would lose rows that it has acknowledged.

    synchronous_commit may be anything but off, and is then pinned for the life of the connection.
    """
    values = connection.execute(_DURABLE).fetchone()
    assert values is not None, "a query without rows"
    for name, value in zip(MUST_BE_ON, values, strict=True):
        if value == "off":
            message = (
                f"{name} is off: this database can lose rows it has acknowledged. "
                f"Set {name} = on (ALTER SYSTEM, ALTER DATABASE or ALTER ROLE, wherever it is off)"
            )
            raise UnsafeSettings(message)


def setting(connection: Connection, name: str) -> str:
    """A setting of the server as this connection sees it."""
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def set_role(connection: Connection, role: Role) -> None:
    """Work in this role from now on."""
    try:
        connection.execute(f"SET ROLE {role}".encode())
    except psycopg.errors.InvalidParameterValue as error:
        message = f"there is no journal on this database server, not even its role {role}"
        raise SchemaMissing(message) from error
    except psycopg.errors.InsufficientPrivilege as error:
        message = (
            f"the database user {connection.info.user} cannot take the role {role}: "
            f"{error.diag.message_primary}. An administrator can allow it: "
            f"{rights_sql(connection.info.user, has_roles=has_roles(connection))}"
        )
        raise RightsMissing(message) from error


def _take_reading_role(connection: Connection) -> None:
    for role in _READING:
        if _may_read(connection):
            return
        with suppress(SchemaMissing, RightsMissing):
            set_role(connection, role)
    if not _may_read(connection):
        user = connection.info.user
        message = (
            f"the database user {user} may not read the journal. An administrator can allow it, "
            f"to read and nothing else: {reading_sql(user)}"
        )
        raise RightsMissing(message)


def _may_read(connection: Connection) -> bool:
    return connection.execute(_UNREADABLE).fetchone() == (0,)


def has_roles(connection: Connection) -> bool:
    """True if the roles are there; they belong to the server, not to one database."""
    query = "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)"
    row = connection.execute(query, [list(ROLES)]).fetchone()
    return row is not None and row[0] == len(ROLES)


def reading_sql(user: str) -> str:
    """The SQL with which an administrator allows a user to read the journal, and nothing else."""
    return (
        "CREATE ROLE clearing_reader NOLOGIN; GRANT USAGE ON SCHEMA clearing TO clearing_reader; "
        "GRANT SELECT ON ALL TABLES IN SCHEMA clearing TO clearing_reader; "
        "ALTER DEFAULT PRIVILEGES FOR ROLE clearing_owner IN SCHEMA clearing "
        f"GRANT SELECT ON TABLES TO clearing_reader; GRANT clearing_reader TO {_quoted(user)};"
    )


def rights_sql(user: str, *, has_roles: bool) -> str:
    """The SQL with which an administrator of the database allows us to keep a journal in it."""
    roles = "CREATE ROLE clearing_owner NOLOGIN; CREATE ROLE clearing_writer NOLOGIN; "
    return (
        f"{'' if has_roles else roles}"
        f"GRANT clearing_owner, clearing_writer TO {_quoted(user)}; "
        "CREATE SCHEMA clearing AUTHORIZATION clearing_owner;"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _connect_raw(url: str) -> Connection:
    added = defaults_of(url)
    try:
        return psycopg.connect(url, autocommit=True, client_encoding="UTF8", **added)
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        message = f"cannot connect to the database: {reason}"
        raise DatabaseUnreachable(message) from error


def _check_version(connection: Connection) -> None:
    if connection.info.server_version < POSTGRES_VERSION_MIN:
        message = f"Postgres 15 or later is needed, this is {setting(connection, 'server_version')}"
        raise UnsafeSettings(message)
