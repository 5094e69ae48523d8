"""Large traders: the reportable positions of owners, added up over their accounts (RULEBOOK §6).

In: the positions of all accounts at the last cycle of a date; the level in force. Out: one row for
each contract in which a reportable owner holds lots. Who reaches the level in one contract, long or
short, is listed with all that it holds in the product (17 CFR 15.00, 17.00).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from events.contracts import product_of
from events.member_facts import MarginSet
from events.units import PPM
from services.reports.filters import markets_asked
from services.reports.kind import ReportKind
from services.reports.report import NamedCells, ReportRequest, TableLayout
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD, product_in

_MARGIN: Final = MarginSet.TYPE.encode()


@dataclass(slots=True)
class OwnerPosition:
    """An owner in a contract: the lots of its accounts that are long, and of those short."""

    accounts: int = 0
    long_lots: int = 0
    short_lots: int = 0

    def add(self, lots: int) -> None:
        """Count an account."""
        self.accounts += 1
        self.long_lots += max(0, lots)
        self.short_lots += max(0, -lots)


@dataclass(slots=True)
class OwnerPositions:
    """All positions of a date: by product, owner, contract; and the long lots of each contract."""

    by_owner: dict[tuple[str, str], dict[str, OwnerPosition]] = field(default_factory=dict)
    open_lots: dict[str, int] = field(default_factory=dict)


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    products = {product_in(shard) for shard in markets_asked(view, request)}
    for day in view.days(request):
        for barrier in list(view.barriers(MEMBER_SHARD, day))[-1:]:
            yield from _day(view, request, day=day, barrier=barrier, products=products)


def _day(
    view: JournalView,
    request: ReportRequest,
    *,
    day: date,
    barrier: StoredRow,
    products: set[str],
) -> Iterator[NamedCells]:
    positions = _positions(view, barrier)
    contract = request.options.get("contract")
    for (product, owner), contracts in sorted(positions.by_owner.items()):
        level = view.parameter_on(day, "reportable_lots", product=product)
        largest = max(max(entry.long_lots, entry.short_lots) for entry in contracts.values())
        if product not in products or largest < level:
            continue
        for name in sorted(contracts, key=lambda name: (name[-2:], name)):
            if contract in (None, name):
                yield {
                    "business_date": day,
                    "product": product,
                    "owner": owner,
                    "contract": name,
                    "reportable_lots": level,
                    **_cells(contracts[name], open_lots=positions.open_lots[name]),
                    "seq": barrier.seq,
                }


def _positions(view: JournalView, barrier: StoredRow) -> OwnerPositions:
    positions, accounts = OwnerPositions(), view.control.accounts
    for fact in barrier.facts(_MARGIN):
        owner = accounts[fact["account"]].owner
        for part in fact["parts"]:
            name, lots = part["contract"], part["lots"]
            contracts = positions.by_owner.setdefault((product_of(name), owner), {})
            contracts.setdefault(name, OwnerPosition()).add(lots)
            positions.open_lots[name] = positions.open_lots.get(name, 0) + max(0, lots)
    return positions


def _cells(position: OwnerPosition, *, open_lots: int) -> NamedCells:
    """What an owner holds in a contract, and its shares of the open interest, rounded down."""
    return {
        "accounts": position.accounts,
        "long_lots": position.long_lots,
        "short_lots": position.short_lots,
        "open_interest_lots": open_lots,
        "long_share_ppm": position.long_lots * PPM // open_lots,
        "short_share_ppm": position.short_lots * PPM // open_lots,
    }


LARGE_TRADERS_REPORT: Final = ReportKind(
    name="large-traders",
    title="Large traders",
    columns=(
        "business_date", "product", "owner", "contract", "accounts", "long_lots", "long_share_ppm",
        "short_lots", "short_share_ppm", "open_interest_lots", "reportable_lots", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "owner", "contract", "accounts", "long_lots", "long_share_ppm",
            "short_lots", "short_share_ppm", "open_interest_lots",
        )),
    ),
)  # fmt: skip
