"""Money in and out: deposits and contributions that meet calls, withdrawals of what is not needed.

In: the book of facts (cash, positions, rates, open calls, fund) and the day's trades so far. Out:
lines of deposits, contributions and withdrawals. Its own reckoning of margin is rough on purpose;
what counts is what the clearinghouse calls.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random
from typing import Final

from services.demo.command_lines import SentLine, Trade, line
from services.demo.fact_book import FactBook
from services.demo.flow import Day
from services.demo.participants import (
    FAILING,
    FAILING_HOUSE,
    LATE_PAYER,
    PAYS_IN_PARTS,
    Participant,
)

_SLOW: Final = (LATE_PAYER, FAILING_HOUSE)
_BUFFER_DIVISOR: Final = 20
_WORTH_TAKING_CENTS: Final = 1_000_000
_GREEDY_EVERY: Final = 5
_FUND_STEP_CENTS: Final = 1_000_000
_FRIDAY: Final = 4
# What the default model asks of a contract without history, roughly.
_RATE_FLOOR_PPM: Final = 200_000


@dataclass(slots=True)
class _Seen:
    """What is known at a moment: references, last prices of today, each account's trades."""

    references: dict[str, int]
    marks: dict[str, int]
    trades: defaultdict[str, list[Trade]] = field(default_factory=lambda: defaultdict(list))


