"""Collateral and fund: what comes in at once, what is asked back decided later (RULEBOOK §5, §7).

In: a command and the first command under its reference. Out: facts, or a refusal.
"""

from __future__ import annotations

from typing import assert_never

from events.asset_commands import (
    DepositAsset,
    LiquidateAsset,
    ReportAssetPrice,
    WithdrawAsset,
)
from events.asset_facts import AssetMoved, AssetPriced, AssetPriceHeld, AssetWithdrawalPending
from events.fund_commands import ContributeFund, WithdrawFund
from events.fund_facts import FundMoved, FundWithdrawalPending
from events.ledger_names import BANK, cash_of
from events.member_commands import (
    AdjustCash,
    DepositCollateral,
    MemberCommand,
    WithdrawCollateral,
)
from events.member_facts import (
    CashAdjusted,
    CollateralMoved,
    WithdrawalPending,
)
from events.refusals import Reason, Refusal
from risk.asset_prices import judge_asset_price, micros_of
from risk.calls import check_call, missed_calls
from risk.fund import missed_fund_calls
from risk.waterfall import Movement
from services.shards.emission import stated
from services.shards.ids import Seen, answer_repeat
from services.shards.member.books import MemberBooks, MemberEmission
from services.shards.member.fund import fund_posting, look_at_fund_call
from services.shards.member.fund_guards import (
    refuse_contribution,
    refuse_fund_withdrawal,
    refuse_liquidation,
)
from services.shards.member.guards import refuse_collateral
from services.shards.member.postings import posting_of
from settlement.control_rules import refuse_time


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
    _take(books, command, emit=emit)
    return None


def _refuse(books: MemberBooks, command: MemberCommand) -> Refusal | None:
    """The first reason that holds against a command."""
    match command:
        case ContributeFund():
            return refuse_contribution(books, command)
        case WithdrawFund():
            return refuse_fund_withdrawal(books, command)
        case LiquidateAsset():
            return refuse_liquidation(books, command)
        case _:
            return refuse_collateral(books, command)


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
    for missed_fund_call in missed_fund_calls(books.fund, clock):
        emit(missed_fund_call)


def _take(books: MemberBooks, command: MemberCommand, *, emit: MemberEmission) -> None:
    match command:
        case DepositCollateral():
            emit(stated(CollateralMoved, command))
            came = Movement(BANK, cash_of(command.account), command.amount_cents)
            emit(posting_of(came, CollateralMoved, reference=command.reference, at=command.at))
            look_at_call(books, command.account, at=command.at, emit=emit)
        case WithdrawCollateral():
            emit(stated(WithdrawalPending, command))
        case DepositAsset():
            emit(stated(AssetMoved, command))
            look_at_call(books, command.account, at=command.at, emit=emit)
        case WithdrawAsset():
            emit(stated(AssetWithdrawalPending, command))
        case ReportAssetPrice():
            micros = micros_of(command.price_usd)
            assert micros is not None, command
            emit(AssetPriced(at=command.at, asset=command.asset, price_micros=micros))
        case AdjustCash():
            _adjust(books, command, emit=emit)
        case LiquidateAsset():
            _liquidate(books, command, emit=emit)
        case ContributeFund():
            _contribute(books, command, emit=emit)
        case WithdrawFund():
            emit(stated(FundWithdrawalPending, command))
        case _:
            assert_never(command)


def _adjust(books: MemberBooks, command: AdjustCash, *, emit: MemberEmission) -> None:
    emit(stated(CashAdjusted, command))
    debit, credit = cash_of(command.debit_account), cash_of(command.credit_account)
    adjusted = Movement(debit, credit, command.amount_cents)
    emit(posting_of(adjusted, CashAdjusted, reference=command.reference, at=command.at))
    for account in (command.debit_account, command.credit_account):
        look_at_call(books, account, at=command.at, emit=emit)


def _contribute(books: MemberBooks, command: ContributeFund, *, emit: MemberEmission) -> None:
    moved = stated(FundMoved, command)
    emit(moved)
    emit(fund_posting(moved))
    look_at_fund_call(books, command.member, at=command.at, emit=emit)


def _liquidate(books: MemberBooks, command: LiquidateAsset, *, emit: MemberEmission) -> None:
    emit(stated(AssetMoved, command, units=-command.units))
    if command.proceeds_cents:
        sold = Movement(BANK, cash_of(command.account), command.proceeds_cents)
        emit(posting_of(sold, AssetMoved, reference=command.reference, at=command.at))
    look_at_call(books, command.account, at=command.at, emit=emit)


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
