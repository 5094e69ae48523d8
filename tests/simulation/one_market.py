"""One seed is one market of several days, hostile input, restarts and replays included.

In: a seed. Out: nothing, or an AssertionError that names the seed and what it showed. The market is
written by `tests/twin/generate.py`, decided line by line by ours and by the twin, then in batches
with restarts, then folded from its rows; every law is checked after it.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from services.embedded.memory import MemoryRun
from tests.laws import REFUSED, Fields, check_laws, facts_since, holdings
from tests.simulation.agreement import check_agreement
from tests.simulation.batches import check_batches
from tests.simulation.restarts import check_folding
from tests.twin.generate import written
from tests.twin.script import Script

DAYS = 4
DAYS_LONG = 26
LONG_EVERY = 20
EFFECTLESS = frozenset({REFUSED, "spread_submitted/1", "trade_already_cleared/1"})


class Head(NamedTuple):
    """How far a shard's log has been looked at."""

    rows: int
    parts: int


def play(seed: int) -> None:
    """Play the market of a seed and check everything; every twentieth is long enough for σ₂₀."""
    days = DAYS if seed % LONG_EVERY else DAYS_LONG
    script = written(seed, days)
    check_run(against_the_twin(script, seed=seed), script.lines, seed=seed)


def check_run(run: MemoryRun, lines: list[bytes], *, seed: int) -> None:
    """A market decided line by line keeps every law; in batches and folded it is the same."""
    check_laws(run.clearinghouse)
    rng = Random(seed)  # noqa: S311 - a seed must give the same market again
    check_batches(lines, run.clearinghouse, rng=rng)
    check_folding(run.clearinghouse, rng=rng)


def against_the_twin(script: Script, *, seed: int) -> MemoryRun:
    """Take a market line by line; each line's facts are the twin's."""
    run, heads = MemoryRun(), dict[str, Head]()
    facts_of_line(run, heads)
    before, first = holdings(run.clearinghouse), 0
    for number, (line, end) in enumerate(zip(script.lines, script.ends, strict=True)):
        run.decide(line)
        facts = facts_of_line(run, heads)
        where = f"seed {seed}, line {number}: {line[:400]!r}"
        check_agreement(facts, script.house.facts[first:end], where=where)
        after = holdings(run.clearinghouse)
        if EFFECTLESS.issuperset(fact["type"] for fact in facts):
            assert after == before, f"{where} was refused and left a trace"
        before, first = after, end
    return run


def facts_of_line(run: MemoryRun, heads: dict[str, Head]) -> list[Fields]:
    """What was stated since the last look, in every shard."""
    facts = []
    for shard in run.clearinghouse.in_order():
        log = shard.log
        head = heads.get(log.shard, Head(0, 0))
        facts += facts_since(log, head.rows, head.parts)
        heads[log.shard] = Head(len(log.pending.rows), len(log.pending.parts))
    return facts
