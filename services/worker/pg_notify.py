"""Notices from Postgres: links have come, control commands stand. Hints only; every waiter polls.

In: `pg_notify` on `clearing_link` and `clearing_control`. Out: the tasks that wait for a channel
wake. A connection that breaks is made anew; the poll finds the notices missed meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

import psycopg

from services.journal.connecting import defaults_of

LINK_CHANNEL: Final = "clearing_link"
CONTROL_CHANNEL: Final = "clearing_control"
POLL_S: Final = 0.5
_RECONNECT_S: Final = 1.0

_log = logging.getLogger(__name__)


class Notices:
    """Wakes the tasks that wait for a channel."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._events = {LINK_CHANNEL: asyncio.Event(), CONTROL_CHANNEL: asyncio.Event()}

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                # Nothing is lost: waiting tasks poll, and the shards report the trouble.
                _log.info("no notices from Postgres for now: %s", " ".join(str(error).split()))
                await asyncio.sleep(_RECONNECT_S)

    async def wait(self, channel: str, *, at_most_s: float = POLL_S) -> None:
        """Wait for a notice of a channel, not longer than a poll."""
        event = self._events[channel]
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await event.wait()
        event.clear()

    def wake(self, channel: str) -> None:
        """Wake the tasks that wait for a channel, as a notice does."""
        self._events[channel].set()

    async def _listen(self) -> None:
        # With the limits of all others: nobody waits hours for a network that is silent.
        limits = defaults_of(self._url)
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, **limits)
        async with connection:
            for channel in self._events:
                await connection.execute(f"LISTEN {channel}".encode())
            async for notice in connection.notifies():
                self.wake(notice.channel)
