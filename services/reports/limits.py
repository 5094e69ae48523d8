"""Position limits: who crossed four fifths of one, or one, with which lots.

In: the rows of the market shards. Out: one row for each warning and each breach, as decided. A
limit of an owner has no account: it adds up all accounts of that owner.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from events.market_facts import PositionLimitBreached, PositionLimitWarned
from events.units import PPM
from services.reports.filters import accounts_asked, markets_asked
from services.reports.kind import ReportKind
from services.reports.report import NamedCells, ReportRequest, TableLayout, fact_name
from services.reports.view import JournalView
from services.shards.routing import product_in

_KINDS: Final = (PositionLimitWarned.TYPE.encode(), PositionLimitBreached.TYPE.encode())
_SAME: Final = (
    "at", "owner", "account", "scope", "contract", "lots", "limit_lots", "shard", "seq",
)  # fmt: skip


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    contract, accounts = request.options.get("contract"), accounts_asked(view, request)
    owners = {
        account.owner
        for account in view.control.accounts_by_number
        if accounts is None or account.name in accounts
    }
    markets = markets_asked(view, request)
    for day in view.days(request):
        for row in view.rows_of_all(markets, day, words=_KINDS):
            for fact in row.facts(*_KINDS, naming=contract):
                is_of_account = accounts is None or fact["account"] in accounts
                if is_of_account or (fact["account"] is None and fact["owner"] in owners):
                    yield {
                        "business_date": day,
                        "product": product_in(row.shard),
                        "event": fact_name(fact["type"]),
                        "used_ppm": abs(fact["lots"]) * PPM // max(1, fact["limit_lots"]),
                        **{name: fact[name] for name in _SAME},
                    }


LIMITS_REPORT: Final = ReportKind(
    name="limits",
    title="Position limits",
    columns=(
        "business_date", "at", "product", "event", "owner", "account", "scope", "contract", "lots",
        "limit_lots", "used_ppm", "shard", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "at", "event", "owner", "account", "scope", "contract", "lots", "limit_lots",
            "used_ppm",
        )),
    ),
)  # fmt: skip
