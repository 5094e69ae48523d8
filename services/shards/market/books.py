"""The books of a market shard: its index, contracts, positions, limits and amendments.

Composition only: prices and positions are settlement's, halts and rates are risk's.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

import numpy as np

from events.contracts import PRODUCTS, Product
from events.facts import MarketShardFact
from events.int64 import magnitude
from events.units import INT64_MAX, MINUTE_NS
from risk.index_moves import IndexMoves
from risk.makers import QuotedTime
from risk.margin import AddOn, Measure
from risk.margin_models import HISTORY_DAYS
from risk.model_review import ModelReview
from risk.position_limits import LimitParameters, limit_lots
from risk.price_limits import HaltState, LimitRule
from services.shards.emission import Emission
from services.shards.market.account_numbers import AccountNumbers
from settlement.control_books import Account, ControlBooks
from settlement.index.books import IndexBooks
from settlement.index.rules import index_rules
from settlement.positions import Positions
from settlement.quotes import QuoteBook
from settlement.session_trades import SessionTrades

UNBOUNDED: Final = 1 << 62
# The concentration add-on reads the lots traded in 20 sessions, today's included.
SESSIONS_BEFORE: Final = 19

MarketEmission: TypeAlias = Emission[MarketShardFact]


def _column() -> array[int]:
    return array("q")


@dataclass(slots=True)
class Owner:
    """The owner of accounts, to whom position limits apply."""

    number: int
    name: str
    accounts: list[Holder] = field(default_factory=list)


@dataclass(slots=True)
class Holder:
    """An account and its owner, by account number."""

    number: int
    account: Account
    owner: Owner


@dataclass(slots=True)
class ContractBooks:
    """One listed contract.

    trades_carried: the number of trades of earlier sessions that are not busted; carried_ticks: the
    price of the latest of them, kept while no price has marked the contract; settlements: the last
    prices, as many as the margin models need; traded_lots: of as many sessions before as the
    concentration add-on needs; measure, margin_model, add_on: of the last close, None before;
    market_ticks: the last reference or settlement price that the exchange did not set;
    overruled_ticks: the price that it has set for the close of the open session. quoted: when the
    designated makers' quotes kept the rule, since the opening.
    """

    symbol: str
    delivery: str
    last_trading_day: date
    reference_ticks: int | None
    halts: HaltState
    market_ticks: int | None = None
    overruled_ticks: int | None = None
    positions: Positions = field(default_factory=Positions)
    trades: SessionTrades = field(default_factory=SessionTrades)
    quotes: QuoteBook = field(default_factory=QuoteBook)
    quoted: dict[str, QuotedTime] = field(default_factory=dict)
    settlements: list[int] = field(default_factory=list)
    traded_lots: list[int] = field(default_factory=list)
    measure: Measure | None = None
    margin_model: str = ""
    add_on: AddOn | None = None
    interest_lots: int = 0
    trades_carried: int = 0
    carried_ticks: int | None = None
    limit_lots: int | None = None


@dataclass(slots=True)
class Amendment:
    """The amended price of a cleared trade, and whether it is busted."""

    price_ticks: int
    is_busted: bool


@dataclass(slots=True)
class MarketBooks:
    """All books of one product.

    anchor: the time of the first report, which bounds times while control has stated nothing.
    settled_until: the last delivery month settled, as text; none up to it is listed again.
    numbers, owner_of, stopped: of accounts, for trades by columns. lots_bound: by owner's number an
    upper bound on each of the owner's positions; up to limit_watch_lots no position limit can be
    crossed, and no check is needed.
    """

    product: Product
    control: ControlBooks
    index: IndexBooks
    clock: int | None = None
    anchor: int | None = None
    settled_until: str = ""
    contracts: dict[str, ContractBooks] = field(default_factory=dict)
    amendments: dict[str, Amendment] = field(default_factory=dict)
    review: ModelReview = field(default_factory=ModelReview)
    moves: IndexMoves = field(default_factory=IndexMoves)
    holders: dict[str, Holder] = field(default_factory=dict)
    numbers: AccountNumbers = field(default_factory=AccountNumbers)
    owner_of: array[int] = field(default_factory=_column)
    stopped: bytearray = field(default_factory=bytearray)
    lots_bound: array[int] = field(default_factory=_column)
    owners: dict[str, Owner] = field(default_factory=dict)
    all_limit_lots: int | None = None
    limit_watch_lots: int = UNBOUNDED


def open_market_books(product: str, control: ControlBooks) -> MarketBooks:
    """The books of a new market, with its first control books."""
    entry = PRODUCTS[product]
    return market_books(entry, control, index=IndexBooks(entry, fixings_kept=HISTORY_DAYS))


def market_books(product: Product, control: ControlBooks, *, index: IndexBooks) -> MarketBooks:
    """Books with the accounts of the control books and the rules in force for the index."""
    books = MarketBooks(product=product, control=control, index=index)
    books.index.rules = index_rules(control.parameters_of(product.code))
    books.clock = control.clock
    for account in control.accounts_by_number:
        add_holder(books, account)
    return books


def add_holder(books: MarketBooks, account: Account) -> Holder:
    """Add an account, and its owner if it is new."""
    owner = books.owners.get(account.owner)
    if owner is None:
        owner = books.owners[account.owner] = Owner(len(books.owners), account.owner)
        books.lots_bound.append(0)
    holder = Holder(account.number, account, owner)
    owner.accounts.append(holder)
    books.holders[account.name] = holder
    books.numbers.add(account.name.encode(), account.number)
    books.owner_of.append(owner.number)
    books.stopped.append(account.is_suspended or account.member.is_defaulted)
    return holder


def in_order(books: MarketBooks) -> list[ContractBooks]:
    """The contracts by last trading day."""
    return sorted(books.contracts.values(), key=lambda contract: contract.last_trading_day)


def front_contract(books: MarketBooks) -> ContractBooks | None:
    """The tradable contract with the first last trading day; None without tradable contracts."""
    trading = [contract for contract in books.contracts.values() if tradable(books, contract)]
    return min(trading, key=lambda contract: contract.last_trading_day, default=None)


def tradable(books: MarketBooks, contract: ContractBooks) -> bool:
    """Whether a contract's last trading day has not passed."""
    session = books.control.business_date
    return session is not None and contract.last_trading_day >= session


