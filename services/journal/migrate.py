"""The schema of the journal: roles, numbered migrations, the version of a database.

In: a URL. Out: a database whose schema `clearing` is as new as this program, or a clear error.
Migrations are the files `migrations/NNNN_name.sql`, run in order, each in one transaction with its
row in `clearing.schema_version`. A schema newer than this program is refused, never touched.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import LiteralString

import psycopg
from psycopg import sql

from services.journal.connecting import (
    ROLES,
    Connection,
    Role,
    connect,
    has_roles,
    rights_sql,
    set_role,
)
from services.journal.trouble import RightsMissing, SchemaMissing, SchemaTooNew, translated

# Any number of our own; a process that migrates holds it, so that two do not migrate at once.
MIGRATION_LOCK = 0x636C656172


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    statements: str


@cache
def migrations() -> list[Migration]:
    """All steps this program knows, in order, numbered from 1 without a gap."""
    directory = files("services.journal").joinpath("migrations")
    steps = []
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".sql"):
            number, name = entry.name.removesuffix(".sql").split("_", 1)
            steps.append(Migration(int(number), name, entry.read_text(encoding="utf-8")))
    assert [step.version for step in steps] == list(range(1, len(steps) + 1)), steps
    return steps


def migrate(url: str) -> int:
    """Bring the schema of this database up to date; gives its version. Again: does nothing.

    Errors: SchemaTooNew; RightsMissing with the SQL to run, where we may not make roles or the
    schema.
    """
    steps = migrations()
    connection = connect(url, role=None)
    try:
        with translated("migrating the schema"):
            if schema_version(connection) == len(steps) and has_roles(connection):
                return len(steps)
            connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            _make_roles_and_schema(connection)
            set_role(connection, "clearing_owner")
            version = schema_version(connection)
            for step in steps[version:]:
                _apply(connection, step)
    finally:
        connection.close()
    return len(steps)


def check_schema(connection: Connection) -> None:
    """Raise SchemaMissing or SchemaTooNew unless the schema is the one this program writes."""
    version, newest = schema_version(connection), len(migrations())
    if version < newest:
        content = f"version {version}" if version else "no journal"
        message = f"this database holds {content}, version {newest} is needed: migrate it"
        raise SchemaMissing(message)


def schema_version(connection: Connection) -> int:
    """The version of the schema in this database, 0 if there is none; raises SchemaTooNew."""
    newest = len(migrations())
    row = connection.execute("SELECT to_regclass('clearing.schema_version')").fetchone()
    if row is None or row[0] is None:
        return 0
    try:
        row = connection.execute("SELECT max(version) FROM clearing.schema_version").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        set_role(connection, "clearing_writer")
        row = connection.execute("SELECT max(version) FROM clearing.schema_version").fetchone()
    version = int(row[0] or 0) if row is not None else 0
    if version > newest:
        message = (
            f"the schema is version {version}, this program knows {newest}: install a newer one"
        )
        raise SchemaTooNew(message)
    return version


def _make_roles_and_schema(connection: Connection) -> None:
    user = connection.info.user
    try:
        for role in ROLES:
            _make_role(connection, role)
        for role in ROLES:
            _join_role(connection, role)
        connection.execute("CREATE SCHEMA IF NOT EXISTS clearing AUTHORIZATION clearing_owner")
    except psycopg.errors.InsufficientPrivilege as error:
        if has_roles(connection) and _schema_is_ours(connection):
            return
        remedy = rights_sql(user, has_roles=has_roles(connection))
        message = (
            f"the database user {user} may not set up the journal: {error.diag.message_primary}. "
            f"Run as an administrator of this database: {remedy}"
        )
        raise RightsMissing(message) from error


def _make_role(connection: Connection, role: Role) -> None:
    row = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if row is not None:
        return
    # Roles belong to all databases of a server: another one may be set up at the same time.
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))


def _join_role(connection: Connection, role: Role) -> None:
    """Grant ourselves the role if needed; since Postgres 16 its maker is not yet a member."""
    try:
        with connection.transaction():
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    except psycopg.errors.InsufficientPrivilege:
        query = sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role))
        connection.execute(query)


def _schema_is_ours(connection: Connection) -> bool:
    query = (
        "SELECT 1 FROM pg_namespace WHERE nspname = 'clearing' AND "
        "pg_get_userbyid(nspowner) = 'clearing_owner'"
    )
    return connection.execute(query).fetchone() is not None


def _apply(connection: Connection, step: Migration) -> None:
    with connection.transaction():
        if step.version == 1:
            connection.execute(VERSION_TABLE)
        # Several statements in one string: the simple protocol, without parameters.
        connection.execute(step.statements.encode())
        query = "INSERT INTO clearing.schema_version (version, name) VALUES (%s, %s)"
        connection.execute(query, [step.version, step.name])


VERSION_TABLE: LiteralString = """
CREATE TABLE clearing.schema_version (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT USAGE ON SCHEMA clearing TO clearing_writer;
GRANT SELECT ON clearing.schema_version TO clearing_writer;
"""
