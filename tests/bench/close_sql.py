"""SQL for the same close: a row per position with variation and margin, by one INSERT … SELECT.

In: a database, contracts with their positions. Out: seconds from the statement to its durable
commit. Positions and prices stand in tables that are vacuumed and analysed; all columns are
bigint, the shares of a million in bigint too, which is the fastest exact way here. It is written
into an empty table without index and constraint, and into an empty one with a primary key.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, Literal, Self

import psycopg

from services.shards.market.books import ContractBooks
from tests.bench.books import SETTLED_TICKS
from tests.bench.market import DAY, account_name

RATE_PPM = 60_000
_TABLES = """
CREATE SCHEMA bench;
CREATE TABLE bench.position (account text, contract text, lots bigint, open_cents bigint);
CREATE TABLE bench.price (contract text, mark bigint, settled bigint, rate_ppm bigint);
CREATE TABLE bench.bare (
    business_date date, account text, contract text, lots bigint,
    variation_cents bigint, margin_cents bigint
);
CREATE TABLE bench.keyed (LIKE bench.bare, PRIMARY KEY (business_date, account, contract));
"""
_SETTLE = """
INSERT INTO bench.{}
SELECT %s::date, position.account, position.contract, position.lots,
       position.lots * (price.settled - price.mark) - position.open_cents,
       (abs(position.lots) * price.settled * price.rate_ppm + 999999) / 1000000
FROM bench.position JOIN bench.price USING (contract)
"""


class SettledInSql:
    """The positions of contracts in tables of their own, gone at the end."""

    def __init__(self, url: str, contracts: list[ContractBooks]) -> None:
        """Fill the tables with the positions as they are now."""
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute(_TABLES.encode())
        _fill(self._connection, contracts)
        self._connection.execute("VACUUM ANALYZE bench.position")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.execute("DROP SCHEMA bench CASCADE")
        self._connection.close()

    def seconds(self, table: Literal["bare", "keyed"]) -> float:
        """Seconds of one close into this table."""
        self._connection.execute(f"TRUNCATE bench.{table}".encode())
        begun = perf_counter()
        self._connection.execute(_SETTLE.format(table).encode(), [DAY])
        return perf_counter() - begun


def _fill(connection: psycopg.Connection[Any], contracts: list[ContractBooks]) -> None:
    with connection.cursor().copy("COPY bench.position FROM STDIN") as copy:
        for one in contracts:
            columns = zip(one.positions.lots, one.positions.open_cents, strict=True)
            for number, (lots, opened) in enumerate(columns):
                copy.write_row((account_name(number), one.symbol, lots, opened))
    with connection.cursor().copy("COPY bench.price FROM STDIN") as copy:
        for one in contracts:
            copy.write_row((one.symbol, one.positions.mark_ticks, SETTLED_TICKS, RATE_PPM))
