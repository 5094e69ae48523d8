"""Stress at the closes: the two largest losses by scenario, cover, what the fund must have and has.

In: the rows of `member/0`. Out: for each close a row with the size of the fund, then one for each
scenario. What the fund has is what it had when it was sized, before the withdrawals of that close;
none is counted below zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from events.fund_facts import StressRun
from risk.stress import cover_of
from services.reports.fund_days import FundDay, read_fund_days
from services.reports.kind import ReportKind
from services.reports.report import Cell, NamedCells, ReportFact, ReportRequest, TableLayout
from services.reports.view import JournalView
from services.shards.routing import MEMBER_SHARD

LARGEST: Final = ("group", "loss_cents", "second_group", "second_loss_cents", "cover_cents")
_RUN: Final = StressRun.TYPE.encode()


def largest_cells(largest: Sequence[tuple[str, int]]) -> dict[str, Cell]:
    """The two largest losses of groups, largest first, and their sum."""
    cells: dict[str, Cell] = {"cover_cents": cover_of(largest)}
    names = (("group", "loss_cents"), ("second_group", "second_loss_cents"))
    for (group, loss_cents), (group_column, loss_column) in zip(largest, names, strict=False):
        cells |= {group_column: group, loss_column: loss_cents}
    return cells


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    for of_day in read_fund_days(view, view.days(request)):
        if of_day.sized is not None:
            rows = view.rows(MEMBER_SHARD, of_day.day, words=(_RUN,))
            runs = [_scenario(fact) for row in rows for fact in row.facts(_RUN)]
            yield from _of_close(of_day.sized, runs, fund_cents=_sized_fund_cents(of_day))


def _sized_fund_cents(of_day: FundDay) -> int:
    """What the members that stand and the clearinghouse had in the fund when it was sized."""
    return sum(
        max(0, contributor.balance_cents - contributor.paid_out_cents)
        for member, contributor in of_day.contributors.items()
        if member is None or contributor.required_cents is not None
    )


def _of_close(
    sized: ReportFact, runs: list[NamedCells], *, fund_cents: int
) -> Iterator[NamedCells]:
    """The rows of a close. runs: the cells of its scenarios."""
    same = {"business_date": sized["business_date"], "seq": sized["seq"]}
    worst = next((run for run in runs if run["scenario"] == sized["scenario"]), {})
    yield {
        **worst,
        **same,
        "line": "close",
        "scenario": sized["scenario"],
        "cover_cents": sized["cover_cents"],
        "required_cents": sized["required_cents"],
        "fund_cents": fund_cents,
        "is_covered": sized["cover_cents"] <= fund_cents,
    }
    yield from ({**run, **same, "line": "scenario"} for run in runs)


def _scenario(fact: ReportFact) -> NamedCells:
    largest = [(loss["group"], loss["loss_cents"]) for loss in fact["losses"]]
    return {"scenario": fact["scenario"], **largest_cells(largest)}


STRESS_REPORT: Final = ReportKind(
    name="stress",
    title="Stress",
    columns=(
        "business_date", "line", "scenario", *LARGEST, "required_cents", "fund_cents",
        "is_covered", "seq",
    ),
    rows=_rows,
    layouts=(
        TableLayout((
            "business_date", "scenario", "cover_cents", "required_cents", "fund_cents",
            "is_covered",
        ), "Cover and fund", ("close",)),
        TableLayout(
            ("business_date", "scenario", *LARGEST), "By scenario", ("scenario",)
        ),
    ),
)  # fmt: skip
