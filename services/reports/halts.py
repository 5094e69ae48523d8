"""Halts: by which limit or command a contract stopped, until when, when it went on.

In: the rows of the market shards. Out: one row for each halt and each resumption, as decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from events.contracts import product_of
from events.market_facts import ContractHalted, ContractResumed
from services.reports.filters import markets_asked
from services.reports.kind import ReportKind
from services.reports.report import NamedCells, ReportRequest, TableLayout, fact_name
from services.reports.view import JournalView

_KINDS: Final = (ContractHalted.TYPE.encode(), ContractResumed.TYPE.encode())
_OF_HALT: Final = ("tier", "direction", "until", "trigger_ticks", "reason")


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    contract, markets = request.options.get("contract"), markets_asked(view, request)
    for day in view.days(request):
        for row in view.rows_of_all(markets, day, words=_KINDS):
            for fact in row.facts(*_KINDS, naming=contract):
                yield {
                    "business_date": day,
                    "product": product_of(fact["contract"]),
                    "event": fact_name(fact["type"]),
                    **{name: fact[name] for name in ("at", "contract", "shard", "seq")},
                    **{name: fact.get(name) for name in _OF_HALT},
                }


HALTS_REPORT: Final = ReportKind(
    name="halts",
    title="Halts",
    columns=(
        "business_date", "at", "product", "contract", "event", "tier", "direction", "until",
        "trigger_ticks", "reason", "shard", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "at", "contract", "event", "tier", "direction", "until",
            "trigger_ticks", "reason",
        )),
    ),
)  # fmt: skip
