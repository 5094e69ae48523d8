"""Bytes to commands (WIRE §1).

In: one line or message. Out: a `Command`, or a `Malformed` whose detail names the expected and the
actual text; its type and readable fields serve for routing.

The detail is part of a fact and so of the hash chain. Pydantic only finds the wrong field; the
words come from our own models, because the texts of libraries change between versions.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, get_type_hints

from pydantic import ValidationError

from events.command import Command, Malformed
from events.commands import COMMANDS
from events.strict_json import NotStrict, shown, strict_object
from events.wire_fields import TEXT, expected_of, is_identifier

# The fields by which senders know their commands, the surest first.
_REFERENCES: Final = (
    "trade_id", "transfer", "reference", "cycle", "account", "member", "contract", "parameter",
    "business_date",
)  # fmt: skip
_REFERENCE: Final = {
    name: re.compile(rb'"%s"\s*:\s*"([A-Za-z0-9._:\-]{1,64})"' % name.encode())
    for name in _REFERENCES
}


def decode_command(line: bytes) -> Command | Malformed:
    """Read one command strictly.

    line: the exact bytes without the line's end. Source: WIRE §1.
    """
    try:
        fields = strict_object(line)
    except NotStrict as error:
        return Malformed(str(error))
    if "type" not in fields:
        return Malformed(_missing("type"))
    kind = fields.pop("type")
    if not isinstance(kind, str):
        return Malformed(_mismatch("type", TEXT, actual=kind))
    model = COMMANDS.get(kind)
    if model is None:
        return Malformed(f"unknown type {shown(kind)}")
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        return Malformed(_first_wrong(model, fields, error=error), kind, fields)


def readable_reference(line: bytes) -> str | None:
    """The reference of a line as WIRE §3 names it; of a malformed one what can be read of it."""
    command = decode_command(line)
    if isinstance(command, Command):
        return command.subject
    if command.kind is not None:
        texts = [command.fields.get(name) for name in COMMANDS[command.kind].SUBJECT]
        names = [text for text in texts if isinstance(text, str) and is_identifier(text)]
        return "/".join(names) if names and len(names) == len(texts) else None
    matches = (pattern.search(line) for pattern in _REFERENCE.values())
    return next((match[1].decode() for match in matches if match), None)


def _first_wrong(model: type[Command], fields: dict[str, Any], *, error: ValidationError) -> str:
    """The text for the first wrong field in the model's order; unknown fields come last."""
    errors = error.errors(include_url=False, include_input=False)
    wrong = {entry["loc"][0] for entry in errors if entry["loc"]}
    for name in model.model_fields:
        if name in wrong:
            if name not in fields:
                return _missing(name)
            expected = expected_of(_annotations(model)[name], fields[name])
            return _mismatch(name, expected, actual=fields[name])
    for name in fields:
        if name not in model.model_fields:
            return f"unknown field {name if is_identifier(name) else shown(name)}"
    # Each field is right by itself: a validator of the model has refused them together.
    return str(errors[0].get("ctx", {}).get("error", "expected fields that go together"))


@cache
def _annotations(model: type[Command]) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


def _missing(name: str) -> str:
    return f"{name} is missing"


def _mismatch(name: str, expected: str, *, actual: object) -> str:
    return f"{name}: expected {expected}, found {shown(actual)}"
