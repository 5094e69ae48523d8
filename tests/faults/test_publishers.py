"""Publishers killed and standing still while facts come: each fact is published once, in order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.broker.topic_creation import TopicPlan, make_topics
from services.settings import ENV_PREFIX, Settings
from tests.forked import ForkedProcess
from tests.services.worker.fact_readers import journal_facts, kafka_facts
from tests.streams import Streams
from tests.twin.generate import written
from tests.waiting import until

SHARDS = ("control/0", "market/SIT", "member/0")


class Publisher:
    """A process that runs `clearing publish`."""

    def __init__(self, settings: Settings, log: Path) -> None:
        names = ("brokers", "database", "topic_prefix")
        chosen = {"publish_facts": "true", "web_port": "0"}
        chosen |= {name: getattr(settings, name) for name in names}
        environment = {f"{ENV_PREFIX}{name.upper()}": value for name, value in chosen.items()}
        self._log = log
        self.process = ForkedProcess(["publish"], log, environment=os.environ | environment)

    def await_said(self, text: str) -> None:
        """Wait until it has logged something."""
        until(lambda: text in self._log.read_text("utf-8"), f"{text} in {self._log}")

    def end(self, sign: signal.Signals) -> int:
        """Send it a signal and wait for its end; how it ended."""
        self.process.send_signal(sign)
        return self.process.wait(30)


@contextmanager
def ended(publishers: list[Publisher]) -> Iterator[None]:
    """None of them outlives the test."""
    try:
        yield
    finally:
        for publisher in publishers:
            publisher.process.kill()
            publisher.process.wait()


def is_published(settings: Settings) -> bool:
    """Whether Kafka has as many facts as the journal."""
    url = str(settings.database)
    return all(
        len(kafka_facts(settings, shard)) >= len(journal_facts(url, shard)) for shard in SHARDS
    )


def test_publishers_killed_and_asleep_leave_each_fact_once_in_order(
    streams: Settings, tmp_path: Path
) -> None:
    settings = streams.model_copy(update={"publish_facts": True})
    make_topics(settings, TopicPlan(replication=1, min_insync=1))
    lines = written(5, 2).lines
    third = len(lines) // 3
    publishers: list[Publisher] = []

    def started(says: str) -> Publisher:
        publishers.append(Publisher(settings, tmp_path / f"publisher-{len(publishers)}.log"))
        publishers[-1].await_said(says)
        return publishers[-1]

    with Streams(str(settings.database)) as inboxes, ended(publishers):
        first, second = started("facts go on"), started("stands by")
        inboxes.feed(lines[:third])
        assert first.end(signal.SIGKILL) == -signal.SIGKILL
        second.await_said("facts go on")
        third_one = started("stands by")
        inboxes.feed(lines[third : 2 * third])
        second.process.send_signal(signal.SIGSTOP)
        inboxes.feed(lines[2 * third :])
        # Postgres ends the connection that stands still.
        third_one.await_said("facts go on")
        second.process.send_signal(signal.SIGCONT)
        second.await_said("stands by")
        until(lambda: is_published(settings), "all facts are published")
        assert third_one.end(signal.SIGTERM) == 0
    for shard in SHARDS:
        assert kafka_facts(settings, shard) == journal_facts(str(settings.database), shard)
