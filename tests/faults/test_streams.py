"""Workers, Kafka and Postgres killed while a market runs: the books end as the embedded run's.

A short one of what `python tests/faults --streams` does at length; and the proof that it would see
what it is for: three defects, each planted in all workers, each found.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from services.shards.routing import CONTROL_SHARD
from tests.faults.streaming.campaign import world_at_hand
from tests.faults.streaming.crew import Crew
from tests.faults.streaming.rounds import stream_round
from tests.faults.streaming.silence import SilenceWatch
from tests.faults.streaming.storm import Plan
from tests.faults.streaming.world import World
from tests.kafka_shared import what_to_install
from tests.kafka_software import missing_software
from tests.scraper import page
from tests.services.worker.test_shard_run import OPEN, line
from tests.services.worker.test_worker import put
from tests.streaming_house import StreamingHouse
from tests.waiting import until

SCRIPT = (
    "kill postgres", "send a bomb", "kill a worker", "end the feed", "kill the broker",
    "await a point", "cut off Kafka", "kill all workers", "kill a worker",
)  # fmt: skip
# Where a worker alone kills itself, and the next one loses or doubles by the defect.
KILLED = Plan(script=["await a point"] * 3, workers=1, armed_share=1.0, is_fed=False)
WRITING = ["before COMMIT", "after COPY"]


class Planted(NamedTuple):
    """A round in which a defect does harm, and what the checks then say."""

    plan: Plan
    said: str


# Messages that no row is of; copies taken twice.
LOST = "lost [1-9]"
TWICE = "taken twice|know more|already exists|LinkBroken|ControlGap"
PLANTED = {
    "position-first": Planted(replace(KILLED, points=WRITING), LOST),
    "copies-without-numbers": Planted(replace(KILLED, points=WRITING), TWICE),
    "kafkas-offset": Planted(replace(KILLED, points=["fetched", "before a batch"]), LOST),
}
SEEDS = range(2, 26)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A broker and a server of our own, since they are killed."""
    if missing := missing_software():
        pytest.fail(what_to_install(missing))
    with world_at_hand() as made:
        yield made


def test_a_market_survives_kills_of_workers_postgres_and_kafka(world: World) -> None:
    done = stream_round(world, 1, Plan(script=SCRIPT, market="small", is_fed=True))
    assert done.counts["worker kills"] >= 4, done
    assert done.counts["postgres kills"] >= 1, done
    assert done.counts["broker kills"] == 1, done
    assert done.counts["bombs"] >= 1, done


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_defect_is_found(world: World, planted: str) -> None:
    plan, said = PLANTED[planted]
    plan = replace(plan, planted=planted, market="small", patience_s=20.0)
    assert until_it_does_harm(world, plan, said)


def until_it_does_harm(world: World, plan: Plan, said: str) -> str:
    """Rounds until one fails and says so: who is killed when is not in our hand.

    One that does not come to its end proves nothing, since on a slow machine any may.
    """
    others = []
    for seed in SEEDS:
        try:
            stream_round(world, seed, plan)
        except AssertionError as found:
            if re.search(said, str(found)):
                return str(found)
            others.append(str(found))
    return pytest.fail(f"{said} was never said: {others}")


def test_the_watch_finds_workers_that_are_silent_on_a_stop(world: World, tmp_path: Path) -> None:
    """Copies are not sent: no inbox holds a message, and `member/0` does not move."""
    quick = {"session_timeout_ms": 1500, "heartbeat_interval_ms": 400}
    with StreamingHouse(world.broker, world.server, tmp_path, **quick) as house:
        asyncio.run(put(house, CONTROL_SHARD, line(OPEN)))
        silent = unsaid(house, tmp_path, planted="silent")
        assert "member/0: knows control command 0 of 1" in silent[-1]
        assert unsaid(house, tmp_path, planted="no-copies") == []


def unsaid(house: StreamingHouse, directory: Path, *, planted: str) -> list[str]:
    """What a worker with a defect did not say, once a shard has stood for some looks."""
    crew = Crew(house, directory, rng=Random(1), planted=planted)  # noqa: S311 - no secrets
    crew.is_watched = True
    port = crew.start().port
    try:
        until(lambda: bool(page(port, "readyz/all")[0]), "it answers")
        with SilenceWatch(house, crew) as watch:
            until(lambda: watch.stood >= 3, "a shard stands")
        return watch.unsaid
    finally:
        crew.stop()
