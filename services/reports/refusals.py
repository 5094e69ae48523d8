"""The refusals: which row, why, and the bytes that were refused.

In: the rows of all shards. Out: one row for each refusal, in the order they were decided. A
withdrawal refused at its cycle names the cycle's line, which decided it; what an auction could not
move, the auction's. What came before the first session has the date 0001-01-01. A refused line is
about an account or a contract where one of its fields says so; one that cannot be read is about
none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from events.asset_facts import AssetWithdrawalRefused
from events.codec import readable_reference
from events.control_facts import CommandRefused
from events.default_facts import AuctionPaymentRefused, TakeoverRefused
from events.fund_facts import FundWithdrawalRefused
from events.member_facts import WithdrawalRefused
from events.spread_commands import SubmitSpread
from services.reports.filters import accounts_asked, markets_asked, names_account
from services.reports.kind import ReportKind
from services.reports.raw_line import readable, readable_fields
from services.reports.report import NamedCells, ReportFact, ReportRequest, TableLayout
from services.reports.shown import usd
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView

_OF_COMMAND: Final = {
    WithdrawalRefused.TYPE: "withdraw_collateral/1",
    AssetWithdrawalRefused.TYPE: "withdraw_asset/1",
    FundWithdrawalRefused.TYPE: "withdraw_fund/1",
    TakeoverRefused.TYPE: "auction_account/1",
    AuctionPaymentRefused.TYPE: "auction_account/1",
}
_LEG: Final = re.compile(r"leg ([^ :]+): ")
_KINDS: Final = tuple(kind.encode() for kind in (CommandRefused.TYPE, *_OF_COMMAND))


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    is_of_market = request.options.keys() & {"contract", "product"}
    shards = markets_asked(view, request) if is_of_market else view.shards()
    accounts, contract = accounts_asked(view, request), request.options.get("contract")
    for day in view.days(request):
        for row in view.rows_of_all(shards, day, words=_KINDS):
            for fact in row.facts(*_KINDS):
                fields = {**readable_fields(row.line), **fact}
                is_of_contract = contract in (None, fields.get("contract"), _failing_leg(fact))
                if is_of_contract and names_account(fields, accounts):
                    yield _cells(row, fact)


def _failing_leg(fact: ReportFact) -> str | None:
    """The contract of the leg for which a market refused a spread."""
    if fact.get("command_type") != SubmitSpread.TYPE:
        return None
    match = _LEG.match(fact["detail"])
    return None if match is None else match[1]


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
        "detail": fact["detail"] if "detail" in fact else _of_part(fact),
        "origin": row.origin,
        "position": row.position,
        "line": text,
        "line_hex": exact,
    }


def _of_part(fact: ReportFact) -> str:
    """A withdrawal refused at its cycle, or a part of an auction that is not made."""
    if fact["type"] == TakeoverRefused.TYPE:
        return f"{fact['lots']} lots of {fact['contract']} stay with {fact['from_account']}"
    if fact["type"] == AuctionPaymentRefused.TYPE:
        return f"{usd(fact['payment_cents'])} to {fact['to_account']} are not paid"
    amount = usd(fact["amount_cents"]) if "amount_cents" in fact else f"{fact['units']} units"
    whose = fact.get("account", fact.get("member")) or "the clearinghouse"
    return f"{amount} of {whose}, refused by the cycle in this line"


REFUSALS_REPORT: Final = ReportKind(
    name="refusals",
    title="Refusals",
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
)  # fmt: skip
