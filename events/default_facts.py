"""Facts of a member's default: groups, porting, auctions, settlement, the waterfall (WIRE §3).

The types marked *own* are ours beyond WIRE §3.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict

from events.fact import Fact


class MemberAffiliated(Fact):
    """The group whose losses are added up in the stress run. group: null for the member's own."""

    TYPE: ClassVar[str] = "member_affiliated/1"
    member: str
    group: str | None


class AccountPorted(Fact):
    """A customer's account belongs to another member, with all that is in it."""

    TYPE: ClassVar[str] = "account_ported/1"
    reference: str
    account: str
    from_member: str
    to_member: str


class AccountAuctioned(Fact):
    """Each market moves the account's positions, and `member/0` the payment."""

    TYPE: ClassVar[str] = "account_auctioned/1"
    reference: str
    account: str
    to_account: str
    payment_cents: int


class DefaultSettlementOrdered(Fact):
    """The waterfall follows in the first cycle in which nothing of the member is open."""

    TYPE: ClassVar[str] = "default_settlement_ordered/1"
    member: str


class PositionTakenOver(Fact):
    """An auctioned position, with all that is not yet paid in it. lots: signed."""

    TYPE: ClassVar[str] = "position_taken_over/1"
    reference: str
    contract: str
    lots: int
    from_account: str
    to_account: str


class TakeoverRefused(Fact):
    """Own: an auctioned position stays, as the taker's would be beyond int64."""

    TYPE: ClassVar[str] = "takeover_refused/1"
    reference: str
    contract: str
    lots: int
    from_account: str
    to_account: str
    reason: str


class AuctionPaymentRefused(Fact):
    """Own: the payment of an auction is not made, as a balance would be beyond int64."""

    TYPE: ClassVar[str] = "auction_payment_refused/1"
    reference: str
    account: str
    to_account: str
    payment_cents: int
    reason: str


class WaterfallLayer(BaseModel):
    """What a layer of the waterfall pays. member: null for the clearinghouse's own layer."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    layer: str
    member: str | None
    amount_cents: int


class WaterfallApplied(Fact):
    """The loss of a defaulted member by layer; the layers add up to it."""

    TYPE: ClassVar[str] = "waterfall_applied/1"
    member: str
    loss_cents: int
    layers: tuple[WaterfallLayer, ...]


# Those of `control/0`, of a market, and of `member/0`.
DefaultControlFact: TypeAlias = (
    MemberAffiliated | AccountPorted | AccountAuctioned | DefaultSettlementOrdered
)
TakeoverFact: TypeAlias = PositionTakenOver | TakeoverRefused
SettlementOfDefaultFact: TypeAlias = WaterfallApplied | AuctionPaymentRefused
