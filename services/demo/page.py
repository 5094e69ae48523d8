"""The page that shows what happened: what its template `demo.html` is given.

In: decoded facts in the words on the wire and a title. Out: HTML; the same facts give the same
page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from services.demo.charts import (
    calls_chart,
    longest_contract,
    margin_chart,
    price_chart,
    variation_chart,
)
from services.demo.digest import MISSED, Digest, Fact, gather, products_of
from services.demo.summary import dollars, micros
from services.pages.chart import Chart
from services.pages.render import render


class RefusalCount(NamedTuple):
    """How many lines were refused for a reason, and of which commands."""

    reason: str
    lines: int
    commands: str


def render_page(facts: Iterable[Fact], *, title: str) -> str:
    """The whole page."""
    digest = gather(facts)
    content = {
        "title": title,
        "digest": digest,
        "days": digest.days,
        "tiles": _tiles(digest),
        "price_charts": [price_chart(digest, product) for product in products_of(digest)]
        if digest.days
        else [],
        "margin_charts": _margin_charts(digest),
        "refusals": _refusals(digest),
        "shards": sorted({shard for by_shard in digest.hashes.values() for shard in by_shard}),
        "dollars": dollars,
        "micros": micros,
        "minute": _minute,
        "percent": _percent,
    }
    return render("demo.html", content, package="services.demo")


def _tiles(digest: Digest) -> list[tuple[str, str]]:
    """The counts that sum it up."""
    paid = sum(cents for by_day in digest.variation.values() for cents in by_day.values())
    return [
        (f"{digest.count('trade_novated/1'):,}", "trades cleared"),
        (f"{digest.lots:,}", "lots"),
        (dollars(paid), "variation paid"),
        (f"{sum(digest.refusals.values()):,}", "lines refused"),
        (f"{digest.count('trade_already_cleared/1'):,}", "trades sent twice"),
        (f"{len(digest.halts):,}", "halts"),
        (f"{len(digest.calls):,}", "margin calls"),
        (f"{len(digest.calls_that(MISSED)):,}", "calls missed"),
        (f"{digest.count('trade_busted/1'):,}", "trades bust"),
        (f"{len(digest.settled):,}", "contracts finally settled"),
        (f"{digest.count('margin_rate_above_band/1'):,}", "rates above the 12 % band"),
        (f"{digest.count('position_limit_breached/1'):,}", "position limits crossed"),
    ]


def _margin_charts(digest: Digest) -> list[Chart]:
    if not digest.days:
        return []
    contract = longest_contract(digest)
    charts = [] if contract is None else [margin_chart(digest, contract)]
    charts.append(variation_chart(digest))
    if digest.calls:
        charts.append(calls_chart(digest))
    return charts


def _refusals(digest: Digest) -> list[RefusalCount]:
    """Most frequent first."""
    return [
        RefusalCount(
            reason, count, ", ".join(sorted(digest.refused_kinds[reason])).replace("_", " ")
        )
        for reason, count in sorted(digest.refusals.items(), key=lambda item: (-item[1], item[0]))
    ]


def _percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
