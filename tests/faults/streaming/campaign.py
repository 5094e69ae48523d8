"""The streaming campaign: `python tests/faults --streams --rounds N --seed S [--plant NAME]`.

With `--brokers 3` each inbox has three replicas, and leaders of three are killed.
Prints a line for each round and the sum; a round that fails prints its seed and how to repeat it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final

from tests.faults.full_disk import may_mount, small_disk
from tests.faults.streaming.namespaces import NoRooms, Rooms
from tests.faults.streaming.network import WiredNetwork, WiredServer, network
from tests.faults.streaming.publishing import FAILURES
from tests.faults.streaming.rounds import Done, stream_round
from tests.faults.streaming.storm import Plan
from tests.faults.streaming.world import World
from tests.kafka_broker import LINED, LocalBroker, Stand
from tests.kafka_cluster import LocalCluster

# The broker refuses shorter sessions than 6 s unless told otherwise.
# Of transactions that their producers have left it thinks every ten seconds.
BROKER: Final = LINED | {
    "group.min.session.timeout.ms": "500",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
}
_DISK: Final = "1500m"


@dataclass(slots=True)
class Campaign:
    """Rounds, counted. report: a file for the figures, rewritten after each round."""

    plan: Plan
    report: Path | None = None
    brokers: int = 1
    done: list[Done] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    begun: float = field(default_factory=monotonic)

    def run(self, seeds: range) -> int:
        """Play the rounds; 1 if any failed."""
        with world_at_hand(self.brokers) as world:
            for seed in seeds:
                self._play(world, seed)
        say(json.dumps(self.figures(), indent=1))
        return int(bool(self.failed))

    def figures(self) -> dict[str, Any]:
        """What was done, in all."""
        counts: Counter[str] = sum((one.counts for one in self.done), Counter())
        return {
            "rounds": len(self.done),
            "seeds": [one.seed for one in self.done],
            "lines": sum(one.lines for one in self.done),
            "seconds": round(monotonic() - self.begun),
            "failed": self.failed,
            "counts": dict(sorted(counts.items())),
        }

    def _play(self, world: World, seed: int) -> None:
        try:
            one = stream_round(world, seed, self.plan)
        except FAILURES as error:
            self.failed[seed] = f"{type(error).__name__}: {str(error)[:2000]}"
            said = "".join(traceback.format_exception(error))[-6000:]
            again = f"python tests/faults --streams --rounds 1 --seed {seed}"
            again += f" --brokers {self.brokers}"
            planted = f" --plant {self.plan.planted}" if self.plan.planted else ""
            say(f"seed {seed} FAILED: {said}\nagain: {again}{planted}")
            world.mend_postgres()
        else:
            self.done.append(one)
            kinds = ", ".join(f"{count} {name}" for name, count in sorted(one.counts.items()))
            say(f"seed {seed}: {one.lines} lines, {one.seconds:.0f} s: {kinds}")
        if self.report is not None:
            self.report.write_text(json.dumps(self.figures(), indent=1), encoding="utf-8")


@contextmanager
def world_at_hand(brokers: int = 1, *, has_rooms: bool = True) -> Iterator[World]:
    """A broker or three, and a server, on a disk that can be filled where we may mount one.

    has_rooms: whether its network is to be of namespaces, where we may make them.
    """
    with ExitStack() as held:
        base = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="clearing-faults-")))
        disk = None
        if may_mount():
            disk = held.enter_context(small_disk(base / "disk", size=_DISK))
        wired = _wired(held, brokers) if has_rooms else None
        wires = [] if wired is None else [side.postgres for side in wired.sides]
        server = held.enter_context(WiredServer((disk or base) / "postgres", wires))
        stands = [Stand()] * brokers if wired is None else wired.stands
        broker: LocalBroker | LocalCluster
        if brokers == 1:
            broker = one = held.enter_context(
                LocalBroker(base / "kafka", properties=BROKER, stand=stands[0])
            )
            each = [one]
        else:
            broker = held.enter_context(
                LocalCluster(base / "kafka", properties=BROKER, stands=stands)
            )
            each = [*broker.brokers.values()]
        sides = held.enter_context(network(each, server)) if wired is None else wired.laid(each)
        among = None if wired is None else wired.among
        yield World(broker, server, sides=sides, among=among, disk=disk)


def _wired(held: ExitStack, brokers: int) -> WiredNetwork | None:
    """A network of namespaces; None, and a word, where we may make none."""
    try:
        return WiredNetwork(held.enter_context(Rooms()), brokers)
    except NoRooms as reason:
        say(f"partitions by lines of our own, since there are no namespaces: {reason}")
        return None


def say(text: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
