"""Folding trades by columns leaves the books that folding row by row leaves, to the byte."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from services.embedded.memory import MemoryRun
from services.shards.market import fold
from services.shards.market.books import MarketBooks, open_market_books
from services.shards.market.fold import fold_market_row, fold_market_rows
from services.shards.market.state import dump_market
from services.shards.rows import FoldRow
from settlement.control_books import ControlBooks
from tests.bench.market import DAY, account_name, closing, opening, trades
from tests.bench.mixed import mixed_lines
from tests.simulation.restarts import fold_rows
from tests.twin.generate import market


def rows_of(lines: list[bytes], product: str = "SIT") -> list[FoldRow]:
    """The rows of a market's shard after row 0, as folding reads them."""
    run = MemoryRun()
    for line in lines:
        run.decide(line)
    return fold_rows(run.clearinghouse.markets[product].log)[1:]


def folded(rows: list[FoldRow], size: int | None) -> tuple[bytes, bytes]:
    """State and reach after rows, in blocks of a size; None: row by row."""
    books: MarketBooks = open_market_books("SIT", ControlBooks())
    if size is None:
        for row in rows:
            fold_market_row(books, row)
    else:
        for first in range(0, len(rows), size):
            fold_market_rows(books, rows[first : first + size])
    return dump_market(books, links_sent=0), books.lots_bound.tobytes()


def edited(line: bytes, **fields: object) -> bytes:
    """A trade with some fields changed."""
    return json.dumps({**json.loads(line), **fields}).encode()


@pytest.mark.parametrize("size", [60, 1_000, 100_000])
def test_blocks_of_trades_fold_as_their_rows_do(size: int) -> None:
    some = list(trades(2_500, 12))
    fine = [
        edited(line, trade_id=f"n{number}", executed_at=f"2026-06-08T23:00:00.{number:09d}Z")
        for number, line in enumerate(some[:300])
    ]
    rows = rows_of([*opening(12), *some, *fine, closing(), *some[:3]])
    assert folded(rows, size) == folded(rows, None)


@pytest.mark.parametrize("seed", range(1, 7))
def test_a_market_of_all_kinds_folds_as_its_rows_do(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "RUN_MIN", 2)
    rows = rows_of([line.removeprefix(b"\xef\xbb\xbf") for line in market(seed)])
    assert folded(rows, 200) == folded(rows, None)


def test_trades_quotes_and_refusals_fold_as_their_rows_do() -> None:
    designated = b'{"type":"designate_maker/1","product":"SIT","account":"%b","at":"%bT00:00:01Z"}'
    makers = [designated % (account_name(n).encode(), DAY.encode()) for n in (1, 2, 3)]
    withdrawn = b'{"type":"submit_quote/1","maker":"%b","contract":"SITU26","at":"%bT20:00:00Z"}'
    lines = [
        *opening(12), *makers, *islice(mixed_lines(3_000, 12), 3_000),
        withdrawn % (account_name(4).encode(), DAY.encode()), *mixed_lines(300, 12),
    ]  # fmt: skip
    rows = rows_of(lines)
    kinds = {json.loads(row[3].split(b"\n")[0])["type"] for row in rows if row[3]}
    assert {"trade_novated/1", "quote_set/1", "command_refused/1"} <= kinds
    assert folded(rows, 1_000) == folded(rows, None)


def test_rows_without_facts_fold_as_well() -> None:
    empty = [row for row in rows_of([*opening(12)]) if not row[3]]
    assert empty
    assert folded(empty, 100) == folded(empty, None)


def test_amounts_near_the_end_of_int64_are_folded_one_by_one() -> None:
    some = list(trades(200, 12))
    large = [
        edited(line, trade_id=f"L{number}", lots=(1 << 39) + number)
        for number, line in enumerate(some)
    ]
    huge = [edited(some[0], trade_id="H1", lots=1 << 53)]
    rows = rows_of([*opening(12), *large, *huge, *large[:1], *some])
    assert folded(rows, 100_000) == folded(rows, None)
