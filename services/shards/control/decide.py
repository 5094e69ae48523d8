"""The decisions of `control/0`: control commands, and commands of products not in use (WIRE §2).

In: a decoded command. Out: facts through an emission; True when every shard is to have a copy.
"""

from __future__ import annotations

from typing import Final, assert_never

from events.command import Command
from events.control_commands import (
    AdmitMember,
    AdvanceClock,
    CloseSession,
    Configure,
    ConfigureAsset,
    ControlCommand,
    DeclareDefault,
    DesignateMaker,
    OpenAccount,
    OpenSession,
    ReinstateAccount,
    ReleaseMaker,
    ReportNetCapital,
    RunCycle,
    SuspendAccount,
)
from events.control_facts import (
    AccountOpened,
    AccountReinstated,
    AccountSuspended,
    AssetConfigured,
    ClockAdvanced,
    Configured,
    ControlFact,
    CycleStarted,
    MakerDesignated,
    MakerReleased,
    MemberAdmitted,
    MemberDefaulted,
    NetCapitalReported,
    SessionOpened,
)
from events.default_commands import (
    AffiliateMember,
    AuctionAccount,
    DefaultCommand,
    PortAccount,
    SettleDefault,
)
from events.default_facts import (
    AccountAuctioned,
    AccountPorted,
    DefaultControlFact,
    DefaultSettlementOrdered,
    MemberAffiliated,
)
from events.market_commands import (
    AdjustTradePrice,
    BustTrade,
    HaltContract,
    SetSettlementPrice,
    SubmitQuote,
    SubmitTrade,
    TransferPosition,
)
from events.refusals import Reason, Refusal
from events.spread_commands import SubmitSpread
from events.spread_facts import SpreadSubmitted
from risk.margin_models import MODELS
from services.shards.emission import Emission, stated
from services.shards.ids import Seen, answer_repeat
from settlement.control_books import ControlBooks, apply_control, apply_cycle_refused
from settlement.control_rules import before_sessions, refuse_control, refuse_time, unknown_contract
from settlement.default_rules import refused_as_defaulted
from settlement.repeats import REPEATED, Repeated

_NEEDS_SESSION: Final = (
    SubmitTrade,
    TransferPosition,
    SubmitQuote,
    SetSettlementPrice,
    HaltContract,
)
_NAMES_CONTRACT: Final = (*_NEEDS_SESSION, BustTrade, AdjustTradePrice)


def decide_control(
    books: ControlBooks, command: Command, *, seen: Seen | None, emit: Emission[ControlFact]
) -> bool:
    """Decide one command; True when it stands and is to be copied.

    seen: the first command under its reference.
    """
    answer: Refusal | Repeated | None
    if isinstance(command, ControlCommand):
        answer = _refuse(books, command, seen=seen)
    else:
        answer = refuse_homeless(books, command)
    if isinstance(answer, Refusal):
        if isinstance(command, RunCycle):
            apply_cycle_refused(books, command, refusal=answer)
        emit.refuse(answer, command.event_time, kind=command.TYPE, reference=command.subject)
        return False
    if isinstance(answer, Repeated):
        return False
    # Nothing can fail from here.
    assert isinstance(command, ControlCommand), command
    fact = _fact_of(books, command)
    apply_control(books, command)
    emit(fact)
    return True


def _refuse(
    books: ControlBooks, command: ControlCommand, *, seen: Seen | None
) -> Refusal | Repeated | None:
    if seen is not None:
        return refuse_time(books, command) or answer_repeat(command, seen) or REPEATED
    return refuse_control(books, command) or _unknown_model(command)


def _unknown_model(command: ControlCommand) -> Refusal | None:
    """The refusal of a margin model that is not in the table of models."""
    if (
        not isinstance(command, Configure)
        or command.parameter != "margin_model"
        or command.value in MODELS
    ):
        return None
    detail = f"margin_model: expected {' or '.join(MODELS)}, found {command.value[:40]!a}"
    return Refusal(Reason.INVALID_VALUE, detail)


def refuse_homeless(books: ControlBooks, command: Command) -> Refusal:
    """The reason against a market command whose product is not in use, in the order of WIRE §3."""
    refusal = before_sessions(books) if isinstance(command, _NEEDS_SESSION) else None
    if refusal is not None:
        return refusal
    refusal = refuse_time(books, command)
    if refusal is not None:
        return refusal
    if isinstance(command, TransferPosition | SubmitQuote):
        refusal = _refuse_accounts(books, command)
    if refusal is not None:
        return refusal
    if isinstance(command, _NAMES_CONTRACT):
        return unknown_contract(books, command.contract)
    named = getattr(command, "product", None)
    return Refusal(Reason.UNKNOWN_PRODUCT, f"no product {named} is in use")


def _refuse_accounts(
    books: ControlBooks, command: TransferPosition | SubmitQuote
) -> Refusal | None:
    is_quote = isinstance(command, SubmitQuote)
    names = (
        (command.maker,)
        if isinstance(command, SubmitQuote)
        else (command.from_account, command.to_account)
    )
    for name in names:
        if name not in books.accounts:
            return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {name}")
    active = books.accounts[names[-1]]
    if active.is_suspended:
        return Refusal(Reason.ACCOUNT_SUSPENDED, f"account {active.name} is suspended")
    if is_quote and active.member.is_defaulted:
        return refused_as_defaulted(active.member.name)
    return None


def _fact_of(books: ControlBooks, command: ControlCommand) -> ControlFact:
    """The fact of a command that is about to stand."""
    match command:
        case Configure():
            return stated(Configured, command)
        case ConfigureAsset():
            return stated(AssetConfigured, command)
        case AdmitMember():
            return stated(MemberAdmitted, command)
        case OpenAccount():
            return stated(AccountOpened, command)
        case SuspendAccount():
            return stated(AccountSuspended, command)
        case ReinstateAccount():
            return stated(AccountReinstated, command)
        case DeclareDefault():
            return stated(MemberDefaulted, command)
        case DesignateMaker():
            return stated(MakerDesignated, command)
        case ReleaseMaker():
            return stated(MakerReleased, command)
        case ReportNetCapital():
            return stated(NetCapitalReported, command)
        case SubmitSpread():
            return stated(SpreadSubmitted, command, at=command.executed_at)
        case OpenSession():
            return stated(SessionOpened, command)
        case CloseSession():
            return stated(SessionOpened, command, business_date=command.next_business_date)
        case RunCycle():
            return stated(CycleStarted, command, business_date=books.business_date)
        case AdvanceClock():
            return stated(ClockAdvanced, command)
        case _:
            return _fact_of_default(books, command)


def _fact_of_default(books: ControlBooks, command: DefaultCommand) -> DefaultControlFact:
    match command:
        case AffiliateMember():
            return stated(MemberAffiliated, command)
        case PortAccount():
            from_member = books.accounts[command.account].member.name
            return stated(AccountPorted, command, from_member=from_member)
        case AuctionAccount():
            return stated(AccountAuctioned, command)
        case SettleDefault():
            return stated(DefaultSettlementOrdered, command)
        case _:
            assert_never(command)
