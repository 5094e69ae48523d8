"""The services that workers need: Kafka and Postgres, each killed and restarted, the disk filled.

In: a broker and an embedded server. Out: counts of what was done to them.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from threading import Thread
from typing import Final

import psycopg

from services.broker.topics import ShardPartition
from services.journal.embedded import EmbeddedServer
from tests.faults.full_disk import MIB, filled
from tests.faults.postmaster import kill_postmaster
from tests.faults.streaming.network import Side, Way
from tests.kafka_broker import LocalBroker
from tests.kafka_cluster import LocalCluster

_BACKENDS: Final = """
SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'clearing%%'
ORDER BY pid
"""


class World:
    """Kafka and Postgres. sides: the ways by which workers speak with them.

    among: the way of one broker to the others, if it can be cut.
    disk: where Postgres lives, if that disk is small enough to be filled.
    """

    def __init__(
        self,
        broker: LocalBroker | LocalCluster,
        server: EmbeddedServer,
        *,
        sides: list[Side],
        among: Way | None = None,
        disk: Path | None = None,
    ) -> None:
        self.broker = broker
        self.server = server
        self.sides = sides
        self.among = among
        self.disk = disk
        self._back: Thread | None = None
        self.counts: Counter[str] = Counter()

    def kill_postgres(self) -> None:
        """Kill the first process of Postgres; start it again on its files when all are dead."""
        kill_postmaster(self.server.directory)
        self.counts["postgres kills"] += 1
        self.mend_postgres()

    def mend_postgres(self) -> None:
        """See that Postgres runs: waits until all of an old server are dead, then starts one."""
        with EmbeddedServer(self.server.directory):
            pass

    def kill_backend(self, database: str, *, rng: Random) -> None:
        """End one of the server's processes that work for the workers: kill -9 or politely.

        kill -9 of any of them makes Postgres end all and recover.
        """
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(self.server.url, autocommit=True) as admin,
        ):
            pids = [int(str(row[0])) for row in admin.execute(_BACKENDS, [database]).fetchall()]
            if not pids:
                return
            if rng.random() < 0.2:
                os.kill(rng.choice(pids), signal.SIGKILL)
                self.counts["postgres kills"] += 1
            else:
                admin.execute("SELECT pg_terminate_backend(%s)", [rng.choice(pids)])
                self.counts["backends terminated"] += 1

    def kill_broker(self, away_s: float, inbox: ShardPartition, *, rng: Random) -> None:
        """Kill Kafka, and start it on its files a while later.

        Of three brokers one, as often as not the leader of this inbox; the others go on meanwhile.
        """
        self.mend_brokers()
        broker = self.broker
        if isinstance(broker, LocalCluster):
            leader = broker.leader(inbox)
            number = rng.choice([leader, *broker.brokers]) if leader >= 0 else 1
            self.counts["leader kills"] += number == leader
            broker = broker.brokers[number]
        broker.kill()
        self.counts["broker kills"] += 1

        def come_back() -> None:
            time.sleep(away_s)
            broker.restart()

        self._back = Thread(target=come_back, name="broker", daemon=True)
        self._back.start()
        if broker is self.broker:
            self.mend_brokers()

    def mend_brokers(self) -> None:
        """Wait until the broker that was killed is there again."""
        if self._back is not None:
            self._back.join()

    def cut_kafka(self, seconds: float, *, rng: Random) -> None:
        """Cut half of the workers off from Kafka, or from one of its brokers."""
        lines = rng.choice(self.sides).kafka
        chosen = lines if rng.random() < 0.7 else [rng.choice(lines)]
        with ExitStack() as cut:
            for line in chosen:
                cut.enter_context(line.cut_somehow(rng))
            time.sleep(seconds)
        self.counts["partitions from Kafka"] += 1

    def cut_postgres(self, seconds: float, *, rng: Random) -> None:
        """Cut half of the workers off from Postgres."""
        with rng.choice(self.sides).postgres.cut_somehow(rng):
            time.sleep(seconds)
        self.counts["partitions from Postgres"] += 1

    def cut_among(self, seconds: float, *, rng: Random) -> None:
        """Cut one broker off from the others and from their controller; workers still reach it."""
        assert self.among is not None, "no broker stands apart"
        with self.among.cut_somehow(rng):
            time.sleep(seconds)
        self.counts["partitions among brokers"] += 1

    def fill_disk(self, seconds: float, *, rng: Random) -> None:
        """Leave Postgres next to no room for a while."""
        assert self.disk is not None, "this disk cannot be filled"
        with filled(self.disk, but=rng.choice([0, MIB // 4, 2 * MIB])):
            time.sleep(seconds)
        self.counts["disk filled"] += 1
        self.mend_postgres()
