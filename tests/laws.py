"""The laws of RULEBOOK §9 over a clearinghouse in memory: its books against its rows.

In: a clearinghouse whose logs hold every row from 0 on. Out: nothing, or an AssertionError with the
numbers. Positions, cash and balances are summed anew from the facts; the chain is hashed by a few
lines of its own.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

from events.codec import decode_command
from events.command import Malformed
from events.fact_text import encode_fact
from events.facts import decode_fact
from services.audit.laws import LawBook
from services.shards.clearinghouse import Clearinghouse
from services.shards.log import ShardLog
from services.shards.rows import JournalRow
from tests.default_laws import check_defaults, holders_by_cycle

Fields: TypeAlias = dict[str, Any]
Sums: TypeAlias = dict[tuple[str, ...], int]

REFUSED = "command_refused/1"
NOVATED = "trade_novated/1"
VARIATION = "variation_settled/1"
BY_POSTING = frozenset({"asset_moved/1", "waterfall_applied/1"})
POSTED = BY_POSTING | {
    "account_auctioned/1", "cash_adjusted/1", "collateral_moved/1", "fund_moved/1", VARIATION,
}  # fmt: skip


def broken_laws(facts: Iterable[Fields]) -> list[str]:
    """The laws that the facts of a whole journal show to be broken, one line each."""
    book = LawBook()
    for fact in facts:
        book.add(fact)
    return book.broken()


def check_laws(clearinghouse: Clearinghouse) -> None:
    """Every law that can be read off the books and the rows."""
    facts = facts_of(clearinghouse)
    check_the_clearinghouse_is_flat(clearinghouse, facts)
    check_variation_sums_to_zero(facts)
    check_instructions_add_up(clearinghouse, facts)
    check_double_entry(clearinghouse, facts)
    check_units(clearinghouse, facts)
    check_nothing_happens_twice(facts)
    check_defaults(clearinghouse, facts)
    check_spreads(row for shard in clearinghouse.in_order() for row in shard.log.pending.rows)
    for shard in clearinghouse.in_order():
        check_log(shard.log)


def check_spreads(rows: Iterable[JournalRow]) -> None:
    """Both legs or neither: what all markets make of each spread that stands; law 4.

    Where both are cleared the first leg's market says so, else one market gives one reason.
    """
    spreads: dict[str, Fields] = {}
    stated: dict[str, list[Fields]] = defaultdict(list)
    for shard, _, _, origin, _, _, line, _, facts, _ in rows:
        if b"submit_spread/1" not in line or isinstance(decode_command(line), Malformed):
            continue
        fields = json.loads(line)
        if fields["type"] != "submit_spread/1":
            continue
        texts = [json.loads(text) for text in facts.split(b"\n") if text]
        if any(fact["type"] == "spread_submitted/1" for fact in texts):
            spreads[fields["reference"]] = fields
        elif shard.startswith("market/") and origin == "control/0":
            stated[fields["reference"]] += texts
    for reference, spread in spreads.items():
        legs = {leg["trade_id"]: leg["contract"] for leg in spread["legs"]}
        facts_on = stated[reference]
        novated = {fact["trade_id"]: fact["contract"] for fact in chosen(facts_on, NOVATED)}
        cleared, refused = chosen(facts_on, "spread_cleared/1"), chosen(facts_on, REFUSED)
        assert novated in ({}, legs), (reference, novated)
        assert len(chosen(facts_on, NOVATED)) == len(novated), reference
        assert (len(cleared), len(refused)) == ((1, 0) if novated else (0, 1)), (reference, refused)
        if cleared:
            first = spread["legs"][0]["contract"]
            assert cleared[0]["shard"] == f"market/{first[:3]}", cleared


def facts_of(clearinghouse: Clearinghouse) -> list[Fields]:
    """All facts, shard by shard, in the order of the rows."""
    return [fact for shard in clearinghouse.in_order() for fact in facts_since(shard.log, 0, 0)]


def facts_since(log: ShardLog, row: int, part: int) -> list[Fields]:
    """The facts of a shard's rows from one on, and of the further parts from one on."""
    return [json.loads(line) for line in fact_lines_since(log, row, part)]