class Treasury:
    """Everybody's treasurer for one day."""

    def __init__(self, day: Day, book: FactBook, *, trades: list[Trade]) -> None:
        self._day = day
        self._book = book
        self._trades = trades
        self._deposits = 0
        listed = [*book.listed("SIT"), *book.listed("SCU")]
        self._references = {
            listing.contract: listing.reference_ticks
            for listing in listed
            if listing.reference_ticks
        }
        contracts = {*self._references, *(trade.contract for trade in trades)}
        self._rates_ppm = {name: book.rate_ppm(name) or _RATE_FLOOR_PPM for name in contracts}
        self._seen: dict[datetime, _Seen] = {}

    def answer_calls(self) -> list[SentLine]:
        """Deposits for the calls of last evening: most in time, one in parts, one too late."""
        lines: list[SentLine] = []
        for call in self._book.open_calls:
            if call.account == FAILING_HOUSE:
                continue
            cents = call.remaining_cents + call.remaining_cents // _BUFFER_DIVISOR
            if call.account == LATE_PAYER:
                lines.append(self._deposit(call.account, cents, moment=self._day.at(14, 10)))
            elif call.account == PAYS_IN_PARTS:
                lines.append(self._deposit(call.account, cents * 6 // 10, moment=self._day.at(9)))
                lines.append(self._deposit(call.account, cents // 2, moment=self._day.at(11, 15)))
            else:
                lines.append(self._deposit(call.account, cents, moment=self._day.at(9, 30)))
        return lines

    def answer_fund_calls(self) -> list[SentLine]:
        """Contributions for last evening's fund calls, in steps; none of a house in trouble."""
        is_in_trouble = any(call.account == FAILING_HOUSE for call in self._book.open_calls)
        return [
            fund_line(
                "contribute_fund/1",
                self._day.at(9, 40),
                member=call.account,
                cents=-(-call.remaining_cents // _FUND_STEP_CENTS) * _FUND_STEP_CENTS,
            )
            for call in self._book.fund.open_calls
            if call.account != FAILING or not is_in_trouble
        ]

    def withdraw_fund(self) -> list[SentLine]:
        """On Fridays members ask back what their contributions have too much by a quarter."""
        fund, lines = self._book.fund, list[SentLine]()
        for member, required_cents in fund.required.items():
            spare = fund.contributed_cents(member) - required_cents * 5 // 4
            if self._day.business_date.weekday() == _FRIDAY and spare >= _FUND_STEP_CENTS:
                moment = self._day.at(10, 10)
                lines.append(fund_line("withdraw_fund/1", moment, member=member, cents=spare))
        return lines

    def answer_cycle(self, cycle_at: datetime, paid_at: datetime) -> list[SentLine]:
        """Deposits within the hour after an intraday cycle, by those who reckon with a call."""
        lines: list[SentLine] = []
        called = {call.account for call in self._book.open_calls}
        for account in sorted(self._book.cash_cents):
            if account in _SLOW or account in called:
                continue
            equity, initial = self._equity_and_initial(account, cycle_at)
            if equity * 4 < initial * 3:
                cents = initial - equity + initial // _BUFFER_DIVISOR
                lines.append(self._deposit(account, cents, moment=paid_at))
        return lines

    def withdraw(self, cast: tuple[Participant, ...], rng: Random) -> list[SentLine]:
        """A few accounts take out part of what they do not need; now and then one wants more."""
        lines: list[SentLine] = []
        for number in range(3):
            account = cast[rng.randrange(len(cast))].account
            equity, initial = self._equity_and_initial(account, self._day.at(0))
            spare = equity - 2 * initial
            if spare > _WORTH_TAKING_CENTS and account not in _SLOW:
                share = 10 + rng.randrange(20)
                lines.append(self._withdrawal(account, number, cents=spare * share // 100))
        if self._day.index % _GREEDY_EVERY == 1:
            lines += self._greedy(cast, rng)
        return lines

    def _greedy(self, cast: tuple[Participant, ...], rng: Random) -> list[SentLine]:
        """One asks for all its cash while it holds positions, one for more than it has."""
        first = cast[rng.randrange(len(cast))].account
        second = cast[rng.randrange(len(cast))].account
        cash = self._book.cash_cents
        return [
            self._withdrawal(account, number, cents=cents)
            for account, number, cents in (
                (first, 8, max(1, cash[first])),
                (second, 9, max(0, cash[second]) + 100_000_000),
            )
            if account != FAILING_HOUSE
        ]

    def _equity_and_initial(self, account: str, moment: datetime) -> tuple[int, int]:
        """Equity and initial margin of an account at a moment, in cents, by this reckoning."""
        seen = self._seen_at(moment)
        lots, equity = dict[str, int](), self._book.cash_cents[account]
        for contract, reference in seen.references.items():
            held_lots = self._book.lots[account, contract]
            lots[contract] = held_lots
            equity += held_lots * (seen.marks.get(contract, reference) - reference)
        for trade in seen.trades[account]:
            side = (trade.buyer == account) - (trade.seller == account)
            lots[trade.contract] = lots.get(trade.contract, 0) + side * trade.lots
            equity += side * trade.lots * (seen.marks[trade.contract] - trade.price_ticks)
        initial = 0
        for contract, held_lots in lots.items():
            price = seen.marks.get(contract, seen.references.get(contract, 0))
            initial += -(-abs(held_lots) * price * self._rates_ppm[contract] // 1_000_000)
        return equity, initial

    def _seen_at(self, moment: datetime) -> _Seen:
        """What everybody sees at a moment, found once for all accounts."""
        if moment not in self._seen:
            trades = [trade for trade in self._trades if trade.executed_at <= moment]
            seen = _Seen(self._references, {trade.contract: trade.price_ticks for trade in trades})
            for trade in trades:
                for account in {trade.buyer, trade.seller}:
                    seen.trades[account].append(trade)
            self._seen[moment] = seen
        return self._seen[moment]

    def _deposit(self, account: str, cents: int, *, moment: datetime) -> SentLine:
        self._deposits += 1
        return deposit_line(
            f"DEP-{_stamp(self._day.business_date)}-{self._deposits:03d}",
            account,
            cents=cents,
            moment=moment,
        )

    def _withdrawal(self, account: str, number: int, *, cents: int) -> SentLine:
        return line(
            "withdraw_collateral/1",
            self._day.at(10, number),
            reference=f"WDR-{_stamp(self._day.business_date)}-{number}",
            account=account,
            asset="USD",
            amount_cents=cents,
        )


def deposit_line(reference: str, account: str, *, cents: int, moment: datetime) -> SentLine:
    """A deposit of dollars."""
    return line(
        "deposit_collateral/1",
        moment,
        reference=reference,
        account=account,
        asset="USD",
        amount_cents=cents,
    )


def fund_line(kind: str, moment: datetime, *, member: str | None, cents: int) -> SentLine:
    """A contribution to the fund or a withdrawal; of None the clearinghouse's own capital."""
    return line(
        kind,
        moment,
        reference=f"FUND-{moment:%y%m%d}-{member or 'CAPITAL'}",
        member=member,
        amount_cents=cents,
    )


def _stamp(day: date) -> str:
    return f"{day:%y%m%d}"
