"""The charts of the demonstration's page.

In: the book of what happened. Out: charts of prices, the curve, margin, calls, variation, open
interest and volume; dollars and percent are made here, for drawing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time
from itertools import cycle
from typing import Final

from events.contracts import parse_symbol
from services.demo.entries import MET, MISSED, TIERS
from services.demo.fact_book import FactBook, moment_of
from services.demo.figures import ModelRates, front_ticks, last_curve, model_in_force, moves_of
from services.pages.chart import Band, Bars, Chart, Dots, Line, Mark, Tone, chart

_TONES: Final[tuple[Tone, ...]] = ("series-1", "series-2", "series-3", "series-4")
_MODEL_TONES: Final[tuple[Tone, ...]] = ("ink", *_TONES, "quiet")
_OUTCOMES: Final[dict[str, Tone]] = {"met": "good", "missed": "bad", "still open": "quiet"}
_HIGHLIGHTED: Final = 3
_MILLIONS: Final = "USD million"
_UNITS: Final = ("USD per SCU", "USD per million SIT")
_TIER_TONES: Final[tuple[Tone, ...]] = ("bad", "series-1", "series-2", "series-3", "quiet")
_NOON: Final = time(12)


def price_chart(book: FactBook, product: str) -> Chart:
    """The index and the settlement prices of a product's contracts, each at its own time."""
    made_up = "" if product == "SIT" else " (made-up prices)"
    settled = [
        (moment_of(fact), fact["price_ticks"] / 100)
        for fact in book.settled
        if fact["contract"].startswith(product)
    ]
    marks: list[Mark] = [
        *_contract_lines(book, product),
        _index_line(book, product),
        Dots("final settlement", settled, "bad", is_diamond=True),
    ]
    title = f"{product}: index and settlement prices{made_up}"
    return chart(title, marks, unit=_UNITS[product == "SIT"], days=book.days)


def ratio_chart(book: FactBook) -> Chart:
    """What an SCU costs in million SIT, at the front settlement prices of each close."""
    tokens = front_ticks(book, "SIT")
    points = [
        (day, ticks / tokens[day])
        for day, ticks in sorted(front_ticks(book, "SCU").items())
        if day in tokens
    ]
    marks = [Line("SCU front / SIT front", points, "ink", is_step=True)]
    title = "Million SIT that an SCU must bring to pay for itself (SCU prices are made up)"
    return chart(title, marks, unit="million SIT per SCU", days=book.days)


def curve_chart(book: FactBook, product: str) -> Chart:
    """The settlement prices of the last close by month of delivery, and how each was found."""
    closes = {close: _delivery(close.contract) for close in last_curve(book, product)}
    points = [(month, close.price_ticks / 100) for close, month in closes.items()]
    tiers = sorted({close.tier for close in closes})
    marks: list[Mark] = [Line("", points, "quiet")]
    for tier in tiers:
        of_tier = [(month, c.price_ticks / 100) for c, month in closes.items() if c.tier == tier]
        marks.append(Dots(f"tier {tier}: {TIERS[tier]}", of_tier, _TIER_TONES[tier], radius=5))
    index = book.index_micros(product)
    months = [*closes.values()]
    if index is not None:
        marks.append(Line("index", [(month, index / 1_000_000) for month in months], "ink"))
    names = {month: close.contract for close, month in [*closes.items()][::2]}
    title = f"{product}: the curve at the close of {book.days[-1]}"
    return chart(title, marks, unit=_UNITS[product == "SIT"], days=months, labels=names)


def margin_chart(book: FactBook, product: str) -> Chart:
    """What each settlement price did over the days of margin, and whether the rate covered it."""
    contract = max(book.contracts_of(product), key=lambda name: len(book.prices[name]))
    rates = sorted(book.rates.get(contract, {}).items())
    band = [(day, -sides.long_ppm / 10_000, sides.short_ppm / 10_000) for day, sides in rates]
    within: list[tuple[date, float]] = []
    beyond: list[tuple[date, float]] = []
    for name in book.contracts_of(product):
        for move in moves_of(book, name):
            percent = 100 * (move.to_ticks / move.from_ticks - 1)
            (beyond if move.lack_in_force_ppm > 0 else within).append((move.day, percent))
    marks: list[Mark] = [
        Band(f"margin rate of {contract}", band, "series-1"),
        Dots(f"within the contract's margin rate ({len(within)})", within, "good", radius=1.8),
        Dots(f"beyond it ({len(beyond)})", beyond, "bad"),
    ]
    title = f"{product}: moves over the two days after each close, all contracts"
    return chart(title, marks, unit="% of the settlement price", days=book.days)


def models_chart(book: FactBook, product: str, *, by_model: ModelRates) -> Chart:
    """What each model asks of who is long (below zero) and of who is short, day by day."""
    contract = max(book.contracts_of(product), key=lambda name: len(book.prices[name]))
    in_force = {f"{model_in_force(book)} ({contract})": book.rates.get(contract, {})}
    marks: list[Mark] = []
    by_model = in_force | {**by_model}
    for (model, rates), tone in zip(by_model.items(), cycle(_MODEL_TONES), strict=False):
        # None is measured before the first fixing.
        days = [day for day in sorted(rates) if rates[day].long_ppm]
        longs = [(day, -rates[day].long_ppm / 10_000) for day in days]
        shorts = [(day, rates[day].short_ppm / 10_000) for day in days]
        marks += [Line(model, longs, tone, is_step=True), Line("", shorts, tone, is_step=True)]
    title = f"{product}: the margin rates of each model"
    return chart(title, marks, unit="% of the price", days=book.days)


