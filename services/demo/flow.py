"""The trades of one day in one product: who buys from whom, how many lots, when.

In: the tape's prices, what every account holds and wants, random numbers. Out: trades in the
order of time. A customer trades towards what it wants to hold, mostly with a market maker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from services.demo.command_lines import Trade
from services.demo.entries import ListedContract
from services.demo.fact_book import FactBook
from services.demo.participants import (
    MAKERS,
    SCRIPT_DAYS,
    SCU_MAKERS,
    SUSPENDED,
    SUSPENDED_DAYS,
    Participant,
)
from services.demo.tape import Tape

_OPENS: Final = timedelta(hours=7)
_CLOSING: Final = timedelta(hours=20, minutes=55)
_CLOSES: Final = timedelta(hours=21)

# How often each contract trades, the front month first; and what an account wants there, in
# percent.
_INTEREST: Final = (20, 18, 14, 11, 9, 7, 6, 5, 4, 3)
_WANTED_PERCENT: Final = (60, 100, 90, 70, 50, 40, 30, 25, 20, 15)
_CLOSING_CONTRACTS: Final = 5
_ROLL_DAYS: Final = 4
# An SCU lot is one hour of a machine and worth about as much as a SIT lot, but fewer want it.
_SCU_DIVISOR: Final = 5


@dataclass(frozen=True, slots=True)
class Day:
    """The business day that is being made."""

    index: int
    business_date: date

    def at(self, hour: int, minute: int = 0, *, second: int = 0) -> datetime:
        """A moment of the business date, in UTC."""
        midnight = datetime.combine(self.business_date, datetime.min.time())
        return midnight + timedelta(hours=hour, minutes=minute, seconds=second)


@dataclass(frozen=True, slots=True)
class ScriptedTrade:
    """A trade of the script: at the tape's price, or exactly at the active limit (`up`, `down`)."""

    moment: datetime
    contract: str
    buyer: str
    seller: str
    lots: int
    limit: str | None = None


class Flow:
    """Makes one day's trades of one product."""

    def __init__(
        self, day: Day, contracts: list[ListedContract], *, tape: Tape, book: FactBook, rng: Random
    ) -> None:
        self._day = day
        self._contracts = contracts
        self._tape = tape
        self._book = book
        self._rng = rng
        self._product = contracts[0].contract[:3]
        self._makers = MAKERS if self._product == "SIT" else SCU_MAKERS
        self.trades: list[Trade] = []

    def make(
        self, cast: tuple[Participant, ...], *, count: int, orders: list[ScriptedTrade]
    ) -> list[Trade]:
        """About so many trades over the day, more before the close, and those of the script."""
        customers = [
            participant for participant in cast if participant.role not in {"maker", "house"}
        ]
        waiting = sorted(orders, key=lambda order: order.moment)
        for moment in self._moments(count):
            while waiting and waiting[0].moment <= moment:
                self._script_trade(waiting.pop(0))
            reach = _CLOSING_CONTRACTS if moment >= self._day.at(20, 55) else self._reach()
            self._customer_trade(moment, self._pick_contract(reach), customers=customers)
        return self.trades

    def _moments(self, count: int) -> list[datetime]:
        moments = [self._moment(_OPENS, _CLOSING) for _ in range(count)]
        moments += [self._moment(_CLOSING, _CLOSES) for _ in range(3 * _CLOSING_CONTRACTS)]
        return sorted(moments)

    def _script_trade(self, order: ScriptedTrade) -> None:
        if order.limit is None:
            price = self._tape.trade_ticks(order.contract, order.moment, rng=self._rng)
        else:
            is_up = order.limit == "up"
            price = self._tape.limit_trade_ticks(order.contract, order.moment, is_up=is_up)
        deal = (order.buyer, order.seller, order.lots)
        self._report(order.contract, order.moment, price=price, deal=deal)

    def _reach(self) -> int:
        """The number of contracts that trade today; on some days the two furthest do not."""
        return len(self._contracts) - (2 if self._day.index % 3 == 1 else 0)

    def _moment(self, begins: timedelta, ends: timedelta) -> datetime:
        span = int((ends - begins).total_seconds())
        return self._day.at(0) + begins + timedelta(seconds=self._rng.randrange(span))

    def _pick_contract(self, reach: int) -> int:
        interest = _INTEREST[:reach]
        mark = self._rng.randrange(sum(interest))
        for number, share in enumerate(interest):
            mark -= share
            if mark < 0:
                return number
        return 0

    def _customer_trade(
        self, moment: datetime, number: int, *, customers: list[Participant]
    ) -> None:
        """A customer moves towards what it wants; at times another customer is the other side."""
        listed = self._contracts[number]
        customer = customers[self._rng.randrange(len(customers))]
        counterparty = self._makers[self._rng.randrange(len(self._makers))]
        if self._rng.randrange(8) == 0:
            counterparty = customers[self._rng.randrange(len(customers))].account
        gap = self._gap(customer, listed, number=number)
        lots = max(1, min(abs(gap) // 4, 30_000)) + 100 * (1 + self._rng.randrange(60))
        if counterparty == customer.account or self._is_suspended(customer.account, counterparty):
            return
        price = self._tape.trade_ticks(listed.contract, moment, rng=self._rng)
        pair = (customer.account, counterparty) if gap > 0 else (counterparty, customer.account)
        self._report(listed.contract, moment, price=price, deal=(*pair, lots))

    def _is_suspended(self, *accounts: str) -> bool:
        return self._day.index % SCRIPT_DAYS in SUSPENDED_DAYS and SUSPENDED in accounts

    def _gap(self, customer: Participant, listed: ListedContract, *, number: int) -> int:
        """Lots between what a customer wants and what it held this morning; it rolls in time."""
        target_lots = customer.wanted_lots * _WANTED_PERCENT[number] // 100
        if self._product != "SIT":
            target_lots //= _SCU_DIVISOR
        if (listed.last_trading_day - self._day.business_date).days <= _ROLL_DAYS:
            target_lots //= 5
        held_lots = self._book.lots[customer.account, listed.contract]
        spread = abs(target_lots) // 2 + 1_000
        return target_lots - held_lots + self._rng.randrange(2 * spread + 1) - spread

    def _report(
        self, contract: str, moment: datetime, *, price: int | None, deal: tuple[str, str, int]
    ) -> Trade | None:
        if price is None:
            return None
        buyer, seller, lots = deal
        trade_id = f"{self._product}-{self._day.business_date:%y%m%d}-{len(self.trades) + 1:04d}"
        trade = Trade(trade_id, contract, price, lots, buyer, seller, moment)
        self.trades.append(trade)
        return trade
