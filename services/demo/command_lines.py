"""Command lines of the demonstration, in the words on the wire.

In: times, ticks, names. Out: one line of compact JSON as bytes. Nothing here knows the
clearinghouse.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic_core import to_json

from events.units import usd_text


@dataclass(frozen=True, slots=True)
class SentLine:
    """One line of the command file and the moment at which it is sent."""

    sent_at: datetime
    text: bytes


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade as the exchange reports it."""

    trade_id: str
    contract: str
    price_ticks: int
    lots: int
    buyer: str
    seller: str
    executed_at: datetime


def line(kind: str, sent_at: datetime, /, **fields: object) -> SentLine:
    """A command whose time is the moment it is sent."""
    return SentLine(sent_at, command(kind, **fields, at=time_text(sent_at)))


def command(kind: str, /, **fields: object) -> bytes:
    """A command in the order of its fields as given, the type first."""
    return to_json({"type": kind, **fields})


def trade_line(trade: Trade) -> SentLine:
    """A trade, sent at the moment it was executed."""
    return SentLine(trade.executed_at, trade_command(trade))


def trade_command(trade: Trade) -> bytes:
    """The bytes of a trade."""
    return command(
        "submit_trade/1",
        trade_id=trade.trade_id,
        contract=trade.contract,
        price=usd_text(trade.price_ticks),
        lots=trade.lots,
        buyer=trade.buyer,
        seller=trade.seller,
        executed_at=time_text(trade.executed_at),
    )


def time_text(moment: datetime) -> str:
    """A moment in UTC, to the second."""
    return moment.isoformat(timespec="seconds") + "Z"


def micros_text(micros: int) -> str:
    """A price in dollars from micro-dollars."""
    return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
