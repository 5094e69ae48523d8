"""A member's statement of a date: positions, prices, variation, cash, margin and calls.

In: the read models `statement` and `settlement_price`, variation from the markets' barrier rows,
movements and calls from `member/0`. Out: for each account what happened in the order it was
decided; at each cycle its positions with mark, variation and margin, then its balance. At the end
what the member owes or gets.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, LiteralString

from events.market_facts import VariationSettled
from services.reports.report import (
    Cell,
    Cells,
    Report,
    ReportFact,
    ReportRequest,
    UnknownSubject,
    fact_name,
    laid_out,
)
from services.reports.view import JournalView
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from settlement.control_books import Account, ControlBooks

_COLUMNS: Final = (
    "business_date", "member", "account", "origin", "cycle", "line", "contract", "lots",
    "price_ticks", "amount_cents", "variation_cents", "cash_cents", "initial_cents",
    "maintenance_cents", "equity_cents", "margin_deficit_cents", "remaining_cents", "reference",
    "deadline", "at", "seq",
)  # fmt: skip
_STATEMENTS: Final[LiteralString] = """
SELECT seq, cycle, account, cash_cents, variation_cents, initial_cents, maintenance_cents,
       equity_cents, positions
FROM clearing.statement
WHERE business_date = %(day)s AND (%(member)s::text IS NULL OR member = %(member)s)
ORDER BY seq
"""
_PRICES: Final[LiteralString] = (
    "SELECT contract, cycle, price_ticks FROM clearing.settlement_price WHERE business_date = %s"
)
_BARRIERS: Final[LiteralString] = """
SELECT source, seq FROM clearing.link
WHERE target = 'member/0' AND barrier = ANY(%s) AND last ORDER BY source, number
"""
_MOVEMENTS: Final = (b"collateral_moved/", b"withdrawal_", b"margin_call")
_INSTRUCTIONS: Final = b"settlement_instructed/"
_BALANCE: Final = (
    "seq", "cycle", "account", "cash_cents", "variation_cents", "initial_cents",
    "maintenance_cents", "equity_cents", "positions",
)  # fmt: skip

Pairs = dict[tuple[str, str], int]


@dataclass(slots=True)
class StatementRows:
    """The rows of a statement as read. variation: by cycle, account and contract."""

    balances: list[dict[str, Any]] = field(default_factory=list)
    prices: Pairs = field(default_factory=dict)
    variation: dict[tuple[str, str], dict[str, int]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    movements: list[ReportFact] = field(default_factory=list)
    instructions: list[ReportFact] = field(default_factory=list)


def member_statement(view: JournalView, request: ReportRequest) -> Report:
    """The statement of a member, of one account, or of all."""
    accounts = chosen_accounts(view.control, request)
    rows = _read(view, request, names={account.name for account in accounts})
    if "account" in request.options:
        rows.instructions = []
    about = request.options.get("account") or request.options.get("member") or "all members"
    title = f"Statement of {about} for {request.business_date}"
    return Report(title, _COLUMNS, member_statement_rows(rows, accounts, day=request.business_date))


def chosen_accounts(control: ControlBooks, request: ReportRequest) -> list[Account]:
    """The accounts asked for, by member and name. Errors: UnknownSubject."""
    member, name = request.options.get("member"), request.options.get("account")
    if member is not None and member not in control.members:
        msg = f"there is no member {member}; there are {_names(control.members)}"
        raise UnknownSubject(msg)
    accounts = [
        account for account in control.accounts_by_number if member in (None, account.member.name)
    ]
    if name is not None:
        known_names = [account.name for account in accounts]
        accounts = [account for account in accounts if account.name == name]
        if not accounts:
            whose = f"member {member} has" if member else "there is"
            msg = f"{whose} no account {name}; {_names(known_names)}"
            raise UnknownSubject(msg)
    return sorted(accounts, key=lambda account: (account.member.name, account.name))


def member_statement_rows(
    rows: StatementRows, accounts: Iterable[Account], *, day: date
) -> Iterator[Cells]:
    """The statement's rows, account by account."""
    balances, movements = _by_account(rows.balances), _by_account(rows.movements)
    members: dict[str, None] = {}
    for account in accounts:
        members[account.member.name] = None
        name = account.name
        lines: list[dict[str, Cell]] = [_movement(fact) for fact in movements[name]]
        for balance in balances[name]:
            lines += _cycle_lines(rows, balance)
        same: dict[str, Cell] = {"business_date": day, "member": account.member.name}
        same |= {"account": name, "origin": account.origin}
        # Of a cycle's row the positions and the balance come first, then what they led to.
        for line in sorted(lines, key=lambda line: (line["seq"], line["line"] not in _FIRST)):
            yield laid_out(_COLUMNS, same | line)
    for fact in rows.instructions:
        if fact["member"] in members:
            yield laid_out(_COLUMNS, {"business_date": day} | _instruction(fact))


