"""The figures of the page, against markets worked by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from events.parameters import PARAMETERS
from risk.margin_models import MODELS
from services.demo.entries import DemoFact
from services.demo.fact_book import FactBook
from services.demo.figures import (
    ContractClose,
    Coverage,
    MemberMargin,
    coverage,
    front_ticks,
    last_curve,
    member_margins,
    other_models,
)
from services.demo.page import render_page
from services.demo.summary import summary_lines

# Monday to Thursday.
DAYS = [f"2026-06-{number:02d}" for number in (8, 9, 10, 11)]


def fact(kind: str, day: int = 0, /, **fields: object) -> dict[str, Any]:
    """A fact of the close of one of the days."""
    at = f"{DAYS[day]}T21:00:00Z"
    return {"type": f"{kind}/1", "at": at, "business_date": DAYS[day], **fields}


def priced(day: int, ticks: int, *, rate_ppm: int = 80_000, tier: int = 1) -> list[DemoFact]:
    """A settlement price of SITM26 and the rate taken on it."""
    same = {"contract": "SITM26"}
    return [
        fact("settlement_price_set", day, price_ticks=ticks, tier=tier, **same),
        fact("margin_rate_set", day, rate_ppm=rate_ppm, paper_rate_ppm=rate_ppm, **same),
    ]


def margined(day: int, cycle: str, equity: int, *, initial: int = 400) -> DemoFact:
    """What A-1 has and needs, in cents."""
    cents = {"equity_cents": equity, "initial_cents": initial}
    maintenance = {"maintenance_cents": initial * 3 // 4}
    return fact(
        "margin_set", day, account="A-1", cycle=cycle, model="paper", **cents, **maintenance
    )


def traded(day: int, number: int, lots: int) -> DemoFact:
    """A-1 buys from B-1."""
    sides = {"buyer": "A-1", "seller": "B-1", "contract": "SITM26", "price_ticks": 200}
    return fact("trade_novated", day, trade_id=f"T-{number}", lots=lots, **sides)


def closed(day: int) -> DemoFact:
    return fact("day_closed", day, shard="market/SIT", state_hash="ab" * 32)


def book_of(*facts: DemoFact) -> FactBook:
    book = FactBook()
    book.learn(
        [
            {"type": "shard_opened/1", "parameters": {
                name: parameter.default for name, parameter in PARAMETERS.items()}},
            *(fact("account_opened", account=f"{m}-1", member=m, origin="customer") for m in "AB"),
            *facts,
        ]
    )  # fmt: skip
    return book


def covered_beside(book: FactBook) -> list[Coverage]:
    return coverage(book, {"SIT": other_models(book, "SIT")})


def test_a_move_at_the_rate_is_covered_and_one_tick_more_is_not() -> None:
    # 200 to 216 is 8 % to the tick, 100 to 109 is 9 %: one of two, by 1 %.
    moved = (*priced(0, 200), *priced(1, 100), *priced(2, 216), *priced(3, 109))
    rows = [row for row in coverage(book_of(*moved, margined(0, "close", 1_000))) if row.moves]
    assert rows[0] == Coverage(
        "SIT", "paper", is_in_force=True, moves=2, beyond=1, worst_ppm=10_000
    )
    assert (rows[0].covered_ppm, rows[0].is_thin) == (500_000, True)


def test_the_other_models_and_a_flat_rate_stand_beside_the_model_in_force() -> None:
    # 200 to 260 is 30 %: the second limit lacks 5.
    facts = (*priced(0, 200, rate_ppm=300_000), *priced(1, 200), *priced(2, 260))
    rows = covered_beside(book_of(*facts, margined(0, "close", 1_000)))
    others = [name for name in MODELS if name != "paper"]
    assert [row.model for row in rows] == ["paper", *others, "flat 25.00 %"]
    assert (rows[0].beyond, rows[-1].beyond, rows[-1].worst_ppm) == (0, 1, 50_000)


def test_the_paper_beside_another_model_asks_by_the_fixings_so_far() -> None:
    """Each side has its own rate: down 10 % is covered by 12 %, up 10 % not by 9 %."""
    shocks = {"shocks_ppm": [120_000, -90_000], "paper_rate_ppm": 80_000, "contract": "SITM26"}
    shocks |= {"axis": "another", "evidence": {}, "fallback": None}
    days = [
        (*priced(day, ticks)[:1], fact("margin_scenarios_set", day, **shocks))
        for day, ticks in enumerate((200, 200, 180, 220))
    ]
    fixed = [fact("index_fixed", day, product="SIT", value_micros=2_000_000) for day in range(4)]
    scenario = {**margined(0, "close", 1_000), "model": "another"}
    rows = covered_beside(book_of(*(each for day in days for each in day), *fixed, scenario))
    assert [(row.model, row.beyond, row.worst_ppm) for row in rows[:2]] == [
        ("another", 1, 10_000), ("paper", 2, 20_000),
    ]  # fmt: skip


def test_the_last_move_goes_into_the_final_settlement() -> None:
    final = fact("contract_settled", 2, contract="SITM26", price_ticks=300, source="tpi_fixing")
    rows = coverage(book_of(*priced(0, 200), *priced(1, 200), final))
    assert (rows[0].moves, rows[0].beyond) == (1, 1)


def test_an_account_is_under_water_from_the_first_cycle_to_the_first_that_is_not() -> None:
    cycles = [("noon", 0), ("evening", -1), ("close", -50)]
    facts = [*(margined(1, *cycle) for cycle in cycles), margined(2, "noon", 0)]
    book = book_of(*priced(1, 200), *facts)
    spells = [(s.mark, s.since, s.until, s.worst_cents) for s in book.shortfalls]
    # Maintenance is 300: at 0 it lacks 300, at -50 it lacks 350, and it still does at the end.
    assert spells == [
        ("maintenance margin", "2026-06-09 noon", None, 350),
        ("zero", "2026-06-09 evening", "2026-06-10 noon", 50),
    ]
    said = "A-1 was under water since 2026-06-09 evening, until 2026-06-10 noon: -$0.50 at worst."
    assert said in summary_lines(book)


def test_the_excess_of_one_account_does_not_help_another() -> None:
    other = fact("account_opened", account="A-2", member="A", origin="customer")
    sides = {"debit": "house:bank", "credit": "cash:A-2"}
    cash = fact("posting", amount_cents=900, **sides)
    facts = (*priced(0, 200), margined(0, "close", 100), other, cash)
    # A-1 needs 400 and has 100; A-2 needs nothing and has 900; B-1 has nothing.
    assert member_margins(book_of(*facts)) == [
        MemberMargin("A", "customer", 2, 400, 1_000, 900, 300),
        MemberMargin("B", "customer", 1, 0, 0, 0, 0),
    ]


def test_the_curve_has_volume_without_busts_and_open_interest_once() -> None:
    bust = fact("trade_busted", 1, trade_id="T-3", lots=5, buyer="A-1", seller="B-1",
                contract="SITM26", price_ticks=200)  # fmt: skip
    trades = (traded(0, 1, 10), closed(0), traded(1, 2, 20), traded(1, 3, 5), bust, closed(1))
    book = book_of(*priced(0, 200), *priced(1, 197, tier=2), *trades)
    assert last_curve(book, "SIT") == [ContractClose("SITM26", 197, 2, -3, 20, 30)]
    assert book.open_lots["SITM26"] == {date(2026, 6, 8): 10, date(2026, 6, 9): 30}


def test_every_publication_counts_also_those_of_one_instant() -> None:
    same = {"product": "SIT", "value_micros": 2_000_000, "inputs": []}
    moments = [f"{DAYS[0]}T{hour}:00:00Z" for hour in (10, 10, 11)]
    published = [fact("index_published", **same) | {"at": moment} for moment in moments]
    book = book_of(*priced(0, 200), *published)
    assert len(book.index["SIT"]) == 2
    assert "The SIT index was published 3 times." in render_page(book, title="Three")


def test_net_variation_is_what_members_are_paid_through_the_bank() -> None:
    sides = ((7_00, "A"), (-7_00, "B"))
    paid = [
        fact("settlement_instructed", member=member, variation_cents=cents)
        for cents, member in sides
    ]
    assert book_of(*paid).instructed.total() == 7_00


def test_the_page_says_that_margin_is_too_thin_and_what_is_missing() -> None:
    called = fact("margin_called", account="A-1", call=f"A-1/{DAYS[1]}/close", amount_cents=412_345,
                  deadline=f"{DAYS[2]}T13:00:00Z")  # fmt: skip
    missed = fact("margin_call_missed", 2, call=called["call"], remaining_cents=400_045)
    moved = (*priced(0, 200), *priced(1, 200), *priced(2, 230))
    book = book_of(*moved, margined(2, "close", 100), called, missed)
    page = render_page(book, title="Thin")
    assert "Margin by the model paper is too thin for SIT:</b> 1 of\n1 moves" in page
    assert "<b>$4,000</b>missed in margin calls" in page
    assert '<td class="number bad">$4,000</td>' in page


def test_a_broken_law_stands_on_top() -> None:
    page = render_page(book_of(), title="Broken", broken=["cash is short"])
    assert page.index("The laws do not hold: cash is short.") < page.index('<ul class="tiles">')
    assert "They show that" not in page


def test_the_front_price_is_that_of_the_nearest_month_a_final_one_too() -> None:
    later = {"contract": "SITN26", "tier": 1}
    book = book_of(
        *priced(0, 200),
        fact("settlement_price_set", 0, **later, price_ticks=210),
        fact("contract_settled", 1, contract="SITM26", price_ticks=205),
        fact("settlement_price_set", 1, **later, price_ticks=212),
        fact("settlement_price_set", 2, **later, price_ticks=214),
    )
    expected = {date(2026, 6, 8): 200, date(2026, 6, 9): 205, date(2026, 6, 10): 214}
    assert front_ticks(book, "SIT") == expected


def test_the_page_shows_compute_against_tokens_where_both_are_priced() -> None:
    chart = "Million SIT that an SCU must bring to pay for itself"
    assert chart not in render_page(book_of(*priced(0, 200)), title="T")
    compute = fact("settlement_price_set", contract="SCUM26", price_ticks=250, tier=1)
    rate = fact("margin_rate_set", rate_ppm=80_000, paper_rate_ppm=80_000, contract="SCUM26")
    assert chart in render_page(book_of(*priced(0, 200), compute, rate), title="T")
