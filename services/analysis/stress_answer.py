"""What a stress run says of the books after a close: losses by scenario and member, and in reverse.

In: the journal, a date, perhaps one scenario. Out: a report: cover against fund by scenario, then
the losses of members; or the least parallel moves that exhaust the fund, and the fund with all
assessments. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from events.units import PPM
from risk.stress import ScenarioLoss, cover_of, group_losses
from risk.stress_reverse import FALL_MAX_PPM, RISE_MAX_PPM, least_move
from risk.stress_scenarios import Scenario, parallel
from services.analysis.stress_books import StressBooks, stress_books
from services.reports.kind import answer_of
from services.reports.report import (
    Cell,
    NamedCells,
    Report,
    TableLayout,
    UnknownSubject,
)
from services.reports.shown import percent, usd
from services.reports.stress import LARGEST, largest_cells
from services.reports.view import JournalView

_COLUMNS: Final = (
    "line", "scenario", "member", *LARGEST, "fund_cents", "is_covered", "source",
)  # fmt: skip
_LAYOUTS: Final = (
    TableLayout(
        ("scenario", *LARGEST, "is_covered"),
        "The two largest losses over margin of groups, and whether the fund covers them",
        ("cover",),
    ),
    TableLayout(("scenario", "member", "group", "loss_cents"), "By member", ("member",)),
)
_REVERSE_COLUMNS: Final = (
    "exhausts", "amount_cents", "direction", "move_ppm", "until_ppm", *LARGEST, "answer",
)  # fmt: skip
_REVERSE_LAYOUTS: Final = (
    TableLayout(("exhausts", "amount_cents", "direction", "answer", *LARGEST)),
)
_FUND: Final = "fund"
_ALL: Final = "fund and assessments"


def stress_answer(view: JournalView, day: date | None, *, scenario: str | None) -> Report:
    """The losses in every scenario, or in one by its name. Errors: UnknownSubject."""
    books = stress_books(view, day)
    chosen = [entry for entry in books.scenarios if scenario in (None, entry.name)]
    if not chosen:
        names = ", ".join(entry.name for entry in books.scenarios)
        msg = f"there is no scenario {scenario}; there are {names}"
        raise UnknownSubject(msg)
    losses = books.losses(chosen)
    worst = max(losses, key=lambda loss: cover_of(group_losses(loss, books.groups)))
    cover_cents = cover_of(group_losses(worst, books.groups))
    sources = {entry.name: entry.source for entry in chosen}
    rows = [
        *(_cover_row(books, loss, source=sources[loss.scenario]) for loss in losses),
        *(row for loss in losses for row in _member_rows(books, loss)),
    ]
    title = (
        f"Stress on the books after the close of {books.business_date}: cover {usd(cover_cents)}"
        f"{f' in {worst.scenario}' if cover_cents else ''}, fund {usd(books.fund_cents)}"
    )
    origins = view.origins(books.business_date)
    return answer_of(title, rows, columns=_COLUMNS, layouts=_LAYOUTS, origins=origins)


def reverse_answer(view: JournalView, day: date | None) -> Report:
    """The least parallel moves, up and down, that exhaust the fund. Errors: UnknownSubject.

    Exhausted: the loss over margin of the two largest groups is at least what is there, and above
    0. The assessments are those of all members that stand.
    """
    books = stress_books(view, day)
    amounts = {_FUND: books.fund_cents, _ALL: books.fund_cents + books.assessment_cents}
    rows = [
        _reverse_row(books, exhausts, amount_cents=cents, is_up=is_up)
        for exhausts, cents in amounts.items()
        for is_up in (True, False)
    ]
    return answer_of(
        f"Least parallel move that exhausts the fund, after the close of {books.business_date}",
        rows,
        columns=_REVERSE_COLUMNS,
        layouts=_REVERSE_LAYOUTS,
        origins=view.origins(books.business_date),
    )


def _cover_row(books: StressBooks, loss: ScenarioLoss, *, source: str) -> NamedCells:
    largest = group_losses(loss, books.groups)[:2]
    return {
        "line": "cover",
        "scenario": loss.scenario,
        **largest_cells(largest),
        "fund_cents": books.fund_cents,
        "is_covered": cover_of(largest) <= books.fund_cents,
        "source": source,
    }


def _member_rows(books: StressBooks, loss: ScenarioLoss) -> Iterator[NamedCells]:
    """The members that lose, the largest loss first, equals by name."""
    stated = zip(books.members, books.groups, loss.losses.tolist(), strict=True)
    for member, group, cents in sorted(stated, key=lambda entry: (-entry[2], entry[0])):
        if cents:
            yield {
                "line": "member",
                "scenario": loss.scenario,
                "member": member,
                "group": group,
                "loss_cents": cents,
            }


def _reverse_row(
    books: StressBooks, exhausts: str, *, amount_cents: int, is_up: bool
) -> NamedCells:
    until_ppm = RISE_MAX_PPM if is_up else -FALL_MAX_PPM
    cells: dict[str, Cell] = {
        "exhausts": exhausts,
        "amount_cents": amount_cents,
        "direction": "up" if is_up else "down",
        "until_ppm": until_ppm,
    }

    def cover(loss: ScenarioLoss) -> int:
        return cover_of(group_losses(loss, books.groups))

    move_ppm = least_move(books.stressed, cover, amount_cents=max(1, amount_cents), is_up=is_up)
    if move_ppm is None:
        return cells | {"answer": f"none up to {abs(until_ppm) * 100 // PPM:,} %"}
    move = Scenario(f"parallel_{move_ppm}", parallel(move_ppm), "the answer")
    (loss,) = books.losses([move])
    largest = group_losses(loss, books.groups)[:2]
    return cells | {"move_ppm": move_ppm, "answer": percent(move_ppm), **largest_cells(largest)}
