"""The session's clock: `advance_clock` with the present time, sent to `control/0` by a timer.

In: a tick and the control books. Out: a command like any other; the core never asks a clock. When
the present lies outside the open session (a history is being fed) nothing is sent.
"""

from __future__ import annotations

import json
import time
from typing import Final

from aiokafka import AIOKafkaProducer

from events.control_commands import AdvanceClock
from events.units import format_instant
from services.broker.connecting import producer_options, started
from services.broker.producer_stop import stop_producer
from services.broker.topics import ShardPartition
from services.broker.trouble import BrokerTrouble, broker_translated
from services.settings import Settings
from settlement.control_books import ControlBooks

CLOCK_STOP_S: Final = 0.5


class SessionClock:
    """Sends the time while the session is open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def advance(self, partition: ShardPartition, control: ControlBooks) -> None:
        """Send the present time, if it lies in the session. Errors: BrokerTrouble."""
        now = time.time_ns()
        if control.business_date is None or not control.is_time_in_range(now):
            return
        line = json.dumps({"type": AdvanceClock.TYPE, "at": format_instant(now)}).encode()
        options = producer_options(self._settings, "clock")
        if self._producer is None:
            self._producer = await started(lambda: AIOKafkaProducer(**options), self._settings)
        try:
            with broker_translated("sending the time", self._settings, right="Write"):
                await self._producer.send_and_wait(
                    partition.topic, line, key=partition.shard.encode(), partition=partition.number
                )
        except BrokerTrouble:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            # A time that was not delivered is of no use later.
            await stop_producer(producer, patience_s=CLOCK_STOP_S)
