"""Metrics of a publisher: how far the facts in Kafka are behind the journal, by shard.

In: of each shard the lag of its published rows behind the durable ones. Out: two gauges.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from services.worker.lag import Lag


class FactLags:
    """The lags of the shards that this process publishes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lags: dict[str, Lag] = {}
        self._rows = Gauge(
            "clearing_facts_lag_rows",
            "Durable rows not published yet.",
            ["shard"],
            registry=registry,
        )
        self._seconds = Gauge(
            "clearing_facts_lag_seconds",
            "How long ago all durable rows were published; 0 if now.",
            ["shard"],
            registry=registry,
        )

    def follow(self, shard: str, lag: Lag) -> None:
        """Report the lag of a shard from here on."""
        self._lags[shard] = lag

    def let_go(self, shard: str) -> None:
        """This process publishes the facts of a shard no longer."""
        self._lags.pop(shard, None)
        for gauge in (self._rows, self._seconds):
            gauge.remove(shard)

    def fill_metrics(self, now: float) -> None:
        """Set the gauges. now: as `monotonic` tells it."""
        for shard, lag in self._lags.items():
            self._rows.labels(shard).set(lag.messages)
            self._seconds.labels(shard).set(lag.seconds(now))
