"""Invalid and malicious command lines, as a real feed brings them.

In: the day and one good trade of it to imitate. Out: broken JSON, wrong units, repeats,
conflicts and nonsense, each to be refused with its reason or held, never to move a position or a
cent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from events.units import usd_text
from services.demo.command_lines import (
    SentLine,
    Trade,
    command,
    time_text,
    trade_command,
)
from services.demo.flow import Day

_LATE_EVENING: Final = (20, 40)
_DAILY: Final = 3
_FIRST_DAYS: Final = 2
_FIRST_DAYS_COUNT: Final = 10


def hostile_lines(day: Day, trades: list[Trade], *, rng: Random) -> list[SentLine]:
    """A few of the lines each day, more on the first two; in turn, so that all come up."""
    good = [trade for trade in trades if trade.executed_at < day.at(20, 30)]
    if not good:
        return []
    sample = good[rng.randrange(len(good))]
    count = _FIRST_DAYS_COUNT if day.index < _FIRST_DAYS else _DAILY
    begin = day.index * _DAILY + min(day.index, _FIRST_DAYS) * (_FIRST_DAYS_COUNT - _DAILY)
    return [
        _hostile_line(
            day, sample, kind=(begin + number) % (len(_TRADES) + len(_OTHERS)), number=number
        )
        for number in range(count)
    ]


def _hostile_line(day: Day, sample: Trade, *, kind: int, number: int) -> SentLine:
    """The line of one kind, sent in the evening under a trade id of its own."""
    moment = day.at(*_LATE_EVENING) + timedelta(seconds=7 * number)
    if kind < len(_TRADES):
        fresh = replace(sample, trade_id=f"BAD-{moment:%y%m%d-%H%M%S}", executed_at=moment)
        return SentLine(moment, _TRADES[kind](sample, fresh))
    return SentLine(moment, _OTHERS[kind - len(_TRADES)](day, moment))


def _swapped(fresh: Trade, good: bytes, *, bad: bytes) -> bytes:
    """The bytes of a trade with one piece replaced."""
    return trade_command(fresh).replace(good, bad)


def _reordered(sample: Trade) -> bytes:
    """The same trade with its fields in another order and a zero more in its price."""
    return command(
        "submit_trade/1",
        executed_at=time_text(sample.executed_at),
        seller=sample.seller,
        buyer=sample.buyer,
        lots=sample.lots,
        price=usd_text(sample.price_ticks) + "0",
        contract=sample.contract,
        trade_id=sample.trade_id,
    )


def _month_of(fresh: Trade, month: str) -> Trade:
    return replace(fresh, contract=fresh.contract[:3] + month)


_TRADES: Final[tuple[Callable[[Trade, Trade], bytes], ...]] = (
    lambda sample, _: trade_command(sample),
    lambda sample, _: trade_command(replace(sample, lots=sample.lots + 1)),
    lambda _, fresh: trade_command(fresh)[:-12],
    lambda _, fresh: _swapped(fresh, b'"lots":', bad=b'"lots":NaN,"x":'),
    lambda _, fresh: _swapped(fresh, b'"lots":', bad=b'"lots":1,"lots":'),
    lambda _, fresh: trade_command(replace(fresh, price_ticks=fresh.price_ticks * 1_000)),
    lambda _, fresh: _swapped(fresh, b'"price":"', bad=b'"price":"10000'),
    lambda _, fresh: trade_command(replace(fresh, buyer="NOBODY-C1")),
    lambda _, fresh: trade_command(replace(fresh, seller=fresh.buyer)),
    lambda sample, _: _reordered(sample),
    lambda _, fresh: trade_command(replace(fresh, lots=-5)),
    lambda _, fresh: _swapped(fresh, b'","lots"', bad=b'5","lots"'),
    lambda _, fresh: trade_command(replace(fresh, price_ticks=0)),
    lambda _, fresh: trade_command(_month_of(fresh, "A25")),
    lambda _, fresh: trade_command(_month_of(fresh, "Z40")),
    lambda _, fresh: trade_command(_month_of(fresh, "F25")),
    lambda _, fresh: trade_command(
        replace(fresh, executed_at=fresh.executed_at.replace(year=2205))
    ),
    lambda _, fresh: _swapped(fresh, b'Z"}', bad=b'"}'),
    lambda _, fresh: trade_command(replace(fresh, lots=2**63 - 1)),
    lambda _, fresh: trade_command(replace(fresh, lots=2**63)),
    lambda _, fresh: _swapped(fresh, b'"lots"', bad=b'"colour":"red","lots"'),
    lambda _, fresh: _swapped(fresh, b"submit_trade/1", bad=b"submit_trade/9"),
    lambda _, fresh: b"[" + trade_command(fresh) + b"]",
    lambda _, fresh: _swapped(fresh, fresh.buyer.encode(), bad=b"\\ud800"),
    lambda _, __: b'{"type":' + b"[" * 40 + b"]" * 40 + b"}",
    lambda _, fresh: b"\xff\xfe" + trade_command(fresh),
    lambda _, fresh: _swapped(fresh, b'"price"', bad=b'"note":"' + b"x" * 66_000 + b'","price"'),
)


def _deepseek(day: Day, moment: datetime, *, prices: tuple[str, str]) -> bytes:
    """A quote of one model with the day's number in it, so that no two days repeat each other."""
    dear = (
        f"{int(prices[0]) + day.index}" if prices[0].isdigit() and prices[0] != "0" else prices[0]
    )
    return command(
        "report_provider_price/1",
        product="SIT",
        provider="deepseek",
        model="deepseek-chat",
        input_usd_per_mtok=dear,
        output_usd_per_mtok=prices[1],
        at=time_text(moment),
    )


