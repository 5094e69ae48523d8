"""The control books of all shards (RULEBOOK §1, §3): accounts, sessions, clock, parameters."""

from __future__ import annotations

from datetime import date

from events.units import parse_instant
from tests.settlement.control_desk import ControlDesk


def test_accounts_are_numbered_in_the_order_of_opening() -> None:
    desk = ControlDesk()
    desk.admit("B")
    desk.admit("A")
    for account in ("B-C", "A-C", "B-H"):
        desk.open(account, origin="house" if account.endswith("H") else "customer")
    assert [account.name for account in desk.books.accounts_by_number] == ["B-C", "A-C", "B-H"]
    assert [account.number for account in desk.books.accounts_by_number] == [0, 1, 2]
    assert desk.books.members["B"].house_account == "B-H"
    assert desk.books.members["A"].house_account is None


def test_time_only_goes_forward() -> None:
    desk = ControlDesk()
    desk.begin()
    desk.send("advance_clock", at="2026-06-08T12:00:00Z")
    desk.send("advance_clock", at="2026-06-08T11:00:00Z")
    assert desk.books.clock == parse_instant("2026-06-08T12:00:00Z")
    assert desk.books.number == 3


def test_before_the_first_session_every_time_is_in_range() -> None:
    assert ControlDesk().books.is_time_in_range(parse_instant("9999-01-01T00:00:00Z"))


def test_a_close_opens_the_next_session_with_it() -> None:
    desk = ControlDesk()
    desk.begin()
    desk.close("2026-06-08", "2026-06-09", at="2026-06-08T21:00:00Z")
    assert desk.books.business_date == date(2026, 6, 9)
    assert desk.books.opened_at == parse_instant("2026-06-08T21:00:00Z")


def test_a_setting_takes_effect_with_the_first_session_on_or_after_its_date() -> None:
    desk = ControlDesk()
    desk.begin()
    desk.set("margin_days", "5", day="2026-06-08")
    desk.set("margin_days", "6", day="2026-06-11")
    assert desk.books.parameter("margin_days") == 2
    desk.close("2026-06-08", "2026-06-09")
    assert desk.books.parameter("margin_days") == 5
    desk.close("2026-06-09", "2026-06-15", at="2026-06-09T21:00:00Z")
    assert desk.books.parameter("margin_days") == 6
    assert desk.books.waiting == []


def test_of_settings_that_come_into_force_together_the_later_date_wins() -> None:
    desk = ControlDesk()
    desk.set("margin_days", "7", day="2026-06-08")
    desk.set("margin_days", "3", day="2026-06-01")
    desk.begin()
    assert desk.books.parameter("margin_days") == 7


def test_of_settings_of_one_date_the_later_command_wins() -> None:
    desk = ControlDesk()
    desk.set("margin_days", "7", day="2026-06-01")
    desk.set("margin_days", "3", day="2026-06-01")
    desk.begin()
    assert desk.books.parameter("margin_days") == 3


def test_a_product_has_its_own_value_before_the_general_one() -> None:
    desk = ControlDesk()
    desk.set("margin_days", "5", day="2026-06-01")
    desk.set("margin_days", "9", product="SCU", day="2026-06-01")
    desk.begin()
    of_products = [desk.books.parameter("margin_days", product) for product in ("SIT", "SCU")]
    assert of_products == [5, 9]
    assert desk.books.parameter_text("margin_model", "SCU") == "scan"


def test_a_product_is_known_at_once_and_listed_from_its_date_on() -> None:
    desk = ControlDesk()
    desk.begin()
    desk.set("product_in_use", "true", product="SCU")
    desk.set("product_in_use", "true", product="SCU")
    assert (desk.books.products, desk.books.products_listed) == (["SIT", "SCU"], ["SIT"])
    desk.close("2026-06-08", "2026-06-09")
    assert (desk.books.products, desk.books.products_listed) == (["SIT", "SCU"], ["SIT", "SCU"])


def test_holidays_are_added_to_those_known() -> None:
    desk = ControlDesk()
    desk.set("holidays", "2026-06-17,2026-12-25", day="2026-06-01")
    desk.set("holidays", "2026-07-03", day="2026-06-01")
    desk.begin()
    expected = {date(2026, 6, 17), date(2026, 12, 25), date(2026, 7, 3)}
    assert desk.books.holidays == expected
