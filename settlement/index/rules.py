"""The configurable rules of the index: caps, freshness, the hold, the fixing (RULEBOOK §2).

In: the parameters in force for a product. Out: its rules, fixed for a session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from events.parameters import PARAMETERS
from events.units import HOUR_NS, MINUTE_NS, PPM


@dataclass(frozen=True, slots=True)
class IndexRules:
    """The configured rules of one product's index.

    cap: the largest weight of a provider among four or more, three, two. A price that moves by more
    than hold_factor is held until a report at least hold_minutes later repeats it within the band.
    So is a model's first price beyond first_price_factor of the index, either way.
    """

    cap_ppm: int
    cap_of_three_ppm: int
    cap_of_two_ppm: int
    fresh_hours: int
    hold_factor: int
    hold_minutes: int
    hold_band_ppm: int
    first_price_factor: int
    fixing_minutes: int

    def cap_of(self, providers: int) -> Fraction:
        """The cap for a number of providers; fewer than four cannot meet 30 %."""
        relaxed = {1: PPM, 2: self.cap_of_two_ppm, 3: self.cap_of_three_ppm}
        return Fraction(relaxed.get(providers, self.cap_ppm), PPM)

    @property
    def fresh_ns(self) -> int:
        """The time for which a price is fresh, both ends included."""
        return self.fresh_hours * HOUR_NS

    @property
    def hold_ns(self) -> int:
        """The least time after which a report confirms a held price."""
        return self.hold_minutes * MINUTE_NS

    @property
    def hold_band(self) -> Fraction:
        """The largest distance of a repeat from the held price, as a share of it."""
        return Fraction(self.hold_band_ppm, PPM)

    @property
    def fixing_ns(self) -> int:
        """The window of the fixing before the close."""
        return self.fixing_minutes * MINUTE_NS


def index_rules(parameter: Callable[[str], int]) -> IndexRules:
    """The rules by the parameters in force. parameter: from a name to its value."""
    return IndexRules(
        cap_ppm=parameter("index_cap_ppm"),
        cap_of_three_ppm=parameter("index_cap_of_three_ppm"),
        cap_of_two_ppm=parameter("index_cap_of_two_ppm"),
        fresh_hours=parameter("price_fresh_hours"),
        hold_factor=parameter("price_hold_factor"),
        hold_minutes=parameter("price_hold_minutes"),
        hold_band_ppm=parameter("price_hold_band_ppm"),
        first_price_factor=parameter("first_price_factor"),
        fixing_minutes=parameter("fixing_minutes"),
    )


DEFAULT_RULES: Final = index_rules(lambda name: int(PARAMETERS[name].default))
