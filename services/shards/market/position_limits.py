"""Position limits of a trade's parties (RULEBOOK §6): per account and added up per owner.

In: a trade already in the books. Out: facts for the limits it crossed. `MarketBooks.lots_bound`
bounds every position of an owner from above, so that ordinary trades need no check; a check makes
the bound tight again.
"""

from __future__ import annotations

from typing import Literal

from events.market_facts import PositionLimitBreached, PositionLimitWarned
from risk.position_limits import crossings
from services.shards.market.books import (
    ContractBooks,
    Holder,
    MarketBooks,
    MarketEmission,
    Owner,
    front_contract,
    lots_bound_of,
)

Scope = Literal["spot", "single", "all"]


def state_crossings(
    books: MarketBooks,
    contract: ContractBooks,
    *,
    sides: tuple[Holder, Holder],
    lots: int,
    at: int,
    emit: MarketEmission,
) -> None:
    """State the limits crossed by a trade. sides: (buyer, seller)."""
    bounds = [books.lots_bound[side.owner.number] for side in sides]
    if max(bounds) <= books.limit_watch_lots:
        return
    buyer, seller = sides
    for holder, change in ((buyer, lots), (seller, -lots)):
        _state_account(books, contract, holder=holder, change=change, at=at, emit=emit)
        owned = lots * ((buyer.owner is holder.owner) - (seller.owner is holder.owner))
        if holder is buyer or buyer.owner is not seller.owner:
            _state_owner(books, contract, owner=holder.owner, change=owned, at=at, emit=emit)
        books.lots_bound[holder.owner.number] = lots_bound_of(books, holder.owner)


def _state_account(
    books: MarketBooks,
    contract: ContractBooks,
    *,
    holder: Holder,
    change: int,
    at: int,
    emit: MarketEmission,
) -> None:
    names = (holder.owner.name, holder.account.name)
    lots, scope = contract.positions.lots[holder.number], _scope(books, contract)
    _state(names, scope, contract=contract, move=(lots, change), at=at, emit=emit)
    net = sum(listed.positions.lots[holder.number] for listed in books.contracts.values())
    _state_all(books, names, move=(net, change), at=at, emit=emit)


def _state_owner(
    books: MarketBooks,
    contract: ContractBooks,
    *,
    owner: Owner,
    change: int,
    at: int,
    emit: MarketEmission,
) -> None:
    names = (owner.name, None)
    lots = sum(contract.positions.lots[holder.number] for holder in owner.accounts)
    scope = _scope(books, contract)
    _state(names, scope, contract=contract, move=(lots, change), at=at, emit=emit)
    net = sum(
        listed.positions.lots[holder.number]
        for listed in books.contracts.values()
        for holder in owner.accounts
    )
    _state_all(books, names, move=(net, change), at=at, emit=emit)


def _scope(books: MarketBooks, contract: ContractBooks) -> Scope:
    return "spot" if contract is front_contract(books) else "single"


def _state(
    names: tuple[str, str | None],
    scope: Scope,
    *,
    contract: ContractBooks,
    move: tuple[int, int],
    at: int,
    emit: MarketEmission,
) -> None:
    if contract.limit_lots is not None:
        _emit(
            names,
            scope,
            symbol=contract.symbol,
            measure=(*move, contract.limit_lots),
            at=at,
            emit=emit,
        )


def _state_all(
    books: MarketBooks,
    names: tuple[str, str | None],
    *,
    move: tuple[int, int],
    at: int,
    emit: MarketEmission,
) -> None:
    if books.all_limit_lots is not None:
        _emit(names, "all", symbol=None, measure=(*move, books.all_limit_lots), at=at, emit=emit)


def _emit(
    names: tuple[str, str | None],
    scope: Scope,
    *,
    symbol: str | None,
    measure: tuple[int, int, int],
    at: int,
    emit: MarketEmission,
) -> None:
    after, change, limit = measure
    is_warned, is_breached = crossings(after - change, after, limit=limit)
    for holds, kind in ((is_warned, PositionLimitWarned), (is_breached, PositionLimitBreached)):
        if holds:
            emit(
                kind(
                    at=at,
                    owner=names[0],
                    account=names[1],
                    scope=scope,
                    contract=symbol,
                    lots=after,
                    limit_lots=limit,
                )
            )
