"""The positions of accounts, written contract by contract, are those of each account in JSON."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import pytest

from events.int64 import IntArray
from risk.margin import rate
from services.shards.links import ContractFlow
from services.shards.member import margin
from services.shards.member.margin import positions_of


def flow_of(contract: str, lots: dict[int, int]) -> ContractFlow:
    """A flow with the lots of accounts by number."""
    accounts, column = np.array([*lots], np.int64), np.array([*lots.values()], np.int64)
    return ContractFlow(
        contract=contract,
        model="rate",
        mark_ticks=200,
        measure=rate(0),
        accounts=accounts,
        lots=column,
        amount_cents=np.zeros_like(column),
    )


@pytest.mark.parametrize("contracts", [0, 1, 3])
@pytest.mark.parametrize("accounts", [0, 1, 9])
def test_positions_are_those_of_each_account(
    contracts: int, accounts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(margin, "_ACCOUNTS_AT_ONCE", 4)
    draw = Random(contracts * accounts)  # noqa: S311 - which accounts hold what
    chosen = [
        {n: draw.randint(-2, 2) for n in range(accounts) if symbol == 0 or draw.random() < 0.7}
        for symbol in range(contracts)
    ]
    if chosen:
        chosen[0] = dict.fromkeys(chosen[0], -7)
    flows = [flow_of(f"SITM{number}", lots) for number, lots in enumerate(chosen)]
    margins: list[IntArray] = [abs(flow.lots) * 100 for flow in flows]
    plain: list[list[dict[str, object]]] = [[] for _ in range(accounts)]
    for number, lots_of in enumerate(chosen):
        for account, lots in lots_of.items():
            if lots:
                margin_cents = abs(lots) * 100
                entry = {"contract": f"SITM{number}", "lots": lots, "margin_cents": margin_cents}
                plain[account].append(entry)
    texts = positions_of(accounts, flows, margins=margins)
    assert texts == [json.dumps(entries, separators=(",", ":")).encode() for entries in plain]
