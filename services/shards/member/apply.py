"""The effect of each fact on the books of `member/0`, for deciding and for folding.

Variation and requirements come for all accounts at once: `apply_variation` and `apply_requirements`
are the twins by columns of the facts `posting` and `margin_set`.
"""

from __future__ import annotations

from typing import Final, assert_never

import numpy as np
import numpy.typing as npt

from events.asset_facts import (
    AssetCounted,
    AssetMoved,
    AssetPriced,
    AssetPriceHeld,
    AssetStale,
    AssetWithdrawalPending,
    AssetWithdrawalRefused,
)
from events.control_commands import Barrier, ControlCommand, OpenAccount
from events.control_facts import CommandRefused, DayClosed, ShardOpened
from events.default_commands import SettleDefault
from events.default_facts import AuctionPaymentRefused, WaterfallApplied
from events.facts import MemberShardFact
from events.fund_facts import (
    FundCalled,
    FundCallMet,
    FundCallMissed,
    FundCallPartlyMet,
    FundCallRaised,
    FundChange,
    FundMoved,
    FundRequired,
    FundSized,
    FundWithdrawalPending,
    FundWithdrawalRefused,
    StressRun,
)
from events.int64 import IntArray, add
from events.ledger_names import owner_of_cash, variation_of
from events.member_facts import (
    CashAdjusted,
    CollateralMoved,
    MarginCalled,
    MarginCallMet,
    MarginCallMissed,
    MarginCallPartlyMet,
    MarginCallRaised,
    MarginSet,
    Posting,
    SettlementInstructed,
    WithdrawalPending,
    WithdrawalRefused,
)
from events.spread_commands import SubmitSpread
from events.units import fits_int64
from risk.asset_prices import AssetPrice
from risk.calls import apply_called, apply_changed, apply_ended
from risk.collateral import apply_units_moved, is_fresh
from risk.fund import apply_fund_called, apply_fund_pending
from risk.waterfall import ASSESSMENT
from risk.withdrawals import apply_decided, apply_pending
from services.shards.member.books import MemberBooks, as_column, stored
from settlement.control_books import apply_control

# Facts that change no books: they report amounts owed, and what amounts follow from.
MEMBER_EVIDENCE: Final = (
    ShardOpened, CommandRefused, DayClosed, SettlementInstructed, AssetCounted, StressRun,
    FundSized, AuctionPaymentRefused,
)  # fmt: skip


def apply_member_fact(books: MemberBooks, fact: MemberShardFact) -> None:
    """Change the books by one fact."""
    if isinstance(fact, MEMBER_EVIDENCE):
        return
    if isinstance(fact, FundChange):
        _apply_fund(books, fact)
        return
    match fact:
        case Posting():
            _post(books, fact.debit, amount_cents=-fact.amount_cents)
            _post(books, fact.credit, amount_cents=fact.amount_cents)
        case CollateralMoved():
            _advance(books, fact.at)
            if fact.amount_cents < 0:
                apply_decided(books.withdrawals, fact.reference)
        case CashAdjusted():
            _advance(books, fact.at)
        case WithdrawalPending() | AssetWithdrawalPending():
            _advance(books, fact.at)
            apply_pending(books.withdrawals, fact, number=books.number_of(fact.account))
        case WithdrawalRefused() | AssetWithdrawalRefused():
            apply_decided(books.withdrawals, fact.reference)
        case MarginSet():
            number = books.number_of(fact.account)
            books.initial[number] = fact.initial_cents
            books.maintenance[number] = fact.maintenance_cents
            books.had_position[number] = bool(fact.parts)
        case AssetMoved() | AssetPriced() | AssetStale() | AssetPriceHeld():
            _apply_asset(books, fact)
        case WaterfallApplied():
            _apply_waterfall(books, fact)
        case _:
            _apply_call(books, fact)


def _apply_waterfall(books: MemberBooks, fact: WaterfallApplied) -> None:
    """A settlement is done; what members are assessed for a default adds up over its orders."""
    del books.settlements[fact.member]
    assessed = books.settled.setdefault(fact.member, {})
    for layer in fact.layers:
        if layer.layer == ASSESSMENT and layer.member is not None:
            assessed[layer.member] = assessed.get(layer.member, 0) + layer.amount_cents


