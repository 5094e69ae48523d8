"""Accounts closed out at the prices of a scenario, exact to the cent.

In: books in memory. Out: by scenario the cash of each account once its positions are closed out and
its assets sold, and by member what is lacking then. Numbers are int64 where every sum that can come
up fits, Python ints where not.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from events.contracts import product_of
from events.int64 import IntArray, magnitude
from events.units import INT64_MAX, INT64_MIN
from risk.collateral import proceeds_cents, worths
from risk.stress import change_ticks
from risk.stress_scenarios import CurvePoint, Scenario
from services.analysis.books_at import BooksAt
from services.shards.market.books import ContractBooks, in_order
from services.shards.member.books import MemberBooks, as_column

_Cents = npt.NDArray[Any]


class PriceMove(NamedTuple):
    """A contract's price, and where a scenario moves it."""

    contract: str
    price_ticks: int
    move_ppm: int
    moved_ticks: int


class OpenContract(NamedTuple):
    """A contract with a price. lots, open_cents: by account number; mark_ticks: 0 before one."""

    symbol: str
    point: CurvePoint
    price_ticks: int
    mark_ticks: int
    lots: IntArray
    open_cents: IntArray

    def moved(self, scenario: Scenario) -> PriceMove:
        """Its price in a scenario."""
        move_ppm = scenario.move_ppm(self.point)
        moved = self.price_ticks + change_ticks(self.price_ticks, move_ppm)
        return PriceMove(self.symbol, self.price_ticks, move_ppm, moved)

    def change(self, scenario: Scenario) -> int:
        """What a lot gains until it is closed out, from its mark on; 0 where nobody has lots."""
        return self.moved(scenario).moved_ticks - self.mark_ticks if self.lots.any() else 0


@dataclass(frozen=True, slots=True)
class CloseOut:
    """What is needed to close out every account. asset_cents: by number, where there are any."""

    member: MemberBooks
    contracts: Sequence[OpenContract]
    asset_cents: Mapping[int, int]

    @classmethod
    def of(cls, books: BooksAt) -> Self:
        """Every account of the books."""
        member = books.member
        contracts = [
            opened
            for _, market in sorted(books.markets.items())
            for opened in _open_contracts(in_order(market), len(member.cash))
        ]
        return cls(member, contracts, _asset_cents(member))

    def cash_after(self, scenario: Scenario) -> _Cents:
        """The cash of each account once it is closed out. Shape (accounts,)."""
        cash = as_column(self.member.cash)
        changes = [contract.change(scenario) for contract in self.contracts]
        bound = magnitude(cash) + max(self.asset_cents.values(), default=0)
        for contract, change in zip(self.contracts, changes, strict=True):
            bound += magnitude(contract.lots) * abs(change) + magnitude(contract.open_cents)
        after: _Cents = cash.astype(np.int64 if bound <= INT64_MAX else object)
        for number, cents in self.asset_cents.items():
            after[number] += cents
        for contract, change in zip(self.contracts, changes, strict=True):
            after += contract.lots.astype(after.dtype) * change
            after -= contract.open_cents
        return after

    def losses(self, scenario: Scenario) -> dict[str, int]:
        """What each member lacks in all, its contribution if below zero too."""
        lacking = {
            name: max(0, -self.member.fund_cents(name)) for name in self.member.control.members
        }
        after = self.cash_after(scenario)
        accounts = self.member.control.accounts_by_number
        for number in np.flatnonzero(after < 0).tolist():
            lacking[accounts[number].member.name] -= int(after[number])
        return lacking

    def moves(self, scenario: Scenario, numbers: Container[int]) -> list[PriceMove]:
        """The prices of the contracts in which some accounts have lots."""
        return [
            contract.moved(scenario)
            for contract in self.contracts
            if any(number in numbers for number in np.flatnonzero(contract.lots).tolist())
        ]


def _open_contracts(contracts: Sequence[ContractBooks], accounts: int) -> list[OpenContract]:
    """The contracts of a product that have a price. accounts: their number."""
    opened = []
    for rank, contract in enumerate(contracts):
        price = _price_of(contract)
        if price is not None:
            positions = contract.positions
            opened.append(
                OpenContract(
                    contract.symbol,
                    CurvePoint(product_of(contract.symbol), rank, len(contracts)),
                    price,
                    positions.mark_ticks or 0,
                    _fitted(positions.lots, accounts),
                    _fitted(positions.open_cents, accounts),
                )
            )
    return opened


def _fitted(column: array[int], accounts: int) -> IntArray:
    """A column of a market as long as the members': one may know an account before the other."""
    fitted = np.zeros(accounts, dtype=np.int64)
    fitted[: len(column)] = as_column(column)[:accounts]
    return fitted


def _price_of(contract: ContractBooks) -> int | None:
    """The last mark; before one the latest trade, or what stands for it."""
    if contract.positions.mark_ticks is not None:
        return contract.positions.mark_ticks
    latest = contract.trades.latest_price(INT64_MIN, INT64_MAX)
    return contract.carried_ticks if latest is None else latest


def _asset_cents(books: MemberBooks) -> dict[int, int]:
    """What the assets of each account would bring at the prices that are fresh."""
    cents: dict[int, int] = {}
    worth = worths(books.assets, books.control.assets, at=books.clock or 0)
    for asset, column in sorted(books.assets.units.items()):
        for number in np.flatnonzero(as_column(column)).tolist() if asset in worth else ():
            brought = proceeds_cents(column[number], worth[asset])
            cents[number] = cents.get(number, 0) + brought
    return cents
