"""Statements: a summary for each member and origin, then what happened to each account.

In: the days of accounts (`account_days.py`), positions' variation and lots that ended from the
markets' barrier rows. Out: first what a margin clerk looks for: opening and closing balance,
requirement, excess or deficit, open calls, what is to be paid or may be collected; each member's
contribution to the default fund and what moved it. Then for each account what happened in the order
it was decided; at each cycle its positions with mark, variation and margin, then its balance. At
the end what members were instructed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from events.default_commands import AuctionAccount
from events.default_facts import PositionTakenOver
from events.market_facts import PositionClosed, VariationSettled
from events.units import parse_instant
from services.reports.account_days import read_accounts_day
from services.reports.account_entries import AccountDay, AccountsDay, CycleBalance
from services.reports.calls import CallLife, clock_of_calls, open_calls
from services.reports.filters import chosen_accounts
from services.reports.kind import ReportKind
from services.reports.members import by_origin, call_cells, margin_cells
from services.reports.portings import Memberships
from services.reports.prices import price_facts
from services.reports.report import (
    Cell,
    NamedCells,
    ReportFact,
    ReportRequest,
    TableLayout,
    fact_name,
)
from services.reports.statement_fund import FUND_LAYOUTS, fund_lines
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD

_VARIATION, _CLOSED = VariationSettled.TYPE.encode(), PositionClosed.TYPE.encode()
_AUCTION, _TAKEN_OVER = AuctionAccount.TYPE.encode(), PositionTakenOver.TYPE.encode()
_SUMMED: Final = ("variation_cents", "deposits_cents", "withdrawals_cents")
# Of a cycle's row the positions and the balance come first, then what they led to.
_FIRST: Final = ("position", "position_closed", "asset", "balance")
_OF_MOVEMENT: Final = (
    "seq", "at", "asset", "units", "amount_cents", "remaining_cents", "deadline",
)  # fmt: skip
_OF_BALANCE: Final = (
    "cash_cents", "variation_cents", "initial_cents", "maintenance_cents", "equity_cents",
    "collateral_cents", "on_deposit_cents",
)  # fmt: skip
_OF_INSTRUCTION: Final = (
    "seq", "at", "member", "origin", "cycle", "variation_cents", "margin_deficit_cents",
)  # fmt: skip


class MarketsDay:
    """What the markets said of accounts on a date: by cycle, account and contract."""

    def __init__(self, view: JournalView, day: date, *, names: Iterable[str]) -> None:
        self.variation: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self.closed: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        accounts = frozenset(name.encode() for name in names)
        for shard in view.markets():
            for row in view.barriers(shard, day):
                cycle = str(row.cycle)
                for fact in row.facts(_VARIATION, _CLOSED, accounts=accounts):
                    is_end = fact["type"] == PositionClosed.TYPE
                    column = self.closed if is_end else self.variation
                    amount = fact["lots"] if is_end else fact["amount_cents"]
                    column[cycle, fact["account"]][fact["contract"]] = amount
        self.taken_over = _takeovers(view, day)
        facts = price_facts(view, day, markets=view.markets())
        self.prices = {
            (fact["contract"], fact.get("cycle", "close")): fact["price_ticks"]
            for fact in facts
            if "price_ticks" in fact
        }


def _takeovers(view: JournalView, day: date) -> dict[str, list[dict[str, Cell]]]:
    """The positions that auctions moved, by account, each with the members' row of the auction."""
    rows = {
        json.loads(row.line)["reference"]: row.seq
        for row in view.copies(MEMBER_SHARD, day, types=(_AUCTION,))
    }
    lines: defaultdict[str, list[dict[str, Cell]]] = defaultdict(list)
    for shard in view.markets() if rows else []:
        for row in view.copies(shard, day, types=(_AUCTION,)):
            for fact in row.facts(_TAKEN_OVER):
                same = {name: fact[name] for name in ("at", "contract", "reference")}
                same |= {"line": fact_name(fact["type"]), "seq": rows[fact["reference"]]}
                for name, sign in ((fact["from_account"], -1), (fact["to_account"], 1)):
                    lines[name].append(same | {"lots": sign * fact["lots"]})
    return dict(lines)


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    accounts, dates = chosen_accounts(view, request), view.days(request)
    had, member = Memberships(view, dates[0]), request.options.get("member")
    days = [
        read_accounts_day(view, day, accounts=accounts, had=had, member=member) for day in dates
    ]
    # All is compared with the journal before the first row is given out.
    markets = [MarketsDay(view, of_day.day, names=of_day.accounts) for of_day in days]
    yield from _summaries(view, days)
    if "account" not in request.options:
        yield from fund_lines(view, dates, member=member)
    for of_day, market in zip(days, markets, strict=True):
        for entry in of_day.entries:
            yield from _account(of_day.day, entry, markets=market)
        yield from _instructions(of_day, is_of_account="account" in request.options)


