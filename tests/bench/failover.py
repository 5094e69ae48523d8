"""`failover`: from kill -9 of one of two workers to its shards' first commit at the other.

A few commands a second go to every shard all the while. Each round kills the worker that keeps
market/SIT, control/0 or member/0, in turns; each shard it kept counts from the kill to the first
commit that somebody else made, as a look at its head every few milliseconds finds it. What the dead
one's last COMMIT still moved does not count: nobody else can have the shard before Kafka's session
of the dead ends. The market has a day's trades behind it that no snapshot holds yet: whoever takes
it over folds them. Then another worker takes its place, and the next round begins when each of the
two keeps something. The settings are those by default unless others are named.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any, Final

from services.broker.topics import shard_partitions
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from tests.bench.figure import Figure, line_of
from tests.bench.market import DAY, account_name, trades
from tests.bench.streaming import MARKET, Stage, Watch, opened_stage, put, started_producer
from tests.streaming_house import Worker

ACCOUNTS: Final = 10_000
SECONDS_MAX: Final = 15.0
KILLED: Final = (MARKET, CONTROL_SHARD, MEMBER_SHARD)
_LOOK_S: Final = 0.005
_TRICKLE_S: Final = 0.05
# A backend whose client was killed is gone within this; a session lasts longer.
_LAST_COMMIT_S: Final = 0.5
_WAIT_S_MAX: Final = 90.0
_ASSIGNED: Final = "assigned: "


def run(
    directory: Path, *, trades_count: int, rounds: int, session_ms: int, heartbeat_ms: int
) -> dict[str, Any]:
    """So many kills after so many trades. session_ms, heartbeat_ms: the settings of the workers."""
    chosen = {"session_timeout_ms": session_ms, "heartbeat_interval_ms": heartbeat_ms}
    with opened_stage(directory, accounts=ACCOUNTS, **chosen) as stage:
        workers = [stage.house.start_worker(), stage.house.start_worker()]
        end = put(stage, trades(trades_count, ACCOUNTS))
        with Watch(stage.house.url, every_s=_LOOK_S) as watch:
            watch.until(end, by=workers[0].process)
        with _trickle(stage, first=trades_count):
            found = _kills(stage, workers, rounds=rounds)
    every = [one for some in found.values() for one in some]
    return line_of(
        "failover",
        [Figure("longest", "s", max(every), SECONDS_MAX, 1, "at_most")],
        median_s=median(every),
        by_shard={
            shard: [round(one, 2) for one in sorted(some)] for shard, some in sorted(found.items())
        },
        kills=rounds,
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=heartbeat_ms,
        trades=trades_count,
        accounts=ACCOUNTS,
    )


def _kills(stage: Stage, workers: list[Worker], *, rounds: int) -> dict[str, list[float]]:
    """Kill so many workers, one after the other; by shard the seconds it took each time."""
    found: dict[str, list[float]] = {}
    for number in range(rounds):
        _await_shared(workers)
        wanted = KILLED[number % len(KILLED)]
        (victim,) = [one for one in workers if wanted in kept(one)]
        for shard, seconds in _killed(stage, victim).items():
            found.setdefault(shard, []).append(seconds)
        workers.remove(victim)
        workers.append(stage.house.start_worker())
    return found


def kept(worker: Worker) -> list[str]:
    """The shards a worker says it was assigned last."""
    said = [json.loads(line)["said"] for line in worker.log_lines() if _ASSIGNED in line]
    names = said[-1].removeprefix(_ASSIGNED) if said else ""
    return [name for name in names.split(", ") if "/" in name]


def _await_shared(workers: list[Worker]) -> None:
    """Wait until every shard is kept, and each worker keeps some."""
    deadline = monotonic() + _WAIT_S_MAX
    every = sorted(partition.shard for partition in shard_partitions())
    while True:
        found = [kept(worker) for worker in workers]
        if all(found) and sorted(shard for some in found for shard in some) == every:
            return
        assert monotonic() < deadline, f"the workers keep {found}"
        sleep(_LOOK_S)


def _killed(stage: Stage, victim: Worker) -> dict[str, float]:
    """Kill a worker; by shard the seconds until somebody else's first commit."""
    with Watch(stage.house.url, every_s=_LOOK_S) as watch:
        shards = [shard for shard in kept(victim) if shard in watch.seen]
        _await_moving(watch, shards)
        victim.kill()
        at = monotonic()
        sleep(_LAST_COMMIT_S)
        return {shard: _next_commit(watch, shard, after=at) for shard in shards}


def _await_moving(watch: Watch, shards: list[str]) -> None:
    """Wait until each has committed something: its worker has loaded it."""
    deadline = monotonic() + _WAIT_S_MAX
    while any(len(watch.seen[shard]) == 1 for shard in shards):
        assert monotonic() < deadline, f"{shards} do not move"
        sleep(_LOOK_S)


def _next_commit(watch: Watch, shard: str, *, after: float) -> float:
    """Seconds from a kill to the first commit that the dead cannot have made."""
    deadline = after + _WAIT_S_MAX
    while watch.seen[shard][-1].at < after + _LAST_COMMIT_S:
        assert monotonic() < deadline, f"{shard} was not taken over"
        sleep(_LOOK_S)
    return next(one.at for one in watch.seen[shard] if one.at > after + _LAST_COMMIT_S) - after


@contextmanager
def _trickle(stage: Stage, *, first: int) -> Iterator[None]:
    """A few commands a second for every shard, meanwhile. first: the number of the first."""
    ended = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_send_on(stage, ended, first)), name="trickle", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def _send_on(stage: Stage, ended: threading.Event, first: int) -> None:
    inboxes = {partition.shard: partition for partition in shard_partitions(stage.house.name)}
    producer = await started_producer(stage.house.settings)
    try:
        for number in count(first):
            if ended.is_set():
                return
            for shard, line in _lines(number).items():
                partition = inboxes[shard]
                await producer.send(
                    partition.topic, line, key=shard.encode(), partition=partition.number
                )
            await asyncio.sleep(_TRICKLE_S)
    finally:
        await producer.stop()


def _lines(number: int) -> dict[str, bytes]:
    """The nth command of each shard."""
    at = f"{DAY}T12:00:00Z"
    (trade,) = trades(1, ACCOUNTS, first=number)
    member = {"type": "admit_member/1", "member": f"N{number}", "name": "New", "at": at}
    deposit = {
        "type": "deposit_collateral/1",
        "reference": f"n{number}",
        "account": account_name(number % ACCOUNTS),
        "asset": "USD",
        "amount_cents": 1,
        "at": at,
    }
    return {
        MARKET: trade,
        CONTROL_SHARD: json.dumps(member).encode(),
        MEMBER_SHARD: json.dumps(deposit).encode(),
    }
