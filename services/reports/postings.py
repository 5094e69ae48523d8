"""Postings: every cent that moved, from a debit to a credit, and the fact that moved it.

In: the rows of `member/0`. Out: one row for each posting, as decided; of a member those of its
accounts' cash, its contribution to the fund, and its default.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from events.ledger_names import cash_of, default_of, fund_of, variation_of
from events.member_facts import Posting
from services.reports.filters import accounts_asked
from services.reports.kind import ReportKind
from services.reports.report import NamedCells, ReportRequest, TableLayout
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD

_POSTING: Final = Posting.TYPE.encode()
_SAME: Final = ("at", "seq", "debit", "credit", "amount_cents", "currency", "for", "reference")
_COLUMNS: Final = ("business_date", *_SAME)


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    accounts, product = accounts_asked(view, request), request.options.get("product")
    sides = None if accounts is None else {cash_of(account) for account in accounts}
    member = request.options.get("member")
    if sides is not None and member is not None and "account" not in request.options:
        sides |= {fund_of(member), default_of(member)}
    variation = None if product is None else variation_of(product)
    for day in view.days(request):
        for row in view.rows(MEMBER_SHARD, day, words=(_POSTING,)):
            for fact in row.facts(_POSTING, naming=variation):
                if sides is None or sides & {fact["debit"], fact["credit"]}:
                    yield {"business_date": day, **{name: fact[name] for name in _SAME}}


POSTINGS_REPORT: Final = ReportKind(
    name="postings",
    title="Postings",
    columns=_COLUMNS,
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "at", "seq", "debit", "credit", "amount_cents", "for", "reference",
        )),
    ),
)  # fmt: skip
