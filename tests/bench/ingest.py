"""`ingest`: trades from a file through `clear` to durable rows, against two baselines in the same run.

ours: seconds of trades per second from the first trade's block to the last durable one, refusals, ids, chain and
recovery on, fsync on. floor: COPY of the very journal rows of that run, packed beforehand, in batches of the same
size with a commit each, into an empty table of the same definition and indexes in the same Postgres. plain: a
straightforward pipeline of the same facts: pydantic one by one, Decimal, positions in a dict, json.dumps,
executemany per 1,000; on a tenth of the trades, whose rate does not depend on their number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
from pydantic import BaseModel

from services.embedded.run import LINES_A_BLOCK, EmbeddedRun
from services.embedded.source import SourceReader
from services.journal.copying import HEADER, TRAILER, pack_journal
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from services.journal.reader import Reader
from services.journal.tables import JOURNAL
from tests.bench.market import opening, trades

ACCOUNTS = 10_000


def run(directory: Path, *, count: int) -> dict[str, Any]:
    """Measure `count` trades. Returns the JSON line's fields."""
    before, after = directory / "opening.jsonl", directory / "trades.jsonl"
    before.write_bytes(b"".join(line + b"\n" for line in opening(ACCOUNTS)))
    with after.open("wb") as file:
        file.writelines(line + b"\n" for line in trades(count, ACCOUNTS))
    with EmbeddedServer(directory / "data") as server:
        _clear(server.url, before)
        seconds = _clear(server.url, after)
        floor = _floor(server.url, count)
        plain = _plain(server.url, after, count // 10)
    ours = count / seconds
    return {
        "bench": "ingest",
        "trades": count,
        "ours_per_s": round(ours),
        "floor_per_s": round(floor),
        "share_of_floor": round(ours / floor, 3),
        "plain_per_s": round(plain),
        "times_plain": round(ours / plain, 2),
        "lines_a_batch": LINES_A_BLOCK,
    }


def _clear(url: str, path: Path) -> float:
    migrate(url)
    with path.open("rb") as stream, EmbeddedRun(url) as embedded:
        reader = SourceReader(stream, name=path.name, lines_a_block=LINES_A_BLOCK)
        begun = perf_counter()
        position = None
        for block in reader.blocks():
            embedded.take(block, source=path.name, position_before=position)
            position = block.end
        embedded.drain()
        return perf_counter() - begun


def _floor(url: str, count: int) -> float:
    """Rows a second of a bare COPY of what the journal holds of the trades."""
    with Reader(url) as reader, psycopg.connect(url, autocommit=True) as connection:
        head = reader.heads()["market/SIT"].seq
        rows = (
            row for block in reader.rows("market/SIT", after=head - count) for row in block
        )
        connection.execute(
            "CREATE TABLE clearing.floor (LIKE clearing.journal INCLUDING ALL)"
        )
        copy_in = JOURNAL.copy_in().replace("clearing.journal", "clearing.floor")
        seconds, copied = 0.0, 0
        while batch := list(islice(rows, LINES_A_BLOCK)):
            packed = HEADER + pack_journal(batch) + TRAILER
            begun = perf_counter()
            with connection.transaction(), connection.cursor().copy(copy_in.encode()) as copy:
                copy.write(packed)
            seconds += perf_counter() - begun
            copied += len(batch)
        return copied / seconds


class _Trade(BaseModel):
    type: str
    trade_id: str
    contract: str
    price: Decimal
    lots: int
    buyer: str
    seller: str
    executed_at: str


def _plain(url: str, path: Path, count: int) -> float:
    """Trades a second of the straightforward pipeline."""
    with psycopg.connect(url) as connection, path.open("rb") as file:
        connection.execute(
            "CREATE TABLE clearing.plain (trade_id text PRIMARY KEY, input bytea, fact bytea)"
        )
        connection.commit()
        positions: dict[tuple[str, str], int] = {}
        begun = perf_counter()
        lines = islice(file, count)
        while batch := list(islice(_facts(lines, positions), 1_000)):
            connection.cursor().executemany(
                "INSERT INTO clearing.plain VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", batch
            )
            connection.commit()
        return count / (perf_counter() - begun)


def _facts(
    lines: Iterator[bytes], positions: dict[tuple[str, str], int]
) -> Iterator[tuple[str, bytes, bytes]]:
    for line in lines:
        trade = _Trade.model_validate_json(line)
        ticks = int(trade.price * 100)
        for account, sign in ((trade.buyer, 1), (trade.seller, -1)):
            key = (account, trade.contract)
            positions[key] = positions.get(key, 0) + sign * trade.lots
        fact = {
            "type": "trade_novated/1",
            "trade_id": trade.trade_id,
            "contract": trade.contract,
            "price_ticks": ticks,
            "lots": trade.lots,
            "buyer": trade.buyer,
            "seller": trade.seller,
            "at": trade.executed_at,
            "business_date": "2026-06-08",
        }
        yield trade.trade_id, line, json.dumps(fact).encode()
