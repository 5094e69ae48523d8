"""Facts of assets other than cash (WIRE §3)."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from events.fact import Fact
from events.wire_fields import StatedDate


class AssetMoved(Fact):
    """Units came in, or (−) a withdrawal was paid or they were liquidated."""

    TYPE: ClassVar[str] = "asset_moved/1"
    reference: str
    account: str
    asset: str
    units: int


class AssetWithdrawalPending(Fact):
    """Units blocked until the next cycle."""

    TYPE: ClassVar[str] = "asset_withdrawal_pending/1"
    reference: str
    account: str
    asset: str
    units: int


class AssetWithdrawalRefused(Fact):
    """Units not paid: without them equity would not have covered initial margin, or the like."""

    TYPE: ClassVar[str] = "asset_withdrawal_refused/1"
    reference: str
    account: str
    asset: str
    units: int
    reason: str


class AssetPriced(Fact):
    """The price of a unit that is in force from here on."""

    TYPE: ClassVar[str] = "asset_priced/1"
    asset: str
    price_micros: int


class AssetStale(Fact):
    """The price is too old at a cycle, for the first time: the asset counts for nothing."""

    TYPE: ClassVar[str] = "asset_stale/1"
    asset: str
    price_micros: int


class AssetPriceHeld(Fact):
    """Own: a price was refused for its jump, and waits for a second report to confirm it."""

    TYPE: ClassVar[str] = "asset_price_held/1"
    asset: str
    price_micros: int


class AssetCounted(Fact):
    """Own: the units of an account after a cycle's withdrawals, and what they count for."""

    TYPE: ClassVar[str] = "asset_counted/1"
    account: str
    asset: str
    business_date: StatedDate
    cycle: str
    units: int
    counted_cents: int


AssetFact: TypeAlias = (
    AssetMoved
    | AssetWithdrawalPending
    | AssetWithdrawalRefused
    | AssetPriced
    | AssetStale
    | AssetPriceHeld
    | AssetCounted
)
