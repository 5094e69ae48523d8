"""Auctions and settlements of defaults in `member/0` (RULEBOOK §7).

In: the copies of `auction_account` and `settle_default`; in a cycle the accounts that have a
position after its variation. Out: the payment of an auction; the waterfall and its postings.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from events.contracts import CURRENCY
from events.default_commands import AuctionAccount, SettleDefault
from events.default_facts import AccountAuctioned, AuctionPaymentRefused, WaterfallApplied
from events.ledger_names import cash_of
from events.member_facts import Posting
from events.refusals import Reason, Refusal
from events.units import fits_int64
from risk.waterfall import Defaulter, Movement, StandingMember, waterfall
from services.shards.member.books import MemberBooks, MemberEmission
from services.shards.member.decide import look_at_call
from services.shards.member.fund import standing_members
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
        stated = {name: getattr(command, name) for name in type(command).model_fields}
        emit(AuctionPaymentRefused(**stated, reason=Reason.AMOUNT_OVERFLOW.value))
    elif amount:
        movement = Movement(cash_of(payer), cash_of(payee), amount)
        emit(_posting(movement, command.at, kind=AccountAuctioned, reference=command.reference))
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
    settled = waterfall(
        defaulter_of(books, member),
        capital_cents=books.fund_cents(None),
        standing=[
            StandingMember(
                name,
                books.fund_cents(name),
                books.fund.required.get(name, 0),
                books.settled.get(member, {}).get(name, 0),
            )
            for name in standing_members(books.control)
        ],
        assessment_ppm=books.control.parameter("assessment_ppm"),
    )
    emit(
        WaterfallApplied(at=at, member=member, loss_cents=settled.loss_cents, layers=settled.layers)
    )
    for movement in settled.movements:
        emit(_posting(movement, at, kind=WaterfallApplied, reference=member))


def defaulter_of(books: MemberBooks, member: str) -> Defaulter:
    """What a member's accounts and its contribution have."""
    accounts = _accounts_of(books, member)
    house = books.control.members[member].house_account
    cash = {account.name: books.cash[account.number] for account in accounts}
    return Defaulter(
        member=member,
        house_account=house,
        house_cents=0 if house is None else cash.pop(house),
        customer_cents=cash,
        fund_cents=books.fund_cents(member),
    )


def _accounts_of(books: MemberBooks, member: str) -> list[Account]:
    """The accounts of a member, in the order of opening."""
    accounts = books.control.accounts_by_number
    return [account for account in accounts if account.member.name == member]


def _posting(
    movement: Movement,
    at: int,
    *,
    kind: type[AccountAuctioned | WaterfallApplied],
    reference: str,
) -> Posting:
    stated = {"at": at, "currency": CURRENCY, "for": kind.TYPE, "reference": reference}
    return Posting.model_validate(movement._asdict() | stated)
