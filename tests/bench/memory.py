"""`memory`: bytes of what the books hold, and what the N-th trade costs.

In real blocks through `clear` to durable rows: after each block of trades its microseconds a trade
on the clock and of this process's cores, and the resident memory. ours, baseline: cores'
microseconds a trade of the last block and of the first. `--trades 10000000` shows the ten-
millionth. All trades are of one session, which keeps 32 bytes a trade until its close.

bytes_an_account, bytes_a_position: by tracemalloc, over what the market shard and `member/0` hold
when accounts are opened one by one and hold a position in every listed contract. bytes_an_id: what
the running house says it holds of remembered ids, over the trades.
"""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.embedded.memory import MemoryRun
from services.embedded.run import EmbeddedRun
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from tests.bench.clearing_file import Took, clear_file
from tests.bench.figure import Figure, line_of
from tests.bench.market import opening, trades, write_lines

_STATM = Path("/proc/self/statm")
_ACCOUNTS_TRACED = 5_000


def run(directory: Path, *, trades_count: int, accounts: int, block: int) -> dict[str, Any]:
    """Clear so many trades in blocks of this size; `accounts` hold positions."""
    an_account, a_position = _bytes_of_books(min(accounts, _ACCOUNTS_TRACED))
    curve: list[tuple[Took, int]] = []
    with EmbeddedServer(directory / "data") as server:
        migrate(server.url)
        with EmbeddedRun(server.url) as embedded:
            clear_file(embedded, write_lines(directory / "opening.jsonl", opening(accounts)))
            for first in range(0, trades_count, block):
                path = directory / f"trades-{first}.jsonl"
                write_lines(path, trades(block, accounts, first=first))
                curve.append((clear_file(embedded, path), _resident_bytes()))
                path.unlink()
            cleared, ids = embedded.tally.trades, embedded.memory_bytes
    assert cleared == len(curve) * block, f"{cleared} trades were cleared"
    costs = [took.cpu / block * 1e6 for took, _ in curve]
    return line_of(
        "memory",
        [Figure("last_block_of_first", "us/trade (cores)", costs[-1], costs[0], 1.2, "at_most")],
        trades=cleared,
        accounts=accounts,
        block=block,
        us_a_trade=[took.wall / block * 1e6 for took, _ in curve],
        cpu_us_a_trade=costs,
        resident_mb=[resident / 1e6 for _, resident in curve],
        bytes_an_account=an_account,
        bytes_a_position=a_position,
        bytes_an_id=ids / cleared,
    )


def _bytes_of_books(accounts: int) -> tuple[float, float]:
    """Traced bytes of an account without positions, and of a position, in every shard together."""
    run = MemoryRun()
    *lines, session = opening(accounts)

    def open_accounts() -> None:
        for line in lines:
            run.decide(line)
            _forget_rows(run)

    of_accounts = _traced(open_accounts)
    of_positions = _traced(lambda: run.decide(session))
    contracts = len(run.clearinghouse.markets["SIT"].books.contracts)
    assert contracts > 0, "no contract was listed"
    return of_accounts / accounts, of_positions / (accounts * contracts)


def _forget_rows(run: MemoryRun) -> None:
    """What a journal would have taken, ids of deposits too."""
    for shard in run.clearinghouse.in_order():
        shard.log.hand_over()
    run.memory.seen.clear()


def _traced(work: Callable[[], object]) -> int:
    """Bytes that are held after some work and were not before."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    work()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


def _resident_bytes() -> int:
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
