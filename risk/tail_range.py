"""How far the index may move in two days, by side: the scan range (RULEBOOK §5).

In: daily values, integers of any one unit, oldest first, today's last. Out: a rate in ppm for long
positions (the index falls) and for short ones (it rises).

The index is a step function: still on most days, then a jump. So a rate is made of how often it
jumps to that side and of the size of its jumps on either side, each blended with a prior that
weighs as much as a full look-back. The size of a jump has a log-logistic tail,
P(size > x) = 1 / (1 + (x/m)^α); the rate is the x that a move over two days exceeds with chance ε:

    rate = m · (p/ε − 1)^(1/α)        m: typical size; p: chance of a jump within two days

All is integers, and `decimal` with 34 digits for logarithm and power: the same ppm everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import compress
from operator import ne
from typing import Final, NamedTuple

from events.units import PPM
from risk.volatility import DECIMAL_34

# A jump is a move of more than 1/50: what is smaller are shifts of weights and ticks.
JUMP_PARTS: Final = 50
# Six years to learn how often, one to learn how large. A dozen jumps show a new size; how often
# they come takes years to tell, and a cluster is no new level. Weights fall in a straight line to
# nothing at the end of a look-back: no jump drops out at once.
OFTEN_MOVES: Final = 1_512
SIZE_MOVES: Final = 252
# A size counts in full only after 40 days: in 20 it shows half, so that margin rises slowly.
PHASE_MOVES: Final = 40
HISTORY: Final = OFTEN_MOVES + 1
# The prior is a quiet step market: a jump a month, half each way, of 6 %.
MOVES_A_JUMP: Final = 21
PRIOR_SIZE: Final = Decimal("0.06")
# Half a percent a side: both together cover 99 % of two-day windows.
EXCEEDED: Final = Fraction(5, 1_000)
# 1/α: a log-logistic law has a log-standard deviation of π/(α·√3): 1 here, as jumps have.
TAIL_POWER: Final = Fraction(5, 9)
# A day's jump lies in two windows of two days.
DAYS: Final = 2
# The floor of eq. 7; a long position can lose its price, a short one is covered for three.
FLOOR_PPM: Final = 80_000
LONG_MAX_PPM: Final = PPM
SHORT_MAX_PPM: Final = 3 * PPM
# Until there are 60 moves the history is called short.
SHORT_MOVES: Final = 60


class TailRange(NamedTuple):
    """The rates of two days by side, with what they were made of.

    moves, falls, rises: days and jumps in the look-back. size_ppm: typical size m of a jump;
    long_chance_ppm, short_chance_ppm: chance p of a jump against that side within two days; all
    three with the prior and rounded half even, for the record only. fallback: why the prior says
    more than the history, else None: `no_history` (fewer than two values), `not_positive` (a value
    of 0 or below), `short_history`, `no_jump`.
    """

    long_ppm: int
    short_ppm: int
    moves: int
    falls: int
    rises: int
    size_ppm: int
    long_chance_ppm: int
    short_chance_ppm: int
    fallback: str | None


class _Jump(NamedTuple):
    age: int
    before: int
    after: int


def tail_range(values: Sequence[int]) -> TailRange:
    """The rates after the last of the daily values; the last HISTORY of them count.

    Any number of values, any values: one below 0 counts as 0. Law: FLOOR_PPM ≤ long ≤ 100 %,
    FLOOR_PPM ≤ short ≤ 300 %, rounded up to a ppm; the unit of the values does not matter.
    """
    recent = tuple(values[-HISTORY:])
    if min(recent, default=0) < 0:
        recent = tuple(max(0, value) for value in recent)
    return _tail_range(recent)


# The contracts of a product share its fixings.
@lru_cache(maxsize=64)
def _tail_range(values: tuple[int, ...]) -> TailRange:
    moves = max(0, len(values) - 1)
    jumps = _jumps(values)
    falls = [jump for jump in jumps if jump.after < jump.before]
    rises = [jump for jump in jumps if jump.after > jump.before]
    long_chance, short_chance = _chance(falls, moves), _chance(rises, moves)
    with localcontext(DECIMAL_34):
        log_size = _log_typical_size(jumps)
        return TailRange(
            long_ppm=_rate_ppm(log_size, long_chance, most_ppm=LONG_MAX_PPM),
            short_ppm=_rate_ppm(log_size, short_chance, most_ppm=SHORT_MAX_PPM),
            moves=moves,
            falls=len(falls),
            rises=len(rises),
            size_ppm=round(log_size.exp() * PPM),
            long_chance_ppm=round(long_chance * PPM),
            short_chance_ppm=round(short_chance * PPM),
            fallback=_fallback(values, jumps=len(jumps)),
        )


def _jumps(values: tuple[int, ...]) -> list[_Jump]:
    """Age 0 is the last move. Most days do not move: they are passed over quickly."""
    latest = len(values) - 1
    moved = compress(range(1, len(values)), map(ne, values[1:], values))
    return [
        _Jump(latest - day, values[day - 1], values[day])
        for day in moved
        if abs(values[day] - values[day - 1]) * JUMP_PARTS > values[day - 1]
    ]


def often_weight(age: int) -> int:
    """What a day weighs in how often: a straight line to nothing; the last move has age 0."""
    return OFTEN_MOVES - age


def size_weight(age: int) -> int:
    """What a jump weighs in how large: in full after 40 days, then a straight line to nothing."""
    return max(0, SIZE_MOVES - age) * min(age + 1, PHASE_MOVES)


# What all days of a look-back weigh together is what the prior weighs.
PRIOR_OFTEN: Final = sum(map(often_weight, range(OFTEN_MOVES)))
PRIOR_SIZES: Final = sum(map(size_weight, range(SIZE_MOVES))) // MOVES_A_JUMP
_PRIOR_LOG: Final = DECIMAL_34.ln(PRIOR_SIZE)


def _chance(jumps: list[_Jump], moves: int) -> Fraction:
    """The share of days with such a jump, doubled; of the prior's jumps half are such."""
    weight = sum(often_weight(jump.age) for jump in jumps)
    days = moves * OFTEN_MOVES - moves * (moves - 1) // 2
    prior = Fraction(PRIOR_OFTEN, 2 * MOVES_A_JUMP)
    return DAYS * (weight + prior) / (days + PRIOR_OFTEN)


