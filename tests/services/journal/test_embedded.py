"""The embedded server comes up whatever happened before and goes with its last user."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from services.journal.embedded import EmbeddedServer, is_running
from services.journal.trouble import (
    CommitUnknown,
    DatabaseGone,
    DiskFull,
    FencedOff,
    ServerNotStarted,
)
from tests.waiting import until

HOLDER = """
import sys, time
from pathlib import Path
from services.journal.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
print("up", flush=True)
sys.stdin.read()
server.close()
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A data directory; whatever still runs in it at the end is ended."""
    data = tmp_path / "data"
    yield data
    if data.exists():
        EmbeddedServer(data).close()


def holder(directory: Path) -> subprocess.Popen[str]:
    """A process of its own that uses the server until its standard input ends."""
    command = [sys.executable, "-c", HOLDER, str(directory)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_until_up(process: subprocess.Popen[str]) -> None:
    """Wait until the process has its server."""
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"


def kill(process: subprocess.Popen[str]) -> None:
    """End it at once, as `kill -9` does."""
    process.kill()
    process.communicate()


def postmaster_of(directory: Path) -> int:
    """The process id of the running server."""
    return int((directory / "postgres" / "postmaster.pid").read_text().split()[0])


def kill_postmaster(directory: Path) -> None:
    """End Postgres' first process at once."""
    os.kill(postmaster_of(directory), signal.SIGKILL)


def rows_in(server: EmbeddedServer) -> int:
    """Rows of the table that `write_row` makes."""
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def write_row(server: EmbeddedServer) -> None:
    """Commit a row that must survive."""
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (1)")


def test_the_server_listens_on_a_socket_that_only_we_can_reach(postgres: EmbeddedServer) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        shown = connection.execute("SHOW unix_socket_directories").fetchone()
    assert shown is not None
    assert Path(shown[0]).stat().st_mode & 0o777 == 0o700


def test_the_server_is_durable_and_of_version_18(postgres: EmbeddedServer) -> None:
    with psycopg.connect(postgres.url) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == ("on",)
        assert connection.info.server_version // 10_000 == 18


def test_the_last_to_leave_stops_the_server(directory: Path) -> None:
    first = EmbeddedServer(directory)
    pid = postmaster_of(directory)
    second = EmbeddedServer(directory)
    assert postmaster_of(directory) == pid
    first.close()
    first.close()
    write_row(second)
    second.close()
    assert not is_running(directory)


def test_the_server_is_no_child_of_ours_and_no_terminal_interrupts_it(directory: Path) -> None:
    with EmbeddedServer(directory):
        pid = postmaster_of(directory)
        assert os.getsid(pid) == pid
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_what_was_written_is_there_after_a_stop_and_a_start(directory: Path) -> None:
    for count in (1, 2):
        with EmbeddedServer(directory) as server:
            write_row(server)
            assert rows_in(server) == count


def test_processes_that_start_at_once_share_one_server(directory: Path) -> None:
    holders = [holder(directory) for _ in range(3)]
    for process in holders:
        wait_until_up(process)
    assert is_running(directory)
    for process in holders:
        process.communicate()
        assert process.returncode == 0
    assert not is_running(directory)


def test_a_killed_process_leaves_a_server_that_the_next_one_joins_and_stops(
    directory: Path,
) -> None:
    process = holder(directory)
    wait_until_up(process)
    pid = postmaster_of(directory)
    kill(process)
    with EmbeddedServer(directory) as server:
        assert postmaster_of(directory) == pid
        write_row(server)
    assert not is_running(directory)


def test_a_killed_postgres_comes_up_again_with_what_was_committed(directory: Path) -> None:
    server = EmbeddedServer(directory)
    write_row(server)
    kill_postmaster(directory)
    with EmbeddedServer(directory) as again:
        assert rows_in(again) == 1
        server.close()
        write_row(again)


def test_a_process_whose_postgres_was_killed_leaves_in_peace(directory: Path) -> None:
    with EmbeddedServer(directory):
        kill_postmaster(directory)
    assert not is_running(directory)


