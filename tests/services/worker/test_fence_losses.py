"""When a worker gives up a shard: never all who lose to one another."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from services.worker.fence_losses import LOSSES_MAX, FenceLosses, LastDurable

SHARDS = 3
WORKERS = 3


class Rival:
    """A worker that has all shards, by a clock that all rivals share."""

    def __init__(self, instants: count[float]) -> None:
        self.worker = LastDurable(lambda: next(instants))
        self.shards = [FenceLosses(self.worker) for _ in range(SHARDS)]

    @property
    def has_ended(self) -> bool:
        """Whether one of its shards is hopeless."""
        return any(shard.are_hopeless for shard in self.shards)


def rivals(many: int) -> list[Rival]:
    instants = count(0.0)
    return [Rival(instants) for _ in range(many)]


def test_a_worker_that_only_loses_ends_after_five_in_a_row() -> None:
    (loser,) = rivals(1)
    shard = loser.shards[0]
    counts = []
    for _ in range(LOSSES_MAX - 1):
        counts.append(shard.lost())
        assert not shard.are_hopeless
    counts.append(shard.lost())
    assert shard.are_hopeless
    assert counts == [1, 2, 3, 4, 5]
    assert shard.lost() == LOSSES_MAX


def test_a_batch_that_gets_through_begins_the_row_anew() -> None:
    (loser,) = rivals(1)
    shard = loser.shards[0]
    for _ in range(3 * LOSSES_MAX):
        assert shard.lost() < LOSSES_MAX
        shard.lost()
        shard.won()
    assert not shard.are_hopeless


def test_a_worker_that_makes_another_shard_durable_stays() -> None:
    (worker,) = rivals(1)
    lost, won = worker.shards[:2]
    for _ in range(3 * LOSSES_MAX):
        lost.lost()
        won.won()
    assert not lost.are_hopeless
    lost.won()
    for _ in range(LOSSES_MAX):
        lost.lost()
    assert lost.are_hopeless


@given(
    st.lists(st.integers(0, WORKERS - 1), min_size=SHARDS, max_size=SHARDS),
    st.lists(st.integers(0, SHARDS - 1), min_size=20, max_size=60),
)
def test_of_workers_that_lose_to_one_another_one_goes_on(
    quickest: list[int], races: list[int]
) -> None:
    """quickest: the number of the worker that wins each shard, while it runs."""
    crew = rivals(WORKERS)
    for shard in races:
        running = [worker for worker in crew if not worker.has_ended]
        assert running
        winner = min(running, key=lambda worker: worker is not crew[quickest[shard]])
        winner.shards[shard].won()
        for worker in running:
            if worker is not winner:
                worker.shards[shard].lost()
        assert not winner.has_ended
