"""Facts of cash, margin, calls and postings (WIRE §3)."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from events.asset_facts import AssetFact
from events.default_facts import SettlementOfDefaultFact
from events.fact import Fact
from events.fund_facts import FundFact
from events.wire_fields import StatedDate, StatedInstant


class CollateralMoved(Fact):
    """Collateral came in, or (−) a withdrawal was paid."""

    TYPE: ClassVar[str] = "collateral_moved/1"
    reference: str
    account: str
    asset: str
    amount_cents: int


class WithdrawalPending(Fact):
    """Blocked until the next cycle."""

    TYPE: ClassVar[str] = "withdrawal_pending/1"
    reference: str
    account: str
    asset: str
    amount_cents: int


class WithdrawalRefused(Fact):
    """Not paid: equity would not have covered initial margin, or a call is open."""

    TYPE: ClassVar[str] = "withdrawal_refused/1"
    reference: str
    account: str
    asset: str
    amount_cents: int
    reason: str


class CashAdjusted(Fact):
    """Cash went from one account to another, for a reason."""

    TYPE: ClassVar[str] = "cash_adjusted/1"
    reference: str
    debit_account: str
    credit_account: str
    amount_cents: int
    reason: str


class MarginPart(BaseModel):
    """The margin of one position."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    contract: str
    lots: int
    margin_cents: int


class MarginSet(Fact):
    """The margin of an account and its equity after the cycle's variation.

    collateral_cents: what assets other than cash count for, a part of equity. credit_cents: what a
    portfolio model takes off for positions that offset; the parts − credit + add_on = initial.
    """

    TYPE: ClassVar[str] = "margin_set/1"
    account: str
    business_date: StatedDate
    cycle: str
    model: str
    initial_cents: int
    maintenance_cents: int
    equity_cents: int
    collateral_cents: int
    credit_cents: int
    add_on_cents: int
    parts: tuple[MarginPart, ...]


class MarginCalled(Fact):
    """An account must bring collateral by a deadline."""

    TYPE: ClassVar[str] = "margin_called/1"
    call: str
    account: str
    member: str
    amount_cents: int
    deadline: StatedInstant


class MarginCallMet(Fact):
    """Nothing remains."""

    TYPE: ClassVar[str] = "margin_call_met/1"
    call: str
    account: str
    remaining_cents: int


class MarginCallPartlyMet(Fact):
    """Less remains than before."""

    TYPE: ClassVar[str] = "margin_call_partly_met/1"
    call: str
    account: str
    remaining_cents: int


class MarginCallRaised(Fact):
    """More remains than before."""

    TYPE: ClassVar[str] = "margin_call_raised/1"
    call: str
    account: str
    remaining_cents: int


class MarginCallMissed(Fact):
    """The deadline has passed with a remainder."""

    TYPE: ClassVar[str] = "margin_call_missed/1"
    call: str
    account: str
    remaining_cents: int


class SettlementInstructed(Fact):
    """The amount a member pays or receives for an origin in a cycle."""

    TYPE: ClassVar[str] = "settlement_instructed/1"
    member: str
    origin: Literal["house", "customer"]
    currency: str
    business_date: StatedDate
    cycle: str
    variation_cents: int
    margin_deficit_cents: int


class Posting(Fact):
    """Double entry: every cent that moves, from debit to credit, and the fact that moved it."""

    TYPE: ClassVar[str] = "posting/1"
    debit: str
    credit: str
    amount_cents: int
    currency: str
    for_: str = Field(alias="for")
    reference: str


MemberFact: TypeAlias = (
    CollateralMoved
    | WithdrawalPending
    | WithdrawalRefused
    | CashAdjusted
    | MarginSet
    | MarginCalled
    | MarginCallMet
    | MarginCallPartlyMet
    | MarginCallRaised
    | MarginCallMissed
    | SettlementInstructed
    | Posting
    | AssetFact
    | FundFact
    | SettlementOfDefaultFact
)
