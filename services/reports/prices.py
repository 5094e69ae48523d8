"""Settlement prices with tier and reference, marks of cycles, final settlements, margin rates.

In: the barrier rows of the market shards. Out: first the prices that the exchange has ordered; then
one row for each price, by product, in the order of the cycles and of the last trading days; the
rate stands beside the price it was taken on, the lots that ended beside a final settlement. Law:
the read model `settlement_price` says the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, LiteralString

from events.contracts import parse_symbol, product_of
from events.control_commands import CLOSE_CYCLE
from events.market_facts import (
    ContractSettled,
    CyclePriceSet,
    MarginRateAboveBand,
    MarginRateSet,
    MarginScenariosSet,
    PositionClosed,
    SettlementPriceOverruled,
    SettlementPriceSet,
)
from risk.margin import stated_measure
from services.reports.derived import check_agreement, keyed
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
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView

_READ_MODEL: Final[LiteralString] = """
SELECT shard, seq, contract, kind, product, cycle, price_ticks, tier
FROM clearing.settlement_price WHERE business_date = %s AND shard = ANY(%s)
"""
_MODEL_COLUMNS: Final = (
    "shard", "seq", "contract", "kind", "product", "cycle", "price_ticks", "tier",
)  # fmt: skip
_MODEL_KEY: Final = 4
_PRICES: Final = tuple(
    kind.TYPE.encode() for kind in (SettlementPriceSet, CyclePriceSet, ContractSettled)
)
_MEASURES: Final = (MarginRateSet.TYPE, MarginScenariosSet.TYPE)
_RATES: Final = tuple(kind.encode() for kind in (*_MEASURES, MarginRateAboveBand.TYPE))
_OVERRULED: Final = SettlementPriceOverruled.TYPE.encode()
_OF_PRICE: Final = ("contract", "price_ticks", "shard", "seq")
_OF_MEASURE: Final = ("model", "paper_rate_ppm", "fallback", "sigma_ppm", "sigma_source")


def price_facts(view: JournalView, day: date, *, markets: list[str]) -> list[ReportFact]:
    """The prices and rates of a date with the lots that ended; checked against the read model.

    Errors: DerivedRowsChanged.
    """
    facts: list[ReportFact] = []
    for shard in markets:
        for row in view.barriers(shard, day):
            facts += _facts_of(row)
    prices = [fact for fact in facts if fact["type"].encode() in _PRICES]
    expected = [
        (
            fact["shard"], fact["seq"], fact["contract"], fact["type"],
            product_of(fact["contract"]), fact.get("cycle", CLOSE_CYCLE),
            fact["price_ticks"], fact.get("tier"),
        )
        for fact in prices
    ]  # fmt: skip
    recorded = view.ask(_READ_MODEL, [day, markets])
    check_agreement(
        "settlement_price",
        expected=keyed(_MODEL_COLUMNS, expected, key=_MODEL_KEY),
        recorded=keyed(_MODEL_COLUMNS, recorded, key=_MODEL_KEY),
    )
    return facts


def _facts_of(row: StoredRow) -> list[ReportFact]:
    """The prices and rates of a barrier; final settlements with the lots they closed."""
    facts = list(row.facts(*_PRICES, *_RATES))
    closed: dict[str, int] = {}
    for fact in row.facts(PositionClosed.TYPE.encode()):
        closed[fact["contract"]] = closed.get(fact["contract"], 0) + max(0, fact["lots"])
    return [
        {**fact, "closed_lots": closed.get(fact["contract"], 0)}
        if fact["type"] == ContractSettled.TYPE
        else fact
        for fact in facts
    ]


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    contract, markets = request.options.get("contract"), markets_asked(view, request)
    for day in view.days(request):
        facts = [
            fact
            for fact in price_facts(view, day, markets=markets)
            if contract in (None, fact["contract"])
        ]
        barriers: dict[tuple[str, int], list[ReportFact]] = {}
        for fact in facts:
            barriers.setdefault((fact["shard"], fact["seq"]), []).append(fact)
        yield from _overruled(view, day, request=request)
        for of_barrier in barriers.values():
            yield from _barrier(day, of_barrier)


def _overruled(view: JournalView, day: date, *, request: ReportRequest) -> Iterator[NamedCells]:
    """The prices that the exchange ordered for the close of a date."""
    for row in view.rows_of_all(markets_asked(view, request), day, words=(_OVERRULED,)):
        for fact in row.facts(_OVERRULED, naming=request.options.get("contract")):
            yield {
                "business_date": day,
                "product": product_of(fact["contract"]),
                "kind": fact_name(fact["type"]),
                **{name: fact[name] for name in (*_OF_PRICE, "reason")},
            }


def _barrier(day: date, facts: list[ReportFact]) -> Iterator[NamedCells]:
    rates = {fact["contract"]: fact for fact in facts if fact["type"] in _MEASURES}
    above = {fact["contract"] for fact in facts if fact["type"] == MarginRateAboveBand.TYPE}
    prices = [fact for fact in facts if fact["type"].encode() in _PRICES]
    for fact in sorted(prices, key=_expiry):
        cells: dict[str, Cell] = {name: fact[name] for name in _OF_PRICE}
        of_kind = ("tier", "reference_ticks", "source", "closed_lots")
        cells |= {name: fact.get(name) for name in of_kind}
        rate = rates.get(fact["contract"])
        if rate is not None:
            cells |= _measured(rate) | {"is_above_band": fact["contract"] in above}
        cells |= {"business_date": day, "product": product_of(fact["contract"])}
        cells |= {"cycle": fact.get("cycle", CLOSE_CYCLE), "kind": fact_name(fact["type"])}
        yield cells


def _measured(fact: ReportFact) -> dict[str, Cell]:
    """The largest loss of a lot on either side, and the model that measured it."""
    measure = stated_measure(fact)
    sides: dict[str, Cell] = {"long_ppm": measure.long_ppm, "short_ppm": measure.short_ppm}
    return sides | {name: fact.get(name) for name in _OF_MEASURE}


def _expiry(fact: ReportFact) -> tuple[int, int]:
    delivery = parse_symbol(fact["contract"])
    return (0, 0) if delivery is None else (delivery.year, delivery.month)


PRICES_REPORT: Final = ReportKind(
    name="prices",
    title="Settlement prices",
    columns=(
        "business_date", "product", "contract", "cycle", "kind", "price_ticks", "tier",
        "reference_ticks", "source", "reason", "closed_lots", "model", "long_ppm",
        "short_ppm", "paper_rate_ppm", "fallback", "sigma_ppm", "sigma_source", "is_above_band",
        "shard", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "contract", "cycle", "kind", "price_ticks", "tier", "reference_ticks",
            "source", "reason", "closed_lots", "model", "long_ppm", "short_ppm", "paper_rate_ppm",
            "fallback", "is_above_band",
        )),
    ),
)  # fmt: skip
