"""Markets in plain text: commands in, facts that must and must not follow.

Each file of tests/scenarios/ and, where the folder is there, of ../shared/cases: `why`, `commands`
(a string is a raw line), `expect` (each matched by a fact of its own that has at least its fields),
`absent` (no fact may match), and perhaps `preamble`, a name in tests/scenarios/preambles.json whose
commands come first. A market that names no `margin_model` is margined by `paper`. A case of the
shared folder with later `rules`, or with commands that are not built yet, waits for them.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

import pytest

from events.commands import COMMANDS
from events.parameters import PARAMETERS
from services.embedded.memory import MemoryRun
from services.shards.shard import RULES_VERSION
from tests.by_paper import BY_PAPER
from tests.laws import check_laws
from tests.simulation.restarts import check_folding

HERE: Final = Path(__file__).parent / "scenarios"
SHARED: Final = Path(__file__).parents[2] / "shared/cases"
PREAMBLES: Final = HERE / "preambles.json"

Fields: TypeAlias = dict[str, Any]


def is_built(path: Path) -> bool:
    """Whether the program has the rules and the commands of a market."""
    market = json.loads(path.read_text("utf-8"))
    kinds = {fields["type"] for fields in market["commands"] if isinstance(fields, dict)}
    is_known = market["name"] == "malformed" or kinds <= COMMANDS.keys()
    return is_known and market.get("rules", RULES_VERSION) <= RULES_VERSION


SCENARIOS: Final = sorted(
    {*HERE.glob("*.json"), *filter(is_built, SHARED.glob("*.json"))} - {PREAMBLES}
)


def clear(lines: list[bytes]) -> list[Fields]:
    """The facts of the lines, from the shards in memory; at the end every law holds.

    The rows alone make the same books.
    """
    run = MemoryRun()
    for line in lines:
        run.decide(line)
    check_laws(run.clearinghouse)
    check_folding(run.clearinghouse, rng=Random(len(lines)))  # noqa: S311 - tests draw no secrets
    return run.facts()


def lines_of(scenario: Fields) -> list[bytes]:
    """The preamble's commands, then the scenario's, one line each."""
    preamble = scenario.get("preamble")
    before = json.loads(PREAMBLES.read_text("utf-8"))[preamble] if preamble else []
    commands = [*before, *scenario["commands"]]
    if "margin_model" not in json.dumps(commands):
        commands.insert(0, BY_PAPER)
    texts = [command if isinstance(command, str) else json.dumps(command) for command in commands]
    return [text.encode() for text in texts]


def has(actual: object, expected: object) -> bool:
    """Whether a value has at least the fields expected of it; lists and all else are equal."""
    match expected:
        case dict():
            return isinstance(actual, dict) and all(
                name in actual and has(actual[name], value) for name, value in expected.items()
            )
        case list():
            return (
                isinstance(actual, list)
                and len(actual) == len(expected)
                and all(map(has, actual, expected))
            )
        case _:
            return type(actual) is type(expected) and actual == expected


def unmatched(expected: list[Fields], facts: list[Fields]) -> list[Fields]:
    """The expectations without a fact of their own, in the largest matching of the two."""
    wish_of: dict[int, int] = {}

    def find_fact(wish: int, tried: set[int]) -> bool:
        for number, fact in enumerate(facts):
            if number not in tried and has(fact, expected[wish]):
                tried.add(number)
                if number not in wish_of or find_fact(wish_of[number], tried):
                    wish_of[number] = wish
                    return True
        return False

    return [fields for wish, fields in enumerate(expected) if not find_fact(wish, set())]


def alike(fields: Fields, facts: list[Fields]) -> list[Fields]:
    """Facts of the same type, to show beside one that is missing."""
    return [fact for fact in facts if fact.get("type") == fields.get("type")]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_market_ends_as_worked_by_hand(path: Path) -> None:
    scenario = json.loads(path.read_text("utf-8"))
    facts = clear(lines_of(scenario))
    missing = unmatched(scenario["expect"], facts)
    assert [(fields, alike(fields, facts)) for fields in missing] == [], scenario["why"]
    unwanted = [
        fact for fact in facts for fields in scenario.get("absent", []) if has(fact, fields)
    ]
    assert unwanted == [], scenario["why"]


def test_there_are_scenarios_of_our_own() -> None:
    assert sorted(set(HERE.glob("*.json")) - {PREAMBLES}) != []


def test_every_parameter_is_configured_in_some_market() -> None:
    """Else one could be accepted, and recorded, and do nothing."""
    texts = [path.read_text("utf-8") for path in HERE.glob("*.json") if path != PREAMBLES]
    markets = [json.loads(text) for text in texts]
    configured = {
        fields["parameter"]
        for market in markets
        if market["name"] != "configure_refusals"
        for fields in market["commands"]
        if isinstance(fields, dict) and fields["type"] == "configure/1"
    }
    assert configured >= PARAMETERS.keys()


def test_each_expectation_needs_a_fact_of_its_own() -> None:
    assert unmatched([{"a": 1}, {"a": 1}], [{"a": 1, "b": 2}]) == [{"a": 1}]


def test_a_wide_expectation_leaves_the_only_fact_to_a_narrow_one() -> None:
    facts = [{"a": 1, "b": 2}, {"a": 1, "b": 3}]
    assert unmatched([{"a": 1}, {"a": 1, "b": 2}], facts) == []


@pytest.mark.parametrize(
    ("actual", "expected", "matches"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, True),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": True}, {"a": 1}, False),
        ({}, {"a": None}, False),
        ({"a": None}, {"a": None}, True),
    ],
)
def test_a_fact_has_at_least_the_fields(actual: Fields, expected: Fields, *, matches: bool) -> None:
    assert has(actual, expected) is matches
