"""A market with two defaults: as by the twin, restarted at every line, folded from every row.

And the markets of a default worked by hand: every fact of ours is one of the twin, and none is
missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from random import Random

import pytest

from services.embedded.memory import MemoryRun
from tests.default_market import LAYERS_OF_A, LAYERS_OF_B, default_market, layers_of
from tests.laws import check_laws
from tests.simulation.batches import check_batches
from tests.simulation.one_market import against_the_twin
from tests.simulation.restarts import check_folding, hashes, restarted
from tests.test_scenarios import SCENARIOS, lines_of
from tests.twin.fund import PARAMETERS
from tests.twin.generate import written
from tests.twin.script import Script

SEEDS = range(25)
DAYS = 4
STEPS = (
    "affiliate_member/1", "port_account/1", "auction_account/1", "settle_default/1",
    "liquidate_asset/1", "contribute_fund/1", "withdraw_fund/1",
)  # fmt: skip


def by_hand() -> Iterator[tuple[str, list[bytes]]]:
    """The markets with a step of §7 and no parameter that the twin does not know."""
    for path in SCENARIOS:
        lines = lines_of(json.loads(path.read_text("utf-8")))
        text = b"".join(lines).decode()
        configured = set(re.findall(r'"parameter": "(\w+)"', text))
        if any(step in text for step in STEPS) and configured <= {*PARAMETERS, "margin_model"}:
            yield path.stem, lines


BY_HAND = dict(by_hand())


@pytest.mark.parametrize("name", BY_HAND)
def test_a_market_worked_by_hand_is_decided_as_by_the_twin(name: str) -> None:
    script = Script(0)
    for line in BY_HAND[name]:
        script.put(line)
    against_the_twin(script, seed=0)


def test_there_are_many_markets_of_a_default_worked_by_hand() -> None:
    assert len(BY_HAND) >= 40


@pytest.fixture(scope="module")
def run() -> MemoryRun:
    """The market decided line by line, each line as by the twin."""
    script = Script(0)
    for line in default_market():
        script.put(line)
    return against_the_twin(script, seed=0)


def test_every_layer_pays_and_two_members_settle_in_the_order_of_the_orders(
    run: MemoryRun,
) -> None:
    settled = [fact for fact in run.facts() if fact["type"] == "waterfall_applied/1"]
    assert [fact["member"] for fact in settled] == ["A", "B"]
    assert [layers_of(fact) for fact in settled] == [LAYERS_OF_A, LAYERS_OF_B]
    assert [fact["loss_cents"] for fact in settled] == [50_500_000, 700]
    check_laws(run.clearinghouse)


def test_a_restart_after_any_line_of_a_default_changes_nothing(run: MemoryRun) -> None:
    again = MemoryRun()
    for line in default_market():
        again.decide(line)
        before = hashes(again.clearinghouse)
        again.clearinghouse = restarted(again.clearinghouse)
        assert hashes(again.clearinghouse) == before
    assert hashes(again.clearinghouse) == hashes(run.clearinghouse)


@pytest.mark.parametrize("seed", range(2))
def test_a_default_is_the_same_in_batches_and_folded(run: MemoryRun, seed: int) -> None:
    rng = Random(seed)  # noqa: S311 - a seed must give the same again
    check_batches(default_market(), run.clearinghouse, rng=rng)
    check_folding(run.clearinghouse, rng=rng)


def test_a_fifth_of_the_seeded_markets_settle_a_loss() -> None:
    waterfalls = [
        [fact for fact in written(seed, DAYS).house.facts if fact["type"] == "waterfall_applied/1"]
        for seed in SEEDS
        if Script(seed).has_default
    ]
    assert sum(any(fact["loss_cents"] for fact in facts) for facts in waterfalls) >= 5
