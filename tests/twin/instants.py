"""Instants, days and contract months of the twin, by hand (RULEBOOK 1, WIRE 1).

An instant is a Python int of UTC nanoseconds since 1970, a day a `date`.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = date(1970, 1, 1).toordinal()
MONTH_CODES = "FGHJKMNQUVXZ"
QUARTER_MONTHS = (3, 6, 9, 12)
WEDNESDAY = 2
INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z"
)


def midnight(day: date) -> int:
    """Give the instant 00:00 UTC of a day."""
    return (day.toordinal() - EPOCH) * DAY


def read_instant(text: str) -> int:
    """Read RFC 3339 in UTC with `Z`, up to nine decimals, no leap seconds (WIRE 1)."""
    match = INSTANT.fullmatch(text)
    if match is None:
        msg = f"no time: {text!r}"
        raise ValueError(msg)
    hour, minute, second = int(match[2]), int(match[3]), int(match[4])
    if hour > 23 or minute > 59 or second > 59:
        msg = f"no time of day: {text!r}"
        raise ValueError(msg)
    nanos = int((match[5] or "0").ljust(9, "0"))
    seconds = hour * 3600 + minute * 60 + second
    return midnight(date.fromisoformat(match[1])) + seconds * SECOND + nanos


def print_instant(instant: int) -> str:
    """Print an instant; decimals only where there are any, without trailing zeros."""
    days, rest = divmod(instant, DAY)
    seconds, nanos = divmod(rest, SECOND)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    decimals = f".{nanos:09d}".rstrip("0") if nanos else ""
    return f"{date.fromordinal(days + EPOCH).isoformat()}T{clock}{decimals}Z"


def is_weekday(day: date) -> bool:
    """Tell whether a business date is possible: Monday to Friday (RULEBOOK 1)."""
    return day.weekday() < 5


def last_trading_day(year: int, month: int) -> date:
    """Give the third Wednesday of the delivery month (RULEBOOK 1; no holidays)."""
    day = date(year, month, 1)
    while day.weekday() != WEDNESDAY:
        day += timedelta(days=1)
    return day + timedelta(days=14)


def listed_months(business_date: date) -> list[tuple[int, int]]:
    """Give the ten delivery months of a session (RULEBOOK 1).

    Six consecutive months from the front month, which is the first whose last trading day
    is not before the business date, then the four nearest quarter months after them.
    """
    year, month = business_date.year, business_date.month
    if last_trading_day(year, month) < business_date:
        year, month = month_after(year, month)
    months = []
    for _ in range(6):
        months.append((year, month))
        year, month = month_after(year, month)
    while len(months) < 10:
        if month in QUARTER_MONTHS:
            months.append((year, month))
        year, month = month_after(year, month)
    return months


def month_after(year: int, month: int) -> tuple[int, int]:
    """Give the next calendar month."""
    return (year + 1, 1) if month == 12 else (year, month + 1)


def symbol_of(product: str, year: int, month: int) -> str:
    """Write the symbol of a contract: `SITZ26` is SIT December 2026."""
    return f"{product}{MONTH_CODES[month - 1]}{year % 100:02d}"


def month_of(symbol: str) -> tuple[int, int] | None:
    """Read year and month of a symbol, or None when it is no symbol."""
    match = re.fullmatch(rf".{{3}}([{MONTH_CODES}])([0-9]{{2}})", symbol)
    if match is None:
        return None
    return 2000 + int(match[2]), MONTH_CODES.index(match[1]) + 1
