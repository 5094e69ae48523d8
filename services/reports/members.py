"""Members by origin: requirement, collateral, what lacks, what was instructed, what came.

In: the rows of `member/0`. Out: for each date one row for each member and origin, as of the last
cycle of the date; what came since, up to the next cycle or now, stands beside what is to come.
Calls are those open at the end of the date; without a date, now. The first row of a member has its
part of the default fund at the end of the date.
Variation is in the cash already: what lacks to the requirement is all that is to be paid.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from events.control_commands import CLOSE_CYCLE
from events.member_facts import CollateralMoved
from events.units import format_instant, parse_date, parse_instant
from risk.cycle import deadline_of_close, deadline_of_cycle
from services.reports.account_days import read_accounts_day
from services.reports.account_entries import AccountDay, AccountsDay
from services.reports.calls import CallLife, open_calls
from services.reports.filters import chosen_accounts
from services.reports.fund_days import Contributor, read_fund_days
from services.reports.kind import ReportKind
from services.reports.portings import Memberships
from services.reports.report import Cell, NamedCells, ReportRequest, TableLayout
from services.reports.stored_row import StoredRow
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD

_MOVED: Final = CollateralMoved.TYPE.encode()
_INSTRUCTED: Final = ("variation_cents", "margin_deficit_cents")


def by_origin(entries: Iterable[AccountDay]) -> dict[tuple[str, str], list[AccountDay]]:
    """The accounts of each member and origin, in order."""
    sides: dict[tuple[str, str], list[AccountDay]] = {}
    for entry in entries:
        sides.setdefault((entry.member, entry.account.origin), []).append(entry)
    return dict(sorted(sides.items()))


def margin_cells(levels: Iterable[tuple[int, int, int]]) -> dict[str, Cell]:
    """Requirement and collateral. levels: of each account what is on deposit, required, in cash.

    No excess of one account helps another that lacks; cash below zero lacks whatever the assets.
    """
    accounts = list(levels)
    lacks = [max(0, initial - deposit, -cash) for deposit, initial, cash in accounts]
    return {
        "initial_cents": sum(initial for _, initial, _ in accounts),
        "on_deposit_cents": sum(deposit for deposit, _, _ in accounts),
        "excess_cents": sum(max(0, deposit - initial) for deposit, initial, _ in accounts),
        "deficit_cents": sum(lacks),
    }


def call_cells(calls: Sequence[CallLife], accounts: Sequence[AccountDay]) -> dict[str, Cell]:
    """Of open calls those of accounts, which go with them: how many, and what remains of them."""
    names = {account.account.name for account in accounts if not account.has_left}
    of_accounts = [call for call in calls if call.called["account"] in names]
    return {
        "open_calls": len(of_accounts),
        "calls_remaining_cents": sum(call.remaining_cents for call in of_accounts),
    }


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    accounts = chosen_accounts(view, request)
    member = request.options.get("member")
    names = {account.name for account in accounts}
    days = _days(view, request)
    if not days:
        return
    had = Memberships(view, days[0])
    # Without a date calls are those of now: the open session may have had no cycle yet.
    called_on = days if request.given_date is not None else view.sessions()[-1:]
    calls_open = open_calls(view, called_on, accounts=names)
    for day, fund, calls in zip(days, read_fund_days(view, days), calls_open, strict=True):
        of_day = read_accounts_day(view, day, accounts=accounts, had=had, member=member)
        if of_day.barriers:
            waiting = dict(fund.contributors)
            for cells in _day(view, of_day, calls=calls):
                yield {**cells, **_fund_cells(waiting.pop(str(cells["member"]), None))}


def _fund_cells(part: Contributor | None) -> dict[str, Cell]:
    """A member's part of the fund; nothing on its other rows."""
    if part is None or part.is_empty:
        return {}
    is_called = part.call is not None and part.call.is_open
    return {
        "contribution_cents": part.balance_cents,
        "fund_required_cents": part.required_cents,
        "fund_remaining_cents": part.call.remaining_cents if part.call and is_called else None,
    }


def _days(view: JournalView, request: ReportRequest) -> list[date]:
    """The dates asked for; without any, the last one that had a cycle."""
    if request.given_date is not None:
        return view.days(request)
    for day in reversed(view.sessions()):
        if any(view.barriers(MEMBER_SHARD, day)):
            return [day]
    return []


