"""Whatever is changed behind the journal's back is found, and named by shard, row and column."""

from __future__ import annotations

import pytest

from services.audit.verify import verify
from tests.services.audit.tampering import place, rewrite_chain, tamper

TRADE = "WHERE shard = 'market/SIT' AND seq = {trade}"
CLOSE = "WHERE shard = 'market/SIT' AND seq = {close}"
MEMBER = "WHERE shard = 'member/0' AND seq = {member}"
_SET = "UPDATE clearing.journal SET"

# What is done, the shard and the row that must be named, and how the finding goes on.
ROWS = (
    (f"{_SET} input = input || ' ' {TRADE}", "market/SIT", "trade", "chain: expected"),
    (
        f"{_SET} input = convert_to(replace(convert_from(input, 'UTF8'), '\"lots\": ', "
        f"'\"lots\": 1'), 'UTF8') {TRADE}",
        "market/SIT",
        "trade",
        "",
    ),
    (f"{_SET} input = 'what?' {TRADE}", "market/SIT", "trade", "input: expected one of market/SIT"),
    (
        f"{_SET} facts = convert_to(replace(convert_from(facts, 'UTF8'), '\"lots\":', "
        f"'\"lots\":1'), 'UTF8') {TRADE}",
        "market/SIT",
        "trade",
        "facts: expected",
    ),
    (f"{_SET} facts = '' {TRADE}", "market/SIT", "trade", "facts: expected"),
    (f"{_SET} chain = sha256(chain) {TRADE}", "market/SIT", "trade", "chain: expected"),
    (f"{_SET} parts = 2 {TRADE}", "market/SIT", "trade", "parts: expected 1, found 2"),
    (f"{_SET} position = position + 1 {TRADE}", "market/SIT", "trade", "chain: expected"),
    (f"{_SET} origin = 'elsewhere' {TRADE}", "market/SIT", "trade", "chain: expected"),
    (f"{_SET} decided = decided + 1 {TRADE}", "market/SIT", "trade", "chain: expected"),
    (f"{_SET} decided = 1 {TRADE}", "market/SIT", "trade", "chain: expected"),
    (
        f"{_SET} business_date = business_date - 1 {TRADE}",
        "market/SIT",
        "trade",
        "business_date: expected",
    ),
    (f"DELETE FROM clearing.journal {TRADE}", "market/SIT", "trade", "seq: expected row"),
    (
        "DELETE FROM clearing.journal WHERE shard = 'market/SIT' AND seq = {last}",
        "market/SIT",
        "last",
        "seq: expected",
    ),
    (
        f"INSERT INTO clearing.journal SELECT shard, seq, business_date - 1, origin, position, "
        f"decided, input, parts, facts, chain FROM clearing.journal {TRADE}",
        "market/SIT",
        "trade",
        "",
    ),
    (
        f"INSERT INTO clearing.journal SELECT 'market/XXX', 0, business_date, origin, position, "
        f"decided, input, parts, facts, chain FROM clearing.journal {TRADE}",
        "market/XXX",
        None,
        "shard: expected no such shard",
    ),
    (
        f"{_SET} seq = -1 {TRADE}; {_SET} seq = {{trade}} WHERE shard = 'market/SIT' "
        f"AND seq = {{trade}} + 1; {_SET} seq = {{trade}} + 1 WHERE shard = 'market/SIT' AND seq = -1",
        "market/SIT",
        "trade",
        "chain: expected",
    ),
    (
        "UPDATE clearing.journal SET input = input || ' ' WHERE shard = 'member/0' "
        "AND seq = {member}",
        "member/0",
        "member",
        "input: expected",
    ),
    (f"{_SET} input = input || ' ' {CLOSE}", "market/SIT", "close", "input: expected"),
    (
        "UPDATE clearing.shard_head SET chain = sha256(chain) WHERE shard = 'market/SIT'",
        "market/SIT",
        "last",
        "chain of the head: expected",
    ),
    (
        f"{_SET} facts = facts || ' ' WHERE shard = 'member/0' AND seq = 0",
        "member/0",
        None,
        "facts",
    ),
)
BESIDE = (
    (
        "UPDATE clearing.link SET payload = set_byte(payload, 3, 0) "
        "WHERE source = 'market/SIT' AND seq = {close} AND last",
        "market/SIT",
        "close",
        "link",
    ),
    (
        "UPDATE clearing.link SET hash = sha256(hash) WHERE source = 'market/SIT' AND seq = {close} "
        "AND last",
        "market/SIT",
        "close",
        "link",
    ),
    (
        "DELETE FROM clearing.link WHERE source = 'market/SIT' AND seq = {close} AND last",
        "market/SIT",
        "close",
        "link",
    ),
    (
        "INSERT INTO clearing.link SELECT source, target, number + 1000, barrier, seq, last, "
        "payload, hash FROM clearing.link WHERE source = 'market/SIT' AND seq = {close} AND last",
        "market/SIT",
        "close",
        "link",
    ),
    (
        "INSERT INTO clearing.link SELECT source, 'control/0', number, barrier, seq, last, "
        "payload, hash FROM clearing.link WHERE source = 'market/SIT' AND seq = {close} AND last",
        "market/SIT",
        "close",
        "link: expected",
    ),
    (f"UPDATE clearing.day SET state_hash = sha256('') {CLOSE}", "market/SIT", "close", "day"),
    (f"DELETE FROM clearing.day {MEMBER}", "member/0", "member", "day"),
    (
        f"UPDATE clearing.snapshot SET state = set_byte(state, 9, 65) {MEMBER}",
        "member/0",
        "member",
        "snapshot 0 state: expected",
    ),
    (f"DELETE FROM clearing.snapshot {CLOSE}", "market/SIT", "close", "snapshot 0: expected"),
    (
        f"UPDATE clearing.settlement_price SET price_ticks = price_ticks + 1 {CLOSE}",
        "market/SIT",
        "close",
        "settlement_price",
    ),
    (
        f"UPDATE clearing.statement SET cash_cents = cash_cents # 1 {MEMBER}",
        "member/0",
        "member",
        "statement",
    ),
    (f"DELETE FROM clearing.statement {MEMBER}", "member/0", "member", "statement"),
    (
        f"INSERT INTO clearing.statement SELECT * FROM clearing.statement {MEMBER} LIMIT 1",
        "member/0",
        "member",
        "statement",
    ),
    (
        f"UPDATE clearing.statement SET business_date = '2001-01-01' {MEMBER}",
        "member/0",
        "member",
        "statement",
    ),
    (
        "INSERT INTO clearing.journal_part SELECT 'market/SIT', {trade}, 1, ''",
        "market/SIT",
        "trade",
        "journal_part: expected 0 rows, found 1",
    ),
    (
        "UPDATE clearing.identity SET keys = set_byte(keys, 0, get_byte(keys, 0) # 1) "
        "WHERE shard = 'market/SIT' AND seq_first = "
        "(SELECT max(seq_first) FROM clearing.identity WHERE shard = 'market/SIT')",
        "market/SIT",
        None,
        "identity (row, key): expected",
    ),
    ("DELETE FROM clearing.identity WHERE shard = 'member/0'", "member/0", None, "identity"),
    (
        "INSERT INTO clearing.identity VALUES ('market/SIT', 7, 7340032, '', '')",
        "market/SIT",
        None,
        "",
    ),
)
SOURCES = (
    ("UPDATE clearing.source SET lines = lines - 1", "lines: expected"),
    ("UPDATE clearing.source SET position = 10", "position: expected"),
)


