"""Commands about cash and other collateral (WIRE §2)."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from events.asset_commands import AssetCommand
from events.command import MEMBER, REFERENCE, Command
from events.fund_commands import FundCommand
from events.wire_fields import Identifier, Instant, Int64, Name


class DepositCollateral(Command):
    """Collateral comes in."""

    TYPE: ClassVar[str] = "deposit_collateral/1"
    SHARD: ClassVar[str] = MEMBER
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    account: Identifier
    asset: Identifier
    amount_cents: Int64
    at: Instant


class WithdrawCollateral(Command):
    """Collateral is asked back: blocked at once, paid or refused at the next cycle."""

    TYPE: ClassVar[str] = "withdraw_collateral/1"
    SHARD: ClassVar[str] = MEMBER
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    account: Identifier
    asset: Identifier
    amount_cents: Int64
    at: Instant


class AdjustCash(Command):
    """Cash goes from one account to another, to put a published price right (RULEBOOK §4)."""

    TYPE: ClassVar[str] = "adjust_cash/1"
    SHARD: ClassVar[str] = MEMBER
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    debit_account: Identifier
    credit_account: Identifier
    amount_cents: Int64
    reason: Name
    at: Instant


MemberCommand: TypeAlias = (
    DepositCollateral | WithdrawCollateral | AdjustCash | AssetCommand | FundCommand
)
