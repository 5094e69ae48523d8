"""Metrics of a worker, as Prometheus reads them at `/metrics`, and the standings of its shards.

In: reports of the shards' supervisors, and the lag of each shard. Out: metrics, and whether every
assigned shard is caught up, both as of the moment of the request.
"""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from time import monotonic
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from events.refusals import Reason
from services.broker.topics import shard_partitions
from services.broker.trouble import BrokerRefused
from services.journal.migrate import migrations
from services.journal.trouble import RightsMissing
from services.shards.shard import RULES_VERSION
from services.worker.fact_lags import FactLags
from services.worker.hindrances import Hindrances
from services.worker.lag import FRESH_S, Lag
from services.worker.overview import Overview
from services.worker.shard_figures import ShardFigures
from services.worker.standing import (
    BEHIND_TRANSACTION,
    CATCHING_UP,
    LOADING,
    NOT_IN_USE,
    READY,
    SILENT,
    TROUBLED,
    Standing,
)

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES: Final = (1, 4, 16, 64, 256, 1024, 4096, 8192)
# Who lets us not do what a right or a login is needed for.
_DENIALS: Final[dict[type, str]] = {BrokerRefused: "Kafka", RightsMissing: "Postgres"}
_DISTRIBUTION: Final = "token-clearinghouse"


