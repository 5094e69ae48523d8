"""Market makers: what each quoted as it is obliged to, what it missed, its member's net capital.

In: the rows of the market shards; the net capital reported before the close of a date. Out: for
each maker and close one row for each contract scored, then one for each of the two obligations.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from events.control_facts import NetCapitalReported
from events.market_facts import MakerObligationMissed, MakerScored
from events.units import PPM
from services.reports.filters import accounts_asked, markets_asked
from services.reports.kind import ReportKind
from services.reports.portings import Memberships
from services.reports.report import Cell, NamedCells, ReportFact, ReportRequest, TableLayout
from services.reports.view import JournalView
from services.shards.routing import CONTROL_SHARD, product_in

_KINDS: Final = (MakerScored.TYPE.encode(), MakerObligationMissed.TYPE.encode())
_CAPITAL: Final = NetCapitalReported.TYPE.encode()
_OF_SCORE: Final = ("contract", "scored_ns", "quoted_ns", "is_met")


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    accounts, markets = accounts_asked(view, request), markets_asked(view, request)
    capital: dict[str, int] | None = None
    had = Memberships(view, request.first_date)
    for day in view.days(request):
        # As of the first close; then what each day reports before its own.
        if capital is None:
            capital = dict(view.control_on(day).net_capital)
        for row in view.rows(CONTROL_SHARD, day, words=(_CAPITAL,)):
            capital |= {fact["member"]: fact["amount_cents"] for fact in row.facts(_CAPITAL)}
        for row in view.rows_of_all(markets, day, words=_KINDS):
            facts = sorted(row.facts(*_KINDS), key=itemgetter("account"))
            for name, stated in groupby(facts, key=itemgetter("account")):
                if accounts is None or name in accounts:
                    same: dict[str, Cell] = {"business_date": day}
                    same["product"] = product_in(row.shard)
                    # The close asks the member that has the account then.
                    member = had.within(view.control.accounts[name], day, last=day)[-1]
                    same |= {"member": member}
                    contract = request.options.get("contract")
                    about = _about(capital.get(member), list(stated), contract=contract)
                    yield from ({**same, **cells} for cells in about)


def _about(
    capital_cents: int | None, stated: list[ReportFact], *, contract: str | None
) -> Iterator[NamedCells]:
    """The scores of a maker, and its obligations unless one contract is asked for.

    capital_cents: of its member, None without a report.
    """
    same = {name: stated[0][name] for name in ("account", "shard", "seq")}
    for fact in stated:
        if fact["type"] == MakerScored.TYPE and contract in (None, fact["contract"]):
            yield {**same, **_score(fact)}
    if contract is None:
        for cells in _obligations(capital_cents, stated):
            yield {**same, **cells}


def _score(fact: ReportFact) -> NamedCells:
    """A contract's score; nothing scored has no share."""
    scored = fact["scored_ns"]
    share_ppm = fact["quoted_ns"] * PPM // scored if scored else None
    return {"line": "score", "share_ppm": share_ppm, **{name: fact[name] for name in _OF_SCORE}}


def _obligations(capital_cents: int | None, stated: list[ReportFact]) -> Iterator[NamedCells]:
    """Whether each obligation is met. capital_cents: the member's, None without a report."""
    missed = {
        fact["obligation"]: fact["contracts"]
        for fact in stated
        if fact["type"] == MakerObligationMissed.TYPE
    }
    for obligation in ("quoting", "net_capital"):
        yield {
            "line": "obligation",
            "obligation": obligation,
            "is_met": obligation not in missed,
            "contracts": ",".join(missed.get(obligation, ())) or None,
            "net_capital_cents": capital_cents if obligation == "net_capital" else None,
        }


MAKERS_REPORT: Final = ReportKind(
    name="makers",
    title="Market makers",
    columns=(
        "business_date", "line", "product", "account", "member", "contract", "scored_ns",
        "quoted_ns", "share_ppm", "obligation", "is_met", "contracts", "net_capital_cents",
        "shard", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "product", "account", "obligation", "is_met", "net_capital_cents",
            "contracts",
        ), "Obligations", ("obligation",)),
        TableLayout((
            "business_date", "account", "contract", "scored_ns", "quoted_ns", "share_ppm",
            "is_met",
        ), "Quoted", ("score",)),
    ),
)  # fmt: skip
