"""The lines published in a round: seeded markets, with single lines and blocks repeated in place.

A retry of a producer without idempotence leaves a block of lines twice in its inbox, in order; the
expected books are then those of exactly these lines.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from tests.bench.market import DAY, closing, opening, trades
from tests.twin.generate import written

# The day of the bench's market.
MONDAY = date.fromisoformat(DAY)
_BLOCK_MAX = 30


def hostile(rng: Random, *, days: int) -> list[bytes]:
    """A market of the twin's generator, a few hundred lines."""
    lines = [line for line in written(rng.randrange(1 << 30), days).lines if line]
    return with_retries(lines, rng)


def busy(rng: Random, *, count: int, days: int) -> list[bytes]:
    """Days with so many trades that batches are full."""
    lines = [*opening(20)]
    for number in range(days):
        day, following = (MONDAY + timedelta(days=number + more) for more in (0, 1))
        seed, first = rng.randrange(1 << 30), number * count
        traded = list(trades(count, 20, first=first, day=day.isoformat(), seed=seed))
        lines += [*with_retries(traded, rng), closing(day.isoformat(), following.isoformat())]
    return lines


def with_retries(lines: list[bytes], rng: Random) -> list[bytes]:
    """The same lines with some blocks of them twice."""
    found: list[bytes] = []
    place = 0
    while place < len(lines):
        block = lines[place : place + rng.randint(1, _BLOCK_MAX)]
        found += block
        if rng.random() < 0.1:
            found += block[rng.randrange(len(block)) :]
        place += len(block)
    return found
