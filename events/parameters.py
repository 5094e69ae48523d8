"""The parameters that `configure` may set: name, type, default, source (RULEBOOK, lines marked D).

In: the text of a value. Out: whether it is valid; names of `margin_model` are checked against
risk/margin_models.py by `control/0`. A parameter takes effect with the opening of the first session
on or after its effective date; until then, and without a command, the default holds.
Scope: "product" values belong to a product, "compute" values to one of hours of GPUs, "house"
values to the clearinghouse as a whole, "any" to either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from events.contracts import PRODUCTS
from events.gpu_table import GPU_TABLE, GPU_TABLE_FORM, is_gpu_table
from events.units import INT64_MAX, PPM, parse_date, parse_time_of_day


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter and the values that it may have."""

    name: str
    kind: str
    default: str
    source: str
    is_valid: Callable[[str], bool]
    scope: Literal["any", "product", "compute", "house"] = "any"

    @property
    def values(self) -> str:
        """The values that it may have, in words, the bounds included."""
        if isinstance(self.is_valid, _IntegerBetween):
            return f"{self.kind} from {self.is_valid.low} to {self.is_valid.high}"
        return self.kind


@dataclass(frozen=True, slots=True)
class _IntegerBetween:
    """Whole numbers in plain notation, both bounds included."""

    low: int
    high: int

    def __call__(self, text: str) -> bool:
        is_plain = text.isascii() and text.isdigit() and len(text) <= len(str(self.high))
        return is_plain and text == str(int(text)) and self.low <= int(text) <= self.high


def _one_of(*choices: str) -> Callable[[str], bool]:
    return lambda text: text in choices


def _is_dates(text: str) -> bool:
    try:
        return all(parse_date(day.removeprefix("-")) for day in text.split(","))
    except ValueError:
        return False


def _is_time_of_day(text: str) -> bool:
    try:
        return parse_time_of_day(text) >= 0
    except ValueError:
        return False


_SHARE: Final = _IntegerBetween(1, PPM)
_DAY: Final = _IntegerBetween(1, 1440)

