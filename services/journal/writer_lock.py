"""The claim: only one process at a time clears into a database.

In: the connection that writes. Out: an advisory lock that lives and dies with it, or FencedOff. The
heads alone fence too late: two that read different sources could go on side by side for a while,
each with books that lack what the other wrote, until they meet in one shard.

A process that was killed holds its claim until its server process has ended the statement it was
at. So who comes after waits; not long if the process that holds the claim is seen to live.
"""

import os
from socket import gethostname
from time import monotonic, sleep
from typing import LiteralString

from services.journal.connecting import Connection
from services.journal.trouble import FencedOff, translated

# Any number of our own.
CLAIM_LOCK = 0x636C656173
PATIENCE_SECONDS = 5.0
PATIENCE_SECONDS_WITH_THE_LIVING = 0.3

CLAIM: LiteralString = "SELECT pg_try_advisory_lock(%s)"
CLAIM_A_SHARE: LiteralString = "SELECT pg_try_advisory_lock_shared(%s)"
NAME: LiteralString = "SELECT set_config('application_name', %s, false)"
HOLDER: LiteralString = """
SELECT pid, coalesce(application_name, '')
FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND (classid::bigint << 32) + objid::bigint = %s
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def claim(connection: Connection, *, is_shared: bool = False) -> None:
    """Claim the database for this connection, or raise FencedOff.

    is_shared: beside others of the same kind, who write other shards, their heads being the fence.
    """
    begun = monotonic()
    query = CLAIM_A_SHARE if is_shared else CLAIM
    with translated("claiming the journal"):
        connection.execute(NAME, [name_of(os.getpid())])
        while connection.execute(query, [CLAIM_LOCK]).fetchone() != (True,):
            holder = connection.execute(HOLDER, [CLAIM_LOCK]).fetchone()
            if holder is not None and monotonic() - begun > _patience(holder[1]):
                message = (
                    f"another process clears into this database: {holder[1] or 'unknown'} "
                    f"(server process {holder[0]})"
                )
                raise FencedOff(message)
            sleep(0.02)


def name_of(pid: int) -> str:
    """What a process that clears is called among the connections of a database."""
    return f"clearing {pid}@{gethostname()}"[:63]


def _patience(holder: str) -> float:
    """How long to wait for a process to let go."""
    pid = holder.removeprefix("clearing ").partition("@")[0]
    if pid.isdecimal() and holder == name_of(int(pid)) and _lives(int(pid)):
        return PATIENCE_SECONDS_WITH_THE_LIVING
    return PATIENCE_SECONDS


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
