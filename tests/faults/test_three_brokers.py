"""Three brokers under a feed: a leader killed, too few replicas in step, a stale replica alone.

The topics are as `topics create` makes them: three replicas, two of them in step. The books end as
those of the embedded run; while nothing can be sent, workers and `topics check` say so.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.broker.topics import ShardPartition, partition_counts, partition_of
from services.journal.embedded import EmbeddedServer
from tests.faults.streaming.checks import check_round
from tests.kafka_broker import free_ports
from tests.kafka_cluster import LocalCluster
from tests.kafka_shared import what_to_install
from tests.kafka_software import missing_software
from tests.scraper import alerts, page
from tests.streaming_house import ROOT, StreamingHouse
from tests.twin.generate import written
from tests.waiting import SECONDS_MAX, until

SIT = "market/SIT"
LINES = [line for line in written(21, 2).lines if line]
# Feeding lasts for some seconds, so that kills are in the middle of it.
RATE = "40/s"
QUICK = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Brokers of our own, since they are killed."""
    if missing := missing_software():
        pytest.fail(what_to_install(missing))
    with LocalCluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def house(
    cluster: LocalCluster, postgres: EmbeddedServer, tmp_path: Path
) -> Iterator[StreamingHouse]:
    """A clearinghouse on three brokers."""
    with StreamingHouse(cluster, postgres, tmp_path, **QUICK) as made:
        yield made


@contextmanager
def fed(house: StreamingHouse, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A feed under way; at the end of the block all of it is waited for, and compared."""
    file = directory / "market.jsonl"
    file.write_bytes(b"\n".join(LINES) + b"\n")
    feed = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "feed", str(file), "--rate", RATE],
        cwd=ROOT,
        env=house.process_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: SIT in house.heads() and rows(house) > len(LINES) // 6, "the market runs")
        yield feed
        _, said = feed.communicate(timeout=SECONDS_MAX)
        assert feed.returncode == 0, said
    finally:
        feed.kill()
        feed.wait()
    house.await_durable()
    check_round(house, LINES)


def rows(house: StreamingHouse) -> int:
    """The number of durable rows."""
    return sum(head.seq + 1 for head in house.heads().values())


def market(house: StreamingHouse) -> ShardPartition:
    """The inbox of SIT."""
    return partition_of(SIT, house.name)


def restart(cluster: LocalCluster, house: StreamingHouse, *numbers: int) -> None:
    """Start brokers again, all at once, and wait until their replicas are in step."""
    with ThreadPoolExecutor(len(numbers)) as starting:
        list(starting.map(lambda number: cluster.brokers[number].restart(), numbers))
    topics = [*partition_counts(house.name)]
    until(lambda: cluster.are_in_step(topics), "all replicas are in step")


def topics_check(house: StreamingHouse) -> subprocess.CompletedProcess[str]:
    """What `clearing topics check` says."""
    return subprocess.run(
        [sys.executable, "-m", "services.cli", "topics", "check"],
        cwd=ROOT,
        env=house.process_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def checked(house: StreamingHouse, *parts: str) -> int:
    """The exit code of `clearing topics check` once it says all of this."""
    done: list[subprocess.CompletedProcess[str]] = []

    def is_told() -> bool:
        done[:] = [topics_check(house)]
        return all(part in done[0].stdout for part in parts)

    until(is_told, f"topics check says {parts}")
    return done[0].returncode


def told(port: int) -> tuple[int, str]:
    """The state of SIT that a worker tells, with the status of all shards."""
    status, text = page(port, "readyz/all")
    return status, json.loads(text)["shards"][SIT]["state"]


def test_a_feed_outlives_a_leader_two_brokers_at_once_and_a_stale_replica(
    cluster: LocalCluster, house: StreamingHouse, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    house.start_worker(web_port=port)
    with fed(house, tmp_path) as feed:
        lose_the_leader(cluster, house)
        feed.send_signal(signal.SIGSTOP)  # So that something is left to feed.
        restart(cluster, house, *cluster.away)
        assert checked(house) == 0
        feed.send_signal(signal.SIGCONT)
        lose_two(cluster, house, port=port)
        assert feed.poll() is None
        feed.send_signal(signal.SIGSTOP)
        restart(cluster, house, *cluster.away)
        until(lambda: page(port, "readyz/all")[0] == 200, "all is well")
        leave_a_stale_one(cluster, house, feed)
        restart(cluster, house, *cluster.away)


def lose_the_leader(cluster: LocalCluster, house: StreamingHouse) -> None:
    """Another leads, and clearing goes on."""
    leader = cluster.leader(market(house))
    cluster.brokers[leader].kill()
    # The others still name it: a client that goes there finds nobody.
    done = topics_check(house)
    assert done.returncode == 0, done.stdout + done.stderr
    # Until then the worker may still decide what it had read before.
    until(lambda: cluster.leader(market(house)) not in {leader, -1}, "another leads")
    before = rows(house)
    until(lambda: rows(house) > before, "clearing goes on")


def lose_two(cluster: LocalCluster, house: StreamingHouse, *, port: int) -> None:
    """Readers have all there is; only who asks for the replicas knows that nothing can be sent."""
    leader = cluster.leader(market(house))
    away = [number for number in cluster.brokers if number != leader]
    for number in away:
        cluster.brokers[number].kill()
    until(lambda: told(port) == (503, "taking no messages"), "the worker says so")
    assert f'clearing_shard_spare_replicas{{shard="{SIT}"}} -1.0' in page(port, "metrics")[1]
    assert "ClearingNotReady" in alerts(port)
    stood = rows(house)
    said = "1 replicas in step, 2 are needed: nothing can be sent"
    assert checked(house, said, f"of 3 are down: {away[0]}, {away[1]}") == 1
    assert rows(house) == stood


def leave_a_stale_one(
    cluster: LocalCluster, house: StreamingHouse, feed: subprocess.Popen[str]
) -> None:
    """A replica that missed messages, alone of three, leads nothing."""
    leader = cluster.leader(market(house))
    stale, follower = (number for number in cluster.brokers if number != leader)
    cluster.brokers[stale].kill()
    until(lambda: stale not in cluster.in_sync(market(house)), "it is out of step")
    before = rows(house)
    feed.send_signal(signal.SIGCONT)
    until(lambda: rows(house) > before, "it misses messages")
    for number in (follower, leader):
        cluster.brokers[number].kill()
    cluster.brokers[stale].restart()
    assert checked(house, "without a leader") == 1
    assert cluster.leader(market(house)) == -1
