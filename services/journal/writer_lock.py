"""The writer lock: only one process at a time clears into a database, or feeds a source.

In: the connection that writes. Out: an advisory lock of its session, released when the connection
ends; or FencedOff. The heads alone would fence too late: two processes that read different sources
could both write for a while, each with books that lack the rows of the other, until both write the
same shard.

After a kill the lock is held until the server process has ended its last statement. So the next
process waits for the lock, but only briefly if the process that holds it is alive on this machine.
"""

import os
from socket import gethostname
from time import monotonic, sleep
from typing import LiteralString

from services.journal.connecting import Connection
from services.journal.trouble import FencedOff, translated

# Any number of our own.
CLAIM_LOCK = 0x636C656173
LOCK_SECONDS_MAX = 5.0
LIVE_HOLDER_SECONDS_MAX = 0.3

CLAIM: LiteralString = "SELECT pg_try_advisory_lock(%s)"
CLAIM_A_SHARE: LiteralString = "SELECT pg_try_advisory_lock_shared(%s)"
SOURCE_KEY: LiteralString = "SELECT hashtextextended(%s, %s)"
NAME: LiteralString = "SELECT set_config('application_name', %s, false)"
HOLDER: LiteralString = """
SELECT pid, coalesce(application_name, '')
FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND (classid::bigint << 32) + objid::bigint = %s
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def claim(connection: Connection, *, is_shared: bool = False) -> None:
    """Take the writer lock for this connection, or raise FencedOff.

    is_shared: together with workers, each of which writes other shards, fenced by their heads.
    """
    query = CLAIM_A_SHARE if is_shared else CLAIM
    with translated("claiming the journal"):
        _take(connection, CLAIM_LOCK, query=query, work="clears into this database")


def claim_source(connection: Connection, source: str) -> None:
    """Take the lock of a source that is fed to Kafka, or raise FencedOff."""
    with translated("claiming a source"):
        key = connection.execute(SOURCE_KEY, [source, CLAIM_LOCK]).fetchone()
        assert key is not None, "a query without rows"
        _take(connection, key[0], query=CLAIM, work=f"feeds {source}")


def _take(connection: Connection, key: int, *, query: LiteralString, work: str) -> None:
    """Take a lock. work: of whoever has it, in words."""
    start = monotonic()
    connection.execute(NAME, [name_of(os.getpid())])
    while connection.execute(query, [key]).fetchone() != (True,):
        holder = connection.execute(HOLDER, [key]).fetchone()
        if holder is not None and monotonic() - start > _patience(holder[1]):
            message = (
                f"another process {work}: {holder[1] or 'unknown'} (server process {holder[0]})"
            )
            raise FencedOff(message)
        sleep(0.02)


def name_of(pid: int) -> str:
    """The `application_name` of a process that clears."""
    return f"clearing {pid}@{gethostname()}"[:63]


def _patience(holder: str) -> float:
    """Seconds to wait for the holder of the lock."""
    pid = holder.removeprefix("clearing ").partition("@")[0]
    if pid.isdecimal() and holder == name_of(int(pid)) and _lives(int(pid)):
        return LIVE_HOLDER_SECONDS_MAX
    return LOCK_SECONDS_MAX


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
