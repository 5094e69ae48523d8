"""World trouble of the journal: every error of the database, in our words.

    JournalTrouble
    ├── DatabaseUnreachable    no connection could be made, or none that may write; nothing tried
    │   └── ServerNotStarted   the embedded server does not come up
    ├── DatabaseGone           the connection broke before COMMIT: nothing of the batch is durable
    ├── CommitUnknown          it broke during COMMIT: durable or not; read the heads again
    ├── DatabaseOverloaded     no connection, memory or lock left, a time limit: rolled back
    ├── DiskFull               no space or an I/O error on the server: rolled back
    ├── FencedOff              another process writes this shard or source: rolled back
    ├── FedOtherwise           files were cleared into it and Kafka is to feed it, or the reverse
    ├── UnsafeSettings         the database would lose acknowledged rows, or is too old
    ├── RulesChanged           the journal was begun under other rules than this program decides by
    ├── SchemaTooNew           the journal was written by a newer clearinghouse
    ├── SchemaMissing          there is no journal in this database, or an older one
    ├── RightsMissing          we may not do this here; the message holds the SQL that allows it
    ├── DataDamaged            Postgres has an internal error: its files may be damaged
    └── StatementRefused       append-only, a duplicate row, or our defect

Errors of psycopg are translated here and nowhere else; `CLASSES` names every class of SQLSTATE
there is.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors


class JournalTrouble(Exception):
    """A failure outside the clearinghouse; the message says what failed and where."""


class DatabaseUnreachable(JournalTrouble):
    """No connection could be made, or only to a standby, which may not write."""


class ServerNotStarted(DatabaseUnreachable):
    """The embedded server did not come up; the message holds the end of its log."""


class DatabaseGone(JournalTrouble):
    """The connection broke before COMMIT was sent; nothing of the batch is durable."""


class CommitUnknown(JournalTrouble):
    """The connection broke during COMMIT; only the heads tell whether the batch is durable."""


class DatabaseOverloaded(JournalTrouble):
    """The server has no connection, memory or lock left for us; the batch was rolled back."""


class DiskFull(JournalTrouble):
    """The server could not write; the batch was rolled back."""


class FencedOff(JournalTrouble):
    """Another process has moved the head of this shard or source; the batch was rolled back."""


class FedOtherwise(JournalTrouble):
    """The journal belongs to other inputs than these; the message says to which."""


class UnsafeSettings(JournalTrouble):
    """The database would lose acknowledged rows."""


class RulesChanged(JournalTrouble):
    """The journal was begun under other rules, by which its next inputs must be decided."""


class SchemaTooNew(JournalTrouble):
    """The schema was made by a newer clearinghouse than this one."""


class SchemaMissing(JournalTrouble):
    """There is no journal here, or one that must be migrated first."""


class RightsMissing(JournalTrouble):
    """The database user may not do this; the message holds the SQL that allows it."""


class DataDamaged(JournalTrouble):
    """Postgres reports an internal error: its own files may be damaged."""


class StatementRefused(JournalTrouble):
    """Postgres refused a statement: the journal is append-only, or we sent nonsense."""


# Every class of SQLSTATE (its first two characters), so that none is forgotten.
CLASSES: dict[str, type[JournalTrouble]] = {
    "02": StatementRefused,  # no data
    "03": StatementRefused,  # SQL statement not yet complete
    "08": DatabaseGone,  # connection exception
    "09": StatementRefused,  # triggered action exception
    "0A": StatementRefused,  # feature not supported
    "0B": StatementRefused,  # invalid transaction initiation
    "0F": StatementRefused,  # locator exception
    "0L": RightsMissing,  # invalid grantor
    "0P": RightsMissing,  # invalid role specification
    "0Z": StatementRefused,  # diagnostics exception
    "10": StatementRefused,  # XQuery error
    "20": StatementRefused,  # case not found
    "21": StatementRefused,  # cardinality violation
    "22": StatementRefused,  # data exception
    "23": StatementRefused,  # integrity constraint violation
    "24": StatementRefused,  # invalid cursor state
    "25": StatementRefused,  # invalid transaction state
    "26": StatementRefused,  # invalid SQL statement name
    "27": StatementRefused,  # triggered data change violation
    "28": DatabaseUnreachable,  # invalid authorization
    "2B": RightsMissing,  # dependent privilege descriptors still exist
    "2D": StatementRefused,  # invalid transaction termination
    "2F": StatementRefused,  # SQL routine exception
    "34": StatementRefused,  # invalid cursor name
    "38": StatementRefused,  # external routine exception
    "39": StatementRefused,  # external routine invocation exception
    "3B": StatementRefused,  # savepoint exception
    "3D": DatabaseUnreachable,  # invalid catalog (database) name
    "3F": SchemaMissing,  # invalid schema name
    "40": DatabaseOverloaded,  # transaction rollback
    "42": StatementRefused,  # syntax error or access rule violation
    "44": StatementRefused,  # WITH CHECK OPTION violation
    "53": DatabaseOverloaded,  # insufficient resources
    "54": StatementRefused,  # program limit exceeded
    "55": DatabaseOverloaded,  # object not in prerequisite state
    "57": DatabaseGone,  # operator intervention
    "58": DiskFull,  # system error outside Postgres: I/O, file missing
    "72": StatementRefused,  # snapshot too old
    "F0": DatabaseUnreachable,  # configuration file error
    "HV": StatementRefused,  # foreign data wrapper
    "P0": StatementRefused,  # PL/pgSQL: our own triggers
    "XX": DataDamaged,  # internal error, data or index corrupted
}
# Single states that mean something else than their class.
STATES: dict[str, type[JournalTrouble]] = {
    "25006": DatabaseUnreachable,  # read only: a standby, or the old primary after a failover
    "25P03": DatabaseGone,  # idle in transaction: we stood still, and Postgres ended the session
    "25P04": DatabaseGone,  # transaction timeout: alike
    "40001": FencedOff,  # serialization failure
    "40P01": FencedOff,  # deadlock: two writers took heads in different order
    "42501": RightsMissing,  # insufficient privilege
    "42P01": SchemaMissing,  # undefined table
    "42883": SchemaMissing,  # undefined function
    "53100": DiskFull,
    "57014": DatabaseOverloaded,  # query canceled, also by a statement timeout
    "57P03": DatabaseUnreachable,  # cannot connect now: starting up or shutting down
    "57P04": DatabaseUnreachable,  # database dropped
}


UNIQUE_VIOLATION = "23505"
# Messages of the system without room; Postgres has a state of its own for the first only.
DISK_FULL_MESSAGES = ("No space left on device", "Disk quota exceeded", "File too large")


def database_trouble_of(error: psycopg.Error, doing: str) -> JournalTrouble:
    """The trouble in our words for an error of the driver. doing: the work it stopped."""
    state = error.sqlstate or getattr(type(error), "sqlstate", None)
    reason = " ".join(str(error).split()) or type(error).__name__
    if state is not None:
        kind = STATES.get(state) or CLASSES.get(state[:2], StatementRefused)
        if any(message in reason for message in DISK_FULL_MESSAGES):
            kind = DiskFull
        if state == UNIQUE_VIOLATION and error.diag.table_name == "link":
            kind = FencedOff  # another process wrote the same vote, at the same head
        return kind(f"{doing}: {reason} (SQLSTATE {state})")
    if isinstance(error, errors.ConnectionTimeout):
        return DatabaseUnreachable(f"{doing}: {reason}")
    if isinstance(error, psycopg.OperationalError):
        return DatabaseGone(f"{doing}: {reason}")
    return StatementRefused(f"{doing}: {reason}")


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise the driver's errors inside as JournalTrouble. doing: the work they stop."""
    try:
        yield
    except psycopg.Error as error:
        raise database_trouble_of(error, doing) from error
