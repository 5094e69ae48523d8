"""Trades, quotes and further lines that lie between them: in batches the same as line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from events.int64 import IntArray
from services.embedded.memory import MemoryRun
from services.hosting import blocks
from services.hosting.blocks import decode_lines
from services.shards.market import trade_batch
from services.shards.market.books import MarketBooks
from services.shards.market.novations import Novations, novate
from services.shards.table import markets_among
from tests.bench.market import opening, trades
from tests.bench.mixed import mixed_lines
from tests.simulation.batches import BatchedRun, check_rows
from tests.simulation.restarts import hashes

DAY = "2026-06-08"
ACCOUNTS = 20


def expect_alike(lines: list[bytes], *, size: int) -> MemoryRun:
    """The market line by line, after it was the same in batches."""
    plain, batched = MemoryRun(), BatchedRun()
    for line in lines:
        plain.decide(line)
    for first in range(0, len(lines), size):
        batched.take(lines[first : first + size])
    pairs = zip(batched.clearinghouse.in_order(), plain.clearinghouse.in_order(), strict=True)
    for ours, theirs in pairs:
        check_rows(ours.log, theirs.log)
    assert hashes(batched.clearinghouse) == hashes(plain.clearinghouse)
    return plain


@pytest.mark.parametrize("size", [1, 7, 100, 8192])
def test_a_mixed_market_is_the_same_in_batches(size: int) -> None:
    expect_alike([*opening(ACCOUNTS), *mixed_lines(1_000, ACCOUNTS)], size=size)


def _quote(maker: str, *prices: str, at: str) -> dict[str, object]:
    """A quote with its fields in WIRE's order. prices: bid and ask."""
    (bid, ask), of = prices, {"maker": maker, "contract": "SITM26"}
    sides = {"bid": bid, "bid_lots": 5, "ask": ask, "ask_lots": 5}
    return {"type": "submit_quote/1", **of, **sides, "at": at}


def between(number: int) -> Iterator[bytes]:
    """What may change which lines after it are ordinary, or be changed by trades before it."""
    at = f"{DAY}T11:00:{number:02d}Z"
    of = {"contract": "SITM26", "at": at}
    # The first trade of `trades`, and one that has the id of the second.
    sent = json.loads(next(trades(1, ACCOUNTS, first=number - 1)))
    dear = {**sent, "trade_id": f"X{number}", "price": "9.00"}
    # A trade of a contract that is not halted.
    *_, other = map(json.loads, trades(2, ACCOUNTS))
    other["trade_id"] = f"Y{number}"
    for fields in (
        {"type": "suspend_account/1", "account": "A0000003", "reason": "a stop", "at": at},
        _quote("A0000003", "2.00", "2.10", at=at),
        {"type": "reinstate_account/1", "account": "A0000003", "reason": "again", "at": at},
        _quote("A0000003", "2.00", "2.10", at=at),
        _quote("A0000003", "2.10", "2.00", at=at),
        _quote("A0000004", "1.00", "3.00", at=at),
        _quote("nobody", "2.00", "2.10", at=at),
        _quote("A0000005", "2.001", "2.10", at=at),
        {"type": "bust_trade/1", "trade_id": f"T{number - 1:09d}", "reason": "error", **of},
        {"type": "open_account/1", "account": f"N{number}", "member": "M00", "origin": "customer",
         "owner": f"n{number}", "at": at},
        _quote(f"N{number}", "2.01", "2.02", at=at),
        {"type": "run_cycle/1", "cycle": f"C{number}", "at": at},
        {"type": "halt_contract/1", "until": f"{DAY}T11:59:00Z", "reason": "a pause", **of},
        _quote("A0000006", "2.00", "2.10", at=at),
        sent, {**sent, "lots": "a few"}, dear, dear, {**dear, "trade_id": sent["trade_id"]},
        {**other, "trade_id": number}, {**other, "lots": "3"}, {**other, "price": 2}, other,
        {"type": "bust_trade/1", "trade_id": sent["trade_id"], "reason": "again", **of},
        {"type": "bust_trade/1", "trade_id": f"X{number}", "reason": "it was refused", **of},
    ):  # fmt: skip
        yield _dumped(fields)


