"""Commands are read strictly, facts leave in one form (WIRE §1)."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from events.codec import decode_command
from events.command import Command, Malformed, content
from events.commands import COMMANDS
from events.control_commands import AdvanceClock
from events.control_facts import SessionOpened
from events.fact_text import encode_fact
from events.facts import decode_fact
from events.market_commands import SubmitTrade
from tests.events.good_commands import AT, QUOTE, SCORES, TRADE

CLOCK = b'{"type": "advance_clock/1", "at": "2026-06-08T12:00:00Z"}'


def line(fields: dict[str, Any], **changed: object) -> bytes:
    return json.dumps(fields | changed).encode()


def malformed(raw: bytes) -> Malformed:
    decoded = decode_command(raw)
    assert isinstance(decoded, Malformed), decoded
    assert decoded.detail
    return decoded


def test_a_trade_is_read_with_exact_values() -> None:
    trade = decode_command(line(TRADE))
    assert isinstance(trade, SubmitTrade)
    assert (str(trade.price), trade.lots, trade.event_time) == ("2.07", 5, 1780920000000000000)
    assert trade.subject == "T1"


def test_the_same_values_in_other_bytes_are_the_same_content() -> None:
    reordered = dict(reversed(line_items(price="2.0700", executed_at="2026-06-08T12:00:00.000Z")))
    first, second = decode_command(line(TRADE)), decode_command(line(reordered))
    assert isinstance(first, Command)
    assert isinstance(second, Command)
    assert content(first) == content(second)
    third = decode_command(line(TRADE, lots=6))
    assert isinstance(third, Command)
    assert content(first) != content(third)


def line_items(**changed: object) -> list[tuple[str, Any]]:
    return list((TRADE | changed).items())


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"  ", b"not json", b"{", b"\xff", b"\xef\xbb\xbf" + CLOCK, CLOCK + b"}"),
        *(b"null", b"17", b"1.5", b'"text"', b"true", b"[]", b"[" * 3_000),
        CLOCK[:-1] + b', "at": "2026-06-08T12:00:00Z"}',
        CLOCK[:-1] + b', "x": {"a": 1, "a": 1}}',
        CLOCK[:-1] + b', "x": NaN}',
        CLOCK[:-1] + b', "x": -Infinity}',
        CLOCK[:-1] + b', "x": "\\ud800"}',
        CLOCK[:-1] + b', "x": [[[[[[[[1]]]]]]]]}',
        CLOCK + b" " * 65_536,
    ],
)
def test_what_is_not_strict_json_has_no_readable_type(raw: bytes) -> None:
    assert malformed(raw).kind is None


@pytest.mark.parametrize("kind", [None, 7, "advance_clock/2", "", "x" * 200])
def test_an_unknown_type_belongs_to_no_shard_of_its_own(kind: object) -> None:
    assert malformed(line(TRADE, type=kind)).kind is None


def test_64_kib_without_the_lines_end_are_read() -> None:
    assert isinstance(decode_command(CLOCK.ljust(65_536)), AdvanceClock)


def test_brackets_inside_of_strings_do_not_nest() -> None:
    refused = malformed(CLOCK[:-1] + b', "x": "\\"[[[[[[[[[[{{"}')
    assert refused.kind == "advance_clock/1"
    assert malformed(CLOCK[:-1] + b', "x": [[[[[[[1]]]]]]], "y": [[1]]}').kind == "advance_clock/1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("trade_id", ""), ("trade_id", "x" * 65), ("trade_id", "a b"), ("trade_id", "é")),
        *(("trade_id", 5), ("trade_id", None), ("trade_id", "A\n"), ("contract", [])),
        *(("price", 2.07), ("price", 2), ("price", "2,07"), ("price", "1e3"), ("price", None)),
        *(("lots", 5.0), ("lots", "5"), ("lots", True), ("lots", 2**63), ("lots", 10**60)),
        *(("executed_at", 0), ("executed_at", "2026-06-08"), ("x", 1)),
    ],
)
def test_a_wrong_field_is_malformed_in_the_types_own_shard(field: str, value: object) -> None:
    refused = malformed(line(TRADE, **{field: value}))
    assert refused.kind == "submit_trade/1"
    assert field in refused.detail
    assert refused.fields["buyer"] == "A-H"


def test_a_missing_field_is_malformed() -> None:
    fields = {name: value for name, value in TRADE.items() if name != "seller"}
    assert "seller" in malformed(line(fields)).detail


@pytest.mark.parametrize("name", ["bid_lots", "bid"])
def test_half_a_side_of_a_quote_is_malformed(name: str) -> None:
    assert isinstance(decode_command(line(QUOTE)), Command)
    assert malformed(line(QUOTE, **{name: None})).kind == "submit_quote/1"


@pytest.mark.parametrize("side", [{"ask": "2.08"}, {"ask_lots": 50}])
def test_half_an_offer_is_malformed_too(side: dict[str, object]) -> None:
    assert malformed(line(QUOTE, **side)).kind == "submit_quote/1"


def test_three_scores_that_are_not_published_are_malformed() -> None:
    assert isinstance(decode_command(line(SCORES)), Command)
    assert malformed(line(SCORES, mmlu=None)).kind == "report_capability/1"


def test_names_have_up_to_200_characters_and_no_nul() -> None:
    fields = {"type": "admit_member/1", "member": "A", "name": "é" * 200, "at": AT}
    assert isinstance(decode_command(line(fields)), Command)
    for name in ("", "x" * 201, "A\0", 7):
        assert malformed(line(fields, name=name)).kind == "admit_member/1"


def test_every_command_says_where_it_goes() -> None:
    shards = {kind: model.SHARD for kind, model in COMMANDS.items()}
    assert set(shards.values()) == {"control", "market", "member"}
    assert all(kind == model.TYPE for kind, model in COMMANDS.items())


def test_a_fact_leaves_in_one_form_and_is_read_back() -> None:
    fact = SessionOpened(at=1, business_date=date(2026, 6, 8))
    raw = encode_fact(fact, shard="control/0", seq=5)
    assert raw == (
        b'{"type":"session_opened/1","shard":"control/0","seq":5,'
        b'"at":"1970-01-01T00:00:00.000000001Z","business_date":"2026-06-08"}'
    )
    assert decode_fact(raw) == ("control/0", 5, fact)


def test_a_fact_of_no_known_type_is_not_ours() -> None:
    with pytest.raises(ValueError, match="known fact"):
        decode_fact(b'{"type":"nonsense/1","shard":"control/0","seq":5,"at":"x"}')


def test_the_value_of_a_setting_is_any_text_without_nul() -> None:
    fields = {
        "type": "configure/1", "parameter": "holidays", "product": None,
        "value": ",".join(["2026-12-25"] * 100), "effective_date": "2026-06-08", "at": AT,
    }  # fmt: skip
    assert isinstance(decode_command(line(fields)), Command)
    assert isinstance(decode_command(line(fields, value="")), Command)
    assert malformed(line(fields, value="A\0")).kind == "configure/1"
    assert malformed(line(fields, value=True)).kind == "configure/1"
