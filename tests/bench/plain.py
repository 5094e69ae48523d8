"""The straightforward pipeline: the same facts of the same trades, written as one would at first.

One by one: `json.loads`, our strict pydantic model of the command, prices in Decimal; guards that
a trade's id is new, its accounts, contract, tick and limit are good; positions in a dictionary;
our pydantic model of the fact and its JSON. By the thousand: a look for known ids, `executemany`
(psycopg's) into a table with the journal's columns but the chain and its unique index, the same
into a table of ids with a primary key, and a commit. No chain, no recovery, no links, no
snapshots.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from time import perf_counter

import psycopg

from events.market_commands import SubmitTrade
from events.market_facts import TradeNovated

ROWS_A_COMMIT = 1_000
_SHARD = "market/SIT"
_TABLES = (
    "CREATE TABLE clearing.plain (LIKE clearing.journal)",
    "ALTER TABLE clearing.plain DROP COLUMN chain",
    "CREATE UNIQUE INDEX ON clearing.plain (shard, seq, business_date)",
    "CREATE TABLE clearing.plain_id (trade_id text PRIMARY KEY)",
)
_KNOWN = "SELECT trade_id FROM clearing.plain_id WHERE trade_id = ANY(%s)"
_INSERT = "INSERT INTO clearing.plain VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
_INSERT_ID = "INSERT INTO clearing.plain_id VALUES (%s)"

Row = tuple[str, int, date, str, int, int, bytes, int, bytes]


@dataclass(slots=True)
class PlainBooks:
    """What the pipeline knows."""

    accounts: set[str]
    contracts: set[str]
    business_date: date
    tick: Decimal = Decimal("0.01")
    low: Decimal = Decimal("1.55")
    high: Decimal = Decimal("2.59")
    positions: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: int = 0


def run_plain(url: str, path: Path, *, count: int, books: PlainBooks) -> float:
    """Trades a second of the first so many in a file; all must be cleared."""
    with psycopg.connect(url) as connection, path.open("rb") as file:
        for statement in _TABLES:
            connection.execute(statement.encode())
        connection.commit()
        begun, seq = perf_counter(), 0
        lines = islice(file, count)
        while some := list(islice(lines, ROWS_A_COMMIT)):
            seq = _write(connection, some, books=books, seq=seq)
        seconds = perf_counter() - begun
    assert (seq, books.refused) == (count, 0), f"cleared {seq} of {count}"
    return count / seconds


def _write(
    connection: psycopg.Connection[tuple[object, ...]],
    lines: list[bytes],
    *,
    books: PlainBooks,
    seq: int,
) -> int:
    """Clear and commit some lines; the number of the next row."""
    trades = [_decoded(line) for line in lines]
    names = [trade.trade_id for trade in trades]
    known = {str(row[0]) for row in connection.execute(_KNOWN, [names])}
    rows, ids = [], []
    for trade, row in _rows(zip(trades, lines, strict=True), books, known, seq=seq):
        rows.append(row)
        ids.append((trade.trade_id,))
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)
        cursor.executemany(_INSERT_ID, ids)
    connection.commit()
    return seq + len(rows)


def _decoded(line: bytes) -> SubmitTrade:
    fields = json.loads(line)
    del fields["type"]
    return SubmitTrade.model_validate(fields)


def _rows(
    trades: Iterable[tuple[SubmitTrade, bytes]], books: PlainBooks, known: set[str], *, seq: int
) -> Iterator[tuple[SubmitTrade, Row]]:
    for trade, line in trades:
        if not _is_good(books, trade, known):
            books.refused += 1
            continue
        known.add(trade.trade_id)
        fact = _novate(books, trade).model_dump_json(by_alias=True).encode()
        yield trade, (_SHARD, seq, books.business_date, "file", seq, seq, line, 1, fact)
        seq += 1


def _is_good(books: PlainBooks, trade: SubmitTrade, known: set[str]) -> bool:
    """The guards of a trade, the plain ones."""
    return (
        trade.trade_id not in known
        and trade.buyer in books.accounts
        and trade.seller in books.accounts
        and trade.buyer != trade.seller
        and trade.contract in books.contracts
        and trade.price % books.tick == 0
        and books.low < trade.price < books.high
    )


def _novate(books: PlainBooks, trade: SubmitTrade) -> TradeNovated:
    for account, lots in ((trade.buyer, trade.lots), (trade.seller, -trade.lots)):
        key = (account, trade.contract)
        books.positions[key] = books.positions.get(key, 0) + lots
    return TradeNovated(
        at=trade.executed_at,
        trade_id=trade.trade_id,
        contract=trade.contract,
        price_ticks=int(trade.price / books.tick),
        lots=trade.lots,
        buyer=trade.buyer,
        seller=trade.seller,
        business_date=books.business_date,
    )
