"""The fast reader of trades and quotes: all lines of one shape at once, by columns.

A shape is the text of a line around its values: the names of its fields in their order, quotation
marks, blanks. The lines of one producer have one shape, whatever the lengths of ids and numbers.
In: lines. Out: the fields of each trade, and of each quote with both sides, as texts; of any line
that is no valid one nothing, `codec.decode_command` reads those. The first line that no shape has
read yet shows the next one: the strict reader says where its values are. All lines are then held
against it: the same text around values of the right form. So a line that is read is valid by the
pydantic model too, except that its date may not exist; a test compares both readers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray
from events.quoted_texts import QuotedTexts, rows_in
from events.strict_json import NotStrict, strict_object
from events.texts import DIGITS, Bools, Texts, letters_of

# What a line was read as.
NOT_READ: Final = 0
TRADE_LINE: Final = 1
QUOTE_LINE: Final = 2

# Of a trade: trade_id, contract, price, lots, buyer, seller, executed_at.
# Of a quote: maker, contract, bid, bid_lots, ask, ask_lots, at.
LineFields = tuple[Texts, Texts, Texts, Texts, Texts, Texts, Texts]

# A shape more costs a block a third of a millisecond, as much as two lines read by `codec`.
SHAPES_MAX: Final = 16
_LINE_BYTES_MAX: Final = 1024
# Lines read at once: their bytes fit into a core's cache, and into memory that is used again.
_LINES_AT_ONCE: Final = 4096
_ZERO: Final = ord("0")
_BLANKS: Final = b" \t\n\r"
_NAME_BYTES_MAX: Final = 64
_LOTS_BYTES_MAX: Final = 18
_MEMBER: Final = re.compile(
    rb'"([a-z_]+)"[ \t\n\r]*+:[ \t\n\r]*+(?:"(?P<text>[^"\\]*+)"|(?P<digits>[0-9]++))'
)
_SYMBOL: Final = re.compile(rb"[A-Z]{3}[FGHJKMNQUVXZ][0-9]{2}")
_PRICE: Final = re.compile(rb"(?:0|[1-9][0-9]{0,8}+)(?:\.[0-9]{1,9}+)?+")
_INSTANT_LOW: Final = b"0000-00-00T00:00:00.000000000"
_INSTANT_HIGH: Final = b"9999-99-99T99:99:59.999999999"
_INSTANT_LENGTHS: Final = (20, *range(22, 31))


class LinesRead(NamedTuple):
    """What each line is, and its fields: empty where it was not read."""

    kinds: npt.NDArray[np.uint8]
    fields: LineFields


class _Shape(NamedTuple):
    """The texts around the values of a line. slots: of each value in `LineFields`."""

    kind: int
    slots: tuple[int, ...]
    texts: tuple[bytes, ...]


def read_lines(lines: Texts, *, closed: Collection[int] = ()) -> LinesRead:
    """Read all trades and quotes among lines. closed: the numbers of lines not to be read."""
    is_open = np.ones(len(lines), np.bool_)
    is_open[[*closed]] = False
    kinds = np.zeros(len(lines), np.uint8)
    starts, ends = np.zeros((2, 7, len(lines)), np.int64)
    for first in range(0, len(lines), _LINES_AT_ONCE):
        part = slice(first, first + _LINES_AT_ONCE)
        _read(lines[part], is_open[part], kinds=kinds[part], spans=(starts[:, part], ends[:, part]))
    fields = [Texts(lines.buffer, *span) for span in zip(starts, ends, strict=True)]
    name, symbol, price, lots, third, fourth, instant = fields
    return LinesRead(kinds, (name, symbol, price, lots, third, fourth, instant))


def _read(
    lines: Texts,
    is_open: Bools,
    *,
    kinds: npt.NDArray[np.uint8],
    spans: tuple[IntArray, IntArray],
) -> None:
    """Read the lines that are open: fill in their kinds, and where their fields begin and end."""
    (starts, ends), quoted = spans, QuotedTexts.of(lines)
    unread, shapes = np.flatnonzero(is_open & (quoted.counts > 0)), list[_Shape]()
    while len(unread) and len(shapes) < SHAPES_MAX:
        shape = _shape_of(lines[int(unread[0])])
        if shape is None or shape in shapes:
            unread = unread[1:]
            continue
        shapes.append(shape)
        rows, values = quoted.values_between(shape.texts, rows=unread)
        good = np.ones(len(rows), np.bool_)
        for slot, value in zip(shape.slots, values, strict=True):
            good &= _FORMS[shape.kind][slot](value)
        rows, values = rows[good], rows_in(values, good)
        for slot, value in zip(shape.slots, values, strict=True):
            starts[slot, rows], ends[slot, rows] = value.starts, value.ends
        kinds[rows] = shape.kind
        unread = unread[kinds[unread] == NOT_READ]


def _shape_of(line: bytes) -> _Shape | None:
    """The shape of a line; None if it is no trade and no quote, or has a wrong kind of value."""
    kind = next((kind for kind, mark in _MARKS.items() if mark in line), NOT_READ)
    is_cut = not line.rstrip(_BLANKS).endswith(b"}")
    if kind == NOT_READ or is_cut or len(line) > _LINE_BYTES_MAX or b"\\" in line:
        return None
    names = _NAMES[kind]
    members = {match[1].decode(): match for match in _MEMBER.finditer(line)}
    # A line with other fields, or cut off, is not worth the strict reader.
    if members.keys() != {"type", *names}:
        return None
    try:
        stated = strict_object(line)
    except NotStrict:
        return None
    if stated.keys() != members.keys() or f'"{stated["type"]}"'.encode() != _MARKS[kind]:
        return None
    spans = {}
    for name in names:
        form, kind_of = ("digits", int) if name in _COUNTS else ("text", str)
        value = stated[name]
        if isinstance(value, kind_of) and members[name][form] == f"{value}".encode():
            spans[name] = members[name].span(form)
    if len(spans) < len(names):
        return None
    order = sorted(names, key=spans.__getitem__)
    cuts = [0, *(cut for name in order for cut in spans[name]), len(line)]
    texts = [line[begin:end] for begin, end in zip(cuts[::2], cuts[1::2], strict=True)]
    return _Shape(kind, tuple(map(names.index, order)), tuple(texts))


def _are_names(values: Texts) -> Bools:
    return values.consist_of(_NAME_LETTERS) & (values.lengths <= _NAME_BYTES_MAX)


def _are_lots(values: Texts) -> Bools:
    good = values.consist_of(DIGITS) & (values.lengths <= _LOTS_BYTES_MAX)
    return good & ~values.starts_with(_ZERO)


def _are_symbols(values: Texts) -> Bools:
    return _all_match(_SYMBOL, values)


def _are_prices(values: Texts) -> Bools:
    return _all_match(_PRICE, values)


def _all_match(pattern: re.Pattern[bytes], values: Texts) -> Bools:
    """Whether each text matches; different ones are few, and are looked at once."""
    words = values.words()
    bad = {word for word in set(words) if not pattern.fullmatch(word)}
    good = ~values.ends_with(0)
    if bad:
        good &= np.array([word not in bad for word in words])
    return good


def _are_instants(values: Texts) -> Bools:
    good = np.zeros(len(values), np.bool_)
    for length, rows, letters in values.by_length():
        if length in _INSTANT_LENGTHS:
            low, high = (
                np.frombuffer(bound[: length - 1] + b"Z", np.uint8)
                for bound in (_INSTANT_LOW, _INSTANT_HIGH)
            )
            good[rows] = ((letters >= low) & (letters <= high)).all(axis=1)
    return good


_NAME_LETTERS: Final = letters_of(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
)
_MARKS: Final = {TRADE_LINE: b'"submit_trade/1"', QUOTE_LINE: b'"submit_quote/1"'}
_NAMES: Final = {
    TRADE_LINE: ("trade_id", "contract", "price", "lots", "buyer", "seller", "executed_at"),
    QUOTE_LINE: ("maker", "contract", "bid", "bid_lots", "ask", "ask_lots", "at"),
}
# Numbers; all other values are texts in quotation marks.
_COUNTS: Final = frozenset({"lots", "bid_lots", "ask_lots"})
_FORMS: Final[dict[int, tuple[Callable[[Texts], Bools], ...]]] = {
    TRADE_LINE: (
        _are_names, _are_symbols, _are_prices, _are_lots, _are_names, _are_names, _are_instants,
    ),
    QUOTE_LINE: (
        _are_names, _are_symbols, _are_prices, _are_lots, _are_prices, _are_lots, _are_instants,
    ),
}  # fmt: skip
