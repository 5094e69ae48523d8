"""A drill: a default played on the books as they stand, or as they stood after a close.

In: books in memory, members, a scenario of the stress table. Out: what each account would have once
it is closed out at the moved prices, who pays what is lacking, what is left for the next default,
and what the settlement of a member that is really in default waits for. Nothing is written.

Played as: every position of the members is closed out at the scenario's price, with all that is
not yet paid in it; their assets are sold, all of them, for their price less the haircut, and for
nothing where the price is not fresh; then each default is settled in the order given, the next one
with what the one before has left. The members are in default together: none pays for another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np

from risk.stress_scenarios import Scenario, scenarios_of
from risk.waterfall import (
    ASSESSMENT,
    HOUSE_CAPITAL,
    OTHER_FUNDS,
    StandingMember,
    Waterfall,
    waterfall,
)
from services.analysis.books_at import BooksAt, books_at
from services.analysis.close_out import CloseOut, PriceMove
from services.reports.report import Origin, ReportRequest, UnknownSubject
from services.reports.view import JournalView
from services.shards.member.books import MemberBooks
from services.shards.member.fund import standing_members
from services.shards.member.settlement import defaulter_of, obstacles, standing_member
from settlement.control_books import Account

WORST: Final = "worst"


class DrillQuestion(NamedTuple):
    """What to play. members: in the order of settlement; none for the one that loses most.

    scenario: None for the one in which these lose most, or anyone does; day: None for now.
    """

    members: Sequence[str]
    scenario: str | None
    day: date | None


class AccountPlayed(NamedTuple):
    """An account closed out, in cents: its cash, what its positions gain (+), its assets bring."""

    account: Account
    cash_cents: int
    position_cents: int
    asset_cents: int

    @property
    def after_cents(self) -> int:
        """Its cash once it is closed out."""
        return self.cash_cents + self.position_cents + self.asset_cents


class DefaultPlayed(NamedTuple):
    """A member's default. capital_cents: of the clearinghouse, after it."""

    member: str
    accounts: Sequence[AccountPlayed]
    settled: Waterfall
    capital_cents: int


@dataclass(slots=True)
class PayerPlayed:
    """A standing member through the drill, in cents; assessable_cents: in one default."""

    before: StandingMember
    assessable_cents: int
    paid_cents: int = 0
    assessed_cents: int = 0

    @property
    def member(self) -> str:
        """Its name."""
        return self.before.member

    @property
    def left_cents(self) -> int:
        """What is left of its contribution."""
        return self.before.fund_cents - self.paid_cents - self.assessed_cents


