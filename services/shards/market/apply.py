"""How each fact changes a market's books; the only place where they change, also in a replay.

In: a fact, or the copy of a control command. Facts that are pure evidence change nothing.
"""

from __future__ import annotations

from array import array

from events.command import Command
from events.control_commands import DeclareDefault, OpenAccount, ReinstateAccount, SuspendAccount
from events.fact import Fact
from events.index_facts import (
    CapabilityReported,
    IndexFixed,
    IndexPublished,
    IndexRulesSet,
    IndexStale,
    IndexValueReported,
    ModelRetired,
    ProviderPriceHeld,
    ProviderPriceReported,
    ProviderVolumeReported,
)
from events.market_facts import (
    ContractHalted,
    ContractListed,
    ContractResumed,
    ContractSettled,
    ContractUnmarked,
    CyclePriceSet,
    LastTradingDayMoved,
    MarginRateSet,
    PositionTransferred,
    QuoteSet,
    SettlementPriceSet,
    TradeBusted,
    TradePriceAdjusted,
)
from events.units import INT64_MAX, MINUTE_NS
from risk.price_limits import HaltState, LimitRule, apply_halted, apply_resumed
from services.shards.market.books import (
    HISTORY,
    Amendment,
    ContractBooks,
    Holder,
    MarketBooks,
    add_holder,
)
from settlement.control_books import apply_control
from settlement.index.decide import apply_index_fact
from settlement.positions import Positions
from settlement.quotes import Quote


def apply_market_fact(books: MarketBooks, fact: Fact) -> None:
    """Change the books by one fact."""
    match fact:
        case (
            CapabilityReported() | ProviderPriceReported() | ProviderVolumeReported()
            | ModelRetired() | IndexValueReported() | ProviderPriceHeld() | IndexPublished()
            | IndexStale() | IndexFixed() | IndexRulesSet()
        ):  # fmt: skip
            apply_index_fact(books.index, fact)
            _advance(books, fact.at)
        case TradeBusted() | TradePriceAdjusted():
            _amend(books, fact)
        case PositionTransferred():
            _transfer(books, fact)
        case QuoteSet():
            quote = Quote(fact.bid_ticks, fact.bid_lots, fact.ask_ticks, fact.ask_lots)
            books.contracts[fact.contract].quotes.set(fact.maker, quote)
        case ContractHalted():
            apply_halted(books.contracts[fact.contract].halts, fact)
        case ContractResumed():
            apply_resumed(books.contracts[fact.contract].halts, fact)
        case _:
            _apply_cycle_fact(books, fact)


def _apply_cycle_fact(books: MarketBooks, fact: Fact) -> None:
    match fact:
        case CyclePriceSet():
            books.contracts[fact.contract].positions.mark(fact.price_ticks)
        case SettlementPriceSet():
            _settle(books.contracts[fact.contract], fact.price_ticks)
        case ContractUnmarked():
            books.contracts[fact.contract].positions.unmark()
        case ContractSettled():
            books.contracts[fact.contract].settlements.append(fact.price_ticks)
        case MarginRateSet():
            books.contracts[fact.contract].rate_ppm = fact.rate_ppm
        case ContractListed():
            _list(books, fact)
        case LastTradingDayMoved():
            books.contracts[fact.contract].last_trading_day = fact.last_trading_day
        case _:
            pass


def apply_market_copy(books: MarketBooks, command: Command) -> None:
    """Fold the copy of a control command into what the shard knows of members and sessions."""
    apply_control(books.control, command)
    _advance(books, command.event_time)
    match command:
        case OpenAccount():
            _open_holder(books, command.account)
        case SuspendAccount() | ReinstateAccount():
            _refresh_stop(books, books.holders[command.account])
        case DeclareDefault():
            for holder in books.holders.values():
                if holder.account.member.name == command.member:
                    _refresh_stop(books, holder)
        case _:
            pass