@pytest.mark.parametrize(("statements", "shard", "row", "said"), [*ROWS, *BESIDE])
def test_a_change_is_found_and_named(
    journal: str, statements: str, shard: str, row: str | None, said: str
) -> None:
    seq = None if row is None else place(journal, row)
    tamper(journal, statements)
    (finding,) = verify(journal)
    assert finding.startswith(f"{shard} seq {'' if seq is None else seq}"), finding
    assert said in finding


@pytest.mark.parametrize(("statements", "said"), SOURCES)
def test_a_source_that_was_read_otherwise_is_found(
    journal: str, statements: str, said: str
) -> None:
    tamper(journal, statements)
    (finding,) = verify(journal)
    assert finding.startswith("source market.jsonl ")
    assert said in finding


def test_facts_changed_by_who_rewrites_the_chain_are_found_by_deciding_again(journal: str) -> None:
    price = "'\"price_ticks\":', '\"price_ticks\":1'"
    tamper(
        journal,
        f"{_SET} facts = convert_to(replace(convert_from(facts, 'UTF8'), {price}), 'UTF8') {TRADE}",
    )
    rewrite_chain(journal, "market/SIT")
    (finding,) = verify(journal)
    assert finding.startswith(f"market/SIT seq {place(journal, 'trade')} facts: expected")


def test_a_last_row_cut_off_together_with_its_head_is_missed_elsewhere(journal: str) -> None:
    last = place(journal, "last")
    tamper(
        journal,
        f"DELETE FROM clearing.journal WHERE shard = 'market/SIT' AND seq = {last};"
        f"UPDATE clearing.shard_head SET seq = {last - 1}, chain = (SELECT chain FROM "
        f"clearing.journal WHERE shard = 'market/SIT' AND seq = {last - 1}) "
        "WHERE shard = 'market/SIT'",
    )
    assert verify(journal) != []


def test_findings_in_two_shards_are_both_named(journal: str) -> None:
    tamper(journal, f"UPDATE clearing.day SET state_hash = sha256('') {CLOSE}")
    tamper(journal, f"{_SET} chain = sha256(chain) {MEMBER}")
    found = verify(journal)
    assert [finding.split(" seq ")[0] for finding in found] == ["market/SIT", "member/0"]
