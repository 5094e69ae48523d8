"""The effect of a control command that stands on a market's books, for deciding and for folding.

In: a copy of the command. Out: the control books, the session and the stopped accounts after it.
"""

from __future__ import annotations

from typing import assert_never

from events.control_commands import (
    AdmitMember,
    AdvanceClock,
    CloseSession,
    Configure,
    ConfigureAsset,
    ControlCommand,
    DeclareDefault,
    DesignateMaker,
    OpenAccount,
    OpenSession,
    ReinstateAccount,
    ReleaseMaker,
    ReportNetCapital,
    RunCycle,
    SuspendAccount,
)
from events.default_commands import (
    AffiliateMember,
    AuctionAccount,
    PortAccount,
    SettleDefault,
)
from events.spread_commands import SubmitSpread
from events.units import INT64_MAX, INT64_MIN
from risk.price_limits import apply_new_session
from services.shards.market.books import (
    SESSIONS_BEFORE,
    ContractBooks,
    Holder,
    MarketBooks,
    add_holder,
    advance,
    in_order,
    is_expiring,
    limit_rule,
    set_limits,
)
from services.shards.market.makers import begin_following, end_following, lapse_quotes
from settlement.control_books import apply_control
from settlement.quotes import QuoteBook
from settlement.session_trades import SessionTrades


def follow_control(books: MarketBooks, command: ControlCommand) -> None:
    """Fold a command; a close first drops the session's trades, quotes and settled contracts."""
    if isinstance(command, CloseSession):
        _end_session(books, command)
    _follow(books, command)
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


def _follow(books: MarketBooks, command: ControlCommand) -> None:
    """Fold a command into the control books and the stopped accounts."""
    apply_control(books.control, command)
    if not isinstance(command, SubmitSpread):
        advance(books, command.event_time)
    match command:
        case OpenAccount():
            _open_holder(books, command.account)
        case SuspendAccount() | ReinstateAccount() | PortAccount():
            _refresh_stop(books, books.holders[command.account], at=command.at)
        case DeclareDefault():
            for holder in books.holders.values():
                if holder.account.member.name == command.member:
                    _refresh_stop(books, holder, at=command.at)
        case DesignateMaker() if command.product == books.product.code:
            begin_following(books, command.account)
        case ReleaseMaker() if command.product == books.product.code:
            end_following(books, command.account)
        case (
            Configure() | AdmitMember() | OpenSession() | CloseSession() | RunCycle()
            | AdvanceClock() | ConfigureAsset() | DesignateMaker() | ReleaseMaker()
            | ReportNetCapital() | AffiliateMember() | AuctionAccount() | SettleDefault()
            | SubmitSpread()
        ):  # fmt: skip
            pass  # They change only the control books.
        case _:
            assert_never(command)


def _end_session(books: MarketBooks, command: CloseSession) -> None:
    for contract in in_order(books):
        if is_expiring(contract, command.business_date):
            del books.contracts[contract.symbol]
            books.settled_until = max(books.settled_until, contract.delivery)
            continue
        contract.trades_carried += contract.trades.standing()
        contract.carried_ticks = _carried_ticks(contract)
        traded_lots = [*contract.traded_lots, contract.trades.standing_lots()]
        contract.traded_lots = traded_lots[-SESSIONS_BEFORE:]
        contract.trades = SessionTrades()
        contract.quotes = QuoteBook()
        contract.quoted = {}
        contract.overruled_ticks = None
        contract.interest_lots = contract.positions.open_interest()


def _carried_ticks(contract: ContractBooks) -> int | None:
    """The price of the latest trade while nothing has marked the contract; None once it is."""
    if contract.positions.mark_ticks is not None:
        return None
    latest = contract.trades.latest_price(INT64_MIN, INT64_MAX)
    return contract.carried_ticks if latest is None else latest


def _open_holder(books: MarketBooks, name: str) -> None:
    add_holder(books, books.control.accounts[name])
    for contract in books.contracts.values():
        contract.positions.grow(len(books.holders))


def _refresh_stop(books: MarketBooks, holder: Holder, *, at: int) -> None:
    account = holder.account
    books.stopped[holder.number] = account.is_suspended or account.member.is_defaulted
    if books.stopped[holder.number]:
        lapse_quotes(books, account.name, at=at)
