"""Broken laws stop a run; the note beneath the traceback."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.audit.verify import verify
from services.embedded.clear import clear
from services.embedded.memory import clear_in_memory
from services.hosting.blocks import MarketQueue
from services.journal.reader import Reader
from services.shards.rows import JournalRow
from tests.bench.market import closing, opening, trades
from tests.services.embedded.facts_in import facts_in
from tests.services.reports.small_market import SMALL_MARKET

# The close would pay 2000 cents to an account that has as much as there can be.
LINES = [
    line.replace(b'"amount_cents":1000000', b'"amount_cents":9223372036854775807')
    for line in SMALL_MARKET
]
CYCLE, CLOSE = [
    next(place for place, line in enumerate(LINES) if kind in line)
    for kind in (b"run_cycle/1", b"close_session/1")
]


def written(folder: Path, lines: list[bytes]) -> str:
    """The path of these lines."""
    (folder / "day").write_bytes(b"".join(line + b"\n" for line in lines))
    return str(folder / "day")


def test_a_broken_law_names_the_line_and_what_is_durable(url: str, tmp_path: Path) -> None:
    cut = CLOSE - (CLOSE - CYCLE - 1) % 5  # A block ends with a cycle, or after five lines.
    begins = [sum(len(line) + 1 for line in LINES[:count]) for count in (cut, CLOSE)]
    with pytest.raises(OverflowError, match="beyond int64") as broken:
        clear(url, written(tmp_path, LINES), lines_a_block=5)
    (note,) = broken.value.__notes__
    assert f"line {CLOSE + 1} (empty ones not counted), at byte {begins[1]}, of source day" in note
    assert f"its {cut} lines before byte {begins[0]} are durable" in note
    assert "nothing of that batch was written" in note
    assert facts_in(url) == clear_in_memory(LINES[:cut])
    assert verify(url) == []


def test_a_law_broken_by_trades_cleared_together_names_all_of_them(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_law(_: MarketQueue, numbers: range, *__: object, **___: object) -> None:
        assert not numbers, "a law"

    monkeypatch.setattr(MarketQueue, "clear", broken_law)
    before = [*opening(2)]
    with pytest.raises(AssertionError, match="a law") as broken:
        clear(url, written(tmp_path, [*before, *trades(3, 2), b"{}"]))
    (note,) = broken.value.__notes__
    assert f"one of the lines {len(before) + 1} to {len(before) + 3} (" in note
    assert "nothing of the source was durable before" in note


def test_what_breaks_outside_of_deciding_is_blamed_on_no_line(url: str, tmp_path: Path) -> None:
    def broken_elsewhere(_: object) -> None:
        raise AssertionError

    with pytest.raises(AssertionError) as broken:
        clear(url, written(tmp_path, LINES[:3]), progress=broken_elsewhere)
    assert not hasattr(broken.value, "__notes__")


def test_a_remembered_id_whose_row_cannot_be_read_is_a_broken_law_and_not_new(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [*opening(2), *trades(3, 2), closing()]
    clear(url, written(tmp_path, lines))
    before, rows_at = facts_in(url), Reader.rows_at

    def without_trades(reader: Reader, shard: str, seqs: Sequence[int]) -> list[JournalRow]:
        return [row for row in rows_at(reader, shard, seqs) if b"submit_trade" not in row.line]

    monkeypatch.setattr(Reader, "rows_at", without_trades)
    path = written(tmp_path, [*lines, lines[-2]])
    with pytest.raises(AssertionError, match=r"market/SIT remembers ids of rows \[\d+\], which"):
        clear(url, path)
    assert facts_in(url) == before
    monkeypatch.undo()
    assert clear(url, path).tally.trades == 0
    assert verify(url) == []