def fact_lines_since(log: ShardLog, row: int, part: int) -> list[bytes]:
    """The same as they stand in the journal."""
    further: dict[int, list[bytes]] = defaultdict(list)
    for _, seq, _, facts in log.pending.parts[part:]:
        further[seq].append(facts)
    texts = [
        text
        for _, seq, _, _, _, _, _, _, facts, _ in log.pending.rows[row:]
        for text in (facts, *further[seq])
        if text
    ]
    return [line for text in texts for line in text.split(b"\n")]


def holdings(clearinghouse: Clearinghouse) -> tuple[object, ...]:
    """What a refused input must not touch: positions, what is open on them, balances, units."""
    columns = [
        (name, contract.positions.lots.tobytes(), contract.positions.open_cents.tobytes())
        for product in sorted(clearinghouse.markets)
        for name, contract in sorted(clearinghouse.markets[product].books.contracts.items())
    ]
    return (
        columns,
        clearinghouse.member.books.cash.tobytes(),
        dict(clearinghouse.member.books.clearinghouse_cents),
        {name: units.tobytes() for name, units in clearinghouse.member.books.assets.units.items()},
    )


def check_the_clearinghouse_is_flat(clearinghouse: Clearinghouse, facts: list[Fields]) -> None:
    """Law 1: per contract the lots of all accounts sum to zero, and they are those of the facts."""
    stated = positions_of(facts)
    for (name,), lots in sums_by(stated, 0).items():
        assert lots == 0, f"the clearinghouse holds {-lots} lots of {name}"
    lots_by_account: Sums = {}
    for market in clearinghouse.markets.values():
        accounts = market.books.control.accounts_by_number
        for name, contract in market.books.contracts.items():
            positions = contract.positions
            assert sum(positions.lots) == 0, f"{name}: {list(positions.lots)}"
            assert sum(positions.open_cents) == 0, f"{name}: {list(positions.open_cents)}"
            for account, lots in zip(accounts, positions.lots, strict=True):
                lots_by_account[name, account.name] = lots
    assert nonzero(lots_by_account) == nonzero(stated)


def positions_of(facts: list[Fields]) -> Sums:
    """Lots by (contract, account), summed from the facts that move them."""
    sums: Sums = defaultdict(int)
    for fact in facts:
        sign = {"trade_novated/1": 1, "trade_busted/1": -1}.get(fact["type"])
        if sign is not None:
            sums[fact["contract"], fact["buyer"]] += sign * fact["lots"]
            sums[fact["contract"], fact["seller"]] -= sign * fact["lots"]
        elif fact["type"] == "position_transferred/1":
            given = fact["lots"] if fact["side"] == "long" else -fact["lots"]
            sums[fact["contract"], fact["to_account"]] += given
            sums[fact["contract"], fact["from_account"]] -= given
        elif fact["type"] == "position_taken_over/1":
            sums[fact["contract"], fact["to_account"]] += fact["lots"]
            sums[fact["contract"], fact["from_account"]] -= fact["lots"]
        elif fact["type"] == "position_closed/1":
            sums[fact["contract"], fact["account"]] -= fact["lots"]
    return sums


def check_variation_sums_to_zero(facts: list[Fields]) -> None:
    """Law 2: per contract and cycle, and no zero is stated."""
    sums: Sums = defaultdict(int)
    for fact in chosen(facts, VARIATION):
        assert fact["amount_cents"] != 0, fact
        sums[fact["contract"], fact["business_date"], fact["cycle"]] += fact["amount_cents"]
    assert nonzero(sums) == {}


def check_instructions_add_up(clearinghouse: Clearinghouse, facts: list[Fields]) -> None:
    """Law 8: a member's instruction is the sum of its accounts' variation, per cycle and origin."""
    origins = {fact["account"]: fact["origin"] for fact in chosen(facts, "account_opened/1")}
    holders = holders_by_cycle(clearinghouse)
    sums: Sums = defaultdict(int)
    for fact in chosen(facts, VARIATION):
        cycle, account = (fact["business_date"], fact["cycle"]), fact["account"]
        side = (holders[cycle][account], origins[account], *cycle)
        sums[side] += fact["amount_cents"]
    for fact in chosen(facts, "settlement_instructed/1"):
        side = (fact["member"], fact["origin"], fact["business_date"], fact["cycle"])
        sums[side] -= fact["variation_cents"]
    assert nonzero(sums) == {}


