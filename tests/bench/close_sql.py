"""SQL for the same close: a row per position with variation and margin, by one INSERT … SELECT.

In: a database, contracts with their positions. Out: seconds from the statement to its durable
commit. Positions and prices stand in tables that are vacuumed and analysed; all columns are
bigint, the shares of a million in bigint too, which is the fastest exact way here. It is written
into a table without index and constraint, then into one with a primary key.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import psycopg

from services.shards.market_books import ContractBooks
from tests.bench.books import SETTLED_TICKS
from tests.bench.market import DAY, account_name

TRIES = 3
RATE_PPM = 60_000
_TABLES = """
CREATE SCHEMA bench;
CREATE TABLE bench.position (account text, contract text, lots bigint, open_cents bigint);
CREATE TABLE bench.price (contract text, mark bigint, settled bigint, rate_ppm bigint);
CREATE TABLE bench.settled (
    business_date date, account text, contract text, lots bigint,
    variation_cents bigint, margin_cents bigint
);
"""
_KEY = "ALTER TABLE bench.settled ADD PRIMARY KEY (business_date, account, contract)"
_SETTLE = """
INSERT INTO bench.settled
SELECT %s::date, position.account, position.contract, position.lots,
       position.lots * (price.settled - price.mark) - position.open_cents,
       (abs(position.lots) * price.settled * price.rate_ppm + 999999) / 1000000
FROM bench.position JOIN bench.price USING (contract)
"""


def settle_in_sql(url: str, contracts: list[ContractBooks]) -> tuple[float, float]:
    """Seconds without and with a primary key, each the best of several into an empty table."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TABLES.encode())
        _fill(connection, contracts)
        connection.execute("VACUUM ANALYZE bench.position")
        bare = _settle(connection)
        connection.execute("TRUNCATE bench.settled")
        connection.execute(_KEY.encode())
        keyed = _settle(connection)
        connection.execute("DROP SCHEMA bench CASCADE")
        return bare, keyed


def _settle(connection: psycopg.Connection[Any]) -> float:
    seconds = []
    for _ in range(TRIES):
        connection.execute("TRUNCATE bench.settled")
        begun = perf_counter()
        connection.execute(_SETTLE.encode(), [DAY])
        seconds.append(perf_counter() - begun)
    return min(seconds)


def _fill(connection: psycopg.Connection[Any], contracts: list[ContractBooks]) -> None:
    with connection.cursor().copy("COPY bench.position FROM STDIN") as copy:
        for one in contracts:
            columns = zip(one.positions.lots, one.positions.open_cents, strict=True)
            for number, (lots, opened) in enumerate(columns):
                copy.write_row((account_name(number), one.symbol, lots, opened))
    with connection.cursor().copy("COPY bench.price FROM STDIN") as copy:
        for one in contracts:
            copy.write_row((one.symbol, one.positions.mark_ticks, SETTLED_TICKS, RATE_PPM))
