"""The figures in HEDGE.md, made by `clearing hedge`: `python -m tests.hedge_document`.

In: the default options, both rolls, all scenarios and the history. Out: the document with a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from risk.price_scenarios import PRICE_SCENARIOS
from services.backtest.index_series import shipped_index
from services.paper.hedge_answer import FIGURE_HEADS, shown_figures
from services.paper.hedge_history import history_programmes
from services.paper.hedge_paths import BASIS_SD, FRONT, STRIP, PathPlan, path_programmes
from services.paper.hedge_programme import Programme, Terms, hedged_rows
from services.paper.hedge_usage import Usage
from tests.paper_document import with_figures

REWRITE_HEDGE: Final = "python -m tests.hedge_document"
_DOCUMENT: Final = Path(__file__).parents[1] / "services/paper/HEDGE.md"
_SHOWN: Final = (
    "", "ratio h", "correlation ρ", "of it financing, $", "by eq. 7 instead, $",
    "efficiency E", "95 % interval", "deviation falls by",
)  # fmt: skip


def hedge_lines() -> Iterator[str]:
    """The table in Markdown."""
    heads = ["firm", "roll", *_SHOWN[1:], "from"]
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    monthly = 1_000.0
    for roll in (FRONT, STRIP):
        plan = PathPlan(np.full(12, monthly), roll, 5_000, 1, BASIS_SD, 0.0)
        paths = [
            *path_programmes([*PRICE_SCENARIOS.values()], plan, advance=lambda _done, _note: None)
        ]
        yield from _rows(paths, roll, source="10,000 paths")
    for roll, length in ((FRONT, "months"), (STRIP, "quarters")):
        usage = Usage(None, np.array([monthly]))
        history = history_programmes(shipped_index(), usage, roll=roll)
        yield from _rows(history.programmes, roll, source=length)


def _rows(programmes: list[Programme], roll: str, *, source: str) -> Iterator[str]:
    for row in hedged_rows(programmes, Terms(None, 0.05), seed=1):
        figures = dict(zip(FIGURE_HEADS, shown_figures(row), strict=True))
        subject, *numbers = [figures[head] for head in _SHOWN]
        counted = source if "paths" in source else f"{row.observations} {source}"
        yield f"| {' | '.join([subject, roll, *numbers, counted])} |"


if __name__ == "__main__":
    made = with_figures(_DOCUMENT.read_text("utf-8"), [*hedge_lines()])
    _DOCUMENT.write_text(made, "utf-8")
