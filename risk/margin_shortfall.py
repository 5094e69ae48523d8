"""The margin model `expected_shortfall`: 99 %, two days (RULEBOOK §5).

In: fixings of the product's index, the contract's price, rank and days to expiry. Out: the loss of
a lot in each of some equally likely states of the world, the same for all contracts of a product.

A state is a move of the index over two days and what the contract makes of it. The moves are the
quantiles of a law of two parts: the two-day moves of the history, and a prior, a year of jumps as
the paper has them, which keeps the tail while history is short. Each move comes twice: once it
stays, in all months alike; once it decays, by e^(−κτ) for a contract τ years from expiry. The front
month adds a basis, every contract a tick either way. What a state draws, κ, basis and ticks, are
bytes of the SHA-256 of product, date and the state's number: the same on every machine, and all is
integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal, localcontext
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from events.int64 import IntArray
from events.units import PPM, ceil_div
from risk.margin import ContractHistory, Measure, axis_of
from risk.volatility import DECIMAL_34, TRADING_DAYS

SHORTFALL_HISTORY: Final = 10 * TRADING_DAYS + 1
_DAYS: Final = 2
# Until there are 60 two-day moves the history is called short.
_SHORT_MOVES: Final = 60
# History is scaled to how much its last year moved, by ½ to 2: further, and a quiet year that ends
# in a jump would multiply the whole history.
_SCALE_MOVES: Final = TRADING_DAYS
_SCALE_MIN_PPM, _SCALE_MAX_PPM = PPM // 2, 2 * PPM

# The prior: sizes e^|J| − 1 at twelve equally likely quantiles of the paper's jump, J normal with
# mean 0.10 and deviation 0.25 (table 3), half of them falls. Three jumps a year, each in two
# windows: 6 of 252. Weights are whole numbers: a window of history or prior weighs 12.
_SIZES_PPM: Final = (
    14_250, 43_521, 74_145, 106_586, 141_447, 179_555, 222_117, 271_029, 329_577, 404_320, 511_951,
    728_281,
)  # fmt: skip
_JUMP_WINDOWS: Final = 6
_WINDOW_WEIGHT: Final = 12
_SIZE_WEIGHT: Final = _JUMP_WINDOWS * _WINDOW_WEIGHT // (2 * len(_SIZES_PPM))

# The basis of the front month moves within what makers may quote for it, 2 % of its price.
_BASIS_PPM: Final = 20_000
# Speeds of decay a year, 1 to 5: measured 4.1 ± 1.7.
_KAPPAS: Final = 5
_YEAR_DAYS: Final = 365
_SHORT_MAX_PPM: Final = 3 * PPM
_TAIL: Final = 100
_DIGEST_BYTES: Final = 32
_TICK_BYTES: Final = 8


class _Law(NamedTuple):
    """Quantiles of the index's two-day move in ppm, rising; what they were made of."""

    moves_ppm: IntArray
    windows: int
    scale_ppm: int


