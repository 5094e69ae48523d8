"""The laws over facts: they hold for a market, and each is seen broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from services.embedded.memory import clear_in_memory
from tests.laws import broken_laws
from tests.services.reports.small_market import SMALL_MARKET
from tests.test_scenarios import HERE, lines_of

Fields = dict[str, Any]


def first(facts: list[Fields], kind: str) -> int:
    """The place of the first fact of a type."""
    return next(place for place, fact in enumerate(facts) if fact["type"] == kind)


def raised(kind: str, field: str) -> Callable[[list[Fields]], None]:
    """One cent or lot too many in the first fact of a type."""

    def change(facts: list[Fields]) -> None:
        fact = facts[first(facts, kind)]
        fact[field] += 1

    return change


def left_out(kind: str) -> Callable[[list[Fields]], None]:
    """The first fact of a type is missing."""

    def change(facts: list[Fields]) -> None:
        del facts[first(facts, kind)]

    return change


def twice(kind: str) -> Callable[[list[Fields]], None]:
    """The first fact of a type stands twice."""
    return lambda facts: facts.append(facts[first(facts, kind)])


def closed_wrong(facts: list[Fields]) -> None:
    """An account is closed at lots it does not have."""
    closed = {"type": "position_closed/1", "account": "A-H", "contract": "SITM26", "lots": 1}
    facts.append(closed)


def test_the_laws_hold_for_a_market_that_was_cleared() -> None:
    assert broken_laws(clear_in_memory(SMALL_MARKET)) == []


def of_scenario(name: str) -> list[Fields]:
    """The facts of a scenario."""
    return clear_in_memory(lines_of(json.loads((HERE / f"{name}.json").read_text("utf-8"))))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("asset_units_blocked_count_until_paid", raised("asset_moved/1", "units"), "make 161"),
        (
            "asset_units_blocked_count_until_paid",
            left_out("asset_moved/1"),
            "has -40 units",
        ),
        ("asset_units_blocked_count_until_paid", twice("asset_moved/1"), "u1 2 times"),
        ("cash_adjusted_between_accounts", raised("cash_adjusted/1", "amount_cents"), "cash:A-H"),
        ("cash_adjusted_between_accounts", twice("cash_adjusted/1"), "j1 2 times"),
    ],
)
def test_a_broken_law_of_units_or_adjustments_is_named(
    name: str, change: Callable[[list[Fields]], None], said: str
) -> None:
    facts = of_scenario(name)
    assert broken_laws(facts) == []
    change(facts)
    assert [law for law in broken_laws(facts) if said in law] != []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (raised("variation_settled/1", "amount_cents"), "close, sums to 1 cents, not 0"),
        (raised("posting/1", "amount_cents"), "cash:A-H is posted"),
        (left_out("posting/1"), "cash:A-H is posted"),
        (twice("trade_novated/1"), "states trade_novated/1 of T1 2 times"),
        (closed_wrong, "the clearinghouse holds 1 lots of SITM26"),
        (closed_wrong, "A-H is closed at 1 lots of SITM26, its trades make 1005"),
    ],
)
def test_a_broken_law_is_named(change: Callable[[list[Fields]], None], said: str) -> None:
    facts = clear_in_memory(SMALL_MARKET)
    change(facts)
    assert [law for law in broken_laws(facts) if said in law] != []
