"""The events that the demonstration brings about on purpose, day by day.

In: the day, the listed contracts, the book of facts, the day's trades. Out: shocks and orders for
the tape, and command lines: halts, busts, adjustments, transfers, suspensions. The script repeats
every 20 business days; one day of it is tied to history, the launch of a cheap model on 2025-04-14.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from events.units import usd_text
from services.demo.command_lines import SentLine, Trade, line, time_text, trade_line
from services.demo.entries import ListedContract
from services.demo.fact_book import FactBook
from services.demo.flow import Day, ScriptedTrade
from services.demo.participants import (
    AFTER_LOSS_CENTS,
    CAPITAL_CENTS,
    FAILING_HOUSE,
    MAKERS,
    SCRIPT_DAYS,
    SUSPENDED,
    SUSPENDED_DAYS,
    TAKER,
)
from services.demo.tape import Pause, Shock

LAUNCH_DAY: Final = date(2025, 4, 14)

_SQUEEZE_DAY, _SLIDE_DAY, _HALT_DAY, _LOSS_DAY = 4, 12, 10, 3
_BUST_DAY, _BUST_MARKED_DAY, _TRANSFER_DAY, _ADJUST_DAY = 5, 6, 7, 9
# The house that fails buys blocks of one month within two days, against a deposit that carries a
# third of them; who takes them over sells them again.
_BLOCKS: Final = {18: 2, 19: 4}
_BLOCKS_SOLD: Final = range(26, 34)
_BLOCK_LOTS: Final = 2_400_000


def shocks_of(day: Day, contracts: list[ListedContract]) -> list[Shock]:
    """On the day of the launch one contract falls further than the others."""
    if day.business_date == LAUNCH_DAY:
        return [Shock(contracts[3].contract, day.at(17, 15), day.at(21), -60_000)]
    return []


def pauses_of(day: Day, contracts: list[ListedContract]) -> list[Pause]:
    """The exchange halts the third month by hand for twenty minutes."""
    if day.index % SCRIPT_DAYS == _HALT_DAY:
        return [Pause(contracts[2].contract, day.at(14), day.at(14, 20))]
    return []


def orders_of(day: Day, contracts: list[ListedContract], *, book: FactBook) -> list[ScriptedTrade]:
    """Trades at the price limits, and the blocks of the house that fails."""
    return [*_limit_orders(day, contracts), *_block_orders(day, contracts, book=book)]


def _limit_orders(day: Day, contracts: list[ListedContract]) -> list[ScriptedTrade]:
    """A squeeze to the first limit, a slide to the second, and the launch."""
    number = day.index % SCRIPT_DAYS
    if day.business_date == LAUNCH_DAY:
        first = [_at_limit(day.at(17, 1, second=n), contracts[n], limit="down") for n in range(4)]
        return [*first, _at_limit(day.at(17, 30), contracts[3], limit="down")]
    round_number = day.index // SCRIPT_DAYS
    if number == _SQUEEZE_DAY:
        return [_at_limit(day.at(9, 31), contracts[7 - round_number % 4], limit="up")]
    if number == _SLIDE_DAY:
        slid = contracts[9 - round_number % 3]
        return [_at_limit(day.at(10, minute), slid, limit="down") for minute in (2, 15)]
    return []


def _at_limit(moment: datetime, listed: ListedContract, *, limit: str) -> ScriptedTrade:
    buyer, seller = (MAKERS[0], MAKERS[1]) if limit == "up" else (MAKERS[1], MAKERS[2])
    return ScriptedTrade(moment, listed.contract, buyer, seller, 5_000, limit)


def _block_orders(
    day: Day, contracts: list[ListedContract], *, book: FactBook
) -> list[ScriptedTrade]:
    """A house buys more of one month than the position limits like; its taker sells it later."""
    contract = contracts[5].contract
    bought = [
        ScriptedTrade(day.at(11, 5 * n), contract, FAILING_HOUSE, MAKERS[n % 3], _BLOCK_LOTS)
        for n in range(_BLOCKS.get(day.index, 0))
    ]
    sold = [
        ScriptedTrade(day.at(13, 30), name, MAKERS[day.index % 3], TAKER, _BLOCK_LOTS)
        for name in (listed.contract for listed in contracts if day.index in _BLOCKS_SOLD)
        if book.lots[TAKER, name] >= _BLOCK_LOTS
    ]
    return bought + sold


def event_lines(
    day: Day, contracts: list[ListedContract], *, book: FactBook, trades: list[Trade]
) -> list[SentLine]:
    """The commands of the exchange and of the clearinghouse that the script has for the day."""
    number = day.index % SCRIPT_DAYS
    lines = [*_account_events(day, number), *_capital_events(day, number)]
    if number == _HALT_DAY:
        lines.append(_halt_line(day, contracts[2].contract))
    if number == _BUST_DAY:
        lines += _bust_lines(day, trades)
    if number == _BUST_MARKED_DAY:
        lines += _bust_marked_lines(day, book)
    if number == _TRANSFER_DAY:
        lines += _transfer_lines(day, contracts[1], book=book)
    if number == _ADJUST_DAY:
        lines += _adjust_lines(day, trades)
    return lines


def _account_events(day: Day, number: int) -> list[SentLine]:
    """An account is suspended in the morning of one day and comes back two days later."""
    if number == SUSPENDED_DAYS[0]:
        return [
            line("suspend_account/1", day.at(5), account=SUSPENDED, reason="papers out of date")
        ]
    if number == SUSPENDED_DAYS[-1] + 1:
        return [line("reinstate_account/1", day.at(5), account=SUSPENDED, reason="papers in order")]
    return []


def _capital_events(day: Day, number: int) -> list[SentLine]:
    """A maker's member has lost some of its net capital, and two days later has it again."""
    member = [*CAPITAL_CENTS][-1]
    reported = {_LOSS_DAY: AFTER_LOSS_CENTS, _LOSS_DAY + 2: CAPITAL_CENTS[member]}
    return [
        line("report_net_capital/1", day.at(6), member=member, amount_cents=cents)
        for on, cents in reported.items()
        if on == number
    ]