def shortfall_losses(history: ContractHistory, settings: Mapping[str, int]) -> Measure:
    """The losses of a lot by state.

    settings: shortfall_scenarios, their number; margin_floor_ppm: the least move of the worst
    hundredth of either side. Law: a long position loses at most its price less a tick, but for the
    floor; a short one at most 300 %; neither is ever asked nothing.
    """
    count, floor_ppm = settings["shortfall_scenarios"], settings["margin_floor_ppm"]
    fixings = tuple(history.fixings[-SHORTFALL_HISTORY:])
    law = _law(fixings, -(-count // 2))
    drawn = _drawn(f"{history.product}/{history.business_date}", count)
    moves = np.repeat(_floored(law.moves_ppm, -(-count // _TAIL), floor_ppm=floor_ppm), 2)[:count]
    loads = np.full(count, PPM, dtype=np.int64)
    decays = np.array([_decay_ppm(history.days_left, kappa + 1) for kappa in range(_KAPPAS)])
    loads[1::2] = decays[drawn[1::2, 0] % _KAPPAS]
    moves = moves * loads // PPM
    if history.rank == 0:
        steps = drawn[:, 1].astype(np.int64) - 128
        moves += steps * _BASIS_PPM // 128
    long_max_ppm = PPM
    if history.settlements:
        price = max(1, history.settlements[-1])
        ticks = drawn[:, _TICK_BYTES + history.rank % _TICK_BYTES].astype(np.int64) % 3 - 1
        moves += ticks * (PPM // price)
        long_max_ppm = max(floor_ppm, (price - 1) * PPM // price)
    shocks = np.clip(-moves, -_SHORT_MAX_PPM, long_max_ppm)
    evidence = {
        "scenarios": count,
        "windows": law.windows,
        "scale_ppm": law.scale_ppm,
        "long_ppm": _tail_ppm(shocks),
        "short_ppm": _tail_ppm(-shocks),
    }
    axis = axis_of(history, f"es/{history.product}/{history.business_date}")
    return Measure(axis, tuple(shocks.tolist()), evidence, _fallback(fixings, law.windows))


@lru_cache(maxsize=64)
def _law(fixings: tuple[int, ...], count: int) -> _Law:
    """The law at `count` quantiles, in the middle of as many equal shares of its weight."""
    pairs = zip(fixings, fixings[_DAYS:], strict=False)
    sizes = [_size_ppm(before, after) for before, after in pairs if before > 0 and after > 0]
    scale_ppm = _scale_ppm(sizes)
    weights: dict[int, int] = {}
    for size in sizes:
        move = _move_ppm(size * scale_ppm // PPM)
        weights[move] = weights.get(move, 0) + _WINDOW_WEIGHT
    for size in _SIZES_PPM:
        for move in (_move_ppm(-size), _move_ppm(size)):
            weights[move] = weights.get(move, 0) + _SIZE_WEIGHT
    still = (TRADING_DAYS - _JUMP_WINDOWS) * _WINDOW_WEIGHT
    weights[0] = weights.get(0, 0) + still
    moves = np.array(sorted(weights), dtype=np.int64)
    until = np.cumsum(np.array([weights[move] for move in sorted(weights)]))
    middles = (2 * np.arange(count) + 1) * int(until[-1]) // (2 * count)
    return _Law(moves[np.searchsorted(until, middles, side="right")], len(sizes), scale_ppm)


def _size_ppm(before: int, after: int) -> int:
    """The larger price over the smaller, less 1, with the sign of the move; at most 300 %."""
    size = min(abs(after - before) * PPM // min(before, after), _SHORT_MAX_PPM)
    return size if after >= before else -size


def _move_ppm(size_ppm: int) -> int:
    """The move of a size: a fall by half has the size of a rise to the double."""
    if size_ppm < 0:
        return -(-size_ppm * PPM // (PPM - size_ppm))
    return min(size_ppm, _SHORT_MAX_PPM)


def _scale_ppm(sizes: Sequence[int]) -> int:
    """How much more the last year moved than history and prior together, by ½ to 2."""
    if len(sizes) < _SCALE_MOVES:
        return PPM
    recent = sum(map(abs, sizes[-_SCALE_MOVES:])) * (len(sizes) + TRADING_DAYS)
    prior = sum(_SIZES_PPM) * _JUMP_WINDOWS // len(_SIZES_PPM)
    whole = (sum(map(abs, sizes)) + prior) * _SCALE_MOVES
    return min(max(recent * PPM // whole, _SCALE_MIN_PPM), _SCALE_MAX_PPM)


def _floored(moves: IntArray, count: int, *, floor_ppm: int) -> IntArray:
    """The moves with at least the floor in the `count` lowest and the `count` highest."""
    floored = moves.copy()
    floored[:count] = np.minimum(moves[:count], -floor_ppm)
    floored[-count:] = np.maximum(floored[-count:], floor_ppm)
    return floored


@lru_cache(maxsize=16)
def _drawn(seed: str, count: int) -> npt.NDArray[np.uint8]:
    """A row of bytes for each state."""
    digests = b"".join(sha256(f"{seed}/{number}".encode()).digest() for number in range(count))
    return np.frombuffer(digests, dtype=np.uint8).reshape(count, _DIGEST_BYTES)


@lru_cache(maxsize=4_096)
def _decay_ppm(days: int, kappa: int) -> int:
    """e^(−κτ) in ppm, rounded up."""
    with localcontext(DECIMAL_34):
        decay = (-Decimal(kappa * max(0, days)) / _YEAR_DAYS).exp() * PPM
        return int(decay.to_integral_value(rounding=ROUND_CEILING))


def _tail_ppm(losses: IntArray) -> int:
    """The mean of the worst hundredth, rounded up: for the record."""
    count = -(-len(losses) // _TAIL)
    return max(0, ceil_div(int(np.sort(losses)[-count:].sum()), count))


def _fallback(fixings: Sequence[int], windows: int) -> str | None:
    if not windows:
        return "no_history"
    if min(fixings) <= 0:
        return "not_positive"
    return "short_history" if windows < _SHORT_MOVES else None
