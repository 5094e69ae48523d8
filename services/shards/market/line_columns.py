"""The trades and quotes of one market in a block of lines, as columns.

In: the texts that `trade_line` has read. Out: columns of numbers and texts, read once for the
block. Account and contract numbers are looked up again when the books have new ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

import numpy as np

from events.contracts import Product, ticks_of
from events.int64 import IntArray, integers
from events.market_commands import SubmitTrade
from events.texts import Bools, Rows, Texts
from events.trade_line import LineFields
from events.units import parse_decimal
from services.shards.instant_columns import instants_of
from services.shards.market.account_numbers import UNKNOWN
from services.shards.market.books import MarketBooks
from settlement.quotes import Quote

_CACHE_MAX: Final = 1 << 16

# By the text of a price; a cache.
Ticks = dict[bytes, int]


@dataclass(frozen=True, slots=True)
class MarketLines:
    """Trades and quotes of one market in the order of the stream, as columns of one length.

    keys: of trade ids; suspects: True where a trade's id may be a repeat.
    """

    fields: LineFields
    positions: IntArray
    lines: Texts
    keys: IntArray
    suspects: Bools
    is_quote: Bools

    def chosen(self, rows: Rows) -> MarketLines:
        """The lines of some rows."""
        name, symbol, price, lots, third, fourth, instant = self.fields
        return MarketLines(
            (
                name[rows], symbol[rows], price[rows], lots[rows], third[rows], fourth[rows],
                instant[rows],
            ),
            self.positions[rows],
            self.lines[rows],
            self.keys[rows],
            self.suspects[rows],
            self.is_quote[rows],
        )  # fmt: skip


@dataclass(slots=True)
class Columns:
    """The fields of lines: names as on the wire; numbers as int64, −1 for unknown ones.

    names: trade ids and makers; ticks, lots: of a quote those of its bid; thirds, fourths: buyers
    and sellers; of a quote the texts of its ask and its lots. contract, buyer, seller: numbers in
    the books; of a quote both are the maker.
    """

    names: Texts
    symbols: list[bytes]
    thirds: Texts
    fourths: Texts
    ticks: IntArray
    ask_ticks: IntArray
    lots: IntArray
    executed_at: IntArray
    is_quote: Bools
    contract: IntArray = field(init=False)
    buyer: IntArray = field(init=False)
    seller: IntArray = field(init=False)
    _contracts: list[str] = field(default_factory=list)
    _accounts: int = 0
    _counted: dict[int, SubmitTrade] = field(default_factory=dict)

    def number(self, books: MarketBooks, *, first: int) -> None:
        """Look up contracts and accounts of the lines from `first` on, if the books have others."""
        contracts, accounts = [*books.contracts], len(books.numbers)
        if (contracts, accounts) == (self._contracts, self._accounts):
            return
        self._contracts, self._accounts = contracts, accounts
        numbers = {symbol.encode(): number for number, symbol in enumerate(contracts)}
        symbols = self.symbols[first:]
        self.contract[first:] = integers(map(numbers.get, symbols, repeat(UNKNOWN)), len(symbols))
        trades = np.flatnonzero(~self.is_quote[first:]) + first
        self.buyer[trades] = books.numbers.of(self.thirds[trades])
        self.seller[trades] = books.numbers.of(self.fourths[trades])
        quotes = np.flatnonzero(self.is_quote[first:]) + first
        self.buyer[quotes] = self.seller[quotes] = books.numbers.of(self.names[quotes])
        for row, trade in self._counted.items():
            sides = (trade.buyer.encode(), trade.seller.encode())
            self.buyer[row], self.seller[row] = map(books.numbers.by_name.__getitem__, sides)

    def count(self, row: int, trade: SubmitTrade, *, product: Product) -> None:
        """Let a line that has no fields of its own count like a trade."""
        self.symbols[row] = trade.contract.encode()
        self._counted[row] = trade
        ticks = ticks_of(trade.price, product)
        self.ticks[row] = UNKNOWN if ticks is None else ticks
        self.lots[row], self.executed_at[row] = trade.lots, trade.executed_at

    def quotes_in(self, rows: IntArray) -> Iterator[Quote]:
        """The quotes of some lines."""
        chosen = (self.ticks, self.lots, self.ask_ticks, self.executed_at)
        bids, lots, asks, times = (column[rows].tolist() for column in chosen)
        ask_lots = self.fourths[rows].numbers().tolist()
        return map(Quote, bids, lots, asks, ask_lots, times)


def read_columns(lines: MarketLines, product: Product, *, ticks: Ticks) -> Columns:
    """Read the fields of lines; `number` gives them numbers."""
    names, symbols, prices, lots, thirds, fourths, instants = lines.fields
    count, quotes = len(names), np.flatnonzero(lines.is_quote)
    ask_ticks = np.zeros(count, np.int64)
    ask_ticks[quotes] = _ticks_of(thirds[quotes].words(), product, ticks=ticks)
    columns = Columns(
        names=names,
        symbols=symbols.words(),
        thirds=thirds,
        fourths=fourths,
        ticks=_ticks_of(prices.words(), product, ticks=ticks),
        ask_ticks=ask_ticks,
        lots=lots.numbers(),
        executed_at=instants_of(instants),
        is_quote=lines.is_quote,
    )
    columns.contract, columns.buyer, columns.seller = np.full((3, count), UNKNOWN, np.int64)
    return columns


def _ticks_of(prices: Sequence[bytes], product: Product, *, ticks: Ticks) -> IntArray:
    """The ticks of prices, by way of the cache; −1 for a price off the tick."""
    if len(ticks) > _CACHE_MAX:
        ticks.clear()
    for price in sorted({*prices} - ticks.keys()):
        whole = ticks_of(parse_decimal(price.decode()), product) if price else None
        ticks[price] = UNKNOWN if whole is None else whole
    return integers(map(ticks.__getitem__, prices), len(prices))
