"""All shards as one worker sees them, from what Kafka and Postgres have said lately."""

from __future__ import annotations

from datetime import date
from time import monotonic

import pytest

from services.broker.group import GroupMember
from services.broker.replicas import Replicas
from services.journal.shard_states import ShardState
from services.worker.lag import Lag
from services.worker.metrics import Metrics
from services.worker.standing import (
    BEHIND_CONTROL,
    CANNOT_SEND,
    CATCHING_UP,
    NO_JOURNAL,
    NOBODY,
    NOT_BEGUN,
    NOT_IN_USE,
    READY,
    SILENT,
    STRANGER,
    TWO_LEADERS,
    WAITING,
    Standing,
)

SIT = "market/SIT"
OURS = GroupMember("clearing-worker-w2", "/10.0.0.2")
THIEF = GroupMember("rdkafka", "/10.0.0.3")
FRIDAY = date(2026, 6, 12)


def state_of(shard: str, next_offset: int, *, copies: int = 8) -> ShardState:
    """A shard that has closed a Friday. copies: of control commands that it has."""
    return ShardState(shard, 6, next_offset, copies, 3.0, FRIDAY, "ab12")


def seen(
    member: GroupMember | None,
    *,
    next_offset: int | None,
    group_s: float = 0,
    journal_s: float = 0,
    ends_s: float = 0,
    unused: bool = False,
) -> Standing:
    """How SIT is shown, whose inbox ends at 4. The seconds: how long ago each has answered."""
    metrics, now = Metrics(), monotonic()
    overview = metrics.overview
    overview.lags[SIT].note_end(4, at=now - ends_s)
    overview.note_members({} if member is None else {SIT: member}, at=now - group_s)
    states = [] if next_offset is None else [state_of(SIT, next_offset)]
    states.append(state_of("control/0", 0))
    overview.note_states(states, not_in_use=[SIT] if unused else [], at=now - journal_s)
    return overview.views()[SIT].standing


def test_a_shard_is_shown_by_who_has_it_and_how_far_it_is() -> None:
    assert seen(OURS, next_offset=4) == Standing(READY)
    assert seen(OURS, next_offset=3) == Standing(CATCHING_UP, "1 messages are not durable")
    assert seen(None, next_offset=4) == Standing(NOBODY)
    assert seen(THIEF, next_offset=4).state == STRANGER
    assert seen(OURS, next_offset=None) == Standing(NOT_BEGUN)
    assert seen(OURS, next_offset=None, unused=True) == Standing(NOT_IN_USE)


@pytest.mark.parametrize(
    ("silent", "shown"), [("group_s", SILENT), ("ends_s", SILENT), ("journal_s", NO_JOURNAL)]
)
def test_what_was_not_answered_lately_is_not_believed(silent: str, shown: str) -> None:
    seconds = {silent: 6.0}
    assert seen(OURS, next_offset=4, **seconds).state == shown  # type: ignore[arg-type]


@pytest.mark.parametrize(("in_sync", "shown"), [(3, READY), (2, READY), (1, CANNOT_SEND)])
def test_a_shard_to_which_nothing_can_be_sent_is_not_ready(in_sync: int, shown: str) -> None:
    metrics = serving(copies=8)
    replicas = Replicas(in_sync, 2, leader=1)
    metrics.overview.note_replicas({SIT: replicas}, read_from={SIT: {1}}, at=monotonic())
    assert metrics.overview.views()[SIT].standing.state == shown
    spare = f'clearing_shard_spare_replicas{{shard="market/SIT"}} {in_sync - 2}.0'
    assert spare in metrics.text().decode()


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        ([1, 1, 1], READY),
        ([2, 2, 1], READY),
        ([-1, -1, -1], READY),
        ([2, 2, 2], TWO_LEADERS),
        ([2, 1, 2], TWO_LEADERS),
    ],
)
def test_a_shard_is_not_ready_that_is_read_where_another_broker_leads(
    answers: list[int], shown: str
) -> None:
    """As answered two, one and no seconds ago; a leader that has just moved is no trouble."""
    metrics, now = serving(copies=8), monotonic()
    for ago_s, leader in zip((2, 1, 0), answers, strict=True):
        answer = {SIT: Replicas(3, 2, leader)}
        metrics.overview.note_replicas(answer, read_from={SIT: {1}}, at=now - ago_s)
    assert metrics.overview.views()[SIT].standing.state == shown


