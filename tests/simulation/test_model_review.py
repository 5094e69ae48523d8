"""Prices that jump at closes, over an expiry: ours and the twin state the same changes of zone."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from random import Random

from services.embedded.memory import MemoryRun
from tests.simulation.one_market import against_the_twin
from tests.simulation.restarts import check_folding
from tests.twin.instants import HOUR, MINUTE, is_weekday, midnight, print_instant
from tests.twin.script import Script, dollars
from tests.twin.spoil import dump

FIRST = date(2026, 6, 8)
CLOSES = 24


def jumping_market(seed: int) -> Script:
    """Two months whose prices the exchange sets at each close, one in four left out."""
    script = Script(seed)
    days = [FIRST + timedelta(number) for number in range(CLOSES * 2)]
    days = [day for day in days if is_weekday(day)][: CLOSES + 1]
    opened = print_instant(midnight(FIRST) + 5 * MINUTE)
    chosen = {"parameter": "margin_model", "product": None, "value": "paper"}
    dates = {"effective_date": str(FIRST), "at": print_instant(midnight(FIRST))}
    script.put(dump({"type": "configure/1", **chosen, **dates}))
    script.put(dump({"type": "open_session/1", "business_date": str(FIRST), "at": opened}))
    for day, following in pairwise(days):
        at = print_instant(midnight(day) + 21 * HOUR)
        for contract in ("SITM26", "SITN26"):
            price = dollars(script.pick((150, 184, 200, 216, 217, 260)))
            if script.chance(0.75):
                fields = {"contract": contract, "price": price, "reason": "x", "at": at}
                script.put(dump({"type": "set_settlement_price/1", **fields}))
        dates = {"business_date": str(day), "next_business_date": str(following)}
        script.put(dump({"type": "close_session/1", **dates, "at": at}))
    return script


def play(seed: int) -> MemoryRun:
    """A market decided as by the twin; the rows alone make the same books."""
    run = against_the_twin(jumping_market(seed), seed=seed)
    check_folding(run.clearinghouse, rng=Random(seed))  # noqa: S311 - the same market again
    return run


def test_ours_and_the_twin_state_the_same_changes_of_zone() -> None:
    zones = Counter[str]()
    for seed in range(6):
        facts = play(seed).facts()
        zones.update(
            fact["zone"] for fact in facts if fact["type"] == "margin_model_reviewed/1"
        )  # fmt: skip
    assert zones["yellow"] >= 5
    assert zones["red"] >= 2
