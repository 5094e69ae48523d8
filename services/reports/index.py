"""The index: every value published with its inputs, what was held, the fixing.

In: the rows of the market shards. Out: a row for each value, followed by one for each provider it
was made of; with these weights and prices anyone can recompute it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.reports.filters import markets_asked
from services.reports.kind import ReportKind
from services.reports.report import (
    Cell,
    NamedCells,
    ReportFact,
    ReportRequest,
    TableLayout,
    fact_name,
)
from services.reports.view import JournalView

_KINDS: Final = (b"index_published/1", b"index_fixed/1", b"index_stale/1", b"provider_price_held/1")
_INPUT: Final = "input"
_SAME: Final = ("at", "product", "shard", "seq")
_OWN: Final = (
    "value_micros", "cap_ppm", "provider", "model", "price_micros", "last_price_micros", "reason",
)  # fmt: skip


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    markets = markets_asked(view, request)
    for day in view.days(request):
        for row in view.rows_of_all(markets, day, words=_KINDS):
            for fact in row.facts(*_KINDS):
                same = {name: fact[name] for name in _SAME} | {"business_date": day}
                yield same | _value_of(fact)
                for share in fact.get("inputs", ()):
                    yield same | {"event": _INPUT, **share}


def _value_of(fact: ReportFact) -> dict[str, Cell]:
    return {
        "event": fact_name(fact["type"]),
        "is_stale": fact.get("stale"),
        **{name: fact.get(name) for name in _OWN},
    }


INDEX_REPORT: Final = ReportKind(
    name="index",
    title="Index",
    columns=(
        "business_date", "at", "product", "event", "value_micros", "cap_ppm", "provider",
        "model", "raw_price_micros", "adjusted_price_micros", "raw_weight_ppm", "weight_ppm",
        "price_micros", "last_price_micros", "is_stale", "reason", "shard", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout(
            (
                "business_date", "at", "product", "event", "value_micros", "cap_ppm", "provider",
                "model", "price_micros", "last_price_micros", "is_stale", "reason",
            ),
            "Values", tuple(fact_name(kind.decode()) for kind in _KINDS), "event",
        ),
        TableLayout(
            (
                "business_date", "at", "product", "provider", "model", "raw_price_micros",
                "adjusted_price_micros", "raw_weight_ppm", "weight_ppm",
            ),
            "Inputs", (_INPUT,), "event",
        ),
    ),
)  # fmt: skip
