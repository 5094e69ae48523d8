"""What the demonstration's market has learnt from the facts of the clearinghouse.

In: decoded facts in the words on the wire. Out: listed contracts with their references,
positions, cash, margin rates and open calls, so that what it sends next answers what was
decided. It guesses nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

Fact = Mapping[str, Any]

FLOOR_RATE_PPM: Final = 80_000


@dataclass(slots=True)
class Listed:
    """A listed contract: what it settled at last, and the last day on which it trades."""

    contract: str
    last_trading_day: date
    reference_ticks: int | None


@dataclass(slots=True)
class OpenCall:
    """A margin call that is not met yet."""

    account: str
    remaining_cents: int


class Desk:
    """The market's memory of what was decided."""

    def __init__(self) -> None:
        self.index_micros: dict[str, int] = {}
        self.lots: dict[tuple[str, str], int] = {}
        self.cash_cents: dict[str, int] = {}
        self.rate_ppm: dict[str, int] = {}
        self.calls: dict[str, OpenCall] = {}
        self._listed: dict[str, Listed] = {}
        self._trades: dict[str, tuple[str, str, str, int]] = {}
        self._learn: dict[str, Callable[[Fact], None]] = {
            "index_published/1": self._index,
            "contract_listed/1": self._listing,
            "settlement_price_set/1": self._settled,
            "contract_settled/1": self._expired,
            "margin_rate_set/1": self._rate,
            "trade_novated/1": self._novated,
            "trade_busted/1": self._busted,
            "position_transferred/1": self._transferred,
            "position_closed/1": self._closed,
            "collateral_moved/1": self._cash,
            "variation_settled/1": self._cash,
            "margin_called/1": self._called,
            "margin_call_partly_met/1": self._remains,
            "margin_call_raised/1": self._remains,
            "margin_call_met/1": self._call_over,
            "margin_call_missed/1": self._call_over,
        }

    def learn(self, facts: Iterable[Fact]) -> None:
        """Take in what was decided since the last time, in the order it was decided."""
        for fact in facts:
            learn = self._learn.get(str(fact.get("type")))
            if learn is not None:
                learn(fact)

    def listed(self, product: str) -> list[Listed]:
        """The listed contracts of a product, the front month first."""
        found = [c for c in self._listed.values() if c.contract.startswith(product)]
        return sorted(found, key=lambda c: (c.last_trading_day, c.contract))

    def held_lots(self, account: str, contract: str) -> int:
        """An account's net lots in a contract, short is negative."""
        return self.lots.get((account, contract), 0)

    def latest_trade(self, product: str) -> str | None:
        """The id of a product's last cleared trade in a contract that still trades."""
        for trade_id in reversed(self._trades):
            contract = self._trades[trade_id][0]
            if contract.startswith(product) and contract in self._listed:
                return trade_id
        return None

    def contract_of(self, trade_id: str) -> str:
        """The contract of a cleared trade."""
        return self._trades[trade_id][0]

    def _index(self, fact: Fact) -> None:
        self.index_micros[fact["product"]] = fact["value_micros"]

    def _listing(self, fact: Fact) -> None:
        last = date.fromisoformat(fact["last_trading_day"])
        name = fact["contract"]
        self._listed[name] = Listed(name, last, fact["reference_ticks"])

    def _settled(self, fact: Fact) -> None:
        if fact["contract"] in self._listed:
            self._listed[fact["contract"]].reference_ticks = fact["price_ticks"]

    def _expired(self, fact: Fact) -> None:
        self._listed.pop(fact["contract"], None)

    def _rate(self, fact: Fact) -> None:
        self.rate_ppm[fact["contract"]] = fact["rate_ppm"]

    def _novated(self, fact: Fact) -> None:
        contract, lots = fact["contract"], fact["lots"]
        self._trades[fact["trade_id"]] = (contract, fact["buyer"], fact["seller"], lots)
        self._move(contract, fact["buyer"], seller=fact["seller"], lots=lots)

    def _busted(self, fact: Fact) -> None:
        self._trades.pop(fact["trade_id"], None)
        self._move(fact["contract"], fact["seller"], seller=fact["buyer"], lots=fact["lots"])

    def _transferred(self, fact: Fact) -> None:
        giver, taker = fact["from_account"], fact["to_account"]
        buyer, seller = (taker, giver) if fact["side"] == "long" else (giver, taker)
        self._move(fact["contract"], buyer, seller=seller, lots=fact["lots"])

    def _move(self, contract: str, buyer: str, *, seller: str, lots: int) -> None:
        self.lots[buyer, contract] = self.held_lots(buyer, contract) + lots
        self.lots[seller, contract] = self.held_lots(seller, contract) - lots

    def _closed(self, fact: Fact) -> None:
        self.lots.pop((fact["account"], fact["contract"]), None)

    def _cash(self, fact: Fact) -> None:
        account = fact["account"]
        self.cash_cents[account] = self.cash_cents.get(account, 0) + fact["amount_cents"]

    def _called(self, fact: Fact) -> None:
        self.calls[fact["call"]] = OpenCall(fact["account"], fact["amount_cents"])

    def _remains(self, fact: Fact) -> None:
        if fact["call"] in self.calls:
            self.calls[fact["call"]].remaining_cents = fact["remaining_cents"]

    def _call_over(self, fact: Fact) -> None:
        self.calls.pop(fact["call"], None)
