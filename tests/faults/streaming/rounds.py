"""A round of the streaming campaign: one market published while everything is killed.

In: a seed and a world. Out: what was done to it, counted; an AssertionError if anything is lost,
doubled or otherwise than in the embedded run of the same lines.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from services.broker.topics import partition_of
from services.journal.trouble import JournalTrouble
from tests.faults.streaming.checks import check_round
from tests.faults.streaming.crew import Crew
from tests.faults.streaming.lossy_line import lossy_line
from tests.faults.streaming.markets import busy, hostile
from tests.faults.streaming.points import POINTS
from tests.faults.streaming.publishing import FAILURES, Publishing
from tests.faults.streaming.silence import SilenceWatch
from tests.faults.streaming.thief import steal_group_for
from tests.faults.streaming.world import World
from tests.streaming_house import StreamingHouse

SESSION_MS: Final = 1_500
HEARTBEAT_MS: Final = 400
# Who stands still within a transaction holds up whoever has the shard next; not for long.
WRITER_S: Final = 3
_PROGRESS_S_MAX: Final = 8.0
# A worker begins, joins and loads before it comes to a point: seconds on a busy machine.
_POINT_S_MAX: Final = 15.0
# What a worker that stood still needs to do what it was about to.
_COMEBACK_S: Final = 1.0
_BACKLOG_FAULTS: Final = 12

KINDS: Final = {
    "await a point": 18,
    "kill a worker": 24,
    "kill all workers": 5,
    "stand still": 6,
    "rebalance storm": 3,
    "end a worker": 4,
    "lose replies": 6,
    "kill postgres": 15,
    "kill a backend": 8,
    "kill the broker": 8,
    "steal the group": 3,
    "fill the disk": 3,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How hard a round is.

    script: the faults one after the other, all of them, also when nothing is left to clear; else
    faults_max of them drawn by the weights of kinds.
    armed_share: how many workers stop themselves, at one of these points; still_share: how many of
    those stand still instead of being killed.
    workers: how many live at a time. planted: a defect in all of them.
    is_watched: whether each worker has pages and somebody looks at them.
    market, batch_messages: else any. patience_s: with what must
    come at last.
    """

    script: Sequence[str] = ()
    faults_max: int = 40
    kinds: Mapping[str, int] = field(default_factory=lambda: KINDS)
    points: Sequence[str] = tuple(POINTS)
    armed_share: float = 0.75
    still_share: float = 0.15
    workers: int = 3
    planted: str = ""
    market: str = ""
    is_watched: bool = False
    batch_messages: int = 0
    patience_s: float = 150.0


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
    lines = _market(rng, plan.market)
    settings = {
        "session_timeout_ms": SESSION_MS,
        "heartbeat_interval_ms": HEARTBEAT_MS,
        "writer_timeout_s": WRITER_S,
        "batch_messages": plan.batch_messages or rng.choice([3, 20, 100, 8192]),
        "batch_interval_ms": rng.choice([1, 20, 80]),
    }
    with (
        tempfile.TemporaryDirectory(prefix="clearing-streams-") as name,
        StreamingHouse(world.broker, world.server, Path(name), **settings) as house,
        ExitStack() as ending,
    ):
        crew = Crew(house, Path(name), rng=rng, planted=plan.planted)
        crew.points, crew.still_share = plan.points, plan.still_share
        ending.callback(crew.stop)
        crew.is_watched = plan.is_watched
        watch = ending.enter_context(SilenceWatch(house, crew)) if plan.is_watched else None
        before = Counter(world.counts)
        publishing = Publishing(house, lines, plan.patience_s)
        try:
            Storm(world, house, crew, publishing=publishing, rng=rng, plan=plan).rage()
            crew.start()
            publishing.wait()
            house.await_durable(plan.patience_s)
            check_round(house, lines)
        except FAILURES as error:
            error.add_note(_last_logs(Path(name)))
            raise
        if watch is not None:
            crew.counts["looks at a shard that stood"] = watch.stood
            crew.counts["of these unsaid"] = len(watch.unsaid)
            assert not watch.unsaid, watch.unsaid
        for victim in [*crew.alive]:
            if victim.fault is None:
                crew.end(victim)
        crew.counts["fence losses"] = crew.said("fenced off, lets go")
        counts = crew.counts + (world.counts - before)
    return Done(seed, len(lines), time.monotonic() - begun, counts)


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
                _FAULTS[kind](self)
                self._crew.count_ended()
                self._replace()
            if self._crew.resume_all():
                time.sleep(_COMEBACK_S)
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
        return kind != "fill the disk" or self._world.disk is not None

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

    def come_back(self) -> None:
        """Who stands still goes on when others have had what was its own, and have moved on."""
        if not self._crew.is_any_still:
            return
        time.sleep(SESSION_MS / 1000 * 1.5)
        self._await_progress()
        self._crew.counts["came back"] += self._crew.resume_all()
        time.sleep(_COMEBACK_S)

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
        inbox = partition_of("market/SIT", self._house.name)
        self._world.kill_broker(self._rng.choice([0.0, 0.5, 3.0]), inbox, rng=self._rng)

    def steal_group(self) -> None:
        """A consumer that is no worker takes shards for a while."""
        asyncio.run(steal_group_for(self._house.settings, self._rng.uniform(1.0, 3.0)))
        self._crew.counts["groups stolen"] += 1

    def fill_disk(self) -> None:
        """No room for Postgres, for a while."""
        self._world.fill_disk(self._rng.uniform(0.5, 3.0), rng=self._rng)


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


_FAULTS: Final[dict[str, Callable[[Storm], None]]] = {
    "await a point": Storm.await_point,
    "kill a worker": Storm.kill_worker,
    "kill all workers": Storm.kill_all_workers,
    "stand still": Storm.stand_still,
    "come back": Storm.come_back,
    "rebalance storm": Storm.rebalance_storm,
    "end a worker": Storm.end_worker,
    "lose replies": Storm.lose_replies,
    "kill postgres": Storm.kill_postgres,
    "kill a backend": Storm.kill_backend,
    "kill the broker": Storm.kill_broker,
    "steal the group": Storm.steal_group,
    "fill the disk": Storm.fill_disk,
}
