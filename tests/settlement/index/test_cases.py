"""The three index markets worked by hand by others, command by command."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from events.codec import decode_command
from events.control_commands import CloseSession
from events.fact_text import encode_fact
from settlement.index.decide import decide_index_command, expire_prices, fix_index
from settlement.index.refusals import refuse_index_command
from tests.settlement.index.index_desk import CASES, Desk

KINDS = ("report_", "retire_", "publish_")


def run(commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The index's facts of a whole market's commands, as they lie on the wire."""
    desk, clock = Desk(), 0
    for line in commands:
        command: Any = decode_command(json.dumps(line).encode())
        clock = max(clock, command.event_time)
        expire_prices(desk.books, clock, emit=desk.emit)
        if isinstance(command, CloseSession):
            day: date = command.business_date
            fix_index(desk.books, day, close_at=command.at, emit=desk.emit)
        elif command.TYPE.startswith(KINDS):
            assert refuse_index_command(desk.books, command) is None
            decide_index_command(desk.books, command, now=clock, emit=desk.emit)
    return [json.loads(encode_fact(fact, shard="market/SIT", seq=1)) for fact in desk.facts]


def matches(fact: dict[str, Any], pattern: dict[str, Any]) -> bool:
    return all(fact.get(name) == value for name, value in pattern.items())


@pytest.mark.skipif(not CASES.exists(), reason="the cases lie beside the project")
@pytest.mark.parametrize("name", ["hold_times_three", "cap_four_providers", "fixing_begins_inside"])
def test_the_case_is_met(name: str) -> None:
    case = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    facts = run(case["commands"])
    for pattern in case["expect"]:
        if pattern["type"].startswith(("index_", "provider_")):
            match = next(fact for fact in facts if matches(fact, pattern))
            facts.remove(match)
    for pattern in case["absent"]:
        assert not [fact for fact in facts if matches(fact, pattern)]
