"""The positions whose margins a journal is tested on: contracts, front months, spreads.

In: what a journal says of margins and moves. Out: names, and a function from a close to the
positions at it, None where there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import combinations
from typing import TypeAlias

from events.contracts import product_of
from services.backtest.live_book import LiveBook, Lots

LotsOn: TypeAlias = Callable[[date], Lots | None]


def contract_lots(book: LiveBook, contract: str) -> LotsOn:
    """A lot of a contract, while it trades."""

    def lots_on(day: date) -> Lots | None:
        return {contract: 1} if contract in book.listed_on(product_of(contract), day) else None

    return lots_on


def portfolios(book: LiveBook) -> Iterator[tuple[str, LotsOn]]:
    """The portfolios of each product, and of each pair of them, the later name first."""
    for product in book.products():
        yield f"{product} front month", _front(book, product)
        yield f"{product} calendar spread", _spread(book, product)
    for pair in combinations(reversed(book.products()), 2):
        yield " against ".join(pair), _against(book, pair)


def _front(book: LiveBook, product: str) -> LotsOn:
    def lots_on(day: date) -> Lots | None:
        listed = book.listed_on(product, day)
        return {listed[0]: 1} if listed else None

    return lots_on


def _spread(book: LiveBook, product: str) -> LotsOn:
    """The front month against as many lots of the second."""

    def lots_on(day: date) -> Lots | None:
        listed = book.listed_on(product, day)
        return {listed[0]: 1, listed[1]: -1} if len(listed) > 1 else None

    return lots_on


def _against(book: LiveBook, products: tuple[str, str]) -> LotsOn:
    """The front month of one product against the same notional of the other's."""

    def lots_on(day: date) -> Lots | None:
        listed = [book.listed_on(product, day) for product in products]
        if not all(listed):
            return None
        long, short = listed[0][0], listed[1][0]
        long_ticks, short_ticks = book.price(long, day), book.price(short, day)
        assert long_ticks is not None, f"{long} has no price on {day}"
        assert short_ticks is not None, f"{short} has no price on {day}"
        return {long: short_ticks, short: -long_ticks}

    return lots_on
