"""`clearing demo`: a market on real token prices, cleared; what happened, as page and reports."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from services.console.example import example

_OUT: Final = ".clearing/demo"
_DAYS: Final = 65
_SEED: Final = 7
# That of services/demo/market.py, which --help does not import.
_DAYS_MAX: Final = 160


@click.command(
    "demo",
    epilog=example(
        "clearing demo",
        "clearing demo --days 20 --seed 3 --out /tmp/demo",
    ),
)
@click.option("--out", metavar="DIR", default=_OUT, show_default=True)
@click.option("--data", metavar="DIR", help="Directory of its Postgres.  [default: OUT/books]")
@click.option("--days", type=click.IntRange(1, _DAYS_MAX), default=_DAYS, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=_SEED, show_default=True)
def demo_command(*, out: str, data: str | None, days: int, seed: int) -> None:
    """Clear a market on real token prices and show what happened.

    Prints what happened, checks the laws, and writes a page with plots, the reports as CSV and the
    commands. The same seed gives the same day hashes everywhere. Begins afresh each time.
    """
    from services.console.demo_show import show_demo

    show_demo(Path(out), data, days=days, seed=seed)
