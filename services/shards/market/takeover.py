"""An auctioned account's positions go over to the taker's account (RULEBOOK §7).

In: the copy of `auction_account`. Out: a fact for each contract in which the account holds lots,
with all that is not yet paid in it and at no price.
"""

from __future__ import annotations

from events.default_commands import AuctionAccount
from events.default_facts import PositionTakenOver, TakeoverRefused
from events.refusals import Reason
from events.units import INT64_MAX, fits_int64
from services.shards.market.amounts import extraordinary_ticks
from services.shards.market.books import (
    ContractBooks,
    Holder,
    MarketBooks,
    MarketEmission,
    in_order,
)
from services.shards.market.position_limits import state_crossings


def take_over(books: MarketBooks, command: AuctionAccount, *, emit: MarketEmission) -> None:
    """Move the positions; one that would take the taker's beyond int64 stays."""
    giver, taker = books.holders[command.account], books.holders[command.to_account]
    for contract in in_order(books):
        lots = contract.positions.lots[giver.number]
        if not lots:
            continue
        stated = {
            "at": command.at,
            "reference": command.reference,
            "contract": contract.symbol,
            "lots": lots,
            "from_account": command.account,
            "to_account": command.to_account,
        }
        if _is_too_large(contract, giver, taker=taker):
            reason = Reason.AMOUNT_OVERFLOW.value
            emit(TakeoverRefused.model_validate(stated | {"reason": reason}))
            continue
        emit(PositionTakenOver.model_validate(stated))
        sides = (taker, giver) if lots > 0 else (giver, taker)
        state_crossings(books, contract, sides=sides, lots=abs(lots), at=command.at, emit=emit)


def _is_too_large(contract: ContractBooks, giver: Holder, *, taker: Holder) -> bool:
    """Whether the taker's position would be worth more than int64, or its open gain would be."""
    positions = contract.positions
    lots = positions.lots[taker.number] + positions.lots[giver.number]
    opened = positions.open_cents[taker.number] + positions.open_cents[giver.number]
    limits = contract.halts.limits
    mark = positions.mark_ticks or 0
    highest = 0 if limits is None else limits[1]
    dearest = max(mark, highest, contract.trades.highest, extraordinary_ticks(contract), 1)
    gain = lots * (dearest - mark) - opened
    return abs(lots) * dearest > INT64_MAX or not all(map(fits_int64, (opened, gain)))


def apply_taken_over(books: MarketBooks, fact: PositionTakenOver) -> None:
    """Move lots and what is open in them; what was paid stays with who paid it."""
    positions = books.contracts[fact.contract].positions
    giver, taker = books.holders[fact.from_account], books.holders[fact.to_account]
    for column in (positions.lots, positions.open_cents):
        column[taker.number] += column[giver.number]
        column[giver.number] = 0
    bound = books.lots_bound[taker.owner.number] + abs(fact.lots)
    books.lots_bound[taker.owner.number] = min(bound, INT64_MAX)
