"""The figures of the page: who owes what, whether margin was enough, what is open at the close.

In: the book of facts. Out: rows of whole numbers: cents, ticks, lots, ppm. Compared by integers;
nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final, NamedTuple

from services.demo.fact_book import FactBook

# Margin is asked to cover 99 of 100 moves: of so many one may go beyond it.
ONE_IN: Final = 100
_PPM: Final = 1_000_000


class MemberMargin(NamedTuple):
    """A member's accounts of one origin at the last close; no account's excess helps another."""

    member: str
    origin: str
    accounts: int
    required_cents: int
    collateral_cents: int
    excess_cents: int
    deficit_cents: int


class Coverage(NamedTuple):
    """How many moves of a product's contracts a rate covered. worst_ppm: the largest lack."""

    product: str
    model: str
    is_in_force: bool
    moves: int
    beyond: int
    worst_ppm: int

    @property
    def is_thin(self) -> bool:
        """Whether more moves went beyond it than one in a hundred."""
        return self.beyond * ONE_IN > self.moves

    @property
    def covered_ppm(self) -> int:
        """The share of moves within the margin, rounded down."""
        return (self.moves - self.beyond) * _PPM // self.moves if self.moves else _PPM


class ContractClose(NamedTuple):
    """A contract at the last close. change_ticks: None on its first day."""

    contract: str
    price_ticks: int
    tier: int
    change_ticks: int | None
    volume: int
    open_lots: int


class Move(NamedTuple):
    """What a settlement price did over the days that margin is for; rate: at the first of them."""

    day: date
    from_ticks: int
    to_ticks: int
    rate_ppm: int

    def lack_ppm(self, rate_ppm: int) -> int:
        """By how much the move went beyond a rate, rounded up; 0 or less within it."""
        return -(-abs(self.to_ticks - self.from_ticks) * _PPM // self.from_ticks) - rate_ppm


def member_margins(book: FactBook) -> list[MemberMargin]:
    """Requirement against collateral, by member and origin."""
    sums: dict[tuple[str, str], list[int]] = {}
    last = max(book.days, default=date.min).isoformat()
    for name, account in sorted(book.accounts.items()):
        margin, required, equity = book.margins.get(name), 0, book.cash_cents[name]
        if margin is not None and (margin["business_date"], margin["cycle"]) == (last, "close"):
            required, equity = margin["initial_cents"], margin["equity_cents"]
        excess = max(0, equity - required)
        row = (1, required, equity, excess, max(0, required - equity))
        before = sums.get((account["member"], account["origin"]), [0] * len(row))
        sums[account["member"], account["origin"]] = [*map(sum, zip(before, row, strict=True))]
    return [MemberMargin(*key, *row) for key, row in sums.items()]


def moves_of(book: FactBook, contract: str) -> Iterator[Move]:
    """The moves of a contract from each close at which it had a rate; the last into its fixing."""
    prices = dict(book.prices[contract])
    for fact in book.settled:
        if fact["contract"] == contract:
            prices[date.fromisoformat(fact["business_date"])] = fact["price_ticks"]
    days, rates = sorted(prices), book.rates.get(contract, {})
    for day, later in zip(days, days[_margin_days(book) :], strict=False):
        if day in rates:
            yield Move(day, prices[day], prices[later], rates[day])


def coverage(book: FactBook) -> list[Coverage]:
    """Of every product each model: the one in force, and beside it the floor and the band alone."""
    names = {str(fact["model"]) for fact in book.margins.values()}
    in_force = ", ".join(sorted(names)) or "none"
    floor_ppm = int(book.parameters.get("margin_floor_ppm", 0))
    band_ppm = int(book.parameters.get("margin_band_ppm", 0))
    models: dict[str, Callable[[int], int]] = {
        in_force: lambda rate: rate,
        f"{percent_text(band_ppm)} as a ceiling": lambda rate: min(rate, band_ppm),
        f"{percent_text(floor_ppm)} floor alone": lambda _: floor_ppm,
    }
    return [
        Coverage(product, model, model == in_force, *_lacks(book, product, rate_of=rate_of))
        for product in book.products()
        for model, rate_of in models.items()
    ]


def _lacks(book: FactBook, product: str, *, rate_of: Callable[[int], int]) -> tuple[int, int, int]:
    """The number of moves, of those beyond the rate, and the largest lack."""
    lacks = [
        move.lack_ppm(rate_of(move.rate_ppm))
        for contract in book.contracts_of(product)
        for move in moves_of(book, contract)
    ]
    return len(lacks), sum(lack > 0 for lack in lacks), max(0, *lacks, 0)


def last_curve(book: FactBook, product: str) -> list[ContractClose]:
    """The contracts with a settlement price at the last close, the nearest first."""
    days = book.days[-2:]
    rows = []
    for contract in book.contracts_of(product):
        prices = book.prices[contract]
        if days and days[-1] in prices:
            before = prices.get(days[0]) if len(days) > 1 else None
            change = None if before is None else prices[days[-1]] - before
            close = (prices[days[-1]], book.tiers[contract][days[-1]], change)
            volume = book.volume[contract][days[-1]] if contract in book.volume else 0
            open_lots = book.open_lots[contract].get(days[-1], 0)
            rows.append(ContractClose(contract, *close, volume, open_lots))
    return rows


def percent_text(ppm: int) -> str:
    """A rate for people: percent with two decimals, cut."""
    sign, ppm = ("-" if ppm < 0 else ""), abs(ppm)
    return f"{sign}{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


def _margin_days(book: FactBook) -> int:
    return int(book.parameters.get("margin_days", 2))
