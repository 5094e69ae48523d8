"""Trades by the thousand at the edge of what the fast way takes: a seed is a file.

In: a seed. Out: lines of a small market: accounts, an index, a session, then trades of every kind
(repeated, contradicted, spelled otherwise, off the tick, at and beyond the limits, late, huge) with
the commands in between that change what is ordinary.
"""

from __future__ import annotations

import json
from random import Random

from tests.bench.market import CONTRACTS, DAY, account_name, closing, opening, trades

ACCOUNTS = 12
NOON = f"{DAY}T12:00:00Z"
HALT = {"contract": "SITM26", "until": f"{DAY}T12:30:00Z"}
NEWCOMER = {"account": "A0000012", "member": "M01", "origin": "customer", "owner": "o"}
BETWEEN = [
    json.dumps({"type": kind, **fields, "at": NOON}).encode()
    for kind, fields in (
        ("suspend_account/1", {"account": "A0000003", "reason": "r"}),
        ("reinstate_account/1", {"account": "A0000003", "reason": "r"}),
        ("declare_default/1", {"member": "M05", "reason": "r"}),
        ("bust_trade/1", {"trade_id": "T000000007", "contract": "SITX26", "reason": "r"}),
        ("run_cycle/1", {"cycle": "noon"}),
        ("halt_contract/1", {**HALT, "reason": "r"}),
        ("open_account/1", NEWCOMER),
        ("no_such_command/1", {}),
    )
]
PRICES = (
    "2.070", "2.0700000", "2", "2.071", "0", "0.00", "0.01", "1.92", "1.93", "1.922", "1.86",
    "2.21", "2.22", "2.28", "2.29", "999999999", "1.5", "02.07", "-2.07", "2.", "1e1",
)  # fmt: skip
TIMES = (
    f"{DAY}T12:00:00.5Z", f"{DAY}T12:00:00.500Z", f"{DAY}T12:00:00.000000001Z",
    f"{DAY}T12:00:60Z", f"{DAY}T12:00:00.0000000000Z", f"{DAY}T24:00:00Z", f"{DAY}T12:00:00z",
    "2026-06-31T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
    "0000-01-01T00:00:00Z", "2026-06-07T12:00:00Z", "2026-06-01T00:04:59.9Z",
    "2026-06-10T00:00:00Z",
)  # fmt: skip
LOTS = (0, -1, 1, 500, 10**6, 10**9, 1 << 40, (1 << 40) + 1, 10**17, 10**18, 2**63 - 1, 2**63)


def hostile_trades(seed: int, count: int = 1_500) -> list[bytes]:
    """The lines of such a file."""
    rng = Random(seed)  # noqa: S311
    lines = [*opening(ACCOUNTS)]
    sent: list[dict[str, object]] = []
    for line in trades(count, ACCOUNTS, seed=seed):
        trade = json.loads(line)
        sent.append(trade)
        if rng.random() < 0.12:
            trade = _spoiled(rng, trade, sent)
        lines.append(_spelled(rng, trade))
        if rng.random() < 0.02:
            lines.append(rng.choice(BETWEEN))
    return [*lines, closing()]


def _spoiled(
    rng: Random, trade: dict[str, object], sent: list[dict[str, object]]
) -> dict[str, object]:
    """The trade with one field from elsewhere, or one that was sent before."""
    earlier = rng.choice(sent)
    field, value = rng.choice(
        [
            ("price", rng.choice(PRICES)),
            ("executed_at", rng.choice(TIMES)),
            ("lots", rng.choice(LOTS)),
            ("trade_id", earlier["trade_id"]),
            ("contract", rng.choice([*CONTRACTS, "SITM25", "SITJ99", "SCUM26", "XXXM26"])),
            ("buyer", trade["seller"]),
            ("seller", rng.choice([account_name(12), account_name(99), "nobody"])),
        ]
    )
    return rng.choice([trade | {field: value}, trade | {field: value}, earlier])


def _spelled(rng: Random, trade: dict[str, object]) -> bytes:
    """The line of a trade: mostly as most write it, now and then in another way."""
    if rng.random() < 0.1:
        fields = [*trade.items()]
        rng.shuffle(fields)
        return json.dumps(dict(fields)).encode()
    separators = (",", ":") if rng.random() < 0.3 else (", ", ": ")
    return json.dumps(trade, separators=separators).encode()
