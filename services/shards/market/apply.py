"""The effect of each fact on a market's books, for deciding and for folding.

In: a fact; evidence changes nothing. `novations.py` is the twin by columns for many novations, and
`apply_control.py` has the effect of control commands.
"""

from __future__ import annotations

from array import array
from typing import Final, assert_never

from events.control_facts import CommandRefused, DayClosed, ShardOpened
from events.default_facts import PositionTakenOver, TakeoverRefused
from events.facts import MarketShardFact
from events.index_facts import IndexFact, IndexFixed
from events.market_facts import (
    ContractHalted,
    ContractListed,
    ContractRescheduled,
    ContractResumed,
    ContractSettled,
    ContractUnmarked,
    CycleDone,
    CyclePriceSet,
    MakerObligationMissed,
    MakerScored,
    MarginAddOnSet,
    MarginModelReviewed,
    MarginRateAboveBand,
    MarginRateSet,
    MarginScenariosSet,
    PositionClosed,
    PositionLimitBreached,
    PositionLimitWarned,
    PositionTransferred,
    QuoteSet,
    SettlementPriceOverruled,
    SettlementPriceSet,
    TradeAlreadyCleared,
    TradeBusted,
    TradeNovated,
    TradePriceAdjusted,
    VariationSettled,
)
from events.spread_facts import SpreadCleared
from events.units import INT64_MAX
from risk.index_moves import DAYS_APART
from risk.margin import NO_ADD_ON, AddOn, Measure, rate
from risk.margin_models import HISTORY_DAYS, MODELS
from risk.model_review import apply_reviewed
from risk.price_limits import HaltState, apply_halted, apply_resumed
from risk.side_rates import side_rates
from services.shards.market.books import (
    Amendment,
    ContractBooks,
    Holder,
    MarketBooks,
    advance,
    limit_rule,
)
from services.shards.market.makers import set_quote
from services.shards.market.takeover import apply_taken_over
from settlement.index.apply import apply_index_fact
from settlement.ledger import cents
from settlement.positions import Positions
from settlement.prices import TIER_OVERRULED
from settlement.quotes import Quote

# Facts that change no books: they report changes made by other facts, repeats or alerts.
MARKET_EVIDENCE: Final = (
    ShardOpened, CommandRefused, DayClosed, TradeAlreadyCleared, VariationSettled, PositionClosed,
    PositionLimitWarned, PositionLimitBreached, MarginRateAboveBand, MakerScored,
    MakerObligationMissed, CycleDone, TakeoverRefused, SpreadCleared,
)  # fmt: skip


def apply_market_fact(books: MarketBooks, fact: MarketShardFact, *, seq: int) -> None:
    """Change the books by one fact. seq: of the journal row that states it."""
    if isinstance(fact, MARKET_EVIDENCE):
        return
    if isinstance(fact, IndexFact):
        apply_index_fact(books.index, fact)
        if isinstance(fact, IndexFixed):
            _note_move(books)
        advance(books, fact.at)
        books.anchor = fact.at if books.anchor is None else books.anchor
        return
    match fact:
        case TradeNovated():
            _novate(books, fact, seq=seq)
        case TradeBusted():
            _bust(books, fact)
        case TradePriceAdjusted():
            _adjust(books, fact)
        case PositionTransferred():
            _transfer(books, fact)
        case PositionTakenOver():
            apply_taken_over(books, fact)
        case ContractListed():
            _list(books, fact)
        case QuoteSet():
            _quote(books, fact)
        case MarginModelReviewed():
            apply_reviewed(books.review, fact)
        case SettlementPriceSet() | ContractSettled():
            _review(books, fact)
            _apply_contract_fact(books.contracts[fact.contract], fact)
        case _:
            _apply_contract_fact(books.contracts[fact.contract], fact)


def _note_move(books: MarketBooks) -> None:
    """Note the index's move since the fixing of two days before."""
    *_, last = fixings = [fixing.value_micros for fixing in books.index.fixings[-1 - DAYS_APART :]]
    if len(fixings) > DAYS_APART:
        books.moves.note(fixings[0], last)


def _apply_contract_fact(
    contract: ContractBooks,
    fact: ContractHalted
    | ContractResumed
    | CyclePriceSet
    | SettlementPriceOverruled
    | SettlementPriceSet
    | ContractUnmarked
    | ContractSettled
    | MarginRateSet
    | MarginScenariosSet
    | MarginAddOnSet
    | ContractRescheduled,
) -> None:
    match fact:
        case ContractHalted():
            apply_halted(contract.halts, fact)
        case ContractResumed():
            apply_resumed(contract.halts, fact)
        case CyclePriceSet():
            contract.positions.mark(fact.price_ticks)
        case SettlementPriceOverruled():
            contract.overruled_ticks = fact.price_ticks
        case SettlementPriceSet():
            _settle(contract, fact)
        case ContractUnmarked():
            contract.positions.unmark()
        case ContractSettled():
            contract.settlements.append(fact.price_ticks)
        case MarginRateSet():
            contract.measure, contract.margin_model = rate(fact.rate_ppm), fact.model
        case MarginScenariosSet():
            contract.measure = Measure(fact.axis, fact.shocks_ppm)
            contract.margin_model = fact.model
        case MarginAddOnSet():
            add_on = AddOn(fact.traded_lots, fact.half_spread_ppm, fact.jump_ppm)
            contract.add_on = None if add_on == NO_ADD_ON else add_on
        case ContractRescheduled():
            contract.last_trading_day = fact.last_trading_day
        case _:
            assert_never(fact)


