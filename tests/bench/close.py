"""`close`: the close of a day with variation and margin, in four comparisons.

durable: seconds from the command that closes to everything durable (facts in parts with their
chain, links, ledger, statements, prices, day hashes, snapshots) for `accounts_durable` accounts in
ten contracts, against SQL in the same Postgres for the same positions (close_sql.py) into a table
with a primary key (date, account, contract): a record in which a report can look a position up.
Beside it (bare_seconds, bare_ratio) stands the same against a table without any key, in which a
report would look through every position of every day; no target is read against it. The best of
three closes, on three days running, against the best of three statements.
facts: seconds from the books as they stand to encoded facts, market and members, in memory,
against `json.dumps` alone writing as many of the same facts from prepared dictionaries (up to
20,000 of each kind are timed, the rest counted).
arithmetic: the functions the shards call for variation and margin of every account and contract,
against one NumPy int64 multiply-add over the same matrix into memory that is there already. Books
are filled directly (books.py).
default: CPU seconds of a whole close in memory, facts encoded, of `accounts_durable` accounts under
the default margin model, against the same under `paper`.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from events.codec import decode_command
from events.command import Malformed
from events.control_commands import CloseSession
from risk.index_moves import IndexMoves
from risk.margin_models import PAPER, SCAN
from risk.requirement import maintenance_of
from services.embedded.memory import MemoryRun
from services.embedded.run import EmbeddedRun
from services.hosting.interpreter import return_freed_memory
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from services.shards.clearinghouse import Clearinghouse
from services.shards.emission import Emission
from services.shards.market.apply import apply_market_fact
from services.shards.market.books import ContractBooks, MarketBooks, MarketEmission
from services.shards.market.cycle import Marked, close_market, flow_of
from services.shards.member.apply import apply_member_fact
from services.shards.member.books import MemberEmission
from services.shards.member.cycle import cycle_of, settle_cycle
from services.shards.member.margin import add_up
from tests.bench.books import SETTLED_TICKS, fill_books, trade_again
from tests.bench.clearing_file import clear_file
from tests.bench.close_sql import SettledInSql
from tests.bench.figure import Figure, line_of
from tests.bench.market import DAY, closing, opening, session, write_lines
from tests.by_paper import BY_PAPER

TRIES = 5
SAMPLE = 20_000
# Those that are closed to durable rows, and one that is only opened.
DAYS = (DAY, "2026-06-09", "2026-06-10", "2026-06-11")
RATE_PPM = 60_000
MAINTENANCE_PPM = 750_000


def run(directory: Path, *, accounts: int, accounts_durable: int) -> dict[str, Any]:
    """Close with so many accounts in memory, and so many to durable rows."""
    return_freed_memory()
    durable, bare, keyed = _durable(directory, accounts_durable)
    arithmetic, multiply_add, facts, dumped, stated = _in_memory(accounts)
    by_default, by_paper = (close_by(model, accounts_durable) for model in (SCAN, PAPER))
    return line_of(
        "close",
        [
            Figure("durable", "s", durable, keyed, 2, "at_most"),
            Figure("facts", "s", facts, dumped, 1, "at_most"),
            Figure("arithmetic", "s", arithmetic, multiply_add, 20, "at_most"),
            Figure("default", "s", by_default, by_paper, 1.5, "at_most"),
        ],
        accounts=accounts,
        accounts_durable=accounts_durable,
        facts=stated,
        bare_seconds=bare,
        bare_ratio=durable / bare,
    )


def close_by(model: str, accounts: int, *, moves: IndexMoves | None = None) -> float:
    """CPU seconds of a whole close in memory under a margin model, the best of a few.

    moves: the largest moves of the index so far, none if None.
    """
    seconds = []
    for _ in range(TRIES):
        memory = MemoryRun()
        memory.decide(json.dumps(BY_PAPER | {"value": model}).encode())
        for line in opening(0):
            memory.decide(line)
        fill_books(memory.clearinghouse, accounts)
        memory.clearinghouse.markets["SIT"].books.moves = moves or IndexMoves()
        begun = process_time()
        _close(memory.clearinghouse)
        seconds.append(process_time() - begun)
    return min(seconds)


def _durable(directory: Path, accounts: int) -> tuple[float, float, float]:
    """Seconds of ours, and of SQL into a bare table and into one with a key.

    They take turns: whatever else the machine does meets all three.
    """
    before = write_lines(directory / "opening.jsonl", opening(0))
    ours, bare, keyed = list[float](), list[float](), list[float]()
    with EmbeddedServer(directory / "data") as server:
        migrate(server.url)
        with EmbeddedRun(server.url) as embedded:
            clear_file(embedded, before)
            contracts = fill_books(embedded.clearinghouse, accounts)
            with SettledInSql(server.url, contracts) as sql:
                for day, following in pairwise(DAYS):
                    bare.append(sql.seconds("bare"))
                    keyed.append(sql.seconds("keyed"))
                    close = write_lines(directory / f"close-{day}", [closing(day, following)])
                    ours.append(clear_file(embedded, close).wall)
                    clear_file(embedded, write_lines(directory / following, [session(following)]))
                    trade_again(contracts, following, seed=len(ours))
            assert len(embedded.tally.days) == len(ours) * len(embedded.clearinghouse.shards)
    return min(ours), min(bare), min(keyed)


def _in_memory(accounts: int) -> tuple[float, float, float, float, int]:
    """Seconds of arithmetic and its baseline, of facts and theirs, and how many facts."""
    memory = MemoryRun()
    for line in opening(0):
        memory.decide(line)
    contracts = fill_books(memory.clearinghouse, accounts)
    market = memory.clearinghouse.markets["SIT"].books
    arithmetic = _best(lambda: _settle_columns(market, contracts))
    multiply_add = _multiply_add(contracts)
    begun = perf_counter()
    blocks = _close(memory.clearinghouse)
    facts = perf_counter() - begun
    dumped, stated = _dumped(blocks)
    return arithmetic, multiply_add, facts, dumped, stated


def _settle_columns(market: MarketBooks, contracts: list[ContractBooks]) -> None:
    """Variation of every position and margin of every account, as the shards reckon them."""
    marked = [
        Marked(one, SETTLED_TICKS, 1, one.positions.variation(SETTLED_TICKS)) for one in contracts
    ]
    flows = [flow_of(market, one) for one in marked]
    accounts = len(contracts[0].positions.lots)
    totals = add_up(accounts, flows, parameter=market.control.parameter)
    maintenance_of(totals.initial, share_ppm=MAINTENANCE_PPM)
    assert not totals.net.sum(), "variation does not sum to zero"


def _multiply_add(contracts: list[ContractBooks]) -> float:
    lots = np.array([one.positions.lots for one in contracts], dtype=np.int64)
    opened = np.array([one.positions.open_cents for one in contracts], dtype=np.int64)
    prices = np.full((len(contracts), 1), SETTLED_TICKS, dtype=np.int64)
    out = np.empty_like(lots)

    def multiply_add() -> None:
        np.multiply(lots, prices, out=out)
        np.add(out, opened, out=out)

    return _best(multiply_add)


def _best(work: Callable[[], None]) -> float:
    seconds = []
    for _ in range(TRIES):
        begun = perf_counter()
        work()
        seconds.append(perf_counter() - begun)
    return min(seconds)


def _close(clearinghouse: Clearinghouse) -> list[bytes]:
    """The close of the market and the cycle of the members: their facts, encoded."""
    command = decode_command(closing())
    assert isinstance(command, CloseSession | Malformed)
    assert not isinstance(command, Malformed), command
    market = clearinghouse.markets["SIT"].books
    stated: MarketEmission = Emission("market/SIT", 1, partial(apply_market_fact, market, seq=1))
    flows = close_market(market, command, emit=stated)
    books = clearinghouse.member.books
    members: MemberEmission = Emission("member/0", 1, partial(apply_member_fact, books))
    settle_cycle(books, cycle_of(books, command), flows=flows, emit=members)
    return stated.blocks + members.blocks


def _dumped(blocks: list[bytes]) -> tuple[float, int]:
    """Seconds in which `json.dumps` writes as many of the same facts, and how many they are."""
    counts: Counter[str] = Counter()
    samples: dict[str, list[dict[str, Any]]] = {}
    for block in blocks:
        kind = json.loads(block.split(b"\n", 1)[0])["type"]
        counts[kind] += block.count(b"\n") + 1
        held = samples.setdefault(kind, [])
        if len(held) < SAMPLE:
            held += [json.loads(line) for line in block.split(b"\n")]
    gc.collect()
    seconds = 0.0
    for kind, held in samples.items():
        begun = perf_counter()
        for fact in held:
            json.dumps(fact)
        seconds += (perf_counter() - begun) / len(held) * counts[kind]
    return seconds, counts.total()
