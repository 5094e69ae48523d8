"""One market in blocks of any size, by one process or many, the fast way or not: one journal."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from events import trade_line
from services.embedded.clear import clear
from services.embedded.memory import clear_in_memory
from services.embedded.run import EmbeddedRun
from services.journal.embedded import EmbeddedServer
from services.journal.reader import Reader
from services.shards.rows import DayRow
from services.sources.source_reader import SourceReader
from tests.conftest import TEMPLATE, fresh_database
from tests.journal_contents import assert_equal, contents
from tests.services.embedded.facts_in import facts_in
from tests.services.embedded.hostile_trades import hostile_trades
from tests.twin.generate import market

BOM = b"\xef\xbb\xbf"
NewJournal = Callable[[], str]


class Whole(NamedTuple):
    """A market, its file, the journal of it cleared at once, what that holds, the days told."""

    lines: list[bytes]
    path: str
    url: str
    rows: dict[str, list[Any]]
    days: list[DayRow]


@pytest.fixture(scope="module", params=[0, 1, 2])
def whole(
    migrated: EmbeddedServer,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Whole]:
    """The market of a seed."""
    path = tmp_path_factory.mktemp("whole") / "market.jsonl"
    lines = market(request.param, days=3)
    path.write_bytes(b"\n".join(lines) + b"\n")
    for url in fresh_database(migrated, template=TEMPLATE):
        days = clear(url, str(path)).tally.days
        yield Whole(lines, str(path), url, contents(url), days)


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


def test_blocks_of_any_size_give_one_journal(whole: Whole, new_journal: NewJournal) -> None:
    for lines_a_block in (1, 25, 1_000):
        url = new_journal()
        clear(url, whole.path, lines_a_block=lines_a_block)
        assert_equal(contents(url), whole.rows)


def test_a_restart_after_every_block_gives_one_journal(whole: Whole, url: str) -> None:
    clear_with_restarts(url, whole.path, lines_a_block=19)
    assert_equal(contents(url), whole.rows)


def test_the_journal_holds_the_facts_of_a_market_in_memory(whole: Whole) -> None:
    first, *others = whole.lines
    assert facts_in(whole.url) == clear_in_memory([first.removeprefix(BOM), *others])


def test_trades_one_by_one_give_the_rows_of_trades_by_the_thousand(
    whole: Whole, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trade_line, "SHAPES_MAX", 0)
    clear(url, whole.path)
    assert_equal(contents(url), whole.rows)


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


def test_day_hashes_are_those_of_the_summary(whole: Whole) -> None:
    with Reader(whole.url) as reader:
        days = [day for shard in reader.heads() for day in reader.days(shard)]
    assert sorted(whole.days) == sorted(days)
