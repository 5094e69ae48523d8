"""What a journal says of margins and moves: prices, rates and requirements, close by close.

In: a view of a journal, and its last day wanted. Out: by contract its settlement prices and the
margin stated at each close; by account what each close asked of the positions there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple, TypeAlias

from events.contracts import Delivery, parse_symbol, product_of
from events.control_commands import CLOSE_CYCLE
from events.market_facts import (
    ContractSettled,
    MarginRateSet,
    MarginScenariosSet,
    SettlementPriceSet,
)
from events.member_facts import MarginSet
from risk.margin import Measure, stated_measure
from services.reports.report import ReportFact
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD
from settlement.ledger import cents

_WORDS: Final = tuple(
    fact.TYPE.encode()
    for fact in (SettlementPriceSet, ContractSettled, MarginRateSet, MarginScenariosSet)
)
_ACCOUNT_WORDS: Final = (MarginSet.TYPE.encode(),)


# Positions by contract, − when short.
Lots: TypeAlias = Mapping[str, int]


class StatedMargin(NamedTuple):
    """The margin of a contract from a close on. paper_ppm: what eq. 7 asks or would have asked."""

    model: str
    measure: Measure
    paper_ppm: int


class AccountMargin(NamedTuple):
    """The requirement of an account at a close, with its positions."""

    model: str
    initial_cents: int
    lots: Lots


@dataclass(slots=True)
class LiveBook:
    """A journal's margins and moves. sessions: the days closed, the first first.

    prices: in ticks; a contract keeps its final settlement price after its last day.
    """

    sessions: list[date] = field(default_factory=list)
    prices: defaultdict[str, dict[date, int]] = field(default_factory=lambda: defaultdict(dict))
    finals: dict[str, tuple[date, int]] = field(default_factory=dict)
    margins: defaultdict[str, dict[date, StatedMargin]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    accounts: defaultdict[str, dict[date, AccountMargin]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def price(self, contract: str, day: date) -> int | None:
        """The price of a contract at a close, in ticks; None where there was none."""
        final = self.finals.get(contract)
        if final is not None and day >= final[0]:
            return final[1]
        return self.prices[contract].get(day)

    def listed_on(self, product: str, day: date) -> list[str]:
        """The contracts of a product with price and margin at a close, the front month first."""
        listed = [
            contract
            for contract, margins in self.margins.items()
            if product_of(contract) == product
            and day in margins
            and self.price(contract, day) is not None
            and (contract not in self.finals or day < self.finals[contract][0])
        ]
        return sorted(listed, key=_delivery)

    def notional_cents(self, lots: Lots, day: date) -> int:
        """What positions are worth at a close, long and short added up; 0 if one is not known.

        Not known is a position in a contract without a price or a margin at that close.
        """
        notional = 0
        for contract, count in lots.items():
            price = self.price(contract, day)
            if price is None or day not in self.margins[contract]:
                return 0
            notional += cents(abs(count), price)
        return notional

    def gain_cents(self, lots: Lots, *, first: date, last: date) -> int | None:
        """What positions gain from a close to another; None where a price is missing."""
        gain = 0
        for contract, count in lots.items():
            before, after = self.price(contract, first), self.price(contract, last)
            if before is None or after is None:
                return None
            gain += cents(count, after - before)
        return gain

    def products(self) -> list[str]:
        """The products whose contracts had a margin, by name."""
        return sorted({product_of(contract) for contract in self.margins})


def read_live(view: JournalView, *, until: date) -> LiveBook:
    """The margins and moves of a journal up to a day, all closes."""
    book = LiveBook()
    for day in view.sessions():
        if day > until:
            break
        for shard in view.markets():
            for row in view.rows(shard, day, words=_WORDS):
                for fact in row.facts(*_WORDS):
                    _learn_contract(book, fact, day=day)
        for row in view.rows(MEMBER_SHARD, day, words=_ACCOUNT_WORDS):
            for fact in row.facts(*_ACCOUNT_WORDS):
                if fact["cycle"] == CLOSE_CYCLE:
                    book.accounts[fact["account"]][day] = _account_margin(fact)
        if any(day in prices for prices in book.prices.values()):
            book.sessions.append(day)
    return book


def _learn_contract(book: LiveBook, fact: ReportFact, *, day: date) -> None:
    contract = fact["contract"]
    if fact["type"] == SettlementPriceSet.TYPE:
        book.prices[contract][day] = fact["price_ticks"]
    elif fact["type"] == ContractSettled.TYPE:
        book.finals[contract] = (day, fact["price_ticks"])
    else:
        book.margins[contract][day] = StatedMargin(
            fact["model"], stated_measure(fact), fact["paper_rate_ppm"]
        )


def _account_margin(fact: ReportFact) -> AccountMargin:
    lots = {part["contract"]: part["lots"] for part in fact["parts"]}
    return AccountMargin(fact["model"], fact["initial_cents"], lots)


def _delivery(contract: str) -> Delivery:
    delivery = parse_symbol(contract)
    assert delivery is not None, contract
    return delivery
