"""The spread of compute to tokens, day by day, and the spreads cleared (RULEBOOK §1, paper §7.3).

In: the closes of the markets of tokens and of compute; `spread_cleared` facts. Out: for each date
the front settlement prices, their difference, and their ratio: the million SIT that an SCU must
bring to pay for itself; then the spreads of the date. By eq. 3 a million SIT costs what its compute
does, so that prices imply the ratio as tokens an hour: with the hour's hardware fixed (η_H), it
moves as the efficiency of algorithms (η_A) and with what sellers of tokens earn above cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from events.contracts import Delivery, parse_symbol, product_of
from events.market_facts import ContractSettled, SettlementPriceSet
from events.spread_facts import SpreadCleared
from events.units import micros
from services.reports.kind import ReportKind
from services.reports.prices import price_facts
from services.reports.report import Cell, NamedCells, ReportFact, ReportRequest, TableLayout
from services.reports.view import JournalView
from services.shards.routing import market_shard

_LEVEL, _SPREAD = "level", "spread"
_TOKENS, _COMPUTE = "SIT", "SCU"
_AT_CLOSE: Final = (SettlementPriceSet.TYPE, ContractSettled.TYPE)
_CLEARED: Final = SpreadCleared.TYPE.encode()


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    markets = view.markets()
    of_both = [market for market in markets if market in map(market_shard, (_TOKENS, _COMPUTE))]
    ratios: list[Fraction] = []
    for day in view.days(request):
        fronts = _fronts(price_facts(view, day, markets=of_both))
        if fronts.keys() == {_TOKENS, _COMPUTE}:
            yield {"business_date": day, **_level(fronts, ratios)}
        for row in view.rows_of_all(markets, day, words=(_CLEARED,)):
            for fact in row.facts(_CLEARED):
                yield {"business_date": day, **_spread(fact)}


def _fronts(facts: Sequence[ReportFact]) -> dict[str, ReportFact]:
    """By product the price at the close of the nearest contract that has one."""
    closing = [fact for fact in facts if fact["type"] in _AT_CLOSE]
    by_month = sorted(closing, key=_expiry, reverse=True)
    return {product_of(fact["contract"]): fact for fact in by_month}


def _expiry(fact: ReportFact) -> Delivery:
    delivery = parse_symbol(fact["contract"])
    assert delivery is not None, fact
    return delivery


def _level(fronts: Mapping[str, ReportFact], ratios: list[Fraction]) -> dict[str, Cell]:
    """A date's prices and ratio. ratios: of the dates before; this one's is added."""
    tokens, compute = fronts[_TOKENS], fronts[_COMPUTE]
    ratio = Fraction(compute["price_ticks"], tokens["price_ticks"])
    ratios.append(ratio)
    cells: dict[str, Cell] = {
        "line": _LEVEL,
        "sit_contract": tokens["contract"],
        "sit_ticks": tokens["price_ticks"],
        "scu_contract": compute["contract"],
        "scu_ticks": compute["price_ticks"],
        "difference_ticks": compute["price_ticks"] - tokens["price_ticks"],
        "ratio_millionths": micros(ratio),
    }
    if len(ratios) > 1:
        cells["change_ppm"] = micros(ratio / ratios[-2] - 1)
        cells["since_first_ppm"] = micros(ratio / ratios[0] - 1)
    return cells


def _spread(fact: ReportFact) -> dict[str, Cell]:
    """A spread that was cleared; its ratio where one leg is compute and one is tokens."""
    cells: dict[str, Cell] = {"line": _SPREAD}
    cells |= {name: fact[name] for name in ("at", "reference", "buyer", "seller", "shard", "seq")}
    for side, leg in zip(("bought", "sold"), fact["legs"], strict=True):
        cells |= {f"{side}_{name}": leg[name] for name in ("contract", "lots")}
        cells[f"{side}_ticks"] = leg["price_ticks"]
    bought, sold = fact["legs"]
    cells["difference_ticks"] = bought["price_ticks"] - sold["price_ticks"]
    ticks = {product_of(leg["contract"]): leg["price_ticks"] for leg in fact["legs"]}
    if ticks.keys() == {_TOKENS, _COMPUTE}:
        cells["ratio_millionths"] = micros(Fraction(ticks[_COMPUTE], ticks[_TOKENS]))
    return cells


SPREAD_REPORT: Final = ReportKind(
    name="spread",
    title="Compute to tokens",
    columns=(
        "business_date", "line", "sit_contract", "sit_ticks", "scu_contract", "scu_ticks",
        "difference_ticks", "ratio_millionths", "change_ppm", "since_first_ppm", "at", "reference",
        "buyer", "seller", "bought_contract", "bought_ticks", "bought_lots", "sold_contract",
        "sold_ticks", "sold_lots", "shard", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "sit_contract", "sit_ticks", "scu_contract", "scu_ticks",
            "difference_ticks", "ratio_millionths", "change_ppm", "since_first_ppm",
        ), "Front settlement prices; ratio: million SIT an SCU must bring", (_LEVEL,)),
        TableLayout((
            "business_date", "at", "reference", "buyer", "seller", "bought_contract",
            "bought_ticks", "bought_lots", "sold_contract", "sold_ticks", "sold_lots",
            "difference_ticks", "ratio_millionths",
        ), "Spreads cleared", (_SPREAD,)),
    ),
)  # fmt: skip
