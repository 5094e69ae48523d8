"""Defaults, from the calls that were missed to the last cent of the waterfall (RULEBOOK §7).

In: the rows of all shards. Out: for each default in the order of declaration a row that sums it up;
then, row by row as decided, every fact about the member, its accounts and what it owes, every
posting of their cash and contribution, what each layer paid, and the commands' bytes. It begins
with the first call that was not met when the default was declared, with the member's money; from
the declaration on all is told; it ends with the last waterfall, or, without one, with the last row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Final, NamedTuple

from events.control_facts import CommandRefused, MemberDefaulted
from events.default_facts import DefaultSettlementOrdered, WaterfallApplied
from services.reports.calls import days_of_open_calls
from services.reports.default_steps import Concern, concerned, step_cells
from services.reports.kind import ReportKind
from services.reports.portings import Memberships, rows_following
from services.reports.raw_line import readable
from services.reports.report import (
    Cell,
    NamedCells,
    ReportFact,
    ReportRequest,
    TableLayout,
    UnknownSubject,
    whole_cell,
)
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD

_DECLARED: Final = MemberDefaulted.TYPE.encode()
_ORDERED: Final = DefaultSettlementOrdered.TYPE.encode()
_WATERFALL: Final = WaterfallApplied.TYPE.encode()
_CALLS: Final = (b"margin_call", b"fund_call")
_MET: Final = ("margin_call_met/1", "fund_call_met/1")
_WORDS: Final = (
    *_CALLS, _DECLARED, _ORDERED, _WATERFALL, CommandRefused.TYPE.encode(), b"account_ported/",
    b"account_auctioned/", b"auction_payment_refused/", b"trade_novated/", b"trade_busted/",
    b"trade_price_adjusted/", b"position_", b"takeover_refused/", b"variation_settled/",
    b"collateral_moved/", b"withdrawal_", b"asset_moved/", b"asset_withdrawal_", b"cash_adjusted/",
    b"fund_moved/", b"fund_withdrawal_", b"posting/", b"spread_submitted/",
)  # fmt: skip


class Declared(NamedTuple):
    """A declared default: its row of `control/0`, and the row of its last waterfall, if any."""

    row: StoredRow
    fact: ReportFact
    last: StoredRow | None
    is_ordered: bool


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    until = request.given_date or date.max
    days = [day for day in (date.min, *view.sessions()) if day <= until]
    for declared in _declared(view, days, member=request.options.get("member")):
        steps = list(_steps(view, declared, days=days))
        yield _summary(declared, steps)
        yield from steps


def _declared(view: JournalView, days: Sequence[date], *, member: str | None) -> list[Declared]:
    """The defaults declared on these dates, in order. Errors: UnknownSubject, if there is none."""
    members = {name for name, entry in view.control.members.items() if entry.is_defaulted}
    if member is not None and member not in members:
        msg = f"member {member} is not in default; {', '.join(sorted(members)) or 'nobody'} is"
        raise UnknownSubject(msg)
    waiting = {name for name in members if member in (None, name)}
    declared: list[Declared] = []
    for day in reversed(days):
        if not waiting:
            break
        since = [later for later in days if later >= day]
        # One answer at a time: the next one has a cursor of the same name.
        rows = list(view.rows(CONTROL_SHARD, day, words=(_DECLARED,)))
        of_day = [
            Declared(row, fact, *_settled(view, fact["member"], days=since))
            for row in rows
            for fact in row.facts(_DECLARED)
            if fact["member"] in waiting
        ]
        waiting -= {entry.fact["member"] for entry in of_day}
        declared = of_day + declared
    return declared


def _settled(
    view: JournalView, member: str, *, days: Sequence[date]
) -> tuple[StoredRow | None, bool]:
    """The row of the last waterfall of a member, if nothing was ordered since; whether any was."""
    for day in reversed(days):
        ordered = _naming(view, CONTROL_SHARD, day=day, kind=_ORDERED, member=member)
        if ordered:
            followed_at = rows_following(view, ordered[-1])[MEMBER_SHARD]
            settled = [
                row
                for later in days
                if later >= day
                for row in _naming(view, MEMBER_SHARD, day=later, kind=_WATERFALL, member=member)
                if row.seq > followed_at
            ]
            return (settled[-1] if settled else None), True
    return None, False


def _naming(
    view: JournalView, shard: str, *, day: date, kind: bytes, member: str
) -> list[StoredRow]:
    """The rows of a date with a fact of a kind that names a member."""
    return [
        row
        for row in view.rows(shard, day, words=(kind,))
        if any(fact["member"] == member for fact in row.facts(kind))
    ]


def _steps(view: JournalView, declared: Declared, *, days: Sequence[date]) -> Iterator[NamedCells]:
    """What happened, row by row."""
    day = declared.row.business_date
    concern = _concern(view, declared, days=days)
    first, last = days_of_open_calls(view, day)[:1], declared.last
    begins = first[0] if first else day
    for session in days:
        if session < begins or (last is not None and session > last.business_date):
            continue
        for row in view.rows_of_all(view.shards(), session, words=_WORDS):
            facts = [fact for fact in row.facts(*_WORDS) if concerned(concern, fact, row=row)]
            if facts:
                yield from _of_row(row, facts, member=concern.member)
            if last is not None and _is_same(row, last):
                return


def _is_same(row: StoredRow, named: StoredRow) -> bool:
    return (row.shard, row.seq) == (named.shard, named.seq)


def _concern(view: JournalView, declared: Declared, *, days: Sequence[date]) -> Concern:
    """The accounts that the member had when it was declared, and its calls that were not met."""
    day, member = declared.row.business_date, declared.fact["member"]
    had = Memberships(view, day)
    accounts: dict[str, Mapping[str, int]] = {
        account.name: {}
        for account in view.control.accounts_by_number
        if member in had.within(account, day, last=day)
    }
    for porting in chain.from_iterable(map(had.on, days)):
        if porting.fact["from_member"] == member and porting.fact["account"] in accounts:
            accounts[porting.fact["account"]] = rows_following(view, porting.ordered)
    declared_at = rows_following(view, declared.row)
    calls: dict[str, bool] = {}
    for session in days_of_open_calls(view, day):
        for row in view.rows(MEMBER_SHARD, session, words=_CALLS):
            if row.seq < declared_at[MEMBER_SHARD]:
                for fact in row.facts(*_CALLS):
                    if fact.get("member") == member or fact.get("account") in accounts:
                        calls[fact["call"]] = fact["type"] not in _MET
    unmet = {call for call, is_unmet in calls.items() if is_unmet}
    return Concern(member, accounts, unmet, declared_at)


def _of_row(row: StoredRow, facts: Sequence[ReportFact], *, member: str) -> Iterator[NamedCells]:
    same: dict[str, Cell] = {
        "business_date": row.business_date, "member": member, "shard": row.shard, "seq": row.seq,
    }  # fmt: skip
    is_barrier = row.shard == MEMBER_SHARD and row.origin == CONTROL_SHARD and row.cycle is not None
    if row.origin != CONTROL_SHARD or is_barrier:
        text, exact = readable(row.line)
        yield same | {"line": "command", "at": facts[0]["at"], "input": text, "input_hex": exact}
    for fact in facts:
        yield same | step_cells(fact)
        for layer in fact.get("layers", ()):
            paid = {"layer": layer["layer"], "payer": layer["member"]}
            paid |= {"amount_cents": layer["amount_cents"], "at": fact["at"]}
            yield same | {"line": "payment"} | paid


def _summary(declared: Declared, steps: Sequence[NamedCells]) -> NamedCells:
    """The default in a row: since when, how it stands, what was lost."""
    same = {"business_date": declared.row.business_date, "member": declared.fact["member"]}
    facts = [step for step in steps if step["line"] == "fact"]
    called = [step["at"] for step in facts if step["step"] in {"margin_called", "fund_called"}]
    losses = [step for step in facts if step["step"] == "waterfall_applied"]
    status = "ordered" if declared.is_ordered else "declared"
    return same | {
        "line": "default",
        "status": status if declared.last is None else "settled",
        "since": called[0] if called else None,
        "at": declared.fact["at"],
        "settled_at": losses[-1]["at"] if losses else None,
        "loss_cents": sum(whole_cell(step["amount_cents"]) for step in losses) if losses else None,
        "reason": declared.fact["reason"],
        "shard": declared.row.shard,
        "seq": declared.row.seq,
    }


DEFAULT_REPORT: Final = ReportKind(
    name="default",
    title="Defaults",
    columns=(
        "business_date", "member", "line", "status", "since", "at", "settled_at", "loss_cents",
        "shard", "seq", "step", "account", "to_account", "to_member", "contract", "lots",
        "price_ticks", "asset", "units", "amount_cents", "layer", "payer", "debit", "credit",
        "reference", "reason", "input", "input_hex",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "member", "status", "since", "at", "settled_at", "loss_cents", "reason",
        ), "Defaults", ("default",)),
        TableLayout((
            "member", "at", "layer", "payer", "amount_cents",
        ), "Who paid", ("payment",)),
        TableLayout((
            "member", "at", "shard", "seq", "step", "account", "to_account", "amount_cents",
            "reference", "reason",
        ), "What happened", ("fact",)),
        TableLayout((
            "member", "at", "step", "account", "to_account", "contract", "lots", "price_ticks",
            "reference",
        ), "Positions", (
            "trade_novated", "trade_busted", "trade_price_adjusted", "position_transferred",
            "position_taken_over", "takeover_refused", "position_closed",
        ), "step"),
        TableLayout((
            "at", "seq", "debit", "credit", "amount_cents", "step", "reference",
        ), "Postings", ("posting",)),
        TableLayout(("at", "shard", "seq", "input"), "Commands", ("command",)),
    ),
    is_of_dates=False,
)  # fmt: skip
