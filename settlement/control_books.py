"""The control books of every shard: members, accounts, session, parameters (RULEBOOK §1, §3).

`control/0` decides whether a control command stands; every shard folds the accepted ones, in order,
with the same function, into books of this form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, assert_never

from events.asset_terms import AssetTerms
from events.command import content
from events.contracts import PRODUCTS_AT_START
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
from events.default_commands import (
    AffiliateMember,
    AuctionAccount,
    PortAccount,
    SettleDefault,
)
from events.int64 import IntArray
from events.parameters import PARAMETERS
from events.refusals import Reason, Refusal
from events.spread_commands import SubmitSpread
from events.texts import Texts
from events.units import DAY_NS, day_start, parse_date

LOOK_BACK_NS: Final = 7 * DAY_NS
SETTING_UP_NS: Final = 30 * DAY_NS
LOOK_AHEAD_NS: Final = 2 * DAY_NS
OUTAGE_NS: Final = 30 * DAY_NS
_OF_REGISTRY: Final = (
    AdmitMember,
    OpenAccount,
    SuspendAccount,
    ReinstateAccount,
    DeclareDefault,
    AffiliateMember,
    PortAccount,
)


@dataclass(slots=True)
class Member:
    """A clearing member.

    affiliation: the group whose losses are added up, None for its own.
    """

    name: str
    title: str
    admitted_at: int
    is_defaulted: bool = False
    house_account: str | None = None
    affiliation: str | None = None

    @property
    def group(self) -> str:
        """The group of its affiliates."""
        return self.affiliation or self.name


@dataclass(slots=True)
class Account:
    """An account of a member; numbered in the order of opening.

    opened_for: the member that it was opened for, if it was ported to another since.
    """

    number: int
    name: str
    member: Member
    origin: str
    owner: str
    opened_at: int
    is_suspended: bool = False
    opened_for: str | None = None


@dataclass(slots=True)
class Setting:
    """A configured value and the date from which it is in force."""

    effective_date: date
    parameter: str
    product: str | None
    value: str


@dataclass(slots=True)
class AssetSetting:
    """The terms of an asset and the date from which they are in force."""

    effective_date: date
    asset: str
    terms: AssetTerms


@dataclass(slots=True)
class ControlBooks:
    """Members, accounts, session, clock and parameters as of the last control command.

    anchor: the time of the first command that stood, configurations aside; before the first session
    no time is far from it. cycles: contents of the session's cycles by name; cycles_past: name and
    time, sorted, of cycles of earlier sessions that may still be repeated. settlements_ordered: by
    member the time of a settlement ordered since the last cycle. makers: the time of designation by
    product and account; net_capital: cents by member, as last reported.
    registry_hash: cached hash of members and accounts; None after a change.
    """

    number: int = 0
    clock: int | None = None
    anchor: int | None = None
    business_date: date | None = None
    opened_at: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    accounts_by_number: list[Account] = field(default_factory=list)
    cycles: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    cycles_past: list[tuple[str, int]] = field(default_factory=list)
    cycles_refused: dict[str, tuple[tuple[Any, ...], Refusal]] = field(default_factory=dict)
    settlements_ordered: dict[str, int] = field(default_factory=dict)
    products: list[str] = field(default_factory=lambda: list(PRODUCTS_AT_START))
    products_listed: list[str] = field(default_factory=lambda: list(PRODUCTS_AT_START))
    holidays: set[date] = field(default_factory=set)
    settings: dict[tuple[str, str | None], str] = field(default_factory=dict)
    waiting: list[Setting] = field(default_factory=list)
    makers: dict[str, dict[str, int]] = field(default_factory=dict)
    net_capital: dict[str, int] = field(default_factory=dict)
    assets: dict[str, AssetTerms] = field(default_factory=dict)
    assets_waiting: list[AssetSetting] = field(default_factory=list)
    registry_hash: str | None = field(default=None, compare=False, repr=False)
    _names: Texts = field(default_factory=lambda: Texts.of(()), compare=False, repr=False)

    def account_names(self, numbers: IntArray) -> Texts:
        """The names of accounts by their numbers."""
        if len(self._names) < len(self.accounts_by_number):
            self._names = Texts.of([account.name.encode() for account in self.accounts_by_number])
        return self._names[numbers]

    def parameter(self, name: str, product: str | None = None) -> int:
        """The value in force, as an integer; a product's value precedes the general one."""
        return int(self.parameter_text(name, product))

    def parameter_text(self, name: str, product: str | None = None) -> str:
        """The value in force, as configured."""
        general = self.settings.get((name, None), PARAMETERS[name].default)
        return self.settings.get((name, product), general) if product is not None else general

    def latest_cycle_at(self) -> int:
        """The time before which no cycle or close of the session may lie (§1)."""
        return max((used[-1] for used in self.cycles.values()), default=self.opened_at)

    def holidays_on(self, business_date: date) -> set[date]:
        """The holidays in force in a session that would be opened next."""
        holidays = set(self.holidays)
        for setting in _due(self, business_date):
            if setting.parameter == "holidays":
                _change_holidays(holidays, setting.value)
        return holidays

    def parameters_of(self, product: str) -> Callable[[str], int]:
        """A function from a parameter's name to its value in force for a product."""
        return lambda name: self.parameter(name, product)

    def is_time_in_range(
        self, at: int, *, is_close: bool = False, anchor: int | None = None
    ) -> bool:
        """Whether a time lies near the session (§1)."""
        bounds = self.times_in_range(is_close=is_close, anchor=anchor)
        return bounds is None or bounds[0] <= at <= bounds[1]

    def times_in_range(
        self, *, is_close: bool = False, anchor: int | None = None
    ) -> tuple[int, int] | None:
        """The earliest and the latest time near the session (§1); None while all are.

        Seven days before the opening to 24:00 of the next day; for a close 30 days more. Before the
        first session within 30 days of the anchor. anchor: the shard's own, while there is none.
        """
        if self.business_date is None:
            first = anchor if self.anchor is None else self.anchor
            return None if first is None else (first - SETTING_UP_NS, first + SETTING_UP_NS)
        latest = day_start(self.business_date) + LOOK_AHEAD_NS + (OUTAGE_NS if is_close else 0)
        return self.opened_at - LOOK_BACK_NS, latest