PARAMETERS: Final[dict[str, Parameter]] = {
    entry.name: entry
    for entry in (
        Parameter("product_in_use", "true", "SIT", "WIRE §2", _one_of("true"), scope="product"),
        Parameter(
            "holidays",
            "dates, comma between, - before a date taken back",
            "",
            "§1 D: 24/5",
            _is_dates,
            scope="house",
        ),
        Parameter("gpu_hour_scu", GPU_TABLE_FORM, GPU_TABLE, "§1 D", is_gpu_table, scope="compute"),
        # A cap below 1/n cannot be met by n providers.
        Parameter("index_cap_ppm", "ppm", "300000", "§2", _IntegerBetween(250_000, PPM)),
        Parameter("index_cap_of_three_ppm", "ppm", "400000", "§2 D", _IntegerBetween(333_334, PPM)),
        Parameter("index_cap_of_two_ppm", "ppm", "500000", "§2 D", _IntegerBetween(500_000, PPM)),
        Parameter("price_fresh_hours", "hours", "36", "§2 D", _IntegerBetween(1, 8760)),
        Parameter("price_hold_factor", "times", "3", "§2 D", _IntegerBetween(2, 1000)),
        Parameter("price_hold_minutes", "minutes", "60", "§2 D", _IntegerBetween(0, 10080)),
        Parameter("price_hold_band_ppm", "ppm", "50000", "§2 D", _IntegerBetween(0, PPM)),
        Parameter("first_price_factor", "times", "100", "§2 D", _IntegerBetween(2, 1_000_000)),
        Parameter("fixing_minutes", "minutes", "60", "§2 D", _DAY),
        Parameter("settlement_window_minutes", "minutes", "5", "§4 D", _DAY),
        # The valid names are those of the table of models (risk/margin_models.py).
        Parameter("margin_model", "name", "scan", "§5 D", bool),
        Parameter(
            "margin_add_ons",
            "none, concentration, jump_to_limit, or both with a comma between",
            "none",
            "§5",
            _one_of("none", "concentration", "jump_to_limit", "concentration,jump_to_limit"),
        ),
        Parameter("margin_alpha_ppm", "ppm", "3000000", "§5 eq. 7", _IntegerBetween(1, 100 * PPM)),
        Parameter("margin_floor_ppm", "ppm", "80000", "§5 eq. 7", _SHARE),
        Parameter("margin_band_ppm", "ppm", "120000", "§5", _SHARE),
        Parameter("margin_days", "days", "2", "§5 D", _IntegerBetween(1, 252)),
        # Art. 28 asks for one of the three at least; the floor covers most for what it costs.
        Parameter("apc_stressed_ppm", "ppm, 0 for none", "0", "§5", _IntegerBetween(0, PPM)),
        Parameter("apc_buffer_ppm", "ppm, 0 for none", "0", "§5", _IntegerBetween(0, PPM)),
        Parameter("apc_floor_days", "days, 0 for none", "2520", "§5", _IntegerBetween(0, 2520)),
        Parameter("shortfall_scenarios", "scenarios", "1000", "§5", _IntegerBetween(100, 10_000)),
        Parameter(
            "scan_product_credit_ppm", "ppm", "0", "§5", _IntegerBetween(0, PPM), scope="house"
        ),
        Parameter("maintenance_ppm", "ppm", "750000", "§5", _SHARE, scope="house"),
        Parameter(
            "call_minutes", "minutes", "60", "§5 D", _IntegerBetween(1, 10080), scope="house"
        ),
        Parameter("call_deadline", "HH:MM", "13:00", "§5 D", _is_time_of_day, scope="house"),
        Parameter(
            "fund_buffer_ppm", "ppm", "100000", "§7 D", _IntegerBetween(0, PPM), scope="house"
        ),
        Parameter(
            "fund_floor_cents",
            "cents",
            "100000000",
            "§7 D",
            _IntegerBetween(0, INT64_MAX),
            scope="house",
        ),
        Parameter(
            "fund_member_floor_cents",
            "cents",
            "1000000",
            "§7",
            _IntegerBetween(0, INT64_MAX),
            scope="house",
        ),
        Parameter(
            "assessment_ppm", "ppm", "1000000", "§7 D", _IntegerBetween(0, 10 * PPM), scope="house"
        ),
        Parameter("first_limit_ppm", "ppm", "150000", "§6", _SHARE),
        Parameter("second_limit_ppm", "ppm", "250000", "§6", _SHARE),
        Parameter("halt_minutes", "minutes", "10", "§6", _DAY),
        Parameter("position_share_ppm", "ppm", "100000", "§6 D", _SHARE),
        Parameter("position_share_beyond_ppm", "ppm", "25000", "§6 D", _SHARE),
        Parameter(
            "position_bracket_cents", "cents", "25000000000", "§6 D", _IntegerBetween(1, INT64_MAX)
        ),
        Parameter(
            "position_floor_cents", "cents", "2500000000", "§6 D", _IntegerBetween(1, INT64_MAX)
        ),
        Parameter("reportable_lots", "lots", "1000000", "§6 D", _IntegerBetween(1, INT64_MAX)),
        Parameter(
            "maker_capital_cents", "cents", "5000000000", "§6", _IntegerBetween(0, INT64_MAX)
        ),
        Parameter("maker_quoted_ppm", "ppm", "800000", "§6", _IntegerBetween(0, PPM)),
        Parameter("maker_lots", "lots", "50", "§6", _IntegerBetween(1, INT64_MAX)),
        Parameter("maker_front_spread_ppm", "ppm", "20000", "§6", _SHARE),
        Parameter("maker_back_spread_ppm", "ppm", "50000", "§6", _SHARE),
    )
}


def is_known_product(product: str) -> bool:
    """Whether the contract table has the product."""
    return product in PRODUCTS
