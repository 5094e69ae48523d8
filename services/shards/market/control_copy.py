"""Copies of control commands in a market: sessions turn, contracts are listed (RULEBOOK §1).

In: a control command that stands. Out: facts, and at a barrier what `member/0` needs. `fold_copy`
gives the same books from the recorded facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from events.contracts import Delivery, parse_symbol, symbol
from events.control_commands import (
    Barrier,
    CloseSession,
    Configure,
    ControlCommand,
    OpenSession,
    RunCycle,
)
from events.market_facts import ContractListed, CycleDone, LastTradingDayMoved, MarketShardFact
from risk.price_limits import apply_new_session
from services.shards.emission import MarketEmission
from services.shards.links import ContractFlow
from services.shards.market.apply import apply_market_copy, apply_market_fact, limit_rule
from services.shards.market.books import ContractBooks, MarketBooks
from services.shards.market.cycle import close_market, in_order, is_expiring, run_cycle
from services.shards.market.position_limits import set_limits
from settlement.calendar import last_trading_day, listed_deliveries
from settlement.index.decide import change_rules, expire_prices
from settlement.index.rules import index_rules
from settlement.prices import index_ticks
from settlement.quotes import QuoteBook
from settlement.session_trades import SessionTrades


def decide_copy(
    books: MarketBooks, command: ControlCommand, *, emit: MarketEmission
) -> list[ContractFlow]:
    """Follow a control command that stands; at a barrier give each contract's flow."""
    flows: list[ContractFlow] = []
    expire_prices(books.index, command.event_time, emit=emit)
    match command:
        case CloseSession():
            flows = close_market(books, command, emit=emit)
            _open_session(books, command, emit=emit)
        case OpenSession():
            _open_session(books, command, emit=emit)
        case RunCycle():
            flows = run_cycle(books, command, emit=emit)
            turn(books, command)
        case _:
            turn(books, command)
    return flows


def fold_copy(
    books: MarketBooks, command: ControlCommand, *, facts: Iterable[MarketShardFact], seq: int
) -> None:
    """The same from recorded facts: a close turns the session after its last word on the cycle."""
    if not isinstance(command, Barrier):
        turn(books, command)
    for fact in facts:
        apply_market_fact(books, fact, seq=seq)
        if isinstance(fact, CycleDone):
            turn(books, command)
    if isinstance(command, CloseSession | OpenSession):
        set_limits(books)


def turn(books: MarketBooks, command: ControlCommand) -> None:
    """Fold the command; a close first forgets the session's trades, quotes, settled contracts."""
    if isinstance(command, CloseSession):
        _end_session(books, command)
    apply_market_copy(books, command)
    if isinstance(command, CloseSession):
        for contract in books.contracts.values():
            apply_new_session(
                contract.halts,
                contract.reference_ticks,
                close_at=command.at,
                rule=limit_rule(books),
            )
    if isinstance(command, CloseSession | OpenSession | Configure):
        set_limits(books)


def _open_session(
    books: MarketBooks, command: CloseSession | OpenSession, *, emit: MarketEmission
) -> None:
    """Turn to the session that begins, with what is in force from it on."""
    turn(books, command)
    assert books.clock is not None, "a session was opened without a time"
    rules = index_rules(books.control.parameters_of(books.product.code))
    change_rules(books.index, rules, now=books.clock, emit=emit)
    list_contracts(books, command.at, emit=emit)


def _end_session(books: MarketBooks, command: CloseSession) -> None:
    for contract in in_order(books):
        if is_expiring(contract, command.business_date):
            del books.contracts[contract.symbol]
            continue
        contract.trades_carried += contract.trades.standing()
        contract.trades = SessionTrades()
        contract.quotes = QuoteBook()
        contract.interest_lots = contract.positions.open_interest()


def list_contracts(books: MarketBooks, at: int, *, emit: MarketEmission) -> None:
    """List what the session of today lists and yesterday's did not, by the holidays in force."""
    control = books.control
    session = control.business_date
    assert session is not None, "contracts were to be listed without a session"
    if books.product.code not in control.products_listed:
        return
    _move_last_days(books, session, at=at, emit=emit)
    for delivery in listed_deliveries(session, control.holidays):
        name = symbol(books.product.code, delivery)
        if name not in books.contracts:
            emit(_listing(books, delivery, session=session, at=at))
    set_limits(books)


def _move_last_days(books: MarketBooks, session: date, *, at: int, emit: MarketEmission) -> None:
    """Holidays may have come into force that were none when a contract was listed."""
    for contract in in_order(books):
        delivery = parse_symbol(contract.symbol)
        assert delivery is not None, f"{contract.symbol} was listed"
        day = last_trading_day(delivery, books.control.holidays)
        if day != contract.last_trading_day:
            emit(
                LastTradingDayMoved(
                    at=at, contract=contract.symbol, last_trading_day=day, business_date=session
                )
            )


def _listing(books: MarketBooks, delivery: Delivery, *, session: date, at: int) -> ContractListed:
    last_day = last_trading_day(delivery, books.control.holidays)
    return ContractListed(
        at=at,
        contract=symbol(books.product.code, delivery),
        product=books.product.code,
        delivery=delivery.text,
        last_trading_day=last_day,
        reference_ticks=_first_reference(books, last_day),
        business_date=session,
    )


def _first_reference(books: MarketBooks, last_day: date) -> int | None:
    """That of the nearest earlier expiry that has one; else the last index value on the tick."""
    earlier: list[ContractBooks] = [
        one
        for one in in_order(books)
        if one.last_trading_day < last_day and one.reference_ticks is not None
    ]
    if earlier:
        return earlier[-1].reference_ticks
    if books.index.value_micros is None:
        return None
    return index_ticks(books.index.value_micros, books.product.micros_per_tick)
