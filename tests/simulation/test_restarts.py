"""Restarts and folding where a seed once showed a fault, each as a small market."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from services.embedded.memory import MemoryRun
from tests.laws import check_laws
from tests.simulation.restarts import check_folding, folded_shards, hashes, restarted

NIGHT = "2026-06-08T00:00:00Z"


def market(*commands: dict[str, Any]) -> MemoryRun:
    """Two members with a house account each, an open session, then the commands."""
    run = MemoryRun()
    for member in "AB":
        send(run, "admit_member", member=member, name=member, at=NIGHT)
        send(run, "open_account", account=f"{member}-H", member=member, origin="house",
             owner=member, at=NIGHT)  # fmt: skip
    send(run, "open_session", business_date="2026-06-08", at=NIGHT)
    for command in commands:
        send(run, command.pop("kind"), **command)
    return run


def send(run: MemoryRun, kind: str, **fields: object) -> None:
    run.decide(json.dumps({"type": f"{kind}/1", **fields}).encode())


def trade(run: MemoryRun, name: str, *, lots: int) -> None:
    send(run, "submit_trade", trade_id=name, contract="SITM26", price="2.00", lots=lots,
         buyer="A-H", seller="B-H", executed_at="2026-06-08T10:00:00Z")  # fmt: skip


def test_who_had_a_position_at_the_last_cycle_is_known_after_a_restart() -> None:
    run = market()
    trade(run, "T1", lots=5)
    send(run, "run_cycle", cycle="one", at="2026-06-08T11:00:00Z")
    run.clearinghouse = restarted(run.clearinghouse)
    assert run.clearinghouse.member.books.had_position == bytearray([1, 1])
    send(run, "run_cycle", cycle="two", at="2026-06-08T12:00:00Z")
    assert [fact["account"] for fact in run.facts() if fact["type"] == "margin_set/1"] == [
        "A-H", "B-H", "A-H", "B-H",
    ]  # fmt: skip
    check_laws(run.clearinghouse)


def test_a_refused_cycle_is_remembered_by_control_only_so_hashes_stay() -> None:
    run = market({"kind": "run_cycle", "cycle": "close", "at": "2026-06-08T11:00:00Z"})
    assert hashes(restarted(run.clearinghouse)) == hashes(run.clearinghouse)
    run.clearinghouse = restarted(run.clearinghouse)
    send(run, "run_cycle", cycle="close", at="2026-06-08T12:00:00Z")
    reasons = [fact["reason"] for fact in run.facts() if fact["type"] == "command_refused/1"]
    assert reasons == ["invalid_value", "duplicate_reference"]


def test_a_shard_added_later_begins_with_the_control_books_that_its_row_0_names() -> None:
    run = market(
        {"kind": "configure", "parameter": "product_in_use", "product": "SCU", "value": "true",
         "effective_date": "2026-06-08", "at": "2026-06-08T09:00:00Z"},
        {"kind": "suspend_account", "account": "A-H", "reason": "x", "at": "2026-06-08T10:00:00Z"},
    )  # fmt: skip
    opened = json.loads(run.clearinghouse.markets["SCU"].log.pending.rows[0].facts)
    assert opened["control_number"] == 6
    scu = run.clearinghouse.markets["SCU"]
    folded, _ = folded_shards(run.clearinghouse, scu, rng=Random(1))  # noqa: S311
    assert folded.control.accounts["A-H"].is_suspended
    check_folding(run.clearinghouse, rng=Random(1))  # noqa: S311


def test_a_busted_trade_of_an_earlier_session_is_counted_after_a_restart() -> None:
    run = market()
    trade(run, "T1", lots=5)
    send(run, "close_session", business_date="2026-06-08", next_business_date="2026-06-09",
         at="2026-06-08T09:00:00Z")  # fmt: skip
    run.clearinghouse = restarted(run.clearinghouse)
    contract = run.clearinghouse.markets["SIT"].books.contracts["SITM26"]
    assert contract.trades_carried == 1
    send(run, "bust_trade", trade_id="T1", contract="SITM26", reason="x",
         at="2026-06-09T10:00:00Z")  # fmt: skip
    assert contract.trades_carried == 0
    check_folding(run.clearinghouse, rng=Random(1))  # noqa: S311


def test_of_two_positions_that_a_price_makes_too_large_the_first_to_expire_is_named() -> None:
    run = market()
    for contract, lots in {"SITV26": 10**15, "SITM27": 10**15, "SITX26": 1}.items():
        send(run, "submit_trade", trade_id=contract, contract=contract, price="2.00", lots=lots,
             buyer="A-H", seller="B-H", executed_at="2026-06-08T10:00:00Z")  # fmt: skip
    send(run, "close_session", business_date="2026-06-08", next_business_date="2026-06-09",
         at="2026-06-08T20:00:00Z")  # fmt: skip
    price = {"contract": "SITX26", "price": "200.00", "reason": "a test"}
    send(run, "set_settlement_price", **price, at="2026-06-09T10:00:00Z")
    run.clearinghouse = restarted(run.clearinghouse)
    send(run, "set_settlement_price", **price, at="2026-06-09T11:00:00Z")
    details = [fact["detail"] for fact in run.facts() if fact["type"] == "command_refused/1"]
    worth = "would be worth more than 92233720368547758.07"
    assert details == [f"at 200.00 a position in SITV26 {worth}"] * 2
