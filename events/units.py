"""Units of the trade: int64 money, plain decimal texts, instants in nanoseconds, rounding.

In: texts as on the wire. Out: integers and exact decimals.
Rule: RULEBOOK §1 (everything owned or owed is an integer inside int64), WIRE §1 (forms of numbers).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

INT64_MAX: Final = 2**63 - 1
INT64_MIN: Final = -(2**63)
PPM: Final = 1_000_000

SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 60 * MINUTE_NS
DAY_NS: Final = 24 * HOUR_NS

_EPOCH: Final = date(1970, 1, 1)
_EPOCH_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_LONG: Final = len("1970-01-01T00:00:00")
_DIGITS_MAX: Final = 18
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z", re.ASCII
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_HOURS: Final = 24
# The first and the last instant that can be written.
_FIRST_DAY: Final = date.min
_LAST_DAY: Final = date.max
_SIXTY: Final = 60


def fits_int64(amount: int) -> bool:
    """Whether an amount fits an int64, as everything owned or owed must (RULEBOOK §1)."""
    return INT64_MIN <= amount <= INT64_MAX


def usd_text(cents: int) -> str:
    """Cents, or a price in ticks, as it is written in dollars: `2.07`."""
    whole, cents_beyond = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{cents_beyond:02d}"


def parse_decimal(text: str) -> Decimal:
    """An exact decimal from plain notation: no plus, no exponent, at most 18 digits (WIRE §1).

    Errors: ValueError with the expected and the actual text.
    """
    if _DECIMAL.fullmatch(text) is None:
        msg = f"expected a plain decimal, found {text[:40]!r}"
        raise ValueError(msg)
    digits = len(text) - text.count("-") - text.count(".")
    if digits > _DIGITS_MAX:
        msg = f"expected at most {_DIGITS_MAX} digits, found {digits}"
        raise ValueError(msg)
    number = Decimal(text)
    return number.copy_abs() if number.is_zero() else number


def format_decimal(number: Decimal) -> str:
    """Plain notation without an exponent."""
    return format(number, "f")


def parse_date(text: str) -> date:
    """A calendar day `YYYY-MM-DD`. Errors: ValueError with the expected and the actual text."""
    if _DATE.fullmatch(text) is None:
        msg = f"expected a date YYYY-MM-DD, found {text[:40]!r}"
        raise ValueError(msg)
    return _calendar_day(text)


def _calendar_day(text: str) -> date:
    """A day from ten characters of the right form; `fromisoformat` alone reads other forms too."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"expected a day of the calendar, found {text!r}"
        raise ValueError(msg) from None


def parse_time_of_day(text: str) -> int:
    """Nanoseconds since midnight, from `HH:MM`. Errors: ValueError."""
    match = _TIME_OF_DAY.fullmatch(text)
    if match is None:
        msg = f"expected a time of day HH:MM, found {text[:40]!r}"
        raise ValueError(msg)
    hour, minute = map(int, match.groups())
    return (hour * _SIXTY + minute) * MINUTE_NS


def parse_instant(text: str) -> int:
    """UTC nanoseconds since 1970 from RFC 3339 with `Z`, up to nine decimals, no leap seconds.

    Errors: ValueError with the expected and the actual text.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        msg = f"expected a time like 2026-06-08T21:00:00Z, found {text[:40]!r}"
        raise ValueError(msg)
    day, hour, minute, second, fraction = match.groups()
    if int(hour) >= _HOURS or int(minute) >= _SIXTY or int(second) >= _SIXTY:
        msg = f"expected a time of day, found {text[:40]!r}"
        raise ValueError(msg)
    seconds = (int(hour) * _SIXTY + int(minute)) * _SIXTY + int(second)
    nanos = int((fraction or "").ljust(9, "0"))
    return day_start(_calendar_day(day)) + seconds * SECOND_NS + nanos


# What one command leads to has one time, and quotes come by the dozen at a time.
@lru_cache(maxsize=1_024)
def format_instant(instant: int) -> str:
    """RFC 3339 in UTC with `Z`, with as many decimals as needed (none to nine)."""
    seconds, nanos = divmod(instant, SECOND_NS)
    whole = (_EPOCH_INSTANT + timedelta(seconds=seconds)).isoformat()[:_SECONDS_LONG]
    return f"{whole}.{nanos:09d}".rstrip("0") + "Z" if nanos else f"{whole}Z"


def times_text(earliest: int, latest: int) -> str:
    """Two bounds, both included, as far as years are written with four digits."""
    first, last = day_start(_FIRST_DAY), day_start(_LAST_DAY) + DAY_NS - 1
    begin, end = format_instant(max(earliest, first)), format_instant(min(latest, last))
    return f"{begin} to {end}, both included"


def day_start(day: date) -> int:
    """The instant of a UTC day's midnight."""
    return (day - _EPOCH).days * DAY_NS


def round_half_even(exact: Fraction) -> int:
    """The nearest integer; a half to the even one."""
    return round(exact)


def round_half_up(exact: Fraction) -> int:
    """The nearest integer; a half upwards."""
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def ceil_div(dividend: int, divisor: int) -> int:
    """The quotient rounded up."""
    return -(-dividend // divisor)


def micros(exact: Fraction) -> int:
    """Millionths, half to even: for published and displayed numbers."""
    return round(exact * PPM)