def test_a_stale_pid_that_now_belongs_to_another_process_is_not_believed(directory: Path) -> None:
    with EmbeddedServer(directory) as server:
        write_row(server)
        content = (directory / "postgres" / "postmaster.pid").read_text()
        kill_postmaster(directory)
    stale = directory / "postgres" / "postmaster.pid"
    stale.write_text("\n".join([str(os.getppid()), *content.split("\n")[1:]]))
    with EmbeddedServer(directory) as server:
        assert rows_in(server) == 1


def test_kills_at_any_moment_of_the_start_do_no_harm(directory: Path) -> None:
    chance = random.Random(3)  # noqa: S311 - moments, not secrets
    for _ in range(12):
        process = holder(directory)
        time.sleep(chance.uniform(0.1, 1.2))
        with suppress(OSError, ValueError, IndexError):
            if chance.random() < 0.3:
                kill_postmaster(directory)
        kill(process)
    until(lambda: not initdb_runs(directory), "the initdb of the last that was killed has ended")
    with EmbeddedServer(directory) as server:
        write_row(server)
        assert list(directory.glob("postgres.new-*")) == []


def initdb_runs(directory: Path) -> bool:
    """Whether an initdb, of whoever started it, still makes a cluster there."""
    command = ["pgrep", "-f", str(directory / "postgres.new-")]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0


def test_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 20) / ("path" * 20)
    for count in (1, 2):
        with EmbeddedServer(deep) as server:
            write_row(server)
            kill_postmaster(deep)
        with EmbeddedServer(deep) as server:
            assert rows_in(server) == count
            sockets = Path(str(conninfo_to_dict(server.url)["host"]))
            assert sockets.stat().st_mode & 0o777 == 0o700
        assert not sockets.exists()


def test_a_path_with_awkward_characters_works(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "it's 100% ü & 'so' at $HOME") as server:
        write_row(server)
        assert rows_in(server) == 1


def test_a_directory_below_one_that_only_we_may_enter_works(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with EmbeddedServer(private / "data") as server:
        write_row(server)
    assert private.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_was_moved_works(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "old") as server:
        write_row(server)
    (tmp_path / "old").rename(tmp_path / "new")
    with EmbeddedServer(tmp_path / "new") as server:
        assert rows_in(server) == 1


def test_a_cluster_of_another_version_is_named(directory: Path) -> None:
    EmbeddedServer(directory).close()
    version = directory / "postgres" / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(ServerNotStarted, match="made by Postgres 9"):
        EmbeddedServer(directory)
    version.write_text("18\n")


def test_a_cluster_that_does_not_start_shows_its_log(directory: Path) -> None:
    EmbeddedServer(directory).close()
    control = directory / "postgres" / "global" / "pg_control"
    content = control.read_bytes()
    control.write_bytes(b"nonsense" + content[8:])
    with pytest.raises(ServerNotStarted, match=r"(?s)postgres\.log: .*FATAL"):
        EmbeddedServer(directory)
    control.write_bytes(content)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerNotStarted, match="cannot use data directory"):
        EmbeddedServer(tmp_path / "file" / "data")


def test_programs_that_are_not_there_are_named(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerNotStarted, match="initdb"):
        EmbeddedServer(directory, binaries=tmp_path)


def test_the_log_tells_why_a_connection_broke(directory: Path) -> None:
    with EmbeddedServer(directory) as server:
        with (directory / "postgres.log").open("a") as log:
            log.write("PANIC: could not write: No space left on device\n")
        gone, unknown = DatabaseGone("reading: lost"), CommitUnknown("COMMIT: lost")
        assert isinstance(server.cause_of(gone), DiskFull)
        assert isinstance(server.cause_of(unknown), CommitUnknown)
        assert "No space left" in str(server.cause_of(unknown))
        fenced = FencedOff("late")
        assert server.cause_of(fenced) is fenced
