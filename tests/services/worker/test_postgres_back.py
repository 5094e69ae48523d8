"""Postgres dies under a worker and comes back: clearing goes on within two seconds."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from services.journal.embedded import EmbeddedServer
from tests.faults.postmaster import kill_postmaster
from tests.services.worker.test_worker import SIT, offset_of, put, says, times_said
from tests.streaming_house import StreamingHouse
from tests.waiting import until

# Delays that double would have come to eight seconds by then.
AWAY_S: Final = 7.6
# Two on a machine with nothing else to do.
BACK_S_MAX: Final = 4.0


def test_clearing_goes_on_two_seconds_after_postgres_is_back(broker: str, tmp_path: Path) -> None:
    with (
        EmbeddedServer(tmp_path) as server,
        StreamingHouse(broker, server, tmp_path) as house,
    ):
        worker = house.start_worker()
        asyncio.run(put(house, SIT, b"before"))
        until(lambda: offset_of(house, SIT) == 1, "the market is read")
        kill_postmaster(server.directory)
        asyncio.run(put(house, SIT, b"meanwhile"))
        time.sleep(AWAY_S)
        assert says(worker, "loads anew")
        # Of each shard a line a second, at most.
        assert times_said(worker, '"shard": "market/SIT"') < 4 + AWAY_S
        with EmbeddedServer(server.directory):
            back = time.monotonic()
        until(lambda: offset_of(house, SIT) == 2, "the next message is taken")
        assert time.monotonic() - back < BACK_S_MAX
        assert worker.is_alive
        assert house.verify() == []
