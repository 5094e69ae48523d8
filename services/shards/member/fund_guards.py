"""The reasons against commands of the fund and of liquidations (WIRE §3, RULEBOOK §7).

In: the members' books and a command that is in time and new. Out: the first reason that holds, or
None.
"""

from __future__ import annotations

from events.asset_commands import LiquidateAsset
from events.fund_commands import ContributeFund, WithdrawFund
from events.refusals import Reason, Refusal
from events.units import INT64_MAX, fits_int64, usd_text
from services.shards.member.books import MemberBooks
from services.shards.member.guards import cash_overflow, not_positive, unknown_asset
from settlement.default_rules import refused_as_defaulted, refused_as_standing


def refuse_contribution(books: MemberBooks, command: ContributeFund) -> Refusal | None:
    """The first reason against a contribution."""
    refusal = _unknown_member(books, command.member) or not_positive(
        "amount_cents", command.amount_cents
    )
    if refusal is not None:
        return refusal
    if fits_int64(books.fund_cents(command.member) + command.amount_cents):
        return None
    detail = f"{_whose(command.member)} would be above {usd_text(INT64_MAX)}"
    return Refusal(Reason.AMOUNT_OVERFLOW, detail)


def refuse_fund_withdrawal(books: MemberBooks, command: WithdrawFund) -> Refusal | None:
    """The first reason against a withdrawal from the fund."""
    refusal = (
        _unknown_member(books, command.member)
        or _in_default(books, command.member)
        or not_positive("amount_cents", command.amount_cents)
    )
    if refusal is not None:
        return refusal
    free = books.fund_cents(command.member) - books.fund.blocked(command.member)
    if command.amount_cents <= free:
        return None
    amount = usd_text(command.amount_cents)
    detail = f"{amount} is more than {usd_text(free)}, what is free of {_whose(command.member)}"
    return Refusal(Reason.WITHDRAWAL_EXCEEDS_CASH, detail)


def refuse_liquidation(books: MemberBooks, command: LiquidateAsset) -> Refusal | None:
    """The first reason against the sale of a defaulter's units."""
    account = books.control.accounts.get(command.account)
    if account is None:
        return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {command.account}")
    if not account.member.is_defaulted:
        return refused_as_standing(account.member.name)
    refusal = unknown_asset(books, command.asset) or not_positive("units", command.units)
    if refusal is not None:
        return refusal
    units = books.assets.units_of(account.number).get(command.asset, 0)
    if command.units > units:
        detail = f"{command.units} units are more than {units}, what {command.account} has"
        return Refusal(Reason.WITHDRAWAL_EXCEEDS_UNITS, detail)
    if command.proceeds_cents < 0:
        detail = f"expected proceeds_cents of at least 0, found {command.proceeds_cents}"
        return Refusal(Reason.INVALID_VALUE, detail)
    return cash_overflow(books, command.account, change_cents=command.proceeds_cents)


def _unknown_member(books: MemberBooks, member: str | None) -> Refusal | None:
    if member is None or member in books.control.members:
        return None
    return Refusal(Reason.UNKNOWN_MEMBER, f"no member {member}")


def _in_default(books: MemberBooks, member: str | None) -> Refusal | None:
    if member is None or not books.is_in_default(member):
        return None
    return refused_as_defaulted(member)


def _whose(member: str | None) -> str:
    return "the clearinghouse's capital" if member is None else f"the contribution of {member}"
