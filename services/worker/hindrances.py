"""What may hold a shard up from outside, as metrics: transactions, commits, clocks.

In: a registry; by shard, how long or how far. Out: gauges.
"""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry, Gauge


class Hindrances:
    """The gauges of the shards of one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        gauge = partial(Gauge, labelnames=["shard"], registry=registry)
        self.open_transaction = gauge(
            "clearing_open_transaction_seconds",
            "How long a transaction of another producer is open in the inbox; 0 if none is.",
        )
        self.commit_pending = gauge(
            "clearing_commit_pending_seconds", "How long the commit under way has lasted."
        )
        self.clock_apart = gauge(
            "clearing_clock_apart_seconds",
            "How far the broker's clock is ahead of ours, at least; below 0: behind.",
        )

    def let_go(self, shard: str) -> None:
        """A shard is no longer this worker's."""
        for gauge in (self.open_transaction, self.commit_pending, self.clock_apart):
            gauge.remove(shard)
