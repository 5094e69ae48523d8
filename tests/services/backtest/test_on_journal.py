"""The back-test of a journal: a market by hand, cleared; and books of several models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from risk.backtest import Review
from risk.margin import Holding, MarginModel, Measure, Requirement, rate
from risk.margin_models import MODELS, PAPER
from services.backtest.live_book import AccountMargin, LiveBook, StatedMargin, read_live
from services.backtest.on_journal import LivePeriod, backtest_journal
from services.backtest.outcome import FLAT, Backtest, NothingToTest, Subject
from services.cli import cli
from services.journal.embedded import EmbeddedServer
from services.reports.view import JournalView
from tests.services.audit.tampering import tamper
from tests.services.backtest.moving_market import DAYS, MOVING_MARKET
from tests.services.reports.conftest import cleared_once

FIRST, SECOND, THIRD, FOURTH = (date.fromisoformat(day) for day in DAYS[:4])
ACCOUNTS = ("A-H", "B-H")


@pytest.fixture(scope="module")
def moved(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database that holds the market."""
    yield from cleared_once(postgres, tmp_path_factory.mktemp("moved"), MOVING_MARKET)


@pytest.fixture(scope="module")
def book(moved: str) -> LiveBook:
    """What its journal says."""
    with JournalView(moved) as view:
        return read_live(view, until=date.max)


def period(*, days: int = 2, since: date = date.min) -> LivePeriod:
    return LivePeriod(days, since, lambda name, _: {"spread_ppm": 100_000}[name])


@pytest.fixture(scope="module")
def backtest(book: LiveBook) -> Backtest:
    """The back-test of its four closes: rates of the first two."""
    return backtest_journal(book, source="", period=period(), models=MODELS)


def subject(backtest: Backtest, name: str) -> Subject:
    (chosen,) = [one for one in backtest.subjects if one.name == name]
    return chosen


def reviewed(backtest: Backtest, name: str, *, side: str = "all", model: str = PAPER) -> Review:
    (figures,) = [one for one in subject(backtest, name).figures if one.model == model]
    return {str(of_side): review for of_side, review in figures.reviews.items()}[side]


def test_a_contract_has_its_stated_rates_against_its_moves(backtest: Backtest) -> None:
    # 200 → 180 → 190 at its end, and from 180 to that: its last close has no rate.
    long = reviewed(backtest, "SITM26", side="long")
    assert (long.windows, long.uncovered, long.one_day_exceptions) == (2, 0, 1)
    # 200 → 200 → 250 → 250: who is short loses 25 %, twice, at a rate of 8 %.
    short = reviewed(backtest, "SITN26", side="short")
    assert (short.windows, short.uncovered, short.one_day_exceptions) == (2, 2, 1)
    assert (short.mean_rate, short.breach_dates) == (0.08, (FIRST, SECOND))
    assert short.worst_beyond == pytest.approx(0.17)
    assert reviewed(backtest, "SITN26", side="short", model=FLAT).uncovered == 0


def test_the_front_month_is_the_first_that_goes_on(backtest: Backtest, book: LiveBook) -> None:
    assert [book.listed_on("SIT", day)[0] for day in (FIRST, SECOND, THIRD)] == [
        "SITM26", "SITM26", "SITN26",
    ]  # fmt: skip
    front, contract = (reviewed(backtest, name) for name in ("SIT front month", "SITM26"))
    assert front == contract


def test_a_calendar_spread_loses_what_its_legs_do(backtest: Backtest) -> None:
    # First close: −10 − 50 of 400; second: +10 − 50 of 380.
    long = reviewed(backtest, "SIT calendar spread", side="long")
    assert (long.windows, long.uncovered, long.mean_rate) == (2, 2, 0.08)
    assert long.worst_beyond == pytest.approx(60 / 400 - 0.08)
    assert reviewed(backtest, "SIT calendar spread", side="short").uncovered == 0


