"""A rewritten history has other history hashes; the state hashes of the days may be the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import pytest

from services.audit.days import ClosedDay, first_day_that_differs
from services.embedded.memory import MemoryRun
from services.shards.routing import CONTROL_SHARD
from tests.simulation.restarts import fold_rows
from tests.simulation.rewrites import REWRITES, Lines, outcome_of
from tests.twin.generate import written

# Markets that close a day; in the others nothing is hashed.
SEEDS = (1, 2, 3, 5, 6)
DAYS = 2


def decided(lines: Lines) -> MemoryRun:
    """A clearinghouse that has decided lines."""
    run = MemoryRun()
    for line in lines:
        run.decide(line)
    return run


@cache
def market(seed: int) -> tuple[Lines, list[list[str]], list[ClosedDay]]:
    """The lines of a market to its last close, none empty; the outcomes of each; its days."""
    ended = [line.removesuffix(b"\n").removesuffix(b"\r") for line in written(seed, DAYS).lines]
    lines = [line for line in ended if line]
    run = decided(lines)
    close = max(day.seq for day in run.clearinghouse.control.log.pending.days)
    lines = lines[: run.clearinghouse.control.log.pending.rows[close].position]
    run = decided(lines)
    outcomes: list[list[str]] = [[] for _ in lines]
    for shard in run.clearinghouse.in_order():
        positions = [row.position for row in shard.log.pending.rows]
        for (_, origin, _, facts, _), position in zip(fold_rows(shard.log), positions, strict=True):
            if origin == "memory" and facts:
                stated = [outcome_of(json.loads(fact)) for fact in facts.split(b"\n")]
                outcomes[position - 1] = stated
    return lines, outcomes, days_of(run)


def days_of(run: MemoryRun) -> list[ClosedDay]:
    """The days of every shard."""
    return sorted(
        ClosedDay(
            day.business_date, day.shard, day.seq, 0, day.state_hash.hex(),
            day.history_hash.hex(), None,
        )
        for shard in run.clearinghouse.in_order()
        for day in shard.log.pending.days
    )  # fmt: skip


def rewritten(kind: str) -> Iterator[tuple[list[ClosedDay], list[ClosedDay]]]:
    """The days of the markets with such a line: as they were, and decided again."""
    for seed in SEEDS:
        lines, outcomes, days = market(seed)
        changed = REWRITES[kind](lines, outcomes)
        if changed is not None:
            assert changed != lines
            yield days, days_of(decided(changed))


@pytest.mark.parametrize("kind", REWRITES)
def test_every_rewritten_history_is_found(kind: str) -> None:
    is_same_state = False
    for before, after in rewritten(kind):
        kept = [{**one._asdict(), "business_date": str(one.business_date)} for one in before]
        listed = [
            {name: str(day[name]) for name in ("business_date", "shard", "history_hash")}
            for day in kept
        ]
        difference = first_day_that_differs(listed, after)
        assert difference is not None
        assert "history_hash: expected" in difference
        states = [[(day[0], day[1], day.state_hash) for day in days] for days in (before, after)]
        is_same_state |= states[0] == states[1]
    assert is_same_state, "in no market the state hashes notice nothing"


def test_from_the_first_day_that_differs_every_later_one_does() -> None:
    for before, after in rewritten("a trade has another id"):
        differs = [
            (one.shard, one.history_hash != two.history_hash)
            for one, two in zip(before, after, strict=True)
        ]
        by_shard = {
            shard: [is_other for name, is_other in differs if name == shard] for shard, _ in differs
        }
        assert all(found == sorted(found) for found in by_shard.values())
        assert not any(by_shard[CONTROL_SHARD])
