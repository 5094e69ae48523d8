"""The canonical text of facts: of one, and of many that differ in some fields only (WIRE §3).

In: a fact. Out: its bytes: compact JSON in UTF-8, `type`, `shard`, `seq`, `at` first, then the
fact's own fields in the model's order.
In: a kind of fact, what many of it state alike, and the fields that differ (columns). Out: the text
around those fields, derived from the model: for joining columns of texts, as a template of bytes,
or as a pattern that reads the facts back. Law: what is put together so is what `encode_fact`
writes; tests hold both against each other. A column of text holds identifiers, which JSON writes
as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from events.fact import Fact

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def encode_fact(fact: Fact, *, shard: str, seq: int) -> bytes:
    """The canonical bytes of a fact, stamped with the journal row that caused it."""
    own = fact.model_dump(mode="json", by_alias=True)
    at = own.pop("at")
    stated = {"type": fact.TYPE, "shard": shard, "seq": seq, "at": at, **own}
    return encoded(stated).encode()


def encoded(value: object) -> str:
    """A value as compact JSON."""
    return _ENCODER.encode(value)


def fact_head(kind: type[Fact]) -> bytes:
    """What every recorded fact of a kind begins with."""
    return f'{{"type":"{kind.TYPE}"'.encode()


def texts_around(
    kind: type[Fact], columns: Collection[str], *, alike: Mapping[str, object]
) -> list[str]:
    """The texts before, between and after the columns, from the comma behind `at` to the brace.

    columns: field names in the model's order; all other fields are in `alike`. One more text than
    columns.
    """
    fields: dict[str, Any] = dict(alike)
    stated = kind.model_construct(None, **fields).model_dump(mode="json", include={*alike})
    texts = [""]
    for name, field in kind.model_fields.items():
        if name == "at":
            continue
        texts[-1] += f',"{field.alias or name}":'
        if name in columns:
            quote = '"' if field.annotation is str else ""
            texts[-1] += quote
            texts.append(quote)
        else:
            texts[-1] += encoded(stated[name])
    texts[-1] += "}"
    assert len(texts) == len(columns) + 1, (kind, columns)
    return texts


def fact_template(
    kind: type[Fact], shard: str, *, columns: Mapping[str, str], alike: Mapping[str, object]
) -> bytes:
    """A template for `%` of bytes, to be filled with seq, at and the columns.

    columns: of each field how it is filled in, `%d` or `%b`.
    """
    texts = [f',"shard":"{shard}","seq":', ',"at":"']
    around = texts_around(kind, columns, alike=alike)
    texts += [f'"{around[0]}', *around[1:]]
    assert not any("%" in text for text in texts), texts
    fills = ["%d", "%b", *columns.values(), ""]
    filled = "".join(f"{text}{fill}" for text, fill in zip(texts, fills, strict=True))
    return fact_head(kind) + filled.encode()


def fact_pattern(kind: type[Fact], groups: Collection[str]) -> bytes:
    """A pattern for recorded facts of a kind whose fields are identifiers, dates and integers.

    groups: the fields to be captured, with `at` if it is among them, in the model's order.
    Possessive throughout: there is one way to read a fact, and nothing to go back for.
    """
    own = {
        name: field.annotation is not int
        for name, field in kind.model_fields.items()
        if name != "at"
    }
    fields: dict[str, Any] = {"shard": True, "seq": False, "at": True, **own}
    pattern = re.escape(fact_head(kind))
    for name, is_text in fields.items():
        value = b'[^"]*+' if is_text else b"[0-9]++"
        captured = b"(%b)" % value if name in groups else value
        quote = b'"' if is_text else b""
        pattern += b',"%b":%b%b%b' % (name.encode(), quote, captured, quote)
    return pattern + rb"\}"
