"""Seeded markets under the models that the twin does not know: laws, folding, batches.

The twin margins by `paper` alone; here its markets are margined by another model with add-ons, and
from the third session on by one more.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

import pytest

from events.market_facts import MarginScenariosSet
from events.member_facts import MarginSet
from risk.margin_models import MODELS, PAPER
from services.embedded.memory import MemoryRun
from tests.by_paper import BY_PAPER
from tests.laws import check_laws
from tests.simulation.batches import check_batches
from tests.simulation.restarts import check_folding
from tests.twin.generate import written

OTHERS: Final = [name for name in MODELS if name != PAPER]
SETTINGS: Final = {
    "margin_add_ons": "concentration,jump_to_limit",
    "scan_product_credit_ppm": "500000",
    "shortfall_scenarios": "200",
}


def market(seed: int, *, model: str, later: str) -> list[bytes]:
    """The market of a seed under a model, and another from its third session on."""
    script = written(seed)
    lines = [line for line in script.lines if line != json.dumps(BY_PAPER).encode()]
    opened = [fact for fact in script.house.facts if fact["type"] == "session_opened/1"]
    settings = [{"parameter": name, "value": value} for name, value in SETTINGS.items()]
    settings += [
        {"value": model},
        {"value": later, "effective_date": opened[2]["business_date"]},
    ]
    return [json.dumps(BY_PAPER | each).encode() for each in settings] + lines


def check_margin(fact: dict[str, Any]) -> None:
    """What holds of a requirement whatever the model."""
    parts = sum(part["margin_cents"] for part in fact["parts"])
    credit, add_on, initial = (
        fact[name] for name in ("credit_cents", "add_on_cents", "initial_cents")
    )
    assert parts - credit + add_on == initial, fact
    assert min(parts, credit, add_on, initial) >= 0, fact
    assert fact["maintenance_cents"] == -(-initial * 3 // 4), fact


@pytest.mark.parametrize(("seed", "model"), [*enumerate(OTHERS * 2)])
def test_a_market_under_any_model_keeps_every_law(seed: int, model: str) -> None:
    later = OTHERS[(OTHERS.index(model) + 1) % len(OTHERS)]
    lines, run = market(seed, model=model, later=later), MemoryRun()
    for line in lines:
        run.decide(line)
    models = set()
    for fact in run.facts():
        if fact["type"] == MarginSet.TYPE:
            check_margin(fact)
            models |= {*fact["model"].split("+")}
        elif fact["type"] == MarginScenariosSet.TYPE:
            assert -3_000_000 <= min(fact["shocks_ppm"]) < 0 < max(fact["shocks_ppm"]) <= 1_000_000
    assert model in models
    assert models <= {model, later}
    check_laws(run.clearinghouse)
    check_folding(run.clearinghouse, rng=Random(seed))  # noqa: S311 - the same rows again
    check_batches(lines, run.clearinghouse, rng=Random(seed))  # noqa: S311 - the same rows again
