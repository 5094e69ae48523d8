"""Markets with mutated lines: decided in batches and from inboxes as one by one, laws kept."""

from __future__ import annotations

import pytest

from services.audit.verify import verify
from services.embedded.memory import MemoryRun
from tests.bench.market import opening, trades
from tests.bench.mixed import mixed_lines
from tests.mutated_lines import among_mutated
from tests.services.worker.test_shards_agree import embedded_hashes
from tests.simulation.one_market import check_run
from tests.streams import Streams, day_hashes
from tests.twin.generate import written

ACCOUNTS = 20
DAYS = 2


def check_alike(lines: list[bytes], *, seed: int) -> MemoryRun:
    """The market line by line; it is the same in batches, with restarts, and folded."""
    run = MemoryRun()
    for line in lines:
        run.decide(line)
    check_run(run, lines, seed=seed)
    return run


@pytest.mark.parametrize("seed", range(12))
def test_among_trades_and_quotes_they_are_decided_in_batches_as_one_by_one(seed: int) -> None:
    lines = [*trades(200, ACCOUNTS), *mixed_lines(200, ACCOUNTS)]
    run = check_alike([*opening(ACCOUNTS), *among_mutated(lines, seed=seed)], seed=seed)
    market = run.clearinghouse.markets["SIT"]
    assert market.log.pending.refused["malformed"] > 0


@pytest.mark.parametrize("seed", range(12))
def test_among_commands_of_all_kinds_they_break_no_law(seed: int) -> None:
    check_alike(among_mutated(written(seed, DAYS).lines, seed=seed), seed=seed)


@pytest.mark.parametrize("seed", range(3))
def test_from_inboxes_they_leave_the_day_hashes_of_one_process(url: str, seed: int) -> None:
    lines = among_mutated(written(seed, DAYS).lines, seed=seed)
    with Streams(url, seed=seed) as streams:
        streams.feed(lines)
    assert day_hashes(url) == embedded_hashes(lines)
    assert verify(url) == []
