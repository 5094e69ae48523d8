"""Positions by summation, position limits and price limits (RULEBOOK 3 and 6)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from tests.twin.books import Contract, Halt, House, Market
from tests.twin.instants import MINUTE, print_instant

FIRST_PERCENT = 15
SECOND_PERCENT = 25
PAUSE = 10 * MINUTE
BRACKET_CENTS = 250_000_000 * 100
FLOOR_CENTS = 25_000_000 * 100
WARNED_PERCENT = 80


def legs(contract: Contract) -> Iterator[tuple[str, int, int | Fraction | None]]:
    """Give every (account, signed lots, own price or None when carried at the mark).

    A trade that was bust before any cycle marked it drops out; one that a cycle has marked
    stays and its opposite stands beside it at the trade's own price, until a cycle has marked
    that too: then the two are nothing together (RULEBOOK 3). An auctioned position goes over with
    what was paid for it: at the mean price of that.
    """
    for trade in contract.trades:
        if trade.is_busted and (not trade.is_marked or trade.is_undoing_marked):
            continue
        own = None if trade.is_marked else trade.price
        yield trade.buyer, trade.lots, own
        yield trade.seller, -trade.lots, own
        if trade.is_busted:
            yield trade.buyer, -trade.lots, trade.price
            yield trade.seller, trade.lots, trade.price
    for transfer in contract.transfers:
        own = None if transfer.is_marked else transfer.price
        yield transfer.buyer, transfer.lots, own
        yield transfer.seller, -transfer.lots, own
    for takeover in contract.takeovers:
        mean = None if takeover.is_marked else Fraction(takeover.cents, takeover.lots)
        yield takeover.taker, takeover.lots, mean
        yield takeover.giver, -takeover.lots, mean


def positions(contract: Contract) -> dict[str, int]:
    """Sum the lots of every account that is not flat, by account."""
    sums: dict[str, int] = {}
    if not contract.is_settled:
        for account, lots, _ in legs(contract):
            sums[account] = sums.get(account, 0) + lots
    return {account: sums[account] for account in sorted(sums) if sums[account]}


def position(contract: Contract, account: str) -> int:
    """Give the net lots of one account."""
    return positions(contract).get(account, 0)


def open_interest(contract: Contract) -> int:
    """Give the lots held long."""
    return sum(lots for lots in positions(contract).values() if lots > 0)


def price_limits(contract: Contract) -> tuple[int, int] | None:
    """Give the active limits: +-15 %, after a first halt +-25 %, width down to the tick."""
    if contract.reference is None:
        return None
    percent = SECOND_PERCENT if contract.limit_stage else FIRST_PERCENT
    width = max(1, contract.reference * percent // 100)
    return contract.reference - width, contract.reference + width


def is_outside_limits(contract: Contract, price: int) -> bool:
    """Tell whether a price lies beyond the active limits (at them it is inside)."""
    limits = price_limits(contract)
    return limits is not None and not limits[0] <= price <= limits[1]


def is_halted(contract: Contract, instant: int) -> bool:
    """Tell whether an instant lies inside a halt of the contract."""
    return any(halt.holds(instant) for halt in contract.halts)


def resume(house: House, market: Market, contract: Contract, instant: int) -> None:
    """Record once that trading was resumed, when halts ended and none holds (RULEBOOK 6)."""
    if not is_halted(contract, instant):
        state_resumed(house, market, contract, instant)


def state_resumed(house: House, market: Market, contract: Contract, instant: int) -> None:
    """Record it once for all halts that ended by now and have not been recorded."""
    ended = [
        halt
        for halt in contract.halts
        if halt.is_pending and halt.until is not None and halt.until <= instant
    ]
    for halt in ended:
        halt.is_pending = False
    if ended:
        house.state("contract_resumed/1", market.shard, instant, contract=contract.symbol)


def trigger(house: House, market: Market, contract: Contract, at: int, price: int) -> None:
    """Halt the contract when a trade was at the active limit (RULEBOOK 6)."""
    limits = price_limits(contract)
    if limits is None or price not in limits or contract.limit_stage > 1:
        return
    direction = "up" if price == limits[1] else "down"
    contract.limit_stage += 1
    until = at + PAUSE if contract.limit_stage == 1 else None
    contract.halts.append(Halt(at, until, at + PAUSE))
    state_halt(house, market, contract, at, (contract.limit_stage, direction, until, price), None)


def state_halt(
    house: House, market: Market, contract: Contract, at: int,
    halt: tuple[int, str | None, int | None, int | None], reason: str | None,
) -> None:  # fmt: skip
    """Record a halt: tier, direction, until, trigger; a command's reason."""
    tier, direction, until, ticks = halt
    house.state(
        "contract_halted/1", market.shard, at, contract=contract.symbol, tier=tier,
        direction=direction, until=None if until is None else print_instant(until),
        trigger_ticks=ticks, reason=reason,
    )  # fmt: skip


