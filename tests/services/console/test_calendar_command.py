"""`clearing calendar`: a calendar library speaks at configuration, never in the core."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from events.codec import decode_command
from events.command import Malformed
from events.contracts import Delivery
from services.cli import cli
from services.console.calendar_command import holiday_commands
from services.embedded.memory import MemoryRun
from settlement.calendar import last_trading_day

AT = "2024-06-03T00:00:00Z"


def test_juneteenth_moves_the_third_wednesday_of_june_2024_to_the_day_before() -> None:
    run = MemoryRun()
    for line in holiday_commands("US", range(2024, 2025), effective=date(2024, 6, 1), at=AT):
        run.decide(line.encode())
    run.decide(
        b'{"type":"open_session/1","business_date":"2024-06-03","at":"' + AT.encode() + b'"}'
    )
    holidays = run.clearinghouse.control.books.holidays
    assert last_trading_day(Delivery(2024, 6), holidays) == date(2024, 6, 18)
    listed = [fact for fact in run.facts() if fact["type"] == "contract_listed/1"]
    assert [one["last_trading_day"] for one in listed if one["contract"] == "SITM24"] == [
        "2024-06-18"
    ]


def test_every_year_of_an_exchange_is_one_command_that_can_be_read() -> None:
    lines = holiday_commands("XNYS", range(2026, 2031), effective=date(2026, 6, 1), at=AT)
    assert len(lines) == 5
    assert not any(isinstance(decode_command(line.encode()), Malformed) for line in lines)


def test_the_command_prints_json_lines() -> None:
    asked = ["--from", "2026", "--to", "2026", "--effective", "2026-06-08", "--at", AT]
    printed = CliRunner().invoke(cli, ["calendar", "US", *asked])
    assert json.loads(printed.output)["parameter"] == "holidays"


@pytest.mark.parametrize(
    ("calendar", "first", "last", "at", "said"),
    [
        ("NOWHERE", "2026", "2026", AT, "there is no calendar 'NOWHERE'; did you mean US or XNYS"),
        ("xnys", "2026", "2026", AT, "there is no calendar 'xnys'; did you mean XNYS"),
        ("US", "2027", "2026", AT, "--from 2027 is after --to 2026"),
        ("US", "2026", "2026", "2026-06-05", "time like 2026-06-08T21:00:00Z, found '2026-06-05'"),
        ("US", "1999", "2026", AT, "1999 is not in the range 2020<=x<=2099"),
    ],
)
def test_arguments_of_no_calendar_are_named(
    calendar: str, first: str, last: str, at: str, said: str
) -> None:
    asked = ["--from", first, "--to", last, "--effective", "2026-06-08", "--at", at]
    result = CliRunner().invoke(cli, ["calendar", calendar, *asked])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("effective", "said"),
    [
        ("2026-06-31", "--effective: expected a day of the calendar, found '2026-06-31'"),
        ("8.6.2026", "--effective: expected a date YYYY-MM-DD, found '8.6.2026'"),
    ],
)
def test_a_date_that_is_none_is_told_in_plain_words(effective: str, said: str) -> None:
    asked = ["--from", "2026", "--to", "2026", "--effective", effective, "--at", AT]
    result = CliRunner().invoke(cli, ["calendar", "US", *asked])
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
