"""Facts of spreads (WIRE §3)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from events.fact import Fact
from events.spread_commands import SpreadLeg
from events.wire_fields import StatedDate


class SpreadSubmitted(Fact):
    """A spread has its number; the markets of its legs decide on both or neither."""

    TYPE: ClassVar[str] = "spread_submitted/1"
    reference: str
    legs: tuple[SpreadLeg, ...]
    buyer: str
    seller: str


class ClearedLeg(BaseModel):
    """A leg that was novated."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    trade_id: str
    contract: str
    price_ticks: int
    lots: int


class SpreadCleared(Fact):
    """Both legs are novated; stated by the market of the first."""

    TYPE: ClassVar[str] = "spread_cleared/1"
    reference: str
    legs: tuple[ClearedLeg, ...]
    buyer: str
    seller: str
    business_date: StatedDate
