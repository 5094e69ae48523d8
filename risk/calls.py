"""The life of margin calls: called, met, partly met, raised, missed (RULEBOOK §5).

In: the levels of accounts (`levels.py`), and the shard's clock. Out: the
facts of the calls. Accounts are numbered in the order they were opened; arrays are indexed by that
number. Decisions read a `CallBook`; only `apply_*` change it. No call declares a default: a person
does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from events.member_facts import (
    MarginCalled,
    MarginCallMet,
    MarginCallMissed,
    MarginCallPartlyMet,
    MarginCallRaised,
)
from risk.cycle import Cycle
from risk.levels import MarginLevels

CallChange = MarginCallMet | MarginCallPartlyMet | MarginCallRaised


@dataclass(slots=True)
class OpenCall:
    """A call that is neither met nor missed.

    is_for_cash: only cash was below zero, equity was not below maintenance margin.
    """

    call: str
    account: str
    remaining_cents: int
    deadline_ns: int
    is_for_cash: bool = False


@dataclass(slots=True)
class CallBook:
    """The open calls by account number: at most one each.

    calls_by_deadline: the number of open calls per deadline. All calls of a cycle share a deadline,
    so that the clock is compared with a few deadlines and not with every call.
    """

    open_calls: dict[int, OpenCall] = field(default_factory=dict)
    calls_by_deadline: dict[int, int] = field(default_factory=dict)

    def to_state(self) -> list[list[Any]]:
        """The open calls in plain values, by account number; that one is for cash only at the end.

        Of any other call that is left out, so that books without assets keep their hashes.
        """
        return [
            [number, call.call, call.account, call.remaining_cents, call.deadline_ns]
            + [True] * call.is_for_cash
            for number, call in sorted(self.open_calls.items())
        ]

    @classmethod
    def from_state(cls, state: list[list[Any]]) -> Self:
        """The book of a state. Law: its `to_state` equals it."""
        book = cls()
        for number, *values in state:
            call = OpenCall(*values)
            book.open_calls[number] = call
            _count(book, call.deadline_ns, change=1)
        return book


@dataclass(frozen=True, slots=True)
class AccountNames:
    """The names of accounts and of their members, by account number."""

    accounts: Sequence[str]
    members: Sequence[str]


def missed_calls(book: CallBook, clock: int) -> list[MarginCallMissed]:
    """The open calls whose deadline the clock has passed, by deadline and account name.

    Collateral exactly at the deadline is in time. Decide this before the command that moves the
    clock: a deposit that moves it past the deadline is too late.
    """
    if all(clock <= deadline for deadline in book.calls_by_deadline):
        return []
    late = [call for call in book.open_calls.values() if call.deadline_ns < clock]
    late.sort(key=lambda call: (call.deadline_ns, call.account))
    return [
        MarginCallMissed(
            at=clock, call=call.call, account=call.account, remaining_cents=call.remaining_cents
        )
        for call in late
    ]


def check_call(call: OpenCall, remaining_cents: int, *, at: int) -> CallChange | None:
    """The change of a call for a remainder; None when it is the same."""
    if remaining_cents <= 0:
        return MarginCallMet(at=at, call=call.call, account=call.account, remaining_cents=0)
    if remaining_cents == call.remaining_cents:
        return None
    is_less = remaining_cents < call.remaining_cents
    change = MarginCallPartlyMet if is_less else MarginCallRaised
    return change(at=at, call=call.call, account=call.account, remaining_cents=remaining_cents)


def check_calls(book: CallBook, levels: MarginLevels, *, at: int) -> list[tuple[int, CallChange]]:
    """The changes of the open calls, each with its account number, by rising number."""
    changes: list[tuple[int, CallChange]] = []
    numbers = np.array(sorted(book.open_calls), dtype=np.intp)
    for number, of_account in zip(numbers.tolist(), levels.of_each(numbers), strict=True):
        call = book.open_calls[number]
        remaining = of_account.due(is_for_cash=call.is_for_cash)
        change = check_call(call, remaining, at=at)
        if change is not None:
            changes.append((number, change))
    return changes


def accounts_to_call(book: CallBook, levels: MarginLevels) -> npt.NDArray[np.intp]:
    """The numbers of the accounts to call, rising.

    Equity below maintenance, or cash below zero whatever the assets, and no call open. At exactly
    maintenance there is no call. An account without a position has maintenance 0 and is called
    when its cash is negative.
    """
    is_below = (levels.equity < levels.maintenance) | (levels.cash < 0)
    if book.open_calls:
        is_below[np.fromiter(book.open_calls, dtype=np.intp)] = False
    return np.flatnonzero(is_below)


def new_calls(
    book: CallBook, names: AccountNames, *, levels: MarginLevels, cycle: Cycle
) -> list[tuple[int, MarginCalled]]:
    """The calls a cycle makes, each with the account's number.

    For the difference up to initial or to cash of zero, whichever is more; where only cash lacks,
    for that.
    """
    numbers = accounts_to_call(book, levels)
    return [
        (
            number,
            MarginCalled(
                at=cycle.at,
                call=f"{names.accounts[number]}/{cycle.business_date.isoformat()}/{cycle.name}",
                account=names.accounts[number],
                member=names.members[number],
                amount_cents=of_account.due(is_for_cash=True),
                deadline=cycle.deadline_ns,
            ),
        )
        for number, of_account in zip(numbers.tolist(), levels.of_each(numbers), strict=True)
    ]


def apply_called(
    book: CallBook, fact: MarginCalled, *, number: int, is_for_cash: bool = False
) -> None:
    """Open a call. is_for_cash: the account's equity is not below maintenance margin."""
    book.open_calls[number] = OpenCall(
        fact.call, fact.account, fact.amount_cents, fact.deadline, is_for_cash
    )
    _count(book, fact.deadline, change=1)


def apply_changed(
    book: CallBook,
    fact: MarginCallPartlyMet | MarginCallRaised,
    *,
    number: int,
    cash_cents: int,
) -> None:
    """Record the remainder of a call. One for cash only that asks for more has become another."""
    call = book.open_calls[number]
    call.remaining_cents = fact.remaining_cents
    call.is_for_cash = call.is_for_cash and fact.remaining_cents == -cash_cents


def apply_ended(book: CallBook, fact: MarginCallMet | MarginCallMissed, *, number: int) -> None:
    """Remove a met or missed call: the next cycle may call the account again."""
    ended = book.open_calls.pop(number)
    assert ended.call == fact.call, f"expected the open call {ended.call}, found {fact.call}"
    _count(book, ended.deadline_ns, change=-1)


def _count(book: CallBook, deadline_ns: int, *, change: int) -> None:
    count = book.calls_by_deadline.get(deadline_ns, 0) + change
    if count:
        book.calls_by_deadline[deadline_ns] = count
    else:
        del book.calls_by_deadline[deadline_ns]