class Waiting(NamedTuple):
    """What the settlement of a member that is really in default waits for.

    ordered_at: None before the order; positions: with contract and lots; assets: of accounts below
    zero, with asset and units.
    """

    member: str
    ordered_at: int | None
    positions: Sequence[tuple[str, str, int]]
    assets: Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill. at and seq: of the row that would come next; capital_cents: before it."""

    scenario: Scenario
    day: date | None
    at: int
    seq: int
    prices: Sequence[PriceMove]
    defaults: Sequence[DefaultPlayed]
    payers: Sequence[PayerPlayed]
    waiting: Sequence[Waiting]
    capital_cents: int
    origins: tuple[Origin, ...]


def play_drill(view: JournalView, question: DrillQuestion) -> Drill:
    """Play a drill. Errors: UnknownSubject, for a member, scenario or close that there is not."""
    books = _books(view, question.day)
    member = books.member
    _check_members(member, question.members)
    close_out = CloseOut.of(books)
    scenario, members = _chosen(close_out, question, scenarios=_scenarios(books, question))
    accounts = [*_accounts(close_out, scenario, members=members)]
    payers = _payers(member, [name for name in _standing(member) if name not in members])
    return Drill(
        scenario=scenario,
        day=question.day,
        at=member.clock or 0,
        seq=books.member_seq + 1,
        prices=close_out.moves(scenario, {played.account.number for played in accounts}),
        defaults=[*_settle(member, members, accounts=accounts, payers=payers)],
        payers=payers,
        waiting=[_waiting(books, name) for name in members if member.is_in_default(name)],
        capital_cents=member.fund_cents(None),
        origins=tuple(view.origins(question.day)),
    )


def _books(view: JournalView, day: date | None) -> BooksAt:
    if day is not None:
        view.days(ReportRequest(day))
        if day == view.control.business_date:
            msg = f"{day} has not closed yet; without a date the drill is on the books of now"
            raise UnknownSubject(msg)
    return books_at(view, day)


def _check_members(books: MemberBooks, members: Sequence[str]) -> None:
    for member in members:
        if member not in books.control.members:
            there_are = ", ".join(sorted(books.control.members)) or "none yet"
            msg = f"no member {member}; there are {there_are}"
            raise UnknownSubject(msg)


def _scenarios(books: BooksAt, question: DrillQuestion) -> list[Scenario]:
    """The scenarios to look at."""
    scenarios = scenarios_of(
        {
            product: market.moves.all_ppm
            for product, market in books.markets.items()
            if market.contracts
        }
    )
    if question.scenario is None:
        return scenarios
    chosen = [scenario for scenario in scenarios if scenario.name == question.scenario]
    if not chosen:
        names = ", ".join(scenario.name for scenario in scenarios)
        msg = f"no scenario {question.scenario}; there are {WORST}, {names}"
        raise UnknownSubject(msg)
    return chosen


def _standing(books: MemberBooks) -> list[str]:
    return standing_members(books.control)


def _chosen(
    close_out: CloseOut, question: DrillQuestion, *, scenarios: Sequence[Scenario]
) -> tuple[Scenario, Sequence[str]]:
    """The scenario with the largest loss, the first of equals, and the members it is of."""
    standing = [(name,) for name in _standing(close_out.member)]
    candidates = [tuple(question.members)] if question.members else standing
    if not candidates:
        msg = "no member stands that could default; name a member"
        raise UnknownSubject(msg)
    played = []
    for scenario in scenarios:
        losses = close_out.losses(scenario)
        played += [(sum(map(losses.__getitem__, names)), scenario, names) for names in candidates]
    _, scenario, members = max(played, key=itemgetter(0))
    return scenario, members


def _accounts(
    close_out: CloseOut, scenario: Scenario, *, members: Sequence[str]
) -> Iterator[AccountPlayed]:
    """The accounts of the members, by name."""
    after = close_out.cash_after(scenario)
    for account in sorted(
        close_out.member.control.accounts_by_number, key=lambda account: account.name
    ):
        if account.member.name in members:
            number = account.number
            cash, assets = close_out.member.cash[number], close_out.asset_cents.get(number, 0)
            yield AccountPlayed(account, cash, int(after[number]) - cash - assets, assets)


def _payers(books: MemberBooks, standing: Sequence[str]) -> list[PayerPlayed]:
    share_ppm = books.control.parameter("assessment_ppm")
    members = [
        StandingMember(name, books.fund_cents(name), books.fund.required.get(name, 0))
        for name in standing
    ]
    return [PayerPlayed(member, member.assessable(share_ppm)) for member in members]


def _settle(
    books: MemberBooks,
    members: Sequence[str],
    *,
    accounts: Sequence[AccountPlayed],
    payers: Sequence[PayerPlayed],
) -> Iterator[DefaultPlayed]:
    """Settle one default after the other; what each payer pays is noted on it."""
    capital = books.fund_cents(None)
    by_name = {payer.member: payer for payer in payers}
    for member in members:
        of_member = [played for played in accounts if played.account.member.name == member]
        cash = {played.account.name: played.after_cents for played in of_member}
        settled = waterfall(
            defaulter_of(books, member, cash_cents=cash),
            capital_cents=capital,
            standing=[
                standing_member(books, payer.member, defaulter=member)._replace(
                    fund_cents=payer.left_cents
                )
                for payer in payers
            ],
            assessment_ppm=books.control.parameter("assessment_ppm"),
        )
        for layer in settled.layers:
            if layer.layer == HOUSE_CAPITAL:
                capital -= layer.amount_cents
            elif layer.layer == OTHER_FUNDS and layer.member is not None:
                by_name[layer.member].paid_cents += layer.amount_cents
            elif layer.layer == ASSESSMENT and layer.member is not None:
                by_name[layer.member].assessed_cents += layer.amount_cents
        yield DefaultPlayed(member, of_member, settled, capital)


def _waiting(books: BooksAt, member: str) -> Waiting:
    members = books.member
    lots = {
        account.name: books.lots_of(account.number)
        for account in members.control.accounts_by_number
        if account.member.name == member
    }
    has_position = np.zeros(len(members.cash), dtype=np.bool_)
    for name, positions in lots.items():
        has_position[members.number_of(name)] = bool(positions)
    with_position, with_assets = obstacles(members, member, has_position=has_position)
    return Waiting(
        member,
        members.settlements.get(member),
        [(account.name, *position) for account in with_position for position in lots[account.name]],
        [
            (account.name, asset, units)
            for account in with_assets
            for asset, units in members.assets.units_of(account.number).items()
            if units
        ],
    )