def is_expiring(contract: ContractBooks, business_date: date) -> bool:
    """Whether a close is final settlement: on the last trading day, or the first close after it."""
    return contract.last_trading_day <= business_date


def ranks_after(books: MarketBooks, expired_by: date) -> dict[str, int]:
    """The ranks of the contracts that do not expire by a date, 0 for the front month."""
    going_on = [listed for listed in in_order(books) if not is_expiring(listed, expired_by)]
    return {listed.symbol: rank for rank, listed in enumerate(going_on)}


def limit_rule(books: MarketBooks) -> LimitRule:
    """The limits in force for the product."""
    parameter = books.control.parameters_of(books.product.code)
    return LimitRule(
        first_ppm=parameter("first_limit_ppm"),
        second_ppm=parameter("second_limit_ppm"),
        halt_ns=parameter("halt_minutes") * MINUTE_NS,
    )


def set_limits(books: MarketBooks) -> None:
    """Set the position limits by open interest and prices, after a close, a listing or a load."""
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
    limits = [contract.limit_lots for contract in books.contracts.values()]
    watched = [limit for limit in (*limits, books.all_limit_lots) if limit is not None]
    books.limit_watch_lots = min((4 * limit // 5 for limit in watched), default=UNBOUNDED)
    _set_lots_bounds(books)


def _set_lots_bounds(books: MarketBooks) -> None:
    """Set the bounds of all owners, by columns where no sum can leave int64."""
    columns = [
        np.frombuffer(contract.positions.lots, np.int64) for contract in books.contracts.values()
    ]
    if sum(magnitude(lots) * len(lots) for lots in columns) > INT64_MAX:
        for owner in books.owners.values():
            books.lots_bound[owner.number] = lots_bound_of(books, owner)
        return
    bounds = np.zeros(len(books.lots_bound), np.int64)
    owner_of = np.frombuffer(books.owner_of, np.int64)
    for lots in columns:
        np.add.at(bounds, owner_of, np.abs(lots))
    books.lots_bound = array("q", bounds.tobytes())


def lots_bound_of(books: MarketBooks, owner: Owner) -> int:
    """The bound on an owner's positions: the sum of all lots of its accounts, without signs."""
    bound = sum(
        abs(contract.positions.lots[holder.number])
        for contract in books.contracts.values()
        for holder in owner.accounts
    )
    return min(bound, INT64_MAX)


def advance(books: MarketBooks, at: int) -> None:
    """Time only goes forward."""
    if books.clock is None or at > books.clock:
        books.clock = at
