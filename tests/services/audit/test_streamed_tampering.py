"""Every change to a journal of workers is found and named, also when the chain is rewritten."""

from __future__ import annotations

import pytest

from services.audit.verify import verify
from tests.services.audit.tampering import place, rewrite_chain, tamper

SHARDS = {"member": "member/0", "order": "control/0", "product": "market/SCU"}


SAID = """
UPDATE journal SET facts = convert_to(replace(convert_from(facts, 'UTF8'), '<', '>'), 'UTF8') @row
    AND position('<'::bytea IN facts) >= 1
"""


def said(words: str, instead: str, *, at: str) -> str:
    """Other words in the recorded facts of a row."""
    return SAID.replace("<", words).replace(">", instead, 1).replace("@row", f"@{at}")


DROPPED = """
DELETE FROM journal @number;
UPDATE journal SET seq = -seq WHERE shard = 'market/SIT' AND seq > #number;
UPDATE journal SET seq = -seq - 1 WHERE shard = 'market/SIT' AND seq < 0;
UPDATE shard_head SET seq = seq - 1 WHERE shard = 'market/SIT'
"""
LOTS = """
UPDATE journal SET input = convert_to(replace(convert_from(input, 'UTF8'),
    '"lots": ', '"lots": 1'), 'UTF8') @trade
"""
MARKED = "UPDATE journal SET origin = origin || '?key' @trade"
# What is done, the row that must be named, and the column.
CASES = (
    (LOTS, "trade", ": expected"),
    (said('"price_ticks":', '"price_ticks":1', at="trade"), "trade", "facts: expected"),
    ("UPDATE journal SET decided = decided + 1 @trade", "trade", "decided: expected"),
    ("UPDATE journal SET decided = decided + 1000 @trade", "trade", "decided: expected"),
    ("UPDATE journal SET decided = decided - 1 @number", "number", "decided: expected"),
    ("UPDATE journal SET decided = decided - 1 @member", "member", "decided: expected"),
    ("UPDATE journal SET decided = decided + 1000 @order", "order", "decided: expected"),
    ("UPDATE journal SET facts = facts || ' ' @order", "order", "facts: expected"),
    ("UPDATE journal SET input = '{}' @order", "order", "facts: expected"),
    ("UPDATE journal SET decided = 0 @product", "product", "expected it after the command"),
    ("UPDATE journal SET position = 0 @trade", "trade", "position: expected offset"),
    ("UPDATE journal SET position = position + 1 @number", "number", "position: expected"),
    ("UPDATE journal SET input = input || ' ' @number", "number", "input: expected"),
    ("UPDATE journal SET input = input || ' ' @member", "member", "input: expected"),
    ("UPDATE journal SET origin = 'control/0' @trade", "trade", ": expected"),
    ("UPDATE journal SET origin = 'clearing.market/1' @trade", "trade", "origin: expected"),
    ("UPDATE journal SET origin = 'clearing.market/0' @number", "number", ": expected"),
    ("UPDATE journal SET origin = 'genesis' @trade", "trade", "origin: expected"),
    (MARKED, "trade", "expected a refusal such as ?key stands for"),
    ("UPDATE journal SET origin = 'clearing.market/0' @key", "key", "facts: expected"),
    ("UPDATE journal SET origin = 'clearing.market/0?copy' @key", "key", "as ?copy stands for"),
    ("UPDATE journal SET facts = '' @key", "key", "as ?key stands for"),
    (said("expected the key", "expected a key", at="key"), "key", "as ?key stands for"),
    (said("market/SIT", "market/SCU", at="key"), "key", "facts: expected"),
    (said("wrong_shard", "malformed", at="key"), "key", "facts: expected"),
    (said("traceparent", "trace\\\\parent", at="headers"), "headers", "as ?headers stands for"),
    (said("traceparent", "trace\\u0000parent", at="headers"), "headers", "stands for"),
    (said("malformed", "wrong_shard", at="headers"), "headers", "facts: expected"),
    (said("1000000000", "2", at="copy"), "copy", "facts: expected"),
    (said("1000000000", "1000000000 ", at="copy"), "copy", "as ?copy stands for"),
    (said("no such command", "other bytes there", at="copy"), "copy", "as ?copy stands for"),
    (said("found one of", "found some of", at="astray"), "astray", "facts: expected"),
    (said("wrong_shard", "malformed", at="astray"), "astray", "facts: expected"),
    (said('"detail":"', '"detail":"no ', at="unread"), "unread", "facts: expected"),
    ("UPDATE journal SET input = 'what?' @trade", "trade", "facts: expected"),
    (DROPPED, "number", ": expected"),
)
# The same without the need for another chain.
BESIDE = (
    ("DELETE FROM journal @trade", "trade", "seq: expected row"),
    ("DELETE FROM journal @last", "last", "seq: expected this row"),
    ("UPDATE journal SET input = input || ' ' @key", "key", "chain: expected"),
    ("UPDATE link SET payload = set_byte(payload, 3, 0) @link", "close", "payload: expected"),
    ("UPDATE link SET hash = sha256(hash) @link", "close", "hash: expected"),
    ("UPDATE link SET barrier = barrier + 1 @link", "close", "link"),
    ("DELETE FROM link @link", "close", "found no row"),
    ("UPDATE day SET state_hash = sha256('') @close", "close", "day state_hash: expected"),
    ("UPDATE snapshot SET state = set_byte(state, 9, 65) @close", "close", "snapshot 0 state: "),
    ("DELETE FROM snapshot @member", "member", "found no row"),
    ("UPDATE statement SET cash_cents = cash_cents # 1 @member", "member", "cash_cents: expected"),
    ("DELETE FROM settlement_price @close", "close", "found no row"),
    ("UPDATE shard_head SET next_offset = 3 @last", "last", "next_offset of the head: expected"),
    ("UPDATE shard_head SET control_number = 3 @last", "last", "control_number of the head"),
    ("DELETE FROM identity WHERE shard = 'market/SIT'", "market/SIT", "identity (row, key)"),
    ("UPDATE control_number SET number = number + 1000 WHERE number = 3", "control/0", "number"),
    ("DELETE FROM control_number WHERE number = 3", "control/0", "control_number"),
)


