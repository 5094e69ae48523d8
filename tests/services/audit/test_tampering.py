"""Every change behind the journal's back is found, and named by shard, row and column."""

from __future__ import annotations

import pytest

from services.audit.verify import verify
from tests.services.audit.tampering import place, rewrite_chain, tamper

LOTS = """
UPDATE journal SET input = convert_to(replace(convert_from(input, 'UTF8'),
    '"lots": ', '"lots": 1'), 'UTF8') @trade
"""
FACTS = """
UPDATE journal SET facts = convert_to(replace(convert_from(facts, 'UTF8'),
    '"price_ticks":', '"price_ticks":1'), 'UTF8') @trade
"""
TWICE = """
INSERT INTO journal SELECT shard, seq, business_date - 1, origin, position, decided, input, parts,
    facts, chain FROM journal @trade
"""
BEYOND = """
INSERT INTO journal SELECT shard, seq + 1, business_date, origin, position, decided, input, parts,
    facts, chain FROM journal @last
"""
STRANGER = """
SELECT clearing.make_journal_partition('market/ZZZ', '2026-06-01');
INSERT INTO journal SELECT 'market/ZZZ', 0, business_date, origin, position, decided, input, parts,
    facts, chain FROM journal @trade
"""
SWAPPED = """
UPDATE journal SET seq = -1 @trade;
UPDATE journal SET seq = #trade WHERE shard = 'market/SIT' AND seq = #trade + 1;
UPDATE journal SET seq = #trade + 1 WHERE shard = 'market/SIT' AND seq = -1
"""
LINK_AGAIN = """
INSERT INTO link SELECT source, target, number + 1000, barrier, seq, last, payload, hash
    FROM link @link
"""
LINK_ASIDE = """
INSERT INTO link SELECT source, 'control/0', number, barrier, seq, last, payload, hash
    FROM link @link
"""
ID_CHANGED = """
UPDATE identity SET keys = set_byte(keys, 0, get_byte(keys, 0) # 1) WHERE shard = 'market/SIT'
    AND seq_first = (SELECT max(seq_first) FROM identity WHERE shard = 'market/SIT')
"""

