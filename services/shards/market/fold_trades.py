"""Folding trades by columns: the fast twin of `fold.fold_market` (RULEBOOK §3).

In: rows of a market shard in order. Out: the same books, byte for byte, as folding row by row.
Runs of rows that state one novation and nothing else are read by one pattern and added up by
contract with numpy; every other row takes the readable way, and so does a run that is short or
holds amounts near the end of int64.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from events.int64 import magnitude
from services.shards.fold import NOVATED, Row, fold_market
from services.shards.instant_columns import NEVER, instants_of
from services.shards.market.books import ContractBooks, MarketBooks
from services.shards.market.novation_columns import (
    Novations,
    integers,
    novate_columns,
    widen_reaches,
)

# Columns pay from about here on; below it the readable way costs less than the arrays.
RUN_MIN: Final = 48
_LOTS_MAX: Final = 1 << 40
_BOUND: Final = 1 << 61

_NOVATED_LINE: Final = re.compile(b"(?m)^" + NOVATED.pattern + b"$")

# seq, origin, position, line, facts; more may follow.
RowTuple = tuple[Any, ...]


def fold_market_rows(books: MarketBooks, rows: Sequence[RowTuple]) -> None:
    """Fold rows of a market shard; each a tuple in the order of `Row`."""
    text = b"\n".join([row[4] for row in rows])
    found = _NOVATED_LINE.findall(text)
    # As many lines as rows, each of them a novation: then no row states anything else.
    if len(found) == len(rows) == text.count(b"\n") + 1:
        _fold_run(books, rows, groups=found)
    else:
        _fold_mixed(books, rows)


def _fold_mixed(books: MarketBooks, rows: Sequence[RowTuple]) -> None:
    matches = [NOVATED.fullmatch(row[4]) for row in rows]
    first = 0
    for place in [place for place, match in enumerate(matches) if match is None]:
        _fold_run(books, rows[first:place], groups=_groups(matches[first:place]))
        fold_market(books, Row(*rows[place][:5]))
        first = place + 1
    _fold_run(books, rows[first:], groups=_groups(matches[first:]))


def _groups(matches: Sequence[re.Match[bytes] | None]) -> list[tuple[bytes, ...]]:
    return [match.groups() for match in matches if match is not None]


def _fold_run(
    books: MarketBooks, rows: Sequence[RowTuple], *, groups: Sequence[tuple[bytes, ...]]
) -> None:
    """Fold rows each of which states one novation."""
    if len(rows) >= RUN_MIN and fold_trades(books, [row[0] for row in rows], groups=groups):
        return
    for row in rows:
        fold_market(books, Row(*row[:5]))


def fold_trades(
    books: MarketBooks, seqs: Sequence[int], *, groups: Sequence[tuple[bytes, ...]]
) -> bool:
    """Fold novations by the groups of NOVATED; False, and nothing done, if one is out of bounds."""
    times, symbols, ticks, lots, buyers, sellers = zip(*groups, strict=True)
    instants = instants_of(times)
    prices, amounts = (
        integers(map(int, ticks), len(groups)),
        integers(map(int, lots), len(groups)),
    )
    if instants is None or (instants == NEVER).any() or int(amounts.max()) > _LOTS_MAX:
        return False
    number_of = books.numbers.__getitem__
    sides = [integers(map(number_of, names), len(groups)) for names in (buyers, sellers)]
    columns = Novations(np.array(seqs, dtype=np.int64), instants, prices, amounts, *sides)
    chosen = _by_contract(books, symbols, columns=columns)
    reach = np.frombuffer(books.reach_lots, dtype=np.int64)
    if int(reach.max()) > _BOUND or not all(_is_in_bounds(one, own) for one, own in chosen):
        return False
    # Nothing can fail from here.
    for contract, own in chosen:
        novate_columns(contract, own)
    widen_reaches(books, sides, lots=amounts)
    return True


def _by_contract(
    books: MarketBooks, symbols: Sequence[bytes], *, columns: Novations
) -> list[tuple[ContractBooks, Novations]]:
    """The columns of each contract, in the order of the stream."""
    contracts = list(books.contracts.values())
    places = {one.symbol.encode(): place for place, one in enumerate(contracts)}
    codes = integers(map(places.__getitem__, symbols), len(symbols))
    order = np.argsort(codes, kind="stable")
    ordered = [column[order] for column in columns]
    ends = np.cumsum(np.bincount(codes, minlength=len(contracts))).tolist()
    return [
        (contract, Novations(*(column[first:last] for column in ordered)))
        for contract, first, last in zip(contracts, [0, *ends], ends, strict=False)
        if first < last
    ]


def _is_in_bounds(contract: ContractBooks, trades: Novations) -> bool:
    """Whether no sum on the way can leave int64."""
    prices, lots = trades.ticks, trades.lots
    mark = contract.positions.mark_ticks or 0
    spread = max(abs(int(prices.max()) - mark), abs(int(prices.min()) - mark), 1)
    if int(lots.max()) * len(lots) * spread > _BOUND:
        return False
    for column in (contract.positions.lots, contract.positions.open_cents):
        held = np.frombuffer(column, dtype=np.int64)
        if max(magnitude(held[trades.buyer]), magnitude(held[trades.seller])) > _BOUND:
            return False
    return True
