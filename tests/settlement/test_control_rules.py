"""Whether a control command stands (RULEBOOK §1, §3), with WIRE's reasons."""

from __future__ import annotations

import pytest

from events.refusals import Refusal
from settlement.control_rules import refuse_control
from tests.settlement.control_desk import ControlDesk, command


def open_desk() -> ControlDesk:
    desk = ControlDesk()
    assert [desk.admit("A"), desk.open("A-H"), desk.begin()] == ["stands"] * 3
    return desk


def test_a_member_is_admitted_once_and_the_same_content_again_is_silent() -> None:
    desk = ControlDesk()
    assert desk.admit("A") == "stands"
    assert desk.admit("A") == "repeated"
    assert desk.admit("A", name="Another") == "already_exists"
    assert desk.admit("A", at="2026-06-08T00:00:01Z") == "already_exists"
    assert desk.books.number == 1


def test_an_account_is_opened_once_and_the_same_content_again_is_silent() -> None:
    desk = open_desk()
    assert desk.open("A-C", origin="customer") == "stands"
    assert desk.open("A-C", origin="customer") == "repeated"
    assert desk.open("A-C", origin="customer", at="2026-06-08T00:00:01Z") == "already_exists"


def test_a_member_has_one_house_account_and_many_customers() -> None:
    desk = open_desk()
    assert desk.open("A-H2") == "already_exists"
    assert desk.open("A-C1", origin="customer") == "stands"
    assert desk.open("A-C2", origin="customer") == "stands"


def test_an_account_needs_a_member_that_is_not_in_default() -> None:
    desk = open_desk()
    assert desk.open("Z-H") == "unknown_member"
    assert desk.open("Z-C", origin="customer") == "unknown_member"
    desk.send("declare_default", member="A", reason="x")
    assert desk.open("A-C", origin="customer") == "member_defaulted"


def test_suspension_and_reinstatement_turn_and_a_repeat_is_silent() -> None:
    desk = open_desk()
    assert desk.send("suspend_account", account="Z", reason="x") == "unknown_account"
    assert desk.send("reinstate_account", account="A-H", reason="x") == "repeated"
    assert desk.send("suspend_account", account="A-H", reason="x") == "stands"
    assert desk.send("suspend_account", account="A-H", reason="y") == "repeated"
    assert desk.books.accounts["A-H"].is_suspended
    assert desk.send("reinstate_account", account="A-H", reason="x") == "stands"
    assert not desk.books.accounts["A-H"].is_suspended


def test_a_default_is_declared_once() -> None:
    desk = open_desk()
    assert desk.send("declare_default", member="Z", reason="x") == "unknown_member"
    assert desk.send("declare_default", member="A", reason="x") == "stands"
    assert desk.send("declare_default", member="A", reason="x") == "member_defaulted"
    assert desk.books.members["A"].is_defaulted


@pytest.mark.parametrize(
    ("day", "at", "answer"),
    [
        ("2026-06-08", "2026-06-15T23:59:59.999999999Z", "stands"),  # seven days, included
        ("2026-06-08", "2026-06-16T00:00:00Z", "out_of_order_session"),
        ("2026-06-08", "2026-06-01T00:00:00Z", "stands"),
        ("2026-06-08", "2026-05-31T23:59:59.999999999Z", "out_of_order_session"),
        ("2026-06-13", "2026-06-13T00:00:00Z", "out_of_order_session"),  # a Saturday
        ("2097-12-31", "2097-12-31T00:00:00Z", "stands"),
        ("2098-01-01", "2026-06-08T00:00:00Z", "invalid_value"),
        ("2000-01-03", "2000-01-03T00:00:00Z", "stands"),
        ("1999-12-31", "1999-12-31T00:00:00Z", "invalid_value"),
    ],
)
def test_the_first_session_is_a_weekday_near_its_opening(day: str, at: str, answer: str) -> None:
    assert ControlDesk().begin(day, at=at) == answer


def test_the_first_session_opens_no_earlier_than_the_clock() -> None:
    desk = ControlDesk()
    assert desk.send("advance_clock", at="2026-06-08T00:05:00Z") == "stands"
    assert desk.begin("2026-06-08", at="2026-06-08T00:04:59.999999999Z") == "time_out_of_range"
    assert desk.begin("2026-06-08", at="2026-06-08T00:05:00Z") == "stands"


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        ("2026-07-08T00:05:00Z", "stands"),
        ("2026-07-08T00:05:00.000000001Z", "time_out_of_range"),
        ("2026-05-09T00:05:00Z", "stands"),
        ("2026-05-09T00:04:59.999999999Z", "time_out_of_range"),
    ],
)
def test_before_the_first_session_no_time_is_thirty_days_from_the_first_command(
    at: str, answer: str
) -> None:
    desk = ControlDesk()
    setting = {"parameter": "call_minutes", "value": "30", "effective_date": "2020-01-01"}
    long_ago = "2020-01-01T00:00:00Z"
    assert desk.send("configure", product=None, at=long_ago, **setting) == "stands"
    assert desk.send("advance_clock", at="2026-06-08T00:05:00Z") == "stands"
    assert desk.send("advance_clock", at=at) == answer


def test_there_is_one_first_session() -> None:
    assert open_desk().begin("2026-06-09") == "out_of_order_session"


