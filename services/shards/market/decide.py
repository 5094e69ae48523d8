"""One input of a market shard: routing, repeats, the clock, and the commands about the index.

In: a decoded command and what was seen under its id. Out: facts through an `Emission`.
"""

from __future__ import annotations

from events.command import Command
from events.market_commands import (
    AdjustTradePrice,
    BustTrade,
    HaltContract,
    PublishIndex,
    ReportCapability,
    ReportProviderPrice,
    ReportProviderVolume,
    RetireModel,
    SubmitQuote,
    SubmitTrade,
    TransferPosition,
)
from events.refusals import Reason, Refusal
from services.shards.emission import Emission
from services.shards.ids import Look, identity_named
from services.shards.market import guards as guard
from services.shards.market.amend import decide_amendment
from services.shards.market.books import MarketBooks
from services.shards.market.orders import decide_halt, decide_quote, decide_transfer
from services.shards.market.trade import decide_trade
from settlement.index.decide import expire_prices, refuse_index_command, take_index_command

IndexCommandTypes = (
    ReportCapability, ReportProviderPrice, ReportProviderVolume, RetireModel, PublishIndex,
)  # fmt: skip


def decide_market(books: MarketBooks, command: Command, *, look: Look, emit: Emission) -> None:
    """Decide one command of this market; refusals are facts like any other."""
    identity = identity_named(command)
    seen = None if identity is None else look(identity)
    refusal: Refusal | None
    match command:
        case SubmitTrade():
            refusal = decide_trade(books, command, seen=seen, emit=emit)
        case BustTrade() | AdjustTradePrice():
            refusal = decide_amendment(books, command, seen=seen, emit=emit)
        case TransferPosition():
            refusal = decide_transfer(books, command, seen=seen, emit=emit)
        case SubmitQuote():
            refusal = decide_quote(books, command, emit=emit)
        case HaltContract():
            refusal = decide_halt(books, command, emit=emit)
        case (
            ReportCapability() | ReportProviderPrice() | ReportProviderVolume()
            | RetireModel() | PublishIndex()
        ):  # fmt: skip
            refusal = _decide_index(books, command, emit=emit)
        case _:
            found = f"expected a command of market/{books.product.code}, found {command.TYPE}"
            refusal = Refusal(Reason.WRONG_SHARD, found)
    if refusal is not None:
        emit.refuse(refusal, command.event_time, kind=command.TYPE, reference=command.subject)


def _decide_index(
    books: MarketBooks,
    command: ReportCapability
    | ReportProviderPrice
    | ReportProviderVolume
    | RetireModel
    | PublishIndex,
    *,
    emit: Emission,
) -> Refusal | None:
    refusal = guard.out_of_time(books, command) or refuse_index_command(books.index, command)
    if refusal is not None:
        return refusal
    # Nothing can fail from here.
    now = max(command.at, books.clock if books.clock is not None else command.at)
    expire_prices(books.index, now, emit=emit)
    take_index_command(books.index, command, now=now, emit=emit)
    return None