# What is done, the row that must be named (its shard's first, if any will do), and the column.
CASES = (
    ("UPDATE journal SET input = input || ' ' @trade", "trade", "chain: expected"),
    (LOTS, "trade", ": expected"),
    ("UPDATE journal SET input = 'what?' @trade", "trade", "input: expected one of market/SIT"),
    (FACTS, "trade", "facts: expected"),
    ("UPDATE journal SET facts = '' @trade", "trade", "facts: expected"),
    ("UPDATE journal SET chain = sha256(chain) @trade", "trade", "chain: expected"),
    ("UPDATE journal SET parts = 2 @trade", "trade", "parts: expected 1, found 2"),
    ("UPDATE journal SET position = position + 1 @trade", "trade", "chain: expected"),
    ("UPDATE journal SET origin = 'elsewhere' @trade", "trade", "chain: expected"),
    ("UPDATE journal SET origin = 'control/0' @trade", "trade", ": expected"),
    ("UPDATE journal SET decided = decided + 1 @trade", "trade", "chain: expected"),
    ("UPDATE journal SET decided = 1 @trade", "trade", "chain: expected"),
    ("UPDATE journal SET business_date = business_date - 1 @trade", "trade", "business_date: "),
    ("DELETE FROM journal @trade", "trade", "seq: expected row"),
    ("DELETE FROM journal @last", "last", "seq: expected this row"),
    ("UPDATE shard_head SET seq = seq - 1 @last", "market/SIT", "chain of the head: expected"),
    (TWICE, "trade", "expected"),
    (BEYOND, "market/SIT", "seq: expected no row beyond the head"),
    (STRANGER, "market/ZZZ", "shard: expected no such shard"),
    (SWAPPED, "trade", "chain: expected"),
    ("UPDATE journal SET input = input || ' ' @close", "close", "input: expected"),
    ("UPDATE journal SET input = input || ' ' @member", "member", "input: expected"),
    ("DELETE FROM journal @member", "member", "seq: expected"),
    (
        "UPDATE journal SET facts = facts || ' ' WHERE shard = 'member/0' AND seq = 0",
        "member/0",
        "seq 0 facts: expected",
    ),
    ("UPDATE shard_head SET chain = sha256(chain) @last", "last", "chain of the head: expected"),
    ("UPDATE link SET payload = set_byte(payload, 3, 0) @link", "close", "payload: expected"),
    ("UPDATE link SET hash = sha256(hash) @link", "close", "hash: expected"),
    ("UPDATE link SET barrier = barrier + 1 @link", "close", "link"),
    ("DELETE FROM link @link", "close", "found no row"),
    (LINK_AGAIN, "close", "expected no such row"),
    (LINK_ASIDE, "close", "rows, found"),
    ("UPDATE day SET state_hash = sha256('') @close", "close", "day state_hash: expected"),
    ("DELETE FROM day @member", "member", "found no row"),
    ("UPDATE snapshot SET state = set_byte(state, 9, 65) @member", "member", "snapshot 0 state: "),
    ("DELETE FROM snapshot @close", "close", "found no row"),
    ("UPDATE settlement_price SET price_ticks = 1 @close", "close", "price_ticks: expected"),
    ("DELETE FROM settlement_price @close", "close", "found no row"),
    ("UPDATE statement SET cash_cents = cash_cents # 1 @member", "member", "cash_cents: expected"),
    ("DELETE FROM statement @member", "member", "found no row"),
    ("INSERT INTO statement SELECT * FROM statement @member LIMIT 1", "member", "statement"),
    ("UPDATE statement SET business_date = '2001-01-01' @member", "member", "found no row"),
    ("INSERT INTO journal_part VALUES ('market/SIT', #trade, 1, '')", "trade", "0 rows, found 1"),
    (ID_CHANGED, "market/SIT", "identity (row, key): expected"),
    ("DELETE FROM identity WHERE shard = 'member/0'", "member/0", "identity (row, key): expected"),
    ("INSERT INTO identity VALUES ('market/SIT', 7, 7340032, '', '')", "market/SIT", "no ids"),
    ("INSERT INTO identity_filter VALUES ('market/SIT', 0, '')", "market/SIT", "no ids"),
)
SHARDS = {"trade": "market/SIT", "close": "market/SIT", "last": "market/SIT", "member": "member/0"}


@pytest.mark.parametrize(("statements", "row", "said"), CASES)
def test_a_change_is_found_and_named(journal: str, statements: str, row: str, said: str) -> None:
    named = f"{SHARDS[row]} seq {place(journal, row)} " if row in SHARDS else f"{row} seq "
    tamper(journal, statements)
    (finding,) = verify(journal)
    assert finding.startswith(named), finding
    assert said in finding


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ("UPDATE source SET lines = lines - 1", "lines: expected"),
        ("UPDATE source SET position = 10", "position: expected"),
    ],
)
def test_a_source_that_was_read_otherwise_is_found(
    journal: str, statements: str, said: str
) -> None:
    tamper(journal, statements)
    (finding,) = verify(journal)
    assert finding.startswith(f"source market.jsonl {said}")


def test_facts_changed_by_who_rewrites_the_chain_are_found_by_deciding_again(journal: str) -> None:
    tamper(journal, FACTS)
    rewrite_chain(journal, "market/SIT")
    (finding,) = verify(journal)
    assert finding.startswith(f"market/SIT seq {place(journal, 'trade')} facts: expected")


def test_a_last_row_cut_off_together_with_its_head_is_missed_elsewhere(journal: str) -> None:
    tamper(
        journal,
        """DELETE FROM journal @last;
        UPDATE shard_head SET seq = #last - 1, chain = (SELECT chain FROM journal
            WHERE shard = 'market/SIT' AND seq = #last - 1) WHERE shard = 'market/SIT'""",
    )
    assert verify(journal) != []


def test_findings_in_two_shards_are_both_named(journal: str) -> None:
    tamper(journal, "UPDATE day SET state_hash = sha256('') @close")
    tamper(journal, "UPDATE journal SET chain = sha256(chain) @member")
    found = verify(journal)
    assert [finding.split(" seq ")[0] for finding in found] == ["market/SIT", "member/0"]
