"""The AsyncAPI document: every word of the wire once, every topic, every reference resolves.

No validator of AsyncAPI is among our packages: the structure is checked here, by the lines of the
specification 3.0.0 that each test names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from click.testing import CliRunner

from events.commands import COMMANDS
from events.contracts import PRODUCTS
from events.facts import FACTS
from services.broker.topics import partition_counts
from services.cli import cli
from services.embedded.memory import clear_in_memory
from tests.services.console.test_schema import holds
from tests.services.reports.small_market import SMALL_MARKET

DOCUMENT: Final[dict[str, Any]] = json.loads(
    CliRunner().invoke(cli, ["schema", "--asyncapi"]).output
)
MESSAGES: Final[dict[str, Any]] = DOCUMENT["components"]["messages"]


def resolved(reference: str) -> Any:  # noqa: ANN401 - JSON of any form
    """What a reference points at."""
    at: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        at = at[name]
    return at


def references(part: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any form
    """All references in a part of the document."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from [value] if name == "$ref" else references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_reference_points_at_something() -> None:
    every = [*references(DOCUMENT)]
    assert len(every) > len(COMMANDS) + len(FACTS)
    assert [reference for reference in every if not reference.startswith("#/")] == []
    for reference in every:
        assert isinstance(resolved(reference), dict), reference


def test_every_command_and_fact_is_there_once() -> None:
    names = [message["name"] for message in MESSAGES.values() if "/" in message["name"][:64]]
    words = [name for name in names if re.fullmatch(r"[a-z_]+/\d+", name)]
    assert sorted(words) == sorted([*COMMANDS, *FACTS])


def test_every_topic_is_a_channel_with_its_partitions() -> None:
    channels = DOCUMENT["channels"].values()
    counts = {each["address"]: each["bindings"]["kafka"]["partitions"] for each in channels}
    assert counts == partition_counts(with_facts=True)
    assert {each["address"]: len(each["x-partitions"]) for each in channels} == counts


def test_a_command_lies_in_the_topic_of_its_shard_and_in_no_other() -> None:
    for kind, model in COMMANDS.items():
        holding = [
            name
            for name, channel in DOCUMENT["channels"].items()
            if any(resolved(each["$ref"])["name"] == kind for each in channel["messages"].values())
        ]
        assert holding == [model.SHARD], kind


def test_keys_are_the_shards() -> None:
    def key_of(name: str) -> list[str]:
        keys: list[str] = MESSAGES[name]["bindings"]["kafka"]["key"]["enum"]
        return keys

    markets = [f"market/{product}" for product in PRODUCTS]
    assert key_of("open_session.v1") == ["control/0"]
    assert key_of("submit_trade.v1") == markets
    assert key_of("control_copy") == [*markets, "member/0"]
    assert key_of("trade_novated.v1") == ["control/0", "member/0", *markets]


def test_facts_and_copies_have_headers_and_commands_have_none() -> None:
    assert MESSAGES["control_copy"]["headers"]["required"] == ["clearing-copy"]
    for kind in FACTS:
        headers = MESSAGES[kind.replace("/", ".v")]["headers"]
        sent = {"type": kind, "shard": "member/0", "seq": "7", "position": "0"}
        assert holds(headers, sent), kind
        assert not holds(headers, sent | {"seq": "x"})
    assert [kind for kind in COMMANDS if "headers" in MESSAGES[kind.replace("/", ".v")]] == []


def test_the_structure_is_that_of_the_specification() -> None:
    """Root object; names of components; operations refer to messages of their own channel."""
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    for components in DOCUMENT["components"].values():
        assert [name for name in components if not re.fullmatch(r"[a-zA-Z0-9.\-_]+", name)] == []
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = operation["channel"]["$ref"]
        assert resolved(channel)["address"]
        assert operation["messages"]
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/")
    used = {each["channel"]["$ref"] for each in DOCUMENT["operations"].values()}
    assert used == {f"#/channels/{name}" for name in DOCUMENT["channels"]}


def test_facts_of_a_market_are_as_their_messages_say() -> None:
    for fact in clear_in_memory(SMALL_MARKET):
        payload = MESSAGES[fact["type"].replace("/", ".v")]["payload"]
        schema = resolved(payload["$ref"])
        assert holds(schema, fact, schema.get("$defs", {})), fact
