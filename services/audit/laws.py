"""The laws of the rulebook that facts alone can show broken (RULEBOOK §9, 1 to 4 and 9).

In: the facts of a journal, in the order decided. Out: the broken laws, in words; nothing if all
hold. Positions, cash, balances and units are added up anew from the facts, in one pass, without any
other part of the program.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

# A fact as its JSON has it.
FactFields = Mapping[str, Any]

_CASH: Final = "cash:"
_VARIATION: Final = "house:variation:"
# Facts that may be stated once under a name.
_ONCE: Final = {
    "trade_novated/1": "trade_id",
    "trade_busted/1": "trade_id",
    "position_transferred/1": "transfer",
    "collateral_moved/1": "reference",
    "withdrawal_pending/1": "reference",
    "cash_adjusted/1": "reference",
    "asset_moved/1": "reference",
    "asset_withdrawal_pending/1": "reference",
    "margin_called/1": "call",
    "contract_settled/1": "contract",
}


class LawBook:
    """Sums that must come out: lots, cents by cycle, balances by ledger account, units."""

    def __init__(self) -> None:
        self._lots: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._variation: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._balances: defaultdict[str, int] = defaultdict(int)
        self._moved: defaultdict[str, int] = defaultdict(int)
        self._units: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._stated: Counter[tuple[str, str, str]] = Counter()
        self._broken: list[str] = []
        self._add: dict[str, Callable[[FactFields], None]] = {
            "trade_novated/1": self._novated,
            "trade_busted/1": self._busted,
            "position_transferred/1": self._transferred,
            "position_closed/1": self._closed,
            "variation_settled/1": self._settled,
            "collateral_moved/1": self._moved_cash,
            "cash_adjusted/1": self._adjusted,
            "posting/1": self._posted,
            "asset_moved/1": self._moved_units,
            "asset_counted/1": self._counted,
        }

    def add(self, fact: FactFields) -> None:
        """Add a fact."""
        kind = fact["type"]
        if kind in _ONCE:
            self._stated[fact["shard"], kind, fact[_ONCE[kind]]] += 1
        if kind in self._add:
            self._add[kind](fact)

    def broken(self) -> list[str]:
        """The broken laws, one line each."""
        return [
            *self._broken,
            *self._not_flat(),
            *(
                f"variation of {contract} on {day}, cycle {cycle}, sums to {cents} cents, not 0"
                for (contract, day, cycle), cents in self._variation.items()
                if cents
            ),
            *self._unbalanced(),
            *(
                f"{shard} states {kind} of {name} {count} times"
                for (shard, kind, name), count in self._stated.items()
                if count > 1
            ),
        ]

    def _not_flat(self) -> list[str]:
        totals: defaultdict[str, int] = defaultdict(int)
        for (contract, _), lots in self._lots.items():
            totals[contract] += lots
        return [
            f"the clearinghouse holds {-lots} lots of {name}"
            for name, lots in totals.items()
            if lots
        ]

    def _unbalanced(self) -> list[str]:
        """Cash accounts that differ from movements and variation; variation accounts not at 0."""
        names = sorted({*self._balances, *self._moved})
        unbalanced = []
        for name in names:
            posted, moved = self._balances[name], self._moved[name]
            if name.startswith(_CASH) and posted != moved:
                unbalanced.append(f"{name} is posted {posted} cents, moved and settled {moved}")
            if name.startswith(_VARIATION) and posted != 0:
                unbalanced.append(f"{name} keeps {posted} cents")
        return unbalanced

    def _novated(self, fact: FactFields) -> None:
        self._lots[fact["contract"], fact["buyer"]] += fact["lots"]
        self._lots[fact["contract"], fact["seller"]] -= fact["lots"]

    def _busted(self, fact: FactFields) -> None:
        self._lots[fact["contract"], fact["buyer"]] -= fact["lots"]
        self._lots[fact["contract"], fact["seller"]] += fact["lots"]

    def _transferred(self, fact: FactFields) -> None:
        given = fact["lots"] if fact["side"] == "long" else -fact["lots"]
        self._lots[fact["contract"], fact["to_account"]] += given
        self._lots[fact["contract"], fact["from_account"]] -= given

    def _closed(self, fact: FactFields) -> None:
        """A position ends with the lots of its trades."""
        lots = self._lots[fact["contract"], fact["account"]]
        if lots != fact["lots"]:
            closed = f"{fact['account']} is closed at {fact['lots']} lots of {fact['contract']}"
            self._broken.append(f"{closed}, its trades make {lots}")
        self._lots[fact["contract"], fact["account"]] -= fact["lots"]

    def _settled(self, fact: FactFields) -> None:
        key = (fact["contract"], fact["business_date"], fact["cycle"])
        self._variation[key] += fact["amount_cents"]
        self._moved[f"{_CASH}{fact['account']}"] += fact["amount_cents"]

    def _moved_cash(self, fact: FactFields) -> None:
        self._moved[f"{_CASH}{fact['account']}"] += fact["amount_cents"]

    def _adjusted(self, fact: FactFields) -> None:
        self._moved[f"{_CASH}{fact['debit_account']}"] -= fact["amount_cents"]
        self._moved[f"{_CASH}{fact['credit_account']}"] += fact["amount_cents"]

    def _moved_units(self, fact: FactFields) -> None:
        """Nobody gives more units than came in."""
        key = (fact["account"], fact["asset"])
        self._units[key] += fact["units"]
        if self._units[key] < 0:
            self._broken.append(f"{key[0]} has {self._units[key]} units of {key[1]}")

    def _counted(self, fact: FactFields) -> None:
        """A cycle counts the units that came in less those that went out."""
        units = self._units[fact["account"], fact["asset"]]
        if units != fact["units"]:
            counted = f"{fact['units']} units of {fact['asset']} are counted of {fact['account']}"
            self._broken.append(f"{counted}, its movements make {units}")

    def _posted(self, fact: FactFields) -> None:
        if fact["amount_cents"] <= 0:
            self._broken.append(f"a posting of {fact['amount_cents']} cents: {fact['reference']}")
        self._balances[fact["debit"]] -= fact["amount_cents"]
        self._balances[fact["credit"]] += fact["amount_cents"]
