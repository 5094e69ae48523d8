"""`facts`: facts published while one worker clears what waits in Kafka, against no publishing.

rate: facts a second in Kafka's topic of facts, from when the worker has loaded the market to the
last fact that can be read, against `stream` in the same run without a publisher. slowing: the rate
of the worker with a publisher beside it, against without. With and without take turns, each first
as often as the other, each with as many trades; a publisher has published all before its turn.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from time import monotonic, sleep
from typing import Any, Final

from services.broker.fact_messages import last_fact
from services.broker.topics import facts_of
from services.journal.reader import Reader
from tests.bench.figure import Figure, line_of
from tests.bench.market import trades
from tests.bench.stream import WORKER, loaded_at, streamed
from tests.bench.streaming import MARKET, SECONDS_MAX, Stage, cpu_s, opened_stage
from tests.streaming_house import ROOT

_LOOK_S: Final = 0.05
_PUBLISHER: Final = ("-m", "services.cli", "publish")


def run(
    directory: Path, *, trades_count: int, accounts: int, batch: int, pairs: int
) -> dict[str, Any]:
    """Measure so many pairs, each with half of the trades published. batch: as `stream`'s."""
    count = trades_count // (2 * pairs)
    without, beside, published, cpu = [], [], [], []
    with opened_stage(
        directory, accounts=accounts, batch_messages=batch, publish_facts=True
    ) as stage:
        for number in range(2 * pairs):
            lines = trades(count, accounts, first=number * count)
            if number % 4 in {1, 2}:
                without.append(streamed(stage, lines, count=count, program=WORKER).from_loaded)
                continue
            with _publisher(stage) as process:
                _await_published(stage)
                before = cpu_s(process.pid)
                beside.append(streamed(stage, lines, count=count, program=WORKER).from_loaded)
                _await_published(stage)
                loaded = loaded_at(stage)
                assert loaded is not None, "the worker has not loaded the market"
                published.append(count / (monotonic() - loaded))
                cpu.append((cpu_s(process.pid) - before) / count * 1e6)
    return line_of(
        "facts",
        [
            Figure("rate", "facts/s", mean(published), mean(without), 0.5, "at_least"),
            Figure("slowing", "trades/s", mean(beside), mean(without), 0.9, "at_least"),
        ],
        trades=trades_count,
        accounts=accounts,
        messages_a_batch=batch,
        pairs=pairs,
        publisher_cpu_us_a_fact=mean(cpu),
    )


@contextmanager
def _publisher(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    with (stage.directory / "publisher.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *_PUBLISHER],
            cwd=ROOT,
            env=os.environ | stage.house.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _await_published(stage: Stage) -> None:
    """Wait until the facts of all rows of the market can be read in Kafka."""
    settings, deadline = stage.house.settings, monotonic() + SECONDS_MAX
    with Reader(stage.house.url) as reader:
        seq = reader.heads()[MARKET].seq
    while True:
        last = asyncio.run(last_fact(settings, facts_of(MARKET, settings.topic_prefix)))
        if last is not None and last.seq >= seq:
            return
        assert monotonic() < deadline, f"published up to {last}, not to row {seq}"
        sleep(_LOOK_S)
