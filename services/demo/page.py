"""The page of a run: the content of its template `demo.html`.

In: the book of a run's facts and a title. Out: HTML; the same facts give the same page.
"""

from __future__ import annotations

from services.demo.charts import (
    calls_chart,
    longest_contract,
    margin_chart,
    price_chart,
    variation_chart,
)
from services.demo.fact_book import MISSED, FactBook
from services.demo.summary import dollars, usd_of_micros
from services.pages.chart import Chart
from services.pages.render import render


def render_page(book: FactBook, *, title: str) -> str:
    """The whole page."""
    products = book.products() if book.days else []
    content = {
        "title": title,
        "book": book,
        "days": book.days,
        "tiles": _tiles(book),
        "price_charts": [price_chart(book, product) for product in products],
        "margin_charts": _margin_charts(book),
        "refusals": book.refusals_by_count(),
        "shards": sorted({shard for by_shard in book.hashes.values() for shard in by_shard}),
        "dollars": dollars,
        "micros": usd_of_micros,
        "minute": _minute,
        "percent": _percent,
    }
    return render("demo.html", content, package="services.demo")


def _tiles(book: FactBook) -> list[tuple[str, str]]:
    """The counts that sum it up."""
    paid = sum(cents for by_day in book.variation.values() for cents in by_day.values())
    return [
        (f"{book.counts['trade_novated/1']:,}", "trades cleared"),
        (f"{book.lots_cleared:,}", "lots"),
        (dollars(paid), "variation paid"),
        (f"{book.counts['command_refused/1']:,}", "lines refused"),
        (f"{book.counts['trade_already_cleared/1']:,}", "trades sent twice"),
        (f"{len(book.halts):,}", "halts"),
        (f"{len(book.calls):,}", "margin calls"),
        (f"{len(book.calls_that(MISSED)):,}", "calls missed"),
        (f"{book.counts['trade_busted/1']:,}", "trades bust"),
        (f"{len(book.settled):,}", "contracts finally settled"),
        (f"{book.counts['margin_rate_above_band/1']:,}", "rates above the 12 % band"),
        (f"{book.counts['position_limit_breached/1']:,}", "position limits crossed"),
    ]


def _margin_charts(book: FactBook) -> list[Chart]:
    if not book.days:
        return []
    contract = longest_contract(book)
    charts = [] if contract is None else [margin_chart(book, contract)]
    charts.append(variation_chart(book))
    if book.calls:
        charts.append(calls_chart(book))
    return charts


def _percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