def _log_typical_size(jumps: list[_Jump]) -> Decimal:
    """Of the geometric mean: one jump of 60 % among many of 12 % does not set it."""
    logs = _PRIOR_LOG * PRIOR_SIZES
    weights = PRIOR_SIZES
    for jump in jumps:
        if weight := size_weight(jump.age):
            logs += _log_size(jump.before, jump.after) * weight
            weights += weight
    return logs / weights


# Nearly all jumps are those of the close before. Only to be called in DECIMAL_34.
@lru_cache(maxsize=65_536)
def _log_size(before: int, after: int) -> Decimal:
    bound = SHORT_MAX_PPM // PPM
    if after >= (1 + bound) * before:
        return Decimal(bound).ln()
    return (Decimal(abs(after - before)) / before).ln()


def _rate_ppm(log_size: Decimal, chance: Fraction, *, most_ppm: int) -> int:
    # Above 0: the prior alone makes the chance more than ε.
    odds = chance / EXCEEDED - 1
    log_odds = (Decimal(odds.numerator) / odds.denominator).ln()
    log_rate = log_size + log_odds * TAIL_POWER.numerator / TAIL_POWER.denominator
    exact_ppm = (log_rate.exp() * PPM).to_integral_value(rounding=ROUND_CEILING)
    return min(max(int(exact_ppm), FLOOR_PPM), most_ppm)


def _fallback(values: tuple[int, ...], *, jumps: int) -> str | None:
    if len(values) <= 1:
        return "no_history"
    if 0 in values:
        return "not_positive"
    if len(values) <= SHORT_MOVES:
        return "short_history"
    return "no_jump" if jumps == 0 else None
