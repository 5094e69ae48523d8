"""Tables for people: within 120 characters, no number cut, nothing lost that fits in six lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.reports.layout import WIDTH_MAX, as_records, side_by_side
from services.reports.shown import cell_text, head_text, percent


def test_text_gives_way_and_numbers_do_not() -> None:
    rows = [["x" * 100, "position_limit_warned", "$1.00"]]
    lines = list(side_by_side(["long", "event", "amount"], rows, numeric=[False, False, True]))
    assert lines[2:] == ["x" * 89 + "  position_limit_warned   $1.00", "x" * 11]
    assert max(map(len, lines)) == WIDTH_MAX


def test_a_cell_breaks_behind_a_mark() -> None:
    rows = [["collateral_moved/1", "a" * 120]]
    lines = list(side_by_side(["for", "text"], rows, numeric=[False, False]))
    assert [line[:18].rstrip() for line in lines[2:4]] == ["collateral_moved/1", ""]
    (wide, *_) = list(side_by_side(["for"] * 9, [["collateral_moved/1"] * 9], numeric=[False] * 9))
    assert len(wide) <= WIDTH_MAX
    lines = list(side_by_side(["for"] * 9, [["collateral_moved/1"] * 9], numeric=[False] * 9))
    assert [line[:11].rstrip() for line in lines[2:]] == ["collateral_", "moved/1"]


def test_times_are_not_broken() -> None:
    rows = [["2026-06-08T21:00:00Z", "x" * 200]]
    lines = list(side_by_side(["at", "line"], rows, numeric=[False, False]))
    assert lines[2].startswith("2026-06-08T21:00:00Z  x")


def test_numbers_that_do_not_fit_are_shown_below_each_other() -> None:
    amounts = [f"${10**15 + number:,}.00" for number in range(7)]
    lines = list(side_by_side(["amount"] * 7, [amounts, amounts], numeric=[True] * 7))
    assert lines == [f"amount  {amount}  {amount}" for amount in amounts]


def test_records_that_do_not_fit_go_on_below() -> None:
    lines = list(as_records(["name"], [["x" * 40], ["y" * 40], ["z" * 40]]))
    assert lines == [f"name  {'x' * 40}  {'y' * 40}", "", f"name  {'z' * 40}"]


def test_a_long_record_alone_stands_in_two_halves() -> None:
    heads = [f"head {number}" for number in range(7)]
    assert list(as_records(heads, [[f"${number}" for number in range(7)]])) == [
        "head 0  $0  head 4  $4",
        "head 1  $1  head 5  $5",
        "head 2  $2  head 6  $6",
        "head 3  $3",
    ]


TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200)


@given(
    st.integers(1, 9).flatmap(
        lambda n: st.lists(st.lists(TEXTS, min_size=n, max_size=n), max_size=3)
    )
)
def test_no_line_is_wider_than_a_page(rows: list[list[str]]) -> None:
    count = len(rows[0]) if rows else 3
    lines = side_by_side(["head of it"] * count, rows, numeric=[False] * count)
    assert all(len(line) <= WIDTH_MAX for line in lines)


def test_units_are_shown_in_the_cell_and_not_in_the_head() -> None:
    shown = {
        ("price_ticks_before", 204): ("price before", "$2.04"),
        ("value_micros", 2_010_000): ("value", "$2.010000"),
        ("rate_ppm", 80_123): ("rate", "8.0123 %"),
        ("age_minutes", 725): ("age of call", "12 h 05 min"),
        ("is_stale", False): ("stale", "no"),
        ("lots", -1_000): ("lots", "-1,000"),
        ("seq", 1_000): ("seq", "1000"),
    }
    assert {key: (head_text(key[0]), cell_text(*key)) for key in shown} == shown
    assert percent(-1) == "-0.0001 %"
