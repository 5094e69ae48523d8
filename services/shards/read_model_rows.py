"""What reports read without parsing the journal: settlement prices and statements, as rows.

In: the facts of a market's barrier, or the members' books after one. Out: tuples in the order of
the tables' columns; each names the shard and row that made it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np

from events.market_facts import ContractSettled, CyclePriceSet, SettlementPriceSet
from services.shards.member.books import MemberBooks, as_column
from services.shards.member.cycle import Totals

PriceRow = tuple[str, int, str, str, date, str, int, int | None, str]
StatementRow = tuple[str, int, str, str, str, date, str, int, int, int, int, int, str]

_PRICES: Final = {
    kind: f'{{"type":"{kind}"'.encode()
    for kind in (SettlementPriceSet.TYPE, ContractSettled.TYPE, CyclePriceSet.TYPE)
}
_CLOSE: Final = "close"


def price_rows(shard: str, seq: int, *, blocks: Sequence[bytes]) -> list[PriceRow]:
    """The prices a market's row states."""
    heads = tuple(_PRICES.values())
    rows: list[PriceRow] = []
    for block in blocks:
        if not block.startswith(heads):
            continue
        fact = json.loads(block)
        rows.append(
            (
                shard,
                seq,
                shard.partition("/")[2],
                fact["contract"],
                date.fromisoformat(fact["business_date"]),
                fact.get("cycle", _CLOSE),
                fact["price_ticks"],
                fact.get("tier"),
                fact["type"],
            )
        )
    return rows


def statement_rows(
    books: MemberBooks, totals: Totals, *, place: tuple[str, int], cycle: tuple[date, str]
) -> list[StatementRow]:
    """One row for each account that has, had or gets anything. place: shard and row."""
    shard, seq = place
    day, name = cycle
    net, cash = totals.net, as_column(books.cash)
    chosen = np.flatnonzero(totals.has_position | (net != 0) | (cash != 0))
    initial, maintenance = as_column(books.initial), as_column(books.maintenance)
    columns = [column[chosen].tolist() for column in (cash, net, initial, maintenance)]
    accounts, positions = books.control.accounts_by_number, totals.positions
    rows: list[StatementRow] = []
    for number, held, moved, least, most in zip(
        chosen.tolist(), columns[0], columns[1], columns[3], columns[2], strict=True
    ):
        account = accounts[number]
        rows.append(
            (
                shard, seq, account.name, account.member.name, account.origin, day, name,
                held, moved, most, least, held, positions[number],
            )
        )  # fmt: skip
    return rows
