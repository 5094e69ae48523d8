"""The books after a close as a stress run reads them (RULEBOOK §7), for who asks about its losses.

In: the journal, a date. Out: positions, what margin covers, members, groups, scenarios; the fund
and what it may assess. Ranks are those of the close: contracts that were listed with it have none.
Nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from events.market_facts import ContractListed
from events.units import PPM
from risk.levels import MarginLevels
from risk.stress import ScenarioLoss, StressHolding, losses_under
from risk.stress_reverse import Stressed
from risk.stress_scenarios import Scenario, scenarios_of
from services.analysis.books_at import BooksAt, books_at
from services.reports.report import UnknownSubject
from services.reports.view import JournalView
from services.shards.market.books import ContractBooks, MarketBooks, in_order
from services.shards.member.books import MemberBooks
from services.shards.member.fund import covered_by_margin, member_codes, standing_members
from services.shards.routing import market_shard
from settlement.control_books import ControlBooks

_LISTED: Final = ContractListed.TYPE.encode()


@dataclass(frozen=True, slots=True)
class StressBooks:
    """What a stress run reads. members, groups: by member code.

    contracts: by product how many go on. fund_cents: the contributions of the members that stand
    and the clearinghouse's own capital; assessment_cents: what the members may be asked beyond.
    """

    business_date: date
    stressed: Stressed
    contracts: dict[str, int]
    scenarios: list[Scenario]
    members: list[str]
    groups: list[str]
    fund_cents: int
    assessment_cents: int

    def losses(self, scenarios: Sequence[Scenario]) -> list[ScenarioLoss]:
        """The losses over margin of the members in each scenario."""
        stressed = self.stressed
        return losses_under(
            stressed.holdings,
            scenarios,
            contracts=self.contracts,
            covered=stressed.covered,
            member_of=stressed.member_of,
            members=stressed.members,
        )


def stress_books(view: JournalView, day: date | None) -> StressBooks:
    """The books after the close of a date; None: of the last one. Errors: UnknownSubject."""
    closed = _closed(view, day)
    books = books_at(view, closed)
    holdings, contracts = [], {}
    for product, market in sorted(books.markets.items()):
        going_on = _going_on(view, market, day=closed)
        contracts[product] = len(going_on)
        holdings += _holdings(product, going_on)
    levels = _levels_at_close(books.member, view.control_on(closed))
    return _of_members(books, holdings, contracts=contracts, levels=levels)


def _closed(view: JournalView, day: date | None) -> date:
    """The date asked for, or the last one, if it is closed. Errors: UnknownSubject."""
    last = view.last_date()
    if last in (date.min, view.control.business_date):
        msg = "no session is closed yet: a stress run is made at a close"
        raise UnknownSubject(msg)
    if day is not None and day > last:
        msg = f"{day} is not closed; the last close is that of {last}"
        raise UnknownSubject(msg)
    return day or last


def _going_on(view: JournalView, market: MarketBooks, *, day: date) -> list[ContractBooks]:
    """The contracts of a product that went on after a close, by rank."""
    listed = _listed_with(view, market.product.code, day=day)
    return [contract for contract in in_order(market) if contract.symbol not in listed]


def _listed_with(view: JournalView, product: str, *, day: date) -> Collection[str]:
    """The contracts that were listed by the close of a date, for the next session."""
    shard = market_shard(product)
    close = view.reader.last_seq(shard, day)
    assert close is not None, f"{shard} has no row"
    rows = view.rows_at(shard, day, seqs=[close])
    return {fact["contract"] for row in rows for fact in row.facts(_LISTED)}


def _holdings(product: str, contracts: Sequence[ContractBooks]) -> list[StressHolding]:
    """The positions in the contracts that have a price."""
    holdings = []
    for rank, contract in enumerate(contracts):
        price_ticks = contract.positions.mark_ticks
        if price_ticks is not None:
            lots = np.array(contract.positions.lots, dtype=np.int64)
            accounts = np.flatnonzero(lots)
            holdings.append(StressHolding(product, rank, price_ticks, accounts, lots[accounts]))
    return holdings


def _levels_at_close(books: MemberBooks, before: ControlBooks) -> MarginLevels:
    """The levels by the terms of assets that the close went by. before: the books before it.

    The close has opened the session that is open now, and with it new terms came into force.
    """
    in_force = replace(books.control, assets=before.assets)
    return replace(books, control=in_force).levels(books.control.opened_at)


def _of_members(
    books: BooksAt,
    holdings: Sequence[StressHolding],
    *,
    contracts: dict[str, int],
    levels: MarginLevels,
) -> StressBooks:
    member = books.member
    control = member.control
    members = standing_members(control)
    moves_ppm = {product: market.moves.all_ppm for product, market in books.markets.items()}
    return StressBooks(
        books.business_date,
        Stressed(holdings, covered_by_margin(levels), member_codes(control, members), len(members)),
        contracts,
        scenarios_of(moves_ppm),
        members,
        [control.members[name].group for name in members],
        sum(max(0, member.fund_cents(name)) for name in (*members, None)),
        sum(_assessment(member, name) for name in members),
    )


def _assessment(books: MemberBooks, member: str) -> int:
    """What a member may be assessed in one default."""
    required_cents = books.fund.required.get(member, 0)
    return required_cents * books.control.parameter("assessment_ppm") // PPM
