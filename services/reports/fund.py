"""The default fund by date and member: required, contributed, lacking, called (RULEBOOK §7).

In: the fund on each date (`fund_days.py`). Out: for each date a row with its size and what all
members have contributed; one for each member and for the clearinghouse's own capital; one for each
call; then what moved, in the order it was decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.reports.fund_days import FUND_MOVEMENTS, Contributor, FundDay, read_fund_days
from services.reports.kind import ReportKind
from services.reports.report import (
    Cell,
    NamedCells,
    ReportFact,
    ReportRequest,
    TableLayout,
    fact_name,
)
from services.reports.view import JournalView

_OF_CALL: Final = ("call", "status", "amount_cents", "remaining_cents", "deadline")
_OF_MOVEMENT: Final = ("seq", "at", "amount_cents", "remaining_cents", "deadline", "reason")


def contribution_cells(part: Contributor) -> dict[str, Cell]:
    """What a member, or the clearinghouse, had, what moved, and what it has."""
    return {
        "opening_cents": part.opening_cents,
        "deposits_cents": part.came_cents,
        "withdrawals_cents": part.paid_out_cents,
        "waterfall_cents": part.waterfall_cents or None,
        "contribution_cents": part.balance_cents,
    }


def call_of_fund_cells(part: Contributor) -> dict[str, Cell]:
    """A member's last call of the date; nothing if there is none."""
    return {} if part.call is None else {name: getattr(part.call, name) for name in _OF_CALL}


def movement_cells(fact: ReportFact) -> dict[str, Cell]:
    """A fact of the fund, or what the waterfall took or brought."""
    cells: dict[str, Cell] = {name: fact.get(name) for name in _OF_MOVEMENT}
    cells |= {"line": fact_name(fact["type"]), "member": fact["member"]}
    return cells | {"reference": fact.get("call", fact.get("reference"))}


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    member = request.options.get("member")
    for of_day in read_fund_days(view, view.days(request)):
        for cells in _of_day(of_day, member=member):
            yield {"business_date": of_day.day, **cells}


def _of_day(of_day: FundDay, *, member: str | None) -> Iterator[NamedCells]:
    parts = {name: part for name, part in of_day.contributors.items() if not part.is_empty}
    members = [part for name, part in parts.items() if name is not None]
    if not parts and of_day.sized is None:
        return
    size = of_day.sized or {}
    yield {
        "line": "fund",
        **{name: size.get(name) for name in ("scenario", "cover_cents", "required_cents", "seq")},
        "contribution_cents": sum(part.balance_cents for part in members),
        "lacking_cents": sum(part.lacking_cents for part in members),
    }
    chosen = {name: part for name, part in parts.items() if member in (None, name)}
    for name, part in chosen.items():
        line: dict[str, Cell] = {"line": "capital" if name is None else "contribution"}
        is_required = part.required_cents is not None
        levels = {"required_cents": part.required_cents, "lacking_cents": part.lacking_cents}
        yield line | {"member": name} | contribution_cells(part) | (levels if is_required else {})
    for name, part in chosen.items():
        if part.call is not None:
            yield {"line": "call", "member": name, **call_of_fund_cells(part)}
    movements = [fact for part in chosen.values() for fact in part.movements]
    yield from (movement_cells(fact) for fact in sorted(movements, key=lambda fact: fact["seq"]))


FUND_REPORT: Final = ReportKind(
    name="fund",
    title="Default fund",
    columns=(
        "business_date", "line", "member", "scenario", "cover_cents", "required_cents",
        "opening_cents", "deposits_cents", "withdrawals_cents", "waterfall_cents",
        "contribution_cents", "lacking_cents", "call", "status", "amount_cents",
        "remaining_cents", "deadline", "reference", "reason", "at", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "scenario", "cover_cents", "required_cents", "contribution_cents",
            "lacking_cents",
        ), "Size", ("fund",)),
        TableLayout((
            "business_date", "member", "line", "opening_cents", "deposits_cents",
            "withdrawals_cents", "waterfall_cents", "contribution_cents", "required_cents",
            "lacking_cents",
        ), "Contributions", ("contribution", "capital")),
        TableLayout((
            "business_date", "member", "call", "status", "amount_cents", "remaining_cents",
            "deadline",
        ), "Calls", ("call",)),
        TableLayout((
            "business_date", "at", "member", "line", "amount_cents", "remaining_cents", "deadline",
            "reference", "reason",
        ), "Movements", FUND_MOVEMENTS),
    ),
)  # fmt: skip
