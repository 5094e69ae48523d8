"""The rows of the read models, settlement prices and statements, for reports.

In: the facts of a market's barrier, or the members' books after one. Out: rows of the tables; each
names the shard and journal row of its origin.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from events.control_commands import CLOSE_CYCLE
from events.fact import Fact
from events.market_facts import ContractSettled, CyclePriceSet, SettlementPriceSet
from risk.cycle import Cycle
from services.shards.member.books import MemberBooks, as_column
from services.shards.member.margin import CycleTotals
from services.shards.routing import product_in
from services.shards.rows import PriceRow, StatementRow


def price_rows(shard: str, seq: int, *, facts: Iterable[Fact]) -> list[PriceRow]:
    """The prices stated in a market's row."""
    return [
        PriceRow(
            shard,
            seq,
            product_in(shard),
            fact.contract,
            fact.business_date,
            fact.cycle if isinstance(fact, CyclePriceSet) else CLOSE_CYCLE,
            fact.price_ticks,
            fact.tier if isinstance(fact, SettlementPriceSet) else None,
            fact.TYPE,
        )
        for fact in facts
        if isinstance(fact, SettlementPriceSet | ContractSettled | CyclePriceSet)
    ]


def statement_rows(
    books: MemberBooks, totals: CycleTotals, *, row: tuple[str, int], cycle: Cycle
) -> list[StatementRow]:
    """A row for each account with a position, cash or variation. row: shard and seq of origin."""
    shard, seq = row
    net, cash, equity = totals.net, as_column(books.cash), books.equity()
    chosen = np.flatnonzero(totals.has_position | (net != 0) | (cash != 0))
    columns = (cash, net, as_column(books.initial), as_column(books.maintenance), equity)
    accounts, positions = books.control.accounts_by_number, totals.positions
    rows = []
    for number, *cents in zip(
        chosen.tolist(), *(column[chosen].tolist() for column in columns), strict=True
    ):
        account = accounts[number]
        rows.append(
            StatementRow._make(
                (
                    shard, seq, account.name, account.member.name, account.origin,
                    cycle.business_date, cycle.name, *cents, positions[number],
                )
            )
        )  # fmt: skip
    return rows
