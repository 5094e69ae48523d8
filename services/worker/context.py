"""What the parts of one worker share."""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer

from services.settings import Settings
from services.worker.metrics import Metrics
from services.worker.pg_notify import Notices


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Settings, the consumer of the group, measures and notices. database: its URL."""

    settings: Settings
    database: str
    consumer: AIOKafkaConsumer
    measures: Metrics
    notices: Notices
