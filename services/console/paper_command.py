"""`clearing paper`: the figures that the paper prints of its price model, beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from services.console.example import example
from services.console.option_values import check_pairs
from services.console.output import say

_SHAPES: Final = ("table", "csv", "md", "html")
# Those of services/paper/comparison.py, which --help does not import.
_PATHS, _PATHS_MIN, _SEED = 10_000, 200, 1


@click.command(
    "paper",
    epilog=example(
        "clearing paper",
        "clearing paper --paths 100000 --seed 7 --format csv",
        "clearing paper --index prices.csv",
        "clearing paper --format html > paper.html",
    ),
)
@click.option(
    "--paths", type=click.IntRange(_PATHS_MIN), default=_PATHS, show_default=True,
    help="Paths of each scenario, an even number: they come in antithetic pairs.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0), default=_SEED, show_default=True,
    help="Where the random numbers begin; the same seed, the same table.",
)  # fmt: skip
@click.option(
    "--index", metavar="FILE",
    help="To which table 3 is fitted: CSV with the columns date and tpi, oldest first.",
)  # fmt: skip
@click.option("--format", "shape", type=click.Choice(_SHAPES), default="table", show_default=True)
def paper_command(*, paths: int, seed: int, index: str | None, shape: str) -> None:
    """Hold the paper's printed figures against its own model.

    Simulates the mean-reverting jump-diffusion of table 3 and two scenarios of ours, and prints of
    each figure what the paper has, ours with its standard error, whether it follows from the
    parameters stated, and why; and table 3 beside a fit to the real index. `clearing docs paper`
    explains the figures.
    """
    check_pairs(paths)
    from risk.price_model import OutOfDomain
    from services.backtest.index_series import index_of_file, shipped_index
    from services.paper.comparison import compare
    from services.paper.formats import PAPER_LINES
    from services.paper.page import paper_page
    from services.sources.named_columns import CsvTrouble

    try:
        history = shipped_index() if index is None else index_of_file(Path(index))
        comparison = compare(paths, seed=seed, index=history)
    except (CsvTrouble, OutOfDomain) as trouble:
        raise click.BadParameter(str(trouble), param_hint="--index") from trouble
    say(paper_page(comparison) if shape == "html" else PAPER_LINES[shape](comparison))
