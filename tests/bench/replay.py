"""`replay`: the rate of folding recorded facts, and what a cold start takes as history grows.

folding: rows a second from the first row of a market's shard to its books, reading included, as
`clearing replay` folds. Baseline: the same rows, every column, by COPY TO in binary on the same
kind of connection; the client takes the blocks as they come and looks at none, which is the
fastest it can do.

cold_start: seconds from nothing to the first trade decided and durable in a journal that holds 1,
2 and 4 days of the same size and, after the last close, a tail of a tenth of a day that must be
folded. ours is the start after four days, baseline the one after the first.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

from services.audit.replay import replay_market
from services.embedded.run import EmbeddedRun
from services.journal.connecting import connect
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from services.journal.reader import Reader
from tests.bench.clearing_file import clear_file
from tests.bench.figure import Figure, line_of
from tests.bench.market import closing, opening, trades, write_lines

DAYS = ("2026-06-08", "2026-06-09", "2026-06-10", "2026-06-11", "2026-06-12")
DAYS_SHOWN = (1, 2, 4)
SHARD = "market/SIT"
TRIES = 3
_READ = "COPY (SELECT * FROM clearing.journal WHERE shard = 'market/SIT') TO STDOUT (FORMAT BINARY)"


def run(directory: Path, *, trades_count: int, accounts: int) -> dict[str, Any]:
    """Four days of so many trades each."""
    starts: dict[int, float] = {}
    with EmbeddedServer(directory / "data") as server:
        url = server.url
        migrate(url)
        _clear(url, write_lines(directory / "opening.jsonl", opening(accounts)))
        first = 0
        for number in range(1, max(DAYS_SHOWN) + 1):
            _clear(url, _day(directory, number, (first, trades_count, accounts)))
            first += trades_count
            if number in DAYS_SHOWN:
                tail = max(trades_count // 10, 1)
                _clear(url, _tail(directory, number, (first, tail, accounts)))
                first += tail
                starts[number] = min(
                    _start(url, _tail(directory, number, (first + one, 1, accounts)))
                    for one in range(TRIES)
                )
                first += TRIES
        folded, rows = _fold(url)
        read = _read(url)
    return line_of(
        "replay",
        [
            Figure("folding", "rows/s", rows / folded, rows / read, 0.4, "at_least"),
            Figure("cold_start", "s", starts[4], starts[1], 1.2, "at_most"),
        ],
        rows=rows,
        trades_a_day=trades_count,
        accounts=accounts,
        start_seconds=[starts[days] for days in DAYS_SHOWN],
        start_after_days=list(DAYS_SHOWN),
    )


def _day(directory: Path, number: int, drawn: tuple[int, int, int]) -> Path:
    """A day's trades and its close. drawn: number of the first trade, trades, accounts."""
    first, count, accounts = drawn
    day, following = DAYS[number - 1], DAYS[number]
    lines = [*trades(count, accounts, first=first, day=day), closing(day, following)]
    return write_lines(directory / f"day-{number}.jsonl", lines)


def _tail(directory: Path, number: int, drawn: tuple[int, int, int]) -> Path:
    """Trades of the day after so many."""
    first, count, accounts = drawn
    path = directory / f"after-{number}-{first}.jsonl"
    return write_lines(path, trades(count, accounts, first=first, day=DAYS[number]))


def _clear(url: str, path: Path) -> None:
    with EmbeddedRun(url) as embedded:
        clear_file(embedded, path)
        assert not embedded.tally.refused, f"{path.name}: refused {embedded.tally.refused}"


def _start(url: str, path: Path) -> float:
    """Seconds until the first trade of a fresh house is durable."""
    begun = perf_counter()
    with EmbeddedRun(url) as embedded:
        clear_file(embedded, path)
        seconds = perf_counter() - begun
        assert embedded.tally.trades == 1, f"{path.name}: refused {embedded.tally.refused}"
        return seconds


def _fold(url: str) -> tuple[float, int]:
    """Seconds of folding a shard from its first row, the better of several, and how many rows."""
    with Reader(url) as reader:
        rows = reader.heads()[SHARD].seq + 1
        return min(_timed(reader) for _ in range(TRIES)), rows


def _timed(reader: Reader) -> float:
    begun = perf_counter()
    replay_market(reader, SHARD)
    return perf_counter() - begun


def _read(url: str) -> float:
    """Seconds of taking the same rows from COPY TO, the best of several."""
    with connect(url) as connection:
        seconds = []
        for _ in range(TRIES):
            begun = perf_counter()
            with connection.cursor().copy(_READ.encode()) as copy:
                for _block in copy:
                    pass
            seconds.append(perf_counter() - begun)
        return min(seconds)
