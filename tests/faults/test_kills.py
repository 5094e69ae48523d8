"""kill -9 of the clearing process, at any moment: the books end as if nothing had happened."""

import signal
from pathlib import Path
from random import Random

import psycopg
import pytest

from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from tests.faults.kills import Round, kill_round
from tests.faults.markets import defaulted, hostile
from tests.faults.postmaster import postmaster_of
from tests.faults.victims import commanded, ended, started
from tests.faults.waterfall_kill import POINTS, WATERFALL, killed_at
from tests.journal_contents import assert_equal, contents

KILLS = 50


def test_killed_clears_end_with_the_books_of_an_undisturbed_one(
    postgres: EmbeddedServer,
) -> None:
    rounds: list[Round] = []
    kills = in_the_middle = 0
    while kills < KILLS or in_the_middle < KILLS // 4:
        rounds.append(kill_round(postgres, len(rounds)))
        kills += rounds[-1].kills
        in_the_middle += rounds[-1].in_the_middle
        assert len(rounds) < KILLS, f"hardly any process is killed in the middle: {rounds}"


@pytest.mark.parametrize("seed", [1])
def test_a_clear_killed_with_its_own_server_starting_goes_on(
    tmp_path: Path, calm_url: str, seed: int
) -> None:
    rng, path, data = Random(seed), hostile(tmp_path, seed), tmp_path / "data"  # noqa: S311
    arguments = ["--commands", str(path), "--data", str(data)]
    for _ in range(6):
        victim = started(arguments, tmp_path / "log", lines_a_block=3)
        victim.has_ended(rng.uniform(0.05, 1.5))
        victim.kill()
        assert victim.ending().code in {-signal.SIGKILL, 0}
    last = ended(arguments, tmp_path / "log")
    assert last.code == 0, last
    clear(calm_url, str(path))
    with EmbeddedServer(data) as server:
        assert_equal(contents(server.url), contents(calm_url))
    assert not postmaster_of(data)


def test_the_command_itself_killed_and_run_again_completes(
    tmp_path: Path, url: str, calm_url: str
) -> None:
    path = hostile(tmp_path, 5)
    arguments = ["--commands", str(path), "--database", url]
    victim = started(arguments, tmp_path / "log", lines_a_block=1)
    victim.has_ended(0.5)
    victim.kill()
    victim.ending()
    assert commanded("clear", *arguments).code == 0
    clear(calm_url, str(path))
    assert_equal(contents(url), contents(calm_url))


def test_a_file_that_has_grown_is_gone_on_with_after_a_kill_in_what_was_added(
    tmp_path: Path, url: str, calm_url: str
) -> None:
    path = hostile(tmp_path, 5)
    whole = path.read_bytes()
    arguments = ["--commands", str(path), "--database", url]
    path.write_bytes(whole[: whole.index(b"\n", len(whole) // 4) + 1])
    assert ended(arguments, tmp_path / "log").code == 0
    path.write_bytes(whole)
    victim = started(arguments, tmp_path / "log", lines_a_block=1)
    victim.has_ended(0.3)
    victim.kill()
    victim.ending()
    assert ended(arguments, tmp_path / "log").code == 0
    clear(calm_url, str(path))
    assert_equal(contents(url), contents(calm_url))


@pytest.mark.parametrize("point", POINTS)
def test_a_waterfall_killed_while_it_is_written_is_there_whole_or_not_at_all(
    tmp_path: Path, url: str, calm_url: str, point: str
) -> None:
    path = defaulted(tmp_path)
    arguments = ["--commands", str(path), "--database", url]
    assert killed_at(arguments, tmp_path / "log", point=point).ending().code == -signal.SIGKILL
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT facts FROM clearing.journal").fetchall()
    settled = [facts for (facts,) in rows if WATERFALL in facts]
    assert len(settled) == (point == "_commit")
    assert ended(arguments, tmp_path / "log").code == 0
    clear(calm_url, str(path))
    assert_equal(contents(url), contents(calm_url))
