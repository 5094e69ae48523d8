"""`clearing calendar`: a calendar library speaks at configuration, never in the core."""

from __future__ import annotations

import json
from datetime import date

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


def test_the_command_prints_json_lines_and_an_unknown_calendar_is_a_misuse() -> None:
    asked = ["--from", "2026", "--to", "2026", "--effective", "2026-06-08", "--at", AT]
    printed = CliRunner().invoke(cli, ["calendar", "US", *asked])
    assert json.loads(printed.output)["parameter"] == "holidays"
    assert CliRunner().invoke(cli, ["calendar", "NOWHERE", *asked]).exit_code == 2