def _halt_line(day: Day, contract: str) -> SentLine:
    return line(
        "halt_contract/1",
        day.at(14),
        contract=contract,
        until=time_text(day.at(14, 20)),
        reason="rumour under inquiry",
    )


def _bust_lines(day: Day, trades: list[Trade]) -> list[SentLine]:
    """A trade no cycle has marked is bust; a second bust and one of an unknown trade fail."""
    fresh = [trade for trade in trades if day.at(12) < trade.executed_at < day.at(15)]
    if not fresh:
        return []
    trade = fresh[-1]
    unknown = Trade("NO-SUCH-TRADE", trade.contract, 0, 0, "", "", day.at(15))
    return [
        _bust(trade, day.at(15, 5), reason="clear error of the exchange"),
        _bust(trade, day.at(15, 6), reason="sent twice by mistake"),
        _bust(unknown, day.at(15, 7), reason="number misread"),
    ]


def _bust_marked_lines(day: Day, book: FactBook) -> list[SentLine]:
    """A trade of yesterday, already settled once, is bust."""
    latest = book.latest_trade("SIT")
    if latest is None:
        return []
    marked = Trade(latest["trade_id"], latest["contract"], 0, 0, "", "", day.at(8))
    return [_bust(marked, day.at(8, 15), reason="wrong contract, found over night")]


def _bust(trade: Trade, moment: datetime, *, reason: str) -> SentLine:
    return line(
        "bust_trade/1", moment, trade_id=trade.trade_id, contract=trade.contract, reason=reason
    )


def _adjust_lines(day: Day, trades: list[Trade]) -> list[SentLine]:
    """Two ticks more for a trade of this morning: one of the noon cycle's, one after it."""
    early = [trade for trade in trades if trade.executed_at < day.at(11)]
    late = [trade for trade in trades if day.at(12) < trade.executed_at < day.at(15)]
    return [
        line(
            "adjust_trade_price/1",
            day.at(15, minute),
            trade_id=candidates[-1].trade_id,
            contract=candidates[-1].contract,
            price=usd_text(candidates[-1].price_ticks + 2),
            reason="price agreed otherwise on the recorded line",
        )
        for minute, candidates in ((20, early), (21, late))
        if candidates
    ]


def _transfer_lines(day: Day, listed: ListedContract, *, book: FactBook) -> list[SentLine]:
    """A customer takes half of its longs to another member; then it asks for more than it has."""
    for member, new_member in (("AURORA", "CEDAR"), ("BASALT", "DUNE"), ("EMBER", "FJORD")):
        giver, taker = f"{member}-C1", f"{new_member}-C1"
        lots = book.lots[giver, listed.contract]
        if lots > 1 and listed.reference_ticks is not None:
            deal = (giver, taker, listed.reference_ticks)
            return [
                _transfer(day.at(9, 45), listed.contract, lots=lots // 2, deal=deal),
                _transfer(day.at(9, 46), listed.contract, lots=1_000 * lots, deal=deal),
            ]
    return []


def _transfer(
    moment: datetime, contract: str, *, lots: int, deal: tuple[str, str, int]
) -> SentLine:
    giver, taker, ticks = deal
    return line(
        "transfer_position/1",
        moment,
        transfer=f"TRF-{moment:%y%m%d-%H%M}",
        contract=contract,
        lots=lots,
        from_account=giver,
        to_account=taker,
        side="long",
        price=usd_text(ticks),
    )


def refused_trades(day: Day, contracts: list[ListedContract]) -> list[SentLine]:
    """Trades that come at the wrong time: in a halt, or by a suspended account."""
    number = day.index % SCRIPT_DAYS
    trades: list[Trade] = []
    if number == _HALT_DAY:
        trades.append(_wrong_time("HALT", contracts[2], moment=day.at(14, 5), buyer=MAKERS[0]))
    if number in SUSPENDED_DAYS:
        trades.append(_wrong_time("SUSP", contracts[1], moment=day.at(9, 5), buyer=SUSPENDED))
    return [trade_line(trade) for trade in trades]


def _wrong_time(label: str, listed: ListedContract, *, moment: datetime, buyer: str) -> Trade:
    trade_id = f"{label}-{moment:%y%m%d}"
    ticks = listed.reference_ticks or 200
    return Trade(trade_id, listed.contract, ticks, 1_000, buyer, MAKERS[1], moment)
