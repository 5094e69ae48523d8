"""The trade register of a date: what was cleared, bust, adjusted, transferred, as decided.

In: the rows of the market shards. Out: one row for each such fact; of a transfer, who gets longer
is the buyer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from events.contracts import product_of
from events.facts import PositionTransferred, TradeBusted, TradeNovated, TradePriceAdjusted
from services.reports.report import Cell, Cells, Fact, Report, ReportRequest, laid_out, word_of
from services.reports.view import JournalView, Row

COLUMNS: Final = (
    "business_date", "at", "product", "shard", "seq", "event", "trade_id", "contract", "lots",
    "price_ticks", "price_ticks_before", "buyer", "seller",
)  # fmt: skip
KINDS: Final = tuple(
    kind.TYPE.encode()
    for kind in (TradeNovated, TradeBusted, TradePriceAdjusted, PositionTransferred)
)
_SAME: Final = ("at", "shard", "seq", "contract", "lots", "price_ticks")


def trade_register(view: JournalView, request: ReportRequest) -> Report:
    """The register as it stands in the journal."""
    markets = view.markets(request.options.get("product"))
    found = view.rows_of_all(markets, request.business_date, words=KINDS)
    return Report(f"Trade register of {request.business_date}", COLUMNS, register_rows(found))


def register_rows(rows: Iterable[Row]) -> Iterator[Cells]:
    """The register's rows from journal rows."""
    for row in rows:
        for fact in row.facts(*KINDS):
            yield laid_out(COLUMNS, {"business_date": row.business_date, **_cells(fact)})


def _cells(fact: Fact) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: fact[name] for name in _SAME}
    cells["event"] = word_of(fact["type"])
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
