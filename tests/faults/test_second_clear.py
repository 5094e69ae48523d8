"""Two clears at the same time on the same database: one is fenced off, the books are right."""

from pathlib import Path

import psycopg
import pytest

from services.embedded.clear import clear
from services.embedded.run import EmbeddedRun
from services.journal.migrate import migrate
from services.journal.trouble import FencedOff
from tests.faults.markets import plain
from tests.faults.victims import commanded, ended, started
from tests.journal_contents import assert_equal, contents
from tests.waiting import until


@pytest.mark.parametrize("name", ["market.jsonl", "another"])
def test_a_second_clear_is_fenced_off_and_the_first_goes_on(
    tmp_path: Path, url: str, calm_url: str, name: str
) -> None:
    path = plain(tmp_path, 1)
    arguments = ["--commands", str(path), "--database", url]
    migrate(url)
    with EmbeddedRun(url):
        second = commanded("clear", *arguments, "--source", name)
    assert second.code == 2, second
    assert "another process" in second.said
    assert "clears into this database" in second.said
    assert ended(arguments, tmp_path / "log").code == 0
    clear(calm_url, str(path))
    assert_equal(contents(url), contents(calm_url))


def test_two_clears_at_work_together_give_the_books_of_one(
    tmp_path: Path, url: str, calm_url: str
) -> None:
    path = plain(tmp_path, 2, count=2_000)
    arguments = ["--commands", str(path), "--database", url]
    first = started(arguments, tmp_path / "first", lines_a_block=1)
    until(lambda: has_rows(url), "the first has written")
    second = started(arguments, tmp_path / "second", lines_a_block=1)
    endings = [one.ending() for one in (first, second)]
    assert [ending.code for ending in endings] == [0, 2], endings
    assert "another process" in endings[1].said
    clear(calm_url, str(path))
    assert_equal(contents(url), contents(calm_url))


def has_rows(url: str) -> bool:
    """Whether somebody has begun a journal."""
    with psycopg.connect(url) as connection:
        there = connection.execute("SELECT to_regclass('clearing.journal') IS NOT NULL")
        if there.fetchone() == (False,):
            return False
        return connection.execute("SELECT FROM clearing.journal LIMIT 1").fetchone() is not None


def test_a_run_that_has_ended_lets_the_next_one_in(url: str) -> None:
    migrate(url)
    for _ in range(2):
        with EmbeddedRun(url), pytest.raises(FencedOff, match="server process"):
            EmbeddedRun(url)
