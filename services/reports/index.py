"""The index of a date: every value published with its inputs, what was held, the fixing.

In: the rows of the market shards. Out: a row for each value, followed by one for each provider it
was made of; with these weights and prices anyone can recompute it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from services.reports.report import Cells, Fact, Report, ReportRequest, laid_out, word_of
from services.reports.view import JournalView, Row

COLUMNS: Final = (
    "business_date", "at", "product", "event", "value_micros", "cap_ppm", "provider", "model",
    "raw_price_micros", "adjusted_price_micros", "raw_weight_ppm", "weight_ppm",
    "price_micros", "last_price_micros", "is_stale", "reason", "shard", "seq",
)  # fmt: skip
KINDS: Final = (b"index_published/1", b"index_fixed/1", b"index_stale/1", b"provider_price_held/1")
_INPUT: Final = "input"
_SAME: Final = ("at", "product", "shard", "seq")
_OWN: Final = (
    "value_micros", "cap_ppm", "provider", "model", "price_micros", "last_price_micros", "reason",
)  # fmt: skip


def index_values(view: JournalView, request: ReportRequest) -> Report:
    """The index of all products, or of one, on a date."""
    markets = view.markets(request.options.get("product"))
    found = view.rows_of_all(markets, request.business_date, words=KINDS)
    return Report(f"Index of {request.business_date}", COLUMNS, index_rows(found))


def index_rows(rows: Iterable[Row]) -> Iterator[Cells]:
    """The rows of the report from journal rows."""
    for row in rows:
        for fact in row.facts(*KINDS):
            same = {name: fact[name] for name in _SAME} | {"business_date": row.business_date}
            yield laid_out(COLUMNS, same | _value_of(fact))
            for one in fact.get("inputs", ()):
                yield laid_out(COLUMNS, same | {"event": _INPUT, **one})


def _value_of(fact: Fact) -> dict[str, str | int | None]:
    return {
        "event": word_of(fact["type"]),
        "is_stale": fact.get("stale"),
        **{name: fact.get(name) for name in _OWN},
    }
