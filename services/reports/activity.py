"""Activity: trades, volume, prices traded and open interest by contract and date.

In: the trades of the market shards, their settlement prices, and the positions of all accounts at
the last cycle. Out: one row for each contract that traded or is open. A trade counts on the date it
was cleared, a bust on its own; transfers count as neither. Law: long and short lots are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from events.contracts import product_of
from events.market_facts import TradeBusted, TradeNovated
from events.member_facts import MarginSet
from services.reports.filters import markets_asked
from services.reports.kind import ReportKind
from services.reports.prices import price_facts
from services.reports.report import NamedCells, ReportFact, ReportRequest, TableLayout
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD
from settlement.ledger import cents

_TRADES: Final = (TradeNovated.TYPE.encode(), TradeBusted.TYPE.encode())
_MARGIN: Final = MarginSet.TYPE.encode()


@dataclass(slots=True)
class ContractActivity:
    """A contract on a date."""

    trades: int = 0
    volume_lots: int = 0
    turnover_cents: int = 0
    low_ticks: int | None = None
    high_ticks: int | None = None
    busted_trades: int = 0
    busted_lots: int = 0
    settlement_ticks: int | None = None
    open_interest_lots: int = 0

    def add_trade(self, fact: ReportFact) -> None:
        """Count a trade, or a bust."""
        lots, price = fact["lots"], fact["price_ticks"]
        if fact["type"] == TradeBusted.TYPE:
            self.busted_trades += 1
            self.busted_lots += lots
            return
        self.trades += 1
        self.volume_lots += lots
        self.turnover_cents += cents(lots, price)
        self.low_ticks = price if self.low_ticks is None else min(self.low_ticks, price)
        self.high_ticks = price if self.high_ticks is None else max(self.high_ticks, price)


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    contract, markets = request.options.get("contract"), markets_asked(view, request)
    products = {shard.partition("/")[2] for shard in markets}
    for day in view.days(request):
        contracts = _contracts(view, day, markets=markets)
        for name in sorted(contracts, key=lambda name: (product_of(name), name[-2:], name)):
            if contract in (None, name) and product_of(name) in products:
                activity = contracts[name]
                yield {
                    "business_date": day,
                    "product": product_of(name),
                    "contract": name,
                    **{field: getattr(activity, field) for field in _OF_CONTRACT},
                }


def _contracts(view: JournalView, day: date, *, markets: list[str]) -> dict[str, ContractActivity]:
    contracts: dict[str, ContractActivity] = {}
    for row in view.rows_of_all(markets, day, words=_TRADES):
        for fact in row.facts(*_TRADES):
            contracts.setdefault(fact["contract"], ContractActivity()).add_trade(fact)
    for name, lots in _open_interest(view, day).items():
        contracts.setdefault(name, ContractActivity()).open_interest_lots = lots
    for fact in price_facts(view, day, markets=markets):
        if fact["type"] in _SETTLED and fact["contract"] in contracts:
            contracts[fact["contract"]].settlement_ticks = fact["price_ticks"]
    return contracts


def _open_interest(view: JournalView, day: date) -> dict[str, int]:
    """The long lots of each contract after the last cycle of a date; none without a cycle."""
    long_lots: dict[str, int] = {}
    net: dict[str, int] = {}
    for row in list(view.barriers(MEMBER_SHARD, day))[-1:]:
        for fact in row.facts(_MARGIN):
            for part in fact["parts"]:
                name, lots = part["contract"], part["lots"]
                long_lots[name] = long_lots.get(name, 0) + max(0, lots)
                net[name] = net.get(name, 0) + lots
    assert not any(net.values()), f"on {day} long and short lots differ: {net}"
    return long_lots


_SETTLED: Final = ("settlement_price_set/1", "contract_settled/1")
_OF_CONTRACT: Final = (
    "trades", "volume_lots", "turnover_cents", "low_ticks", "high_ticks", "busted_trades",
    "busted_lots", "settlement_ticks", "open_interest_lots",
)  # fmt: skip
_SHOWN: Final = ("business_date", "product", "contract", *_OF_CONTRACT)

ACTIVITY_REPORT: Final = ReportKind(
    name="activity",
    title="Activity",
    columns=_SHOWN,
    rows=_rows,
    layouts=(TableLayout(_SHOWN),),
)
