"""The trades of the open session of one contract, as columns, for settlement prices.

In: trades in the order of the stream, busts and adjustments by the journal row of the trade. Out:
the volume-weighted mean and the latest trade of a span of time (RULEBOOK §4, tiers 1 and 2). A
busted trade stays in the columns with no lots. Law: 32 bytes a trade, nothing survives the close.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from events.int64 import IntArray


def _column() -> array[int]:
    return array("q")


@dataclass(slots=True)
class SessionTrades:
    """Columns of equal length: journal row, execution time, price in ticks, lots (0: busted).

    highest: the greatest price, of busted trades too; 0 without trades.
    """

    seqs: array[int] = field(default_factory=_column)
    times: array[int] = field(default_factory=_column)
    prices: array[int] = field(default_factory=_column)
    lots: array[int] = field(default_factory=_column)
    highest: int = field(init=False, compare=False, default=0)

    def __post_init__(self) -> None:
        """Compute the greatest price once; later trades update it."""
        self.highest = max(self.prices, default=0)

    def add(self, seq: int, executed_at: int, *, price_ticks: int, lots: int) -> None:
        """Append a trade of the stream."""
        self.seqs.append(seq)
        self.times.append(executed_at)
        self.prices.append(price_ticks)
        self.lots.append(lots)
        self.highest = max(self.highest, price_ticks)

    def extend(self, seqs: IntArray, times: IntArray, *, prices: IntArray, lots: IntArray) -> None:
        """Append trades of the stream, as columns."""
        self.seqs.frombytes(seqs.tobytes())
        self.times.frombytes(times.tobytes())
        self.prices.frombytes(prices.tobytes())
        self.lots.frombytes(lots.tobytes())
        self.highest = max(self.highest, int(prices.max(initial=0)))

    def bust(self, seq: int) -> bool:
        """Set the lots of a journal row's trade to 0; False for a trade of an earlier session."""
        index = self._find(seq)
        if index is not None:
            self.lots[index] = 0
        return index is not None

    def standing(self) -> int:
        """The number of trades that are not busted."""
        return len(self.lots) - self.lots.count(0)

    def standing_lots(self) -> int:
        """The lots of the trades that are not busted."""
        return sum(self.lots)

    def reprice(self, seq: int, price_ticks: int) -> None:
        """Set the price of a journal row's trade."""
        index = self._find(seq)
        if index is not None:
            before, self.prices[index] = self.prices[index], price_ticks
            is_lower = before == self.highest and price_ticks < before
            self.highest = max(self.prices) if is_lower else max(self.highest, price_ticks)

    def _find(self, seq: int) -> int | None:
        index = bisect_left(self.seqs, seq)
        return index if index < len(self.seqs) and self.seqs[index] == seq else None

    def mean_price(self, first: int, last: int) -> Fraction | None:
        """The exact volume-weighted mean of trades from `first` to `last`, both included."""
        times, prices, lots = self._views()
        chosen = np.nonzero((times >= first) & (times <= last) & (lots > 0))[0]
        if not len(chosen):
            return None
        weights = lots[chosen].tolist()
        weighed = sum(
            weight * price for weight, price in zip(weights, prices[chosen].tolist(), strict=True)
        )
        return Fraction(weighed, sum(weights))

    def latest_price(self, first: int, last: int) -> int | None:
        """The price of the latest trade of a span, ends included; ties: the later in the stream."""
        times, prices, lots = self._views()
        chosen = np.nonzero((times >= first) & (times <= last) & (lots > 0))[0]
        if not len(chosen):
            return None
        latest = times[chosen]
        return int(prices[chosen[len(chosen) - 1 - int(np.argmax(latest[::-1]))]])

    def _views(self) -> tuple[IntArray, IntArray, IntArray]:
        return (
            np.frombuffer(self.times, dtype=np.int64),
            np.frombuffer(self.prices, dtype=np.int64),
            np.frombuffer(self.lots, dtype=np.int64),
        )
