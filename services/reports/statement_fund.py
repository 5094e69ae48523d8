"""The default fund in a statement: each member's contribution over the dates, then what moved it.

In: the fund on each of the dates. Out: lines of the statement; none of a member without
contribution and requirement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from services.reports.fund import movement_cells
from services.reports.fund_days import FUND_MOVEMENTS, Contributor, read_fund_days
from services.reports.report import Cell, NamedCells, TableLayout, whole_cell
from services.reports.view import JournalView

_MOVED: Final = ("deposits_cents", "withdrawals_cents", "other_cents")
_SHOWN: Final = ("seq", "at", "amount_cents", "remaining_cents", "deadline", "line", "reference")

FUND_LAYOUTS: Final = (
    TableLayout((
        "member", "opening_cents", "deposits_cents", "withdrawals_cents", "other_cents",
        "closing_cents", "fund_required_cents", "deficit_cents", "calls_remaining_cents",
        "deadline",
    ), "Default fund", ("fund",)),
    TableLayout((
        "business_date", "member", "line", "at", "amount_cents", "remaining_cents", "deadline",
        "reference",
    ), "Fund movements", FUND_MOVEMENTS),
)  # fmt: skip


def fund_lines(
    view: JournalView, days: Sequence[date], *, member: str | None
) -> Iterator[NamedCells]:
    """The lines of the fund. member: of which alone, if any."""
    summaries: dict[str, dict[str, Cell]] = {}
    movements: list[NamedCells] = []
    for of_day in read_fund_days(view, days):
        for name, part in of_day.contributors.items():
            if name is None or part.is_empty or member not in (None, name):
                continue
            summaries[name] = _summary(part, before=summaries.get(name))
            summaries[name] |= {"business_date": of_day.day, "member": name, "line": "fund"}
            for fact in part.movements:
                cells = {key: cell for key, cell in movement_cells(fact).items() if key in _SHOWN}
                movements.append({"business_date": of_day.day, "member": name, **cells})
    yield from summaries.values()
    yield from movements


def _summary(part: Contributor, *, before: dict[str, Cell] | None) -> dict[str, Cell]:
    """A contribution at the end of a date. before: its line of the dates before."""
    moved = (part.came_cents, part.paid_out_cents, part.waterfall_cents)
    cells: dict[str, Cell] = dict(zip(_MOVED, moved, strict=True))
    cells["opening_cents"] = part.opening_cents
    if before is not None:
        cells |= {name: whole_cell(before[name]) + whole_cell(cells[name]) for name in _MOVED}
        cells["opening_cents"] = before["opening_cents"]
    cells |= {
        "closing_cents": part.balance_cents,
        "fund_required_cents": part.required_cents,
        "deficit_cents": part.lacking_cents,
    }
    if part.call is not None and part.call.is_open:
        cells["calls_remaining_cents"] = part.call.remaining_cents
        cells["deadline"] = part.call.deadline
    return cells
