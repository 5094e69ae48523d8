"""Folding trades by columns: the fast twin of `fold.fold_market` (RULEBOOK §3).

In: rows of a market shard in order. Out: the same books, byte for byte, as folding row by row. Runs of rows that
state one novation and nothing else are read by one pattern and added up by contract with numpy; every other
row takes the readable way, and so does a run that is short or holds amounts near the end of int64.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np

from events.int64 import IntArray
from events.units import DAY_NS, SECOND_NS
from services.shards.fold import NOVATED, Row, fold_market
from services.shards.market_books import ContractBooks, MarketBooks

# Columns pay from about here on; below it the readable way costs less than the arrays.
RUN_MIN: Final = 48
_LOTS_MAX: Final = 1 << 40
_BOUND: Final = 1 << 61

_AT_BYTES: Final = len("2026-06-08T00:00:18.123456789Z")
_MARKS_AT: Final = [4, 7, 10, 13, 16]
_MARKS: Final = np.frombuffer(b"--T::", np.uint8)
_TENS: Final = 10 ** np.arange(8, -1, -1, dtype=np.int64)
_EPOCH: Final = date(1970, 1, 1).toordinal()

# seq, origin, position, line, facts; more may follow.
RowTuple = tuple[Any, ...]


def fold_market_rows(books: MarketBooks, rows: Sequence[RowTuple]) -> None:
    """Fold rows of a market shard; each a tuple in the order of `Row`."""
    fullmatch = NOVATED.fullmatch
    found = [fullmatch(row[4]) for row in rows]
    first = 0
    for place in [place for place, match in enumerate(found) if match is None]:
        _fold_run(books, rows[first:place], found[first:place])
        fold_market(books, Row(*rows[place][:5]))
        first = place + 1
    _fold_run(books, rows[first:], found[first:])


def _fold_run(
    books: MarketBooks, rows: Sequence[RowTuple], found: Sequence[re.Match[bytes] | None]
) -> None:
    if len(rows) >= RUN_MIN:
        groups = [match.groups() for match in found if match is not None]
        if fold_trades(books, [row[0] for row in rows], groups):
            return
    for row in rows:
        fold_market(books, Row(*row[:5]))


def fold_trades(
    books: MarketBooks, seqs: Sequence[int], groups: Sequence[tuple[bytes | Any, ...]]
) -> bool:
    """Fold novations given as the groups of NOVATED; False, and nothing done, where one is out of bounds."""
    times, symbols, ticks, lots, buyers, sellers = zip(*groups, strict=True)
    instants = _instants(times)
    prices = np.array(list(map(int, ticks)), dtype=np.int64)
    amounts = np.array(list(map(int, lots)), dtype=np.int64)
    if instants is None or int(amounts.max()) > _LOTS_MAX:
        return False
    holders = books.holders_by_wire
    sides = [
        np.array([holders[name].number for name in names], dtype=np.int64)
        for names in (buyers, sellers)
    ]
    columns = (np.array(seqs, dtype=np.int64), instants, prices, amounts, *sides)
    places: dict[bytes, int] = {}
    codes = np.array([places.setdefault(name, len(places)) for name in symbols], dtype=np.int64)
    chosen = [
        (books.contracts[name.decode()], [column[codes == code] for column in columns])
        for name, code in places.items()
    ]
    if not all(_is_in_bounds(contract, own) for contract, own in chosen):
        return False
    # Nothing can fail from here.
    for contract, own in chosen:
        _add_up(contract, own)
    _reach(books, sides, amounts)
    return True


def _is_in_bounds(contract: ContractBooks, columns: Sequence[IntArray]) -> bool:
    """Whether no sum on the way can leave int64."""
    _, _, prices, lots, buyers, sellers = columns
    mark = contract.positions.mark_ticks or 0
    spread = max(abs(int(prices.max()) - mark), abs(int(prices.min()) - mark), 1)
    if int(lots.max()) * len(lots) * spread > _BOUND:
        return False
    for column in (contract.positions.lots, contract.positions.open_cents):
        held = np.frombuffer(column, dtype=np.int64)
        for side in (held[buyers], held[sellers]):
            if int(side.max()) > _BOUND or int(side.min()) < -_BOUND:
                return False
    return True


def _add_up(contract: ContractBooks, columns: Sequence[IntArray]) -> None:
    seqs, instants, prices, lots, buyers, sellers = columns
    positions, trades = contract.positions, contract.trades
    cents = lots * (prices - (positions.mark_ticks or 0))
    for column, moved in ((positions.lots, lots), (positions.open_cents, cents)):
        held = np.frombuffer(column, dtype=np.int64)
        np.add.at(held, buyers, moved)
        np.add.at(held, sellers, -moved)
    _extend(trades.seqs, seqs)
    _extend(trades.times, instants)
    _extend(trades.prices, prices)
    _extend(trades.lots, lots)


def _extend(column: array[int], values: IntArray) -> None:
    column.frombytes(values.tobytes())


def _reach(books: MarketBooks, sides: Sequence[IntArray], lots: IntArray) -> None:
    """Owners may hold as much more as their accounts have traded."""
    accounts = books.control.accounts_by_number
    traded = np.zeros(len(accounts), dtype=np.int64)
    for side in sides:
        np.add.at(traded, side, lots)
    moved = np.flatnonzero(traded)
    holders = books.holders
    for number, amount in zip(moved.tolist(), traded[moved].tolist(), strict=True):
        holders[accounts[number].name].owner.reach_lots += amount


def _instants(texts: Sequence[bytes]) -> IntArray | None:
    """Instants in nanoseconds from canonical texts; None where one is not of that form."""
    if max(map(len, texts)) > _AT_BYTES:
        return None
    raw = np.array(texts, dtype=f"S{_AT_BYTES}").view(np.uint8).reshape(len(texts), _AT_BYTES)
    if not (raw[:, _MARKS_AT] == _MARKS).all():
        return None
    digits = raw.astype(np.int64) - ord("0")
    digits[(digits < 0) | (digits > 9)] = 0  # noqa: PLR2004 - what is no digit ends a fraction
    days = digits[:, [0, 1, 2, 3, 5, 6, 8, 9]] @ _TENS[1:]
    clock = digits[:, [11, 12, 14, 15, 17, 18]] @ np.array([36_000, 3_600, 600, 60, 10, 1])
    unique, inverse = np.unique(days, return_inverse=True)
    begun = np.array([_day_ns(day) for day in unique.tolist()], dtype=np.int64)
    nanos: IntArray = digits[:, 20:29] @ _TENS
    return begun[inverse] + clock * SECOND_NS + nanos


def _day_ns(day: int) -> int:
    """The instant at which a day written YYYYMMDD begins."""
    return (date(day // 10_000, day // 100 % 100, day % 100).toordinal() - _EPOCH) * DAY_NS
