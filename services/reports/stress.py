"""Stress at the closes: the two largest losses by scenario, cover, what the fund must have and has.

In: the rows of `member/0`; the clearinghouse's capital before the first date asked for. Out: for
each close a row with the size of the fund, then one for each scenario. What the fund has is what it
had when it was sized, before the withdrawals of that close; none is counted below zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from events.default_facts import WaterfallApplied
from events.fund_facts import FundMoved, FundRequired, FundSized, StressRun
from services.hosting.restore import shard_at
from services.reports.kind import ReportKind
from services.reports.report import NamedCells, ReportFact, ReportRequest, TableLayout
from services.reports.stress_answer import LARGEST, largest_cells
from services.reports.view import JournalView
from services.shards.member.shard import MemberShard
from services.shards.routing import MEMBER_SHARD

_SIZED, _RUN, _REQUIRED, _MOVED, _WATERFALL = (
    kind.TYPE for kind in (FundSized, StressRun, FundRequired, FundMoved, WaterfallApplied)
)
_KINDS: Final = tuple(kind.encode() for kind in (_SIZED, _RUN, _REQUIRED, _MOVED, _WATERFALL))
_CAPITAL: Final = "house_capital"


def _rows(view: JournalView, request: ReportRequest) -> Iterator[NamedCells]:
    days = view.days(request)
    capital_cents = _capital_before(view, days[0])
    for day in days:
        for row in view.rows(MEMBER_SHARD, day, words=_KINDS):
            facts = list(row.facts(*_KINDS))
            sized = next((fact for fact in facts if fact["type"] == _SIZED), None)
            before = facts if sized is None else facts[: facts.index(sized)]
            capital_cents += _change_of_capital(before)
            if sized is not None:
                yield from _of_close(facts, sized, capital_cents=capital_cents)
                capital_cents += _change_of_capital(facts[len(before) :])


def _capital_before(view: JournalView, day: date) -> int:
    """The clearinghouse's own capital before the first row of a date."""
    if day == date.min:
        return 0
    last = view.reader.last_seq(MEMBER_SHARD, day - timedelta(days=1))
    if last is None:
        return 0
    shard = shard_at(view.reader, MEMBER_SHARD, until=last)
    assert isinstance(shard, MemberShard), MEMBER_SHARD
    return shard.books.fund_cents(None)


def _change_of_capital(facts: Sequence[ReportFact]) -> int:
    """What facts bring to the clearinghouse's own capital, or (−) take from it."""
    moved = sum(
        fact["amount_cents"] for fact in facts if fact["type"] == _MOVED and fact["member"] is None
    )
    paid = sum(
        layer["amount_cents"]
        for fact in facts
        if fact["type"] == _WATERFALL
        for layer in fact["layers"]
        if layer["layer"] == _CAPITAL
    )
    return int(moved - paid)


def _of_close(
    facts: Sequence[ReportFact], sized: ReportFact, *, capital_cents: int
) -> Iterator[NamedCells]:
    """The rows of a close. facts: of its row."""
    runs = [_scenario(fact) for fact in facts if fact["type"] == _RUN]
    fund_cents = max(0, capital_cents) + sum(
        max(0, fact["held_cents"]) for fact in facts if fact["type"] == _REQUIRED
    )
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
    tells="by scenario the two largest losses over margin; cover, what the fund must have and has",
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
