"""A worker cut off from Postgres, then from Kafka: it says so meanwhile, goes on and lost nothing.

Packets vanish without a word, as behind a cable that was pulled: connections of before get no
answer, new ones none to their first packet. Where the machine lets nobody make namespaces, lines of
our own hold everything back, under the same assertions.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from random import Random

import pytest

from tests.faults.streaming.campaign import world_at_hand
from tests.faults.streaming.checks import check_round
from tests.faults.streaming.crew import Crew
from tests.faults.streaming.silence import STILL_S, SilenceWatch
from tests.faults.streaming.victims import Victim
from tests.faults.streaming.world import World
from tests.kafka_shared import what_to_install
from tests.kafka_software import missing_software
from tests.scraper import page
from tests.streaming_house import StreamingHouse
from tests.twin.generate import written
from tests.waiting import until

LINES = [line for line in written(21, 2).lines if line]
QUICK = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500}
# A look lasts a second, what was answered lately counts for five.
SAID_S = 3 * STILL_S


@pytest.fixture(scope="module", params=[True, False], ids=["namespaces", "lines"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A broker and a server of our own, at the ends of wires or of lines."""
    if missing := missing_software():
        pytest.fail(what_to_install(missing))
    with world_at_hand(has_rooms=request.param) as made:
        yield made


def test_a_worker_cut_off_says_so_and_goes_on(world: World, tmp_path: Path) -> None:
    side, third = world.sides[0], len(LINES) // 3
    with (
        StreamingHouse(world.broker, world.server, tmp_path, **QUICK) as house,
        ThreadPoolExecutor(1) as publishing,
    ):
        crew = Crew(house, tmp_path, rng=Random(1))  # noqa: S311 - tests draw no secrets
        crew.is_watched, crew.sides = True, [side]
        victim = crew.start()
        try:
            with SilenceWatch(house, crew) as watch:
                house.publish(LINES[:third])
                until(lambda: is_ready(victim), "the worker is ready")
                for number, way in enumerate([side.postgres, *side.kafka], 1):
                    with way.cut():
                        part = LINES[number * third :][: third if number == 1 else None]
                        published = publishing.submit(house.publish, part)
                        until(lambda: not is_ready(victim), "the worker says so", SAID_S)
                        stood = watch.stood
                        until(lambda: watch.stood > stood + 3, "a shard stands")  # noqa: B023
                    published.result()
                    house.await_durable()
                    until(lambda: is_ready(victim), "all is well")
            assert not watch.unsaid
            crew.end(victim)
        finally:
            crew.stop()
        check_round(house, LINES)


def is_ready(victim: Victim) -> bool:
    """Whether a worker says that all is well, by its page and by its metric."""
    status, _ = page(victim.port, "readyz/all", host=victim.host)
    metrics = page(victim.port, "metrics", host=victim.host)[1]
    return status == HTTPStatus.OK and "clearing_ready_all 1.0" in metrics
