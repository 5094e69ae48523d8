"""The canonical text of facts: of one, and of many that differ in some fields only (WIRE §3).

In: a fact. Out: its bytes: compact JSON in UTF-8, `type`, `shard`, `seq`, `at` first, then the
fact's own fields in the model's order.
In: a kind of fact, the fields with equal values (alike), and the fields that differ (columns). Out:
the text around the columns, derived from the model: as texts to join, or as a shape by which the
facts are read back, thousands at once. Law: the assembled text equals that of `encode_fact`; tests
compare both. A text column holds identifiers, which JSON writes without escapes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple, get_args

import numpy as np

from events.fact import Fact
from events.quoted_texts import Numbers, QuotedTexts
from events.texts import DIGITS, Texts

# As many digits are surely an int64.
_DIGITS_MAX: Final = 18
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def encode_fact(fact: Fact, *, shard: str, seq: int) -> bytes:
    """The canonical bytes of a fact, stamped with the journal row that caused it."""
    stamp = f'{{"type":"{fact.TYPE}","shard":"{shard}","seq":{seq},'
    return f"{stamp}{fact.model_dump_json(by_alias=True)[1:]}".encode()


def compact_json(value: object) -> str:
    """A value as JSON without blanks."""
    return _ENCODER.encode(value)


def fact_head(kind: type[Fact]) -> bytes:
    """The first bytes of every recorded fact of a kind."""
    return f'{{"type":"{kind.TYPE}"'.encode()


def _texts_around(
    kind: type[Fact], columns: Collection[str], *, alike: Mapping[str, object]
) -> list[str]:
    """The texts before, between and after the columns, from the comma behind `at` to the brace.

    columns: field names in the model's order; all other fields are in `alike`. Returns one text
    more than there are columns.
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
            texts[-1] += compact_json(stated[name])
    texts[-1] += "}"
    assert len(texts) == len(columns) + 1, (kind, columns)
    return texts


def fact_texts(
    kind: type[Fact], shard: str, *, columns: Collection[str], alike: Mapping[str, object]
) -> list[bytes]:
    """The texts of a fact before its seq, before `at`, and around the columns."""
    before, *following = _texts_around(kind, columns, alike=alike)
    texts = [f',"shard":"{shard}","seq":', ',"at":"', f'"{before}', *following]
    return [fact_head(kind) + texts[0].encode(), *(text.encode() for text in texts[1:])]


def split_at_seq(fact: bytes) -> tuple[bytes, bytes]:
    """The text of a fact before the number of its row, and behind it."""
    head, mark, tail = fact.partition(b',"seq":')
    return head + mark, tail.lstrip(b"0123456789")


class FactShape(NamedTuple):
    """The text of a fact around its values. numbers: those of the values that are integers."""

    names: tuple[str, ...]
    frame: tuple[bytes, ...]
    numbers: tuple[int, ...]


def fact_shape(kind: type[Fact]) -> FactShape:
    """The shape of recorded facts of a kind whose fields are identifiers, dates and integers."""
    fields = {name: field.annotation for name, field in kind.model_fields.items() if name != "at"}
    forms = {"shard": str, "seq": int, "at": str, **fields}
    frame = [fact_head(kind)]
    for name, form in forms.items():
        quote = b"" if _is_number(form) else b'"'
        frame[-1] += b',"%b":%b' % (name.encode(), quote)
        frame.append(quote)
    frame[-1] += b"}"
    numbers = [number for number, form in enumerate(forms.values()) if _is_number(form)]
    return FactShape((*forms,), (*frame,), (*numbers,))


def _is_number(form: object) -> bool:
    return int in (form, *get_args(form))


def read_facts(
    shape: FactShape, facts: QuotedTexts, *, names: Collection[str]
) -> tuple[Numbers, dict[str, Texts]]:
    """The texts that are one fact of a shape, and of some fields the values, as columns."""
    rows, values = facts.values_between(shape.frame, rows=np.arange(len(facts.texts)))
    good = np.ones(len(rows), np.bool_)
    for number in shape.numbers:
        good &= values[number].consist_of(DIGITS) & (values[number].lengths <= _DIGITS_MAX)
    columns = dict(zip(shape.names, values, strict=True))
    return rows[good], {name: columns[name][good] for name in names}