def calls_chart(book: FactBook) -> Chart:
    """Margin calls in dollars by the day they were made, by what became of them."""
    totals = Counter[tuple[date, str]]()
    for call in book.calls.values():
        outcome = call.outcome if call.outcome in {MET, MISSED} else "still open"
        totals[call.day, outcome] += call.amount_cents
    days = sorted({day for day, _ in totals})
    marks: list[Mark] = [
        Bars(outcome, [(day, totals[day, outcome] / 100_000_000) for day in days], tone)
        for outcome, tone in _OUTCOMES.items()
    ]
    return chart("Margin calls by the day they were made", marks, unit=_MILLIONS, days=book.days)


def fund_chart(book: FactBook) -> Chart:
    """The fund at each close: the loss it must cover, its size, what is in it."""
    days = book.fund.days
    series: list[tuple[str, Tone, dict[date, int]]] = [
        ("loss of the two largest in the worst scenario", "bad",
         {day: close.cover_cents for day, close in days.items()}),
        ("size of the fund", "ink", {day: close.required_cents for day, close in days.items()}),
        ("contributed by members", "series-1",
         {day: close.contributed_cents for day, close in days.items()}),
        ("capital of the clearinghouse", "series-2",
         {day: close.capital_cents for day, close in days.items()}),
    ]  # fmt: skip
    marks = [
        Line(label, [(day, cents / 100_000_000) for day, cents in by_day.items()], tone)
        for label, tone, by_day in series
    ]
    return chart("The default fund at each close", marks, unit=_MILLIONS, days=book.days)


def variation_chart(book: FactBook) -> Chart:
    """The variation of each day, intraday cycles and the close together: gross and net."""
    marks: list[Mark] = [
        Bars(f"{product}, gross", _in_millions(book, by_day, unit=100_000_000), tone)
        for product, by_day, tone in _by_product(book, book.variation)
    ]
    net = [(day, book.instructed[day] / 100_000_000) for day in book.days]
    marks.append(Dots("net, through the bank", net, "ink", radius=2.5))
    return chart("Variation of each day", marks, unit=_MILLIONS, days=book.days)


def volume_charts(book: FactBook) -> list[Chart]:
    """Open interest at each close, and the volume of each day."""
    open_lots, volume = _summed(book, book.open_lots), _summed(book, book.volume)
    interest = [
        Line(product, _at_closes(book, by_day), tone, is_step=True)
        for product, by_day, tone in _by_product(book, open_lots)
    ]
    traded = [
        Bars(product, _in_millions(book, by_day, unit=1_000_000), tone)
        for product, by_day, tone in _by_product(book, volume)
    ]
    return [
        chart("Open interest at each close", interest, unit="million lots", days=book.days),
        chart("Volume of each day, without busts", traded, unit="million lots", days=book.days),
    ]


def _by_product(
    book: FactBook, series: Mapping[str, Mapping[date, int]]
) -> list[tuple[str, Mapping[date, int], Tone]]:
    """The series of each product in its tone."""
    named = zip(book.products(), cycle(_TONES), strict=False)
    return [(product, series.get(product, {}), tone) for product, tone in named]


def _summed(
    book: FactBook, by_contract: Mapping[str, Mapping[date, int]]
) -> dict[str, Counter[date]]:
    """Series of contracts added up by product."""
    sums: dict[str, Counter[date]] = {product: Counter() for product in book.products()}
    for contract, by_day in by_contract.items():
        sums.setdefault(contract[:3], Counter()).update(by_day)
    return sums


def _in_millions(
    book: FactBook, by_day: Mapping[date, int], *, unit: int
) -> list[tuple[date, float]]:
    return [(day, by_day.get(day, 0) / unit) for day in book.days]


def _at_closes(book: FactBook, by_day: Mapping[date, int]) -> list[tuple[date, float]]:
    return [(moment, by_day.get(day, 0) / 1_000_000) for day, moment in book.settled_at.items()]


def _delivery(contract: str) -> date:
    delivery = parse_symbol(contract)
    assert delivery is not None, contract
    return date(delivery.year, delivery.month, 1)


def _contract_lines(book: FactBook, product: str) -> list[Line]:
    """Most contracts in grey; the first, one in the middle and one of the last in colour."""
    contracts = book.contracts_of(product)
    by_length = sorted(contracts, key=lambda contract: -len(book.prices[contract]))
    longest = [name for name in contracts if name in by_length[: max(_HIGHLIGHTED, 8)]]
    step = max(1, (len(longest) - 1) // (_HIGHLIGHTED - 1))
    chosen = longest[::step][:_HIGHLIGHTED]
    grey = [name for name in contracts if name not in chosen]
    labels = [f"{len(grey)} other contracts", *([""] * len(grey))]
    return [
        *(
            Line(label, _dollars(book, name), "quiet", width=0.7, is_step=True)
            for name, label in zip(grey, labels, strict=False)
        ),
        *(
            Line(name, _dollars(book, name), tone, is_step=True)
            for name, tone in zip(chosen, _TONES, strict=False)
        ),
    ]


def _dollars(book: FactBook, contract: str) -> list[tuple[date, float]]:
    """The settlement prices, each at the time of its close."""
    prices = book.prices[contract]
    return [(book.settled_at[day], prices[day] / 100) for day in sorted(prices)]


def _index_line(book: FactBook, product: str) -> Line:
    """The published values; the last one stands until the end."""
    points = [(moment, value / 1_000_000) for moment, value in book.index.get(product, [])]
    if points:
        moment, value = points[-1]
        points.append((max(moment, datetime.combine(book.days[-1], _NOON)), value))
    return Line("index", points, "ink", width=1.8, is_step=True)
