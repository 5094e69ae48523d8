"""A made-up market over the real history of token prices: the commands of one demonstration.

In: a seed, a number of business days, and after each day the facts that the clearinghouse
stated. Out: the next day's command lines in the words on the wire, in the order in which they
are to be sent. One seed, with the same facts handed back, gives the same bytes on every machine:
whole numbers, one source of randomness, no clock. It is a closed loop: limits follow the
settlement prices, and calls are answered with deposits.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from services.demo import feed, script
from services.demo.command_lines import SentLine, Trade, line, micros_text, trade_line
from services.demo.default_script import default_lines
from services.demo.entries import ListedContract
from services.demo.fact_book import FactBook
from services.demo.flow import Day, Flow
from services.demo.history import FIRST_BUSINESS_DATE, LAST_BUSINESS_DATE, load_history
from services.demo.hostile import hostile_lines
from services.demo.participants import (
    CAPITAL_CENTS,
    MAKERS,
    MEMBERS,
    OWN_CAPITAL_CENTS,
    SCU_MAKERS,
    Participant,
    choose_cast,
)
from services.demo.quotes import quote_lines
from services.demo.tape import Curve, Jump, Tape
from services.demo.treasury import Treasury, deposit_line, fund_line

_CLOSE: Final = timedelta(hours=21)
_SCU_FROM_DAY: Final = 3
_SCU_MICROS: Final = 2_450_000
_MONTH_PPM: Final = {"SIT": -6_000, "SCU": 2_500}
_MOOD_PPM: Final = 12_000
_WILD_PPM: Final = 30_000
_WEEKEND: Final = (5, 6)


def business_dates() -> list[date]:
    """The weekdays that the history covers."""
    span = (LAST_BUSINESS_DATE - FIRST_BUSINESS_DATE).days + 1
    every = [FIRST_BUSINESS_DATE + timedelta(days=n) for n in range(span)]
    return [day for day in every if day.weekday() not in _WEEKEND]


DAYS_MAX: Final = len(business_dates())


class DemoMarket:
    """Gives `opening()`, then `day(0)`, `day(1)`, …; its book learns the facts in between."""

    def __init__(self, *, seed: int, days: int) -> None:
        if not 1 <= days <= DAYS_MAX:
            msg = f"expected 1 to {DAYS_MAX} days, found {days}"
            raise ValueError(msg)
        self.days = days
        self._dates = [*business_dates(), LAST_BUSINESS_DATE + timedelta(days=3)]
        self._rng = Random(seed)  # noqa: S311 - a play of chance that must repeat, not a secret
        self._cast = choose_cast(self._rng)
        self.book = FactBook()
        self._mood_ppm = {"SIT": 0, "SCU": 0}
        self._scu_micros = _SCU_MICROS

    def opening(self) -> list[bytes]:
        """Members, accounts, deposits, second product, first reports of the index, the session."""
        begins = self._close_before(0)
        papers = begins - timedelta(hours=9)
        funded_at = papers + timedelta(hours=5)
        lines = [
            *_member_lines(papers),
            *_account_lines(self._cast, papers + timedelta(hours=1)),
            _scu_line(self._dates[_SCU_FROM_DAY], papers + timedelta(hours=3)),
            *_maker_lines(papers + timedelta(hours=4)),
            fund_line("contribute_fund/1", funded_at, member=None, cents=OWN_CAPITAL_CENTS),
            *feed.opening_lines(load_history(), begins),
            line("open_session/1", begins, business_date=str(self._dates[0])),
        ]
        return [command.text for command in lines]

    def day(self, index: int) -> list[bytes]:
        """The lines of one business day, from the last close to its own."""
        day = Day(index, self._dates[index])
        history = load_history()
        jumps = feed.index_jumps(history, self._close_before(index), until=day.at(21))
        lines = feed.day_lines(history, self._close_before(index).date(), until=day.business_date)
        scu_lines, scu_jumps = self._publish_scu(day)
        trades: list[Trade] = []
        for product, moves in (("SIT", jumps), ("SCU", scu_jumps)):
            trades += self._trade(day, product, jumps=moves, lines=lines)
        cycles = _cycles(day, jumps)
        lines += [*scu_lines, *(trade_line(trade) for trade in trades), *_repeat_late(day, trades)]
        lines += self._clearing_lines(day, trades, cycles=cycles)
        lines.append(self._close_line(day))
        return [command.text for command in sorted(lines, key=lambda command: command.sent_at)]

    def _close_before(self, index: int) -> datetime:
        """The opening of a session: the close before it, for the first one the same hour."""
        if index == 0:
            return (
                datetime.combine(self._dates[0] - timedelta(days=1), datetime.min.time()) + _CLOSE
            )
        return datetime.combine(self._dates[index - 1], datetime.min.time()) + _CLOSE

    def _trade(
        self, day: Day, product: str, *, jumps: list[Jump], lines: list[SentLine]
    ) -> list[Trade]:
        """One product's day: trades are returned, quotes go to the lines."""
        contracts = self.book.listed(product)
        if not contracts:
            return []
        tape = self._tape(day, product, contracts=contracts, jumps=jumps)
        is_sit = product == "SIT"
        flow = Flow(day, contracts, tape=tape, book=self.book, rng=self._rng)
        is_wild = any(abs(jump.level_ppm - 1_000_000) > _WILD_PPM for jump in jumps)
        count = (90 + self._rng.randrange(70)) * (2 if is_wild else 1) if is_sit else 20
        orders = script.orders_of(day, contracts, book=self.book) if is_sit else []
        trades = flow.make(self._cast, count=count, orders=orders)
        makers = MAKERS if is_sit else SCU_MAKERS
        lines += quote_lines(day, contracts, tape=tape, makers=makers, is_wild=is_wild and is_sit)
        return trades

    def _tape(
        self, day: Day, product: str, *, contracts: list[ListedContract], jumps: list[Jump]
    ) -> Tape:
        level = self.book.index_micros(product) or _SCU_MICROS
        mood = self._mood_ppm[product]
        drift = self._rng.randrange(2 * _MOOD_PPM + 1) - _MOOD_PPM
        self._mood_ppm[product] = mood * 8 // 10 + drift
        return Tape(
            Curve(level, _MONTH_PPM[product], mood, self._mood_ppm[product]),
            contracts,
            jumps=jumps,
            shocks=script.shocks_of(day, contracts) if product == "SIT" else [],
            pauses=script.pauses_of(day, contracts) if product == "SIT" else [],
        )

    def _publish_scu(self, day: Day) -> tuple[list[SentLine], list[Jump]]:
        """The made-up price of an H100 hour, twice a day; a walk around $2.45."""
        if not self.book.listed("SCU"):
            return [], []
        begins = self.book.index_micros("SCU") or self._scu_micros
        lines: list[SentLine] = []
        jumps: list[Jump] = []
        for hour in (6, 16):
            pull = (_SCU_MICROS - self._scu_micros) // 40
            self._scu_micros += pull + self._rng.randrange(80_001) - 40_000
            value = micros_text(self._scu_micros)
            lines.append(line("publish_index/1", day.at(hour), product="SCU", value=value))
            jumps.append(Jump(day.at(hour), self._scu_micros * 1_000_000 // begins))
        return lines, jumps

    def _clearing_lines(
        self, day: Day, trades: list[Trade], *, cycles: list[SentLine]
    ) -> list[SentLine]:
        """Cycles, deposits, withdrawals, the script's events and the hostile lines."""
        treasury = Treasury(day, self.book, trades=trades)
        lines = [*treasury.answer_calls(), *treasury.withdraw(self._cast, self._rng), *cycles]
        lines += [*treasury.answer_fund_calls(), *treasury.withdraw_fund()]
        lines += default_lines(day, self.book)
        for cycle in cycles:
            lines += treasury.answer_cycle(cycle.sent_at, cycle.sent_at + timedelta(minutes=30))
        contracts = self.book.listed("SIT")
        if not contracts:
            return lines
        sit = [trade for trade in trades if trade.contract.startswith("SIT")]
        lines += script.event_lines(day, contracts, book=self.book, trades=sit)
        lines += script.refused_trades(day, contracts)
        return lines + hostile_lines(day, sit, rng=self._rng)

    def _close_line(self, day: Day) -> SentLine:
        return line(
            "close_session/1",
            day.at(21),
            business_date=str(day.business_date),
            next_business_date=str(self._dates[day.index + 1]),
        )


def _cycles(day: Day, jumps: list[Jump]) -> list[SentLine]:
    """A cycle at noon, and one at six on days on which the index moves."""
    lines = [line("run_cycle/1", day.at(12), cycle="noon")]
    if any(abs(jump.level_ppm - 1_000_000) > _WILD_PPM for jump in jumps):
        lines.append(line("run_cycle/1", day.at(18), cycle="evening"))
    return lines


def _repeat_late(day: Day, trades: list[Trade]) -> list[SentLine]:
    """Every so often the exchange sends a trade again, as queues do; nothing may happen twice."""
    early = [trade for trade in trades if trade.executed_at < day.at(11)]
    return [SentLine(day.at(16, 0, second=5), trade_line(trade).text) for trade in early[::40]]


def _member_lines(moment: datetime) -> list[SentLine]:
    return [line("admit_member/1", moment, member=member, name=name) for member, name in MEMBERS]


def _account_lines(cast: tuple[Participant, ...], moment: datetime) -> list[SentLine]:
    """Each account and its first deposit."""
    lines: list[SentLine] = []
    for number, participant in enumerate(cast):
        lines.append(
            line(
                "open_account/1",
                moment,
                account=participant.account,
                member=participant.member,
                origin=participant.origin,
                owner=participant.owner,
            )
        )
        lines.append(
            deposit_line(
                f"DEP-OPEN-{number:03d}",
                participant.account,
                cents=participant.deposit_cents,
                moment=moment,
            )
        )
    return lines


def _maker_lines(moment: datetime) -> list[SentLine]:
    """The makers are designated, and their members report their net capital."""
    designated = [
        line("designate_maker/1", moment, account=account, product=product)
        for product, accounts in (("SIT", MAKERS), ("SCU", SCU_MAKERS))
        for account in accounts
    ]
    return designated + [
        line("report_net_capital/1", moment, member=member, amount_cents=cents)
        for member, cents in CAPITAL_CENTS.items()
    ]


def _scu_line(effective: date, moment: datetime) -> SentLine:
    """The standard compute unit is in use from a date on."""
    return line(
        "configure/1",
        moment,
        parameter="product_in_use",
        product="SCU",
        value="true",
        effective_date=str(effective),
    )
