"""The rows of the read models, settlement prices and statements, for reports.

In: the facts of a market's barrier, or the members' books after one. Out: rows of the tables; each
names the shard and journal row of its origin.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

import numpy as np

from events.control_commands import CLOSE_CYCLE
from events.fact import Fact
from events.market_facts import ContractSettled, CyclePriceSet, SettlementPriceSet
from risk.cycle import Cycle
from services.shards.member.books import MemberBooks
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
    net, levels = totals.net, books.levels(cycle.at)
    cash = levels.cash
    chosen = np.flatnonzero(totals.has_position | (net != 0) | (cash != 0))
    columns = (cash, net, levels.initial, levels.maintenance, levels.equity)
    numbers = chosen.tolist()
    accounts = [*map(books.control.accounts_by_number.__getitem__, numbers)]
    cells = zip(
        repeat(shard), repeat(seq),
        [account.name for account in accounts], [account.member.name for account in accounts],
        [account.origin for account in accounts],
        repeat(cycle.business_date), repeat(cycle.name),
        *(column[chosen].tolist() for column in columns),
        (text.decode() for text in totals.positions[chosen]), strict=False,
    )  # fmt: skip
    return [*map(StatementRow._make, cells)]
