"""The parameters that `configure` may set: name, type, default, source (RULEBOOK, lines marked D).

In: the text of a value. Out: whether it may stand. A parameter takes effect with the opening of the
first session on or after its effective date; until then, and without a command, the default holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from events.contracts import PRODUCTS
from events.units import INT64_MAX, PPM, parse_date


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that may be configured."""

    name: str
    kind: str
    default: str
    source: str
    is_valid: Callable[[str], bool]
    needs_product: bool = False


def _integer_between(low: int, high: int) -> Callable[[str], bool]:
    def is_valid(text: str) -> bool:
        is_plain = text.isascii() and text.isdigit() and len(text) <= len(str(high))
        return is_plain and low <= int(text) <= high

    return is_valid


def _one_of(*choices: str) -> Callable[[str], bool]:
    return lambda text: text in choices


def _is_dates(text: str) -> bool:
    try:
        return all(parse_date(day) for day in text.split(","))
    except ValueError:
        return False


_SHARE: Final = _integer_between(1, PPM)

PARAMETERS: Final[dict[str, Parameter]] = {
    entry.name: entry
    for entry in (
        Parameter("product_in_use", "true", "SIT", "WIRE §2", _one_of("true"), needs_product=True),
        Parameter("holidays", "dates, comma between", "", "§1 D: 24/5", _is_dates),
        Parameter("margin_model", "name", "paper", "§5", _one_of("paper")),
        Parameter("margin_alpha_ppm", "ppm", "3000000", "§5 eq. 7", _integer_between(1, 100 * PPM)),
        Parameter("margin_floor_ppm", "ppm", "80000", "§5 eq. 7", _SHARE),
        Parameter("margin_band_ppm", "ppm", "120000", "§5", _SHARE),
        Parameter("margin_days", "days", "2", "§5 D", _integer_between(1, 252)),
        Parameter("maintenance_ppm", "ppm", "750000", "§5", _SHARE),
        Parameter("first_limit_ppm", "ppm", "150000", "§6", _SHARE),
        Parameter("second_limit_ppm", "ppm", "250000", "§6", _SHARE),
        Parameter("halt_minutes", "minutes", "10", "§6", _integer_between(1, 1440)),
        Parameter("position_share_ppm", "ppm", "100000", "§6 D", _SHARE),
        Parameter("position_share_beyond_ppm", "ppm", "25000", "§6 D", _SHARE),
        Parameter(
            "position_bracket_cents", "cents", "25000000000", "§6 D", _integer_between(1, INT64_MAX)
        ),
        Parameter(
            "position_floor_cents", "cents", "2500000000", "§6 D", _integer_between(1, INT64_MAX)
        ),
    )
}


def is_known_product(product: str) -> bool:
    """Whether the contract table has the product."""
    return product in PRODUCTS
