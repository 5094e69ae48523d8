"""Spreads of two markets on a real Kafka and a real Postgres, whose workers are killed or held up.

A worker kills itself before a vote is durable, between vote and decision, and after one market's
decision; each time another goes on. Then one market stands still while the further one waits.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.feed.command_text import compose
from services.feed.sending import Answer, send
from services.feed.stall import StallTimer
from services.journal.embedded import EmbeddedServer
from tests.faults.streaming.points import SPREAD_POINTS, Fault
from tests.faults.streaming.victims import started
from tests.laws import check_spreads
from tests.services.worker.spread_market import CLOSE, line_of, opening, spread, trade
from tests.services.worker.test_shards_agree import embedded_hashes
from tests.services.worker.test_spreads import SCU, SIT, rows_of
from tests.services.worker.test_worker import put, says
from tests.streaming_house import StreamingHouse
from tests.waiting import SECONDS_MAX, until

QUICK = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 500}
HELD = "SELECT * FROM clearing.shard_head WHERE shard = 'market/SCU' FOR UPDATE"


def sent(house: StreamingHouse, *, second: str) -> bytes:
    """A spread as an operator sends it, refused for the price of its second leg; its line."""
    legs = [("L7", "SITM26", "2.05", 1), ("L8", "SCUM26", second, 1)]
    fields = [
        dict(zip(("trade_id", "contract", "price", "lots"), leg, strict=True)) for leg in legs
    ]
    texts = {"reference": "s9", "buyer": "A-H", "seller": "B-H", "legs": json.dumps(fields)}
    composed = compose("submit_spread", {**texts, "executed_at": "2026-06-08T10:00:00Z"})
    answers: list[Answer] = []
    send(house.settings, composed, stall=StallTimer(print), on_answer=answers.append)
    assert [(answer.shard, answer.is_refused) for answer in answers] == [
        ("control/0", False),
        (SCU, True),
    ]
    return composed.line


@pytest.fixture
def house(broker: str, postgres: EmbeddedServer, tmp_path: Path) -> Iterator[StreamingHouse]:
    """A clearinghouse on the shared broker."""
    with StreamingHouse(broker, postgres, tmp_path, **QUICK) as made:
        yield made


def test_a_spread_is_cleared_whole_whenever_workers_are_killed_or_held_up(
    house: StreamingHouse, tmp_path: Path
) -> None:
    lines = [spread("s1"), spread("s2", ("L3", "SITM26", "2.05", 1), ("L4", "SCUM26", "2.88", 1))]
    worker = house.start_worker()
    house.feed(opening())
    house.await_durable()
    worker.terminate()
    for line in lines:
        asyncio.run(put(house, "control/0", line))
    for number, point in enumerate(SPREAD_POINTS):
        log = tmp_path / f"victim-{number}.log"
        # A group of its own: none waits until Kafka takes the one before for dead.
        environment = house.environment(group=f"{house.name}-{number}")
        victim = started(environment, log, fault=Fault(point, 1))
        assert victim.has_ended(SECONDS_MAX), victim.log_lines()[-5:]
        assert victim.code == -signal.SIGKILL, victim.log_lines()[-5:]
        assert house.verify() == []
    worker = house.start_worker()
    house.await_durable()
    lines.append(sent(house, second="2.88"))
    legs = (("L5", "SITM26", "2.05", 3), ("L6", "SCUM26", "2.52", 2))
    lines += [spread("s3", *legs), trade(legs[0]), line_of(CLOSE)]
    with psycopg.connect(house.url) as holder:
        holder.execute(HELD)
        asyncio.run(put(house, "control/0", lines[-3]))
        until(lambda: says(worker, f"waits for {SCU}"), "market/SIT waits for the vote")
        asyncio.run(put(house, SIT, lines[-2]))
    house.await_durable()
    house.feed([lines[-1]])
    house.await_durable()
    assert house.day_hashes() == embedded_hashes([*opening(), *lines])
    assert house.verify() == []
    check_spreads(rows_of(house.url))
