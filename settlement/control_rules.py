"""The rules by which a control command stands (RULEBOOK §1, §3; reasons in WIRE's order).

In: the control books and a command. Out: a refusal, REPEATED for the same content again, or None.
"""

from __future__ import annotations

from datetime import date
from typing import Final, assert_never

from events.command import Command, content
from events.contracts import CURRENCY, PRODUCTS, product_of
from events.control_commands import (
    CLOSE_CYCLE,
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
from events.default_commands import (
    AffiliateMember,
    AuctionAccount,
    PortAccount,
    SettleDefault,
)
from events.parameters import PARAMETERS, is_known_product
from events.refusals import Reason, Refusal
from events.spread_commands import SubmitSpread
from events.units import DAY_NS, PPM, day_start, format_instant, times_text
from settlement.calendar import is_weekday
from settlement.control_books import ControlBooks
from settlement.default_rules import refuse_default_step, refused_as_defaulted
from settlement.repeats import REPEATED, Repeated

# A symbol has two digits for the year, and the last listed month lies up to 21 months ahead.
YEARS: Final = range(2000, 2098)
# A slip of a digit in a date lies beyond these bounds; an outage and long holidays do not.
OPENING_DAYS: Final = 7
NEXT_DAYS: Final = 14
# The ranges of an asset's terms (WIRE §2), both ends included.
ASSET_RANGES: Final = (("haircut_ppm", 0, PPM), ("share_ppm", 0, PPM), ("fresh_hours", 1, 8_760))


def refuse_time(books: ControlBooks, command: Command) -> Refusal | None:
    """A command far from the session is refused: one wrong year must not expire every price."""
    bounds = books.times_in_range(is_close=isinstance(command, CloseSession))
    return time_out_of_range(bounds, command.event_time)


def time_out_of_range(bounds: tuple[int, int] | None, at: int) -> Refusal | None:
    """The refusal of a time far from the session, or from the first command before one."""
    if bounds is None or bounds[0] <= at <= bounds[1]:
        return None
    detail = f"{format_instant(at)} is outside {times_text(*bounds)}"
    return Refusal(Reason.TIME_OUT_OF_RANGE, detail)


def before_sessions(books: ControlBooks) -> Refusal | None:
    """The refusal of a trade, or of what is alike, before the first session."""
    if books.business_date is None:
        return Refusal(Reason.SESSION_CLOSED, "no session is open yet")
    return None


def unknown_contract(books: ControlBooks, contract: str) -> Refusal:
    """The refusal of a contract whose product is not in use."""
    examples = " or ".join(f"{product}Z26" for product in sorted(books.products))
    detail = f"no contract {contract}; symbols look like {examples}"
    return Refusal(Reason.UNKNOWN_CONTRACT, detail)


def refuse_control(books: ControlBooks, command: ControlCommand) -> Refusal | Repeated | None:
    """The first reason that holds against a control command."""
    if isinstance(command, SubmitSpread):
        return _refuse_spread(books, command)
    refusal = refuse_time(books, command)
    if refusal is not None:
        return refusal
    match command:
        case AdmitMember():
            return _refuse_admission(books, command)
        case OpenAccount():
            return _refuse_account(books, command)
        case SuspendAccount() | ReinstateAccount():
            return _refuse_suspension(books, command)
        case DeclareDefault():
            return _refuse_default(books, command)
        case DesignateMaker():
            return _refuse_designation(books, command)
        case ReleaseMaker():
            return _refuse_release(books, command)
        case ReportNetCapital():
            return _refuse_capital(books, command)
        case AffiliateMember() | PortAccount() | AuctionAccount() | SettleDefault():
            return refuse_default_step(books, command)
        case OpenSession():
            return _refuse_opening(books, command)
        case CloseSession():
            return _refuse_close(books, command)
        case RunCycle():
            return _refuse_cycle(books, command)
        case Configure():
            return _refuse_setting(command)
        case ConfigureAsset():
            return _refuse_asset(command)
        case AdvanceClock():
            return None
        case _:
            assert_never(command)


def _refuse_spread(books: ControlBooks, command: SubmitSpread) -> Refusal | None:
    """What is known here; the markets of the legs know the rest."""
    refusal = before_sessions(books) or refuse_time(books, command)
    if refusal is not None:
        return refusal
    homeless = [leg for leg in command.legs if product_of(leg.contract) not in books.products]
    return unknown_contract(books, homeless[0].contract) if homeless else None


def _refuse_admission(books: ControlBooks, command: AdmitMember) -> Refusal | Repeated | None:
    member = books.members.get(command.member)
    if member is None:
        return None
    if (member.title, member.admitted_at) == (command.name, command.at):
        return REPEATED
    return Refusal(
        Reason.ALREADY_EXISTS, f"member {command.member} exists already, admitted otherwise"
    )


def _refuse_account(books: ControlBooks, command: OpenAccount) -> Refusal | Repeated | None:
    account = books.accounts.get(command.account)
    if account is not None:
        opened_for = account.opened_for or account.member.name
        recorded = (opened_for, account.origin, account.owner, account.opened_at)
        if recorded == (command.member, command.origin, command.owner, command.at):
            return REPEATED
        detail = f"account {command.account} exists already, opened otherwise"
        return Refusal(Reason.ALREADY_EXISTS, detail)
    member = books.members.get(command.member)
    if command.origin == "house" and member is not None and member.house_account is not None:
        return Refusal(
            Reason.ALREADY_EXISTS,
            f"{command.member} has a house account already, {member.house_account}",
        )
    if member is None:
        return Refusal(Reason.UNKNOWN_MEMBER, f"no member {command.member}")
    if member.is_defaulted:
        return refused_as_defaulted(command.member)
    return None


def _refuse_suspension(
    books: ControlBooks, command: SuspendAccount | ReinstateAccount
) -> Refusal | Repeated | None:
    account = books.accounts.get(command.account)
    if account is None:
        return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {command.account}")
    return REPEATED if account.is_suspended == isinstance(command, SuspendAccount) else None


def _refuse_default(books: ControlBooks, command: DeclareDefault) -> Refusal | None:
    member = books.members.get(command.member)
    if member is None:
        return Refusal(Reason.UNKNOWN_MEMBER, f"no member {command.member}")
    if member.is_defaulted:
        return Refusal(Reason.MEMBER_DEFAULTED, f"member {command.member} is in default already")
    return None


def _refuse_designation(books: ControlBooks, command: DesignateMaker) -> Refusal | Repeated | None:
    designated_at = books.makers.get(command.product, {}).get(command.account)
    if designated_at is not None:
        if designated_at == command.at:
            return REPEATED
        since = format_instant(designated_at)
        detail = f"{command.account} is a maker of {command.product} already, since {since}"
        return Refusal(Reason.ALREADY_EXISTS, detail)
    account = books.accounts.get(command.account)
    if account is None:
        return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {command.account}")
    if account.member.is_defaulted:
        return refused_as_defaulted(account.member.name)
    return _unused_product(books, command.product)


def _unused_product(books: ControlBooks, product: str) -> Refusal | None:
    if product in books.products:
        return None
    detail = f"no product {product} is in use; there are {', '.join(sorted(books.products))}"
    return Refusal(Reason.UNKNOWN_PRODUCT, detail)


def _refuse_release(books: ControlBooks, command: ReleaseMaker) -> Refusal | None:
    if command.account not in books.accounts:
        return Refusal(Reason.UNKNOWN_ACCOUNT, f"no account {command.account}")
    refusal = _unused_product(books, command.product)
    if refusal is None and command.account not in books.makers.get(command.product, {}):
        detail = f"{command.account} is no maker of {command.product}"
        return Refusal(Reason.MAKER_UNKNOWN, detail)
    return refusal


def _refuse_capital(books: ControlBooks, command: ReportNetCapital) -> Refusal | None:
    if command.member not in books.members:
        return Refusal(Reason.UNKNOWN_MEMBER, f"no member {command.member}")
    if command.amount_cents < 0:
        detail = f"expected amount_cents of at least 0, found {command.amount_cents}"
        return Refusal(Reason.INVALID_VALUE, detail)
    return None


def _refuse_opening(books: ControlBooks, command: OpenSession) -> Refusal | None:
    day = command.business_date
    if books.business_date is None and books.clock is not None and command.at < books.clock:
        detail = f"{_instant(command)} is before {format_instant(books.clock)}, the latest so far"
        return Refusal(Reason.TIME_OUT_OF_RANGE, detail)
    if day.year not in YEARS:
        return _unlistable(day)
    if books.business_date is not None:
        return _out_of_order(f"a session is open already, that of {books.business_date}")
    if abs(day_start(day) // DAY_NS - command.at // DAY_NS) > OPENING_DAYS:
        return _out_of_order(f"{day} is more than {OPENING_DAYS} days from {_instant(command)}")
    return _no_business_day(books, day)


def _no_business_day(books: ControlBooks, day: date) -> Refusal | None:
    """The refusal of a weekend or of a holiday in force in that session."""
    if not is_weekday(day):
        return _out_of_order(f"{day} is not Monday to Friday")
    if day in books.holidays_on(day):
        return _out_of_order(f"{day} is a holiday")
    return None


def _out_of_order(detail: str) -> Refusal:
    return Refusal(Reason.OUT_OF_ORDER_SESSION, detail)


def _instant(command: Command) -> str:
    return format_instant(command.event_time)


def _unlistable(day: date) -> Refusal:
    detail = f"{day} is outside the years {YEARS[0]} to {YEARS[-1]}, both included"
    return Refusal(Reason.INVALID_VALUE, detail)


def _refuse_close(books: ControlBooks, command: CloseSession) -> Refusal | None:
    if command.next_business_date.year not in YEARS:
        return _unlistable(command.next_business_date)
    session, following = command.business_date, command.next_business_date
    if session != books.business_date:
        opened = "no session" if books.business_date is None else f"that of {books.business_date}"
        return _out_of_order(f"the session of {session} is not open, but {opened}")
    if not 0 < (following - session).days <= NEXT_DAYS:
        detail = f"{following} is not 1 to {NEXT_DAYS} days after {session}, both included"
        return _out_of_order(detail)
    return _no_business_day(books, following) or _back_in_time(books, command, last_day=following)


def _back_in_time(
    books: ControlBooks, command: CloseSession | RunCycle, *, last_day: date
) -> Refusal | None:
    """The refusal of a cycle before the opening or an earlier cycle, or after its last day."""
    earliest, latest = books.latest_cycle_at(), day_start(last_day) + DAY_NS
    if earliest <= command.at <= latest:
        return None
    return _out_of_order(f"{_instant(command)} is outside {times_text(earliest, latest)}")


def _refuse_cycle(books: ControlBooks, command: RunCycle) -> Refusal | Repeated | None:
    if (command.cycle, command.at) in books.cycles_past:
        return REPEATED
    used = books.cycles.get(command.cycle)
    if used is not None:
        if used == content(command):
            return REPEATED
        detail = f"the name {command.cycle} is taken by another cycle of this session"
        return Refusal(Reason.DUPLICATE_REFERENCE, detail)
    refused = books.cycles_refused.get(command.cycle)
    if refused is not None:
        if refused[0] == content(command):
            reason = refused[1].reason
            detail = f"the cycle {command.cycle} was refused before as {reason.value}"
            return Refusal(reason, f"{detail}; a correction needs a new name")
        detail = f"the name {command.cycle} is taken by a cycle that was refused in this session"
        return Refusal(Reason.DUPLICATE_REFERENCE, detail)
    if command.cycle == CLOSE_CYCLE:
        return Refusal(
            Reason.INVALID_VALUE,
            f"{CLOSE_CYCLE} is the name of the day's close; a cycle needs another",
        )
    if books.business_date is None:
        return _out_of_order("no session is open")
    return _back_in_time(books, command, last_day=books.business_date)


def _refuse_setting(command: Configure) -> Refusal | None:
    if command.product is not None and not is_known_product(command.product):
        return Refusal(
            Reason.UNKNOWN_PRODUCT, f"no product {command.product}; there are {', '.join(PRODUCTS)}"
        )
    parameter = PARAMETERS.get(command.parameter)
    if parameter is None:
        detail = f"no parameter {command.parameter}; `clearing schema` lists them"
        return Refusal(Reason.UNKNOWN_PARAMETER, detail)
    if parameter.scope != "any" and (parameter.scope == "house") != (command.product is None):
        detail = f"{parameter.name} is set for a product: product is null"
        if command.product is not None:
            detail = f"{parameter.name} is set for all: product is {command.product}, not null"
        return Refusal(Reason.INVALID_VALUE, detail)
    if parameter.scope == "compute" and not PRODUCTS[str(command.product)].is_compute:
        detail = f"{parameter.name} is set for a product of compute, {command.product} is none"
        return Refusal(Reason.INVALID_VALUE, detail)
    if not parameter.is_valid(command.value):
        detail = f"{parameter.name}: expected {parameter.values}, found {command.value[:40]!a}"
        return Refusal(Reason.INVALID_VALUE, detail)
    return None


def _refuse_asset(command: ConfigureAsset) -> Refusal | None:
    if command.asset == CURRENCY:
        detail = f"{CURRENCY} is cash: it counts whole and is not configured"
        return Refusal(Reason.INVALID_VALUE, detail)
    for name, least, most in ASSET_RANGES:
        value = getattr(command, name)
        if not least <= value <= most:
            detail = f"{name}: expected {least} to {most}, both included, found {value}"
            return Refusal(Reason.INVALID_VALUE, detail)
    return None
