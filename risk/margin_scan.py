"""The margin model `scan`: 16 scenarios of price by side and expiry (RULEBOOK §5).

In: the fixings of the product's index, the contract's own price, the days to expiry of the listed
contracts. Out: the loss of a lot in each scenario.

The scan range says how far the index may move in two days, by side. A scenario is a shape, down by
the range of long positions or up by that of short ones. Under `parallel` every contract moves by
the whole range. Under a tent one of the contracts, the peak, does, and any other by the range less
the charge of a spread between the two; the peaks stand at ranks 0 to 5 and at the last. So

- an outright position is asked exactly the range of its side;
- a spread with a leg at a peak is asked its charge, and one without what tents tell apart: the last
  serial month and the quarters behind it lie further from the peak at rank 5 one by one;
- a butterfly round a peak is asked the charges of both its wings;
- a requirement is the greatest of linear functions: it grows with a multiple of all positions as
  they do, and two accounts together are never asked more than apart.

A tent ends at 0: a charge beyond the range would make a spread dearer than its legs.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal, localcontext
from functools import lru_cache
from typing import Final

from events.units import PPM, ceil_div
from risk.margin import ContractHistory, Measure, axis_of
from risk.tail_range import FLOOR_PPM, tail_range
from risk.volatility import DECIMAL_34

_PEAKS: Final = (0, 1, 2, 3, 4, 5, -1)
SCAN_NAMES: Final = tuple(
    f"{shape}_{way}"
    for shape in ("parallel", *(f"rank_{peak}" for peak in _PEAKS[:-1]), "last")
    for way in ("down", "up")
)
_AXIS: Final = f"scan/{len(SCAN_NAMES)}"

# The least charge of a spread, as a share of the range and in ticks: calendar spreads of months
# that are far away hardly move by any κ, and yet are traded at a spread of ticks.
_CHARGE_MIN_PPM: Final = 100_000
_CHARGE_MIN_TICKS: Final = 2
# Speeds of mean reversion a year: measured 4.1 ± 1.7, and none at all is not rejected.
_KAPPA_MAX: Final = 5
_YEAR_DAYS: Final = 365


def scan_losses(history: ContractHistory, settings: Mapping[str, int]) -> Measure:
    """The 16 losses of a lot, in the order of SCAN_NAMES. settings: none.

    Law: 0 < long ≤ 100 %, 0 < short ≤ 300 %, whatever the history. A long position is not asked for
    more than leaves a price of one tick, but for the floor.
    """
    assert not settings, f"expected no settings, found {settings}"
    scan = tail_range(history.fixings)
    price = max(1, history.settlements[-1]) if history.settlements else None
    long_ppm, tick_ppm = scan.long_ppm, 0
    if price is not None:
        long_ppm = min(long_ppm, max(FLOOR_PPM, (price - 1) * PPM // price))
        tick_ppm = ceil_div(PPM, price)
    shocks = []
    for share_ppm in (0, *_charges(history)):
        for range_ppm, sign in ((long_ppm, 1), (scan.short_ppm, -1)):
            charge_ppm = ceil_div(range_ppm * share_ppm, PPM)
            if share_ppm:
                charge_ppm = max(charge_ppm, _CHARGE_MIN_TICKS * tick_ppm)
            shocks.append(sign * max(0, range_ppm - charge_ppm))
    axis = axis_of(history, f"{_AXIS}/{history.product}")
    evidence = scan._asdict() | {"long_ppm": long_ppm}
    return Measure(axis, tuple(shocks), evidence, evidence.pop("fallback"))


def spread_charge_ppm(near_days: int, far_days: int) -> int:
    """The charge of a spread between two expiries, as a share of the range in ppm, rounded up.

    max(10 %, sup over κ in [0, 5] of e^(−κτ₁) − e^(−κτ₂)), days to expiry over 365: what a move
    that decays at any such speed would do to the spread. The sup is a distance, and so is the
    charge: that of a pair is at most what two pairs by way of a third are charged.
    """
    near, far = sorted((max(0, near_days), max(0, far_days)))
    return max(_CHARGE_MIN_PPM, _decay_ppm(near, far))


@lru_cache(maxsize=65_536)
def _decay_ppm(near: int, far: int) -> int:
    if near == far:
        return 0
    with localcontext(DECIMAL_34):
        first, second = (Decimal(days) / _YEAR_DAYS for days in (near, far))
        # The derivative is zero at κ = ln(τ₂/τ₁) / (τ₂ − τ₁).
        kappa = Decimal(_KAPPA_MAX)
        if near:
            kappa = min(kappa, (second / first).ln() / (second - first))
        decay = (-kappa * first).exp() - (-kappa * second).exp()
        return int((decay * PPM).to_integral_value(rounding=ROUND_CEILING))


def _charges(history: ContractHistory) -> list[int]:
    """The charge between the contract and each peak, 0 where it is the peak itself."""
    ladder = history.ladder_days or (history.days_left,)
    peaks = [min(peak, len(ladder) - 1) if peak >= 0 else len(ladder) - 1 for peak in _PEAKS]
    rank = min(history.rank, len(ladder) - 1)
    return [0 if peak == rank else spread_charge_ppm(ladder[rank], ladder[peak]) for peak in peaks]
