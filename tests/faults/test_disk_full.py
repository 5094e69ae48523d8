"""The disk is full: a clear word, nothing half written; a rerun completes when there is room."""

from pathlib import Path

import psycopg
import pytest

from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from tests.faults.full_disk import (
    MIB,
    ROOM_FOR_A_CLUSTER,
    files_limited,
    filled,
    may_mount,
    small_disk,
)
from tests.faults.markets import plain
from tests.faults.victims import Ending, commanded, ended
from tests.journal_contents import assert_equal, contents

# For a while, and for next to nothing.
ROOMS = (24 * MIB, 1 * MIB)


def assert_told_plainly(ending: Ending, *, said: str) -> None:
    """Exit code 2, what was found and what to do, without a traceback."""
    assert ending.code == 2, ending
    assert said in ending.said, ending.said
    assert "run the same command again" in ending.said, ending.said
    assert "Traceback" not in ending.said, ending.said


def assert_nothing_half_written(data: Path) -> None:
    """The heads are those of the last rows, and the source stands where the rows end."""
    with EmbeddedServer(data) as server, psycopg.connect(server.url) as connection:
        if connection.execute("SELECT to_regclass('clearing.source')").fetchone() == (None,):
            return
        heads = connection.execute("SELECT shard, seq FROM clearing.shard_head ORDER BY 1")
        rows = connection.execute(
            "SELECT shard, max(seq) FROM clearing.journal GROUP BY 1 ORDER BY 1"
        )
        assert heads.fetchall() == rows.fetchall()


def assert_completes(data: Path, path: Path, calm_url: str) -> None:
    """The same command again ends with the books of an undisturbed run."""
    assert ended(["--commands", str(path), "--data", str(data)], path.with_name("log")).code == 0
    clear(calm_url, str(path))
    with EmbeddedServer(data) as server:
        assert_equal(contents(server.url), contents(calm_url))


def test_files_that_may_not_grow_stop_the_run_and_a_rerun_completes(
    tmp_path: Path, calm_url: str
) -> None:
    path, data = plain(tmp_path, 1, count=30_000, accounts=100), tmp_path / "data"
    with EmbeddedServer(data):
        pass
    with files_limited(ROOM_FOR_A_CLUSTER):
        ending = commanded("clear", "--commands", str(path), "--data", str(data))
    assert_told_plainly(ending, said="File too large")
    assert_nothing_half_written(data)
    assert_completes(data, path, calm_url)


# Only where the process may mount a disk; the test above needs nothing.
@pytest.mark.parametrize("room", ROOMS if may_mount() else ())
def test_a_full_disk_stops_the_run_and_a_rerun_completes(
    tmp_path: Path, calm_url: str, room: int
) -> None:
    path = plain(tmp_path, 1, count=40_000, accounts=100)
    with small_disk(tmp_path / "disk") as disk:
        data = disk / "data"
        with EmbeddedServer(data):
            pass
        with filled(disk, but=room):
            ending = ended(["--commands", str(path), "--data", str(data)], tmp_path / "log")
        assert_told_plainly(ending, said="No space left on device")
        assert_nothing_half_written(data)
        assert_completes(data, path, calm_url)


def test_no_room_for_a_cluster_is_said_plainly_and_a_rerun_completes(tmp_path: Path) -> None:
    path, data = plain(tmp_path, 1, count=100), tmp_path / "data"
    with files_limited(8 * MIB):
        ending = commanded("clear", "--commands", str(path), "--data", str(data))
    assert ending.code == 2, ending
    assert "File too large" in ending.said, ending
    assert ended(["--commands", str(path), "--data", str(data)], tmp_path / "log").code == 0
