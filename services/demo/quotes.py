"""Two-sided quotes of the market makers.

In: the day's tape. Out: quote lines: four rounds a day, and none while the second limit holds a
contract. When the index jumps, makers withdraw first and quote again three quarters of an hour
later. On Fridays the last maker leaves the night out, and misses its obligation.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from events.units import usd_text
from services.demo.command_lines import SentLine, line
from services.demo.entries import ListedContract
from services.demo.flow import Day
from services.demo.tape import Tape

_ROUNDS: Final = ((0, 10), (7, 5), (13, 5), (19, 35))
_WITHDRAWN_AT: Final = (17, 1)
_BACK_AT: Final = (17, 45)
_LOTS: Final = 40_000
_FRIDAY: Final = 4


def quote_lines(
    day: Day, contracts: list[ListedContract], *, tape: Tape, makers: tuple[str, ...], is_wild: bool
) -> list[SentLine]:
    """All makers' quotes in all contracts."""
    moments = [day.at(*hours) for hours in (*_ROUNDS, *([_BACK_AT] if is_wild else []))]
    lines: list[SentLine] = []
    for number, maker in enumerate(makers):
        sleeps = maker == makers[-1] and day.business_date.weekday() == _FRIDAY
        for listed in contracts:
            if is_wild:
                lines.append(_withdrawn(maker, listed.contract, moment=day.at(*_WITHDRAWN_AT)))
            for moment in moments[1:] if sleeps else moments:
                if tape.is_quotable(listed.contract, moment):
                    fair = tape.fair_ticks(listed.contract, moment)
                    lines.append(
                        _quote(maker, listed.contract, moment=moment, level=(fair, number))
                    )
    return lines


def _quote(maker: str, contract: str, *, moment: datetime, level: tuple[int, int]) -> SentLine:
    """One tick either side of fair for the first maker, two for the others; sizes differ."""
    fair, number = level
    width = 1 if number == 0 else 2
    return line(
        "submit_quote/1",
        moment,
        maker=maker,
        contract=contract,
        bid=usd_text(fair - width),
        bid_lots=_LOTS + 1_000 * number,
        ask=usd_text(fair + width),
        ask_lots=_LOTS + 2_000 * number,
    )


def _withdrawn(maker: str, contract: str, *, moment: datetime) -> SentLine:
    return line(
        "submit_quote/1",
        moment,
        maker=maker,
        contract=contract,
        bid=None,
        bid_lots=None,
        ask=None,
        ask_lots=None,
    )