def check_double_entry(clearinghouse: Clearinghouse, facts: list[Fields]) -> None:
    """Law 3: balances are the sums of postings, and cash is what was paid in, out and settled.

    What a waterfall moves and what assets bring is stated by postings alone.
    """
    balances: Sums = defaultdict(int)
    paid_by_posting: Sums = defaultdict(int)
    for fact in chosen(facts, "posting/1"):
        assert fact["amount_cents"] > 0, fact
        assert fact["for"] in POSTED, fact
        if fact["for"] in BY_POSTING:
            paid_by_posting[(fact["debit"],)] -= fact["amount_cents"]
            paid_by_posting[(fact["credit"],)] += fact["amount_cents"]
        balances[(fact["debit"],)] -= fact["amount_cents"]
        balances[(fact["credit"],)] += fact["amount_cents"]
    assert sum(balances.values()) == 0, balances
    moved: Sums = defaultdict(int)
    for fact in (*chosen(facts, "collateral_moved/1"), *chosen(facts, VARIATION)):
        moved[(f"cash:{fact['account']}",)] += fact["amount_cents"]
    for fact in chosen(facts, "cash_adjusted/1"):
        moved[(f"cash:{fact['debit_account']}",)] -= fact["amount_cents"]
        moved[(f"cash:{fact['credit_account']}",)] += fact["amount_cents"]
    refused = {fact["reference"] for fact in chosen(facts, "auction_payment_refused/1")}
    for fact in chosen(facts, "account_auctioned/1"):
        if fact["reference"] not in refused:
            moved[(f"cash:{fact['account']}",)] -= fact["payment_cents"]
            moved[(f"cash:{fact['to_account']}",)] += fact["payment_cents"]
    for (name,), cents in paid_by_posting.items():
        if name.startswith("cash:"):
            moved[(name,)] += cents
    accounts, member = clearinghouse.control.books.accounts_by_number, clearinghouse.member.books
    cash: Sums = {
        (f"cash:{account.name}",): cents
        for account, cents in zip(accounts, member.cash, strict=True)
    }
    assert nonzero(moved) == nonzero(cash)
    owned: Sums = {(name,): cents for name, cents in member.clearinghouse_cents.items()}
    assert nonzero(balances) == nonzero(cash) | nonzero(owned)
    paid = [cents for (name,), cents in balances.items() if name.startswith("house:variation:")]
    assert not any(paid), balances


def check_units(clearinghouse: Clearinghouse, facts: list[Fields]) -> None:
    """Law 9: the units that accounts have are those that came in less those that went out.

    What is blocked of them is there.
    """
    moved: Sums = defaultdict(int)
    for fact in chosen(facts, "asset_moved/1"):
        assert fact["units"] != 0, fact
        moved[fact["account"], fact["asset"]] += fact["units"]
    books = clearinghouse.member.books
    names = [account.name for account in books.control.accounts_by_number]
    owned: Sums = {
        (name, asset): units
        for asset, column in books.assets.units.items()
        for name, units in zip(names, column, strict=True)
    }
    assert nonzero(moved) == nonzero(owned)
    assert min(owned.values(), default=0) >= 0, owned
    for (number, asset), blocked in books.withdrawals.blocked.items():
        if asset != "USD":
            assert 0 < blocked <= owned[names[number], asset], (asset, number)


def check_nothing_happens_twice(facts: list[Fields]) -> None:
    """Law 4: an id is cleared, undone, moved or asked for at most once."""
    names = Counter(
        (fact["shard"], fact["type"], fact[name])
        for kind, name in (
            ("trade_novated/1", "trade_id"),
            ("trade_busted/1", "trade_id"),
            ("position_transferred/1", "transfer"),
            ("collateral_moved/1", "reference"),
            ("withdrawal_pending/1", "reference"),
            ("cash_adjusted/1", "reference"),
            ("asset_moved/1", "reference"),
            ("asset_withdrawal_pending/1", "reference"),
            ("margin_called/1", "call"),
            ("account_ported/1", "reference"),
            ("account_auctioned/1", "reference"),
            ("fund_moved/1", "reference"),
            ("fund_withdrawal_pending/1", "reference"),
            ("fund_called/1", "call"),
            ("contract_settled/1", "contract"),
        )
        for fact in chosen(facts, kind)
    )
    assert {name: count for name, count in names.items() if count > 1} == {}


