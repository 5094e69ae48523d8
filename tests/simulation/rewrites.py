"""Histories rewritten: a market's lines changed in one place, so that they can be decided again.

In: the lines of a market and the types of the facts that each has caused. Out: by kind of change,
the changed lines, where the market has a line to change in this way. What is changed is what the
books do not remember.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from events.units import format_instant, parse_instant

Lines: TypeAlias = list[bytes]
# Of a line: the types of its facts, with the reason of a refusal behind a colon.
Outcomes: TypeAlias = Sequence[list[str]]
Rewrite: TypeAlias = Callable[[Lines, Outcomes], Lines | None]

_TRADE: Final = "trade_novated/1"
_REFUSED: Final = "command_refused/1"


def dropped(outcome: str) -> Rewrite:
    """One line with this outcome and no other is left out."""

    def rewrite(lines: Lines, outcomes: Outcomes) -> Lines | None:
        found = _middle([n for n, stated in enumerate(outcomes) if stated == [outcome]])
        return None if found is None else lines[:found] + lines[found + 1 :]

    return rewrite


def changed(outcome: str, field: str, change: Callable[[str], str]) -> Rewrite:
    """A field of one accepted line is another one; no other line names its content."""

    def rewrite(lines: Lines, outcomes: Outcomes) -> Lines | None:
        for number in _accepted(outcomes, outcome):
            command = json.loads(lines[number])
            text = str(command[field])
            if field in ("trade_id", "reference") and _named(lines, text) > 1:
                continue
            fresh = json.dumps({**command, field: change(text)}).encode()
            return [*lines[:number], fresh, *lines[number + 1 :]]
        return None

    return rewrite


def inserted(lines: Lines, outcomes: Outcomes) -> Lines | None:
    """A line that was refused comes where none had come."""
    number = _middle(_accepted(outcomes, _TRADE))
    return None if number is None else [*lines[:number], b"never sent", *lines[number:]]


def swapped(lines: Lines, outcomes: Outcomes) -> Lines | None:
    """Two trades of one product, both refused, come the other way round."""
    refused = [
        number
        for number, stated in enumerate(outcomes)
        if stated == [f"{_REFUSED}:lots_not_positive"]
        and json.loads(lines[number]).get("contract", "").startswith("SIT")
    ]
    if len(refused) < 2:
        return None
    first, second = refused[:2]
    fresh = [*lines]
    fresh[first], fresh[second] = lines[second], lines[first]
    return fresh


def spaced(lines: Lines, outcomes: Outcomes) -> Lines | None:
    """A trade says the same in other bytes."""
    number = _middle(_accepted(outcomes, _TRADE))
    if number is None:
        return None
    fresh = json.dumps(json.loads(lines[number]), indent=1).replace("\n", " ").encode()
    return [*lines[:number], fresh, *lines[number + 1 :]]


REWRITES: Final[dict[str, Rewrite]] = {
    "a refusal is dropped": dropped(f"{_REFUSED}:malformed"),
    "a duplicate is dropped": dropped("trade_already_cleared/1"),
    "a trade has another id": changed(_TRADE, "trade_id", lambda text: f"{text}-0"),
    "a trade has another time": changed(
        _TRADE, "executed_at", lambda text: format_instant(parse_instant(text) + 1)
    ),
    "a bust has another reason": changed("trade_busted/1", "reason", "not {}".format),
    "an adjustment has another reason": changed(
        "trade_price_adjusted/1", "reason", "not {}".format
    ),
    "a quote is dropped": dropped("quote_set/1"),
    "a deposit has another reference": changed("collateral_moved/1", "reference", "{}-0".format),
    "a refusal is inserted": inserted,
    "two refused trades are swapped": swapped,
    "a trade has other bytes": spaced,
}


def outcome_of(fact: dict[str, Any]) -> str:
    """The type of a fact, with the reason of a refusal."""
    kind = str(fact["type"])
    return f"{kind}:{fact['reason']}" if kind == _REFUSED else kind


def _accepted(outcomes: Outcomes, outcome: str) -> list[int]:
    return [number for number, stated in enumerate(outcomes) if stated[:1] == [outcome]]


def _named(lines: Lines, text: str) -> int:
    return sum(f'"{text}"'.encode() in line for line in lines)


def _middle(numbers: list[int]) -> int | None:
    return numbers[len(numbers) // 2] if numbers else None
