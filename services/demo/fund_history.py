"""The default fund of a demonstration, folded from its facts: its size, its money, its calls.

In: facts in the words on the wire. Out: balances by ledger account, what each member must have, a
day for each close. Money in cents, as stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from events.ledger_names import fund_of
from services.demo.entries import (
    MET,
    MISSED,
    PARTLY_MET,
    RAISED,
    STILL_OPEN,
    CallHistory,
    DemoFact,
    calls_by_outcome,
    change_call,
)


@dataclass(slots=True)
class FundClose:
    """The fund at a close. scenario: of the largest cover, None if nobody loses.

    contributed_cents: of the standing members, before the close's withdrawals; capital_cents: the
    clearinghouse's own; called_cents: by new calls.
    """

    at: str
    scenario: str | None
    cover_cents: int
    required_cents: int
    capital_cents: int
    contributed_cents: int = 0
    called_cents: int = 0


@dataclass(slots=True)
class FundHistory:
    """All that was learnt of the fund.

    balances: of the clearinghouse's ledger accounts; required: of each standing member at the
    last close.
    """

    balances: Counter[str] = field(default_factory=Counter)
    required: dict[str, int] = field(default_factory=dict)
    days: dict[date, FundClose] = field(default_factory=dict)
    calls: dict[str, CallHistory] = field(default_factory=dict)

    @property
    def open_calls(self) -> list[CallHistory]:
        """The calls that are neither met nor missed; account: the member."""
        return calls_by_outcome(self.calls, *STILL_OPEN)

    def contributed_cents(self, member: str | None) -> int:
        """What a member has in the fund; of None the clearinghouse's own capital."""
        return self.balances[fund_of(member)]


def _sized(book: FundHistory, fact: DemoFact) -> None:
    book.required.clear()
    book.days[_day(fact)] = FundClose(
        fact["at"],
        fact["scenario"],
        cover_cents=fact["cover_cents"],
        required_cents=fact["required_cents"],
        capital_cents=book.contributed_cents(None),
    )


def _required(book: FundHistory, fact: DemoFact) -> None:
    book.required[fact["member"]] = fact["required_cents"]
    book.days[_day(fact)].contributed_cents += fact["held_cents"]


def _called(book: FundHistory, fact: DemoFact) -> None:
    day, cents = date.fromisoformat(fact["call"].rpartition("/")[2]), fact["amount_cents"]
    deadline = fact["deadline"]
    book.calls[fact["call"]] = CallHistory(fact["member"], day, "close", cents, deadline, cents)
    book.days[day].called_cents += cents


def _day(fact: DemoFact) -> date:
    return date.fromisoformat(fact["business_date"])


LEARN_FUND: Final[dict[str, Callable[[FundHistory, DemoFact], None]]] = {
    "fund_sized/1": _sized,
    "fund_required/1": _required,
    "fund_called/1": _called,
    "fund_call_raised/1": lambda book, fact: change_call(book.calls, fact, outcome=RAISED),
    "fund_call_partly_met/1": lambda book, fact: change_call(book.calls, fact, outcome=PARTLY_MET),
    "fund_call_met/1": lambda book, fact: change_call(book.calls, fact, outcome=MET),
    "fund_call_missed/1": lambda book, fact: change_call(book.calls, fact, outcome=MISSED),
}
