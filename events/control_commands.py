"""Commands for all: configuration, members, accounts, sessions (WIRE §2)."""

from __future__ import annotations

from typing import ClassVar, Final, Literal, TypeAlias

from events.command import CONTROL, Command
from events.default_commands import DefaultCommand
from events.spread_commands import SubmitSpread
from events.wire_fields import BusinessDate, FreeText, Identifier, Instant, Int64, Name


class Configure(Command):
    """Set a parameter from a session on."""

    TYPE: ClassVar[str] = "configure/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("parameter",)
    parameter: Identifier
    product: Identifier | None
    value: FreeText
    effective_date: BusinessDate
    at: Instant


class ConfigureAsset(Command):
    """Admit an asset as collateral, or change its terms, from a session on."""

    TYPE: ClassVar[str] = "configure_asset/1"
    SHARD: ClassVar[str] = CONTROL
    asset: Identifier
    haircut_ppm: Int64
    share_ppm: Int64
    fresh_hours: Int64
    effective_date: BusinessDate
    at: Instant


class AdmitMember(Command):
    """Admit a clearing member."""

    TYPE: ClassVar[str] = "admit_member/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("member",)
    member: Identifier
    name: Name
    at: Instant


class OpenAccount(Command):
    """Open an account of a member, for the house or for a customer."""

    TYPE: ClassVar[str] = "open_account/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("account",)
    account: Identifier
    member: Identifier
    origin: Literal["house", "customer"]
    owner: Identifier
    at: Instant


class SuspendAccount(Command):
    """Stop an account from trading."""

    TYPE: ClassVar[str] = "suspend_account/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("account",)
    account: Identifier
    reason: Name
    at: Instant


class ReinstateAccount(Command):
    """Let a suspended account trade again."""

    TYPE: ClassVar[str] = "reinstate_account/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("account",)
    account: Identifier
    reason: Name
    at: Instant


class DeclareDefault(Command):
    """A person declares a member in default (RULEBOOK §7)."""

    TYPE: ClassVar[str] = "declare_default/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("member",)
    member: Identifier
    reason: Name
    at: Instant


class DesignateMaker(Command):
    """Oblige an account to quote a product (RULEBOOK §6)."""

    TYPE: ClassVar[str] = "designate_maker/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("account",)
    account: Identifier
    product: Identifier
    at: Instant


class ReleaseMaker(Command):
    """End an account's designation as maker of a product."""

    TYPE: ClassVar[str] = "release_maker/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("account",)
    account: Identifier
    product: Identifier
    at: Instant


class ReportNetCapital(Command):
    """Report a member's net capital; the last report counts."""

    TYPE: ClassVar[str] = "report_net_capital/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("member",)
    member: Identifier
    amount_cents: Int64
    at: Instant


class OpenSession(Command):
    """Open the first session."""

    TYPE: ClassVar[str] = "open_session/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("business_date",)
    business_date: BusinessDate
    at: Instant


class AdvanceClock(Command):
    """Nothing but the time."""

    TYPE: ClassVar[str] = "advance_clock/1"
    SHARD: ClassVar[str] = CONTROL
    at: Instant


class RunCycle(Command):
    """An intraday variation and margin cycle: a barrier."""

    TYPE: ClassVar[str] = "run_cycle/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("cycle",)
    cycle: Identifier
    at: Instant


class CloseSession(Command):
    """Close the open session and open the next: a barrier."""

    TYPE: ClassVar[str] = "close_session/1"
    SHARD: ClassVar[str] = CONTROL
    SUBJECT: ClassVar[tuple[str, ...]] = ("business_date",)
    business_date: BusinessDate
    next_business_date: BusinessDate
    at: Instant


ControlCommand: TypeAlias = (
    Configure
    | ConfigureAsset
    | AdmitMember
    | OpenAccount
    | SuspendAccount
    | ReinstateAccount
    | DeclareDefault
    | DesignateMaker
    | ReleaseMaker
    | ReportNetCapital
    | DefaultCommand
    | SubmitSpread
    | OpenSession
    | AdvanceClock
    | RunCycle
    | CloseSession
)
# `member/0` waits for the links of all markets before it decides one.
Barrier: TypeAlias = RunCycle | CloseSession
# The cycle name of a close; `run_cycle` may not use it.
CLOSE_CYCLE: Final = "close"
