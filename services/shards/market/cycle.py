"""Cycles of a market shard: the intraday mark and the close (RULEBOOK §4, §5).

In: the copy of `run_cycle` or `close_session`. Out: facts through the emission, and each contract's
flow for `member/0`. Amounts are computed by columns before a fact moves the mark.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np

from events.control_commands import CLOSE_CYCLE, CloseSession, RunCycle
from events.int64 import IntArray, as_index, total
from events.market_facts import (
    ContractSettled,
    ContractUnmarked,
    CycleDone,
    CyclePriceSet,
    PositionClosed,
    SettlementPriceSet,
    VariationSettled,
)
from events.texts import decimals
from events.units import INT64_MAX, INT64_MIN, MINUTE_NS
from risk.margin import rate
from risk.model_review import review_model
from risk.price_limits import close_session
from services.shards.links import ContractFlow
from services.shards.market.books import (
    ContractBooks,
    MarketBooks,
    MarketEmission,
    in_order,
    is_expiring,
    ranks_after,
)
from services.shards.market.makers import state_scores
from services.shards.market.margin import measure_of, state_measures
from settlement.index.books import Fixing
from settlement.index.decide import expire_prices, fix_index
from settlement.prices import Candidate, SessionTimes, index_ticks, settle_prices


@dataclass(frozen=True, slots=True)
class Marked:
    """A contract in a cycle: its price, None without one; its tier; the cents of each account."""

    contract: ContractBooks
    price_ticks: int | None
    tier: Literal[0, 1, 2, 3, 4] | None
    amount_cents: IntArray


def run_cycle(books: MarketBooks, command: RunCycle, *, emit: MarketEmission) -> list[ContractFlow]:
    """Mark every contract to its latest trade and state its variation."""
    session = books.control.business_date
    assert session is not None, "a cycle was ordered without a session"
    flows = []
    for contract in in_order(books):
        marked = _mark_intraday(contract, SessionTimes(books.control.opened_at, command.at))
        _state_cycle_price(marked, session, command=command, emit=emit)
        _state_variation(
            books, marked, session=session, cycle=(command.cycle, command.at), emit=emit
        )
        flows.append(flow_of(books, marked))
    emit(CycleDone(at=command.at, business_date=session, cycle=command.cycle))
    return flows


def close_market(
    books: MarketBooks, command: CloseSession, *, emit: MarketEmission
) -> list[ContractFlow]:
    """The close: fixing, resumptions, prices, variation, final settlement, rates, makers."""
    expire_prices(books.index, command.at, emit=emit)
    fix_index(books.index, command.business_date, close_at=command.at, emit=emit)
    for contract in in_order(books):
        for resumed in close_session(contract.halts, command.at):
            emit(resumed)
    session, cycle = command.business_date, (CLOSE_CYCLE, command.at)
    marks = _settle(books, command)
    for marked in marks:
        _state_price(books, marked, command=command, emit=emit)
    for marked in marks:
        _state_variation(books, marked, session=session, cycle=cycle, emit=emit)
    for marked in marks:
        if is_expiring(marked.contract, session):
            _state_closed_positions(books, marked.contract, at=command.at, emit=emit)
    state_measures(books, _rated(marks, session), command=command, emit=emit)
    reviewed = review_model(books.review, books.product.code, business_date=session, at=command.at)
    if reviewed is not None:
        emit(reviewed)
    state_scores(books, command, emit=emit)
    emit(CycleDone(at=command.at, business_date=session, cycle=CLOSE_CYCLE))
    ranks = ranks_after(books, session)
    return [_close_flow(books, marked, rank=ranks.get(marked.contract.symbol)) for marked in marks]


def _rated(marks: list[Marked], business_date: date) -> list[ContractBooks]:
    return [
        marked.contract
        for marked in marks
        if marked.price_ticks is not None and not is_expiring(marked.contract, business_date)
    ]


def _mark_intraday(contract: ContractBooks, times: SessionTimes) -> Marked:
    price = contract.trades.latest_price(*times)
    if price is None:
        price = contract.positions.mark_ticks
    return Marked(contract, price, None, _amounts(contract, price))


def _amounts(contract: ContractBooks, price_ticks: int | None) -> IntArray:
    if price_ticks is None:
        return np.zeros(len(contract.positions.lots), dtype=np.int64)
    return contract.positions.variation(price_ticks)


def _state_cycle_price(
    marked: Marked, session: date, *, command: RunCycle, emit: MarketEmission
) -> None:
    contract = marked.contract
    if marked.price_ticks is None:
        return
    has_moved = marked.price_ticks != contract.positions.mark_ticks
    if has_moved or marked.amount_cents.any() or any(contract.positions.lots):
        emit(
            CyclePriceSet(
                at=command.at,
                contract=contract.symbol,
                business_date=session,
                cycle=command.cycle,
                price_ticks=marked.price_ticks,
            )
        )


def _settle(books: MarketBooks, command: CloseSession) -> list[Marked]:
    fixing = todays_fixing(books, command.business_date)
    contracts = in_order(books)
    candidates = [
        _candidate(contract)
        for contract in contracts
        if fixing is None or not is_expiring(contract, command.business_date)
    ]
    minutes = books.control.parameter("settlement_window_minutes", books.product.code)
    times = SessionTimes(books.control.opened_at, command.at)
    settled = settle_prices(candidates, times, window_ns=minutes * MINUTE_NS)
    marks = []
    for contract in contracts:
        settlement = settled.get(contract.symbol)
        price = None if settlement is None else settlement.price_ticks
        tier = None if settlement is None else settlement.tier
        if is_expiring(contract, command.business_date):
            price = _final_price(books, contract, settled=price, fixing=fixing)
        amounts = _amounts(contract, price)
        if _is_to_unmark(contract, price):
            amounts = contract.positions.give_back()
        marks.append(Marked(contract, price, tier, amounts))
    return marks


def _is_to_unmark(contract: ContractBooks, price_ticks: int | None) -> bool:
    """Whether a contract has no price because all its trades are busted."""
    has_trades = contract.trades_carried + contract.trades.standing() > 0
    return price_ticks is None and not has_trades


def todays_fixing(books: MarketBooks, business_date: date) -> Fixing | None:
    """The fixing of this close; None when there has never been an index."""
    fixings = books.index.fixings
    return fixings[-1] if fixings and fixings[-1].business_date == business_date else None


def _final_price(
    books: MarketBooks, contract: ContractBooks, *, settled: int | None, fixing: Fixing | None
) -> int | None:
    """The TPI fixing in ticks; else the price by tiers, the last mark, or the last trade.

    No position is closed at no price: the last trade may be of an earlier session.
    """
    if fixing is not None:
        return index_ticks(fixing.value_micros, books.product.micros_per_tick)
    if settled is not None:
        return settled
    mark = contract.positions.mark_ticks
    if mark is not None:
        return mark
    latest = contract.trades.latest_price(INT64_MIN, INT64_MAX)
    return contract.carried_ticks if latest is None and contract.trades_carried else latest


def _candidate(contract: ContractBooks) -> Candidate:
    return Candidate(
        contract=contract.symbol,
        last_trading_day=contract.last_trading_day,
        reference_ticks=contract.reference_ticks,
        trades=contract.trades,
        quotes=contract.quotes,
        overruled_ticks=contract.overruled_ticks,
        has_lots=any(contract.positions.lots),
    )


def _state_price(
    books: MarketBooks, marked: Marked, *, command: CloseSession, emit: MarketEmission
) -> None:
    contract, price, session = marked.contract, marked.price_ticks, command.business_date
    if price is None:
        if _is_to_unmark(contract, price) and contract.positions.mark_ticks is not None:
            emit(ContractUnmarked(at=command.at, contract=contract.symbol, business_date=session))
    elif is_expiring(contract, session):
        emit(_settled_finally(books, contract, price=price, command=command))
    else:
        assert marked.tier is not None, f"{contract.symbol} has a price without a tier"
        emit(
            SettlementPriceSet(
                at=command.at,
                contract=contract.symbol,
                business_date=session,
                price_ticks=price,
                tier=marked.tier,
                reference_ticks=contract.reference_ticks,
            )
        )


def _settled_finally(
    books: MarketBooks, contract: ContractBooks, *, price: int, command: CloseSession
) -> ContractSettled:
    fixing = todays_fixing(books, command.business_date)
    by_index: Literal["tpi_stale", "tpi_fixing"] = (
        "tpi_stale" if fixing is not None and fixing.is_stale else "tpi_fixing"
    )
    return ContractSettled(
        at=command.at,
        contract=contract.symbol,
        business_date=command.business_date,
        price_ticks=price,
        source="daily_settlement" if fixing is None else by_index,
    )


def _state_variation(
    books: MarketBooks,
    marked: Marked,
    *,
    session: date,
    cycle: tuple[str, int],
    emit: MarketEmission,
) -> None:
    """State a fact for each account whose amount is not zero. cycle: (name, at)."""
    moved = np.flatnonzero(marked.amount_cents)
    contract = marked.contract.symbol
    amounts = marked.amount_cents[moved]
    assert total(amounts) == 0, f"variation of {contract} sums to {total(amounts)}"
    emit.columns(
        VariationSettled,
        cycle[1],
        alike={"contract": contract, "business_date": session, "cycle": cycle[0]},
        columns={
            "account": books.control.account_names(moved),
            "amount_cents": decimals(amounts),
        },
    )


def _state_closed_positions(
    books: MarketBooks, contract: ContractBooks, *, at: int, emit: MarketEmission
) -> None:
    lots = np.frombuffer(contract.positions.lots, dtype=np.int64)
    holders = np.flatnonzero(lots)
    emit.columns(
        PositionClosed,
        at,
        alike={"contract": contract.symbol},
        columns={
            "account": books.control.account_names(holders),
            "lots": decimals(lots[holders]),
        },
    )


def _close_flow(books: MarketBooks, marked: Marked, *, rank: int | None) -> ContractFlow:
    """The flow of a contract at a close; without rank and positions if the contract expires."""
    flow = flow_of(books, marked)
    if rank is not None:
        return replace(flow, rank=rank)
    return replace(flow, mark_ticks=None, measure=rate(0), lots=np.zeros_like(flow.lots))


def flow_of(books: MarketBooks, marked: Marked) -> ContractFlow:
    """The flow of a contract to `member/0`: all accounts with a position or an amount."""
    contract = marked.contract
    lots = np.frombuffer(contract.positions.lots, dtype=np.int64)
    chosen = np.flatnonzero((lots != 0) | (marked.amount_cents != 0)).astype(np.int64, copy=False)
    index = as_index(chosen)
    model, measure = measure_of(books, contract)
    return ContractFlow(
        contract=contract.symbol,
        model=model,
        mark_ticks=contract.positions.mark_ticks,
        measure=measure,
        add_on=contract.add_on,
        moves_ppm=books.moves.all_ppm,
        accounts=chosen,
        lots=lots[index].copy(),
        amount_cents=marked.amount_cents[index],
    )
