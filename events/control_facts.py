"""Facts of `control/0`, and the facts that every shard states (WIRE §3).

The types marked *own* are ours beyond WIRE §3: with them every accepted command leaves a fact, so
that folding the journal gives the books.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from events.default_facts import DefaultControlFact
from events.fact import Fact
from events.spread_facts import SpreadSubmitted
from events.wire_fields import StatedDate


class ShardOpened(Fact):
    """Own: row 0 of every shard, with the defaults and the version of the rules it decides by."""

    TYPE: ClassVar[str] = "shard_opened/1"
    rules_version: int
    control_number: int
    parameters: dict[str, str]


class CommandRefused(Fact):
    """A command that does not stand, and why."""

    TYPE: ClassVar[str] = "command_refused/1"
    command_type: str | None
    reference: str | None
    reason: str
    detail: str


class Configured(Fact):
    """A parameter will change with the first session on or after its date."""

    TYPE: ClassVar[str] = "configured/1"
    parameter: str
    product: str | None
    value: str
    effective_date: StatedDate


class AssetConfigured(Fact):
    """An asset's terms will be in force with the first session on or after their date."""

    TYPE: ClassVar[str] = "asset_configured/1"
    asset: str
    haircut_ppm: int
    share_ppm: int
    fresh_hours: int
    effective_date: StatedDate


class MemberAdmitted(Fact):
    """A clearing member."""

    TYPE: ClassVar[str] = "member_admitted/1"
    member: str
    name: str


class AccountOpened(Fact):
    """An account of a member."""

    TYPE: ClassVar[str] = "account_opened/1"
    account: str
    member: str
    origin: Literal["house", "customer"]
    owner: str


class AccountSuspended(Fact):
    """The account may not trade."""

    TYPE: ClassVar[str] = "account_suspended/1"
    account: str
    reason: str


class AccountReinstated(Fact):
    """The account may trade again."""

    TYPE: ClassVar[str] = "account_reinstated/1"
    account: str
    reason: str


class MemberDefaulted(Fact):
    """A person has declared the member in default."""

    TYPE: ClassVar[str] = "member_defaulted/1"
    member: str
    reason: str


class MakerDesignated(Fact):
    """The account is obliged to quote the product."""

    TYPE: ClassVar[str] = "maker_designated/1"
    account: str
    product: str


class MakerReleased(Fact):
    """The account is obliged no longer."""

    TYPE: ClassVar[str] = "maker_released/1"
    account: str
    product: str


class NetCapitalReported(Fact):
    """A member's net capital, from here on."""

    TYPE: ClassVar[str] = "net_capital_reported/1"
    member: str
    amount_cents: int


class SessionOpened(Fact):
    """A trading day begins."""

    TYPE: ClassVar[str] = "session_opened/1"
    business_date: StatedDate


class ClockAdvanced(Fact):
    """Own: the control clock was moved by a command that does nothing else."""

    TYPE: ClassVar[str] = "clock_advanced/1"


class CycleStarted(Fact):
    """Own: an intraday cycle was ordered."""

    TYPE: ClassVar[str] = "cycle_started/1"
    business_date: StatedDate
    cycle: str


class DayClosed(Fact):
    """The hashes of a shard at the close: of its books, and of its inputs (`events/history.py`)."""

    TYPE: ClassVar[str] = "day_closed/1"
    business_date: StatedDate
    state_hash: str
    history_hash: str


SharedFact: TypeAlias = ShardOpened | CommandRefused | DayClosed


ControlFact: TypeAlias = (
    Configured
    | AssetConfigured
    | MemberAdmitted
    | AccountOpened
    | AccountSuspended
    | AccountReinstated
    | MemberDefaulted
    | MakerDesignated
    | MakerReleased
    | NetCapitalReported
    | DefaultControlFact
    | SpreadSubmitted
    | SessionOpened
    | ClockAdvanced
    | CycleStarted
)
