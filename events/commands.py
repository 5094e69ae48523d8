"""The table of commands: one line each (WIRE §2).

In: a type on the wire. Out: the model that reads it strictly.
"""

from __future__ import annotations

from typing import Any, Final

from events.command import CONTROL, MARKET, MEMBER, Command
from events.control_commands import (
    AdmitMember,
    AdvanceClock,
    CloseSession,
    Configure,
    DeclareDefault,
    OpenAccount,
    OpenSession,
    ReinstateAccount,
    RunCycle,
    SuspendAccount,
)
from events.market_commands import (
    AdjustTradePrice,
    BustTrade,
    HaltContract,
    PublishIndex,
    ReportCapability,
    ReportProviderPrice,
    ReportProviderVolume,
    RetireModel,
    SubmitQuote,
    SubmitTrade,
    TransferPosition,
)
from events.member_commands import (
    DepositCollateral,
    WithdrawCollateral,
)

__all__ = [
    "COMMANDS",
    "CONTROL",
    "MARKET",
    "MEMBER",
    "AdjustTradePrice",
    "AdmitMember",
    "AdvanceClock",
    "BustTrade",
    "CloseSession",
    "Command",
    "Configure",
    "DeclareDefault",
    "DepositCollateral",
    "HaltContract",
    "OpenAccount",
    "OpenSession",
    "PublishIndex",
    "ReinstateAccount",
    "ReportCapability",
    "ReportProviderPrice",
    "ReportProviderVolume",
    "RetireModel",
    "RunCycle",
    "SubmitQuote",
    "SubmitTrade",
    "SuspendAccount",
    "TransferPosition",
    "WithdrawCollateral",
    "content",
]

COMMANDS: Final[dict[str, type[Command]]] = {
    kind.TYPE: kind
    for kind in (
        Configure, AdmitMember, OpenAccount, SuspendAccount, ReinstateAccount, DeclareDefault,
        OpenSession, AdvanceClock, RunCycle, CloseSession,
        ReportCapability, ReportProviderPrice, ReportProviderVolume, RetireModel, PublishIndex,
        SubmitTrade, BustTrade, AdjustTradePrice, TransferPosition, SubmitQuote, HaltContract,
        DepositCollateral, WithdrawCollateral,
    )
}  # fmt: skip


def content(command: Command) -> tuple[Any, ...]:
    """The normalised values: two commands of one content ask for the same (RULEBOOK §3)."""
    return (command.TYPE, *(getattr(command, field) for field in type(command).model_fields))
