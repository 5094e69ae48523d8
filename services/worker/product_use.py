"""Waiting for a product to be put in use: until then its shard has no row, and no log.

In: the journal, the control commands that were checked. Out: nothing before one puts the product in
use. The same reader looks each time: to load the shard for it would be two connections a command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.hosting.restore import NotInUse, check_in_use
from services.worker.durable_rows import opened_reader


async def checked_until_use(
    url: str, shard: str, *, after: int, idle: Callable[[], Awaitable[None]]
) -> int:
    """Wait for the control command that puts a market's product in use.

    after: commands up to this number are not checked; idle: waits for further commands. Gives the
    number up to which none does it, before the one that does. Errors: those of the journal.
    """
    reader = await opened_reader(url)
    try:
        while True:
            try:
                await asyncio.to_thread(check_in_use, reader, shard, after=after)
            except NotInUse as reason:
                after = reason.checked_until
                await idle()
            else:
                return after
    finally:
        reader.close()
