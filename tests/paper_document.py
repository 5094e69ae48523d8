"""The figures in PAPER.md, made by `clearing paper` and `supply`: `python -m tests.paper_document`.

In: the comparison by default paths and seed; `clearing supply` as it is usually given. Out: the
document with both between their marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from click.testing import CliRunner

from services.backtest.index_series import shipped_index
from services.cli import cli
from services.paper.comparison import PATHS, SEED, compare
from services.paper.formats import PAPER_LINES

REWRITE_PAPER: Final = "python -m tests.paper_document"
_DOCUMENT: Final = Path(__file__).parents[1] / "services/paper/PAPER.md"
_END: Final = "<!-- end -->\n"


def with_figures(text: str, lines: Sequence[str], *, mark: str = "figures") -> str:
    """The document with these lines between its marks."""
    begin = f"<!-- {mark} -->\n"
    before, found, after = text.partition(begin)
    assert found, f"no {mark} in the document"
    made = "".join(f"{line}\n" for line in ("", *lines, ""))
    return before + begin + made + _END + after.partition(_END)[2]


def supply_lines() -> list[str]:
    """What `clearing supply` prints, as a block of text."""
    printed = CliRunner().invoke(cli, ["supply"]).output
    return ["```text", *printed.splitlines(), "```"]


if __name__ == "__main__":
    lines = [*PAPER_LINES["md"](compare(PATHS, seed=SEED, index=shipped_index()))]
    text = with_figures(_DOCUMENT.read_text("utf-8"), lines)
    _DOCUMENT.write_text(with_figures(text, supply_lines(), mark="supply"), "utf-8")
