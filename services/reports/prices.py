"""Settlement prices of a date with tier and reference, marks of its cycles, margin rates.

In: the barrier rows of the market shards, which the read model `settlement_price` names. Out: one
row for each price, by product, in the order of the cycles and of the last trading days; the rate
stands beside the price it was taken on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, LiteralString

from events.contracts import parse_symbol, product_of
from events.market_facts import (
    ContractSettled,
    CyclePriceSet,
    MarginRateAboveBand,
    MarginRateSet,
    SettlementPriceSet,
)
from services.reports.report import Cells, Report, ReportFact, ReportRequest, fact_name, laid_out
from services.reports.view import JournalView, StoredRow

_COLUMNS: Final = (
    "business_date", "product", "contract", "cycle", "kind", "price_ticks", "tier",
    "reference_ticks", "source", "rate_ppm", "sigma_ppm", "sigma_source", "is_above_band",
    "shard", "seq",
)  # fmt: skip
_BARRIERS: Final[LiteralString] = (
    "SELECT DISTINCT shard, seq FROM clearing.settlement_price WHERE business_date = %s "
    "ORDER BY shard, seq"
)
_PRICES: Final = tuple(
    kind.TYPE.encode() for kind in (SettlementPriceSet, CyclePriceSet, ContractSettled)
)
_RATES: Final = (MarginRateSet.TYPE.encode(), MarginRateAboveBand.TYPE.encode())
_OF_PRICE: Final = ("contract", "price_ticks", "shard", "seq")
_OF_RATE: Final = ("rate_ppm", "sigma_ppm", "sigma_source")
_CLOSE: Final = "close"


def settlement_prices(view: JournalView, request: ReportRequest) -> Report:
    """The prices of a date as they stand in the journal."""
    day = request.business_date
    markets = view.markets(request.options.get("product"))
    barriers = [barrier for barrier in view.ask(_BARRIERS, [day]) if barrier[0] in markets]
    rows = (row for shard, seq in barriers for row in view.rows_at(shard, day, seqs=[seq]))
    return Report(f"Settlement prices of {day}", _COLUMNS, settlement_price_rows(rows))


def settlement_price_rows(rows: Iterable[StoredRow]) -> Iterator[Cells]:
    """The rows of the report from barrier rows."""
    for row in rows:
        facts = list(row.facts(*_PRICES, *_RATES))
        rates = {fact["contract"]: fact for fact in facts if fact["type"] == MarginRateSet.TYPE}
        above = {fact["contract"] for fact in facts if fact["type"] == MarginRateAboveBand.TYPE}
        prices = [fact for fact in facts if fact["type"].encode() in _PRICES]
        for fact in sorted(prices, key=_expiry):
            cells = {name: fact[name] for name in _OF_PRICE}
            cells |= {name: fact.get(name) for name in ("tier", "reference_ticks", "source")}
            rate = rates.get(fact["contract"])
            if rate is not None:
                cells |= {name: rate[name] for name in _OF_RATE}
                cells["is_above_band"] = fact["contract"] in above
            cells |= {"business_date": row.business_date, "product": product_of(fact["contract"])}
            cells |= {"cycle": fact.get("cycle", _CLOSE), "kind": fact_name(fact["type"])}
            yield laid_out(_COLUMNS, cells)


def _expiry(fact: ReportFact) -> tuple[int, int]:
    delivery = parse_symbol(fact["contract"])
    return (0, 0) if delivery is None else (delivery.year, delivery.month)
