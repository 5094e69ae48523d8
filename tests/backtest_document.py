"""The figures in BACKTEST.md, made by the back-test: `python -m tests.backtest_document`.

In: the outcome of all models on the history that ships. Out: what stands between the marks of the
document, rewritten when this is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from risk.backtest import Review, Window
from risk.exception_tests import power
from risk.margin_models import MODELS
from services.backtest.formats import COVER, TESTS
from services.backtest.index_series import shipped_index
from services.backtest.on_index import backtest_index
from services.backtest.outcome import Backtest, ModelFigures

REWRITE: Final = "python -m tests.backtest_document"
DOCUMENT: Final = Path(__file__).parents[1] / "services/backtest/BACKTEST.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end -->\n"
# Windows that do not overlap: of a year, of the history that ships, of five and of ten years.
WINDOWS: Final = (125, 335, 625, 1250)
RATES: Final = (0.015, 0.02, 0.03, 0.05)
BAR: Final = 2.5


def shipped_backtest() -> Backtest:
    """All models on the history that ships."""
    return backtest_index(shipped_index(), [*MODELS.values()], source="", days=2)


def written(text: str, backtest: Backtest) -> str:
    """The document with these figures."""
    before, _, after = text.partition(BEGIN)
    made = "".join(line + "\n" for line in figures(backtest))
    return before + BEGIN + made + END + after.partition(END)[2]


def figures(backtest: Backtest) -> Iterator[str]:
    """The tables and the plot."""
    (subject,) = backtest.subjects
    reviews = {
        (model.model, side): model.reviews[side]
        for model in subject.figures
        for side in ("long", "short", "all")
    }
    yield ""
    yield f"Rates of {backtest.first} to {backtest.last}, two days each:"
    yield ""
    yield from markdown(
        ["model", "side", *COVER],
        [[*key, *(show(of_side) for show in COVER.values())] for key, of_side in reviews.items()],
    )
    yield ""
    yield "The tests, on windows that do not overlap, both sides pooled:"
    yield ""
    yield from markdown(["model", *TESTS], [*_tests(reviews)])
    yield ""
    yield "The mean rate of each quarter, a block for every 2.5 %; `x`: windows beyond the rate:"
    yield ""
    yield "```text"
    yield from plot(subject.figures)
    yield "```"
    yield ""
    yield "How likely the upper side of Kupiec's test, at 5 %, sees a model that fails this often:"
    yield ""
    yield from markdown(
        ["windows apart", *(f"{rate:.1%}" for rate in RATES)],
        [[str(count), *(f"{power(count, rate=rate):.0%}" for rate in RATES)] for count in WINDOWS],
    )
    yield ""


def _tests(reviews: Mapping[tuple[str, str], Review]) -> Iterator[list[str]]:
    for (model, side), of_side in reviews.items():
        if side == "all":
            yield [model, *(show(of_side) for show in TESTS.values())]


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def plot(models: Sequence[ModelFigures]) -> Iterator[str]:
    """The mean rate of each quarter as a bar, with a cross for each window that it left."""
    for model in models:
        yield f"{model.model}"
        for quarter, of_quarter in by_quarter(model).items():
            rates = [window.rate for windows in of_quarter for window in windows]
            mean = 100 * sum(rates) / len(rates)
            beyond = sum(any(window.beyond for window in windows) for windows in of_quarter)
            bar = "█" * round(mean / BAR)
            yield f"  {quarter}  {mean:5.1f} %  {bar}{' ' if beyond else ''}{'x' * beyond}"


def by_quarter(model: ModelFigures) -> dict[str, list[tuple[Window, ...]]]:
    """The windows of both sides by quarter."""
    quarters: dict[str, list[tuple[Window, ...]]] = {}
    for windows in zip(*model.windows.values(), strict=True):
        quarters.setdefault(quarter_of(windows[0].day), []).append(windows)
    return quarters


def quarter_of(day: date) -> str:
    """`2024 Q1`."""
    return f"{day.year} Q{(day.month + 2) // 3}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8"), shipped_backtest()), "utf-8")
