"""Collateral: deposits at once, withdrawals decided in the next cycle (RULEBOOK §5).

In: a command and the first command under its reference. Out: facts, or a refusal.
"""

from __future__ import annotations

from typing import assert_never

from events.contracts import CURRENCY
from events.member_commands import DepositCollateral, MemberCommand, WithdrawCollateral
from events.member_facts import CollateralMoved, Posting, WithdrawalPending
from events.refusals import Reason, Refusal
from events.units import INT64_MAX, usd_text
from risk.calls import check_call, missed_calls
from risk.withdrawals import exceeds_cash
from services.shards.ids import Seen, answer_repeat
from services.shards.member.books import MemberBooks, MemberEmission
from settlement.control_rules import refuse_time
from settlement.ledger import BANK, cash_of


def decide_member(
    books: MemberBooks,
    command: MemberCommand,
    *,
    seen: Seen | None,
    emit: MemberEmission,
) -> Refusal | None:
    """Decide one command. seen: the first command under its reference."""
    refusal = refuse_time(books.control, command)
    if refusal is not None:
        return refusal
    if seen is not None:
        return answer_repeat(command, seen)
    refusal = _refuse(books, command)
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    state_missed(books, command.at, emit=emit)
    match command:
        case DepositCollateral():
            _deposit(books, command, emit=emit)
        case WithdrawCollateral():
            emit(_pending(command))
        case _:
            assert_never(command)
    return None


def _pending(command: WithdrawCollateral) -> WithdrawalPending:
    return WithdrawalPending(
        at=command.at,
        reference=command.reference,
        account=command.account,
        asset=command.asset,
        amount_cents=command.amount_cents,
    )


def state_missed(books: MemberBooks, at: int, *, emit: MemberEmission) -> None:
    """State the calls missed by the clock of a command, before its effect."""
    clock = at if books.clock is None else max(at, books.clock)
    for missed in missed_calls(books.calls, clock):
        emit(missed)


def _refuse(books: MemberBooks, command: MemberCommand) -> Refusal | None:
    account = books.control.accounts.get(command.account)
    if account is None:
        return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {command.account}")
    is_withdrawal = isinstance(command, WithdrawCollateral)
    if is_withdrawal and account.is_suspended:
        return Refusal(Reason.ACCOUNT_SUSPENDED, f"account {account.name} is suspended")
    if is_withdrawal and account.member.is_defaulted:
        return Refusal(Reason.MEMBER_DEFAULTED, f"member {account.member.name} is in default")
    if command.asset != CURRENCY:
        return Refusal(Reason.UNKNOWN_ASSET, f"no asset {command.asset}; there is {CURRENCY}")
    amount, cash = command.amount_cents, books.cash[account.number]
    if amount < 1:
        return Refusal(Reason.AMOUNT_NOT_POSITIVE, f"amount_cents {amount} is below 1")
    if is_withdrawal and exceeds_cash(
        books.withdrawals, account.number, cash_cents=cash, amount_cents=amount
    ):
        blocked = books.withdrawals.blocked_cents.get(account.number, 0)
        free = usd_text(cash - blocked)
        detail = f"{usd_text(amount)} is more than {free}, what {account.name} has free"
        return Refusal(Reason.WITHDRAWAL_EXCEEDS_CASH, detail)
    if not is_withdrawal and cash + amount > INT64_MAX:
        detail = f"the cash of {account.name} would be above {usd_text(INT64_MAX)}"
        return Refusal(Reason.AMOUNT_OVERFLOW, detail)
    return None


def _deposit(books: MemberBooks, command: DepositCollateral, *, emit: MemberEmission) -> None:
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
                "credit": cash_of(command.account),
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
        remaining = books.initial[number] - books.equity_of(number)
        change = check_call(call, remaining, at=command.at)
        if change is not None:
            emit(change)
