"""Collateral: what comes in at once, what is asked back decided in the next cycle (RULEBOOK §5).

In: a command and the first command under its reference. Out: facts, or a refusal.
"""

from __future__ import annotations

from typing import TypeVar, assert_never

from events.asset_commands import DepositAsset, ReportAssetPrice, WithdrawAsset
from events.asset_facts import AssetMoved, AssetPriced, AssetPriceHeld, AssetWithdrawalPending
from events.contracts import CURRENCY
from events.fact import Fact
from events.member_commands import (
    AdjustCash,
    DepositCollateral,
    MemberCommand,
    WithdrawCollateral,
)
from events.member_facts import (
    CashAdjusted,
    CollateralMoved,
    Posting,
    WithdrawalPending,
)
from events.refusals import Reason, Refusal
from risk.asset_prices import judge_asset_price, micros_of
from risk.calls import check_call, missed_calls
from services.shards.ids import Seen, answer_repeat
from services.shards.member.books import MemberBooks, MemberEmission
from services.shards.member.guards import refuse_member
from settlement.control_rules import refuse_time
from settlement.ledger import BANK, cash_of

# A fact that says what a command says.
_SameT = TypeVar("_SameT", bound=Fact)


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
    refusal = refuse_member(books, command)
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    state_missed(books, command.at, emit=emit)
    _take(books, command, emit=emit)
    return None


def hold_price(
    books: MemberBooks, command: MemberCommand, *, reason: Reason, emit: MemberEmission
) -> None:
    """State a price that was refused for its jump: a later report is measured on it."""
    if not isinstance(command, ReportAssetPrice) or reason is not Reason.PRICE_INVALID:
        return
    last, micros = books.assets.prices.get(command.asset), micros_of(command.price_usd)
    if last is None or micros is None:
        return
    if judge_asset_price(last, micros, at=command.at) == "held":
        emit(AssetPriceHeld(at=command.at, asset=command.asset, price_micros=micros))


def state_missed(books: MemberBooks, at: int, *, emit: MemberEmission) -> None:
    """State the calls missed by the clock of a command, before its effect."""
    clock = at if books.clock is None else max(at, books.clock)
    for missed in missed_calls(books.calls, clock):
        emit(missed)


def _take(books: MemberBooks, command: MemberCommand, *, emit: MemberEmission) -> None:
    match command:
        case DepositCollateral():
            emit(_stated(CollateralMoved, command))
            emit(posting_of(command, CollateralMoved, debit=BANK, credit=cash_of(command.account)))
            look_at_call(books, command.account, at=command.at, emit=emit)
        case WithdrawCollateral():
            emit(_stated(WithdrawalPending, command))
        case DepositAsset():
            emit(_stated(AssetMoved, command))
            look_at_call(books, command.account, at=command.at, emit=emit)
        case WithdrawAsset():
            emit(_stated(AssetWithdrawalPending, command))
        case ReportAssetPrice():
            micros = micros_of(command.price_usd)
            assert micros is not None, command
            emit(AssetPriced(at=command.at, asset=command.asset, price_micros=micros))
        case AdjustCash():
            _adjust(books, command, emit=emit)
        case _:
            assert_never(command)


def _adjust(books: MemberBooks, command: AdjustCash, *, emit: MemberEmission) -> None:
    emit(_stated(CashAdjusted, command))
    debit, credit = cash_of(command.debit_account), cash_of(command.credit_account)
    emit(posting_of(command, CashAdjusted, debit=debit, credit=credit))
    for account in (command.debit_account, command.credit_account):
        look_at_call(books, account, at=command.at, emit=emit)


def look_at_call(books: MemberBooks, account: str, *, at: int, emit: MemberEmission) -> None:
    """Compare what remains of an account's open call with what is there now, if it has one."""
    number = books.number_of(account)
    call = books.calls.open_calls.get(number)
    if call is None:
        return
    assert books.clock is not None, f"{account} was called before any time"
    levels = books.levels_of(number, books.clock)
    change = check_call(call, levels.due(is_for_cash=call.is_for_cash), at=at)
    if change is not None:
        emit(change)


def posting_of(
    command: DepositCollateral | AdjustCash, kind: type[Fact], *, debit: str, credit: str
) -> Posting:
    """The posting of a command's amount. kind: of the fact that moves it."""
    fields = {
        "at": command.at,
        "debit": debit,
        "credit": credit,
        "amount_cents": command.amount_cents,
        "currency": CURRENCY,
        "for": kind.TYPE,
        "reference": command.reference,
    }
    return Posting.model_validate(fields)


def _stated(kind: type[_SameT], command: MemberCommand) -> _SameT:
    """The fact that says the same as a command."""
    return kind.model_validate({name: getattr(command, name) for name in kind.model_fields})