def _summaries(view: JournalView, days: Sequence[AccountsDay]) -> Iterator[NamedCells]:
    """One row for each member and origin over all the dates."""
    first, last = days[0], days[-1]
    clock = clock_of_calls(view, last.day, barriers=last.barriers)
    (calls,) = open_calls(view, [last.day], accounts=last.accounts)
    opened, closed = by_origin(first.entries), by_origin(last.entries)
    of_dates = by_origin(entry for of_day in days for entry in of_day.entries)
    for side, every in of_dates.items():
        accounts = closed.get(side, [])
        levels = margin_cells(
            (entry.on_deposit_cents, entry.initial_cents, entry.cash_cents) for entry in accounts
        )
        lacks, spare = levels["deficit_cents"], levels["excess_cents"]
        assert isinstance(lacks, int)
        yield {
            "business_date": last.day,
            "member": side[0],
            "origin": side[1],
            "line": "summary",
            "opening_cents": sum(entry.opening_cents for entry in opened.get(side, [])),
            **{name: sum(getattr(entry, name) for entry in every) for name in _SUMMED},
            "other_cents": sum(entry.other_cents + entry.ported_cents for entry in every) or None,
            "closing_cents": sum(entry.cash_cents for entry in accounts),
            **levels,
            **call_cells(calls, accounts),
            **_first_deadline(calls, accounts, clock=clock),
            "net_cents": -lacks if lacks else spare,
        }


def _first_deadline(
    calls: Sequence[CallLife], accounts: Sequence[AccountDay], *, clock: int
) -> dict[str, Cell]:
    """The deadline and the age of the open call that is due first."""
    names = {entry.account.name for entry in accounts if not entry.has_left}
    due = [call for call in calls if call.called["account"] in names]
    if not due:
        return {}
    first = min(due, key=lambda call: parse_instant(call.called["deadline"]))
    clock = max(clock, parse_instant(first.changed_at))
    return {"deadline": first.called["deadline"], "age_minutes": first.minutes(clock)}


def _account(day: date, entry: AccountDay, *, markets: MarketsDay) -> Iterator[NamedCells]:
    account = entry.account
    same: dict[str, Cell] = {
        "business_date": day,
        "member": entry.member,
        "account": account.name,
        "origin": account.origin,
    }
    lines = [_movement(fact) for fact in entry.movements]
    lines += markets.taken_over.get(account.name, []) if not entry.has_left else []
    for balance in entry.balances:
        if balance.assets or not balance.is_empty:
            lines += _cycle_lines(balance, account.name, markets=markets)
    for line in sorted(lines, key=lambda line: (line["seq"], line["line"] not in _FIRST)):
        yield same | line


