"""The refusals: which row, why, and the bytes that were refused.

In: the rows of all shards. Out: one row for each refusal, in the order they were decided. A
withdrawal refused at its cycle names the cycle's line, which decided it. What came before the
first session has the date 0001-01-01. A refused line is about an account or a contract where one
of its fields says so; one that cannot be read is about none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from events.asset_facts import AssetWithdrawalRefused
from events.codec import readable_reference
from events.control_facts import CommandRefused
from events.member_facts import WithdrawalRefused
from services.reports.filters import accounts_asked, markets_asked, names_account
from services.reports.kind import ReportKind
from services.reports.raw_line import readable
from services.reports.report import NamedCells, ReportFact, ReportRequest, TableLayout
from services.reports.shown import usd
from services.reports.view import JournalView, StoredRow

_OF_COMMAND: Final = {
    WithdrawalRefused.TYPE: "withdraw_collateral/1",
    AssetWithdrawalRefused.TYPE: "withdraw_asset/1",
}
_KINDS: Final = tuple(kind.encode() for kind in (CommandRefused.TYPE, *_OF_COMMAND))


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    is_of_market = request.options.keys() & {"contract", "product"}
    shards = markets_asked(view, request) if is_of_market else view.shards()
    accounts, contract = accounts_asked(view, request), request.options.get("contract")
    for day in view.days(request):
        for row in view.rows_of_all(shards, day, words=_KINDS):
            for fact in row.facts(*_KINDS):
                fields = {**_readable_fields(row.line), **fact}
                is_of_contract = contract in (None, fields.get("contract"))
                if is_of_contract and names_account(fields, accounts):
                    yield _cells(row, fact)


def _cells(row: StoredRow, fact: ReportFact) -> NamedCells:
    text, exact = readable(row.line)
    return {
        "business_date": row.business_date,
        "at": fact["at"],
        "shard": row.shard,
        "seq": row.seq,
        "command_type": _OF_COMMAND.get(fact["type"], fact.get("command_type")),
        "reference": fact["reference"] or readable_reference(row.line),
        "reason": fact["reason"],
        "detail": fact["detail"] if "detail" in fact else _of_withdrawal(fact),
        "origin": row.origin,
        "position": row.position,
        "line": text,
        "line_hex": exact,
    }


def _readable_fields(line: bytes) -> Mapping[str, Any]:
    """The fields of a line, for finding it; a refused one may be anything."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(fields, dict):
        return {}
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _of_withdrawal(fact: ReportFact) -> str:
    amount = usd(fact["amount_cents"]) if "amount_cents" in fact else f"{fact['units']} units"
    return f"{amount} of {fact['account']}, refused by the cycle in this line"


REFUSALS_REPORT: Final = ReportKind(
    name="refusals",
    title="Refusals",
    tells="what was refused, why, and its bytes",
    columns=(
        "business_date", "at", "shard", "seq", "command_type", "reference", "reason", "detail",
        "origin", "position", "line", "line_hex",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "shard", "seq", "command_type", "reference", "reason", "detail",
            "line",
        )),
    ),
    takes=("member", "account", "contract", "product"),
)  # fmt: skip
