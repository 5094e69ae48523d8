"""Waiting in tests for what comes true by itself, so that a slow machine is only slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from kafka.errors import KafkaError

from services.broker.topic_state import TopicState, existing_topics, topics_admin
from services.broker.topics import partition_counts
from services.settings import Settings

# Longer than anything takes where nothing is wrong, with every core busy with other tests.
SECONDS_MAX: Final = 120.0
_LOOK_S: Final = 0.05
_METADATA_S_MAX: Final = 30.0


def until(holds: Callable[[], bool], what: str, seconds: float = SECONDS_MAX) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"after {seconds} s: {what}"
        time.sleep(_LOOK_S)


def until_kafka_shows(settings: Settings, holds: Callable[[dict[str, TopicState]], bool]) -> None:
    """Wait for what brokers tell of topics to follow a change: the answer to it comes first."""
    names = partition_counts(settings.topic_prefix, with_facts=True)
    with topics_admin(settings) as admin:

        def shows() -> bool:
            try:
                return holds(existing_topics(admin, names))
            except KafkaError:  # A topic that goes between two questions about it.
                return False

        until(shows, "the topics are as they were changed", _METADATA_S_MAX)
