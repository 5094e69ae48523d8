"""All reports: one file each, one line in the table.

In: a report's name. Out: what it tells, its options, and the function that makes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.reports.index import index_values
from services.reports.prices import settlement_prices
from services.reports.refusals import refusals
from services.reports.report import Report, ReportRequest
from services.reports.statement import member_statement
from services.reports.trade import trade_extract
from services.reports.trades import trade_register
from services.reports.view import JournalView


class ReportOption(NamedTuple):
    """An option of reports, as the command line names and explains it."""

    name: str
    metavar: str
    tells: str


@dataclass(frozen=True, slots=True)
class ReportKind:
    """A report: what it tells; how it is made; which options of OPTIONS it takes and needs."""

    name: str
    tells: str
    make: Callable[[JournalView, ReportRequest], Report]
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


OPTIONS: Final = (
    ReportOption("member", "M", "one member; else all"),
    ReportOption("account", "A", "one account"),
    ReportOption("trade", "ID", "the trade's id"),
    ReportOption("product", "P", "one product"),
)
REPORTS: Final[dict[str, ReportKind]] = {
    kind.name: kind
    for kind in (
        ReportKind(
            "statement",
            "positions, prices, variation, cash, margin and calls of a member's accounts",
            member_statement,
            takes=("member", "account"),
        ),
        ReportKind(
            "trades",
            "the trade register: cleared, bust, adjusted, transferred",
            trade_register,
            takes=("product",),
        ),
        ReportKind(
            "prices",
            "settlement prices with tier and reference, marks of cycles, margin rates",
            settlement_prices,
            takes=("product",),
        ),
        ReportKind(
            "index",
            "index values with their inputs, prices held, the fixing",
            index_values,
            takes=("product",),
        ),
        ReportKind("refusals", "what was refused, why, and its bytes", refusals),
        ReportKind(
            "trade",
            "one trade from bytes in to cents out, to the close of the date",
            trade_extract,
            takes=("trade", "product"),
            needs=("trade",),
        ),
    )
}
