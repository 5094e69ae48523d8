"""A leg of a spread is a trade in every report: the market worked by hand in tests/scenarios."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.journal.embedded import EmbeddedServer
from services.reports.view import JournalView
from tests.services.reports.asking import columns, made
from tests.services.reports.conftest import cleared_once
from tests.test_scenarios import HERE, lines_of


def lines(name: str) -> list[bytes]:
    """The lines of a market of tests/scenarios."""
    return lines_of(json.loads((HERE / f"{name}.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def spreads(
    postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JournalView]:
    """Two spreads: one cleared, one refused by its second leg's market."""
    market = lines("a_spread_is_two_trades_in_two_markets")
    refused = [line for line in lines("a_spread_fails_with_any_of_its_legs") if b'"f2"' in line]
    market[-1:-1] = [line.replace(b'"L', b'"R') for line in refused]
    for url in cleared_once(postgres, tmp_path_factory.mktemp("spreads"), market):
        with JournalView(url) as view:
            yield view


def test_the_register_has_each_leg_in_its_market(spreads: JournalView) -> None:
    names = ("event", "trade_id", "shard", "price_ticks", "buyer", "seller")
    legs = [row for row in columns(made(spreads, "trades"), *names) if str(row[1]) in ("L1", "L2")]
    assert sorted(legs, key=str) == [
        ("trade_busted", "L2", "market/SCU", 252, "B-H", "A-H"),
        ("trade_novated", "L1", "market/SIT", 205, "A-H", "B-H"),
        ("trade_novated", "L2", "market/SCU", 252, "B-H", "A-H"),
        ("trade_price_adjusted", "L1", "market/SIT", 206, "A-H", "B-H"),
    ]


@pytest.mark.parametrize(
    ("trade", "brought"),
    [("L1", [("A-H", 30), ("B-H", -30), ("A-H", -30), ("B-H", 30)]),
     ("L2", [("A-H", 16), ("B-H", -16), ("A-H", -16), ("B-H", 16)])],
)  # fmt: skip
def test_a_leg_is_followed_from_the_bytes_of_its_spread(
    spreads: JournalView, trade: str, brought: list[tuple[str, int]]
) -> None:
    report = made(spreads, "trade", trade=trade)
    rows = columns(report, "step", "account", "trade_cents", "line")
    assert "submit_spread/1" in str(rows[0][3])
    settled = [row[1:3] for row in rows if row[0] == "variation_settled"]
    assert sorted(settled, key=str) == sorted(brought, key=str)


@pytest.mark.parametrize(("contract", "count"), [("SCUM26", 1), ("SITM26", 0)])
def test_a_refusal_is_of_the_leg_that_failed(
    spreads: JournalView, contract: str, count: int
) -> None:
    report = made(spreads, "refusals", contract=contract)
    refused = [row for row in columns(report, "command_type", "reason") if row[0] == SPREAD]
    assert refused == [(SPREAD, "price_outside_limit")] * count


def test_volume_counts_legs(spreads: JournalView) -> None:
    rows = columns(made(spreads, "activity"), "contract", "trades", "volume_lots", "busted_lots")
    assert rows == [("SCUM26", 3, 10, 8), ("SITM26", 3, 12, 0)]


SPREAD = "submit_spread/1"


def test_a_defaulters_spreads_are_told_with_their_bytes(
    postgres: EmbeddedServer, tmp_path: Path
) -> None:
    """d1 and d3 reduce, d2 and d4 do not; the legs stand in their markets."""
    market = lines("a_defaulter_reduces_with_both_legs_or_none")
    rows: list[tuple[object, ...]] = []
    for url in cleared_once(postgres, tmp_path, market):
        with JournalView(url) as view:
            report = made(view, "default", member="A")
            rows += columns(report, "line", "step", "reference", "input")
    submitted = [line.decode() for line in market if b"submit_spread/1" in line]
    told = [str(text) for line, _, _, text in rows if line == "command"]
    assert [text for text in told if "submit_spread/1" in text] == submitted
    steps = [(step, name) for line, step, name, _ in rows if line == "fact"]
    assert [name for step, name in steps if step == "spread_submitted"] == ["d1", "d2", "d3", "d4"]
    novated = sorted(str(name) for step, name in steps if step == "trade_novated")
    assert novated == ["D1", "D2", "D3", "D4"]
