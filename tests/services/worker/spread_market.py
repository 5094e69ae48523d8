"""Lines of a market full of spreads, for tests of votes: cleared ones, refused ones, and trades.

In: a seed. Out: lines. Two products from the preamble `two_products`; legs within limits and
beyond, in two markets and in one, ids that come again, cycles and a close among them.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

from tests.by_paper import BY_PAPER
from tests.test_scenarios import PREAMBLES

Fields = dict[str, Any]

# Two prices that are cleared, and one that is refused or, of SCUN26, halts the contract.
CONTRACTS: Final = {
    "SITM26": ("2.05", "2.07", "2.39"), "SITN26": ("2.06", "2.08", "2.071"),
    "SCUM26": ("2.48", "2.52", "2.88"), "SCUN26": ("2.50", "2.51", "2.87"),
}  # fmt: skip
CLOSE: Final = {
    "type": "close_session/1", "business_date": "2026-06-08", "next_business_date": "2026-06-09",
    "at": "2026-06-08T21:00:00Z",
}  # fmt: skip
SIT_LEG: Final = ("L1", "SITM26", "2.05", 3)
SCU_LEG: Final = ("L2", "SCUM26", "2.52", 2)
Leg = tuple[str, str, str, int]


def opening() -> list[bytes]:
    """Members, both products, a session."""
    commands = [BY_PAPER, *json.loads(PREAMBLES.read_text("utf-8"))["two_products"]]
    return [line_of(command) for command in commands]


def line_of(fields: Fields) -> bytes:
    """A command as a line."""
    return json.dumps(fields).encode()


def spread(reference: str, first: Leg = SIT_LEG, second: Leg = SCU_LEG) -> bytes:
    """A spread that A-H buys of B-H at ten."""
    names = ("trade_id", "contract", "price", "lots")
    legs = [dict(zip(names, leg, strict=True)) for leg in (first, second)]
    sides = {"buyer": "A-H", "seller": "B-H", "executed_at": "2026-06-08T10:00:00Z"}
    return line_of({"type": "submit_spread/1", "reference": reference, "legs": legs, **sides})


def trade(leg: Leg) -> bytes:
    """A trade that A-C buys of B-C at ten."""
    fields = dict(zip(("trade_id", "contract", "price", "lots"), leg, strict=True))
    sides = {"buyer": "A-C", "seller": "B-C", "executed_at": "2026-06-08T10:00:00Z"}
    return line_of({"type": "submit_trade/1", **fields, **sides})


def spread_market(seed: int, count: int = 60) -> list[bytes]:
    """A session of so many spreads and trades."""
    rng = Random(seed)  # noqa: S311 - a seed must give the same market again
    lines = []
    for number in range(count):
        first, second = rng.sample([*CONTRACTS], 2)
        legs = [
            (f"T{rng.randrange(2 * count)}{side}", name, _price(rng, name), rng.randint(1, 9))
            for side, name in (("a", first), ("b", second))
        ]
        lines.append(spread(f"s{number}", *legs) if rng.random() < 0.5 else trade(legs[0]))
        if number % 25 == 24:
            at = f"2026-06-08T1{number // 25}:30:00Z"
            lines.append(line_of({"type": "run_cycle/1", "cycle": f"c{number}", "at": at}))
    return [*opening(), *lines, line_of(CLOSE)]


def _price(rng: Random, contract: str) -> str:
    low, high, refused = CONTRACTS[contract]
    return refused if rng.random() < 0.15 else rng.choice((low, high))
