"""What of the index may be configured: caps, freshness, the hold, the fixing (RULEBOOK §2).

In: the control books and a product. Out: the rules in force, fixed for a session.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from events.units import HOUR_NS, MINUTE_NS, PPM
from settlement.control_books import ControlBooks


@dataclass(frozen=True, slots=True)
class IndexRules:
    """The rules of one product's index, as they are configured.

    cap: the largest weight of a provider among four or more, three, two. A price that moves by more
    than the factor is held until a report, so many minutes later, repeats it within the band.
    """

    cap_ppm: int
    cap_of_three_ppm: int
    cap_of_two_ppm: int
    fresh_hours: int
    hold_factor: int
    hold_minutes: int
    hold_band_ppm: int
    fixing_minutes: int

    def cap_of(self, providers: int) -> Fraction:
        """The cap that holds for so many providers; fewer than four cannot meet 30 %."""
        relaxed = {1: PPM, 2: self.cap_of_two_ppm, 3: self.cap_of_three_ppm}
        return Fraction(relaxed.get(providers, self.cap_ppm), PPM)

    @property
    def fresh_ns(self) -> int:
        """How long a price is fresh, both ends included."""
        return self.fresh_hours * HOUR_NS

    @property
    def hold_ns(self) -> int:
        """How much later a report confirms a held price, at least."""
        return self.hold_minutes * MINUTE_NS

    @property
    def hold_band(self) -> Fraction:
        """How far from the held price a report still repeats it, as a share of it."""
        return Fraction(self.hold_band_ppm, PPM)

    @property
    def fixing_ns(self) -> int:
        """How long before the close the fixing looks at the index."""
        return self.fixing_minutes * MINUTE_NS


def index_rules(control: ControlBooks, product: str) -> IndexRules:
    """The rules in force for a product."""
    return IndexRules(
        cap_ppm=control.parameter("index_cap_ppm", product),
        cap_of_three_ppm=control.parameter("index_cap_of_three_ppm", product),
        cap_of_two_ppm=control.parameter("index_cap_of_two_ppm", product),
        fresh_hours=control.parameter("price_fresh_hours", product),
        hold_factor=control.parameter("price_hold_factor", product),
        hold_minutes=control.parameter("price_hold_minutes", product),
        hold_band_ppm=control.parameter("price_hold_band_ppm", product),
        fixing_minutes=control.parameter("fixing_minutes", product),
    )


DEFAULT_RULES: Final = index_rules(ControlBooks(), "")
