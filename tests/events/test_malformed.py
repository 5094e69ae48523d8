"""What a refusal as `malformed` says, to the letter: it is hashed, so no library may choose a word.

The same table holds under every Python and pydantic that we run on. Each detail was written by
hand from WIRE §1 and §3: what was expected, what was found.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date

import pytest

from events.chain import GENESIS, RowKey, chain_row
from events.codec import decode_command
from events.command import Malformed
from events.control_facts import CommandRefused
from events.fact_text import encode_fact

AT = b'"at":"2026-06-08T12:00:00Z"'
CLOCK = b'{"type":"advance_clock/1",' + AT + b"}"
TRADE = (
    b'{"type":"submit_trade/1","trade_id":"T1","contract":"SITM26","price":"2.07","lots":5,'
    b'"buyer":"A-H","seller":"B-H","executed_at":"2026-06-08T12:00:00Z"}'
)
# Over the lines and details below, in their order, as rows of one journal.
CHAIN = "6d28a743f574dabefc1da2c309477ebfab620445613eb3f8a0cea7da65b71051"
OBJECT = "expected one JSON object, found "
BROKEN = OBJECT + "text that is not JSON"
IDENTIFIER = "expected an identifier (1 to 64 of A-Z a-z 0-9 . _ : -)"
TIME = "expected an existing time in UTC like 2026-06-08T21:00:00Z"
DAY = "expected an existing date like 2026-06-08"
NAME = "expected 1 to 200 characters, none of them NUL"
DIGITS = 'expected a plain number like "2.07", at most 18 digits'
INT64 = "lots: expected a whole number from -9223372036854775808 to 9223372036854775807"
WHOLE = "lots: expected a whole number without quotes or point"
QUOTED = "expected text in quotes"


def clock(field: bytes) -> bytes:
    """A good command with an extra field in it."""
    return CLOCK[:-1] + b"," + field + b"}"


def trade(name: str, value: bytes) -> bytes:
    """A good trade with another value, as JSON, in one of its fields."""
    good = f'"{name}":'.encode() + json.dumps(json.loads(TRADE)[name]).encode()
    assert good in TRADE
    return TRADE.replace(good, f'"{name}":'.encode() + value)


def command(kind: bytes, fields: bytes) -> bytes:
    """A command of another type."""
    return b'{"type":"%b",%b,%b}' % (kind, fields, AT)


NO_JSON = (
    (b"", OBJECT + "nothing"),
    (b" \t", OBJECT + "nothing"),
    (b"null", OBJECT + "null"),
    (b"true", OBJECT + "a boolean"),
    (b"-0.5e3", OBJECT + "a number"),
    (b'"text"', OBJECT + "a string"),
    (b"[" + CLOCK + b"]", OBJECT + "an array"),
    (b"not json", OBJECT + 'text that begins with "not json"'),
    (b"[1,]", OBJECT + 'text that begins with "[1,]"'),
    (b"\x00", OBJECT + r'text that begins with "\u0000"'),
    (b"\xef\xbb\xbf{}", OBJECT + r'text that begins with "\ufeff{}"'),
    (b"//" + CLOCK, OBJECT + r'text that begins with "//{\"type\":\"advance_clock/1\",\"at...'),
    (b"{", OBJECT + 'text that ends with "{"'),
    (CLOCK[:-3], OBJECT + r'text that ends with "\"2026-06-08T12:00:00"'),
    (b"{}\xc2\xa0", OBJECT + r'text that ends with "{}\u00a0"'),
    *(
        (b'{"a":%b}' % value, BROKEN)
        for value in (
            *(b"", b"1,", b"1,,", b"1 2", b"01", b"+1", b".5", b"5.", b"1e", b"-", b"0x1", b"nul"),
            *(b"True", b'"', b'"\t"', b'"\x00"', b'"\\x41"', b'"\\u00zz"', b'"\\u+041"', b"1}"),
        )
    ),
    *((line, BROKEN) for line in (b"{'a':1}", b'{"a" 1}', b"{,}", b"{1:1}", CLOCK + CLOCK)),
)
NOT_STRICT = (
    (b"\xff", "expected text in UTF-8, found byte 0xff at offset 0"),
    (b"a\xc3\x28", "expected text in UTF-8, found byte 0xc3 at offset 1"),
    (b"a\xc0\x80", "expected text in UTF-8, found byte 0xc0 at offset 1"),
    (b"a\xed\xa0\x80", "expected text in UTF-8, found byte 0xed at offset 1"),
    (b"a\xf4\x90\x80\x80", "expected text in UTF-8, found byte 0xf4 at offset 1"),
    (b"ab\xf0\x9f\x98", "expected text in UTF-8, found byte 0xf0 at offset 2"),
    (CLOCK.ljust(65_537), "expected a line of at most 65536 bytes, found 65537"),
    (b"[" * 3_000, "expected brackets at most 8 deep, found more"),
    (clock(b'"x":[[[[[[[[]]]]]]]]'), "expected brackets at most 8 deep, found more"),
    (b'{"a":NaN}', "expected a number, found NaN"),
    (b'{"a":[-Infinity]}', "expected a number, found -Infinity"),
    (clock(AT), 'expected each field once, found "at" twice'),
    (b'{"x":{"b":1,"c":2,"c":3,"b":4}}', 'expected each field once, found "b" twice'),
    (b'{"\\u0000":1,"\\u0000":2}', r'expected each field once, found "\u0000" twice'),
    (clock(b'"x":"\\ud800"'), "expected whole characters, found half of one (a lone surrogate)"),
    (clock(b'"\\udfff":1'), "expected whole characters, found half of one (a lone surrogate)"),
    (
        clock(b'"x":"\\udc00\\ud800"'),
        "expected whole characters, found half of one (a lone surrogate)",
    ),
)
NO_TYPE = (
    (b"{}", "type is missing"),
    (b'{"type":null}', f"type: {QUOTED}, found null"),
    (b'{"type":1.0}', f"type: {QUOTED}, found 1.0"),
    (b'{"type":["submit_trade/1"]}', f'type: {QUOTED}, found ["submit_trade/1"]'),
    (b'{"type":"submit_trade/2"}', 'unknown type "submit_trade/2"'),
    (b'{"type":"\\u0000\xc3\xa9"}', r'unknown type "\u0000\u00e9"'),
    (b'{"type":"%b"}' % (b"x" * 200), f'unknown type "{"x" * 36}...'),
)
NO_FIELDS = (
    (b'{"type":"submit_trade/1"}', "trade_id is missing"),
    (TRADE.replace(b'"seller":"B-H",', b""), "seller is missing"),
    (trade("seller", b'"B-H","extra":1'), "unknown field extra"),
    (b'{"type":"advance_clock/1","extra":1}', "at is missing"),
    (clock(b'"\\u0000\\u001b[31m":1'), r'unknown field "\u0000\u001b[31m"'),
    (clock(b'"":1'), 'unknown field ""'),
    (clock(b'"%b":1' % (b"y" * 80)), f'unknown field "{"y" * 36}...'),
    (clock(b'"z":1,"a":2'), "unknown field z"),
    (trade("buyer", b'null,"x":1').replace(b":5,", b":[],"), f"{WHOLE}, found []"),
)
WRONG_NUMBERS = (
    (trade("lots", b"5.0"), f"{WHOLE}, found 5.0"),
    (trade("lots", b"1e400"), f"{WHOLE}, found 1e400"),
    (trade("lots", b"true"), f"{WHOLE}, found true"),
    (trade("lots", b"null"), f"{WHOLE}, found null"),
    (trade("lots", b'"5"'), f'{WHOLE}, found "5"'),
    (trade("lots", b'{"a":[1.50,"\xc3\xa9"]}'),
     rf'{WHOLE}, found {{"a": [1.50, "\u00e9"]}}'),
    (trade("lots", b"9223372036854775808"), f"{INT64}, found 9223372036854775808"),
    (trade("lots", b"-9223372036854775809"), f"{INT64}, found -9223372036854775809"),
    (trade("lots", b"1" * 24), f"{INT64}, found {'1' * 24}"),
    (trade("lots", b"1" * 5_000), f"{WHOLE}, found {'1' * 37}..."),
    (trade("price", b"2.07"), 'price: expected a number in quotes, like "2.07", found 2.07'),
    (trade("price", b"false"), 'price: expected a number in quotes, like "2.07", found false'),
    *(
        (trade("price", price), f"price: {DIGITS}, found {price.decode()}")
        for price in (
            *(b'"2,07"', b'"1e3"', b'"+2"', b'"02.07"', b'""', b'"2."', b'".5"', b'"2.07\\n"'),
            *(b'"\\u0662"', b'"1000000000000000000"', b'"0.000000000000000001"', b'"NaN"'),
        )
    ),
)  # fmt: skip
WRONG_TEXTS = (
    (trade("trade_id", b"5"), f"trade_id: {QUOTED}, found 5"),
    *(
        (trade("trade_id", b'"%b"' % name), f'trade_id: {IDENTIFIER}, found "{name.decode()}"')
        for name in (b"", b"a b", b"a/b", b"A\\n", b"A\\u0000", b"\\u00e9", b"\\ud83d\\ude00")
    ),
    (trade("buyer", b'"%b"' % (b"x" * 65)), f'buyer: {IDENTIFIER}, found "{"x" * 36}...'),
    (command(b"admit_member/1", b'"member":"A","name":7'), f"name: {QUOTED}, found 7"),
    (command(b"admit_member/1", b'"member":"A","name":""'), f'name: {NAME}, found ""'),
    (command(b"admit_member/1", b'"member":"A","name":"A\\u0000"'),
     rf'name: {NAME}, found "A\u0000"'),
    (command(b"admit_member/1", b'"member":"A","name":"%b"' % (b"x" * 201)),
     f'name: {NAME}, found "{"x" * 36}...'),
    (command(b"configure/1", b'"parameter":"p","product":5,"value":"","effective_date":"x"'),
     f"product: {QUOTED} or null, found 5"),
    (command(b"configure/1", b'"parameter":"p","product":"","value":"","effective_date":"x"'),
     f'product: {IDENTIFIER} or null, found ""'),
    (command(b"configure/1", b'"parameter":"p","product":null,"value":"\\u0000"'),
     r'value: expected text without NUL, found "\u0000"'),
    (command(b"open_account/1", b'"account":"A","member":"A","origin":"HOUSE","owner":"o"'),
     'origin: expected "house" or "customer", found "HOUSE"'),
)  # fmt: skip
WRONG_TIMES = (
    (trade("executed_at", b"0"), f"executed_at: {QUOTED}, found 0"),
    *(
        (trade("executed_at", b'"%b"' % at), f'executed_at: {TIME}, found "{at.decode()}"')
        for at in (
            *(b"2026-06-08", b"2026-06-08T12:00:00z", b"2026-06-08T12:00:00+00:00"),
            *(b"2026-06-08T12:00:60Z", b"2026-06-08T24:00:00Z", b"2026-06-08T12:00:00.1234567891Z"),
            *(b"2026-06-31T12:00:00Z", b"2026-02-29T12:00:00Z", b"2026-13-01T12:00:00Z"),
            *(b"0000-01-01T00:00:00Z", b"2026-W24-1T12:00:00Z", b"20260608T120000Z"),
        )
    ),
    (command(b"open_session/1", b'"business_date":null'),
     f"business_date: {QUOTED}, found null"),
    *(
        (command(b"open_session/1", b'"business_date":"%b"' % day),
         f'business_date: {DAY}, found "{day.decode()}"')
        for day in (
            *(b"2026-6-8", b"20260608", b"2026-02-30", b"2026-13-01", b"0000-01-01"),
            *(b"2026-W24-1", b"2026-160", b"2026-06-08T00:00:00Z", b"2026-06-08 "),
        )
    ),
    (command(b"halt_contract/1", b'"contract":"SITM26","until":"now","reason":"x"'),
     f'until: {TIME} or null, found "now"'),
)  # fmt: skip
QUOTE = b'"maker":"A","contract":"SITM26","bid":%b,"bid_lots":%b,"ask":%b,"ask_lots":%b'
SCORES = b'"product":"SIT","provider":"p","model":"m","mmlu":%b,"humaneval":null,"gsm8k":null'
TOGETHER = (
    (command(b"submit_quote/1", QUOTE % (b'"2"', b"null", b"null", b"null")),
     "bid is given and bid_lots is null: expected both or neither"),
    (command(b"submit_quote/1", QUOTE % (b"null", b"null", b"null", b"3")),
     "ask_lots is given and ask is null: expected both or neither"),
    (command(b"submit_quote/1", QUOTE % (b"2", b"1", b"null", b"null")),
     'bid: expected a number in quotes, like "2.07" or null, found 2'),
    (command(b"report_capability/1", SCORES % b"null"),
     "mmlu, humaneval and gsm8k are all null: expected at least one published score"),
)  # fmt: skip
TABLE = (
    *NO_JSON, *NOT_STRICT, *NO_TYPE, *NO_FIELDS, *WRONG_NUMBERS, *WRONG_TEXTS, *WRONG_TIMES,
    *TOGETHER,
)  # fmt: skip


@pytest.mark.parametrize(("line", "detail"), TABLE)
def test_a_refusal_says_what_was_expected_and_found(line: bytes, detail: str) -> None:
    decoded = decode_command(line)
    assert isinstance(decoded, Malformed), decoded
    assert decoded.detail == detail


def test_the_chain_over_all_these_lines_is_the_same_everywhere() -> None:
    before = GENESIS
    for seq, (line, _) in enumerate(TABLE):
        decoded = decode_command(line)
        assert isinstance(decoded, Malformed)
        fact = CommandRefused(
            at=seq,
            command_type=decoded.kind,
            reference=None,
            reason="malformed",
            detail=decoded.detail,
        )
        key = RowKey("control/0", seq, date(2026, 6, 8), "bad.jsonl", seq, seq)
        part = encode_fact(fact, shard="control/0", seq=seq)
        assert part.isascii()
        before = chain_row(before, key, line=line, parts=[part])
    assert before.hex() == CHAIN


def test_a_key_twice_at_the_end_of_a_full_line_takes_no_longer_than_any_other() -> None:
    names = [f'"{number:x}":1' for number in range(7_500)]
    line = f"{{{','.join([*names, names[-1]])}}}".encode()
    decoded = decode_command(line)
    assert isinstance(decoded, Malformed)
    assert decoded.detail == 'expected each field once, found "1d4b" twice'
    # A pass over the line, about three times what JSON alone takes; to count each name among all
    # took sixty times.
    assert cpu_s(lambda: decode_command(line)) < 15 * cpu_s(lambda: json.loads(line))


def cpu_s(work: Callable[[], object]) -> float:
    """The least CPU time of five tries."""
    tries = []
    for _ in range(5):
        began = time.process_time()
        work()
        tries.append(time.process_time() - began)
    return min(tries)