@pytest.mark.parametrize(
    ("day", "following", "answer"),
    [
        ("2026-06-08", "2026-06-09", "stands"),
        ("2026-06-08", "2026-06-22", "stands"),
        ("2026-06-08", "2026-06-23", "out_of_order_session"),
        ("2026-06-09", "2026-06-10", "out_of_order_session"),
        ("2026-06-08", "2026-06-08", "out_of_order_session"),
        ("2026-06-08", "2026-06-05", "out_of_order_session"),
        ("2026-06-08", "2026-06-13", "out_of_order_session"),
        ("2026-06-08", "9999-12-31", "invalid_value"),
    ],
)
def test_a_close_names_the_open_session_and_a_later_weekday(
    day: str, following: str, answer: str
) -> None:
    assert open_desk().close(day, following) == answer


def test_a_close_needs_a_session() -> None:
    assert ControlDesk().close("2026-06-08", "2026-06-09") == "out_of_order_session"


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        ("2026-06-01T00:00:00Z", "stands"),  # seven days before the opening
        ("2026-05-31T23:59:59.999999999Z", "time_out_of_range"),
        ("2026-06-10T00:00:00Z", "stands"),  # 24:00 of the day after
        ("2026-06-10T00:00:00.000000001Z", "time_out_of_range"),
    ],
)
def test_a_time_far_from_the_session_is_out_of_range(at: str, answer: str) -> None:
    assert open_desk().send("advance_clock", at=at) == answer


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        ("2026-06-07T23:59:59.999999999Z", "out_of_order_session"),  # it opened at 00:00
        ("2026-06-08T00:00:00Z", "stands"),
        ("2026-06-10T00:00:00Z", "stands"),  # 24:00 of the next business date
        ("2026-06-10T00:00:00.000000001Z", "out_of_order_session"),
        ("2026-07-10T00:00:00Z", "out_of_order_session"),
        ("2026-07-10T00:00:00.000000001Z", "time_out_of_range"),
    ],
)
def test_a_close_lies_between_the_opening_and_its_next_date(at: str, answer: str) -> None:
    assert open_desk().close("2026-06-08", "2026-06-09", at=at) == answer


def test_neither_a_cycle_nor_a_close_goes_back_before_a_cycle() -> None:
    desk = open_desk()
    assert desk.cycle("noon") == "stands"
    assert desk.cycle("early", at="2026-06-08T11:59:59.999999999Z") == "out_of_order_session"
    assert desk.cycle("early", at="2026-06-09T00:00:00Z") == "stands"
    assert desk.cycle("late", at="2026-06-09T00:00:00.000000001Z") == "out_of_order_session"
    early = "2026-06-08T23:59:59.999999999Z"
    assert desk.close("2026-06-08", "2026-06-09", at=early) == "out_of_order_session"
    assert desk.close("2026-06-08", "2026-06-09", at="2026-06-09T00:00:00Z") == "stands"


def test_a_cycle_has_a_name_of_its_own_once_per_session() -> None:
    desk = open_desk()
    assert desk.cycle("noon") == "stands"
    assert desk.cycle("noon") == "repeated"
    assert desk.cycle("noon", at="2026-06-08T13:00:00Z") == "duplicate_reference"
    assert desk.close("2026-06-08", "2026-06-09") == "stands"
    assert desk.cycle("noon", at="2026-06-09T12:00:00Z") == "stands"


def test_a_cycle_that_was_refused_is_remembered_under_its_name_for_the_session() -> None:
    desk = open_desk()
    assert desk.cycle("close") == "invalid_value"
    assert desk.cycle("close") == "invalid_value"
    assert desk.cycle("close", at="2026-06-08T13:00:00Z") == "duplicate_reference"
    assert desk.close("2026-06-08", "2026-06-09") == "stands"
    assert desk.cycle("close", at="2026-06-08T13:00:00Z") == "invalid_value"


def test_a_cycle_out_of_time_takes_its_name_but_not_from_one_that_stood() -> None:
    desk = open_desk()
    assert desk.cycle("late", at="2027-06-08T12:00:00Z") == "time_out_of_range"
    assert desk.cycle("late") == "duplicate_reference"
    assert desk.cycle("noon") == "stands"
    assert desk.cycle("noon", at="2027-06-08T12:00:00Z") == "time_out_of_range"
    assert desk.cycle("noon") == "repeated"


def test_a_cycle_needs_a_session() -> None:
    assert ControlDesk().cycle("noon") == "out_of_order_session"


@pytest.mark.parametrize(
    ("parameter", "value", "product", "answer"),
    [
        ("margin_days", "5", None, "stands"),
        ("margin_days", "5", "SCU", "stands"),
        ("margin_days", "5", "XYZ", "unknown_product"),
        ("nonsense", "5", "XYZ", "unknown_product"),
        ("nonsense", "5", None, "unknown_parameter"),
        ("margin_days", "0", None, "invalid_value"),
        ("product_in_use", "true", None, "invalid_value"),
        ("product_in_use", "true", "SCU", "stands"),
    ],
)
def test_a_setting_is_of_a_known_product_and_parameter_and_valid(
    parameter: str, value: str, product: str | None, answer: str
) -> None:
    assert ControlDesk().set(parameter, value, product=product) == answer


def test_a_value_that_is_wrong_is_shown_in_ascii_whatever_the_python_can_print() -> None:
    when = "2026-06-09"
    setting = command(
        "configure", parameter="margin_days", product=None, value="zwölf\x1b", effective_date=when
    )
    refusal = refuse_control(open_desk().books, setting)
    assert isinstance(refusal, Refusal)
    assert refusal.detail == r"margin_days: expected days from 1 to 252, found 'zw\xf6lf\x1b'"