def test_an_account_has_its_requirement_against_its_variation(backtest: Backtest) -> None:
    # A-H: −10 · 1000 − 50 · 500 = −35,000 of 300,000, asked 24,000; then −15,000 of 280,000.
    figures = reviewed(backtest, "A-H")
    assert (figures.windows, figures.uncovered, figures.breach_dates) == (2, 1, (FIRST,))
    assert figures.worst_beyond == pytest.approx((35_000 - 24_000) / 300_000)
    assert reviewed(backtest, "B-H").uncovered == 0


def test_the_requirement_of_all_accounts_stands_close_by_close(backtest: Backtest) -> None:
    assert [*backtest.required] == [
        (FIRST, 48_000, 48_000, 150_000),
        (SECOND, 44_800, 44_800, 140_000),
    ]


def test_only_windows_from_a_day_on_count(book: LiveBook) -> None:
    later = backtest_journal(book, source="", period=period(since=SECOND), models=MODELS)
    assert (later.first, later.last) == (SECOND, SECOND)
    assert reviewed(later, "A-H").uncovered == 0


def test_closes_after_the_last_day_are_not_read(moved: str) -> None:
    with JournalView(moved) as view:
        early = read_live(view, until=SECOND)
    assert early.sessions == [FIRST, SECOND]
    with pytest.raises(NothingToTest, match="needs 2 closes after its own, found 2 closes"):
        backtest_journal(early, source="", period=period(), models=MODELS)


def test_a_model_that_was_never_in_force_is_named(book: LiveBook) -> None:
    with pytest.raises(NothingToTest, match="no position was margined by scan at these closes"):
        backtest_journal(book, source="", period=period(), models=["scan"])


def ask_of(url: str, *options: str) -> Result:
    return CliRunner().invoke(cli, ["backtest", "--database", url, *options])


def test_the_command_tells_of_contracts_portfolios_and_accounts(moved: str) -> None:
    tree = json.loads(ask_of(moved, "--format", "json").stdout)
    assert tree["source"] == "the journal of a database"
    assert tree["contracts"]["SITM26"]["in_force"] == [PAPER]
    assert tree["portfolios"].keys() == {"SIT front month", "SIT calendar spread"}
    assert tree["accounts"]["A-H"]["models"][PAPER]["all"]["breach_dates"] == [DAYS[0]]
    assert tree["required"][0]["in_force_cents"] == 48_000


def test_tables_and_the_page_show_the_accounts_that_were_not_covered(moved: str) -> None:
    table = ask_of(moved).stdout
    assert "SIT calendar spread, margined by paper" in table
    assert "Accounts that were not covered, 1 of 2" in table
    page = ask_of(moved, "--format", "html").stdout
    assert "Accounts that were not covered, 1 of 2" in page
    assert 'aria-label="Initial margin of all accounts at each close"' in page


def test_a_journal_that_is_too_short_says_so(moved: str, tmp_path: Path) -> None:
    ran = ask_of(moved, "--days", "4")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "too short: a window needs 4 closes after its own, found 4 closes" in ran.stderr
    nowhere = CliRunner().invoke(cli, ["backtest", "--data", str(tmp_path / "none")])
    assert nowhere.exit_code == 2
    assert "there are no books in" in nowhere.stderr


def test_a_close_that_hides_rows_ends_it_with_1(postgres: EmbeddedServer, tmp_path: Path) -> None:
    for url in cleared_once(postgres, tmp_path, MOVING_MARKET):
        shard, day = "shard = 'market/SIT'", f"business_date = '{DAYS[1]}'"
        tamper(url, f"UPDATE day SET seq = seq - 1 WHERE {shard} AND {day}")  # noqa: S608 - ours
        ran = ask_of(url)
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert "day market/SIT: a close hides the journal's row" in ran.stderr


