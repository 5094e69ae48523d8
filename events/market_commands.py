"""Commands of a product: its index, trades, positions, quotes and halts (WIRE §2)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from events.command import MARKET, TRADE, TRANSFER, Command
from events.wire_fields import DecimalText, Form, Identifier, Instant, Int64, Name

VOLUMES_MAX: Final = 200
_VOLUMES: Final = f"a list of 1 to {VOLUMES_MAX} objects with provider and tokens"

# The conditions of the validators below on several fields, written as JSON Schema.
_ONE_IS_PUBLISHED: Final[dict[str, Any]] = {
    "anyOf": [
        {"properties": {score: {"type": "string"}}} for score in ("mmlu", "humaneval", "gsm8k")
    ]
}
_SIDES_ARE_WHOLE: Final[dict[str, Any]] = {
    "allOf": [
        {
            "anyOf": [
                {"properties": {price: {"type": "string"}, lots: {"type": "integer"}}},
                {"properties": {price: {"type": "null"}, lots: {"type": "null"}}},
            ]
        }
        for price, lots in (("bid", "bid_lots"), ("ask", "ask_lots"))
    ]
}


class ReportCapability(Command):
    """Benchmark scores of a model, in percent; null if not published."""

    model_config = ConfigDict(json_schema_extra=_ONE_IS_PUBLISHED)
    TYPE: ClassVar[str] = "report_capability/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("provider", "model")
    product: Identifier
    provider: Identifier
    model: Identifier
    mmlu: DecimalText | None
    humaneval: DecimalText | None
    gsm8k: DecimalText | None
    at: Instant

    @model_validator(mode="after")
    def _one_is_published(self) -> Self:
        if self.mmlu is None and self.humaneval is None and self.gsm8k is None:
            msg = "mmlu, humaneval and gsm8k are all null: expected at least one published score"
            raise ValueError(msg)
        return self


class ReportProviderPrice(Command):
    """List prices of a model."""

    TYPE: ClassVar[str] = "report_provider_price/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("provider", "model")
    product: Identifier
    provider: Identifier
    model: Identifier
    input_usd_per_mtok: DecimalText
    output_usd_per_mtok: DecimalText
    at: Instant


class ReportProviderVolume(Command):
    """The trailing volume by which a provider is weighed."""

    TYPE: ClassVar[str] = "report_provider_volume/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("provider",)
    product: Identifier
    provider: Identifier
    tokens: Int64
    at: Instant


class ProviderVolume(BaseModel):
    """The trailing volume of one provider among several."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    provider: Identifier
    tokens: Int64


class ReportProviderVolumes(Command):
    """The trailing volumes of several providers: all are taken, or none."""

    TYPE: ClassVar[str] = "report_provider_volumes/1"
    SHARD: ClassVar[str] = MARKET
    product: Identifier
    volumes: Annotated[
        tuple[Annotated[ProviderVolume, Field(strict=False)], ...],
        Field(strict=False, min_length=1, max_length=VOLUMES_MAX),
        Form(_VOLUMES, _VOLUMES),
    ]
    at: Instant

    @model_validator(mode="after")
    def _providers_differ(self) -> Self:
        names = [volume.provider for volume in self.volumes]
        if len(set(names)) < len(names):
            msg = "expected each provider once, found one twice"
            raise ValueError(msg)
        return self


class RetireModel(Command):
    """A model is no longer sold."""

    TYPE: ClassVar[str] = "retire_model/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("provider", "model")
    product: Identifier
    provider: Identifier
    model: Identifier
    at: Instant


class PublishIndex(Command):
    """The value of an index that comes from outside."""

    TYPE: ClassVar[str] = "publish_index/1"
    SHARD: ClassVar[str] = MARKET
    product: Identifier
    value: DecimalText
    at: Instant


class SubmitTrade(Command):
    """A trade executed on the exchange, to be novated."""

    TYPE: ClassVar[str] = "submit_trade/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("trade_id",)
    ID_KIND: ClassVar[str] = TRADE
    trade_id: Identifier
    contract: Identifier
    price: DecimalText
    lots: Int64
    buyer: Identifier
    seller: Identifier
    executed_at: Instant

    @property
    def event_time(self) -> int:
        """The time of execution."""
        return self.executed_at


class BustTrade(Command):
    """Cancel a trade by a new event that compensates it."""

    TYPE: ClassVar[str] = "bust_trade/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("trade_id",)
    NAMED_KIND: ClassVar[str] = TRADE
    trade_id: Identifier
    contract: Identifier
    reason: Name
    at: Instant


class AdjustTradePrice(Command):
    """Give a trade another price."""

    TYPE: ClassVar[str] = "adjust_trade_price/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("trade_id",)
    NAMED_KIND: ClassVar[str] = TRADE
    trade_id: Identifier
    contract: Identifier
    price: DecimalText
    reason: Name
    at: Instant


class TransferPosition(Command):
    """Move lots from one account to another at a stated price."""

    TYPE: ClassVar[str] = "transfer_position/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("transfer",)
    ID_KIND: ClassVar[str] = TRANSFER
    transfer: Identifier
    contract: Identifier
    lots: Int64
    from_account: Identifier
    to_account: Identifier
    side: Literal["long", "short"]
    price: DecimalText
    at: Instant


class SubmitQuote(Command):
    """A maker's two-sided quote; null for both of a side: withdrawn."""

    model_config = ConfigDict(json_schema_extra=_SIDES_ARE_WHOLE)
    TYPE: ClassVar[str] = "submit_quote/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("contract",)
    maker: Identifier
    contract: Identifier
    bid: DecimalText | None
    bid_lots: Int64 | None
    ask: DecimalText | None
    ask_lots: Int64 | None
    at: Instant

    @model_validator(mode="after")
    def _sides_are_whole(self) -> Self:
        sides = (("bid", self.bid, self.bid_lots), ("ask", self.ask, self.ask_lots))
        for side, price, lots in sides:
            if (price is None) != (lots is None):
                alone, null = (f"{side}_lots", side) if price is None else (side, f"{side}_lots")
                msg = f"{alone} is given and {null} is null: expected both or neither"
                raise ValueError(msg)
        return self


class SetSettlementPrice(Command):
    """The exchange sets the settlement price of the open session's close."""

    TYPE: ClassVar[str] = "set_settlement_price/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("contract",)
    contract: Identifier
    price: DecimalText
    reason: Name
    at: Instant


class HaltContract(Command):
    """The exchange halts a contract; without `until` to the close."""

    TYPE: ClassVar[str] = "halt_contract/1"
    SHARD: ClassVar[str] = MARKET
    SUBJECT: ClassVar[tuple[str, ...]] = ("contract",)
    contract: Identifier
    until: Instant | None
    reason: Name
    at: Instant


IndexCommand: TypeAlias = (
    ReportCapability
    | ReportProviderPrice
    | ReportProviderVolume
    | ReportProviderVolumes
    | RetireModel
    | PublishIndex
)
MarketCommand: TypeAlias = (
    IndexCommand
    | SubmitTrade
    | BustTrade
    | AdjustTradePrice
    | TransferPosition
    | SubmitQuote
    | SetSettlementPrice
    | HaltContract
)
