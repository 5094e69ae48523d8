"""Commands about assets other than cash (WIRE §2); what they do is in RULEBOOK §5."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from events.command import MEMBER, REFERENCE, Command
from events.wire_fields import DecimalText, Identifier, Instant, Int64


class DepositAsset(Command):
    """Units of an asset come in."""

    TYPE: ClassVar[str] = "deposit_asset/1"
    SHARD: ClassVar[str] = MEMBER
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    account: Identifier
    asset: Identifier
    units: Int64
    at: Instant


class WithdrawAsset(Command):
    """Units are asked back: blocked at once, paid or refused at the next cycle."""

    TYPE: ClassVar[str] = "withdraw_asset/1"
    SHARD: ClassVar[str] = MEMBER
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    account: Identifier
    asset: Identifier
    units: Int64
    at: Instant


class ReportAssetPrice(Command):
    """The price of a unit in USD."""

    TYPE: ClassVar[str] = "report_asset_price/1"
    SHARD: ClassVar[str] = MEMBER
    asset: Identifier
    price_usd: DecimalText
    at: Instant


class LiquidateAsset(Command):
    """Units of a defaulter are sold: they become cash (RULEBOOK §7)."""

    TYPE: ClassVar[str] = "liquidate_asset/1"
    SHARD: ClassVar[str] = MEMBER
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    account: Identifier
    asset: Identifier
    units: Int64
    proceeds_cents: Int64
    at: Instant


AssetCommand: TypeAlias = DepositAsset | WithdrawAsset | ReportAssetPrice | LiquidateAsset