def _apply_fund(books: MemberBooks, fact: FundChange) -> None:
    fund = books.fund
    match fact:
        case FundMoved():
            _advance(books, fact.at)
            fund.pending.pop(fact.reference, None)
        case FundWithdrawalPending():
            _advance(books, fact.at)
            apply_fund_pending(fund, fact)
        case FundWithdrawalRefused():
            del fund.pending[fact.reference]
        case FundRequired():
            fund.required[fact.member] = fact.required_cents
        case FundCalled():
            apply_fund_called(fund, fact)
        case FundCallPartlyMet() | FundCallRaised():
            fund.calls[fact.member].remaining_cents = fact.remaining_cents
        case FundCallMet() | FundCallMissed():
            del fund.calls[fact.member]
        case _:
            assert_never(fact)


def _apply_asset(
    books: MemberBooks, fact: AssetMoved | AssetPriced | AssetStale | AssetPriceHeld
) -> None:
    match fact:
        case AssetMoved():
            _advance(books, fact.at)
            number, accounts = books.number_of(fact.account), len(books.cash)
            apply_units_moved(books.assets, fact, number=number, accounts=accounts)
            if fact.reference in books.withdrawals.pending:
                apply_decided(books.withdrawals, fact.reference)
        case AssetPriced():
            _advance(books, fact.at)
            books.assets.prices[fact.asset] = AssetPrice(fact.price_micros, fact.at)
        case AssetStale():
            books.assets.prices[fact.asset].is_stale = True
        case AssetPriceHeld():
            price = books.assets.prices[fact.asset]
            price.held_micros, price.held_at = fact.price_micros, fact.at
        case _:
            assert_never(fact)


def _apply_call(
    books: MemberBooks,
    fact: MarginCalled | MarginCallMet | MarginCallPartlyMet | MarginCallRaised | MarginCallMissed,
) -> None:
    number = books.number_of(fact.account)
    match fact:
        case MarginCalled():
            is_for_cash = books.cash[number] < 0 and _covers_maintenance(books, number, at=fact.at)
            apply_called(books.calls, fact, number=number, is_for_cash=is_for_cash)
        case MarginCallPartlyMet() | MarginCallRaised():
            cash_cents = books.cash[number]
            apply_changed(books.calls, fact, number=number, cash_cents=cash_cents)
        case MarginCallMet() | MarginCallMissed():
            apply_ended(books.calls, fact, number=number)
        case _:
            assert_never(fact)


def _covers_maintenance(books: MemberBooks, number: int, *, at: int) -> bool:
    """Whether an account's equity is not below its maintenance margin."""
    levels = books.levels_of(number, at)
    return levels.equity >= levels.maintenance


def apply_variation(books: MemberBooks, product: str, *, amount_cents: IntArray) -> None:
    """Add a product's variation to cash. amount_cents: by account number; they sum to zero."""
    books.cash = stored(add(as_column(books.cash), amount_cents))
    if amount_cents.any():
        books.clearinghouse_cents.setdefault(variation_of(product), 0)


def apply_requirements(
    books: MemberBooks,
    *,
    initial: IntArray,
    maintenance: IntArray,
    has_position: npt.NDArray[np.bool_],
) -> None:
    """Set the requirements of all accounts, by account number."""
    books.initial = stored(initial)
    books.maintenance = stored(maintenance)
    books.had_position = bytearray(has_position.tobytes())


def apply_member_copy(books: MemberBooks, command: ControlCommand) -> None:
    """Fold a control command that stands."""
    if isinstance(command, Barrier):
        _refresh_prices(books, command.at)
    apply_control(books.control, command)
    if not isinstance(command, SubmitSpread):
        _advance(books, command.event_time)
    if isinstance(command, SettleDefault):
        books.settlements.setdefault(command.member, command.at)
    if isinstance(command, OpenAccount):
        for column in (books.cash, books.initial, books.maintenance):
            column.append(0)
        books.had_position.append(0)
        books.assets.open_account()


def _refresh_prices(books: MemberBooks, at: int) -> None:
    """Forget that a price was stale where new terms made it fresh at a cycle."""
    for asset, price in books.assets.prices.items():
        price.is_stale = price.is_stale and not is_fresh(price, books.control.assets[asset], at=at)


def _post(books: MemberBooks, ledger_account: str, *, amount_cents: int) -> None:
    """Add to a ledger account's balance: + is a credit."""
    account = owner_of_cash(ledger_account)
    if account is None:
        balance = books.clearinghouse_cents.get(ledger_account, 0) + amount_cents
        books.clearinghouse_cents[ledger_account] = balance
        return
    number = books.number_of(account)
    balance = books.cash[number] + amount_cents
    assert fits_int64(balance), f"{ledger_account} would hold {balance} cents"
    books.cash[number] = balance


def _advance(books: MemberBooks, at: int) -> None:
    """Time only goes forward."""
    if books.clock is None or at > books.clock:
        books.clock = at
