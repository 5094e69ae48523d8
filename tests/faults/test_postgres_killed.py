"""Postgres dies, or drops us, in the middle: a clear word, exit code 2, and a rerun completes."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import psycopg
import pytest

from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from tests.faults.breaking_line import breaking_line
from tests.faults.markets import hostile, plain
from tests.faults.postmaster import kill_postmaster, postmaster_of
from tests.faults.victims import Ending, ended, started
from tests.journal_contents import assert_equal, contents

# So many that whoever clears them line by line is at it for seconds on any machine.
LINES = 5_000
Admin = psycopg.Connection[tuple[object, ...]]
# Server processes that work for a clear here; the one that writes holds the claim.
OURS = """
SELECT pid FROM pg_stat_activity AS one WHERE application_name LIKE 'clearing%%'
AND datname = current_database() AND %s =
    EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = one.pid)
ORDER BY backend_start
"""
# Sees each COMMIT of ours while it waits for the disk, and ends its server process.
AT_COMMIT = """
DO $$ DECLARE found int; BEGIN
    FOR round IN 1..100000 LOOP
        PERFORM pg_stat_clear_snapshot();
        SELECT pid INTO found FROM pg_stat_activity WHERE application_name LIKE 'clearing%'
            AND datname = current_database() AND query LIKE '%COMMIT' AND state = 'active';
        IF found IS NOT NULL THEN PERFORM pg_terminate_backend(found); RETURN; END IF;
    END LOOP;
END $$
"""


@pytest.fixture
def admin(url: str) -> Iterator[Admin]:
    """A connection of somebody else to the same database."""
    with psycopg.connect(url, autocommit=True, application_name="admin") as connection:
        yield connection


def assert_told_plainly(ending: Ending) -> None:
    """Exit code 2, one line without a traceback, and what to do."""
    assert ending.code == 2, ending
    assert "Traceback" not in ending.said, ending.said
    assert "run the same command again" in ending.said, ending.said


def assert_rerun_completes(arguments: list[str], url: str, calm_url: str) -> None:
    """The same command again ends well, and the books are those of an undisturbed run."""
    path = Path(arguments[1])
    last = ended(arguments, path.with_name("log"))
    assert last.code == 0, last
    clear(calm_url, str(path))
    assert_equal(contents(url), contents(calm_url))


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("dies", ["the postmaster", "a process of ours"])
def test_a_killed_server_ends_the_run_and_a_rerun_completes(
    tmp_path: Path, calm_url: str, seed: int, dies: str
) -> None:
    path, data, rng = plain(tmp_path, seed, count=LINES), tmp_path / "data", Random(seed)  # noqa: S311
    arguments = ["--commands", str(path), "--data", str(data)]
    with EmbeddedServer(data) as server:
        victim = started(arguments, tmp_path / "log", lines_a_block=1)
        with psycopg.connect(server.url, autocommit=True, application_name="admin") as admin:
            chosen = one_of_ours(admin, writing=rng.random() < 0.5)
        time.sleep(rng.uniform(0, 0.3))
        os.kill(chosen if dies == "a process of ours" else postmaster_of(data), signal.SIGKILL)
        assert_told_plainly(victim.ending())
        again(arguments)
        clear(calm_url, str(path))
        assert_equal(contents(server.url), contents(calm_url))


def test_a_postmaster_killed_before_it_answers_says_so_and_a_rerun_completes(
    tmp_path: Path,
) -> None:
    path, data = plain(tmp_path, 3, count=LINES), tmp_path / "data"
    arguments = ["--commands", str(path), "--data", str(data)]
    with EmbeddedServer(data):
        pass
    victim = started(arguments, tmp_path / "log", lines_a_block=1)
    kill_postmaster(data)
    ending = victim.ending()
    assert ending.code == 2, ending
    assert "Traceback" not in ending.said, ending.said
    assert ended(arguments, tmp_path / "log").code == 0


def again(arguments: list[str]) -> None:
    """Run until it ends well: the server recovers from its crash first."""
    for _ in range(50):
        if ended(arguments, Path(arguments[1]).with_name("log")).code == 0:
            return
        time.sleep(0.2)
    pytest.fail("it never completed")


def one_of_ours(admin: Admin, *, writing: bool) -> int:
    """The server process that writes for us, or one that reads, as soon as something is written."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(psycopg.errors.UndefinedTable):
            if admin.execute("SELECT count(*) > 20 FROM clearing.journal").fetchone() == (True,):
                pids = [int(str(row[0])) for row in admin.execute(OURS, [writing]).fetchall()]
                if pids:
                    return pids[0]
        time.sleep(0.01)
    return pytest.fail("nothing was written")


@pytest.mark.parametrize("seed", range(3))
def test_a_dropped_connection_ends_the_run_and_a_rerun_completes(
    tmp_path: Path, url: str, calm_url: str, admin: Admin, seed: int
) -> None:
    path, rng = plain(tmp_path, seed, count=LINES), Random(seed)  # noqa: S311
    arguments = ["--commands", str(path), "--database", url]
    victim = started(arguments, tmp_path / "log", lines_a_block=1)
    chosen = one_of_ours(admin, writing=True)
    time.sleep(rng.uniform(0, 0.2))
    admin.execute("SELECT pg_terminate_backend(%s)", [chosen])
    assert_told_plainly(victim.ending())
    assert_rerun_completes(arguments, url, calm_url)


def test_a_dropped_connection_for_reading_ends_the_run_when_it_is_needed(
    tmp_path: Path, url: str, calm_url: str, admin: Admin
) -> None:
    path = plain(tmp_path, 1, count=LINES)
    lines = path.read_bytes()
    path.write_bytes(lines + lines)  # The second half is looked up, id by id.
    arguments = ["--commands", str(path), "--database", url]
    victim = started(arguments, tmp_path / "log", lines_a_block=1)
    admin.execute("SELECT pg_terminate_backend(%s)", [one_of_ours(admin, writing=False)])
    assert_told_plainly(victim.ending())
    assert_rerun_completes(arguments, url, calm_url)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_connection_dropped_while_commit_waits_for_the_disk(
    tmp_path: Path,
    url: str,
    calm_url: str,
    admin: Admin,
    seed: int,
) -> None:
    name = admin.info.dbname
    admin.execute(f"ALTER DATABASE {name} SET commit_delay = 20000".encode())
    admin.execute(f"ALTER DATABASE {name} SET commit_siblings = 0".encode())
    path = plain(tmp_path, seed, count=LINES)
    arguments = ["--commands", str(path), "--database", url]
    victim = started(arguments, tmp_path / "log", lines_a_block=10)
    one_of_ours(admin, writing=True)
    admin.execute(AT_COMMIT)
    assert_told_plainly(victim.ending())
    admin.execute(f"ALTER DATABASE {name} RESET ALL".encode())
    assert_rerun_completes(arguments, url, calm_url)


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("at_commit", [1, 2, 5])
def test_a_line_that_breaks_at_commit_leaves_nothing_half_written(
    tmp_path: Path, url: str, calm_url: str, at_commit: int, *, heard: bool
) -> None:
    path = hostile(tmp_path, at_commit)
    with breaking_line(url, at_commit=at_commit, heard=heard) as (line_url, line):
        arguments = ["--commands", str(path), "--database", line_url]
        assert_told_plainly(ended(arguments, tmp_path / "log", lines_a_block=20))
        assert line.is_broken
    arguments[3] = url
    assert_rerun_completes(arguments, url, calm_url)
