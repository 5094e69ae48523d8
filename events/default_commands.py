"""Commands about a member's default that every shard follows (WIRE §2, RULEBOOK §7)."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from events.command import CONTROL, REFERENCE, Command
from events.wire_fields import Identifier, Instant, Int64


class AffiliateMember(Command):
    """Put a member into a group, whose losses the stress run adds up; null: its own."""

    TYPE: ClassVar[str] = "affiliate_member/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("member",)
    member: Identifier
    group: Identifier | None
    at: Instant


class PortAccount(Command):
    """A customer's account goes over to another member, with all that is in it."""

    TYPE: ClassVar[str] = "port_account/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    account: Identifier
    to_member: Identifier
    at: Instant


class AuctionAccount(Command):
    """All positions of a defaulter's account go over to a bidder's, for a payment either way."""

    TYPE: ClassVar[str] = "auction_account/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    account: Identifier
    to_account: Identifier
    payment_cents: Int64
    at: Instant


class SettleDefault(Command):
    """Apply the waterfall once the defaulter's positions are closed out."""

    TYPE: ClassVar[str] = "settle_default/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("member",)
    member: Identifier
    at: Instant


DefaultCommand: TypeAlias = AffiliateMember | PortAccount | AuctionAccount | SettleDefault
