"""The topics of Kafka as an AsyncAPI document: channels, messages by type, keys, headers.

In: the tables of `events/` and the topics. Out: AsyncAPI 3.0 as JSON, with the schemas that
`schema.py` makes, seen from the clearinghouse: it receives commands, it sends facts and copies.
Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0, Kafka bindings 0.5.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from events.command import CONTROL, MARKET, MEMBER
from events.commands import COMMANDS
from events.facts import FACTS
from services.broker.fact_messages import FACT_HEADERS
from services.broker.messages import COPY_HEADER
from services.broker.topics import (
    FACTS_TOPIC,
    ShardPartition,
    fact_partitions,
    partition_counts,
    shard_partitions,
    topic_name,
)
from services.console.schema import wire_schema
from services.console.version import program_version

_BINDING: Final = {"bindingVersion": "0.5.0"}
_COPY: Final = "control_copy"
_DIGITS: Final = {"type": "string", "pattern": "^[0-9]+$"}
_TELLS: Final = {
    CONTROL: "Inbox of control/0: commands that concern all shards. No headers.",
    MARKET: "Inboxes of the markets, a partition for each product. Commands have no headers.",
    MEMBER: "Inbox of member/0: cash, collateral, the fund. Commands have no headers.",
    FACTS_TOPIC: "All facts, a partition for each shard, in the order of the journal, from "
    "`clearing publish`. In transactions: read with isolation level read_committed.",
}


def async_schema() -> dict[str, Any]:
    """The whole document, with the default prefix of topics."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Clearinghouse for token futures",
            "version": program_version(),
            "description": "Names of topics are those of the default topic_prefix.",
        },
        "defaultContentType": "application/json",
        "channels": {kind: _channel(kind) for kind in _TELLS},
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def message_name(kind: str) -> str:
    """The key of a type in the document, which allows no slash: `open_session.v1`."""
    return kind.replace("/", ".v")


def _channel(kind: str) -> dict[str, Any]:
    topic = topic_name(kind)
    return {
        "address": topic,
        "description": _TELLS[kind],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _names(kind)},
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": partition_counts(with_facts=True)[topic],
                "topicConfiguration": {"cleanup.policy": ["delete"]},
                **_BINDING,
            }
        },
        "x-partitions": {partition.shard: partition.number for partition in _partitions(kind)},
    }


def _partitions(kind: str) -> list[ShardPartition]:
    if kind == FACTS_TOPIC:
        return fact_partitions()
    return [each for each in shard_partitions() if each.topic == topic_name(kind)]


def _names(kind: str) -> list[str]:
    """The messages of a channel."""
    if kind == FACTS_TOPIC:
        return [*map(message_name, FACTS)]
    copies = [] if kind == CONTROL else [_COPY]
    commands = [message_name(name) for name, model in COMMANDS.items() if kind == model.SHARD]
    return [*commands, *copies]


def _operations() -> dict[str, Any]:
    received = {
        f"receive_{kind}": _operation("receive", kind, names=set(_names(kind)) - {_COPY})
        for kind in (CONTROL, MARKET, MEMBER)
    }
    copied = {
        f"send_copies_{kind}": _operation("send", kind, names=[_COPY]) for kind in (MARKET, MEMBER)
    }
    return (
        received | copied | {"send_facts": _operation("send", FACTS_TOPIC, names=_names("facts"))}
    )


def _operation(action: str, kind: str, *, names: Iterable[str]) -> dict[str, Any]:
    channel = f"#/channels/{kind}"
    messages = [{"$ref": f"{channel}/messages/{name}"} for name in sorted(names)]
    return {"action": action, "channel": {"$ref": channel}, "messages": messages}


def _messages() -> dict[str, Any]:
    commands = {
        message_name(name): _message(name, shards=_shards(model.SHARD))
        for name, model in COMMANDS.items()
    }
    facts = {
        message_name(name): _message(name, shards=_shards(FACTS_TOPIC))
        | {"headers": _headers({**dict.fromkeys(FACT_HEADERS, _DIGITS), **_fact_names(name)})}
        for name in FACTS
    }
    return commands | facts | {_COPY: _copy()}


def _message(name: str, *, shards: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "payload": {"$ref": f"#/components/schemas/{message_name(name)}"},
        "bindings": {"kafka": {"key": {"type": "string", "enum": shards}, **_BINDING}},
    }


def _copy() -> dict[str, Any]:
    """A copy of a control command, as the other shards get it."""
    names = [message_name(name) for name, model in COMMANDS.items() if model.SHARD == CONTROL]
    return {
        "name": "copy of a control command, by its number in the journal of control/0",
        "headers": _headers({COPY_HEADER: _DIGITS}),
        "payload": {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "enum": [*_shards(MARKET), *_shards(MEMBER)]},
                **_BINDING,
            }
        },
    }


def _headers(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {**properties}, "required": [*properties]}


def _fact_names(name: str) -> dict[str, Any]:
    return {
        "type": {"type": "string", "const": name},
        "shard": {"type": "string", "enum": _shards(FACTS_TOPIC)},
    }


def _shards(kind: str) -> list[str]:
    return [partition.shard for partition in _partitions(kind)]


def _schemas() -> dict[str, Any]:
    wire = wire_schema()
    return {
        message_name(name): _moved(schema, f"#/components/schemas/{message_name(name)}")
        for name, schema in (wire["commands"] | wire["facts"]).items()
    }


def _moved(schema: Any, root: str) -> Any:  # noqa: ANN401 - JSON of any form
    """A schema whose references begin at another root than its own."""
    match schema:
        case dict():
            return {
                name: root + value.removeprefix("#") if name == "$ref" else _moved(value, root)
                for name, value in schema.items()
            }
        case list():
            return [_moved(value, root) for value in schema]
        case _:
            return schema
