"""The forms of fields on the wire (WIRE §1): identifiers, names, int64, decimals, instants, dates.

In: parsed JSON values. Out: text, integers, exact decimals, nanoseconds and dates.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

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


Identifier = Annotated[str, StringConstraints(strict=True, pattern=r"\A[A-Za-z0-9._:\-]{1,64}\z")]
Name = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=200),
    BeforeValidator(lambda value: _no_nul(_text(value))),
]
FreeText = Annotated[
    str, StringConstraints(strict=True), BeforeValidator(lambda value: _no_nul(_text(value)))
]
Int64 = Annotated[int, Field(strict=True, ge=INT64_MIN, le=INT64_MAX)]
DecimalText = Annotated[
    Decimal,
    BeforeValidator(lambda value: parse_decimal(_text(value))),
    PlainSerializer(format_decimal, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"}),
]
Instant = Annotated[
    int,
    BeforeValidator(lambda value: parse_instant(_text(value))),
    PlainSerializer(format_instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
BusinessDate = Annotated[
    date,
    BeforeValidator(lambda value: parse_date(_text(value))),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]

# Facts are stated by ourselves in our own units and read back from the journal in the wire's words.
StatedInstant = Annotated[
    int,
    BeforeValidator(lambda value: value if isinstance(value, int) else parse_instant(_text(value))),
    PlainSerializer(format_instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
StatedDate = Annotated[
    date,
    BeforeValidator(lambda value: value if isinstance(value, date) else parse_date(_text(value))),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]
StatedDecimal = Annotated[
    Decimal,
    BeforeValidator(
        lambda value: value if isinstance(value, Decimal) else parse_decimal(_text(value))
    ),
    PlainSerializer(format_decimal, return_type=str),
    WithJsonSchema({"type": "string"}),
]
