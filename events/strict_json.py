"""Strict JSON, one object to a line (WIRE §1), and values as they are shown to people.

In: bytes. Out: the object, or `NotStrict` with the expected and the actual text. Its text is part
of facts and so of the hash chain: it repeats no words or positions of the JSON library, which
differ between versions of Python.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn

LINE_BYTES_MAX: Final = 64 * 1024
DEPTH_MAX: Final = 8

_INTEGER_TEXT_MAX: Final = 24
_SHOWN_MAX: Final = 40
_BLANKS: Final = " \t\n\r"


class NotStrict(ValueError):
    """The text is not one JSON object, or one that only a lenient reader accepts."""

    def __init__(self, *, expected: str, actual: str) -> None:
        super().__init__(f"expected {expected}, found {actual}")


@dataclass(frozen=True, slots=True)
class NoInteger:
    """A JSON number that no field accepts: with a point or an exponent, or far beyond int64."""

    text: str


def strict_object(line: bytes) -> dict[str, Any]:
    """The JSON object in a line. Errors: `NotStrict`."""
    if len(line) > LINE_BYTES_MAX:
        raise NotStrict(expected=f"a line of at most {LINE_BYTES_MAX} bytes", actual=str(len(line)))
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start
        raise NotStrict(
            expected="text in UTF-8", actual=f"byte 0x{line[offset]:02x} at offset {offset}"
        ) from None
    if _depth(line) > DEPTH_MAX:
        raise NotStrict(expected=f"brackets at most {DEPTH_MAX} deep", actual="more")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError:
        raise NotStrict(expected="one JSON object", actual=_no_object(text)) from None
    if not isinstance(value, dict):
        raise NotStrict(expected="one JSON object", actual=_json_kind(value))
    if b"\\u" in line and _has_lone_surrogate(value):
        raise NotStrict(expected="whole characters", actual="half of one (a lone surrogate)")
    return value


def shown(value: object) -> str:
    """A value as JSON text in ASCII, cut to some forty characters."""
    text = _json_text(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 3]}..."


def _depth(line: bytes) -> int:
    """The deepest nesting of brackets outside of strings; 0 for at most DEPTH_MAX brackets."""
    if line.count(b"[") + line.count(b"{") <= DEPTH_MAX:
        return 0
    deepest = depth = 0
    is_in_string = is_escaped = False
    for byte in line:
        if is_in_string:
            is_in_string = is_escaped or byte != ord('"')
            is_escaped = byte == ord("\\") and not is_escaped
        elif byte == ord('"'):
            is_in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        last = {name: index for index, (name, _) in enumerate(pairs)}
        twice = next(name for index, (name, _) in enumerate(pairs) if last[name] != index)
        raise NotStrict(expected="each field once", actual=f"{shown(twice)} twice")
    return fields


def _no_constant(text: str) -> NoReturn:
    raise NotStrict(expected="a number", actual=text)


def _integer(text: str) -> int | NoInteger:
    return int(text) if len(text) <= _INTEGER_TEXT_MAX else NoInteger(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=_no_constant,
    parse_float=NoInteger,
    parse_int=_integer,
)
_UNICODE: Final = json.JSONEncoder(ensure_ascii=False, default=repr)
_ASCII: Final = json.JSONEncoder(ensure_ascii=True)


def _no_object(text: str) -> str:
    """Words for text that is no JSON object, without the decoder's offset, which varies."""
    stripped = text.strip(_BLANKS)
    if not stripped:
        return "nothing"
    if not stripped.startswith("{"):
        return f"text that begins with {shown(stripped[:_SHOWN_MAX])}"
    if not stripped.endswith("}"):
        return f"text that ends with {shown(stripped[-_SHOWN_MAX // 2 :])}"
    return "text that is not JSON"


def _json_kind(value: object) -> str:
    if value is None:
        return "null"
    return {"list": "an array", "str": "a string", "bool": "a boolean"}.get(
        type(value).__name__, "a number"
    )


def _has_lone_surrogate(value: object) -> bool:
    try:
        _UNICODE.encode(value).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _json_text(value: object) -> str:
    match value:
        case NoInteger(text):
            return text
        case list():
            return f"[{', '.join(map(_json_text, value))}]"
        case dict():
            pairs = (f"{_ASCII.encode(name)}: {_json_text(field)}" for name, field in value.items())
            return f"{{{', '.join(pairs)}}}"
        case _:
            return _ASCII.encode(value)
