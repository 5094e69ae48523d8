"""`latency`: from produce to the committed row, at a steady quarter of the highest rate.

The highest rate is measured first, in the same run: trades that wait in Kafka to durable rows, by
the worker that then gets a quarter of it, spread evenly. A few trades are handed to an idempotent
producer every few milliseconds, as one batch; the clock of each starts just before that. It ends
when a look at the market's head in Postgres, on a connection of its own, finds that the row is
committed: looks come every millisecond, resolution_ms is how far they were apart in the 99th of a
hundred. The first seconds, in which the worker comes to the rate, do not count.
p99, p99.9 and p50 are over trades; their baseline is `batch_interval_ms`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tests.bench.figure import Figure, line_of
from tests.bench.market import trades
from tests.bench.streaming import (
    MARKET,
    Seen,
    Stage,
    Watch,
    append,
    hand_over,
    novated,
    opened_stage,
    put,
    started_producer,
)

SHARE: Final = 4
_LOOK_S: Final = 0.001
_TICK_S: Final = 0.005
_WARM_SHARE: Final = 0.1


@dataclass(slots=True)
class Sent:
    """Batches as they were handed over: when, and the offset behind each."""

    at: list[float] = field(default_factory=list)
    end: list[int] = field(default_factory=list)


def run(
    directory: Path, *, trades_count: int, accounts: int, seconds: int, batch: int
) -> dict[str, Any]:
    """The rate of so many trades, then so many seconds at a quarter of it.

    batch: messages of a transaction at most.
    """
    with opened_stage(directory, accounts=accounts, batch_messages=batch) as stage:
        end = put(stage, trades(trades_count, accounts))
        with Watch(stage.house.url, every_s=_LOOK_S) as watch:
            before = watch.seen[MARKET][-1]
            worker = stage.house.start_worker().process
            watch.until(end, by=worker)
            rate = _rate(watch.seen[MARKET][1:])
            count = round(rate / SHARE * seconds)
            lines = [*trades(count, accounts, first=trades_count)]
            looks = len(watch.gaps_s)
            sent = asyncio.run(_send_evenly(stage, lines, first=end, rate=rate / SHARE))
            watch.until(sent.end[-1], by=worker)
        standing = novated(stage.house.url, after=before.seq)
        interval_ms = stage.house.settings.batch_interval_ms
    assert standing == trades_count + count, f"{standing} trades stand"
    found_ms = _latencies_ms(sent, watch.seen[MARKET], first=end)
    half, most, nearly_all = np.percentile(found_ms, [50, 99, 99.9]).tolist()
    return line_of(
        "latency",
        [
            Figure("p99", "ms", most, interval_ms, 2, "at_most"),
            Figure("p99.9", "ms", nearly_all, interval_ms, 4, "at_most"),
            Figure("p50", "ms", half, interval_ms, 1, "at_most"),
        ],
        longest_ms=float(found_ms.max()),
        rate_highest=rate,
        rate_sent=count / (sent.at[-1] - sent.at[0]),
        trades=len(found_ms),
        accounts=accounts,
        messages_a_batch=batch,
        batch_interval_ms=interval_ms,
        resolution_ms=float(np.percentile(watch.gaps_s[looks:], 99) * 1e3),
        commits=sum(one.next_offset > end for one in watch.seen[MARKET]),
    )


def _rate(seen: Sequence[Seen]) -> float:
    """Trades a second between the first commit and the last."""
    first, last = seen[0], seen[-1]
    assert last.seq > first.seq, "one commit took all: send more trades"
    return (last.seq - first.seq) / (last.at - first.at)


async def _send_evenly(stage: Stage, lines: list[bytes], *, first: int, rate: float) -> Sent:
    """Send lines at a rate; what a late tick owes goes with the next."""
    producer = await started_producer(stage.house.settings)
    sent, answers = Sent(), []
    try:
        waiting, begun, count = iter(lines), monotonic(), 0
        while count < len(lines):
            await asyncio.sleep(_TICK_S)
            due = min(int((monotonic() - begun) * rate), len(lines)) - count
            if not due:
                continue
            batch = producer.create_batch()
            for line in islice(waiting, due):
                assert append(batch, line) is not None, f"{due} trades at once are too many"
            count += due
            sent.at.append(monotonic())
            sent.end.append(first + count)
            answers.append(await hand_over(producer, stage.partition, batch))
        await asyncio.gather(*answers)
    finally:
        await producer.stop()
    return sent


def _latencies_ms(sent: Sent, seen: Sequence[Seen], *, first: int) -> npt.NDArray[np.float64]:
    """Of each trade, but those while the worker warms up."""
    ends = np.array(sent.end)
    offsets = np.array([one.next_offset for one in seen])
    visible = np.array([one.at for one in seen])[np.searchsorted(offsets, ends)]
    counts = np.diff(ends, prepend=first)
    waited_ms = np.repeat((visible - np.array(sent.at)) * 1e3, counts)
    return waited_ms[int(len(waited_ms) * _WARM_SHARE) :]