def nets_legs(
    holdings: Sequence[Holding], accounts: int, *, settings: Mapping[str, int]
) -> Requirement:
    """What the legs together lose at their scenario, and a tenth of the smaller leg."""
    assert accounts == 1
    losses = [
        int(holding.lots[0]) * (holding.price_cents or 0) * holding.measure.shocks_ppm[0]
        for holding in holdings
    ]
    charge = min(map(abs, losses)) * settings["spread_ppm"] // 10**6 if len(losses) > 1 else 0
    cents = np.array([(abs(sum(losses)) + charge) // 10**6])
    return Requirement(cents, [])


def two_products(day_models: Sequence[tuple[str, str]]) -> LiveBook:
    """Books of two products under models by day. Prices of SIT double, then stand."""
    book = LiveBook(sessions=[FIRST, SECOND, THIRD, FOURTH])
    measures = {PAPER: rate(80_000), "made": Measure("moves", (300_000,))}
    for number, day in enumerate(book.sessions):
        for contract, ticks in (
            ("SITM26", 400 if number else 200),
            ("SITN26", 100),
            ("SCUM26", 50),
        ):
            model = day_models[number][contract == "SCUM26"]
            book.prices[contract][day] = ticks
            book.margins[contract][day] = StatedMargin(model, measures[model], 80_000)
    return book


@pytest.fixture
def made_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model in the table that nets the legs of a spread."""

    def measured(*_: object) -> Measure:
        raise AssertionError

    monkeypatch.setitem(
        MODELS, "made", MarginModel("made", 1, (), measured, nets_legs, ("spread_ppm",))
    )


@pytest.mark.usefixtures("made_model")
def test_portfolios_are_asked_what_their_models_ask_together() -> None:
    book = two_products([("made", PAPER)] * 4)
    made = backtest_journal(book, source="", period=period(days=1), models=MODELS)
    # 200 − 100 at 30 %, and a tenth of 30: 33 of 300; 400 − 100: 93 of 500, twice.
    spread = reviewed(made, "SIT calendar spread", model="made")
    assert (spread.windows, spread.peak_rate) == (3, 0.186)
    assert spread.mean_rate == pytest.approx((33 / 300 + 2 * 93 / 500) / 3)
    # As much of each: 30 % of the one and 8 % of the other.
    against = subject(made, "SIT against SCU")
    assert against.in_force == ("paper+made",)
    assert reviewed(made, "SIT against SCU", model="paper+made").mean_rate == pytest.approx(0.19)
    assert reviewed(made, "SIT against SCU").mean_rate == pytest.approx(0.08)
    assert reviewed(made, "SIT against SCU", side="short").worst_beyond == pytest.approx(0.42)


@pytest.mark.usefixtures("made_model")
def test_each_model_has_the_days_on_which_it_was_in_force_and_paper_all() -> None:
    book = two_products([(PAPER, PAPER), ("made", PAPER), ("made", PAPER), (PAPER, PAPER)])
    made = backtest_journal(book, source="", period=period(days=1), models=MODELS)
    contract = subject(made, "SITM26")
    assert contract.in_force == (PAPER, "made")
    assert [reviewed(made, "SITM26", model=name).windows for name in (PAPER, "made", FLAT)] == [
        3, 2, 3,
    ]  # fmt: skip
    only = backtest_journal(book, source="", period=period(days=1), models=["made"])
    assert [figures.model for figures in subject(only, "SITM26").figures] == ["made", FLAT]


def test_a_window_without_all_prices_and_margins_is_left_out() -> None:
    book = two_products([(PAPER, PAPER)] * 4)
    lots = {"SITM26": 1, "SITN26": 1}
    for day in book.sessions:
        book.accounts["A"][day] = AccountMargin(PAPER, 24, lots if day < THIRD else {})
    del book.prices["SITN26"][THIRD]
    del book.margins["SITM26"][FIRST]
    made = backtest_journal(book, source="", period=period(days=1), models=MODELS)
    names = [one.name for one in made.subjects]
    assert "A" not in names
    assert reviewed(made, "SITM26").windows == 2
    assert [of_day.in_force_cents for of_day in made.required] == [0, 24, 0]
