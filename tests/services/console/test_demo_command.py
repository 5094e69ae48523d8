"""`clearing demo`: the same seed gives the same books, and so does its file of commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from services.console.demo_command import demo_command
from services.console.demo_folder import MARK, begin_afresh
from services.console.demo_run import run_demo
from services.console.exit_codes import Stopped
from services.demo.market import DAYS_MAX
from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from services.reports.table import REPORTS
from tests.conftest import fresh_database
from tests.services.console.conftest import DAYS, SEED, demo

# Of a demonstration of few days: so little may have happened, and a spread is two prices a day.
MAY_BE_SHORT = ("calls", "default", "halts", "large-traders", "limits", "spread")


@pytest.fixture
def second(postgres: EmbeddedServer) -> Iterator[str]:
    """The URL of another empty database."""
    yield from fresh_database(postgres)


def day_hashes(url: str, commands: Path) -> list[str]:
    """The hashes of a demonstration cleared into this database, as the page prints them."""
    outcome = run_demo(url, commands, seed=SEED, days=DAYS, day_done=lambda *_: None)
    assert outcome.broken == []
    return [fact["state_hash"] for fact in outcome.book.closes]


def test_a_demonstration_ends_well_and_leaves_what_it_promises(shown: tuple[Path, Result]) -> None:
    out, result = shown
    assert result.exit_code == 0, result.output
    assert "The laws hold" in result.stdout
    page = (out / "index.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<svg" in page
    names = sorted(path.name for path in (out / "reports").iterdir())
    assert names == sorted(f"{kind}.csv" for kind in REPORTS)
    lines = {name: (out / "reports" / name).read_text("utf-8").count("\n") for name in names}
    short = {name for name, count in lines.items() if count <= 3}
    assert short <= {f"{name}.csv" for name in MAY_BE_SHORT}


def test_the_same_seed_gives_the_same_bytes_and_hashes(
    shown: tuple[Path, Result], database: str, tmp_path: Path
) -> None:
    out, result = shown
    commands = tmp_path / "commands.jsonl"
    hashes = day_hashes(database, commands)
    assert len(hashes) >= 3 * DAYS
    assert commands.read_bytes() == (out / "commands.jsonl").read_bytes()
    page = (out / "index.html").read_text("utf-8")
    assert [said for said in hashes if said not in page] == []
    assert all(said in result.stdout for said in hashes[-3:])


def test_the_file_of_commands_alone_gives_the_same_hashes(
    database: str, second: str, tmp_path: Path
) -> None:
    commands = tmp_path / "commands.jsonl"
    hashes = day_hashes(database, commands)
    tally = clear(second, str(commands)).tally
    assert [day.state_hash.hex() for day in tally.days] == hashes
    assert clear(database, str(commands)).was_done


def test_a_demonstration_begins_afresh_in_its_own_folder(tmp_path: Path) -> None:
    begin_afresh(tmp_path / "out")
    (tmp_path / "out/reports/old.csv").touch()
    begin_afresh(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [MARK, "reports"]
    assert list((tmp_path / "out/reports").iterdir()) == []


def test_nobody_elses_folder_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = demo(tmp_path)
    assert result.exit_code == 2
    assert "choose another --out" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_books_that_are_in_use_are_not_removed(tmp_path: Path) -> None:
    begin_afresh(tmp_path)
    with (
        EmbeddedServer(tmp_path / "books"),
        pytest.raises(Stopped, match="another process uses"),
    ):
        begin_afresh(tmp_path)
    assert (tmp_path / "books/postgres").is_dir()


def test_given_books_are_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "books/postgres").mkdir(parents=True)
    result = demo(tmp_path / "out", "--data", str(tmp_path / "books"))
    assert (result.exit_code, (tmp_path / "out").exists()) == (2, False)
    assert "name another --data" in result.stderr


def test_the_help_knows_how_many_days_there_are() -> None:
    (days,) = [option for option in demo_command.params if option.name == "days"]
    assert days.to_info_dict()["type"]["max"] == DAYS_MAX
