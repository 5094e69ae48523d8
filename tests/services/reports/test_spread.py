"""The report of compute against tokens, on a market of two products worked by hand.

08: SITM26 settles at 2.00 and SCUM26 at 2.50: 1.25 million SIT an SCU. 09: 2.00 and 2.75:
1.375, a tenth more. 10: 2.20 and 2.75: 1.25 again, 1/11 less. Two spreads: SIT against SCU at 2.00
and 2.50 on the 8th, June against July on the 9th.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import pytest

from services.journal.embedded import EmbeddedServer
from services.reports.formats import table_lines
from services.reports.view import JournalView
from tests.by_paper import BY_PAPER_LINE
from tests.services.reports.asking import columns, made
from tests.services.reports.conftest import cleared_once
from tests.services.reports.small_market import command
from tests.test_scenarios import PREAMBLES

DAYS: Final = [date(2026, 6, day) for day in (8, 9, 10)]


def trade(name: str, contract: str, price: str, *, day: int) -> bytes:
    """A lot in the last minutes of a session."""
    return command(
        "submit_trade/1", trade_id=name, contract=contract, price=price, lots=1, buyer="A-H",
        seller="B-H", executed_at=f"2026-06-{day:02d}T20:58:00Z",
    )  # fmt: skip


def spread(name: str, first: tuple[str, str], second: tuple[str, str], *, day: int) -> bytes:
    """Ten lots of one contract against eight of another, each at its price."""
    legs: list[dict[str, Any]] = [
        {"trade_id": f"{name}-{lots}", "contract": contract, "price": price, "lots": lots}
        for (contract, price), lots in ((first, 10), (second, 8))
    ]
    sides = {"buyer": "A-H", "seller": "B-H", "executed_at": f"2026-06-{day:02d}T12:00:00Z"}
    return command("submit_spread/1", reference=name, legs=legs, **sides)


def close(day: int) -> bytes:
    """The close of a June day."""
    dates = {"business_date": f"2026-06-{day:02d}", "next_business_date": f"2026-06-{day + 1:02d}"}
    return command("close_session/1", **dates, at=f"2026-06-{day:02d}T21:00:00Z")


def market() -> list[bytes]:
    """Three days of both products."""
    preamble = json.loads(PREAMBLES.read_text("utf-8"))["two_products"]
    return [
        BY_PAPER_LINE,
        *(json.dumps(fields).encode() for fields in preamble),
        spread("s1", ("SITM26", "2.00"), ("SCUM26", "2.50"), day=8),
        trade("T1", "SITM26", "2.00", day=8), trade("T1", "SCUM26", "2.50", day=8), close(8),
        spread("s2", ("SITM26", "2.00"), ("SITN26", "2.10"), day=9),
        trade("T2", "SITM26", "2.00", day=9), trade("T2", "SCUM26", "2.75", day=9), close(9),
        trade("T3", "SITM26", "2.20", day=10), trade("T3", "SCUM26", "2.75", day=10), close(10),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def of_both(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database that holds the market."""
    yield from cleared_once(postgres, tmp_path_factory.mktemp("spread"), market())


@pytest.fixture
def spreads(of_both: str) -> Iterator[JournalView]:
    """The market as it stands."""
    with JournalView(of_both) as opened:
        yield opened


def test_each_date_has_front_prices_their_ratio_and_how_it_moved(spreads: JournalView) -> None:
    report = made(spreads, "spread", since=DAYS[0], business_date=DAYS[-1])
    names = ("business_date", "sit_ticks", "scu_ticks", "difference_ticks", "ratio_millionths")
    assert columns(report, *names, "change_ppm", "since_first_ppm", line="level") == [
        (DAYS[0], 200, 250, 50, 1_250_000, None, None),
        (DAYS[1], 200, 275, 75, 1_375_000, 100_000, 100_000),
        (DAYS[2], 220, 275, 55, 1_250_000, -90_909, 0),
    ]


def test_the_front_month_is_the_nearest_with_a_price(spreads: JournalView) -> None:
    report = made(spreads, "spread", business_date=DAYS[0])
    assert columns(report, "sit_contract", "scu_contract", line="level") == [("SITM26", "SCUM26")]


def test_spreads_cleared_stand_with_both_legs(spreads: JournalView) -> None:
    report = made(spreads, "spread", since=DAYS[0], business_date=DAYS[-1])
    names = ("bought_contract", "bought_ticks", "bought_lots", "sold_contract", "sold_ticks")
    own = ("reference", "buyer", "seller", *names, "sold_lots", "difference_ticks")
    assert columns(report, *own, "ratio_millionths", line="spread") == [
        ("s1", "A-H", "B-H", "SITM26", 200, 10, "SCUM26", 250, 8, -50, 1_250_000),
        ("s2", "A-H", "B-H", "SITM26", 200, 10, "SITN26", 210, 8, -10, None),
    ]


def test_for_people_it_says_what_the_ratio_is(spreads: JournalView) -> None:
    report = made(spreads, "spread", since=DAYS[0], business_date=DAYS[-1])
    text = " ".join(" ".join(table_lines(report)).split())
    assert text.startswith("Compute to tokens of 2026-06-08 to 2026-06-10 Front settlement prices;")
    assert "ratio: million SIT an SCU must bring" in text
    assert " 2026-06-10 SITM26 $2.20 SCUM26 $2.75 $0.55 1.250000 -9.0909 % 0.00 %" in text


def test_a_market_of_tokens_alone_has_no_level(view: JournalView) -> None:
    assert list(made(view, "spread").rows) == []
