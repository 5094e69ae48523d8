"""The storm of a round: everything is killed, cut off and imitated, after a script or at random.

In: a world, a house with its workers, a plan. Out: counts of what was done.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from threading import Thread
from typing import Final

from services.broker.topics import partition_of
from services.journal.trouble import JournalTrouble
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from tests.faults.streaming.crew import Crew
from tests.faults.streaming.lossy_line import lossy_line
from tests.faults.streaming.points import POINTS
from tests.faults.streaming.publishing import FedHouse, Publishing
from tests.faults.streaming.stranger import hold_transaction, send_bomb
from tests.faults.streaming.thief import steal_group_for
from tests.faults.streaming.world import World
from tests.streaming_house import StreamingHouse

SESSION_MS: Final = 2_500
HEARTBEAT_MS: Final = 500
# Who stands still within a transaction holds up whoever has the shard next; not for long.
WRITER_S: Final = 3
_PROGRESS_S_MAX: Final = 20.0
# A worker begins, joins and loads before it comes to a point: seconds on a busy machine.
_POINT_S_MAX: Final = 15.0
# What a worker that stood still needs to do what it was about to.
_COMEBACK_S: Final = 1.0
_BACKLOG_FAULTS: Final = 12
_SIT: Final = "market/SIT"
_SHARDS: Final = (_SIT, MEMBER_SHARD, CONTROL_SHARD)

# From less than a session to longer than a shard may stand unsaid.
_AWAY_S: Final = (0.5, 8.0)

KINDS: Final = {
    "await a point": 14,
    "kill a worker": 24,
    "kill all workers": 5,
    "stand still": 4,
    "rebalance storm": 2,
    "end a worker": 3,
    "lose replies": 4,
    "kill postgres": 16,
    "kill a backend": 6,
    "kill the broker": 14,
    "steal the group": 4,
    "fill the disk": 2,
    "send a bomb": 5,
    "hold a transaction": 5,
    "end the feed": 8,
    "cut off Kafka": 5,
    "cut off Postgres": 5,
    "cut off a broker": 5,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How hard a round is.

    script: the faults one after the other, all of them, also when nothing is left to clear; else
    faults_max of them drawn by the weights of kinds.
    armed_share: how many workers stop themselves, at one of these points.
    workers: how many live at a time. planted: a defect in all of them.
    is_watched: whether each worker has pages and somebody looks at them. is_fed: whether by
    `clearing feed`, which is ended too, and not by a thread; None: as it comes.
    market, batch_messages: else any. patience_s: with what must
    come at last.
    """

    script: Sequence[str] = ()
    faults_max: int = 40
    kinds: Mapping[str, int] = field(default_factory=lambda: KINDS)
    points: Sequence[str] = tuple(POINTS)
    armed_share: float = 0.75
    workers: int = 3
    planted: str = ""
    market: str = ""
    is_watched: bool = False
    is_fed: bool | None = None
    batch_messages: int = 0
    patience_s: float = 300.0


