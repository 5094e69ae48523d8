"""All reports: one file each, one line in the table.

In: a report's name. Out: what it tells, its options, and the function that makes it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from services.reports.activity import ACTIVITY_REPORT
from services.reports.calls import CALLS_REPORT
from services.reports.config import CONFIG_REPORT
from services.reports.default import DEFAULT_REPORT
from services.reports.fund import FUND_REPORT
from services.reports.halts import HALTS_REPORT
from services.reports.index import INDEX_REPORT
from services.reports.kind import ReportKind
from services.reports.large_traders import LARGE_TRADERS_REPORT
from services.reports.limits import LIMITS_REPORT
from services.reports.makers import MAKERS_REPORT
from services.reports.members import MEMBERS_REPORT
from services.reports.postings import POSTINGS_REPORT
from services.reports.prices import PRICES_REPORT
from services.reports.refusals import REFUSALS_REPORT
from services.reports.spread import SPREAD_REPORT
from services.reports.statement import STATEMENT_REPORT
from services.reports.stress import STRESS_REPORT
from services.reports.trade import TRADE_REPORT
from services.reports.trades import TRADES_REPORT


class ReportOption(NamedTuple):
    """An option of reports, as the command line names and explains it."""

    name: str
    metavar: str
    tells: str


OPTIONS: Final = (
    ReportOption("member", "M", "one member; else all"),
    ReportOption("account", "A", "one account"),
    ReportOption("contract", "C", "one contract"),
    ReportOption("product", "P", "one product"),
    ReportOption("trade", "ID", "the trade's id"),
)
REPORTS: Final[dict[str, ReportKind]] = {
    kind.name: kind
    for kind in (
        STATEMENT_REPORT,
        MEMBERS_REPORT,
        CALLS_REPORT,
        TRADES_REPORT,
        ACTIVITY_REPORT,
        PRICES_REPORT,
        INDEX_REPORT,
        SPREAD_REPORT,
        HALTS_REPORT,
        LIMITS_REPORT,
        LARGE_TRADERS_REPORT,
        MAKERS_REPORT,
        FUND_REPORT,
        DEFAULT_REPORT,
        STRESS_REPORT,
        POSTINGS_REPORT,
        REFUSALS_REPORT,
        CONFIG_REPORT,
        TRADE_REPORT,
    )
}
