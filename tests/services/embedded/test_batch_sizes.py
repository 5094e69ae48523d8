"""One market in blocks of any size, by one process or many, the fast way or not: one journal."""

from collections.abc import Callable
from pathlib import Path

import pytest

from events import trade_line
from services.embedded.clear import clear
from services.embedded.memory import clear_in_memory
from services.embedded.run import EmbeddedRun
from services.journal.reader import Reader
from services.sources.source_reader import SourceReader
from tests.journal_contents import assert_equal, contents
from tests.services.embedded.facts_in import facts_in
from tests.services.embedded.hostile_trades import hostile_trades
from tests.twin.generate import market

BOM = b"\xef\xbb\xbf"
SEEDS = [0, 1, 2]
NewJournal = Callable[[], str]


def written(directory: Path, seed: int) -> str:
    """The path of a market's file."""
    path = directory / "market.jsonl"
    path.write_bytes(b"\n".join(market(seed, days=3)) + b"\n")
    return str(path)


def clear_with_restarts(url: str, path: str, *, lines_a_block: int) -> None:
    """Clear a file with a fresh process's memory after every block."""
    position, digest, lines, is_last = 0, b"", 0, False
    while not is_last:
        with Path(path).open("rb") as stream, EmbeddedRun(url) as embedded:
            reader = SourceReader(stream, name="market.jsonl", lines_a_block=lines_a_block)
            if position:
                reader.skip(position, sha256=digest, lines_so_far=lines)
            block = next(reader.blocks())
            embedded.run_block(block, source="market.jsonl", position_before=position or None)
            position, digest, lines, is_last = block.end, block.sha256, block.lines_so_far, block[5]


@pytest.mark.parametrize("seed", SEEDS)
def test_blocks_of_any_size_give_one_journal(
    new_journal: NewJournal, tmp_path: Path, seed: int
) -> None:
    path, whole = written(tmp_path, seed), new_journal()
    clear(whole, path)
    expected = contents(whole)
    for lines_a_block in (1, 25, 1_000):
        url = new_journal()
        clear(url, path, lines_a_block=lines_a_block)
        assert_equal(contents(url), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_restart_after_every_block_gives_one_journal(
    new_journal: NewJournal, tmp_path: Path, seed: int
) -> None:
    path, whole, restarted = written(tmp_path, seed), new_journal(), new_journal()
    clear(whole, path)
    clear_with_restarts(restarted, path, lines_a_block=19)
    assert_equal(contents(restarted), contents(whole))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_journal_holds_the_facts_of_a_market_in_memory(
    url: str, tmp_path: Path, seed: int
) -> None:
    clear(url, written(tmp_path, seed))
    lines = market(seed, days=3)
    assert facts_in(url) == clear_in_memory([lines[0].removeprefix(BOM), *lines[1:]])


@pytest.mark.parametrize("seed", SEEDS)
def test_trades_one_by_one_give_the_rows_of_trades_by_the_thousand(
    new_journal: NewJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    path, fast, slow = written(tmp_path, seed), new_journal(), new_journal()
    clear(fast, path)
    monkeypatch.setattr(trade_line, "SHAPES_MAX", 0)
    clear(slow, path)
    assert_equal(contents(slow), contents(fast))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_trades_at_the_edge_of_the_fast_way_are_decided_as_one_by_one(
    new_journal: NewJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    path, fast, slow = tmp_path / "trades.jsonl", new_journal(), new_journal()
    lines = hostile_trades(seed)
    path.write_bytes(b"\n".join(lines))
    clear(fast, str(path), lines_a_block=400)
    monkeypatch.setattr(trade_line, "SHAPES_MAX", 0)
    clear(slow, str(path))
    assert_equal(contents(slow), contents(fast))
    assert facts_in(fast) == clear_in_memory(lines)


def test_day_hashes_are_those_of_the_summary(url: str, tmp_path: Path) -> None:
    said = clear(url, written(tmp_path, 1)).tally.days
    with Reader(url) as reader:
        days = [day for shard in reader.heads() for day in reader.days(shard)]
    assert sorted(said) == sorted(days)