def _day(
    view: JournalView, of_day: AccountsDay, *, calls: Sequence[CallLife]
) -> Iterator[NamedCells]:
    last = of_day.barriers[-1]
    came = _came_since(view, of_day)
    instructed = {
        (fact["member"], fact["origin"]): fact
        for fact in of_day.instructions
        if fact["seq"] == last.seq
    }
    # Parameters in force on a date are costly to find; most dates ask nothing of anybody.
    is_due = any(fact["margin_deficit_cents"] for fact in instructed.values())
    due = _due(view, last, day=of_day.day) if is_due else None
    measured = [entry for entry in of_day.entries if _is_measured(entry, last)]
    for side, accounts in by_origin(measured).items():
        levels = {
            entry.account.name: (
                entry.balances[-1].on_deposit_cents,
                entry.balances[-1].initial_cents,
                entry.balances[-1].cash_cents,
            )
            for entry in accounts
        }
        amounts = {name: instructed.get(side, {}).get(name, 0) for name in _INSTRUCTED}
        yield {
            "business_date": of_day.day,
            "member": side[0],
            "origin": side[1],
            "accounts": len(accounts),
            "cycle": last.cycle,
            **margin_cells(levels.values()),
            "maintenance_cents": sum(entry.balances[-1].maintenance_cents for entry in accounts),
            **amounts,
            "due": due if amounts["margin_deficit_cents"] else None,
            "came_cents": sum(came.get(name, 0) for name in levels),
            "remaining_cents": sum(
                max(0, max(initial - deposit, -cash) - came.get(name, 0))
                for name, (deposit, initial, cash) in levels.items()
            ),
            **call_cells(calls, accounts),
            "seq": last.seq,
        }


def _is_measured(entry: AccountDay, last: StoredRow) -> bool:
    """Whether the member had the account at the last cycle."""
    return any(balance.seq == last.seq for balance in entry.balances[-1:])


def _due(view: JournalView, barrier: StoredRow, *, day: date) -> str:
    """The time by which what a cycle instructs is to be there: the deadline of its calls."""
    command, control = json.loads(barrier.line), view.control_on(day)
    if barrier.cycle == CLOSE_CYCLE:
        following = parse_date(command["next_business_date"])
        time_of_day = control.parameter_text("call_deadline")
        return format_instant(deadline_of_close(following, time_of_day=time_of_day))
    minutes = control.parameter("call_minutes")
    return format_instant(deadline_of_cycle(parse_instant(command["at"]), minutes=minutes))


def _came_since(view: JournalView, of_day: AccountsDay) -> dict[str, int]:
    """What was deposited after the last cycle of a date, up to the next cycle or now."""
    came = {name: entry.came_cents for name, entry in of_day.accounts.items()}
    following = [day for day in view.sessions() if day > of_day.day][:1]
    for day in following:
        first = next(iter([row.seq for row in view.barriers(MEMBER_SHARD, day)]), None)
        for row in view.rows(MEMBER_SHARD, day, words=(_MOVED,)):
            if first is not None and row.seq >= first:
                break
            for fact in row.facts(_MOVED):
                name = fact["account"]
                came[name] = came.get(name, 0) + max(0, fact["amount_cents"])
    return came


MEMBERS_REPORT: Final = ReportKind(
    name="members",
    title="Members",
    columns=(
        "business_date", "member", "origin", "accounts", "cycle", "initial_cents",
        "on_deposit_cents", "excess_cents", "deficit_cents", "maintenance_cents",
        "variation_cents", "margin_deficit_cents", "due", "came_cents", "remaining_cents",
        "open_calls", "calls_remaining_cents", "contribution_cents", "fund_required_cents",
        "fund_remaining_cents", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "member", "origin", "cycle", "initial_cents", "on_deposit_cents",
            "excess_cents", "deficit_cents", "variation_cents",
        ), "Margin at the cycle"),
        TableLayout((
            "business_date", "member", "origin", "cycle", "margin_deficit_cents", "due",
            "came_cents", "remaining_cents", "open_calls", "calls_remaining_cents",
        ), "To be paid"),
        TableLayout((
            "business_date", "member", "origin", "contribution_cents", "fund_required_cents",
            "fund_remaining_cents",
        ), "Default fund"),
    ),
    is_as_of_now=True,
    looks_ahead=True,
)  # fmt: skip
