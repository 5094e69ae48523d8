"""Stress by command and by report: a market worked by hand, and the facts of every close again."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.analysis.stress_answer import reverse_answer, stress_answer
from services.analysis.stress_books import stress_books
from services.cli import cli
from services.embedded.clear import clear
from services.reports.report import ReportRequest, UnknownSubject
from services.reports.stress import LARGEST
from services.reports.table import REPORTS
from services.reports.view import JournalView
from tests.services.reports.asking import columns, made
from tests.services.reports.stress_market import AFTER, DAY, NEXT, OPEN
from tests.twin.generate import written

FIRST, SECOND, THIRD = (date.fromisoformat(day) for day in (DAY, NEXT, AFTER))
DOWN = ("G", 130_000_000, "B", 55_000_000, 185_000_000)


def asked(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["stress", *arguments, "--database", url])


def test_the_losses_of_members_add_up_to_the_cover_of_their_groups(closes: JournalView) -> None:
    """The close has paid 30 million of capital back, after it was sized."""
    report = stress_answer(closes, SECOND, scenario="front_down_60")
    assert "cover $1,850,000.00 in front_down_60, fund $1,800,000.00" in report.title
    assert columns(report, *LARGEST, "fund_cents", "is_covered", line="cover") == [
        (*DOWN, 180_000_000, False)
    ]
    assert columns(report, "member", "group", "loss_cents", line="member") == [
        ("A", "G", 104_000_000),
        ("B", "B", 55_000_000),
        ("C", "G", 26_000_000),
    ]


def test_without_a_date_it_is_the_last_close_and_all_scenarios(closes: JournalView) -> None:
    """The fund has 70 of the clearinghouse less 5 that the waterfall took, and 110 of members."""
    report = stress_answer(closes, None, scenario=None)
    assert f"close of {AFTER}: cover $1,850,000.00 in front_down_60, fund $1,750" in report.title
    covered = columns(report, "scenario", "fund_cents", "is_covered", line="cover")
    assert len(covered) == 10
    assert ("front_up_60", 175_000_000, False) in covered
    assert ("parallel_down_50", 175_000_000, True) in covered


@pytest.mark.parametrize("name", ["closes", "view", "expired"])
def test_every_close_is_found_again_as_it_was_stated(
    name: str, request: pytest.FixtureRequest
) -> None:
    """Also that of the day on which a contract ended and others were listed.

    And one after which other terms of an asset came into force.
    """
    view: JournalView = request.getfixturevalue(name)
    closed = [day for day in view.sessions() if day <= view.last_date()]
    for day in closed:
        again = stress_answer(view, day, scenario=None)
        names = ("scenario", *LARGEST)
        stated = columns(made(view, "stress", business_date=day), *names, line="scenario")
        assert columns(again, *names, line="cover") == stated
        (fund,) = columns(made(view, "stress", business_date=day), "fund_cents", line="close")
        if (name, day) != ("closes", SECOND):  # The withdrawal paid by that close is in the books.
            assert fund == (stress_books(view, day).fund_cents,)
    assert len(closed) == {"closes": 3, "view": 1, "expired": 2}[name]


def test_the_least_moves_that_exhaust_are_those_of_a_tick(closes: JournalView) -> None:
    """On the 8th, fund 190: up 1,750,000 lots of the two largest, 28 of margin: 218 / 1.75 = 124.6.

    125 ticks are 62.5 %, 124.5 (to the even 124) are not enough: 62.2501 %. Down 1,500,000 lots of
    A and B, 21 of margin: 211 / 1.5 = 140.7, so 141 ticks, beyond 140.5: 70.2501 %. Assessments add
    201.2, F's least share too: up 419.2 / 1.75 = 239.5, so 240 ticks, from 239.5 on (to the even
    240): 119.75 %; down there are 199.
    """
    report = reverse_answer(closes, FIRST)
    assert columns(report, "exhausts", "amount_cents", "direction", "move_ppm", "cover_cents") == [
        ("fund", 190_000_000, "up", 622_501, 190_750_000),
        ("fund", 190_000_000, "down", -702_501, 190_500_000),
        ("fund and assessments", 391_200_000, "up", 1_197_500, 392_000_000),
        ("fund and assessments", 391_200_000, "down", None, None),
    ]
    assert columns(report, "answer")[0] == ("62.2501 %",)
    assert columns(report, "answer", "group", "until_ppm")[3] == (
        "none up to 100 %",
        None,
        -1_000_000,
    )


def test_an_empty_fund_is_exhausted_by_the_first_loss(view: JournalView) -> None:
    """A-H is long 1005 at 202, margin covers 16,241, or 16.2 ticks: 17 are lost, beyond 16.5."""
    report = reverse_answer(view, None)
    moves = columns(report, "exhausts", "amount_cents", "direction", "move_ppm", "cover_cents")
    # B-H has 12,000, 11.9 ticks: 12 are lost, 12,060; they begin after 11.5 ticks of 202.
    assert moves[0] == ("fund", 0, "up", 56_931, 60)
    assert moves[1] == ("fund", 0, "down", -81_684, 844)


def test_the_report_has_the_history_of_cover_and_fund(closes: JournalView) -> None:
    report = made(closes, "stress", business_date=THIRD, since=FIRST)
    names = ("business_date", "scenario", *LARGEST, "required_cents", "fund_cents", "is_covered")
    up = ("D", 104_000_000, "E", 78_000_000, 182_000_000)
    assert columns(report, *names, line="close") == [
        (DAY, "front_up_60", *up, 200_200_000, 190_000_000, True),
        (NEXT, "front_down_60", *DOWN, 203_500_000, 210_000_000, True),
        (AFTER, "front_down_60", *DOWN, 203_500_000, 175_000_000, False),
    ]


@pytest.mark.parametrize("seed", [1, 7])
def test_the_closes_of_a_market_that_nobody_wrote_are_found_again(
    database: str, tmp_path: Path, seed: int
) -> None:
    """Two products, assets, defaults, refusals."""
    source = tmp_path / "market.jsonl"
    source.write_bytes(b"".join(line + b"\n" for line in written(seed, 4).lines))
    clear(database, str(source))
    with JournalView(database) as view:
        closed = [day for day in view.sessions() if day <= view.last_date()]
        assert len(closed) == 4
        for day in closed:
            names = ("scenario", *LARGEST)
            stated = columns(made(view, "stress", business_date=day), *names, line="scenario")
            assert columns(stress_answer(view, day, scenario=None), *names, line="cover") == stated
            assert any(row[2] for row in stated)


@pytest.mark.parametrize(("day", "fund"), [(FIRST, 190), (SECOND, 210), (THIRD, 175)])
def test_the_report_of_one_date_knows_the_capital_from_before(
    closes: JournalView, day: date, fund: int
) -> None:
    report = made(closes, "stress", business_date=day)
    assert columns(report, "fund_cents", line="close") == [(fund * 1_000_000,)]


def test_the_report_from_the_beginning_begins_without_capital(closes: JournalView) -> None:
    report = made(closes, "stress", business_date=FIRST, since=date.min)
    assert columns(report, "fund_cents", line="close") == [(190_000_000,)]


def test_the_command_answers_as_table_csv_and_json(stressed: str) -> None:
    done = asked(stressed, "--date", NEXT, "--scenario", "front_down_60", "--format", "json")
    rows = json.loads(done.stdout)["rows"]
    assert (done.exit_code, rows[0]["cover_cents"], rows[1]["member"]) == (0, 185_000_000, "A")
    assert rows[0]["source"].startswith("the nearest delivery")
    done = asked(stressed, "--date", NEXT, "--scenario", "front_down_60", "--format", "csv")
    assert done.stdout.splitlines()[2].startswith("member,front_down_60,A,G,104000000,")
    assert "$1,850,000.00" in asked(stressed, "--date", NEXT).stdout
    assert "none up to 100 %" in asked(stressed, "--date", NEXT, "--reverse").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--scenario", "flood"), "there is no scenario flood; there are parallel_up_25, "),
        (("--date", OPEN), f"{OPEN} is not closed; the last close is that of {AFTER}"),
        (("--date", "2026-06-07"), "there is no session on 2026-06-07"),
        (("--reverse", "--scenario", "twist"), "expected --scenario or --reverse, found both"),
        (("--date", "June"), "expected a date"),
    ],
)
def test_what_cannot_be_asked_is_said(stressed: str, arguments: tuple[str, ...], said: str) -> None:
    done = asked(stressed, *arguments)
    assert done.exit_code != 0
    assert said in done.stderr


def test_before_the_first_close_there_is_nothing_to_stress(
    database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = tmp_path_factory.mktemp("empty") / "none.jsonl"
    source.write_bytes(b"")
    clear(database, str(source))
    with JournalView(database) as view:
        with pytest.raises(UnknownSubject, match="no session is closed yet"):
            stress_books(view, None)
        report = REPORTS["stress"].make(view, ReportRequest(date.min))
        assert [*report.rows] == []
