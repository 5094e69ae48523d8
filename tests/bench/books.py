"""Books as they stand before a close, filled directly: a million trades would only cost time.

In: a house in which the first session is open. Out: the same house with so many accounts, each
with cash and a position in each of ten contracts, carried at the mark and traded today; the house
flat in each; one trade in the closing window, so that the close has a settlement price of the
first tier.
"""

from __future__ import annotations

import random

import numpy as np

from events.int64 import IntArray
from events.units import parse_instant
from services.shards.clearinghouse import Clearinghouse
from services.shards.market.books import ContractBooks, add_holder
from settlement.control_books import Account, ControlBooks
from tests.bench.market import CONTRACTS, DAY, MEMBERS, account_name

CASH_CENTS = 10**9
LOTS_MAX = 500
SETTLED_TICKS = 211


def fill_books(
    clearinghouse: Clearinghouse, accounts: int, *, seed: int = 1
) -> list[ContractBooks]:
    """Fill the books of every shard; gives the ten contracts."""
    market = clearinghouse.markets["SIT"].books
    for shard in clearinghouse.in_order():
        _open_accounts(shard.control, accounts)
    for one in clearinghouse.markets.values():
        for account in one.books.control.accounts_by_number:
            add_holder(one.books, account)
        for contract in one.books.contracts.values():
            contract.positions.grow(accounts)
    _deposit(clearinghouse, accounts)
    draw = np.random.default_rng(seed)
    contracts = [market.contracts[symbol] for symbol in CONTRACTS]
    for contract in contracts:
        _take_positions(contract, draw, accounts)
    return contracts


def trade_again(contracts: list[ContractBooks], day: str, *, seed: int) -> None:
    """Another day on which every account has traded in every contract, and carries its lots."""
    draw = np.random.default_rng(seed)
    for contract in contracts:
        opened = np.frombuffer(contract.positions.open_cents, dtype=np.int64)
        opened[:] = _flat(draw, 20 * LOTS_MAX, len(opened))
        _add_trade(contract, day)


def _open_accounts(books: ControlBooks, accounts: int) -> None:
    members = list(books.members.values())
    assert len(members) == MEMBERS, f"{len(members)} members"
    for number in range(accounts):
        name, member = account_name(number), members[number % MEMBERS]
        account = Account(number, name, member, "customer", f"o{number}", books.opened_at)
        books.accounts[name] = account
        books.accounts_by_number.append(account)


def _deposit(clearinghouse: Clearinghouse, accounts: int) -> None:
    """Cash, and the house's side of it."""
    books = clearinghouse.member.books
    books.cash.extend([CASH_CENTS] * accounts)
    books.initial.extend([0] * accounts)
    books.maintenance.extend([0] * accounts)
    books.had_position.extend(bytes(accounts))
    books.clearinghouse_cents["house:bank"] = -CASH_CENTS * accounts


def _take_positions(contract: ContractBooks, draw: np.random.Generator, accounts: int) -> None:
    positions = contract.positions
    assert positions.mark_ticks is not None, f"{contract.symbol} has no reference price"
    for column, bound in ((positions.lots, LOTS_MAX), (positions.open_cents, 20 * LOTS_MAX)):
        held = np.frombuffer(column, dtype=np.int64)
        held[:] = _flat(draw, bound, accounts)
    _add_trade(contract, DAY)


def _add_trade(contract: ContractBooks, day: str) -> None:
    """A trade in the closing window."""
    at = parse_instant(f"{day}T20:59:00Z")
    moved = random.Random(contract.symbol).randrange(5)  # noqa: S311 - a bench draws no secrets
    contract.trades.add(0, at, price_ticks=SETTLED_TICKS + moved, lots=1)


def _flat(draw: np.random.Generator, bound: int, accounts: int) -> IntArray:
    """Amounts of which none is zero and that sum to zero: each has its opposite somewhere."""
    half = draw.integers(1, bound, accounts // 2, dtype=np.int64)
    amounts = np.zeros(accounts, dtype=np.int64)
    amounts[: 2 * len(half)] = np.concatenate([half, -half])
    draw.shuffle(amounts)
    return amounts
