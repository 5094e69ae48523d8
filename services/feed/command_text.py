"""Makes a command of what an operator types: `open_session business_date=2026-06-08`.

In: a type and texts by field. Out: the command and its line, typed and checked by its model.
Errors: `NotComposed`, which names each wrong field, what was expected and what was found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from events.codec import decode_command
from events.command import Command, Malformed
from events.commands import COMMANDS

NULL: Final = "null"
_NUMBER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_FORMS: Final = {
    "integer": "a whole number",
    "date": "a date like 2026-06-08",
    "date-time": "a time like 2026-06-08T21:00:00Z",
    "null": NULL,
    "array": "a list in JSON",
}


class NotComposed(Exception):
    """The text is no command; the message says why."""


class Composed(NamedTuple):
    """A command and its line on the wire."""

    command: Command
    line: bytes


def compose(kind: str, texts: Mapping[str, str]) -> Composed:
    """The command of a type, with or without its version, from its fields as texts."""
    model = model_of(kind)
    forms = forms_of(model)
    fields = {name: _typed(texts[name], forms[name]) for name in forms if name in texts}
    wrong = [
        f"unknown field {name}: {model.TYPE} has {', '.join(forms)}"
        for name in texts
        if name not in forms
    ]
    wrong += [
        f"{name} is missing: expected {in_words(forms[name])}"
        for name in forms
        if name not in texts
    ]
    wrong += _wrong_values(model, fields)
    if wrong:
        raise NotComposed("; ".join(wrong))
    line = _ENCODER.encode({"type": model.TYPE, **fields}).encode()
    command = decode_command(line)
    if isinstance(command, Malformed):  # Each field is right, the whole is not.
        raise NotComposed(command.detail)
    return Composed(command, line)


def model_of(kind: str) -> type[Command]:
    """The model of a type. Errors: NotComposed, which names types with similar names."""
    names = {name.partition("/")[0]: name for name in COMMANDS}
    model = COMMANDS.get(names.get(kind, kind))
    if model is None:
        near = get_close_matches(kind, names, n=3)
        shown = f"; did you mean {' or '.join(near)}?" if near else f", but {', '.join(names)}"
        msg = f"there is no command {kind!r}{shown}"
        raise NotComposed(msg)
    return model


Forms = Mapping[str, list[dict[str, Any]]]


def forms_of(model: type[Command]) -> Forms:
    """By field the forms that its value may have, as JSON Schema says them."""
    schema = model.model_json_schema()["properties"]
    return {name: schema[name].get("anyOf", [schema[name]]) for name in model.model_fields}


def in_words(forms: list[dict[str, Any]]) -> str:
    """The expected value of a field, in words."""
    return " or ".join(
        f"one of {', '.join(form['enum'])}"
        if "enum" in form
        else _FORMS.get(form.get("format", form["type"]), "text")
        for form in forms
    )


def _typed(text: str, forms: list[dict[str, Any]]) -> object:
    """A text as the JSON value that its field asks for; what fits no form stays text."""
    kinds = {form["type"] for form in forms}
    if text == NULL and "null" in kinds:
        return None
    if "array" in kinds:
        with suppress(ValueError):
            return json.loads(text)
    return int(text) if "integer" in kinds and _NUMBER.fullmatch(text) else text


def _wrong_values(model: type[Command], fields: Mapping[str, Any]) -> list[str]:
    """One line for each field that has a wrong value."""
    forms = forms_of(model)
    try:
        model.model_validate(fields)
    except ValidationError as error:
        texts = {
            str(detail["loc"][0]): detail["msg"].removeprefix("Value error, ")
            for detail in reversed(error.errors(include_url=False))
            if detail["loc"] and detail["type"] != "missing"
        }
        return [
            f"{name}: expected {in_words(forms[name])}, found {fields[name]!r} ({texts[name]})"
            for name in fields
            if name in texts
        ]
    return []
