"""`clearing calendar`: holidays of a country or exchange as `configure/1` commands (RULEBOOK §1).

The core asks no calendar library: what is printed here goes into the stream like any other command,
stands in the journal, and takes effect with the first session on or after its effective date.
"""

from __future__ import annotations

import json
from datetime import date
from difflib import get_close_matches

import click

from events.units import parse_date, parse_instant
from services.console.example import example
from services.console.option_values import option_value
from services.console.output import say


def holiday_commands(calendar: str, years: range, *, effective: date, at: str) -> list[str]:
    """One command a year that has any. calendar: a country's code (`US`) or an exchange's (`XNYS`).

    Errors: NotImplementedError when the library does not know the calendar.
    """
    lines = []
    for year in years:
        days = _days(calendar, year)
        if not days:
            continue
        command = {
            "type": "configure/1",
            "parameter": "holidays",
            "product": None,
            "value": ",".join(day.isoformat() for day in days),
            "effective_date": effective.isoformat(),
            "at": at,
        }
        lines.append(json.dumps(command))
    return lines


def _days(calendar: str, year: int) -> list[date]:
    """Its weekdays off: at weekends there is no session anyway."""
    import holidays

    exchanges = holidays.list_supported_financial()
    if calendar in exchanges:
        days_off = holidays.financial_holidays(calendar, years=year)
    else:
        days_off = holidays.country_holidays(calendar, years=year)
    return sorted(day for day in days_off if day.weekday() < 5)  # noqa: PLR2004 - Saturday


@click.command(
    "calendar",
    epilog=example(
        "clearing calendar XNYS --from 2026 --to 2027 --effective 2026-06-08 "
        "--at 2026-06-05T12:00:00Z > holidays.jsonl",
    ),
)
@click.argument("calendar")
@click.option(
    "--from",
    "first",
    type=click.IntRange(2020, 2099),
    required=True,
    metavar="YEAR",
    help="First year.",
)
@click.option(
    "--to",
    "last",
    type=click.IntRange(2020, 2099),
    required=True,
    metavar="YEAR",
    help="Last year.",
)
@click.option(
    "--effective",
    required=True,
    metavar="D",
    help="Business date from whose session on they hold.",
)
@click.option(
    "--at",
    required=True,
    metavar="TIME",
    help="The commands' event time in UTC, like 2026-06-05T12:00:00Z.",
)
def calendar_command(calendar: str, *, first: int, last: int, effective: str, at: str) -> None:
    """Print a calendar's holidays as commands.

    CALENDAR is a country's code (US) or an exchange's (XNYS). Without any, the market is 24/5.
    """
    if first > last:
        msg = f"--from {first} is after --to {last}"
        raise click.UsageError(msg)
    effective_date = option_value(parse_date, effective, option="--effective")
    option_value(parse_instant, at, option="--at")
    _check_calendar(calendar)
    lines = holiday_commands(calendar, range(first, last + 1), effective=effective_date, at=at)
    if not lines:
        msg = f"{calendar} has no holiday on a weekday from {first} to {last}"
        raise click.UsageError(msg)
    say(lines)


def _check_calendar(calendar: str) -> None:
    """See that the library knows a calendar. Errors: a usage error with similar names."""
    import holidays

    names = [*holidays.list_supported_countries(), *holidays.list_supported_financial()]
    if calendar in names:
        return
    near = get_close_matches(calendar.upper(), names, cutoff=0.75) or ["US", "XNYS"]
    msg = f"there is no calendar {calendar!r}; did you mean {' or '.join(near)}?"
    raise click.UsageError(msg)
