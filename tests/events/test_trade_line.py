"""The reader by shapes against the strict one, line by line: what it reads, both read alike."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.codec import decode_command
from events.command import Malformed
from events.market_commands import SubmitQuote, SubmitTrade
from events.strict_json import NotStrict, strict_object
from events.texts import Texts
from events.trade_line import NOT_READ, QUOTE_LINE, SHAPES_MAX, TRADE_LINE, read_lines
from events.units import parse_decimal, parse_instant
from tests.mutated_lines import PIECES, VALUES

IDENTIFIERS = st.from_regex(r"[A-Za-z0-9._:\-]{1,64}", fullmatch=True)

# Months, days, hours, minutes and seconds, there or not.
TWO = st.integers(0, 61).map("{:02}".format)
MOMENTS = st.datetimes().map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0"))


SYMBOLS = st.from_regex(r"[A-Z]{3}[FGHJKMNQUVXZ][0-9]{2}", fullmatch=True)
PRICES = st.from_regex(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,10})?", fullmatch=True)
LOTS = st.one_of(st.integers(0, 999), st.integers(0, 10**19))

# The plain reader: what each kind holds, and the forms of its fields.
NAME, SYMBOL = r"[A-Za-z0-9._:\-]{1,64}", r"[A-Z]{3}[FGHJKMNQUVXZ][0-9]{2}"
PRICE, COUNT = r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?", r"[1-9][0-9]{0,17}"
INSTANT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:[0-5]\d(\.\d{1,9})?Z"
KINDS = {
    "submit_trade/1": {
        "trade_id": NAME, "contract": SYMBOL, "price": PRICE, "lots": COUNT, "buyer": NAME,
        "seller": NAME, "executed_at": INSTANT,
    },
    "submit_quote/1": {
        "maker": NAME, "contract": SYMBOL, "bid": PRICE, "bid_lots": COUNT, "ask": PRICE,
        "ask_lots": COUNT, "at": INSTANT,
    },
}  # fmt: skip
NUMBERS = {TRADE_LINE: "submit_trade/1", QUOTE_LINE: "submit_quote/1"}
Read = tuple[str, tuple[bytes, ...]] | None


def read_plainly(line: bytes) -> Read:
    """The kind and the fields of a line, by JSON and a pattern for each field."""
    try:
        stated = strict_object(line)
    except NotStrict:
        return None
    kind = stated.pop("type", None)
    forms = KINDS.get(kind, {}) if isinstance(kind, str) else {}
    if not forms or stated.keys() != forms.keys() or b"\\" in line:
        return None
    for name, form in forms.items():
        if type(stated[name]) is not (int if form == COUNT else str):
            return None
        if not re.fullmatch(form, f"{stated[name]}", re.ASCII):
            return None
    assert isinstance(kind, str)
    return kind, tuple(f"{stated[name]}".encode() for name in forms)


def read(lines: list[bytes]) -> list[Read]:
    """The same by shapes, all at once."""
    kinds, fields = read_lines(Texts.of(lines))
    rows = zip(kinds.tolist(), zip(*fields, strict=True), strict=True)
    return [None if kind == NOT_READ else (NUMBERS[kind], texts) for kind, texts in rows]


@st.composite
def written(draw: st.DrawFn, kind: str, fields: Mapping[str, object]) -> bytes:
    """A line with such fields: compact or spaced, in order or not."""
    names = ["type", *fields]
    if draw(st.booleans()):
        names = draw(st.permutations(names))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :  ")]))
    stated = {name: {"type": kind, **fields}[name] for name in names}
    return json.dumps(stated, separators=separators).encode()


@st.composite
def instants(draw: st.DrawFn) -> str:
    """An instant, which need not exist."""
    day = f"{draw(st.integers(0, 9999)):04}-{draw(TWO)}-{draw(TWO)}"
    clock = f"{draw(TWO)}:{draw(TWO)}:{draw(TWO)}"
    fraction = draw(st.one_of(st.just(""), st.from_regex(r"\.[0-9]{1,10}", fullmatch=True)))
    return f"{draw(st.one_of(st.just(f'{day}T{clock}'), MOMENTS))}{fraction}Z"


@st.composite
def trade_lines(draw: st.DrawFn) -> bytes:
    """The line of a trade as members send them."""
    fields = {
        "trade_id": draw(IDENTIFIERS), "contract": draw(SYMBOLS), "price": draw(PRICES),
        "lots": draw(LOTS), "buyer": draw(IDENTIFIERS), "seller": draw(IDENTIFIERS),
        "executed_at": draw(instants()),
    }  # fmt: skip
    return draw(written("submit_trade/1", fields))


@st.composite
def quote_lines(draw: st.DrawFn) -> bytes:
    """The line of a quote; a side may be withdrawn."""
    fields = {
        "maker": draw(IDENTIFIERS), "contract": draw(SYMBOLS),
        "bid": draw(st.one_of(st.none(), PRICES)), "bid_lots": draw(st.one_of(st.none(), LOTS)),
        "ask": draw(PRICES), "ask_lots": draw(LOTS), "at": draw(instants()),
    }  # fmt: skip
    return draw(written("submit_quote/1", fields))


@st.composite
def mutated_lines(draw: st.DrawFn) -> bytes:
    """Such a line with another value, or with a few bytes cut out and others put in their place."""
    line = draw(st.one_of(trade_lines(), quote_lines()))
    if draw(st.booleans()):
        stated = json.loads(line)
        stated[draw(st.sampled_from(sorted(stated)))] = draw(st.sampled_from(VALUES))
        return json.dumps(stated).encode()
    for _ in range(draw(st.integers(1, 3))):
        offset = draw(st.integers(0, len(line)))
        piece = draw(st.sampled_from([*PIECES, b"\n"]))
        line = line[:offset] + piece + line[offset + draw(st.integers(0, 3)) :]
    return line


@given(st.lists(st.one_of(trade_lines(), quote_lines(), mutated_lines()), max_size=6))
@example([b"", b"{}"])
def test_lines_are_read_at_once_as_each_by_the_plain_reader(lines: list[bytes]) -> None:
    assert read(lines) == [*map(read_plainly, lines)]


@given(st.one_of(trade_lines(), quote_lines(), mutated_lines()), st.integers(0, 2**32))
def test_a_line_among_others_of_its_shape_is_read_as_alone(line: bytes, seed: int) -> None:
    draw = Random(seed)  # noqa: S311 - which digit is changed
    lines = [line]
    for _ in range(20):
        at = draw.randrange(len(line) + 1)
        changed = draw.choice([b"", b"7", b"x", b'"', b"00000", b" "])
        lines.append(line[:at] + changed + line[at + draw.randrange(2) :])
    assert read(lines) == [*map(read_plainly, lines)]


@given(st.one_of(trade_lines(), quote_lines(), mutated_lines()))
def test_a_line_that_is_read_is_valid_unless_its_date_does_not_exist(line: bytes) -> None:
    (alone,) = read([line])
    if alone is None:
        return
    (kind, texts), decoded = alone, decode_command(line)
    first, symbol, *middle, at = (text.decode() for text in texts)
    if instant_of(at) is None:
        assert isinstance(decoded, Malformed), line
        assert decoded.detail.startswith(("executed_at", "at")), decoded.detail
    elif kind == "submit_trade/1":
        assert isinstance(decoded, SubmitTrade), decoded
        price, lots, buyer, seller = middle
        assert (decoded.trade_id, decoded.contract) == (first, symbol)
        assert (decoded.buyer, decoded.seller) == (buyer, seller)
        assert (decoded.price, decoded.lots) == (parse_decimal(price), int(lots))
        assert decoded.executed_at == instant_of(at)
    else:
        assert isinstance(decoded, SubmitQuote), decoded
        bid, bid_lots, ask, ask_lots = middle
        assert (decoded.maker, decoded.contract) == (first, symbol)
        assert (decoded.bid, decoded.bid_lots) == (parse_decimal(bid), int(bid_lots))
        assert (decoded.ask, decoded.ask_lots) == (parse_decimal(ask), int(ask_lots))
        assert decoded.at == instant_of(at)


def instant_of(text: str) -> int | None:
    """The instant, or None where there is no such date or time."""
    try:
        return parse_instant(text)
    except ValueError:
        return None


TRADE = (
    b'{"type": "submit_trade/1", "trade_id": "T1", "contract": "SITM26", "price": "2.07", '
    b'"lots": 3, "buyer": "a", "seller": "b", "executed_at": "2026-06-08T09:30:00.5Z"}'
)
QUOTE = (
    b'{"type": "submit_quote/1", "maker": "m", "contract": "SITM26", "bid": "2.06", '
    b'"bid_lots": 3, "ask": "2.07", "ask_lots": 4, "at": "2026-06-08T09:30:00Z"}'
)


@pytest.mark.parametrize("line", [TRADE, QUOTE])
def test_what_members_and_makers_send_is_read_in_any_form_of_json(line: bytes) -> None:
    stated = json.loads(line)
    backwards = json.dumps(dict(reversed(stated.items()))).encode()
    compact = json.dumps(stated, separators=(",", ":")).encode()
    assert None not in read([line, backwards, compact, b" " + line])
    assert read([line.replace(b'"2.06"', b"null").replace(b'"2.07"', b"null")]) == [None]


@pytest.mark.parametrize("line", [TRADE, QUOTE])
def test_a_number_for_a_text_and_a_text_for_a_number_are_not_read(line: bytes) -> None:
    stated = json.loads(line)
    for name in stated:
        changed = [json.dumps({**stated, name: value}).encode() for value in VALUES]
        for lines in (changed, [line, *changed], *([alone] for alone in changed)):
            assert read(lines) == [*map(read_plainly, lines)]


def test_more_shapes_than_are_tried_at_once_are_left_to_the_strict_reader() -> None:
    lines = [TRADE.replace(b'"lots":', b'"lots":' + b" " * blanks) for blanks in range(40)]
    assert [line is not None for line in read(lines)] == [n < SHAPES_MAX for n in range(40)]
    assert read([TRADE + b" " * 2000]) == [None]


@pytest.mark.parametrize("kind", [b'"submit"', b"5", b'["submit_trade/1"]'])
def test_a_line_that_names_the_kind_elsewhere_shows_no_shape(kind: bytes) -> None:
    """Else the line after it, which has that shape, would be read as a trade."""
    other = TRADE.replace(b'"submit_trade/1"', kind)
    named = other.replace(b'"T1"', b'"submit_trade/1"')
    lines = [named, other, b'{"type": 5, "x": "submit_trade/1"}', b'{"x": ' + TRADE + b"}"]
    assert read(lines) == [*map(read_plainly, lines)] == [None] * 4


def test_closed_lines_are_not_read() -> None:
    kinds, fields = read_lines(Texts.of([TRADE, TRADE, QUOTE]), closed=[1])
    assert kinds.tolist() == [TRADE_LINE, NOT_READ, QUOTE_LINE]
    assert [*fields[0]] == [b"T1", b"", b"m"]


@pytest.mark.parametrize("name", ["trade_id", "contract", "price"])
def test_one_long_field_does_not_fill_up_those_of_all_lines(name: str) -> None:
    fields = {"trade_id": "T", "contract": "SITM26", "price": "2.00", "lots": 1, "buyer": "A",
              "seller": "B", "executed_at": "2026-06-08T09:00:00Z"}  # fmt: skip
    lines = [
        json.dumps({"type": "submit_trade/1", **fields, **changed}).encode()
        for changed in (
            *[{"trade_id": f"T{number}"} for number in range(2_000)],
            {name: "9" * 60_000},
        )
    ]
    expected = [*map(read_plainly, lines)]
    tracemalloc.start()
    try:
        assert read(lines) == expected
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
