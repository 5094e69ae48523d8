"""Guards against amounts beyond int64: `amount_overflow` (RULEBOOK §1, WIRE §3).

In: the books and the effect of a command on positions and prices. Out: a refusal or None. An
amount refused here cannot overflow, and so stop the clearinghouse, at the next close.

An ordinary price lies inside the limits, near the prices of all positions. An extraordinary price
does not: an adjusted price or one set by the exchange, to which limits do not apply, or any price
of a contract without a reference. Every position must stay within int64 when marked to it, not only
those of the parties.
"""

from __future__ import annotations

from events.int64 import magnitude_of
from events.refusals import Reason, Refusal
from events.units import INT64_MAX, fits_int64, usd_text
from risk.price_limits import limits_of
from services.shards.market.books import ContractBooks, Holder, MarketBooks, in_order

Sides = tuple[Holder, Holder]


def too_large(
    contract: ContractBooks, lots: int, *, price_ticks: int, sides: Sides
) -> Refusal | None:
    """Lots × price, or the value of an enlarged position, beyond int64. sides: (buyer, seller).

    Positions are valued at the trade's price or, if higher, at the extraordinary price; open gains
    must fit at both.
    """
    refusal = _value_too_large(lots, price_ticks)
    if refusal is not None:
        return refusal
    positions = contract.positions
    mark = positions.mark_ticks or 0
    dearest = max(price_ticks, extraordinary_ticks(contract))
    for holder, sign in zip(sides, (1, -1), strict=True):
        before = positions.lots[holder.number]
        after = before + sign * lots
        opened = positions.open_cents[holder.number] + sign * lots * (price_ticks - mark)
        is_larger = abs(after) > abs(before) and abs(after) * dearest > INT64_MAX
        gains = [after * (price - mark) - opened for price in (price_ticks, dearest)]
        if is_larger or not all(map(fits_int64, (abs(after), abs(opened), *gains))):
            return _position_too_large(holder)
    return None


def repriced_too_large(
    books: MarketBooks,
    contract: ContractBooks,
    *,
    lots: int,
    prices: tuple[int, int],
    sides: Sides,
) -> Refusal | None:
    """The same for a trade with a new price: positions do not change. prices: (before, after)."""
    before, price_ticks = prices
    refusal = _value_too_large(lots, price_ticks)
    if refusal is not None:
        return refusal
    positions = contract.positions
    mark = positions.mark_ticks or 0
    for holder, sign in zip(sides, (1, -1), strict=True):
        position_lots = positions.lots[holder.number]
        opened = positions.open_cents[holder.number] + sign * lots * (price_ticks - before)
        gain = position_lots * (price_ticks - mark) - opened
        if not all(map(fits_int64, (abs(position_lots) * price_ticks, abs(opened), gain))):
            return _position_too_large(holder)
    return unbearable(books, contract, price_ticks=price_ticks)


def unbearable(books: MarketBooks, contract: ContractBooks, *, price_ticks: int) -> Refusal | None:
    """An extraordinary price at which a position would leave int64.

    By tier 3 a change of this contract moves its neighbours too.
    """
    marks = [(contract, price_ticks)]
    if contract.reference_ticks is not None:
        change = price_ticks - contract.reference_ticks
        marks += [
            (neighbour, max(1, neighbour.reference_ticks + change))
            for neighbour in in_order(books)
            if neighbour is not contract and neighbour.reference_ticks is not None
        ]
    for marked, price in marks:
        worth = magnitude_of(marked.positions.lots) * price
        if worth > INT64_MAX or not marked.positions.can_mark(price):
            worth_of = f"at {usd_text(price_ticks)} a position in {marked.symbol}"
            return _above_largest(f"{worth_of} would be worth")
    return None


def extraordinary_ticks(contract: ContractBooks) -> int:
    """The highest price outside all limits that may mark the contract, 0 without such a price."""
    highest = max(contract.trades.highest, contract.overruled_ticks or 0)
    if contract.reference_ticks is None:
        return max(highest, contract.quotes.highest_bid, contract.carried_ticks or 0)
    _, limit = limits_of(contract.reference_ticks, contract.halts.rule.second_ppm)
    return highest if highest > limit else 0


def _value_too_large(lots: int, price_ticks: int) -> Refusal | None:
    if lots * price_ticks > INT64_MAX:
        return _above_largest(f"{lots} lots at {usd_text(price_ticks)} are worth")
    return None


def _position_too_large(holder: Holder) -> Refusal:
    return _above_largest(f"the position of {holder.account.name} would be worth")


def _above_largest(what: str) -> Refusal:
    return Refusal(Reason.AMOUNT_OVERFLOW, f"{what} more than {usd_text(INT64_MAX)}")
