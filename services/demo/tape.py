"""The prices of one product through one trading day, in ticks, and the halts they bring about.

In: the listed contracts with their references, the index level and how it moves within the day.
Out: the price of the next trade, or none while the contract is halted. Whole numbers only;
limits as in RULEBOOK §6: widths rounded down to the tick, a trade at the limit is cleared
and triggers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from services.demo.entries import ListedContract

_PPM: Final = 1_000_000
_FIRST_LIMIT_PERCENT: Final = 15
_SECOND_LIMIT_PERCENT: Final = 25
_HALT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Jump:
    """From a moment on the index stands at so many ppm of where the day began."""

    at: datetime
    level_ppm: int


@dataclass(frozen=True, slots=True)
class Shock:
    """One contract trades away from the others for a while. Made up."""

    contract: str
    begins: datetime
    ends: datetime
    ppm: int


@dataclass(frozen=True, slots=True)
class Pause:
    """The exchange halts one contract for a while."""

    contract: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Curve:
    """The premium of contracts over the index: per month out, and by the mood at the day's ends."""

    level_micros: int
    month_ppm: int
    mood_open_ppm: int
    mood_close_ppm: int


@dataclass(slots=True)
class _Halts:
    """The halts of a contract today."""

    tier: int = 0
    until: datetime | None = None
    is_over: bool = False


class Tape:
    """One product's prices on one day."""

    def __init__(
        self,
        curve: Curve,
        contracts: list[ListedContract],
        *,
        jumps: list[Jump],
        shocks: list[Shock],
        pauses: list[Pause],
    ) -> None:
        self._curve = curve
        self._contracts = {listed.contract: listed for listed in contracts}
        self._months = {listed.contract: n for n, listed in enumerate(contracts)}
        self._jumps = jumps
        self._shocks = shocks
        self._pauses = pauses
        self._halts = {listed.contract: _Halts() for listed in contracts}

    def fair_ticks(self, contract: str, moment: datetime) -> int:
        """The fair price of a contract at a moment, limits or not; at least three ticks."""
        curve = self._curve
        ppm = _PPM + curve.month_ppm * self._months[contract]
        ppm = ppm * self._mood_ppm(moment) // _PPM * self._shock_ppm(contract, moment) // _PPM
        micros = curve.level_micros * self._jump_ppm(moment) // _PPM * ppm // _PPM
        return max(3, (micros + 5_000) // 10_000)

    def trade_ticks(self, contract: str, moment: datetime, *, rng: Random) -> int | None:
        """The price of a trade now, up to two ticks off fair; None while the contract is halted."""
        noise = rng.randrange(5) - 2
        if not self.is_trading(contract, moment):
            return None
        ticks = max(1, self.fair_ticks(contract, moment) + noise)
        return self._within_limits(contract, ticks, moment=moment)

    def limit_trade_ticks(self, contract: str, moment: datetime, *, is_up: bool) -> int | None:
        """The price exactly at the active limit; the trade there brings the halt."""
        low, high = self._limits(contract)
        if low is None or high is None or not self.is_trading(contract, moment):
            return None
        return self._within_limits(contract, high if is_up else low, moment=moment)

    def is_trading(self, contract: str, moment: datetime) -> bool:
        """Whether a trade can be cleared now."""
        halts = self._halts[contract]
        if halts.is_over or (halts.until is not None and moment < halts.until):
            return False
        return not any(
            pause.contract == contract and pause.begins <= moment < pause.ends
            for pause in self._pauses
        )

    def is_quotable(self, contract: str, moment: datetime) -> bool:
        """Whether makers quote: not after the second limit has ended the contract's day."""
        halts = self._halts[contract]
        return not halts.is_over or halts.until is None or moment < halts.until

    def _within_limits(self, contract: str, ticks: int, *, moment: datetime) -> int:
        """The price, or the limit it has run into; then the halt begins."""
        low, high = self._limits(contract)
        if low is None or high is None or low < ticks < high:
            return ticks
        halts = self._halts[contract]
        halts.until, halts.is_over = moment + _HALT, halts.tier == 1
        halts.tier += 1
        return max(low, min(high, ticks))

    def _limits(self, contract: str) -> tuple[int | None, int | None]:
        reference = self._contracts[contract].reference_ticks
        if reference is None:
            return None, None
        tier = self._halts[contract].tier
        width = max(1, reference * (_SECOND_LIMIT_PERCENT if tier else _FIRST_LIMIT_PERCENT) // 100)
        return reference - width, reference + width

    def _jump_ppm(self, moment: datetime) -> int:
        passed = [jump.level_ppm for jump in self._jumps if jump.at <= moment]
        return passed[-1] if passed else _PPM

    def _shock_ppm(self, contract: str, moment: datetime) -> int:
        ppm = _PPM
        for shock in self._shocks:
            if shock.contract == contract and shock.begins <= moment < shock.ends:
                ppm += shock.ppm
        return ppm

    def _mood_ppm(self, moment: datetime) -> int:
        """The mood moves evenly from midnight to the close at 21:00."""
        minutes = min(21 * 60, moment.hour * 60 + moment.minute)
        curve = self._curve
        change = curve.mood_close_ppm - curve.mood_open_ppm
        return _PPM + curve.mood_open_ppm + change * minutes // (21 * 60)
