"""`ingest`: trades from a file through `clear` to durable rows, against three baselines of one run.

ours: trades a second from the first block to the last durable one; fsync, refusals, duplicates,
chain and recovery on. of_floor: against COPY of the very rows of that run (floor.py). of_lines:
against COPY of the same lines, each with its number, which no change of ours moves. of_plain:
against a straightforward pipeline of the same facts (plain.py), on a tenth of the trades, whose
rate does not depend on their number. The floors send ready bytes: what ours lacks to them is the
work of clearing, to the second also all that the journal has beside the line.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from services.embedded.run import LINES_A_BLOCK, EmbeddedRun
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from tests.bench.clearing_file import clear_file
from tests.bench.figure import Figure, line_of
from tests.bench.floor import run_floor, run_line_floor
from tests.bench.market import CONTRACTS, DAY, account_name, opening, trades, write_lines
from tests.bench.plain import PlainBooks, run_plain

SHARD = "market/SIT"


def run(directory: Path, *, trades_count: int, accounts: int) -> dict[str, Any]:
    """Measure so many trades. Returns the fields of the line."""
    before = write_lines(directory / "opening.jsonl", opening(accounts))
    after = write_lines(directory / "trades.jsonl", trades(trades_count, accounts))
    with EmbeddedServer(directory / "data") as server:
        migrate(server.url)
        with EmbeddedRun(server.url) as embedded:
            clear_file(embedded, before)
        with EmbeddedRun(server.url) as embedded:
            took = clear_file(embedded, after)
            novated = embedded.tally.trades
        assert novated == trades_count, f"{novated} of {trades_count} trades were cleared"
        floor = run_floor(server.url, SHARD, count=trades_count)
        lines = run_line_floor(server.url, after)
        books = PlainBooks(
            {account_name(number) for number in range(accounts)},
            set(CONTRACTS),
            date.fromisoformat(DAY),
        )
        plain = run_plain(server.url, after, count=max(trades_count // 10, 1), books=books)
    ours = trades_count / took.wall
    return line_of(
        "ingest",
        [
            Figure("of_floor", "trades/s", ours, floor, 0.35, "at_least"),
            Figure("of_lines", "trades/s", ours, lines, 0.3, "at_least"),
            Figure("of_plain", "trades/s", ours, plain, 4, "at_least"),
        ],
        trades=trades_count,
        accounts=accounts,
        lines_a_batch=LINES_A_BLOCK,
        cpu_us_a_trade=took.cpu / trades_count * 1e6,
    )
