"""`clearing hedge`: what futures would have done for the bill of a firm that burns tokens."""

from __future__ import annotations

from math import isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from services.console.example import example
from services.console.option_values import check_pairs, named_numbers, option_value
from services.console.output import say, say_json
from services.console.progress import progress

if TYPE_CHECKING:
    from risk.price_scenarios import PriceScenario
    from services.paper.hedge_answer import HedgeAnswer
    from services.paper.hedge_programme import Programme
    from services.paper.hedge_usage import Usage

_SHAPES: Final = ("table", "json", "html")
_SCENARIOS: Final = ("baseline", "demand_explosion", "price_war")
_ALL: Final = "all"
_PATHS, _PATHS_MIN, _SEED = 10_000, 200, 1
_MONTHLY: Final = "1000"
_MONTHS: Final = 12
_BASIS_SD: Final = 0.43
_RATIO_MAX: Final = 10
# click's ranges let nan through.
_FRACTIONS: Final = ("basis_sd", "volume_sd", "interest")


class _Given(NamedTuple):
    usage: str | None
    monthly: str | None
    roll: str
    ratio: str
    interest: float
    seed: int


class _PathOptions(NamedTuple):
    """Options of simulated paths only."""

    scenario: str
    parameter: tuple[str, ...]
    paths: int
    basis_sd: float
    volume_sd: float


