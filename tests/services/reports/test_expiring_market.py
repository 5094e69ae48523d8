"""Reports of members and markets, with the values that expiring_market.py works by hand."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest

from services.reports.formats import table_lines
from services.reports.report import Report, ReportRequest, UnknownSubject
from services.reports.table import REPORTS
from services.reports.view import JournalView
from tests.services.reports.asking import columns, made
from tests.services.reports.small_market import NEXT

FIRST, LAST, OPEN = date(2026, 6, 16), date(2026, 6, 17), date(2026, 6, 18)
DEADLINE: Final = "2026-06-18T13:00:00Z"


def of_both(view: JournalView, name: str, **options: str) -> Report:
    """A report of both closed sessions."""
    return made(view, name, since=FIRST, business_date=LAST, **options)


def now(view: JournalView, name: str, **options: str) -> Report:
    """A report without a date."""
    return REPORTS[name].make(view, ReportRequest(view.last_date(), options=options))


def test_a_statement_begins_with_a_summary_of_each_member_and_origin(expired: JournalView) -> None:
    report = made(expired, "statement", since=FIRST, business_date=OPEN)
    names = ("opening", "variation", "deposits", "withdrawals", "closing", "initial", "on_deposit")
    rows = columns(report, "member", "origin", *(f"{name}_cents" for name in names), line="summary")
    assert rows == [
        ("A", "house", 1_000_000, -10_000, 0, -100_000, 890_000, 18_419, 890_000),
        ("B", "customer", 10_000, 0, 3_400, 0, 13_400, 18_400, 13_400),
        ("B", "house", 20_000, 10_000, 0, 0, 30_000, 19, 30_000),
    ]


def test_a_summary_says_what_lacks_what_is_called_and_what_is_to_be_paid(
    expired: JournalView,
) -> None:
    report = made(expired, "statement", since=FIRST, business_date=OPEN, member="B")
    names = ("excess_cents", "deficit_cents", "open_calls", "calls_remaining_cents", "deadline")
    assert columns(report, *names, "age_minutes", "net_cents", line="summary") == [
        (0, 5_000, 1, 5_000, DEADLINE, 720, -5_000),
        (29_981, 0, 0, 0, None, None, 29_981),
    ]


def test_a_statement_of_a_closed_date_tells_of_calls_as_they_stood_then(
    expired: JournalView,
) -> None:
    report = made(expired, "statement", business_date=LAST, account="B-C")
    names = ("closing_cents", "calls_remaining_cents", "age_minutes", "net_cents")
    assert columns(report, *names, line="summary") == [(10_000, 8_400, 0, -8_400)]


def test_equity_is_before_a_cycles_withdrawals_and_on_deposit_after_them(
    expired: JournalView,
) -> None:
    report = made(expired, "statement", business_date=FIRST, member="A")
    names = ("equity_cents", "cash_cents", "on_deposit_cents")
    assert columns(report, *names, line="balance") == [(1_000_000, 900_000, 900_000)]


def test_a_final_settlement_names_the_lots_it_closed(expired: JournalView) -> None:
    prices = of_both(expired, "prices", contract="SITM26")
    assert columns(prices, "kind", "price_ticks", "source", "closed_lots") == [
        ("settlement_price_set", 200, None, None),
        ("contract_settled", 190, "tpi_fixing", 1_000),
    ]
    statement = made(expired, "statement", business_date=LAST)
    names = ("account", "contract", "lots", "price_ticks", "variation_cents")
    assert columns(statement, *names, line="position_closed") == [
        ("A-H", "SITM26", 1_000, 190, -10_000),
        ("B-H", "SITM26", -1_000, 190, 10_000),
    ]
    extract = made(expired, "trade", business_date=LAST, trade="T1")
    assert ("position_closed", "B-H", -1_000) in columns(extract, "step", "account", "lots")


def test_a_price_that_the_exchange_set_stands_with_its_reason(expired: JournalView) -> None:
    report = made(expired, "prices", business_date=FIRST, contract="SITQ26")
    assert columns(report, "kind", "cycle", "price_ticks", "tier", "reason") == [
        ("settlement_price_overruled", None, 210, None, "no market"),
        ("settlement_price_set", "close", 210, 0, None),
    ]


def test_a_call_that_is_open_stands_with_age_deadline_and_remainder(expired: JournalView) -> None:
    names = ("account", "status", "amount_cents", "remaining_cents", "deadline", "age_minutes")
    assert columns(now(expired, "calls"), *names, "is_overdue") == [
        ("B-C", "partly_met", 8_400, 5_000, DEADLINE, 720, False)
    ]
    assert columns(now(expired, "calls", member="A"), *names) == []
    assert columns(made(expired, "calls", business_date=FIRST), *names) == []


def test_a_call_of_dates_shows_what_became_of_it_until_their_end(view: JournalView) -> None:
    names = ("call", "status", "amount_cents", "remaining_cents", "age_minutes")
    call = "B-H/2026-06-08/close"
    assert columns(made(view, "calls"), *names) == [(call, "open", 4_241, 4_241, 0)]
    following = date.fromisoformat(NEXT)
    assert columns(made(view, "calls", business_date=following), *names) == [
        (call, "met", 4_241, 0, 12 * 60)
    ]
    assert columns(now(view, "calls"), *names) == []


def test_members_show_what_is_due_and_what_came_since(expired: JournalView) -> None:
    report = now(expired, "members")
    names = ("initial_cents", "on_deposit_cents", "excess_cents", "deficit_cents")
    assert columns(report, "business_date", "member", "origin", *names) == [
        (LAST, "A", "house", 18_419, 890_000, 871_581, 0),
        (LAST, "B", "customer", 18_400, 10_000, 0, 8_400),
        (LAST, "B", "house", 19, 30_000, 29_981, 0),
    ]
    due = ("variation_cents", "margin_deficit_cents", "due", "came_cents", "remaining_cents")
    assert columns(now(expired, "members", member="B"), *due, "open_calls") == [
        (0, 8_400, DEADLINE, 3_400, 5_000, 1),
        (10_000, 0, None, 0, 0, 0),
    ]


def test_members_as_they_stand_now_say_of_which_date_their_last_cycle_was(
    expired: JournalView,
) -> None:
    lines = [*table_lines(now(expired, "members", member="B"))]
    heads = [line for line in lines if line.startswith("date ")]
    assert len(heads) == 3
    assert sum(line.startswith(f"{LAST} ") for line in lines) == 6
    assert not any(line.startswith("date ") for line in table_lines(of_last(expired)))


def of_last(view: JournalView) -> Report:
    """The members of the last date, which the title names."""
    return made(view, "members", business_date=LAST, member="B")


def test_what_is_due_after_an_intraday_cycle_is_due_an_hour_later(view: JournalView) -> None:
    statement = made(view, "members", member="B")
    names = ("cycle", "margin_deficit_cents", "due", "came_cents", "remaining_cents")
    assert columns(statement, *names)[1] == ("close", 4_241, "2026-06-09T13:00:00Z", 4_241, 0)


def test_activity_is_volume_turnover_and_open_interest(expired: JournalView) -> None:
    names = ("contract", "trades", "volume_lots", "turnover_cents", "open_interest_lots")
    report = of_both(expired, "activity")
    assert columns(report, "business_date", *names, "settlement_ticks") == [
        (FIRST, "SITM26", 1, 1_000, 200_000, 1_000, 200),
        (FIRST, "SITN26", 1, 1, 230, 1, 230),
        (LAST, "SITN26", 1, 1_000, 230_000, 1_001, 230),
    ]


def test_a_bust_counts_beside_the_volume(view: JournalView) -> None:
    names = ("trades", "volume_lots", "busted_trades", "busted_lots", "low_ticks", "high_ticks")
    # 1000 + 10 + 5 lots at 200, 210 and 204; the 10 are bust.
    assert columns(made(view, "activity"), *names) == [(3, 1_015, 1, 10, 200, 210)]


def test_a_halt_stands_with_its_limit_and_its_end(expired: JournalView) -> None:
    names = ("contract", "event", "tier", "direction", "trigger_ticks", "until")
    assert columns(of_both(expired, "halts"), *names) == [
        ("SITN26", "contract_halted", 1, "up", 230, "2026-06-16T11:10:00Z"),
        ("SITN26", "contract_resumed", None, None, None, None),
    ]


def test_a_breached_limit_stands_for_account_and_owner(expired: JournalView) -> None:
    report = made(expired, "limits", business_date=FIRST, member="B", contract="SITM26")
    names = ("event", "owner", "account", "lots", "limit_lots", "used_ppm")
    assert columns(report, *names) == [
        ("position_limit_warned", "o-B-H", "B-H", -1_000, 500, 2_000_000),
        ("position_limit_breached", "o-B-H", "B-H", -1_000, 500, 2_000_000),
        ("position_limit_warned", "o-B-H", None, -1_000, 500, 2_000_000),
        ("position_limit_breached", "o-B-H", None, -1_000, 500, 2_000_000),
    ]


def test_parameters_are_in_force_waiting_or_changed(expired: JournalView) -> None:
    names = ("parameter", "product", "value", "is_default", "effective_date")
    report = made(expired, "config", business_date=LAST)
    in_force = {row[:2]: row[2:4] for row in columns(report, *names, line="in_force")}
    assert in_force["position_floor_cents", "SIT"] == ("100000", False)
    assert in_force["position_floor_cents", None] == ("2500000000", True)
    assert in_force["margin_floor_ppm", None] == ("80000", True)
    ordered = [("margin_floor_ppm", "SIT", "90000", None, date(2026, 6, 19))]
    report = made(expired, "config", business_date=LAST)
    assert columns(report, *names, line="waiting") == ordered
    report = made(expired, "config", business_date=LAST)
    assert columns(report, "parameter", "value", "effective_date", line="change") == [
        ("margin_floor_ppm", "90000", "2026-06-19")
    ]


def test_parameters_of_a_date_are_those_in_force_then(expired: JournalView) -> None:
    report = made(expired, "config", business_date=date.min)
    rows = columns(report, "line", "parameter", "product")
    assert ("in_force", "position_floor_cents", "SIT") not in rows
    assert ("waiting", "position_floor_cents", "SIT") in rows


def test_postings_are_those_of_an_account(expired: JournalView) -> None:
    names = ("debit", "credit", "amount_cents", "for", "reference")
    assert columns(of_both(expired, "postings", account="A-H"), *names) == [
        ("cash:A-H", "house:bank", 100_000, "collateral_moved/1", "w-A"),
        ("cash:A-H", "house:variation:SIT", 10_000, "variation_settled/1", "2026-06-17/close"),
    ]
    of_product = columns(of_both(expired, "postings", product="SIT"), *names)
    assert [row[:2] for row in of_product] == [
        ("cash:A-H", "house:variation:SIT"),
        ("house:variation:SIT", "cash:B-H"),
    ]


@pytest.mark.parametrize(
    ("options", "trades"),
    [
        ({}, ["T1", "T2", "T3"]),
        ({"contract": "SITN26"}, ["T2", "T3"]),
        ({"account": "B-C"}, ["T3"]),
        ({"member": "B", "contract": "SITM26"}, ["T1"]),
        ({"product": "SIT", "member": "A"}, ["T1", "T2", "T3"]),
    ],
)
def test_trades_are_those_that_were_asked_for(
    expired: JournalView, options: dict[str, Any], trades: list[str]
) -> None:
    assert columns(of_both(expired, "trades", **options), "trade_id") == [(t,) for t in trades]


@pytest.mark.parametrize(
    ("options", "count"),
    [({"account": "A-H"}, 1), ({"member": "B"}, 1), ({"contract": "SITN26"}, 0), ({}, 2)],
)
def test_refusals_are_those_whose_lines_name_what_was_asked_for(
    view: JournalView, options: dict[str, Any], count: int
) -> None:
    assert len(columns(made(view, "refusals", **options), "reason")) == count


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"contract": "SITU6"}, "no contract SITU6; symbols look like SITU26"),
        ({"contract": "SCUM26"}, "no product SCU is in use"),
        ({"contract": "SITM26", "product": "SCU"}, "SITM26 is of product SIT, not SCU"),
    ],
)
def test_a_contract_that_is_none_is_named(
    expired: JournalView, options: dict[str, str], said: str
) -> None:
    with pytest.raises(UnknownSubject, match=said):
        of_both(expired, "trades", **options)


def test_of_many_sessions_the_nearest_are_named() -> None:
    class Sessions(JournalView):
        def __init__(self) -> None:
            pass

        def sessions(self) -> list[date]:
            return [date(2026, 6, day) for day in (1, 2, 3, 4, 5, 8, 9, 10)]

    with pytest.raises(UnknownSubject) as unknown:
        Sessions().days(ReportRequest(date(2026, 6, 7), since=date(2026, 6, 6)))
    assert str(unknown.value) == (
        "there is no session from 2026-06-06 to 2026-06-07; there are 8 from 2026-06-01 to "
        "2026-06-10, nearest 2026-06-05 and 2026-06-08"
    )
