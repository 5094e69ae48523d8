"""Hedging programmes, their command and their document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from events.contracts import Delivery
from risk.backtest import IndexSeries
from risk.price_scenarios import BASELINE, PRICE_SCENARIOS
from services.backtest.index_series import shipped_index
from services.cli import cli
from services.console import hedge_command
from services.console.docs_command import DOCUMENTS
from services.paper import hedge_paths
from services.paper.hedge_answer import FIGURE_HEADS
from services.paper.hedge_history import history_programmes, provider_changes
from services.paper.hedge_paths import (
    FRONT,
    MONTHS_MAX,
    STRIP,
    PathPlan,
    own_over_index,
    path_programmes,
)
from services.paper.hedge_programme import HedgeRow, Programme, Terms, hedged_rows
from services.paper.hedge_rows import hedge_rows
from services.paper.hedge_usage import Usage
from services.paper.simulation import sample_paths
from settlement.calendar import third_wednesday
from tests.browser import said_of
from tests.hedge_document import REWRITE_HEDGE, hedge_lines
from tests.paper_document import with_figures

TEXT = DOCUMENTS["hedge"].text
FREE = Terms(ratio=None, interest=0.0)


def plan_of(mtok: Sequence[float], *, roll: str = FRONT, pairs: int = 500) -> PathPlan:
    return PathPlan(np.array(mtok, dtype=np.float64), roll, pairs, 1, 0.43, 0.0)


def programmes_of(plan: PathPlan) -> list[Programme]:
    return [*path_programmes([PRICE_SCENARIOS[BASELINE]], plan, advance=lambda _done, _note: None)]


def rows_of(plan: PathPlan, terms: Terms = FREE) -> list[HedgeRow]:
    return hedged_rows(programmes_of(plan), terms, seed=1)


def hedge(*options: str) -> Result:
    return CliRunner().invoke(cli, ["hedge", *options])


def test_a_month_hedged_in_its_own_contract_at_the_index_has_no_variance() -> None:
    at_index, _ = rows_of(plan_of([10_000]), Terms(1.0, 0.0))
    assert at_index.hedged.deviation == pytest.approx(0, abs=1e-8)
    assert at_index.hedged.mean == pytest.approx(at_index.budget)
    assert at_index.efficiency == pytest.approx(1)
    assert at_index.best_ratio == pytest.approx(1)


def test_a_quarters_last_month_is_its_contracts_own() -> None:
    at_index, own = rows_of(plan_of([0, 0, 5_000], roll=STRIP), Terms(1.0, 0.0))
    assert at_index.hedged.deviation == pytest.approx(0, abs=1e-8)
    assert own.hedged.deviation > 1


@pytest.mark.parametrize("roll", [FRONT, STRIP])
def test_the_efficiency_is_rho_squared_without_interest(roll: str) -> None:
    for row in rows_of(plan_of([1e8] * 7, roll=roll)):
        assert row.efficiency == pytest.approx(row.correlation**2, abs=1e-6)
        assert row.interval[0] < row.efficiency < row.interval[1]


def test_gains_of_futures_are_worth_nothing_on_average() -> None:
    for roll in (FRONT, STRIP):
        at_index, _ = rows_of(plan_of([1000] * 6, roll=roll, pairs=2_000), Terms(1.0, 0.0))
        error = at_index.hedged.deviation / np.sqrt(2_000)
        assert abs(at_index.hedged.mean - at_index.budget) < 4 * error


def test_a_firms_price_over_the_index_has_the_stated_law() -> None:
    factors = own_over_index(plan_of([1] * 24, pairs=20_000), np.random.default_rng(1))
    logs = np.log(factors)
    for month in (1, 24):
        spread = 0.43 * np.sqrt(1 - np.exp(-2 * 1.75 * month / 12))
        assert logs[month - 1].std() == pytest.approx(spread, rel=0.02)
        assert factors[month - 1].mean() == pytest.approx(1, abs=0.01)
    again = np.corrcoef(logs[22], logs[23])[0, 1]
    assert again == pytest.approx(np.exp(-1.75 / 12), abs=0.02)


def test_the_basis_is_that_of_anthropic() -> None:
    index = shipped_index()
    prices = dict(zip(index.days, index.micros, strict=True))
    logs = []
    month = Delivery(2024, 3)
    while month <= Delivery(2025, 12):
        day = third_wednesday(month)
        own = [price for since, price in provider_changes()["anthropic"] if since <= day][-1]
        logs.append(np.log(own * 1e6 / prices[day]))
        month = month.next
    assert np.std(logs, ddof=1) == pytest.approx(hedge_paths.BASIS_SD, abs=0.005)
    monthly = np.std(np.diff(logs), ddof=1)
    kappa = -12 * np.log(1 - monthly**2 / (2 * np.std(logs, ddof=1) ** 2))
    assert kappa == pytest.approx(hedge_paths.BASIS_KAPPA, abs=0.05)


def test_tokens_that_differ_from_the_plan_make_the_hedge_worse() -> None:
    sure, _ = rows_of(plan_of([1000] * 6))
    unsure, _ = rows_of(plan_of([1000] * 6)._replace(volume_sd=0.5))
    assert unsure.efficiency < sure.efficiency - 0.05
    assert unsure.unhedged.deviation > sure.unhedged.deviation


def test_whole_lots_of_a_small_firm_are_none() -> None:
    (row, _) = rows_of(plan_of([1, 0]), Terms(0.4, 0.0))
    assert (row.lots, row.efficiency) == (0, 0)


def test_the_papers_table_has_the_hedges_of_the_command() -> None:
    samples = {BASELINE: sample_paths(PRICE_SCENARIOS[BASELINE].model, rng_of(0), pairs=200)}
    ratios = [row for row in hedge_rows(samples, seed=1) if row.figure == "hedge ratio h*"]
    for roll, (at_index, own) in ((FRONT, ratios[:2]), (STRIP, ratios[2:])):
        commands = rows_of(plan_of([1e6] * 12, roll=roll, pairs=200))
        ours = [at_index.estimate.value, own.estimate.value]
        assert ours == pytest.approx([row.best_ratio for row in commands])
        assert at_index.reading == f"baseline, at the index, {roll}"


def test_a_printed_efficiency_is_agreed_with_within_three_errors() -> None:
    samples = {BASELINE: sample_paths(PRICE_SCENARIOS[BASELINE].model, rng_of(0), pairs=200)}
    for row in hedge_rows(samples, seed=1):
        value, error = row.estimate
        assert error is not None
        is_in = abs(value - 0.78) <= 3 * error
        assert row.follows == ("open" if row.paper == "-" else "yes" if is_in else "no")


def rng_of(number: int) -> np.random.Generator:
    """As a scenario of that number has it at seed 1."""
    return np.random.default_rng([1, number])


def small_index(prices: Sequence[float]) -> IndexSeries:
    """A business day after the other from 2024-01-01, a price for each month."""
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(31 * len(prices))]
    days = [day for day in days if day.weekday() < 5 and day.year == 2024]
    months = [min(day.month, len(prices)) for day in days]
    return IndexSeries(days, [round(prices[month - 1] * 1e6) for month in months])


def test_history_by_hand() -> None:
    prices = [10, 8, 9, 6, 7, 7, 5, 4]
    made = history_programmes(small_index(prices), Usage(None, np.array([100.0])), roll=FRONT)
    index = made.programmes[0]
    assert index.subject == "index"
    assert index.bills.tolist() == [800, 900, 600, 700, 700, 500, 400]
    assert index.budgets.tolist() == [1000, 800, 900, 600, 700, 700, 500]
    (row,) = hedged_rows([index], FREE, seed=1)
    assert (row.ratio, row.efficiency) == pytest.approx((1, 1))
    # openai, adjusted: 37.4401, from 2023-11-06 13.6849, from 2024-04-09 13.5379, ...
    openai = next(programme for programme in made.programmes if programme.subject == "openai")
    assert openai.bills[:3].tolist() == pytest.approx([1368.49, 1368.49, 1353.79])
    assert openai.budgets[:3].tolist() == pytest.approx([1368.49, 1368.49, 1368.49])


def test_a_quarter_of_history_by_hand() -> None:
    usage = Usage(Delivery(2023, 4), np.arange(1.0, 34.0))
    made = history_programmes(shipped_index(), usage, roll=STRIP)
    index = made.programmes[0]
    # April to June 2023 at 37.440096 without a move: 1 + 2 + 3 million tokens.
    assert index.bills[0] == pytest.approx(6 * 37.440096)
    assert index.bills.size == 11
    # October to December 2023: 7 at 37.440096, 8 and 9 at 13.684883.
    assert index.bills[2] == pytest.approx(7 * 37.440096 + 17 * 13.684883)
    (row,) = hedged_rows([index], Terms(1.0, 0.0), seed=1)
    assert row.hedged.deviation == pytest.approx(0, abs=1e-8)


def written(folder: Path, text: str) -> str:
    file = folder / "plan.csv"
    file.write_text(text, "utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected the columns month and mtok (millions of tokens), found 'nothing'"),
        ("month,tokens\n2025-01,5\n", "line 1: expected the columns month and mtok"),
        ("month,mtok\n", ": expected at least 2 months and some tokens, found 0 months"),
        ("month,mtok\n2025-01,5\n", ": expected at least 2 months and some tokens"),
        ("month,mtok\n2025-01,0\n2025-02,0\n", "found 2 months with 0 mtok"),
        ("month,mtok\n2025-01,5\n2025-03,5\n", "line 3: month: expected 2025-02, without gap"),
        ("month,mtok\n2025-01,5\n2025-01,5\n", "line 3: month: expected 2025-02, without gap"),
        ("month,mtok\n2025-13,5\n", "line 2: month: expected a month as 2025-04, found '2025-13'"),
        ("month,mtok\n2025-01,-5\n", "line 2: mtok: expected 0 to 1,000,000,000 millions"),
        ("month,mtok\n2025-01,5000000000\n", "line 2: mtok: expected 0 to 1,000,000,000 millions"),
        ("month,mtok\n2025-01,5M\n", "line 2: mtok: expected a plain decimal, found '5M'"),
        ("month,mtok\n2025-01\n", "line 2: expected 2 cells, found 1"),
        ('month,mtok\n"2025-01\n', "not CSV"),
    ],
)
def test_a_bad_plan_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    ran = hedge("--usage", file)
    assert ran.exit_code == 2
    assert message in ran.output
    assert file in ran.output


def test_a_plan_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "cannot read" in hedge("--usage", str(tmp_path / "none.csv")).output
    (tmp_path / "latin.csv").write_bytes(b"month,mtok\n2025-01,\xff\n")
    assert "line 2: expected UTF-8, found byte 0xff" in hedge(
        "--usage", str(tmp_path / "latin.csv")
    ).output  # fmt: skip


@pytest.mark.parametrize(
    ("first", "months", "roll", "message"),
    [
        ((2023, 3), 6, FRONT, "expected months of the history, 2023-04 to 2025-12"),
        ((2025, 8), 6, FRONT, "found 2025-08 to 2026-01"),
        ((2025, 1), 5, FRONT, "expected at least 6 months, 6 programmes, found 5"),
        ((2023, 5), 18, STRIP, "expected whole quarters for the strip, found 2023-05 to 2024-10"),
    ],
)
def test_a_plan_beside_the_history_is_refused(
    tmp_path: Path, first: tuple[int, int], months: int, roll: str, message: str
) -> None:
    month, lines = Delivery(*first), ["month,mtok"]
    for _ in range(months):
        lines.append(f"{month.text},5")
        month = month.next
    ran = hedge("--usage", written(tmp_path, "\n".join(lines)), "--history", "--roll", roll)
    assert (ran.exit_code, message in ran.output) == (2, True), ran.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ratio", "much"], "--ratio: expected auto or a number from 0 to 10, found 'much'"),
        (["--ratio", "nan"], "--ratio: expected auto or a number from 0 to 10, found 'nan'"),
        (["--ratio", "11"], "--ratio: expected auto or a number from 0 to 10, found '11'"),
        (["--basis-sd", "nan"], "--basis-sd: expected a number, found nan"),
        (["--interest", "nan"], "--interest: expected a number, found nan"),
        (["--volume-sd", "-1"], "'--volume-sd': -1.0 is not in the range 0<=x<=2"),
        (["--scenario", "boom"], "'--scenario': 'boom' is not one of 'baseline'"),
        (["--monthly", "0"], "--monthly: mtok: expected above 0, found 0"),
        (["--monthly", "1e3"], "--monthly: mtok: expected a plain decimal, found '1e3'"),
        (["--paths", "201"], "--paths: expected an even number, found 201"),
        (["--parameter", "kappa=0"], "--parameter: kappa: expected above 0, found 0"),
        (["--parameter", "sigma=-0.1"], "--parameter: sigma: expected at least 0, found -0.1"),
        (["--parameter", "jump_rate=-1"], "--parameter: jump_rate: expected at least 0, found -1"),
        (["--parameter", "beta=nan"], "--parameter: beta: expected a finite number, found nan"),
        (["--parameter", "season_years=0"], "season_years: expected above 0, found 0"),
        (["--parameter", "jump_rate=1e7"], "jump_rate: expected at most 100,000,000 jumps"),
        (["--parameter", "jump_mean=701"], "jump_mean + jump_sd²/2: expected at most 700"),
        (["--parameter", "beta=5000"], "expected finite numbers, found some beyond 1e308"),
        (["--parameter", "sigma=0", "--parameter", "jump_rate=0"], "expected prices that move"),
        (["--parameter", "speed=2"], "parameter: expected one of kappa, theta, beta, gamma"),
        (["--parameter", "kappa"], "expected NAME=NUMBER, such as kappa=4, found kappa"),
        (["--parameter", "kappa=1", "--parameter", "kappa=2"], "kappa: expected once, found again"),
        (["--history", "--parameter", "kappa=2"], "expected --history or --parameter, found both"),
        (["--history", "--volume-sd", "0.1"], "expected --history or --volume-sd, found both"),
        (["--monthly", "5", "--usage", "x"], "expected --usage or --monthly, found both"),
    ],
)
def test_a_bad_option_is_refused_by_name(options: list[str], message: str) -> None:
    ran = hedge(*options)
    assert (ran.exit_code, message in ran.output) == (2, True), ran.output


def test_a_plan_longer_than_contracts_are_listed_is_refused(tmp_path: Path) -> None:
    months = [f"{year}-{month:02},5" for year in (2025, 2026) for month in range(1, 13)]
    ran = hedge("--usage", written(tmp_path, "\n".join(["month,mtok", *months])), "--roll", "strip")
    assert "expected at most 18 months for the strip, found 24" in ran.output


def test_the_command_prints_each_shape_and_the_same_for_a_seed() -> None:
    few = ["--paths", "200", "--scenario", "all", "--format", "json"]
    first, again = hedge(*few), hedge(*few)
    assert first.stdout == again.stdout
    tree = json.loads(first.stdout)
    assert [row["subject"] for row in tree["rows"]][::2] == [
        f"{name}, at the index" for name in PRICE_SCENARIOS
    ]
    assert tree["rows"] != json.loads(hedge(*few, "--seed", "2").stdout)["rows"]
    table = hedge("--history", "--ratio", "1").stdout.splitlines()
    assert max(map(len, table)) <= 120


def test_a_parameter_that_is_set_is_simulated_and_stated() -> None:
    few = ["--paths", "200", "--ratio", "1", "--format", "json"]
    still = ("sigma=0.001", "jump_rate=0", "gamma=0", "beta=0")
    tree = json.loads(hedge(*few, *(f"--parameter={text}" for text in still)).stdout)
    # Hardly anything moves the price from 2.00: twelve months of a thousand million tokens.
    assert tree["rows"][1]["budget_usd"] == pytest.approx(24_000, abs=0.01)
    assert tree["settings"]["parameter"] == ", ".join(still)
    assert "set: sigma 0.001, jump_rate 0, gamma 0, beta 0." in tree["notes"][-1]


def test_the_page_has_every_figure_and_a_chart_of_each_firm() -> None:
    page = hedge("--paths", "200", "--format", "html").stdout
    charts = said_of(page, "return [...page.querySelectorAll('svg')].length;", width=1100)
    assert charts == 2
    rows = said_of(page, "return page.querySelectorAll('tbody tr').length;", width=1100)
    assert rows == len(FIGURE_HEADS) - 1
    for width in (360, 1100):
        wide = said_of(page, "return page.documentElement.scrollWidth;", width=width)
        assert wide == width


def test_the_command_knows_what_there_is() -> None:
    options = {option.name: option for option in hedge_command.hedge_command.params}
    assert options["basis_sd"].default == hedge_paths.BASIS_SD
    for option, names in (("scenario", [*PRICE_SCENARIOS, "all"]), ("roll", MONTHS_MAX)):
        assert [*options[option].to_info_dict()["type"]["choices"]] == [*names]


def test_the_figures_in_the_document_are_the_commands() -> None:
    assert with_figures(TEXT, [*hedge_lines()]) == TEXT, f"run {REWRITE_HEDGE}"
