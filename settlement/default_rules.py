"""The rules of a default's commands in `control/0` (RULEBOOK §7; reasons in WIRE's order).

In: the control books and a command. Out: a refusal, REPEATED for the same content again, or None.
What needs positions or cash is decided in the shards that have them.
"""

from __future__ import annotations

from typing import assert_never

from events.default_commands import (
    AffiliateMember,
    AuctionAccount,
    DefaultCommand,
    PortAccount,
    SettleDefault,
)
from events.refusals import Reason, Refusal
from settlement.control_books import ControlBooks
from settlement.repeats import REPEATED, Repeated


def refuse_default_step(books: ControlBooks, command: DefaultCommand) -> Refusal | Repeated | None:
    """The first reason that holds against a step of a default, or an affiliation."""
    match command:
        case AffiliateMember():
            return _refuse_affiliation(books, command)
        case PortAccount():
            return _refuse_porting(books, command)
        case AuctionAccount():
            return _refuse_auction(books, command)
        case SettleDefault():
            return _refuse_settlement(books, command)
        case _:
            assert_never(command)


def _refuse_affiliation(books: ControlBooks, command: AffiliateMember) -> Refusal | Repeated | None:
    member = books.members.get(command.member)
    if member is None:
        return Refusal(Reason.UNKNOWN_MEMBER, f"no member {command.member}")
    return REPEATED if member.affiliation == command.group else None


def _refuse_porting(books: ControlBooks, command: PortAccount) -> Refusal | None:
    taker, account = books.members.get(command.to_member), books.accounts.get(command.account)
    if taker is None:
        return Refusal(Reason.UNKNOWN_MEMBER, f"no member {command.to_member}")
    if account is None:
        return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {command.account}")
    if taker.is_defaulted:
        return refused_as_defaulted(taker.name)
    if account.member is taker:
        return Refusal(Reason.SELF_TRADE, f"{account.name} is an account of {taker.name} already")
    if account.origin != "customer":
        detail = f"{account.name} is the house account of {account.member.name}"
        return Refusal(Reason.NOT_CUSTOMER, detail)
    return None


def _refuse_auction(books: ControlBooks, command: AuctionAccount) -> Refusal | None:
    for name in (command.account, command.to_account):
        if name not in books.accounts:
            return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {name}")
    account, taker = books.accounts[command.account], books.accounts[command.to_account]
    if taker.is_suspended:
        return Refusal(Reason.ACCOUNT_SUSPENDED, f"account {taker.name} is suspended")
    if taker.member.is_defaulted:
        return refused_as_defaulted(taker.member.name)
    if account is taker:
        return Refusal(Reason.SELF_TRADE, f"{account.name} would be auctioned to itself")
    if not account.member.is_defaulted:
        return refused_as_standing(account.member.name)
    return None


def _refuse_settlement(books: ControlBooks, command: SettleDefault) -> Refusal | Repeated | None:
    ordered_at = books.settlements_ordered.get(command.member)
    if ordered_at is not None:
        return REPEATED if ordered_at == command.at else settlement_pending(command.member)
    member = books.members.get(command.member)
    if member is None:
        return Refusal(Reason.UNKNOWN_MEMBER, f"no member {command.member}")
    return None if member.is_defaulted else refused_as_standing(member.name)


def settlement_pending(member: str) -> Refusal:
    """The refusal of a second order while the first waits."""
    detail = f"the settlement of {member} is ordered already and not done yet"
    return Refusal(Reason.ALREADY_EXISTS, detail)


def refused_as_defaulted(member: str) -> Refusal:
    """The refusal of what a defaulter may not do."""
    return Refusal(Reason.MEMBER_DEFAULTED, f"member {member} is in default")


def refused_as_standing(member: str) -> Refusal:
    """The refusal of what is done with a defaulter alone."""
    return Refusal(Reason.NOT_DEFAULTED, f"member {member} is not in default")
