"""The default that the demonstration carries through, from the missed call to the last cent."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeAlias

import pytest

from services.demo.entries import MET
from services.demo.fact_book import FactBook
from services.demo.page import render_page
from services.demo.summary import summary_lines
from tests.browser import said_of
from tests.laws import broken_laws, check_laws, chosen, positions_of
from tests.services.demo.in_memory import MemoryDemo, demo_in_memory

Facts: TypeAlias = list[dict[str, Any]]

# The launch that the index follows by 17 % is on the 21st business day, a Monday; two more days
# settle the default and meet the fund's calls.
SEED, DAYS = 7, 23
HOUSE, TAKER = "FJORD-H", "DUNE-H"
CUSTOMERS = [f"FJORD-C{number}" for number in range(1, 10)]
ROWS = """
    const shown = [...page.querySelectorAll("table")].find(t => t.caption.innerText === %r);
    return rows(shown);
"""
TOO_WIDE = """
    const width = page.documentElement.clientWidth + 1;
    const sticks = e => e.getBoundingClientRect().right > width && !e.closest(".scroll");
    return [...page.body.querySelectorAll("*")].filter(sticks).map(e => e.outerHTML.slice(0, 80));
"""


@pytest.fixture(scope="module")
def cleared() -> MemoryDemo:
    """The market until two days after the default was declared."""
    return demo_in_memory(seed=SEED, days=DAYS)


@pytest.fixture(scope="module")
def facts(cleared: MemoryDemo) -> Facts:
    """Its facts."""
    return cleared.facts


@pytest.fixture(scope="module")
def page(cleared: MemoryDemo) -> str:
    """Its page."""
    return render_page(cleared.market.book, title="A default")


def the_only(facts: Facts, kind: str) -> dict[str, Any]:
    (fact,) = chosen(facts, kind)
    return fact


def before(facts: Facts, fact: dict[str, Any]) -> Facts:
    return facts[: facts.index(fact)]


def cash(facts: Facts, account: str) -> int:
    """What the postings leave of an account."""
    moved = 0
    for fact in chosen(facts, "posting/1"):
        sides = (fact["credit"], fact["debit"])
        moved += fact["amount_cents"] * (sides[0] == f"cash:{account}")
        moved -= fact["amount_cents"] * (sides[1] == f"cash:{account}")
    return moved


def test_the_house_that_missed_its_calls_is_declared_in_default_by_a_person(facts: Facts) -> None:
    declared = the_only(facts, "member_defaulted/1")
    assert (declared["member"], declared["at"]) == ("FJORD", "2025-04-14T13:30:00Z")
    missed = [f["call"] for f in chosen(facts, "margin_call_missed/1") if f["account"] == HOUSE]
    assert missed[:2] == [f"{HOUSE}/2025-04-11/noon", f"{HOUSE}/2025-04-11/close"]
    first = next(f for f in facts if f["type"] == "margin_call_missed/1" and f["account"] == HOUSE)
    assert first in before(facts, declared)


def test_customers_take_their_positions_and_every_cent_to_members_that_stand(facts: Facts) -> None:
    ported = chosen(facts, "account_ported/1")
    assert [fact["account"] for fact in ported] == CUSTOMERS
    assert {fact["account"]: fact["to_member"] for fact in ported} == (
        dict.fromkeys(CUSTOMERS, "AURORA") | {"FJORD-C7": "CEDAR"}
    )
    of_default = {"waterfall_applied/1", "account_auctioned/1"}
    touched = {
        fact[side]
        for fact in chosen(facts, "posting/1")
        for side in ("debit", "credit")
        if fact["for"] in of_default
    }
    assert not touched & {f"cash:{account}" for account in CUSTOMERS}
    declared = the_only(facts, "member_defaulted/1")
    moved = {fact["for"] for fact in facts[facts.index(declared) :] if fact["type"] == "posting/1"}
    assert moved == {"variation_settled/1", "collateral_moved/1", "fund_moved/1", *of_default}


def test_the_house_is_auctioned_whole_and_stands_at_zero_after_the_waterfall(
    facts: Facts,
) -> None:
    taken = the_only(facts, "position_taken_over/1")
    # Six blocks of 2.4 million lots; the taker is paid 2 % of what they settled at on Monday.
    assert (taken["from_account"], taken["to_account"], taken["lots"]) == (HOUSE, TAKER, 14_400_000)
    (ticks,) = [
        fact["price_ticks"]
        for fact in chosen(facts, "settlement_price_set/1")
        if (fact["contract"], fact["business_date"]) == (taken["contract"], "2025-04-14")
    ]
    payment = the_only(facts, "account_auctioned/1")["payment_cents"]
    assert payment == 14_400_000 * ticks * 2 // 100
    positions = positions_of(facts)
    assert [lots for (_, account), lots in positions.items() if account == HOUSE and lots] == []
    assert positions[taken["contract"], TAKER] == 14_400_000
    assert cash(facts, HOUSE) == 0


def test_the_layers_pay_in_their_order_and_add_up_to_the_loss(facts: Facts) -> None:
    applied = the_only(facts, "waterfall_applied/1")
    loss = -cash(before(facts, applied), HOUSE)
    assert applied["loss_cents"] == loss > 0
    layers = Counter[str]()
    for layer in applied["layers"]:
        layers[layer["layer"]] += layer["amount_cents"]
    own = sum(f["amount_cents"] for f in chosen(facts, "fund_moved/1") if f["member"] == "FJORD")
    # Its own contribution and the clearinghouse's half a million go whole, then the others pay.
    assert layers == {
        "member_fund": own, "house_capital": 50_000_000, "other_funds": loss - own - 50_000_000,
    }  # fmt: skip
    assert [layer["member"] for layer in applied["layers"]] == [
        "FJORD", None, "AURORA", "BASALT", "CEDAR", "DUNE", "EMBER",
    ]  # fmt: skip


def test_the_fund_is_called_at_the_next_close_and_met_in_time(facts: Facts) -> None:
    applied = the_only(facts, "waterfall_applied/1")
    called = [f for f in facts[facts.index(applied) :] if f["type"] == "fund_called/1"]
    first = [fact for fact in called if fact["at"] == "2025-04-15T21:00:00Z"]
    assert [fact["deadline"] for fact in first] == ["2025-04-16T13:00:00Z"] * len(first) != []
    met = {fact["call"]: fact["at"] for fact in chosen(facts, "fund_call_met/1")}
    assert {met[fact["call"]] for fact in first} == {"2025-04-16T09:40:00Z"}


def test_every_other_call_of_the_fund_is_met_day_by_day(cleared: MemoryDemo) -> None:
    calls = cleared.market.book.fund.calls
    last = cleared.market.book.days[-1]
    missed = [name for name, call in calls.items() if call.outcome != MET and call.day != last]
    assert missed == ["fund/FJORD/2025-04-11"]
    assert len(calls) > 2 * DAYS


def test_every_law_holds(cleared: MemoryDemo) -> None:
    check_laws(cleared.run.clearinghouse)
    assert broken_laws(cleared.facts) == []


def test_the_page_begins_with_the_default_and_who_paid(page: str, facts: Facts) -> None:
    assert page.index("The default of FJORD") < page.index("Accounts under water")
    assert "FJORD-H was under water from 2025-04-14 evening to 2025-04-15 noon" in page
    shown = said_of(page, ROWS % "Who paid for FJORD, by member", width=1100)
    assert shown[1] == ["the clearinghouse", "the clearinghouse", "$500,000"]
    assert 'role="img" aria-label="Who paid for FJORD"' in page
    assert len(shown) == len(the_only(facts, "waterfall_applied/1")["layers"])


def test_the_page_tells_the_default_step_by_step(page: str) -> None:
    shown = said_of(page, ROWS % "The default of FJORD, step by step", width=1100)
    assert [at for at, *_ in shown] == sorted(at for at, *_ in shown)
    steps = " ".join(what for _, what, _ in shown)
    for word in ("misses the margin call", "in default", "ported", "auctioned", "waterfall", "met"):
        assert word in steps


def test_nothing_of_the_default_is_wider_than_a_phone(page: str) -> None:
    assert said_of(page, TOO_WIDE, width=360) == []


def test_the_summary_begins_with_the_default(cleared: MemoryDemo) -> None:
    first, second, third, *_ = summary_lines(cleared.market.book)
    assert first.startswith("FJORD is in default since 2025-04-14 13:30: ")
    assert second == "  Its 9 customers were ported with all they had."
    assert "the clearinghouse $500,000" in third


def test_before_it_comes_to_a_default_nothing_is_said_of_one() -> None:
    book = FactBook()
    assert "in default" not in render_page(book, title="Nothing")
