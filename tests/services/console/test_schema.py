"""`clearing schema` against the reader: what the one takes, the other takes.

The schemas are read here by a few lines of our own: patterns are ECMA's, where `$` is the very end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final, NamedTuple

import pytest

from events.codec import decode_command
from events.command import Malformed
from services.console.schema import wire_schema
from services.embedded.memory import clear_in_memory
from tests.events.good_commands import AT, QUOTE, SCORES, TRADE
from tests.services.reports.small_market import SMALL_MARKET

SCHEMA: Final = wire_schema()
SETTING: dict[str, Any] = {
    "type": "configure/1", "parameter": "margin_days", "product": None, "value": "5",
    "effective_date": "2026-06-08", "at": AT,
}  # fmt: skip
MEMBER: dict[str, Any] = {"type": "admit_member/1", "member": "A", "name": "A", "at": AT}

TYPES: Final = {
    "string": str, "integer": int, "null": type(None), "array": list, "object": dict,
    "boolean": bool,
}  # fmt: skip
Check = Callable[[Any, Any, "Place"], bool]


class Place(NamedTuple):
    """Where a keyword stands: the schema around it, and the definitions of the whole."""

    schema: dict[str, Any]
    definitions: dict[str, Any]


KEYWORDS: Final[dict[str, Check]] = {
    "type": lambda kind, value, _: type(value) is TYPES[kind],
    "const": lambda one, value, _: value == one,
    "enum": lambda some, value, _: value in some,
    "minimum": lambda least, value, _: value >= least,
    "maximum": lambda most, value, _: value <= most,
    "minLength": lambda least, value, _: len(value) >= least,
    "maxLength": lambda most, value, _: len(value) <= most,
    "pattern": lambda text, value, _: re.search(text.replace("$", r"\Z"), value) is not None,
    "anyOf": lambda some, value, at: any(holds(one, value, at.definitions) for one in some),
    "allOf": lambda some, value, at: all(holds(one, value, at.definitions) for one in some),
    "not": lambda other, value, at: not holds(other, value, at.definitions),
    "items": lambda one, value, at: all(holds(one, part, at.definitions) for part in value),
    "required": lambda names, value, _: value.keys() >= set(names),
    "properties": lambda some, value, at: all(
        holds(some[name], one, at.definitions) for name, one in value.items() if name in some
    ),
    "additionalProperties": lambda rest, value, at: all(
        rest and holds(rest, one, at.definitions)
        for name, one in value.items()
        if name not in at.schema.get("properties", {})
    ),
    "$ref": lambda path, value, at: holds(
        at.definitions[path.rpartition("/")[2]], value, at.definitions
    ),
}
NOT_CHECKED: Final = {"title", "description", "format", "$defs"}


def holds(schema: dict[str, Any], value: object, definitions: dict[str, Any] | None = None) -> bool:
    """Whether a value is as a schema says. The type comes first: the others build on it."""
    place = Place(schema, schema.get("$defs", {}) if definitions is None else definitions)
    words = sorted(schema.keys() - NOT_CHECKED, key=lambda word: word != "type")
    return all(KEYWORDS[word](schema[word], value, place) for word in words)


def is_read(fields: dict[str, Any]) -> bool:
    """Whether the reader and the schema, which agree, take a command."""
    is_taken = not isinstance(decode_command(json.dumps(fields).encode()), Malformed)
    assert holds(SCHEMA["commands"][fields["type"]], fields) == is_taken, fields
    return is_taken


@pytest.mark.parametrize("good", [TRADE, QUOTE, SCORES, SETTING, MEMBER])
def test_a_command_with_all_its_fields_and_no_more_is_as_its_schema_says(
    good: dict[str, Any],
) -> None:
    assert is_read(good)
    assert not is_read(good | {"extra": 1})
    for name in good.keys() - {"type"}:
        assert not is_read({other: value for other, value in good.items() if other != name})


@pytest.mark.parametrize(
    ("good", "field", "right", "wrong"),
    [
        (TRADE, "trade_id", ["x" * 64, "a._:-Z9"], ["", "x" * 65, "a b", "é", "A\n", "A\0", 5]),
        (TRADE, "price", ["0", "-2.070", "0.00000000000000001", "9" * 18, "2." + "0" * 17],
         ["", "-", "2.", ".5", "02", "+2", "1e3", "2,07", "2.07\n", "9" * 19, "0." + "0" * 18, 2]),
        (TRADE, "lots", [0, -(2**63), 2**63 - 1], [-(2**63) - 1, 2**63, "5", True, None]),
        (TRADE, "executed_at", [AT, "2026-06-08T12:00:00.123456789Z", "0001-01-01T00:00:00Z"],
         ["2026-06-08", "2026-06-08T12:00:00z", "2026-06-08t12:00:00Z", "2026-06-08T12:00:00+00:00",
          "2026-06-08T12:00:60Z", "2026-06-08T24:00:00Z", "2026-06-08T12:60:00Z", AT + "\n",
          "2026-06-08T12:00:00.1234567891Z", "2026-06-31T12:00:00Z", "0000-01-01T00:00:00Z", 0]),
        (SETTING, "effective_date", ["2028-02-29", "9999-12-31"],
         ["2026-6-8", "20260608", "2026-02-29", "2026-W24-1", "0000-01-01", AT, 20260608]),
        (SETTING, "product", ["SIT", None], ["", 5]),
        (SETTING, "value", ["", "x" * 60_000], ["A\0", 5, None]),
        (MEMBER, "name", ["é" * 200, "a\nb", " "], ["", "x" * 201, "A\0", "\0", 7]),
    ],
)  # fmt: skip
def test_a_value_is_right_by_the_schema_as_by_the_reader(
    good: dict[str, Any], field: str, right: list[object], wrong: list[object]
) -> None:
    assert all(is_read(good | {field: value}) for value in right)
    assert not any(is_read(good | {field: value}) for value in wrong)


def test_what_fields_must_be_together_is_in_the_schema_too() -> None:
    assert is_read(QUOTE | {"bid": None, "bid_lots": None})
    assert is_read(QUOTE | {"ask": "2.08", "ask_lots": 5})
    for half in ({"bid": None}, {"bid_lots": None}, {"ask": "2.08"}, {"ask_lots": 5}):
        assert not is_read(QUOTE | half)
    assert is_read(SCORES | {"mmlu": None, "gsm8k": "92"})
    assert not is_read(SCORES | {"mmlu": None})


def test_the_schema_knows_the_calendar() -> None:
    form = SCHEMA["commands"]["open_session/1"]["properties"]["business_date"]
    for year in range(1, 10_000):
        for month, day in ((2, 29), (2, 30), (4, 30), (4, 31), (12, 31), (12, 32)):
            try:
                text, is_a_day = date(year, month, day).isoformat(), True
            except ValueError:
                text, is_a_day = f"{year:04}-{month:02}-{day:02}", False
            assert holds(form, text) == is_a_day, text


def test_every_fact_of_a_market_is_as_its_schema_says() -> None:
    for fact in clear_in_memory(SMALL_MARKET):
        schema = SCHEMA["facts"][fact["type"]]
        assert holds(schema, fact), fact
        assert not holds(schema, fact | {"at": "2026-06-08T12:00:00+00:00"})


def test_the_waterfall_has_its_words_before_anything_states_it() -> None:
    schema = SCHEMA["facts"]["waterfall_applied/1"]
    fact = {
        "type": "waterfall_applied/1", "shard": "member/0", "seq": 7, "at": AT, "member": "A",
        "loss_cents": 30,
        "layers": [
            {"layer": "margin", "member": "A", "amount_cents": 20},
            {"layer": "capital", "member": None, "amount_cents": 10},
        ],
    }  # fmt: skip
    assert holds(schema, fact)
    assert not holds(schema, fact | {"layers": [{"layer": "margin", "amount_cents": 1}]})
