"""The facts of ordinary trades and quotes, by columns: their texts but for the row's number.

In: ordinary lines and their columns. Out: of each line the text of its one fact before its `seq`,
and behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

import numpy as np

from events.fact import Fact
from events.fact_text import fact_texts
from events.int64 import IntArray
from events.market_facts import QuoteSet, TradeNovated
from events.texts import Texts, decimals, joined, merged
from services.shards.instant_columns import canonical_texts
from services.shards.market.line_columns import MarketLines

_OF_TRADE: Final = ("trade_id", "contract", "price_ticks", "lots", "buyer", "seller")
_OF_QUOTE: Final = ("maker", "contract", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")


class FactColumns(NamedTuple):
    """The texts of facts before their rows' numbers, and behind those."""

    heads: Texts
    rests: Texts


def state_facts(
    lines: MarketLines, *, ticks: IntArray, asks: IntArray, shard: str, day: date
) -> FactColumns:
    """The facts of trades and quotes in the session of a day. ticks: prices or bids."""
    name, symbol, _, lots, third, fourth, instant = lines.fields
    texts = (canonical_texts(instant), name, symbol, decimals(ticks), lots)
    is_quote, trades = lines.is_quote, np.flatnonzero(~lines.is_quote)
    trade_head, of_trades = _stated(
        TradeNovated, _OF_TRADE, columns=[text[trades] for text in (*texts, third, fourth)],
        shard=shard, alike={"business_date": day},
    )  # fmt: skip
    if len(trades) == len(is_quote):
        return FactColumns(_repeated(trade_head, len(trades)), of_trades)
    quotes = np.flatnonzero(is_quote)
    quote_head, of_quotes = _stated(
        QuoteSet, _OF_QUOTE, columns=[text[quotes] for text in (*texts, decimals(asks), fourth)],
        shard=shard, alike={},
    )  # fmt: skip
    heads = (
        _repeated(head, len(of)) for head, of in ((trade_head, of_trades), (quote_head, of_quotes))
    )
    return FactColumns(
        merged(*heads, is_second=is_quote), merged(of_trades, of_quotes, is_second=is_quote)
    )


def _stated(
    kind: type[Fact],
    names: Sequence[str],
    *,
    columns: Sequence[Texts],
    shard: str,
    alike: Mapping[str, object],
) -> tuple[bytes, Texts]:
    """The text of facts before `seq`, and those behind. columns: of `at`, then of the names."""
    head, before, behind, *between, end = fact_texts(kind, shard, columns=names, alike=alike)
    texts = [before, b"Z" + behind, *between]
    pieces: list[bytes | Texts] = []
    for text, column in zip(texts, columns, strict=True):
        pieces += (text, column)
    return head, joined([*pieces, end])


def _repeated(text: bytes, count: int) -> Texts:
    return Texts(text, np.zeros(count, np.int64), np.full(count, len(text)))
