"""The state and lag of a shard, from the end of its inbox in Kafka and the durable offset."""

from __future__ import annotations

from time import monotonic

import pytest

from services.worker.lag import Lag
from services.worker.metrics import Metrics
from services.worker.standing import (
    CATCHING_UP,
    LOADING,
    NOT_IN_USE,
    READY,
    SILENT,
    TROUBLED,
    WAITING,
)

SIT = "market/SIT"


def test_a_shard_is_caught_up_while_all_is_durable_that_was_there_lately() -> None:
    lag = Lag()
    lag.durable = 7
    lag.note_end(7, at=100.0)
    assert lag.is_caught_up(104.0)
    assert not lag.is_caught_up(106.0)
    assert (lag.messages, lag.seconds(104.0)) == (0, 0.0)


def test_a_shard_that_keeps_pace_is_caught_up_though_there_is_always_more() -> None:
    lag = Lag()
    for second in range(100):
        lag.note_end(1_000 * second, at=float(second))
        lag.durable = 1_000 * (second - 2)
    assert lag.is_caught_up(99.5)
    assert lag.messages == 2_000
    assert lag.seconds(monotonic() + 99) > 0


def test_a_shard_whose_commits_hang_is_behind_however_long_nothing_comes() -> None:
    lag = Lag()
    lag.durable = 5
    for second in range(100):
        lag.note_end(6, at=float(second))
    assert not lag.is_caught_up(99.5)
    assert lag.messages == 1
    lag.durable = 6
    assert lag.is_caught_up(99.5)


def test_a_kafka_that_says_nothing_is_noticed() -> None:
    begun = monotonic()
    lag = Lag()
    lag.durable = 5
    lag.note_end(5, at=begun)
    assert lag.is_answered(begun + 4)
    assert not lag.is_answered(begun + 6)
    assert lag.seconds(begun + 60) == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("said", "looked_s", "durable", "shown", "is_ready"),
    [
        (LOADING, 0, None, LOADING, False),
        (CATCHING_UP, 0, 3, CATCHING_UP, False),
        (CATCHING_UP, 0, 4, READY, True),
        (CATCHING_UP, 9, 4, SILENT, False),
        (WAITING, 0, 3, WAITING, True),
        (WAITING, 9, 3, SILENT, False),
        (NOT_IN_USE, 0, None, NOT_IN_USE, True),
        (NOT_IN_USE, 9, None, SILENT, False),
        (TROUBLED, 0, 4, TROUBLED, False),
    ],
)
def test_a_shard_is_shown_as_it_stands_when_it_is_asked_for(
    said: str, looked_s: float, durable: int | None, shown: str, *, is_ready: bool
) -> None:
    metrics, lag = Metrics(), Lag()
    metrics.is_in_group = True
    metrics.follow(SIT, lag)
    metrics.set_state(SIT, said)
    lag.durable = durable
    lag.note_end(4, at=monotonic() - looked_s)
    assert metrics.standings()[SIT].state == shown
    assert metrics.is_ready == is_ready


def test_lag_is_told_as_of_the_moment_it_is_asked_for() -> None:
    metrics, lag = Metrics(), Lag()
    metrics.follow(SIT, lag)
    lag.durable = 1
    lag.note_end(4, at=monotonic())
    assert b'clearing_lag_messages{shard="market/SIT"} 3.0' in metrics.text()
    lag.durable = 4
    text = metrics.text()
    assert b'clearing_lag_messages{shard="market/SIT"} 0.0' in text
    assert b'clearing_lag_seconds{shard="market/SIT"} 0.0' in text


def test_a_product_that_is_not_in_use_is_not_late() -> None:
    metrics, lag = Metrics(), Lag()
    metrics.follow(SIT, lag)
    lag.note_end(0, at=monotonic() - 90)
    shown = b'clearing_lag_seconds{shard="market/SIT"} 0.0\n'
    assert shown not in metrics.text()
    metrics.set_state(SIT, NOT_IN_USE)
    assert shown in metrics.text()
