"""Bytes to commands (WIRE §1).

In: one line or message. Out: a `Command`, or a `Malformed` that says what was expected and found,
with the type and whatever fields could be read for finding its shard.

What a `Malformed` says lies in a fact and so in the hash chain: which field is wrong is asked of
pydantic, what it should be is told by our own models, so that no word of it is a library's.
"""

from __future__ import annotations

from functools import cache
from typing import Any, get_type_hints

from pydantic import ValidationError

from events.command import Command, Malformed
from events.commands import COMMANDS
from events.strict_json import NotStrict, shown, strict_object
from events.wire_fields import expected_of, is_identifier


def decode_command(line: bytes) -> Command | Malformed:
    """Read one command strictly.

    line: the exact bytes without the line's end. Source: WIRE §1.
    """
    try:
        fields = strict_object(line)
    except NotStrict as found:
        return Malformed(str(found))
    if "type" not in fields:
        return Malformed(_missing("type"))
    kind = fields.pop("type")
    if not isinstance(kind, str):
        return Malformed(_other("type", "a string", found=kind))
    model = COMMANDS.get(kind)
    if model is None:
        return Malformed(_other("type", "a known type", found=kind))
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        return Malformed(_first_wrong(model, fields, error=error), kind, fields)


def _first_wrong(model: type[Command], fields: dict[str, Any], *, error: ValidationError) -> str:
    """What is wrong with the first field that is, in the model's order; then what is too much."""
    errors = error.errors(include_url=False, include_input=False)
    wrong = {one["loc"][0] for one in errors if one["loc"]}
    for name in model.model_fields:
        if name in wrong:
            if name not in fields:
                return _missing(name)
            found = fields[name]
            return _other(name, expected_of(_annotations(model)[name], found), found=found)
    for name in fields:
        if name not in model.model_fields:
            return f"{name if is_identifier(name) else shown(name)}: expected no such field"
    # Each field is right, the whole is not: a validator of the model says why, in our own words.
    return str(errors[0].get("ctx", {}).get("error", "expected fields that go together"))


@cache
def _annotations(model: type[Command]) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


def _missing(name: str) -> str:
    return f"{name}: expected, found nothing"


def _other(name: str, expected: str, *, found: object) -> str:
    return f"{name}: expected {expected}, found {shown(found)}"
