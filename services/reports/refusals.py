"""The refusals of a date: which row, why, and the bytes that were refused.

In: the rows of all shards. Out: one row for each refusal, in the order they were decided. A
withdrawal refused at its cycle names the cycle's line, which decided it. What came before the
first session has the date 0001-01-01.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from events.control_facts import CommandRefused
from events.member_facts import WithdrawalRefused
from services.reports.raw_line import readable
from services.reports.report import Cells, Report, ReportFact, ReportRequest, laid_out
from services.reports.view import JournalView, StoredRow

_COLUMNS: Final = (
    "business_date", "at", "shard", "seq", "command_type", "reference", "reason", "detail",
    "origin", "position", "line", "line_hex",
)  # fmt: skip
_KINDS: Final = (CommandRefused.TYPE.encode(), WithdrawalRefused.TYPE.encode())


def refusals(view: JournalView, request: ReportRequest) -> Report:
    """The refusals of a date."""
    rows = view.rows_of_all(view.shards(), request.business_date, words=_KINDS)
    return Report(f"Refusals of {request.business_date}", _COLUMNS, refusal_rows(rows))


def refusal_rows(rows: Iterable[StoredRow]) -> Iterator[Cells]:
    """The rows of the report from journal rows."""
    for row in rows:
        for fact in row.facts(*_KINDS):
            text, exact = readable(row.line)
            cells = {
                "business_date": row.business_date,
                "at": fact["at"],
                "shard": row.shard,
                "seq": row.seq,
                "command_type": fact.get("command_type", "withdraw_collateral/1"),
                "reference": fact["reference"],
                "reason": fact["reason"],
                "detail": fact["detail"] if "detail" in fact else _of_withdrawal(fact),
                "origin": row.origin,
                "position": row.position,
                "line": text,
                "line_hex": exact,
            }
            yield laid_out(_COLUMNS, cells)


def _of_withdrawal(fact: ReportFact) -> str:
    return f"{fact['amount_cents']} cents of {fact['account']}, refused by the cycle in this line"
