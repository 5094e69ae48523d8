"""How each fact changes the books of `member/0`; the only place where they change."""

from __future__ import annotations

from events.command import Command
from events.control_commands import OpenAccount
from events.fact import Fact
from events.member_facts import (
    CollateralMoved,
    MarginCalled,
    MarginCallMet,
    MarginCallMissed,
    MarginCallPartlyMet,
    MarginCallRaised,
    MarginSet,
    Posting,
    WithdrawalPending,
    WithdrawalRefused,
)
from events.units import fits_int64
from risk.calls import apply_called, apply_changed, apply_ended
from risk.withdrawals import apply_decided, apply_pending
from services.shards.member.books import CASH, MemberBooks
from settlement.control_books import apply_control


def apply_member_fact(books: MemberBooks, fact: Fact) -> None:
    """Change the books by one fact."""
    match fact:
        case Posting():
            post(books, fact.debit, amount_cents=-fact.amount_cents)
            post(books, fact.credit, amount_cents=fact.amount_cents)
        case CollateralMoved():
            advance(books, fact.at)
            if fact.amount_cents < 0:
                apply_decided(books.withdrawals, fact)
        case WithdrawalPending():
            advance(books, fact.at)
            apply_pending(books.withdrawals, fact, number=books.number_of(fact.account))
        case WithdrawalRefused():
            apply_decided(books.withdrawals, fact)
        case MarginCalled():
            apply_called(books.calls, fact, number=books.number_of(fact.account))
        case MarginCallPartlyMet() | MarginCallRaised():
            apply_changed(books.calls, fact, number=books.number_of(fact.account))
        case MarginCallMet() | MarginCallMissed():
            apply_ended(books.calls, fact, number=books.number_of(fact.account))
        case MarginSet():
            number = books.number_of(fact.account)
            books.initial[number] = fact.initial_cents
            books.maintenance[number] = fact.maintenance_cents
            books.had_position[number] = bool(fact.parts)
        case _:
            pass


def apply_member_copy(books: MemberBooks, command: Command) -> None:
    """Fold the copy of a control command."""
    apply_control(books.control, command)
    advance(books, command.event_time)
    if isinstance(command, OpenAccount):
        for column in (books.cash, books.initial, books.maintenance):
            column.append(0)
        books.had_position.append(0)


def post(books: MemberBooks, account: str, *, amount_cents: int) -> None:
    """Add to a ledger account's balance: + is a credit."""
    if account.startswith(CASH):
        number = books.number_of(account.removeprefix(CASH))
        balance = books.cash[number] + amount_cents
        assert fits_int64(balance), f"{account} would hold {balance} cents"
        books.cash[number] = balance
    else:
        books.house_cents[account] = books.house_cents.get(account, 0) + amount_cents


def advance(books: MemberBooks, at: int) -> None:
    """Time only goes forward."""
    if books.clock is None or at > books.clock:
        books.clock = at
