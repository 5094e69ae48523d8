"""Decimals, instants, dates and roundings (WIRE §1, RULEBOOK §1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.units import (
    INT64_MAX,
    INT64_MIN,
    ceil_div,
    day_start,
    fits_int64,
    format_decimal,
    format_instant,
    micros,
    parse_date,
    parse_decimal,
    parse_instant,
    round_half_even,
    round_half_up,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2.07", Decimal("2.07")),
        ("-2.070", Decimal("-2.07")),
        ("0", Decimal(0)),
        ("-0.00", Decimal(0)),
        ("999999999999999999", Decimal(10**18 - 1)),
        ("0.00000000000000001", Decimal("1e-17")),
    ],
)
def test_a_plain_decimal_is_exact(text: str, number: Decimal) -> None:
    parsed = parse_decimal(text)
    assert parsed == number
    assert not parsed.is_signed() or parsed < 0


@pytest.mark.parametrize(
    "text",
    [
        *("", "+1", "1e3", "01", "00.5", "1.", ".5", " 1", "1 ", "1,5", "NaN", "Infinity"),
        *("--1", "1_000", "\u0661", "1\n", "1000000000000000000", "0.000000000000000001"),
    ],
)
def test_anything_else_is_no_decimal(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_decimal(text)


def test_a_decimal_is_printed_without_an_exponent() -> None:
    assert format_decimal(Decimal("1e-7")) == "0.0000001"
    assert format_decimal(Decimal("2.070")) == "2.070"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-02T00:00:00.000000001Z", 86_400_000_000_001),
        ("1970-01-01T01:02:03.5Z", 3_723_500_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2026-06-08T21:00:00Z", 1_780_952_400_000_000_000),
    ],
)
def test_an_instant_is_nanoseconds_since_1970_and_back(text: str, instant: int) -> None:
    assert parse_instant(text) == instant
    assert format_instant(instant) == text


@pytest.mark.parametrize(
    "text",
    [
        *("2026-06-08T21:00:00", "2026-06-08T21:00:00+00:00", "2026-06-08 21:00:00Z"),
        *("2026-06-08T24:00:00Z", "2026-06-08T23:60:00Z", "2026-06-08T23:59:60Z"),
        *("2026-06-31T00:00:00Z", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        *("2026-06-08T21:00:00.Z", "2026-06-08T21:00:00.1234567891Z", "2026-06-08t21:00:00z"),
    ],
)
def test_anything_else_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected .*, found "):
        parse_instant(text)


def test_the_first_and_the_last_year_are_printed_with_four_digits() -> None:
    for text in ("0001-01-01T00:00:00Z", "0999-12-31T00:00:00.1Z", "9999-12-31T23:59:59Z"):
        assert format_instant(parse_instant(text)) == text


@given(
    moment=st.datetimes(timezones=st.just(UTC)),
    nanos=st.integers(min_value=0, max_value=999),
)
def test_instants_are_those_of_the_calendar(moment: datetime, nanos: int) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    instant = (moment - epoch) // timedelta(microseconds=1) * 1_000 + nanos
    assert parse_instant(format_instant(instant)) == instant


def test_a_date_is_ten_characters() -> None:
    assert parse_date("2026-06-08") == date(2026, 6, 8)
    for text in ("2026-6-8", "20260608", "2026-06-08T00:00:00Z", "2026-02-30"):
        with pytest.raises(ValueError, match=r"^expected .*, found "):
            parse_date(text)


def test_a_day_begins_at_midnight_utc() -> None:
    assert day_start(date(1970, 1, 2)) == 86_400_000_000_000
    assert day_start(date(1969, 12, 31)) == -86_400_000_000_000


@pytest.mark.parametrize(
    ("exact", "even", "up"),
    [
        (Fraction(5, 2), 2, 3),
        (Fraction(7, 2), 4, 4),
        (Fraction(-5, 2), -2, -2),
        (Fraction(249, 100), 2, 2),
        (Fraction(251, 100), 3, 3),
    ],
)
def test_a_half_goes_to_even_or_up(exact: Fraction, even: int, up: int) -> None:
    assert round_half_even(exact) == even
    assert round_half_up(exact) == up


def test_quotients_are_rounded_up_and_millionths_to_even() -> None:
    assert [ceil_div(6, 3), ceil_div(7, 3), ceil_div(-7, 3), ceil_div(0, 3)] == [2, 3, -2, 0]
    assert [micros(Fraction(1, 2_000_000)), micros(Fraction(3, 2_000_000))] == [0, 2]


def test_an_amount_fits_from_the_least_to_the_greatest_int64() -> None:
    assert fits_int64(INT64_MIN)
    assert fits_int64(INT64_MAX)
    assert not fits_int64(INT64_MIN - 1)
    assert not fits_int64(INT64_MAX + 1)
