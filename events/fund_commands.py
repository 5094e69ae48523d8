"""Commands about the default fund and the clearinghouse's own capital (WIRE §2, RULEBOOK §7)."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from events.command import MEMBER, REFERENCE, Command
from events.wire_fields import Identifier, Instant, Int64


class ContributeFund(Command):
    """Money comes into the fund. member: null for the clearinghouse's own capital."""

    TYPE: ClassVar[str] = "contribute_fund/1"
    SHARD: ClassVar[str] = MEMBER
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    member: Identifier | None
    amount_cents: Int64
    at: Instant


class WithdrawFund(Command):
    """Money is asked back: blocked at once, paid or refused at the next close."""

    TYPE: ClassVar[str] = "withdraw_fund/1"
    SHARD: ClassVar[str] = MEMBER
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    member: Identifier | None
    amount_cents: Int64
    at: Instant


FundCommand: TypeAlias = ContributeFund | WithdrawFund