def add_trade(
    contract: ContractBooks, buyer: int, *, seller: int, lots: int, price_ticks: int
) -> None:
    """Novate: the buyer is long of the house, the seller short; by account numbers."""
    positions = contract.positions
    value = lots * (price_ticks - (positions.mark_ticks or 0))
    positions.lots[buyer] += lots
    positions.lots[seller] -= lots
    positions.open_cents[buyer] += value
    positions.open_cents[seller] -= value


def widen_reach(books: MarketBooks, holder: Holder, *, lots: int) -> None:
    """The bound on an owner's positions after one more trade, whatever its direction."""
    reach = books.reach_lots[holder.owner.number] + lots
    books.reach_lots[holder.owner.number] = min(reach, INT64_MAX)


def limit_rule(books: MarketBooks) -> LimitRule:
    """The limits in force for the product."""
    code = books.product.code
    return LimitRule(
        first_ppm=books.control.parameter("first_limit_ppm", code),
        second_ppm=books.control.parameter("second_limit_ppm", code),
        halt_ns=books.control.parameter("halt_minutes", code) * MINUTE_NS,
    )


def _advance(books: MarketBooks, at: int) -> None:
    if books.clock is None or at > books.clock:
        books.clock = at


def _amend(books: MarketBooks, fact: TradeBusted | TradePriceAdjusted) -> None:
    contract = books.contracts[fact.contract]
    buyer, seller = books.holders[fact.buyer], books.holders[fact.seller]
    is_bust = isinstance(fact, TradeBusted)
    if isinstance(fact, TradeBusted):
        add_trade(
            contract,
            seller.number,
            seller=buyer.number,
            lots=fact.lots,
            price_ticks=fact.price_ticks,
        )
        _bust(contract, fact.trade_seq)
        # A position may be larger without the trade than with it.
        widen_reach(books, buyer, lots=fact.lots)
        widen_reach(books, seller, lots=fact.lots)
    else:
        change = fact.lots * (fact.price_ticks - fact.price_ticks_before)
        contract.positions.open_cents[buyer.number] += change
        contract.positions.open_cents[seller.number] -= change
        contract.trades.reprice(fact.trade_seq, fact.price_ticks)
    books.amendments[fact.trade_id] = Amendment(fact.price_ticks, is_bust)


def _bust(contract: ContractBooks, seq: int) -> None:
    """Leave the trade of a row out; one of an earlier session is counted only."""
    if not contract.trades.bust(seq):
        contract.trades_carried -= 1


def _transfer(books: MarketBooks, fact: PositionTransferred) -> None:
    giver = books.holders[fact.from_account].number
    taker = books.holders[fact.to_account].number
    buyer, seller = (taker, giver) if fact.side == "long" else (giver, taker)
    contract = books.contracts[fact.contract]
    add_trade(contract, buyer, seller=seller, lots=fact.lots, price_ticks=fact.price_ticks)
    for name in (fact.from_account, fact.to_account):
        widen_reach(books, books.holders[name], lots=fact.lots)


def _settle(contract: ContractBooks, price_ticks: int) -> None:
    contract.positions.mark(price_ticks)
    contract.positions.paid_cents = None
    contract.reference_ticks = price_ticks
    contract.settlements = [*contract.settlements, price_ticks][-HISTORY:]


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
        halts=HaltState(fact.contract, fact.reference_ticks, limit_rule(books)),
        positions=positions,
    )


def _open_holder(books: MarketBooks, name: str) -> None:
    add_holder(books, books.control.accounts[name])
    for contract in books.contracts.values():
        contract.positions.grow(len(books.holders))


def _refresh_stop(books: MarketBooks, holder: Holder) -> None:
    account = holder.account
    books.stopped[holder.number] = account.is_suspended or account.member.is_defaulted
    if books.stopped[holder.number]:
        for contract in books.contracts.values():
            contract.quotes.lapse(account.name)
