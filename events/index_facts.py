"""Facts of a product's index (WIRE §3); types marked *own* are ours beyond WIRE."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from events.fact import Fact
from events.wire_fields import StatedDate, StatedDecimal


class CapabilityReported(Fact):
    """Own: the scores that count for a model from now on."""

    TYPE: ClassVar[str] = "capability_reported/1"
    product: str
    provider: str
    model: str
    mmlu: StatedDecimal | None
    humaneval: StatedDecimal | None
    gsm8k: StatedDecimal | None


class ProviderPriceReported(Fact):
    """Own: a price report was taken: accepted, held or waiting for its hour."""

    TYPE: ClassVar[str] = "provider_price_reported/1"
    product: str
    provider: str
    model: str
    input_usd_per_mtok: StatedDecimal
    output_usd_per_mtok: StatedDecimal
    disposition: Literal["accepted", "held", "waiting"]


class ProviderVolumeReported(Fact):
    """Own: the volume by which a provider is weighed from now on."""

    TYPE: ClassVar[str] = "provider_volume_reported/1"
    product: str
    provider: str
    tokens: int


class ModelRetired(Fact):
    """Own: the model's prices are forgotten."""

    TYPE: ClassVar[str] = "model_retired/1"
    product: str
    provider: str
    model: str


class IndexValueReported(Fact):
    """Own: a value from outside was taken, at its own time; it is published at the clock's."""

    TYPE: ClassVar[str] = "index_value_reported/1"
    product: str
    value_micros: int


class IndexInput(BaseModel):
    """The contribution of one provider to an index value; rounded for reading, never fed back."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    provider: str
    model: str
    raw_price_micros: int
    adjusted_price_micros: int
    raw_weight_ppm: int
    weight_ppm: int


class IndexPublished(Fact):
    """A value of the index with its inputs; cap null when it comes from outside."""

    TYPE: ClassVar[str] = "index_published/1"
    product: str
    value_micros: int
    cap_ppm: int | None
    inputs: tuple[IndexInput, ...]


class ProviderPriceHeld(Fact):
    """A price that moved by more than ×3 waits for its confirmation.

    last_price_micros: null for the first price of a model, held for lying beyond ×100 of the index.
    """

    TYPE: ClassVar[str] = "provider_price_held/1"
    product: str
    provider: str
    model: str
    last_price_micros: int | None
    price_micros: int


class IndexStale(Fact):
    """No provider is left: the last value stands."""

    TYPE: ClassVar[str] = "index_stale/1"
    product: str
    value_micros: int
    reason: str


class IndexRulesSet(Fact):
    """Other rules of the index are in force from here on, as configured."""

    TYPE: ClassVar[str] = "index_rules_set/1"
    product: str
    cap_ppm: int
    cap_of_three_ppm: int
    cap_of_two_ppm: int
    fresh_hours: int
    hold_factor: int
    hold_minutes: int
    hold_band_ppm: int
    first_price_factor: int
    fixing_minutes: int


class IndexFixed(Fact):
    """The daily fixing."""

    TYPE: ClassVar[str] = "index_fixed/1"
    product: str
    business_date: StatedDate
    value_micros: int
    stale: bool


IndexFact: TypeAlias = (
    CapabilityReported
    | ProviderPriceReported
    | ProviderVolumeReported
    | ModelRetired
    | IndexValueReported
    | IndexPublished
    | ProviderPriceHeld
    | IndexStale
    | IndexRulesSet
    | IndexFixed
)
