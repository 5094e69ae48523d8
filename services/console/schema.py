"""The words on the wire as one JSON document: commands, facts, parameters, reasons, products.

In: the tables of `events/`. Out: JSON Schemas made by the models themselves, with what stands on
the wire beside the model's own fields: `type`, and of facts `shard` and `seq`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final, Literal

from pydantic import BaseModel

from events.commands import COMMANDS
from events.contracts import PRODUCTS
from events.facts import FACTS
from events.parameters import PARAMETERS, Parameter
from events.refusals import OTHER_PRECEDENCE, TRADE_PRECEDENCE, Reason

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_STAMPED: Final[dict[str, Any]] = {
    "shard": {"type": "string"},
    "seq": {"type": "integer", "minimum": 0},
}


def wire_schema() -> dict[str, Any]:
    """The whole document."""
    return {
        "$schema": _DIALECT,
        "commands": {kind: _command(kind, model) for kind, model in COMMANDS.items()},
        "facts": {kind: _fact(kind, model) for kind, model in FACTS.items()},
        "parameters": [_parameter(entry) for entry in PARAMETERS.values()],
        "refusals": {
            "trades": [reason.value for reason in TRADE_PRECEDENCE],
            "others": [reason.value for reason in OTHER_PRECEDENCE],
            "withdrawals_at_a_cycle": [Reason.INSUFFICIENT_EQUITY.value],
        },
        "products": [asdict(product) for product in PRODUCTS.values()],
    }


def _command(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    return _with_type(kind, model, mode="validation", stamped={})


def _fact(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    return _with_type(kind, model, mode="serialization", stamped=_STAMPED)


def _with_type(
    kind: str,
    model: type[BaseModel],
    *,
    mode: Literal["validation", "serialization"],
    stamped: dict[str, Any],
) -> dict[str, Any]:
    made = _in_javascript(model.model_json_schema(mode=mode, by_alias=True))
    before = {"type": {"const": kind}, **stamped}
    return {
        **made,
        "properties": before | made.get("properties", {}),
        "required": [*before, *made.get("required", [])],
        "additionalProperties": False,
    }


def _in_javascript(schema: Any) -> Any:  # noqa: ANN401 - JSON of any form
    """The same schema with patterns as JSON Schema writes them: `^` and `$` for the whole text."""
    match schema:
        case dict():
            return {
                name: value.replace(r"\A", "^").replace(r"\z", "$")
                if name == "pattern" and isinstance(value, str)
                else _in_javascript(value)
                for name, value in schema.items()
            }
        case list():
            return [_in_javascript(value) for value in schema]
        case _:
            return schema


def _parameter(entry: Parameter) -> dict[str, Any]:
    return {
        "name": entry.name,
        "type": entry.kind,
        "default": entry.default,
        "source": entry.source if entry.source.startswith("WIRE") else f"RULEBOOK {entry.source}",
        "scope": entry.scope,
    }
