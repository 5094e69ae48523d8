"""A round of the streaming campaign: one market published while everything is killed.

In: a seed and a world. Out: what was done to it, counted; an AssertionError if anything is lost,
doubled or otherwise than in the embedded run of the same lines.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.streaming.checks import check_round
from tests.faults.streaming.crew import Crew
from tests.faults.streaming.markets import busy, hostile
from tests.faults.streaming.points import SPREAD_POINTS
from tests.faults.streaming.publishing import FAILURES, FedHouse, Publishing
from tests.faults.streaming.silence import SilenceWatch
from tests.faults.streaming.storm import HEARTBEAT_MS, SESSION_MS, WRITER_S, Plan, Storm
from tests.faults.streaming.world import World
from tests.streaming_house import StreamingHouse

# How long a feed is to last, so that it is ended in the middle.
_FEED_S: Final = 60
# Of the rounds, those that `clearing feed` publishes.
_FED_SHARE: Final = 0.6


@dataclass(slots=True)
class Done:
    """What one round did."""

    seed: int
    lines: int
    seconds: float
    counts: Counter[str]


def stream_round(world: World, seed: int, plan: Plan) -> Done:
    """Publish, break, mend, compare."""
    rng, begun = Random(seed), time.monotonic()  # noqa: S311 - tests draw no secrets
    is_fed = rng.random() < _FED_SHARE if plan.is_fed is None else plan.is_fed
    lines = _market(rng, plan.market)
    if is_fed:
        # A file shows no more of the ends of lines than that they end.
        lines = [text for line in lines if (text := line.rstrip(b"\r\n"))]
    before = Counter(world.counts)
    with (
        tempfile.TemporaryDirectory(prefix="clearing-streams-") as name,
        StreamingHouse(world.broker, world.server, Path(name), **_settings(rng, plan)) as house,
        ExitStack() as ending,
    ):
        crew = Crew(house, Path(name), rng=rng, planted=plan.planted)
        ending.callback(crew.stop)
        crew.is_watched = plan.is_watched
        crew.counts["spreads"] = spreads = sum(b"submit_spread/1" in line for line in lines)
        crew.points = [*plan.points, *(SPREAD_POINTS if spreads else [])]
        crew.sides = world.sides
        feed = FedHouse(house, Path(name), rate=max(20, len(lines) // _FEED_S))
        ending.callback(feed.close)
        try:
            with SilenceWatch(house, crew) if plan.is_watched else nullcontext() as watch:
                publishing = Publishing(feed if is_fed else house, lines, plan.patience_s)
                Storm(world, house, crew, publishing=publishing, rng=rng, plan=plan).rage()
                crew.start()
                publishing.wait()
                house.await_durable(plan.patience_s)
            crew.counts["bombs"] = check_round(house, lines)
            _end(crew, watch)
        except FAILURES as error:
            error.add_note("; ".join(crew.faults))
            error.add_note(_last_logs(Path(name)))
            raise
        counts = crew.counts + feed.counts + (world.counts - before)
    return Done(seed, len(lines), time.monotonic() - begun, counts)


def _settings(rng: Random, plan: Plan) -> dict[str, object]:
    return {
        "session_timeout_ms": SESSION_MS,
        "heartbeat_interval_ms": HEARTBEAT_MS,
        "writer_timeout_s": WRITER_S,
        "batch_messages": plan.batch_messages or rng.choice([3, 20, 100, 8192]),
        "batch_interval_ms": rng.choice([1, 20, 80]),
    }


def _end(crew: Crew, watch: SilenceWatch | None) -> None:
    """Let the workers that are there end in order; none may have been silent."""
    if watch is not None:
        crew.counts["looks at a shard that stood"] = watch.stood
        assert not watch.unsaid, watch.unsaid
    for victim in [*crew.alive]:
        if victim.fault is None:
            crew.end(victim)
    crew.counts["fence losses"] = crew.said("fenced off, lets go")


def _market(rng: Random, kind: str) -> list[bytes]:
    if kind == "small":
        return hostile(rng, days=1)
    chosen = kind or rng.choice(["hostile", "hostile", "busy"])
    if chosen == "busy":
        return busy(rng, count=rng.choice([700, 2_000]), days=rng.randint(3, 4))
    return hostile(rng, days=rng.randint(2, 3))


def _last_logs(directory: Path) -> str:
    told = []
    for log in sorted(directory.glob("victim-*.log"), key=lambda path: path.stat().st_mtime)[-4:]:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-6:]
        told += [f"{log.name}:", *[line[:600] for line in lines]]
    return "\n".join(told)
