"""A drill on a market worked by hand, and against the default that then really happens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from events.units import INT64_MAX
from risk.stress_scenarios import SCENARIOS
from services.analysis.books_at import books_at
from services.analysis.close_out import CloseOut
from services.analysis.drill import Drill, DrillQuestion, play_drill
from services.analysis.drill_formats import drill_json, drill_report, drill_table, waiting_lines
from services.cli import cli
from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from services.reports.report import UnknownSubject
from services.reports.view import JournalView
from tests.services.analysis.drill_market import (
    DRILL_MARKET,
    closed_out,
    huge,
    next_day,
    settled,
)
from tests.services.reports.asking import DAY, columns
from tests.services.reports.conftest import cleared_once
from tests.services.reports.small_market import command

Layers = list[tuple[str, str | None, int]]
DOWN, UP = "front_down_60", "front_up_60"
A_ALONE: Layers = [
    ("member_house", "A", 4_100), ("member_fund", "A", 400), ("house_capital", None, 300),
    ("other_funds", "B", 600), ("other_funds", "C", 301),
    ("assessment", "B", 411), ("assessment", "C", 176), ("assessment", "D", 1),
    ("uncovered", None, 211),
]  # fmt: skip


@pytest.fixture(scope="module")
def at_close(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The market after its close."""
    yield from cleared_once(postgres, tmp_path_factory.mktemp("drill"), DRILL_MARKET)


