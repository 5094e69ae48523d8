"""The patterns of trades and quotes against the strict reader: what they read, they read alike."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from events.codec import decode_command
from events.command import Malformed
from events.market_commands import SubmitQuote, SubmitTrade
from events.trade_line import QUOTE_LINE, QUOTE_LINES, TRADE_LINE, TRADE_LINES
from events.units import parse_decimal, parse_instant

IDENTIFIERS = st.from_regex(r"[A-Za-z0-9._:\-]{1,64}", fullmatch=True)
PIECES = st.sampled_from(
    [b"", b"0", b"9", b"-", b".", b" ", b'"', b"\\", b"\\u0041", b"e1", b"+", b"\n", b"\r",
     b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xd9\xa3", b"\x1f", b"a", b"Z", b"{", b"}", b",", b":",
     b"null", b"000", b"99999999999999999999", b', "lots": 1', b"\t"]
)  # fmt: skip


# Months, days, hours, minutes and seconds, there or not.
TWO = st.integers(0, 61).map("{:02}".format)
MOMENTS = st.datetimes().map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0"))


@st.composite
def trade_lines(draw: st.DrawFn) -> bytes:
    """The line of a trade as members send them: compact or spaced, its values anywhere."""
    number = st.integers(0, 10**19)
    fraction = draw(st.one_of(st.just(""), st.from_regex(r"\.[0-9]{1,10}", fullmatch=True)))
    day = f"{draw(st.integers(0, 9999)):04}-{draw(TWO)}-{draw(TWO)}"
    clock = f"{draw(TWO)}:{draw(TWO)}:{draw(TWO)}"
    moment = draw(st.one_of(st.just(f"{day}T{clock}"), MOMENTS))
    price = draw(st.from_regex(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,10})?", fullmatch=True))
    fields = {
        "type": "submit_trade/1",
        "trade_id": draw(IDENTIFIERS),
        "contract": draw(st.from_regex(r"[A-Z]{3}[FGHJKMNQUVXZ][0-9]{2}", fullmatch=True)),
        "price": price,
        "lots": draw(number),
        "buyer": draw(IDENTIFIERS),
        "seller": draw(IDENTIFIERS),
        "executed_at": f"{moment}{fraction}Z",
    }
    separators = (",", ":") if draw(st.booleans()) else (", ", ": ")
    return json.dumps(fields, separators=separators).encode()


@st.composite
def mutated_lines(draw: st.DrawFn) -> bytes:
    """Such a line with a few bytes cut out and others put in their place."""
    line = draw(trade_lines())
    for _ in range(draw(st.integers(1, 3))):
        offset = draw(st.integers(0, len(line)))
        line = line[:offset] + draw(PIECES) + line[offset + draw(st.integers(0, 3)) :]
    return line


def assert_read_alike(line: bytes) -> None:
    """If the pattern reads a line, the strict reader has the same values, or finds no such date."""
    match = TRADE_LINE.fullmatch(line)
    if match is None:
        return
    trade_id, contract, price, lots, buyer, seller, executed_at = match.groups()[:7]
    decoded, instant = decode_command(line), instant_of(executed_at)
    if instant is None:
        assert isinstance(decoded, Malformed), line
        assert decoded.detail.startswith("executed_at"), decoded.detail
        return
    assert isinstance(decoded, SubmitTrade), decoded
    names = (decoded.trade_id, decoded.contract, decoded.buyer, decoded.seller)
    assert names == tuple(identifier.decode() for identifier in (trade_id, contract, buyer, seller))
    assert (decoded.price, decoded.lots) == (parse_decimal(price.decode()), int(lots))
    assert decoded.executed_at == instant


def instant_of(text: bytes) -> int | None:
    """The instant, or None where there is no such date or time."""
    try:
        return parse_instant(text.decode())
    except ValueError:
        return None


@given(trade_lines())
def test_a_line_that_the_pattern_reads_is_read_alike_by_the_strict_reader(line: bytes) -> None:
    assert_read_alike(line)


@given(mutated_lines())
@example(b"")
def test_no_mutated_line_is_read_differently(line: bytes) -> None:
    assert_read_alike(line)


@given(st.lists(st.one_of(trade_lines(), mutated_lines()), min_size=1, max_size=4))
def test_many_lines_at_once_are_read_as_each_alone(drawn: list[bytes]) -> None:
    lines = [line for text in drawn for line in text.split(b"\n") if line]
    alone = [match.groups() if match else (b"",) * 7 for match in map(TRADE_LINE.fullmatch, lines)]
    assert TRADE_LINES.findall(b"\n".join(lines)) == alone


def test_the_pattern_reads_what_members_send() -> None:
    line = (
        b'{"type": "submit_trade/1", "trade_id": "T1", "contract": "SITM26", "price": "2.07", '
        b'"lots": 3, "buyer": "a", "seller": "b", "executed_at": "2026-06-08T09:30:00.5Z"}'
    )
    assert TRADE_LINE.fullmatch(line)
    assert TRADE_LINE.fullmatch(line.replace(b'": ', b'":').replace(b", ", b","))


@st.composite
def quote_lines(draw: st.DrawFn) -> bytes:
    """The line of a quote: compact or spaced, its values anywhere, a side perhaps withdrawn."""
    prices = st.one_of(
        st.none(), st.from_regex(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,10})?", fullmatch=True)
    )
    lots = st.one_of(st.none(), st.integers(0, 10**19))
    moment = draw(st.one_of(MOMENTS, st.just("2026-02-30T09:00:00")))
    fraction = draw(st.from_regex(r"(\.[0-9]{1,10})?", fullmatch=True))
    fields = {
        "type": "submit_quote/1",
        "maker": draw(IDENTIFIERS),
        "contract": draw(st.from_regex(r"[A-Z]{3}[FGHJKMNQUVXZ][0-9]{2}", fullmatch=True)),
        "bid": draw(prices),
        "bid_lots": draw(lots),
        "ask": draw(prices),
        "ask_lots": draw(lots),
        "at": f"{moment}{fraction}Z",
    }
    separators = (",", ":") if draw(st.booleans()) else (", ", ": ")
    line = json.dumps(fields, separators=separators).encode()
    offset = draw(st.integers(0, len(line)))
    return line[:offset] + draw(PIECES) + line[offset:] if draw(st.booleans()) else line


@given(st.lists(quote_lines(), min_size=1, max_size=4))
def test_a_quote_that_the_pattern_reads_is_read_alike_by_the_strict_reader(
    drawn: list[bytes],
) -> None:
    lines = [line for text in drawn for line in text.split(b"\n") if line]
    matches = [QUOTE_LINE.fullmatch(line) for line in lines]
    alone = [match.groups() if match else (b"",) * 7 for match in matches]
    assert QUOTE_LINES.findall(b"\n".join(lines)) == alone
    for line, match in zip(lines, matches, strict=True):
        if match is None:
            continue
        maker, contract, bid, bid_lots, ask, ask_lots, at = (
            text.decode() for text in match.groups()
        )
        decoded, instant = decode_command(line), instant_of(at.encode())
        if instant is None:
            assert isinstance(decoded, Malformed), line
            continue
        assert isinstance(decoded, SubmitQuote)
        assert (decoded.maker, decoded.contract, decoded.at) == (maker, contract, instant)
        assert (decoded.bid, decoded.bid_lots) == (parse_decimal(bid), int(bid_lots))
        assert (decoded.ask, decoded.ask_lots) == (parse_decimal(ask), int(ask_lots))


def test_the_pattern_reads_what_makers_send() -> None:
    line = (
        b'{"type": "submit_quote/1", "maker": "m", "contract": "SITM26", "bid": "2.06", '
        b'"bid_lots": 3, "ask": "2.07", "ask_lots": 4, "at": "2026-06-08T09:30:00Z"}'
    )
    assert QUOTE_LINE.fullmatch(line)
    assert QUOTE_LINE.fullmatch(line.replace(b'": ', b'":').replace(b", ", b","))
    assert QUOTE_LINE.fullmatch(line.replace(b'"2.06"', b"null")) is None
