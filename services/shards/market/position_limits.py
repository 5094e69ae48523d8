"""Position limits as a trade meets them (RULEBOOK §6): per account and added up per owner.

In: a trade already in the books. Out: facts for what it crossed. `MarketBooks.reach_lots` bounds
every position of an owner from above, so that ordinary trades are spared the look; the look makes
the bound tight again.
"""

from __future__ import annotations

from array import array
from typing import Literal

import numpy as np

from events.int64 import magnitude
from events.market_facts import PositionLimitBreached, PositionLimitWarned
from events.units import INT64_MAX
from risk.position_limits import LimitParameters, crossings, limit_lots
from services.shards.emission import MarketEmission
from services.shards.market.books import (
    UNBOUNDED,
    ContractBooks,
    Holder,
    MarketBooks,
    Owner,
    front_contract,
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
    """State what a trade crossed. sides: (buyer, seller)."""
    reach = [books.reach_lots[side.owner.number] for side in sides]
    if max(reach) <= books.limit_watch_lots:
        return
    buyer, seller = sides
    for holder, change in ((buyer, lots), (seller, -lots)):
        _state_account(books, contract, holder=holder, change=change, at=at, emit=emit)
        owned = lots * ((buyer.owner is holder.owner) - (seller.owner is holder.owner))
        if holder is buyer or buyer.owner is not seller.owner:
            _state_owner(books, contract, owner=holder.owner, change=owned, at=at, emit=emit)
        books.reach_lots[holder.owner.number] = reach_of(books, holder.owner)


def set_limits(books: MarketBooks) -> None:
    """The limits from the interest and prices that stand; after a close, a listing or a load."""
    code = books.product.code
    rule = LimitParameters(
        share_ppm=books.control.parameter("position_share_ppm", code),
        share_beyond_ppm=books.control.parameter("position_share_beyond_ppm", code),
        bracket_cents=books.control.parameter("position_bracket_cents", code),
        floor_cents=books.control.parameter("position_floor_cents", code),
    )
    for contract in books.contracts.values():
        price = contract.reference_ticks
        contract.limit_lots = (
            None if price is None else limit_lots(contract.interest_lots, price, parameters=rule)
        )
    front = front_contract(books)
    price = None if front is None else front.reference_ticks
    interest = sum(contract.interest_lots for contract in books.contracts.values())
    books.all_limit_lots = None if price is None else limit_lots(interest, price, parameters=rule)
    limits = [one.limit_lots for one in books.contracts.values() if one.limit_lots is not None]
    if books.all_limit_lots is not None:
        limits.append(books.all_limit_lots)
    books.limit_watch_lots = min((4 * limit // 5 for limit in limits), default=UNBOUNDED)
    _set_reach(books)


def _set_reach(books: MarketBooks) -> None:
    """`reach_of` of every owner, by columns where no sum can leave int64."""
    held = [np.frombuffer(one.positions.lots, np.int64) for one in books.contracts.values()]
    if sum(magnitude(lots) * len(lots) for lots in held) > INT64_MAX:
        for owner in books.owners.values():
            books.reach_lots[owner.number] = reach_of(books, owner)
        return
    reach = np.zeros(len(books.reach_lots), np.int64)
    owner_of = np.frombuffer(books.owner_of, np.int64)
    for lots in held:
        np.add.at(reach, owner_of, np.abs(lots))
    books.reach_lots = array("q", reach.tobytes())


def reach_of(books: MarketBooks, owner: Owner) -> int:
    """A bound on every position of an owner: all lots of all its accounts, whatever their sign."""
    reach = sum(
        abs(contract.positions.lots[holder.number])
        for contract in books.contracts.values()
        for holder in owner.accounts
    )
    return min(reach, INT64_MAX)


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
    held = contract.positions.lots[holder.number]
    _state(names, _scope(books, contract), contract=contract, move=(held, change), at=at, emit=emit)
    net = sum(one.positions.lots[holder.number] for one in books.contracts.values())
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
    held = sum(contract.positions.lots[holder.number] for holder in owner.accounts)
    _state(names, _scope(books, contract), contract=contract, move=(held, change), at=at, emit=emit)
    net = sum(
        one.positions.lots[holder.number]
        for one in books.contracts.values()
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