def apply_control(books: ControlBooks, command: ControlCommand) -> None:
    """Fold one accepted control command; the only place where these books change."""
    books.number += 1
    _note_time(books, command)
    if isinstance(command, _OF_REGISTRY):
        books.registry_hash = None
    match command:
        case AdmitMember():
            books.members[command.member] = Member(command.member, command.name, command.at)
        case OpenAccount():
            _open_account(books, command)
        case SuspendAccount():
            books.accounts[command.account].is_suspended = True
        case ReinstateAccount():
            books.accounts[command.account].is_suspended = False
        case DeclareDefault():
            books.members[command.member].is_defaulted = True
        case DesignateMaker():
            books.makers.setdefault(command.product, {})[command.account] = command.at
        case ReleaseMaker():
            _release(books, command)
        case AffiliateMember():
            books.members[command.member].affiliation = command.group
        case PortAccount():
            _port(books, command)
        case SettleDefault():
            books.settlements_ordered[command.member] = command.at
        case ReportNetCapital():
            books.net_capital[command.member] = command.amount_cents
        case OpenSession():
            _open_session(books, command.business_date, at=command.at)
        case CloseSession():
            _open_session(books, command.next_business_date, at=command.at)
        case RunCycle():
            books.cycles[command.cycle] = content(command)
            books.settlements_ordered = {}
        case Configure():
            _configure(books, command)
        case ConfigureAsset():
            terms = AssetTerms(command.haircut_ppm, command.share_ppm, command.fresh_hours)
            books.assets_waiting.append(AssetSetting(command.effective_date, command.asset, terms))
        case AdvanceClock() | AuctionAccount() | SubmitSpread():
            pass  # At most the clock changes; positions and cash are those of other shards.
        case _:
            assert_never(command)