def _dumped(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


@pytest.mark.parametrize("size", [7, 8192])
def test_makers_are_scored_the_same_in_batches(size: int) -> None:
    of = {"product": "SIT", "at": f"{DAY}T00:00:00Z"}
    kinds = [{"type": "designate_maker/1", "account": f"A{n:07d}", **of} for n in range(5)]
    days = {"business_date": DAY, "next_business_date": "2026-06-09"}
    close = {"type": "close_session/1", **days, "at": f"{DAY}T21:00:00Z"}
    lines = [*opening(ACCOUNTS), *map(_dumped, kinds), *mixed_lines(2_000, ACCOUNTS)]
    plain = expect_alike([*lines, _dumped(close)], size=size)
    scores = [fact["quoted_ns"] for fact in plain.facts() if fact["type"] == "maker_scored/1"]
    assert len(scores) == 50
    assert sum(quoted > 0 for quoted in scores) > 10


@pytest.mark.parametrize("size", [5, 8192])
@pytest.mark.parametrize("trades_between", [0, 1, 90])
def test_what_lies_between_trades_is_decided_in_its_place(size: int, trades_between: int) -> None:
    kinds = [*between(1)]
    ordinary = trades((len(kinds) + 2) * trades_between, ACCOUNTS)
    lines = [*opening(ACCOUNTS), *(next(ordinary) for _ in range(trades_between))]
    for line in kinds:
        lines += [line, *(next(ordinary) for _ in range(trades_between))]
    plain = expect_alike([*lines, *between(2), *ordinary], size=size)
    reasons = {
        reason for shard in plain.clearinghouse.in_order() for reason in shard.log.pending.refused
    }
    assert {
        "account_suspended",
        "quote_crossed",
        "price_outside_limit",
        "price_off_tick",
        "malformed",
        "trade_id_conflict",
        "unknown_trade",
    } <= reasons


def test_lines_that_can_change_places_with_trades_do_not_end_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs: list[int] = []

    def counted(books: MarketBooks, novations: Novations, *, contract: IntArray) -> None:
        runs.append(len(contract))
        novate(books, novations, contract=contract)

    monkeypatch.setattr(trade_batch, "novate", counted)
    first, *ordinary = trades(91, ACCOUNTS)
    named = {name: json.loads(first)[name] for name in ("trade_id", "contract")}
    at = f"{DAY}T11:00:00Z"
    bust = {"type": "bust_trade/1", **named, "reason": "error", "at": at}
    worded = {**json.loads(first), "lots": "a few"}
    lines = [*ordinary[:30], _dumped(bust), *ordinary[30:60], _dumped(worded), first, ordinary[7]]
    run = BatchedRun()
    for batch in ([*opening(ACCOUNTS), first], [*lines, *ordinary[60:]]):
        run.take(batch)
    assert runs == [1, 90]


@pytest.mark.parametrize(
    ("line", "is_of_the_market"),
    [
        (b'{"type":"submit_trade/1","contract":"SITM26"}', True),
        (b"no JSON", True),
        (b'{"type":"submit_trade/1","contract":"AAAM26"}', False),
        (b'{"type":"deposit_collateral/1"}', False),
        (
            (
                b'{"type":"bust_trade/1","trade_id":"T1","contract":"AAAM26","reason":"an error",'
                b'"at":"2026-06-08T11:00:00Z"}'
            ),
            False,
        ),
    ],
)
def test_a_market_decides_among_its_trades_only_what_is_its_own(
    line: bytes, monkeypatch: pytest.MonkeyPatch, *, is_of_the_market: bool
) -> None:
    monkeypatch.setattr(blocks, "COLUMNS_FEWEST", 1)
    run = BatchedRun()
    markets = markets_among(run.clearinghouse.shards.values())
    block = decode_lines(
        [line],
        positions=[1],
        markets=markets,
        memory=run.memory,
        home_of=lambda _: "market/SIT",
    )
    assert (not block.singles) == is_of_the_market
