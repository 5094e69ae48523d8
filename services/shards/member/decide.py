"""Collateral: deposits at once, withdrawals asked now and decided in the next cycle (RULEBOOK §5).

In: a command and what was seen under its reference. Out: facts; refusals are facts like any other.
"""

from __future__ import annotations

from events.command import Command
from events.member_commands import DepositCollateral, WithdrawCollateral
from events.member_facts import CollateralMoved, Posting, WithdrawalPending
from events.refusals import Reason, Refusal
from events.units import INT64_MAX
from risk.calls import look_at_call, missed_calls
from risk.cycle import CURRENCY
from risk.withdrawals import exceeds_cash
from services.shards.emission import Emission
from services.shards.ids import Look, Seen, identity_of, is_same
from services.shards.member.books import BANK, CASH, MemberBooks


def decide_member(books: MemberBooks, command: Command, *, look: Look, emit: Emission) -> None:
    """Decide one collateral command."""
    if not isinstance(command, DepositCollateral | WithdrawCollateral):
        found = f"expected a command of member/0, found {command.TYPE}"
        refusal: Refusal | None = Refusal(Reason.WRONG_SHARD, found)
    else:
        identity = identity_of(command)
        assert identity is not None, command
        refusal = _decide_collateral(books, command, seen=look(identity), emit=emit)
    if refusal is not None:
        emit.refuse(refusal, command.event_time, kind=command.TYPE, reference=command.subject)


def _decide_collateral(
    books: MemberBooks,
    command: DepositCollateral | WithdrawCollateral,
    *,
    seen: Seen | None,
    emit: Emission,
) -> Refusal | None:
    if not books.control.is_time_in_range(command.at):
        found = f"expected a time near the session of {books.control.business_date}"
        return Refusal(Reason.TIME_OUT_OF_RANGE, found)
    if seen is not None:
        return _answer_again(command, seen)
    refusal = _refuse(books, command)
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    state_missed(books, command.at, emit=emit)
    if isinstance(command, WithdrawCollateral):
        emit(
            WithdrawalPending(
                at=command.at,
                reference=command.reference,
                account=command.account,
                asset=command.asset,
                amount_cents=command.amount_cents,
            )
        )
    else:
        _deposit(books, command, emit=emit)
    return None


def state_missed(books: MemberBooks, at: int, *, emit: Emission) -> None:
    """State the calls whose deadline the clock passes with this command, before its effect."""
    clock = at if books.clock is None else max(at, books.clock)
    for missed in missed_calls(books.calls, clock):
        emit(missed)


def _answer_again(command: DepositCollateral | WithdrawCollateral, seen: Seen) -> Refusal | None:
    if not is_same(seen, command):
        found = f"{command.reference} was used in row {seen.seq}"
        return Refusal(Reason.DUPLICATE_REFERENCE, found)
    return None if seen.reason is None else Refusal(seen.reason, seen.detail)


def _refuse(books: MemberBooks, command: DepositCollateral | WithdrawCollateral) -> Refusal | None:
    account = books.control.accounts.get(command.account)
    if account is None:
        return Refusal(Reason.UNKNOWN_ACCOUNT, f"expected an account, found {command.account}")
    is_withdrawal = isinstance(command, WithdrawCollateral)
    if is_withdrawal and account.is_suspended:
        return Refusal(Reason.ACCOUNT_SUSPENDED, f"{account.name} is suspended")
    if command.asset != CURRENCY:
        return Refusal(Reason.UNKNOWN_ASSET, f"expected {CURRENCY}, found {command.asset}")
    amount, cash = command.amount_cents, books.cash[account.number]
    if amount < 1:
        return Refusal(Reason.AMOUNT_NOT_POSITIVE, f"expected at least one cent, found {amount}")
    if is_withdrawal and exceeds_cash(
        books.withdrawals, account.number, cash_cents=cash, amount_cents=amount
    ):
        blocked = books.withdrawals.blocked_cents.get(account.number, 0)
        found = f"expected at most {cash - blocked} cents, found {amount}"
        return Refusal(Reason.WITHDRAWAL_EXCEEDS_CASH, found)
    if not is_withdrawal and cash + amount > INT64_MAX:
        return Refusal(Reason.AMOUNT_OVERFLOW, f"the cash of {account.name} would exceed int64")
    return None


def _deposit(books: MemberBooks, command: DepositCollateral, *, emit: Emission) -> None:
    emit(
        CollateralMoved(
            at=command.at,
            reference=command.reference,
            account=command.account,
            asset=command.asset,
            amount_cents=command.amount_cents,
        )
    )
    emit(
        Posting.model_validate(
            {
                "at": command.at,
                "debit": BANK,
                "credit": f"{CASH}{command.account}",
                "amount_cents": command.amount_cents,
                "currency": CURRENCY,
                "for": CollateralMoved.TYPE,
                "reference": command.reference,
            }
        )
    )
    number = books.number_of(command.account)
    call = books.calls.open_calls.get(number)
    if call is not None:
        remaining = books.initial[number] - books.cash[number]
        change = look_at_call(call, remaining, at=command.at)
        if change is not None:
            emit(change)
