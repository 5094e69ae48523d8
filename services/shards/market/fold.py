"""Folding a market's rows into its books, without deciding them again (ARCHITECTURE §3).

In: rows in order, each with its facts. Out: the same books as by deciding, byte for byte. Runs of
rows with one novation each and no further facts are read by one pattern and added up by contract
with numpy. Rows with further facts, short runs, and runs with amounts near the end of int64 are
folded fact by fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from events.control_commands import Barrier, CloseSession, ControlCommand, OpenSession
from events.fact_text import fact_pattern
from events.facts import MarketShardFact
from events.int64 import integers, magnitude
from events.market_facts import CycleDone, TradeNovated
from events.texts import Texts
from services.shards.control_commands import standing_command
from services.shards.instant_columns import NEVER, instants_of
from services.shards.market.apply import apply_market_fact
from services.shards.market.apply_control import follow_control
from services.shards.market.books import ContractBooks, MarketBooks, set_limits
from services.shards.market.novations import Novations, novate_columns, widen_lots_bounds
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import FACTS_OF, ORIGIN_OF, SEQ_OF, FoldRow
from services.shards.shard import facts_in

# Shorter runs are faster fact by fact than by columns.
RUN_MIN: Final = 48
_LOTS_MAX: Final = 1 << 40
_BOUND: Final = 1 << 61

_NOVATED: Final = fact_pattern(
    TradeNovated, ("at", "contract", "price_ticks", "lots", "buyer", "seller")
)
_NOVATED_FACT: Final = re.compile(_NOVATED)
_NOVATED_LINE: Final = re.compile(b"(?m)^" + _NOVATED + b"$")


def fold_market_row(books: MarketBooks, row: FoldRow) -> None:
    """Fold one row, fact by fact."""
    seq, origin, line, facts, _ = row
    stated: list[MarketShardFact] = []
    for fact in facts_in(facts):
        assert isinstance(fact, MarketShardFact), f"row {seq} states {fact.TYPE}"
        stated.append(fact)
    if origin == CONTROL_SHARD:
        _fold_copy(books, standing_command(line), facts=stated, seq=seq)
    else:
        for fact in stated:
            apply_market_fact(books, fact, seq=seq)


def _fold_copy(
    books: MarketBooks, command: ControlCommand, *, facts: Iterable[MarketShardFact], seq: int
) -> None:
    """Fold a copy and its facts; a barrier's command is followed after `CycleDone`."""
    if not isinstance(command, Barrier):
        follow_control(books, command)
    for fact in facts:
        apply_market_fact(books, fact, seq=seq)
        if isinstance(fact, CycleDone):
            follow_control(books, command)
    if isinstance(command, CloseSession | OpenSession):
        set_limits(books)


def fold_market_rows(books: MarketBooks, rows: Sequence[FoldRow]) -> None:
    """Fold rows of a market shard."""
    text = b"\n".join(map(FACTS_OF, rows))
    groups = _NOVATED_LINE.findall(text)
    are_trades = CONTROL_SHARD not in set(map(ORIGIN_OF, rows))
    # As many lines as rows, and each line a novation: no row has further facts.
    if are_trades and len(groups) == len(rows) == text.count(b"\n") + 1:
        _fold_run(books, rows, groups=groups)
    else:
        _fold_mixed(books, rows)


def _fold_mixed(books: MarketBooks, rows: Sequence[FoldRow]) -> None:
    # The copy of a spread may novate one leg too, and must be followed besides.
    matches = [
        None if origin == CONTROL_SHARD else _NOVATED_FACT.fullmatch(facts)
        for _, origin, _, facts, _ in rows
    ]
    first = 0
    for number in [number for number, match in enumerate(matches) if match is None]:
        _fold_run(books, rows[first:number], groups=_groups(matches[first:number]))
        fold_market_row(books, rows[number])
        first = number + 1
    _fold_run(books, rows[first:], groups=_groups(matches[first:]))


def _groups(matches: Sequence[re.Match[bytes] | None]) -> list[tuple[bytes, ...]]:
    return [match.groups() for match in matches if match is not None]


def _fold_run(
    books: MarketBooks, rows: Sequence[FoldRow], *, groups: Sequence[tuple[bytes, ...]]
) -> None:
    """Fold rows with one novation each."""
    if len(rows) >= RUN_MIN and fold_trades(books, [*map(SEQ_OF, rows)], groups=groups):
        return
    for row in rows:
        fold_market_row(books, row)


def fold_trades(
    books: MarketBooks, seqs: Sequence[int], *, groups: Sequence[tuple[bytes, ...]]
) -> bool:
    """Fold novations by the pattern's groups; False, with no change, if one is out of bounds."""
    times, symbols, ticks, lots, buyers, sellers = zip(*groups, strict=True)
    instants = instants_of(Texts.of(times))
    prices, amounts = (
        integers(map(int, ticks), len(groups)),
        integers(map(int, lots), len(groups)),
    )
    if (instants == NEVER).any() or int(amounts.max()) > _LOTS_MAX:
        return False
    number_of = books.numbers.__getitem__
    sides = [integers(map(number_of, names), len(groups)) for names in (buyers, sellers)]
    columns = Novations(np.array(seqs, dtype=np.int64), instants, prices, amounts, *sides)
    chosen = _by_contract(books, symbols, columns=columns)
    bounds = np.frombuffer(books.lots_bound, dtype=np.int64)
    if int(bounds.max()) > _BOUND or not all(_is_in_bounds(*trades) for trades in chosen):
        return False
    # Nothing can fail from here.
    for contract, trades in chosen:
        novate_columns(contract, trades)
    widen_lots_bounds(books, sides, lots=amounts)
    return True


def _by_contract(
    books: MarketBooks, symbols: Sequence[bytes], *, columns: Novations
) -> list[tuple[ContractBooks, Novations]]:
    """The columns of each contract, in the order of the stream."""
    contracts = list(books.contracts.values())
    numbers = {contract.symbol.encode(): number for number, contract in enumerate(contracts)}
    codes = integers(map(numbers.__getitem__, symbols), len(symbols))
    order = np.argsort(codes, kind="stable")
    ordered = [column[order] for column in columns]
    ends = np.cumsum(np.bincount(codes, minlength=len(contracts))).tolist()
    return [
        (contract, Novations(*(column[first:last] for column in ordered)))
        for contract, first, last in zip(contracts, [0, *ends], ends, strict=False)
        if first < last
    ]


def _is_in_bounds(contract: ContractBooks, trades: Novations) -> bool:
    """Whether no partial sum can leave int64."""
    prices, lots = trades.ticks, trades.lots
    mark = contract.positions.mark_ticks or 0
    spread = max(abs(int(prices.max()) - mark), abs(int(prices.min()) - mark), 1)
    if int(lots.max()) * len(lots) * spread > _BOUND:
        return False
    for column in (contract.positions.lots, contract.positions.open_cents):
        values = np.frombuffer(column, dtype=np.int64)
        if max(magnitude(values[trades.buyer]), magnitude(values[trades.seller])) > _BOUND:
            return False
    return True