def close_halts(house: House, market: Market, contract: Contract, close_at: int) -> None:
    """End the halts that last to the close; those that reach past it go on (RULEBOOK 6)."""
    for halt in contract.halts:
        if halt.until is None:
            halt.until = max(close_at, halt.until_at_least)
    pending = [halt.until for halt in contract.halts if halt.is_pending]
    if all(until is not None and until <= close_at for until in pending):
        state_resumed(house, market, contract, close_at)
    contract.halts = [
        halt for halt in contract.halts if halt.until is not None and halt.until > close_at
    ]
    contract.limit_stage = 0


def nearest(house: House, market: Market) -> Contract:
    """Give the nearest contract that is still traded in the open session."""
    return next(found for found in market.live() if found.last_day >= house.session())


def limit_lots(price: int, interest: int) -> int:
    """Give the position limit: 10 % of open interest to a bracket, 2.5 % beyond, a floor."""
    bracket, floor = Fraction(BRACKET_CENTS, price), Fraction(FLOOR_CENTS, price)
    inside = min(Fraction(interest), bracket)
    beyond = max(Fraction(interest) - bracket, Fraction(0))
    return int(max(inside / 10 + beyond / 40, floor))


def watch_limits(
    house: House, market: Market, contract: Contract, deal: tuple[str, str, int], at: int
) -> None:
    """State the position limits that a deal (buyer, seller, lots) has just crossed."""
    buyer, seller, lots = deal
    change = {buyer: lots, seller: -lots}
    owners = [house.accounts[account].owner for account in (buyer, seller)]
    groups: list[tuple[str, str | None, list[str]]] = [
        (house.accounts[account].owner, account, [account]) for account in (buyer, seller)
    ]
    for owner in dict.fromkeys(owners):
        mine = [name for name, found in house.accounts.items() if found.owner == owner]
        groups.append((owner, None, mine))
    front = nearest(house, market)
    scope = "spot" if contract is front else "single"
    total = sum(found.open_interest for found in market.live())
    held = {found.symbol: positions(found) for found in market.live()}
    for owner, holder, group in groups:
        moved = sum(change.get(name, 0) for name in group)
        here = sum(held[contract.symbol].get(name, 0) for name in group)
        everywhere = sum(sums.get(name, 0) for sums in held.values() for name in group)
        rows: tuple[tuple[str, str | None, int, int | None, int], ...] = (
            (scope, contract.symbol, here, contract.reference, contract.open_interest),
            ("all", None, everywhere, front.reference, total),
        )
        for row_scope, of_contract, after, reference, interest in rows:
            if reference is None:
                continue
            limit = limit_lots(reference, interest)
            for name in crossings(after - moved, after, limit):
                house.state(
                    name, market.shard, at, owner=owner, account=holder, scope=row_scope,
                    contract=of_contract, lots=after, limit_lots=limit,
                )  # fmt: skip


def crossings(before: int, after: int, limit: int) -> list[str]:
    """Give the names of the facts when |net| has just come above 80 % or the limit."""
    found = []
    if 100 * abs(before) <= WARNED_PERCENT * limit < 100 * abs(after):
        found.append("position_limit_warned/1")
    if abs(before) <= limit < abs(after):
        found.append("position_limit_breached/1")
    return found