@click.command(
    "hedge",
    epilog=example(
        "clearing hedge --monthly 5000",
        "clearing hedge --usage plan.csv --scenario all --roll strip --format html > hedge.html",
        "clearing hedge --history --ratio 1 --format json",
    ),
)
@click.option(
    "--usage", metavar="FILE",
    help="CSV with the columns month (2025-04) and mtok (millions of tokens).",
)  # fmt: skip
@click.option(
    "--monthly", metavar="MTOK", help=f"As many millions of tokens each month; {_MONTHLY} else."
)
@click.option(
    "--scenario", type=click.Choice([*_SCENARIOS, _ALL]), default=_SCENARIOS[0], show_default=True,
    help="Of the simulated prices.",
)  # fmt: skip
@click.option(
    "--parameter", multiple=True, metavar="NAME=NUMBER",
    help="In place of the scenario's, such as kappa=4; `clearing docs paper` has them.",
)  # fmt: skip
@click.option("--history", is_flag=True, help="On real prices, provider by provider.")
@click.option(
    "--ratio", metavar="auto|X", default="auto", show_default=True,
    help="Lots a million tokens; auto: where the bill varies least.",
)  # fmt: skip
@click.option(
    "--roll", type=click.Choice(["front", "strip"]), default="front", show_default=True,
    help="All in the front month, rolled; or in quarterly contracts.",
)  # fmt: skip
@click.option(
    "--basis-sd", type=click.FloatRange(0, 2), default=_BASIS_SD, show_default=True,
    help="Deviation of the log of the firm's price over the index.",
)  # fmt: skip
@click.option(
    "--volume-sd", type=click.FloatRange(0, 2), default=0.0, show_default=True,
    help="Deviation of the log of a month's tokens over the plan.",
)  # fmt: skip
@click.option(
    "--interest", type=click.FloatRange(0, 1), default=0.05, show_default=True,
    help="A year's, on margin and variation; ours.",
)  # fmt: skip
@click.option(
    "--paths", type=click.IntRange(_PATHS_MIN), default=_PATHS, show_default=True,
    help="Of each scenario, an even number.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=_SEED, show_default=True)
@click.option("--format", "shape", type=click.Choice(_SHAPES), default="table", show_default=True)
@click.pass_context
def hedge_command(context: click.Context, /, *, history: bool, shape: str, **given: object) -> None:
    """Tell what futures would have done for a bill of tokens.

    The bill with and without futures, the ratio at which it varies least, how much of its variance
    goes, and what margin costs: on simulated paths over twelve months or the months of a file, or
    with --history on the real index and its providers. `clearing docs hedge` explains the figures.
    """
    options: dict[str, Any] = given
    for name in _FRACTIONS:
        if isnan(options[name]):
            msg = "expected a number, found nan"
            raise click.BadParameter(msg, param_hint=_flag(name))
    of_paths = _PathOptions(**{name: options.pop(name) for name in _PathOptions._fields})
    terms = _Given(**options)
    _ratio(terms.ratio)
    answer = _on_history(context, terms) if history else _on_paths(terms, of_paths)
    from services.paper.hedge_answer import answer_lines, answer_tree

    if shape == "json":
        say_json(answer_tree(answer))
    elif shape == "html":
        from services.paper.hedge_page import hedge_page

        say(hedge_page(answer))
    else:
        say(answer_lines(answer))


def _on_paths(given: _Given, options: _PathOptions) -> HedgeAnswer:
    """The answer on simulated paths."""
    from risk.price_model import OutOfDomain
    from services.paper.hedge_answer import path_notes
    from services.paper.hedge_paths import MONTHS_MAX, PathPlan, path_programmes

    check_pairs(options.paths)
    usage = _usage(given, months=_MONTHS)
    months = usage.mtok.size
    if months > MONTHS_MAX[given.roll]:
        most = MONTHS_MAX[given.roll]
        msg = f"expected at most {most} months for the {given.roll}, found {months}"
        raise click.BadParameter(msg, param_hint="--usage")
    plan = PathPlan(
        usage.mtok, given.roll, options.paths // 2, given.seed, options.basis_sd, options.volume_sd
    )
    try:
        scenarios = _scenarios(options)
        with progress("hedging", total=options.paths * len(scenarios)) as advance:
            programmes = [*path_programmes(scenarios, plan, advance=advance)]
    except OutOfDomain as error:
        raise click.BadParameter(str(error), param_hint="--parameter") from error
    title = (
        f"The bill of {months} months on {options.paths:,} simulated paths, seed {given.seed}, "
        f"hedged by the {given.roll}"
    )
    settings = options._asdict() | {"months": months, "parameter": ", ".join(options.parameter)}
    notes = path_notes(scenarios, basis_sd=options.basis_sd)
    return _answer(title, given, programmes=programmes, settings=settings, notes=notes)


def _scenarios(options: _PathOptions) -> list[PriceScenario]:
    """Those that are named, with the parameters that are set. Errors: OutOfDomain."""
    from risk.price_scenarios import PRICE_SCENARIOS, with_parameters

    parameters = named_numbers(
        options.parameter,
        lambda _name, number: number,
        option="--parameter",
        such_as="NAME=NUMBER, such as kappa=4",
    )
    names = _SCENARIOS if options.scenario == _ALL else (options.scenario,)
    return [with_parameters(PRICE_SCENARIOS[name], parameters) for name in names]


def _on_history(context: click.Context, given: _Given) -> HedgeAnswer:
    """The answer on the real index."""
    for name in _PathOptions._fields:
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            msg = f"expected --history or {_flag(name)}, found both"
            raise click.UsageError(msg)
    from services.backtest.index_series import shipped_index
    from services.paper.hedge_answer import history_notes
    from services.paper.hedge_history import HistoryTooShort, history_programmes

    usage = _usage(given, months=1)
    try:
        made = history_programmes(shipped_index(), usage, roll=given.roll)
    except HistoryTooShort as error:
        raise click.BadParameter(str(error), param_hint=f"--usage {given.usage}") from error
    title = f"Bills on the real history, hedged by the {given.roll}"
    notes = history_notes(made.left_out)
    return _answer(
        title, given, programmes=made.programmes, settings={"history": True}, notes=notes
    )


def _answer(
    title: str,
    given: _Given,
    *,
    programmes: list[Programme],
    settings: dict[str, str | float | int | None],
    notes: list[str],
) -> HedgeAnswer:
    from services.paper.hedge_answer import HedgeAnswer
    from services.paper.hedge_programme import Terms, hedged_rows

    terms = Terms(_ratio(given.ratio), given.interest)
    rows = hedged_rows(programmes, terms, seed=given.seed)
    return HedgeAnswer(title, given._asdict() | settings, notes, rows)


def _usage(given: _Given, *, months: int) -> Usage:
    """The plan of the file, or as many equal months."""
    import numpy as np

    from services.paper.hedge_usage import Usage, mtok_of, usage_of_file
    from services.sources.named_columns import CsvTrouble

    if given.usage is not None and given.monthly is not None:
        msg = "expected --usage or --monthly, found both"
        raise click.UsageError(msg)
    if given.usage is None:
        mtok = option_value(mtok_of, given.monthly or _MONTHLY, option="--monthly")
        if not mtok:
            msg = "mtok: expected above 0, found 0"
            raise click.BadParameter(msg, param_hint="--monthly")
        return Usage(None, np.full(months, mtok))
    try:
        return usage_of_file(Path(given.usage))
    except CsvTrouble as trouble:
        raise click.BadParameter(str(trouble), param_hint="--usage") from trouble


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _ratio(text: str) -> float | None:
    return None if text == "auto" else option_value(_number, text, option="--ratio")


def _number(text: str) -> float:
    msg = f"expected auto or a number from 0 to {_RATIO_MAX}, found {text!r}"
    try:
        ratio = float(text)
    except ValueError as error:
        raise ValueError(msg) from error
    if not isfinite(ratio) or not 0 <= ratio <= _RATIO_MAX:
        raise ValueError(msg)
    return ratio
