"""The objects that all parts of one worker share: settings, consumer, metrics, notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaConsumer

from services.broker.trouble import BrokerRefused, BrokerUnreachable
from services.journal.trouble import (
    CommitUnknown,
    DatabaseGone,
    DatabaseOverloaded,
    DatabaseUnreachable,
    DiskFull,
    RightsMissing,
)
from services.settings import Settings
from services.worker.fence_losses import LastDurable
from services.worker.metrics import Metrics
from services.worker.pg_notify import Notices

# Troubles that pass by themselves, or when an operator mends the database or grants a right again.
PASSING: Final = (
    BrokerRefused, BrokerUnreachable, CommitUnknown, DatabaseGone, DatabaseOverloaded,
    DatabaseUnreachable, DiskFull, RightsMissing,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Settings, the consumer of the group, metrics and notices.

    database: its URL; last_durable: of all shards of the worker.
    """

    settings: Settings
    database: str
    consumer: AIOKafkaConsumer
    metrics: Metrics
    notices: Notices
    last_durable: LastDurable = field(default_factory=LastDurable)
