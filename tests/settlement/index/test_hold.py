"""The hold on prices that move more than ×3 (RULEBOOK §2), by hand: accepted 3.00, held 9.01."""

from __future__ import annotations

import pytest

from events.index_facts import ProviderPriceHeld, ProviderPriceReported
from events.units import MINUTE_NS, SECOND_NS
from tests.settlement.index.index_desk import Desk, hours, listed


def held_desk() -> Desk:
    desk = listed("p")
    desk.quote("p/m", "3.00")
    desk.quote("p/m", "9.01", hours(1))
    return desk


def dispositions(desk: Desk) -> list[str]:
    return [fact.disposition for fact in desk.all_of(ProviderPriceReported)]


@pytest.mark.parametrize(
    ("price", "disposition"),
    [("9", "accepted"), ("9.000001", "held"), ("1", "accepted"), ("0.999999", "held")],
)
def test_a_move_of_exactly_three_times_is_accepted_beyond_it_held(
    price: str, disposition: str
) -> None:
    desk = listed("p")
    desk.quote("p/m", "3")
    desk.quote("p/m", price, hours(1))
    assert dispositions(desk)[-1] == disposition


def test_a_held_price_is_stated_and_not_in_the_index() -> None:
    desk = held_desk()
    fact = desk.all_of(ProviderPriceHeld)[0]
    assert (fact.last_price_micros, fact.price_micros) == (3_000_000, 9_010_000)
    assert (fact.at, desk.values) == (hours(1), [3_000_000])


@pytest.mark.parametrize("price", ["9.4605", "9.01", "8.5595"])
def test_a_repeat_within_5_percent_is_accepted_at_60_minutes(price: str) -> None:
    desk = held_desk()
    desk.quote("p/m", price, hours(2))
    assert dispositions(desk) == ["accepted", "held", "accepted"]
    assert desk.books.models["p"]["m"].held_price is None


@pytest.mark.parametrize("price", ["9.460501", "27.1"])
def test_a_report_beyond_5_percent_takes_the_held_ones_place(price: str) -> None:
    desk = held_desk()
    desk.quote("p/m", price, hours(2))
    assert dispositions(desk)[-1] == "held"
    assert len(desk.all_of(ProviderPriceHeld)) == 2


def test_an_earlier_repeat_changes_nothing_not_even_the_held_ones_time() -> None:
    desk = held_desk()
    before = desk.books.models["p"]["m"]
    desk.quote("p/m", "9.20", hours(2) - 1)
    assert desk.books.models["p"]["m"] == before
    desk.quote("p/m", "9.46", hours(2))  # within 5 % of 9.01, an hour after 9.01
    assert dispositions(desk) == ["accepted", "held", "waiting", "accepted"]
    assert desk.values == [3_000_000, 9_460_000]


def test_an_earlier_repeat_within_three_times_is_ordinary() -> None:
    desk = held_desk()
    desk.quote("p/m", "9.00", hours(1, 30))
    assert (dispositions(desk)[-1], desk.values) == ("accepted", [3_000_000, 9_000_000])


def test_an_ordinary_report_is_accepted_and_clears_the_hold() -> None:
    desk = held_desk()
    desk.quote("p/m", "3.10", hours(1, 30))
    desk.quote("p/m", "9.50", hours(2, 30))  # no hold to confirm any more; above 9.30
    assert dispositions(desk) == ["accepted", "held", "accepted", "held"]


def test_a_hold_does_not_lapse_and_the_accepted_price_serves_however_old() -> None:
    desk = held_desk()
    desk.quote("p/m", "10", hours(1000))
    desk.quote("p/m", "9.9", hours(1001))
    assert dispositions(desk) == ["accepted", "held", "held", "accepted"]
    assert desk.all_of(ProviderPriceHeld)[1].last_price_micros == 3_000_000


def test_the_move_is_measured_on_raw_prices() -> None:
    desk = listed("p")
    desk.quote("p/m", "3")
    desk.score("p/m", scores=("100", None, None))
    desk.quote("p/m", "9", hours(1))
    assert dispositions(desk) == ["accepted", "accepted"]


def test_a_report_is_compared_in_time_with_the_held_one() -> None:
    desk = held_desk()
    late = desk.quote("p/m", "3.10", hours(1) - MINUTE_NS)
    assert late is not None
    assert late.reason == "superseded"
    assert desk.quote("p/m", "3.10", hours(1)) is None


def test_a_report_before_a_waiting_repeat_is_not_superseded_by_it() -> None:
    desk = held_desk()
    desk.quote("p/m", "9.10", hours(1, 30))
    assert desk.quote("p/m", "3.20", hours(1, 30) - SECOND_NS) is None


def test_a_held_price_survives_a_failed_qualification() -> None:
    desk = held_desk()
    desk.score("p/m", hours(1), scores=("1", None, None))
    desk.score("p/m", hours(2), scores=("86", None, None))
    desk.quote("p/m", "9.01", hours(2))
    assert desk.values[-1] == 9_010_000
