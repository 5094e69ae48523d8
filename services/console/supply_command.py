"""`clearing supply`: what changes of the factors do to supply, cost, demand and the curve."""

from __future__ import annotations

from typing import Final

import click

from services.console.example import example
from services.console.option_values import named_numbers
from services.console.output import say
from services.reports.formats import FORMATS

# Without any change or growth: a tenth more of each factor, one after the other.
_USUAL_CHANGE: Final = 0.10
_SUCH_AS: Final = "FACTOR=NUMBER, such as energy=25"


@click.command(
    "supply",
    epilog=example(
        "clearing supply",
        "clearing supply --change energy=25 --change hardware=40",
        "clearing supply --growth algorithm=42 --format csv",
    ),
)
@click.option(
    "--change", "changes", multiple=True, metavar="FACTOR=PERCENT",
    help="A change at once; FACTOR: hardware, algorithm, capital or energy.  [default: each +10]",
)  # fmt: skip
@click.option(
    "--growth", multiple=True, metavar="FACTOR=PERCENT",
    help="Growth by the year: the trend of the level, in place of table 3's.",
)  # fmt: skip
@click.option(
    "--base", "bases", multiple=True, metavar="FACTOR=VALUE",
    help="A factor in your own unit, in place of an index of 100.",
)  # fmt: skip
@click.option(
    "--format", "shape", type=click.Choice(list(FORMATS)), default="table", show_default=True
)
def supply_command(
    *, changes: tuple[str, ...], growth: tuple[str, ...], bases: tuple[str, ...], shape: str
) -> None:
    """Tell what hardware, algorithms, capital and energy do to supply, cost and the curve.

    Supply is hardware efficiency × algorithm efficiency × capital / cost of energy, marginal cost
    the cost of energy / both efficiencies (eq. 1-3 of the paper). The long-run level of the price
    moves with marginal cost, and demand with the price. `clearing docs paper` explains the figures.
    """
    from risk.price_model import OutOfDomain
    from risk.supply import SUPPLY_ELASTICITIES, SupplyFactors, check_change
    from services.paper.supply_answer import supply_answer

    def change(name: str, percent: float) -> float:
        return check_change(name, percent / 100)

    def value(name: str, amount: float) -> float:
        check_change(name, 0.0)
        return float(getattr(SupplyFactors(**{name: amount}), name))

    at_once = named_numbers(changes, change, option="--change", such_as=_SUCH_AS)
    by_year = named_numbers(growth, change, option="--growth", such_as=_SUCH_AS)
    if not at_once and not by_year:
        at_once = dict.fromkeys(SUPPLY_ELASTICITIES, _USUAL_CHANGE)
    factors = SupplyFactors(**named_numbers(bases, value, option="--base", such_as=_SUCH_AS))
    try:
        report = supply_answer(factors, changes=at_once, growth=by_year)
    except OutOfDomain as error:  # A factor that was inside its domain and is not after a change.
        raise click.UsageError(str(error)) from error
    say(FORMATS[shape](report))
