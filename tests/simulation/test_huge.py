"""Amounts at the end of an int64: nothing wraps, and batches decide as line by line.

What is accepted may still, marked and added up over contracts and days, be more than an int64: then
the house stops, by a law, and the market ends there for this test.
"""

from __future__ import annotations

import json
from random import Random

import pytest

from services.embedded.memory import MemoryRun
from tests.laws import REFUSED, check_laws, facts_of
from tests.simulation.batches import BatchedRun, check_batches
from tests.simulation.huge import huge_market, opening
from tests.simulation.restarts import check_folding

SEEDS = range(60)


def cleared(lines: list[bytes]) -> tuple[MemoryRun, list[bytes]]:
    """A run line by line, and the lines it took before a sum left int64, if one did."""
    run = MemoryRun()
    for index, line in enumerate(lines):
        try:
            run.decide(line)
        except OverflowError:
            return cleared(lines[:index])
    return run, lines


@pytest.mark.parametrize("seed", SEEDS)
def test_a_market_of_huge_amounts_is_the_same_in_batches(seed: int) -> None:
    run, lines = cleared(huge_market(seed))
    rng = Random(seed)  # noqa: S311 - tests draw no secrets
    check_batches(lines, run.clearinghouse, rng=rng)
    check_laws(run.clearinghouse)
    check_folding(run.clearinghouse, rng=rng)


def test_most_markets_of_huge_amounts_come_to_their_end() -> None:
    ended = [len(cleared(lines)[1]) == len(lines) for lines in map(huge_market, SEEDS)]
    assert sum(ended) >= 0.9 * len(ended)


NINE = "2026-06-08T09:00:00Z"
NOON = {"type": "run_cycle/1", "cycle": "noon", "at": "2026-06-08T10:00:00Z"}


def trade(name: str, price: str, lots: int, sides: str) -> dict[str, object]:
    buyer, seller = sides.split()
    deal = {"contract": "SITM26", "price": price, "lots": lots, "buyer": buyer, "seller": seller}
    return {"type": "submit_trade/1", "trade_id": name, **deal, "executed_at": NINE}


@pytest.mark.parametrize(
    "commands",
    [
        # A bound on an owner's positions is all of int64: what is added to it must not wrap.
        [trade("1", "0.01", 2**63 - 1, "A-H B-H"), NOON, trade("f", "0.01", 10, "A-H C-H")],
        # The mark is far above the price: lots x (price - mark) is beyond int64.
        [trade("1", "150000.00", 1, "C-H C-C"), NOON, trade("f", "0.01", 10**12, "A-H B-H")],
        # A trade above 2^40 lots in the same batch makes the next one too large.
        [trade("1", "0.01", 10**18 - 1, "A-H B-H"), trade("f", "9.99", 1, "A-H C-H")],
    ],
)
def test_a_batch_refuses_what_would_wrap(commands: list[dict[str, object]]) -> None:
    run = BatchedRun()
    run.take([json.dumps(command).encode() for command in (*opening(None), *commands)])
    refused = [fact for fact in facts_of(run.clearinghouse) if fact["type"] == REFUSED]
    assert [(fact["reference"], fact["reason"]) for fact in refused] == [("f", "amount_overflow")]
