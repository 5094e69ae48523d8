"""The opening of a market's session: the rules in force, the listed contracts (RULEBOOK §1).

In: the control command that opens the session. Out: facts.
"""

from __future__ import annotations

from datetime import date

from events.contracts import Delivery, parse_symbol, symbol
from events.control_commands import CloseSession, OpenSession
from events.market_facts import ContractListed, ContractRescheduled
from services.shards.market.apply_control import follow_control
from services.shards.market.books import (
    ContractBooks,
    MarketBooks,
    MarketEmission,
    in_order,
    set_limits,
    tradable,
)
from settlement.calendar import last_trading_day, listed_deliveries
from settlement.index.decide import change_rules
from settlement.index.rules import index_rules
from settlement.prices import index_ticks


def open_session(
    books: MarketBooks, command: CloseSession | OpenSession, *, emit: MarketEmission
) -> None:
    """Open a session: the rules in force from it on, and its contracts."""
    follow_control(books, command)
    assert books.clock is not None, "a session was opened without a time"
    rules = index_rules(books.control.parameters_of(books.product.code))
    change_rules(books.index, rules, now=books.clock, emit=emit)
    list_contracts(books, command.at, emit=emit)


def list_contracts(books: MarketBooks, at: int, *, emit: MarketEmission) -> None:
    """List the session's contracts that are not listed yet, by the holidays in force."""
    control = books.control
    session = control.business_date
    assert session is not None, "contracts were to be listed without a session"
    if books.product.code not in control.products_listed:
        return
    _move_last_days(books, session, at=at, emit=emit)
    listed = listed_deliveries(session, control.holidays, passed_until=_passed_until(books))
    for delivery in listed:
        name = symbol(books.product.code, delivery)
        if name not in books.contracts:
            emit(_listing(books, delivery, session=session, at=at))
    set_limits(books)


def _passed_until(books: MarketBooks) -> str:
    """The last delivery month that is settled, or whose last trading day had no session."""
    passed = [entry.delivery for entry in books.contracts.values() if not tradable(books, entry)]
    return max(books.settled_until, *passed, "")


def _move_last_days(books: MarketBooks, session: date, *, at: int, emit: MarketEmission) -> None:
    """Move last trading days that have not passed by the holidays in force."""
    for contract in in_order(books):
        delivery = parse_symbol(contract.symbol)
        assert delivery is not None, f"{contract.symbol} was listed"
        day = last_trading_day(delivery, books.control.holidays)
        if day != contract.last_trading_day and tradable(books, contract):
            emit(
                ContractRescheduled(
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
    """The reference of the nearest earlier expiry with one; else the last index value in ticks."""
    earlier: list[ContractBooks] = [
        contract
        for contract in in_order(books)
        if contract.last_trading_day < last_day and contract.reference_ticks is not None
    ]
    if earlier:
        return earlier[-1].reference_ticks
    if books.index.value_micros is None:
        return None
    return index_ticks(books.index.value_micros, books.product.micros_per_tick)
