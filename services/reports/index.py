"""The index of a date: every value published with its inputs, what was held, the fixing.

In: the rows of the market shards. Out: a row for each value, followed by one for each provider it
was made of; with these weights and prices anyone can recompute it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from services.reports.report import Cells, Report, ReportFact, ReportRequest, fact_name, laid_out
from services.reports.view import JournalView, StoredRow

_COLUMNS: Final = (
    "business_date", "at", "product", "event", "value_micros", "cap_ppm", "provider", "model",
    "raw_price_micros", "adjusted_price_micros", "raw_weight_ppm", "weight_ppm",
    "price_micros", "last_price_micros", "is_stale", "reason", "shard", "seq",
)  # fmt: skip
_KINDS: Final = (b"index_published/1", b"index_fixed/1", b"index_stale/1", b"provider_price_held/1")
_INPUT: Final = "input"
_SAME: Final = ("at", "product", "shard", "seq")
_OWN: Final = (
    "value_micros", "cap_ppm", "provider", "model", "price_micros", "last_price_micros", "reason",
)  # fmt: skip


def index_values(view: JournalView, request: ReportRequest) -> Report:
    """The index of all products, or of one, on a date."""
    markets = view.markets(request.options.get("product"))
    rows = view.rows_of_all(markets, request.business_date, words=_KINDS)
    return Report(f"Index of {request.business_date}", _COLUMNS, index_rows(rows))


def index_rows(rows: Iterable[StoredRow]) -> Iterator[Cells]:
    """The rows of the report from journal rows."""
    for row in rows:
        for fact in row.facts(*_KINDS):
            same = {name: fact[name] for name in _SAME} | {"business_date": row.business_date}
            yield laid_out(_COLUMNS, same | _value_of(fact))
            for share in fact.get("inputs", ()):
                yield laid_out(_COLUMNS, same | {"event": _INPUT, **share})


def _value_of(fact: ReportFact) -> dict[str, str | int | None]:
    return {
        "event": fact_name(fact["type"]),
        "is_stale": fact.get("stale"),
        **{name: fact.get(name) for name in _OWN},
    }
