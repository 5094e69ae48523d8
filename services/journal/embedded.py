"""The embedded Postgres: one server per data directory, shared by all processes that use it.

In: a data directory. Out: the URL of a running server in it. Its files:

    postgres/      the cluster (cluster.py)
    postgres.log   the server's log
    start.lock     held while a process starts or stops the server
    users.lock     held shared by every process that uses the server, for as long as it lives
    server.lock    inherited by the server and all its children: free when the last is dead

All three are `flock`s on open files: the kernel drops them with the process, whatever killed it. So
no process id is ever trusted: a process that gets `server.lock` knows that a `postmaster.pid` is
stale, and one that gets `users.lock` alone knows that it is the last user and may stop the server.
A server that a killed process left behind is joined by the next one and stopped with it.

The server listens on a unix socket in a directory of mode 0700 and on nothing else. Not a
supervisor: if Postgres dies the commands that use it fail, and the next command starts it again.
"""

import errno
import os
import signal
import time
from pathlib import Path
from typing import Self

from services.journal import file_locks
from services.journal.cluster import DATABASE, Cluster
from services.journal.trouble import (
    CommitUnknown,
    DatabaseGone,
    DiskFull,
    JournalTrouble,
    ServerNotStarted,
)

# Recovery after a crash replays at most max_wal_size of log: about a minute on a slow disk.
START_SECONDS_MAX = 300.0
STOP_SECONDS_MAX = 60.0


class EmbeddedServer:
    """A running server in a data directory; as a context manager it leaves it at the end."""

    def __init__(self, directory: Path, *, binaries: Path | None = None) -> None:
        """Start the server of this directory, or join it if it runs.

        binaries: the directory of Postgres' programs, else those of the wheel.
        """
        self.directory = directory.absolute()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._cluster = Cluster(self.directory, binaries=binaries)
            self._users = file_locks.open_lock_file(self.directory / "users.lock")
            try:
                self._log_start = self._join()
            except BaseException:
                os.close(self._users)
                raise
        except OSError as error:
            kind = DiskFull if error.errno == errno.ENOSPC else ServerNotStarted
            message = f"cannot use data directory {self.directory}: {error}"
            raise kind(message) from error
        self._closed = False

    @property
    def url(self) -> str:
        """The URL of the server's first database, as superuser."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The URL of a database of this server, as superuser."""
        return self._cluster.url_of(database)

    def cause_of(self, trouble: JournalTrouble) -> JournalTrouble:
        """The trouble; of a broken connection with the end of the server's log."""
        if not isinstance(trouble, DatabaseGone | CommitUnknown):
            return trouble
        log_end = self._cluster.log_end(after=self._log_start)
        full = isinstance(trouble, DatabaseGone) and "No space left on device" in log_end
        kind = DiskFull if full else type(trouble)
        return kind(f"{trouble}; end of {self._cluster.log}: {log_end}")

    def close(self) -> None:
        """Leave the server; the last to leave stops it."""
        if self._closed:
            return
        self._closed = True
        try:
            # A directory that was removed under us takes its server with it within a minute.
            if (self.directory / "start.lock").exists():
                with file_locks.locked(self.directory / "start.lock"):
                    if file_locks.try_exclusive(self._users):
                        self._stop()
        finally:
            os.close(self._users)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _join(self) -> int:
        """Be a user of a running server; gives the length of its log so far."""
        with file_locks.locked(self.directory / "start.lock"):
            file_locks.share(self._users)
            self._cluster.make()
            self._ensure_running()
            return self._cluster.log_length()

    def _ensure_running(self) -> None:
        """Wait for the server to answer; if it is proved dead, start it, once."""
        deadline = time.monotonic() + START_SECONDS_MAX
        started, pause = False, 0.01
        while not self._cluster.answers():
            server_lock = file_locks.try_lock(self.directory / "server.lock")
            if server_lock is not None:
                try:
                    if started:
                        what = "Postgres ended while starting"
                        raise self._cluster.not_started(what)
                    self._cluster.launch(server_lock)
                    started = True
                finally:
                    os.close(server_lock)
            if time.monotonic() > deadline:
                what = "Postgres runs but does not answer"
                raise self._cluster.not_started(what)
            time.sleep(pause)
            pause = min(1.5 * pause, 0.2)

    def _stop(self) -> None:
        """Ask the server to end with a checkpoint, then without one; give up on it in the end."""
        endings = [signal.SIGINT, signal.SIGQUIT]
        if not self._cluster.answers():
            # It recovers from a crash, in which it may miss the first signal; it has no clients.
            endings.remove(signal.SIGINT)
        for ending in endings:
            self._cluster.signal(ending)
            deadline = time.monotonic() + STOP_SECONDS_MAX
            while time.monotonic() < deadline:
                if not is_running(self.directory):
                    self._cluster.tidy()
                    return
                time.sleep(0.01)


def is_running(directory: Path) -> bool:
    """True if any process of a server of this data directory lives."""
    free = file_locks.try_lock(directory / "server.lock")
    if free is None:
        return True
    os.close(free)
    return False