def _note_time(books: ControlBooks, command: ControlCommand) -> None:
    """Move the clock and set the anchor; as a trade, a spread tells no time (§1)."""
    if isinstance(command, SubmitSpread):
        return
    advance_clock(books, command.event_time)
    if books.anchor is None and not isinstance(command, Configure | ConfigureAsset):
        books.anchor = command.event_time


def apply_cycle_refused(books: ControlBooks, command: RunCycle, *, refusal: Refusal) -> None:
    """Remember the refusal of a cycle by name; the first under a name counts.

    A cycle out of order leaves its name free (§1).
    """
    is_free = refusal.reason is Reason.OUT_OF_ORDER_SESSION
    if command.cycle not in books.cycles and not is_free:
        books.cycles_refused.setdefault(command.cycle, (content(command), refusal))


def advance_clock(books: ControlBooks, at: int) -> None:
    """Time only goes forward (§1)."""
    if books.clock is None or at > books.clock:
        books.clock = at


def _open_account(books: ControlBooks, command: OpenAccount) -> None:
    member = books.members[command.member]
    account = Account(
        number=len(books.accounts_by_number),
        name=command.account,
        member=member,
        origin=command.origin,
        owner=command.owner,
        opened_at=command.at,
    )
    books.accounts[command.account] = account
    books.accounts_by_number.append(account)
    if command.origin == "house":
        member.house_account = command.account


def _port(books: ControlBooks, command: PortAccount) -> None:
    account = books.accounts[command.account]
    account.opened_for = account.opened_for or account.member.name
    account.member = books.members[command.to_member]


def _release(books: ControlBooks, command: ReleaseMaker) -> None:
    makers = books.makers[command.product]
    del makers[command.account]
    if not makers:
        del books.makers[command.product]


def _open_session(books: ControlBooks, business_date: date, *, at: int) -> None:
    books.business_date = business_date
    books.opened_at = at
    cycles = [*books.cycles_past, *((name, used[-1]) for name, used in books.cycles.items())]
    books.cycles_past = sorted(cycle for cycle in cycles if cycle[1] >= at - LOOK_BACK_NS)
    books.cycles = {}
    books.cycles_refused = {}
    books.settlements_ordered = {}
    due = _due(books, business_date)
    books.waiting = [setting for setting in books.waiting if setting.effective_date > business_date]
    for setting in due:
        _put_in_force(books, setting)
    _put_assets_in_force(books, business_date)


def _due(books: ControlBooks, business_date: date) -> list[Setting]:
    """The settings that a session puts in force, by effective date, then in stream order."""
    return sorted(
        (setting for setting in books.waiting if setting.effective_date <= business_date),
        key=lambda setting: setting.effective_date,
    )


def _put_assets_in_force(books: ControlBooks, business_date: date) -> None:
    """The terms that a session puts in force, by effective date, then in stream order."""
    for setting in sorted(books.assets_waiting, key=lambda setting: setting.effective_date):
        if setting.effective_date <= business_date:
            books.assets[setting.asset] = setting.terms
    books.assets_waiting = [
        setting for setting in books.assets_waiting if setting.effective_date > business_date
    ]


def _change_holidays(holidays: set[date], value: str) -> None:
    """Add the dates of a value; take back those with `-` before them."""
    for day in value.split(","):
        if day.startswith("-"):
            holidays.discard(parse_date(day[1:]))
        else:
            holidays.add(parse_date(day))


def _configure(books: ControlBooks, command: Configure) -> None:
    if command.parameter == "product_in_use" and command.product not in books.products:
        assert command.product is not None, command
        books.products.append(command.product)
    books.waiting.append(
        Setting(command.effective_date, command.parameter, command.product, command.value)
    )


def _put_in_force(books: ControlBooks, setting: Setting) -> None:
    if setting.parameter == "product_in_use":
        assert setting.product is not None, setting
        if setting.product not in books.products_listed:
            books.products_listed.append(setting.product)
    elif setting.parameter == "holidays":
        _change_holidays(books.holidays, setting.value)
    else:
        books.settings[(setting.parameter, setting.product)] = setting.value
