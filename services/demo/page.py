"""The page of a run: the content of its template `demo.html`.

In: the book of a run's facts, a title, the laws found broken, the files that lie by_model the page.
Out: HTML; the same facts give the same page. What matters comes first: who is under water, which
calls were missed, whether margin was enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.demo.charts import (
    calls_chart,
    curve_chart,
    fund_chart,
    margin_chart,
    models_chart,
    price_chart,
    ratio_chart,
    variation_chart,
    volume_charts,
)
from services.demo.default_figures import default_steps, layers_paid, shortfalls_of
from services.demo.default_story import DefaultStory
from services.demo.entries import MAINTENANCE, MISSED, TIERS, ZERO
from services.demo.fact_book import FactBook
from services.demo.figures import (
    Coverage,
    ModelRates,
    coverage,
    last_curve,
    member_margins,
    other_models,
    percent_text,
)
from services.demo.summary import dollars, hash_names, usd_of_micros, usd_of_ticks
from services.pages.chart import Chart
from services.pages.layers import LAYERS, waterfall_chart
from services.pages.render import render

# A file by_model the page: its relative path, and what it holds.
FileBeside = tuple[str, str]


def render_page(
    book: FactBook, *, title: str, broken: Sequence[str] = (), files: Sequence[FileBeside] = ()
) -> str:
    """The whole page. broken: laws that do not hold; files: those linked from it."""
    products = book.products() if book.days else []
    by_model = {product: other_models(book, product) for product in products}
    covered = coverage(book, by_model)
    content = {
        "title": title,
        "book": book,
        "days": book.days,
        "products": products,
        "tiles": _tiles(book, covered),
        "defaults": [
            (
                story,
                shortfalls_of(book, story),
                layers_paid(story),
                _picture(story),
                default_steps(book, story),
            )
            for story in book.defaults.values()
        ],
        "layer_names": LAYERS,
        "missed": book.calls_that(MISSED),
        "under_water": [spell for spell in book.shortfalls if spell.mark == ZERO],
        "below_maintenance": [spell for spell in book.shortfalls if spell.mark == MAINTENANCE],
        "covered": covered,
        "members": member_margins(book),
        "curves": {product: last_curve(book, product) for product in products},
        "tiers": TIERS,
        "charts": _charts(book, products, by_model=by_model),
        "refusals": book.refusals_by_count(),
        "hashes": [(fact, hash_names(fact)) for fact in book.closes],
        "broken": broken,
        "files": files,
        "dollars": dollars,
        "micros": usd_of_micros,
        "price": usd_of_ticks,
        "minute": _minute,
        "percent": percent_text,
    }
    return render("demo.html", content, package="services.demo")


def _tiles(book: FactBook, covered: Sequence[Coverage]) -> list[tuple[str, str]]:
    """The figures that sum it up: first what is owed and lacking, then what was done."""
    missed, members = book.calls_that(MISSED), member_margins(book)
    required = sum(member.required_cents for member in members)
    lacking = sum(member.deficit_cents for member in members)
    under_water = [spell for spell in book.shortfalls if spell.mark == ZERO]
    now = [spell for spell in under_water if spell.until is None]
    gross = sum(cents for by_day in book.variation.values() for cents in by_day.values())
    in_force = [row for row in covered if row.is_in_force and row.moves]
    closes = [close for product in book.products() for close in last_curve(book, product)]
    return [
        *_default_tiles(book),
        (f"{len(now):,}", f"under water at the last close; {len(under_water):,} in all"),
        (dollars(sum(call.remaining_cents for call in missed)), "missed in margin calls"),
        *(
            (percent_text(row.covered_ppm), f"of {row.product} moves within margin; 99 % wanted")
            for row in in_force
        ),
        (dollars(required), "margin required at the last close"),
        (dollars(lacking), "margin deficit at the last close"),
        (f"{sum(close.open_lots for close in closes):,}", "lots open at the last close"),
        (f"{sum(close.volume for close in closes):,}", "lots traded on the last day"),
        (dollars(gross), "variation, gross"),
        (dollars(book.instructed.total()), "variation, net through the bank"),
        (f"{book.counts['trade_novated/1']:,}", "trades cleared"),
        (f"{book.counts['command_refused/1']:,}", "lines refused"),
    ]


def _picture(story: DefaultStory) -> Chart | None:
    """The waterfall of a default that lost anything."""
    paid = layers_paid(story)
    title = f"Who paid for {story.member}"
    return waterfall_chart(title, paid, text_of=dollars) if paid else None


def _default_tiles(book: FactBook) -> list[tuple[str, str]]:
    """What each default cost, and the size of the fund."""
    tiles = [
        (dollars(story.waterfall["loss_cents"]), f"lost by the default of {story.member}")
        for story in book.defaults.values()
        if story.waterfall is not None
    ]
    for close in [*book.fund.days.values()][-1:]:
        tiles.append((dollars(close.required_cents), "size of the fund at the last close"))
        tiles.append((dollars(close.contributed_cents), "contributed to it by members"))
    return tiles


def _charts(
    book: FactBook, products: Sequence[str], *, by_model: Mapping[str, ModelRates]
) -> dict[str, list[Chart]]:
    """The charts by the chapter they stand in. by_model: by product."""
    if not book.days:
        return {}
    calls = [calls_chart(book)] if book.calls else []
    priced = [product for product in products if book.contracts_of(product)]
    return {
        "calls": calls,
        "fund": [fund_chart(book)] if book.fund.days else [],
        "margin": [
            drawn
            for product in priced
            for drawn in (
                margin_chart(book, product),
                models_chart(book, product, by_model=by_model[product]),
            )
        ],
        "volume": volume_charts(book),
        "curve": [curve_chart(book, product) for product in priced if last_curve(book, product)],
        "prices": [
            *(price_chart(book, product) for product in products),
            *([ratio_chart(book)] if {"SIT", "SCU"} <= {*priced} else []),
        ],
        "variation": [variation_chart(book)],
    }


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