def _quote(books: MarketBooks, fact: QuoteSet) -> None:
    quote = Quote(fact.bid_ticks, fact.bid_lots, fact.ask_ticks, fact.ask_lots, fact.at)
    set_quote(books, books.contracts[fact.contract], maker=fact.maker, quote=quote)


def _review(books: MarketBooks, fact: SettlementPriceSet | ContractSettled) -> None:
    """Note whether the move since the last close was beyond the margin set there.

    Prices are stated by last trading day: the first of a close that had a margin is the front
    month's, and the only one that counts.
    """
    contract, review = books.contracts[fact.contract], books.review
    if contract.measure is None or review.day == fact.business_date:
        return
    model = MODELS[contract.margin_model]
    settings = {name: books.control.parameter(name) for name in model.portfolio_parameters}
    rates = side_rates(model, contract.measure, settings=settings)
    is_exception = rates.are_exceeded(contract.settlements[-1], fact.price_ticks)
    review.note(model.name, fact.business_date, is_exception=is_exception)


def _novate(books: MarketBooks, fact: TradeNovated, *, seq: int) -> None:
    contract = books.contracts[fact.contract]
    buyer, seller = books.holders[fact.buyer], books.holders[fact.seller]
    _add_trade(contract, buyer, seller=seller, lots=fact.lots, price_ticks=fact.price_ticks)
    contract.trades.add(seq, fact.at, price_ticks=fact.price_ticks, lots=fact.lots)
    _widen_lots_bounds(books, buyer, seller, lots=fact.lots)


def _add_trade(
    contract: ContractBooks, buyer: Holder, *, seller: Holder, lots: int, price_ticks: int
) -> None:
    """The buyer is long of the clearinghouse, the seller short."""
    positions = contract.positions
    gain = cents(lots, price_ticks - (positions.mark_ticks or 0))
    positions.lots[buyer.number] += lots
    positions.lots[seller.number] -= lots
    positions.open_cents[buyer.number] += gain
    positions.open_cents[seller.number] -= gain


def _widen_lots_bounds(books: MarketBooks, *holders: Holder, lots: int) -> None:
    """Raise the bounds on owners' positions by a trade of either direction."""
    for holder in holders:
        bound = books.lots_bound[holder.owner.number] + lots
        books.lots_bound[holder.owner.number] = min(bound, INT64_MAX)


def _bust(books: MarketBooks, fact: TradeBusted) -> None:
    contract = books.contracts[fact.contract]
    buyer, seller = books.holders[fact.buyer], books.holders[fact.seller]
    _add_trade(contract, seller, seller=buyer, lots=fact.lots, price_ticks=fact.price_ticks)
    # A trade of an earlier session is only counted.
    if not contract.trades.bust(fact.trade_seq):
        contract.trades_carried -= 1
    # A position may be larger without the trade than with it.
    _widen_lots_bounds(books, buyer, seller, lots=fact.lots)
    books.amendments[fact.trade_id] = Amendment(fact.price_ticks, is_busted=True)


def _adjust(books: MarketBooks, fact: TradePriceAdjusted) -> None:
    contract = books.contracts[fact.contract]
    change = cents(fact.lots, fact.price_ticks - fact.price_ticks_before)
    contract.positions.open_cents[books.holders[fact.buyer].number] += change
    contract.positions.open_cents[books.holders[fact.seller].number] -= change
    contract.trades.reprice(fact.trade_seq, fact.price_ticks)
    books.amendments[fact.trade_id] = Amendment(fact.price_ticks, is_busted=False)


def _transfer(books: MarketBooks, fact: PositionTransferred) -> None:
    giver, taker = books.holders[fact.from_account], books.holders[fact.to_account]
    buyer, seller = (taker, giver) if fact.side == "long" else (giver, taker)
    contract = books.contracts[fact.contract]
    _add_trade(contract, buyer, seller=seller, lots=fact.lots, price_ticks=fact.price_ticks)
    _widen_lots_bounds(books, giver, taker, lots=fact.lots)


def _settle(contract: ContractBooks, fact: SettlementPriceSet) -> None:
    price_ticks = fact.price_ticks
    if fact.tier != TIER_OVERRULED:
        contract.market_ticks = price_ticks
    contract.positions.mark(price_ticks)
    contract.positions.paid_cents = None
    contract.reference_ticks = price_ticks
    contract.settlements = [*contract.settlements, price_ticks][-HISTORY_DAYS:]


def _list(books: MarketBooks, fact: ContractListed) -> None:
    positions = Positions(mark_ticks=fact.reference_ticks)
    if fact.reference_ticks is None:
        positions.paid_cents = array("q")
    positions.grow(len(books.holders))
    books.contracts[fact.contract] = ContractBooks(
        symbol=fact.contract,
        delivery=fact.delivery,
        last_trading_day=fact.last_trading_day,
        reference_ticks=fact.reference_ticks,
        market_ticks=fact.reference_ticks,
        halts=HaltState(fact.contract, fact.reference_ticks, limit_rule(books)),
        positions=positions,
    )
