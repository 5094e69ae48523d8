"""The figures of the page: who owes what, whether margin was enough, what is open at the close.

In: the book of facts. Out: rows of whole numbers: cents, ticks, lots, ppm. Compared by integers;
nothing is estimated.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple, TypeAlias

from risk.backtest import IndexSeries, Rates, rates_of
from risk.margin import MarginModel
from risk.margin_models import MODELS
from services.demo.entries import SideRates
from services.demo.fact_book import FactBook

# Margin is asked to cover 99 of 100 moves: of so many one may go beyond it.
ONE_IN: Final = 100
_PPM: Final = 1_000_000

# What models ask, by their names and by day.
ModelRates: TypeAlias = Mapping[str, Mapping[date, SideRates]]


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
    """What a settlement price did over the days that margin is for; rates: at the first of them."""

    day: date
    from_ticks: int
    to_ticks: int
    rates: SideRates

    def lack_ppm(self, long_ppm: int, short_ppm: int) -> int:
        """By how much the move went beyond the rate of its side, rounded up; else 0 or less."""
        rate_ppm = long_ppm if self.to_ticks < self.from_ticks else short_ppm
        return -(-abs(self.to_ticks - self.from_ticks) * _PPM // self.from_ticks) - rate_ppm

    @property
    def lack_in_force_ppm(self) -> int:
        """The same by the model in force."""
        return self.lack_ppm(self.rates.long_ppm, self.rates.short_ppm)


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


def coverage(book: FactBook, by_model: Mapping[str, ModelRates] | None = None) -> list[Coverage]:
    """Of every product the model in force, then those by_model it.

    by_model: by product, of `other_models`; None for the model in force alone.
    """
    in_force = model_in_force(book)
    rows = []
    for product in book.products():
        moves = [move for name in book.contracts_of(product) for move in moves_of(book, name)]
        rows.append(_covered(product, in_force, moves=moves, is_in_force=True))
        for model, rates in (by_model or {}).get(product, {}).items():
            chosen = [move._replace(rates=rates[move.day]) for move in moves]
            rows.append(_covered(product, model, moves=chosen))
    return rows


def model_in_force(book: FactBook) -> str:
    """The models by which accounts are margined, joined by commas."""
    return ", ".join(sorted({str(fact["model"]) for fact in book.margins.values()})) or "none"


def other_models(book: FactBook, product: str) -> ModelRates:
    """What the models that are not in force would ask, by day, measured on the index.

    Then the second price limit, flat. A day without a fixing has the rates of the day before.
    """
    limit_ppm = int(book.parameters.get("second_limit_ppm", 0))
    days, fixings = book.days, sorted(book.fixings[product].items())
    prices = IndexSeries([day for day, _ in fixings], [max(1, micros) for _, micros in fixings])
    rates: dict[str, Mapping[date, SideRates]] = {}
    for model in MODELS.values():
        if model.name not in model_in_force(book).split(", "):
            of_model = rates_of(model, prices, settings=_settings(book, model))
            rates[model.name] = _on_days(days, prices, rates=of_model)
    flat = SideRates(limit_ppm, limit_ppm, 0)
    return rates | {f"flat {percent_text(limit_ppm)}": dict.fromkeys(days, flat)}


def _on_days(
    days: Sequence[date], prices: IndexSeries, *, rates: Rates
) -> Mapping[date, SideRates]:
    by_day = {}
    for day in days:
        index = bisect_right(prices.days, day) - 1
        sides = (0, 0) if index < 0 else (rates.long[index], rates.short[index])
        long_ppm, short_ppm = (round(side * _PPM) for side in sides)
        by_day[day] = SideRates(long_ppm, short_ppm, 0)
    return by_day


def _settings(book: FactBook, model: MarginModel) -> dict[str, int]:
    names = (*model.parameters, *model.portfolio_parameters)
    return {name: int(book.parameters[name]) for name in names}


def _covered(
    product: str, model: str, *, moves: Sequence[Move], is_in_force: bool = False
) -> Coverage:
    lacks = [move.lack_in_force_ppm for move in moves]
    beyond = sum(lack > 0 for lack in lacks)
    return Coverage(product, model, is_in_force, len(lacks), beyond, max(0, *lacks, 0))


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


def front_ticks(book: FactBook, product: str) -> dict[date, int]:
    """The price at each close of the nearest contract that has one, a final one too."""
    final: dict[str, dict[date, int]] = {
        fact["contract"]: {date.fromisoformat(fact["business_date"]): fact["price_ticks"]}
        for fact in book.settled
    }
    return {
        day: ticks
        for contract in reversed(book.contracts_of(product))
        for day, ticks in {**book.prices[contract], **final.get(contract, {})}.items()
    }


def percent_text(ppm: int) -> str:
    """A rate for people: percent with two decimals, cut."""
    sign, ppm = ("-" if ppm < 0 else ""), abs(ppm)
    return f"{sign}{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


def _margin_days(book: FactBook) -> int:
    return int(book.parameters.get("margin_days", 2))