def _cycle_lines(
    balance: CycleBalance, account: str, *, markets: MarketsDay
) -> list[dict[str, Cell]]:
    """An account's positions at a cycle, those that ended in it too, its assets, its balance."""
    key = (balance.cycle, account)
    variation, closed = markets.variation.get(key, {}), markets.closed.get(key, {})
    parts = {part["contract"]: part for part in balance.parts}
    same: dict[str, Cell] = {"seq": balance.seq, "cycle": balance.cycle}
    lines: list[dict[str, Cell]] = []
    for contract in [*parts, *sorted((variation.keys() | closed.keys()) - parts.keys())]:
        part = parts.get(contract, {"lots": closed.get(contract, 0), "margin_cents": 0})
        lines.append(
            {
                **same,
                "line": "position_closed" if contract in closed else "position",
                "contract": contract,
                "lots": part["lots"],
                "price_ticks": markets.prices.get((contract, balance.cycle)),
                "variation_cents": variation.get(contract, 0),
                "initial_cents": part["margin_cents"],
            }
        )
    for fact in balance.assets:
        stated = {name: fact[name] for name in ("asset", "units", "counted_cents")}
        lines.append({**same, "line": "asset", **stated})
    cents: dict[str, Cell] = {name: getattr(balance, name) for name in _OF_BALANCE}
    cents["collateral_cents"] = balance.collateral_cents or None
    return [*lines, {**same, "line": "balance", **cents}]


def _movement(fact: ReportFact) -> dict[str, Cell]:
    line: dict[str, Cell] = {name: fact.get(name) for name in _OF_MOVEMENT}
    return line | {
        "line": fact_name(fact["type"]),
        "reference": fact.get("call", fact.get("reference")),
    }


def _instructions(of_day: AccountsDay, *, is_of_account: bool) -> Iterator[NamedCells]:
    members = {entry.member for entry in of_day.entries}
    for fact in of_day.instructions:
        if fact["member"] in members and not is_of_account:
            stated: dict[str, Cell] = {name: fact[name] for name in _OF_INSTRUCTION}
            yield stated | {"business_date": of_day.day, "line": fact_name(fact["type"])}


STATEMENT_REPORT: Final = ReportKind(
    name="statement",
    title="Statement",
    columns=(
        "business_date", "member", "account", "origin", "cycle", "line", "contract", "lots",
        "price_ticks", "asset", "units", "counted_cents", "opening_cents", "variation_cents",
        "deposits_cents", "withdrawals_cents", "other_cents", "closing_cents", "cash_cents",
        "initial_cents", "fund_required_cents", "maintenance_cents", "equity_cents",
        "collateral_cents", "on_deposit_cents", "excess_cents", "deficit_cents", "open_calls",
        "calls_remaining_cents", "age_minutes", "net_cents", "amount_cents", "remaining_cents",
        "margin_deficit_cents", "reference", "deadline", "at", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "member", "origin", "opening_cents", "variation_cents", "deposits_cents",
            "withdrawals_cents", "other_cents", "closing_cents", "initial_cents",
            "on_deposit_cents", "excess_cents", "deficit_cents", "open_calls",
            "calls_remaining_cents", "deadline", "age_minutes", "net_cents",
        ), "Summary", ("summary",), is_record=True),
        *FUND_LAYOUTS,
        TableLayout((
            "business_date", "account", "cycle", "contract", "line", "lots", "price_ticks",
            "variation_cents", "initial_cents",
        ), "Positions", ("position", "position_closed", "position_taken_over")),
        TableLayout((
            "business_date", "account", "cycle", "asset", "units", "counted_cents",
        ), "Assets", ("asset",)),
        TableLayout((
            "business_date", "account", "cycle", "variation_cents", "cash_cents", "initial_cents",
            "maintenance_cents", "equity_cents", "collateral_cents", "on_deposit_cents",
        ), "Balances", ("balance",)),
        TableLayout((
            "business_date", "account", "line", "at", "asset", "units", "amount_cents",
            "remaining_cents", "deadline", "reference",
        ), "Collateral and calls", (
            "collateral_moved", "withdrawal_pending", "withdrawal_refused", "asset_moved",
            "asset_withdrawal_pending", "asset_withdrawal_refused", "cash_adjusted",
            "account_ported", "account_auctioned", "waterfall_applied", "margin_called",
            "margin_call_met", "margin_call_partly_met", "margin_call_raised",
            "margin_call_missed",
        )),
        TableLayout((
            "business_date", "member", "origin", "cycle", "at", "variation_cents",
            "margin_deficit_cents",
        ), "Instructed", ("settlement_instructed",)),
    ),
)  # fmt: skip
