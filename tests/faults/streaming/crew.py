"""The workers of a round: some alive, some that will stop themselves, dead ones replaced.

In: a house. Out: counts of how they ended. What a supervisor would do on real machines: who has
ended is started again.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.streaming.network import Side
from tests.faults.streaming.points import OFTEN, POINTS, STANDSTILLS, Fault
from tests.faults.streaming.victims import Victim, started
from tests.kafka_broker import free_ports
from tests.streaming_house import StreamingHouse

_END_S_MAX: Final = 40.0
# A worker begins only where both Kafka and Postgres answer.
_NEVER_BEGAN: Final = 2
# What a worker may end itself with; anything else would be a law that broke.
_MAY_END_WITH: Final = ("FencedOff", "BrokerUnreachable", "DatabaseUnreachable", "DatabaseGone")
# How many of the armed stand still instead of being killed.
_STILL_SHARE: Final = 0.15


class Crew:
    """Workers of a house.

    planted: the defect in all; url: of the database they are told, if not over the lines of sides,
    which every other worker has. points: where armed ones stop. faults: what was done, with the
    seconds since the storm began.
    """

    def __init__(
        self, house: StreamingHouse, directory: Path, *, rng: Random, planted: str = ""
    ) -> None:
        self._house = house
        self._directory = directory
        self._rng = rng
        self._planted = planted
        self._all: list[Victim] = []
        self.alive: list[Victim] = []
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.url = house.url
        self.sides: Sequence[Side] = ()
        self.points: Sequence[str] = tuple(POINTS)
        self.is_watched = False

    def start(self, fault: Fault | None = None) -> Victim:
        """One more."""
        log = self._directory / f"victim-{len(self._all)}.log"
        port = free_ports(1)[0] if self.is_watched else 0
        settings, side = {"database": self.url}, None
        if self.sides and self.url == self._house.url:
            side = self.sides[len(self._all) % len(self.sides)]
            settings = side.environment(self.url)
        environment = self._house.environment(**settings, web_port=port)
        room = "" if side is None else side.room
        victim = started(environment, log, fault=fault, planted=self._planted, room=room)
        victim.port, victim.host = port, victim.host if side is None else side.host
        self._all.append(victim)
        self.alive.append(victim)
        return victim

    def start_armed(self) -> Victim:
        """One more, that will kill itself or stand still at a point."""
        point, ending = self._rng.choice(self.points), signal.SIGKILL
        if self._rng.random() < _STILL_SHARE:
            still = [one for one in self.points if one in STANDSTILLS]
            point, ending = self._rng.choice(still), signal.SIGSTOP
        most = 10 if point in OFTEN else 2
        return self.start(Fault(point, self._rng.randint(1, most), ending))

    @property
    def stopped(self) -> int:
        """How many were killed or stand still, so far."""
        stills = sum(count for name, count in self.counts.items() if name.startswith("still "))
        return self.counts["worker kills"] + stills

    @property
    def is_any_armed(self) -> bool:
        """Whether one lives that will stop itself."""
        return any(one.fault is not None and not one.is_still for one in self.alive)

    def one(self) -> Victim | None:
        """Any that lives and moves."""
        moving = [one for one in self.alive if not one.is_still and one.code is None]
        return self._rng.choice(moving) if moving else None

    def kill(self, victim: Victim, why: str) -> None:
        """End one with SIGKILL."""
        victim.kill()
        self._count_end(victim, why)

    def count_ended(self) -> None:
        """Notice those that have ended by themselves, or stand still."""
        for victim in [*self.alive]:
            if victim.code is not None:
                at = f"killed {victim.fault.point}" if victim.fault is not None else "killed"
                self._count_end(victim, at)
            elif victim.fault is not None and not victim.is_still and _stands_still(victim.pid):
                victim.is_still = True
                self.counts[f"still {victim.fault.point}"] += 1

    def resume_all(self) -> int:
        """Let those that stand still go on; how many."""
        still = [one for one in self.alive if one.is_still and one.code is None]
        for victim in still:
            victim.resume()
        return len(still)

    def end(self, victim: Victim) -> None:
        """End one in order."""
        victim.terminate()
        assert victim.has_ended(_END_S_MAX), f"still there after SIGTERM: {victim.log_lines()[-5:]}"
        self._count_end(victim, "terminated")

    def stop(self) -> None:
        """Kill all that live, uncounted."""
        for victim in self.alive:
            victim.kill()
        self.alive.clear()

    def said(self, part: str) -> int:
        """How many lines of all logs contain this."""
        return sum(part in line for victim in self._all for line in victim.log_lines())

    def _count_end(self, victim: Victim, why: str) -> None:
        self.alive.remove(victim)
        code = victim.code
        if code == -signal.SIGKILL:
            self.counts[why] += 1
            self.counts["worker kills"] += 1
        elif code == _NEVER_BEGAN:
            self.counts["found no Kafka or no Postgres"] += 1
        elif code in {0, -signal.SIGTERM}:  # -SIGTERM: asked before it could listen.
            self.counts["ended in order"] += 1
        else:
            last = _last_words(victim)
            self.counts[f"gave up: {last.partition(':')[0]}"] += 1
            may = any(last.startswith(name) for name in _MAY_END_WITH)
            assert may, f"a worker ended with {code}: {last}"


def _stands_still(pid: int) -> bool:
    """Whether a process was stopped by a signal."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:  # It has just ended.
        return False
    return stat.rpartition(")")[2].split()[0] == "T"


def _last_words(victim: Victim) -> str:
    """The gravest thing it said, or the last."""
    lines = [line for line in victim.log_lines() if line.strip()]
    for line in lines:
        if line.startswith("{") and json.loads(line)["level"] == "critical":
            return str(json.loads(line)["said"])
    return lines[-1] if lines else "nothing"
