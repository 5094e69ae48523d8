"""Folding a market's rows into its books, without deciding them again (ARCHITECTURE §3).

In: rows in order, each with its facts. Out: the same books as by deciding, byte for byte. Runs of
rows with one novation, one quote or one refusal each and no further facts are read by columns and
added up by contract. Rows with further facts, short runs, and runs with amounts near the end of
int64 are folded fact by fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from events.control_commands import Barrier, CloseSession, ControlCommand, OpenSession
from events.fact_text import fact_head, fact_shape, read_facts
from events.facts import MarketShardFact
from events.int64 import IntArray, integers, magnitude
from events.market_facts import CycleDone, QuoteSet, TradeNovated
from events.quoted_texts import Numbers
from events.texts import Texts, runs_between
from services.shards.control_commands import standing_command
from services.shards.instant_columns import NEVER, instants_of
from services.shards.market.account_numbers import UNKNOWN
from services.shards.market.apply import MARKET_EVIDENCE, apply_market_fact
from services.shards.market.apply_control import follow_control
from services.shards.market.books import ContractBooks, MarketBooks, set_limits
from services.shards.market.makers import rows_that_count, set_quotes
from services.shards.market.novations import Novations, novate_columns, widen_lots_bounds
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import FoldBlock, FoldRow
from services.shards.shard import facts_in
from settlement.quotes import Quote

# Shorter runs are faster fact by fact than by columns.
RUN_MIN: Final = 48
_LOTS_MAX: Final = 1 << 40
_BOUND: Final = 1 << 61

_SIDES: Final = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
_OF_TRADE: Final = ("at", "contract", "price_ticks", "lots", "buyer", "seller")
_OF_QUOTE: Final = ("at", "contract", "maker", *_SIDES)
_NOVATED: Final = fact_shape(TradeNovated)
_QUOTED: Final = fact_shape(QuoteSet)
# All facts that change nothing, but that at which a copy is followed.
_EVIDENCE: Final = tuple(fact_head(kind) for kind in MARKET_EVIDENCE if kind is not CycleDone)


def fold_market_row(books: MarketBooks, row: FoldRow) -> None:
    """Fold one row, fact by fact; those that change no books are not even read."""
    seq, origin, line, facts, _ = row
    stated: list[MarketShardFact] = []
    for fact in facts_in(facts, without=_EVIDENCE):
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
    if not rows:
        return
    block = FoldBlock.of(rows)
    read = _read(block)
    for part in runs_between(_lone_rows(block, read), len(block)):
        if isinstance(part, slice):
            _fold_run(books, block[part], read=read.within(part.start, part.stop))
        else:
            fold_market_row(books, block[part])


class _Facts(NamedTuple):
    """Rows with one fact of a kind, by their numbers in a block, and its fields as columns."""

    rows: Numbers
    texts: dict[str, Texts]

    def within(self, first: int, end: int) -> _Facts:
        """Those among the rows from the first to the end, which are numbered anew."""
        low, high = np.searchsorted(self.rows, [first, end])
        texts = {name: column[low:high] for name, column in self.texts.items()}
        return _Facts(self.rows[low:high] - first, texts)


class _Read(NamedTuple):
    trades: _Facts
    quotes: _Facts

    def within(self, first: int, end: int) -> _Read:
        return _Read(self.trades.within(first, end), self.quotes.within(first, end))


def _read(block: FoldBlock) -> _Read:
    return _Read(
        _Facts(*read_facts(_NOVATED, block.quoted, names=_OF_TRADE)),
        _Facts(*read_facts(_QUOTED, block.quoted, names=_OF_QUOTE)),
    )


def _lone_rows(block: FoldBlock, read: _Read) -> list[int]:
    """The numbers of rows to fold by themselves: neither trade nor quote nor mere evidence."""
    is_lone = np.ones(len(block), np.bool_)
    for ordinary in read:
        is_lone[ordinary.rows] = False
    for number in np.flatnonzero(is_lone).tolist():
        facts = block.facts[number]
        is_lone[number] = b"\n" in facts or not facts.startswith(_EVIDENCE)
    if CONTROL_SHARD in {*block.origins}:
        # The copy of a spread may novate one leg too, and must be followed besides.
        is_lone |= np.array([origin == CONTROL_SHARD for origin in block.origins])
    return np.flatnonzero(is_lone).tolist()


def _fold_run(books: MarketBooks, block: FoldBlock, *, read: _Read) -> None:
    """Fold rows of which each is a trade, a quote, or evidence."""
    if len(block) >= RUN_MIN:
        trades = _trades_in(books, read.trades, seqs=block.seqs)
        quotes = _quotes_in(books, read.quotes)
        if trades is not None and quotes is not None:
            # Nothing can fail from here.
            trades.fold(books)
            quotes.fold(books)
            return
    for row in block:
        fold_market_row(books, row)


class _Trades(NamedTuple):
    """Novations, of each contract those in it, in the order of the stream."""

    all: Novations
    by_contract: Sequence[tuple[ContractBooks, Novations]]

    def fold(self, books: MarketBooks) -> None:
        """Add them up."""
        for contract, trades in self.by_contract:
            novate_columns(contract, trades)
        widen_lots_bounds(books, (self.all.buyer, self.all.seller), lots=self.all.lots)


def _trades_in(books: MarketBooks, facts: _Facts, *, seqs: IntArray) -> _Trades | None:
    """The novations among facts; None if one is out of bounds."""
    texts = facts.texts
    buyer, seller = (_accounts_in(books, texts[side]) for side in ("buyer", "seller"))
    columns = Novations(
        seqs[facts.rows], instants_of(texts["at"]), texts["price_ticks"].numbers(),
        texts["lots"].numbers(), buyer, seller,
    )  # fmt: skip
    if (columns.executed_at == NEVER).any() or int(columns.lots.max(initial=0)) > _LOTS_MAX:
        return None
    chosen = _by_contract(books, _contracts_in(books, texts), columns=columns)
    bounds = np.frombuffer(books.lots_bound, dtype=np.int64)
    if int(bounds.max(initial=0)) > _BOUND or not all(_is_in_bounds(*trades) for trades in chosen):
        return None
    return _Trades(columns, chosen)


class _Quotes(NamedTuple):
    """Quotes in the order of the stream, with the numbers of their contracts and makers."""

    all: Sequence[Quote]
    contract: IntArray
    maker: IntArray

    def fold(self, books: MarketBooks) -> None:
        """Set them."""
        set_quotes(books, self.all, contract=self.contract, maker=self.maker)


def _quotes_in(books: MarketBooks, facts: _Facts) -> _Quotes | None:
    """The quotes among facts that count; None as for trades."""
    texts = facts.texts
    contract, maker = _contracts_in(books, texts), _accounts_in(books, texts["maker"])
    rows = rows_that_count(books, contract=contract, maker=maker)
    times = instants_of(texts["at"][rows])
    if (times == NEVER).any():
        return None
    sides = (texts[name][rows].numbers().tolist() for name in _SIDES)
    return _Quotes([*map(Quote, *sides, times.tolist())], contract[rows], maker[rows])


def _contracts_in(books: MarketBooks, texts: Mapping[str, Texts]) -> IntArray:
    """The numbers of facts' contracts."""
    symbols = texts["contract"].words()
    numbers = {symbol.encode(): number for number, symbol in enumerate(books.contracts)}
    return integers(map(numbers.__getitem__, symbols), len(symbols))


def _accounts_in(books: MarketBooks, names: Texts) -> IntArray:
    numbers = books.numbers.of(names)
    unknown = np.flatnonzero(numbers == UNKNOWN)
    if len(unknown):
        raise KeyError(names[int(unknown[0])])
    return numbers


def _by_contract(
    books: MarketBooks, codes: IntArray, *, columns: Novations
) -> list[tuple[ContractBooks, Novations]]:
    """The columns of each contract, in the order of the stream. codes: numbers of contracts."""
    contracts = list(books.contracts.values())
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