def test_a_doubt_about_the_leader_ends_with_the_answers_that_made_it() -> None:
    metrics, now = serving(copies=8), monotonic()
    for ago_s in (9, 6, 0):
        answer = {SIT: Replicas(3, 2, 2)}
        metrics.overview.note_replicas(answer, read_from={SIT: {1}}, at=now - ago_s)
    assert metrics.overview.views()[SIT].standing.state == READY


def serving(*, copies: int | None) -> Metrics:
    """A worker whose SIT has all messages, and so many copies of eight; None: it cannot ask."""
    metrics, now = Metrics(), monotonic()
    lag = metrics.overview.lags[SIT]
    lag.note_end(4, at=now)
    lag.durable = 4
    metrics.follow(SIT, lag)
    metrics.set_state(SIT, CATCHING_UP)
    if copies is not None:
        states = [state_of("control/0", 0), state_of(SIT, 4, copies=copies)]
        metrics.overview.note_states(states, not_in_use=[], at=now)
    return metrics


@pytest.mark.parametrize(("copies", "shown"), [(8, READY), (7, BEHIND_CONTROL), (None, NO_JOURNAL)])
def test_a_shard_that_lacks_a_copy_is_not_ready_though_its_inbox_holds_nothing(
    copies: int | None, shown: str
) -> None:
    metrics = serving(copies=copies)
    assert metrics.standings() == {SIT: Standing(READY)}
    assert metrics.overview.views()[SIT].standing.state == shown


@pytest.mark.parametrize(("seconds", "shown"), [(4, WAITING), (6, CATCHING_UP)])
def test_a_shard_that_waits_for_others_is_late_when_it_has_waited_for_long(
    seconds: int, shown: str
) -> None:
    metrics, now = serving(copies=8), monotonic()
    lag = metrics.overview.lags[SIT] = Lag()
    lag.durable = 4
    lag.note_end(4, at=now - seconds)
    lag.note_end(5, at=now)
    metrics.set_state(SIT, WAITING, detail="spread 3: market/SCU")
    assert metrics.is_ready is metrics.is_in_group
    standing = metrics.overview.views()[SIT].standing
    assert (standing.state, standing.detail[-20:]) == (shown, "spread 3: market/SCU")


def test_the_whole_is_ready_when_every_shard_is_whoever_has_it() -> None:
    metrics, now = Metrics(), monotonic()
    overview = metrics.overview
    for lag in overview.lags.values():
        lag.note_end(4, at=now)
    states = [state_of(shard, 4) for shard in overview.lags]
    overview.note_members(dict.fromkeys(overview.lags, OURS), at=now)
    overview.note_states(states, not_in_use=[], at=now)
    assert overview.is_ready
    assert not metrics.is_ready
    overview.note_members(dict.fromkeys(overview.lags, OURS) | {SIT: THIEF}, at=now)
    assert not overview.is_ready


def test_a_shard_of_this_worker_is_shown_as_its_supervisor_says() -> None:
    metrics = Metrics()
    metrics.follow(SIT, Lag())
    metrics.set_state(SIT, "troubled", detail="no database")
    assert metrics.overview.views()[SIT].standing == Standing("troubled", "no database")


def test_metrics_tell_of_all_shards() -> None:
    metrics, now = Metrics(), monotonic()
    overview = metrics.overview
    overview.lags[SIT].note_end(9, at=now)
    overview.note_members({SIT: OURS, "member/0": THIEF}, at=now)
    overview.note_states([state_of(SIT, 4)], not_in_use=["market/SCU"], at=now)
    lines = metrics.text().decode().splitlines()
    assert 'clearing_shard_held{shard="market/SIT"} 1.0' in lines
    assert 'clearing_shard_held{shard="member/0"} 0.0' in lines
    assert 'clearing_shard_held{shard="control/0"} 0.0' in lines
    assert 'clearing_shard_lag_messages{shard="market/SIT"} 5.0' in lines
    close = 'business_date="2026-06-12",history_hash="ab12",shard="market/SIT"'
    assert f"clearing_last_close_info{{{close}}} 1.0" in lines
    assert "clearing_ready_all 0.0" in lines
    (age,) = [line for line in lines if line.startswith("clearing_shard_age_seconds{")]
    assert 3 <= float(age.rpartition(" ")[2]) < 4