def found(url: str, statements: str, row: str) -> tuple[str, str]:
    """What must be named, and what is found, after statements."""
    shard = SHARDS.get(row, "market/SIT")
    named = f"{row} seq " if "/" in row else f"{shard} seq {place(url, row)} "
    tamper(url, statements)
    if (statements, row) in [case[:2] for case in CASES]:
        rewrite_chain(url, shard)
    (finding,) = verify(url)
    return named, finding


@pytest.mark.parametrize(("statements", "row", "words"), CASES)
def test_a_change_of_who_rewrites_the_chain_is_found_and_named(
    streamed_journal: str, statements: str, row: str, words: str
) -> None:
    named, finding = found(streamed_journal, statements, row)
    assert finding.startswith(named), finding
    assert words in finding


@pytest.mark.parametrize(("statements", "row", "words"), BESIDE)
def test_a_change_beside_the_rows_is_found_and_named(
    streamed_journal: str, statements: str, row: str, words: str
) -> None:
    named, finding = found(streamed_journal, statements, row)
    assert finding.startswith(named), finding
    assert words in finding


def test_a_control_command_that_others_had_and_control_has_not_is_missed(
    streamed_journal: str,
) -> None:
    tamper(
        streamed_journal,
        """UPDATE shard_head SET seq = 5, control_number = 4 WHERE shard = 'control/0';
        DELETE FROM journal WHERE shard = 'control/0' AND seq > 5;
        UPDATE shard_head SET chain = (SELECT chain FROM journal WHERE shard = 'control/0'
            AND seq = 5) WHERE shard = 'control/0'""",
    )
    (finding,) = verify(streamed_journal)
    assert "which control/0 does not have" in finding


def test_a_control_command_that_its_copies_do_not_have_is_found_in_them(
    streamed_journal: str,
) -> None:
    tamper(streamed_journal, "UPDATE journal SET input = input || ' ' @order")
    rewrite_chain(streamed_journal, "control/0")
    findings = verify(streamed_journal)
    assert [one.split(" ", 1)[0] for one in findings] == ["control/0", "market/SIT", "member/0"]
    assert "history_hash" in findings[0]
    assert all("input: expected" in one for one in findings[1:])


def test_a_market_that_is_cut_off_before_a_barrier_is_missed_by_members(
    streamed_journal: str,
) -> None:
    tamper(
        streamed_journal,
        """UPDATE shard_head SET seq = #close - 1, chain = (SELECT chain FROM journal
            WHERE shard = 'market/SIT' AND seq = #close - 1) WHERE shard = 'market/SIT';
        DELETE FROM journal WHERE shard = 'market/SIT' AND seq >= #close""",
    )
    (finding,) = verify(streamed_journal)
    assert finding.startswith(f"member/0 seq {place(streamed_journal, 'member')} barrier")
    assert "expected the links of market/SIT, found none" in finding


def test_a_shard_that_differs_stops_alone(streamed_journal: str) -> None:
    tamper(streamed_journal, said('"price_ticks":', '"price_ticks":1', at="trade"))
    tamper(streamed_journal, "UPDATE journal SET decided = 7 @product")
    assert [one.split(" ", 1)[0] for one in verify(streamed_journal)] == [
        "market/SCU",
        "market/SIT",
    ]


def test_a_journal_is_not_passed_off_as_the_other_kind(journal: str, streamed_journal: str) -> None:
    tamper(journal, "DELETE FROM source")
    assert verify(journal) != []
    tamper(streamed_journal, "INSERT INTO source VALUES ('market.jsonl', 0, '', 0, true)")
    assert verify(streamed_journal) != []


def test_recorded_inboxes_are_those_of_the_rows(streamed_journal: str) -> None:
    tamper(streamed_journal, "INSERT INTO inbox SELECT 'control/0', 'other.control', 0, 'id'")
    findings = verify(streamed_journal)
    assert "inbox of market/SIT expected other.market/0, found none" in findings
    assert "control/0 seq 1 origin: expected other.control/0, found clearing.control/0" in findings


def test_offsets_that_fall_are_found(streamed_journal: str) -> None:
    tamper(
        streamed_journal,
        """UPDATE journal SET position = position + 1 @trade;
        UPDATE journal SET position = position - 1 WHERE shard = 'market/SIT' AND seq = #trade + 1
        """,
    )
    rewrite_chain(streamed_journal, "market/SIT")
    (finding,) = verify(streamed_journal)
    after = place(streamed_journal, "trade") + 1
    assert finding.startswith(f"market/SIT seq {after} position: expected offset")