def _index(product: str, moment: datetime) -> bytes:
    return command("publish_index/1", product=product, value="9.99", at=time_text(moment))


def _collateral(kind: str, moment: datetime, **changed: object) -> bytes:
    fields: dict[str, object] = {
        "reference": f"BAD-{moment:%y%m%d-%H%M%S}",
        "account": "AURORA-H",
        "asset": "USD",
        "amount_cents": 100,
    }
    return command(kind, **(fields | changed), at=time_text(moment))


def _crossed_quote(_: Day, moment: datetime) -> bytes:
    """Bid above offer, for whatever month is listed next December."""
    return command(
        "submit_quote/1",
        maker="EMBER-H",
        contract="SITZ25",
        bid="2.10",
        bid_lots=100,
        ask="2.00",
        ask_lots=100,
        at=time_text(moment),
    )


def _close_of_another_day(day: Day, moment: datetime) -> bytes:
    wrong = day.business_date + timedelta(days=1)
    return command(
        "close_session/1",
        business_date=str(wrong),
        next_business_date=str(wrong + timedelta(days=1)),
        at=time_text(moment),
    )


def _unknown_parameter(day: Day, moment: datetime) -> bytes:
    return command(
        "configure/1",
        parameter="make_everyone_rich",
        product="SIT",
        value="true",
        effective_date=str(day.business_date + timedelta(days=1)),
        at=time_text(moment),
    )


def _old_report(_: Day, moment: datetime) -> bytes:
    """A price report of yesterday, after today's."""
    return command(
        "report_provider_price/1",
        product="SIT",
        provider="google",
        model="gemini-2.0-flash-001",
        input_usd_per_mtok="0.1",
        output_usd_per_mtok="0.4",
        at=time_text(moment - timedelta(days=1)),
    )


_OTHERS: Final[tuple[Callable[[Day, datetime], bytes], ...]] = (
    lambda day, moment: _deepseek(day, moment, prices=("270", "1100")),
    lambda day, moment: _deepseek(day, moment, prices=("0", "0")),
    lambda day, moment: _deepseek(day, moment, prices=("-0.27", "1.1")),
    _old_report,
    lambda _, moment: _index("SIT", moment),
    lambda _, moment: _index("GPU", moment),
    lambda _, moment: _collateral("deposit_collateral/1", moment, asset="EUR"),
    lambda _, moment: _collateral("deposit_collateral/1", moment, amount_cents=-1),
    lambda _, moment: _collateral("deposit_collateral/1", moment, reference="DEP-OPEN-000"),
    lambda _, moment: _collateral("withdraw_collateral/1", moment, account="NOBODY-C1"),
    _crossed_quote,
    _close_of_another_day,
    _unknown_parameter,
    lambda _, moment: command(
        "admit_member/1", member="AURORA", name="Another Aurora", at=time_text(moment)
    ),
)