class Storm:
    """Faults at random, each after the one before was survived by some progress."""

    def __init__(
        self,
        world: World,
        house: StreamingHouse,
        crew: Crew,
        *,
        publishing: Publishing,
        rng: Random,
        plan: Plan,
    ) -> None:
        self._world = world
        self._house = house
        self._crew = crew
        self._publishing = publishing
        self._rng = rng
        self._plan = plan
        self._kinds = {kind: weight for kind, weight in plan.kinds.items() if self._is_able(kind)}
        self._seen = 0
        self._begun = time.monotonic()
        self._strangers: list[Thread] = []

    def rage(self) -> None:
        """Break things until all is published and some backlog was cleared under fire."""
        backlog = _BACKLOG_FAULTS
        with ExitStack() as lines:
            self._lose_some_replies(lines)
            self._replace()
            for kind in self._plan.script or self._drawn():
                if self._has_work():
                    self._await_progress()
                elif not self._plan.script:
                    break
                self._publishing.check()
                backlog -= not self._publishing.is_alive
                if not backlog:
                    break
                self._crew.faults.append(f"{time.monotonic() - self._begun:.1f} {kind}")
                _FAULTS[kind](self)
                self._crew.count_ended()
                self._replace()
            if self._crew.resume_all():
                time.sleep(_COMEBACK_S)
            for stranger in self._strangers:
                stranger.join()
            self._world.mend_brokers()
            self._world.mend_postgres()
            self._crew.url = self._house.url
            self._crew.count_ended()
            # Over lines that go with the storm nobody can work on.
            for victim in [*self._crew.alive]:
                self._crew.kill(victim, "killed at the end")

    def _drawn(self) -> list[str]:
        """Faults as their weights say."""
        return self._rng.choices([*self._kinds], [*self._kinds.values()], k=self._plan.faults_max)

    def _is_able(self, kind: str) -> bool:
        lacking = {"fill the disk": self._world.disk, "cut off a broker": self._world.among}
        return lacking.get(kind, kind) is not None

    def _lose_some_replies(self, lines: ExitStack) -> None:
        """All workers of some storms speak with Postgres over a line that loses replies."""
        if self._rng.random() < 0.25 and "lose replies" in self._kinds:
            every, heard = self._rng.randint(5, 40), self._rng.random() < 0.7
            url, line = lines.enter_context(lossy_line(self._house.url, every=every, heard=heard))
            self._crew.url = url

            def count() -> None:
                self._crew.counts["replies to COMMIT lost"] += line.lost

            lines.callback(count)

    def _await_progress(self) -> None:
        """Until some shard moved, so that no storm is only waiting; then not longer than a bit."""
        deadline = time.monotonic() + _PROGRESS_S_MAX
        while time.monotonic() < deadline:
            self._crew.count_ended()
            self._replace()
            rows = self._rows()
            if rows > self._seen:
                self._seen = rows
                break
            time.sleep(0.05)
        time.sleep(self._rng.choice([0.0, 0.1, 0.4, 1.0]) * self._rng.random())

    def _rows(self) -> int:
        try:
            return sum(head.seq + 1 for head in self._house.heads().values())
        except JournalTrouble:
            return -1

    def _has_work(self) -> bool:
        """Whether anything is yet to be published or cleared."""
        if self._publishing.is_alive:
            return True
        try:
            self._house.await_durable(0.0)
        except AssertionError:
            return True
        return False

    def _replace(self) -> None:
        """Enough workers live and move, most of them armed."""
        moving = [one for one in self._crew.alive if not one.is_still]
        for _ in range(self._plan.workers - len(moving)):
            if self._rng.random() < self._plan.armed_share:
                self._crew.start_armed()
            else:
                self._crew.start()

    def await_point(self) -> None:
        """Give an armed worker the time to come to its point, if there is one and work to do."""
        stopped, deadline = self._crew.stopped, time.monotonic() + _POINT_S_MAX
        while self._crew.stopped == stopped and time.monotonic() < deadline:
            if not self._crew.is_any_armed or not self._has_work():
                break
            time.sleep(0.05)
            self._crew.count_ended()

    def kill_worker(self) -> None:
        """One or two of them, at any moment."""
        for _ in range(self._rng.randint(1, 2)):
            victim = self._crew.one()
            if victim is not None:
                self._crew.kill(victim, "killed at random")

    def kill_all_workers(self) -> None:
        """All at once, as when the machine goes."""
        while (victim := self._crew.one()) is not None:
            self._crew.kill(victim, "killed at random")

    def stand_still(self) -> None:
        """Longer than the session: what it had is somebody else's when it goes on."""
        victim = self._crew.one()
        if victim is None:
            return
        victim.suspend()
        self._replace()
        time.sleep(SESSION_MS / 1000 * self._rng.uniform(1.5, 3.5))
        self._crew.counts["stood still"] += 1
        self._crew.resume_all()
        time.sleep(_COMEBACK_S * self._rng.random())

    def rebalance_storm(self) -> None:
        """Workers join and leave, each while the group still deals with the one before."""
        for _ in range(self._rng.randint(3, 6)):
            self._crew.start()
            time.sleep(self._rng.uniform(0.1, 0.8))
            self.end_worker(is_awaited=False)
        self._crew.counts["rebalance storms"] += 1

    def end_worker(self, *, is_awaited: bool = True) -> None:
        """One leaves in order."""
        victim = self._crew.one()
        if victim is not None:
            victim.terminate()
            victim.has_ended(5.0 if is_awaited else 0.0)

    def lose_replies(self) -> None:
        """One worker more, over a line that loses replies, while there is much to commit."""
        every, heard = self._rng.randint(2, 12), self._rng.random() < 0.7
        url, before = self._crew.url, self._seen
        with lossy_line(self._house.url, every=every, heard=heard) as (lossy, line):
            self._crew.url = lossy
            self.kill_all_workers()
            victim = self._crew.start()
            self._crew.url = url
            deadline = time.monotonic() + _PROGRESS_S_MAX
            while not line.lost and time.monotonic() < deadline:
                time.sleep(0.02)
            self._crew.counts["replies to COMMIT lost"] += line.lost
            time.sleep(self._rng.uniform(0.0, 1.5))
            if victim.code is None:
                self._crew.kill(victim, "killed after a lost reply")
        self._seen = max(before, self._rows())

    def kill_postgres(self) -> None:
        """The whole server, and start it again."""
        self._world.kill_postgres()

    def kill_backend(self) -> None:
        """One of the server's processes."""
        self._world.kill_backend(
            self._house.url.partition("@/")[2].partition("?")[0], rng=self._rng
        )

    def kill_broker(self) -> None:
        """Kafka, or one broker of three, and start it again."""
        inbox = partition_of(_SIT, self._house.name)
        self._world.kill_broker(self._rng.choice([0.0, 0.5, 3.0]), inbox, rng=self._rng)

    def steal_group(self) -> None:
        """A consumer that is no worker takes shards for a while."""
        asyncio.run(steal_group_for(self._house.settings, self._rng.uniform(*_AWAY_S)))
        self._crew.counts["groups stolen"] += 1

    def send_bomb(self) -> None:
        """A batch that holds more than it may."""
        codec = self._rng.randint(1, 4)
        send_bomb(self._house.settings, self._rng.choice(_SHARDS), codec=codec)

    def hold_transaction(self) -> None:
        """A stranger's messages, not committed for a while and then never; the storm goes on."""
        seconds, is_abandoned = self._rng.uniform(*_AWAY_S), self._rng.random() < 0.3
        work = hold_transaction(
            self._house.settings,
            self._rng.choice(_SHARDS),
            seconds=seconds,
            is_abandoned=is_abandoned,
        )
        self._strangers.append(Thread(target=asyncio.run, args=[work], name="stranger"))
        self._strangers[-1].start()
        self._crew.counts["transactions held"] += 1

    def end_the_feed(self) -> None:
        """Politely or not; it is given again and goes on."""
        ending = self._rng.choice([signal.SIGTERM, signal.SIGKILL])
        if isinstance(self._publishing.house, FedHouse):
            self._publishing.house.end(ending)

    def cut_kafka(self) -> None:
        """Half of the workers hear nothing of Kafka, or of one broker."""
        self._world.cut_kafka(self._rng.uniform(*_AWAY_S), rng=self._rng)

    def cut_postgres(self) -> None:
        """Half of the workers hear nothing of Postgres."""
        self._world.cut_postgres(self._rng.uniform(*_AWAY_S), rng=self._rng)

    def cut_among(self) -> None:
        """One broker of three hears nothing of the others."""
        self._world.cut_among(self._rng.uniform(*_AWAY_S), rng=self._rng)

    def fill_disk(self) -> None:
        """No room for Postgres, for a while."""
        self._world.fill_disk(self._rng.uniform(0.5, 3.0), rng=self._rng)


_FAULTS: Final[dict[str, Callable[[Storm], None]]] = {
    "await a point": Storm.await_point,
    "kill a worker": Storm.kill_worker,
    "kill all workers": Storm.kill_all_workers,
    "stand still": Storm.stand_still,
    "rebalance storm": Storm.rebalance_storm,
    "end a worker": Storm.end_worker,
    "lose replies": Storm.lose_replies,
    "kill postgres": Storm.kill_postgres,
    "kill a backend": Storm.kill_backend,
    "kill the broker": Storm.kill_broker,
    "steal the group": Storm.steal_group,
    "fill the disk": Storm.fill_disk,
    "send a bomb": Storm.send_bomb,
    "hold a transaction": Storm.hold_transaction,
    "end the feed": Storm.end_the_feed,
    "cut off Kafka": Storm.cut_kafka,
    "cut off Postgres": Storm.cut_postgres,
    "cut off a broker": Storm.cut_among,
}
