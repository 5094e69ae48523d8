"""The command of a spread: two legs, cleared both or neither (WIRE §2)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from events.command import CONTROL, REFERENCE, Command
from events.market_commands import SubmitTrade
from events.wire_fields import DecimalText, Form, Identifier, Instant, Int64

LEGS: Final = 2
_LEGS: Final = f"a list of {LEGS} objects with trade_id, contract, price and lots"


class SpreadLeg(BaseModel):
    """A trade of a spread, without its sides and its time."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    trade_id: Identifier
    contract: Identifier
    price: DecimalText
    lots: Int64


class SubmitSpread(Command):
    """A spread executed on the exchange: its buyer buys the first leg and sells the second."""

    TYPE: ClassVar[str] = "submit_spread/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("reference",)
    ID_KIND: ClassVar[str] = REFERENCE
    reference: Identifier
    legs: Annotated[
        tuple[Annotated[SpreadLeg, Field(strict=False)], ...],
        Field(strict=False, min_length=LEGS, max_length=LEGS),
        Form(_LEGS, _LEGS),
    ]
    buyer: Identifier
    seller: Identifier
    executed_at: Instant

    @model_validator(mode="after")
    def _legs_differ(self) -> Self:
        first, second = self.legs
        for name in ("contract", "trade_id"):
            value = getattr(first, name)
            if value == getattr(second, name):
                msg = f"legs: expected a {name} of its own for each, found {value} twice"
                raise ValueError(msg)
        return self

    @property
    def event_time(self) -> int:
        """The time of execution."""
        return self.executed_at

    @property
    def trades(self) -> tuple[SubmitTrade, ...]:
        """The trades of its legs, in the order of the legs."""
        sides = ((self.buyer, self.seller), (self.seller, self.buyer))
        return tuple(
            SubmitTrade.model_construct(
                trade_id=leg.trade_id,
                contract=leg.contract,
                price=leg.price,
                lots=leg.lots,
                buyer=buyer,
                seller=seller,
                executed_at=self.executed_at,
            )
            for leg, (buyer, seller) in zip(self.legs, sides, strict=True)
        )