class Metrics:
    """The metrics of one worker and the standing of its shards.

    overview: of all shards; figures: in the words of the trade; facts: of what is published.
    """

    def __init__(self, shards: Collection[str] | None = None) -> None:
        """Tell of these shards; of all unless they are named."""
        self.registry = CollectorRegistry()
        if shards is None:
            shards = [partition.shard for partition in shard_partitions()]
        self.overview = Overview(shards, self.standings, registry=self.registry)
        self.figures = ShardFigures(self.registry)
        self._hindrances = Hindrances(self.registry)
        _tell_of_program(self.registry)
        self._standings: dict[str, Standing] = {}
        self._lasting: dict[str, tuple[float, Standing]] = {}
        self.is_in_group = False
        self._lags: dict[str, Lag] = {}
        self.facts = FactLags(self.registry)
        self._add_gauges()
        self._add_counts(shards)

    def _add_gauges(self) -> None:
        gauge = partial(Gauge, labelnames=["shard"], registry=self.registry)
        self._lag_messages = gauge("clearing_lag_messages", "Messages not durable yet.")
        self._lag_seconds = gauge(
            "clearing_lag_seconds", "How long ago all that Kafka had was durable; 0 while it is."
        )
        self._seq = gauge("clearing_seq", "Last durable row.")
        self._ready = Gauge(
            "clearing_ready", "1 while /readyz says so; else 0.", registry=self.registry
        )
        self._unread = Gauge(
            "clearing_unread_partitions",
            "Partitions added by hand: nobody reads what lies there.",
            ["topic"],
            registry=self.registry,
        )

    def _add_counts(self, shards: Collection[str]) -> None:
        names = ["shard"]
        histogram = partial(Histogram, labelnames=names, registry=self.registry)
        self._sizes = histogram(
            "clearing_batch_messages", "Messages of a transaction.", buckets=SIZES
        )
        self._deciding = histogram("clearing_decide_seconds", "Deciding a batch.", buckets=SECONDS)
        self._commits = histogram(
            "clearing_commit_seconds",
            "Writing a batch, from BEGIN to the answer to COMMIT.",
            buckets=SECONDS,
        )
        counter = partial(Counter, registry=self.registry)
        self._refusals = counter("clearing_refusals", "Refused inputs.", [*names, "reason"])
        self._waits = counter(
            "clearing_barrier_wait_seconds",
            "Time a barrier waited, by the market that had not answered.",
            ["missing"],
        )
        for shard in shards:
            self._waits.labels(shard)
        self._fenced = counter(
            "clearing_fence_losses", "Batches given up because somebody else moved the head.", names
        )
        self._denials = counter(
            "clearing_access_denied", "Times something was refused for want of a right.", ["by"]
        )
        for service in _DENIALS.values():
            self._denials.labels(service)
        self._troubles = counter(
            "clearing_troubles",
            "Times a shard was given up and loaded anew.",
            [*names, "trouble"],
        )

    def note_unread(self, unread: Mapping[str, range]) -> None:
        """Note by topic the partitions that nobody reads."""
        self._unread.clear()
        for topic, numbers in unread.items():
            self._unread.labels(topic).set(len(numbers))

    def follow(self, shard: str, lag: Lag, *, troubles: Sequence[str] = ()) -> None:
        """A shard was assigned to this worker: report its lag from here on.

        troubles: by name those that may come. Prometheus sees no growth in a counter whose first
        value is not 0.
        """
        self._lags[shard] = lag
        self.figures.cleared(shard, 0)
        self._fenced.labels(shard)
        self._refusals.labels(shard, Reason.WRONG_SHARD.value)
        for trouble in troubles:
            self._troubles.labels(shard, trouble)
        self.set_state(shard, LOADING)

    def set_state(self, shard: str, state: str, *, detail: str = "") -> None:
        """Set the state of a shard. CATCHING_UP is shown as READY once its lag says so."""
        self._standings[shard] = Standing(state, detail)

    def trouble_lasts(self, shard: str, detail: str) -> None:
        """Show a shard as troubled for some seconds: what is refused is known only when tried."""
        self._lasting[shard] = monotonic() + FRESH_S, Standing(TROUBLED, detail)

    def let_go(self, shard: str) -> None:
        """A shard is no longer assigned to this worker."""
        self._standings.pop(shard, None)
        self._lags.pop(shard, None)
        for gauge in (self._lag_messages, self._lag_seconds, self._seq):
            gauge.remove(shard)
        self._hindrances.let_go(shard)
        self.figures.let_go(shard)

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

    def note_commit(self, shard: str, seconds: float) -> None:
        """Note for how long the commit under way has lasted; 0 if none is."""
        self._hindrances.commit_pending.labels(shard).set(seconds)

    def note_clock(self, shard: str, apart_s: float) -> None:
        """Note how far the broker's clock is from ours, at least."""
        self._hindrances.clock_apart.labels(shard).set(apart_s)

    def waited(self, missing: str, seconds: float) -> None:
        """A barrier waited for a market."""
        self._waits.labels(missing).inc(seconds)

    def fenced(self, shard: str) -> None:
        """Another process moved the head of a shard."""
        self._fenced.labels(shard).inc()

    def note_denial(self, trouble: BaseException) -> None:
        """Count a trouble that is a right that we lack."""
        if service := _DENIALS.get(type(trouble)):
            self._denials.labels(service).inc()

    def troubled(self, shard: str, trouble: Exception) -> None:
        """A shard was given up, to be loaded anew."""
        self.note_denial(trouble)
        self._troubles.labels(shard, type(trouble).__name__).inc()
        self.set_state(shard, TROUBLED, detail=str(trouble))
        if isinstance(trouble, BrokerRefused):
            self.trouble_lasts(shard, str(trouble))

    def text(self) -> bytes:
        """All metrics as Prometheus reads them."""
        now = monotonic()
        for shard, lag in self._lags.items():
            self._hindrances.open_transaction.labels(shard).set(lag.transaction.seconds(now))
            # A product that is not in use has no row that could be late.
            is_in_use = self._standings[shard].state != NOT_IN_USE
            self._lag_messages.labels(shard).set(lag.messages)
            self._lag_seconds.labels(shard).set(lag.seconds(now) if is_in_use else 0.0)
        self._ready.set(self.is_ready)
        self.overview.fill_metrics()
        self.facts.fill_metrics(now)
        return generate_latest(self.registry)

    def durable_offsets(self) -> dict[str, int]:
        """By shard of this worker the offset up to which all is durable."""
        durable = {shard: lag.durable for shard, lag in self._lags.items()}
        return {shard: offset for shard, offset in durable.items() if offset is not None}

    def standings(self) -> dict[str, Standing]:
        """The present standing of each assigned shard."""
        now = monotonic()
        return {
            shard: _as_of(now, standing, lag=self._lags[shard])
            for shard, standing in sorted(self._standings.items())
        } | {
            shard: trouble
            for shard, (until, trouble) in self._lasting.items()
            if now < until and shard in self._standings
        }

    @property
    def is_ready(self) -> bool:
        """True if the worker is in the group and every assigned shard is ready."""
        standings = self.standings().values()
        return self.is_in_group and all(standing.is_ready for standing in standings)


def _tell_of_program(registry: CollectorRegistry) -> None:
    """Register what the process takes, and the versions of the program."""
    ProcessCollector(registry=registry)
    names = ["version", "rules", "schema"]
    build = Gauge("clearing_build_info", "The program; always 1.", names, registry=registry)
    build.labels(version(_DISTRIBUTION), str(RULES_VERSION), str(len(migrations()))).set(1)


def _as_of(now: float, reported: Standing, *, lag: Lag) -> Standing:
    """The standing of a shard now, from the last that its supervisor reported."""
    if reported.state in (LOADING, TROUBLED):
        return reported
    if not lag.is_answered(now):
        return Standing(SILENT)
    if reported.state == CATCHING_UP:
        if lag.is_caught_up(now):
            return Standing(READY)
        state = BEHIND_TRANSACTION if lag.is_behind_transaction else CATCHING_UP
        return Standing(state, lag.late_because(now))
    return reported
