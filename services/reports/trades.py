"""The trade register: what was cleared, bust, adjusted, transferred, taken over, as decided.

In: the rows of the market shards. Out: one row for each such fact; the buyer of a transfer, or of a
position taken over in an auction, is the account that gets longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from events.contracts import product_of
from events.default_facts import PositionTakenOver
from events.market_facts import PositionTransferred, TradeBusted, TradeNovated, TradePriceAdjusted
from services.reports.filters import accounts_asked, markets_asked, names_account
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

_KINDS: Final = tuple(
    kind.TYPE.encode()
    for kind in (
        TradeNovated,
        TradeBusted,
        TradePriceAdjusted,
        PositionTransferred,
        PositionTakenOver,
    )
)
_SAME: Final = ("at", "shard", "seq", "contract")


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    accounts, contract = accounts_asked(view, request), request.options.get("contract")
    markets = markets_asked(view, request)
    for day in view.days(request):
        for row in view.rows_of_all(markets, day, words=_KINDS):
            for fact in row.facts(*_KINDS, naming=contract):
                if names_account(fact, accounts):
                    yield {"business_date": day, **_cells(fact)}


def _cells(fact: ReportFact) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: fact[name] for name in _SAME}
    cells["event"] = fact_name(fact["type"])
    cells["product"] = product_of(fact["contract"])
    cells["reason"] = fact.get("reason")
    cells["lots"], cells["price_ticks"] = abs(fact["lots"]), fact.get("price_ticks")
    if fact["type"] == PositionTakenOver.TYPE:
        return cells | _sides(fact, is_long=fact["lots"] > 0) | {"trade_id": fact["reference"]}
    if fact["type"] != PositionTransferred.TYPE:
        return cells | {
            "trade_id": fact["trade_id"],
            "buyer": fact["buyer"],
            "seller": fact["seller"],
            "price_ticks_before": fact.get("price_ticks_before"),
        }
    return cells | _sides(fact, is_long=fact["side"] == "long") | {"trade_id": fact["transfer"]}


def _sides(fact: ReportFact, *, is_long: bool) -> dict[str, Cell]:
    """Who gets longer and who shorter when a position goes over."""
    sides = (fact["to_account"], fact["from_account"])
    buyer, seller = sides if is_long else sides[::-1]
    return {"buyer": buyer, "seller": seller}


TRADES_REPORT: Final = ReportKind(
    name="trades",
    title="Trade register",
    columns=(
        "business_date", "at", "product", "shard", "seq", "event", "trade_id", "contract", "lots",
        "price_ticks", "price_ticks_before", "buyer", "seller", "reason",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "at", "event", "trade_id", "contract", "lots", "price_ticks",
            "price_ticks_before", "buyer", "seller", "reason",
        )),
    ),
)  # fmt: skip
