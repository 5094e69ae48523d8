"""The reasons against a command about collateral, in WIRE's order of precedence (WIRE §3).

In: the members' books and a command that is in time and new. Out: the first reason that holds, or
None.
"""

from __future__ import annotations

from typing import assert_never

from events.asset_commands import DepositAsset, ReportAssetPrice, WithdrawAsset
from events.contracts import CURRENCY
from events.member_commands import (
    AdjustCash,
    DepositCollateral,
    WithdrawCollateral,
)
from events.refusals import Reason, Refusal
from events.units import (
    INT64_MAX,
    INT64_MIN,
    PPM,
    fits_int64,
    format_decimal,
    format_instant,
    usd_text,
)
from risk.asset_prices import judge_asset_price, micros_of
from risk.withdrawals import free_amount
from services.shards.member.books import MemberBooks
from settlement.default_rules import refused_as_defaulted


def refuse_collateral(
    books: MemberBooks,
    command: DepositCollateral
    | WithdrawCollateral
    | DepositAsset
    | WithdrawAsset
    | ReportAssetPrice
    | AdjustCash,
) -> Refusal | None:
    """The first reason that holds against a command about cash or assets."""
    match command:
        case DepositCollateral():
            return _refuse_deposit(books, command)
        case WithdrawCollateral():
            return _refuse_withdrawal(books, command)
        case DepositAsset():
            return _refuse_units_in(books, command)
        case WithdrawAsset():
            return _refuse_units_back(books, command)
        case ReportAssetPrice():
            return _refuse_price(books, command)
        case AdjustCash():
            return _refuse_adjustment(books, command)
        case _:
            assert_never(command)


def _refuse_deposit(books: MemberBooks, command: DepositCollateral) -> Refusal | None:
    refusal = (
        _unknown_account(books, command.account)
        or _not_cash(command.asset)
        or not_positive("amount_cents", command.amount_cents)
    )
    if refusal is not None:
        return refusal
    return cash_overflow(books, command.account, change_cents=command.amount_cents)


def _refuse_withdrawal(books: MemberBooks, command: WithdrawCollateral) -> Refusal | None:
    refusal = (
        _may_not_withdraw(books, command.account)
        or _not_cash(command.asset)
        or not_positive("amount_cents", command.amount_cents)
    )
    if refusal is not None:
        return refusal
    number, amount = books.number_of(command.account), command.amount_cents
    cash = books.cash[number]
    free = free_amount(books.withdrawals, number, asset=CURRENCY, amount=cash)
    if amount <= free:
        return None
    detail = f"{usd_text(amount)} is more than {usd_text(free)}, what {command.account} has free"
    return Refusal(Reason.WITHDRAWAL_EXCEEDS_CASH, detail)


def _refuse_units_in(books: MemberBooks, command: DepositAsset) -> Refusal | None:
    refusal = (
        _unknown_account(books, command.account)
        or unknown_asset(books, command.asset)
        or not_positive("units", command.units)
    )
    if refusal is not None:
        return refusal
    units = books.assets.units_of(books.number_of(command.account)).get(command.asset, 0)
    if fits_int64(units + command.units):
        return None
    detail = f"{command.account} would have more than {INT64_MAX} units of {command.asset}"
    return Refusal(Reason.AMOUNT_OVERFLOW, detail)


def _refuse_units_back(books: MemberBooks, command: WithdrawAsset) -> Refusal | None:
    refusal = (
        _may_not_withdraw(books, command.account)
        or unknown_asset(books, command.asset)
        or not_positive("units", command.units)
    )
    if refusal is not None:
        return refusal
    number, asset = books.number_of(command.account), command.asset
    units = books.assets.units_of(number).get(asset, 0)
    free = free_amount(books.withdrawals, number, asset=asset, amount=units)
    if command.units <= free:
        return None
    detail = f"{command.units} units are more than {free}, what {command.account} has free"
    return Refusal(Reason.WITHDRAWAL_EXCEEDS_UNITS, detail)


