"""The forms of fields on the wire (WIRE §1): identifiers, names, int64, decimals, instants, dates.

In: parsed JSON values. Out: text, integers, exact decimals, nanoseconds and dates; the texts of
refusals for wrong values; JSON Schemas of the forms, which accept more: 5.0 as an integer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from events.units import (
    INT64_MAX,
    INT64_MIN,
    format_decimal,
    format_instant,
    parse_date,
    parse_decimal,
    parse_instant,
)

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._:\-]{1,64}", re.ASCII)
_DAY: Final = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
# Dates that do not exist; 29 February of years not divisible by 4, of centuries not by 400.
_ODD: Final = "([02468][1235679]|[13579][01345789])"
_NO_DAY: Final = f"^(0000|[0-9]{{4}}-(02-30|(02|04|06|09|11)-31)|([0-9]{{2}}{_ODD}|{_ODD}00)-02-29)"
_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
_NO_NUL: Final = r"^[^\u0000]*$"

# What a field holds, for refusals.
TEXT: Final = "text in quotes"
INTEGER: Final = "a whole number without quotes or point"

_DECIMAL_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$",
    "allOf": [{"pattern": r"^-?([0-9]\.?){1,18}$"}],
}
_INSTANT_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "format": "date-time",
    "pattern": f"^{_DAY}T{_CLOCK}Z$",
    "not": {"pattern": _NO_DAY},
}
_DATE_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "format": "date",
    "pattern": f"^{_DAY}$",
    "not": {"pattern": _NO_DAY},
}


@dataclass(frozen=True, slots=True)
class Form:
    """Text for a refusal.

    kind: used when the JSON type is wrong; of_kind: when the type is right and the value is not.
    """

    kind: str
    of_kind: str


def expected_of(annotation: Any, actual: object) -> str:  # noqa: ANN401 - any annotation of a field
    """The expected form of a field, in words, for a refusal of its actual value."""
    if get_origin(annotation) is Annotated:
        form = next(entry for entry in annotation.__metadata__ if isinstance(entry, Form))
        is_of_kind = type(actual) is (int if form.kind == INTEGER else str)
        return form.of_kind if is_of_kind else form.kind
    if get_origin(annotation) is Literal:
        return " or ".join(f'"{choice}"' for choice in get_args(annotation))
    form_or_null, null = get_args(annotation)
    assert null is type(None), annotation
    return f"{expected_of(form_or_null, actual)} or null"


def is_identifier(text: str) -> bool:
    """Whether a text has the form of an identifier."""
    return _IDENTIFIER.fullmatch(text) is not None


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"expected a string, found {type(value).__name__}"
        raise ValueError(msg)  # noqa: TRY004 - pydantic reports ValueError, a TypeError would escape it
    return value


def _no_nul(value: str) -> str:
    if "\x00" in value:
        msg = "expected text without NUL"
        raise ValueError(msg)
    return value


Identifier = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"\A[A-Za-z0-9._:\-]{1,64}\z"),
    Form(TEXT, "an identifier (1 to 64 of A-Z a-z 0-9 . _ : -)"),
]
Name = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=200),
    BeforeValidator(lambda value: _no_nul(_text(value))),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 200, "pattern": _NO_NUL}),
    Form(TEXT, "1 to 200 characters, none of them NUL"),
]
FreeText = Annotated[
    str,
    StringConstraints(strict=True),
    BeforeValidator(lambda value: _no_nul(_text(value))),
    WithJsonSchema({"type": "string", "pattern": _NO_NUL}),
    Form(TEXT, "text without NUL"),
]
Int64 = Annotated[
    int,
    Field(strict=True, ge=INT64_MIN, le=INT64_MAX),
    Form(INTEGER, f"a whole number from {INT64_MIN} to {INT64_MAX}"),
]
DecimalText = Annotated[
    Decimal,
    BeforeValidator(lambda value: parse_decimal(_text(value))),
    PlainSerializer(format_decimal, return_type=str),
    WithJsonSchema(_DECIMAL_SCHEMA),
    Form('a number in quotes, like "2.07"', 'a plain number like "2.07", at most 18 digits'),
]
Instant = Annotated[
    int,
    BeforeValidator(lambda value: parse_instant(_text(value))),
    PlainSerializer(format_instant, return_type=str),
    WithJsonSchema(_INSTANT_SCHEMA),
    Form(TEXT, "an existing time in UTC like 2026-06-08T21:00:00Z"),
]
BusinessDate = Annotated[
    date,
    BeforeValidator(lambda value: parse_date(_text(value))),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema(_DATE_SCHEMA),
    Form(TEXT, "an existing date like 2026-06-08"),
]

# The program states facts in its own units and reads them back from the journal in WIRE's forms.
StatedInstant = Annotated[
    int,
    BeforeValidator(lambda value: value if isinstance(value, int) else parse_instant(_text(value))),
    PlainSerializer(format_instant, return_type=str),
    WithJsonSchema(_INSTANT_SCHEMA),
]
StatedDate = Annotated[
    date,
    BeforeValidator(lambda value: value if isinstance(value, date) else parse_date(_text(value))),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema(_DATE_SCHEMA),
]
StatedDecimal = Annotated[
    Decimal,
    BeforeValidator(
        lambda value: value if isinstance(value, Decimal) else parse_decimal(_text(value))
    ),
    PlainSerializer(format_decimal, return_type=str),
    WithJsonSchema(_DECIMAL_SCHEMA),
]
