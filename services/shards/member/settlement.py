"""Auctions and settlements of defaults in `member/0` (RULEBOOK §7).

In: the copies of `auction_account` and `settle_default`; in a cycle the accounts that have a
position after its variation. Out: the payment of an auction; the waterfall and its postings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from events.default_commands import AuctionAccount, SettleDefault
from events.default_facts import AccountAuctioned, AuctionPaymentRefused, WaterfallApplied
from events.ledger_names import cash_of
from events.refusals import Reason, Refusal
from events.units import fits_int64
from risk.waterfall import Defaulter, Movement, StandingMember, waterfall
from services.shards.emission import stated
from services.shards.member.books import MemberBooks, MemberEmission
from services.shards.member.decide import look_at_call
from services.shards.member.fund import standing_members
from services.shards.member.postings import posting_of
from settlement.control_books import Account
from settlement.default_rules import settlement_pending


class Obstacles(NamedTuple):
    """What a settlement waits for: accounts with a position; below zero and with assets."""

    with_position: list[Account]
    with_assets: list[Account]


def pay_auction(books: MemberBooks, command: AuctionAccount, *, emit: MemberEmission) -> None:
    """Move the payment of an auction, and look at the calls of both accounts."""
    payer, payee = command.account, command.to_account
    if command.payment_cents < 0:
        payer, payee = payee, payer
    amount = abs(command.payment_cents)
    after = (books.cash_cents(payer) - amount, books.cash_cents(payee) + amount)
    if not all(map(fits_int64, after)):
        emit(stated(AuctionPaymentRefused, command, reason=Reason.AMOUNT_OVERFLOW.value))
    elif amount:
        movement = Movement(cash_of(payer), cash_of(payee), amount)
        emit(posting_of(movement, AccountAuctioned, reference=command.reference, at=command.at))
        for account in (command.account, command.to_account):
            look_at_call(books, account, at=command.at, emit=emit)


def refuse_order(books: MemberBooks, command: SettleDefault) -> Refusal | None:
    """The refusal of an order while the first still waits; the same again is silent."""
    ordered_at = books.settlements.get(command.member)
    if ordered_at is None or ordered_at == command.at:
        return None
    return settlement_pending(command.member)


def settle_defaults(
    books: MemberBooks, has_position: npt.NDArray[np.bool_], *, at: int, emit: MemberEmission
) -> None:
    """Settle the ordered defaults that nothing stands against, in the order of the commands.

    has_position: by account number, after the cycle's variation.
    """
    for member in [*books.settlements]:
        if not any(obstacles(books, member, has_position=has_position)):
            _settle(books, member, at=at, emit=emit)


def obstacles(books: MemberBooks, member: str, *, has_position: npt.NDArray[np.bool_]) -> Obstacles:
    """What the settlement of a member waits for."""
    accounts = _accounts_of(books, member)
    return Obstacles(
        [account for account in accounts if has_position[account.number]],
        [
            account
            for account in accounts
            if books.cash[account.number] < 0
            and any(books.assets.units_of(account.number).values())
        ],
    )


def _settle(books: MemberBooks, member: str, *, at: int, emit: MemberEmission) -> None:
    cash = {account.name: books.cash[account.number] for account in _accounts_of(books, member)}
    settled = waterfall(
        defaulter_of(books, member, cash_cents=cash),
        capital_cents=books.fund_cents(None),
        standing=[
            standing_member(books, name, defaulter=member)
            for name in standing_members(books.control)
        ],
        assessment_ppm=books.control.parameter("assessment_ppm"),
    )
    emit(
        WaterfallApplied(at=at, member=member, loss_cents=settled.loss_cents, layers=settled.layers)
    )
    for movement in settled.movements:
        emit(posting_of(movement, WaterfallApplied, reference=member, at=at))


def defaulter_of(books: MemberBooks, member: str, *, cash_cents: Mapping[str, int]) -> Defaulter:
    """A defaulter whose accounts have this cash, by account."""
    house = books.control.members[member].house_account
    customers = {name: cents for name, cents in cash_cents.items() if name != house}
    return Defaulter(
        member=member,
        house_account=house,
        house_cents=0 if house is None else cash_cents[house],
        customer_cents=customers,
        fund_cents=books.fund_cents(member),
    )


def standing_member(books: MemberBooks, name: str, *, defaulter: str) -> StandingMember:
    """What a standing member has and must have, and was assessed for a defaulter already."""
    return StandingMember(
        name,
        books.fund_cents(name),
        books.fund.required.get(name, 0),
        books.settled.get(defaulter, {}).get(name, 0),
    )


def _accounts_of(books: MemberBooks, member: str) -> list[Account]:
    """The accounts of a member, in the order of opening."""
    accounts = books.control.accounts_by_number
    return [account for account in accounts if account.member.name == member]