@pytest.fixture(scope="module")
def in_default(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The day after, A in default."""
    lines = [*DRILL_MARKET, *next_day()]
    yield from cleared_once(postgres, tmp_path_factory.mktemp("drill"), lines)


def drilled(url: str, *members: str, scenario: str | None = DOWN, day: date | None = None) -> Drill:
    """A drill on the books of a database."""
    with JournalView(url) as view:
        return play_drill(view, DrillQuestion(members, scenario, day))


def layers(drill: Drill, number: int = 0) -> Layers:
    """The layers of a default in plain values."""
    parts = drill.defaults[number].settled.layers
    return [(part.layer, part.member, part.amount_cents) for part in parts]


def left(drill: Drill) -> dict[str, int]:
    """What is left of contributions."""
    return {payer.member: payer.left_cents for payer in drill.payers}


def test_every_layer_pays_in_its_turn(at_close: str) -> None:
    drill = drilled(at_close, "A")
    assert drill.defaults[0].settled.loss_cents == 6_500
    assert layers(drill) == A_ALONE
    # 600 − 600 − 411, 301 − 301 − 176, 0 − 1.
    assert left(drill) == {"B": -411, "C": -176, "D": -1}
    assert drill.defaults[0].capital_cents == 0


def test_each_account_is_closed_out_at_the_moved_price_and_its_assets_sold(at_close: str) -> None:
    accounts = {
        played.account.name: (*played[1:], played.after_cents)
        for played in drilled(at_close, "A").defaults[0].accounts
    }
    assert accounts == {
        "A-H": (500, 3_600, 0, 4_100),
        "A-C": (1_000, -12_000, 4_500, -6_500),
        "A-D": (9_000, -1_200, 0, 7_800),
    }


@pytest.mark.parametrize(
    ("members", "own", "last"),
    [
        # A: 6,500 − 4,100 − 400 − 300 − 600 (B) − 412 (B, D) = 688. C: 6,200 − 301 − 412 = 5,487.
        ("AC", [[("other_funds", "B", 600)], []], [688, 5_487]),
        # C: 6,200 − 301 − 300 − 600 − 412 = 4,587. A: 6,500 − 4,500 − 412 = 1,588.
        ("CA", [[("other_funds", "B", 600)], []], [4_587, 1_588]),
    ],
)
def test_the_second_default_has_what_the_first_left_and_none_pays_for_the_other(
    at_close: str, members: str, own: list[Layers], last: list[int]
) -> None:
    drill = drilled(at_close, *members)
    assert [played.member for played in drill.defaults] == [*members]
    for number in (0, 1):
        paid = layers(drill, number)
        assert [part for part in paid if part[0] == "other_funds"] == own[number]
        assert [part for part in paid if part[0] == "assessment"] == [
            ("assessment", "B", 411), ("assessment", "D", 1),
        ]  # fmt: skip
        assert paid[-1] == ("uncovered", None, last[number])
    assert left(drill) == {"B": -822, "D": -2}
    assert sum(last) == 6_175


def test_the_worst_of_all_is_who_loses_most_in_the_scenario_with_the_largest_loss(
    at_close: str,
) -> None:
    drill = drilled(at_close, scenario=None)
    assert (drill.scenario.name, drill.defaults[0].member) == (UP, "B")
    # 13,800 − 600 − 300 − A's 400 − C's 301 − 1 % of 41,177, 17,647, 100.
    assert layers(drill) == [
        ("member_fund", "B", 600), ("house_capital", None, 300),
        ("other_funds", "A", 400), ("other_funds", "C", 301),
        ("assessment", "A", 411), ("assessment", "C", 176), ("assessment", "D", 1),
        ("uncovered", None, 11_611),
    ]  # fmt: skip


def test_the_worst_for_some_members_and_the_worst_member_of_a_scenario(at_close: str) -> None:
    assert drilled(at_close, "A", "C", scenario=None).scenario.name == DOWN  # 12,700
    assert drilled(at_close, scenario=DOWN).defaults[0].member == "A"  # 6,500, C 6,200
    # Half of it down: A-C 1,000 − 10,000 + 4,500 = −4,500, C-H 1,000 − 6,000 = −5,000.
    assert drilled(at_close, scenario="parallel_down_50").defaults[0].member == "C"


def test_who_gains_loses_nothing_and_nobody_pays(at_close: str) -> None:
    drill = drilled(at_close, "B")
    assert (drill.defaults[0].settled.loss_cents, layers(drill)) == (0, [])
    assert left(drill) == {"A": 400, "C": 301, "D": 0}


def test_the_books_of_a_close_are_not_those_of_now(at_close: str, in_default: str) -> None:
    now, then = drilled(in_default, "D"), drilled(in_default, "D", day=DAY)
    assert now.defaults[0].settled.loss_cents == 1_200  # 10 lots bought at 200
    assert then.defaults[0].settled.loss_cents == 0
    assert [*drill_json(then)] == [*drill_json(drilled(at_close, "D"))]
    # A is in default now: it pays for none.
    assert [payer.member for payer in now.payers] == ["B", "C"]


def test_a_market_may_know_more_or_fewer_accounts_than_the_members(in_default: str) -> None:
    with JournalView(in_default) as view:
        then, now = books_at(view, DAY), books_at(view, None)
    scenario = next(listed for listed in SCENARIOS if listed.name == DOWN)
    early_members = CloseOut.of(replace(then, markets=now.markets)).cash_after(scenario)
    early_markets = CloseOut.of(replace(now, markets=then.markets)).cash_after(scenario)
    # C-H 1,000 − 50 · 120 with the trade of the day after, − 60 · 120 without; D-H, D-C.
    assert early_members.tolist()[4:] == [-5_000, -1_200]
    assert early_markets.tolist()[4:] == [-6_200, 0, 0]


def waterfalls(url: str) -> list[dict[str, Any]]:
    """The waterfalls that the journal states."""
    with JournalView(url) as view:
        rows = view.rows("member/0", date(2026, 6, 9), words=[b"waterfall_applied/1"])
        return [dict(fact) for row in rows for fact in row.facts(b"waterfall_applied/1")]


@pytest.mark.parametrize("members", ["AC", "CA"])
@pytest.mark.parametrize("scenario", [DOWN, UP])
def test_a_drill_says_what_the_real_default_then_does(
    database: str, tmp_path: Path, members: str, scenario: str
) -> None:
    market = tmp_path / "market.jsonl"
    market.write_bytes(b"".join(line + b"\n" for line in DRILL_MARKET))
    clear(database, str(market))
    drill = [
        json.loads(line) for line in drill_json(drilled(database, *members, scenario=scenario))
    ]
    with market.open("ab") as stream:
        stream.writelines(line + b"\n" for line in (*closed_out(scenario), *settled(members)))
    summary = clear(database, str(market))
    assert summary.tally.refused == {}, summary.tally
    same = ("type", "member", "loss_cents", "layers")
    assert [[fact[name] for name in same] for fact in waterfalls(database)] == [
        [fact[name] for name in same] for fact in drill[:2]
    ]
    with JournalView(database) as view:
        members_books = books_at(view, None).member
    assert {line["member"]: line["left_cents"] for line in drill[2:]} == {
        member: members_books.fund_cents(member) for member in "BD"
    }


def test_json_has_the_facts_as_they_would_be_then_what_is_left(at_close: str) -> None:
    first, *rest = map(json.loads, drill_json(drilled(at_close, "A")))
    with JournalView(at_close) as view:
        following = view.reader.heads()["member/0"].seq + 1
    assert first == {
        "type": "waterfall_applied/1", "shard": "member/0", "seq": following,
        "at": f"{DAY}T21:00:00Z", "member": "A", "loss_cents": 6_500,
        "layers": [{"layer": layer, "member": member, "amount_cents": cents}
                   for layer, member, cents in A_ALONE],
    }  # fmt: skip
    assert rest == [
        {"member": "B", "left_cents": -411},
        {"member": "C", "left_cents": -176},
        {"member": "D", "left_cents": -1},
    ]


def test_the_report_shows_prices_accounts_layers_and_what_is_left(at_close: str) -> None:
    report = drill_report(drilled(at_close, "A"))
    assert columns(report, "contract", "price_ticks", "move_ppm", "moved_ticks", line="price") == [
        ("SITM26", 200, -600_000, 80)
    ]
    # A-D is above zero and a customer's: it neither pays nor is paid.
    assert columns(report, "account", "closed_out_cents", line="account") == [
        ("A-C", -6_500), ("A-H", 4_100),
    ]  # fmt: skip
    amounts = columns(report, "layer", "payer", "amount_cents", line="layer")
    assert [(layer, cents) for layer, _, cents in amounts] == [
        *((layer.replace("_", " "), cents) for layer, _, cents in A_ALONE), ("loss", 6_500),
    ]  # fmt: skip
    assert columns(report, "payer", "left_cents", "assessable_cents", line="left") == [
        ("the clearinghouse", 0, None), ("B", -411, 411), ("C", -176, 176), ("D", -1, 1),
    ]  # fmt: skip


def test_it_says_what_a_real_settlement_waits_for(in_default: str) -> None:
    drill = drilled(in_default, "A")
    (line,) = waiting_lines(drill)
    assert line == (
        "the settlement of A is ordered at 2026-06-09T11:00:00Z and waits for -30 lots of SITM26 in"
        " A-H; 100 lots of SITM26 in A-C; 10 lots of SITM26 in A-D; 5 BOND of A-C, which is below"
        " zero"
    )
    assert columns(
        drill_report(drill), "account", "contract", "lots", "asset", "units", line="waits"
    ) == [
        ("A-H", "SITM26", -30, None, None), ("A-C", "SITM26", 100, None, None),
        ("A-D", "SITM26", 10, None, None), ("A-C", None, None, "BOND", 5),
    ]  # fmt: skip
    assert [*waiting_lines(drilled(in_default, "B"))] == []


def test_a_default_settled_again_assesses_no_more_than_is_left_of_the_cap(
    database: str, tmp_path: Path
) -> None:
    """The first order took all of B's 411 and D's 1; then A-C is 100 below zero."""
    own = {"reference": "j", "debit_account": "A-C", "credit_account": "D-H"}
    at = "2026-06-09T13:00:00Z"
    lost = command("adjust_cash/1", **own, amount_cents=100, reason="x", at=at)
    market = tmp_path / "market.jsonl"
    lines = (*DRILL_MARKET, *closed_out(DOWN), *settled("A"), lost)
    market.write_bytes(b"".join(line + b"\n" for line in lines))
    clear(database, str(market))
    assert layers(drilled(database, "A")) == [("uncovered", None, 100)]


@pytest.mark.parametrize("is_ordered", [False, True])
def test_a_settlement_that_nothing_stands_against_waits_for_the_cycle(
    database: str, tmp_path: Path, *, is_ordered: bool
) -> None:
    lines = [*DRILL_MARKET, *closed_out(DOWN), *[*settled("A")][:is_ordered]]
    market = tmp_path / "market.jsonl"
    market.write_bytes(b"".join(line + b"\n" for line in lines))
    clear(database, str(market))
    order = "ordered at 2026-06-09T11:00:00Z" if is_ordered else "not ordered yet"
    drill = drilled(database, "A")
    said = f"the settlement of A is {order} and waits for the next cycle alone"
    assert [*waiting_lines(drill)] == [said]
    assert columns(drill_report(drill), "settlement", "account", line="waits") == [(order, None)]


def test_losses_beyond_int64_are_exact(database: str, tmp_path: Path) -> None:
    market = tmp_path / "market.jsonl"
    market.write_bytes(b"".join(line + b"\n" for line in huge()))
    clear(database, str(market))
    drill = drilled(database, scenario="parallel_up_50")
    loss = 3 * 4 * 10**16 * 100
    assert loss > INT64_MAX
    assert (drill.defaults[0].member, drill.defaults[0].settled.loss_cents) == ("B", loss)
    assert sum(cents for _, _, cents in layers(drill)) == loss


@pytest.mark.parametrize(
    ("members", "scenario", "day", "words"),
    [
        (["X"], DOWN, None, "no member X; there are A, B, C, D"),
        (["A"], "front_down_61", None, "no scenario front_down_61; there are worst, parallel_up"),
        (["A"], None, "2026-06-09", "2026-06-09 has not closed yet"),
        (["A"], None, "2026-06-10", "there is no session on 2026-06-10; there are 2026-06-08"),
    ],
)
def test_what_is_not_there_is_named(
    at_close: str, members: list[str], scenario: str | None, day: str | None, words: str
) -> None:
    asked = None if day is None else date.fromisoformat(day)
    with pytest.raises(UnknownSubject, match=words):
        drilled(at_close, *members, scenario=scenario, day=asked)


def test_without_a_standing_member_somebody_must_be_named(database: str, tmp_path: Path) -> None:
    declared = [
        json.dumps({"type": "declare_default/1", "member": member, "reason": "x",
                    "at": "2026-06-09T10:00:00Z"}).encode()
        for member in "ABCD"
    ]  # fmt: skip
    market = tmp_path / "market.jsonl"
    market.write_bytes(b"".join(line + b"\n" for line in (*DRILL_MARKET, *declared)))
    clear(database, str(market))
    with pytest.raises(UnknownSubject, match="no member stands that could default"):
        drilled(database)
    # With nobody left to share: 6,500 − 4,100 − 400 − 300.
    assert layers(drilled(database, "A")) == [*A_ALONE[:3], ("uncovered", None, 1_700)]


def test_before_anything_was_cleared_there_is_nothing_to_play(
    database: str, tmp_path: Path
) -> None:
    market = tmp_path / "market.jsonl"
    market.write_bytes(b"\n")
    clear(database, str(market))
    with pytest.raises(UnknownSubject):
        drilled(database)


def asked(url: str, *words: str) -> Result:
    """The command, as typed."""
    return CliRunner().invoke(cli, ["drill", *words, "--database", url])


def test_the_command_prints_a_table(at_close: str) -> None:
    done = asked(at_close, "--member", "A", "--scenario", DOWN)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [*drill_table(drilled(at_close, "A"))]
    assert done.stdout.startswith(
        "Drill: default of A in the scenario front_down_60, on the books as they stand\n"
    )
    words = [line.split() for line in done.stdout.splitlines()]
    assert ["A", "uncovered", "nobody", "so", "far", "$2.11"] in words
    assert ["A", "loss", "$65.00"] in words


def test_the_command_says_beside_the_json_lines_what_they_have_no_room_for(
    in_default: str,
) -> None:
    done = asked(in_default, "--member", "A", "--scenario", "worst", "--format", "json")
    assert done.exit_code == 0
    assert [*json.loads(done.stdout.splitlines()[-1])] == ["member", "left_cents"]
    title, waits = done.stderr.splitlines()
    assert title.startswith("Drill: default of A in the scenario front_down_60")
    assert "waits for -30 lots of SITM26 in A-H" in waits


def test_the_command_writes_a_file(at_close: str, tmp_path: Path) -> None:
    out = tmp_path / "drill.html"
    day = ("--date", str(DAY), "--format", "html")
    done = asked(at_close, "--member", "A", *day, "--out", str(out))
    assert (done.exit_code, done.output) == (0, "")
    assert f"on the books after the close of {DAY}</h1>" in out.read_text("utf-8")


def test_a_drill_writes_nothing(at_close: str) -> None:
    with JournalView(at_close) as view:
        before = view.reader.heads()
    assert asked(at_close).exit_code == 0
    with JournalView(at_close) as view:
        assert view.reader.heads() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--member", "X"], "no member X"),
        (["--scenario", "boom"], "no scenario boom"),
        (["--date", "2026-06-09"], "has not closed yet"),
        (["--date", "tomorrow"], "expected a date YYYY-MM-DD"),
        (["--member", "A", "--member", "B", "--member", "A"], "found A twice"),
        (["--out", "."], "it is a directory"),
    ],
)
def test_a_wrong_question_ends_with_a_word_and_code_2(
    at_close: str, words: Sequence[str], said: str
) -> None:
    done = asked(at_close, *words)
    assert (done.exit_code, said in done.output) == (2, True), done.output
