"""All shards as one worker sees them, those of other workers and of nobody too.

In: the holders of partitions as Kafka knows them, the states of shards in Postgres, the ends of all
inboxes. Out: the standing of each shard, metrics of it, and whether the whole is ready. What was
not answered lately counts as not known: a shard is then not ready.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Gauge

from services.broker.group import GroupMember
from services.broker.replicas import Replicas
from services.journal.shard_states import ShardState
from services.shards.routing import CONTROL_SHARD
from services.worker.lag import FRESH_S, Lag
from services.worker.standing import (
    BEHIND_CONTROL,
    CANNOT_SEND,
    CATCHING_UP,
    NO_JOURNAL,
    NOBODY,
    NOT_BEGUN,
    NOT_IN_USE,
    READY,
    SILENT,
    STRANGER,
    TWO_LEADERS,
    WAITING,
    Standing,
)

# Within it a reader has heard of a leader that another took over from in order.
_LEADER_MOVES_S: Final = 1.5


@dataclass(frozen=True, slots=True)
class ShardView:
    """A shard as the page shows it. seq: of its last durable row; age_s: since that was received.

    holder: the member of the group that has its partition; "" if nobody has.
    """

    holder: str
    standing: Standing
    seq: int | None
    age_s: float | None


class _Doubt(NamedTuple):
    """Two brokers lead, by what we were told from then to then. leaders: both."""

    since: float
    last: float
    leaders: str

    def lasts(self, now: float) -> bool:
        """Whether it is more than a leader that moves."""
        return self.last - self.since >= _LEADER_MOVES_S and now - self.last < FRESH_S


class Overview:
    """What is known of all shards. served: the standings of the shards of this worker."""

    def __init__(
        self,
        shards: Collection[str],
        served: Callable[[], Mapping[str, Standing]],
        *,
        registry: CollectorRegistry,
    ) -> None:
        self._served = served
        self.lags = {shard: Lag() for shard in shards}
        # In numbers of control commands: a copy that was not sent lies in no inbox.
        self._copies = {shard: Lag() for shard in shards}
        self._replicas: Mapping[str, Replicas] = {}
        self._doubts: dict[str, _Doubt] = {}
        self._members: Mapping[str, GroupMember] = {}
        self._members_at = -inf
        self._states: dict[str, ShardState] = {}
        self._states_at = -inf
        self._not_in_use: Collection[str] = ()
        gauge = partial(Gauge, labelnames=["shard"], registry=registry)
        # Not told by a process that looks at no shards: an alert is for none that tells it.
        self._ready = Gauge(
            "clearing_ready_all",
            "1 while /readyz/all says so; else 0.",
            registry=registry if shards else None,
        )
        self._held = gauge(
            "clearing_shard_held", "1 if a worker has the shard, any worker; else 0."
        )
        self._ages = gauge(
            "clearing_shard_age_seconds", "How long ago the last durable row was received."
        )
        self._messages = gauge(
            "clearing_shard_lag_messages", "Messages not durable yet, whoever has the shard."
        )
        self._seconds = gauge(
            "clearing_shard_lag_seconds", "As clearing_lag_seconds, whoever has the shard."
        )
        self._spare = gauge(
            "clearing_shard_spare_replicas",
            "Replicas of the inbox that may fail before nothing can be sent; below 0: nothing can.",
        )
        self._closes = Gauge(
            "clearing_last_close_info",
            "The last close of a shard; 1. The hash is the same wherever the same was cleared.",
            ["shard", "business_date", "history_hash"],
            registry=registry,
        )

    def note_replicas(
        self, replicas: Mapping[str, Replicas], *, read_from: Mapping[str, set[int]], at: float
    ) -> None:
        """Kafka has said how many replicas of each inbox are in step, and which leads.

        read_from: the brokers that we ask for its messages. One that was cut off from the others
        goes on to answer that there are no more, while another takes them; any broker may be asked
        who leads, the one cut off too, so that one answer that fits proves nothing.
        """
        self._replicas = replicas
        for shard, answer in replicas.items():
            strange = read_from[shard] - {answer.leader}
            if strange and answer.leader >= 0:
                doubt = self._doubts.get(shard)
                is_new = doubt is None or at - doubt.last > FRESH_S
                since = at if doubt is None or is_new else doubt.since
                self._doubts[shard] = _Doubt(since, at, f"{answer.leader} and {min(strange)}")

    def note_members(self, members: Mapping[str, GroupMember], *, at: float) -> None:
        """Kafka has said who has which shard; at: when it was asked."""
        self._members, self._members_at = members, at

    def note_states(
        self, states: Collection[ShardState], *, not_in_use: Collection[str], at: float
    ) -> None:
        """Postgres has said how far each shard is; at: when it was asked."""
        self._states = {state.shard: state for state in states}
        self._states_at, self._not_in_use = at, not_in_use
        control = self._states.get(CONTROL_SHARD)
        for shard in self._states.keys() & self.lags.keys():
            state = self._states[shard]
            self.lags[shard].durable = state.next_offset
            if control is not None:
                self._copies[shard].durable = state.control_number
                self._copies[shard].note_end(control.control_number, at=at)

    def views(self) -> dict[str, ShardView]:
        """Each shard as it stands now."""
        now, served = monotonic(), self._served()
        return {shard: self._view(shard, served.get(shard), now=now) for shard in self.lags}

    @property
    def is_ready(self) -> bool:
        """True if every shard is ready, whoever has it; not of a process that looks at none."""
        return bool(self.lags) and all(view.standing.is_ready for view in self.views().values())

    def fill_metrics(self) -> None:
        """Set the metrics as of now."""
        now = monotonic()
        self._ready.set(self.is_ready)
        self._closes.clear()
        for shard, view in self.views().items():
            member = self._members.get(shard)
            is_in_use = view.standing.state != NOT_IN_USE
            self._held.labels(shard).set(member is not None and member.is_worker)
            self._messages.labels(shard).set(self.lags[shard].messages)
            self._seconds.labels(shard).set(self._late_s(shard, now) if is_in_use else 0.0)
            if shard in self._replicas:
                self._spare.labels(shard).set(self._replicas[shard].spare)
            if view.age_s is not None:
                self._ages.labels(shard).set(view.age_s)
            state = self._states.get(shard)
            if state is not None and state.business_date is not None:
                day, history = state.business_date.isoformat(), state.history_hash or ""
                self._closes.labels(shard, day, history).set(1)

    def _late_s(self, shard: str, now: float) -> float:
        """For how long messages or copies have not been durable."""
        copies = self._copies[shard]
        copies_s = copies.seconds(now) if copies.is_answered(now) else 0.0
        return max(self.lags[shard].seconds(now), copies_s)

    def _view(self, shard: str, served: Standing | None, *, now: float) -> ShardView:
        member, state = self._members.get(shard), self._states.get(shard)
        age_s = None if state is None or state.age_s is None else state.age_s
        return ShardView(
            holder="" if member is None else f"{member.name} at {member.host}",
            standing=self._with_others(shard, served or self._standing(shard, now), now=now),
            seq=None if state is None else state.seq,
            age_s=None if age_s is None else max(0.0, age_s + now - self._states_at),
        )

    def _with_others(self, shard: str, standing: Standing, *, now: float) -> Standing:
        """The standing of a shard, unless it is ready for what nobody can send, or has not sent.

        Nor is one ready that waits for longer than it may be late.
        """
        replicas, copies = self._replicas.get(shard), self._copies[shard]
        if standing.is_ready and replicas is not None and replicas.spare < 0:
            text = f"replicas in step: {replicas.in_sync}, needed: {replicas.least}"
            return Standing(CANNOT_SEND, f"{text}; Kafka takes nothing until brokers are back")
        doubt = self._doubts.get(shard)
        if standing.is_ready and doubt is not None and doubt.lasts(now):
            text = f"brokers {doubt.leaders} lead, as they say: one is cut off from the others"
            return Standing(TWO_LEADERS, f"{text}; end it, or mend the network")
        if standing.state == WAITING and not self.lags[shard].is_caught_up(now):
            return Standing(CATCHING_UP, f"{standing.state}: {standing.detail}")
        if standing.state != READY or copies.is_caught_up(now):
            return standing
        if not copies.is_answered(now):
            return Standing(NO_JOURNAL)
        return Standing(BEHIND_CONTROL, f"{copies.messages} control commands are not durable in it")

    def _standing(self, shard: str, now: float) -> Standing:
        member, lag = self._members.get(shard), self.lags[shard]
        if now - self._members_at > FRESH_S:
            return Standing(SILENT)
        if member is None:
            return Standing(NOBODY)
        if not member.is_worker:
            return Standing(STRANGER, f"{member.name} is in the group and no worker: end it")
        if now - self._states_at > FRESH_S:
            return Standing(NO_JOURNAL)
        if shard not in self._states:
            return Standing(NOT_IN_USE if shard in self._not_in_use else NOT_BEGUN)
        if not lag.is_answered(now):
            return Standing(SILENT)
        if lag.is_caught_up(now):
            return Standing(READY)
        return Standing(CATCHING_UP, f"{lag.messages} messages are not durable")
