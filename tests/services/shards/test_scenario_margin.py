"""A model of scenarios in the table of models: its facts, links, requirements, snapshots, replay.

The model of this test loses 10 % of a long position or 30 % of a short one, whatever the history.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from events.market_facts import MarginScenariosSet
from risk.margin import ContractHistory, Holding, MarginModel, Measure, Requirement
from risk.margin_models import MODELS
from services.embedded.memory import MemoryRun
from tests.laws import check_laws
from tests.simulation.restarts import check_folding, restarted

AT = "2026-06-08T13:00:00Z"
CLOSE = "2026-06-08T21:00:00Z"
PRICES = {"SITM26": "2.00", "SITU26": "2.10"}


def measure(history: ContractHistory, settings: Mapping[str, int]) -> Measure:
    """Down 10 %, up 30 %."""
    days = len(history.settlements)
    return Measure("both", (100_000, -300_000), {"days": days}, fallback=str(*settings.values()))


def require(
    holdings: Sequence[Holding], accounts: int, *, settings: Mapping[str, int]
) -> Requirement:
    """The larger loss over both scenarios; a contract without a price asks nothing."""
    assert not settings
    losses = np.zeros((accounts, 2), dtype=np.int64)
    for holding in holdings:
        if holding.price_cents is not None:
            shocks = np.array(holding.measure.shocks_ppm)
            np.add.at(
                losses,
                holding.accounts,
                np.outer(holding.lots * holding.price_cents, shocks) // 1_000_000,
            )
    return Requirement(
        np.maximum(losses.max(axis=1), 0), [np.zeros_like(holding.lots) for holding in holdings]
    )


def command(kind: str, at: str = AT, **fields: object) -> bytes:
    """A line."""
    return json.dumps({"type": f"{kind}/1", **fields, "at": at}).encode()


def trade(number: int, contract: str, *, buyer: str, seller: str) -> bytes:
    """A trade of 100 lots at the price of its contract."""
    fields = {
        "type": "submit_trade/1",
        "trade_id": f"t{number}",
        "contract": contract,
        "buyer": buyer,
        "seller": seller,
        "lots": 100,
        "price": PRICES[contract],
        "executed_at": AT,
    }
    return json.dumps(fields).encode()


def market() -> list[bytes]:
    """A has a long front and a short back month against B; C is long against D."""
    lines = []
    for name in "ABCD":
        lines.append(command("admit_member", member=name, name=name))
        lines.append(
            command("open_account", account=f"{name}-H", member=name, origin="house", owner=name)
        )
    chosen = {"parameter": "margin_model", "product": "SIT", "value": "both"}
    return [
        *lines,
        command("configure", **chosen, effective_date="2026-06-08"),
        command("open_session", business_date="2026-06-08"),
        trade(1, "SITM26", buyer="A-H", seller="B-H"),
        trade(2, "SITU26", buyer="B-H", seller="A-H"),
        trade(3, "SITM26", buyer="C-H", seller="D-H"),
        command(
            "close_session", CLOSE, business_date="2026-06-08", next_business_date="2026-06-09"
        ),
    ]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> MemoryRun:
    """The market, cleared with the model in the table."""
    model = MarginModel("both", 21, ("margin_days",), measure, require)
    monkeypatch.setitem(MODELS, model.name, model)
    run = MemoryRun()
    for line in market():
        run.decide(line)
    return run


def facts(run: MemoryRun, kind: str) -> list[dict[str, Any]]:
    """The facts of a type."""
    return [fact for fact in run.facts() if fact["type"] == kind]


def test_a_close_states_the_scenarios_and_the_rate_of_the_paper(run: MemoryRun) -> None:
    stated = facts(run, MarginScenariosSet.TYPE)
    assert [fact["contract"] for fact in stated] == ["SITM26", "SITU26"]
    assert stated[0] == {
        "type": "margin_scenarios_set/1",
        "shard": "market/SIT",
        "seq": stated[0]["seq"],
        "at": CLOSE,
        "contract": "SITM26",
        "business_date": "2026-06-08",
        "model": "both",
        "axis": "both",
        "shocks_ppm": [100_000, -300_000],
        "evidence": {"days": 1},
        "fallback": "2",
        "paper_rate_ppm": 80_000,
    }
    assert facts(run, "margin_rate_set/1") == []


def test_scenarios_are_added_up_over_contracts(run: MemoryRun) -> None:
    """Long 100 at 200 cents and short 100 at 210: down −2000 + 2100, up 6000 − 6300."""
    stated = {fact["account"]: fact for fact in facts(run, "margin_set/1")}
    margins = {account: fact["initial_cents"] for account, fact in stated.items()}
    assert margins == {"A-H": 300, "B-H": 100, "C-H": 2_000, "D-H": 6_000}
    assert {fact["model"] for fact in stated.values()} == {"both"}


def test_snapshots_and_replay_give_the_scenarios_back(run: MemoryRun) -> None:
    check_laws(run.clearinghouse)
    check_folding(run.clearinghouse, rng=Random(1))  # noqa: S311 - the same rows again
    again = restarted(run.clearinghouse)
    hashes = [shard.state_hash() for shard in again.in_order()]
    assert hashes == [shard.state_hash() for shard in run.clearinghouse.in_order()]
    contract = again.markets["SIT"].books.contracts["SITM26"]
    assert contract.measure == Measure("both", (100_000, -300_000))