def check_log(log: ShardLog) -> None:
    """Law 6: rows are dense from 0 on, each facts' `seq` is its row, and the chain holds.

    Law 10: each fact is, byte for byte, what its own model writes. Law 11: the history hashes.
    """
    further: dict[int, list[bytes]] = defaultdict(list)
    for _, seq, number, part in log.pending.parts:
        further[seq].append(part)
        assert number == len(further[seq]), (log.shard, seq, number)
    chain = bytes(32)
    for number, row in enumerate(log.pending.rows):
        shard, seq, *_, facts, recorded = row
        assert (shard, seq) == (log.shard, number)
        chain = chained(chain, row, [facts, *further[number]])
        assert recorded == chain, f"row {number} of {log.shard} was changed"
    assert (log.seq, log.chain) == (len(log.pending.rows), chain)
    assert [day.history_hash.hex() for day in log.pending.days] == histories(log, further)
    for line in fact_lines_since(log, 0, 0):
        shard, seq, fact = decode_fact(line)
        assert shard == log.shard, line
        assert encode_fact(fact, shard=shard, seq=seq) == line


def chained(before: bytes, row: JournalRow, parts: list[bytes]) -> bytes:
    """The hash of a row by the layout that `events/chain.py` documents, written down once more."""
    shard, seq, day, origin, position, logical_time, line, *_ = row
    text = b"\x00\x1ftoken-clearinghouse/journal-row" + b"\x00\x01" + before
    text += struct.pack(f">H{len(shard)}s", len(shard), shard.encode())
    text += struct.pack(f">H{len(origin)}s", len(origin), origin.encode())
    text += struct.pack(">q", seq) + struct.pack(">I", day.toordinal() - 1)
    text += struct.pack(">qq", position, logical_time)
    text += struct.pack(">II", len(line), len(parts))
    text += b"".join(struct.pack(">I", len(part)) for part in parts)
    text += b"".join((line, *parts))
    return hashlib.sha256(text).digest()


def histories(log: ShardLog, further: dict[int, list[bytes]]) -> list[str]:
    """The history hash of each close, by the layout that `events/history.py` documents.

    further: the later parts of a row's facts, by its seq.
    """
    text, found = history_start(log.shard, bytes(32)), []
    for _, seq, _, _, _, _, line, _, facts, _ in log.pending.rows:
        stated = [json.loads(one) for one in b"\n".join([facts, *further[seq]]).split(b"\n") if one]
        day = next((fact for fact in stated if fact["type"] == "day_closed/1"), None)
        texts = [without_seq(fact) for fact in stated if fact is not day]
        text += struct.pack(">II", len(line), len(texts)) + line
        text += b"".join(b"\n" + one for one in texts)
        if day is not None:
            found.append(hashlib.sha256(text).hexdigest())
            assert found[-1] == day["history_hash"], (log.shard, seq)
            text = history_start(log.shard, bytes.fromhex(found[-1]))
    return found


def history_start(shard: str, before: bytes) -> bytes:
    """The bytes before the first input after a close."""
    text = b"\x00\x1btoken-clearinghouse/history" + b"\x00\x01"
    return text + struct.pack(f">H{len(shard)}s", len(shard), shard.encode()) + before


def without_seq(fact: Fields) -> bytes:
    """The text of a fact without its row's number."""
    named = {name: value for name, value in fact.items() if name != "seq"}
    return json.dumps(named, ensure_ascii=False, separators=(",", ":")).encode()


def chosen(facts: list[Fields], kind: str) -> list[Fields]:
    """The facts of one type."""
    return [fact for fact in facts if fact["type"] == kind]


def sums_by(sums: Sums, index: int) -> Sums:
    """The same sums by one part of their keys."""
    totals: Sums = defaultdict(int)
    for key, amount in sums.items():
        totals[(key[index],)] += amount
    return totals


def nonzero(sums: Sums) -> Sums:
    """Without what sums to nothing."""
    return {key: amount for key, amount in sums.items() if amount}
