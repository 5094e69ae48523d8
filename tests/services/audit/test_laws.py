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


SPREAD = "a_spread_is_two_trades_in_two_markets"


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
        (SPREAD, left_out("trade_novated/1"), "spread s1 is cleared, and its leg L2 is not"),
        (SPREAD, twice("spread_cleared/1"), "spread_cleared/1 of s1 2 times"),
    ],
)
def test_a_broken_law_of_units_adjustments_or_spreads_is_named(
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


def settled_default() -> list[Fields]:
    """A's house is at -1,000, its customer at -200, its contribution 300, B's 500, capital 100.

    The loss of 1,200: 300 of A's contribution, 100 of capital, 500 of B's, 250 assessed, 50
    uncovered. Before, its position of 7 lots went to B for 40, and 5 units were sold for 60.
    """

    def at_member(kind: str, **fields: object) -> Fields:
        return {"type": kind, "shard": "member/0", **fields}

    def posted(debit: str, credit: str, cents: int, kind: str = "waterfall_applied/1") -> Fields:
        sides = {"debit": debit, "credit": credit, "amount_cents": cents}
        return at_member("posting/1", **sides, **{"for": kind}, reference="A")

    def moved(member: str | None, cents: int) -> list[Fields]:
        account = "house:capital" if member is None else f"fund:{member}"
        reference = f"f-{member}"
        fact = at_member("fund_moved/1", reference=reference, member=member, amount_cents=cents)
        return [fact, posted("house:bank", account, cents, "fund_moved/1")]

    def adjusted(account: str, cents: int) -> list[Fields]:
        sides = {"debit_account": account, "credit_account": "B-H", "amount_cents": cents}
        fact = at_member("cash_adjusted/1", reference=f"j-{account}", **sides)
        return [fact, posted(f"cash:{account}", "cash:B-H", cents, "cash_adjusted/1")]

    auction = {"reference": "a1", "account": "A-H", "to_account": "B-H", "payment_cents": 40}
    lots = {"trade_id": "T1", "contract": "SITM26", "lots": 7, "buyer": "A-H", "seller": "B-H"}
    sides = {"from_account": "A-H", "to_account": "B-H"}
    taken = {"reference": "a1", "contract": "SITM26", "lots": 7, **sides}
    layers = [("member_fund", "A", 300), ("house_capital", None, 100), ("other_funds", "B", 500)]
    layers += [("assessment", "B", 250), ("uncovered", None, 50)]
    names = ("layer", "member", "amount_cents")
    stated = [dict(zip(names, layer, strict=True)) for layer in layers]
    bonds = {"account": "A-H", "asset": "BOND"}
    return [
        {"type": "account_auctioned/1", "shard": "control/0", **auction},
        {"type": "trade_novated/1", "shard": "market/SIT", **lots},
        {"type": "position_taken_over/1", "shard": "market/SIT", **taken},
        *moved("A", 300), *moved("B", 500), *moved(None, 100),
        *adjusted("A-H", 1020), *adjusted("A-C", 200),
        posted("cash:A-H", "cash:B-H", 40, "account_auctioned/1"),
        at_member("asset_moved/1", reference="u1", units=5, **bonds),
        at_member("asset_moved/1", reference="l1", units=-5, **bonds),
        posted("house:bank", "cash:A-H", 60, "asset_moved/1"),
        at_member("waterfall_applied/1", member="A", loss_cents=1200, layers=stated),
        posted("fund:A", "house:default:A", 300),
        posted("house:capital", "house:default:A", 100),
        posted("fund:B", "house:default:A", 750),
        posted("house:uncovered", "house:default:A", 50),
        posted("house:default:A", "cash:A-C", 200),
        posted("house:default:A", "cash:A-H", 1000),
    ]  # fmt: skip


def last_posting(field: str, entry: object) -> Callable[[list[Fields]], None]:
    """Another content of a field of the last posting."""

    def change(facts: list[Fields]) -> None:
        facts[-1][field] = entry

    return change


def layer_raised(facts: list[Fields]) -> None:
    """The last layer pays a cent more than is posted."""
    facts[first(facts, "waterfall_applied/1")]["layers"][-1]["amount_cents"] += 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (layer_raised, "the layers of A make 1201 cents, not 1200"),
        (layer_raised, "house:uncovered is posted -50 cents, moved and settled -51"),
        (raised("waterfall_applied/1", "loss_cents"), "house:default:A got -1 cents more"),
        (raised("fund_moved/1", "amount_cents"), "fund:A is posted 0 cents, moved and settled 1"),
        (left_out("fund_moved/1"), "fund:A is posted 0 cents, moved and settled -300"),
        (last_posting("amount_cents", 999), "cash:A-H holds -1 cents after its default"),
        (last_posting("amount_cents", 999), "house:default:A keeps 1 cents"),
        (last_posting("credit", "cash:B-H"), "cash:B-H holds 2260 cents after its default"),
        (raised("account_auctioned/1", "payment_cents"), "cash:B-H is posted 1260 cents"),
        (raised("position_taken_over/1", "lots"), "8 lots of SITM26 are taken over from A-H"),
        (twice("account_auctioned/1"), "account_auctioned/1 of a1 2 times"),
        (twice("fund_moved/1"), "fund_moved/1 of f-A 2 times"),
    ],
)
def test_a_broken_law_of_a_default_is_named(
    change: Callable[[list[Fields]], None], said: str
) -> None:
    facts = settled_default()
    assert broken_laws(facts) == []
    change(facts)
    assert [law for law in broken_laws(facts) if said in law] != []


def test_a_payment_of_an_auction_that_is_refused_moves_nothing() -> None:
    facts = settled_default()
    auction = {**facts[0], "type": "auction_payment_refused/1", "shard": "member/0"}
    paid = next(fact for fact in facts if fact.get("for") == "account_auctioned/1")
    facts[facts.index(paid)] = auction
    assert broken_laws(facts) == ["cash:A-H holds 40 cents after its default"]
