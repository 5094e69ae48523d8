"""The trade register of a date: what was cleared, bust, adjusted, transferred, as decided.

In: the rows of the market shards. Out: one row for each such fact; the buyer of a
transfer is the account that gets longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from events.contracts import product_of
from events.market_facts import PositionTransferred, TradeBusted, TradeNovated, TradePriceAdjusted
from services.reports.report import (
    Cell,
    Cells,
    Report,
    ReportFact,
    ReportRequest,
    fact_name,
    laid_out,
)
from services.reports.view import JournalView, StoredRow

_COLUMNS: Final = (
    "business_date", "at", "product", "shard", "seq", "event", "trade_id", "contract", "lots",
    "price_ticks", "price_ticks_before", "buyer", "seller",
)  # fmt: skip
_KINDS: Final = tuple(
    kind.TYPE.encode()
    for kind in (TradeNovated, TradeBusted, TradePriceAdjusted, PositionTransferred)
)
_SAME: Final = ("at", "shard", "seq", "contract", "lots", "price_ticks")


def trade_register(view: JournalView, request: ReportRequest) -> Report:
    """The register as it stands in the journal."""
    markets = view.markets(request.options.get("product"))
    rows = view.rows_of_all(markets, request.business_date, words=_KINDS)
    return Report(f"Trade register of {request.business_date}", _COLUMNS, register_rows(rows))


def register_rows(rows: Iterable[StoredRow]) -> Iterator[Cells]:
    """The register's rows from journal rows."""
    for row in rows:
        for fact in row.facts(*_KINDS):
            yield laid_out(_COLUMNS, {"business_date": row.business_date, **_cells(fact)})


def _cells(fact: ReportFact) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: fact[name] for name in _SAME}
    cells["event"] = fact_name(fact["type"])
    cells["product"] = product_of(fact["contract"])
    if fact["type"] != PositionTransferred.TYPE:
        return cells | {
            "trade_id": fact["trade_id"],
            "buyer": fact["buyer"],
            "seller": fact["seller"],
            "price_ticks_before": fact.get("price_ticks_before"),
        }
    sides = (fact["to_account"], fact["from_account"])
    buyer, seller = sides if fact["side"] == "long" else sides[::-1]
    return cells | {"trade_id": fact["transfer"], "buyer": buyer, "seller": seller}
