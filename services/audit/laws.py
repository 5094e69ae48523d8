"""The laws of the rulebook that facts alone can show broken (RULEBOOK §9, 1 to 4, 8 and 9).

In: the facts of a journal, in the order decided. Out: the broken laws, in words; nothing if all
hold. Positions, cash, the fund, balances and units are added up anew from the facts, in one pass,
without any other part of the program.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

# A fact as its JSON has it.
FactFields = Mapping[str, Any]

_CASH: Final = "cash:"
_VARIATION: Final = "house:variation:"
_FUND: Final = "fund:"
_CAPITAL: Final = "house:capital"
_UNCOVERED: Final = "house:uncovered"
_DEFAULT: Final = "house:default:"
# What ledger accounts hold beside cash is what facts say of them, to the cent.
_STATED: Final = (_CASH, _FUND, _CAPITAL, _UNCOVERED)
# What these moved stands in their postings alone.
_ONLY_POSTED: Final = frozenset({"waterfall_applied/1", "asset_moved/1"})
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
    "account_ported/1": "reference",
    "account_auctioned/1": "reference",
    "fund_moved/1": "reference",
    "fund_withdrawal_pending/1": "reference",
    "fund_called/1": "call",
    "contract_settled/1": "contract",
    "spread_submitted/1": "reference",
    "spread_cleared/1": "reference",
}


class LawBook:
    """Sums that must come out: lots, cents by cycle, balances by ledger account, units."""

    def __init__(self) -> None:
        self._lots: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._variation: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._balances: defaultdict[str, int] = defaultdict(int)
        self._moved: defaultdict[str, int] = defaultdict(int)
        self._units: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._losses: defaultdict[str, int] = defaultdict(int)
        self._stated: Counter[tuple[str, str, str]] = Counter()
        self._broken: list[str] = []
        self._legs: list[tuple[str, str, str]] = []
        self._add: dict[str, Callable[[FactFields], None]] = {
            "trade_novated/1": self._novated,
            "trade_busted/1": self._busted,
            "spread_cleared/1": self._spread_cleared,
            "position_transferred/1": self._transferred,
            "position_taken_over/1": self._taken_over,
            "position_closed/1": self._closed,
            "variation_settled/1": self._settled,
            "collateral_moved/1": self._moved_cash,
            "cash_adjusted/1": self._adjusted,
            "account_auctioned/1": self._auctioned,
            "auction_payment_refused/1": self._not_paid,
            "fund_moved/1": self._moved_fund,
            "waterfall_applied/1": self._waterfall,
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
                f"spread {reference} is cleared, and its leg {trade_id} is not"
                for reference, shard, trade_id in self._legs
                if not self._stated[shard, "trade_novated/1", trade_id]
            ),
            *(
                f"variation of {contract} on {day}, cycle {cycle}, sums to {cents} cents, not 0"
                for (contract, day, cycle), cents in self._variation.items()
                if cents
            ),
            *self._unbalanced(),
            *(
                f"{_DEFAULT}{member} got {-cents} cents more than the losses of {member}"
                for member, cents in self._losses.items()
                if cents
            ),
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
        """Accounts that differ from what facts moved; those of variation and defaults not at 0."""
        names = sorted({*self._balances, *self._moved})
        unbalanced = []
        for name in names:
            posted, moved = self._balances[name], self._moved[name]
            if name.startswith(_STATED) and posted != moved:
                unbalanced.append(f"{name} is posted {posted} cents, moved and settled {moved}")
            if name.startswith((_VARIATION, _DEFAULT)) and posted != 0:
                unbalanced.append(f"{name} keeps {posted} cents")
        return unbalanced

    def _novated(self, fact: FactFields) -> None:
        self._lots[fact["contract"], fact["buyer"]] += fact["lots"]
        self._lots[fact["contract"], fact["seller"]] -= fact["lots"]

    def _busted(self, fact: FactFields) -> None:
        self._lots[fact["contract"], fact["buyer"]] -= fact["lots"]
        self._lots[fact["contract"], fact["seller"]] += fact["lots"]

    def _spread_cleared(self, fact: FactFields) -> None:
        """Both legs are trades of their markets."""
        for leg in fact["legs"]:
            shard = f"market/{leg['contract'][:3]}"
            self._legs.append((fact["reference"], shard, leg["trade_id"]))

    def _transferred(self, fact: FactFields) -> None:
        given = fact["lots"] if fact["side"] == "long" else -fact["lots"]
        self._lots[fact["contract"], fact["to_account"]] += given
        self._lots[fact["contract"], fact["from_account"]] -= given

    def _taken_over(self, fact: FactFields) -> None:
        """An auction moves the whole position."""
        lots = self._lots[fact["contract"], fact["from_account"]]
        if lots != fact["lots"]:
            auctioned = f"{fact['lots']} lots of {fact['contract']} are taken over"
            self._broken.append(f"{auctioned} from {fact['from_account']}, its trades make {lots}")
        self._lots[fact["contract"], fact["from_account"]] -= fact["lots"]
        self._lots[fact["contract"], fact["to_account"]] += fact["lots"]

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

    def _auctioned(self, fact: FactFields) -> None:
        self._moved[f"{_CASH}{fact['account']}"] -= fact["payment_cents"]
        self._moved[f"{_CASH}{fact['to_account']}"] += fact["payment_cents"]

    def _not_paid(self, fact: FactFields) -> None:
        self._auctioned({**fact, "payment_cents": -fact["payment_cents"]})

    def _moved_fund(self, fact: FactFields) -> None:
        self._moved[_fund_of(fact["member"])] += fact["amount_cents"]

    def _waterfall(self, fact: FactFields) -> None:
        """The layers add up to the loss; what the member's house pays stands in postings."""
        layers, loss = fact["layers"], fact["loss_cents"]
        total = sum(layer["amount_cents"] for layer in layers)
        if total != loss:
            self._broken.append(f"the layers of {fact['member']} make {total} cents, not {loss}")
        self._losses[fact["member"]] += loss
        for layer in layers:
            if layer["layer"] == "uncovered":
                self._moved[_UNCOVERED] -= layer["amount_cents"]
            elif layer["layer"] != "member_house":
                self._moved[_fund_of(layer["member"])] -= layer["amount_cents"]

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
        if fact["for"] in _ONLY_POSTED:
            self._posted_alone(fact)

    def _posted_alone(self, fact: FactFields) -> None:
        """What no fact but the posting says of an account; a loss is made up to the last cent."""
        debit, credit, cents = fact["debit"], fact["credit"], fact["amount_cents"]
        if debit.startswith(_CASH):
            self._moved[debit] -= cents
        if credit.startswith((_CASH, _FUND)):
            self._moved[credit] += cents
        if credit.startswith(_DEFAULT):
            self._losses[credit.removeprefix(_DEFAULT)] -= cents
        if debit.startswith(_DEFAULT) and self._balances[credit] != 0:
            self._broken.append(f"{credit} holds {self._balances[credit]} cents after its default")


def _fund_of(member: str | None) -> str:
    """The ledger account of a contribution; None: of the clearinghouse's capital."""
    return _CAPITAL if member is None else f"{_FUND}{member}"
