"""The connection for notices from Postgres."""

from __future__ import annotations

import asyncio

import psycopg

from services.journal.connecting import DEFAULTS, defaults_of
from services.worker.pg_notify import CONTROL_CHANNEL, Notices

LISTENING = "SELECT application_name FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"


def test_notices_come_over_a_connection_with_the_limits_of_all_others(database: str) -> None:
    assert asyncio.run(listening(database)) == DEFAULTS["application_name"]


async def listening(database: str) -> str:
    """The name of the connection over which a notice came."""
    notices = Notices(database)
    running = asyncio.create_task(notices.run())
    try:
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as asking:
            while not notices._events[CONTROL_CHANNEL].is_set():  # noqa: SLF001
                await asking.execute(f"NOTIFY {CONTROL_CHANNEL}".encode())
                await asyncio.sleep(0.05)
            query = f"{LISTENING} AND datname = current_database()"
            row = await (await asking.execute(query.encode())).fetchone()
        assert row is not None
        return str(row[0])
    finally:
        running.cancel()
        await asyncio.wait([running])


def test_what_the_url_says_is_not_said_otherwise() -> None:
    assert "connect_timeout" not in defaults_of("postgresql://h/d?connect_timeout=3")
    assert defaults_of("postgresql://h/d") == DEFAULTS
