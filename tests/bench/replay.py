"""`replay`: the rate of folding recorded facts, and what a cold start takes as history grows.

folding: rows a second from the first row of a market's shard to its books, reading included, as
`clearing replay` folds. Baseline: the same rows, every column, read by COPY TO in binary on the
same kind of connection, each row a tuple. folding_of_blocks: against a client that takes the same
bytes and looks at none.

cold_start: seconds until a house has its books, after four days of the same size against after
one; after the last close there is a tail of a tenth of a day that must be folded.
first_trade_seconds: until it has decided a trade, too. Before that it loads what it remembers of
ids: the open span of 2^20 rows, and a filter of two bytes a row for what is older. So it rises
and falls with the open span, and by a filter's 2 MiB a million rows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from psycopg import Copy

from services.embedded.run import EmbeddedRun
from services.hosting.restore import replay_shard
from services.journal.connecting import Connection, connect
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
_TYPES = ["text", "int8", "date", "text", "int8", "int8", "bytea", "int4", "bytea", "bytea"]
_READ = "COPY (SELECT * FROM clearing.journal WHERE shard = 'market/SIT') TO STDOUT (FORMAT BINARY)"


def run(directory: Path, *, trades_count: int, accounts: int) -> dict[str, Any]:
    """Four days of so many trades each."""
    starts: dict[int, tuple[float, float]] = {}
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
        by_row, by_block = _read(url, _read_rows), _read(url, _read_blocks)
    opened = [seconds for seconds, _ in starts.values()]
    return line_of(
        "replay",
        [
            Figure("folding", "rows/s", rows / folded, rows / by_row, 0.4, "at_least"),
            Figure("folding_of_blocks", "rows/s", rows / folded, rows / by_block, 0.4, "at_least"),
            Figure("cold_start", "s", opened[-1], opened[0], 1.2, "at_most"),
        ],
        rows=rows,
        trades_a_day=trades_count,
        accounts=accounts,
        start_seconds=opened,
        first_trade_seconds=[started for _, started in starts.values()],
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


def _start(url: str, path: Path) -> tuple[float, float]:
    """Seconds until a house has its books, and until its first trade is durable."""
    begun = perf_counter()
    with EmbeddedRun(url) as embedded:
        opened = perf_counter() - begun
        clear_file(embedded, path)
        seconds = perf_counter() - begun
        assert embedded.tally.trades == 1, f"{path.name}: refused {embedded.tally.refused}"
        return opened, seconds


def _fold(url: str) -> tuple[float, int]:
    """Seconds of folding a shard from its first row, the better of several, and how many rows."""
    with Reader(url) as reader:
        rows = reader.heads()[SHARD].seq + 1
        return min(_timed(reader) for _ in range(TRIES)), rows


def _timed(reader: Reader) -> float:
    begun = perf_counter()
    replay_shard(reader, SHARD)
    return perf_counter() - begun


def _read(url: str, read: Callable[[Copy], int]) -> float:
    """Seconds of reading the same rows by COPY TO, the best of several."""
    with connect(url) as connection:
        return min(_timed_read(connection, read) for _ in range(TRIES))


def _timed_read(connection: Connection, read: Callable[[Copy], int]) -> float:
    begun = perf_counter()
    with connection.cursor().copy(_READ.encode()) as copy:
        read(copy)
    return perf_counter() - begun


def _read_rows(copy: Copy) -> int:
    """Take every row as a tuple of its values."""
    copy.set_types(_TYPES)
    return sum(1 for _ in copy.rows())


def _read_blocks(copy: Copy) -> int:
    """Take the bytes and look at none."""
    return sum(1 for _ in copy)
