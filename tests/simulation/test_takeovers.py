"""Auctions of positions marked, not yet marked, bust, without a price or too large: as the twin."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.laws import check_laws
from tests.simulation.batches import check_batches
from tests.simulation.one_market import against_the_twin
from tests.simulation.restarts import check_folding
from tests.simulation.takeovers import takeover_market
from tests.twin.clearinghouse import clear
from tests.twin.script import Script

# In the last two the taker's position would be too large.
SEEDS = (*range(8), 12, 42)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_market_of_auctions_is_decided_as_by_the_twin(seed: int) -> None:
    script, rng = Script(seed), Random(seed)  # noqa: S311 - the same market again
    for line in takeover_market(seed):
        script.put(line)
    run = against_the_twin(script, seed=seed)
    check_laws(run.clearinghouse)
    check_batches(script.lines, run.clearinghouse, rng=rng)
    check_folding(run.clearinghouse, rng=rng)


def test_positions_go_over_in_most_of_these_markets() -> None:
    facts = [clear(takeover_market(seed)) for seed in SEEDS]
    types = Counter(kind for stated in facts for kind in {fact["type"] for fact in stated})
    assert types["position_taken_over/1"] >= 5, types
    assert types["takeover_refused/1"] >= 2, types
