"""Metrics in the words of the trade: trades, closes, margin calls, accounts under water.

In: what a shard has decided, the books of `member/0`. Out: metrics by shard.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge

from services.shards.member.shard import MemberShard
from services.shards.shard import Shard


class MemberFigures(NamedTuple):
    """Figures of the books of `member/0`, as of its last row.

    accounts_under_water: with equity, cash and counted collateral, below zero.
    """

    open_calls: int
    open_calls_cents: int
    accounts_under_water: int


def member_figures(shard: Shard) -> MemberFigures | None:
    """The figures of `member/0`; None of another shard, and before its clock is known."""
    if not isinstance(shard, MemberShard) or shard.books.clock is None:
        return None
    books = shard.books
    calls = books.calls.open_calls.values()
    equity = books.levels(shard.books.clock).equity
    return MemberFigures(
        len(calls), sum(call.remaining_cents for call in calls), int(np.count_nonzero(equity < 0))
    )


class ShardFigures:
    """The metrics of the shards that one worker has."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ["shard"]
        gauge = partial(Gauge, labelnames=names, registry=registry)
        self._trades = Counter("clearing_trades", "Novated trades.", names, registry=registry)
        self._close = gauge(
            "clearing_last_close_seconds",
            "How long the last close took, from its command to the answer to COMMIT.",
        )
        self._calls = gauge("clearing_open_calls", "Open margin calls.")
        self._cents = gauge("clearing_open_calls_cents", "What is called and not met.")
        self._water = gauge("clearing_accounts_under_water", "Accounts with equity below zero.")

    def cleared(self, shard: str, trades: int) -> None:
        """Trades were novated."""
        self._trades.labels(shard).inc(trades)

    def closed(self, shard: str, seconds: float) -> None:
        """A close is durable."""
        self._close.labels(shard).set(seconds)

    def note_members(self, shard: str, figures: MemberFigures) -> None:
        """Note the figures of the books of `member/0`."""
        self._calls.labels(shard).set(figures.open_calls)
        self._cents.labels(shard).set(figures.open_calls_cents)
        self._water.labels(shard).set(figures.accounts_under_water)

    def let_go(self, shard: str) -> None:
        """A shard is no longer this worker's: what is said of it would grow old."""
        for gauge in (self._close, self._calls, self._cents, self._water):
            gauge.remove(shard)
