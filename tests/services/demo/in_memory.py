"""A demonstration cleared in memory: its market, its clearinghouse and its facts."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from services.demo.market import DemoMarket
from services.embedded.memory import MemoryRun


class MemoryDemo(NamedTuple):
    """What a demonstration leaves. facts: in the order they were decided."""

    market: DemoMarket
    run: MemoryRun
    facts: list[dict[str, Any]]


def demo_in_memory(*, seed: int, days: int) -> MemoryDemo:
    """Clear a demonstration, whose market learns the facts of each day after its close."""
    market, run = DemoMarket(seed=seed, days=days), MemoryRun()
    facts: list[dict[str, Any]] = []
    for done in range(days + 1):
        for line in market.day(done - 1) if done else market.opening():
            run.decide(line)
        learnt = [json.loads(line) for line in run.fact_lines()[len(facts) :]]
        market.book.learn(learnt)
        facts += learnt
    return MemoryDemo(market, run, facts)