_FIRST: Final = ("position", "balance")


def _by_account(rows: Iterable[Any]) -> dict[str, list[Any]]:
    sorted_out: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        sorted_out[row["account"]].append(row)
    return sorted_out


def _cycle_lines(rows: StatementRows, balance: dict[str, Any]) -> list[dict[str, Cell]]:
    """An account's positions at a cycle, those that ended in it too, then its balance."""
    seq, cycle = balance["seq"], balance["cycle"]
    variation = rows.variation.get((cycle, balance["account"]), {})
    parts = {part["contract"]: part for part in json.loads(balance["positions"])}
    lines: list[dict[str, Cell]] = []
    for contract in [*parts, *sorted(variation.keys() - parts.keys())]:
        part = parts.get(contract, {"lots": 0, "margin_cents": 0})
        lines.append(
            {
                "seq": seq,
                "cycle": cycle,
                "line": "position",
                "contract": contract,
                "lots": part["lots"],
                "price_ticks": rows.prices.get((contract, cycle)),
                "variation_cents": variation.get(contract, 0),
                "initial_cents": part["margin_cents"],
            }
        )
    cents = {name: balance[name] for name in _BALANCE[3:8]}
    return [*lines, {"seq": seq, "cycle": cycle, "line": "balance", **cents}]


def _movement(fact: ReportFact) -> dict[str, Cell]:
    names = ("seq", "at", "amount_cents", "remaining_cents", "deadline", "reference")
    line: dict[str, Cell] = {name: fact.get(name) for name in names}
    return line | {
        "line": fact_name(fact["type"]),
        "reference": fact.get("call", fact.get("reference")),
    }


def _instruction(fact: ReportFact) -> dict[str, Cell]:
    names = (
        "seq", "at", "member", "origin", "cycle", "variation_cents", "margin_deficit_cents",
    )  # fmt: skip
    return {name: fact[name] for name in names} | {"line": fact_name(fact["type"])}


def _read(view: JournalView, request: ReportRequest, *, names: set[str]) -> StatementRows:
    day = request.business_date
    rows = StatementRows()
    balances = view.ask(_STATEMENTS, {"day": day, "member": request.options.get("member")})
    rows.balances = [dict(zip(_BALANCE, row, strict=True)) for row in balances]
    rows.prices = {(contract, cycle): ticks for contract, cycle, ticks in view.ask(_PRICES, [day])}
    words = (*_MOVEMENTS, _INSTRUCTIONS)
    for row in view.rows(MEMBER_SHARD, day, words=words):
        for fact in row.facts(*_MOVEMENTS):
            if fact["account"] in names:
                rows.movements.append(fact)
        rows.instructions += row.facts(_INSTRUCTIONS)
    _read_variation(view, rows, day=day, names=names)
    return rows


def _read_variation(view: JournalView, rows: StatementRows, *, day: date, names: set[str]) -> None:
    """Each account's amount in each contract, which the markets state at a cycle."""
    seqs = sorted({balance["seq"] for balance in rows.balances})
    barriers = [
        row.position
        for row in view.rows_at(MEMBER_SHARD, day, seqs=seqs)
        if row.origin == CONTROL_SHARD
    ]
    kind = VariationSettled.TYPE.encode()
    for shard, seq in view.ask(_BARRIERS, [barriers]):
        for row in view.rows_at(shard, day, seqs=[seq]):
            for fact in row.facts(kind):
                if fact["account"] in names:
                    key = (fact["cycle"], fact["account"])
                    rows.variation[key][fact["contract"]] = fact["amount_cents"]


def _names(names: Iterable[str]) -> str:
    shown = sorted(names)
    if not shown:
        return "none yet"
    unnamed = f" and {len(shown) - _NAMES_SHOWN} more" if len(shown) > _NAMES_SHOWN else ""
    return ", ".join(shown[:_NAMES_SHOWN]) + unnamed


_NAMES_SHOWN: Final = 10
