"""Standing quotes of makers in one contract (RULEBOOK §4, tier 2).

In: quotes as they are set and withdrawn. Out: the best bid and the best offer. Quotes lapse at the
close, at their maker's suspension and at its member's default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Quote(NamedTuple):
    """A maker's two sides in ticks and lots; None for a side withdrawn."""

    bid_ticks: int | None
    bid_lots: int | None
    ask_ticks: int | None
    ask_lots: int | None


@dataclass(slots=True)
class QuoteBook:
    """One quote for each maker, by account name."""

    by_maker: dict[str, Quote] = field(default_factory=dict)

    def set(self, maker: str, quote: Quote) -> None:
        """A maker's quote replaces the one before; two withdrawn sides leave none."""
        if quote.bid_ticks is None and quote.ask_ticks is None:
            self.by_maker.pop(maker, None)
        else:
            self.by_maker[maker] = quote

    def lapse(self, maker: str) -> None:
        """The maker's quote no longer stands."""
        self.by_maker.pop(maker, None)

    @property
    def highest_bid(self) -> int:
        """The best bid, 0 if there is none."""
        bids = [one.bid_ticks for one in self.by_maker.values() if one.bid_ticks is not None]
        return max(bids, default=0)

    def clamp(self, price_ticks: int) -> int:
        """The price, not below the best bid, then not above the best offer."""
        asks = [one.ask_ticks for one in self.by_maker.values() if one.ask_ticks is not None]
        raised = max(price_ticks, self.highest_bid)
        return min([raised, *asks])
