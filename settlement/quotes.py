"""Standing quotes of makers in one contract (RULEBOOK §4, tier 2).

In: quotes, set and withdrawn. Out: the best bid and the best offer. Quotes lapse at the close, at
their maker's suspension and at its member's default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Quote(NamedTuple):
    """A maker's two sides in ticks and lots, None for a withdrawn side, and the quote's time."""

    bid_ticks: int | None
    bid_lots: int | None
    ask_ticks: int | None
    ask_lots: int | None
    at: int


@dataclass(slots=True)
class QuoteBook:
    """One quote for each maker, by account name."""

    by_maker: dict[str, Quote] = field(default_factory=dict)

    def set(self, maker: str, quote: Quote) -> None:
        """Replace a maker's quote; two withdrawn sides remove it."""
        if quote.bid_ticks is None and quote.ask_ticks is None:
            self.by_maker.pop(maker, None)
        else:
            self.by_maker[maker] = quote

    def lapse(self, maker: str) -> None:
        """Remove the maker's quote."""
        self.by_maker.pop(maker, None)

    @property
    def highest_bid(self) -> int:
        """The best bid, 0 without bids."""
        quotes = self.by_maker.values()
        return max((quote.bid_ticks for quote in quotes if quote.bid_ticks is not None), default=0)

    def clamp(self, price_ticks: int) -> int:
        """The price, not below the best bid, then not above the best offer."""
        quotes = self.by_maker.values()
        asks = [quote.ask_ticks for quote in quotes if quote.ask_ticks is not None]
        raised = max(price_ticks, self.highest_bid)
        return min([raised, *asks])
