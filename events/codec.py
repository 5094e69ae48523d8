"""Bytes to commands, facts to bytes (WIRE §1).

In: one line or message. Out: a `Command`, or a `Malformed` that says what was expected and found,
with the type and whatever fields could be read for finding its shard. Facts leave in one canonical
form: compact JSON in UTF-8, `type`, `shard`, `seq`, `at` first, then the fact's own fields in the
model's order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, NoReturn

from pydantic import ValidationError

from events.commands import COMMANDS, Command
from events.facts import FACTS, Fact

LINE_BYTES_MAX: Final = 64 * 1024
DEPTH_MAX: Final = 8

_INTEGER_TEXT_MAX: Final = 24
_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=repr
)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A command that cannot be read. `kind` is its type when that could be read and is known."""

    detail: str
    kind: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


class Recorded(NamedTuple):
    """A fact as it stands in the journal."""

    shard: str
    seq: int
    fact: Fact


class _NotStrict(ValueError):
    """What was found is JSON only to a lenient reader."""


def decode_command(line: bytes) -> Command | Malformed:
    """Read one command strictly.

    line: the exact bytes without the line's end. Source: WIRE §1.
    """
    try:
        fields = _strict_object(line)
    except RecursionError:
        return Malformed(f"expected nesting of at most {DEPTH_MAX}, found more")
    except ValueError as found:
        return Malformed(f"expected strict JSON, found {_brief(str(found))}")
    kind = fields.get("type")
    if not isinstance(kind, str):
        return Malformed(f"expected a type, found {_brief(repr(kind))}")
    model = COMMANDS.get(kind)
    if model is None:
        return Malformed(f"expected a known type, found {_brief(repr(kind))}")
    own = {name: value for name, value in fields.items() if name != "type"}
    try:
        return model.model_validate(own)
    except ValidationError as found:
        return Malformed(_describe(found), kind, own)


def encode_fact(fact: Fact, *, shard: str, seq: int) -> bytes:
    """The canonical bytes of a fact, stamped with the journal row that caused it."""
    own = fact.model_dump(mode="json", by_alias=True)
    at = own.pop("at")
    stated = {"type": fact.TYPE, "shard": shard, "seq": seq, "at": at, **own}
    return _ENCODER.encode(stated).encode()


def decode_fact(line: bytes) -> Recorded:
    """Read a fact back from the journal. Errors: ValueError when it is none of ours."""
    fields = json.loads(line)
    kind, shard, seq = fields.pop("type"), fields.pop("shard"), fields.pop("seq")
    model = FACTS.get(kind)
    if model is None:
        msg = f"expected a known fact, found {kind!r}"
        raise ValueError(msg)
    return Recorded(shard, seq, model.model_validate_json(_ENCODER.encode(fields)))


def _strict_object(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_BYTES_MAX:
        msg = f"{len(line)} bytes where at most {LINE_BYTES_MAX} are read"
        raise _NotStrict(msg)
    text = line.decode("utf-8")
    if _depth(line) > DEPTH_MAX:
        msg = f"nesting beyond {DEPTH_MAX}"
        raise _NotStrict(msg)
    value = _DECODER.decode(text)
    if not isinstance(value, dict):
        msg = f"{_json_kind(value)} where an object belongs"
        raise _NotStrict(msg)
    if b"\\u" in line:
        _ENCODER.encode(value).encode("utf-8")  # A lone surrogate has no UTF-8.
    return value


def _depth(line: bytes) -> int:
    """The deepest nesting of brackets outside of strings; 0 where there are too few to matter."""
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
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"key {_brief(repr(twice))} twice"
        raise _NotStrict(msg)
    return fields


def _no_constant(text: str) -> NoReturn:
    msg = f"{text}, which is not JSON"
    raise _NotStrict(msg)


@dataclass(frozen=True, slots=True)
class _NoInteger:
    """A JSON number that no field has: with a point or an exponent, or far beyond int64."""

    text: str


def _integer(text: str) -> int | _NoInteger:
    return int(text) if len(text) <= _INTEGER_TEXT_MAX else _NoInteger(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=_no_constant,
    parse_float=_NoInteger,
    parse_int=_integer,
)


def _json_kind(value: object) -> str:
    if value is None:
        return "null"
    return {"list": "an array", "str": "a string", "bool": "a boolean"}.get(
        type(value).__name__, "a number"
    )


def _brief(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:97]}..."  # noqa: PLR2004


def _describe(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "the command"
    found = _brief(repr(first["input"])) if first["loc"] else ""
    return _brief(f"{name}: {first['msg']}" + (f", found {found}" if found else ""))
