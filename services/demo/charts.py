"""The charts of the demonstration's page.

In: the book of what happened. Out: charts of prices, margin, calls and variation; dollars and
percent are made here, for drawing.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time
from itertools import cycle
from typing import Final

from services.demo.fact_book import MET, MISSED, FactBook
from services.pages.chart import Band, Bars, Chart, Dots, Line, Mark, Tone, chart

_TONES: Final[tuple[Tone, ...]] = ("series-1", "series-2", "series-3", "series-4")
_OUTCOMES: Final[dict[str, Tone]] = {"met": "good", "missed": "bad", "still open": "quiet"}
_HIGHLIGHTED: Final = 3
_HORIZON_DAYS: Final = 2
_NOON: Final = time(12)


def price_chart(book: FactBook, product: str) -> Chart:
    """The index and the settlement prices of a product's contracts, three of them picked out."""
    made_up = "" if product == "SIT" else " (made-up prices)"
    settled = [
        (date.fromisoformat(fact["business_date"]), fact["price_ticks"] / 100)
        for fact in book.settled
        if fact["contract"].startswith(product)
    ]
    marks: list[Mark] = [
        *_contract_lines(book, product),
        _index_line(book, product),
        Dots("final settlement", settled, "bad", shape="D"),
    ]
    title = f"{product}: index and settlement prices{made_up}"
    unit = "USD per million SIT" if product == "SIT" else "USD per SCU"
    return chart(title, marks, unit=unit, days=book.days)


def margin_chart(book: FactBook, contract: str) -> Chart:
    """A contract's margin rate at each close, and what its price did over the two days after it."""
    rates, prices = book.rates.get(contract, {}), book.prices[contract]
    band = [(day, -rates[day] / 10_000, rates[day] / 10_000) for day in sorted(rates)]
    within: list[tuple[date, float]] = []
    beyond: list[tuple[date, float]] = []
    days = sorted(prices)
    for day, later in zip(days, days[_HORIZON_DAYS:], strict=False):
        move = 100 * (prices[later] / prices[day] - 1)
        is_beyond = abs(move) > rates.get(day, 0) / 10_000
        (beyond if is_beyond else within).append((day, move))
    marks: list[Mark] = [
        Band("margin rate", band, "series-1"),
        Dots(f"two-day move within it ({len(within)})", within, "good", size=16),
        Dots(f"two-day move beyond it ({len(beyond)})", beyond, "bad", size=34),
    ]
    title = f"{contract}: margin rate at the close and the move over the two days after"
    return chart(title, marks, unit="% of the settlement price", days=book.days)


def calls_chart(book: FactBook) -> Chart:
    """Margin calls by the day they were made, by what became of them."""
    calls = list(book.calls.values())
    days = sorted({call.day for call in calls})
    counts = Counter(
        (call.day, call.outcome if call.outcome in {MET, MISSED} else "still open")
        for call in calls
    )
    marks: list[Mark] = [
        Bars(outcome, [(day, counts[day, outcome]) for day in days], tone)
        for outcome, tone in _OUTCOMES.items()
    ]
    by_day = Counter(call.day for call in calls)
    raised = sorted({call.day for call in calls if call.was_raised})
    marks.append(Dots("one or more raised", [(day, by_day[day]) for day in raised], "ink", "^"))
    title = "Margin calls by the day they were made"
    return chart(title, marks, unit="calls", days=book.days, is_count=True)


def variation_chart(book: FactBook) -> Chart:
    """The variation paid each day, intraday cycles and the close together."""
    days = book.days
    marks = []
    for product, tone in zip(sorted(book.variation, reverse=True), cycle(_TONES)):
        by_day = book.variation[product]
        paid = [(day, by_day.get(day, 0) / 100_000_000) for day in days]
        marks.append(Bars(product, paid, tone))
    return chart("Variation paid per day", marks, unit="USD million", days=days)


def longest_contract(book: FactBook) -> str | None:
    """The SIT contract with the most settlement prices; of equals the nearest."""
    contracts = book.contracts_of("SIT")
    return max(contracts, key=lambda name: len(book.prices[name]), default=None)


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
            Line(label, _dollars(book, name), "quiet", width=0.7)
            for name, label in zip(grey, labels, strict=False)
        ),
        *(
            Line(name, _dollars(book, name), tone)
            for name, tone in zip(chosen, _TONES, strict=False)
        ),
    ]


def _dollars(book: FactBook, contract: str) -> list[tuple[date, float]]:
    prices = book.prices[contract]
    return [(day, prices[day] / 100) for day in sorted(prices)]


def _index_line(book: FactBook, product: str) -> Line:
    """The published values; the last one stands until the end."""
    points = [(moment, value / 1_000_000) for moment, value in book.index.get(product, [])]
    if points:
        moment, value = points[-1]
        points.append((max(moment, datetime.combine(book.days[-1], _NOON)), value))
    return Line("index", points, "ink", width=1.8, is_step=True)