def _refuse_price(books: MemberBooks, command: ReportAssetPrice) -> Refusal | None:
    refusal = unknown_asset(books, command.asset)
    if refusal is not None:
        return refusal
    last, text = books.assets.prices.get(command.asset), format_decimal(command.price_usd)
    if last is not None and command.at < last.at:
        detail = f"the price of {command.asset} is of {format_instant(last.at)}, which is later"
        return Refusal(Reason.SUPERSEDED, detail)
    micros = micros_of(command.price_usd)
    if micros is None:
        detail = f"expected a price above 0 with at most 6 decimals, found {text}"
        return Refusal(Reason.PRICE_INVALID, detail)
    if last is not None and judge_asset_price(last, micros, at=command.at) != "accepted":
        detail = (
            f"{text} is more than three times away from {_usd_of(last.micros)}; one within 5 % of "
            f"it an hour later is taken"
        )
        return Refusal(Reason.PRICE_INVALID, detail)
    if not fits_int64(micros):
        detail = f"{text} is more than {_usd_of(INT64_MAX)}"
        return Refusal(Reason.AMOUNT_OVERFLOW, detail)
    return None


def _usd_of(micros: int) -> str:
    """Millionths of a dollar in dollars, with six decimals."""
    dollars, beyond = divmod(micros, PPM)
    return f"{dollars}.{beyond:06d}"


def _refuse_adjustment(books: MemberBooks, command: AdjustCash) -> Refusal | None:
    payer, payee, amount = command.debit_account, command.credit_account, command.amount_cents
    refusal = _unknown_account(books, payer) or _unknown_account(books, payee)
    if refusal is not None:
        return refusal
    if payer == payee:
        return Refusal(Reason.SELF_TRADE, f"{payer} would pay itself")
    return (
        not_positive("amount_cents", amount)
        or cash_overflow(books, payer, change_cents=-amount)
        or cash_overflow(books, payee, change_cents=amount)
    )


def _unknown_account(books: MemberBooks, account: str) -> Refusal | None:
    if account in books.control.accounts:
        return None
    return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {account}")


def _may_not_withdraw(books: MemberBooks, name: str) -> Refusal | None:
    """The refusal of a withdrawal for what its account is."""
    account = books.control.accounts.get(name)
    if account is None:
        return _unknown_account(books, name)
    if account.is_suspended:
        return Refusal(Reason.ACCOUNT_SUSPENDED, f"account {name} is suspended")
    if books.is_in_default(account.member.name):
        return refused_as_defaulted(account.member.name)
    return None


def _not_cash(asset: str) -> Refusal | None:
    if asset == CURRENCY:
        return None
    return Refusal(Reason.UNKNOWN_ASSET, f"no asset {asset}; there is {CURRENCY}")


def unknown_asset(books: MemberBooks, asset: str) -> Refusal | None:
    """The refusal of an asset that is not in force."""
    if asset in books.control.assets:
        return None
    in_force = ", ".join(sorted(books.control.assets)) or "none yet"
    return Refusal(Reason.UNKNOWN_ASSET, f"no asset {asset} is in force; there are {in_force}")


def not_positive(name: str, amount: int) -> Refusal | None:
    """The refusal of an amount below 1. name: of the field."""
    if amount >= 1:
        return None
    return Refusal(Reason.AMOUNT_NOT_POSITIVE, f"{name} {amount} is below 1")


def cash_overflow(books: MemberBooks, account: str, *, change_cents: int) -> Refusal | None:
    """The refusal of a change that takes an account's cash beyond int64."""
    if fits_int64(books.cash[books.number_of(account)] + change_cents):
        return None
    bound = f"above {usd_text(INT64_MAX)}" if change_cents > 0 else f"below {usd_text(INT64_MIN)}"
    return Refusal(Reason.AMOUNT_OVERFLOW, f"the cash of {account} would be {bound}")
