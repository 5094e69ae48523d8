"""When a worker gives up a shard: never all who lose to one another."""

from __future__ import annotations

from itertools import count

from hypothesis import example, given
from hypothesis import strategies as st

from services.worker.fence_losses import LOSSES_MAX, FenceLosses, LastDurable

SHARDS = 2
WORKERS = 2
# A worker and a shard of which it tries to make a batch durable.
Try = tuple[int, int]
# Each makes batches of one shard durable, and then finds that the other has done so with its own.
EACH_WINS_ONE: list[Try] = [(0, 0), (1, 1), (1, 0), (0, 1)] * LOSSES_MAX


class Rival:
    """A worker that has all shards. heads: those it knows; the clock is one of all rivals."""

    def __init__(self, instants: count[float]) -> None:
        self.heads = [0] * SHARDS
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


def test_a_worker_that_makes_another_shard_durable_stays_as_long_as_it_does() -> None:
    (worker,) = rivals(1)
    lost, won = worker.shards[:2]
    counts = []
    for _ in range(3 * LOSSES_MAX):
        won.won()
        counts.append(lost.lost())
    assert not lost.are_hopeless
    assert counts == [1, 2, 3, 4] + [5] * 11
    for _ in range(LOSSES_MAX - 2):
        lost.lost()
    assert not lost.are_hopeless
    lost.lost()
    assert lost.are_hopeless


def ended_of(tries: list[Try]) -> list[bool]:
    """Which workers have ended after these."""
    crew, heads = rivals(WORKERS), [0] * SHARDS
    for number, shard in tries:
        worker = crew[number]
        if worker.has_ended:
            continue
        if worker.heads[shard] == heads[shard]:
            heads[shard] += 1
            worker.shards[shard].won()
        else:
            worker.shards[shard].lost()
        worker.heads[shard] = heads[shard]
    return [worker.has_ended for worker in crew]


@given(
    st.lists(
        st.tuples(st.integers(0, WORKERS - 1), st.integers(0, SHARDS - 1)), min_size=20, max_size=80
    )
)
@example(EACH_WINS_ONE)
def test_of_workers_that_lose_to_one_another_one_goes_on(tries: list[Try]) -> None:
    assert not all(ended_of(tries))


def test_of_two_that_each_win_a_shard_none_ends_and_of_a_loser_and_a_winner_the_loser() -> None:
    assert ended_of(EACH_WINS_ONE) == [False, False]
    assert ended_of([(0, 0), (1, 0), (0, 1), (1, 1)] * LOSSES_MAX) == [False, True]
