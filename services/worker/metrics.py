"""What a worker measures, as Prometheus reads it at `/metrics`, and what its health is told from.

In: what keepers of shards report, and how far these are. Out: metrics, and whether every assigned
shard is caught up, both as of the moment they are asked for.
"""

from __future__ import annotations

from collections import Counter as Counted
from dataclasses import dataclass
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from services.worker.lag import Progress

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES: Final = (1, 4, 16, 64, 256, 1024, 4096, 8192)

LOADING: Final = "loading"
NOT_IN_USE: Final = "not in use"
CATCHING_UP: Final = "catching up"
READY: Final = "ready"
WAITING: Final = "waiting at a barrier"
TROUBLED: Final = "troubled"
SILENT: Final = "without answer from Kafka"


@dataclass(slots=True)
class Standing:
    """How an assigned shard stands: a word, and more where there is more to say."""

    state: str = LOADING
    detail: str = ""

    @property
    def is_ready(self) -> bool:
        """Caught up, or with nothing to do yet; a barrier waits for others, not for us."""
        return self.state in (READY, WAITING, NOT_IN_USE)


class Metrics:
    """The metrics of one worker and the standing of its shards."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._standings: dict[str, Standing] = {}
        self.is_in_group = False
        self._progress: dict[str, Progress] = {}
        names = ["shard"]
        self._lag = Gauge(
            "clearing_lag_messages", "Messages not durable yet.", names, registry=self.registry
        )
        self._age = Gauge(
            "clearing_lag_seconds",
            "How long ago all that Kafka had was durable; 0 while it is.",
            names,
            registry=self.registry,
        )
        self._seq = Gauge("clearing_seq", "Last durable row.", names, registry=self.registry)
        self._sizes = Histogram(
            "clearing_batch_messages",
            "Messages of a transaction.",
            names,
            buckets=SIZES,
            registry=self.registry,
        )
        self._deciding = Histogram(
            "clearing_decide_seconds",
            "Deciding a batch.",
            names,
            buckets=SECONDS,
            registry=self.registry,
        )
        self._commits = Histogram(
            "clearing_commit_seconds",
            "Writing a batch, from BEGIN to the answer to COMMIT.",
            names,
            buckets=SECONDS,
            registry=self.registry,
        )
        self._refusals = Counter(
            "clearing_refusals", "Refused inputs.", [*names, "reason"], registry=self.registry
        )
        self._waits = Counter(
            "clearing_barrier_wait_seconds",
            "Time a barrier waited, by the market that had not answered.",
            ["missing"],
            registry=self.registry,
        )
        self._fenced = Counter(
            "clearing_fence_losses",
            "Batches given up because somebody else moved the head.",
            names,
            registry=self.registry,
        )
        self._troubles = Counter(
            "clearing_troubles",
            "Times a shard was given up and loaded anew.",
            [*names, "trouble"],
            registry=self.registry,
        )

    def follow(self, shard: str, progress: Progress) -> None:
        """A shard is ours; how far it is, is told from here."""
        self._progress[shard] = progress
        self.stands(shard, LOADING)

    def stands(self, shard: str, state: str, *, detail: str = "") -> None:
        """A shard stands so from now on; one that is catching up is ready as soon as it has."""
        self._standings[shard] = Standing(state, detail)

    def let_go(self, shard: str) -> None:
        """A shard is no longer ours."""
        self._standings.pop(shard, None)
        self._progress.pop(shard, None)
        for gauge in (self._lag, self._age, self._seq):
            gauge.remove(shard)

    def decided(self, shard: str, *, messages: int, seconds: float) -> None:
        """A batch was decided."""
        self._sizes.labels(shard).observe(messages)
        self._deciding.labels(shard).observe(seconds)

    def committed(self, shard: str, *, seq: int, seconds: float) -> None:
        """A batch is durable."""
        self._seq.labels(shard).set(seq)
        self._commits.labels(shard).observe(seconds)

    def refused(self, shard: str, reasons: Counted[str]) -> None:
        """Inputs were refused."""
        for reason, count in reasons.items():
            self._refusals.labels(shard, reason).inc(count)

    def waited(self, missing: str, seconds: float) -> None:
        """A barrier waited for a market."""
        self._waits.labels(missing).inc(seconds)

    def fenced(self, shard: str) -> None:
        """The fence let somebody else through."""
        self._fenced.labels(shard).inc()

    def troubled(self, shard: str, trouble: str) -> None:
        """A shard was given up, to be loaded anew."""
        self._troubles.labels(shard, trouble).inc()

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        now = monotonic()
        for shard, progress in self._progress.items():
            self._lag.labels(shard).set(progress.lag_messages)
            self._age.labels(shard).set(progress.lag_seconds(now))
        return generate_latest(self.registry)

    def standings(self) -> dict[str, Standing]:
        """How each assigned shard stands now."""
        now = monotonic()
        return {
            shard: _as_of(now, said, progress=self._progress[shard])
            for shard, said in sorted(self._standings.items())
        }

    @property
    def is_ready(self) -> bool:
        """Whether we are in the group and every assigned shard is ready."""
        return self.is_in_group and all(one.is_ready for one in self.standings().values())


def _as_of(now: float, said: Standing, *, progress: Progress) -> Standing:
    """How a shard stands of which its keeper said so when it looked last."""
    if said.state in (LOADING, TROUBLED):
        return said
    if not progress.is_heard(now):
        return Standing(SILENT)
    if said.state == CATCHING_UP:
        if progress.is_caught_up(now):
            return Standing(READY)
        return Standing(CATCHING_UP, f"{progress.lag_messages} messages are not durable")
    return said
