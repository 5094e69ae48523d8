"""The figures in PAPER.md, made by `clearing paper`: `python -m tests.paper_document`.

In: the comparison by default paths and seed. Out: the document with its Markdown between the marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.backtest.index_series import shipped_index
from services.paper.comparison import PATHS, SEED, compare
from services.paper.formats import PAPER_LINES

REWRITE_PAPER: Final = "python -m tests.paper_document"
_DOCUMENT: Final = Path(__file__).parents[1] / "services/paper/PAPER.md"
_BEGIN, _END = "<!-- figures -->\n", "<!-- end -->\n"


def with_figures(text: str, lines: Sequence[str]) -> str:
    """The document with these lines between its marks."""
    before, _, after = text.partition(_BEGIN)
    made = "".join(f"{line}\n" for line in ("", *lines, ""))
    return before + _BEGIN + made + _END + after.partition(_END)[2]


if __name__ == "__main__":
    lines = [*PAPER_LINES["md"](compare(PATHS, seed=SEED, index=shipped_index()))]
    _DOCUMENT.write_text(with_figures(_DOCUMENT.read_text("utf-8"), lines), "utf-8")
